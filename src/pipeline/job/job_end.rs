//! End of a job, and the consequence for each of its rows.

use std::time::Duration;

use super::row_in_job::JobRow;
use super::{JobMachine, JobProtocolState, JobTransition};
use crate::destination::{FileOutcome, JobApi, JobOutcome, JobPresence};
use crate::http::PutReceipt;
use crate::model::AttachmentId;
use crate::pipeline::poller::PollOutcome;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{JobRowOutcome, job_row_outcome};
use crate::results::VerifiedBy;
use crate::results::journal::Journal;

/// Number of jobs made for a row in a run.
const MAX_JOBS_PER_ROW: u32 = 3;

/// Shortest time for which a job waits for its files: the life of its addresses.
const SHORTEST_JOB_WAIT_FOR_FILES: Duration = Duration::from_mins(1);

impl<D: JobApi, J: Journal> JobMachine<'_, D, J> {
    /// Waits for the end of the job.
    pub(super) async fn wait_for_job_end(&mut self, id: AttachmentId) -> JobTransition<D> {
        self.context.give_slots_back();
        let (owner, timeout) = (self.context.owner(), self.shared.job_timeout);
        let poller = &self.shared.poller;
        let seen = poller.wait_for_end(owner, id.clone(), timeout).await?;
        self.after_poll(id, seen).await
    }

    /// Decides what follows from a job that gave no addresses, or whose end was awaited.
    pub(super) async fn after_poll(
        &mut self,
        id: AttachmentId,
        seen: PollOutcome<JobPresence<D::Target>>,
    ) -> JobTransition<D> {
        match seen {
            PollOutcome::Observed(JobPresence::Ended(end)) => self.after_job_end(id, end).await,
            PollOutcome::Observed(JobPresence::Running { status: word, .. }) => {
                self.end_while_job_runs(&id, &word).await
            }
            // The job existed once, and its effect cannot be known any more.
            PollOutcome::Observed(JobPresence::Absent) => {
                self.after_job_end(id, JobOutcome::with_unknown_files("not found"))
                    .await
            }
            PollOutcome::RequestFailed(unmet) => {
                let why = unmet.into_message()?;
                self.end_while_job_runs(&id, &why).await
            }
        }
    }

    /// Ends the rows of a job still running after the longest wait, as far as known. The lines
    /// still say which bytes the job has, whatever the last answer was.
    async fn end_while_job_runs(&mut self, id: &AttachmentId, word: &str) -> JobTransition<D> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        let ends = rows.map(|row| {
            let verdict = RowVerdict::job_still_running(id.clone(), row.sent_bytes, word);
            (row, verdict)
        });
        self.end_rows(ends.collect()).await?;
        Ok(JobProtocolState::RowsEnded)
    }

    /// Ends each row with the job, or takes the row into another job.
    async fn after_job_end(&mut self, id: AttachmentId, end: JobOutcome) -> JobTransition<D> {
        let refused = self.was_refused();
        let rows = std::mem::take(&mut self.rows);
        let names: Vec<&str> = rows.iter().map(JobRow::file_name).collect();
        let file_outcomes: Vec<FileOutcome> =
            end.file_outcomes(&names).into_iter().cloned().collect();
        let mut ended: Vec<(JobRow, RowVerdict)> = Vec::new();
        for (row, file_outcome) in rows.into_iter().zip(&file_outcomes) {
            match self.verdict_at_job_end(&row, &id, (file_outcome, &end.message), refused) {
                Some(verdict) => ended.push((row, verdict)),
                None => self.rows.push(row),
            }
        }
        self.end_rows(ended).await?;
        if self.rows.is_empty() {
            return Ok(JobProtocolState::RowsEnded);
        }
        self.context.give_slots_back();
        self.count_attempt();
        Ok(JobProtocolState::Create)
    }

    /// Returns `true` if a job of this run failed for its own sake: before it gave addresses, and
    /// too soon to have waited for files. A job that failed later may have given its addresses when
    /// no read was possible, unless the same happens to job after job.
    fn was_refused(&self) -> bool {
        let too_soon = self.current_job.since.elapsed() <= SHORTEST_JOB_WAIT_FOR_FILES;
        self.jobs_made > 0
            && !self.current_job.gave_targets
            && (too_soon || self.jobs_made >= MAX_JOBS_PER_ROW)
    }

    /// Returns the verdict of a row at the end of its job. `None` takes the row into another job.
    fn verdict_at_job_end(
        &self,
        row: &JobRow,
        id: &AttachmentId,
        (file_outcome, word): (&FileOutcome, &str),
        refused: bool,
    ) -> Option<RowVerdict> {
        let begun = row.earlier_job.as_ref();
        let outcome = job_row_outcome(file_outcome, row.sent_bytes, begun, &row.row.content);
        let id = id.clone();
        Some(match outcome {
            JobRowOutcome::Attached => RowVerdict::uploaded(id, verified_by(row.receipt)),
            JobRowOutcome::AttachedBeforeTheChange => {
                RowVerdict::attached_before_the_change(begun?)
            }
            JobRowOutcome::Rejected(why) => RowVerdict::not_attached_by_job(id, &why),
            JobRowOutcome::Unknown => RowVerdict::job_failed(id, word),
            JobRowOutcome::AnotherJob if refused => RowVerdict::job_refused(id, word),
            JobRowOutcome::AnotherJob if self.jobs_made >= MAX_JOBS_PER_ROW => {
                RowVerdict::not_attached_by_jobs(word)
            }
            JobRowOutcome::AnotherJob => return None,
        })
    }
}

/// Returns the evidence in the storage's answer.
fn verified_by(receipt: Option<PutReceipt>) -> VerifiedBy {
    match receipt {
        Some(PutReceipt::Md5Confirmed) => VerifiedBy::Etag,
        Some(PutReceipt::Accepted) | None => VerifiedBy::Nothing,
    }
}
