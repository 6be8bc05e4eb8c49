//! Elapsed time by the clock of the outside world: time counts while a laptop sleeps.

use std::time::Duration;

use tokio::time::Instant;

use crate::platform::time_since_boot;

/// Largest difference between the two clocks without a sleep. Smaller differences are ignored, so a
/// test may move either clock alone.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(1);

/// A moment from which time is counted, the machine's sleep included.
#[derive(Debug, Clone, Copy)]
pub struct SleepAwareInstant {
    /// Runtime's clock: movable by tests, but stopped while the machine sleeps.
    runtime: Instant,
    /// System's clock, which keeps running during a sleep.
    system: Duration,
}

impl SleepAwareInstant {
    /// Returns the present moment.
    pub fn now() -> Self {
        Self {
            runtime: Instant::now(),
            system: time_since_boot(),
        }
    }

    /// Returns the time since this moment.
    pub fn elapsed(&self) -> Duration {
        let runtime = self.runtime.elapsed();
        let system = time_since_boot().saturating_sub(self.system);
        if system > runtime + CLOCK_TOLERANCE {
            system
        } else {
            runtime
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    #[cfg_attr(windows, ignore = "the only clock on Windows begins with the process")]
    async fn time_that_only_one_of_the_two_clocks_has_counted_has_passed() {
        let quarter = Duration::from_mins(15);
        let mut moment = SleepAwareInstant::now();
        tokio::time::advance(quarter).await;
        assert!(moment.elapsed() >= quarter, "while it ran");
        // A sleep of the machine: the runtime's clock stood still.
        moment.runtime = Instant::now();
        assert!(moment.elapsed() < quarter);
        moment.system = moment.system.saturating_sub(quarter);
        assert!(moment.elapsed() >= quarter, "while it slept");
    }
}
