//! The pacer against servers with each way of counting, in virtual time.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use futures::future::join_all;

use super::*;

/// The four ways in which a service may count requests, as far as known.
#[derive(Debug, Clone, Copy)]
enum RateCounting {
    FixedWindow,
    SlidingWindow,
    SlidingWindowWithRefused,
    TokenBucket,
}

const ALL_COUNTINGS: [RateCounting; 4] = [
    RateCounting::FixedWindow,
    RateCounting::SlidingWindow,
    RateCounting::SlidingWindowWithRefused,
    RateCounting::TokenBucket,
];

const LIMIT: u32 = 5;

struct CountingServer {
    counting: RateCounting,
    opened: Instant,
    counted: Vec<Instant>,
    tokens: f64,
    filled: Instant,
}

impl CountingServer {
    fn new(counting: RateCounting) -> Self {
        let now = Instant::now();
        Self {
            counting,
            opened: now,
            counted: Vec::new(),
            tokens: f64::from(LIMIT),
            filled: now,
        }
    }

    fn takes(&mut self, now: Instant) -> bool {
        let taken = match self.counting {
            RateCounting::TokenBucket => self.takes_token(now),
            RateCounting::FixedWindow => {
                let second = |at: Instant| (at - self.opened).as_secs();
                self.in_window(|at| second(at) == second(now))
            }
            RateCounting::SlidingWindow | RateCounting::SlidingWindowWithRefused => {
                self.in_window(|at| now - at < COUNTING_WINDOW)
            }
        };
        if taken || matches!(self.counting, RateCounting::SlidingWindowWithRefused) {
            self.counted.push(now);
        }
        taken
    }

    fn in_window(&self, inside: impl Fn(Instant) -> bool) -> bool {
        // No request further back counts in any of the ways.
        let recent = self.counted.iter().rev().take(50);
        recent.filter(|at| inside(**at)).count() < LIMIT as usize
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

/// Network between client and server, with a constant and a varying delay.
#[derive(Debug, Clone, Copy)]
struct SimulatedNetwork {
    base: Duration,
    jitter: Duration,
}

impl SimulatedNetwork {
    fn one_way(self, random: &std::sync::Mutex<fastrand::Rng>) -> Duration {
        self.base / 2 + self.jitter.mul_f64(random.lock().unwrap().f64())
    }
}

struct PacingOutcome {
    seconds: f64,
    /// Number of refused requests, others' not included.
    refused: u32,
}

/// Load of the company's other programs at the same time.
#[derive(Debug, Clone, Copy)]
enum OtherClientLoad {
    Nothing,
    /// Two requests a second, always half a second apart.
    Regular,
    /// Two requests a second, from a quarter to three quarters of a second apart.
    Irregular,
}

impl OtherClientLoad {
    fn pause(self, random: &std::sync::Mutex<fastrand::Rng>) -> Option<Duration> {
        let half = Duration::from_millis(500);
        match self {
            Self::Nothing => None,
            Self::Regular => Some(half),
            Self::Irregular => Some(half.mul_f64(0.5 + random.lock().unwrap().f64())),
        }
    }
}

/// Sends `requests` with eight workers, in virtual time.
async fn simulate_requests(
    requests: u32,
    counting: RateCounting,
    network: SimulatedNetwork,
    others: OtherClientLoad,
    seed: u64,
) -> PacingOutcome {
    let pacer = Pacer::new(LIMIT);
    let server = std::sync::Mutex::new(CountingServer::new(counting));
    let random = std::sync::Mutex::new(fastrand::Rng::with_seed(seed));
    let left = AtomicU32::new(requests);
    let refused = AtomicU32::new(0);
    let begun = Instant::now();
    let worker = async || {
        while left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            .is_ok()
        {
            let turn = pacer.acquire().await;
            tokio::time::sleep(network.one_way(&random)).await;
            let taken = server.lock().unwrap().takes(Instant::now());
            tokio::time::sleep(network.one_way(&random)).await;
            drop(turn);
            if !taken {
                refused.fetch_add(1, Relaxed);
                pacer.note_throttled(None);
            }
        }
    };
    let of_others = async {
        while let Some(pause) = others.pause(&random) {
            tokio::time::sleep(pause).await;
            server.lock().unwrap().takes(Instant::now());
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = join_all((0..8).map(|_| worker())) => {}
        () = of_others => {}
    }
    PacingOutcome {
        seconds: begun.elapsed().as_secs_f64(),
        refused: refused.into_inner(),
    }
}

/// Fails if a request is refused, or if the mean time of the runs exceeds the floor times
/// `times_the_floor`.
async fn assert_time_at_most(times_the_floor: f64, network: SimulatedNetwork) {
    const SEEDS: u64 = 12;
    for counting in ALL_COUNTINGS {
        let mut total = 0.0;
        for seed in 0..SEEDS {
            let PacingOutcome { seconds, refused } =
                simulate_requests(300, counting, network, OtherClientLoad::Nothing, seed).await;
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

const fn network(base_ms: u64, jitter_ms: u64) -> SimulatedNetwork {
    SimulatedNetwork {
        base: Duration::from_millis(base_ms),
        jitter: Duration::from_millis(jitter_ms),
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_steady_network_the_limit_is_reached_and_never_overrun() {
    assert_time_at_most(1.03, network(0, 20)).await;
    assert_time_at_most(1.03, network(80, 20)).await;
    assert_time_at_most(1.05, network(300, 20)).await;
}

#[tokio::test(start_paused = true)]
async fn on_a_shaky_network_the_limit_is_nearly_reached_and_never_overrun() {
    assert_time_at_most(1.10, network(0, 100)).await;
    assert_time_at_most(1.15, network(150, 100)).await;
}

#[tokio::test(start_paused = true)]
async fn beside_another_client_the_rate_settles_near_what_is_left() {
    const REQUESTS: u32 = 1_000;
    for counting in ALL_COUNTINGS {
        // Below the full rest, which is three: in a strict window, irregular requests of others
        // come in threes and fours now and then.
        for (others, least) in [
            (OtherClientLoad::Regular, 2.1),
            (OtherClientLoad::Irregular, 1.4),
        ] {
            let network = network(150, 100);
            let PacingOutcome { seconds, refused } =
                simulate_requests(REQUESTS, counting, network, others, 1).await;
            let share = f64::from(refused) / f64::from(REQUESTS);
            let rate = f64::from(REQUESTS - refused) / seconds;
            let about = format!("{counting:?}, {others:?}: {rate:.2}/s, {share:.4} refused");
            println!("{about}");
            assert!(share < 0.1, "{about}");
            assert!((least..=3.0).contains(&rate), "{about}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_all_requests_for_the_time_that_the_service_names() {
    let pacer = Pacer::new(LIMIT);
    drop(pacer.acquire().await);
    pacer.note_throttled(Some(Duration::from_secs(7)));
    let refused = Instant::now();
    drop(pacer.acquire().await);
    assert_eq!(refused.elapsed(), Duration::from_secs(7));
}

#[test]
fn a_refusal_halves_the_rate_once_and_a_minute_restores_it() {
    let start = Instant::now();
    let mut window = PacerSchedule::new(LIMIT, start);
    for _ in 0..4 {
        window.note_refusal(start, COUNTING_WINDOW);
    }
    let resumed = start + COUNTING_WINDOW;
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(close(window.usable_share(resumed), 0.5));
    assert!(close(
        window.usable_share(resumed + RISE_TIME),
        PLATEAU_SHARE
    ));
    assert!(close(
        window.usable_share(resumed + RECOVERY_TIME - PROBING_TIME),
        PLATEAU_SHARE
    ));
    assert!(close(window.usable_share(resumed + RECOVERY_TIME), 1.0));
}

#[test]
fn a_longer_pause_named_meanwhile_ends_in_the_same_slow_start() {
    let start = Instant::now();
    let mut window = PacerSchedule::new(LIMIT, start);
    window.note_refusal(start, COUNTING_WINDOW);
    window.note_refusal(start, Duration::from_mins(1));
    let resumed = start + Duration::from_mins(1);
    assert!((window.usable_share(resumed) - 0.5).abs() < 1e-9);
}

#[test]
fn the_rate_never_falls_below_one_a_second() {
    let mut now = Instant::now();
    let mut window = PacerSchedule::new(LIMIT, now);
    for _ in 0..9 {
        window.note_refusal(now, COUNTING_WINDOW);
        now += COUNTING_WINDOW;
    }
    assert!(window.usable_share(now) * f64::from(LIMIT) >= 1.0);
}
