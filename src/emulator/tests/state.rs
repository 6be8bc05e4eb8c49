//! Tests of the state folder, the request log and the end of an emulator.

use std::time::Duration;

use super::*;
use crate::emulator::{EmulatorError, count_by_external_id, stored_attachments};

fn settings_with_state(folder: &tempfile::TempDir) -> EmulatorSettings {
    EmulatorSettings {
        state: Some(folder.path().to_owned()),
        ..unlimited_settings()
    }
}

#[tokio::test]
async fn a_restart_finds_attachments_urls_and_numbers_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let service = EmulatorFixture::start(settings_with_state(&folder)).await;
    service.attach("AT1", b"hello").await;
    let pending = service.create("AT2").await;
    let address = service.emulator.address();
    service.emulator.stop().await;

    let emulator = Emulator::start(address, settings_with_state(&folder))
        .await
        .unwrap();
    let service = EmulatorFixture {
        emulator,
        client: Client::builder().no_proxy().build().unwrap(),
    };
    let shown = service.get("/attachments/AT1/external_id").await;
    assert_eq!(shown.attribute("file_size"), "5");
    let url = shown.attribute("download_url").as_str().unwrap();
    let bytes = service.client.get(url).send().await.unwrap();
    assert_eq!(bytes.text().await.unwrap(), "hello");
    service.upload(&pending, b"late but in time").await;
    assert_eq!(service.create("AT3").await.id(), "3");

    let seqs: Vec<u64> = service.log().iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(seqs.len(), 7);
}

#[tokio::test]
async fn the_number_of_a_purged_record_is_not_given_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || EmulatorSettings {
        attachments: AttachmentSettings {
            purge_after: Duration::ZERO,
            ..unlimited_rate()
        },
        ..settings_with_state(&folder)
    };
    let service = EmulatorFixture::start(settings()).await;
    service.create("AT1").await;
    assert_eq!(service.get("/attachments/1").await.status, 404);
    // A look-up of another number does not use this number up.
    service.get("/attachments/77").await;
    service.emulator.stop().await;
    let service = EmulatorFixture::start(settings()).await;
    assert_eq!(service.create("AT1").await.id(), "2");
}

#[tokio::test]
async fn what_somebody_removed_is_gone_and_its_external_id_is_free_again() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"hello").await;
    service.attach("AT2", b"hello").await;
    assert_eq!(service.emulator.remove_attachment("AT1").unwrap(), Some(1));
    assert_eq!(service.emulator.remove_attachment("AT1").unwrap(), None);
    assert_eq!(service.get("/attachments/1").await.status, 404);
    let listed = service.get("/attachments?filter[id_equals]=1,2").await;
    assert_eq!(listed.json["meta"]["count"], 1);
    assert_eq!(service.create("AT1").await.id(), "3");
}

#[tokio::test]
async fn what_a_kill_left_unfinished_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let incoming = folder.path().join("incoming");
    std::fs::create_dir(&incoming).unwrap();
    std::fs::write(incoming.join("half"), "half an upload").unwrap();
    let _service = EmulatorFixture::start(settings_with_state(&folder)).await;
    assert!(!incoming.join("half").exists());
}

#[tokio::test]
async fn a_state_folder_belongs_to_one_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let first = EmulatorFixture::start(settings_with_state(&folder)).await;
    let refused = Emulator::start(ANY_LOCAL_PORT, settings_with_state(&folder))
        .await
        .unwrap_err();
    assert!(matches!(refused, EmulatorError::InUse { .. }), "{refused}");
    first.emulator.stop().await;
    Emulator::start(ANY_LOCAL_PORT, settings_with_state(&folder))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_record_that_was_damaged_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let service = EmulatorFixture::start(settings_with_state(&folder)).await;
    service.create("AT1").await;
    service.emulator.stop().await;
    std::fs::write(folder.path().join("attachments/1.json"), "{").unwrap();
    let refused = Emulator::start(ANY_LOCAL_PORT, settings_with_state(&folder))
        .await
        .unwrap_err();
    let message = refused.to_string();
    assert!(message.contains("1.json"), "{message}");
    assert!(message.contains("remove the file"), "{message}");
}

#[tokio::test]
async fn a_temporary_state_goes_away_with_its_emulator() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("AT1", b"hello").await;
    let folder = service.emulator.state_path().to_owned();
    assert!(folder.exists());
    service.emulator.stop().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn what_is_stored_can_be_counted_and_compared_while_the_emulator_runs() {
    let settings = with_attachments(AttachmentSettings {
        external_id_uniqueness: crate::emulator::ExternalIdUniqueness::NotUnique,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    service.attach("AT1", b"hello").await;
    service.attach("AT1", b"again").await;
    service.attach("AT2", b"other").await;
    service.create("AT3").await;
    let state = service.emulator.state_path();
    let counts = count_by_external_id(state).unwrap();
    let counts: Vec<_> = counts.iter().map(|(id, n)| (id.as_str(), *n)).collect();
    assert_eq!(counts, [("AT1", 2), ("AT2", 1)]);
    let second = &stored_attachments(state).unwrap()[1];
    assert_eq!((second.id, second.size), (2, 5));
    assert_eq!(second.object, "contract 7");
    assert_eq!(std::fs::read(&second.bytes).unwrap(), b"again");
}

#[tokio::test]
async fn the_log_tells_every_request_and_no_secret() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.attach("AT1", b"hello").await;
    service.get("/attachments?filter[id_equals]=1").await;
    let shown = service.get("/attachments/1").await;
    let url = shown.attribute("download_url").as_str().unwrap();
    service.client.get(url).send().await.unwrap();
    service.get("/attachments/AT1/external_id").await;
    service.patch("1", &json!({"external_id": "AT2"})).await;
    service.get("/nowhere").await;

    let operations: Vec<_> = service
        .log()
        .iter()
        .map(|entry| (entry.operation, entry.id, entry.status, entry.bytes))
        .collect();
    let one = Some(1);
    assert_eq!(
        operations,
        [
            (EmulatorOperation::Create, one, Some(201), None),
            (EmulatorOperation::Upload, one, Some(200), Some(5)),
            (EmulatorOperation::List, None, Some(200), None),
            (EmulatorOperation::Get, one, Some(200), None),
            (EmulatorOperation::Download, one, Some(200), Some(5)),
            (EmulatorOperation::GetByExternalId, one, Some(200), None),
            (EmulatorOperation::Update, one, Some(200), None),
            (EmulatorOperation::Other, None, Some(404), None),
        ]
    );
    let upload = &service.log()[1];
    assert_eq!(upload.external_id.as_deref(), Some("AT1"));
    assert_eq!(upload.object.as_deref(), Some("contract 7"));

    let text = std::fs::read_to_string(service.emulator.log_path()).unwrap();
    let signature = created.upload_url().rsplit_once('=').unwrap().1;
    for secret in ["key-canary", "token-canary", signature, "signature"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("filter[id_equals]=1"));
}

#[tokio::test]
async fn stopping_breaks_off_an_upload_that_is_under_way_and_frees_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let service = EmulatorFixture::start(settings_with_state(&folder)).await;
    let created = service.create("AT1").await;
    // The first piece is sent. The second never comes.
    let first = futures::stream::iter([Ok::<_, std::io::Error>("hello")]);
    let body = futures::StreamExt::chain(first, futures::stream::pending());
    let put = put_to(&service.client, created.upload_url(), &created)
        .header("Content-Length", "10")
        .body(reqwest::Body::wrap_stream(body));
    let upload = tokio::spawn(put.send());
    wait_until_receiving(folder.path()).await;
    let address = service.emulator.address();
    service.emulator.stop().await;
    let last = request_log::read(&folder.path().join("requests.jsonl"))
        .unwrap()
        .pop();
    let last = last.map(|entry| (entry.operation, entry.status));
    assert_eq!(last, Some((EmulatorOperation::Upload, None)));
    upload.await.unwrap().unwrap_err();
    Emulator::start(address, settings_with_state(&folder))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let address = service.emulator.address();
    let refused = Emulator::start(address, unlimited_settings())
        .await
        .unwrap_err();
    let message = refused.to_string();
    assert!(message.contains(&address.to_string()), "{message}");
}

#[tokio::test]
async fn a_dropped_emulator_serves_no_more() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let EmulatorFixture { emulator, client } = service;
    let url = emulator.base_url();
    drop(emulator);
    // The end takes a moment; only its coming matters.
    while client.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}
