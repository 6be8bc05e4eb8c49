//! Tests of scripted faults, as the client and the log see them.

use std::time::Duration;

use super::*;

/// Returns the fault and the status of each logged request of an operation.
fn faults(service: &Service, operation: Operation) -> Vec<(Option<String>, Option<u16>)> {
    let log = service.log().into_iter();
    log.filter(|entry| entry.operation == operation)
        .map(|entry| (entry.fault, entry.status))
        .collect()
}

fn fired(name: &str, status: Option<u16>) -> (Option<String>, Option<u16>) {
    (Some(name.to_owned()), status)
}

async fn is_cut(request: RequestBuilder) -> bool {
    let error = request.send().await.expect_err("no answer");
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    true
}

fn post(service: &Service) -> RequestBuilder {
    let body = creation("AT1").to_string();
    service.request(Method::POST, "/attachments").body(body)
}

#[tokio::test]
async fn a_lost_answer_leaves_the_effect_behind() {
    let settings = with_fault(Operation::Create, When::Nth(1), Effect::LoseAnswer);
    let service = Service::start(settings).await;
    assert!(is_cut(post(&service)).await);
    let found = service.get("/attachments/AT1/external_id").await;
    assert_eq!(found.id(), "1");
    assert_eq!(
        faults(&service, Operation::Create),
        [fired("lose_answer", Some(201))]
    );
}

#[tokio::test]
async fn a_reset_leaves_nothing_behind() {
    let settings = with_fault(Operation::Create, When::FirstN(2), Effect::Reset);
    let service = Service::start(settings).await;
    assert!(is_cut(post(&service)).await);
    assert!(is_cut(post(&service)).await);
    assert_eq!(service.create("AT1").await.id(), "1");
    assert_eq!(
        faults(&service, Operation::Create),
        [
            fired("reset", None),
            fired("reset", None),
            (None, Some(201))
        ]
    );
}

#[tokio::test]
async fn a_late_request_is_carried_out_when_its_sender_has_given_up() {
    let never = Effect::Late {
        lasting: Duration::MAX,
    };
    let at_once = Effect::Late {
        lasting: Duration::ZERO,
    };
    let service = Service::start(with_fault(Operation::Create, When::Nth(1), never)).await;
    assert!(is_cut(post(&service)).await);
    let create = Operation::Create;
    assert_eq!(faults(&service, create), [fired("late", None)]);
    // A delayed request does not delay other requests.
    assert_eq!(service.create("AT1").await.id(), "1");
    service.emulator.stop().await;

    let service = Service::start(with_fault(create, When::Nth(1), at_once)).await;
    assert!(is_cut(post(&service)).await);
    until(|| service.log().get(1).map(drop)).await;
    assert_eq!(
        faults(&service, create),
        [fired("late", None), fired("late", Some(201))]
    );
    assert_eq!(service.get("/attachments/AT1/external_id").await.id(), "1");
}

#[tokio::test]
async fn a_scripted_status_is_answered_and_nothing_is_done() {
    let effect = Effect::Status {
        code: 503,
        retry_after: Some("7".to_owned()),
    };
    let settings = with_fault(Operation::Create, When::EveryNth(2), effect);
    let service = Service::start(settings).await;
    service.create("AT0").await;
    let refused = service.post(&creation("AT1")).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "7");
    assert_eq!(
        service.get("/attachments/AT1/external_id").await.status,
        404
    );
    assert_eq!(
        faults(&service, Operation::Create)[1],
        fired("status", Some(503))
    );
}

#[tokio::test]
async fn a_garbled_answer_comes_after_the_effect() {
    let settings = with_fault(Operation::Create, When::Nth(1), Effect::GarbageBody);
    let service = Service::start(settings).await;
    let response = post(&service).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let body = response.bytes().await.unwrap();
    assert!(body.starts_with(b"{"));
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert_eq!(service.get("/attachments/1").await.status, 200);
}

#[tokio::test]
async fn a_captive_portal_answers_in_place_of_either_service() {
    for operation in [Operation::Create, Operation::Upload] {
        let settings = with_fault(operation, When::Nth(1), Effect::Html200);
        let service = Service::start(settings).await;
        let response = if operation == Operation::Create {
            post(&service).send().await.unwrap()
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
        assert_eq!(faults(&service, operation), [fired("html200", Some(200))]);
    }
}

/// Renames an attachment under a fault, by id or by external id. Returns the status of the answer,
/// and true if the attachment has the new name afterwards.
async fn renaming_under(operation: Operation, effect: Effect) -> (Option<u16>, bool) {
    let service = Service::start(with_fault(operation, When::Nth(1), effect)).await;
    service.attach("AT1", b"hello").await;
    let (path, id) = match operation {
        Operation::UpdateByExternalId => ("/attachments/AT1/external_id", "AT1"),
        _ => ("/attachments/1", "1"),
    };
    let body = update(id, &json!({"external_id": "AT2"})).to_string();
    let answer = service.request(Method::PATCH, path).body(body).send().await;
    let fired: u64 = service
        .emulator
        .fired()
        .iter()
        .map(|fired| fired.times)
        .sum();
    assert_eq!(fired, 1);
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
    let status = answer.ok().map(|answer| answer.status().as_u16());
    (status, shown.attribute("external_id") == "AT2")
}

#[tokio::test]
async fn a_change_under_a_fault_is_made_or_not_as_the_fault_says() {
    let status = |code| Effect::Status {
        code,
        retry_after: None,
    };
    for operation in [Operation::Update, Operation::UpdateByExternalId] {
        for (effect, answered, made) in [
            (Effect::LoseAnswer, None, true),
            (Effect::GarbageBody, Some(200), true),
            (Effect::Reset, None, false),
            (Effect::Html200, Some(200), false),
            (status(503), Some(503), false),
            (status(429), Some(429), false),
            (status(403), Some(403), false),
        ] {
            let name = format!("{} of {}", effect.name(), operation.name());
            assert_eq!(
                renaming_under(operation, effect).await,
                (answered, made),
                "{name}"
            );
        }
    }
}

/// Uploads a file under a fault. Returns the status of the answer, if there is one, and the size
/// which the service reports afterwards.
async fn upload_under(effect: Effect) -> (Service, Option<u16>, Value) {
    let settings = with_fault(Operation::Upload, When::Nth(1), effect);
    let service = Service::start(settings).await;
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
    let unavailable = Effect::Status {
        code: 503,
        retry_after: None,
    };
    for (effect, status, logged, size) in [
        (Effect::LoseAnswer, None, Some(200), json!("200000")),
        (Effect::Reset, None, None, Value::Null),
        (Effect::HalfRead, None, None, Value::Null),
        (Effect::ExpiredUrl, Some(403), Some(403), Value::Null),
        (Effect::ExpiredToken, Some(400), Some(400), Value::Null),
        (unavailable, Some(503), Some(503), Value::Null),
        (Effect::WrongSize, Some(200), Some(200), json!("200001")),
    ] {
        let name = effect.name();
        let (service, answered, shown) = upload_under(effect).await;
        assert_eq!(answered, status, "{name}");
        assert_eq!(shown, size, "{name}");
        assert_eq!(
            faults(&service, Operation::Upload),
            [fired(name, logged)],
            "{name}"
        );
    }
}

#[tokio::test]
async fn half_of_an_upload_is_read_before_the_connection_ends() {
    let (service, _, _) = upload_under(Effect::HalfRead).await;
    let log = service.log();
    let upload = log
        .iter()
        .find(|entry| entry.operation == Operation::Upload);
    let bytes = upload.unwrap().bytes.unwrap();
    assert!((100_000..=200_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_fault_can_befall_a_download() {
    for (effect, status) in [
        (Effect::ExpiredUrl, Some(403)),
        (Effect::Reset, None),
        (Effect::LoseAnswer, None),
    ] {
        let settings = with_fault(Operation::Download, When::Nth(1), effect);
        let service = Service::start(settings).await;
        service.attach("AT1", b"hello").await;
        let shown = service.get("/attachments/1").await;
        let url = shown.attribute("download_url").as_str().unwrap();
        let first = service.client.get(url).send().await.ok();
        assert_eq!(first.map(|response| response.status().as_u16()), status);
        let second = service.client.get(url).send().await.unwrap();
        assert_eq!(second.text().await.unwrap(), "hello");
    }
}
