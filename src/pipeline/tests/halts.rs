//! Runs that stop, and runs that continue against heavy faults.

use super::*;

/// Returns a script in which every request fails for a span of time.
fn outage_script(
    from: Duration,
    length: Duration,
    fault: DeliveryFault,
) -> impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static {
    let begin = Instant::now() + from;
    move |_, _| {
        let now = Instant::now();
        (begin <= now && now < begin + length).then_some(fault)
    }
}

#[tokio::test(start_paused = true)]
async fn hours_without_the_service_fail_no_row() {
    for fault in [
        DeliveryFault::NotSent,
        DeliveryFault::RequestLost,
        DeliveryFault::AnswerLost,
    ] {
        let five_hours = Duration::from_hours(5);
        let script = outage_script(Duration::from_secs(3), five_hours, fault);
        let (memory, lines, halt) =
            run_with_faults(AttachmentServiceRules::default(), 30, script).await;
        assert_eq!(halt, None, "{fault:?}");
        tokio::time::sleep(Duration::from_hours(1)).await;
        each_is_stored_once(&memory, &lines, 30);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_too_long_stops_the_run_and_a_later_one_finishes_it() {
    let gone = outage_script(
        Duration::from_secs(3),
        Duration::from_hours(20),
        DeliveryFault::NotSent,
    );
    let (memory, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 30, gone).await;
    assert!(matches!(halt, Some(HaltReason::Outage(_))), "{halt:?}");
    tokio::time::sleep(Duration::from_hours(20)).await;
    let tasks = (1..=30)
        .filter_map(|number| {
            let content = file_content(number);
            match lines.last_line(number) {
                Some(last) if last.status.is_done() => None,
                Some(last) => Some(resumed_task(row(number), content, last)),
                None => Some(new_task(number)),
            }
        })
        .collect();
    assert_eq!(run_tasks(&memory, &lines, tasks, &settings()).await, None);
    each_is_stored_once(&memory, &lines, 30);
}

#[tokio::test(start_paused = true)]
async fn rejected_keys_stop_the_run_and_leave_no_claim_on_records_of_others() {
    let script = |operation, _| (operation == RequestKind::Create).then_some(DeliveryFault::Denied);
    let denied_too = |operation, number| match operation {
        RequestKind::Create => Some(DeliveryFault::Denied),
        RequestKind::Find if number > 8 => Some(DeliveryFault::Denied),
        _ => None,
    };
    let (memory, lines, halt) =
        run_with_faults(AttachmentServiceRules::default(), 20, denied_too).await;
    assert!(
        matches!(halt, Some(HaltReason::KeysRejected(_))),
        "{halt:?}"
    );
    assert_eq!(memory.stored(), []);
    for number in 1..=20 {
        if let Some(last) = lines.last_line(number) {
            assert_eq!(last.status, Status::Pending, "{last:?}");
        }
    }

    // The denial is the row's own if look-ups still work.
    let (_, lines, halt) = run_with_faults(AttachmentServiceRules::default(), 2, script).await;
    assert_eq!(halt, None);
    let last = lines.last_line(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Failed, StatusReason::Forbidden)
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_cost_no_row_anything() {
    let script = |_, number| (number % 3 == 0).then_some(DeliveryFault::Throttled);
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(script));
    let lines = MemoryJournal::default();
    let tasks = (1..=10).map(new_task).collect();
    assert_eq!(run_tasks(&memory, &lines, tasks, &settings()).await, None);
    each_is_stored_once(&memory, &lines, 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_journal_is_broken() {
    let memory = MemoryAttachmentService::new(AttachmentServiceRules::default());
    let lines = MemoryJournal {
        max_lines: Some(5),
        ..MemoryJournal::default()
    };
    let tasks = (1..=50).map(new_task).collect();
    assert_eq!(
        run_tasks(&memory, &lines, tasks, &settings()).await,
        Some(HaltReason::JournalUnusable)
    );
    let sent = memory.log().len();
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(memory.log().len(), sent);
    let durable = lines.lines.lock().unwrap().len();
    assert_eq!(durable, 5);
    assert!(count_requests(&memory.log(), RequestKind::Create) <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_when_more_rows_fail_than_the_user_allows() {
    let script =
        |operation, _| (operation == RequestKind::Create).then_some(DeliveryFault::Refused);
    let memory =
        MemoryAttachmentService::with_faults(AttachmentServiceRules::default(), Box::new(script));
    let lines = MemoryJournal::default();
    let few = RunSettings {
        max_errors: Some(3),
        ..settings()
    };
    let tasks = (1..=100).map(new_task).collect();
    let halt = run_tasks(&memory, &lines, tasks, &few).await;
    assert_eq!(halt, Some(HaltReason::TooManyErrors(4)));
    assert!(count_requests(&memory.log(), RequestKind::Find) < 50);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_stops_the_run_gets_the_rows_under_way_finished() {
    let memory = MemoryAttachmentService::new(AttachmentServiceRules::default());
    let lines = MemoryJournal::default();
    let (events, _) = EventSender::channel();
    let stop = stop_after(Duration::from_secs(2), Duration::from_secs(30));
    let tasks = (1..=100).map(new_task);
    let halt = run_attachments(tasks, &memory, &lines, None, &settings(), &events, stop).await;
    assert_eq!(halt, Some(HaltReason::Interrupted));
    let begun = (1..=100)
        .filter(|number| lines.last_line(*number).is_some())
        .count();
    assert!((1..=30).contains(&begun), "{begun}");
    each_is_stored_once(&memory, &lines, begun);
}

/// Rows under way get no more than the time that the user's stop leaves, whatever the run waits for.
#[tokio::test(start_paused = true)]
async fn a_run_ends_within_the_time_that_a_stop_leaves() {
    let script =
        |operation, _| (operation == RequestKind::Put).then_some(DeliveryFault::RequestLost);
    for grace in [Duration::from_secs(2), Duration::from_secs(30)] {
        let memory = MemoryAttachmentService::with_faults(
            AttachmentServiceRules::default(),
            Box::new(script),
        );
        let lines = MemoryJournal::default();
        let (events, _) = EventSender::channel();
        let began = tokio::time::Instant::now();
        let stop = stop_after(Duration::from_secs(5), grace);
        let tasks = (1..=3).map(new_task);
        let ended = run_attachments(tasks, &memory, &lines, None, &settings(), &events, stop).await;
        assert_eq!(ended, Some(HaltReason::Interrupted));
        assert_eq!(began.elapsed().as_secs(), 5 + grace.as_secs());
    }
}

/// Stop by the user after some time, which leaves `grace` to the rows under way.
async fn stop_after(time: Duration, grace: Duration) -> Duration {
    tokio::time::sleep(time).await;
    grace
}
