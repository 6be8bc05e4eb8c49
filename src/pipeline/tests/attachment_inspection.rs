//! Requests of a verification of attachments, and the results after failures.

use std::collections::BTreeMap;

use super::*;
use crate::destination::attachment_metadata::AttachmentMetadata;
use crate::http::{DigestedBytes, FetchedContent};
use crate::model::AttachmentId;

/// Creates a service with attachments. The faults of `script` are meant for requests of the
/// inspection.
async fn service_with_attachments(
    rules: AttachmentServiceRules,
    rows: usize,
    script: impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static,
) -> MemoryAttachmentService {
    let (memory, _, halt) = run_with_faults(rules, rows, script).await;
    assert_eq!(halt, None);
    memory
}

/// Inspects every attachment, and an attachment that never existed.
async fn inspect_all(
    memory: &MemoryAttachmentService,
    bytes: impl Fn(u64) -> InspectionDepth,
    settings: &RunSettings,
) -> (BTreeMap<usize, InspectedAttachment>, Option<HaltReason>) {
    let stored = memory.stored();
    let there = stored.iter().map(|one| (one.id, one.external_id.as_str()));
    let questions: Vec<_> = there
        .chain([(987_654, "A0")])
        .map(|(id, key)| InspectionQuery {
            key: key[1..].parse().unwrap(),
            id: AttachmentId::parse(&id.to_string()).unwrap(),
            depth: bytes(id),
        })
        .collect();
    let seen = Mutex::new(BTreeMap::new());
    let tell = |place, what| {
        let before = seen.lock().unwrap().insert(place, what);
        assert_eq!(before, None, "row {place} is told of twice");
    };
    let (events, _) = EventSender::channel();
    let never = std::future::pending();
    let halt =
        super::super::inspect_attachments(&questions, memory, settings, &events, never, &tell)
            .await;
    (seen.into_inner().unwrap(), halt)
}

fn digest_depth(_: u64) -> InspectionDepth {
    InspectionDepth::DigestIfSize { size: 14 }
}

/// Returns `true` if the bytes of a row arrived and are the sent bytes.
fn is_proven(seen: &BTreeMap<usize, InspectedAttachment>, row: usize) -> bool {
    let content = file_content(row);
    let (size, sha256) = (content.stamp.size, content.sha256);
    let whole = InspectedBytes::Downloaded(FetchedContent::File(DigestedBytes { size, sha256 }));
    matches!(&seen[&row], InspectedAttachment::Found(AttachmentMetadata { size: Some(shown), .. }, bytes)
        if *shown == size && *bytes == whole)
}

#[tokio::test(start_paused = true)]
async fn fifty_attachments_are_asked_for_at_once_and_only_the_missing_alone() {
    let memory =
        service_with_attachments(AttachmentServiceRules::default(), 120, |_, _| None).await;
    let (seen, halt) = inspect_all(&memory, |_| InspectionDepth::MetadataOnly, &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 121);
    assert_eq!(seen[&0], InspectedAttachment::Absent);
    for row in 1..=120 {
        assert!(matches!(
            &seen[&row],
            InspectedAttachment::Found(_, InspectedBytes::NotDownloaded)
        ));
    }
    let log = memory.log();
    assert_eq!(count_requests(&log, RequestKind::Inspect), 3);
    assert_eq!(count_requests(&log, RequestKind::Original), 1);
    assert_eq!(count_requests(&log, RequestKind::Fetch), 0);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_read_only_where_there_are_as_many_as_there_should_be() {
    let memory = service_with_attachments(AttachmentServiceRules::default(), 12, |_, _| None).await;
    // Rows 10 to 12 have a byte more.
    let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
    assert_eq!(halt, None);
    assert!((1..=9).all(|row| is_proven(&seen, row)));
    for row in 10..=12 {
        assert!(matches!(
            &seen[&row],
            InspectedAttachment::Found(
                AttachmentMetadata { size: Some(15), .. },
                InspectedBytes::NotDownloaded
            )
        ));
    }
    let log = memory.log();
    assert_eq!(count_requests(&log, RequestKind::Fetch), 9);
    // The list is enough for the other rows; only the attachment left out by the list is asked for
    // again.
    assert_eq!(count_requests(&log, RequestKind::Original), 9 + 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_expired_is_asked_for_anew_and_not_for_ever() {
    let often = |operation, number| match (operation, number) {
        (RequestKind::Fetch, 1 | 2) => Some(DeliveryFault::Denied),
        _ => None,
    };
    let memory = service_with_attachments(AttachmentServiceRules::default(), 1, often).await;
    let (seen, _) = inspect_all(&memory, digest_depth, &settings()).await;
    assert!(is_proven(&seen, 1));
    assert_eq!(count_requests(&memory.log(), RequestKind::Original), 1 + 3);

    let always = |operation, _| (operation == RequestKind::Fetch).then_some(DeliveryFault::Denied);
    let memory = service_with_attachments(AttachmentServiceRules::default(), 1, always).await;
    let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
    assert_eq!(halt, None);
    assert!(
        matches!(
            &seen[&1],
            InspectedAttachment::Found(_, InspectedBytes::Unavailable(_))
        ),
        "{seen:?}"
    );
    assert_eq!(count_requests(&memory.log(), RequestKind::Original), 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_on_the_way_is_asked_for_again() {
    for fault in [
        DeliveryFault::RequestLost,
        DeliveryFault::NotSent,
        DeliveryFault::FailedWithoutEffect,
        DeliveryFault::Throttled,
    ] {
        for operation in [
            RequestKind::Inspect,
            RequestKind::Original,
            RequestKind::Fetch,
        ] {
            let memory = service_with_attachments(
                AttachmentServiceRules::default(),
                9,
                nth_request(operation, 1, fault),
            )
            .await;
            let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
            assert_eq!(halt, None, "{operation:?} {fault:?}");
            assert!(
                (1..=9).all(|row| is_proven(&seen, row)),
                "{operation:?} {fault:?}"
            );
            assert_eq!(
                seen[&0],
                InspectedAttachment::Absent,
                "{operation:?} {fault:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hours_without_the_service_or_its_storage_cost_no_row_its_proof() {
    let five_hours = Duration::from_hours(5);
    for (gone, time) in [
        // A service that was never there is given up soon.
        (RequestKind::Inspect, Duration::from_secs(100)),
        (RequestKind::Original, five_hours),
        (RequestKind::Fetch, five_hours),
    ] {
        let begin = Instant::now();
        let script = move |operation, _| {
            let away = operation == gone && begin.elapsed() < time;
            away.then_some(DeliveryFault::NotSent)
        };
        let memory = service_with_attachments(AttachmentServiceRules::default(), 9, script).await;
        let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
        assert_eq!(halt, None, "{gone:?}");
        assert!((1..=9).all(|row| is_proven(&seen, row)), "{gone:?}");
        assert!(begin.elapsed() > time);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_too_long_and_rejected_keys_end_a_verification() {
    let script =
        |operation, _| (operation == RequestKind::Original).then_some(DeliveryFault::NotSent);
    let memory = service_with_attachments(AttachmentServiceRules::default(), 3, script).await;
    let (_, halt) = inspect_all(&memory, digest_depth, &settings()).await;
    assert!(matches!(halt, Some(HaltReason::Outage(_))), "{halt:?}");

    let script =
        |operation, _| (operation == RequestKind::Inspect).then_some(DeliveryFault::Denied);
    let memory = service_with_attachments(AttachmentServiceRules::default(), 3, script).await;
    let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
    assert!(
        matches!(halt, Some(HaltReason::KeysRejected(_))),
        "{halt:?}"
    );
    assert_eq!(seen, BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_is_asked_for_one_by_one() {
    let script =
        |operation, _| (operation == RequestKind::Inspect).then_some(DeliveryFault::Refused);
    let memory = service_with_attachments(AttachmentServiceRules::default(), 3, script).await;
    let (seen, halt) = inspect_all(&memory, |_| InspectionDepth::MetadataOnly, &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 4);
    assert!(matches!(&seen[&3], InspectedAttachment::Found(..)));
}

#[tokio::test(start_paused = true)]
async fn files_that_the_storage_refuses_do_not_hold_up_the_others() {
    let script = |operation, number: u64| {
        (operation == RequestKind::Fetch && number % 2 == 1).then_some(DeliveryFault::Refused)
    };
    let memory = service_with_attachments(AttachmentServiceRules::default(), 8, script).await;
    let (seen, halt) = inspect_all(&memory, digest_depth, &settings()).await;
    assert_eq!(halt, None);
    let came = (1..=8).filter(|row| is_proven(&seen, *row)).count();
    let refused = seen.values().filter(
        |seen| matches!(seen, InspectedAttachment::Found(_, InspectedBytes::Unavailable(why)) if why == "status 422"),
    );
    assert_eq!((came, refused.count()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_forbidden_while_others_work_is_the_rows_own_and_ends_nothing() {
    let one_at_a_time = RunSettings {
        rows_at_once: 1,
        ..settings()
    };
    for list in [None, Some(DeliveryFault::Refused)] {
        // The second single look-up, and its repetition after the keys have proved good.
        let script = move |operation, number| match (operation, number) {
            (RequestKind::Inspect, _) => list,
            (RequestKind::Original, 2 | 3) => Some(DeliveryFault::Denied),
            _ => None,
        };
        let memory = service_with_attachments(AttachmentServiceRules::default(), 4, script).await;
        let (seen, halt) = inspect_all(&memory, digest_depth, &one_at_a_time).await;
        assert_eq!(halt, None, "{list:?}");
        let forbidden = InspectedAttachment::Unknown("status 401".to_owned());
        let unknown = seen.values().filter(|seen| **seen == forbidden).count();
        assert_eq!((seen.len(), unknown), (5, 1), "{list:?}: {seen:?}");
    }
}
