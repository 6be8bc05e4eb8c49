//! The budgets of the jobs API: how many requests are answered within an hour and within a day,
//! counted as sliding windows over arrival times.
//!
//! Time is the clock's, not the process's, because a day's budget outlives an emulator: the request
//! log says which requests were counted, and from it an emulator begins.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::job::{Kind, after};
use super::route::{Asked, JobsRoute};
use super::settings::{BudgetSettings, PostBudgets, Refused};

/// What is left of a budget, as the headers of an answer tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many requests its time has.
    pub(super) limit: u32,
    /// How many are left.
    pub(super) remaining: u32,
    /// The time until there is one more.
    pub(super) reset: Duration,
}

/// What a budget says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// There was one left for it.
    Admitted(Standing),
    /// There was none.
    Refused {
        standing: Standing,
        /// The time until there is one.
        retry_after: Duration,
    },
}

/// The budgets of an emulator.
#[derive(Debug)]
pub(in crate::emulator) struct Budgets {
    refused: Refused,
    shared: PostBudgets,
    for_events: Budget,
    for_requests: Budget,
    reads: Budget,
}

impl Budgets {
    /// Budgets of which nothing is used.
    pub(in crate::emulator) fn new(settings: &BudgetSettings) -> Self {
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        let posts = || Budget {
            windows: [
                Window::new(settings.posts_an_hour, hour),
                Window::new(settings.posts_a_day, day),
            ],
        };
        Self {
            refused: settings.refused,
            shared: settings.posts,
            for_events: posts(),
            for_requests: posts(),
            reads: Budget {
                windows: [
                    Window::new(settings.reads_a_minute, Duration::from_mins(1)),
                    Window::new(settings.reads_an_hour, hour),
                ],
            },
        }
    }

    /// Counts a request that an earlier emulator counted.
    pub(in crate::emulator) fn count(&mut self, route: JobsRoute, arrival: Timestamp) {
        if let Some(budget) = self.of(route) {
            budget.take(arrival);
        }
    }

    /// Judges a request by the time at which it arrived; `None` where it falls under no budget.
    pub(super) fn admit(&mut self, route: JobsRoute, arrival: Timestamp) -> Option<Admission> {
        let refused = self.refused;
        let budget = self.of(route)?;
        let wait = budget.wait(arrival);
        if wait.is_none() || refused == Refused::Counted {
            budget.take(arrival);
        }
        let standing = budget.standing(arrival);
        Some(match wait {
            None => Admission::Admitted(standing),
            Some(_) => Admission::Refused {
                standing,
                // Asked again, since having counted this one may have put it off.
                retry_after: budget.wait(arrival).unwrap_or_default(),
            },
        })
    }

    fn of(&mut self, route: JobsRoute) -> Option<&mut Budget> {
        match (route.asked, self.shared) {
            (Asked::Create(Kind::SourcingRequest), PostBudgets::EachItsOwn) => {
                Some(&mut self.for_requests)
            }
            (Asked::Create(_), _) => Some(&mut self.for_events),
            (Asked::Get(_) | Asked::List, _) => Some(&mut self.reads),
            (Asked::WrongMethod { .. } | Asked::Unknown, _) => None,
        }
    }
}

/// A budget with a short window and a long one; a request must fit into both.
#[derive(Debug)]
struct Budget {
    windows: [Window; 2],
}

impl Budget {
    fn take(&mut self, arrival: Timestamp) {
        for window in &mut self.windows {
            window.counted.push_back(arrival);
        }
    }

    /// The time until there is one left, if there is none.
    fn wait(&mut self, now: Timestamp) -> Option<Duration> {
        let waits = self.windows.iter_mut().map(|window| window.wait(now));
        waits.max().flatten()
    }

    /// What is left in the window that has the least left.
    fn standing(&mut self, now: Timestamp) -> Standing {
        let [short, long] = self.windows.each_mut().map(|window| window.standing(now));
        if long.remaining < short.remaining {
            long
        } else {
            short
        }
    }
}

/// The requests that were counted within a span of time.
#[derive(Debug)]
struct Window {
    limit: u32,
    span: Duration,
    counted: VecDeque<Timestamp>,
}

impl Window {
    fn new(limit: NonZeroU32, span: Duration) -> Self {
        Self {
            limit: limit.get(),
            span,
            counted: VecDeque::new(),
        }
    }

    fn wait(&mut self, now: Timestamp) -> Option<Duration> {
        self.forget_before(now);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let surplus = self.counted.len().checked_sub(limit)?;
        let leaves = after(*self.counted.get(surplus)?, self.span);
        Some(between(now, leaves))
    }

    fn standing(&mut self, now: Timestamp) -> Standing {
        self.forget_before(now);
        let used = u32::try_from(self.counted.len()).unwrap_or(u32::MAX);
        let oldest = self.counted.front();
        Standing {
            limit: self.limit,
            remaining: self.limit.saturating_sub(used),
            reset: oldest.map_or(Duration::ZERO, |at| between(now, after(*at, self.span))),
        }
    }

    fn forget_before(&mut self, now: Timestamp) {
        let span = self.span;
        while self
            .counted
            .front()
            .is_some_and(|at| after(*at, span) <= now)
        {
            self.counted.pop_front();
        }
    }
}

/// The time from one instant to a later one.
fn between(now: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(now)).unwrap_or_default()
}
