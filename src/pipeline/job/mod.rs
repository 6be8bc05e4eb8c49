//! State machine of a job, for several rows of an object: CREATE, AWAIT, PUT, CONFIRM.
//!
//! Open this file first; `send_job_files` sends the files, `job_end` ends the rows. A job is found
//! by its id alone, gives its addresses once started, and reports its outcome at the end. All files
//! are sent at once, since the addresses live for a minute. Exactly once, because:
//! - `creating` is durable before the POST, `created` with the id before the first byte, and
//!   `sending` before bytes may reach the job;
//! - a row goes into another job only if its job has ended, and certainly without the row's file;
//! - a POST without an answer leaves a job to which nobody can send anything, and which fails by
//!   itself; the rows go into another job.

mod job_end;
mod row_in_job;
mod send_job_files;

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use self::row_in_job::JobRow;
use super::poller::{JobPoller, PollOutcome};
use super::quota_gate::JobTurn;
use super::request_context::RequestContext;
use super::request_sender::{RequestFailure, SendPermission};
use super::row_verdict::RowVerdict;
use super::upload_slots::HeldSlots;
use super::{FinalLines, HaltReason, ImportRun, JobTask};
use crate::clock::SleepAwareInstant;
use crate::destination::{CreatedJob, Destination, JobApi, JobPresence, NewJob, UploadTarget};
use crate::event::RunEvent;
use crate::model::{AttachmentId, ObjectRef};
use crate::plan::SentBytes;
use crate::results::journal::Journal;
use crate::results::{ResultsEntry, RowState, StatusReason};
use crate::throttle::run_breakers::AdmissionDelay;

/// Highest number of jobs starting at once. Their addresses are asked for two seconds apart, and
/// live for a minute.
const MAX_STARTING_JOBS: usize = 10;

/// State shared by all jobs of a run.
pub(super) struct SharedJobState<T> {
    /// Permits for jobs without addresses so far.
    starting: Semaphore,
    pub(super) poller: JobPoller<T>,
    /// Longest time of a job, before its rows are left to a later run.
    job_timeout: Duration,
}

impl<T: Clone + Send + Sync> SharedJobState<T> {
    /// Creates the shared state. `job_timeout` is the longest time of a job.
    pub(super) fn new(job_timeout: Duration) -> Self {
        Self {
            starting: Semaphore::new(MAX_STARTING_JOBS),
            poller: JobPoller::default(),
            job_timeout,
        }
    }
}

/// State machine of a job's rows.
pub(super) struct JobMachine<'a, D: JobApi, J> {
    run: &'a ImportRun<'a, D, J>,
    shared: &'a SharedJobState<D::Target>,
    context: RequestContext<'a, D>,
    object: ObjectRef,
    /// Rows without an end so far.
    rows: Vec<JobRow>,
    /// Last lines of the ended rows.
    ended_lines: Vec<ResultsEntry>,
    /// Permit held until the job gives its addresses.
    starting_permit: Option<SemaphorePermit<'a>>,
    /// Number of jobs made.
    jobs_made: u32,
    current_job: CurrentJob<D::Target>,
}

/// Facts about the job of the rows.
struct CurrentJob<T> {
    /// Time at which the job was made, or taken over from an earlier run.
    since: SleepAwareInstant,
    /// `true` once the job has given its addresses.
    gave_targets: bool,
    /// Addresses to which bytes were sent last.
    tried_targets: Vec<UploadTarget<T>>,
    /// Number of times the job was asked for addresses again.
    refreshes: u32,
}

impl<T> CurrentJob<T> {
    /// Creates the facts about a job just made or taken over.
    fn new(has_places: bool) -> Self {
        Self {
            since: SleepAwareInstant::now(),
            gave_targets: has_places,
            tried_targets: Vec::new(),
            refreshes: 0,
        }
    }
}

/// State of the protocol of a job's rows.
enum JobProtocolState<T> {
    /// Create a job for the rows.
    Create,
    /// Wait until the job gives its addresses.
    WaitForTargets(AttachmentId),
    /// Send the files to the addresses of the job.
    PutFiles {
        id: AttachmentId,
        upload_targets: Vec<UploadTarget<T>>,
        issued_at: SleepAwareInstant,
    },
    /// Wait for the end of the job.
    WaitForEnd(AttachmentId),
    /// End all remaining rows with the verdict.
    EndAllRows(Box<RowVerdict>),
    /// All rows have ended.
    RowsEnded,
}

/// Next state of the machine, or the reason to stop the run.
type JobTransition<D> = Result<JobProtocolState<<D as Destination>::Target>, HaltReason>;

impl<'a, D: JobApi, J: Journal> JobMachine<'a, D, J> {
    pub(super) fn new(
        run: &'a ImportRun<'a, D, J>,
        common: &'a SharedJobState<D::Target>,
        task: JobTask,
        slots: HeldSlots<'a>,
    ) -> (Self, Option<AttachmentId>) {
        let earlier = task.earlier_job().cloned();
        let machine = Self {
            run,
            shared: common,
            context: RequestContext::new(&run.requests, task.first_row_number(), slots),
            object: task.object(),
            rows: task.into_rows().map(JobRow::new).collect(),
            ended_lines: Vec::new(),
            starting_permit: None,
            jobs_made: 0,
            current_job: CurrentJob::new(false),
        };
        (machine, earlier)
    }

    /// Takes the rows through all states, to their last lines. `earlier` is the job of an earlier
    /// run with the rows.
    pub(super) async fn run(
        mut self,
        earlier: Option<AttachmentId>,
    ) -> Result<FinalLines, HaltReason> {
        let mut state = earlier.map_or(JobProtocolState::Create, JobProtocolState::WaitForTargets);
        loop {
            state = match state {
                JobProtocolState::Create => self.create().await?,
                JobProtocolState::WaitForTargets(id) => self.wait_for_targets(id).await?,
                JobProtocolState::PutFiles {
                    id,
                    upload_targets: places,
                    issued_at: issued,
                } => self.put_files(id, places, issued).await?,
                JobProtocolState::WaitForEnd(id) => self.wait_for_job_end(id).await?,
                JobProtocolState::EndAllRows(verdict) => self.end_all_rows(&verdict).await?,
                JobProtocolState::RowsEnded => return Ok(FinalLines(self.ended_lines)),
            };
        }
    }

    /// Announces the POST, and creates the job.
    async fn create(&mut self) -> JobTransition<D> {
        self.context.take_slots(self.rows.len()).await;
        self.context.wait_to_change().await;
        let new = NewJob {
            object: self.object,
            files: self.rows.iter().map(JobRow::new_file).collect(),
        };
        let turn = self.wait_for_turn().await?;
        let announced = RowVerdict::without_message(RowState::Creating(StatusReason::None), None);
        if let Err(halt) = self.record_verdict(&announced).await {
            return self.withdraw_create(halt).await;
        }
        let (owner, leave) = (self.context.owner(), self.context.take_change_permission());
        let made = self
            .run
            .requests
            .send_change(owner, leave, async |service| service.create_job(&new).await)
            .await;
        match made {
            Ok(made) => {
                drop(turn);
                self.after_create(made).await
            }
            // The turn ends with the run: no other row has to meet the same failure.
            Err(RequestFailure::Halt(halt)) => self.withdraw_create(halt).await,
            Err(unmet) => {
                drop(turn);
                self.after_failed_create(unmet).await
            }
        }
    }

    /// Waits until a job may be made.
    async fn wait_for_turn(&mut self) -> Result<JobTurn<'a>, HaltReason> {
        self.wait_for_starting_permit().await;
        // The addresses are short-lived, so the storage has to be there, as far as known.
        let owner = self.context.owner();
        if let AdmissionDelay::Delayed = self.context.wait_to_upload(owner).await {
            self.context.set_upload_permission(SendPermission::Granted);
        }
        self.run.requests.wait_for_job_turn().await
    }

    /// Waits for a permit, while too many jobs have given no addresses.
    async fn wait_for_starting_permit(&mut self) {
        if self.starting_permit.is_none() {
            let starting = self.shared.starting.acquire().await;
            self.starting_permit = Some(starting.expect("this semaphore is never closed"));
        }
    }

    /// Takes the announcement of a POST back, since the run stops and the POST certainly had no
    /// effect. Without the lines, the results would say that a job may have been made.
    async fn withdraw_create(&mut self, halt: HaltReason) -> JobTransition<D> {
        self.record_verdict(&RowVerdict::not_reached()).await?;
        Err(halt)
    }

    /// Records the new job, and continues with its files.
    async fn after_create(&mut self, made: CreatedJob<D::Target>) -> JobTransition<D> {
        let CreatedJob {
            id,
            upload_targets: places,
        } = made;
        self.run.events.send(RunEvent::RecordCreated);
        for row in &mut self.rows {
            row.reset_for_new_job();
        }
        self.jobs_made += 1;
        self.current_job = CurrentJob::new(!places.is_empty());
        self.record_verdict(&RowVerdict::without_message(
            RowState::Created,
            Some(id.clone()),
        ))
        .await?;
        if places.is_empty() {
            return Ok(JobProtocolState::WaitForTargets(id));
        }
        Ok(JobProtocolState::PutFiles {
            id,
            upload_targets: places,
            issued_at: SleepAwareInstant::now(),
        })
    }

    /// Decides the state after a failed POST.
    async fn after_failed_create(&mut self, failure: RequestFailure) -> JobTransition<D> {
        match failure {
            RequestFailure::NotSent => Ok(JobProtocolState::Create),
            RequestFailure::EffectUnknown(_) => {
                self.count_attempt();
                // Other rows need not wait for another try.
                self.context.give_slots_back();
                let owner = self.context.owner();
                self.run.requests.pause_between_changes(owner).await;
                Ok(JobProtocolState::Create)
            }
            // The same for a row given up: a job made unheard gets no bytes, and nothing depends on
            // it.
            unmet => {
                let verdict = RowVerdict::from_request_failure(unmet, None, self.object)?;
                Ok(JobProtocolState::EndAllRows(Box::new(verdict)))
            }
        }
    }

    /// Waits until the job gives its addresses, or has ended.
    async fn wait_for_targets(&mut self, id: AttachmentId) -> JobTransition<D> {
        if !self.rows.iter().any(JobRow::wants_bytes) {
            return Ok(JobProtocolState::WaitForEnd(id));
        }
        self.context.take_slots(self.rows.len()).await;
        self.wait_for_starting_permit().await;
        let (owner, timeout) = (self.context.owner(), self.shared.job_timeout);
        let poller = &self.shared.poller;
        let seen = poller.wait_for_targets(owner, id.clone(), timeout).await?;
        self.starting_permit = None;
        Ok(match seen {
            PollOutcome::Observed(JobPresence::Running {
                upload_targets: places,
                ..
            }) if !places.is_empty() => {
                // The job has only expired addresses to give, or nothing to gain.
                if places == self.current_job.tried_targets || self.wants_files_of_no_row(&places) {
                    return Ok(JobProtocolState::WaitForEnd(id));
                }
                self.current_job.gave_targets = true;
                JobProtocolState::PutFiles {
                    id,
                    upload_targets: places,
                    issued_at: SleepAwareInstant::now(),
                }
            }
            seen => return self.after_poll(id, seen).await,
        })
    }

    /// Returns `true` if a job without any bytes wants a file that no row here will send: a file
    /// changed since, or a file whose line was lost with the power. The job will fail, and without
    /// a byte in the job, all rows can go into another job without a check by a person.
    fn wants_files_of_no_row(&self, upload_targets: &[UploadTarget<D::Target>]) -> bool {
        let rows = self
            .rows
            .iter()
            .zip(row_in_job::targets_for_rows(&self.rows, upload_targets));
        let coming = rows.filter(|(row, place)| place.is_some() && row.wants_bytes());
        let has_nothing = self
            .rows
            .iter()
            .all(|row| row.sent_bytes == SentBytes::Nothing);
        has_nothing && coming.count() < upload_targets.len()
    }

    /// Makes a journal state of all rows durable.
    async fn record_verdict(&self, verdict: &RowVerdict) -> Result<(), HaltReason> {
        let lines = self
            .rows
            .iter()
            .map(|row| self.results_line(row, verdict.clone()));
        self.run.record_lines(lines.collect()).await
    }

    /// Ends all remaining rows with the same verdict.
    async fn end_all_rows(&mut self, verdict: &RowVerdict) -> JobTransition<D> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        self.end_rows(rows.map(|row| (row, verdict.clone())).collect())
            .await?;
        Ok(JobProtocolState::RowsEnded)
    }

    /// Writes the last lines of rows.
    async fn end_rows(&mut self, ends: Vec<(JobRow, RowVerdict)>) -> Result<(), HaltReason> {
        let ends = ends.into_iter();
        let lines: Vec<ResultsEntry> = ends
            .map(|(row, verdict)| self.results_line(&row, verdict))
            .collect();
        self.run.record_row_ends(&lines).await?;
        self.ended_lines.extend(lines);
        Ok(())
    }

    fn results_line(&self, row: &JobRow, verdict: RowVerdict) -> ResultsEntry {
        row.results_line(verdict, &self.run.settings.destination)
    }

    /// Counts another attempt of each row.
    fn count_attempt(&mut self) {
        for row in &mut self.rows {
            row.row.attempts += 1;
        }
    }
}
