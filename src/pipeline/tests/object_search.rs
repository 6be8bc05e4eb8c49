//! Search for records: requests by kind, and the findings.

use std::collections::BTreeMap;

use super::*;
use crate::destination::ObjectDetails;
use crate::memory_service::object_catalog::{
    FilterRule, MatchingRule, MemoryObject, ObjectRules, PagingRule,
};
use crate::model::{NamedObject, ObjectExternalId};

fn by_external_id(kind: ObjectType, external_id: &str) -> NamedObject {
    NamedObject::ByExternalId(kind, ObjectExternalId::parse(external_id).unwrap())
}

fn by_id(kind: ObjectType, id: u64) -> NamedObject {
    NamedObject::Known(ObjectRef::parse(kind, &id.to_string()).unwrap())
}

fn object_with(kind: ObjectType, id: u64, external_id: &str) -> MemoryObject {
    let object = ObjectRef::parse(kind, &id.to_string()).unwrap();
    MemoryObject {
        external_id: Some(external_id.to_owned()),
        ..MemoryObject::new(object)
    }
}

/// Returns records of a type with the external ids `CW-1`, `CW-2` and so on.
fn numbered(kind: ObjectType, count: u64) -> impl Iterator<Item = MemoryObject> {
    (1..=count).map(move |id| object_with(kind, id, &format!("CW-{id}")))
}

/// Returns a service with records, whose faults the script chooses.
fn service_with_objects(
    objects: impl IntoIterator<Item = MemoryObject>,
    script: impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static,
) -> MemoryAttachmentService {
    let rules = AttachmentServiceRules::default();
    let service = MemoryAttachmentService::with_faults(rules, Box::new(script));
    service.add_objects(objects);
    service
}

/// Findings of a search, by the places of the queries.
type Findings = BTreeMap<usize, ObjectFinding>;

/// Searches with the word of lists being enough for the given records.
async fn find_if_enough(
    service: &MemoryAttachmentService,
    queries: &[NamedObject],
    enough: &(dyn Fn(usize, &ObjectDetails) -> bool + Sync),
) -> (Findings, Option<HaltReason>) {
    find_with(service, queries, &settings(), enough).await
}

/// Searches with these settings.
async fn find_with(
    service: &MemoryAttachmentService,
    queries: &[NamedObject],
    settings: &RunSettings,
    enough: &(dyn Fn(usize, &ObjectDetails) -> bool + Sync),
) -> (Findings, Option<HaltReason>) {
    let findings = Mutex::new(BTreeMap::new());
    let tell = |place, finding| {
        let before = findings.lock().unwrap().insert(place, finding);
        assert_eq!(before, None, "query {place} is told of twice");
    };
    let (events, _) = EventSender::channel();
    let never = std::future::pending();
    let halt = find_objects(queries, service, settings, &events, never, enough, &tell).await;
    (findings.into_inner().unwrap(), halt)
}

/// Searches with the word of lists being enough for all records.
async fn find(
    service: &MemoryAttachmentService,
    queries: &[NamedObject],
) -> (Findings, Option<HaltReason>) {
    find_if_enough(service, queries, &|_, _| true).await
}

/// Returns the numbers of requests by id, by path, by filter and for pages.
fn requests_by_kind(service: &MemoryAttachmentService) -> [usize; 4] {
    [
        RequestKind::GetObject,
        RequestKind::FindObject,
        RequestKind::FilterObjects,
        RequestKind::ListObjects,
    ]
    .map(|kind| count_requests(&service.log(), kind))
}

/// Returns the record of each finding; `None` for a query without a record.
fn found(findings: &Findings) -> Vec<Option<String>> {
    let shown = findings.values().map(|finding| match finding {
        ObjectFinding::Found(details) => Some(details.object.to_string()),
        _ => None,
    });
    shown.collect()
}

#[tokio::test(start_paused = true)]
async fn a_few_records_cost_a_request_each_by_the_way_that_leads_to_them() {
    let contracts = numbered(ObjectType::Contract, 3);
    let odd = object_with(ObjectType::Contract, 9, "CW/9");
    let events = numbered(ObjectType::Event, 2);
    let service = service_with_objects(contracts.chain([odd]).chain(events), |_, _| None);
    let (findings, halt) = find(
        &service,
        &[
            by_external_id(ObjectType::Contract, "CW-2"),
            by_external_id(ObjectType::Contract, "CW-4"),
            by_external_id(ObjectType::Contract, "CW/9"),
            by_external_id(ObjectType::Event, "CW-1"),
            by_external_id(ObjectType::Event, "CW-3"),
            by_id(ObjectType::Contract, 1),
            by_id(ObjectType::Contract, 4),
        ],
    )
    .await;
    assert_eq!(halt, None);
    let record = |shown: &str| Some(shown.to_owned());
    assert_eq!(
        found(&findings),
        [
            record("contract 2"),
            None,
            record("contract 9"),
            record("event 1"),
            None,
            record("contract 1"),
            None
        ]
    );
    for place in [1, 4, 6] {
        assert_eq!(findings[&place], ObjectFinding::Missing, "{place}");
    }
    assert_eq!(requests_by_kind(&service), [2, 2, 3, 0]);
}

#[tokio::test(start_paused = true)]
async fn events_with_the_same_external_id_are_ambiguous() {
    let twins = [1, 2, 3].map(|id| object_with(ObjectType::Event, id, "E-7"));
    let service = service_with_objects(twins, |_, _| None);
    let (findings, _) = find(&service, &[by_external_id(ObjectType::Event, "E-7")]).await;
    assert_eq!(findings[&0], ObjectFinding::Ambiguous(3));
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_external_id_differs_in_case_is_not_taken() {
    let objects =
        [ObjectType::Contract, ObjectType::Event].map(|kind| object_with(kind, 7, "cw-1"));
    let service = service_with_objects(objects, |_, _| None);
    service.set_object_rules(ObjectRules {
        matching: MatchingRule::IgnoresCase,
        ..ObjectRules::default()
    });
    let (findings, _) = find(
        &service,
        &[
            by_external_id(ObjectType::Contract, "CW-1"),
            by_external_id(ObjectType::Event, "CW-1"),
        ],
    )
    .await;
    let why = "the service answers with contract 7, whose external_id is \"cw-1\"";
    assert_eq!(findings[&0], ObjectFinding::Unknown(why.to_owned()));
    assert_eq!(findings[&1], ObjectFinding::Missing);
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_the_service_ignores_proves_nothing_unless_the_list_ends() {
    for (records, finding) in [
        (150, "found"),
        (
            2_000,
            "the service answers the filter by external_id with many other records",
        ),
    ] {
        let service = service_with_objects(numbered(ObjectType::Event, records), |_, _| None);
        service.set_object_rules(ObjectRules {
            filter: FilterRule::Ignored,
            ..ObjectRules::default()
        });
        let (findings, _) = find(&service, &[by_external_id(ObjectType::Event, "CW-7")]).await;
        let told = match &findings[&0] {
            ObjectFinding::Found(_) => "found",
            ObjectFinding::Unknown(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, finding);
        assert!(requests_by_kind(&service)[2] <= 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_fails_ends_the_run_only_if_the_service_is_away_or_the_keys_are_bad() {
    let queries = [1, 2, 3].map(|id| by_id(ObjectType::Contract, id));
    let script = |kind, count| {
        (kind == RequestKind::GetObject && count == 2).then_some(DeliveryFault::Refused)
    };
    let service = service_with_objects(numbered(ObjectType::Contract, 3), script);
    let (findings, halt) = find(&service, &queries).await;
    assert_eq!(halt, None);
    let unknown = ObjectFinding::Unknown("status 422".to_owned());
    assert_eq!(findings.values().filter(|one| **one == unknown).count(), 1);
    assert_eq!(found(&findings).iter().flatten().count(), 2);

    let denied = service_with_objects([], |_, _| Some(DeliveryFault::Denied));
    let (_, halt) = find(&denied, &queries).await;
    assert_eq!(
        halt,
        Some(HaltReason::KeysRejected("status 401".to_owned()))
    );

    let begin = Instant::now();
    let away_at_first = move |_, _| {
        let is_away = begin.elapsed() < Duration::from_secs(100);
        is_away.then_some(DeliveryFault::NotSent)
    };
    let away = service_with_objects(numbered(ObjectType::Contract, 3), away_at_first);
    let (findings, halt) = find(&away, &queries).await;
    assert_eq!(halt, None);
    assert_eq!(found(&findings).iter().flatten().count(), 3);
}

/// Returns queries by the external ids `CW-first` to `CW-last` of a type.
fn wanted(kind: ObjectType, first: u64, last: u64) -> Vec<NamedObject> {
    let ids = first..=last;
    ids.map(|id| by_external_id(kind, &format!("CW-{id}")))
        .collect()
}

/// Returns the number of records found.
fn found_count(findings: &Findings) -> usize {
    found(findings).iter().flatten().count()
}

#[tokio::test(start_paused = true)]
async fn many_records_are_found_in_the_list_a_hundred_at_a_time() {
    let kind = ObjectType::Contract;
    let service = service_with_objects(numbered(kind, 300), |_, _| None);
    let mut queries = wanted(kind, 101, 290);
    queries.extend((291..=300).map(|id| by_id(kind, id)));
    let (findings, halt) = find(&service, &queries).await;
    assert_eq!(halt, None);
    for (place, finding) in &findings {
        let ObjectFinding::Found(details) = finding else {
            panic!("query {place}: {finding:?}");
        };
        assert_eq!(
            details.object.to_string(),
            format!("contract {}", place + 101)
        );
    }
    assert_eq!(findings.len(), 200);
    assert_eq!(requests_by_kind(&service), [0, 0, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_walk_ends_when_all_is_found_or_when_it_has_cost_as_much_as_single_look_ups() {
    let kind = ObjectType::Project;
    let service = service_with_objects(numbered(kind, 5_000), |_, _| None);
    let (findings, _) = find(&service, &wanted(kind, 1, 20)).await;
    assert_eq!(found_count(&findings), 20);
    assert_eq!(requests_by_kind(&service), [0, 0, 0, 1]);

    let service = service_with_objects(numbered(kind, 5_000), |_, _| None);
    let (findings, _) = find(&service, &wanted(kind, 4_981, 5_000)).await;
    assert_eq!(found_count(&findings), 20);
    assert_eq!(requests_by_kind(&service), [0, 20, 0, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_too_large_is_halved_and_a_record_that_is_too_large_ends_the_walk() {
    let kind = ObjectType::Contract;
    for (readable_page, requests) in [(30, [0, 0, 0, 2 + 12]), (0, [0, 200, 0, 7])] {
        let service = service_with_objects(numbered(kind, 300), |_, _| None);
        service.set_object_rules(ObjectRules {
            readable_page,
            ..ObjectRules::default()
        });
        let (findings, halt) = find(&service, &wanted(kind, 101, 300)).await;
        assert_eq!((found_count(&findings), halt), (200, None));
        assert_eq!(requests_by_kind(&service), requests, "{readable_page}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_list_does_not_show_is_asked_for_before_it_counts_as_missing() {
    let kind = ObjectType::Contract;
    let service = service_with_objects(numbered(kind, 150), |_, _| None);
    let mut queries = wanted(kind, 141, 151);
    queries.push(by_id(kind, 151));
    let (findings, _) = find(&service, &queries).await;
    assert_eq!(found_count(&findings), 10);
    assert_eq!(findings[&10], ObjectFinding::Missing);
    assert_eq!(findings[&11], ObjectFinding::Missing);
    assert_eq!(requests_by_kind(&service), [1, 1, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn records_that_share_an_external_id_in_the_list_are_ambiguous() {
    let kind = ObjectType::Contract;
    let twin = object_with(kind, 999, "CW-7");
    let service = service_with_objects(numbered(kind, 150).chain([twin]), |_, _| None);
    let (findings, _) = find(&service, &wanted(kind, 1, 150)).await;
    // The walk does not go on for the sake of twins, but these are on a page that was read.
    assert_eq!(findings[&6], ObjectFinding::Ambiguous(2));
    assert_eq!(found_count(&findings), 149);
    assert_eq!(requests_by_kind(&service), [0, 0, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_list_vouches_for_an_event_only_after_its_last_page() {
    let kind = ObjectType::Event;
    let twin = object_with(kind, 10_000, "CW-7");
    let events = |count| numbered(kind, count).chain([twin.clone()]);
    // Ten pages, the last with the twin.
    let service = service_with_objects(events(990), |_, _| None);
    let (findings, _) = find(&service, &wanted(kind, 1, 20)).await;
    assert_eq!(findings[&6], ObjectFinding::Ambiguous(2));
    assert_eq!(found_count(&findings), 19);
    assert_eq!(requests_by_kind(&service), [0, 0, 0, 10]);

    // Too many pages, so the filter decides.
    let service = service_with_objects(events(5_000), |_, _| None);
    let (findings, _) = find(&service, &wanted(kind, 1, 20)).await;
    assert_eq!(findings[&6], ObjectFinding::Ambiguous(2));
    assert_eq!(found_count(&findings), 19);
    assert_eq!(requests_by_kind(&service), [0, 0, 20, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_costs_no_record_its_finding() {
    let kind = ObjectType::Contract;
    for (fault, pages) in [
        (DeliveryFault::Refused, 1),
        (DeliveryFault::FailedWithoutEffect, 1),
        (DeliveryFault::NotSent, 3),
    ] {
        let is_once = fault == DeliveryFault::NotSent;
        let script = move |operation, count| {
            let is_hit = operation == RequestKind::ListObjects && count >= 2;
            (is_hit && !(is_once && count > 2)).then_some(fault)
        };
        let service = service_with_objects(numbered(kind, 300), script);
        let (findings, halt) = find(&service, &wanted(kind, 51, 300)).await;
        assert_eq!((found_count(&findings), halt), (250, None), "{fault:?}");
        let singles = if is_once { 0 } else { 200 };
        assert_eq!(
            requests_by_kind(&service),
            [0, singles, 0, pages],
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hours_without_the_service_in_the_middle_of_a_walk_cost_no_record_its_finding() {
    let kind = ObjectType::Contract;
    let begin = Instant::now();
    let five_hours = Duration::from_hours(5);
    let script = move |operation, count| {
        let is_away =
            (operation, count) != (RequestKind::ListObjects, 1) && begin.elapsed() < five_hours;
        is_away.then_some(DeliveryFault::NotSent)
    };
    let service = service_with_objects(numbered(kind, 300), script);
    let (findings, halt) = find(&service, &wanted(kind, 51, 300)).await;
    assert_eq!((found_count(&findings), halt), (250, None));
    assert!(begin.elapsed() > five_hours);
    assert_eq!(requests_by_kind(&service), [0, 0, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_too_long_ends_the_search_with_the_records_of_the_pages_read() {
    let kind = ObjectType::Contract;
    let script = |operation, count| {
        let is_answered = (operation, count) == (RequestKind::ListObjects, 1);
        (!is_answered).then_some(DeliveryFault::NotSent)
    };
    let service = service_with_objects(numbered(kind, 300), script);
    let (findings, halt) = find(&service, &wanted(kind, 51, 300)).await;
    assert!(matches!(halt, Some(HaltReason::Outage(_))), "{halt:?}");
    assert_eq!(found_count(&findings), 50);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_round_in_a_circle_ends() {
    let kind = ObjectType::Contract;
    let service = service_with_objects(numbered(kind, 300), |_, _| None);
    service.set_object_rules(ObjectRules {
        paging: PagingRule::Circular,
        ..ObjectRules::default()
    });
    let (findings, halt) = find(&service, &wanted(kind, 201, 301)).await;
    assert_eq!((found_count(&findings), halt), (100, None));
    assert_eq!(findings[&100], ObjectFinding::Missing);
    assert_eq!(requests_by_kind(&service), [0, 1, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_supplier_renamed_during_the_walk_is_found_once() {
    let kind = ObjectType::SupplierCompany;
    let suppliers = || {
        numbered(kind, 150)
            .zip(1..)
            .map(|(supplier, number)| MemoryObject {
                name: format!("Supplier {number:03}"),
                ..supplier
            })
    };
    // Supplier 120 is missed, because it moves to the first page after this page was read. Supplier
    // 20 comes twice.
    for (renamed, name, requests) in [(120, "A", [0, 1, 0, 2]), (20, "Z", [0, 0, 0, 2])] {
        let service = service_with_objects(suppliers(), |_, _| None);
        let object = ObjectRef::parse(kind, &renamed.to_string()).unwrap();
        service.rename_before_page(2, object, name);
        let (findings, _) = find(&service, &wanted(kind, 1, 150)).await;
        assert_eq!(found_count(&findings), 150, "{findings:?}");
        assert_eq!(requests_by_kind(&service), requests, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_which_the_list_says_too_little_is_asked_for_alone() {
    let kind = ObjectType::Contract;
    let service = service_with_objects(numbered(kind, 100), |_, _| None);
    let queries: Vec<_> = (1..=50).map(|id| by_id(kind, id)).collect();
    let enough = |place, details: &ObjectDetails| {
        assert_eq!(
            details.object.to_string(),
            format!("contract {}", place + 1)
        );
        place >= 5
    };
    let (findings, _) = find_if_enough(&service, &queries, &enough).await;
    assert_eq!(found_count(&findings), 50);
    assert_eq!(requests_by_kind(&service), [5, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn keys_without_rights_for_one_service_cost_the_records_of_others_nothing() {
    let objects = numbered(ObjectType::Contract, 3).chain(numbered(ObjectType::Project, 10));
    let script = |kind, _| (kind == RequestKind::FindObject).then_some(DeliveryFault::Denied);
    let service = service_with_objects(objects, script);
    let mut queries: Vec<_> = (1..=3).map(|id| by_id(ObjectType::Contract, id)).collect();
    queries.extend(wanted(ObjectType::Project, 1, 10));
    let one_at_a_time = RunSettings {
        rows_at_once: 1,
        ..settings()
    };
    let (findings, halt) = find_with(&service, &queries, &one_at_a_time, &|_, _| true).await;
    let denied = ObjectFinding::Unknown("status 401".to_owned());
    assert_eq!(halt, None);
    assert_eq!(findings.values().filter(|one| **one == denied).count(), 10);
    assert_eq!(found_count(&findings), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_search_at_once() {
    let kind = ObjectType::Contract;
    let service = service_with_objects(numbered(kind, 5_000), |_, _| None);
    let (events, _) = EventSender::channel();
    let told = Mutex::new(0);
    let halt = find_objects(
        &wanted(kind, 4_900, 5_000),
        &service,
        &settings(),
        &events,
        tokio::time::sleep(Duration::from_secs(2)),
        &|_, _| true,
        &|_, _| *told.lock().unwrap() += 1,
    )
    .await;
    assert_eq!(halt, Some(HaltReason::Interrupted));
    assert_eq!(told.into_inner().unwrap(), 0);
}
