//! State machine of jobs against the service in memory, in virtual time.

mod budgets;
mod job_ends;
mod job_inspection;
mod job_resume;

use super::*;
use crate::memory_service::job_service::{
    AddressRule, AttachRule, FailedJobReport, JobServiceRules, JobStartRule as Starts,
    MemoryJobService, MissingFileRule, StuckJobRule, UnknownObjectRule,
};
use crate::plan::{JobCandidate, JobLimits, group_into_jobs};

/// Returns a row of an event. Each row's file has a different name.
fn event_row(event: usize, number: usize) -> ManifestRow {
    let id = format!("00000000-0000-4000-8000-{event:012}");
    ManifestRow {
        object: ObjectRef::parse(ObjectType::SourcingEvent, &id).unwrap(),
        ..row(number)
    }
}

/// Returns the rows of an event.
fn event_rows(numbers: std::ops::RangeInclusive<usize>) -> Vec<ManifestRow> {
    numbers.map(|number| event_row(1, number)).collect()
}

fn file_content_of(row: &ManifestRow) -> CheckedContent {
    content(&format!("bytes of row {}", row.number))
}

/// Returns the job tasks that an import makes of rows and their last lines, eight files to a job.
fn job_tasks(
    rows: &[ManifestRow],
    lines: &MemoryJournal,
    failed_jobs: FailedJobPolicy,
    content: impl Fn(&ManifestRow) -> CheckedContent,
) -> Vec<JobTask> {
    let mut to_send = std::collections::BTreeMap::new();
    for (index, row) in (0_u32..).zip(rows) {
        let content = content(row);
        let previous = lines.last_line(row.number);
        if let RowPlan::SendRequests(ProtocolStart::Job(start)) = plan_row(
            row,
            RowFile::Ready(content),
            previous,
            UpdatePolicy::default(),
            failed_jobs,
        ) {
            to_send.insert(index, task_row(row.clone(), content, start));
        }
    }
    let candidates = to_send.iter().map(|(index, row)| JobCandidate {
        index: *index,
        object: row.row.object,
        job: row.start.earlier_job().cloned(),
        file_name: row.row.stored_file_name().to_owned(),
        size: row.content.stamp.size,
    });
    let limits = JobLimits {
        max_files: 8,
        max_bytes: 1_000_000,
    };
    let units = group_into_jobs(candidates.collect::<Vec<_>>(), limits);
    let rows_of =
        |rows: Vec<u32>| JobTask::from_rows(rows.iter().filter_map(|row| to_send.remove(row)));
    units.into_iter().filter_map(rows_of).collect()
}

/// Imports rows, from their last lines.
async fn import(
    jobs: &MemoryJobService,
    lines: &MemoryJournal,
    rows: &[ManifestRow],
) -> Option<HaltReason> {
    let tasks = job_tasks(rows, lines, FailedJobPolicy::Leave, file_content_of);
    run_job_tasks(jobs, lines, tasks).await
}

async fn run_job_tasks(
    jobs: &MemoryJobService,
    lines: &MemoryJournal,
    tasks: Vec<JobTask>,
) -> Option<HaltReason> {
    let (events, _) = EventSender::channel();
    let (never, settings) = (std::future::pending(), settings());
    run_jobs(tasks.into_iter(), jobs, lines, &settings, &events, never).await
}

/// Imports rows with a journal that breaks after `limit` lines.
async fn import_until(
    jobs: &MemoryJobService,
    rows: &[ManifestRow],
    limit: usize,
) -> MemoryJournal {
    let lines = MemoryJournal {
        max_lines: Some(limit),
        ..MemoryJournal::default()
    };
    import(jobs, &lines, rows).await;
    MemoryJournal {
        max_lines: None,
        ..lines
    }
}

fn job_service(
    rules: JobServiceRules,
    script: impl FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send + 'static,
) -> MemoryJobService {
    MemoryJobService::with_faults(rules, Box::new(script))
}

#[track_caller]
fn each_is_attached_once(jobs: &MemoryJobService, lines: &MemoryJournal, rows: &[ManifestRow]) {
    let attached = jobs.attached_files();
    assert_eq!(attached.len(), rows.len(), "{attached:?}");
    for row in rows {
        let last = lines.last_line(row.number).unwrap();
        assert_eq!(last.status, Status::Uploaded, "{last:?}");
        let is_of_row = |one: &&crate::memory_service::job_service::FileOnObjectInMemory| {
            one.external_id == row.external_id
        };
        let file = attached.iter().find(is_of_row).unwrap();
        assert_eq!(file.object, row.object);
        assert_eq!(file.file_name, row.stored_file_name());
        assert_eq!(last.known_content.content().unwrap().sha256, file.sha256);
        assert_eq!(last.attachment_id.as_ref(), Some(&file.job));
    }
}

/// Returns the status and the reason of each row.
fn row_ends(lines: &MemoryJournal, rows: &[ManifestRow]) -> Vec<(Status, StatusReason)> {
    let last = |row: &ManifestRow| lines.last_line(row.number).unwrap();
    let end = |line: ResultsEntry| (line.status, line.reason);
    rows.iter().map(last).map(end).collect()
}

fn count_job_requests(jobs: &MemoryJobService, operation: RequestKind) -> usize {
    count_requests(&jobs.log(), operation)
}
