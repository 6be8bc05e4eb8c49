//! When the next API request may start: at the service's limit, and never over it.
//!
//! The limit is N requests in a second, and nobody says how the second is counted: by fixed or
//! sliding windows, with refused requests counted or not, or by a token bucket. One rule is right
//! for all of them: **between the arrivals of a request and of the N-th one after it lies at least
//! a second.** We do not see arrivals, but we know that a request arrived before its answer came
//! back, so "a second after the N-th last answer" keeps the rule whatever the network does.
//!
//! That alone would cost one round trip in each second. The part of a round trip that *every*
//! request pays delays all arrivals alike, so it cancels out, and the shortest round trip of late
//! is given back: N requests a second at any distance, less only what the round trips vary by.
//! After a 429 that estimate is not trusted for a while.
//!
//! The arithmetic is in [`Window`], which is told the time; [`Pacer`] makes callers wait.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use crate::sync::lock;

/// The window over which the service counts (documented as "per second").
pub const WINDOW: Duration = Duration::from_secs(1);

/// How long after a 429 the full rate is reached again.
const RECOVERY: Duration = Duration::from_mins(1);

/// After so long without a 429 requests may start together again, where the limit allows it; until
/// then they are spread evenly, since somebody else may need a part of each second.
const SPREAD: Duration = Duration::from_mins(10);

/// The part of the rate that proved too much to which it returns first.
const PLATEAU: f64 = 0.9;

/// How soon it does. (Measured beside a client that takes two of five requests a second, against
/// servers that count in each way: sooner or later, higher or lower gave less.)
const RISE: Duration = Duration::from_secs(5);

/// How long before the end of [`RECOVERY`] the rest is tried.
const PROBE: Duration = Duration::from_secs(15);

/// How many answers must have come before the shortest round trip is taken for a fact.
const SAMPLES: u32 = 20;

/// The grain of the runtime's timers, by which a start may come early or late.
const GRAIN: Duration = Duration::from_millis(1);

/// Makes callers wait for their turn. Fair: turns are given in the order in which they are asked.
#[derive(Debug)]
pub struct Pacer {
    window: std::sync::Mutex<Window>,
    queue: Mutex<()>,
    changed: Notify,
}

/// Permission to send one request now. Dropping it says that its answer came, or never will.
#[derive(Debug)]
pub struct Turn<'a> {
    pacer: &'a Pacer,
    started: Instant,
}

impl Pacer {
    /// A pacer for a limit of `per_second` requests.
    pub fn new(per_second: u32) -> Self {
        Self {
            window: std::sync::Mutex::new(Window::new(per_second, Instant::now())),
            queue: Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// Waits until a request may start.
    pub async fn turn(&self) -> Turn<'_> {
        let _first_in_line = self.queue.lock().await;
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let start = self.lock().next_start(now);
            match start {
                Some(start) if start <= now => {
                    self.lock().started(now);
                    return Turn {
                        pacer: self,
                        started: now,
                    };
                }
                // A 429 may move the start while we sleep, hence the second branch.
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

    /// Says that the service refused a request with 429. Nothing starts before `retry_after` has
    /// passed (a second, where the service names no time), and the rate falls.
    /// Returns how long nothing starts.
    pub fn throttled(&self, retry_after: Option<Duration>) -> Duration {
        let wait = retry_after.unwrap_or(WINDOW);
        self.lock().throttled(Instant::now(), wait);
        self.changed.notify_waiters();
        wait
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Window> {
        lock(&self.window)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pacer.lock().answered(self.started, Instant::now());
        self.pacer.changed.notify_waiters();
    }
}

/// The arithmetic: who may start when. It has as many slots as the limit has requests; each slot
/// is busy from the start of its request until a second after its answer.
#[derive(Debug)]
struct Window {
    /// The limit, in requests a second.
    limit: f64,
    /// For each slot that waits for no answer: when its last request had surely arrived.
    arrivals: VecDeque<Instant>,
    /// No request starts before this.
    paused_until: Instant,
    /// When the last request started.
    last_start: Option<Instant>,
    /// The last 429, if there was one.
    cut: Option<Cut>,
    round_trips: RoundTrips,
}

impl Window {
    fn new(per_second: u32, now: Instant) -> Self {
        let limit = per_second.max(1);
        let long_ago = now.checked_sub(WINDOW).unwrap_or(now);
        Self {
            limit: f64::from(limit),
            arrivals: (0..limit).map(|_| long_ago).collect(),
            paused_until: now,
            last_start: None,
            cut: None,
            round_trips: RoundTrips::default(),
        }
    }

    /// When the next request may start, or `None` where that depends on an answer to come.
    fn next_start(&self, now: Instant) -> Option<Instant> {
        let share = self.share(now);
        let free = *self.arrivals.front()? + WINDOW.div_f64(share);
        let start = free.max(self.paused_until);
        match (self.cut, self.last_start) {
            (Some(cut), Some(last)) if now < cut.end + SPREAD => {
                Some(start.max(last + WINDOW.div_f64(self.limit * share)))
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
        let trusted = match self.cut {
            Some(cut) if now.saturating_duration_since(cut.end) < RECOVERY => Duration::ZERO,
            _ => self.round_trips.shared_by_all(),
        };
        let arrival = now.checked_sub(trusted).unwrap_or(now).max(started);
        let place = self.arrivals.partition_point(|other| *other <= arrival);
        self.arrivals.insert(place, arrival);
    }

    fn throttled(&mut self, now: Instant, pause: Duration) {
        // Several requests may be refused by the same full window: that is one event, not several.
        if now >= self.paused_until {
            let reached = self.share(now);
            self.cut = Some(Cut {
                reached,
                left: (reached / 2.0).max(1.0 / self.limit),
                end: now + pause,
            });
        }
        self.paused_until = self.paused_until.max(now + pause);
    }

    /// The share of the limit that may be used now: all of it, but for the minute after a 429.
    fn share(&self, now: Instant) -> f64 {
        let Some(cut) = self.cut else { return 1.0 };
        cut.share_after(now.saturating_duration_since(cut.end))
    }
}

/// A fall of the rate after a 429.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// The share of the limit at which the 429 came.
    reached: f64,
    /// The share that was left.
    left: f64,
    /// When requests may start again.
    end: Instant,
}

impl Cut {
    /// The share of the limit that may be used so long after the pause. It rises fast to somewhat
    /// less than what proved too much, stays there, and only then looks whether there is more: where
    /// another client takes a part of the limit for good, that is where the rate settles.
    fn share_after(&self, passed: Duration) -> f64 {
        let plateau = (self.reached * PLATEAU).max(self.left);
        let risen = passed.div_duration_f64(RISE).min(1.0);
        let probing = passed.saturating_sub(RECOVERY.saturating_sub(PROBE));
        let probed = probing.div_duration_f64(PROBE).min(1.0);
        self.left + (plateau - self.left) * risen + (1.0 - plateau) * probed
    }
}

/// What late round trips had in common.
#[derive(Debug, Default)]
struct RoundTrips {
    older: Sample,
    newer: Sample,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sample {
    least: Duration,
    total: Duration,
    count: u32,
}

impl RoundTrips {
    /// After so many, the older half is forgotten: networks change.
    const KEPT: u32 = 200;

    fn note(&mut self, round_trip: Duration) {
        if self.newer.count >= Self::KEPT {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer = self.newer.and(Sample {
            least: round_trip,
            total: round_trip,
            count: 1,
        });
    }

    /// The part of a round trip that every request pays: the least seen, less what the least
    /// there is may still lie below it. That is estimated from how far the mean lies above it,
    /// and shrinks with the number of round trips seen.
    fn shared_by_all(&self) -> Duration {
        let seen = self.older.and(self.newer);
        if seen.count < SAMPLES {
            return Duration::ZERO;
        }
        let spread = (seen.total / seen.count).saturating_sub(seen.least);
        let unseen = spread.mul_f64(5.0 / f64::from(seen.count).sqrt());
        seen.least.saturating_sub(unseen + GRAIN)
    }
}

impl Sample {
    fn and(self, other: Self) -> Self {
        let least = match (self.count, other.count) {
            (0, _) => other.least,
            (_, 0) => self.least,
            _ => self.least.min(other.least),
        };
        Self {
            least,
            total: self.total + other.total,
            count: self.count + other.count,
        }
    }
}

#[cfg(test)]
mod tests;
