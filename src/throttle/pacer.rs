//! Pacer of API requests: lets requests start at the service's limit, and never above the limit.
//!
//! The limit is N requests in a second. The service's way of counting is unknown: fixed or sliding
//! windows, with or without refused requests, or a token bucket. One rule is right for all:
//! **each request arrives at least a second after the N-th request before it.** Arrivals cannot be
//! seen, but a request arrives before its answer comes back. So the rule holds on any network if a
//! request starts only while fewer than N others are unanswered or were answered within the last
//! second.
//!
//! Waiting for answers alone would stretch each second by a round trip. The part of a round trip
//! that *every* request pays delays all arrivals alike and cancels out, so the part is subtracted
//! from the time of each answer, as estimated from the shortest recent round trip. The result is N
//! requests a second at any distance from the service, less only the variation of round trips.
//! After a 429 nothing is subtracted until `RECOVERY_TIME` is over.
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

/// Time from the end of the pause after a 429 until the full rate is reached again.
const RECOVERY_TIME: Duration = Duration::from_mins(1);

/// Time from the end of the pause after a 429 until requests may start in bursts again. Until then
/// requests are spread evenly, since another client may need a part of each second.
const SPREADING_TIME: Duration = Duration::from_mins(10);

/// First goal of the recovery, as a share of the rate that was allowed when the 429 came.
const PLATEAU_SHARE: f64 = 0.9;

/// Time from the end of the pause until [`PLATEAU_SHARE`] is reached. (Measured beside a client
/// with two of five requests a second, against servers with each way of counting: shorter or longer
/// times, and higher or lower shares, gave fewer requests a second.)
const RISE_TIME: Duration = Duration::from_secs(5);

/// Time before the end of [`RECOVERY_TIME`] in which the rate rises from [`PLATEAU_SHARE`] to the
/// full rate.
const PROBING_TIME: Duration = Duration::from_secs(15);

/// Number of answers needed before the shortest round trip counts as known.
const MIN_ROUND_TRIPS: u32 = 20;

/// Grain of the runtime's timers, by which a start may come early or late. Taken off the common
/// part of round trips.
const TIMER_GRAIN: Duration = Duration::from_millis(1);

/// Gate at which callers wait for permission to send. Fair: permits are given in the order of the
/// calls.
#[derive(Debug)]
pub struct Pacer {
    schedule: std::sync::Mutex<PacerSchedule>,
    /// Held by the caller that is first in line.
    queue: Mutex<()>,
    /// Notified after each answer and each 429.
    changed: Notify,
}

/// Permission to send one request now. Drop the permit when the answer has come or the request has
/// failed: the drop ends the round trip.
#[derive(Debug)]
pub struct PacerPermit<'a> {
    pacer: &'a Pacer,
    started: Instant,
}

impl Pacer {
    /// Returns a pacer for a limit of `per_second` requests. Zero counts as one.
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
                    self.lock().note_start(now);
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
    /// the service names no time), and the rate falls. Returns the pause for this refusal; the
    /// pause for an earlier refusal may last longer.
    pub fn note_throttled(&self, retry_after: Option<Duration>) -> Duration {
        let wait = retry_after.unwrap_or(COUNTING_WINDOW);
        self.lock().note_refusal(Instant::now(), wait);
        self.changed.notify_waiters();
        wait
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PacerSchedule> {
        lock_despite_poison(&self.schedule)
    }
}

impl Drop for PacerPermit<'_> {
    fn drop(&mut self) {
        self.pacer.lock().note_end(self.started, Instant::now());
        self.pacer.changed.notify_waiters();
    }
}

/// Schedule of starts, with one slot for each request of the limit. A slot is busy from the start
/// of a request until a second (longer at a reduced rate) after the arrival noted for the request.
#[derive(Debug)]
struct PacerSchedule {
    /// Requests a second.
    limit: f64,
    /// For each slot without a request under way, in ascending order: time of the last answer less
    /// the common part of round trips. A request arrives at most the common part later, and so
    /// does any later request, so a start a second later keeps the rule.
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

    fn note_start(&mut self, now: Instant) {
        self.last_start = Some(now);
        self.arrivals.pop_front();
    }

    fn note_end(&mut self, started: Instant, now: Instant) {
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

    fn note_refusal(&mut self, now: Instant, pause: Duration) {
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
        // A later refusal may name a longer pause, and the recovery starts only at its end.
        if let Some(cut) = &mut self.rate_cut {
            cut.resumes_at = cut.resumes_at.max(self.paused_until);
        }
    }

    /// Returns the usable share of the limit: 1, except from a 429 until [`RECOVERY_TIME`] after
    /// the end of the pause.
    fn usable_share(&self, now: Instant) -> f64 {
        let Some(cut) = self.rate_cut else { return 1.0 };
        cut.share_after(now.saturating_duration_since(cut.resumes_at))
    }
}

/// Fall of the rate after a 429.
#[derive(Debug, Clone, Copy)]
struct RateCut {
    /// Usable share of the limit when the 429 came.
    share_at_refusal: f64,
    /// Usable share of the limit at the end of the pause.
    lowest_share: f64,
    /// Time at which requests may start again.
    resumes_at: Instant,
}

impl RateCut {
    /// Returns the usable share of the limit when `passed` has gone by since the end of the pause.
    /// The share rises fast to a plateau below the refused share, stays there, and rises to 1 only
    /// near the end. If another client takes a part of the limit for good, the rate stays near the
    /// plateau.
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
    older: RoundTripTotals,
    newer: RoundTripTotals,
}

/// Shortest and total time of some round trips; all zero for none.
#[derive(Debug, Default, Clone, Copy)]
struct RoundTripTotals {
    shortest: Duration,
    total: Duration,
    count: u32,
}

impl RoundTripEstimate {
    /// Number of round trips in the newer half. A full newer half replaces the older half, because
    /// networks change.
    const ROUND_TRIPS_PER_HALF: u32 = 200;

    fn note(&mut self, round_trip: Duration) {
        if self.newer.count >= Self::ROUND_TRIPS_PER_HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer = self.newer.merged_with(RoundTripTotals {
            shortest: round_trip,
            total: round_trip,
            count: 1,
        });
    }

    /// Returns the common part of all round trips: the shortest time seen, less an estimate of how
    /// far the true minimum may lie below, and less a timer grain; zero while fewer than
    /// [`MIN_ROUND_TRIPS`] are known. The estimate follows from the distance between mean and
    /// shortest time, and shrinks with the number of round trips.
    fn common_part(&self) -> Duration {
        let seen = self.older.merged_with(self.newer);
        if seen.count < MIN_ROUND_TRIPS {
            return Duration::ZERO;
        }
        let spread = (seen.total / seen.count).saturating_sub(seen.shortest);
        let unseen = spread.mul_f64(5.0 / f64::from(seen.count).sqrt());
        seen.shortest.saturating_sub(unseen + TIMER_GRAIN)
    }
}

impl RoundTripTotals {
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
