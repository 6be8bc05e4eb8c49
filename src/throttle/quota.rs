//! Quotas of a service over minutes, hours and days, for one kind of request.
//!
//! The documented numbers hold until the service itself says less: in `RateLimit-*` headers, or in
//! the pause of a 429. A request counts from the moment of the answer, when the request has surely
//! arrived. The count here is therefore never less than the service's own, however the service's
//! windows move.
//!
//! The arithmetic is in [`Spent`]. [`Budget`] never waits: callers wait, and ask again.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Since;
use crate::sync::lock;

/// Longest pause that a service can ask for: the longest window.
const LONGEST: Duration = Duration::from_hours(24);

/// Pause after a 429 without a `Retry-After`.
const UNNAMED_PAUSE: Duration = Duration::from_mins(1);

/// Divisor of an allowance for the part reserved for urgent requests: one tenth.
const RESERVE: u32 = 10;

/// Number of requests allowed within a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Number of requests.
    pub requests: u32,
    /// Length of the window.
    pub within: Duration,
}

/// Right of a request to the reserved part of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The request may use the reserve: something is lost if the request comes late.
    Urgent,
    /// The request leaves the reserve, a tenth, to urgent requests.
    CanWait,
}

/// The service's own count, from the `RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Number of requests left.
    pub remaining: u32,
    /// Time until the whole quota is available again.
    pub reset: Duration,
}

/// Request budget for one kind of request.
#[derive(Debug)]
pub struct Budget {
    allowances: &'static [Allowance],
    spent: Mutex<Spent>,
}

/// Permission to send one request now. Dropping the permit reports that the answer has come, or
/// never will.
#[derive(Debug)]
pub struct Turn<'a>(&'a Budget);

impl Budget {
    /// Returns a budget with nothing spent.
    pub fn new(allowances: &'static [Allowance]) -> Self {
        Self {
            allowances,
            spent: Mutex::default(),
        }
    }

    /// Returns a permit. Fails with the time to wait before the next call.
    pub fn turn(&self, urgency: Urgency) -> Result<Turn<'_>, Duration> {
        let mut spent = lock(&self.spent);
        if let Some(wait) = spent.wait(self.allowances, urgency) {
            return Err(wait);
        }
        spent.start();
        Ok(Turn(self))
    }

    /// Returns the wait time of a request now; `None` if the request may start.
    pub fn wait(&self, urgency: Urgency) -> Option<Duration> {
        lock(&self.spent).wait(self.allowances, urgency)
    }

    /// Returns the shortest time for `requests` requests if nothing is spent yet: the first
    /// requests of each allowance can all be sent at once.
    pub fn least_time(&self, requests: u64) -> Duration {
        let of = |allowance: &Allowance| {
            let full = requests.saturating_sub(1) / u64::from(allowance.requests.max(1));
            allowance
                .within
                .saturating_mul(u32::try_from(full).unwrap_or(u32::MAX))
        };
        self.allowances.iter().map(of).max().unwrap_or_default()
    }

    /// Counts a request sent without a permit.
    pub fn count(&self) {
        let mut spent = lock(&self.spent);
        spent.start();
        spent.end();
    }

    /// Notes the service's own count from an answer.
    pub fn told(&self, quota: Quota) {
        lock(&self.spent).quota = Some((Since::now(), quota));
    }

    /// Notes a 429. Returns the time for which nothing is sent.
    pub fn refused(&self, retry_after: Option<Duration>) -> Duration {
        let pause = retry_after.unwrap_or(UNNAMED_PAUSE).min(LONGEST);
        lock(&self.spent).pause = Some((Since::now(), pause));
        pause
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.spent).end();
    }
}

/// Known use of a budget. Time counts while the machine sleeps, since the service does not sleep.
#[derive(Debug, Default)]
struct Spent {
    /// Times of the answers, oldest first.
    answered: VecDeque<Since>,
    under_way: u32,
    quota: Option<(Since, Quota)>,
    pause: Option<(Since, Duration)>,
}

impl Spent {
    fn start(&mut self) {
        self.under_way += 1;
        if let Some((_, quota)) = &mut self.quota {
            quota.remaining = quota.remaining.saturating_sub(1);
        }
    }

    fn end(&mut self) {
        self.under_way -= 1;
        self.answered.push_back(Since::now());
    }

    /// Returns the wait time of the next request; `None` if the request may start.
    fn wait(&mut self, allowances: &[Allowance], urgency: Urgency) -> Option<Duration> {
        self.forget(allowances);
        let by_allowance = allowances
            .iter()
            .filter_map(|allowance| self.wait_for(*allowance, urgency));
        let by_quota = self.quota.and_then(|(since, quota)| {
            let over = quota.remaining == 0;
            over.then(|| left(since, quota.reset.min(LONGEST)))?
        });
        let by_pause = self.pause.and_then(|(since, pause)| left(since, pause));
        by_allowance.chain(by_quota).chain(by_pause).max()
    }

    fn wait_for(&self, allowance: Allowance, urgency: Urgency) -> Option<Duration> {
        let most = match urgency {
            Urgency::Urgent => allowance.requests,
            Urgency::CanWait => allowance.requests - allowance.requests / RESERVE,
        };
        let free = (most as usize).checked_sub(self.under_way as usize + 1);
        let Some(free) = free else {
            // An answer must come first, at an unknown time.
            return Some(Duration::from_secs(1));
        };
        // The answer that has to leave the window first: number `free + 1`, counted from the newest.
        let place = self.answered.len().checked_sub(free + 1)?;
        left(self.answered[place], allowance.within)
    }

    /// Drops entries outside all windows.
    fn forget(&mut self, allowances: &[Allowance]) {
        let longest = allowances.iter().map(|allowance| allowance.within).max();
        let longest = longest.unwrap_or_default();
        while self
            .answered
            .front()
            .is_some_and(|oldest| oldest.elapsed() >= longest)
        {
            self.answered.pop_front();
        }
        if self
            .quota
            .is_some_and(|(since, quota)| left(since, quota.reset).is_none())
        {
            self.quota = None;
        }
    }
}

/// Returns the rest of a time span that began at `since`; `None` after its end.
fn left(since: Since, length: Duration) -> Option<Duration> {
    length
        .checked_sub(since.elapsed())
        .filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const THREE_A_MINUTE: &[Allowance] = &[Allowance {
        requests: 3,
        within: MINUTE,
    }];

    /// Sends as fast as the budget allows. Returns the start of each request, in seconds.
    async fn starts(budget: &Budget, requests: usize, urgency: Urgency) -> Vec<u64> {
        let began = Since::now();
        let mut starts = Vec::new();
        while starts.len() < requests {
            match budget.turn(urgency) {
                Ok(turn) => {
                    starts.push(began.elapsed().as_secs());
                    drop(turn);
                }
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        starts
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_of_any_allowance_holds_more_than_it_allows() {
        const BOTH: &[Allowance] = &[
            Allowance {
                requests: 2,
                within: Duration::from_secs(10),
            },
            Allowance {
                requests: 5,
                within: MINUTE,
            },
        ];
        let seen = starts(&Budget::new(BOTH), 8, Urgency::Urgent).await;
        assert_eq!(seen, [0, 0, 10, 10, 20, 60, 60, 70]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_until_its_answer_is_old_enough() {
        let budget = Budget::new(THREE_A_MINUTE);
        let turns: Vec<_> = (0..3)
            .map(|_| budget.turn(Urgency::Urgent).unwrap())
            .collect();
        tokio::time::sleep(MINUTE * 10).await;
        assert!(budget.turn(Urgency::Urgent).is_err(), "none is answered");
        drop(turns);
        let wait = budget.wait(Urgency::Urgent).unwrap();
        assert!(wait > Duration::from_secs(59) && wait <= MINUTE, "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_leaves_a_tenth() {
        const TWENTY: &[Allowance] = &[Allowance {
            requests: 20,
            within: MINUTE,
        }];
        let budget = Budget::new(TWENTY);
        assert_eq!(starts(&budget, 18, Urgency::CanWait).await, [0; 18]);
        assert!(budget.turn(Urgency::CanWait).is_err());
        assert_eq!(starts(&budget, 2, Urgency::Urgent).await, [0; 2]);
        assert!(budget.turn(Urgency::Urgent).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_says_is_left_counts_until_it_is_reset() {
        let budget = Budget::new(THREE_A_MINUTE);
        budget.told(Quota {
            remaining: 1,
            reset: MINUTE * 30,
        });
        assert_eq!(starts(&budget, 2, Urgency::Urgent).await, [0, 30 * 60]);
        let more_than_documented = Quota {
            remaining: 1000,
            reset: MINUTE,
        };
        budget.told(more_than_documented);
        assert_eq!(starts(&budget, 3, Urgency::Urgent).await, [0, 0, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_obeyed_up_to_a_day() {
        let budget = Budget::new(THREE_A_MINUTE);
        assert_eq!(budget.refused(Some(MINUTE * 90)), MINUTE * 90);
        assert_eq!(starts(&budget, 1, Urgency::Urgent).await, [90 * 60]);
        assert_eq!(budget.refused(None), MINUTE);
        assert_eq!(budget.refused(Some(Duration::MAX)), LONGEST);
    }

    #[test]
    fn the_least_time_is_that_of_the_tightest_allowance() {
        let budget = Budget::new(THREE_A_MINUTE);
        for (requests, minutes) in [(0, 0), (3, 0), (4, 1), (6, 1), (7, 2)] {
            assert_eq!(budget.least_time(requests), MINUTE * minutes, "{requests}");
        }
    }
}
