//! Tests of the behaviour on which the pipeline relies, for every destination: the service in
//! memory, and the client of each service against the emulator over HTTP.

mod job_contract;
mod metadata_contract;
mod object_contract;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;
use tempfile::TempDir;
use url::Url;

use super::attachment_metadata::Reported;
use super::workday::WorkdayClient;
use super::*;
use crate::digest::sha256;
use crate::emulator::{self, AttachmentSettings, CatalogueObject, Emulator, ExistingObjects};
use crate::http::NetworkConfig;
use crate::http::api::KeyHeader;
use crate::memory_service::object_catalog::MemoryObject;
use crate::memory_service::{AttachmentServiceRules, MemoryAttachmentService};
use crate::model::{ObjectRef, ObjectType};
use crate::root::{OpenedFile, Root};

/// File to send, with its checked content.
struct FileToUpload {
    source: UploadSource,
    content: CheckedContent,
}

fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> FileToUpload {
    std::fs::write(folder.join(name), bytes).unwrap();
    let root = Root::from_path(folder).unwrap();
    let OpenedFile { stamp, .. } = root.open_file(name).unwrap();
    let sha256 = sha256(bytes);
    FileToUpload {
        source: UploadSource::new(Arc::new(root), name.to_owned()),
        content: CheckedContent { stamp, sha256 },
    }
}

fn new_attachment(external_id: &str) -> NewAttachment {
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

/// Returns a record without bytes, with a file name and the first file name as its title.
fn pending(id: AttachmentId, file_name: &str) -> AttachmentPresence {
    AttachmentPresence::Pending {
        id,
        made_as: MadeNames {
            file_name: Reported::from_own_text(file_name),
            title: Reported::from_own_text("Müller & Söhne (2).pdf"),
        },
    }
}

fn names_with_external_id(external_id: &str) -> AttachmentNames {
    let text = |text: &str| Reported::Text {
        value: text.into(),
        redacted: text.into(),
    };
    AttachmentNames {
        external_id: text(external_id),
        title: text("Müller & Söhne (2).pdf"),
    }
}

/// Creates an attachment. Returns its id and the address for its bytes.
async fn create_attachment<D: AttachmentApi>(
    service: &D,
    new: &NewAttachment,
) -> (AttachmentId, D::Target) {
    let CreatedAttachment {
        id,
        upload_target: place,
    } = service.create(new).await.unwrap();
    assert_eq!(place.file_name, new.file.file_name);
    (id, place.target.unwrap())
}

async fn keeps_the_contract<D: AttachmentApi>(service: &D) {
    let folder = TempDir::new().unwrap();
    let small = write_file(folder.path(), "small.pdf", b"small");
    let large = write_file(folder.path(), "large.pdf", &vec![7; 700_000]);
    what_is_not_there_is_absent(service).await;
    a_record_is_pending_until_its_bytes_are_there(service, &small).await;
    an_odd_external_id_is_found_again(service).await;
    a_second_record_with_the_same_external_id_is_refused(service).await;
    a_new_address_detaches_what_was_stored(service, &small, &large).await;
}

async fn what_is_not_there_is_absent<D: AttachmentApi>(service: &D) {
    let nobody = AttachmentId::parse("987654").unwrap();
    assert_eq!(
        service.get_by_id(&nobody).await,
        Ok(AttachmentPresence::Absent)
    );
    let nothing = ExternalId::parse("nothing").unwrap();
    assert_eq!(
        service.get_by_external_id(&nothing).await,
        Ok(AttachmentPresence::Absent)
    );
    assert_eq!(
        service.list(std::slice::from_ref(&nobody)).await,
        Ok(HashMap::new())
    );
    let renewed = service.renew_upload_target(&nobody, "a.pdf", None).await;
    assert!(matches!(renewed, Err(ApiFailure::Refused(_))));
}

async fn a_record_is_pending_until_its_bytes_are_there<D: AttachmentApi>(
    service: &D,
    file: &FileToUpload,
) {
    let new = new_attachment("pending");
    let (id, target) = create_attachment(service, &new).await;
    let pending = || Ok::<_, ApiFailure>(pending(id.clone(), "Müller & Söhne (2).pdf"));
    assert_eq!(service.get_by_id(&id).await, pending());
    assert_eq!(
        service.get_by_external_id(&new.file.external_id).await,
        pending()
    );
    let listed = service.list(std::slice::from_ref(&id)).await;
    assert_eq!(
        listed,
        Ok(HashMap::from([(id.clone(), pending().unwrap())]))
    );

    put_whole_file(service, &target, file).await;
    let size = file.content.stamp.size;
    let stored = || {
        Ok::<_, ApiFailure>(AttachmentPresence::Stored {
            id: id.clone(),
            size,
            names: names_with_external_id("pending"),
        })
    };
    assert_eq!(service.get_by_id(&id).await, stored());
    assert_eq!(
        service.get_by_external_id(&new.file.external_id).await,
        stored()
    );
    let listed = service.list(std::slice::from_ref(&id)).await;
    assert_eq!(listed, Ok(HashMap::from([(id.clone(), stored().unwrap())])));
}

async fn put_whole_file<D: Destination>(service: &D, target: &D::Target, file: &FileToUpload) {
    let sent = std::sync::atomic::AtomicU64::new(0);
    let count = |bytes| {
        sent.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    let put = service.put_file(target, &file.source, &file.content, &count);
    assert_eq!(put.await, Ok(PutReceipt::Md5Confirmed));
    assert_eq!(sent.into_inner(), file.content.stamp.size);
}

async fn an_odd_external_id_is_found_again<D: AttachmentApi>(service: &D) {
    for odd in ["CTR$1", "a/b", "50% + ü?#&=", "%2E", "契約 7", "a;b,c:d@e"] {
        let new = new_attachment(odd);
        let (id, _) = create_attachment(service, &new).await;
        let found = service.get_by_external_id(&new.file.external_id).await;
        assert_eq!(found, Ok(pending(id, "Müller & Söhne (2).pdf")), "{odd}");
    }
}

async fn a_second_record_with_the_same_external_id_is_refused<D: AttachmentApi>(service: &D) {
    let new = new_attachment("twice");
    let (id, _) = create_attachment(service, &new).await;
    let second = service.create(&new).await;
    assert!(matches!(second, Err(ApiFailure::Refused(_))));
    let found = service.get_by_external_id(&new.file.external_id).await;
    assert_eq!(found, Ok(pending(id, "Müller & Söhne (2).pdf")));
}

async fn a_new_address_detaches_what_was_stored<D: AttachmentApi>(
    service: &D,
    small: &FileToUpload,
    large: &FileToUpload,
) {
    let (id, old) = create_attachment(service, &new_attachment("renewed")).await;
    put_whole_file(service, &old, small).await;
    let fresh = service
        .renew_upload_target(&id, "b.pdf", None)
        .await
        .unwrap();
    assert_eq!(fresh.file_name, "b.pdf");
    let fresh = fresh.target.unwrap();
    let pending = || Ok::<_, ApiFailure>(pending(id.clone(), "b.pdf"));
    assert_eq!(service.get_by_id(&id).await, pending());
    put_whole_file(service, &old, small).await;
    assert_eq!(
        service.get_by_id(&id).await,
        pending(),
        "an old address leads nowhere"
    );
    put_whole_file(service, &fresh, small).await;
    put_whole_file(service, &fresh, large).await;
    let size = large.content.stamp.size;
    let stored = AttachmentPresence::Stored {
        id: id.clone(),
        size,
        names: names_with_external_id("renewed"),
    };
    assert_eq!(
        service.get_by_id(&id).await,
        Ok(stored),
        "the last PUT counts"
    );
}

#[tokio::test(start_paused = true)]
async fn the_service_in_memory_keeps_the_contract() {
    let memory = MemoryAttachmentService::new(AttachmentServiceRules::default());
    memory.add_objects(
        object_contract::records()
            .into_iter()
            .map(|(object, external_id)| MemoryObject {
                external_id: Some(external_id),
                ..MemoryObject::new(object)
            }),
    );
    keeps_the_contract(&memory).await;
    object_contract::keeps_the_contract_of_objects(&memory).await;
    metadata_contract::keeps_the_contract_of_metadata(&memory, |bytes| sha256(bytes).0.to_vec())
        .await;
}

async fn start_emulator() -> (Emulator, WorkdayClient) {
    let settings = emulator::EmulatorSettings {
        attachments: AttachmentSettings {
            requests_per_second: NonZeroU32::new(10_000).unwrap(),
            existing_objects: ExistingObjects::Catalogue(
                object_contract::records()
                    .iter()
                    .map(|(object, external_id)| CatalogueObject::new(*object, external_id))
                    .collect(),
            ),
            ..AttachmentSettings::default()
        },
        ..emulator::EmulatorSettings::default()
    };
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let emulator = Emulator::start(here, settings).await.unwrap();
    let keys = ["x-api-key", "x-user-token", "x-user-email"]
        .map(|name| KeyHeader::plain(name, SecretString::from("key".to_owned())));
    let base = Url::parse(&emulator.base_url()).unwrap();
    (
        emulator,
        WorkdayClient::new(base, &keys, &NetworkConfig::default()).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_the_service_keeps_the_contract() {
    let (_emulator, workday) = start_emulator().await;
    keeps_the_contract(&workday).await;
    object_contract::keeps_the_contract_of_objects(&workday).await;
    metadata_contract::keeps_the_contract_of_metadata(&workday, <[u8]>::to_vec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_what_was_checked_is_never_stored() {
    let (emulator, workday) = start_emulator().await;
    let folder = TempDir::new().unwrap();
    let bytes = vec![1; 600_000];
    let checked = write_file(folder.path(), "a.pdf", &bytes);
    let other_bytes = CheckedContent {
        sha256: sha256(b"other"),
        ..checked.content
    };
    let older = CheckedContent {
        stamp: crate::model::FileStamp {
            modified: jiff::Timestamp::UNIX_EPOCH,
            ..checked.content.stamp
        },
        ..checked.content
    };
    for (external_id, content) in [("other", other_bytes), ("older", older)] {
        let (_, target) = create_attachment(&workday, &new_attachment(external_id)).await;
        let put = workday.put_file(&target, &checked.source, &content, &|_| {});
        assert!(matches!(put.await, Err(PutFailure::SourceChanged(_))));
    }
    assert_eq!(
        emulator::stored_attachments(emulator.state_path())
            .unwrap()
            .len(),
        0
    );
}
