//! Sender of all requests: at the pace of the service, with waits during an outage, and with
//! repetition where a repetition is safe. No other module decides about repetition.
//!
//! Open this file first: changes, and the judgement of their failures. `reads` has the requests
//! without effects, [`attachment_reads`], `job_reads` and `object_reads` the look-ups,
//! `upload_attempt` the bytes, `send_permission` permissions and pauses, [`files_folder`] the wait for
//! the folder of the files, and [`source_tries`] the tries of a single file.

pub(super) mod attachment_reads;
pub(super) mod files_folder;
mod job_reads;
mod object_reads;
mod reads;
mod send_permission;
pub(super) mod source_tries;
mod upload_attempt;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::sleep;

use super::quota_gate::{JobTurn, QuotaGate, RequestClass};
use super::upload_slots::UploadSlots;
use super::{HaltReason, RunSettings};
use crate::destination::Destination;
use crate::event::{EventSender, RunEvent};
use crate::http::{ApiFailure, RequestRefusal};
use crate::model::{AttachmentId, ExternalId, ObjectRef};
use crate::mutex::lock_despite_poison;
use crate::results::journal::{Journal, JournalClosed};
use crate::throttle::FailureSuspect;
use crate::throttle::pacer::Pacer;
use crate::throttle::quota::RequestUrgency;
use crate::throttle::run_breakers::{BlockedRow, CircuitBreakers, CircuitKind, RowAtWork};

pub(super) use reads::ReadAttempt;
pub(super) use send_permission::{RequestOwner, RetryPause, SendPermission};
pub(super) use upload_attempt::UploadFailure;

/// Sender of requests, shared by all rows of a run.
pub(super) struct RequestSender<'a, D> {
    destination: &'a D,
    pacer: Arc<Pacer>,
    breakers: CircuitBreakers,
    max_outage: Duration,
    slots: UploadSlots,
    /// Name of the destination in the results.
    destination_label: String,
    /// Look-up that worked: the keys are good if it works again.
    proven_look_up: Mutex<Option<ProvenLookUp<D>>>,
    quota_gate: QuotaGate<'a, D>,
    events: &'a EventSender,
    /// Fence checked before each request with an effect. `None` in runs without such requests.
    fence: Option<&'a dyn JournalFence>,
}

/// Check of the journal: fails once the journal is no longer where the next run will read it. Hours
/// may pass between a line and the request announced by the line, or between a request and its
/// repetition.
trait JournalFence {
    /// Checks that the journal is still at its path.
    fn check_journal(&self) -> BoxFuture<'_, Result<(), JournalClosed>>;
}

impl<J: Journal> JournalFence for J {
    fn check_journal(&self) -> BoxFuture<'_, Result<(), JournalClosed>> {
        self.check_in_place().boxed()
    }
}

/// Failure of a request. The request may have had an effect only after [`Self::EffectUnknown`],
/// [`Self::GivenUp`] and [`Self::HaltEffectUnknown`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestFailure {
    /// The run stops.
    Halt(HaltReason),
    /// The run stops, and the effect of the request is unknown.
    HaltEffectUnknown(HaltReason),
    /// The request was not sent, and the wait after the failure is over.
    NotSent,
    /// The effect of the request is unknown.
    EffectUnknown(String),
    /// The effect of the request is unknown, and the row is given up for the run.
    GivenUp(String),
    /// The keys are good, but lack the rights for the request.
    Forbidden(String),
    /// The service refuses the request.
    Refused(RequestRefusal),
}

impl RequestFailure {
    /// Returns the cause of the failure in words. Fails with the [`HaltReason`] of a failure that
    /// stops the run.
    pub(super) fn into_message(self) -> Result<String, HaltReason> {
        match self {
            Self::Halt(halt) | Self::HaltEffectUnknown(halt) => Err(halt),
            Self::NotSent => Ok("the request could not be sent".to_owned()),
            Self::EffectUnknown(why) | Self::GivenUp(why) | Self::Forbidden(why) => Ok(why),
            Self::Refused(refusal) => Ok(refusal.message),
        }
    }
}

impl From<HaltReason> for RequestFailure {
    fn from(halt: HaltReason) -> Self {
        Self::Halt(halt)
    }
}

/// Failure of a request, before the consequence for the row is decided.
enum UnjudgedFailure {
    /// The request was not sent.
    NotSent(String),
    /// The service answered 429: too many requests.
    Throttled,
    /// The effect of the request is unknown.
    Unanswered(String),
    /// The failure is definite, or stops the run.
    Judged(RequestFailure),
}

impl UnjudgedFailure {
    /// Classifies a failure. `keys` distinguishes a row without rights from rejected keys.
    fn from_failure(failure: ApiFailure, keys: KeyValidity) -> Self {
        Self::Judged(match failure {
            ApiFailure::NotSent(why) => return Self::NotSent(why),
            ApiFailure::Unanswered(why) => return Self::Unanswered(why),
            ApiFailure::Throttled { .. } => return Self::Throttled,
            ApiFailure::Denied(why) if keys == KeyValidity::Proven => {
                RequestFailure::Forbidden(why)
            }
            ApiFailure::Denied(why) => RequestFailure::Halt(HaltReason::KeysRejected(why)),
            ApiFailure::Refused(refusal) => RequestFailure::Refused(refusal),
            ApiFailure::Intercepted(why) => RequestFailure::Refused(RequestRefusal::other(why)),
            ApiFailure::NeverPossible(why) => RequestFailure::Halt(HaltReason::NeverPossible(why)),
            ApiFailure::Withheld => RequestFailure::Halt(HaltReason::JournalUnusable),
        })
    }
}

impl<'a, D: Destination> RequestSender<'a, D> {
    pub(super) fn new(destination: &'a D, settings: &RunSettings, events: &'a EventSender) -> Self {
        Self {
            destination,
            pacer: Arc::clone(&settings.pacer),
            breakers: CircuitBreakers::new(
                settings.max_outage,
                settings.earlier_answer,
                settings.seed,
            ),
            max_outage: settings.max_outage,
            slots: UploadSlots::new(settings.rows_at_once),
            destination_label: settings.destination.clone(),
            proven_look_up: Mutex::new(None),
            quota_gate: QuotaGate::new(destination, events),
            events,
            fence: None,
        }
    }

    /// Adds the fence: no request with an effect is sent once the journal is displaced.
    pub(super) fn with_fence<J: Journal>(self, journal: &'a J) -> Self {
        Self {
            fence: Some(journal),
            ..self
        }
    }

    /// Checks the fence before a request with an effect.
    async fn check_fence(&self) -> Result<(), JournalClosed> {
        match self.fence {
            Some(fence) => fence.check_journal().await,
            None => Ok(()),
        }
    }

    /// Sends a request with an effect. Repeats the request only if the first certainly had no
    /// effect.
    pub(super) async fn send_change<T>(
        &self,
        owner: RequestOwner,
        leave: SendPermission,
        request: impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, RequestFailure> {
        let request_class = RequestClass::Change;
        match self
            .send_checking_keys(owner, request_class, leave, &request)
            .await
        {
            Ok(answer) => Ok(answer),
            Err(lost) => Err(self.judge_change_failure(owner, lost).await),
        }
    }

    /// Sends a request, and again only if the request certainly had no effect: after 429, and once
    /// more after a denial if the keys are not rejected.
    async fn send_checking_keys<T>(
        &self,
        owner: RequestOwner,
        request_class: RequestClass,
        leave: SendPermission,
        request: &impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, UnjudgedFailure> {
        let failure = match self
            .send_until_not_throttled(owner, request_class, leave, request)
            .await
        {
            Ok(answer) => return Ok(answer),
            Err(ApiFailure::Denied(_)) => {
                let keys = self
                    .examine_keys(owner)
                    .await
                    .map_err(UnjudgedFailure::Judged)?;
                let again = self
                    .send_until_not_throttled(
                        owner,
                        request_class,
                        SendPermission::Granted,
                        request,
                    )
                    .await;
                return again.map_err(|failure| UnjudgedFailure::from_failure(failure, keys));
            }
            Err(failure) => failure,
        };
        Err(UnjudgedFailure::from_failure(
            failure,
            KeyValidity::Unproven,
        ))
    }

    /// Sends a request that must follow from the newest answer: once, even where the request
    /// certainly had no effect.
    pub(super) async fn send_change_once<T>(
        &self,
        owner: RequestOwner,
        leave: SendPermission,
        request: impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, RequestFailure> {
        let request_class = RequestClass::Change;
        let failure = match self
            .send_in_turn(owner, request_class, leave, &request)
            .await
        {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let keys = match failure {
            ApiFailure::Denied(_) => self.examine_keys(owner).await?,
            _ => KeyValidity::Unproven,
        };
        Err(self
            .judge_change_failure(owner, UnjudgedFailure::from_failure(failure, keys))
            .await)
    }

    /// Decides the consequence of a failed change for its row. After a request that was not sent,
    /// the wait is over on return.
    async fn judge_change_failure(
        &self,
        owner: RequestOwner,
        lost: UnjudgedFailure,
    ) -> RequestFailure {
        let (suspect, why) = match lost {
            UnjudgedFailure::Judged(unmet) => return unmet,
            UnjudgedFailure::Throttled => return RequestFailure::NotSent,
            UnjudgedFailure::NotSent(why) => (FailureSuspect::Service, why),
            UnjudgedFailure::Unanswered(why) => (FailureSuspect::Row(owner.row), why),
        };
        let judged = self.register_failure(CircuitKind::Changes, suspect, why.clone());
        match (judged, suspect) {
            (Err(RequestFailure::Halt(halt)), FailureSuspect::Row(_)) => {
                RequestFailure::HaltEffectUnknown(halt)
            }
            (Err(unmet), _) => unmet,
            (Ok(_), FailureSuspect::Row(_)) => RequestFailure::EffectUnknown(why),
            (Ok(RetryPause::OwnRow(time)), FailureSuspect::Service) => {
                sleep(time).await;
                RequestFailure::NotSent
            }
            // The next request needs a new permission.
            (Ok(RetryPause::AllRows(_)), FailureSuspect::Service) => RequestFailure::NotSent,
        }
    }

    /// Repeats a look-up that worked before, after the service has denied a request.
    async fn examine_keys(&self, owner: RequestOwner) -> Result<KeyValidity, RequestFailure> {
        let Some(good) = lock_despite_poison(&self.proven_look_up).clone() else {
            return Ok(KeyValidity::Unproven);
        };
        let mut leave = SendPermission::Needed;
        let request_class = RequestClass::Read(RequestUrgency::Urgent);
        let ask = async |service: &D| good.repeat(service).await;
        loop {
            match self
                .send_until_not_throttled(owner, request_class, leave, &ask)
                .await
            {
                Err(ApiFailure::Denied(why)) => {
                    return Err(RequestFailure::Halt(HaltReason::KeysRejected(why)));
                }
                Err(ApiFailure::NotSent(why) | ApiFailure::Unanswered(why)) => {
                    // The look-up is about another row, so the failure is not the row's own.
                    let pause =
                        self.register_failure(CircuitKind::Reads, FailureSuspect::Service, why)?;
                    self.wait_before_retry(owner, CircuitKind::Reads, pause)
                        .await;
                    leave = SendPermission::Granted;
                }
                Err(ApiFailure::NeverPossible(why)) => {
                    return Err(RequestFailure::Halt(HaltReason::NeverPossible(why)));
                }
                Err(ApiFailure::Withheld) => {
                    return Err(RequestFailure::Halt(HaltReason::JournalUnusable));
                }
                Ok(())
                | Err(
                    ApiFailure::Refused(_)
                    | ApiFailure::Intercepted(_)
                    | ApiFailure::Throttled { .. },
                ) => {
                    return Ok(KeyValidity::Proven);
                }
            }
        }
    }

    /// Sends a request when permission, quota and pacer allow, and again while the answer is 429.
    async fn send_until_not_throttled<T>(
        &self,
        owner: RequestOwner,
        request_class: RequestClass,
        mut leave: SendPermission,
        request: &impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, ApiFailure> {
        loop {
            match self
                .send_in_turn(owner, request_class, leave, request)
                .await
            {
                Err(ApiFailure::Throttled { .. }) => leave = SendPermission::Granted,
                answer => return answer,
            }
        }
    }

    /// Sends a request once, after the permission, the quota, the pacer and the fence.
    async fn send_in_turn<T>(
        &self,
        owner: RequestOwner,
        request_class: RequestClass,
        leave: SendPermission,
        request: &impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, ApiFailure> {
        let circuit = match request_class {
            RequestClass::Read(_) => CircuitKind::Reads,
            RequestClass::Change => CircuitKind::Changes,
        };
        if leave == SendPermission::Needed {
            self.wait_for_permission(owner, circuit).await;
        }
        let share = self.quota_gate.wait_for_quota(request_class).await;
        let turn = self.pacer.acquire().await;
        if request_class == RequestClass::Change && self.check_fence().await.is_err() {
            return Err(ApiFailure::Withheld);
        }
        let answer = request(self.destination).await;
        drop((turn, share));
        self.events
            .send(RunEvent::RequestEnded(request_class.budget_kind()));
        match &answer {
            Err(ApiFailure::Throttled { retry_after }) => {
                let (kind, wait) = match self.destination.budget(request_class.budget_kind()) {
                    Some(budget) => (
                        Some(request_class.budget_kind()),
                        budget.note_throttled(*retry_after),
                    ),
                    None => (None, self.pacer.note_throttled(*retry_after)),
                };
                self.events.send(RunEvent::Throttled { kind, wait });
            }
            Ok(_) | Err(ApiFailure::Denied(_) | ApiFailure::Refused(_)) => {
                self.note_answer(circuit, owner);
            }
            Err(_) => {}
        }
        answer
    }

    /// Returns the wait for deferrable reads where little is left of their budget.
    pub(super) fn deferrable_read_wait(&self) -> Option<Duration> {
        self.quota_gate.deferrable_read_wait()
    }

    /// Waits for the turn of a new job. The turn is held until the job is made.
    pub(super) async fn wait_for_job_turn(&self) -> Result<JobTurn<'_>, HaltReason> {
        self.quota_gate.wait_for_job_turn().await
    }

    /// Ends all waits for the turn of a new job.
    pub(super) fn end_job_waits(&self) {
        self.quota_gate.end_job_waits();
    }

    /// Returns the upload slots of the run.
    pub(super) fn slots(&self) -> &UploadSlots {
        &self.slots
    }

    /// Counts a row as able to prove that a failure is another row's own, while the result is
    /// alive.
    pub(super) fn register_row_at_work(&self, row: usize) -> RowAtWork<'_> {
        self.breakers.count_row_at_work(row)
    }

    /// Counts a row as unable to do anything before another row ends, while the result is alive.
    pub(super) fn register_blocked_row(&self, row: usize) -> BlockedRow<'_> {
        self.breakers.count_row_blocked(row)
    }

    /// Notes that no further row will start.
    pub(super) fn note_no_more_rows(&self) {
        self.slots.note_no_more_rows();
        self.breakers.all_rows_started();
    }
}

/// Look-up that worked, and the function that repeats the look-up.
enum ProvenLookUp<D> {
    ExternalId(ExternalId, RepeatLookUp<D, ExternalId>),
    Attachment(AttachmentId, RepeatLookUp<D, AttachmentId>),
    Object(ObjectRef, RepeatLookUp<D, ObjectRef>),
}

/// Function that repeats a look-up by `K`, only to learn whether the service answers.
type RepeatLookUp<D, K> = for<'s> fn(&'s D, &'s K) -> BoxFuture<'s, Result<(), ApiFailure>>;

impl<D> Clone for ProvenLookUp<D> {
    fn clone(&self) -> Self {
        match self {
            Self::ExternalId(key, ask) => Self::ExternalId(key.clone(), *ask),
            Self::Attachment(key, ask) => Self::Attachment(key.clone(), *ask),
            Self::Object(object, ask) => Self::Object(*object, *ask),
        }
    }
}

impl<D> ProvenLookUp<D> {
    async fn repeat(&self, service: &D) -> Result<(), ApiFailure> {
        match self {
            Self::ExternalId(key, ask) => ask(service, key).await,
            Self::Attachment(key, ask) => ask(service, key).await,
            Self::Object(object, ask) => ask(service, object).await,
        }
    }
}

/// Validity of the keys after the service has denied a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyValidity {
    /// A look-up with the keys has just worked.
    Proven,
    /// No look-up with the keys has worked yet.
    Unproven,
}
