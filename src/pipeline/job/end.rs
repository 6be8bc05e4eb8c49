//! End of a job, and the consequence for each of its rows.

use std::time::Duration;

use super::row::JobRow;
use super::{JobMachine, Next, State};
use crate::destination::{End, Fate, JobApi, JobPresence};
use crate::http::Receipt;
use crate::model::AttachmentId;
use crate::pipeline::poller::Seen;
use crate::pipeline::verdict::Verdict;
use crate::plan::{Outcome, outcome};
use crate::results::Verified;
use crate::results::journal::Journal;

/// Number of jobs made for a row in a run.
const MOST_JOBS: u32 = 3;

/// Shortest time for which a job waits for its files: the life of its addresses.
const SHORTEST_WAIT: Duration = Duration::from_mins(1);

impl<D: JobApi, J: Journal> JobMachine<'_, D, J> {
    /// Waits for the end of the job.
    pub(super) async fn confirm(&mut self, id: AttachmentId) -> Next<D> {
        self.context.give_slots_back();
        let (owner, timeout) = (self.context.owner(), self.common.timeout);
        let poller = &self.common.poller;
        let seen = poller.end_of(owner, id.clone(), timeout).await?;
        self.ended_or_not(id, seen).await
    }

    /// Decides what follows from a job that gave no addresses, or whose end was awaited.
    pub(super) async fn ended_or_not(
        &mut self,
        id: AttachmentId,
        seen: Seen<JobPresence<D::Target>>,
    ) -> Next<D> {
        match seen {
            Seen::Shown(JobPresence::Ended(end)) => self.job_ended(id, end).await,
            Seen::Shown(JobPresence::Running { word, .. }) => self.goes_on(&id, &word).await,
            // The job existed once, and its effect cannot be known any more.
            Seen::Shown(JobPresence::Absent) => self.job_ended(id, End::unknown("not found")).await,
            Seen::Unmet(unmet) => {
                let why = unmet.words()?;
                self.goes_on(&id, &why).await
            }
        }
    }

    /// Ends the rows of a job still running after the longest wait, as far as known. The lines
    /// still say which bytes the job has, whatever the last answer was.
    async fn goes_on(&mut self, id: &AttachmentId, word: &str) -> Next<D> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        let ends = rows.map(|row| {
            let verdict = Verdict::job_goes_on(id.clone(), row.sent, word);
            (row, verdict)
        });
        self.end(ends.collect()).await?;
        Ok(State::Over)
    }

    /// Ends each row with the job, or takes the row into another job.
    async fn job_ended(&mut self, id: AttachmentId, end: End) -> Next<D> {
        let refused = self.was_refused();
        let rows = std::mem::take(&mut self.rows);
        let names: Vec<&str> = rows.iter().map(JobRow::file_name).collect();
        let fates: Vec<Fate> = end.fates(&names).into_iter().cloned().collect();
        let mut ended: Vec<(JobRow, Verdict)> = Vec::new();
        for (row, fate) in rows.into_iter().zip(&fates) {
            match self.end_of(&row, &id, (fate, &end.word), refused) {
                Some(verdict) => ended.push((row, verdict)),
                None => self.rows.push(row),
            }
        }
        self.end(ended).await?;
        if self.rows.is_empty() {
            return Ok(State::Over);
        }
        self.context.give_slots_back();
        self.another_attempt();
        Ok(State::Create)
    }

    /// Returns `true` if a job of this run failed for its own sake: before it gave addresses, and
    /// too soon to have waited for files. A job that failed later may have given its addresses when
    /// no read was possible, unless the same happens to job after job.
    fn was_refused(&self) -> bool {
        let too_soon = self.newest.since.elapsed() <= SHORTEST_WAIT;
        self.made > 0 && !self.newest.had_places && (too_soon || self.made >= MOST_JOBS)
    }

    /// Returns the verdict of a row at the end of its job. `None` takes the row into another job.
    fn end_of(
        &self,
        row: &JobRow,
        id: &AttachmentId,
        (fate, word): (&Fate, &str),
        refused: bool,
    ) -> Option<Verdict> {
        let begun = row.begun.as_ref();
        let outcome = outcome(fate, row.sent, begun, &row.row.content);
        let id = id.clone();
        Some(match outcome {
            Outcome::Attached => Verdict::uploaded(id, verified(row.receipt)),
            Outcome::AttachedBeforeTheChange => Verdict::attached_before_the_change(begun?),
            Outcome::Rejected(why) => Verdict::rejected(id, &why),
            Outcome::Unknown => Verdict::job_failed(id, word),
            Outcome::Again if refused => Verdict::job_refused(id, word),
            Outcome::Again if self.made >= MOST_JOBS => Verdict::never_attached(word),
            Outcome::Again => return None,
        })
    }
}

/// Returns the evidence in the storage's answer.
fn verified(receipt: Option<Receipt>) -> Verified {
    match receipt {
        Some(Receipt::Checksummed) => Verified::Etag,
        Some(Receipt::Taken) | None => Verified::No,
    }
}
