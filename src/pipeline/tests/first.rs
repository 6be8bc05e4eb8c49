//! Rows without any fault, and rows decided by the service's own answers.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_line_is_durable_before_the_request_that_it_announces() {
    let (memory, lines, halt) = with_faults(Rules::default(), 3, |_, _| None).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 3);
    let log = memory.log();
    for number in 1..=3 {
        let last = lines.last(number).unwrap();
        let id: u64 = last.attachment_id.unwrap().as_str().parse().unwrap();
        let at = |operation| {
            let mut of_row = log.iter().filter(|one| one.id == Some(id));
            of_row.find(|one| one.operation == operation).unwrap().at
        };
        assert!(lines.when(number, Status::Creating) < at(Operation::Create));
        assert!(at(Operation::Create) < lines.when(number, Status::Created));
        assert!(lines.when(number, Status::Created) < at(Operation::Put));
        let shown = log.iter().filter(|one| one.operation == Operation::List);
        assert!(shown.map(|one| one.at).min().unwrap() < lines.when(number, Status::Uploaded));
        assert_eq!(last.verified, Verified::Etag);
    }
    assert_eq!(count(&log, Operation::Find), 3);
    assert_eq!(count(&log, Operation::Create), 3);
    assert_eq!(count(&log, Operation::List), 1, "one confirmation for all");
    assert_eq!(count(&log, Operation::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn fifty_ids_are_confirmed_in_one_request() {
    let fast = Settings {
        rate: 1000,
        ..settings()
    };
    let (memory, lines) = (Memory::new(Rules::default()), Lines::default());
    let tasks = (1..=200).map(fresh).collect();
    assert_eq!(go(&memory, &lines, tasks, &fast).await, None);
    each_is_stored_once(&memory, &lines, 200);
    assert_eq!(count(&memory.log(), Operation::List), 4);
}

#[tokio::test(start_paused = true)]
async fn a_size_that_shows_late_is_waited_for_and_one_that_does_not_leaves_the_row_pending() {
    let delayed = |seconds| Rules {
        size_delay: Duration::from_secs(seconds),
        ..Rules::default()
    };
    let (memory, lines, halt) = with_faults(delayed(300), 2, |_, _| None).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 2);

    let (memory, lines, _) = with_faults(delayed(3600), 1, |_, _| None).await;
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, &last.reason),
        (Status::Pending, &Reason::SizeNotShown)
    );
    tokio::time::sleep(Duration::from_hours(1)).await;
    let again = resumed(row(1), content("bytes of row 1"), last);
    assert_eq!(go(&memory, &lines, vec![again], &settings()).await, None);
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(
        count(&memory.log(), Operation::Put),
        1,
        "nothing was sent again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_removed_after_its_bytes_were_sent_is_made_once_more_and_then_given_up() {
    let rules = Rules {
        purge_after: Duration::ZERO,
        ..Rules::default()
    };
    let (memory, lines, halt) = with_faults(rules, 1, |_, _| None).await;
    assert_eq!(halt, None);
    let last = lines.last(1).unwrap();
    assert_eq!((last.status, last.reason), (Status::Failed, Reason::Purged));
    assert_eq!(count(&memory.log(), Operation::Create), 2);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_the_service_refuses_fails_alone() {
    let script = nth(Operation::Create, 2, Fault::Refused);
    let (memory, lines, halt) = with_faults(Rules::default(), 5, script).await;
    assert_eq!(halt, None);
    assert_eq!(memory.stored().len(), 4);
    let failed = (1..=5).filter(|number| lines.last(*number).unwrap().reason == Reason::Refused);
    assert_eq!(failed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_is_skipped_or_in_conflict_and_never_touched() {
    let (memory, lines, _) = with_faults(Rules::default(), 1, |_, _| None).await;
    drop(lines);
    let before = memory.stored();
    let lines = Lines::default();
    let other_size = task(
        row(1),
        content("longer bytes of row 1"),
        AttachmentStart::LookUp(Posted::No),
    );
    go(&memory, &lines, vec![fresh(1)], &settings()).await;
    go(&memory, &lines, vec![other_size], &settings()).await;
    assert_eq!(lines.statuses(1), [Status::Skipped, Status::Conflict]);
    assert_eq!(memory.stored(), before);
    assert_eq!(count(&memory.log(), Operation::Create), 1);
}
