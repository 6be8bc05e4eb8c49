//! Property tests: any document is read as an attachment or proves nothing.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Map;

use super::object_resource::parse_object_page;
use super::*;
use crate::arbitrary::{arbitrary_text, proptest_config};

/// Generates a JSON value with at most three levels.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<u64>().prop_map(|number| number.to_string().into()),
        select(vec![
            "",
            "+5",
            "-5",
            "5.0",
            " 5",
            "0x5",
            "18446744073709551616"
        ])
        .prop_map(Value::from),
        arbitrary_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            (select(vec!["id", "data", "attributes", "name"]), inner)
                .prop_map(|(name, value)| Value::from(Map::from_iter([(name.to_owned(), value)]))),
        ]
    })
}

/// Generates a document which in most cases looks like an attachment.
fn document() -> impl Strategy<Value = Value> {
    let id = || prop_oneof![3 => any::<u64>().prop_map(Value::from), 1 => value()];
    let rarely = || prop_oneof![4 => Just(Value::Null), 1 => value()];
    let attachment = || {
        (id(), value(), rarely(), rarely()).prop_map(|(id, size, url, headers)| {
            json!({"id": id, "type": "attachments", "attributes": {
                "file_size": size, "upload_url": url, "upload_headers": headers,
            }})
        })
    };
    prop_oneof![
        3 => attachment().prop_map(|data| json!({"data": data})),
        1 => prop::collection::vec(attachment(), 0..3).prop_map(|data| json!({"data": data})),
        1 => value(),
    ]
}

proptest! {
    #![proptest_config(proptest_config(1_000))]

    #[test]
    fn any_document_is_an_attachment_or_proves_nothing(document in document()) {
        let size = document.pointer("/data/attributes/file_size").cloned().unwrap_or_default();
        match parse_resource(document.clone()).and_then(|found| found.stored_size()) {
            Ok(Some(shown)) => prop_assert_eq!(text_of(&size), shown.to_string()),
            // If no bytes are stored, the pipeline may request a new address, which detaches stored
            // bytes.
            Ok(None) => prop_assert_eq!(size, Value::Null),
            Err(failure) => prop_assert!(matches!(failure, ApiFailure::Unanswered(_))),
        }
        if let Err(failure) = parse_resources(document) {
            prop_assert!(matches!(failure, ApiFailure::Unanswered(_)));
        }
    }
}

/// Generates a document which in most cases looks like a page of contracts.
fn object_page() -> impl Strategy<Value = Value> {
    let id = || prop_oneof![3 => (1..u64::MAX).prop_map(Value::from), 1 => value()];
    let link = (id(), select(vec!["attachments", "contracts"]))
        .prop_map(|(id, kind)| json!({"id": id, "type": kind}));
    let links = prop::collection::vec(link, 0..4).prop_map(Value::from);
    let linkage = prop_oneof![
        links.clone().prop_map(|links| json!({"data": links})),
        links,
        value(),
    ];
    let record = (id(), linkage, value()).prop_map(|(id, linkage, attributes)| {
        json!({"id": id, "type": "contracts", "attributes": attributes,
            "relationships": {"attachments": linkage}})
    });
    let records = prop::collection::vec(record, 0..3).prop_map(Value::from);
    (prop_oneof![4 => records, 1 => value()], value())
        .prop_map(|(data, next)| json!({"data": data, "links": {"next": next}}))
}

proptest! {
    #![proptest_config(proptest_config(1_000))]

    #[test]
    fn any_page_of_records_is_read_as_it_is_or_proves_nothing(document in object_page()) {
        match parse_object_page(document.clone(), ObjectType::Contract) {
            Ok(page) => {
                let told = document["data"].as_array().map_or(0, Vec::len);
                prop_assert_eq!(page.objects.len(), told);
                prop_assert!(page.next.is_none_or(|link| !link.is_empty() && link.trim() == link));
            }
            Err(failure) => prop_assert!(matches!(failure, ApiFailure::Unanswered(_))),
        }
    }
}

/// Text of a size as the service may write it: digits, quoted or not.
fn text_of(size: &Value) -> String {
    match size {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
