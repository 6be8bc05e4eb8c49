//! Owner and permission of a request, and the pause or the end that follows from a failure.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;

use super::{RequestFailure, RequestSender};
use crate::destination::Destination;
use crate::event::RunEvent;
use crate::pipeline::HaltReason;
use crate::throttle::run_breakers::{AdmissionDelay, CircuitKind, FailureReaction};
use crate::throttle::{FailureSuspect, OwnFaultEvidence, ROW_GIVE_UP_AFTER};

/// Row on whose behalf a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct RequestOwner {
    /// Number of the row; for a job, the number of its first row.
    pub(in crate::pipeline) row: usize,
    /// Number of upload slots held by the row. Others get the slots while the row waits for long.
    pub(in crate::pipeline) slots: usize,
}

impl RequestOwner {
    /// Creates the owner for a row without a slot.
    pub(in crate::pipeline) fn without_slot(row: usize) -> Self {
        Self { row, slots: 0 }
    }
}

/// Permission to send requests of a kind, needed while a service may be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::pipeline) enum SendPermission {
    /// The permission has to be waited for.
    #[default]
    Needed,
    /// The permission is given.
    Granted,
}

/// Pause before another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum RetryPause {
    /// Pause of the row alone, while others continue.
    OwnRow(Duration),
    /// Pause of all rows, unless the service is back before.
    AllRows(Duration),
}

impl RetryPause {
    /// Returns the length of the pause.
    pub(in crate::pipeline) fn duration(self) -> Duration {
        match self {
            Self::OwnRow(time) | Self::AllRows(time) => time,
        }
    }
}

/// Returns the words for a row that is given up, with the evidence of its own fault.
fn give_up_message(why: &str, evidence: OwnFaultEvidence) -> String {
    match evidence {
        OwnFaultEvidence::OthersAnswered => format!("{why}, while other rows get answers"),
        OwnFaultEvidence::NoOtherRowLeft => format!(
            "{why}, for {} minutes, with no other row left to compare with",
            ROW_GIVE_UP_AFTER.as_secs() / 60
        ),
    }
}

impl<D: Destination> RequestSender<'_, D> {
    /// Waits until a row may send a request of a kind.
    pub(in crate::pipeline) async fn wait_for_permission(
        &self,
        owner: RequestOwner,
        circuit: CircuitKind,
    ) -> AdmissionDelay {
        let admitted = self.breakers.wait_for_admission(circuit, owner.row);
        if let Some(admitted) = admitted.now_or_never() {
            return admitted;
        }
        let all = RetryPause::AllRows(Duration::ZERO);
        self.wait_before_retry(owner, circuit, all).await;
        AdmissionDelay::Delayed
    }

    /// Waits before another try of a row, and until the try may be made. Others get the row's slots
    /// during a long wait.
    pub(in crate::pipeline) async fn wait_before_retry(
        &self,
        owner: RequestOwner,
        circuit: CircuitKind,
        pause: RetryPause,
    ) {
        let waits_long = self.breakers.should_yield_slot(circuit, owner.row);
        let lent = waits_long.then(|| self.slots.lend(owner.slots));
        if let RetryPause::OwnRow(time) = pause {
            sleep(time).await;
        }
        self.breakers.wait_for_admission(circuit, owner.row).await;
        if let Some(lent) = lent {
            lent.take_back().await;
        }
    }

    /// Waits between two tries of a row to change something.
    pub(in crate::pipeline) async fn pause_between_changes(&self, owner: RequestOwner) {
        sleep(self.breakers.row_backoff(CircuitKind::Changes, owner.row)).await;
    }

    /// Notes an answer, and reports the end of an outage.
    pub(super) fn note_answer(&self, circuit: CircuitKind, owner: RequestOwner) {
        if self.breakers.answered(circuit, owner.row) {
            self.events.send(RunEvent::ServiceRecovered);
        }
    }

    /// Notes a failure, reports an outage, and returns the pause before the next try.
    ///
    /// Fails with [`RequestFailure::GivenUp`] if the failure is the row's own, and with
    /// [`RequestFailure::Halt`] after the longest outage allowed.
    pub(super) fn register_failure(
        &self,
        circuit: CircuitKind,
        suspect: FailureSuspect,
        why: String,
    ) -> Result<RetryPause, RequestFailure> {
        let reaction = self.breakers.failed(circuit, suspect);
        let is_worth_telling = self.breakers.should_be_announced(circuit);
        let event = match reaction {
            FailureReaction::WaitAsLastRow(_) => {
                Some(RunEvent::LastRowsUnanswered { why: why.clone() })
            }
            FailureReaction::Wait(wait) | FailureReaction::AllWait(wait) => {
                Some(RunEvent::ServiceUnavailable {
                    why: why.clone(),
                    wait,
                })
            }
            _ => None,
        };
        if let Some(event) = event.filter(|_| is_worth_telling) {
            self.events.send(event);
        }
        match reaction {
            FailureReaction::Wait(wait) | FailureReaction::WaitAsLastRow(wait) => {
                Ok(RetryPause::OwnRow(wait))
            }
            FailureReaction::AllWait(wait) => Ok(RetryPause::AllRows(wait)),
            FailureReaction::GiveUp(evidence) => {
                Err(RequestFailure::GivenUp(give_up_message(&why, evidence)))
            }
            FailureReaction::StopForOutage => Err(HaltReason::Outage(why).into()),
            FailureReaction::StopUnanswered => {
                let destination = self.destination_label.clone();
                Err(HaltReason::NeverAnswered {
                    destination,
                    last_failure: why,
                }
                .into())
            }
        }
    }
}
