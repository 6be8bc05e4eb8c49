//! On whose behalf a request is sent, when it may be, and what follows where it gets no answer.

use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::sleep;

use super::{Requests, Unmet};
use crate::destination::Destination;
use crate::event::Event;
use crate::pipeline::Halt;
use crate::throttle::breakers::{Admitted, Circuit, Reaction};
use crate::throttle::{Evidence, OWN_LIMIT, Suspect};

/// On whose behalf a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) struct RequestOwner {
    /// The number of the row; of a job, that of its first one.
    pub(in crate::pipeline) row: usize,
    /// So many upload slots it holds, which others get while it has to wait for long.
    pub(in crate::pipeline) slots: usize,
}

impl RequestOwner {
    /// A row that holds no slot.
    pub(in crate::pipeline) fn without_slot(row: usize) -> Self {
        Self { row, slots: 0 }
    }
}

/// Leave to send a request of a kind, which has to be got while a service is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::pipeline) enum Leave {
    /// It is to be waited for.
    #[default]
    Needed,
    /// It was given.
    Given,
}

/// How long to wait before another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Pause {
    /// So long, while others go on.
    Own(Duration),
    /// So long, as all do, unless the service is back before.
    OfAll(Duration),
}

impl Pause {
    pub(in crate::pipeline) fn time(self) -> Duration {
        match self {
            Self::Own(time) | Self::OfAll(time) => time,
        }
    }
}

/// Why a row is given up, in words.
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

    /// Waits before another try of a row, and until it may be made. Others get its slots where that
    /// takes long.
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

    pub(super) fn note_answer(&self, circuit: Circuit, owner: RequestOwner) {
        if self.breakers.answered(circuit, owner.row) {
            self.events.send(Event::Back);
        }
    }

    /// Takes note of a failure, and tells how long to wait after it.
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
