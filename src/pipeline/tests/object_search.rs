//! Search for records: requests by kind, and the findings.

use std::collections::BTreeMap;

use super::*;
use crate::destination::ObjectDetails;
use crate::memory_service::object_catalog::{FilterRule, MatchingRule, MemoryObject, ObjectRules};
use crate::model::{NamedObject, ObjectExternalId};

fn by_external_id(kind: ObjectType, external_id: &str) -> NamedObject {
    NamedObject::ByExternalId(kind, ObjectExternalId::parse(external_id).unwrap())
}

fn by_id(kind: ObjectType, id: u64) -> NamedObject {
    NamedObject::Known(ObjectRef::parse(kind, &id.to_string()).unwrap())
}

/// Returns records of a type with the external ids `CW-1`, `CW-2` and so on.
fn numbered(kind: ObjectType, count: u64) -> impl Iterator<Item = MemoryObject> {
    (1..=count).map(move |id| MemoryObject::new(kind, id, Some(&format!("CW-{id}"))))
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
    let findings = Mutex::new(BTreeMap::new());
    let tell = |place, finding| {
        let before = findings.lock().unwrap().insert(place, finding);
        assert_eq!(before, None, "query {place} is told of twice");
    };
    let (events, _) = EventSender::channel();
    let never = std::future::pending();
    let settings = settings();
    let halt = find_objects(queries, service, &settings, &events, never, enough, &tell).await;
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
    let odd = MemoryObject::new(ObjectType::Contract, 9, Some("CW/9"));
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
    let twins = [1, 2, 3].map(|id| MemoryObject::new(ObjectType::Event, id, Some("E-7")));
    let service = service_with_objects(twins, |_, _| None);
    let (findings, _) = find(&service, &[by_external_id(ObjectType::Event, "E-7")]).await;
    assert_eq!(findings[&0], ObjectFinding::Ambiguous(3));
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_external_id_differs_in_case_is_not_taken() {
    let objects = [ObjectType::Contract, ObjectType::Event]
        .map(|kind| MemoryObject::new(kind, 7, Some("cw-1")));
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
