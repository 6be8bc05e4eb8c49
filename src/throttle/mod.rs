//! How fast requests go, and when none goes at all.
//!
//! [`pacer`] keeps to the requests a second that a service takes, [`quota`] to those that it takes over
//! minutes, hours and days, and [`breakers`] hold requests back while the service is away and tell the
//! failure of one row from an outage. Nothing here sends a request.

pub mod breakers;
mod circuit;
pub mod pacer;
pub mod quota;

use std::time::Duration;

pub(crate) use circuit::{Evidence, OWN_LIMIT, Suspect};

/// How long a service may stay without an answer that no request of the run has had one from yet. Who
/// was never there is a mistyped address or a closed way, which waiting does not mend; `--max-outage`
/// is for a service that was there.
pub const FIRST_ANSWER_LIMIT: Duration = Duration::from_mins(2);

/// Whether a service has answered anything before a run began with it. One that never has is not waited
/// for as one that is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlierAnswer {
    /// Nobody has asked it, or it did not say.
    Awaited,
    /// It has.
    Came,
}
