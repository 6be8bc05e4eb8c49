//! Requests of the user or the system to end: SIGINT and SIGTERM.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::ProgramExit;

/// Request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT, as sent by Ctrl-C.
    Interrupt,
    /// SIGTERM, as sent by a system at shutdown.
    Terminate,
}

impl StopSignal {
    /// Returns the exit code after this request.
    pub fn exit(self) -> ProgramExit {
        match self {
            Self::Interrupt => ProgramExit::INTERRUPTED,
            Self::Terminate => ProgramExit::TERMINATED,
        }
    }
}

/// Listener for requests to end. While the listener lives, the first request does not end the
/// process.
#[derive(Debug)]
pub struct SignalListener {
    interrupt: Signal,
    terminate: Signal,
}

impl SignalListener {
    /// Begins to listen. Must be called within the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next request to end.
    pub async fn next_signal(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}
