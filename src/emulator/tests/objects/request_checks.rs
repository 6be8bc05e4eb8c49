//! Tests of keys, rate, paths, parameters, log and faults.

use super::*;
use crate::emulator::DottedIdRouting;

#[tokio::test]
async fn a_request_without_keys_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let url = format!(
        "http://{}/services/contracts/v1/contracts",
        service.emulator.address()
    );
    let refused = api_answer(service.client.get(url)).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn the_rate_limit_is_shared_with_the_attachments() {
    let service = EmulatorFixture::start(with_attachments(AttachmentSettings {
        requests_per_second: NonZeroU32::new(1).unwrap(),
        ..AttachmentSettings::default()
    }))
    .await;
    // A slow machine may let a second pass between two of the requests, but not each time.
    let mut refused = 0;
    for _ in 0..5 {
        service.get("/attachments/1").await;
        let answer = service.get_service("events/v1/events/1").await;
        refused += u32::from(answer.status == 429);
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn unknown_parameters_are_refused_in_the_vendors_words() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for (path, detail) in [
        (
            "suppliers/v1/supplier_companies?sort=name",
            "'sort' parameter is not supported",
        ),
        (
            "contracts/v1/contracts/7?include=attachments",
            "'include' parameter is not supported",
        ),
        (
            "contracts/v1/contracts?page[size]=101",
            "'page[size]' parameter must be from 1 to 100",
        ),
    ] {
        let refused = service.get_service(path).await;
        assert_eq!((refused.status, refused.detail()), (400, detail));
    }
}

#[tokio::test]
async fn other_methods_and_events_by_external_id_do_not_exist() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let url = format!(
        "http://{}/services/contracts/v1/contracts",
        service.emulator.address()
    );
    let refused = api_answer(with_keys(service.client.post(url)).body("{}")).await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.headers["allow"], "GET");
    let by_external_id = service.get_service("events/v1/events/E1/external_id");
    assert_eq!(by_external_id.await.status, 404);
}

#[tokio::test]
async fn a_dot_in_an_external_id_goes_the_way_that_the_settings_say() {
    let service = EmulatorFixture::start(with_attachments(AttachmentSettings {
        dotted_id_routing: DottedIdRouting::NotFound404,
        ..unlimited_rate()
    }))
    .await;
    let by_path = service.get_service("projects/v1/projects/P.1/external_id");
    assert_eq!(by_path.await.status, 404);
    let filtered = service
        .get_service("projects/v1/projects?filter[external_id_equals]=P.1")
        .await;
    assert_eq!(filtered.ids().len(), 1);
}

#[tokio::test]
async fn the_log_tells_lists_filters_and_single_objects_apart() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for (path, operation, object) in [
        ("contracts/v1/contracts?page[size]=5", "list_objects", None),
        (
            "contracts/v1/contracts?filter[external_id_equals]=C1",
            "filter_objects",
            None,
        ),
        ("contracts/v1/contracts/7", "get_object", Some("contract 7")),
        (
            "contracts/v1/contracts/C1/external_id",
            "get_object_by_external_id",
            Some("contract 1000001"),
        ),
    ] {
        service.get_service(path).await;
        let entry = service.last_entry();
        assert_eq!(entry.operation.name(), operation);
        assert_eq!(entry.object.as_deref(), object);
        assert_eq!(entry.path, format!("/services/{path}"));
        assert_eq!((entry.id, entry.external_id), (None, None));
    }
}

#[tokio::test]
async fn a_fault_hits_the_requests_that_its_script_names() {
    let service = EmulatorFixture::start(with_fault(
        EmulatorOperation::FilterObjects,
        FaultTrigger::Nth(2),
        FaultEffect::Status {
            code: 503,
            retry_after: None,
        },
    ))
    .await;
    let filter = "events/v1/events?filter[external_id_equals]=E1";
    assert_eq!(service.get_service(filter).await.status, 200);
    assert_eq!(service.get_service("events/v1/events").await.status, 200);
    assert_eq!(service.get_service(filter).await.status, 503);
    assert_eq!(service.last_entry().fault.as_deref(), Some("status"));
}
