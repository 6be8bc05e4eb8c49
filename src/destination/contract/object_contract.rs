//! Tests of the behaviour on which the search for records relies, for every service whose records
//! can be read.

use std::fmt::Debug;

use super::{create_attachment, new_attachment};
use crate::destination::{
    AttachmentApi, AttachmentLinkage, NextObjectPage, ObjectApi, ObjectDetails, ObjectPage,
    ObjectPageAnswer,
};
use crate::http::ApiFailure;
use crate::model::{ObjectExternalId, ObjectRef, ObjectType};

/// Records of the service under test, with their external ids: 250 contracts `CW-1` to `CW-250`,
/// a contract and a supplier with odd external ids, two events that share an external id, and the
/// supplier with the attachments of [`new_attachment`].
pub(super) fn records() -> Vec<(ObjectRef, String)> {
    let contracts = (1..=250).map(|id| (record(ObjectType::Contract, id), format!("CW-{id}")));
    let odd = [
        (record(ObjectType::Contract, 900), "CW/9 & ü?.#".to_owned()),
        (record(ObjectType::SupplierCompany, 12), "S-12".to_owned()),
        (record(ObjectType::Event, 3), "E-1".to_owned()),
        (record(ObjectType::Event, 4), "E-1".to_owned()),
    ];
    contracts.chain(odd).collect()
}

pub(super) async fn keeps_the_contract_of_objects<D: ObjectApi + AttachmentApi>(service: &D) {
    a_record_is_found_by_its_id_and_by_its_external_id(service).await;
    a_filter_lets_the_records_with_an_external_id_through(service).await;
    a_list_shows_each_record_once_on_pages_of_the_wanted_size(service).await;
    a_record_shows_its_attachments(service).await;
}

fn record(kind: ObjectType, id: u64) -> ObjectRef {
    ObjectRef::parse(kind, &id.to_string()).unwrap()
}

fn external_id(text: &str) -> ObjectExternalId {
    ObjectExternalId::parse(text).unwrap()
}

#[track_caller]
fn page<C: Debug>(answer: Result<ObjectPageAnswer<C>, ApiFailure>) -> ObjectPage<C> {
    match answer {
        Ok(ObjectPageAnswer::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

async fn a_record_is_found_by_its_id_and_by_its_external_id<D: ObjectApi>(service: &D) {
    let seventh = record(ObjectType::Contract, 7);
    let by_id = service.get_object(seventh).await.unwrap().unwrap();
    assert_eq!(by_id.object, seventh);
    assert_eq!(by_id.external_id.value(), Some("CW-7"));
    assert!(by_id.state.value().is_some());
    assert_eq!(by_id.attachments, AttachmentLinkage::Listed(Vec::new()));
    for nobody in [
        record(ObjectType::Contract, 987),
        record(ObjectType::Project, 7),
    ] {
        assert_eq!(service.get_object(nobody).await, Ok(None), "{nobody}");
    }
    assert!(!service.has_external_id_path(ObjectType::Event));
    for (kind, text, found) in [
        (ObjectType::Contract, "CW-7", Some(by_id)),
        (ObjectType::Contract, "CW-251", None),
        (ObjectType::Project, "CW-7", None),
    ] {
        assert!(service.has_external_id_path(kind));
        let external_id = external_id(text);
        let by_path = service.get_object_by_external_id(kind, &external_id);
        assert_eq!(by_path.await, Ok(found), "{kind} {text}");
    }
}

async fn a_filter_lets_the_records_with_an_external_id_through<D: ObjectApi>(service: &D) {
    for (kind, text, ids) in [
        (ObjectType::Contract, "CW/9 & ü?.#", &[900][..]),
        (ObjectType::Contract, "CW-25", &[25]),
        (ObjectType::Contract, "CW-251", &[]),
        (ObjectType::Event, "E-1", &[3, 4]),
    ] {
        let external_id = external_id(text);
        let answer = service.list_objects(kind, Some(&external_id), None, 100);
        let page = page(answer.await);
        let found: Vec<ObjectRef> = page.objects.iter().map(|one| one.object).collect();
        let expected: Vec<ObjectRef> = ids.iter().map(|id| record(kind, *id)).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(page.next, NextObjectPage::None, "{text}");
    }
}

async fn a_list_shows_each_record_once_on_pages_of_the_wanted_size<D: ObjectApi>(service: &D) {
    for sizes in [&[100, 100, 51][..], &[100, 25, 25, 25, 25, 25, 25, 1]] {
        let mut cursor = None;
        let mut shown: Vec<ObjectDetails> = Vec::new();
        for (nth, size) in sizes.iter().enumerate() {
            let wanted = if nth == 0 { 100 } else { sizes[1] };
            let kind = ObjectType::Contract;
            let answer = service.list_objects(kind, None, cursor.as_ref(), wanted);
            let page = page(answer.await);
            assert_eq!(page.objects.len(), *size, "page {nth} of {sizes:?}");
            shown.extend(page.objects);
            cursor = match page.next {
                NextObjectPage::At(next) => Some(next),
                end => {
                    assert_eq!((end, nth + 1), (NextObjectPage::None, sizes.len()));
                    None
                }
            };
        }
        assert_eq!(cursor, None);
        let mut found: Vec<_> = shown
            .iter()
            .map(|one| (one.object.to_string(), one.external_id.value()))
            .collect();
        found.sort();
        let all = records();
        let contracts = all
            .iter()
            .filter(|(object, _)| object.object_type() == ObjectType::Contract);
        let mut expected: Vec<_> = contracts
            .map(|(object, external_id)| (object.to_string(), Some(external_id.as_str())))
            .collect();
        expected.sort();
        assert_eq!(found, expected);
    }
}

async fn a_record_shows_its_attachments<D: ObjectApi + AttachmentApi>(service: &D) {
    let new = new_attachment("on a record");
    let before = service.get_object(new.object).await.unwrap().unwrap();
    let AttachmentLinkage::Listed(mut expected) = before.attachments else {
        panic!("{before:?}");
    };
    let (id, _) = create_attachment(service, &new).await;
    expected.push(id);
    let single = service.get_object(new.object).await.unwrap().unwrap();
    let kind = new.object.object_type();
    let list = page(service.list_objects(kind, None, None, 100).await).objects;
    for shown in [vec![single], list] {
        let [shown] = &shown[..] else {
            panic!("{shown:?}");
        };
        assert_eq!(
            shown.attachments,
            AttachmentLinkage::Listed(expected.clone())
        );
    }
}
