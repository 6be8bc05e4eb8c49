//! How a request is sent: at the pace of the service, waiting while it is away, and repeated only
//! where that is safe. The one place that decides about repetition.

pub(super) mod archive;
pub(super) mod files;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use self::files::Reach;
use super::turns::{JobTurn, Sort, Turns};
use super::weather::{Forecast, Weather};
use super::{Halt, Settings};
use crate::destination::{Destination, Failure, Presence, PutFailure, Receipt, UnsafeTarget};
use crate::event::{Event, Events};
use crate::http::budget::Urgency;
use crate::http::pacer::Pacer;
use crate::model::{AttachmentId, Content, ExternalId};
use crate::results::journal::{Journal, JournalClosed};
use crate::source::Source;
use crate::sync::lock;

/// So often may a row's own request stay without an answer while those of others get one.
const OWN_FAILURES: u32 = 6;

/// What all rows send their requests through.
pub(super) struct Requests<'a, D> {
    destination: &'a D,
    pacer: Pacer,
    api: Weather,
    storage: Weather,
    max_outage: Duration,
    /// A look-up that worked: if it still does, the keys are good.
    good: Mutex<Option<Probe>>,
    turns: Turns<'a, D>,
    events: &'a Events,
    /// Looked through before each request that changes something; none where there is none such.
    fence: Option<&'a dyn Fence>,
}

/// Tells whether the journal is still where the next run will read it. Hours may pass between a line
/// and the request that it announces, or between a request and its repetition.
trait Fence {
    fn look_through(&self) -> BoxFuture<'_, Result<(), JournalClosed>>;
}

impl<J: Journal> Fence for J {
    fn look_through(&self) -> BoxFuture<'_, Result<(), JournalClosed>> {
        self.look().boxed()
    }
}

/// Why a request gave nothing. Only after [`Self::Unknown`] may it have had an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unmet {
    /// The run is to stop.
    Halt(Halt),
    /// It was not sent, and the wait that follows from that is over.
    NotSent,
    /// Nobody knows whether it had an effect.
    Unknown(String),
    /// The keys are good, but not for this.
    Forbidden(String),
    /// The service does not want it.
    Refused(String),
}

impl Unmet {
    /// Why there is no answer, unless the run is to stop for it.
    pub(super) fn words(self) -> Result<String, Halt> {
        match self {
            Self::Halt(halt) => Err(halt),
            Self::NotSent => Ok("it could not be asked".to_owned()),
            Self::Unknown(why) | Self::Forbidden(why) | Self::Refused(why) => Ok(why),
        }
    }
}

/// Why bytes were not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unput {
    /// The run is to stop.
    Halt(Halt),
    /// The address is no longer valid.
    Expired,
    /// Nobody was there to take them; the same address may be used again.
    NotSent,
    /// They were lost on the way; the same address may be used again.
    Again,
    /// Nobody is ever there to take them, while those of others get through.
    OutOfReach(String),
    /// They are lost on the way each time, while those of others get through.
    GivenUp(String),
    /// The storage does not want them.
    Refused(String),
    /// The file is not what was checked.
    SourceChanged(String),
    /// The address is not for this file.
    Unsafe(UnsafeTarget),
    /// The file cannot be read, although its folder is there.
    Unreadable(String),
}

impl From<Halt> for Unmet {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<Halt> for Unput {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// Counts the failures of one row's request that are the row's own: those between which others
/// had success.
#[derive(Debug, Default)]
pub(super) struct OwnFailures {
    count: u32,
    successes_then: Option<u64>,
}

impl OwnFailures {
    fn are_too_many(&mut self, weather: &Weather) -> bool {
        let successes = weather.successes();
        if self.successes_then.is_none_or(|then| then < successes) {
            self.count += 1;
        }
        self.successes_then = Some(successes);
        self.count > OWN_FAILURES
    }
}

impl<'a, D: Destination> Requests<'a, D> {
    pub(super) fn new(destination: &'a D, settings: &Settings, events: &'a Events) -> Self {
        Self {
            destination,
            pacer: Pacer::new(settings.rate),
            api: Weather::new(settings.seed),
            storage: Weather::new(!settings.seed),
            max_outage: settings.max_outage,
            good: Mutex::new(None),
            turns: Turns::new(destination, events),
            events,
            fence: None,
        }
    }

    /// Sends nothing that changes something once the journal has lost its place.
    pub(super) fn fenced_by<J: Journal>(self, journal: &'a J) -> Self {
        Self {
            fence: Some(journal),
            ..self
        }
    }

    /// Whether what is about to change something may be sent.
    async fn look_through_fence(&self) -> Result<(), JournalClosed> {
        match self.fence {
            Some(fence) => fence.look_through().await,
            None => Ok(()),
        }
    }

    /// Sends a request that changes nothing, as often as it takes.
    async fn ask<T>(
        &self,
        urgency: Urgency,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let mut own = OwnFailures::default();
        loop {
            match self.unless_denied(Sort::Read(urgency), &request).await {
                Err(Unmet::NotSent) => {}
                Err(Unmet::Unknown(why)) => self.wait_for_answers(&mut own, why).await?,
                answer => return answer,
            }
        }
    }

    /// A look-up by `external_id`, which also shows that the keys are good.
    pub(super) async fn find(
        &self,
        external_id: &ExternalId,
    ) -> Result<Presence<D::Target>, Unmet> {
        let find = async |service: &D| service.find(external_id).await;
        let presence = self.ask(Urgency::Urgent, find).await?;
        *lock(&self.good) = Some(Probe::Find(external_id.clone()));
        Ok(presence)
    }

    /// A look-up by the service's own id, which also shows that the keys are good.
    pub(super) async fn get(&self, id: &AttachmentId) -> Result<Presence<D::Target>, Unmet> {
        self.job(id, Urgency::Urgent).await
    }

    /// The same of a job, which may be able to wait.
    pub(super) async fn job(
        &self,
        id: &AttachmentId,
        urgency: Urgency,
    ) -> Result<Presence<D::Target>, Unmet> {
        let get = async |service: &D| service.get(id).await;
        let presence = self.ask(urgency, get).await?;
        *lock(&self.good) = Some(Probe::Get(id.clone()));
        Ok(presence)
    }

    /// Looks many attachments up at once.
    pub(super) async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence<D::Target>>, Unmet> {
        let list = async |service: &D| service.list(ids).await;
        self.ask(Urgency::Urgent, list).await
    }

    /// Sends a request whose effect counts: once, unless it is certain that it had none.
    pub(super) async fn change<T>(
        &self,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        self.unless_denied(Sort::Change, &request).await
    }

    /// Sends a request once, unless it is certain that it had no effect, and once more where the
    /// service denies it.
    async fn unless_denied<T>(
        &self,
        sort: Sort,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let (failure, keys) = match self.unthrottled(sort, request).await {
            Ok(answer) => return Ok(answer),
            Err(Failure::Denied(_)) => {
                let keys = self.examine_keys().await?;
                match self.unthrottled(sort, request).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => (failure, keys),
                }
            }
            Err(failure) => (failure, Keys::Unproven),
        };
        Err(self.unmet(failure, keys).await)
    }

    /// Sends a request that has to follow from the newest answer: once, and not again even where
    /// it is certain that it had no effect.
    pub(super) async fn change_once<T>(
        &self,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let failure = match self.in_turn(Sort::Change, &request).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let keys = match failure {
            Failure::Denied(_) => self.examine_keys().await?,
            _ => Keys::Unproven,
        };
        Err(self.unmet(failure, keys).await)
    }

    /// What a failure means for the row, once the wait that follows from it is over.
    async fn unmet(&self, failure: Failure, keys: Keys) -> Unmet {
        match failure {
            Failure::NotSent(why) => match self.wait_after(&self.api, why).await {
                Ok(()) => Unmet::NotSent,
                Err(halt) => halt.into(),
            },
            Failure::Unanswered(why) => Unmet::Unknown(why),
            Failure::Denied(why) if keys == Keys::Good => Unmet::Forbidden(why),
            Failure::Denied(why) => Unmet::Halt(Halt::Denied(why)),
            Failure::Refused(why) | Failure::Intercepted(why) => Unmet::Refused(why),
            Failure::Hopeless(why) => Unmet::Halt(Halt::Hopeless(why)),
            Failure::Throttled { .. } => Unmet::NotSent,
            Failure::Withheld => Unmet::Halt(Halt::Journal),
        }
    }

    /// Repeats a look-up that worked before, after the service has denied something.
    async fn examine_keys(&self) -> Result<Keys, Unmet> {
        let Some(good) = lock(&self.good).clone() else {
            return Ok(Keys::Unproven);
        };
        loop {
            match self
                .unthrottled(Sort::Read(Urgency::Urgent), &async |service: &D| {
                    good.ask(service).await
                })
                .await
            {
                Err(Failure::Denied(why)) => return Err(Unmet::Halt(Halt::Denied(why))),
                Err(Failure::NotSent(why) | Failure::Unanswered(why)) => {
                    self.wait_after(&self.api, why).await?;
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

    /// Sends a request in its turn, and again as long as the answer is 429.
    async fn unthrottled<T>(
        &self,
        sort: Sort,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            match self.in_turn(sort, request).await {
                Err(Failure::Throttled { .. }) => {}
                answer => return answer,
            }
        }
    }

    /// Sends a request in its turn.
    async fn in_turn<T>(
        &self,
        sort: Sort,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.api.clear().await;
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
            Ok(_) | Err(Failure::Denied(_) | Failure::Refused(_)) => self.note_answer(&self.api),
            Err(_) => {}
        }
        answer
    }

    /// How long questions that can wait should, because little is left of the budget for them.
    pub(super) fn reads_can_wait_for(&self) -> Option<Duration> {
        self.turns.reads_can_wait_for()
    }

    /// Waits for the turn of a new job, and until the storage is there, as far as is known. Held
    /// until the job is made.
    pub(super) async fn turn_of_a_job(&self) -> Result<JobTurn<'_>, Halt> {
        self.turns.of_a_job(self.storage.clear()).await
    }

    /// Lets nobody wait any longer for something to begin with.
    pub(super) fn end(&self) {
        self.turns.end();
    }

    /// Waits after a request of a row that stayed without an answer, unless those of others get
    /// theirs.
    pub(super) async fn wait_for_answers(
        &self,
        own: &mut OwnFailures,
        why: String,
    ) -> Result<(), Unmet> {
        if own.are_too_many(&self.api) {
            return Err(Unmet::Unknown(why));
        }
        Ok(self.wait_after(&self.api, why).await?)
    }

    /// Waits until the storage is there, as far as is known.
    pub(super) async fn storage_is_there(&self) {
        self.storage.clear().await;
    }

    /// Sends bytes, once. After an interruption the time to wait has been waited.
    pub(super) async fn put(
        &self,
        target: &D::Target,
        source: &Source,
        content: &Content,
        own: &mut OwnFailures,
    ) -> Result<Receipt, Unput> {
        let looked = self.look_through_fence().await;
        looked.map_err(|_| Halt::Journal)?;
        let sent = |bytes| self.events.send(Event::Sent(bytes));
        let answer = self.destination.put(target, source, content, &sent).await;
        match answer {
            Err(PutFailure::NotSent(why)) => {
                if own.are_too_many(&self.storage) {
                    return Err(Unput::OutOfReach(why));
                }
                self.wait_after(&self.storage, why).await?;
                Err(Unput::NotSent)
            }
            Err(PutFailure::Interrupted(why)) => {
                if own.are_too_many(&self.storage) {
                    return Err(Unput::GivenUp(why));
                }
                self.wait_after(&self.storage, why).await?;
                Err(Unput::Again)
            }
            Err(PutFailure::Hopeless(why)) => Err(Unput::Halt(Halt::Hopeless(why))),
            Err(PutFailure::SourceChanged(why)) => Err(Unput::SourceChanged(why)),
            Err(PutFailure::Unsafe(why)) => Err(Unput::Unsafe(why)),
            Err(PutFailure::SourceUnreadable(why)) => match self.reach(source).await? {
                Reach::There => Err(Unput::Unreadable(why)),
                Reach::Back => Err(Unput::NotSent),
            },
            Ok(receipt) => {
                self.note_answer(&self.storage);
                Ok(receipt)
            }
            Err(PutFailure::Expired) => {
                self.note_answer(&self.storage);
                Err(Unput::Expired)
            }
            Err(PutFailure::Refused(why)) => {
                self.note_answer(&self.storage);
                Err(Unput::Refused(why))
            }
        }
    }

    fn note_answer(&self, weather: &Weather) {
        if weather.answered() {
            self.events.send(Event::Back);
        }
    }

    async fn wait_after(&self, weather: &Weather, why: String) -> Result<(), Halt> {
        let forecast = weather.failed();
        if weather.away_for() >= self.max_outage {
            return Err(Halt::Outage(why));
        }
        match forecast {
            Forecast::Alone(wait) => tokio::time::sleep(wait).await,
            Forecast::Together(wait) => {
                self.events.send(Event::Away { why, wait });
                weather.clear().await;
            }
        }
        Ok(())
    }
}

/// A look-up that can be repeated.
#[derive(Debug, Clone)]
enum Probe {
    Find(ExternalId),
    Get(AttachmentId),
}

impl Probe {
    async fn ask<D: Destination>(&self, service: &D) -> Result<(), Failure> {
        match self {
            Self::Find(external_id) => service.find(external_id).await.map(|_| ()),
            Self::Get(id) => service.get(id).await.map(|_| ()),
        }
    }
}

/// What is known of the keys after the service has denied something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// A look-up with them has just worked.
    Good,
    /// Nothing has worked with them yet.
    Unproven,
}
