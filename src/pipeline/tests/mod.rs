//! Pipeline against the service in memory, in virtual time. This file has the journal in memory and
//! the helpers of all tests; each module below has a kind of situation.

mod alone;
mod changes;
mod first;
mod halts;
mod inspect;
mod jobs;
mod losses;
mod resume;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::destination::AttachmentApi;
use crate::digest::sha256;
use crate::event::Events;
use crate::manifest::Row;
use crate::memory_service::{self, Fault, Ids, Logged, Memory, Operation, Rules, Script};
use crate::model::{
    AttachmentId, Content, ExternalId, FileStamp, ObjectRef, ObjectType, Sha256Digest,
};
use crate::plan::{AttachmentStart, FailedJobs, Posted, Start, Step, Wishes, step};
use crate::prepare::RowFile;
use crate::results::journal::{Journal, JournalClosed};
use crate::results::{Changes, Entry, Known, Reason, Status, Verified};
use crate::root::Root;
use crate::source::Source;
use crate::throttle::EarlierAnswer;

/// Journal in memory: lines with the time at which each became durable.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<(Instant, Entry)>>,
    /// Number of lines after which the journal breaks.
    limit: Option<usize>,
}

impl Journal for Lines {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), JournalClosed> {
        let mut lines = self.lines.lock().unwrap();
        for entry in entries {
            if self.limit.is_some_and(|limit| lines.len() >= limit) {
                return Err(JournalClosed);
            }
            lines.push((Instant::now(), entry));
        }
        Ok(())
    }
}

impl Lines {
    /// Returns the lines of a row.
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

    /// Returns the time at which a row first got a status.
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
        object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
        external_id: ExternalId::parse(&format!("A{number}")).unwrap(),
        title: None,
        file_name: None,
        sha256: None,
        new_external_id: None,
    }
}

fn task(row: Row, content: Content, start: AttachmentStart) -> AttachmentTask {
    task_row(row, content, start)
}

fn task_row<S>(row: Row, content: Content, start: S) -> TaskRow<S> {
    let root = Arc::new(Root::at(Path::new(".")).unwrap());
    TaskRow {
        source: Source::new(root, row.file_path.clone()),
        row,
        content,
        start,
        attempts: 0,
        changes: Changes::default(),
    }
}

/// Returns the task of a row without an earlier line.
fn fresh(number: usize) -> AttachmentTask {
    task(
        row(number),
        original(number),
        AttachmentStart::LookUp(Posted::No),
    )
}

/// Returns the content of a row's file.
fn original(number: usize) -> Content {
    content(&format!("bytes of row {number}"))
}

/// Returns the task that a later run makes of a row, from its last line.
fn resumed(row: Row, content: Content, last: Entry) -> AttachmentTask {
    match step(
        &row,
        RowFile::Ready(content),
        Some(last),
        Wishes::default(),
        FailedJobs::Leave,
    ) {
        Step::Send(Start::Attachment(start)) => task(row, content, start),
        other => panic!("no request would follow, but {other:?}"),
    }
}

fn settings() -> Settings {
    Settings {
        rate: 5,
        concurrency: 8,
        max_errors: None,
        max_outage: Duration::from_hours(12),
        first_answer: EarlierAnswer::Awaited,
        destination: "memory".into(),
        wishes: Wishes::default(),
        seed: 1,
    }
}

/// Runs tasks to their end. Returns the reason for an early stop.
async fn go(
    service: &impl AttachmentApi,
    lines: &Lines,
    tasks: Vec<AttachmentTask>,
    settings: &Settings,
) -> Option<Halt> {
    let (events, _) = Events::channel();
    let never = std::future::pending();
    let tasks = tasks.into_iter();
    run_attachments(tasks, service, lines, None, settings, &events, never).await
}

/// Runs new rows to their end, with faults.
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

/// Returns a script with a fault in the n-th request of a kind.
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
