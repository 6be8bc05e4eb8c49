//! How those are served who wait for attachments.
//!
//! Attachments are asked for many at a time: a batch goes when it is full, when nothing else is at
//! work, or when its first has waited long enough. Where a batch stays without an answer, one of its
//! attachments may be the reason, and each is asked for alone.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{Pace, PollQueue, Seen, Waiting, sleep_until};
use crate::destination::{AttachmentApi, LISTED_AT_ONCE, Presence};
use crate::model::AttachmentId;
use crate::pipeline::Halt;
use crate::pipeline::requests::{Attempt, RequestOwner, Requests, Unmet};

/// How long a batch of attachments waits to fill up.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How long a size may take to show. (How long it does take is not documented.)
const SIZE_LIMIT: Duration = Duration::from_mins(10);

/// So many questions about one attachment each may be on their way at once, lest one that stays without
/// an answer for half a minute hold up the others.
const ASKED_ALONE_AT_ONCE: usize = 4;

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The size of an attachment: another one than this, where it has an old one.
    Size(Option<u64>),
    /// The next list that names an attachment, whatever that says.
    Listed,
}

impl Until {
    fn is_met_by(self, presence: &Presence) -> bool {
        match (self, presence) {
            (Self::Size(old), Presence::Stored { size, .. }) => Some(*size) != old,
            (Self::Size(_), Presence::Pending { .. }) => false,
            _ => true,
        }
    }
}

/// What is waited for, and whether the attachment is to be asked for without others.
#[derive(Debug, Clone, Copy)]
struct Polled {
    until: Until,
    alone: bool,
}

type WaitingRow = Waiting<Polled, Presence>;

/// The queue of those who wait for attachments.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct AttachmentPoller(PollQueue<Polled, Presence>);

impl AttachmentPoller {
    /// Waits until the service shows the size of an attachment, or nothing of it, or for as long as
    /// we are ready to wait. `old` is the size of what it held before.
    pub(in crate::pipeline) async fn size_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        old: Option<u64>,
    ) -> Result<Seen<Presence>, Halt> {
        self.watch(owner, id, Until::Size(old), SIZE_LIMIT).await
    }

    /// Waits for what the next list says of an attachment.
    pub(in crate::pipeline) async fn next_list_of(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
    ) -> Result<Seen<Presence>, Halt> {
        self.watch(owner, id, Until::Listed, Duration::ZERO).await
    }

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

    /// Serves the queue for as long as it is polled. Returns only to stop the run.
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

    /// The attachments to ask for together now, or else when to look again.
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

    /// The attachment to ask for alone now, or else when to look again.
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

    /// Asks for many attachments. Where they stay without an answer, each is asked for alone: one of
    /// them may be the reason, and the others need not wait for it.
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

    /// Asks for one attachment, once.
    async fn ask_alone<D: AttachmentApi>(
        &self,
        requests: &Requests<'_, D>,
        one: WaitingRow,
    ) -> Result<(), Halt> {
        match requests.try_get(one.owner, &one.id).await {
            Ok(Attempt::Answered(shown)) => {
                let shown = match shown {
                    Presence::Stored { .. } | Presence::Absent => shown,
                    // Nothing was learned, which is what "no size yet" says, too.
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

    fn settle(&self, one: WaitingRow, shown: Presence) {
        let is_met = |polled: &Polled, shown: &Presence, _| polled.until.is_met_by(shown);
        self.0.settle(one, shown, is_met);
    }
}
