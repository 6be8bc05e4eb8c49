//! Owner and permission of a request, and the pause or the end that follows from a failure.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;

use super::{Requests, Unmet};
use crate::destination::Destination;
use crate::event::Event;
use crate::pipeline::Halt;
use crate::throttle::breakers::{Admitted, Circuit, Reaction};
use crate::throttle::{Evidence, OWN_LIMIT, Suspect};

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
pub(in crate::pipeline) enum Leave {
    /// The permission has to be waited for.
    #[default]
    Needed,
    /// The permission is given.
    Given,
}

/// Pause before another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Pause {
    /// Pause of the row alone, while others go on.
    Own(Duration),
    /// Pause of all rows, unless the service is back before.
    OfAll(Duration),
}

impl Pause {
    /// Returns the length of the pause.
    pub(in crate::pipeline) fn time(self) -> Duration {
        match self {
            Self::Own(time) | Self::OfAll(time) => time,
        }
    }
}

/// Returns the words for a row that is given up, with the evidence of its own fault.
fn own_fault(why: &str, evidence: Evidence) -> String {
    match evidence {
        Evidence::OthersAnswered => format!("{why}, while other rows get answers"),
        Evidence::NobodyLeft => format!(
            "{why}, for {} minutes, with no other row left to tell why",
            OWN_LIMIT.as_secs() / 60
        ),
    }
}

impl<D: Destination> Requests<'_, D> {
    /// Waits until a row may send a request of a kind.
    pub(in crate::pipeline) async fn leave(
        &self,
        owner: RequestOwner,
        circuit: Circuit,
    ) -> Admitted {
        let admitted = self.breakers.admitted(circuit, owner.row);
        if let Some(admitted) = admitted.now_or_never() {
            return admitted;
        }
        let all = Pause::OfAll(Duration::ZERO);
        self.wait_for_leave(owner, circuit, all).await;
        Admitted::AfterAWait
    }

    /// Waits before another try of a row, and until the try may be made. Others get the row's slots
    /// during a long wait.
    pub(in crate::pipeline) async fn wait_for_leave(
        &self,
        owner: RequestOwner,
        circuit: Circuit,
        pause: Pause,
    ) {
        let waits_long = self.breakers.keeps_waiting(circuit, owner.row);
        let lent = waits_long.then(|| self.slots.lend(owner.slots));
        if let Pause::Own(time) = pause {
            sleep(time).await;
        }
        self.breakers.admitted(circuit, owner.row).await;
        if let Some(lent) = lent {
            lent.take_back().await;
        }
    }

    /// Waits between two tries of a row to change something.
    pub(in crate::pipeline) async fn pause_between_changes(&self, owner: RequestOwner) {
        sleep(self.breakers.pause(Circuit::Changes, owner.row)).await;
    }

    /// Notes an answer, and reports the end of an outage.
    pub(super) fn note_answer(&self, circuit: Circuit, owner: RequestOwner) {
        if self.breakers.answered(circuit, owner.row) {
            self.events.send(Event::Back);
        }
    }

    /// Notes a failure, reports an outage, and returns the pause before the next try.
    ///
    /// Fails with [`Unmet::GivenUp`] if the failure is the row's own, and with [`Unmet::Halt`]
    /// after the longest outage allowed.
    pub(super) fn pause(
        &self,
        circuit: Circuit,
        suspect: Suspect,
        why: String,
    ) -> Result<Pause, Unmet> {
        let reaction = self.breakers.failed(circuit, suspect);
        let is_worth_telling = self.breakers.is_worth_telling(circuit);
        let event = match reaction {
            Reaction::WaitAlone(_) => Some(Event::LastRowsUnanswered { why: why.clone() }),
            Reaction::Wait(wait) | Reaction::AllWait(wait) => Some(Event::Away {
                why: why.clone(),
                wait,
            }),
            _ => None,
        };
        if let Some(event) = event.filter(|_| is_worth_telling) {
            self.events.send(event);
        }
        match reaction {
            Reaction::Wait(wait) | Reaction::WaitAlone(wait) => Ok(Pause::Own(wait)),
            Reaction::AllWait(wait) => Ok(Pause::OfAll(wait)),
            Reaction::GiveUp(evidence) => Err(Unmet::GivenUp(own_fault(&why, evidence))),
            Reaction::Outage => Err(Halt::Outage(why).into()),
            Reaction::NeverAnswered => {
                let destination = self.label.clone();
                Err(Halt::NeverAnswered { destination, why }.into())
            }
        }
    }
}
