//! Work list of an import: which rows need requests, which need a new line alone, and which need
//! neither.
//!
//! Each row is decided by `plan::step`. Tasks for the pipeline are made here, one at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::merge::{self, Rows};
use crate::config::Jobs;
use crate::manifest::{Manifest, Row};
use crate::model::{ObjectType, Service};
use crate::pipeline::{AttachmentTask, JobTask, TaskRow};
use crate::plan::{Candidate, FailedJobs, JobStart, Start, Step, Wishes, step, units};
use crate::prepare::{Earlier, EarlierRow, Prepared, RowFile};
use crate::results::previous::Previous;
use crate::results::{Entry, Status};
use crate::root::Root;
use crate::source::Source;
use crate::text::{counted_with_verb, escape};

use super::lost;

/// Number of files to look for when a file is missing.
const LANDMARKS: usize = 16;

/// Returns paths of checked files, spread over the manifest. If none of these files is there any
/// more, the whole folder is away.
fn landmarks(manifest: &Manifest, prepared: &Prepared) -> Vec<String> {
    let is_ready = |row: &usize| matches!(prepared.file(*row), RowFile::Ready(_));
    let ready: Vec<usize> = (0..manifest.len()).filter(is_ready).collect();
    let every = ready.len().div_ceil(LANDMARKS).max(1);
    let some = ready.iter().step_by(every);
    some.map(|row| manifest.row(*row).file_path().to_owned())
        .collect()
}

/// Lookup of the files of rows in the results of earlier runs.
pub(super) struct EarlierRows<'a>(pub(super) &'a Previous);

impl Earlier for EarlierRows<'_> {
    fn of(&self, external_id: &str) -> Option<EarlierRow> {
        let entry = self.0.get(external_id)?;
        Some(EarlierRow {
            done: entry.has_its_bytes(),
            content: entry.known.content(),
            file_path: entry.file_path,
        })
    }
}

/// Rows of the manifest with the next step of each.
pub(super) struct Plan<'a> {
    manifest: &'a Manifest,
    prepared: &'a Prepared,
    previous: &'a Previous,
    root: Arc<Root>,
    /// Indices of the rows that need requests.
    to_send: Vec<u32>,
    /// The rows of `to_send`, grouped into jobs; `None` for a service without jobs.
    jobs: Option<Vec<Vec<u32>>>,
    wishes: Wishes,
    failed_jobs: FailedJobs,
    /// New lines of rows without requests, by row number.
    decided: HashMap<usize, Entry>,
    /// Number of done rows whose file is gone.
    gone: u64,
}

impl<'a> Plan<'a> {
    /// Decides the next step of every row.
    pub(super) fn of(
        manifest: &'a Manifest,
        prepared: &'a Prepared,
        previous: &'a Previous,
        root: Root,
        wishes: Wishes,
        jobs: &Jobs,
    ) -> Self {
        root.remember(landmarks(manifest, prepared));
        let mut plan = Self {
            wishes,
            failed_jobs: jobs.failed,
            jobs: None,
            manifest,
            prepared,
            previous,
            root: Arc::new(root),
            to_send: Vec::new(),
            decided: HashMap::new(),
            gone: 0,
        };
        for (index, row) in (0..).zip(manifest.rows()) {
            let file = prepared.file(index as usize);
            plan.gone += u64::from(file == RowFile::Gone);
            // A row that cannot be parsed is unfit, and `problems` names the reason.
            if let (Ok(row), RowFile::Ready(_) | RowFile::Gone) = (row.parse(), file) {
                match plan.step(&row, file) {
                    Step::Keep => {}
                    Step::Record(entry) => {
                        plan.decided.insert(row.number, *entry);
                    }
                    Step::Send(_) => plan.to_send.push(index),
                }
            }
        }
        if plan.service() == Service::Keelvar {
            plan.jobs = Some(units(plan.candidates(), jobs.limits));
        }
        plan
    }

    fn step(&self, row: &Row, file: RowFile) -> Step {
        let previous = self.previous.get(row.external_id.as_str());
        step(row, file, previous, self.wishes, self.failed_jobs)
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.to_send.iter().filter_map(|index| {
            let task = self.row_of_job(*index)?;
            Some(Candidate {
                index: *index,
                object: task.row.object,
                job: task.start.job().cloned(),
                file_name: task.row.file_name().to_owned(),
                size: task.content.stamp.size,
            })
        })
    }

    /// Manifest of the run.
    pub(super) fn manifest(&self) -> &'a Manifest {
        self.manifest
    }

    /// Service of the manifest. Without a row whose service is known, no row is sent, and either
    /// service will do.
    pub(super) fn service(&self) -> Service {
        self.manifest.service().unwrap_or(Service::Workday)
    }

    /// Results of earlier runs.
    pub(super) fn previous(&self) -> &'a Previous {
        self.previous
    }

    /// Indices of the rows that need requests.
    pub(super) fn rows_to_send(&self) -> &[u32] {
        &self.to_send
    }

    /// Number of rows that need requests.
    pub(super) fn to_send(&self) -> usize {
        self.to_send.len()
    }

    /// Number of rows that need requests, for objects of type `kind`.
    pub(super) fn to_send_to(&self, kind: ObjectType) -> u64 {
        let rows = self
            .to_send
            .iter()
            .map(|row| self.manifest.row(*row as usize));
        rows.filter(|row| row.object_type() == kind.as_str())
            .count() as u64
    }

    /// Counts the rows without requests, by status.
    pub(super) fn settled(&self) -> BTreeMap<Status, u64> {
        let mut settled = BTreeMap::new();
        let mut to_send = self.to_send.iter().peekable();
        for (index, row) in (0_u32..).zip(self.manifest.rows()) {
            if to_send.next_if_eq(&&index).is_some() {
                continue;
            }
            let status = match self.decided.get(&row.number()) {
                _ if self.prepared.problems.has_error(row.number()) => Status::Invalid,
                Some(entry) => entry.status,
                None => self
                    .previous
                    .get(row.external_id())
                    .map_or(Status::Pending, |entry| entry.status),
            };
            *settled.entry(status).or_default() += 1;
        }
        settled
    }

    /// Returns the tasks of rows whose files become attachments, in the order of the manifest. Each
    /// task is made when its turn comes.
    pub(super) fn attachment_tasks(&self) -> impl Iterator<Item = AttachmentTask> + '_ {
        self.to_send.iter().filter_map(|row| {
            self.task_row(*row, |start| match start {
                Start::Attachment(start) => Some(start),
                Start::Job(_) => None,
            })
        })
    }

    /// Returns the tasks of rows whose files go into jobs, job by job. Each task is made when its
    /// turn comes.
    pub(super) fn job_tasks(&self) -> impl Iterator<Item = JobTask> + '_ {
        let jobs = self.jobs.iter().flatten();
        jobs.filter_map(|rows| JobTask::of(rows.iter().filter_map(|row| self.row_of_job(*row))))
    }

    fn row_of_job(&self, index: u32) -> Option<TaskRow<JobStart>> {
        self.task_row(index, |start| match start {
            Start::Job(start) => Some(start),
            Start::Attachment(_) => None,
        })
    }

    fn task_row<S>(
        &self,
        index: u32,
        of_service: impl FnOnce(Start) -> Option<S>,
    ) -> Option<TaskRow<S>> {
        let row = self.manifest.row(index as usize).parse().ok()?;
        let file = self.prepared.file(index as usize);
        let previous = self.previous.get(row.external_id.as_str());
        let content = match file {
            RowFile::Ready(content) => content,
            // No bytes of a file that is gone are sent: only the title or key of the attachment may
            // change.
            RowFile::Gone => previous.as_ref()?.known.content()?,
            RowFile::Unfit => return None,
        };
        let attempts = previous.as_ref().map_or(0, |entry| entry.attempts);
        let changes = previous.as_ref().map(|entry| entry.changes.clone());
        let step = step(&row, file, previous, self.wishes, self.failed_jobs);
        let Step::Send(start) = step else {
            return None;
        };
        Some(TaskRow {
            source: Source::new(Arc::clone(&self.root), row.file_path.clone()),
            row,
            content,
            start: of_service(start)?,
            attempts,
            changes: changes.unwrap_or_default(),
        })
    }

    /// Sources of the lines of the results file, besides earlier results.
    pub(super) fn rows<'p>(&'p self, destination: &'p str) -> Rows<'p> {
        Rows {
            manifest: self.manifest,
            problems: &self.prepared.problems,
            decided: &self.decided,
            destination,
        }
    }

    /// Notices to the user about the results of earlier runs; empty without any.
    pub(super) fn notices(&self, results: &Path) -> String {
        let file = escape(&results.to_string_lossy()).into_owned();
        let mut text = String::new();
        text.push_str(&lost::notice(
            results,
            self.manifest,
            &self.prepared.problems,
            self.previous,
            self.service(),
        ));
        if let Some(line) = self.previous.torn {
            let _ = writeln!(text, "{file} line {line} was torn, and is left out");
        }
        if self.gone > 0 {
            let _ = writeln!(
                text,
                "{} already, and the file is gone since: that is no error",
                counted_with_verb(self.gone, "row", ["is done", "are done"])
            );
        }
        let left = self.left_the_manifest();
        if left > 0 {
            let _ = writeln!(
                text,
                "{} no longer in the manifest; kept at the end of {file}",
                counted_with_verb(left, "row", ["is", "are"])
            );
        }
        text
    }

    fn left_the_manifest(&self) -> u64 {
        let shown: BTreeSet<usize> = self
            .manifest
            .rows()
            .filter(|row| !self.prepared.problems.has_error(row.number()))
            .filter_map(|row| self.previous.place(row.external_id()))
            .collect();
        merge::left(self.previous, &shown).len() as u64
    }
}
