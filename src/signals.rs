//! Requests of the user or the system to end.

use std::io;
use std::time::Duration;

use crate::error::ProgramExit;
use crate::platform::{SystemSignals, end_at_unheard_signals};

pub use crate::platform::StopSignal;

/// Longest time for requests under way after a request to end.
const USUAL_GRACE: Duration = Duration::from_secs(30);

/// Longest time for requests under way where the system ends the process after five seconds. The
/// rest of the five seconds is for the order of the results.
const SHORT_GRACE: Duration = Duration::from_secs(2);

impl StopSignal {
    /// Returns the exit code after this request.
    pub fn exit(self) -> ProgramExit {
        match self {
            Self::Interrupt => ProgramExit::INTERRUPTED,
            Self::Terminate | Self::Hangup | Self::Close => ProgramExit::TERMINATED,
        }
    }

    /// Returns the longest time for which requests under way may continue after this request.
    pub fn grace_period(self) -> Duration {
        match self {
            Self::Interrupt | Self::Terminate | Self::Hangup => USUAL_GRACE,
            Self::Close => SHORT_GRACE,
        }
    }

    /// Returns `true` if this request, coming after another one, ends the program at once. A closed
    /// terminal may send several signals for one act of the user.
    pub fn is_insistent(self) -> bool {
        match self {
            Self::Interrupt | Self::Terminate | Self::Close => true,
            Self::Hangup => false,
        }
    }
}

/// Ends the process at a request that no [`SignalListener`] hears, with the exit code of the request,
/// as the system does on Unix. Nothing has been sent in such a phase, or all results are written.
pub(crate) fn end_early_phases_at_signals() {
    end_at_unheard_signals(|signal| std::process::exit(signal.exit().code().into()));
}

/// Listener for requests to end. While the listener lives, the first request does not end the
/// process.
#[derive(Debug)]
pub struct SignalListener {
    signals: SystemSignals,
}

impl SignalListener {
    /// Begins to listen. Must be called within the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            signals: SystemSignals::listen()?,
        })
    }

    /// Waits for the next request to end.
    pub async fn next_signal(&mut self) -> StopSignal {
        self.signals.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_ends_the_process_half_of_the_time_is_left_for_the_results() {
        let until_the_end = Duration::from_secs(5);
        assert!(StopSignal::Close.grace_period() <= until_the_end / 2);
    }
}
