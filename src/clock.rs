//! Elapsed time as the world outside counts it: the time that a laptop sleeps is time, too.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// A moment from which time is counted, suspended or not.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// The runtime's clock, which tests can move, but which stands still while a machine sleeps.
    runtime: Instant,
    /// The system's clock, which goes on.
    system: Duration,
}

impl Since {
    /// This moment.
    pub fn now() -> Self {
        Self {
            runtime: Instant::now(),
            system: since_boot(),
        }
    }

    /// How long ago it was.
    pub fn elapsed(&self) -> Duration {
        self.runtime
            .elapsed()
            .max(since_boot().saturating_sub(self.system))
    }
}

#[cfg(target_os = "linux")]
const INCLUDING_SLEEP: ClockId = ClockId::Boottime;

/// Elsewhere the monotonic clock is the nearest thing.
#[cfg(not(target_os = "linux"))]
const INCLUDING_SLEEP: ClockId = ClockId::Monotonic;

fn since_boot() -> Duration {
    Duration::try_from(clock_gettime(INCLUDING_SLEEP)).unwrap_or_default()
}
