//! Tests of the objects that exist, and of their attributes.

use super::*;

#[tokio::test]
async fn every_number_and_every_external_id_exists_and_keeps_its_number() {
    let state = tempfile::tempdir().unwrap();
    let settings = || EmulatorSettings {
        state: Some(state.path().to_owned()),
        ..unlimited_settings()
    };
    let service = EmulatorFixture::start(settings()).await;
    let by_path = async |service: &EmulatorFixture, external_id: &str| {
        let path = format!("contracts/v1/contracts/{external_id}/external_id");
        let shown = service.get_service(&path).await;
        assert_eq!(shown.attribute("external_id"), external_id);
        shown.id().to_owned()
    };
    let shown = service.get_service("contracts/v1/contracts/7").await;
    assert_eq!(shown.attribute("external_id"), &Value::Null);
    let (first, second) = (
        by_path(&service, "CW-1").await,
        by_path(&service, "CW-2").await,
    );
    assert_ne!(first, second);
    let filter = "contracts/v1/contracts?filter[external_id_equals]=CW-1";
    assert_eq!(
        service.get_service(filter).await.ids(),
        [first.as_str()],
        "by path and by filter"
    );
    service.emulator.stop().await;

    let service = EmulatorFixture::start(settings()).await;
    assert_eq!(by_path(&service, "CW-2").await, second);
    assert_eq!(by_path(&service, "CW-1").await, first);
    assert_eq!(
        service.get_service("contracts/v1/contracts").await.ids(),
        ["7", first.as_str(), second.as_str()]
    );
}

#[tokio::test]
async fn a_list_holds_the_objects_that_were_asked_for_or_have_attachments() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    service.get_service("contracts/v1/contracts/9").await;
    service.create("A1").await;
    let list = service.get_service("contracts/v1/contracts").await;
    assert_eq!(list.ids(), ["7", "9"]);
    let other = service.get_service("projects/v1/projects").await;
    assert_eq!(other.ids(), [""; 0]);
}

#[tokio::test]
async fn of_a_catalogue_the_listed_objects_exist_and_take_attachments_and_no_others_do() {
    let service = EmulatorFixture::start(with_contracts(6)).await;
    let shown = service.get_service("contracts/v1/contracts/6").await;
    assert_eq!(shown.attribute("external_id"), "C6");
    for path in [
        "contracts/v1/contracts/7",
        "contracts/v1/contracts/C7/external_id",
        "contracts/v1/contracts/0",
        "projects/v1/projects/6",
    ] {
        assert_eq!(service.get_service(path).await.status, 404, "{path}");
    }
    let refused = service.post(&create_body("A1")).await;
    assert_eq!(
        (refused.status, refused.detail()),
        (404, "contract 7 does not exist")
    );
}

#[tokio::test]
async fn unknown_objects_and_external_ids_are_not_found() {
    let mut settings = with_contracts(3);
    settings.attachments.unknown_objects = vec![object(ObjectType::Contract, 2)];
    settings.objects.unknown_external_ids = vec!["C3".to_owned()];
    let service = EmulatorFixture::start(settings).await;
    for path in [
        "contracts/v1/contracts/2",
        "contracts/v1/contracts/C2/external_id",
        "contracts/v1/contracts/C3/external_id",
    ] {
        assert_eq!(service.get_service(path).await.status, 404, "{path}");
    }
    let filtered = "contracts/v1/contracts?filter[external_id_equals]=";
    for external_id in ["C2", "C3"] {
        let found = service
            .get_service(&format!("{filtered}{external_id}"))
            .await;
        assert_eq!((found.status, found.ids().len()), (200, 0));
    }
    let list = service.get_service("contracts/v1/contracts").await;
    assert_eq!(list.ids(), ["1", "3"]);
}

#[tokio::test]
async fn an_object_shows_state_title_and_a_number_that_is_not_its_id() {
    let mut settings = with_catalogue(vec![
        CatalogueObject {
            state: Some("expired".to_owned()),
            title: Some("Cleaning".to_owned()),
            ..CatalogueObject::new(object(ObjectType::Contract, 1), "C1")
        },
        CatalogueObject::new(object(ObjectType::SupplierCompany, 1), "S1"),
        CatalogueObject::new(object(ObjectType::Event, 1), "E1"),
        CatalogueObject::new(object(ObjectType::Event, 2), "E2"),
    ]);
    settings.objects.copying_events = vec![object(ObjectType::Event, 2)];
    let service = EmulatorFixture::start(settings).await;
    for (path, attributes) in [
        (
            "contracts/v1/contracts/1",
            json!({"external_id": "C1", "state": "expired", "title": "Cleaning", "number": 5001}),
        ),
        (
            "suppliers/v1/supplier_companies/S1/external_id",
            json!({"external_id": "S1", "state": "approved", "name": "Supplier 1"}),
        ),
        (
            "events/v1/events/1",
            json!({"external_id": "E1", "state": "published", "title": "Event 1",
                "duplication_state": null}),
        ),
        (
            "events/v1/events/2",
            json!({"external_id": "E2", "state": "published", "title": "Event 2",
                "duplication_state": "started"}),
        ),
    ] {
        let shown = service.get_service(path).await;
        assert_eq!(shown.json["data"]["attributes"], attributes);
    }
}
