//! Rate limit of the attachments API in requests per second, as a sliding window over arrival
//! times.
//!
//! The vendor documents the number, and that all keys of a company share the limit, but not how the
//! second is counted. A sliding window is the strictest reading that still lets the full rate
//! through: a client within it stays within a fixed window, too. Refused requests do not count.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const WINDOW_LENGTH: Duration = Duration::from_secs(1);

/// Decision of the rate limit about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateLimitDecision {
    /// The request is within the limit and has been counted.
    Admitted,
    /// The request is over the limit and has not been counted.
    Refused,
}

/// Simulated requests of the company's other clients: evenly spaced, and never refused.
// The other clients are never refused, so no client of the emulator can take their part of the
// limit.
#[derive(Debug)]
pub(super) struct OtherClients {
    /// Time between two requests; `None` if there are no other clients.
    interval: Option<Duration>,
    next_at: Instant,
    request_count: u64,
}

impl OtherClients {
    /// Creates other clients with `per_second` requests per second from `now` on.
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let interval = (per_second > 0).then(|| WINDOW_LENGTH / per_second);
        Self {
            interval,
            next_at: now + interval.unwrap_or_default(),
            request_count: 0,
        }
    }

    /// Takes the next request out and returns its arrival; `None` if the next request comes later
    /// than `now`.
    pub(super) fn next_request_until(&mut self, now: Instant) -> Option<Instant> {
        let every = self.interval?;
        let at = self.next_at;
        if at > now {
            return None;
        }
        self.next_at += every;
        self.request_count += 1;
        Some(at)
    }

    /// Number of requests so far.
    pub(super) fn request_count(&self) -> u64 {
        self.request_count
    }
}

/// Sliding window with the arrivals of the requests admitted within the last second.
#[derive(Debug)]
pub(super) struct RateWindow {
    limit: usize,
    admitted: VecDeque<Instant>,
}

impl RateWindow {
    /// Creates an empty window for `limit` requests per second.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self {
            limit: usize::try_from(limit.get()).unwrap_or(usize::MAX),
            admitted: VecDeque::new(),
        }
    }

    /// Admits or refuses a request by its arrival time.
    pub(super) fn admit(&mut self, arrival: Instant) -> RateLimitDecision {
        self.forget_before(arrival);
        if self.admitted.len() >= self.limit {
            return RateLimitDecision::Refused;
        }
        self.admitted.push_back(arrival);
        RateLimitDecision::Admitted
    }

    /// Counts a request without a decision about it.
    pub(super) fn count(&mut self, arrival: Instant) {
        self.forget_before(arrival);
        self.admitted.push_back(arrival);
    }

    fn forget_before(&mut self, arrival: Instant) {
        while self
            .admitted
            .front()
            .is_some_and(|first| arrival.saturating_duration_since(*first) >= WINDOW_LENGTH)
        {
            self.admitted.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimitDecision::{Admitted, Refused};
    use super::*;

    fn decisions(limit: u32, arrivals_ms: &[u64]) -> Vec<RateLimitDecision> {
        let start = Instant::now();
        let mut window = RateWindow::new(NonZeroU32::new(limit).unwrap());
        arrivals_ms
            .iter()
            .map(|ms| window.admit(start + Duration::from_millis(*ms)))
            .collect()
    }

    #[test]
    fn requests_over_the_limit_within_any_second_are_refused() {
        assert_eq!(
            decisions(2, &[0, 900, 999, 1000, 1001, 1899, 1900]),
            [
                Admitted, Admitted, Refused, Admitted, Refused, Refused, Admitted
            ]
        );
    }

    #[test]
    fn other_clients_come_at_even_distances_from_the_start() {
        let start = Instant::now();
        let mut others = OtherClients::new(4, start);
        let mut until = |ms| {
            let now = start + Duration::from_millis(ms);
            let all = std::iter::from_fn(|| others.next_request_until(now));
            all.map(|at| (at - start).as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(until(249), [0; 0]);
        assert_eq!(until(750), [250, 500, 750]);
        assert_eq!(until(750), [0; 0]);
        assert_eq!(until(1100), [1000]);
        assert_eq!(
            OtherClients::new(0, start).next_request_until(start + WINDOW_LENGTH),
            None
        );
    }

    #[test]
    fn what_other_clients_take_is_not_left_for_us_even_if_we_take_all_there_is() {
        let start = Instant::now();
        let mut window = RateWindow::new(NonZeroU32::new(5).unwrap());
        let mut others = OtherClients::new(2, start);
        // A hundred a second, for ten seconds.
        let ours = (0..1000).filter(|nth| {
            let now = start + Duration::from_millis(nth * 10);
            while let Some(at) = others.next_request_until(now) {
                window.count(at);
            }
            window.admit(now) == Admitted
        });
        // Five in the first second, which begins before the others do, then three in each.
        assert_eq!(ours.count(), 5 + 9 * 3);
        assert_eq!(others.request_count(), 19);
    }

    #[test]
    fn refused_requests_do_not_count() {
        assert_eq!(
            decisions(1, &[0, 500, 600, 700, 1000]),
            [Admitted, Refused, Refused, Refused, Admitted]
        );
    }
}
