//! Requests of the user or the system to end.

use std::io;

use crate::error::ProgramExit;
use crate::platform::SystemSignals;

pub use crate::platform::StopSignal;

impl StopSignal {
    /// Returns the exit code after this request.
    pub fn exit(self) -> ProgramExit {
        match self {
            Self::Interrupt => ProgramExit::INTERRUPTED,
            Self::Terminate | Self::Close => ProgramExit::TERMINATED,
        }
    }
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
