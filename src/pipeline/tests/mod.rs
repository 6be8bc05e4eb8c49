//! Pipeline against the service in memory, in virtual time. This file has the journal in memory and
//! the helpers of all tests; each module below has a kind of situation.

mod attachment_inspection;
mod changes;
mod halts;
mod jobs;
mod lost_requests;
mod object_search;
mod resume;
mod unanswered_rows;
mod undisturbed_rows;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::destination::AttachmentApi;
use crate::digest::sha256;
use crate::event::EventSender;
use crate::manifest::ManifestRow;
use crate::memory_service::{
    self, AttachmentServiceRules, DeliveryFault, ExternalIdRule, FaultScript, LoggedRequest,
    MemoryAttachmentService, RequestKind,
};
use crate::model::{
    AttachmentId, CheckedContent, ExternalId, FileStamp, LookUpMode, ObjectRef, ObjectType,
    Sha256Digest,
};
use crate::plan::{
    AttachmentStart, FailedJobPolicy, PriorCreate, ProtocolStart, RowPlan, UpdatePolicy, plan_row,
};
use crate::prepare::RowFile;
use crate::results::journal::{Journal, JournalClosed};
use crate::results::{
    AttachmentChanges, KnownContent, ResultsEntry, Status, StatusReason, VerifiedBy,
};
use crate::root::Root;
use crate::throttle::EarlierAnswer;
use crate::upload_source::UploadSource;

/// Journal in memory: lines with the time at which each became durable.
#[derive(Default)]
struct MemoryJournal {
    lines: Mutex<Vec<(Instant, ResultsEntry)>>,
    /// Number of lines after which the journal breaks.
    max_lines: Option<usize>,
}

impl Journal for MemoryJournal {
    async fn record(&self, entries: Vec<ResultsEntry>) -> Result<(), JournalClosed> {
        let mut lines = self.lines.lock().unwrap();
        for entry in entries {
            if self.max_lines.is_some_and(|limit| lines.len() >= limit) {
                return Err(JournalClosed);
            }
            lines.push((Instant::now(), entry));
        }
        Ok(())
    }
}

impl MemoryJournal {
    /// Returns the lines of a row.
    fn lines_of(&self, row: usize) -> Vec<ResultsEntry> {
        let lines = self.lines.lock().unwrap();
        let of_row = lines.iter().filter(|(_, entry)| entry.row == Some(row));
        of_row.map(|(_, entry)| entry.clone()).collect()
    }

    fn last_line(&self, row: usize) -> Option<ResultsEntry> {
        self.lines_of(row).pop()
    }

    fn statuses(&self, row: usize) -> Vec<Status> {
        self.lines_of(row)
            .iter()
            .map(|entry| entry.status)
            .collect()
    }

    /// Returns the time at which a row first got a status.
    fn recorded_at(&self, row: usize, status: Status) -> Instant {
        let lines = self.lines.lock().unwrap();
        let line = lines
            .iter()
            .find(|(_, entry)| entry.row == Some(row) && entry.status == status);
        line.unwrap_or_else(|| panic!("row {row} never was {status}"))
            .0
    }
}

fn content(text: &str) -> CheckedContent {
    CheckedContent {
        stamp: FileStamp {
            size: text.len() as u64,
            modified: jiff::Timestamp::UNIX_EPOCH,
        },
        sha256: sha256(text.as_bytes()),
    }
}

fn row(number: usize) -> ManifestRow {
    ManifestRow {
        number,
        line: number as u64 + 1,
        file_path: format!("{number}.pdf"),
        object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
        object_external_id: None,
        external_id: ExternalId::parse(&format!("A{number}")).unwrap(),
        title: None,
        file_name: None,
        sha256: None,
        new_external_id: None,
    }
}

fn task(row: ManifestRow, content: CheckedContent, start: AttachmentStart) -> AttachmentTask {
    task_row(row, content, start)
}

fn task_row<S>(row: ManifestRow, content: CheckedContent, start: S) -> TaskRow<S> {
    let root = Arc::new(Root::from_path(Path::new(".")).unwrap());
    TaskRow {
        source: UploadSource::new(root, row.file_path.clone()),
        row,
        content,
        start,
        attempts: 0,
        changes: AttachmentChanges::default(),
    }
}

/// Returns the task of a row without an earlier line.
fn new_task(number: usize) -> AttachmentTask {
    task(
        row(number),
        file_content(number),
        AttachmentStart::LookUp(PriorCreate::NoneUnanswered),
    )
}

/// Returns the content of a row's file.
fn file_content(number: usize) -> CheckedContent {
    content(&format!("bytes of row {number}"))
}

/// Returns the task that a later run makes of a row, from its last line.
fn resumed_task(row: ManifestRow, content: CheckedContent, last: ResultsEntry) -> AttachmentTask {
    match plan_row(
        &row,
        RowFile::Ready(content),
        Some(last),
        UpdatePolicy::default(),
        FailedJobPolicy::Leave,
    ) {
        RowPlan::SendRequests(ProtocolStart::Attachment(start)) => task(row, content, start),
        other => panic!("no request would follow, but {other:?}"),
    }
}

fn settings() -> RunSettings {
    RunSettings {
        pacer: Arc::new(Pacer::new(5)),
        rows_at_once: 8,
        max_errors: None,
        max_outage: Duration::from_hours(12),
        earlier_answer: EarlierAnswer::NoneYet,
        destination: "memory".into(),
        update_policy: UpdatePolicy::default(),
        look_ups: LookUpMode::Each,
        seed: 1,
    }
}

/// Runs tasks to their end. Returns the reason for an early stop.
async fn run_tasks(
    service: &impl AttachmentApi,
    lines: &MemoryJournal,
    tasks: Vec<AttachmentTask>,
    settings: &RunSettings,
) -> Option<HaltReason> {
    let (events, _) = EventSender::channel();
    let never = std::future::pending();
    let tasks = tasks.into_iter();
    run_attachments(tasks, service, lines, None, settings, &events, never).await
}

/// Runs new rows to their end, with faults.
async fn run_with_faults(
    rules: AttachmentServiceRules,
    rows: usize,
    script: impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static,
) -> (MemoryAttachmentService, MemoryJournal, Option<HaltReason>) {
    let memory = MemoryAttachmentService::with_faults(rules, Box::new(script));
    let lines = MemoryJournal::default();
    let tasks = (1..=rows).map(new_task).collect();
    let halt = run_tasks(&memory, &lines, tasks, &settings()).await;
    (memory, lines, halt)
}

/// Returns a script with a fault in the n-th request of a kind.
fn nth_request(
    operation: RequestKind,
    number: u64,
    fault: DeliveryFault,
) -> impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static {
    move |asked, count| (asked == operation && count == number).then_some(fault)
}

fn count_requests(log: &[LoggedRequest], operation: RequestKind) -> usize {
    log.iter().filter(|one| one.kind == operation).count()
}

#[track_caller]
fn each_is_stored_once(memory: &MemoryAttachmentService, lines: &MemoryJournal, rows: usize) {
    let stored = memory.stored();
    for number in 1..=rows {
        let row = row(number);
        let of_row: Vec<_> = stored
            .iter()
            .filter(|one| one.external_id == row.external_id)
            .collect();
        assert_eq!(of_row.len(), 1, "row {number}: {of_row:?}");
        let last = lines.last_line(number).unwrap();
        assert_eq!(last.status, Status::Uploaded, "{last:?}");
        assert_eq!(
            last.known_content.content().unwrap().sha256,
            of_row[0].sha256
        );
        assert_eq!(
            last.attachment_id.unwrap().as_str(),
            of_row[0].id.to_string()
        );
    }
}
