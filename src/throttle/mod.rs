//! Limits on the speed of requests, and pauses while a service is away.
//!
//! [`pacer`] keeps to the service's requests a second, [`quota`] to the requests over minutes,
//! hours and days. [`run_breakers`] hold requests back while the service is away, and distinguish
//! the failure of one row from an outage. Nothing here sends a request: `pipeline::request_context`
//! asks for permission here, and sends. Open [`pacer`] first.

mod circuit_breaker;
pub mod pacer;
pub mod quota;
pub mod run_breakers;

use std::time::Duration;

pub(crate) use circuit_breaker::{FailureSuspect, OwnFaultEvidence, ROW_GIVE_UP_AFTER};

/// Longest wait for the first answer of a service in a run. If a service never answers, its address
/// is mistyped or the way to the service is blocked, and waiting mends neither. `--max-outage` is
/// for a service that has answered before.
pub const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

/// Answer of a service from before the run's own requests. A run waits less long for a service that
/// has never answered than for a service in an outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlierAnswer {
    /// The service was not asked, or did not answer.
    NoneYet,
    /// The service has answered.
    Received,
}
