//! The protocol against the service in memory, in virtual time.

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

/// A journal in memory: each line with the moment at which it became durable.
#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<(Instant, Entry)>>,
    /// It breaks when it would get longer than this.
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

fn fresh(number: usize) -> AttachmentTask {
    task(
        row(number),
        original(number),
        AttachmentStart::LookUp(Posted::No),
    )
}

/// What the file of a row holds.
fn original(number: usize) -> Content {
    content(&format!("bytes of row {number}"))
}

/// The task that a later run makes of a row, from its last line.
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
