use serde_json::json;

use super::*;

fn contract(more: &Value) -> Value {
    let mut record = json!({"type": "contracts", "id": "7"});
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    json!({"data": record})
}

fn linkage_of(more: &Value) -> AttachmentLinkage {
    let found = parse_object(contract(more), ObjectType::Contract);
    found.unwrap().attachments
}

fn listed(ids: &[&str]) -> AttachmentLinkage {
    let ids = ids.iter().map(|id| AttachmentId::parse(id).unwrap());
    AttachmentLinkage::Listed(ids.collect())
}

#[test]
fn the_documented_example_is_read() {
    let body = json!({"data": [{
        "type": "contracts", "id": "1",
        "attributes": {
            "number": 1, "external_id": "1234-5678-abcd-efgh", "state": "in_progress",
            "title": "Contract Title",
        },
        "relationships": {"attachments": {"data": [
            {"id": "1", "type": "attachments"}, {"id": "2", "type": "attachments"},
        ]}},
    }], "links": {"next": " https://api.example.com/x?page[cursor]=2 "}, "meta": {"count": 1}});
    let page = parse_object_page(body, ObjectType::Contract).unwrap();
    assert_eq!(
        page.next.as_deref(),
        Some("https://api.example.com/x?page[cursor]=2")
    );
    let [found] = &page.objects[..] else {
        panic!("{page:?}");
    };
    assert_eq!(found.object.to_string(), "contract 1");
    assert_eq!(found.attachments, listed(&["1", "2"]));
    let text = |text: &str| NullableText::Text(text.to_owned());
    assert_eq!(found.attributes.external_id, text("1234-5678-abcd-efgh"));
    assert_eq!(found.attributes.state, text("in_progress"));
}

#[test]
fn attachments_are_known_only_where_the_answer_lists_them_in_a_known_form() {
    use AttachmentLinkage::{Malformed, NotReported};
    let link = |id: Value| json!({"id": id, "type": "attachments"});
    let in_data = |data: Value| json!({"relationships": {"attachments": {"data": data}}});
    let bare = |links: Value| json!({"relationships": {"attachments": links}});
    for (record, linkage) in [
        (in_data(json!([])), listed(&[])),
        (
            in_data(json!([link(json!("3")), link(json!(1)), link(json!("3"))])),
            listed(&["3", "1"]),
        ),
        (bare(json!([])), listed(&[])),
        (bare(json!([link(json!("1"))])), listed(&["1"])),
        (json!({}), NotReported),
        (json!({"relationships": null}), NotReported),
        (
            json!({"relationships": {"contract_type": {"data": null}}}),
            NotReported,
        ),
        (bare(json!({"links": {"related": "/x"}})), NotReported),
        (in_data(Value::Null), Malformed),
        (bare(Value::Null), Malformed),
        (bare(json!("1")), Malformed),
        (bare(json!([link(json!("1")), 2])), Malformed),
        (in_data(link(json!("1"))), Malformed),
        (in_data(json!([{"id": "1"}])), Malformed),
        (
            in_data(json!([{"id": "1", "type": "documents"}])),
            Malformed,
        ),
        (in_data(json!([link(json!(""))])), Malformed),
    ] {
        assert_eq!(linkage_of(&record), linkage, "{record}");
    }
}

#[test]
fn the_attachments_of_an_event_do_not_count_while_the_service_copies_some() {
    for (state, linkage) in [
        (json!(null), listed(&[])),
        (json!("finished"), listed(&[])),
        (json!("started"), AttachmentLinkage::Copying),
        (json!("scheduled"), AttachmentLinkage::Copying),
        (json!("failed"), AttachmentLinkage::Copying),
        (json!(1), AttachmentLinkage::Copying),
    ] {
        let record = json!({
            "attributes": {"duplication_state": state},
            "relationships": {"attachments": {"data": []}},
        });
        assert_eq!(linkage_of(&record), linkage, "{record}");
    }
}

#[test]
fn an_answer_about_something_else_proves_nothing() {
    for record in [
        json!({"type": "projects"}),
        json!({"type": null}),
        json!({"type": 1}),
        json!({"id": "0"}),
        json!({"id": "007"}),
        json!({"id": -7}),
        json!({"id": null}),
        json!({"id": "seven"}),
        json!({"attributes": "none"}),
    ] {
        let body = contract(&record);
        let page = json!({"data": [body["data"]]});
        let single = parse_object(body, ObjectType::Contract);
        assert!(matches!(single, Err(ApiFailure::Unanswered(_))), "{record}");
        let page = parse_object_page(page, ObjectType::Contract);
        assert!(matches!(page, Err(ApiFailure::Unanswered(_))), "{record}");
    }
    for body in [
        json!({}),
        json!([]),
        json!({"data": null}),
        json!({"data": {}}),
    ] {
        let page = parse_object_page(body.clone(), ObjectType::Contract);
        assert!(matches!(page, Err(ApiFailure::Unanswered(_))), "{body}");
    }
}

#[test]
fn a_list_ends_where_no_next_page_is_named() {
    for (links, next) in [
        (json!({}), None),
        (json!(null), None),
        (json!({"next": null}), None),
        (json!({"next": ""}), None),
        (json!({"next": " "}), None),
        (json!({"next": "?c=1\n"}), Some("?c=1")),
    ] {
        let body = json!({"data": [], "links": links});
        let page = parse_object_page(body, ObjectType::Event).unwrap();
        assert_eq!(page.next.as_deref(), next, "{links}");
    }
    let odd = json!({"data": [], "links": {"next": {"href": "?c=1"}}});
    let page = parse_object_page(odd, ObjectType::Event);
    assert!(matches!(page, Err(ApiFailure::Unanswered(_))));
}
