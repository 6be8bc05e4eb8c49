//! Poller of a run: asks for the state of records on behalf of all waiting rows.
//!
//! The queue of waits is here, the same for both kinds of service. [`attachment_poller`] and
//! [`job_poller`] serve the queue. A record without news is asked for again, at longer and longer
//! intervals.

mod attachment_poller;
mod job_poller;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::HaltReason;
use super::request_sender::{RequestFailure, RequestOwner};
use crate::model::AttachmentId;
use crate::mutex::lock_despite_poison;

pub(super) use attachment_poller::AttachmentPoller;
pub(super) use job_poller::JobPoller;

/// Result of a wait for a record.
#[derive(Debug)]
pub(super) enum PollOutcome<P> {
    /// State of the record: the awaited state, or the last state when the time was over.
    Observed(P),
    /// The requests for the record fail, for a reason of its own.
    RequestFailed(RequestFailure),
}

/// Intervals and limit of the reads of a record.
#[derive(Debug, Clone, Copy)]
struct PollSchedule {
    /// Pause before the first read.
    first_pause: Duration,
    /// Longest pause between two reads of the record.
    longest_pause: Duration,
    /// Longest wait.
    limit: Duration,
}

/// Queued wait of a row, with the goal `U`.
#[derive(Debug)]
struct QueuedPoll<U, P> {
    owner: RequestOwner,
    id: AttachmentId,
    goal: U,
    schedule: PollSchedule,
    since: Instant,
    /// Time of the next read.
    due_at: Instant,
    /// Pause after the next read.
    next_pause: Duration,
    answer: oneshot::Sender<PollOutcome<P>>,
}

/// Queue of waits, each for its own goal `U` in an answer `P`.
#[derive(Debug)]
struct PollQueue<U, P> {
    waiting: Mutex<Vec<QueuedPoll<U, P>>>,
    poll_added: Notify,
    closed: AtomicBool,
}

impl<U, P> Default for PollQueue<U, P> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            poll_added: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }
}

impl<U, P> PollQueue<U, P> {
    /// Queues a wait for a record. Returns once the goal is met or the time is over.
    ///
    /// Fails with [`HaltReason::RowAbandoned`] once the queue is closed.
    async fn wait_until(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: U,
        pace: PollSchedule,
    ) -> Result<PollOutcome<P>, HaltReason> {
        if self.closed.load(Ordering::Acquire) {
            return Err(HaltReason::RowAbandoned);
        }
        let (answer, seen) = oneshot::channel();
        let now = Instant::now();
        self.lock().push(QueuedPoll {
            // The slots of a waiting row are not for others.
            owner: RequestOwner::without_slot(owner.row),
            id,
            goal: until,
            schedule: pace,
            since: now,
            due_at: now + pace.first_pause,
            next_pause: pace.first_pause.max(Duration::from_secs(1)),
            answer,
        });
        self.poll_added.notify_waiters();
        seen.await.map_err(|_| HaltReason::RowAbandoned)
    }

    /// Ends all waits, present and future, without an answer.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// Answers a wait whose goal is met or whose time is over. Queues other waits again.
    fn answer_or_requeue(
        &self,
        one: QueuedPoll<U, P>,
        shown: P,
        is_met: impl Fn(&U, &P, Duration) -> bool,
    ) {
        let now = Instant::now();
        let waited = now - one.since;
        if is_met(&one.goal, &shown, waited) || waited >= one.schedule.limit {
            one.answer_with(PollOutcome::Observed(shown));
        } else {
            self.lock().push(one.rescheduled(now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<QueuedPoll<U, P>>> {
        lock_despite_poison(&self.waiting)
    }
}

impl<U, P> QueuedPoll<U, P> {
    /// Answers the wait.
    fn answer_with(self, seen: PollOutcome<P>) {
        // A row given up no longer waits.
        let _ = self.answer.send(seen);
    }

    /// Returns the wait for the next read, with a doubled pause.
    fn rescheduled(self, now: Instant) -> Self {
        let left = (self.since + self.schedule.limit).saturating_duration_since(now);
        Self {
            due_at: now + self.next_pause.min(left),
            next_pause: (self.next_pause * 2).min(self.schedule.longest_pause),
            ..self
        }
    }
}

async fn sleep_until(wake_at: Option<Instant>) {
    match wake_at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
