//! Tests of the lists: pages, their links, and the filter.

use super::*;
use crate::emulator::NextLink;

#[tokio::test]
async fn a_list_comes_in_pages_in_the_order_of_ids() {
    let service = EmulatorFixture::start(with_contracts(25)).await;
    let lengths = async |query: &str| {
        let path = format!("contracts/v1/contracts{query}");
        let pages = service.pages(&path).await;
        let ids: Vec<String> = (1..=25).map(|id: u64| id.to_string()).collect();
        assert_eq!(pages.concat(), ids);
        pages.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(lengths("").await, [10, 10, 5]);
    assert_eq!(lengths("?page%5Bsize%5D=12").await, [12, 12, 1]);
    assert_eq!(lengths("?page[size]=25").await, [25]);
    assert_eq!(lengths("?page[size]=100").await, [25]);
}

#[tokio::test]
async fn a_link_to_the_next_page_is_null_at_the_end() {
    let service = EmulatorFixture::start(with_contracts(2)).await;
    let page = service.get_service("contracts/v1/contracts").await;
    assert_eq!(page.json["links"]["next"], Value::Null);
    assert_eq!(page.headers["x-api-version"], "1.0");
}

#[tokio::test]
async fn objects_that_come_or_go_during_a_walk_let_it_skip_and_repeat_nothing() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for id in [2, 4, 6] {
        service
            .get_service(&format!("projects/v1/projects/{id}"))
            .await;
    }
    let first = service
        .get_service("projects/v1/projects?page[size]=2")
        .await;
    assert_eq!(first.ids(), ["2", "4"]);
    service.get_service("projects/v1/projects/3").await;
    service.get_service("projects/v1/projects/5").await;
    let next = first.json["links"]["next"].as_str().unwrap();
    assert_eq!(service.get_url(next).await.ids(), ["5", "6"]);
}

#[tokio::test]
async fn supplier_companies_come_in_the_order_of_lower_cased_names_then_ids() {
    let company = |id, name: &str| CatalogueObject {
        title: Some(name.to_owned()),
        ..CatalogueObject::new(object(ObjectType::SupplierCompany, id), "S")
    };
    let settings = with_catalogue(vec![
        company(1, "Zeta"),
        company(2, "acme"),
        company(4, "ACME"),
        company(3, "Acme"),
        company(5, "Ärger & Co"),
    ]);
    let service = EmulatorFixture::start(settings).await;
    let pages = service
        .pages("suppliers/v1/supplier_companies?page[size]=2")
        .await;
    assert_eq!(pages, [vec!["2", "3"], vec!["4", "1"], vec!["5"]]);
}

#[tokio::test]
async fn next_has_raw_brackets_for_supplier_companies_and_encoded_ones_for_the_others() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    for (list, brackets) in [
        (
            "suppliers/v1/supplier_companies",
            "?page[size]=1&page[cursor]=",
        ),
        ("events/v1/events", "?page%5Bsize%5D=1&page%5Bcursor%5D="),
    ] {
        service.get_service(&format!("{list}/1")).await;
        service.get_service(&format!("{list}/2")).await;
        let page = service.get_service(&format!("{list}?page[size]=1")).await;
        let next = page.json["links"]["next"].as_str().unwrap();
        let start = format!("http://{}/services/{list}", service.emulator.address());
        assert_eq!(next.strip_prefix(&start).unwrap().find(brackets), Some(0));
    }
}

#[tokio::test]
async fn next_is_on_another_host_or_among_blanks_where_the_settings_say_so() {
    let origin = "http://elsewhere.example:8461".to_owned();
    for (form, start, end) in [
        (NextLink::SameHost, "http://127.0.0.1:", ""),
        (NextLink::BlanksAround, " http://127.0.0.1:", " "),
        (
            NextLink::OtherHost { origin },
            "http://elsewhere.example:8461/services/contracts/v1/contracts?",
            "",
        ),
    ] {
        let service = EmulatorFixture::start(EmulatorSettings {
            objects: ObjectSettings {
                next_link: form,
                ..ObjectSettings::default()
            },
            ..with_contracts(11)
        })
        .await;
        let page = service.get_service("contracts/v1/contracts").await;
        let next = page.json["links"]["next"].as_str().unwrap();
        assert!(next.starts_with(start), "{next:?}");
        assert_eq!(next.ends_with(' '), end == " ", "{next:?}");
    }
}

#[tokio::test]
async fn a_filter_finds_every_object_with_exactly_the_external_id() {
    let event = |id, external_id| CatalogueObject::new(object(ObjectType::Event, id), external_id);
    let settings = with_catalogue(vec![
        event(1, "E-1"),
        event(2, "e-1"),
        event(3, "E-1"),
        event(4, "E-1 "),
    ]);
    let service = EmulatorFixture::start(settings).await;
    let filter = "events/v1/events?filter%5Bexternal_id_equals%5D=";
    for (external_id, ids) in [
        ("E-1", vec!["1", "3"]),
        ("e-1", vec!["2"]),
        ("E-1%20", vec!["4"]),
        ("E", vec![]),
        ("", vec![]),
    ] {
        let found = service.get_service(&format!("{filter}{external_id}")).await;
        assert_eq!(found.ids(), ids, "{external_id}");
    }
    let pages = service.pages(&format!("{filter}E-1&page[size]=1")).await;
    assert_eq!(pages, [["1"], ["3"]]);
}

#[tokio::test]
async fn objects_are_as_long_as_the_settings_say() {
    let service = EmulatorFixture::start(with_objects(ObjectSettings {
        padding_bytes: 10_000,
        ..ObjectSettings::default()
    }))
    .await;
    let shown = service.get_service("contracts/v1/contracts/7").await;
    assert!(shown.json.to_string().len() > 10_000);
}
