//! Rows begun by an earlier run.

use super::*;
use crate::model::ObjectExternalId;

/// Creates a service in which an earlier run has begun row 1. Returns the last line of the row,
/// too.
async fn begin_row(put: Option<DeliveryFault>) -> (MemoryAttachmentService, ResultsEntry) {
    let script = move |operation, _| (operation == RequestKind::Put).then_some(put).flatten();
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(script));
    let lines = MemoryJournal {
        // The line about the end of the row is never written.
        max_lines: Some(2),
        ..MemoryJournal::default()
    };
    let halt = run_tasks(&memory, &lines, vec![new_task(1)], &settings()).await;
    assert_eq!(halt, Some(HaltReason::JournalUnusable));
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Created);
    (memory, last)
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_bytes_were_sent_before_a_crash_is_not_sent_again() {
    let (memory, last) = begin_row(None).await;
    let lines = MemoryJournal::default();
    let again = resumed_task(row(1), file_content(1), last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Put), 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_bytes_were_not_sent_before_a_crash_goes_on_with_its_record() {
    let (memory, last) = begin_row(Some(DeliveryFault::Refused)).await;
    let lines = MemoryJournal::default();
    let again = resumed_task(row(1), file_content(1), last);
    let halt = run_tasks(&memory, &lines, vec![again], &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(memory.record_count(), 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Create), 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_after_its_row_was_stored_is_a_conflict_and_not_called_uploaded() {
    let (memory, last) = begin_row(None).await;
    let lines = MemoryJournal::default();
    let same_size = content("BYTES of row 1");
    let again = resumed_task(row(1), same_size, last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    let line = lines.last_line(1).unwrap();
    assert_eq!(
        (line.status, &line.reason),
        (Status::Conflict, &StatusReason::FileChanged)
    );
    assert_eq!(
        line.known_content.content().unwrap().sha256,
        file_content(1).sha256
    );
    assert_eq!(memory.stored()[0].sha256, file_content(1).sha256);
}

/// Returns the cells `object_type`, `object_id` and `object_external_id`.
fn object_cells(line: &ResultsEntry) -> [&str; 3] {
    [&line.object_type, &line.object_id, &line.object_external_id]
}

#[tokio::test(start_paused = true)]
async fn a_begun_row_whose_object_changed_waits_until_its_record_is_gone() {
    let (memory, last) = begin_row(Some(DeliveryFault::Refused)).await;
    let last = ResultsEntry {
        object_external_id: "CW-7".into(),
        ..last
    };
    let moved = ManifestRow {
        object: ObjectRef::parse(ObjectType::Project, "8").unwrap(),
        object_external_id: Some(ObjectExternalId::parse("P-8").unwrap()),
        ..row(1)
    };
    let lines = MemoryJournal::default();
    for _ in 0..2 {
        let last = lines.last_line(1).unwrap_or_else(|| last.clone());
        let again = resumed_task(moved.clone(), file_content(1), last);
        assert_eq!(
            run_tasks(&memory, &lines, vec![again], &settings()).await,
            None
        );
        let line = lines.last_line(1).unwrap();
        assert_eq!(
            (line.status, &line.reason),
            (Status::Pending, &StatusReason::ObjectChanged)
        );
        assert_eq!(object_cells(&line), ["contract", "7", "CW-7"]);
        assert!(line.attachment_id.is_some());
    }
    assert_eq!(
        count_requests(&memory.log(), RequestKind::Renew),
        0,
        "nothing was done to it"
    );

    tokio::time::sleep(Duration::from_hours(1)).await;
    let again = resumed_task(moved, file_content(1), lines.last_line(1).unwrap());
    run_tasks(&memory, &lines, vec![again], &settings()).await;
    assert_eq!(count_requests(&memory.log(), RequestKind::Create), 2);
    let line = lines.last_line(1).unwrap();
    assert_eq!(object_cells(&line), ["project", "8", "P-8"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_without_bytes_that_is_not_ours_is_left_alone() {
    let (memory, _) = begin_row(Some(DeliveryFault::Refused)).await;
    let lines = MemoryJournal::default();
    assert_eq!(
        run_tasks(&memory, &lines, vec![new_task(1)], &settings()).await,
        None
    );
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Pending, StatusReason::PendingElsewhere)
    );
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 0);
    tokio::time::sleep(Duration::from_hours(1)).await;
    run_tasks(&memory, &lines, vec![new_task(1)], &settings()).await;
    assert_eq!(
        count_requests(&memory.log(), RequestKind::Create),
        2,
        "it was purged meanwhile"
    );
}

/// Creates a service in which an earlier run has sent the bytes of row 1, whose size is reported
/// after `delay`. Returns the last line of the interrupted run, too.
async fn sent_and_cut_off(
    delay: Duration,
    script: impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static,
) -> (MemoryAttachmentService, ResultsEntry) {
    let rules = AttachmentServiceRules {
        size_delay: delay,
        ..AttachmentServiceRules::default()
    };
    let memory = MemoryAttachmentService::with_faults(rules, Box::new(script));
    let lines = MemoryJournal::default();
    let settings = settings();
    let run = run_tasks(&memory, &lines, vec![new_task(1)], &settings);
    let crash = tokio::time::timeout(Duration::from_secs(5), run).await;
    assert!(crash.is_err(), "it was cut off");
    assert_eq!(count_requests(&memory.log(), RequestKind::Put), 1);
    let last = lines.last_line(1).unwrap();
    assert_eq!(last.status, Status::Created);
    (memory, last)
}

#[tokio::test(start_paused = true)]
async fn a_size_that_shows_late_is_never_taken_for_that_of_a_file_that_changed_meanwhile() {
    let begin = Instant::now();
    let until_it_shows = move |operation, _| {
        let early = begin.elapsed() < Duration::from_secs(1100);
        (operation == RequestKind::Renew && early).then_some(DeliveryFault::NotSent)
    };
    let (memory, last) = sent_and_cut_off(Duration::from_secs(1000), until_it_shows).await;
    let lines = MemoryJournal::default();
    let again = resumed_task(row(1), content("BYTES of row 1"), last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    let line = lines.last_line(1).unwrap();
    assert_eq!(
        (line.status, &line.reason),
        (Status::Conflict, &StatusReason::FileChanged)
    );
    assert_eq!(
        line.known_content.content().unwrap().sha256,
        memory.stored()[0].sha256
    );
}

#[tokio::test(start_paused = true)]
async fn a_begun_row_that_gets_no_further_still_says_what_was_begun() {
    for refused in [RequestKind::Get, RequestKind::Renew] {
        let script = move |operation, _| (operation == refused).then_some(DeliveryFault::Refused);
        let (memory, last) = sent_and_cut_off(Duration::from_mins(1), script).await;
        let lines = MemoryJournal::default();
        let again = resumed_task(row(1), content("BYTES of row 1"), last);
        assert_eq!(
            run_tasks(&memory, &lines, vec![again], &settings()).await,
            None
        );
        let line = lines.last_line(1).unwrap();
        assert_eq!(line.status, Status::Failed);
        assert_eq!(
            line.known_content.content(),
            Some(file_content(1)),
            "{refused:?}"
        );
    }
}

/// Runs a task in a run that ends so suddenly that nothing more is recorded.
async fn run_cut_short(
    memory: &MemoryAttachmentService,
    lines: &MemoryJournal,
    task: AttachmentTask,
) {
    let settings = settings();
    let run = run_tasks(memory, lines, vec![task], &settings);
    let ended = tokio::time::timeout(Duration::from_secs(5), run).await;
    assert_eq!(ended.ok(), None, "it had ended before");
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_was_under_way_at_a_crash_cannot_detach_what_the_next_run_sends() {
    let script = |operation, number| match (operation, number) {
        (RequestKind::Put, 1) => Some(DeliveryFault::Denied),
        (RequestKind::Renew, 1) => Some(DeliveryFault::ExecutedLate(Duration::from_secs(50))),
        _ => None,
    };
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(script));
    let lines = MemoryJournal::default();
    run_cut_short(&memory, &lines, new_task(1)).await;
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, &last.reason),
        (Status::Created, &StatusReason::Renewing)
    );
    let again = resumed_task(row(1), file_content(1), last);
    assert_eq!(
        run_tasks(&memory, &lines, vec![again], &settings()).await,
        None
    );
    tokio::time::sleep(Duration::from_mins(10)).await;
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count_requests(&memory.log(), RequestKind::Renew), 2);
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_lost_post_for_another_object_never_gets_the_bytes() {
    let script = |operation, number| match (operation, number) {
        (RequestKind::Create, 1) => Some(DeliveryFault::ExecutedLate(Duration::from_secs(85))),
        (RequestKind::Create, 2) => Some(DeliveryFault::RequestLost),
        _ => None,
    };
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(script));
    let lines = MemoryJournal::default();
    run_cut_short(&memory, &lines, new_task(1)).await;
    let mut moved = row(1);
    moved.object = ObjectRef::parse(ObjectType::Contract, "8").unwrap();
    for _ in 0..2 {
        let again = resumed_task(moved.clone(), file_content(1), lines.last_line(1).unwrap());
        assert_eq!(
            run_tasks(&memory, &lines, vec![again], &settings()).await,
            None
        );
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(memory.stored()[0].object, moved.object);
    assert_eq!(
        lines.statuses(1),
        [
            Status::Creating,
            Status::Creating,
            Status::Pending,
            Status::Creating,
            Status::Created,
            Status::Uploaded
        ]
    );
}
