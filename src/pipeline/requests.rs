//! Sender of all requests: at the pace of the service, with waits during an outage, and with
//! repetition where a repetition is safe. No other module decides about repetition.
//!
//! Open this file first: changes, and the judgement of their failures. `reads` has the requests
//! without effects, [`archive`] and `jobs` the look-ups, `upload` the bytes, `judged` permissions
//! and pauses, and [`files`] the wait for the folder of the files.

pub(super) mod archive;
pub(super) mod files;
mod jobs;
mod judged;
mod reads;
mod upload;

use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::sleep;

use super::slots::Slots;
use super::turns::{JobTurn, Sort, Turns};
use super::{Halt, Settings};
use crate::destination::Destination;
use crate::event::{Event, Events};
use crate::http::Failure;
use crate::model::{AttachmentId, ExternalId};
use crate::results::journal::{Journal, JournalClosed};
use crate::sync::lock;
use crate::throttle::Suspect;
use crate::throttle::breakers::{BlockedRow, Circuit, CircuitBreakers, RowAtWork};
use crate::throttle::pacer::Pacer;
use crate::throttle::quota::Urgency;

pub(super) use judged::{Leave, Pause, RequestOwner};
pub(super) use reads::Attempt;
pub(super) use upload::Unput;

/// Sender of requests, shared by all rows of a run.
pub(super) struct Requests<'a, D> {
    destination: &'a D,
    pacer: Pacer,
    breakers: CircuitBreakers,
    max_outage: Duration,
    slots: Slots,
    /// Name of the destination in the results.
    label: String,
    /// Look-up that worked: the keys are good if it works again.
    good: Mutex<Option<ProvenLookUp<D>>>,
    turns: Turns<'a, D>,
    events: &'a Events,
    /// Fence checked before each request with an effect. `None` in runs without such requests.
    fence: Option<&'a dyn Fence>,
}

/// Check of the journal: fails once the journal is no longer where the next run will read it. Hours
/// may pass between a line and the request announced by the line, or between a request and its
/// repetition.
trait Fence {
    /// Checks the place of the journal.
    fn look_through(&self) -> BoxFuture<'_, Result<(), JournalClosed>>;
}

impl<J: Journal> Fence for J {
    fn look_through(&self) -> BoxFuture<'_, Result<(), JournalClosed>> {
        self.look().boxed()
    }
}

/// Failure of a request. The request may have had an effect only after [`Self::Unknown`],
/// [`Self::GivenUp`] and [`Self::HaltUnknown`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unmet {
    /// The run stops.
    Halt(Halt),
    /// The run stops, and the effect of the request is unknown.
    HaltUnknown(Halt),
    /// The request was not sent, and the wait after the failure is over.
    NotSent,
    /// The effect of the request is unknown.
    Unknown(String),
    /// The effect of the request is unknown, and the row is given up for the run.
    GivenUp(String),
    /// The keys are good, but lack the rights for the request.
    Forbidden(String),
    /// The service refuses the request.
    Refused(String),
}

impl Unmet {
    /// Returns the cause of the failure in words. Fails with the [`Halt`] of a failure that stops
    /// the run.
    pub(super) fn words(self) -> Result<String, Halt> {
        match self {
            Self::Halt(halt) | Self::HaltUnknown(halt) => Err(halt),
            Self::NotSent => Ok("it could not be asked".to_owned()),
            Self::Unknown(why) | Self::GivenUp(why) | Self::Forbidden(why) | Self::Refused(why) => {
                Ok(why)
            }
        }
    }
}

impl From<Halt> for Unmet {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// Failure of a request, before the consequence for the row is decided.
enum Lost {
    /// The request was not sent.
    NotSent(String),
    /// The service answered 429: too many requests.
    Throttled,
    /// The effect of the request is unknown.
    Unanswered(String),
    /// The failure is definite, or stops the run.
    Definite(Unmet),
}

impl Lost {
    /// Classifies a failure. `keys` tells a row without rights from rejected keys.
    fn of(failure: Failure, keys: Keys) -> Self {
        Self::Definite(match failure {
            Failure::NotSent(why) => return Self::NotSent(why),
            Failure::Unanswered(why) => return Self::Unanswered(why),
            Failure::Throttled { .. } => return Self::Throttled,
            Failure::Denied(why) if keys == Keys::Good => Unmet::Forbidden(why),
            Failure::Denied(why) => Unmet::Halt(Halt::Denied(why)),
            Failure::Refused(why) | Failure::Intercepted(why) => Unmet::Refused(why),
            Failure::Hopeless(why) => Unmet::Halt(Halt::Hopeless(why)),
            Failure::Withheld => Unmet::Halt(Halt::Journal),
        })
    }
}

impl<'a, D: Destination> Requests<'a, D> {
    pub(super) fn new(destination: &'a D, settings: &Settings, events: &'a Events) -> Self {
        Self {
            destination,
            pacer: Pacer::new(settings.rate),
            breakers: CircuitBreakers::new(
                settings.max_outage,
                settings.first_answer,
                settings.seed,
            ),
            max_outage: settings.max_outage,
            slots: Slots::new(settings.concurrency),
            label: settings.destination.clone(),
            good: Mutex::new(None),
            turns: Turns::new(destination, events),
            events,
            fence: None,
        }
    }

    /// Adds the fence: no request with an effect is sent once the journal has lost its place.
    pub(super) fn fenced_by<J: Journal>(self, journal: &'a J) -> Self {
        Self {
            fence: Some(journal),
            ..self
        }
    }

    /// Checks the fence before a request with an effect.
    async fn look_through_fence(&self) -> Result<(), JournalClosed> {
        match self.fence {
            Some(fence) => fence.look_through().await,
            None => Ok(()),
        }
    }

    /// Sends a request with an effect. Repeats the request only if the first certainly had no
    /// effect.
    pub(super) async fn change<T>(
        &self,
        owner: RequestOwner,
        leave: Leave,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let sort = Sort::Change;
        match self.unless_denied(owner, sort, leave, &request).await {
            Ok(answer) => Ok(answer),
            Err(lost) => Err(self.unmet(owner, lost).await),
        }
    }

    /// Sends a request, and again only if the request certainly had no effect: after 429, and once
    /// more after a denial if the keys are not rejected.
    async fn unless_denied<T>(
        &self,
        owner: RequestOwner,
        sort: Sort,
        leave: Leave,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Lost> {
        let failure = match self.unthrottled(owner, sort, leave, request).await {
            Ok(answer) => return Ok(answer),
            Err(Failure::Denied(_)) => {
                let keys = self.examine_keys(owner).await.map_err(Lost::Definite)?;
                let again = self.unthrottled(owner, sort, Leave::Given, request).await;
                return again.map_err(|failure| Lost::of(failure, keys));
            }
            Err(failure) => failure,
        };
        Err(Lost::of(failure, Keys::Unproven))
    }

    /// Sends a request that must follow from the newest answer: once, even where the request
    /// certainly had no effect.
    pub(super) async fn change_once<T>(
        &self,
        owner: RequestOwner,
        leave: Leave,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let sort = Sort::Change;
        let failure = match self.in_turn(owner, sort, leave, &request).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let keys = match failure {
            Failure::Denied(_) => self.examine_keys(owner).await?,
            _ => Keys::Unproven,
        };
        Err(self.unmet(owner, Lost::of(failure, keys)).await)
    }

    /// Decides the consequence of a failed change for its row. After a request that was not sent,
    /// the wait is over on return.
    async fn unmet(&self, owner: RequestOwner, lost: Lost) -> Unmet {
        let (suspect, why) = match lost {
            Lost::Definite(unmet) => return unmet,
            Lost::Throttled => return Unmet::NotSent,
            Lost::NotSent(why) => (Suspect::Service, why),
            Lost::Unanswered(why) => (Suspect::Row(owner.row), why),
        };
        let judged = self.pause(Circuit::Changes, suspect, why.clone());
        match (judged, suspect) {
            (Err(Unmet::Halt(halt)), Suspect::Row(_)) => Unmet::HaltUnknown(halt),
            (Err(unmet), _) => unmet,
            (Ok(_), Suspect::Row(_)) => Unmet::Unknown(why),
            (Ok(Pause::Own(time)), Suspect::Service) => {
                sleep(time).await;
                Unmet::NotSent
            }
            // The next request needs a new permission.
            (Ok(Pause::OfAll(_)), Suspect::Service) => Unmet::NotSent,
        }
    }

    /// Repeats a look-up that worked before, after the service has denied a request.
    async fn examine_keys(&self, owner: RequestOwner) -> Result<Keys, Unmet> {
        let Some(good) = lock(&self.good).clone() else {
            return Ok(Keys::Unproven);
        };
        let mut leave = Leave::Needed;
        let sort = Sort::Read(Urgency::Urgent);
        let ask = async |service: &D| good.ask(service).await;
        loop {
            match self.unthrottled(owner, sort, leave, &ask).await {
                Err(Failure::Denied(why)) => return Err(Unmet::Halt(Halt::Denied(why))),
                Err(Failure::NotSent(why) | Failure::Unanswered(why)) => {
                    // The look-up is about another row, so the failure is not the row's own.
                    let pause = self.pause(Circuit::Reads, Suspect::Service, why)?;
                    self.wait_for_leave(owner, Circuit::Reads, pause).await;
                    leave = Leave::Given;
                }
                Err(Failure::Hopeless(why)) => return Err(Unmet::Halt(Halt::Hopeless(why))),
                Err(Failure::Withheld) => return Err(Unmet::Halt(Halt::Journal)),
                Ok(())
                | Err(Failure::Refused(_) | Failure::Intercepted(_) | Failure::Throttled { .. }) => {
                    return Ok(Keys::Good);
                }
            }
        }
    }

    /// Sends a request in its turn, and again while the answer is 429.
    async fn unthrottled<T>(
        &self,
        owner: RequestOwner,
        sort: Sort,
        mut leave: Leave,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            match self.in_turn(owner, sort, leave, request).await {
                Err(Failure::Throttled { .. }) => leave = Leave::Given,
                answer => return answer,
            }
        }
    }

    /// Sends a request once, after the permission, the quota, the pacer and the fence.
    async fn in_turn<T>(
        &self,
        owner: RequestOwner,
        sort: Sort,
        leave: Leave,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let circuit = match sort {
            Sort::Read(_) => Circuit::Reads,
            Sort::Change => Circuit::Changes,
        };
        if leave == Leave::Needed {
            self.leave(owner, circuit).await;
        }
        let share = self.turns.share(sort).await;
        let turn = self.pacer.turn().await;
        if sort == Sort::Change && self.look_through_fence().await.is_err() {
            return Err(Failure::Withheld);
        }
        let answer = request(self.destination).await;
        drop((turn, share));
        self.events.send(Event::Request(sort.kind()));
        match &answer {
            Err(Failure::Throttled { retry_after }) => {
                let (kind, wait) = match self.destination.budget(sort.kind()) {
                    Some(budget) => (Some(sort.kind()), budget.refused(*retry_after)),
                    None => (None, self.pacer.throttled(*retry_after)),
                };
                self.events.send(Event::Throttled { kind, wait });
            }
            Ok(_) | Err(Failure::Denied(_) | Failure::Refused(_)) => {
                self.note_answer(circuit, owner);
            }
            Err(_) => {}
        }
        answer
    }

    /// Returns the wait for deferrable reads where little is left of their budget.
    pub(super) fn reads_can_wait_for(&self) -> Option<Duration> {
        self.turns.reads_can_wait_for()
    }

    /// Waits for the turn of a new job. The turn is held until the job is made.
    pub(super) async fn turn_of_a_job(&self) -> Result<JobTurn<'_>, Halt> {
        self.turns.of_a_job().await
    }

    /// Ends all waits for the turn of a new job.
    pub(super) fn end(&self) {
        self.turns.end();
    }

    /// Returns the upload slots of the run.
    pub(super) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Counts a row as able to show that a failure is another row's own, while the result is alive.
    pub(super) fn at_work(&self, row: usize) -> RowAtWork<'_> {
        self.breakers.at_work(row)
    }

    /// Counts a row as unable to do anything before another row ends, while the result is alive.
    pub(super) fn blocked(&self, row: usize) -> BlockedRow<'_> {
        self.breakers.blocked(row)
    }

    /// Notes that no further row will start.
    pub(super) fn no_more_to_come(&self) {
        self.slots.no_more_to_come();
        self.breakers.no_more_to_come();
    }
}

/// Look-up that worked, and the function that repeats the look-up.
enum ProvenLookUp<D> {
    ByExternalId(ExternalId, AskAgain<D, ExternalId>),
    ById(AttachmentId, AskAgain<D, AttachmentId>),
}

/// Function that repeats a look-up by `K`, only to learn whether the service answers.
type AskAgain<D, K> = for<'s> fn(&'s D, &'s K) -> BoxFuture<'s, Result<(), Failure>>;

impl<D> Clone for ProvenLookUp<D> {
    fn clone(&self) -> Self {
        match self {
            Self::ByExternalId(key, ask) => Self::ByExternalId(key.clone(), *ask),
            Self::ById(key, ask) => Self::ById(key.clone(), *ask),
        }
    }
}

impl<D> ProvenLookUp<D> {
    async fn ask(&self, service: &D) -> Result<(), Failure> {
        match self {
            Self::ByExternalId(key, ask) => ask(service, key).await,
            Self::ById(key, ask) => ask(service, key).await,
        }
    }
}

/// Validity of the keys after the service has denied a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// A look-up with the keys has just worked.
    Good,
    /// No look-up with the keys has worked yet.
    Unproven,
}
