//! The limit on requests a second, counted as a sliding window over arrival times.
//!
//! The vendor documents the number and that all keys of a company share it, but not how the second
//! is counted. A sliding window is the strictest reading that still lets the full rate through;
//! whoever never hits it, does not hit a fixed window either. Refused requests do not count.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

/// What the window says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is within the limit, and counted.
    Admitted,
    /// It is over the limit, and not counted.
    Refused,
}

/// The requests that were admitted within the last second.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    admitted: VecDeque<Instant>,
}

impl Window {
    /// An empty window for so many requests a second.
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self {
            limit: usize::try_from(limit.get()).unwrap_or(usize::MAX),
            admitted: VecDeque::new(),
        }
    }

    /// Judges a request by the time at which it arrived.
    pub(super) fn admit(&mut self, arrival: Instant) -> Admission {
        while self
            .admitted
            .front()
            .is_some_and(|first| arrival.saturating_duration_since(*first) >= WINDOW)
        {
            self.admitted.pop_front();
        }
        if self.admitted.len() >= self.limit {
            return Admission::Refused;
        }
        self.admitted.push_back(arrival);
        Admission::Admitted
    }
}

#[cfg(test)]
mod tests {
    use super::Admission::{Admitted, Refused};
    use super::*;

    fn judged(limit: u32, arrivals_ms: &[u64]) -> Vec<Admission> {
        let start = Instant::now();
        let mut window = Window::new(NonZeroU32::new(limit).unwrap());
        arrivals_ms
            .iter()
            .map(|ms| window.admit(start + Duration::from_millis(*ms)))
            .collect()
    }

    #[test]
    fn requests_over_the_limit_within_any_second_are_refused() {
        assert_eq!(
            judged(2, &[0, 900, 999, 1000, 1001, 1899, 1900]),
            [
                Admitted, Admitted, Refused, Admitted, Refused, Refused, Admitted
            ]
        );
    }

    #[test]
    fn refused_requests_do_not_count() {
        assert_eq!(
            judged(1, &[0, 500, 600, 700, 1000]),
            [Admitted, Refused, Refused, Refused, Admitted]
        );
    }
}
