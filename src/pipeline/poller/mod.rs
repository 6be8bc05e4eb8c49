//! Poller of a run: asks for the state of records on behalf of all waiting rows.
//!
//! Here stands the queue of waits, the same for both kinds of service. [`attachments`] and [`jobs`]
//! serve the queue. A record without news is asked for again, at longer and longer intervals.

mod attachments;
mod jobs;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Halt;
use super::requests::{RequestOwner, Unmet};
use crate::model::AttachmentId;
use crate::sync::lock;

pub(super) use attachments::AttachmentPoller;
pub(super) use jobs::JobPoller;

/// Result of a wait for a record.
#[derive(Debug)]
pub(super) enum Seen<P> {
    /// State of the record: the awaited state, or the last state when the time was over.
    Shown(P),
    /// The requests for the record fail, for a reason of its own.
    Unmet(Unmet),
}

/// Intervals and limit of the reads of a record.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Pause before the first read.
    first_pause: Duration,
    /// Longest pause between two reads of the record.
    longest_pause: Duration,
    /// Longest wait.
    limit: Duration,
}

/// Queued wait of a row, with the goal `U`.
#[derive(Debug)]
struct Waiting<U, P> {
    owner: RequestOwner,
    id: AttachmentId,
    until: U,
    pace: Pace,
    since: Instant,
    /// Time of the next read.
    due: Instant,
    /// Pause after the next read.
    pause: Duration,
    answer: oneshot::Sender<Seen<P>>,
}

/// Queue of waits, each for its own goal `U` in an answer `P`.
#[derive(Debug)]
struct PollQueue<U, P> {
    waiting: Mutex<Vec<Waiting<U, P>>>,
    arrived: Notify,
    closed: AtomicBool,
}

impl<U, P> Default for PollQueue<U, P> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }
}

impl<U, P> PollQueue<U, P> {
    /// Queues a wait for a record. Returns once the goal is met or the time is over.
    ///
    /// Fails with [`Halt::Abandoned`] once the queue is closed.
    async fn watch(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: U,
        pace: Pace,
    ) -> Result<Seen<P>, Halt> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Halt::Abandoned);
        }
        let (answer, seen) = oneshot::channel();
        let now = Instant::now();
        self.lock().push(Waiting {
            // The slots of a waiting row are not for others.
            owner: RequestOwner::without_slot(owner.row),
            id,
            until,
            pace,
            since: now,
            due: now + pace.first_pause,
            pause: pace.first_pause.max(Duration::from_secs(1)),
            answer,
        });
        self.arrived.notify_waiters();
        seen.await.map_err(|_| Halt::Abandoned)
    }

    /// Ends all waits, present and future, without an answer.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// Answers a wait whose goal is met or whose time is over. Queues other waits again.
    fn settle(&self, one: Waiting<U, P>, shown: P, is_met: impl Fn(&U, &P, Duration) -> bool) {
        let now = Instant::now();
        let waited = now - one.since;
        if is_met(&one.until, &shown, waited) || waited >= one.pace.limit {
            one.tell(Seen::Shown(shown));
        } else {
            self.lock().push(one.later(now));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting<U, P>>> {
        lock(&self.waiting)
    }
}

impl<U, P> Waiting<U, P> {
    /// Answers the wait.
    fn tell(self, seen: Seen<P>) {
        // A row given up no longer waits.
        let _ = self.answer.send(seen);
    }

    /// Returns the wait for the next read, with a doubled pause.
    fn later(self, now: Instant) -> Self {
        let left = (self.since + self.pace.limit).saturating_duration_since(now);
        Self {
            due: now + self.pause.min(left),
            pause: (self.pause * 2).min(self.pace.longest_pause),
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
