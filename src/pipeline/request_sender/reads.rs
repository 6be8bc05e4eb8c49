//! Requests without an effect, which may be repeated any number of times.

use std::time::Duration;

use super::{
    RequestFailure, RequestOwner, RequestSender, RetryPause, SendPermission, UnjudgedFailure,
};
use crate::destination::Destination;
use crate::http::ApiFailure;
use crate::pipeline::quota_gate::RequestClass;
use crate::throttle::FailureSuspect;
use crate::throttle::quota::RequestUrgency;
use crate::throttle::run_breakers::CircuitKind;

/// Number of unanswered requests for many rows after which each row is asked for alone.
const MAX_UNANSWERED_LISTS: u32 = 2;

/// Result of one try of a request without an effect.
#[derive(Debug)]
pub(in crate::pipeline) enum ReadAttempt<T> {
    /// The service answered.
    Answered(T),
    /// The request is worth another try, after the pause.
    RetryAfter(RetryPause),
}

impl<D: Destination> RequestSender<'_, D> {
    /// Sends a request without an effect, and repeats the request until an answer comes.
    pub(super) async fn read<T>(
        &self,
        owner: RequestOwner,
        urgency: RequestUrgency,
        request: impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, RequestFailure> {
        let mut leave = SendPermission::Needed;
        loop {
            match self.try_read(owner, urgency, leave, &request).await? {
                ReadAttempt::Answered(answer) => return Ok(answer),
                ReadAttempt::RetryAfter(pause) => {
                    self.wait_before_retry(owner, CircuitKind::Reads, pause)
                        .await;
                    leave = SendPermission::Granted;
                }
            }
        }
    }

    /// Sends a request without an effect once, when permission, quota and pacer allow.
    pub(super) async fn try_read<T>(
        &self,
        owner: RequestOwner,
        urgency: RequestUrgency,
        leave: SendPermission,
        request: &impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<ReadAttempt<T>, RequestFailure> {
        let request_class = RequestClass::Read(urgency);
        let pause = match self
            .send_checking_keys(owner, request_class, leave, request)
            .await
        {
            Ok(answer) => return Ok(ReadAttempt::Answered(answer)),
            Err(UnjudgedFailure::Judged(unmet)) => return Err(unmet),
            Err(UnjudgedFailure::Throttled) => RetryPause::AllRows(Duration::ZERO),
            Err(UnjudgedFailure::NotSent(why)) => {
                self.register_failure(CircuitKind::Reads, FailureSuspect::Service, why)?
            }
            Err(UnjudgedFailure::Unanswered(why)) => {
                self.register_failure(CircuitKind::Reads, FailureSuspect::Row(owner.row), why)?
            }
        };
        Ok(ReadAttempt::RetryAfter(pause))
    }

    /// Sends a request without an effect for many rows, and repeats the request while the service
    /// may be the cause of the silence.
    ///
    /// Fails with [`RequestFailure::EffectUnknown`] where a row of the list may be the cause: then
    /// each should be asked for alone.
    pub(super) async fn read_for_many<T>(
        &self,
        owner: RequestOwner,
        request: impl AsyncFn(&D) -> Result<T, ApiFailure>,
    ) -> Result<T, RequestFailure> {
        let mut leave = SendPermission::Needed;
        let mut unanswered = 0;
        loop {
            let request_class = RequestClass::Read(RequestUrgency::Urgent);
            let pause = match self
                .send_checking_keys(owner, request_class, leave, &request)
                .await
            {
                Ok(answer) => return Ok(answer),
                Err(UnjudgedFailure::Judged(unmet)) => return Err(unmet),
                Err(UnjudgedFailure::Throttled) => RetryPause::AllRows(Duration::ZERO),
                Err(UnjudgedFailure::NotSent(why)) => {
                    self.register_failure(CircuitKind::Reads, FailureSuspect::Service, why)?
                }
                Err(UnjudgedFailure::Unanswered(why)) => {
                    unanswered += 1;
                    let suspect = FailureSuspect::Row(owner.row);
                    let pause = self.register_failure(CircuitKind::Reads, suspect, why.clone())?;
                    if unanswered >= MAX_UNANSWERED_LISTS
                        && !self.breakers.is_outage(CircuitKind::Reads)
                    {
                        return Err(RequestFailure::EffectUnknown(why));
                    }
                    pause
                }
            };
            self.wait_before_retry(owner, CircuitKind::Reads, pause)
                .await;
            leave = SendPermission::Granted;
        }
    }
}
