//! Tests of metadata and downloads, for every service which keeps attachments.

use std::collections::HashMap;
use std::io::Cursor;
use std::slice;

use tempfile::TempDir;

use super::{create, file, new, put};
use crate::destination::AttachmentApi;
use crate::destination::archive::{Exhibit, Original, Shown};
use crate::digest::sha256;
use crate::http::{Digested, FetchFailure, Fetched};
use crate::model::AttachmentId;

/// `stands_for` maps a file's bytes to the bytes which the service hands on in a download: the same
/// bytes if the service keeps them.
pub(super) async fn shows_what_it_keeps<D: AttachmentApi>(
    service: &D,
    stands_for: fn(&[u8]) -> Vec<u8>,
) {
    let folder = TempDir::new().unwrap();
    let file = file(folder.path(), "shown.pdf", b"shown to whoever asks");
    let nobody = AttachmentId::parse("987654").unwrap();
    assert_eq!(
        service.inspect(slice::from_ref(&nobody)).await,
        Ok(HashMap::new())
    );
    assert_eq!(service.original(&nobody).await, Ok(None));

    let (id, target) = create(service, &new("shown")).await;
    let ids = [nobody, id.clone()];
    let listed = service.inspect(&ids).await.unwrap();
    assert_eq!(listed, HashMap::from([(id.clone(), exhibit(None))]));
    let Original {
        exhibit: shown,
        place,
    } = service.original(&id).await.unwrap().unwrap();
    assert_eq!(shown, exhibit(None));
    assert!(place.is_err(), "there is nothing to be had yet");

    put(service, &target, &file).await;
    let size = file.content.stamp.size;
    let listed = service.inspect(&ids).await.unwrap();
    let uploaded_at = listed[&id].uploaded_at.clone();
    assert!(uploaded_at.value().is_some(), "it tells when they came");
    let stored = Exhibit {
        uploaded_at,
        ..exhibit(Some(size))
    };
    assert_eq!(listed, HashMap::from([(id.clone(), stored.clone())]));
    let original = service.original(&id).await.unwrap().unwrap();
    assert_eq!(original.exhibit, stored);
    let place = original.place.unwrap();
    let whole = Fetched::File(Digested {
        size,
        sha256: sha256(b"shown to whoever asks"),
    });
    let kept = stands_for(b"shown to whoever asks");
    assert_eq!(fetch(service, &place, size).await, (whole, size, kept));
    let (cut, received, _) = fetch(service, &place, size - 1).await;
    assert_eq!(cut, Fetched::Longer);
    assert!(received >= size);
    let mut room = [0; 3];
    let nowhere = &mut Cursor::new(room.as_mut_slice());
    let full = service.fetch(&place, size, nowhere, &|_| {}).await;
    assert!(matches!(full, Err(FetchFailure::NotKept(_))), "{full:?}");
}

/// Returns the result of a download, the number of bytes which it reported, and the bytes which it
/// wrote.
async fn fetch<D: AttachmentApi>(
    service: &D,
    place: &D::Target,
    most: u64,
) -> (Fetched, u64, Vec<u8>) {
    let received = std::sync::atomic::AtomicU64::new(0);
    let count = |bytes| {
        received.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    let mut into = Vec::new();
    let fetched = service.fetch(place, most, &mut into, &count).await.unwrap();
    (fetched, received.into_inner(), into)
}

fn exhibit(size: Option<u64>) -> Exhibit {
    let text = |text: &str| Shown::Text {
        value: text.into(),
        words: text.into(),
    };
    Exhibit {
        external_id: text("shown"),
        title: text("Müller & Söhne (2).pdf"),
        file_name: text("Müller & Söhne (2).pdf"),
        uploaded_at: Shown::NotTold,
        size,
    }
}
