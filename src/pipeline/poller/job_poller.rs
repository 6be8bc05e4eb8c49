//! Poller of jobs.
//!
//! Jobs are asked for singly, out of a tight budget of requests: first the jobs about to give their
//! addresses, which soon expire, then the jobs left alone for the longest time.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{PollOutcome, PollQueue, PollSchedule, QueuedPoll, sleep_until};
use crate::destination::{JobApi, JobPresence};
use crate::model::AttachmentId;
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::{ReadAttempt, RequestFailure, RequestOwner, RequestSender};
use crate::pipeline::upload_slots::UploadSlots;
use crate::throttle::quota::RequestUrgency;

/// Highest number of reads at once: a read without an answer for half a minute must not let the
/// addresses of other jobs expire.
const MAX_JOB_READS_AT_ONCE: usize = 4;

/// Time after which a job not found counts as not existing.
const MAX_TIME_UNTIL_FOUND: Duration = Duration::from_secs(20);

/// Shortest pause between two reads of jobs.
const SHORTEST_JOB_READ_PAUSE: Duration = Duration::from_secs(2);

/// Goal of a wait for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobPollGoal {
    /// The addresses for the files of a job, or the job's end.
    UploadTargets,
    /// The end of a job.
    JobEnd,
}

impl JobPollGoal {
    /// Returns the longest pause between two reads of a job.
    fn longest_pause(self) -> Duration {
        match self {
            Self::JobEnd => Duration::from_mins(1),
            // The addresses of a job live for a minute from its start.
            Self::UploadTargets => Duration::from_secs(10),
        }
    }

    /// Returns the urgency of a read: urgent if a late read loses something. The end of a job does
    /// not run away. But with no other job still to be asked for its addresses, there is no reason
    /// to wait.
    fn urgency(self, slots: &UploadSlots) -> RequestUrgency {
        match self {
            Self::JobEnd if !slots.are_idle() => RequestUrgency::CanWait,
            Self::UploadTargets | Self::JobEnd => RequestUrgency::Urgent,
        }
    }

    /// Returns `true` if the answer after a wait of `waited` meets the goal.
    fn is_met_by<T>(self, job: &JobPresence<T>, waited: Duration) -> bool {
        match (self, job) {
            (Self::JobEnd, JobPresence::Running { .. }) => false,
            (
                Self::UploadTargets,
                JobPresence::Running {
                    upload_targets: places,
                    ..
                },
            ) => !places.is_empty(),
            // A job may not be found at once after the POST.
            (_, JobPresence::Absent) => waited >= MAX_TIME_UNTIL_FOUND,
            (_, JobPresence::Ended(_)) => true,
        }
    }
}

/// Queued wait for a job.
type QueuedJobPoll<T> = QueuedPoll<JobPollGoal, JobPresence<T>>;

/// Queue of waits for jobs.
#[derive(Debug)]
pub(in crate::pipeline) struct JobPoller<T>(PollQueue<JobPollGoal, JobPresence<T>>);

impl<T> Default for JobPoller<T> {
    fn default() -> Self {
        Self(PollQueue::default())
    }
}

impl<T: Clone + Send + Sync> JobPoller<T> {
    /// Waits until a job gives its addresses or has ended, for at most `limit`.
    pub(in crate::pipeline) async fn wait_for_targets(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        limit: Duration,
    ) -> Result<PollOutcome<JobPresence<T>>, HaltReason> {
        self.enqueue(owner, id, JobPollGoal::UploadTargets, limit)
            .await
    }

    /// Waits until a job has ended, for at most `limit`.
    pub(in crate::pipeline) async fn wait_for_end(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        limit: Duration,
    ) -> Result<PollOutcome<JobPresence<T>>, HaltReason> {
        self.enqueue(owner, id, JobPollGoal::JobEnd, limit).await
    }

    /// Queues a wait, and returns its result.
    async fn enqueue(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: JobPollGoal,
        limit: Duration,
    ) -> Result<PollOutcome<JobPresence<T>>, HaltReason> {
        let pace = PollSchedule {
            first_pause: SHORTEST_JOB_READ_PAUSE,
            longest_pause: until.longest_pause(),
            limit,
        };
        self.0.wait_until(owner, id, until, pace).await
    }

    /// Serves the queue while polled. Returns only to stop the run.
    pub(in crate::pipeline) async fn serve<D: JobApi<Target = T>>(
        &self,
        requests: &RequestSender<'_, D>,
    ) -> HaltReason {
        let slots = requests.slots();
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.0.poll_added.notified();
            let changed = slots.changed();
            let mut wake_at = None;
            if asking.len() < MAX_JOB_READS_AT_ONCE {
                let wait = match JobPollGoal::JobEnd.urgency(slots) {
                    RequestUrgency::CanWait => requests.deferrable_read_wait(),
                    RequestUrgency::Urgent => None,
                };
                let (one, later) = self.take_due_job(Instant::now(), wait);
                if let Some(one) = one {
                    asking.push(self.read_job(requests, one));
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
    fn take_due_job(
        &self,
        now: Instant,
        wait: Option<Duration>,
    ) -> (Option<QueuedJobPoll<T>>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let due = |one: &QueuedJobPoll<T>| match wait {
            Some(wait) if one.goal == JobPollGoal::JobEnd => one.due_at.max(now + wait),
            _ => one.due_at,
        };
        let ready = waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| due(one) <= now);
        let next = ready.min_by_key(|(_, one)| (one.goal == JobPollGoal::JobEnd, one.due_at));
        match next.map(|(place, _)| place) {
            Some(place) => (Some(waiting.swap_remove(place)), None),
            None => (None, waiting.iter().map(due).min()),
        }
    }

    /// Asks for a single job, once.
    async fn read_job<D: JobApi<Target = T>>(
        &self,
        requests: &RequestSender<'_, D>,
        one: QueuedJobPoll<T>,
    ) -> Result<(), HaltReason> {
        let urgency = one.goal.urgency(requests.slots());
        match requests.try_get_job(one.owner, &one.id, urgency).await {
            Ok(ReadAttempt::Answered(shown)) => {
                let is_met = |until: &JobPollGoal, shown: &JobPresence<T>, waited| {
                    until.is_met_by(shown, waited)
                };
                self.0.answer_or_requeue(one, shown, is_met);
            }
            Ok(ReadAttempt::RetryAfter(pause)) => self.0.lock().push(QueuedPoll {
                due_at: Instant::now() + pause.duration(),
                ..one
            }),
            Err(RequestFailure::Halt(halt)) => return Err(halt),
            Err(unmet) => one.answer_with(PollOutcome::RequestFailed(unmet)),
        }
        Ok(())
    }
}
