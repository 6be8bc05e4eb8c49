//! Requests that change nothing, which may be repeated as often as it takes.

use std::time::Duration;

use super::{Leave, Lost, Pause, RequestOwner, Requests, Unmet};
use crate::destination::Destination;
use crate::http::Failure;
use crate::pipeline::turns::Sort;
use crate::throttle::Suspect;
use crate::throttle::breakers::Circuit;
use crate::throttle::quota::Urgency;

/// So often may a request for many rows stay without an answer before each is asked for alone.
const LISTS_UNANSWERED: u32 = 2;

/// What one try of a request that changes nothing has come to.
#[derive(Debug)]
pub(in crate::pipeline) enum Attempt<T> {
    Answered(T),
    /// It is worth another try, after this.
    Again(Pause),
}

impl<D: Destination> Requests<'_, D> {
    /// Sends a request that changes nothing, as often as it takes.
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

    /// Sends a request that changes nothing once, in its turn.
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

    /// Sends a request for many rows that changes nothing, again as long as it may be the service
    /// that does not answer. Where it may be one of the rows, each should be asked for alone.
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
