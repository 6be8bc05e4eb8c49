//! Tests of scripted faults, as the client and the log see them.

use std::time::Duration;

use super::*;

/// Returns the fault and the status of each logged request of an operation.
fn logged_faults(
    service: &EmulatorFixture,
    operation: EmulatorOperation,
) -> Vec<(Option<String>, Option<u16>)> {
    let log = service.log().into_iter();
    log.filter(|entry| entry.operation == operation)
        .map(|entry| (entry.fault, entry.status))
        .collect()
}

fn fired_with_status(name: &str, status: Option<u16>) -> (Option<String>, Option<u16>) {
    (Some(name.to_owned()), status)
}

async fn is_cut(request: RequestBuilder) -> bool {
    let error = request.send().await.expect_err("no answer");
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    true
}

fn create_request(service: &EmulatorFixture) -> RequestBuilder {
    let body = create_body("AT1").to_string();
    service.request(Method::POST, "/attachments").body(body)
}

#[tokio::test]
async fn a_lost_answer_leaves_the_effect_behind() {
    let settings = with_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(1),
        FaultEffect::LoseAnswer,
    );
    let service = EmulatorFixture::start(settings).await;
    assert!(is_cut(create_request(&service)).await);
    let found = service.get("/attachments/AT1/external_id").await;
    assert_eq!(found.id(), "1");
    assert_eq!(
        logged_faults(&service, EmulatorOperation::Create),
        [fired_with_status("lose_answer", Some(201))]
    );
}

#[tokio::test]
async fn a_reset_leaves_nothing_behind() {
    let settings = with_fault(
        EmulatorOperation::Create,
        FaultTrigger::FirstN(2),
        FaultEffect::Reset,
    );
    let service = EmulatorFixture::start(settings).await;
    assert!(is_cut(create_request(&service)).await);
    assert!(is_cut(create_request(&service)).await);
    assert_eq!(service.create("AT1").await.id(), "1");
    assert_eq!(
        logged_faults(&service, EmulatorOperation::Create),
        [
            fired_with_status("reset", None),
            fired_with_status("reset", None),
            (None, Some(201))
        ]
    );
}

#[tokio::test]
async fn a_late_request_is_carried_out_when_its_sender_has_given_up() {
    let never = FaultEffect::Late {
        delay: Duration::MAX,
    };
    let at_once = FaultEffect::Late {
        delay: Duration::ZERO,
    };
    let service = EmulatorFixture::start(with_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(1),
        never,
    ))
    .await;
    assert!(is_cut(create_request(&service)).await);
    let create = EmulatorOperation::Create;
    assert_eq!(
        logged_faults(&service, create),
        [fired_with_status("late", None)]
    );
    // A delayed request does not delay other requests.
    assert_eq!(service.create("AT1").await.id(), "1");
    service.emulator.stop().await;

    let service = EmulatorFixture::start(with_fault(create, FaultTrigger::Nth(1), at_once)).await;
    assert!(is_cut(create_request(&service)).await);
    wait_for(|| service.log().get(1).map(drop)).await;
    assert_eq!(
        logged_faults(&service, create),
        [
            fired_with_status("late", None),
            fired_with_status("late", Some(201))
        ]
    );
    assert_eq!(service.get("/attachments/AT1/external_id").await.id(), "1");
}

#[tokio::test]
async fn a_scripted_status_is_answered_and_nothing_is_done() {
    let effect = FaultEffect::Status {
        code: 503,
        retry_after: Some("7".to_owned()),
    };
    let settings = with_fault(EmulatorOperation::Create, FaultTrigger::EveryNth(2), effect);
    let service = EmulatorFixture::start(settings).await;
    service.create("AT0").await;
    let refused = service.post(&create_body("AT1")).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "7");
    assert_eq!(
        service.get("/attachments/AT1/external_id").await.status,
        404
    );
    assert_eq!(
        logged_faults(&service, EmulatorOperation::Create)[1],
        fired_with_status("status", Some(503))
    );
}

#[tokio::test]
async fn a_garbled_answer_comes_after_the_effect() {
    let settings = with_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(1),
        FaultEffect::GarbageBody,
    );
    let service = EmulatorFixture::start(settings).await;
    let response = create_request(&service).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let body = response.bytes().await.unwrap();
    assert!(body.starts_with(b"{"));
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert_eq!(service.get("/attachments/1").await.status, 200);
}

#[tokio::test]
async fn a_captive_portal_answers_in_place_of_either_service() {
    for operation in [EmulatorOperation::Create, EmulatorOperation::Upload] {
        let settings = with_fault(operation, FaultTrigger::Nth(1), FaultEffect::Html200);
        let service = EmulatorFixture::start(settings).await;
        let response = if operation == EmulatorOperation::Create {
            create_request(&service).send().await.unwrap()
        } else {
            let created = service.create("AT1").await;
            service.put(&created, b"hello").send().await.unwrap()
        };
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers().get("etag"), None);
        assert!(response.text().await.unwrap().contains("Wi-Fi"));
        assert_eq!(
            logged_faults(&service, operation),
            [fired_with_status("html200", Some(200))]
        );
    }
}

/// Renames an attachment under a fault, by id or by external id. Returns the status of the answer,
/// and true if the attachment has the new name afterwards.
async fn rename_under_fault(
    operation: EmulatorOperation,
    effect: FaultEffect,
) -> (Option<u16>, bool) {
    let service = EmulatorFixture::start(with_fault(operation, FaultTrigger::Nth(1), effect)).await;
    service.attach("AT1", b"hello").await;
    let (path, id) = match operation {
        EmulatorOperation::UpdateByExternalId => ("/attachments/AT1/external_id", "AT1"),
        _ => ("/attachments/1", "1"),
    };
    let body = update_body(id, &json!({"external_id": "AT2"})).to_string();
    let answer = service.request(Method::PATCH, path).body(body).send().await;
    let fired: u64 = service
        .emulator
        .fired_faults()
        .iter()
        .map(|fired| fired.times_fired)
        .sum();
    assert_eq!(fired, 1);
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
    let status = answer.ok().map(|answer| answer.status().as_u16());
    (status, shown.attribute("external_id") == "AT2")
}

#[tokio::test]
async fn a_change_under_a_fault_is_made_or_not_as_the_fault_says() {
    let status = |code| FaultEffect::Status {
        code,
        retry_after: None,
    };
    for operation in [
        EmulatorOperation::Update,
        EmulatorOperation::UpdateByExternalId,
    ] {
        for (effect, answered, made) in [
            (FaultEffect::LoseAnswer, None, true),
            (FaultEffect::GarbageBody, Some(200), true),
            (FaultEffect::Reset, None, false),
            (FaultEffect::Html200, Some(200), false),
            (status(503), Some(503), false),
            (status(429), Some(429), false),
            (status(403), Some(403), false),
        ] {
            let name = format!("{} of {}", effect.name(), operation.name());
            assert_eq!(
                rename_under_fault(operation, effect).await,
                (answered, made),
                "{name}"
            );
        }
    }
}

/// Uploads a file under a fault. Returns the status of the answer, if there is one, and the size
/// which the service reports afterwards.
async fn upload_under_fault(effect: FaultEffect) -> (EmulatorFixture, Option<u16>, Value) {
    let settings = with_fault(EmulatorOperation::Upload, FaultTrigger::Nth(1), effect);
    let service = EmulatorFixture::start(settings).await;
    let created = service.create("AT1").await;
    // Too large for a single packet.
    let put = put_to(&service.client, created.upload_url(), &created).body(vec![7; 200_000]);
    let status = match put.send().await {
        Ok(response) => Some(response.status().as_u16()),
        Err(error) => {
            assert!(!error.is_connect(), "{error:?}");
            None
        }
    };
    let size = service
        .get("/attachments/1")
        .await
        .attribute("file_size")
        .clone();
    (service, status, size)
}

#[tokio::test]
async fn an_upload_under_a_fault_has_the_effect_that_the_fault_says() {
    let unavailable = FaultEffect::Status {
        code: 503,
        retry_after: None,
    };
    for (effect, status, logged, size) in [
        (FaultEffect::LoseAnswer, None, Some(200), json!("200000")),
        (FaultEffect::Reset, None, None, Value::Null),
        (FaultEffect::HalfRead, None, None, Value::Null),
        (FaultEffect::ExpiredUrl, Some(403), Some(403), Value::Null),
        (FaultEffect::ExpiredToken, Some(400), Some(400), Value::Null),
        (unavailable, Some(503), Some(503), Value::Null),
        (
            FaultEffect::WrongSize,
            Some(200),
            Some(200),
            json!("200001"),
        ),
    ] {
        let name = effect.name();
        let (service, answered, shown) = upload_under_fault(effect).await;
        assert_eq!(answered, status, "{name}");
        assert_eq!(shown, size, "{name}");
        assert_eq!(
            logged_faults(&service, EmulatorOperation::Upload),
            [fired_with_status(name, logged)],
            "{name}"
        );
    }
}

#[tokio::test]
async fn half_of_an_upload_is_read_before_the_connection_ends() {
    let (service, _, _) = upload_under_fault(FaultEffect::HalfRead).await;
    let log = service.log();
    let upload = log
        .iter()
        .find(|entry| entry.operation == EmulatorOperation::Upload);
    let bytes = upload.unwrap().bytes.unwrap();
    assert!((100_000..=200_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_fault_can_hit_a_download() {
    for (effect, status) in [
        (FaultEffect::ExpiredUrl, Some(403)),
        (FaultEffect::Reset, None),
        (FaultEffect::LoseAnswer, None),
    ] {
        let settings = with_fault(EmulatorOperation::Download, FaultTrigger::Nth(1), effect);
        let service = EmulatorFixture::start(settings).await;
        service.attach("AT1", b"hello").await;
        let shown = service.get("/attachments/1").await;
        let url = shown.attribute("download_url").as_str().unwrap();
        let first = service.client.get(url).send().await.ok();
        assert_eq!(first.map(|response| response.status().as_u16()), status);
        let second = service.client.get(url).send().await.unwrap();
        assert_eq!(second.text().await.unwrap(), "hello");
    }
}
