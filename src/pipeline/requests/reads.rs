//! Requests without an effect, which may be repeated any number of times.

use std::time::Duration;

use super::{Leave, Lost, Pause, RequestOwner, Requests, Unmet};
use crate::destination::Destination;
use crate::http::Failure;
use crate::pipeline::turns::Sort;
use crate::throttle::Suspect;
use crate::throttle::breakers::Circuit;
use crate::throttle::quota::Urgency;

/// Number of unanswered requests for many rows after which each row is asked for alone.
const LISTS_UNANSWERED: u32 = 2;

/// Result of one try of a request without an effect.
#[derive(Debug)]
pub(in crate::pipeline) enum Attempt<T> {
    /// The service answered.
    Answered(T),
    /// The request is worth another try, after the pause.
    Again(Pause),
}

impl<D: Destination> Requests<'_, D> {
    /// Sends a request without an effect, and repeats the request until an answer comes.
    pub(super) async fn ask<T>(
        &self,
        owner: RequestOwner,
        urgency: Urgency,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let mut leave = Leave::Needed;
        loop {
            match self.attempt(owner, urgency, leave, &request).await? {
                Attempt::Answered(answer) => return Ok(answer),
                Attempt::Again(pause) => {
                    self.wait_for_leave(owner, Circuit::Reads, pause).await;
                    leave = Leave::Given;
                }
            }
        }
    }

    /// Sends a request without an effect once, in its turn.
    pub(super) async fn attempt<T>(
        &self,
        owner: RequestOwner,
        urgency: Urgency,
        leave: Leave,
        request: &impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<Attempt<T>, Unmet> {
        let sort = Sort::Read(urgency);
        let pause = match self.unless_denied(owner, sort, leave, request).await {
            Ok(answer) => return Ok(Attempt::Answered(answer)),
            Err(Lost::Definite(unmet)) => return Err(unmet),
            Err(Lost::Throttled) => Pause::OfAll(Duration::ZERO),
            Err(Lost::NotSent(why)) => self.pause(Circuit::Reads, Suspect::Service, why)?,
            Err(Lost::Unanswered(why)) => {
                self.pause(Circuit::Reads, Suspect::Row(owner.row), why)?
            }
        };
        Ok(Attempt::Again(pause))
    }

    /// Sends a request without an effect for many rows, and repeats the request while the service
    /// may be the cause of the silence.
    ///
    /// Fails with [`Unmet::Unknown`] where a row of the list may be the cause: then each should be
    /// asked for alone.
    pub(super) async fn ask_together<T>(
        &self,
        owner: RequestOwner,
        request: impl AsyncFn(&D) -> Result<T, Failure>,
    ) -> Result<T, Unmet> {
        let mut leave = Leave::Needed;
        let mut unanswered = 0;
        loop {
            let sort = Sort::Read(Urgency::Urgent);
            let pause = match self.unless_denied(owner, sort, leave, &request).await {
                Ok(answer) => return Ok(answer),
                Err(Lost::Definite(unmet)) => return Err(unmet),
                Err(Lost::Throttled) => Pause::OfAll(Duration::ZERO),
                Err(Lost::NotSent(why)) => self.pause(Circuit::Reads, Suspect::Service, why)?,
                Err(Lost::Unanswered(why)) => {
                    unanswered += 1;
                    let suspect = Suspect::Row(owner.row);
                    let pause = self.pause(Circuit::Reads, suspect, why.clone())?;
                    if unanswered >= LISTS_UNANSWERED && !self.breakers.is_outage(Circuit::Reads) {
                        return Err(Unmet::Unknown(why));
                    }
                    pause
                }
            };
            self.wait_for_leave(owner, Circuit::Reads, pause).await;
            leave = Leave::Given;
        }
    }
}
