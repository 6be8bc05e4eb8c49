//! Whether a host is there: after several failures in a row all requests to it wait together,
//! longer and longer, so that hours without a service cost no row its chance.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::lock;

/// So many failures in a row, and the whole run waits instead of the one row.
const SEVERAL: u32 = 3;

/// The longest first wait; each further one may be twice as long.
const SHORTEST: Duration = Duration::from_millis(500);

/// The longest wait of all: so late is it noticed at the most that the service is back.
const LONGEST: Duration = Duration::from_mins(1);

/// What is known of one host.
#[derive(Debug)]
pub(super) struct Weather(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Failed rounds since the last success. Requests that fail while a wait is on belong to the
    /// round that caused it.
    rounds: u32,
    since: Option<Instant>,
    clear_at: Instant,
    successes: u64,
    random: fastrand::Rng,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forecast {
    /// This request alone should wait so long.
    Alone(Duration),
    /// All requests wait so long.
    Together(Duration),
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            rounds: 0,
            since: None,
            clear_at: Instant::now(),
            successes: 0,
            random: fastrand::Rng::with_seed(seed),
        }))
    }

    /// Waits while all wait.
    pub(super) async fn clear(&self) {
        loop {
            let clear_at = self.lock().clear_at;
            if clear_at <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(clear_at).await;
        }
    }

    /// Takes note of an answer. Returns whether it ended a time of failures that all waited for.
    pub(super) fn answered(&self) -> bool {
        let mut state = self.lock();
        let was_away = state.rounds >= SEVERAL;
        state.rounds = 0;
        state.since = None;
        state.clear_at = Instant::now();
        state.successes += 1;
        was_away
    }

    /// Takes note of a failure.
    pub(super) fn failed(&self) -> Forecast {
        let now = Instant::now();
        let mut state = self.lock();
        state.since.get_or_insert(now);
        if now >= state.clear_at {
            state.rounds += 1;
        }
        let longest = SHORTEST
            .saturating_mul(1 << state.rounds.min(10))
            .min(LONGEST);
        let wait = longest.mul_f64(state.random.f64());
        if state.rounds < SEVERAL {
            return Forecast::Alone(wait);
        }
        state.clear_at = state.clear_at.max(now + wait);
        Forecast::Together(state.clear_at - now)
    }

    /// How long nothing but failures has come.
    pub(super) fn away_for(&self) -> Duration {
        self.lock()
            .since
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How many requests were answered so far.
    pub(super) fn successes(&self) -> u64 {
        self.lock().successes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_failure_is_its_rows_own_and_several_in_a_row_make_all_wait() {
        let weather = Weather::new(1);
        let mut together = 0;
        for _ in 0..20 {
            match weather.failed() {
                Forecast::Alone(wait) => tokio::time::sleep(wait).await,
                Forecast::Together(wait) => {
                    together += 1;
                    assert!(wait <= LONGEST);
                    weather.clear().await;
                }
            }
        }
        assert_eq!(together, 18);
        assert!(weather.away_for() > Duration::from_mins(1));
        assert!(weather.answered());
        assert_eq!(weather.away_for(), Duration::ZERO);
        assert!(matches!(weather.failed(), Forecast::Alone(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn rows_that_fail_together_do_not_make_the_wait_longer() {
        let weather = Weather::new(1);
        while let Forecast::Alone(wait) = weather.failed() {
            tokio::time::sleep(wait).await;
        }
        let rounds = weather.lock().rounds;
        for _ in 0..50 {
            weather.failed();
        }
        assert_eq!(weather.lock().rounds, rounds);
    }
}
