//! Elapsed time as the world outside counts it: the time that a laptop sleeps is time, too.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// The two clocks differ by less than this where the machine has not slept. What is less is left
/// out, so that a test that moves the one is not disturbed by the other.
const NO_SLEEP: Duration = Duration::from_secs(1);

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
        let runtime = self.runtime.elapsed();
        let system = since_boot().saturating_sub(self.system);
        if system > runtime + NO_SLEEP {
            system
        } else {
            runtime
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_that_only_one_of_the_two_clocks_has_counted_has_passed() {
        let quarter = Duration::from_mins(15);
        let mut moment = Since::now();
        tokio::time::advance(quarter).await;
        assert!(moment.elapsed() >= quarter, "while it ran");
        // As if the machine had slept: the runtime's clock stood still.
        moment.runtime = Instant::now();
        assert!(moment.elapsed() < quarter);
        moment.system = moment.system.saturating_sub(quarter);
        assert!(moment.elapsed() >= quarter, "while it slept");
    }
}
