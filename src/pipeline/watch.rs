//! The one watcher of a run: asks how records stand for all who wait to hear of it.
//!
//! Attachments are asked for many at a time: a batch goes when it is full, when nothing else is at
//! work, or when its first has waited long enough. Jobs are asked for one at a time, out of a tight
//! budget of requests: first those that are about to say where their files go, because their
//! addresses soon expire, then those that have been left alone the longest. Whatever has not changed
//! is asked for again, more and more slowly.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::Halt;
use super::requests::{Requests, Unmet};
use super::slots::Slots;
use crate::destination::{Destination, Keeps, LISTED_AT_ONCE, Presence};
use crate::http::budget::Urgency;
use crate::model::AttachmentId;
use crate::sync::lock;

/// How long a batch of attachments waits to fill up.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How long a size may take to show. (How long it does take is not documented.)
const SIZE_LIMIT: Duration = Duration::from_mins(10);

/// So many questions about jobs may be on their way at once: one that stays without an answer for
/// half a minute must not let the addresses of other jobs expire.
const JOBS_ASKED_AT_ONCE: usize = 4;

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
    /// Nothing: the last request gave no answer.
    Unmet(Unmet),
}

#[derive(Debug)]
struct Waiting<T> {
    id: AttachmentId,
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
        id: AttachmentId,
        old: Option<u64>,
    ) -> Result<Presence<T>, Halt> {
        let until = Until::Size(old);
        match self.watch(id.clone(), until, SIZE_LIMIT).await? {
            Seen::Shown(presence) => Ok(presence),
            Seen::Unmet(_) => Ok(Presence::Pending { id }),
        }
    }

    /// Waits until a record stands as it is waited for, or `limit` has passed.
    pub(super) async fn watch(
        &self,
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
            id,
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
        slots: &Slots,
    ) -> Halt {
        let at_once = match keeps {
            Keeps::Attachments => 1,
            Keeps::Jobs { .. } => JOBS_ASKED_AT_ONCE,
        };
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.arrived.notified();
            let changed = slots.changed();
            let mut wake_at = None;
            if asking.len() < at_once {
                let (batch, later) = match keeps {
                    Keeps::Attachments => self.attachments(Instant::now(), slots.are_idle()),
                    Keeps::Jobs { .. } => {
                        let wait = match Until::End.urgency(slots) {
                            Urgency::CanWait => requests.reads_can_wait_for(),
                            Urgency::Urgent => None,
                        };
                        self.job(Instant::now(), wait)
                    }
                };
                if !batch.is_empty() {
                    asking.push(self.ask(requests, keeps, slots, batch));
                    continue;
                }
                wake_at = later;
            }
            tokio::select! {
                biased;
                () = arrived => {}
                () = changed => {}
                Some(asked) = asking.next() => if let Err(halt) = asked {
                    self.close();
                    return halt;
                },
                () = sleep_until(wake_at) => {}
            }
        }
    }

    /// Tells all who wait, and all who will, that no answer comes.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.lock().clear();
    }

    /// The attachments to ask for now, or else when to look again.
    fn attachments(&self, now: Instant, idle: bool) -> (Vec<Waiting<T>>, Option<Instant>) {
        let mut waiting = self.lock();
        let due = waiting.iter().filter(|one| one.due <= now).count();
        let first_due = waiting.iter().map(|one| one.due).min();
        let full = due >= LISTED_AT_ONCE;
        let waited = first_due.is_some_and(|first| first + BATCH_WAIT <= now);
        if due > 0 && (full || waited || idle) {
            let batch = waiting
                .extract_if(.., |one| one.due <= now)
                .take(LISTED_AT_ONCE)
                .collect();
            return (batch, None);
        }
        let patience = if idle { Duration::ZERO } else { BATCH_WAIT };
        (Vec::new(), first_due.map(|first| first + patience))
    }

    /// The job to ask for now, or else when to look again. What can wait has to, for so long.
    fn job(&self, now: Instant, wait: Option<Duration>) -> (Vec<Waiting<T>>, Option<Instant>) {
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
            Some(place) => (vec![waiting.swap_remove(place)], None),
            None => (Vec::new(), waiting.iter().map(due).min()),
        }
    }

    async fn ask<D: Destination<Target = T>>(
        &self,
        requests: &Requests<'_, D>,
        keeps: &Keeps,
        slots: &Slots,
        batch: Vec<Waiting<T>>,
    ) -> Result<(), Halt> {
        let mut answers = match keeps {
            Keeps::Attachments => attachments(requests, &batch).await?,
            Keeps::Jobs { .. } => jobs(requests, slots, &batch).await?,
        };
        let now = Instant::now();
        for one in batch {
            let answer = answers.remove(&one.id).unwrap_or(Ok(Presence::Absent));
            let is_met = match &answer {
                Ok(presence) => one.until.is_met_by(presence, now - one.since),
                Err(_) => false,
            };
            if is_met || now - one.since >= one.limit {
                one.tell(answer.map_or_else(Seen::Unmet, Seen::Shown));
            } else {
                self.lock().push(one.later(now));
            }
        }
        Ok(())
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

type Answers<T> = HashMap<AttachmentId, Result<Presence<T>, Unmet>>;

async fn attachments<D: Destination>(
    requests: &Requests<'_, D>,
    batch: &[Waiting<D::Target>],
) -> Result<Answers<D::Target>, Halt> {
    let ids: Vec<_> = batch.iter().map(|one| one.id.clone()).collect();
    match requests.list(&ids).await {
        Ok(listed) => Ok(listed.into_iter().map(|(id, one)| (id, Ok(one))).collect()),
        Err(Unmet::Halt(halt)) => Err(halt),
        // The list is refused, or stays without an answer: one by one may work.
        Err(_) => one_by_one(requests, &ids).await,
    }
}

async fn one_by_one<D: Destination>(
    requests: &Requests<'_, D>,
    ids: &[AttachmentId],
) -> Result<Answers<D::Target>, Halt> {
    let mut answers = HashMap::new();
    for id in ids {
        let answer = match requests.get(id).await {
            Err(Unmet::Halt(halt)) => return Err(halt),
            Ok(shown @ (Presence::Stored { .. } | Presence::Absent)) => shown,
            // Nothing was learned, which is what "no size yet" says, too.
            Ok(_) | Err(_) => Presence::Pending { id: id.clone() },
        };
        answers.insert(id.clone(), Ok(answer));
    }
    Ok(answers)
}

async fn jobs<D: Destination>(
    requests: &Requests<'_, D>,
    slots: &Slots,
    batch: &[Waiting<D::Target>],
) -> Result<Answers<D::Target>, Halt> {
    let mut answers = HashMap::new();
    for one in batch {
        match requests.job(&one.id, one.until.urgency(slots)).await {
            Err(Unmet::Halt(halt)) => return Err(halt),
            answer => answers.insert(one.id.clone(), answer),
        };
    }
    Ok(answers)
}

async fn sleep_until(wake_at: Option<Instant>) {
    match wake_at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
