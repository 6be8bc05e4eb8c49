//! Delivery of requests to a service in memory, and of their answers: faults and time on the way.
//! The state of the service stands in an implementation of [`MemoryWorld`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{DeliveryFault, FaultScript, RequestKind};
use consign::http::{ApiFailure, PutFailure, RefusalKind, RequestRefusal};

/// Longest wait of a client for an answer.
const ANSWER_TIME_LIMIT: Duration = Duration::from_secs(30);

/// State of a service, at which requests arrive.
pub(super) trait MemoryWorld {
    /// Change by a request, made on arrival.
    type Effect: Clone;
    /// Result of a change.
    type Done;

    /// Applies a change arriving now.
    fn apply(&mut self, effect: Self::Effect, now: Instant) -> Self::Done;

    /// Removes everything too old by now.
    fn remove_expired(&mut self, now: Instant);
}

/// The way of requests to a service and of answers back.
pub(super) struct FaultyDelivery<W: MemoryWorld> {
    round_trip: Duration,
    state: Mutex<DeliveryState<W>>,
}

/// State of a service, with the changes on their way and the source of faults.
struct DeliveryState<W: MemoryWorld> {
    world: W,
    /// Changes still on the way, with the times of arrival.
    late: Vec<(Instant, W::Effect)>,
    counts: HashMap<RequestKind, u64>,
    script: FaultScript,
}

impl<W: MemoryWorld> FaultyDelivery<W> {
    pub(super) fn new(world: W, round_trip: Duration, script: FaultScript) -> Self {
        Self {
            round_trip,
            state: Mutex::new(DeliveryState {
                world,
                late: Vec::new(),
                counts: HashMap::new(),
                script,
            }),
        }
    }

    /// Reads or changes the state of the service now, without a request, a fault or a delay.
    pub(super) fn with_world<T>(&self, look: impl FnOnce(&mut W, Instant) -> T) -> T {
        let now = Instant::now();
        look(&mut self.state_at(now).world, now)
    }

    /// Sends a request without an effect.
    pub(super) async fn read<T>(
        &self,
        operation: RequestKind,
        answer: impl FnOnce(&mut W, Instant) -> T,
    ) -> Result<T, ApiFailure> {
        match self.draw_fault(operation).await {
            // Asking twice has the effect of asking once.
            None | Some(DeliveryFault::ExecutedTwice(_)) => {
                let answer = self.with_world(answer);
                self.delay_answer().await;
                Ok(answer)
            }
            Some(fault) => Err(failure_after_wait(fault).await),
        }
    }

    /// Sends a request with an effect.
    pub(super) async fn change(
        &self,
        operation: RequestKind,
        effect: W::Effect,
    ) -> Result<W::Done, ApiFailure> {
        let now = |effect| self.with_world(|world, now| world.apply(effect, now));
        let fault = match self.draw_fault(operation).await {
            None => {
                let done = now(effect);
                self.delay_answer().await;
                return Ok(done);
            }
            Some(DeliveryFault::ExecutedTwice(after)) => {
                if after.is_zero() {
                    now(effect.clone());
                } else {
                    self.delay_effect(effect.clone(), after);
                }
                let done = now(effect);
                self.delay_answer().await;
                return Ok(done);
            }
            Some(fault) => fault,
        };
        match fault {
            DeliveryFault::AnswerLost | DeliveryFault::FailedAfterEffect => {
                now(effect);
            }
            DeliveryFault::ExecutedLate(after) => self.delay_effect(effect, after),
            _ => {}
        }
        Err(failure_after_wait(fault).await)
    }

    /// Waits until the next request of a kind arrives, and returns the fault drawn for the request.
    async fn draw_fault(&self, operation: RequestKind) -> Option<DeliveryFault> {
        sleep(self.round_trip / 2).await;
        let mut state = self.state_at(Instant::now());
        let DeliveryState { counts, script, .. } = &mut *state;
        let count = counts.entry(operation).or_default();
        *count += 1;
        script(operation, *count)
    }

    /// Waits for the way back of an answer.
    async fn delay_answer(&self) {
        sleep(self.round_trip / 2).await;
    }

    /// Lets an effect happen later.
    fn delay_effect(&self, effect: W::Effect, after: Duration) {
        let now = Instant::now();
        self.state_at(now).late.push((now + after, effect));
    }

    /// Brings the state up to now: late changes happen in the order of their arrival, and old
    /// things go.
    fn state_at(&self, now: Instant) -> MutexGuard<'_, DeliveryState<W>> {
        let mut guard = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *guard;
        let mut due: Vec<_> = state.late.extract_if(.., |(due, _)| *due <= now).collect();
        due.sort_by_key(|(due, _)| *due);
        for (due, effect) in due {
            state.world.apply(effect, due);
        }
        state.world.remove_expired(now);
        guard
    }
}

/// Returns the failure that a client sees of a fault, after the wait for an answer that never
/// comes.
async fn failure_after_wait(fault: DeliveryFault) -> ApiFailure {
    if let DeliveryFault::RequestLost | DeliveryFault::AnswerLost | DeliveryFault::ExecutedLate(_) =
        fault
    {
        sleep(ANSWER_TIME_LIMIT).await;
    }
    match fault {
        DeliveryFault::NotSent => ApiFailure::NotSent("no connection".into()),
        DeliveryFault::Throttled => ApiFailure::Throttled { retry_after: None },
        DeliveryFault::Denied => ApiFailure::Denied("status 401".into()),
        DeliveryFault::Refused => ApiFailure::Refused(clash("status 422")),
        DeliveryFault::FailedWithoutEffect | DeliveryFault::FailedAfterEffect => {
            ApiFailure::Unanswered("status 503".into())
        }
        DeliveryFault::RequestLost
        | DeliveryFault::AnswerLost
        | DeliveryFault::ExecutedLate(_)
        | DeliveryFault::ExecutedTwice(_) => ApiFailure::Unanswered("no answer in time".into()),
    }
}

/// Returns a refusal with status 409 or 422.
pub(super) fn clash(message: &str) -> RequestRefusal {
    RequestRefusal {
        kind: RefusalKind::ConflictOrInvalid,
        message: message.to_owned(),
    }
}

/// Converts the failure of a request into the failure of an upload.
pub(super) fn upload_failure(failure: ApiFailure) -> PutFailure {
    match failure {
        ApiFailure::Denied(_) => PutFailure::Expired,
        ApiFailure::Refused(refusal) => PutFailure::Refused(refusal.message),
        ApiFailure::Intercepted(why) => PutFailure::Refused(why),
        ApiFailure::NotSent(why) => PutFailure::NotSent(why),
        ApiFailure::Unanswered(why) | ApiFailure::NeverPossible(why) => {
            PutFailure::Interrupted(why)
        }
        ApiFailure::Throttled { .. } | ApiFailure::Withheld => {
            PutFailure::Interrupted("status 503".into())
        }
    }
}
