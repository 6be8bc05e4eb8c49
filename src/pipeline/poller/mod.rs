//! The one poller of a run: asks how records stand for all who wait to hear of them.
//!
//! Here stands the queue of those who wait, which is the same for both kinds of service. How it is served
//! stands in [`attachments`] and in [`jobs`]. Whatever has not changed is asked for again, more and more
//! slowly.

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

/// What somebody who waited has come to see.
#[derive(Debug)]
pub(super) enum Seen<P> {
    /// How the record stands: as it was waited for, or as it last did when the time was over.
    Shown(P),
    /// Nothing: the requests for it give no answer, for a reason that is its own.
    Unmet(Unmet),
}

/// How often a record is asked for, and for how long.
#[derive(Debug, Clone, Copy)]
struct Pace {
    first_pause: Duration,
    /// The longest time between two questions about one record.
    longest_pause: Duration,
    /// For so long is it waited for.
    limit: Duration,
}

/// Somebody who waits, for `U`.
#[derive(Debug)]
struct Waiting<U, P> {
    owner: RequestOwner,
    id: AttachmentId,
    until: U,
    pace: Pace,
    since: Instant,
    due: Instant,
    pause: Duration,
    answer: oneshot::Sender<Seen<P>>,
}

/// The queue of those who wait, each until it sees `P` as it wants to.
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
    /// Waits until a record stands as it is waited for, or the time is over.
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
            // The slots of whoever waits here are not for others.
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

    /// Tells all who wait, and all who will, that no answer comes.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// Tells how a record stands, where that was waited for or the time is over.
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
    fn tell(self, seen: Seen<P>) {
        // A row that was given up no longer waits.
        let _ = self.answer.send(seen);
    }

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
