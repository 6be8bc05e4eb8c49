//! Tests of metadata and downloads, for every service which keeps attachments.

use std::collections::HashMap;
use std::io::Cursor;
use std::slice;

use tempfile::TempDir;

use super::{create_attachment, new_attachment, put_whole_file, write_file};
use crate::destination::AttachmentApi;
use crate::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata, Reported};
use crate::digest::sha256;
use crate::http::{DigestedBytes, FetchFailure, FetchedContent};
use crate::model::AttachmentId;

/// `stands_for` maps a file's bytes to the bytes which the service hands on in a download: the same
/// bytes if the service keeps them.
pub(super) async fn keeps_the_contract_of_metadata<D: AttachmentApi>(
    service: &D,
    stands_for: fn(&[u8]) -> Vec<u8>,
) {
    let folder = TempDir::new().unwrap();
    let file = write_file(folder.path(), "shown.pdf", b"shown to whoever asks");
    let nobody = AttachmentId::parse("987654").unwrap();
    assert_eq!(
        service.list_metadata(slice::from_ref(&nobody)).await,
        Ok(HashMap::new())
    );
    assert_eq!(service.get_download(&nobody).await, Ok(None));

    let (id, target) = create_attachment(service, &new_attachment("shown")).await;
    let ids = [nobody, id.clone()];
    let listed = service.list_metadata(&ids).await.unwrap();
    assert_eq!(
        listed,
        HashMap::from([(id.clone(), expected_metadata(None))])
    );
    let AttachmentDownload {
        metadata: shown,
        download_target: place,
    } = service.get_download(&id).await.unwrap().unwrap();
    assert_eq!(shown, expected_metadata(None));
    assert!(place.is_err(), "there is nothing to be had yet");

    put_whole_file(service, &target, &file).await;
    let size = file.content.stamp.size;
    let listed = service.list_metadata(&ids).await.unwrap();
    let uploaded_at = listed[&id].uploaded_at.clone();
    assert!(uploaded_at.value().is_some(), "it tells when they came");
    let stored = AttachmentMetadata {
        uploaded_at,
        ..expected_metadata(Some(size))
    };
    assert_eq!(listed, HashMap::from([(id.clone(), stored.clone())]));
    let original = service.get_download(&id).await.unwrap().unwrap();
    assert_eq!(original.metadata, stored);
    let place = original.download_target.unwrap();
    let whole = FetchedContent::File(DigestedBytes {
        size,
        sha256: sha256(b"shown to whoever asks"),
    });
    let kept = stands_for(b"shown to whoever asks");
    assert_eq!(download(service, &place, size).await, (whole, size, kept));
    let (cut, received, _) = download(service, &place, size - 1).await;
    assert_eq!(cut, FetchedContent::TooLong);
    assert!(received >= size);
    let mut room = [0; 3];
    let nowhere = &mut Cursor::new(room.as_mut_slice());
    let full = service.download(&place, size, nowhere, &|_| {}).await;
    assert!(matches!(full, Err(FetchFailure::NotWritten(_))), "{full:?}");
}

/// Returns the result of a download, the number of bytes which it reported, and the bytes which it
/// wrote.
async fn download<D: AttachmentApi>(
    service: &D,
    place: &D::Target,
    most: u64,
) -> (FetchedContent, u64, Vec<u8>) {
    let received = std::sync::atomic::AtomicU64::new(0);
    let count = |bytes| {
        received.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    let mut into = Vec::new();
    let fetched = service
        .download(place, most, &mut into, &count)
        .await
        .unwrap();
    (fetched, received.into_inner(), into)
}

fn expected_metadata(size: Option<u64>) -> AttachmentMetadata {
    let text = |text: &str| Reported::Text {
        value: text.into(),
        redacted: text.into(),
    };
    AttachmentMetadata {
        external_id: text("shown"),
        title: text("Müller & Söhne (2).pdf"),
        file_name: text("Müller & Söhne (2).pdf"),
        uploaded_at: Reported::NotReported,
        size,
    }
}
