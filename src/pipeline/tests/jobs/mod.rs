//! State machine of jobs against the service in memory, in virtual time.

mod budgets;
mod ends;
mod inspect;
mod resume;

use super::*;
use crate::memory_service::jobs::{
    Addresses, Attaches, JobRules, Jobs, Missing, Start as Starts, Stuck, Tells, UnknownAs,
};
use crate::plan::{Candidate, Limits, units};

/// Returns a row of an event. Each row's file has a different name.
fn row_of(event: usize, number: usize) -> Row {
    let id = format!("00000000-0000-4000-8000-{event:012}");
    Row {
        object: ObjectRef::parse(ObjectType::SourcingEvent, &id).unwrap(),
        ..row(number)
    }
}

/// Returns the rows of an event.
fn rows(numbers: std::ops::RangeInclusive<usize>) -> Vec<Row> {
    numbers.map(|number| row_of(1, number)).collect()
}

fn bytes_of(row: &Row) -> Content {
    content(&format!("bytes of row {}", row.number))
}

/// Returns the job tasks that an import makes of rows and their last lines, eight files to a job.
fn tasks_of(
    rows: &[Row],
    lines: &Lines,
    failed_jobs: FailedJobs,
    content: impl Fn(&Row) -> Content,
) -> Vec<JobTask> {
    let mut to_send = std::collections::BTreeMap::new();
    for (index, row) in (0_u32..).zip(rows) {
        let content = content(row);
        let previous = lines.last(row.number);
        if let Step::Send(Start::Job(start)) = step(
            row,
            RowFile::Ready(content),
            previous,
            Wishes::default(),
            failed_jobs,
        ) {
            to_send.insert(index, task_row(row.clone(), content, start));
        }
    }
    let candidates = to_send.iter().map(|(index, row)| Candidate {
        index: *index,
        object: row.row.object,
        job: row.start.job().cloned(),
        file_name: row.row.file_name().to_owned(),
        size: row.content.stamp.size,
    });
    let limits = Limits {
        files: 8,
        bytes: 1_000_000,
    };
    let units = units(candidates.collect::<Vec<_>>(), limits);
    let rows_of = |rows: Vec<u32>| JobTask::of(rows.iter().filter_map(|row| to_send.remove(row)));
    units.into_iter().filter_map(rows_of).collect()
}

/// Imports rows, from their last lines.
async fn import(jobs: &Jobs, lines: &Lines, rows: &[Row]) -> Option<Halt> {
    let tasks = tasks_of(rows, lines, FailedJobs::Leave, bytes_of);
    go_with_jobs(jobs, lines, tasks).await
}

async fn go_with_jobs(jobs: &Jobs, lines: &Lines, tasks: Vec<JobTask>) -> Option<Halt> {
    let (events, _) = Events::channel();
    let (never, settings) = (std::future::pending(), settings());
    run_jobs(tasks.into_iter(), jobs, lines, &settings, &events, never).await
}

/// Imports rows with a journal that breaks after `limit` lines.
async fn import_until(jobs: &Jobs, rows: &[Row], limit: usize) -> Lines {
    let lines = Lines {
        limit: Some(limit),
        ..Lines::default()
    };
    import(jobs, &lines, rows).await;
    Lines {
        limit: None,
        ..lines
    }
}

fn with(
    rules: JobRules,
    script: impl FnMut(Operation, u64) -> Option<Fault> + Send + 'static,
) -> Jobs {
    Jobs::with_faults(rules, Box::new(script))
}

#[track_caller]
fn each_is_attached_once(jobs: &Jobs, lines: &Lines, rows: &[Row]) {
    let attached = jobs.attached();
    assert_eq!(attached.len(), rows.len(), "{attached:?}");
    for row in rows {
        let last = lines.last(row.number).unwrap();
        assert_eq!(last.status, Status::Uploaded, "{last:?}");
        let is_of_row =
            |one: &&crate::memory_service::jobs::AttachedFile| one.external_id == row.external_id;
        let file = attached.iter().find(is_of_row).unwrap();
        assert_eq!(file.object, row.object);
        assert_eq!(file.file_name, row.file_name());
        assert_eq!(last.known.content().unwrap().sha256, file.sha256);
        assert_eq!(last.attachment_id.as_ref(), Some(&file.job));
    }
}

/// Returns the status and the reason of each row.
fn ends(lines: &Lines, rows: &[Row]) -> Vec<(Status, Reason)> {
    let last = |row: &Row| lines.last(row.number).unwrap();
    let end = |line: Entry| (line.status, line.reason);
    rows.iter().map(last).map(end).collect()
}

fn how_many(jobs: &Jobs, operation: Operation) -> usize {
    count(&jobs.log(), operation)
}
