//! Runs that stop, and runs that go on against heavy faults.

use super::*;

/// Returns a script in which every request fails for a span of time.
fn outage(
    from: Duration,
    length: Duration,
    fault: Fault,
) -> impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static {
    let begin = Instant::now() + from;
    move |_, _| {
        let now = Instant::now();
        (begin <= now && now < begin + length).then_some(fault)
    }
}

#[tokio::test(start_paused = true)]
async fn hours_without_the_service_fail_no_row() {
    for fault in [Fault::NotSent, Fault::LostBefore, Fault::LostAfter] {
        let five_hours = Duration::from_hours(5);
        let script = outage(Duration::from_secs(3), five_hours, fault);
        let (memory, lines, halt) = with_faults(Rules::default(), 30, script).await;
        assert_eq!(halt, None, "{fault:?}");
        tokio::time::sleep(Duration::from_hours(1)).await;
        each_is_stored_once(&memory, &lines, 30);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_too_long_stops_the_run_and_a_later_one_finishes_it() {
    let gone = outage(
        Duration::from_secs(3),
        Duration::from_hours(20),
        Fault::NotSent,
    );
    let (memory, lines, halt) = with_faults(Rules::default(), 30, gone).await;
    assert!(matches!(halt, Some(Halt::Outage(_))), "{halt:?}");
    tokio::time::sleep(Duration::from_hours(20)).await;
    let tasks = (1..=30)
        .filter_map(|number| {
            let content = original(number);
            match lines.last(number) {
                Some(last) if last.status.is_done() => None,
                Some(last) => Some(resumed(row(number), content, last)),
                None => Some(fresh(number)),
            }
        })
        .collect();
    assert_eq!(go(&memory, &lines, tasks, &settings()).await, None);
    each_is_stored_once(&memory, &lines, 30);
}

#[tokio::test(start_paused = true)]
async fn rejected_keys_stop_the_run_and_leave_no_claim_on_records_of_others() {
    let script = |operation, _| (operation == Operation::Create).then_some(Fault::Denied);
    let denied_too = |operation, number| match operation {
        Operation::Create => Some(Fault::Denied),
        Operation::Find if number > 8 => Some(Fault::Denied),
        _ => None,
    };
    let (memory, lines, halt) = with_faults(Rules::default(), 20, denied_too).await;
    assert!(matches!(halt, Some(Halt::Denied(_))), "{halt:?}");
    assert_eq!(memory.stored(), []);
    for number in 1..=20 {
        if let Some(last) = lines.last(number) {
            assert_eq!(last.status, Status::Pending, "{last:?}");
        }
    }

    // The denial is the row's own if look-ups still work.
    let (_, lines, halt) = with_faults(Rules::default(), 2, script).await;
    assert_eq!(halt, None);
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Failed, Reason::Forbidden)
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_cost_no_row_anything() {
    let script = |_, number| (number % 3 == 0).then_some(Fault::Throttled);
    let memory = Memory::with_faults(Rules::default(), Box::new(script));
    let lines = Lines::default();
    let tasks = (1..=10).map(fresh).collect();
    assert_eq!(go(&memory, &lines, tasks, &settings()).await, None);
    each_is_stored_once(&memory, &lines, 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_journal_is_broken() {
    let memory = Memory::new(Rules::default());
    let lines = Lines {
        limit: Some(5),
        ..Lines::default()
    };
    let tasks = (1..=50).map(fresh).collect();
    assert_eq!(
        go(&memory, &lines, tasks, &settings()).await,
        Some(Halt::Journal)
    );
    let sent = memory.log().len();
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(memory.log().len(), sent);
    let durable = lines.lines.lock().unwrap().len();
    assert_eq!(durable, 5);
    assert!(count(&memory.log(), Operation::Create) <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_run_stops_when_more_rows_fail_than_the_user_allows() {
    let script = |operation, _| (operation == Operation::Create).then_some(Fault::Refused);
    let memory = Memory::with_faults(Rules::default(), Box::new(script));
    let lines = Lines::default();
    let few = Settings {
        max_errors: Some(3),
        ..settings()
    };
    let tasks = (1..=100).map(fresh).collect();
    let halt = go(&memory, &lines, tasks, &few).await;
    assert_eq!(halt, Some(Halt::TooManyErrors(4)));
    assert!(count(&memory.log(), Operation::Find) < 50);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_stops_the_run_gets_the_rows_under_way_finished() {
    let memory = Memory::new(Rules::default());
    let lines = Lines::default();
    let (events, _) = Events::channel();
    let stop = tokio::time::sleep(Duration::from_secs(2));
    let tasks = (1..=100).map(fresh);
    let halt = run_attachments(tasks, &memory, &lines, None, &settings(), &events, stop).await;
    assert_eq!(halt, Some(Halt::Interrupted));
    let begun = (1..=100)
        .filter(|number| lines.last(*number).is_some())
        .count();
    assert!((1..=30).contains(&begun), "{begun}");
    each_is_stored_once(&memory, &lines, begun);
}
