//! Requests of the user or the system to end, as signals.

#[cfg(target_os = "linux")]
use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::platform::StopSignal;

/// Requests of the user or the system to end: SIGINT, SIGTERM, and SIGHUP on Linux.
///
/// Elsewhere SIGHUP ends the process at once, unless the signal is ignored, as under `nohup`: no
/// safe call tells there if the signal is ignored, and a listener would undo the ignoring.
#[derive(Debug)]
pub(crate) struct SystemSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl SystemSignals {
    /// Begins to listen. Must be called within the runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: match HangupPolicy::of_process() {
                HangupPolicy::Listen => Some(signal(SignalKind::hangup())?),
                HangupPolicy::LeaveAlone => None,
            },
        })
    }

    /// Waits for the next request to end.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            () = next_hangup(self.hangup.as_mut()) => StopSignal::Hangup,
        }
    }
}

/// Calls a function, which ends the process, at a request to end that no [`SystemSignals`] hears. The
/// system itself does so here, and the shell tells the signal by the same exit code.
pub(crate) fn end_at_unheard_signals(_: fn(StopSignal)) {}

/// Waits for the next SIGHUP; for ever without a listener.
async fn next_hangup(listener: Option<&mut Signal>) {
    match listener {
        Some(listener) => {
            listener.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Treatment of SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HangupPolicy {
    /// The signal is a request to end.
    Listen,
    /// The signal does what the system, or whoever started the process, has decided.
    LeaveAlone,
}

impl HangupPolicy {
    #[cfg(target_os = "linux")]
    fn of_process() -> Self {
        fs::read_to_string("/proc/self/status").map_or(Self::LeaveAlone, |status| {
            Self::from_process_status(&status)
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn of_process() -> Self {
        Self::LeaveAlone
    }

    /// Returns the policy for a process by the text of its `/proc/PID/status`. The line `SigIgn`
    /// has a bit for each ignored signal, in hexadecimal digits, and the lowest bit is SIGHUP's
    /// (documented in proc(5)).
    #[cfg(target_os = "linux")]
    fn from_process_status(status: &str) -> Self {
        let ignored = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        match ignored {
            Some(mask) if mask & 1 == 0 => Self::Listen,
            Some(_) | None => Self::LeaveAlone,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_closed_terminal_is_a_wish_to_end_unless_the_signal_is_ignored() {
        for (status, expected) in [
            (
                "Name:\tx\nSigIgn:\t0000000000001000\n",
                HangupPolicy::Listen,
            ),
            ("SigIgn:\t0000000000001001\n", HangupPolicy::LeaveAlone),
            ("SigCgt:\t0000000000000000\n", HangupPolicy::LeaveAlone),
            ("SigIgn:\t\n", HangupPolicy::LeaveAlone),
        ] {
            assert_eq!(
                HangupPolicy::from_process_status(status),
                expected,
                "{status}"
            );
        }
    }
}
