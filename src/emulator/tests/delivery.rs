//! Tests of answers which are lost, cut or slow, of requests which arrive twice, and of other
//! clients of the same company.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use super::*;
use crate::emulator::{EmulatorError, ExternalIdClashStatus, ExternalIdUniqueness};

/// Returns the status and the fault of each logged request of an operation.
fn logged_outcomes(
    service: &EmulatorFixture,
    operation: EmulatorOperation,
) -> Vec<(Option<u16>, Option<String>)> {
    let log = service.log().into_iter();
    log.filter(|entry| entry.operation == operation)
        .map(|entry| (entry.status, entry.fault))
        .collect()
}

fn outcome(status: u16, fault: &str) -> (Option<u16>, Option<String>) {
    (Some(status), Some(fault.to_owned()))
}

fn create_request(service: &EmulatorFixture) -> RequestBuilder {
    let body = create_body("AT1").to_string();
    service.request(Method::POST, "/attachments").body(body)
}

async fn start_with_fault(operation: EmulatorOperation, effect: FaultEffect) -> EmulatorFixture {
    EmulatorFixture::start(with_fault(operation, FaultTrigger::Nth(1), effect)).await
}

/// Stops the emulator, and checks that the withheld request ends only then.
async fn ends_with_the_emulator(
    service: EmulatorFixture,
    request: JoinHandle<reqwest::Result<reqwest::Response>>,
) {
    assert!(!request.is_finished());
    service.emulator.stop().await;
    let error = request.await.unwrap().expect_err("no answer");
    assert!(!error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn a_withheld_answer_leaves_the_effect_behind_and_the_connection_open() {
    let service = start_with_fault(EmulatorOperation::Create, FaultEffect::WithholdAnswer).await;
    let request = tokio::spawn(create_request(&service).send());
    wait_for(|| service.log().pop()).await;
    assert_eq!(service.get("/attachments/AT1/external_id").await.id(), "1");
    assert_eq!(
        logged_outcomes(&service, EmulatorOperation::Create),
        [outcome(201, "withhold_answer")]
    );
    ends_with_the_emulator(service, request).await;
}

#[tokio::test]
async fn a_truncated_body_has_fewer_bytes_than_its_head_says() {
    let service = start_with_fault(EmulatorOperation::Create, FaultEffect::TruncatedBody).await;
    let response = create_request(&service).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(response.content_length().unwrap() > 100);
    assert!(response.bytes().await.is_err());
    assert_eq!(service.get("/attachments/1").await.status, 200);
}

#[tokio::test]
async fn the_empty_answer_to_an_upload_can_be_truncated_too() {
    let service = start_with_fault(EmulatorOperation::Upload, FaultEffect::TruncatedBody).await;
    let created = service.create("AT1").await;
    let response = service.put(&created, b"hello").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.is_err());
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
}

#[tokio::test]
async fn after_half_of_a_stalled_body_nothing_more_comes() {
    let service = start_with_fault(EmulatorOperation::Create, FaultEffect::StalledBody).await;
    let mut response = create_request(&service).send().await.unwrap();
    let size = response.content_length().unwrap();
    let mut half = Vec::new();
    while (half.len() as u64) < size / 2 {
        half.extend(response.chunk().await.unwrap().unwrap());
    }
    assert_eq!(half.len() as u64, size / 2);
    let rest = tokio::spawn(async move { response.chunk().await });
    assert_eq!(service.get("/attachments/1").await.status, 200);
    assert!(!rest.is_finished());
    service.emulator.stop().await;
    assert!(rest.await.unwrap().is_err());
}

#[tokio::test]
async fn a_trickling_body_comes_byte_by_byte() {
    let service = start_with_fault(EmulatorOperation::Create, FaultEffect::TricklingBody).await;
    let mut response = create_request(&service).send().await.unwrap();
    assert!(response.content_length().unwrap() > 100);
    for byte in [b"{", b"\""] {
        assert_eq!(response.chunk().await.unwrap().unwrap(), byte.as_slice());
    }
}

#[tokio::test]
async fn an_endless_body_begins_as_it_should_and_goes_on_for_ever() {
    let service = start_with_fault(EmulatorOperation::Create, FaultEffect::EndlessBody).await;
    let mut response = create_request(&service).send().await.unwrap();
    assert_eq!(response.content_length(), None);
    let mut body = Vec::new();
    while body.len() < 8 << 20 {
        body.extend(response.chunk().await.unwrap().expect("there is more"));
    }
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(json["data"]["id"], "1");
}

#[tokio::test]
async fn the_download_of_a_file_can_be_truncated() {
    let service = start_with_fault(EmulatorOperation::Download, FaultEffect::TruncatedBody).await;
    service.attach("AT1", b"hello").await;
    let shown = service.get("/attachments/1").await;
    let url = shown.attribute("download_url").as_str().unwrap();
    let first = service.client.get(url).send().await.unwrap();
    assert!(first.bytes().await.is_err());
    let second = service.client.get(url).send().await.unwrap();
    assert_eq!(second.text().await.unwrap(), "hello");
}

#[tokio::test]
async fn an_upload_whose_reading_stalls_neither_ends_nor_stores_anything() {
    let service = start_with_fault(EmulatorOperation::Upload, FaultEffect::StalledRead).await;
    let created = service.create("AT1").await;
    // More bytes than all buffers between client and storage hold.
    let put = put_to(&service.client, created.upload_url(), &created).body(vec![7; 32 << 20]);
    let request = tokio::spawn(put.send());
    let upload = wait_for(|| {
        let mut log = service.log().into_iter();
        log.find(|entry| entry.operation == EmulatorOperation::Upload)
    })
    .await;
    assert_eq!(upload.fault.as_deref(), Some("stalled_read"));
    assert!((16 << 20..32 << 20).contains(&upload.bytes.unwrap()));
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
    ends_with_the_emulator(service, request).await;
}

#[tokio::test]
async fn an_upload_whose_reading_pauses_is_stored_all_the_same() {
    let lasting = std::time::Duration::from_millis(300);
    let service = start_with_fault(
        EmulatorOperation::Upload,
        FaultEffect::PausedRead { pause: lasting },
    )
    .await;
    let created = service.create("AT1").await;
    let began = std::time::Instant::now();
    service.upload(&created, b"hello").await;
    assert!(began.elapsed() >= lasting);
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
}

async fn create_delivered_twice(
    external_ids: ExternalIdUniqueness,
) -> (EmulatorFixture, ApiAnswer) {
    let service = EmulatorFixture::start(EmulatorSettings {
        attachments: AttachmentSettings {
            external_id_uniqueness: external_ids,
            ..unlimited_rate()
        },
        ..with_fault(
            EmulatorOperation::Create,
            FaultTrigger::Nth(1),
            FaultEffect::DeliverTwice,
        )
    })
    .await;
    let answer = service.post(&create_body("AT1")).await;
    (service, answer)
}

#[tokio::test]
async fn a_request_that_comes_twice_clashes_with_itself_where_external_ids_are_unique() {
    let clash = ExternalIdClashStatus::Conflict409;
    let (service, answer) = create_delivered_twice(ExternalIdUniqueness::Unique {
        clash_status: clash,
    })
    .await;
    assert_eq!(answer.status, 409);
    assert_eq!(
        logged_outcomes(&service, EmulatorOperation::Create),
        [outcome(201, "deliver_twice"), outcome(409, "deliver_twice")]
    );
    assert_eq!(service.get("/attachments/AT1/external_id").await.id(), "1");
}

#[tokio::test]
async fn a_request_that_comes_twice_makes_two_records_where_external_ids_are_not_unique() {
    let (service, answer) = create_delivered_twice(ExternalIdUniqueness::NotUnique).await;
    assert_eq!((answer.status, answer.id()), (201, "2"));
    assert_eq!(service.get("/attachments/1").await.status, 200);
    let ids: Vec<_> = service.log().iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [Some(1), Some(2), Some(1)]);
}

#[tokio::test]
async fn an_answer_can_send_the_bytes_elsewhere_with_more_headers() {
    let target = FaultEffect::UploadTarget {
        url: Some("https://me@example.com/x".to_owned()),
        headers: BTreeMap::from([("Authorization".to_owned(), "Bearer canary".to_owned())]),
    };
    let service = start_with_fault(EmulatorOperation::Update, target).await;
    let created = service.create("AT1").await;
    let renewed = service.patch("1", &json!({"file_name": "b.pdf"})).await;
    assert_eq!(renewed.upload_url(), "https://me@example.com/x");
    let mut headers = created.attribute("upload_headers").clone();
    let more = json!({"name": "Authorization", "value": "Bearer canary"});
    headers.as_array_mut().unwrap().push(more);
    assert_eq!(renewed.attribute("upload_headers"), &headers);
    assert_eq!(
        service.get("/attachments/1").await.attribute("file_name"),
        "b.pdf"
    );
}

#[tokio::test]
async fn a_wait_can_be_asked_for_by_a_date() {
    let effect = FaultEffect::Status {
        code: 429,
        retry_after: Some("in 1h".to_owned()),
    };
    let service = start_with_fault(EmulatorOperation::Create, effect).await;
    let refused = service.post(&create_body("AT1")).await;
    let date = refused.headers["retry-after"].to_str().unwrap();
    let at = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    let minutes = at.duration_since(jiff::Timestamp::now()).as_mins();
    assert!((58..=60).contains(&minutes), "{date}");
}

#[tokio::test]
async fn it_is_told_how_often_each_fault_has_fired() {
    let fault = |operation: FaultTarget, when, effect| Fault {
        operation,
        when,
        effect,
    };
    let service = EmulatorFixture::start(EmulatorSettings {
        faults: vec![
            fault(
                FaultTarget::AllApis,
                FaultTrigger::EveryNth(2),
                FaultEffect::Reset,
            ),
            fault(
                FaultTarget::Storage,
                FaultTrigger::Nth(1),
                FaultEffect::Reset,
            ),
        ],
        ..unlimited_settings()
    })
    .await;
    for _ in 0..2 {
        service.get("/attachments/1").await;
        let cut = service.request(Method::GET, "/attachments/1").send().await;
        assert!(cut.is_err());
    }
    let fired = service.emulator.fired_faults();
    let times: Vec<_> = fired
        .iter()
        .map(|one| (one.fault.operation, one.times_fired))
        .collect();
    assert_eq!(
        times,
        [(FaultTarget::AllApis, 2), (FaultTarget::Storage, 0)]
    );
}

#[tokio::test]
async fn the_requests_of_other_clients_are_counted_and_logged() {
    let service = EmulatorFixture::start(with_attachments(AttachmentSettings {
        requests_per_second: NonZeroU32::new(20).unwrap(),
        other_clients_per_second: 10,
        ..AttachmentSettings::default()
    }))
    .await;
    // Requests of other clients are logged with our next request.
    let come = async {
        loop {
            service.get("/attachments/1").await;
            let others = logged_outcomes(&service, EmulatorOperation::OtherClient);
            if others.len() > 2 {
                return others;
            }
        }
    };
    let limit = std::time::Duration::from_mins(1);
    let others = tokio::time::timeout(limit, come).await.unwrap();
    assert!(others.iter().all(|one| *one == (Some(200), None)));
    assert_eq!(
        service.emulator.other_client_requests(),
        others.len() as u64
    );
}

#[tokio::test]
async fn other_clients_that_would_leave_nothing_are_refused() {
    let settings = with_attachments(AttachmentSettings {
        other_clients_per_second: 5,
        ..AttachmentSettings::default()
    });
    let refused = Emulator::start(ANY_LOCAL_PORT, settings).await.unwrap_err();
    assert!(matches!(
        refused,
        EmulatorError::NoRateLeft { others: 5, .. }
    ));
    assert_eq!(
        refused.to_string(),
        "5 requests a second of other clients use up the limit of 5; lower --others, or raise \
         --rate"
    );
}
