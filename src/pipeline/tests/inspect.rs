//! Requests of a verification of attachments, and the results after failures.

use std::collections::BTreeMap;

use super::*;
use crate::destination::archive::Exhibit;
use crate::http::{Digested, Fetched};
use crate::model::AttachmentId;

/// Creates a service with attachments. The faults of `script` are meant for requests of the
/// inspection.
async fn kept(
    rules: Rules,
    rows: usize,
    script: impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static,
) -> Memory {
    let (memory, _, halt) = with_faults(rules, rows, script).await;
    assert_eq!(halt, None);
    memory
}

/// Inspects every attachment, and an attachment that never existed.
async fn inspected(
    memory: &Memory,
    bytes: impl Fn(u64) -> Wanted,
    settings: &Settings,
) -> (BTreeMap<usize, Seen>, Option<Halt>) {
    let stored = memory.stored();
    let there = stored.iter().map(|one| (one.id, one.external_id.as_str()));
    let questions = there
        .chain([(987_654, "A0")])
        .map(|(id, key)| Question {
            place: key[1..].parse().unwrap(),
            id: AttachmentId::parse(&id.to_string()).unwrap(),
            bytes: bytes(id),
        })
        .collect();
    let seen = Mutex::new(BTreeMap::new());
    let tell = |place, what| {
        let before = seen.lock().unwrap().insert(place, what);
        assert_eq!(before, None, "row {place} is told of twice");
    };
    let (events, _) = Events::channel();
    let never = std::future::pending();
    let halt = super::super::inspect(questions, memory, settings, &events, never, &tell).await;
    (seen.into_inner().unwrap(), halt)
}

fn digest(_: u64) -> Wanted {
    Wanted::Digest { size: 14 }
}

/// Returns `true` if the bytes of a row arrived and are the sent bytes.
fn proven(seen: &BTreeMap<usize, Seen>, row: usize) -> bool {
    let content = original(row);
    let (size, sha256) = (content.stamp.size, content.sha256);
    let whole = Bytes::Fetched(Fetched::File(Digested { size, sha256 }));
    matches!(&seen[&row], Seen::There(Exhibit { size: Some(shown), .. }, bytes)
        if *shown == size && *bytes == whole)
}

#[tokio::test(start_paused = true)]
async fn fifty_attachments_are_asked_for_at_once_and_only_the_missing_alone() {
    let memory = kept(Rules::default(), 120, |_, _| None).await;
    let (seen, halt) = inspected(&memory, |_| Wanted::Nothing, &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 121);
    assert_eq!(seen[&0], Seen::Absent);
    for row in 1..=120 {
        assert!(matches!(&seen[&row], Seen::There(_, Bytes::NotFetched)));
    }
    let log = memory.log();
    assert_eq!(count(&log, Operation::Inspect), 3);
    assert_eq!(count(&log, Operation::Original), 1);
    assert_eq!(count(&log, Operation::Fetch), 0);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_read_only_where_there_are_as_many_as_there_should_be() {
    let memory = kept(Rules::default(), 12, |_, _| None).await;
    // Rows 10 to 12 have a byte more.
    let (seen, halt) = inspected(&memory, digest, &settings()).await;
    assert_eq!(halt, None);
    assert!((1..=9).all(|row| proven(&seen, row)));
    for row in 10..=12 {
        assert!(matches!(
            &seen[&row],
            Seen::There(Exhibit { size: Some(15), .. }, Bytes::NotFetched)
        ));
    }
    let log = memory.log();
    assert_eq!(count(&log, Operation::Fetch), 9);
    // The list is enough for the other rows; only the attachment left out by the list is asked for
    // again.
    assert_eq!(count(&log, Operation::Original), 9 + 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_expired_is_asked_for_anew_and_not_for_ever() {
    let often = |operation, number| match (operation, number) {
        (Operation::Fetch, 1 | 2) => Some(Fault::Denied),
        _ => None,
    };
    let memory = kept(Rules::default(), 1, often).await;
    let (seen, _) = inspected(&memory, digest, &settings()).await;
    assert!(proven(&seen, 1));
    assert_eq!(count(&memory.log(), Operation::Original), 1 + 3);

    let always = |operation, _| (operation == Operation::Fetch).then_some(Fault::Denied);
    let memory = kept(Rules::default(), 1, always).await;
    let (seen, halt) = inspected(&memory, digest, &settings()).await;
    assert_eq!(halt, None);
    assert!(
        matches!(&seen[&1], Seen::There(_, Bytes::Unfetched(_))),
        "{seen:?}"
    );
    assert_eq!(count(&memory.log(), Operation::Original), 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_on_the_way_is_asked_for_again() {
    for fault in [
        Fault::LostBefore,
        Fault::NotSent,
        Fault::Failed,
        Fault::Throttled,
    ] {
        for operation in [Operation::Inspect, Operation::Original, Operation::Fetch] {
            let memory = kept(Rules::default(), 9, nth(operation, 1, fault)).await;
            let (seen, halt) = inspected(&memory, digest, &settings()).await;
            assert_eq!(halt, None, "{operation:?} {fault:?}");
            assert!(
                (1..=9).all(|row| proven(&seen, row)),
                "{operation:?} {fault:?}"
            );
            assert_eq!(seen[&0], Seen::Absent, "{operation:?} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hours_without_the_service_or_its_storage_cost_no_row_its_proof() {
    let five_hours = Duration::from_hours(5);
    for (gone, time) in [
        // A service that was never there is given up soon.
        (Operation::Inspect, Duration::from_secs(100)),
        (Operation::Original, five_hours),
        (Operation::Fetch, five_hours),
    ] {
        let begin = Instant::now();
        let script = move |operation, _| {
            let away = operation == gone && begin.elapsed() < time;
            away.then_some(Fault::NotSent)
        };
        let memory = kept(Rules::default(), 9, script).await;
        let (seen, halt) = inspected(&memory, digest, &settings()).await;
        assert_eq!(halt, None, "{gone:?}");
        assert!((1..=9).all(|row| proven(&seen, row)), "{gone:?}");
        assert!(begin.elapsed() > time);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_too_long_and_rejected_keys_end_a_verification() {
    let script = |operation, _| (operation == Operation::Original).then_some(Fault::NotSent);
    let memory = kept(Rules::default(), 3, script).await;
    let (_, halt) = inspected(&memory, digest, &settings()).await;
    assert!(matches!(halt, Some(Halt::Outage(_))), "{halt:?}");

    let script = |operation, _| (operation == Operation::Inspect).then_some(Fault::Denied);
    let memory = kept(Rules::default(), 3, script).await;
    let (seen, halt) = inspected(&memory, digest, &settings()).await;
    assert!(matches!(halt, Some(Halt::Denied(_))), "{halt:?}");
    assert_eq!(seen, BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_is_asked_for_one_by_one() {
    let script = |operation, _| (operation == Operation::Inspect).then_some(Fault::Refused);
    let memory = kept(Rules::default(), 3, script).await;
    let (seen, halt) = inspected(&memory, |_| Wanted::Nothing, &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 4);
    assert!(matches!(&seen[&3], Seen::There(..)));
}

#[tokio::test(start_paused = true)]
async fn files_that_the_storage_refuses_do_not_hold_up_the_others() {
    let script = |operation, number: u64| {
        (operation == Operation::Fetch && number % 2 == 1).then_some(Fault::Refused)
    };
    let memory = kept(Rules::default(), 8, script).await;
    let (seen, halt) = inspected(&memory, digest, &settings()).await;
    assert_eq!(halt, None);
    let came = (1..=8).filter(|row| proven(&seen, *row)).count();
    let refused = seen.values().filter(
        |seen| matches!(seen, Seen::There(_, Bytes::Unfetched(why)) if why == "status 422"),
    );
    assert_eq!((came, refused.count()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_forbidden_while_others_work_is_the_rows_own_and_ends_nothing() {
    let one_at_a_time = Settings {
        concurrency: 1,
        ..settings()
    };
    for list in [None, Some(Fault::Refused)] {
        // The second single look-up, and its repetition after the keys have proved good.
        let script = move |operation, number| match (operation, number) {
            (Operation::Inspect, _) => list,
            (Operation::Original, 2 | 3) => Some(Fault::Denied),
            _ => None,
        };
        let memory = kept(Rules::default(), 4, script).await;
        let (seen, halt) = inspected(&memory, digest, &one_at_a_time).await;
        assert_eq!(halt, None, "{list:?}");
        let forbidden = Seen::Unknown("status 401".to_owned());
        let unknown = seen.values().filter(|seen| **seen == forbidden).count();
        assert_eq!((seen.len(), unknown), (5, 1), "{list:?}: {seen:?}");
    }
}
