//! Tests of an object's attachments in its answers.

use std::time::Duration;

use super::*;
use crate::emulator::{LinkageDisplay, PendingLinkage};

const CONTRACTS: &str = "contracts/v1/contracts";

/// Attachments of contract 7, as a list and as a single answer show them.
async fn shown_linkage(service: &EmulatorFixture) -> (Value, Value) {
    let list = service.get_service(CONTRACTS).await;
    let single = service.get_service("contracts/v1/contracts/7").await;
    (list.first_linkage().clone(), single.linkage().clone())
}

#[tokio::test]
async fn an_object_shows_the_attachments_that_hang_on_it_with_bytes_and_without() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("A1", b"a").await;
    service.create("A2").await;
    let expected = json!({"data": [
        {"id": "1", "type": "attachments"},
        {"id": "2", "type": "attachments"},
    ]});
    assert_eq!(
        shown_linkage(&service).await,
        (expected.clone(), expected.clone())
    );

    service.emulator.remove_attachment("A1").unwrap();
    let second = json!({"data": [{"id": "2", "type": "attachments"}]});
    assert_eq!(shown_linkage(&service).await, (second.clone(), second));

    let other = service.get_service("contracts/v1/contracts/8").await;
    assert_eq!(other.linkage(), &json!({"data": []}));
    let project = service.get_service("projects/v1/projects/7").await;
    assert_eq!(project.linkage(), &json!({"data": []}));
}

#[tokio::test]
async fn an_attachment_that_was_moved_hangs_on_the_other_object_alone() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.attach("A1", b"a").await;
    let other = ObjectRef::parse(ObjectType::Contract, "8").unwrap();
    let moved = service.emulator.move_attachment("A1", other).unwrap();
    assert_eq!(moved, Some(1));
    let link = json!({"data": [{"id": "1", "type": "attachments"}]});
    let there = service.get_service("contracts/v1/contracts/8").await;
    assert_eq!(there.linkage(), &link);
    let before = service.get_service("contracts/v1/contracts/7").await;
    assert_eq!(before.linkage(), &json!({"data": []}));
    assert_eq!(service.emulator.move_attachment("A2", other).unwrap(), None);
}

#[tokio::test]
async fn the_display_of_attachments_in_lists_and_in_single_answers_is_as_the_settings_say() {
    let link = |id: &str| json!({"id": id, "type": "attachments"});
    let long = Duration::from_hours(1);
    for (display, expected) in [
        (LinkageDisplay::Absent, Value::Null),
        (LinkageDisplay::Bare, json!([link("1"), link("2")])),
        (LinkageDisplay::Malformed, json!({"data": {"count": 2}})),
        (
            LinkageDisplay::Short { limit: 1 },
            json!({"data": [link("1")]}),
        ),
        (LinkageDisplay::Lagging { lag: long }, json!({"data": []})),
    ] {
        let all = json!({"data": [link("1"), link("2")]});
        for (settings, shown) in [
            (
                ObjectSettings {
                    list_linkage: display,
                    ..ObjectSettings::default()
                },
                (expected.clone(), all.clone()),
            ),
            (
                ObjectSettings {
                    single_linkage: display,
                    ..ObjectSettings::default()
                },
                (all.clone(), expected.clone()),
            ),
        ] {
            let service = EmulatorFixture::start(with_objects(settings)).await;
            service.create("A1").await;
            service.create("A2").await;
            assert_eq!(shown_linkage(&service).await, shown, "{display:?}");
        }
    }
}

#[tokio::test]
async fn attachments_without_bytes_are_left_out_where_the_settings_say_so() {
    let service = EmulatorFixture::start(with_objects(ObjectSettings {
        pending_linkage: PendingLinkage::LeftOut,
        ..ObjectSettings::default()
    }))
    .await;
    let created = service.create("A1").await;
    let empty = json!({"data": []});
    assert_eq!(shown_linkage(&service).await, (empty.clone(), empty));
    service.upload(&created, b"a").await;
    let (_, single) = shown_linkage(&service).await;
    assert_eq!(single["data"][0]["id"], "1");
}

#[tokio::test]
async fn a_purged_attachment_hangs_on_nothing() {
    let settings = with_attachments(AttachmentSettings {
        purge_after: Duration::ZERO,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    service.create("A1").await;
    let shown = service.get_service("contracts/v1/contracts/7").await;
    assert_eq!(shown.linkage(), &json!({"data": []}));
    let purges = service
        .log()
        .into_iter()
        .filter(|entry| entry.operation == EmulatorOperation::Purge);
    assert_eq!(purges.count(), 1);
}
