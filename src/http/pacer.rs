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
const WINDOW: Duration = Duration::from_secs(1);

/// How long after a 429 the full rate is reached again.
const RECOVERY: Duration = Duration::from_mins(1);

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
                    self.lock().started();
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
    /// The share of the limit that was left after the last 429, and when that was.
    cut: Option<(f64, Instant)>,
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
            cut: None,
            round_trips: RoundTrips::default(),
        }
    }

    /// When the next request may start, or `None` where that depends on an answer to come.
    fn next_start(&self, now: Instant) -> Option<Instant> {
        let free = *self.arrivals.front()? + WINDOW.div_f64(self.share(now));
        Some(free.max(self.paused_until))
    }

    fn started(&mut self) {
        self.arrivals.pop_front();
    }

    fn answered(&mut self, started: Instant, now: Instant) {
        self.round_trips.note(now - started);
        let trusted = match self.cut {
            Some((_, at)) if now - at < RECOVERY => Duration::ZERO,
            _ => self.round_trips.shared_by_all(),
        };
        let arrival = now.checked_sub(trusted).unwrap_or(now).max(started);
        let place = self.arrivals.partition_point(|other| *other <= arrival);
        self.arrivals.insert(place, arrival);
    }

    fn throttled(&mut self, now: Instant, pause: Duration) {
        // Several requests may be refused by the same full window: that is one event, not several.
        if now >= self.paused_until {
            let left = (self.share(now) / 2.0).max(1.0 / self.limit);
            self.cut = Some((left, now + pause));
        }
        self.paused_until = self.paused_until.max(now + pause);
    }

    /// The share of the limit that may be used now: all of it, but for the minute after a 429.
    fn share(&self, now: Instant) -> f64 {
        let Some((left, at)) = self.cut else {
            return 1.0;
        };
        let recovered = now.saturating_duration_since(at).as_secs_f64() / RECOVERY.as_secs_f64();
        (left + (1.0 - left) * recovered).min(1.0)
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
mod tests {
    use super::*;

    /// The four ways in which a service may count, as far as anybody knows.
    #[derive(Debug, Clone, Copy)]
    enum Counting {
        FixedWindow,
        SlidingWindow,
        SlidingWindowWithRefused,
        TokenBucket,
    }

    const ALL: [Counting; 4] = [
        Counting::FixedWindow,
        Counting::SlidingWindow,
        Counting::SlidingWindowWithRefused,
        Counting::TokenBucket,
    ];

    const LIMIT: u32 = 5;

    struct Server {
        counting: Counting,
        opened: Instant,
        counted: Vec<Instant>,
        tokens: f64,
        filled: Instant,
        refused: u32,
    }

    impl Server {
        fn new(counting: Counting) -> Self {
            let now = Instant::now();
            Self {
                counting,
                opened: now,
                counted: Vec::new(),
                tokens: f64::from(LIMIT),
                filled: now,
                refused: 0,
            }
        }

        fn takes(&mut self, now: Instant) -> bool {
            let taken = match self.counting {
                Counting::TokenBucket => self.takes_token(now),
                Counting::FixedWindow => {
                    let second = |at: Instant| (at - self.opened).as_secs();
                    self.in_window(|at| second(at) == second(now))
                }
                Counting::SlidingWindow | Counting::SlidingWindowWithRefused => {
                    self.in_window(|at| now - at < WINDOW)
                }
            };
            if taken || matches!(self.counting, Counting::SlidingWindowWithRefused) {
                self.counted.push(now);
            }
            self.refused += u32::from(!taken);
            taken
        }

        fn in_window(&self, inside: impl Fn(Instant) -> bool) -> bool {
            self.counted.iter().filter(|at| inside(**at)).count() < LIMIT as usize
        }

        fn takes_token(&mut self, now: Instant) -> bool {
            let gained = (now - self.filled).as_secs_f64() * f64::from(LIMIT);
            self.tokens = (self.tokens + gained).min(f64::from(LIMIT));
            self.filled = now;
            let taken = self.tokens >= 1.0 - 1e-9;
            if taken {
                self.tokens -= 1.0;
            }
            taken
        }
    }

    /// The way to the server and back: a part that all pay, and a part that varies.
    #[derive(Debug, Clone, Copy)]
    struct Network {
        base: Duration,
        jitter: Duration,
    }

    impl Network {
        fn one_way(self, random: &std::sync::Mutex<fastrand::Rng>) -> Duration {
            self.base / 2 + self.jitter.mul_f64(random.lock().unwrap().f64())
        }
    }

    struct Outcome {
        seconds: f64,
        refused: u32,
    }

    /// Sends `requests` as eight workers would, in virtual time.
    async fn send(requests: u32, counting: Counting, network: Network, seed: u64) -> Outcome {
        let pacer = Pacer::new(LIMIT);
        let server = std::sync::Mutex::new(Server::new(counting));
        let random = std::sync::Mutex::new(fastrand::Rng::with_seed(seed));
        let left = std::sync::atomic::AtomicU32::new(requests);
        let begun = Instant::now();
        let worker = async || {
            while left
                .fetch_update(
                    std::sync::atomic::Ordering::Relaxed,
                    std::sync::atomic::Ordering::Relaxed,
                    |left| left.checked_sub(1),
                )
                .is_ok()
            {
                let turn = pacer.turn().await;
                tokio::time::sleep(network.one_way(&random)).await;
                let taken = server.lock().unwrap().takes(Instant::now());
                tokio::time::sleep(network.one_way(&random)).await;
                drop(turn);
                if !taken {
                    pacer.throttled(None);
                }
            }
        };
        futures::future::join_all((0..8).map(|_| worker())).await;
        let refused = server.lock().unwrap().refused;
        Outcome {
            seconds: begun.elapsed().as_secs_f64(),
            refused,
        }
    }

    /// Fails where one request is refused, or where the runs take longer in the mean.
    async fn at_most(times_the_floor: f64, network: Network) {
        const SEEDS: u64 = 12;
        for counting in ALL {
            let mut total = 0.0;
            for seed in 0..SEEDS {
                let Outcome { seconds, refused } = send(300, counting, network, seed).await;
                assert_eq!(refused, 0, "{counting:?}, {network:?}, seed {seed}");
                total += seconds / (299.0 / f64::from(LIMIT));
            }
            let ratio = total / SEEDS as f64;
            assert!(
                ratio <= times_the_floor,
                "{counting:?}, {network:?}: {ratio:.4} times the floor"
            );
        }
    }

    const fn network(base_ms: u64, jitter_ms: u64) -> Network {
        Network {
            base: Duration::from_millis(base_ms),
            jitter: Duration::from_millis(jitter_ms),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_steady_network_the_limit_is_reached_and_never_overrun() {
        at_most(1.03, network(0, 20)).await;
        at_most(1.03, network(80, 20)).await;
        at_most(1.05, network(300, 20)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_shaky_network_the_limit_is_nearly_reached_and_never_overrun() {
        at_most(1.10, network(0, 100)).await;
        at_most(1.15, network(150, 100)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_stops_all_requests_for_the_time_that_the_service_names() {
        let pacer = Pacer::new(LIMIT);
        drop(pacer.turn().await);
        pacer.throttled(Some(Duration::from_secs(7)));
        let refused = Instant::now();
        drop(pacer.turn().await);
        assert_eq!(refused.elapsed(), Duration::from_secs(7));
    }

    #[test]
    fn a_refusal_halves_the_rate_once_and_a_minute_restores_it() {
        let start = Instant::now();
        let mut window = Window::new(LIMIT, start);
        for _ in 0..4 {
            window.throttled(start, WINDOW);
        }
        let resumed = start + WINDOW;
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(window.share(resumed), 0.5));
        assert!(close(window.share(resumed + RECOVERY / 2), 0.75));
        assert!(close(window.share(resumed + RECOVERY), 1.0));
    }

    #[test]
    fn the_rate_never_falls_below_one_a_second() {
        let mut now = Instant::now();
        let mut window = Window::new(LIMIT, now);
        for _ in 0..9 {
            window.throttled(now, WINDOW);
            now += WINDOW;
        }
        assert!(window.share(now) * f64::from(LIMIT) >= 1.0);
    }
}
