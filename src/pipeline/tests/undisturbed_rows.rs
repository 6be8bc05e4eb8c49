//! Rows without any fault, and rows decided by the service's own answers.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_line_is_durable_before_the_request_that_it_announces() {
    let (memory, lines, halt) =
        run_with_faults(AttachmentServiceRules::default(), 3, |_, _| None).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 3);
    let log = memory.log();
    for number in 1..=3 {
        let last = lines.last_line(number).unwrap();
        let id: u64 = last.attachment_id.unwrap().as_str().parse().unwrap();
        let at = |operation| {
            let mut of_row = log.iter().filter(|one| one.id == Some(id));
            of_row.find(|one| one.kind == operation).unwrap().at
        };
        assert!(lines.recorded_at(number, Status::Creating) < at(RequestKind::Create));
        assert!(at(RequestKind::Create) < lines.recorded_at(number, Status::Created));
        assert!(lines.recorded_at(number, Status::Created) < at(RequestKind::Put));
        let shown = log.iter().filter(|one| one.kind == RequestKind::List);
        assert!(
            shown.map(|one| one.at).min().unwrap() < lines.recorded_at(number, Status::Uploaded)
        );
        assert_eq!(last.verified_by, VerifiedBy::Etag);
    }
    assert_eq!(count_requests(&log, RequestKind::Find), 3);
    assert_eq!(count_requests(&log, RequestKind::Create), 3);
    assert_eq!(
        count_requests(&log, RequestKind::List),
        1,
        "one confirmation for all"
    );
    assert_eq!(count_requests(&log, RequestKind::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn fifty_ids_are_confirmed_in_one_request() {
    let fast = RunSettings {
        pacer: Arc::new(Pacer::new(1000)),
        ..settings()
    };
    let (memory, lines) = (
        MemoryAttachmentService::new(AttachmentServiceRules::default()),
        MemoryJournal::default(),
    );
    let tasks = (1..=200).map(new_task).collect();
    assert_eq!(run_tasks(&memory, &lines, tasks, &fast).await, None);
    each_is_stored_once(&memory, &lines, 200);
    assert_eq!(count_requests(&memory.log(), RequestKind::List), 4);
}

#[tokio::test(start_paused = true)]
async fn a_size_that_shows_late_is_waited_for_and_one_that_does_not_leaves_the_row_pending() {
    let delayed = |seconds| AttachmentServiceRules {
        size_delay: Duration::from_secs(seconds),
        ..AttachmentServiceRules::default()
    };
    let (memory, lines, halt) = run_with_faults(delayed(300), 2, |_, _| None).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 2);

    let (memory, lines, _) = run_with_faults(delayed(3600), 1, |_, _| None).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, &last.reason),
        (Status::Pending, &StatusReason::SizeNotShown)
    );
    tokio::time::sleep(Duration::from_hours(1)).await;
    let again = resumed_task(row(1), content("bytes of row 1"), last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(
        count_requests(&memory.log(), RequestKind::Put),
        1,
        "nothing was sent again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_removed_after_its_bytes_were_sent_is_made_once_more_and_then_given_up() {
    let rules = AttachmentServiceRules {
        purge_after: Duration::ZERO,
        ..AttachmentServiceRules::default()
    };
    let (memory, lines, halt) = run_with_faults(rules, 1, |_, _| None).await;
    assert_eq!(halt, None);
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Failed, StatusReason::Purged)
    );
    assert_eq!(count_requests(&memory.log(), RequestKind::Create), 2);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_the_service_refuses_fails_alone() {
    let script = nth_request(RequestKind::Create, 2, DeliveryFault::Refused);
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 5, script).await;
    assert_eq!(halt, None);
    assert_eq!(memory.stored().len(), 4);
    let failed =
        (1..=5).filter(|number| lines.last_line(*number).unwrap().reason == StatusReason::Refused);
    assert_eq!(failed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_already_is_skipped_or_in_conflict_and_never_touched() {
    let (memory, lines, _) =
        run_with_faults(AttachmentServiceRules::default(), 1, |_, _| None).await;
    drop(lines);
    let before = memory.stored();
    let lines = MemoryJournal::default();
    let other_size = task(
        row(1),
        content("longer bytes of row 1"),
        AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
    );
    run_tasks(&memory, &lines, vec![new_task(1)], &settings()).await;
    run_tasks(&memory, &lines, vec![other_size], &settings()).await;
    assert_eq!(lines.statuses(1), [Status::Skipped, Status::Conflict]);
    assert_eq!(memory.stored(), before);
    assert_eq!(count_requests(&memory.log(), RequestKind::Create), 1);
}
