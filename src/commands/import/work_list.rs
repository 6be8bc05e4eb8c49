//! Work list of an import: which rows need requests, which need a new line alone, and which need
//! neither.
//!
//! Each row is decided by `plan::plan_row`. Tasks for the pipeline are made here, one at a time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::result_lines::{self, LineSources};
use crate::config::JobPolicy;
use crate::manifest::{Manifest, ManifestRow, RawRow};
use crate::model::{
    ClashScope, LookUpMode, LookUpPolicy, NamedObject, ObjectRef, ObjectType, ProcurementService,
    RowNumbers,
};
use crate::pipeline::{AttachmentTask, JobTask, TaskRow};
use crate::plan::{
    AttachmentStart, FailedJobPolicy, FoundObjects, JobCandidate, JobStart, PilotScope,
    ProtocolStart, RowPlan, RowsForProof, UpdatePolicy, group_into_jobs, plan_row, resolve_object,
};
use crate::prepare::{EarlierRow, EarlierRun, PreparedFiles, RowFile, UnnamedFiles};
use crate::results::earlier_results::EarlierResults;
use crate::results::{ResultsEntry, Status};
use crate::root::Root;
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, group_thousands};
use crate::upload_source::UploadSource;

use super::lost_lines_refusal;

/// Number of files to look for when a file is missing.
const PROBE_FILE_COUNT: usize = 16;

/// Returns paths of checked files, spread over the manifest. If none of these files is there any
/// more, the whole folder is away.
fn probe_files(manifest: &Manifest, prepared: &PreparedFiles) -> Vec<String> {
    let is_ready = |row: &usize| matches!(prepared.row_file(*row), RowFile::Ready(_));
    let ready: Vec<usize> = (0..manifest.len()).filter(is_ready).collect();
    let every = ready.len().div_ceil(PROBE_FILE_COUNT).max(1);
    let some = ready.iter().step_by(every);
    some.filter_map(|row| {
        let row = manifest.row(*row);
        prepared.path_on_disk(&row).map(Cow::into_owned)
    })
    .collect()
}

/// Lookup of the files of rows in the results of earlier runs.
pub(super) struct EarlierRowLookup<'a>(pub(super) &'a EarlierResults);

impl EarlierRun for EarlierRowLookup<'_> {
    fn find_row(&self, external_id: &str) -> Option<EarlierRow> {
        let entry = self.0.latest_entry(external_id)?;
        Some(EarlierRow {
            done: entry.has_stored_bytes(),
            content: entry.known_content.content(),
            file_path: entry.file_path,
        })
    }
}

/// Rows of the manifest with the next step of each.
pub(super) struct WorkList<'a> {
    manifest: &'a Manifest,
    prepared: &'a PreparedFiles,
    earlier: &'a EarlierResults,
    /// Records found in this run.
    objects: &'a FoundObjects,
    root: Arc<Root>,
    /// Indices of the rows that need requests.
    rows_to_send: Vec<u32>,
    /// Indices of the rows whose records have to be found before the next step can be decided.
    rows_to_find: Vec<u32>,
    /// Indices of the due rows left to a later run.
    rows_left_out: Vec<u32>,
    /// Rows that begin first in a run with [`LookUpMode::OnClash`].
    rows_for_proof: RowsForProof,
    /// The rows of `rows_to_send`, grouped into jobs; `None` for a service without jobs.
    job_groups: Option<Vec<Vec<u32>>>,
    update_policy: UpdatePolicy,
    failed_jobs: FailedJobPolicy,
    /// New lines of rows without requests, by row number.
    settled_lines: HashMap<usize, ResultsEntry>,
    /// Number of done rows whose file is gone.
    done_rows_without_file: u64,
}

impl<'a> WorkList<'a> {
    /// Decides the next step of every row whose record is known, by itself or among `objects`.
    /// Rows outside of the choice of `scope` are left to a later run.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another source of the decisions"
    )]
    pub(super) fn new(
        manifest: &'a Manifest,
        prepared: &'a PreparedFiles,
        earlier: &'a EarlierResults,
        objects: &'a FoundObjects,
        root: &Arc<Root>,
        update_policy: UpdatePolicy,
        jobs: &JobPolicy,
        scope: &PilotScope,
    ) -> Self {
        root.remember_files(probe_files(manifest, prepared));
        let mut plan = Self {
            update_policy,
            failed_jobs: jobs.failed_jobs,
            job_groups: None,
            manifest,
            prepared,
            earlier,
            objects,
            root: Arc::clone(root),
            rows_to_send: Vec::new(),
            rows_to_find: Vec::new(),
            rows_left_out: Vec::new(),
            rows_for_proof: RowsForProof::default(),
            settled_lines: HashMap::new(),
            done_rows_without_file: 0,
        };
        let mut choice = scope.choose();
        for (index, row) in (0..).zip(manifest.rows()) {
            let file = prepared.row_file(index as usize);
            plan.done_rows_without_file += u64::from(file == RowFile::GoneAfterDone);
            // A row that cannot be parsed is unfit, and `problems` names the reason.
            if let (Ok(row), RowFile::Ready(_) | RowFile::GoneAfterDone) = (row.parse(), file) {
                let number = row.number;
                match plan.step_for_row(row, file) {
                    Some((_, RowPlan::KeepLine)) => {}
                    Some((_, RowPlan::RecordLine(entry))) => {
                        plan.settled_lines.insert(number, *entry);
                    }
                    _ if !choice.takes(number) => plan.rows_left_out.push(index),
                    None => plan.rows_to_find.push(index),
                    Some((object, RowPlan::SendRequests(start))) => {
                        plan.rows_to_send.push(index);
                        if let ProtocolStart::Attachment(AttachmentStart::New) = start {
                            plan.rows_for_proof.offer(index, object);
                        }
                    }
                }
            }
        }
        if plan.service() == ProcurementService::Keelvar {
            plan.job_groups = Some(group_into_jobs(plan.job_candidates(), jobs.limits));
        }
        plan
    }

    /// Returns the object and the next step of a row; `None` where its record has to be found first.
    fn step_for_row(
        &self,
        row: ManifestRow<NamedObject>,
        file: RowFile,
    ) -> Option<(ObjectRef, RowPlan)> {
        let previous = self.earlier.latest_entry(row.external_id.as_str());
        let row = resolve_object(row, previous.as_ref(), self.objects).known()?;
        let step = plan_row(&row, file, previous, self.update_policy, self.failed_jobs);
        Some((row.object, step))
    }

    fn job_candidates(&self) -> impl Iterator<Item = JobCandidate> {
        self.rows_to_send.iter().filter_map(|index| {
            let task = self.job_task_row(*index)?;
            Some(JobCandidate {
                index: *index,
                object: task.row.object,
                job: task.start.earlier_job().cloned(),
                file_name: task.row.stored_file_name().to_owned(),
                size: task.content.stamp.size,
            })
        })
    }

    /// Manifest of the run.
    pub(super) fn manifest(&self) -> &'a Manifest {
        self.manifest
    }

    /// Files below the root that no row names; `None` where nobody is told.
    pub(super) fn unnamed_files(&self) -> Option<&UnnamedFiles> {
        self.prepared.unnamed_files.as_ref()
    }

    /// Service of the manifest. Without a row whose service is known, no row is sent, and either
    /// service will do.
    pub(super) fn service(&self) -> ProcurementService {
        self.manifest
            .service()
            .unwrap_or(ProcurementService::Workday)
    }

    /// Results of earlier runs.
    pub(super) fn earlier_results(&self) -> &'a EarlierResults {
        self.earlier
    }

    /// Indices of the rows that need requests.
    pub(super) fn rows_to_send(&self) -> &[u32] {
        &self.rows_to_send
    }

    /// Indices of the rows whose records have to be found before the next step can be decided.
    pub(super) fn rows_to_find(&self) -> &[u32] {
        &self.rows_to_find
    }

    /// Indices of the due rows left to a later run.
    pub(super) fn rows_left_out(&self) -> &[u32] {
        &self.rows_left_out
    }

    /// True if the run sends a row, given by number, or searches for its record.
    pub(super) fn sends_row(&self, number: usize) -> bool {
        let index = u32::try_from(number - 1);
        index.is_ok_and(|index| {
            let lists = [&self.rows_to_send, &self.rows_to_find];
            lists.iter().any(|rows| rows.binary_search(&index).is_ok())
        })
    }

    /// Returns the scope of exactly the rows of the plan, for the plan after the search for records: no
    /// other row takes the place of a row without a record.
    pub(super) fn fixed_scope(&self) -> PilotScope {
        if self.rows_left_out.is_empty() {
            return PilotScope::default();
        }
        let rows = self.rows_to_send.iter().chain(&self.rows_to_find);
        let numbers = rows.map(|index| *index as usize + 1);
        PilotScope::of_rows(RowNumbers::from_rows(numbers))
    }

    /// Number of rows that need requests.
    pub(super) fn send_count(&self) -> usize {
        self.rows_to_send.len()
    }

    /// Number of rows that need requests, for objects of type `kind`.
    pub(super) fn send_count_for(&self, kind: ObjectType) -> u64 {
        let rows = self
            .rows_to_send
            .iter()
            .map(|row| self.manifest.row(*row as usize));
        rows.filter(|row| row.object_type() == kind.as_str())
            .count() as u64
    }

    /// Counts the rows without due requests, by status.
    pub(super) fn settled_row_counts(&self) -> BTreeMap<Status, u64> {
        let mut settled = BTreeMap::new();
        for status in self.settled_rows().map(|row| self.settled_status(&row)) {
            *settled.entry(status).or_default() += 1;
        }
        settled
    }

    /// Returns the rows without due requests, for the present run or a later run.
    fn settled_rows(&self) -> impl Iterator<Item = RawRow<'a>> {
        let mut to_send = self.rows_to_send.iter().peekable();
        let mut left_out = self.rows_left_out.iter().peekable();
        let rows = (0_u32..).zip(self.manifest.rows());
        let settled = rows.filter(move |(index, _)| {
            to_send.next_if_eq(&index).is_none() && left_out.next_if_eq(&index).is_none()
        });
        settled.map(|(_, row)| row)
    }

    fn settled_status(&self, row: &RawRow<'_>) -> Status {
        match self.settled_lines.get(&row.number()) {
            _ if self.prepared.problems.has_error(row.number()) => Status::Invalid,
            Some(entry) => entry.status,
            None => self
                .earlier
                .latest_entry(row.external_id())
                .map_or(Status::Pending, |entry| entry.status),
        }
    }

    /// Notice about done rows among the rows of `--only`; empty without any.
    fn done_rows_notice(&self, only: &RowNumbers) -> String {
        let is_named_and_done =
            |row: &RawRow<'_>| only.contains(row.number()) && self.settled_status(row).is_done();
        let done = self.settled_rows().filter(is_named_and_done).count() as u64;
        match (done, only.count() as u64) {
            (0, _) => String::new(),
            (1, 1) => "the row that --only names is done already\n".to_owned(),
            (done, named) => format!(
                "{} of the {} that --only names {} done already\n",
                group_thousands(done),
                count_with_noun(named, "row"),
                if done == 1 { "is" } else { "are" }
            ),
        }
    }

    /// Returns the look-ups of an import by the user's choice. A manifest without any known type
    /// has no rows to send.
    pub(super) fn look_up_mode(&self, look_ups: LookUpPolicy) -> LookUpMode {
        match (look_ups, self.clash_scope()) {
            (LookUpPolicy::OnClash, Some(scope)) => LookUpMode::OnClash(scope),
            (LookUpPolicy::Each, _) | (LookUpPolicy::OnClash, None) => LookUpMode::Each,
        }
    }

    /// Returns the scope in which a refusal would have to be proven. `None` without a known type.
    pub(super) fn clash_scope(&self) -> Option<ClashScope> {
        let is_of_part = |row: &RawRow<'_>| {
            // The rows of a part can prove nothing about types of other rows.
            self.rows_left_out.is_empty() || self.sends_row(row.number())
        };
        let rows = self.manifest.rows().filter(is_of_part);
        ClashScope::for_types(rows.filter_map(|row| row.object_type().parse().ok()))
    }

    /// Returns the tasks of rows whose files become attachments, in the order of the manifest. Each
    /// task is made when the iterator reaches its row.
    pub(super) fn attachment_tasks(&self) -> impl Iterator<Item = AttachmentTask> + '_ {
        self.rows_to_send
            .iter()
            .filter_map(|row| self.attachment_task(*row))
    }

    /// Returns the same tasks in the order of an import.
    pub(super) fn attachment_tasks_to_send(
        &self,
        look_ups: LookUpMode,
    ) -> impl Iterator<Item = AttachmentTask> + '_ {
        let first = match look_ups {
            LookUpMode::Each => Vec::new(),
            LookUpMode::OnClash(_) => self.rows_for_proof.in_order(),
        };
        let is_other = {
            let first = first.clone();
            move |row: &u32| !first.contains(row)
        };
        let others = self.rows_to_send.iter().copied().filter(is_other);
        first
            .into_iter()
            .chain(others)
            .filter_map(|row| self.attachment_task(row))
    }

    fn attachment_task(&self, row: u32) -> Option<AttachmentTask> {
        self.task_row(row, |start| match start {
            ProtocolStart::Attachment(start) => Some(start),
            ProtocolStart::Job(_) => None,
        })
    }

    /// Returns the tasks of rows whose files go into jobs, job by job. Each task is made when the
    /// iterator reaches its job.
    pub(super) fn job_tasks(&self) -> impl Iterator<Item = JobTask> + '_ {
        let jobs = self.job_groups.iter().flatten();
        jobs.filter_map(|rows| {
            JobTask::from_rows(rows.iter().filter_map(|row| self.job_task_row(*row)))
        })
    }

    fn job_task_row(&self, index: u32) -> Option<TaskRow<JobStart>> {
        self.task_row(index, |start| match start {
            ProtocolStart::Job(start) => Some(start),
            ProtocolStart::Attachment(_) => None,
        })
    }

    fn task_row<S>(
        &self,
        index: u32,
        of_service: impl FnOnce(ProtocolStart) -> Option<S>,
    ) -> Option<TaskRow<S>> {
        let row = self.manifest.row(index as usize);
        let path = self.prepared.path_on_disk(&row)?.into_owned();
        let row = row.parse().ok()?;
        let file = self.prepared.row_file(index as usize);
        let previous = self.earlier.latest_entry(row.external_id.as_str());
        let row = resolve_object(row, previous.as_ref(), self.objects).known()?;
        let content = match file {
            RowFile::Ready(content) => content,
            // No bytes of a file that is gone are sent: only the title or key of the attachment may
            // change.
            RowFile::GoneAfterDone => previous.as_ref()?.known_content.content()?,
            RowFile::Unfit => return None,
        };
        let attempts = previous.as_ref().map_or(0, |entry| entry.attempts);
        let changes = previous.as_ref().map(|entry| entry.changes.clone());
        let step = plan_row(&row, file, previous, self.update_policy, self.failed_jobs);
        let RowPlan::SendRequests(start) = step else {
            return None;
        };
        Some(TaskRow {
            source: UploadSource::new(Arc::clone(&self.root), path),
            row,
            content,
            start: of_service(start)?,
            attempts,
            changes: changes.unwrap_or_default(),
        })
    }

    /// Sources of the lines of the results file, besides earlier results.
    pub(super) fn line_sources<'p>(&'p self, destination: &'p str) -> LineSources<'p> {
        LineSources {
            manifest: self.manifest,
            prepared: self.prepared,
            settled_lines: &self.settled_lines,
            destination,
        }
    }

    /// Notices to the user about the results of earlier runs; empty without any. `only` are the rows
    /// named by the user.
    pub(super) fn notices(&self, results: &Path, only: Option<&RowNumbers>) -> String {
        let file = escape(&results.to_string_lossy()).into_owned();
        let mut text = String::new();
        text.push_str(&lost_lines_refusal::lost_lines_notice(
            results,
            self.manifest,
            &self.prepared.problems,
            self.earlier,
            self.service(),
        ));
        if let Some(line) = self.earlier.torn_line {
            let _ = writeln!(text, "{file} line {line} was torn, and is left out");
        }
        if self.done_rows_without_file > 0 {
            let _ = writeln!(
                text,
                "{} already, and the file is gone since, which is no error",
                count_with_noun_and_verb(
                    self.done_rows_without_file,
                    "row",
                    ["is done", "are done"]
                )
            );
        }
        text.push_str(&only.map_or_else(String::new, |only| self.done_rows_notice(only)));
        let left = self.count_removed_rows();
        if left > 0 {
            let _ = writeln!(
                text,
                "{} no longer in the manifest; kept at the end of {file}",
                count_with_noun_and_verb(left, "row", ["is", "are"])
            );
        }
        text
    }

    fn count_removed_rows(&self) -> u64 {
        let shown: BTreeSet<usize> = self
            .manifest
            .rows()
            .filter(|row| !self.prepared.problems.has_error(row.number()))
            .filter_map(|row| self.earlier.latest_line_offset(row.external_id()))
            .collect();
        result_lines::entries_of_removed_rows(self.earlier, &shown).len() as u64
    }
}
