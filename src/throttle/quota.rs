//! Quotas of a service over minutes, hours and days, for one kind of request.
//!
//! The documented numbers hold until the service itself says less: in `RateLimit-*` headers, or in
//! the pause of a 429. A request counts from the moment of the answer, when the request has surely
//! arrived. The count here is therefore never less than the service's own, however the service's
//! windows move.
//!
//! The arithmetic is in `QuotaUsage`. [`QuotaBudget`] never waits: callers wait, and ask again.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::SleepAwareInstant;
use crate::mutex::lock_despite_poison;

/// Longest pause that a service can ask for: the longest window.
const MAX_PAUSE: Duration = Duration::from_hours(24);

/// Pause after a 429 without a `Retry-After`.
const DEFAULT_PAUSE: Duration = Duration::from_mins(1);

/// Divisor of an allowance for the part reserved for urgent requests: one tenth.
const RESERVE_DIVISOR: u32 = 10;

/// Number of requests allowed within a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestAllowance {
    /// Number of requests.
    pub requests: u32,
    /// Length of the window.
    pub window: Duration,
}

/// Right of a request to the reserved part of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestUrgency {
    /// The request may use the reserve: something is lost if the request comes late.
    Urgent,
    /// The request leaves the reserve, a tenth, to urgent requests.
    CanWait,
}

/// The service's own count, from the `RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedQuota {
    /// Number of requests left.
    pub remaining: u32,
    /// Time until the whole quota is available again.
    pub reset_after: Duration,
}

/// Request budget for one kind of request.
#[derive(Debug)]
pub struct QuotaBudget {
    allowances: &'static [RequestAllowance],
    usage: Mutex<QuotaUsage>,
}

/// Permission to send one request now. Dropping the permit reports that the answer has come, or
/// never will.
#[derive(Debug)]
pub struct QuotaPermit<'a>(&'a QuotaBudget);

impl QuotaBudget {
    /// Returns a budget with nothing spent.
    pub fn new(allowances: &'static [RequestAllowance]) -> Self {
        Self {
            allowances,
            usage: Mutex::default(),
        }
    }

    /// Returns a permit. Fails with the time to wait before the next call.
    pub fn try_acquire(&self, urgency: RequestUrgency) -> Result<QuotaPermit<'_>, Duration> {
        let mut spent = lock_despite_poison(&self.usage);
        if let Some(wait) = spent.wait_time(self.allowances, urgency) {
            return Err(wait);
        }
        spent.request_started();
        Ok(QuotaPermit(self))
    }

    /// Returns the wait time of a request now; `None` if the request may start.
    pub fn wait_time(&self, urgency: RequestUrgency) -> Option<Duration> {
        lock_despite_poison(&self.usage).wait_time(self.allowances, urgency)
    }

    /// Returns the shortest time for `requests` requests if nothing is spent yet: the first
    /// requests of each allowance can all be sent at once.
    pub fn minimum_time(&self, requests: u64) -> Duration {
        let of = |allowance: &RequestAllowance| {
            let full = requests.saturating_sub(1) / u64::from(allowance.requests.max(1));
            allowance
                .window
                .saturating_mul(u32::try_from(full).unwrap_or(u32::MAX))
        };
        self.allowances.iter().map(of).max().unwrap_or_default()
    }

    /// Counts a request sent without a permit.
    pub fn count_request(&self) {
        let mut spent = lock_despite_poison(&self.usage);
        spent.request_started();
        spent.request_ended();
    }

    /// Notes the service's own count from an answer.
    pub fn note_reported_quota(&self, quota: ReportedQuota) {
        lock_despite_poison(&self.usage).reported_quota = Some((SleepAwareInstant::now(), quota));
    }

    /// Notes a 429. Returns the time for which nothing is sent.
    pub fn note_throttled(&self, retry_after: Option<Duration>) -> Duration {
        let pause = retry_after.unwrap_or(DEFAULT_PAUSE).min(MAX_PAUSE);
        lock_despite_poison(&self.usage).pause = Some((SleepAwareInstant::now(), pause));
        pause
    }
}

impl Drop for QuotaPermit<'_> {
    fn drop(&mut self) {
        lock_despite_poison(&self.0.usage).request_ended();
    }
}

/// Known use of a budget. Time counts while the machine sleeps, since the service does not sleep.
#[derive(Debug, Default)]
struct QuotaUsage {
    /// Times of the answers, oldest first.
    answer_times: VecDeque<SleepAwareInstant>,
    under_way: u32,
    reported_quota: Option<(SleepAwareInstant, ReportedQuota)>,
    pause: Option<(SleepAwareInstant, Duration)>,
}

impl QuotaUsage {
    fn request_started(&mut self) {
        self.under_way += 1;
        if let Some((_, quota)) = &mut self.reported_quota {
            quota.remaining = quota.remaining.saturating_sub(1);
        }
    }

    fn request_ended(&mut self) {
        self.under_way -= 1;
        self.answer_times.push_back(SleepAwareInstant::now());
    }

    /// Returns the wait time of the next request; `None` if the request may start.
    fn wait_time(
        &mut self,
        allowances: &[RequestAllowance],
        urgency: RequestUrgency,
    ) -> Option<Duration> {
        self.drop_expired(allowances);
        let by_allowance = allowances
            .iter()
            .filter_map(|allowance| self.wait_for_allowance(*allowance, urgency));
        let by_quota = self.reported_quota.and_then(|(since, quota)| {
            let over = quota.remaining == 0;
            over.then(|| time_left(since, quota.reset_after.min(MAX_PAUSE)))?
        });
        let by_pause = self
            .pause
            .and_then(|(since, pause)| time_left(since, pause));
        by_allowance.chain(by_quota).chain(by_pause).max()
    }

    fn wait_for_allowance(
        &self,
        allowance: RequestAllowance,
        urgency: RequestUrgency,
    ) -> Option<Duration> {
        let most = match urgency {
            RequestUrgency::Urgent => allowance.requests,
            RequestUrgency::CanWait => allowance.requests - allowance.requests / RESERVE_DIVISOR,
        };
        let free = (most as usize).checked_sub(self.under_way as usize + 1);
        let Some(free) = free else {
            // An answer must come first, at an unknown time.
            return Some(Duration::from_secs(1));
        };
        // The answer that has to leave the window first: number `free + 1`, counted from the
        // newest.
        let place = self.answer_times.len().checked_sub(free + 1)?;
        time_left(self.answer_times[place], allowance.window)
    }

    /// Drops entries outside all windows.
    fn drop_expired(&mut self, allowances: &[RequestAllowance]) {
        let longest = allowances.iter().map(|allowance| allowance.window).max();
        let longest = longest.unwrap_or_default();
        while self
            .answer_times
            .front()
            .is_some_and(|oldest| oldest.elapsed() >= longest)
        {
            self.answer_times.pop_front();
        }
        if self
            .reported_quota
            .is_some_and(|(since, quota)| time_left(since, quota.reset_after).is_none())
        {
            self.reported_quota = None;
        }
    }
}

/// Returns the rest of a time span that began at `since`; `None` after its end.
fn time_left(since: SleepAwareInstant, length: Duration) -> Option<Duration> {
    length
        .checked_sub(since.elapsed())
        .filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const THREE_A_MINUTE: &[RequestAllowance] = &[RequestAllowance {
        requests: 3,
        window: MINUTE,
    }];

    /// Sends as fast as the budget allows. Returns the start of each request, in seconds.
    async fn start_times(
        budget: &QuotaBudget,
        requests: usize,
        urgency: RequestUrgency,
    ) -> Vec<u64> {
        let began = SleepAwareInstant::now();
        let mut starts = Vec::new();
        while starts.len() < requests {
            match budget.try_acquire(urgency) {
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
        const BOTH: &[RequestAllowance] = &[
            RequestAllowance {
                requests: 2,
                window: Duration::from_secs(10),
            },
            RequestAllowance {
                requests: 5,
                window: MINUTE,
            },
        ];
        let seen = start_times(&QuotaBudget::new(BOTH), 8, RequestUrgency::Urgent).await;
        assert_eq!(seen, [0, 0, 10, 10, 20, 60, 60, 70]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_counts_until_its_answer_is_old_enough() {
        let budget = QuotaBudget::new(THREE_A_MINUTE);
        let turns: Vec<_> = (0..3)
            .map(|_| budget.try_acquire(RequestUrgency::Urgent).unwrap())
            .collect();
        tokio::time::sleep(MINUTE * 10).await;
        assert!(
            budget.try_acquire(RequestUrgency::Urgent).is_err(),
            "none is answered"
        );
        drop(turns);
        let wait = budget.wait_time(RequestUrgency::Urgent).unwrap();
        assert!(wait > Duration::from_secs(59) && wait <= MINUTE, "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_can_wait_leaves_a_tenth() {
        const TWENTY: &[RequestAllowance] = &[RequestAllowance {
            requests: 20,
            window: MINUTE,
        }];
        let budget = QuotaBudget::new(TWENTY);
        assert_eq!(
            start_times(&budget, 18, RequestUrgency::CanWait).await,
            [0; 18]
        );
        assert!(budget.try_acquire(RequestUrgency::CanWait).is_err());
        assert_eq!(
            start_times(&budget, 2, RequestUrgency::Urgent).await,
            [0; 2]
        );
        assert!(budget.try_acquire(RequestUrgency::Urgent).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_service_says_is_left_counts_until_it_is_reset() {
        let budget = QuotaBudget::new(THREE_A_MINUTE);
        budget.note_reported_quota(ReportedQuota {
            remaining: 1,
            reset_after: MINUTE * 30,
        });
        assert_eq!(
            start_times(&budget, 2, RequestUrgency::Urgent).await,
            [0, 30 * 60]
        );
        let more_than_documented = ReportedQuota {
            remaining: 1000,
            reset_after: MINUTE,
        };
        budget.note_reported_quota(more_than_documented);
        assert_eq!(
            start_times(&budget, 3, RequestUrgency::Urgent).await,
            [0, 0, 60]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_obeyed_up_to_a_day() {
        let budget = QuotaBudget::new(THREE_A_MINUTE);
        assert_eq!(budget.note_throttled(Some(MINUTE * 90)), MINUTE * 90);
        assert_eq!(
            start_times(&budget, 1, RequestUrgency::Urgent).await,
            [90 * 60]
        );
        assert_eq!(budget.note_throttled(None), MINUTE);
        assert_eq!(budget.note_throttled(Some(Duration::MAX)), MAX_PAUSE);
    }

    #[test]
    fn the_least_time_is_that_of_the_tightest_allowance() {
        let budget = QuotaBudget::new(THREE_A_MINUTE);
        for (requests, minutes) in [(0, 0), (3, 0), (4, 1), (6, 1), (7, 2)] {
            assert_eq!(
                budget.minimum_time(requests),
                MINUTE * minutes,
                "{requests}"
            );
        }
    }
}
