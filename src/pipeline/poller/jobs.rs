//! Poller of jobs.
//!
//! Jobs are asked for singly, out of a tight budget of requests: first the jobs about to give their
//! addresses, which soon expire, then the jobs left alone for the longest time.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{Pace, PollQueue, Seen, Waiting, sleep_until};
use crate::destination::{JobApi, JobPresence};
use crate::model::AttachmentId;
use crate::pipeline::Halt;
use crate::pipeline::requests::{Attempt, RequestOwner, Requests, Unmet};
use crate::pipeline::slots::Slots;
use crate::throttle::quota::Urgency;

/// Highest number of reads at once: a read without an answer for half a minute must not let the
/// addresses of other jobs expire.
const ASKED_AT_ONCE: usize = 4;

/// Time after which a job not found counts as not existing.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// Shortest pause between two reads of jobs.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// Goal of a wait for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The addresses for the files of a job, or the job's end.
    Places,
    /// The end of a job.
    End,
}

impl Until {
    /// Returns the longest pause between two reads of a job.
    fn longest_pause(self) -> Duration {
        match self {
            Self::End => Duration::from_mins(1),
            // The addresses of a job live for a minute from its start.
            Self::Places => Duration::from_secs(10),
        }
    }

    /// Returns the urgency of a read: urgent if a late read loses something. The end of a job does
    /// not run away. But with no other job still to be asked for its addresses, there is no reason
    /// to wait.
    fn urgency(self, slots: &Slots) -> Urgency {
        match self {
            Self::End if !slots.are_idle() => Urgency::CanWait,
            Self::Places | Self::End => Urgency::Urgent,
        }
    }

    /// Returns `true` if the answer after a wait of `waited` meets the goal.
    fn is_met_by<T>(self, job: &JobPresence<T>, waited: Duration) -> bool {
        match (self, job) {
            (Self::End, JobPresence::Running { .. }) => false,
            (Self::Places, JobPresence::Running { places, .. }) => !places.is_empty(),
            // A job may not be found at once after the POST.
            (_, JobPresence::Absent) => waited >= FOUND_WITHIN,
            (_, JobPresence::Ended(_)) => true,
        }
    }
}

/// Queued wait for a job.
type WaitingJob<T> = Waiting<Until, JobPresence<T>>;

/// Queue of waits for jobs.
#[derive(Debug)]
pub(in crate::pipeline) struct JobPoller<T>(PollQueue<Until, JobPresence<T>>);

impl<T> Default for JobPoller<T> {
    fn default() -> Self {
        Self(PollQueue::default())
    }
}

impl<T: Clone + Send + Sync> JobPoller<T> {
    /// Waits until a job gives its addresses or has ended, for at most `limit`.
    pub(in crate::pipeline) async fn places_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        limit: Duration,
    ) -> Result<Seen<JobPresence<T>>, Halt> {
        self.watch(owner, id, Until::Places, limit).await
    }

    /// Waits until a job has ended, for at most `limit`.
    pub(in crate::pipeline) async fn end_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        limit: Duration,
    ) -> Result<Seen<JobPresence<T>>, Halt> {
        self.watch(owner, id, Until::End, limit).await
    }

    /// Queues a wait, and returns its result.
    async fn watch(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: Until,
        limit: Duration,
    ) -> Result<Seen<JobPresence<T>>, Halt> {
        let pace = Pace {
            first_pause: SHORTEST_PAUSE,
            longest_pause: until.longest_pause(),
            limit,
        };
        self.0.watch(owner, id, until, pace).await
    }

    /// Serves the queue while polled. Returns only to stop the run.
    pub(in crate::pipeline) async fn serve<D: JobApi<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
    ) -> Halt {
        let slots = requests.slots();
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.0.arrived.notified();
            let changed = slots.changed();
            let mut wake_at = None;
            if asking.len() < ASKED_AT_ONCE {
                let wait = match Until::End.urgency(slots) {
                    Urgency::CanWait => requests.reads_can_wait_for(),
                    Urgency::Urgent => None,
                };
                let (one, later) = self.next(Instant::now(), wait);
                if let Some(one) = one {
                    asking.push(self.ask(requests, one));
                    continue;
                }
                wake_at = later;
            }
            tokio::select! {
                biased;
                () = arrived => {}
                () = changed => {}
                Some(asked) = asking.next() => if let Err(halt) = asked {
                    self.0.close();
                    return halt;
                },
                () = sleep_until(wake_at) => {}
            }
        }
    }

    /// Takes the job to ask for now, or returns the time of the next look. Deferrable reads wait
    /// for `wait`.
    fn next(
        &self,
        now: Instant,
        wait: Option<Duration>,
    ) -> (Option<WaitingJob<T>>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let due = |one: &WaitingJob<T>| match wait {
            Some(wait) if one.until == Until::End => one.due.max(now + wait),
            _ => one.due,
        };
        let ready = waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| due(one) <= now);
        let next = ready.min_by_key(|(_, one)| (one.until == Until::End, one.due));
        match next.map(|(place, _)| place) {
            Some(place) => (Some(waiting.swap_remove(place)), None),
            None => (None, waiting.iter().map(due).min()),
        }
    }

    /// Asks for a single job, once.
    async fn ask<D: JobApi<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
        one: WaitingJob<T>,
    ) -> Result<(), Halt> {
        let urgency = one.until.urgency(requests.slots());
        match requests.try_job(one.owner, &one.id, urgency).await {
            Ok(Attempt::Answered(shown)) => {
                let is_met =
                    |until: &Until, shown: &JobPresence<T>, waited| until.is_met_by(shown, waited);
                self.0.settle(one, shown, is_met);
            }
            Ok(Attempt::Again(pause)) => self.0.lock().push(Waiting {
                due: Instant::now() + pause.time(),
                ..one
            }),
            Err(Unmet::Halt(halt)) => return Err(halt),
            Err(unmet) => one.tell(Seen::Unmet(unmet)),
        }
        Ok(())
    }
}
