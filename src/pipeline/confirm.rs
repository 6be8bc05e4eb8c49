//! Confirmation: asks for the sizes of what was sent, many at a time.
//!
//! A batch goes when it is full, when nothing else is at work, or when its first row has waited
//! long enough. A size that does not show yet is asked for again, more and more slowly.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Halt;
use super::requests::{Requests, Unmet};
use super::slots::Slots;
use crate::destination::{CONFIRM_AT_ONCE, Destination, Presence};
use crate::model::AttachmentId;
use crate::sync::lock;

/// How long a batch waits to fill up.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How long a size may take to show. (How long it does take is not documented.)
const SHOWING_LIMIT: Duration = Duration::from_mins(10);

/// The longest time between two questions about one attachment.
const SLOWEST: Duration = Duration::from_mins(1);

/// What the service shows of an attachment whose bytes were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Its size.
    Size(u64),
    /// No size, for as long as we were ready to wait.
    NoSize,
    /// The attachment is not among those that it lists.
    Absent,
}

#[derive(Debug)]
struct Waiting {
    id: AttachmentId,
    since: Instant,
    due: Instant,
    pause: Duration,
    answer: oneshot::Sender<Shown>,
}

/// The queue of those who await confirmation.
#[derive(Debug, Default)]
pub(super) struct Confirmer {
    waiting: Mutex<Vec<Waiting>>,
    arrived: Notify,
    closed: AtomicBool,
}

impl Confirmer {
    /// Waits until the service shows what it has of an attachment.
    pub(super) async fn confirm(&self, id: AttachmentId) -> Result<Shown, Halt> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Halt::Abandoned);
        }
        let (answer, shown) = oneshot::channel();
        let now = Instant::now();
        self.lock().push(Waiting {
            id,
            since: now,
            due: now,
            pause: Duration::from_secs(1),
            answer,
        });
        self.arrived.notify_waiters();
        shown.await.map_err(|_| Halt::Abandoned)
    }

    /// Serves the queue for as long as it is polled. Returns only to stop the run.
    pub(super) async fn serve<D: Destination>(
        &self,
        requests: &Requests<'_, D>,
        slots: &Slots,
    ) -> Halt {
        loop {
            let arrived = self.arrived.notified();
            let changed = slots.changed();
            let now = Instant::now();
            let (batch, wake_at) = self.batch(now, slots.are_idle());
            if batch.is_empty() {
                tokio::select! {
                    () = arrived => {}
                    () = changed => {}
                    () = sleep_until(wake_at) => {}
                }
                continue;
            }
            if let Err(halt) = self.ask(requests, batch).await {
                self.close();
                return halt;
            }
        }
    }

    /// Tells all who wait, and all who will, that no answer comes.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// Those to ask for now, or else when to look again.
    fn batch(&self, now: Instant, idle: bool) -> (Vec<Waiting>, Option<Instant>) {
        let mut waiting = self.lock();
        let due = waiting.iter().filter(|one| one.due <= now).count();
        let first_due = waiting.iter().map(|one| one.due).min();
        let full = due >= CONFIRM_AT_ONCE;
        let waited = first_due.is_some_and(|first| first + BATCH_WAIT <= now);
        if due > 0 && (full || waited || idle) {
            let batch = waiting
                .extract_if(.., |one| one.due <= now)
                .take(CONFIRM_AT_ONCE)
                .collect();
            return (batch, None);
        }
        let patience = if idle { Duration::ZERO } else { BATCH_WAIT };
        (Vec::new(), first_due.map(|first| first + patience))
    }

    async fn ask<D: Destination>(
        &self,
        requests: &Requests<'_, D>,
        batch: Vec<Waiting>,
    ) -> Result<(), Halt> {
        let ids: Vec<_> = batch.iter().map(|one| one.id.clone()).collect();
        let answer = requests
            .ask(async |service| service.sizes(&ids).await)
            .await;
        let sizes = match answer {
            Ok(sizes) => sizes,
            Err(Unmet::Halt(halt)) => return Err(halt),
            // The list is refused, or stays without an answer: one by one may work.
            Err(_) => one_by_one(requests, &ids).await?,
        };
        let now = Instant::now();
        for one in batch {
            match sizes.get(&one.id) {
                Some(Some(size)) => one.tell(Shown::Size(*size)),
                None => one.tell(Shown::Absent),
                Some(None) if now - one.since >= SHOWING_LIMIT => one.tell(Shown::NoSize),
                Some(None) => self.lock().push(one.later(now)),
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        lock(&self.waiting)
    }
}

impl Waiting {
    fn tell(self, shown: Shown) {
        // A row that was given up no longer waits.
        let _ = self.answer.send(shown);
    }

    fn later(self, now: Instant) -> Self {
        let left = (self.since + SHOWING_LIMIT).saturating_duration_since(now);
        Self {
            due: now + self.pause.min(left),
            pause: (self.pause * 2).min(SLOWEST),
            ..self
        }
    }
}

async fn one_by_one<D: Destination>(
    requests: &Requests<'_, D>,
    ids: &[AttachmentId],
) -> Result<HashMap<AttachmentId, Option<u64>>, Halt> {
    let mut sizes = HashMap::new();
    for id in ids {
        match requests.get(id).await {
            Ok(Presence::Stored { size, .. }) => sizes.insert(id.clone(), Some(size)),
            Ok(Presence::Absent) => None,
            Err(Unmet::Halt(halt)) => return Err(halt),
            // Nothing was learned, which is what "no size yet" says, too.
            Ok(_) | Err(_) => sizes.insert(id.clone(), None),
        };
    }
    Ok(sizes)
}

async fn sleep_until(wake_at: Option<Instant>) {
    match wake_at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
