//! Poller of attachments.
//!
//! Attachments are asked for in batches. A batch goes when full, when nothing else is at work, or
//! when its first attachment has waited long enough. After a batch without an answer each
//! attachment is asked for alone, since any of them may be the cause.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{Pace, PollQueue, Seen, Waiting, sleep_until};
use crate::destination::{AttachmentApi, LISTED_AT_ONCE, Presence};
use crate::model::AttachmentId;
use crate::pipeline::Halt;
use crate::pipeline::requests::{Attempt, RequestOwner, Requests, Unmet};

/// Longest wait of a batch to fill up.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for a size to show. (The real time is not documented.)
const SIZE_LIMIT: Duration = Duration::from_mins(10);

/// Highest number of single reads at once: a read without an answer for half a minute does not hold
/// up the others.
const ASKED_ALONE_AT_ONCE: usize = 4;

/// Goal of a wait for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The size of an attachment, other than the old size given here, if any.
    Size(Option<u64>),
    /// The next list naming the attachment, with any content.
    Listed,
}

impl Until {
    /// Returns `true` if the answer meets the goal.
    fn is_met_by(self, presence: &Presence) -> bool {
        match (self, presence) {
            (Self::Size(old), Presence::Stored { size, .. }) => Some(*size) != old,
            (Self::Size(_), Presence::Pending { .. }) => false,
            _ => true,
        }
    }
}

/// Goal of a wait, and `true` if the attachment is to be asked for alone.
#[derive(Debug, Clone, Copy)]
struct Polled {
    until: Until,
    alone: bool,
}

/// Queued wait for an attachment.
type WaitingRow = Waiting<Polled, Presence>;

/// Queue of waits for attachments.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct AttachmentPoller(PollQueue<Polled, Presence>);

impl AttachmentPoller {
    /// Waits until the service shows the size of an attachment or nothing of it, for at most
    /// [`SIZE_LIMIT`]. `old` is the size of the bytes before.
    pub(in crate::pipeline) async fn size_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        old: Option<u64>,
    ) -> Result<Seen<Presence>, Halt> {
        self.watch(owner, id, Until::Size(old), SIZE_LIMIT).await
    }

    /// Waits for the next list with an attachment.
    pub(in crate::pipeline) async fn next_list_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
    ) -> Result<Seen<Presence>, Halt> {
        self.watch(owner, id, Until::Listed, Duration::ZERO).await
    }

    /// Queues a wait, and returns its result.
    async fn watch(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: Until,
        limit: Duration,
    ) -> Result<Seen<Presence>, Halt> {
        let pace = Pace {
            first_pause: Duration::ZERO,
            longest_pause: Duration::from_mins(1),
            limit,
        };
        let polled = Polled {
            until,
            alone: false,
        };
        self.0.watch(owner, id, polled, pace).await
    }

    /// Serves the queue while polled. Returns only to stop the run.
    pub(in crate::pipeline) async fn serve<D: AttachmentApi>(
        &self,
        requests: &Requests<'_, D>,
    ) -> Halt {
        let slots = requests.slots();
        let mut listing = FuturesUnordered::new();
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.0.arrived.notified();
            let changed = slots.changed();
            let mut wake_at = [None, None];
            if listing.is_empty() {
                let (batch, later) = self.batch(Instant::now(), slots.are_idle());
                if !batch.is_empty() {
                    listing.push(self.ask_together(requests, batch));
                    continue;
                }
                wake_at[0] = later;
            }
            if asking.len() < ASKED_ALONE_AT_ONCE {
                let (one, later) = self.one_alone(Instant::now());
                if let Some(one) = one {
                    asking.push(self.ask_alone(requests, one));
                    continue;
                }
                wake_at[1] = later;
            }
            tokio::select! {
                biased;
                () = arrived => {}
                () = changed => {}
                Some(asked) = listing.next() => if let Err(halt) = asked {
                    self.0.close();
                    return halt;
                },
                Some(asked) = asking.next() => if let Err(halt) = asked {
                    self.0.close();
                    return halt;
                },
                () = sleep_until(wake_at.into_iter().flatten().min()) => {}
            }
        }
    }

    /// Takes the attachments to ask for together now, or returns the time of the next look.
    fn batch(&self, now: Instant, idle: bool) -> (Vec<WaitingRow>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let together = || waiting.iter().filter(|one| !one.until.alone);
        let due = together().filter(|one| one.due <= now).count();
        let first_due = together().map(|one| one.due).min();
        let full = due >= LISTED_AT_ONCE;
        let waited = first_due.is_some_and(|first| first + BATCH_WAIT <= now);
        if due > 0 && (full || waited || idle) {
            let batch = waiting
                .extract_if(.., |one| !one.until.alone && one.due <= now)
                .take(LISTED_AT_ONCE)
                .collect();
            return (batch, None);
        }
        let patience = if idle { Duration::ZERO } else { BATCH_WAIT };
        (Vec::new(), first_due.map(|first| first + patience))
    }

    /// Takes the attachment to ask for alone now, or returns the time of the next look.
    fn one_alone(&self, now: Instant) -> (Option<WaitingRow>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let alone = waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| one.until.alone);
        match alone.min_by_key(|(_, one)| one.due) {
            None => (None, None),
            Some((_, one)) if one.due > now => (None, Some(one.due)),
            Some((place, _)) => (Some(waiting.swap_remove(place)), None),
        }
    }

    /// Asks for many attachments. Without an answer each is asked for alone: any of them may be the
    /// cause, and the others need not wait for it.
    async fn ask_together<D: AttachmentApi>(
        &self,
        requests: &Requests<'_, D>,
        batch: Vec<WaitingRow>,
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
                let alone = |one: WaitingRow| Waiting {
                    until: Polled {
                        alone: true,
                        ..one.until
                    },
                    due: now,
                    ..one
                };
                self.0.lock().extend(batch.into_iter().map(alone));
            }
        }
        Ok(())
    }

    /// Asks for a single attachment, once.
    async fn ask_alone<D: AttachmentApi>(
        &self,
        requests: &Requests<'_, D>,
        one: WaitingRow,
    ) -> Result<(), Halt> {
        match requests.try_get(one.owner, &one.id).await {
            Ok(Attempt::Answered(shown)) => {
                let shown = match shown {
                    Presence::Stored { .. } | Presence::Absent => shown,
                    // Nothing was learned, as with "no size yet".
                    _ => Presence::Pending { id: one.id.clone() },
                };
                let together = Waiting {
                    until: Polled {
                        alone: false,
                        ..one.until
                    },
                    ..one
                };
                self.settle(together, shown);
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

    /// Answers a wait whose goal is met or whose time is over, and queues others again.
    fn settle(&self, one: WaitingRow, shown: Presence) {
        let is_met = |polled: &Polled, shown: &Presence, _| polled.until.is_met_by(shown);
        self.0.settle(one, shown, is_met);
    }
}
