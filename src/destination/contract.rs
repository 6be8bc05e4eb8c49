//! Tests of the behaviour on which the pipeline relies, for every destination: the service in
//! memory, and the client of each service against the emulator over HTTP.

mod archive;
mod jobs;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use tempfile::TempDir;
use url::Url;

use super::archive::Shown;
use super::workday::Workday;
use super::*;
use crate::digest::sha256;
use crate::emulator::{self, AttachmentSettings, Emulator};
use crate::http::Network;
use crate::http::api::KeyHeader;
use crate::memory_service::{Memory, Rules};
use crate::model::{ObjectRef, ObjectType};
use crate::root::{Opened, Root};

/// File to send, with its checked content.
struct File {
    source: Source,
    content: Content,
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> File {
    std::fs::write(folder.join(name), bytes).unwrap();
    let root = Root::at(folder).unwrap();
    let Opened { stamp, .. } = root.open(name).unwrap();
    let sha256 = sha256(bytes);
    File {
        source: Source::new(Arc::new(root), name.to_owned()),
        content: Content { stamp, sha256 },
    }
}

fn new(external_id: &str) -> NewAttachment {
    let file = NewFile {
        external_id: ExternalId::parse(external_id).unwrap(),
        file_name: "Müller & Söhne (2).pdf".into(),
        title: None,
    };
    NewAttachment {
        object: ObjectRef::parse(ObjectType::SupplierCompany, "12").unwrap(),
        file,
    }
}

fn named(external_id: &str) -> Names {
    let text = |text: &str| Shown::Text {
        value: text.into(),
        words: text.into(),
    };
    Names {
        external_id: text(external_id),
        title: text("Müller & Söhne (2).pdf"),
    }
}

/// Creates an attachment. Returns its id and the address for its bytes.
async fn create<D: AttachmentApi>(service: &D, new: &NewAttachment) -> (AttachmentId, D::Target) {
    let CreatedAttachment { id, place } = service.create(new).await.unwrap();
    assert_eq!(place.file_name, new.file.file_name);
    (id, place.target.unwrap())
}

async fn keeps_the_contract<D: AttachmentApi>(service: &D) {
    let folder = TempDir::new().unwrap();
    let small = file(folder.path(), "small.pdf", b"small");
    let large = file(folder.path(), "large.pdf", &vec![7; 700_000]);
    what_is_not_there_is_absent(service).await;
    a_record_is_pending_until_its_bytes_are_there(service, &small).await;
    an_odd_external_id_is_found_again(service).await;
    a_second_record_with_the_same_external_id_is_refused(service).await;
    a_new_address_detaches_what_was_stored(service, &small, &large).await;
}

async fn what_is_not_there_is_absent<D: AttachmentApi>(service: &D) {
    let nobody = AttachmentId::parse("987654").unwrap();
    assert_eq!(service.get(&nobody).await, Ok(Presence::Absent));
    let nothing = ExternalId::parse("nothing").unwrap();
    assert_eq!(service.find(&nothing).await, Ok(Presence::Absent));
    assert_eq!(
        service.list(std::slice::from_ref(&nobody)).await,
        Ok(HashMap::new())
    );
    let renewed = service.renew(&nobody, "a.pdf", None).await;
    assert!(matches!(renewed, Err(Failure::Refused(_))));
}

async fn a_record_is_pending_until_its_bytes_are_there<D: AttachmentApi>(service: &D, file: &File) {
    let new = new("pending");
    let (id, target) = create(service, &new).await;
    let pending = || Ok::<_, Failure>(Presence::Pending { id: id.clone() });
    assert_eq!(service.get(&id).await, pending());
    assert_eq!(service.find(&new.file.external_id).await, pending());
    let listed = service.list(std::slice::from_ref(&id)).await;
    assert_eq!(
        listed,
        Ok(HashMap::from([(id.clone(), pending().unwrap())]))
    );

    put(service, &target, file).await;
    let size = file.content.stamp.size;
    let stored = || {
        Ok::<_, Failure>(Presence::Stored {
            id: id.clone(),
            size,
            names: named("pending"),
        })
    };
    assert_eq!(service.get(&id).await, stored());
    assert_eq!(service.find(&new.file.external_id).await, stored());
    let listed = service.list(std::slice::from_ref(&id)).await;
    assert_eq!(listed, Ok(HashMap::from([(id.clone(), stored().unwrap())])));
}

async fn put<D: Destination>(service: &D, target: &D::Target, file: &File) {
    let sent = std::sync::atomic::AtomicU64::new(0);
    let count = |bytes| {
        sent.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    let put = service.put(target, &file.source, &file.content, &count);
    assert_eq!(put.await, Ok(Receipt::Checksummed));
    assert_eq!(sent.into_inner(), file.content.stamp.size);
}

async fn an_odd_external_id_is_found_again<D: AttachmentApi>(service: &D) {
    for odd in ["CTR$1", "a/b", "50% + ü?#&=", "%2E", "契約 7", "a;b,c:d@e"] {
        let new = new(odd);
        let (id, _) = create(service, &new).await;
        let found = service.find(&new.file.external_id).await;
        assert_eq!(found, Ok(Presence::Pending { id }), "{odd}");
    }
}

async fn a_second_record_with_the_same_external_id_is_refused<D: AttachmentApi>(service: &D) {
    let new = new("twice");
    let (id, _) = create(service, &new).await;
    let second = service.create(&new).await;
    assert!(matches!(second, Err(Failure::Refused(_))));
    let found = service.find(&new.file.external_id).await;
    assert_eq!(found, Ok(Presence::Pending { id }));
}

async fn a_new_address_detaches_what_was_stored<D: AttachmentApi>(
    service: &D,
    small: &File,
    large: &File,
) {
    let (id, old) = create(service, &new("renewed")).await;
    put(service, &old, small).await;
    let fresh = service.renew(&id, "b.pdf", None).await.unwrap();
    assert_eq!(fresh.file_name, "b.pdf");
    let fresh = fresh.target.unwrap();
    let pending = || Ok::<_, Failure>(Presence::Pending { id: id.clone() });
    assert_eq!(service.get(&id).await, pending());
    put(service, &old, small).await;
    assert_eq!(
        service.get(&id).await,
        pending(),
        "an old address leads nowhere"
    );
    put(service, &fresh, small).await;
    put(service, &fresh, large).await;
    let size = large.content.stamp.size;
    let stored = Presence::Stored {
        id: id.clone(),
        size,
        names: named("renewed"),
    };
    assert_eq!(service.get(&id).await, Ok(stored), "the last PUT counts");
}

#[tokio::test(start_paused = true)]
async fn the_service_in_memory_keeps_the_contract() {
    let memory = Memory::new(Rules::default());
    keeps_the_contract(&memory).await;
    archive::shows_what_it_keeps(&memory, |bytes| sha256(bytes).0.to_vec()).await;
}

async fn emulated() -> (Emulator, Workday) {
    let settings = emulator::Settings {
        attachments: AttachmentSettings {
            rate: NonZeroU32::new(10_000).unwrap(),
            ..AttachmentSettings::default()
        },
        ..emulator::Settings::default()
    };
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let emulator = Emulator::start(here, settings).await.unwrap();
    let keys = ["x-api-key", "x-user-token", "x-user-email"]
        .map(|name| KeyHeader::plain(name, SecretString::from("key".to_owned())));
    let base = Url::parse(&emulator.base_url()).unwrap();
    (
        emulator,
        Workday::new(base, &keys, &Network::default()).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_service_keeps_the_contract() {
    let (_emulator, workday) = emulated().await;
    keeps_the_contract(&workday).await;
    archive::shows_what_it_keeps(&workday, <[u8]>::to_vec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_what_was_checked_is_never_stored() {
    let (emulator, workday) = emulated().await;
    let folder = TempDir::new().unwrap();
    let bytes = vec![1; 600_000];
    let checked = file(folder.path(), "a.pdf", &bytes);
    let other_bytes = Content {
        sha256: sha256(b"other"),
        ..checked.content
    };
    let older = Content {
        stamp: crate::model::FileStamp {
            modified: jiff::Timestamp::UNIX_EPOCH,
            ..checked.content.stamp
        },
        ..checked.content
    };
    for (external_id, content) in [("other", other_bytes), ("older", older)] {
        let (_, target) = create(&workday, &new(external_id)).await;
        let put = workday.put(&target, &checked.source, &content, &|_| {});
        assert!(matches!(put.await, Err(PutFailure::SourceChanged(_))));
    }
    assert_eq!(emulator::stored(emulator.state()).unwrap().len(), 0);
}
