//! The protocol against the service in memory, in virtual time.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::destination::memory::{Fault, Ids, Logged, Memory, Operation, Rules};
use crate::digest::sha256;
use crate::manifest::Row;
use crate::model::{ExternalId, FileStamp, ObjectRef, ObjectType};
use crate::plan::{Posted, Step, step};
use crate::prepare::RowFile;
use crate::results::journal::JournalClosed;
use crate::results::{Entry, Reason, Verified};
use crate::root::Root;

/// A journal in memory: each line with the moment at which it became durable.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<(Instant, Entry)>>,
    /// It breaks when it would get longer than this.
    limit: Option<usize>,
}

impl Journal for Lines {
    async fn record(&self, entry: Entry) -> Result<(), JournalClosed> {
        let mut lines = self.lines.lock().unwrap();
        if self.limit.is_some_and(|limit| lines.len() >= limit) {
            return Err(JournalClosed);
        }
        lines.push((Instant::now(), entry));
        Ok(())
    }
}

impl Lines {
    fn of(&self, row: usize) -> Vec<Entry> {
        let lines = self.lines.lock().unwrap();
        let of_row = lines.iter().filter(|(_, entry)| entry.row == Some(row));
        of_row.map(|(_, entry)| entry.clone()).collect()
    }

    fn last(&self, row: usize) -> Option<Entry> {
        self.of(row).pop()
    }

    fn statuses(&self, row: usize) -> Vec<Status> {
        self.of(row).iter().map(|entry| entry.status).collect()
    }

    fn when(&self, row: usize, status: Status) -> Instant {
        let lines = self.lines.lock().unwrap();
        let line = lines
            .iter()
            .find(|(_, entry)| entry.row == Some(row) && entry.status == status);
        line.unwrap_or_else(|| panic!("row {row} never was {status}"))
            .0
    }
}

fn content(text: &str) -> Content {
    Content {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

fn row(number: usize) -> Row {
    Row {
        number,
        line: number as u64 + 1,
        file_path: format!("{number}.pdf"),
        object: ObjectRef {
            kind: ObjectType::Contract,
            id: 7.try_into().unwrap(),
        },
        external_id: ExternalId::parse(&format!("A{number}")).unwrap(),
        title: None,
        file_name: None,
        sha256: None,
    }
}

fn task(row: Row, content: Content, start: Start) -> Task {
    let root = Arc::new(Root::at(Path::new(".")).unwrap());
    Task {
        source: Source::new(root, row.file_path.clone()),
        row,
        content,
        start,
        attempts: 0,
    }
}

fn fresh(number: usize) -> Task {
    let text = format!("bytes of row {number}");
    task(row(number), content(&text), Start::LookUp(Posted::No))
}

/// The task that a later run makes of a row, from its last line.
fn resumed(row: Row, content: Content, last: Entry) -> Task {
    match step(&row, RowFile::Ready(content), Some(last)) {
        Step::Send(start) => task(row, content, start),
        other => panic!("no request would follow, but {other:?}"),
    }
}

fn settings() -> Settings {
    Settings {
        rate: 5,
        concurrency: 8,
        max_errors: None,
        max_outage: Duration::from_hours(12),
        destination: "memory".into(),
        seed: 1,
    }
}

async fn go(memory: &Memory, lines: &Lines, tasks: Vec<Task>, settings: &Settings) -> Option<Halt> {
    let (events, _) = Events::channel();
    let never = std::future::pending();
    run(tasks.into_iter(), memory, lines, settings, &events, never).await
}

/// Runs rows to their end, with faults.
async fn with_faults(
    rules: Rules,
    rows: usize,
    script: impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static,
) -> (Memory, Lines, Option<Halt>) {
    let memory = Memory::with_faults(rules, Box::new(script));
    let lines = Lines::default();
    let tasks = (1..=rows).map(fresh).collect();
    let halt = go(&memory, &lines, tasks, &settings()).await;
    (memory, lines, halt)
}

/// A script in which one request of a kind has a fault.
fn nth(
    operation: Operation,
    number: u64,
    fault: Fault,
) -> impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static {
    move |asked, count| (asked == operation && count == number).then_some(fault)
}

fn count(log: &[Logged], operation: Operation) -> usize {
    log.iter().filter(|one| one.operation == operation).count()
}

#[track_caller]
fn each_is_stored_once(memory: &Memory, lines: &Lines, rows: usize) {
    let stored = memory.stored();
    for number in 1..=rows {
        let row = row(number);
        let of_row: Vec<_> = stored
            .iter()
            .filter(|one| one.external_id == row.external_id)
            .collect();
        assert_eq!(of_row.len(), 1, "row {number}: {of_row:?}");
        let last = lines.last(number).unwrap();
        assert_eq!(last.status, Status::Uploaded, "{last:?}");
        assert_eq!(last.known.content().unwrap().sha256, of_row[0].sha256);
        assert_eq!(
            last.attachment_id.unwrap().as_str(),
            of_row[0].id.to_string()
        );
    }
}

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
        let shown = log.iter().filter(|one| one.operation == Operation::Sizes);
        assert!(shown.map(|one| one.at).min().unwrap() < lines.when(number, Status::Uploaded));
        assert_eq!(last.verified, Verified::Etag);
    }
    assert_eq!(count(&log, Operation::Find), 3);
    assert_eq!(count(&log, Operation::Create), 3);
    assert_eq!(count(&log, Operation::Sizes), 1, "one confirmation for all");
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
    assert_eq!(count(&memory.log(), Operation::Sizes), 4);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_carried_out_unheard_is_found_and_not_repeated() {
    for ids in [Ids::Unique, Ids::NotUnique] {
        let rules = Rules {
            ids,
            ..Rules::default()
        };
        let script = nth(Operation::Create, 1, Fault::LostAfter);
        let (memory, lines, halt) = with_faults(rules, 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count(&memory.log(), Operation::Create), 1);
        assert_eq!(memory.records(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_lost_is_repeated_after_three_look_ups_found_nothing() {
    let script = nth(Operation::Create, 1, Fault::LostBefore);
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let log = memory.log();
    let posted = log
        .iter()
        .position(|one| one.operation == Operation::Create);
    let looked = count(&log[..posted.unwrap()], Operation::Find);
    assert_eq!(looked, 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_arrives_late_leaves_one_attachment_with_bytes() {
    for ids in [Ids::Unique, Ids::NotUnique] {
        for seconds in [5, 35, 40, 60, 70, 75, 90, 300] {
            let rules = Rules {
                ids,
                ..Rules::default()
            };
            let late = Fault::Late(Duration::from_secs(seconds));
            let (memory, lines, halt) =
                with_faults(rules, 1, nth(Operation::Create, 1, late)).await;
            assert_eq!(halt, None);
            tokio::time::sleep(Duration::from_hours(1)).await;
            each_is_stored_once(&memory, &lines, 1);
            assert_eq!(memory.records(), 1, "the other record was purged");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_expired_is_renewed_and_the_record_stays_the_same() {
    let script = nth(Operation::Put, 1, Fault::Denied);
    let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
    assert_eq!(halt, None);
    each_is_stored_once(&memory, &lines, 1);
    let operations: Vec<_> = memory.log().iter().map(|one| one.operation).collect();
    assert_eq!(
        operations,
        [
            Operation::Find,
            Operation::Create,
            Operation::Get,
            Operation::Renew,
            Operation::Put,
            Operation::Sizes
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_an_answer_cannot_detach_what_is_sent_afterwards() {
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Late(Duration::from_secs(1)),
        Fault::Late(Duration::from_secs(45)),
        Fault::Late(Duration::from_secs(85)),
    ] {
        let script = move |operation, number| match (operation, number) {
            (Operation::Put, 1) => Some(Fault::Denied),
            (Operation::Renew, 1) => Some(fault),
            _ => None,
        };
        let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
        assert_eq!(halt, None);
        tokio::time::sleep(Duration::from_mins(10)).await;
        each_is_stored_once(&memory, &lines, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_put_without_an_answer_is_sent_again_to_the_same_address() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::NotSent] {
        let script = nth(Operation::Put, 1, fault);
        let (memory, lines, halt) = with_faults(Rules::default(), 1, script).await;
        assert_eq!(halt, None);
        each_is_stored_once(&memory, &lines, 1);
        assert_eq!(count(&memory.log(), Operation::Renew), 0);
        assert_eq!(lines.last(1).unwrap().attempts, 2);
    }
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
        (Status::Pending, &Reason::SIZE_NOT_SHOWN)
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
    assert_eq!((last.status, last.reason), (Status::Failed, Reason::PURGED));
    assert_eq!(count(&memory.log(), Operation::Create), 2);
}

/// A script in which nothing gets through for a span of time.
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
            let content = fresh(number).content;
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

    // Where look-ups still work, the denial is the row's own.
    let (_, lines, halt) = with_faults(Rules::default(), 2, script).await;
    assert_eq!(halt, None);
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Failed, Reason::FORBIDDEN)
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
async fn a_row_that_the_service_refuses_fails_alone() {
    let script = nth(Operation::Create, 2, Fault::Refused);
    let (memory, lines, halt) = with_faults(Rules::default(), 5, script).await;
    assert_eq!(halt, None);
    assert_eq!(memory.stored().len(), 4);
    let failed = (1..=5).filter(|number| lines.last(*number).unwrap().reason == Reason::REFUSED);
    assert_eq!(failed.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_requests_stay_unanswered_while_others_get_through_is_left_for_later() {
    let script = nth_from(Operation::Put, 3, Fault::LostBefore);
    let (_, lines, halt) = with_faults(Rules::default(), 2, script).await;
    // Two rows are stored at once, and a third one never.
    assert_eq!(halt, None);
    assert_eq!(lines.last(1).unwrap().status, Status::Uploaded);
    let memory = Memory::with_faults(
        Rules::default(),
        Box::new(|operation, number| {
            let own = operation == Operation::Get && number > 1;
            own.then_some(Fault::LostBefore)
        }),
    );
    let lines = Lines::default();
    let last = Entry {
        status: Status::Created,
        attachment_id: Some(crate::model::AttachmentId::parse("99").unwrap()),
        ..pending_entry(1)
    };
    let mut tasks = vec![resumed(row(1), fresh(1).content, last.clone())];
    tasks.push(resumed(
        row(2),
        fresh(2).content,
        Entry {
            external_id: "A2".into(),
            ..last
        },
    ));
    tasks.extend((3..400).map(fresh));
    let halt = go(&memory, &lines, tasks, &settings()).await;
    assert_eq!(halt, None);
    let left = [1, 2].map(|number| lines.last(number).unwrap());
    assert!(
        left.iter().any(|one| {
            one.status == Status::Created
                && one.reason == Reason::NO_ANSWER
                && one.attachment_id.is_some()
        }),
        "{left:?}"
    );
}

fn nth_from(
    operation: Operation,
    from: u64,
    fault: Fault,
) -> impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static {
    move |asked, count| (asked == operation && count >= from).then_some(fault)
}

fn pending_entry(number: usize) -> Entry {
    let row = row(number);
    Entry {
        row: Some(number),
        file_path: row.file_path.clone(),
        object_type: row.object.kind.to_string(),
        object_id: row.object.id.to_string(),
        external_id: row.external_id.to_string(),
        status: Status::Pending,
        reason: Reason::NONE,
        attachment_id: None,
        known: crate::results::Known::Content(fresh(number).content),
        verified: Verified::No,
        attempts: 1,
        destination: "memory".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
    }
}

/// A service in which an earlier run has begun row 1, and the line that it left.
async fn begun(put: Option<Fault>) -> (Memory, Entry) {
    let script = move |operation, _| (operation == Operation::Put).then_some(put).flatten();
    let memory = Memory::with_faults(Rules::default(), Box::new(script));
    let lines = Lines {
        // The line that would say how it ended is never written.
        limit: Some(2),
        ..Lines::default()
    };
    let halt = go(&memory, &lines, vec![fresh(1)], &settings()).await;
    assert_eq!(halt, Some(Halt::Journal));
    let last = lines.last(1).unwrap();
    assert_eq!(last.status, Status::Created);
    (memory, last)
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_bytes_were_sent_before_a_crash_is_not_sent_again() {
    let (memory, last) = begun(None).await;
    let lines = Lines::default();
    let again = resumed(row(1), fresh(1).content, last);
    assert_eq!(go(&memory, &lines, vec![again], &settings()).await, None);
    each_is_stored_once(&memory, &lines, 1);
    assert_eq!(count(&memory.log(), Operation::Put), 1);
    assert_eq!(count(&memory.log(), Operation::Renew), 0);
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_bytes_were_not_sent_before_a_crash_goes_on_with_its_record() {
    let (memory, last) = begun(Some(Fault::Refused)).await;
    let lines = Lines::default();
    let again = resumed(row(1), fresh(1).content, last);
    let halt = go(&memory, &lines, vec![again], &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(memory.records(), 1);
    assert_eq!(count(&memory.log(), Operation::Create), 1);
    assert_eq!(count(&memory.log(), Operation::Renew), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_after_its_row_was_stored_is_a_conflict_and_not_called_uploaded() {
    let (memory, last) = begun(None).await;
    let lines = Lines::default();
    let same_size = content("BYTES of row 1");
    let again = resumed(row(1), same_size, last);
    assert_eq!(go(&memory, &lines, vec![again], &settings()).await, None);
    let line = lines.last(1).unwrap();
    assert_eq!(
        (line.status, &line.reason),
        (Status::Conflict, &Reason::FILE_CHANGED)
    );
    assert_eq!(
        line.known.content().unwrap().sha256,
        fresh(1).content.sha256
    );
    assert_eq!(memory.stored()[0].sha256, fresh(1).content.sha256);
}

#[tokio::test(start_paused = true)]
async fn a_begun_row_whose_object_changed_waits_until_its_record_is_gone() {
    let (memory, last) = begun(Some(Fault::Refused)).await;
    let moved = Row {
        object: ObjectRef {
            kind: ObjectType::Project,
            id: 8.try_into().unwrap(),
        },
        ..row(1)
    };
    let lines = Lines::default();
    for _ in 0..2 {
        let last = lines.last(1).unwrap_or_else(|| last.clone());
        let again = resumed(moved.clone(), fresh(1).content, last);
        assert_eq!(go(&memory, &lines, vec![again], &settings()).await, None);
        let line = lines.last(1).unwrap();
        assert_eq!(
            (line.status, &line.reason),
            (Status::Pending, &Reason::OBJECT_CHANGED)
        );
        assert_eq!((&*line.object_type, &*line.object_id), ("contract", "7"));
        assert!(line.attachment_id.is_some());
    }
    assert_eq!(
        count(&memory.log(), Operation::Renew),
        0,
        "nothing was done to it"
    );

    tokio::time::sleep(Duration::from_hours(1)).await;
    let again = resumed(moved, fresh(1).content, lines.last(1).unwrap());
    go(&memory, &lines, vec![again], &settings()).await;
    assert_eq!(count(&memory.log(), Operation::Create), 2);
    let line = lines.last(1).unwrap();
    assert_eq!((&*line.object_type, &*line.object_id), ("project", "8"));
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
        Start::LookUp(Posted::No),
    );
    go(&memory, &lines, vec![fresh(1)], &settings()).await;
    go(&memory, &lines, vec![other_size], &settings()).await;
    assert_eq!(lines.statuses(1), [Status::Skipped, Status::Conflict]);
    assert_eq!(memory.stored(), before);
    assert_eq!(count(&memory.log(), Operation::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_without_bytes_that_is_not_ours_is_left_alone() {
    let (memory, _) = begun(Some(Fault::Refused)).await;
    let lines = Lines::default();
    assert_eq!(go(&memory, &lines, vec![fresh(1)], &settings()).await, None);
    let last = lines.last(1).unwrap();
    assert_eq!(
        (last.status, last.reason),
        (Status::Pending, Reason::PENDING_ELSEWHERE)
    );
    assert_eq!(count(&memory.log(), Operation::Renew), 0);
    tokio::time::sleep(Duration::from_hours(1)).await;
    go(&memory, &lines, vec![fresh(1)], &settings()).await;
    assert_eq!(
        count(&memory.log(), Operation::Create),
        2,
        "it was purged meanwhile"
    );
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
    let halt = run(tasks, &memory, &lines, &settings(), &events, stop).await;
    assert_eq!(halt, Some(Halt::Interrupted));
    let begun = (1..=100)
        .filter(|number| lines.last(*number).is_some())
        .count();
    assert!((1..=30).contains(&begun), "{begun}");
    each_is_stored_once(&memory, &lines, begun);
}
