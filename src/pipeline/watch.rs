//! The one watcher of a run: asks how records stand for all who wait to hear of it.
//!
//! Attachments are asked for many at a time: a batch goes when it is full, when nothing else is at
//! work, or when its first has waited long enough. Where a batch stays without an answer, one of its
//! attachments may be the reason, and each is asked for alone. Jobs are asked for one at a time, out of a tight
//! budget of requests: first those that are about to say where their files go, because their
//! addresses soon expire, then those that have been left alone the longest. Whatever has not changed
//! is asked for again, more and more slowly.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Halt;
use super::requests::{Attempt, RequestOwner, Requests, Unmet};
use super::slots::Slots;
use crate::destination::{Destination, Keeps, LISTED_AT_ONCE, Presence};
use crate::model::AttachmentId;
use crate::sync::lock;
use crate::throttle::quota::Urgency;

/// How long a batch of attachments waits to fill up.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How long a size may take to show. (How long it does take is not documented.)
const SIZE_LIMIT: Duration = Duration::from_mins(10);

/// So many questions about one record each may be on their way at once: one that stays without an
/// answer for half a minute must not let the addresses of other jobs expire.
const ASKED_ALONE_AT_ONCE: usize = 4;

/// A job that cannot be found for so long is not there.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The size of an attachment: another one than this, where it has an old one.
    Size(Option<u64>),
    /// The next list that names an attachment, whatever that says.
    Listed,
    /// The places for the files of a job, or its end.
    Places,
    /// The end of a job.
    End,
}

impl Until {
    fn first_pause(self) -> Duration {
        match self {
            Self::Size(_) | Self::Listed => Duration::ZERO,
            // Reads of jobs are never closer than this.
            Self::Places | Self::End => Duration::from_secs(2),
        }
    }

    /// The longest time between two questions about one record.
    fn longest_pause(self) -> Duration {
        match self {
            Self::Size(_) | Self::Listed | Self::End => Duration::from_mins(1),
            // The addresses of a job live for a minute from its start.
            Self::Places => Duration::from_secs(10),
        }
    }

    /// Whether something is lost if the question comes late. The end of a job does not run away;
    /// but where no other job is still to be asked for its addresses, there is nobody to wait for.
    fn urgency(self, slots: &Slots) -> Urgency {
        match self {
            Self::End if !slots.are_idle() => Urgency::CanWait,
            Self::Size(_) | Self::Listed | Self::Places | Self::End => Urgency::Urgent,
        }
    }

    fn is_met_by<T>(self, presence: &Presence<T>, waited: Duration) -> bool {
        match (self, presence) {
            (Self::Size(old), Presence::Stored { size, .. }) => Some(*size) != old,
            (Self::Size(_), Presence::Pending { .. }) | (Self::End, Presence::Running { .. }) => {
                false
            }
            (Self::Places, Presence::Running { places, .. }) => !places.is_empty(),
            // Perhaps it cannot be found quite yet, just after it was made.
            (Self::Places | Self::End, Presence::Absent) => waited >= FOUND_WITHIN,
            _ => true,
        }
    }
}

/// What somebody who waited has come to see.
#[derive(Debug)]
pub(super) enum Seen<T> {
    /// How the record stands: as it was waited for, or as it last did when the time was over.
    Shown(Presence<T>),
    /// Nothing: the requests for it give no answer, for a reason that is its own.
    Unmet(Unmet),
}

#[derive(Debug)]
struct Waiting<T> {
    owner: RequestOwner,
    id: AttachmentId,
    /// Whether it is to be asked for without others.
    alone: bool,
    until: Until,
    since: Instant,
    limit: Duration,
    due: Instant,
    pause: Duration,
    answer: oneshot::Sender<Seen<T>>,
}

/// The queue of those who wait.
#[derive(Debug)]
pub(super) struct Watcher<T> {
    waiting: Mutex<Vec<Waiting<T>>>,
    arrived: Notify,
    closed: AtomicBool,
}

impl<T> Default for Watcher<T> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }
}

impl<T: Clone + Send + Sync> Watcher<T> {
    /// Waits until the service shows the size of an attachment, or nothing of it, or for as long as
    /// we are ready to wait. `old` is the size of what it held before.
    pub(super) async fn size_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        old: Option<u64>,
    ) -> Result<Seen<T>, Halt> {
        self.watch(owner, id, Until::Size(old), SIZE_LIMIT).await
    }

    /// Waits until a record stands as it is waited for, or `limit` has passed.
    pub(super) async fn watch(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: Until,
        limit: Duration,
    ) -> Result<Seen<T>, Halt> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Halt::Abandoned);
        }
        let (answer, seen) = oneshot::channel();
        let now = Instant::now();
        self.lock().push(Waiting {
            // The slots of whoever waits here are not for others.
            owner: RequestOwner::without_slot(owner.row),
            id,
            alone: false,
            until,
            since: now,
            limit,
            due: now + until.first_pause(),
            pause: until.first_pause().max(Duration::from_secs(1)),
            answer,
        });
        self.arrived.notify_waiters();
        seen.await.map_err(|_| Halt::Abandoned)
    }

    /// Serves the queue for as long as it is polled. Returns only to stop the run.
    pub(super) async fn serve<D: Destination<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
        keeps: &Keeps,
    ) -> Halt {
        let slots = requests.slots();
        let mut listing = FuturesUnordered::new();
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.arrived.notified();
            let changed = slots.changed();
            let mut wake_at = [None, None];
            if listing.is_empty() && *keeps == Keeps::Attachments {
                let (batch, later) = self.batch(Instant::now(), slots.are_idle());
                if !batch.is_empty() {
                    listing.push(self.ask_together(requests, batch));
                    continue;
                }
                wake_at[0] = later;
            }
            if asking.len() < ASKED_ALONE_AT_ONCE {
                let (one, later) = match keeps {
                    Keeps::Attachments => self.one_alone(Instant::now()),
                    Keeps::Jobs { .. } => {
                        let wait = match Until::End.urgency(slots) {
                            Urgency::CanWait => requests.reads_can_wait_for(),
                            Urgency::Urgent => None,
                        };
                        self.job(Instant::now(), wait)
                    }
                };
                if let Some(one) = one {
                    asking.push(self.ask_alone(requests, keeps, one));
                    continue;
                }
                wake_at[1] = later;
            }
            tokio::select! {
                biased;
                () = arrived => {}
                () = changed => {}
                Some(asked) = listing.next() => if let Err(halt) = asked {
                    self.close();
                    return halt;
                },
                Some(asked) = asking.next() => if let Err(halt) = asked {
                    self.close();
                    return halt;
                },
                () = sleep_until(wake_at.into_iter().flatten().min()) => {}
            }
        }
    }

    /// Tells all who wait, and all who will, that no answer comes.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// The attachments to ask for together now, or else when to look again.
    fn batch(&self, now: Instant, idle: bool) -> (Vec<Waiting<T>>, Option<Instant>) {
        let mut waiting = self.lock();
        let together = || waiting.iter().filter(|one| !one.alone);
        let due = together().filter(|one| one.due <= now).count();
        let first_due = together().map(|one| one.due).min();
        let full = due >= LISTED_AT_ONCE;
        let waited = first_due.is_some_and(|first| first + BATCH_WAIT <= now);
        if due > 0 && (full || waited || idle) {
            let batch = waiting
                .extract_if(.., |one| !one.alone && one.due <= now)
                .take(LISTED_AT_ONCE)
                .collect();
            return (batch, None);
        }
        let patience = if idle { Duration::ZERO } else { BATCH_WAIT };
        (Vec::new(), first_due.map(|first| first + patience))
    }

    /// The attachment to ask for alone now, or else when to look again.
    fn one_alone(&self, now: Instant) -> (Option<Waiting<T>>, Option<Instant>) {
        let mut waiting = self.lock();
        let alone = waiting.iter().enumerate().filter(|(_, one)| one.alone);
        match alone.min_by_key(|(_, one)| one.due) {
            None => (None, None),
            Some((_, one)) if one.due > now => (None, Some(one.due)),
            Some((place, _)) => (Some(waiting.swap_remove(place)), None),
        }
    }

    /// The job to ask for now, or else when to look again. What can wait has to, for so long.
    fn job(&self, now: Instant, wait: Option<Duration>) -> (Option<Waiting<T>>, Option<Instant>) {
        let mut waiting = self.lock();
        let due = |one: &Waiting<T>| match wait {
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

    /// Asks for many attachments. Where they stay without an answer, each is asked for alone: one of
    /// them may be the reason, and the others need not wait for it.
    async fn ask_together<D: Destination<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
        batch: Vec<Waiting<T>>,
    ) -> Result<(), Halt> {
        let ids: Vec<_> = batch.iter().map(|one| one.id.clone()).collect();
        match requests.list(batch[0].owner, &ids).await {
            Ok(mut listed) => {
                for one in batch {
                    let shown = listed.remove(&one.id).unwrap_or(Presence::Absent);
                    self.settle(one, shown);
                }
            }
            Err(Unmet::Halt(halt)) => return Err(halt),
            Err(_) => {
                let now = Instant::now();
                let alone = |one| Waiting {
                    alone: true,
                    due: now,
                    ..one
                };
                self.lock().extend(batch.into_iter().map(alone));
            }
        }
        Ok(())
    }

    /// Asks for one record, once.
    async fn ask_alone<D: Destination<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
        keeps: &Keeps,
        one: Waiting<T>,
    ) -> Result<(), Halt> {
        let urgency = one.until.urgency(requests.slots());
        match requests.try_get(one.owner, &one.id, urgency).await {
            Ok(Attempt::Answered(shown)) => {
                let shown = match (keeps, shown) {
                    (Keeps::Jobs { .. }, shown)
                    | (_, shown @ (Presence::Stored { .. } | Presence::Absent)) => shown,
                    // Nothing was learned, which is what "no size yet" says, too.
                    _ => Presence::Pending { id: one.id.clone() },
                };
                self.settle(
                    Waiting {
                        alone: false,
                        ..one
                    },
                    shown,
                );
            }
            Ok(Attempt::Again(pause)) => self.lock().push(Waiting {
                due: Instant::now() + pause.time(),
                ..one
            }),
            Err(Unmet::Halt(halt)) => return Err(halt),
            Err(unmet) => one.tell(Seen::Unmet(unmet)),
        }
        Ok(())
    }

    /// Tells how a record stands, where that was waited for or the time is over.
    fn settle(&self, one: Waiting<T>, shown: Presence<T>) {
        let now = Instant::now();
        let waited = now - one.since;
        if one.until.is_met_by(&shown, waited) || waited >= one.limit {
            one.tell(Seen::Shown(shown));
        } else {
            self.lock().push(one.later(now));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting<T>>> {
        lock(&self.waiting)
    }
}

impl<T> Waiting<T> {
    fn tell(self, seen: Seen<T>) {
        // A row that was given up no longer waits.
        let _ = self.answer.send(seen);
    }

    fn later(self, now: Instant) -> Self {
        let left = (self.since + self.limit).saturating_duration_since(now);
        Self {
            due: now + self.pause.min(left),
            pause: (self.pause * 2).min(self.until.longest_pause()),
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
