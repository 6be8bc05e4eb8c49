//! Pacer of API requests: starts requests at the service's limit, and never above.
//!
//! The limit is N requests in a second. The service's way of counting is unknown: fixed or sliding
//! windows, with or without refused requests, or a token bucket. One rule is right for all:
//! **between the arrivals of a request and of the N-th request after it lies at least a second.**
//! Arrivals cannot be seen, but a request arrives before its answer comes back, so "a second after
//! the N-th last answer" keeps the rule on any network.
//!
//! The rule alone would cost one round trip in each second. The part of a round trip that *every*
//! request pays delays all arrivals alike and cancels out, so the shortest recent round trip is
//! given back. The result is N requests a second at any distance, less only the variation of round
//! trips. For a while after a 429 the estimate is not trusted.
//!
//! The arithmetic is in `PacerSchedule`, to which the time is a parameter; [`Pacer`] makes callers
//! wait.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use crate::mutex::lock_despite_poison;

/// Window over which the service counts (documented as "per second").
pub const COUNTING_WINDOW: Duration = Duration::from_secs(1);

/// Time after a 429 until the full rate is reached again.
const RECOVERY_TIME: Duration = Duration::from_mins(1);

/// Time after a 429 until requests may start together again, where the limit allows it. Until then
/// requests are spread evenly, since another client may need a part of each second.
const SPREADING_TIME: Duration = Duration::from_mins(10);

/// Share of the rate at the 429 to which the rate first returns.
const PLATEAU_SHARE: f64 = 0.9;

/// Time of the return to [`PLATEAU_SHARE`]. (Measured beside a client with two of five requests a
/// second, against servers with each way of counting: shorter or longer times, and higher or lower
/// shares, gave less.)
const RISE_TIME: Duration = Duration::from_secs(5);

/// Time before the end of [`RECOVERY_TIME`] in which the rate rises from [`PLATEAU_SHARE`] to the
/// full rate.
const PROBING_TIME: Duration = Duration::from_secs(15);

/// Number of answers needed before the shortest round trip counts as known.
const MIN_SAMPLES: u32 = 20;

/// Grain of the runtime's timers, by which a start may come early or late.
const TIMER_GRAIN: Duration = Duration::from_millis(1);

/// Gate at which callers wait for permission to send. Fair: permits are given in the order of the
/// calls.
#[derive(Debug)]
pub struct Pacer {
    schedule: std::sync::Mutex<PacerSchedule>,
    queue: Mutex<()>,
    changed: Notify,
}

/// Permission to send one request now. Dropping the permit reports that the answer has come, or
/// never will.
#[derive(Debug)]
pub struct PacerPermit<'a> {
    pacer: &'a Pacer,
    started: Instant,
}

impl Pacer {
    /// Returns a pacer for a limit of `per_second` requests.
    pub fn new(per_second: u32) -> Self {
        Self {
            schedule: std::sync::Mutex::new(PacerSchedule::new(per_second, Instant::now())),
            queue: Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may start.
    pub async fn acquire(&self) -> PacerPermit<'_> {
        let _first_in_line = self.queue.lock().await;
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let start = self.lock().next_start(now);
            match start {
                Some(start) if start <= now => {
                    self.lock().started(now);
                    return PacerPermit {
                        pacer: self,
                        started: now,
                    };
                }
                // A 429 may move the start during the sleep, hence the second branch.
                Some(start) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(start) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Notes a refusal with 429. Nothing starts before `retry_after` has passed (a second, where
    /// the service names no time), and the rate falls. Returns the time for which nothing starts.
    pub fn note_throttled(&self, retry_after: Option<Duration>) -> Duration {
        let wait = retry_after.unwrap_or(COUNTING_WINDOW);
        self.lock().throttled(Instant::now(), wait);
        self.changed.notify_waiters();
        wait
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PacerSchedule> {
        lock_despite_poison(&self.schedule)
    }
}

impl Drop for PacerPermit<'_> {
    fn drop(&mut self) {
        self.pacer.lock().answered(self.started, Instant::now());
        self.pacer.changed.notify_waiters();
    }
}

/// Schedule of starts, with one slot for each request of the limit. A slot is busy from the start
/// of a request until a second after the answer.
#[derive(Debug)]
struct PacerSchedule {
    /// Requests a second.
    limit: f64,
    /// For each slot without a request under way: time by which the last request had surely
    /// arrived.
    arrivals: VecDeque<Instant>,
    /// Earliest start of the next request, because of a 429.
    paused_until: Instant,
    /// Start of the last request.
    last_start: Option<Instant>,
    /// Fall of the rate after the last 429, if there was a 429.
    rate_cut: Option<RateCut>,
    round_trips: RoundTripEstimate,
}

impl PacerSchedule {
    fn new(per_second: u32, now: Instant) -> Self {
        let limit = per_second.max(1);
        let long_ago = now.checked_sub(COUNTING_WINDOW).unwrap_or(now);
        Self {
            limit: f64::from(limit),
            arrivals: (0..limit).map(|_| long_ago).collect(),
            paused_until: now,
            last_start: None,
            rate_cut: None,
            round_trips: RoundTripEstimate::default(),
        }
    }

    /// Returns the earliest start of the next request, or `None` where the start depends on an
    /// answer to come.
    fn next_start(&self, now: Instant) -> Option<Instant> {
        let share = self.usable_share(now);
        let free = *self.arrivals.front()? + COUNTING_WINDOW.div_f64(share);
        let start = free.max(self.paused_until);
        match (self.rate_cut, self.last_start) {
            (Some(cut), Some(last)) if now < cut.resumes_at + SPREADING_TIME => {
                Some(start.max(last + COUNTING_WINDOW.div_f64(self.limit * share)))
            }
            _ => Some(start),
        }
    }

    fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
        self.arrivals.pop_front();
    }

    fn answered(&mut self, started: Instant, now: Instant) {
        self.round_trips.note(now - started);
        let trusted = match self.rate_cut {
            Some(cut) if now.saturating_duration_since(cut.resumes_at) < RECOVERY_TIME => {
                Duration::ZERO
            }
            _ => self.round_trips.common_part(),
        };
        let arrival = now.checked_sub(trusted).unwrap_or(now).max(started);
        let place = self.arrivals.partition_point(|other| *other <= arrival);
        self.arrivals.insert(place, arrival);
    }

    fn throttled(&mut self, now: Instant, pause: Duration) {
        // Several requests may be refused by the same full window, which is one event, not several.
        if now >= self.paused_until {
            let reached = self.usable_share(now);
            self.rate_cut = Some(RateCut {
                share_at_refusal: reached,
                lowest_share: (reached / 2.0).max(1.0 / self.limit),
                resumes_at: now + pause,
            });
        }
        self.paused_until = self.paused_until.max(now + pause);
    }

    /// Returns the usable share of the limit: 1, except in the minute after a 429.
    fn usable_share(&self, now: Instant) -> f64 {
        let Some(cut) = self.rate_cut else { return 1.0 };
        cut.share_after(now.saturating_duration_since(cut.resumes_at))
    }
}

/// Fall of the rate after a 429.
#[derive(Debug, Clone, Copy)]
struct RateCut {
    /// Share of the limit at which the 429 came.
    share_at_refusal: f64,
    /// Share of the limit just after the 429.
    lowest_share: f64,
    /// Time at which requests may start again.
    resumes_at: Instant,
}

impl RateCut {
    /// Returns the usable share of the limit when `passed` has gone by since the pause. The share
    /// rises fast to somewhat less than proved too much, stays there, and probes for more only near
    /// the end. If another client takes a part of the limit for good, the rate settles there.
    fn share_after(&self, passed: Duration) -> f64 {
        let plateau = (self.share_at_refusal * PLATEAU_SHARE).max(self.lowest_share);
        let risen = passed.div_duration_f64(RISE_TIME).min(1.0);
        let probing = passed.saturating_sub(RECOVERY_TIME.saturating_sub(PROBING_TIME));
        let probed = probing.div_duration_f64(PROBING_TIME).min(1.0);
        self.lowest_share + (plateau - self.lowest_share) * risen + (1.0 - plateau) * probed
    }
}

/// Estimate of the common part of recent round trips.
#[derive(Debug, Default)]
struct RoundTripEstimate {
    older: RoundTripSample,
    newer: RoundTripSample,
}

#[derive(Debug, Default, Clone, Copy)]
struct RoundTripSample {
    shortest: Duration,
    total: Duration,
    count: u32,
}

impl RoundTripEstimate {
    /// Number of round trips after which the older half is forgotten, since networks change.
    const SAMPLES_PER_HALF: u32 = 200;

    fn note(&mut self, round_trip: Duration) {
        if self.newer.count >= Self::SAMPLES_PER_HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer = self.newer.merged_with(RoundTripSample {
            shortest: round_trip,
            total: round_trip,
            count: 1,
        });
    }

    /// Returns the common part of all round trips: the shortest time seen, less an estimate of how
    /// far the true minimum may lie below. The estimate follows from the distance between mean and
    /// shortest time, and shrinks with the number of round trips.
    fn common_part(&self) -> Duration {
        let seen = self.older.merged_with(self.newer);
        if seen.count < MIN_SAMPLES {
            return Duration::ZERO;
        }
        let spread = (seen.total / seen.count).saturating_sub(seen.shortest);
        let unseen = spread.mul_f64(5.0 / f64::from(seen.count).sqrt());
        seen.shortest.saturating_sub(unseen + TIMER_GRAIN)
    }
}

impl RoundTripSample {
    fn merged_with(self, other: Self) -> Self {
        let least = match (self.count, other.count) {
            (0, _) => other.shortest,
            (_, 0) => self.shortest,
            _ => self.shortest.min(other.shortest),
        };
        Self {
            shortest: least,
            total: self.total + other.total,
            count: self.count + other.count,
        }
    }
}

#[cfg(test)]
mod tests;
