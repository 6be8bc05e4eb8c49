//! The end of a job, and what follows from it for each of its rows.

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

/// So many jobs are made for a row in one run.
const MOST_JOBS: u32 = 3;

/// No job waits for its files for a shorter time: so long its addresses live.
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

    /// What follows from a job that gave no addresses, or that was waited for to its end.
    pub(super) async fn ended_or_not(
        &mut self,
        id: AttachmentId,
        seen: Seen<JobPresence<D::Target>>,
    ) -> Next<D> {
        match seen {
            Seen::Shown(JobPresence::Ended(end)) => self.job_ended(id, end).await,
            Seen::Shown(JobPresence::Running { word, .. }) => self.goes_on(&id, &word).await,
            // It was there once, and what it did then nobody can tell any more.
            Seen::Shown(JobPresence::Absent) => self.job_ended(id, End::unknown("not found")).await,
            Seen::Unmet(unmet) => {
                let why = unmet.words()?;
                self.goes_on(&id, &why).await
            }
        }
    }

    /// The job goes on for longer than we are ready to wait, as far as is known. The lines go on
    /// saying what it has of each file, whatever was answered.
    async fn goes_on(&mut self, id: &AttachmentId, word: &str) -> Next<D> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        let ends = rows.map(|row| {
            let verdict = Verdict::job_goes_on(id.clone(), row.sent, word);
            (row, verdict)
        });
        self.end(ends.collect()).await?;
        Ok(State::Over)
    }

    /// The job has ended: each row ends with it, or goes into another one.
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

    /// Whether this run's job failed for its own sake: before it said where its files go, and too
    /// soon to have waited for them. One that failed later may have said so when nobody could ask,
    /// unless that happens again and again.
    fn was_refused(&self) -> bool {
        let too_soon = self.newest.since.elapsed() <= SHORTEST_WAIT;
        self.made > 0 && !self.newest.had_places && (too_soon || self.made >= MOST_JOBS)
    }

    /// How a row ends with its job, by what that did with its file and said at its end; none, where
    /// it goes into another one.
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

fn verified(receipt: Option<Receipt>) -> Verified {
    match receipt {
        Some(Receipt::Checksummed) => Verified::Etag,
        Some(Receipt::Taken) | None => Verified::No,
    }
}
