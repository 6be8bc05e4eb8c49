//! Poller of attachments.
//!
//! Attachments are asked for in batches. A batch goes when full, when nothing else is at work, or
//! when its first attachment has waited long enough. After a batch without an answer each
//! attachment is asked for alone, since any of them may be the cause.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{PollOutcome, PollQueue, PollSchedule, QueuedPoll, sleep_until};
use crate::destination::{AttachmentApi, AttachmentPresence, MAX_IDS_PER_LIST};
use crate::model::AttachmentId;
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::{ReadAttempt, RequestFailure, RequestOwner, RequestSender};

/// Longest wait of a batch to fill up.
const BATCH_FILL_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for the service to report a size. (The real time is not documented.)
const SIZE_TIMEOUT: Duration = Duration::from_mins(10);

/// Highest number of single reads at once: a read without an answer for half a minute does not hold
/// up the others.
const MAX_SINGLE_READS_AT_ONCE: usize = 4;

/// Goal of a wait for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AttachmentPollGoal {
    /// The size of an attachment, other than the old size given here, if any.
    NewSize(Option<u64>),
    /// The next list naming the attachment, with any content.
    NextList,
}

impl AttachmentPollGoal {
    /// Returns `true` if the answer meets the goal.
    fn is_met_by(self, presence: &AttachmentPresence) -> bool {
        match (self, presence) {
            (Self::NewSize(old), AttachmentPresence::Stored { size, .. }) => Some(*size) != old,
            (Self::NewSize(_), AttachmentPresence::Pending { .. }) => false,
            _ => true,
        }
    }
}

/// Goal of a wait, and `true` if the attachment is to be asked for alone.
#[derive(Debug, Clone, Copy)]
struct AttachmentPoll {
    goal: AttachmentPollGoal,
    ask_alone: bool,
}

/// Queued wait for an attachment.
type QueuedAttachmentPoll = QueuedPoll<AttachmentPoll, AttachmentPresence>;

/// Queue of waits for attachments.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct AttachmentPoller(PollQueue<AttachmentPoll, AttachmentPresence>);

impl AttachmentPoller {
    /// Waits until the service reports the size of an attachment, or no attachment, for at most
    /// [`SIZE_TIMEOUT`]. `old` is the size of the bytes before.
    pub(in crate::pipeline) async fn wait_for_size(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        old: Option<u64>,
    ) -> Result<PollOutcome<AttachmentPresence>, HaltReason> {
        self.enqueue(owner, id, AttachmentPollGoal::NewSize(old), SIZE_TIMEOUT)
            .await
    }

    /// Waits for the next list with an attachment.
    pub(in crate::pipeline) async fn wait_for_next_list(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
    ) -> Result<PollOutcome<AttachmentPresence>, HaltReason> {
        self.enqueue(owner, id, AttachmentPollGoal::NextList, Duration::ZERO)
            .await
    }

    /// Queues a wait, and returns its result.
    async fn enqueue(
        &self,
        owner: RequestOwner,
        id: AttachmentId,
        until: AttachmentPollGoal,
        limit: Duration,
    ) -> Result<PollOutcome<AttachmentPresence>, HaltReason> {
        let pace = PollSchedule {
            first_pause: Duration::ZERO,
            longest_pause: Duration::from_mins(1),
            limit,
        };
        let polled = AttachmentPoll {
            goal: until,
            ask_alone: false,
        };
        self.0.wait_until(owner, id, polled, pace).await
    }

    /// Serves the queue while polled. Returns only to stop the run.
    pub(in crate::pipeline) async fn serve<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
    ) -> HaltReason {
        let slots = requests.slots();
        let mut listing = FuturesUnordered::new();
        let mut asking = FuturesUnordered::new();
        loop {
            let arrived = self.0.poll_added.notified();
            let changed = slots.changed();
            let mut wake_at = [None, None];
            if listing.is_empty() {
                let (batch, later) = self.take_due_batch(Instant::now(), slots.are_idle());
                if !batch.is_empty() {
                    listing.push(self.read_batch(requests, batch));
                    continue;
                }
                wake_at[0] = later;
            }
            if asking.len() < MAX_SINGLE_READS_AT_ONCE {
                let (one, later) = self.take_due_single(Instant::now());
                if let Some(one) = one {
                    asking.push(self.read_single(requests, one));
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
    fn take_due_batch(
        &self,
        now: Instant,
        idle: bool,
    ) -> (Vec<QueuedAttachmentPoll>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let together = || waiting.iter().filter(|one| !one.goal.ask_alone);
        let due = together().filter(|one| one.due_at <= now).count();
        let first_due = together().map(|one| one.due_at).min();
        let full = due >= MAX_IDS_PER_LIST;
        let waited = first_due.is_some_and(|first| first + BATCH_FILL_WAIT <= now);
        if due > 0 && (full || waited || idle) {
            let batch = waiting
                .extract_if(.., |one| !one.goal.ask_alone && one.due_at <= now)
                .take(MAX_IDS_PER_LIST)
                .collect();
            return (batch, None);
        }
        let patience = if idle {
            Duration::ZERO
        } else {
            BATCH_FILL_WAIT
        };
        (Vec::new(), first_due.map(|first| first + patience))
    }

    /// Takes the attachment to ask for alone now, or returns the time of the next look.
    fn take_due_single(&self, now: Instant) -> (Option<QueuedAttachmentPoll>, Option<Instant>) {
        let mut waiting = self.0.lock();
        let alone = waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| one.goal.ask_alone);
        match alone.min_by_key(|(_, one)| one.due_at) {
            None => (None, None),
            Some((_, one)) if one.due_at > now => (None, Some(one.due_at)),
            Some((place, _)) => (Some(waiting.swap_remove(place)), None),
        }
    }

    /// Asks for many attachments. Without an answer each is asked for alone: any of them may be the
    /// cause, and the others need not wait for it.
    async fn read_batch<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
        batch: Vec<QueuedAttachmentPoll>,
    ) -> Result<(), HaltReason> {
        let ids: Vec<_> = batch.iter().map(|one| one.id.clone()).collect();
        match requests.list(batch[0].owner, &ids).await {
            Ok(mut listed) => {
                for one in batch {
                    let shown = listed.remove(&one.id).unwrap_or(AttachmentPresence::Absent);
                    self.answer_or_requeue(one, shown);
                }
            }
            Err(RequestFailure::Halt(halt)) => return Err(halt),
            Err(_) => {
                let now = Instant::now();
                let alone = |one: QueuedAttachmentPoll| QueuedPoll {
                    goal: AttachmentPoll {
                        ask_alone: true,
                        ..one.goal
                    },
                    due_at: now,
                    ..one
                };
                self.0.lock().extend(batch.into_iter().map(alone));
            }
        }
        Ok(())
    }

    /// Asks for a single attachment, once.
    async fn read_single<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
        one: QueuedAttachmentPoll,
    ) -> Result<(), HaltReason> {
        match requests.try_get_by_id(one.owner, &one.id).await {
            Ok(ReadAttempt::Answered(shown)) => {
                let shown = match shown {
                    AttachmentPresence::Stored { .. } | AttachmentPresence::Absent => shown,
                    // Nothing was learned, as with "no size yet".
                    _ => AttachmentPresence::pending_without_names(one.id.clone()),
                };
                let together = QueuedPoll {
                    goal: AttachmentPoll {
                        ask_alone: false,
                        ..one.goal
                    },
                    ..one
                };
                self.answer_or_requeue(together, shown);
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

    /// Answers a wait whose goal is met or whose time is over, and queues others again.
    fn answer_or_requeue(&self, one: QueuedAttachmentPoll, shown: AttachmentPresence) {
        let is_met =
            |polled: &AttachmentPoll, shown: &AttachmentPresence, _| polled.goal.is_met_by(shown);
        self.0.answer_or_requeue(one, shown, is_met);
    }
}
