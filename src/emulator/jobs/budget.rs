//! Budgets of the jobs API: limits on the requests within a minute, an hour and a day, counted as
//! sliding windows over arrival times.
//!
//! Arrival times are clock times, not process times, because a day's budget outlives an emulator: a
//! new emulator restores its budgets from the counted requests in the request log.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::job_record::{JobKind, later_by};
use super::job_settings::{BudgetSettings, PostBudgetSharing, RefusedRequestCounting};
use super::jobs_route::{JOBS_BASE, JobEndpoint, JobsRoute};
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::url_path::strip_base;

/// Remaining budget, for the headers of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RemainingBudget {
    /// Number of requests admitted by the window.
    pub(super) limit: u32,
    /// Number of requests left in the window.
    pub(super) remaining: u32,
    /// Time until the window has one more request left.
    pub(super) time_to_reset: Duration,
}

/// Decision of a budget about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BudgetDecision {
    /// The request is within the budget.
    Admitted(RemainingBudget),
    /// The request is over the budget.
    Refused {
        remaining_budget: RemainingBudget,
        /// Time until the budget has room for another request.
        retry_after: Duration,
    },
}

/// Budgets of one emulator, for POSTs and for reads.
#[derive(Debug)]
pub(super) struct RequestBudgets {
    refused_requests: RefusedRequestCounting,
    post_sharing: PostBudgetSharing,
    event_posts: TwoWindowBudget,
    request_posts: TwoWindowBudget,
    reads: TwoWindowBudget,
}

impl RequestBudgets {
    /// Creates unused budgets.
    pub(super) fn new(settings: &BudgetSettings) -> Self {
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        let posts = || TwoWindowBudget {
            windows: [
                BudgetWindow::new(settings.posts_an_hour, hour),
                BudgetWindow::new(settings.posts_a_day, day),
            ],
        };
        Self {
            refused_requests: settings.refused_requests,
            post_sharing: settings.post_sharing,
            event_posts: posts(),
            request_posts: posts(),
            reads: TwoWindowBudget {
                windows: [
                    BudgetWindow::new(settings.reads_a_minute, Duration::from_mins(1)),
                    BudgetWindow::new(settings.reads_an_hour, hour),
                ],
            },
        }
    }

    /// Restores the budgets from `earlier`, the request log of earlier emulators.
    pub(super) fn from_log(settings: &BudgetSettings, earlier: &[RequestLogEntry]) -> Self {
        let mut budgets = Self::new(settings);
        for entry in earlier.iter().filter(|entry| entry.budget_left.is_some()) {
            let path = entry.path.split('?').next().unwrap_or_default();
            if let (Ok(method), Some(path)) = (entry.method.parse(), strip_base(path, JOBS_BASE)) {
                budgets.count(JobsRoute::parse(&method, path), entry.at);
            }
        }
        budgets
    }

    /// Counts a request from the log again.
    fn count(&mut self, route: JobsRoute, arrival: Timestamp) {
        if let Some(budget) = self.budget_for(route) {
            budget.count(arrival);
        }
    }

    /// Admits or refuses a request by its arrival time; `None` if the request falls under no
    /// budget.
    pub(super) fn admit(&mut self, route: JobsRoute, arrival: Timestamp) -> Option<BudgetDecision> {
        let refused = self.refused_requests;
        let budget = self.budget_for(route)?;
        let wait = budget.wait_time(arrival);
        if wait.is_none() || refused == RefusedRequestCounting::Counted {
            budget.count(arrival);
        }
        let standing = budget.remaining(arrival);
        Some(match wait {
            None => BudgetDecision::Admitted(standing),
            Some(_) => BudgetDecision::Refused {
                remaining_budget: standing,
                // Computed again: counting the refused request may have made the wait longer.
                retry_after: budget.wait_time(arrival).unwrap_or_default(),
            },
        })
    }

    fn budget_for(&mut self, route: JobsRoute) -> Option<&mut TwoWindowBudget> {
        match (route.endpoint, self.post_sharing) {
            (JobEndpoint::Create(JobKind::SourcingRequest), PostBudgetSharing::PerKind) => {
                Some(&mut self.request_posts)
            }
            (JobEndpoint::Create(_), _) => Some(&mut self.event_posts),
            (JobEndpoint::Get(_) | JobEndpoint::List, _) => Some(&mut self.reads),
            (JobEndpoint::WrongMethod { .. } | JobEndpoint::UnknownPath, _) => None,
        }
    }
}

/// Budget with a short window and a long one. A request must fit into both.
#[derive(Debug)]
struct TwoWindowBudget {
    windows: [BudgetWindow; 2],
}

impl TwoWindowBudget {
    fn count(&mut self, arrival: Timestamp) {
        for window in &mut self.windows {
            window.counted.push_back(arrival);
        }
    }

    /// Time until both windows have room for another request; `None` if both have room now.
    fn wait_time(&mut self, now: Timestamp) -> Option<Duration> {
        let waits = self.windows.iter_mut().map(|window| window.wait_time(now));
        waits.max().flatten()
    }

    /// Remaining budget of the window with the fewest requests left.
    fn remaining(&mut self, now: Timestamp) -> RemainingBudget {
        let [short, long] = self.windows.each_mut().map(|window| window.remaining(now));
        if long.remaining < short.remaining {
            long
        } else {
            short
        }
    }
}

/// Sliding window with the arrivals of the requests counted within a span of time.
#[derive(Debug)]
struct BudgetWindow {
    limit: u32,
    span: Duration,
    counted: VecDeque<Timestamp>,
}

impl BudgetWindow {
    fn new(limit: NonZeroU32, span: Duration) -> Self {
        Self {
            limit: limit.get(),
            span,
            counted: VecDeque::new(),
        }
    }

    fn wait_time(&mut self, now: Timestamp) -> Option<Duration> {
        self.forget_before(now);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let surplus = self.counted.len().checked_sub(limit)?;
        let leaves = later_by(*self.counted.get(surplus)?, self.span);
        Some(time_until(now, leaves))
    }

    fn remaining(&mut self, now: Timestamp) -> RemainingBudget {
        self.forget_before(now);
        let used = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
        let oldest = self.counted.front();
        RemainingBudget {
            limit: self.limit,
            remaining: self.limit.saturating_sub(used),
            time_to_reset: oldest.map_or(Duration::ZERO, |at| {
                time_until(now, later_by(*at, self.span))
            }),
        }
    }

    fn forget_before(&mut self, now: Timestamp) {
        let span = self.span;
        while self
            .counted
            .front()
            .is_some_and(|at| later_by(*at, span) <= now)
        {
            self.counted.pop_front();
        }
    }
}

/// Time from `now` to `later`; zero if `later` has passed.
fn time_until(now: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    use super::super::job_record::JobKind::{SourcingEvent, SourcingRequest};
    use super::super::jobs_route::TrailingSlash;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    /// Settings with two POSTs per hour, three POSTs per day and two reads per minute.
    fn tight_settings() -> BudgetSettings {
        BudgetSettings {
            posts_an_hour: number(2),
            posts_a_day: number(3),
            reads_a_minute: number(2),
            ..BudgetSettings::default()
        }
    }

    fn route(asked: JobEndpoint) -> JobsRoute {
        JobsRoute {
            endpoint: asked,
            slash: TrailingSlash::Absent,
        }
    }

    fn post(kind: JobKind) -> JobsRoute {
        route(JobEndpoint::Create(kind))
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_mins(minute)
    }

    /// Decisions about requests with arrivals at the given minutes: the number of requests left, or
    /// the wait of a refused request.
    fn decisions(
        settings: &BudgetSettings,
        requests: &[(JobsRoute, u64)],
    ) -> Vec<Result<u32, Duration>> {
        let mut budgets = RequestBudgets::new(settings);
        let admit = |(route, minute): &(JobsRoute, u64)| match budgets
            .admit(*route, at(*minute))
            .expect("a budget")
        {
            BudgetDecision::Admitted(standing) => Ok(standing.remaining),
            BudgetDecision::Refused { retry_after, .. } => Err(retry_after),
        };
        requests.iter().map(admit).collect()
    }

    fn minutes(minutes: u64) -> Result<u32, Duration> {
        Err(Duration::from_mins(minutes))
    }

    #[test]
    fn a_request_must_fit_into_the_hour_and_into_the_day() {
        let posts = [0, 10, 20, 59, 60, 61, 1439, 1440, 1450].map(|m| (post(SourcingEvent), m));
        assert_eq!(
            decisions(&tight_settings(), &posts),
            [
                Ok(1),
                Ok(0),
                minutes(40),
                minutes(1),
                // The third of the day.
                Ok(0),
                minutes(1379),
                minutes(1),
                Ok(0),
                Ok(0),
            ]
        );
    }

    #[test]
    fn both_kinds_of_jobs_share_a_budget_unless_each_has_its_own() {
        let posts = [SourcingEvent, SourcingEvent, SourcingRequest].map(|kind| (post(kind), 0));
        assert_eq!(decisions(&tight_settings(), &posts)[2], minutes(60));
        let apart = BudgetSettings {
            post_sharing: PostBudgetSharing::PerKind,
            ..tight_settings()
        };
        assert_eq!(decisions(&apart, &posts)[2], Ok(1));
    }

    #[test]
    fn lists_and_single_jobs_share_the_budget_for_reads() {
        let asked = [
            JobEndpoint::List,
            JobEndpoint::Get(Uuid::nil()),
            JobEndpoint::List,
        ];
        let reads = asked.map(|asked| (route(asked), 0));
        assert_eq!(
            decisions(&tight_settings(), &reads),
            [Ok(1), Ok(0), minutes(1)]
        );
        let mut budgets = RequestBudgets::new(&tight_settings());
        assert_eq!(budgets.admit(route(JobEndpoint::UnknownPath), at(0)), None);
    }

    #[test]
    fn whoever_keeps_asking_is_kept_out_where_refused_requests_count() {
        let settings = BudgetSettings {
            posts_a_day: number(500),
            refused_requests: RefusedRequestCounting::Counted,
            ..tight_settings()
        };
        let posts = [0, 1, 59, 60, 118, 120].map(|m| (post(SourcingEvent), m));
        assert_eq!(
            decisions(&settings, &posts),
            [Ok(1), Ok(0), minutes(2), minutes(59), minutes(2), Ok(0)]
        );
    }

    #[test]
    fn an_answer_tells_of_the_window_with_the_least_left_and_when_it_has_one_more() {
        let mut budgets = RequestBudgets::new(&tight_settings());
        let mut admit = |minute| budgets.admit(post(SourcingEvent), at(minute));
        let admitted = |limit, remaining, minutes| {
            Some(BudgetDecision::Admitted(RemainingBudget {
                limit,
                remaining,
                time_to_reset: Duration::from_mins(minutes),
            }))
        };
        assert_eq!(admit(0), admitted(2, 1, 60));
        assert_eq!(admit(30), admitted(2, 0, 30));
        assert_eq!(admit(100), admitted(3, 0, 1340));
    }
}
