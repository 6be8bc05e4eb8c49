//! Waits for the quotas of services with limits over minutes, hours and days.
//!
//! A run waits until a budget has something left, announces the wait, and fails no row for it. The
//! budgets are counted by [`crate::throttle::quota`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::HaltReason;
use crate::destination::{BudgetKind, Destination};
use crate::event::{EventSender, RunEvent};
use crate::throttle::quota::{QuotaPermit, RequestUrgency};

/// Shortest wait that is announced.
const SHORTEST_ANNOUNCED_WAIT: Duration = Duration::from_mins(1);

/// Longest sleep before a wait is computed anew, because the machine may have slept meanwhile.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Longest acceptable wait before the first read of a new job, whose addresses live for a minute.
const MAX_FIRST_READ_DELAY: Duration = Duration::from_secs(5);

/// Exclusive right to make a new job, held until the job is made.
pub(super) struct JobTurn<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, ()>);

/// Gate in front of the service's request budgets, shared by all rows of a run.
pub(super) struct QuotaGate<'a, D> {
    destination: &'a D,
    events: &'a EventSender,
    /// Held while a job is made, since jobs are made one after the other.
    job_turn: Mutex<()>,
    /// Held by an urgent read while waiting for the budget. Urgent reads are sent in the order of
    /// their arrival, since a read overtaken again and again sees the addresses of a job only after
    /// their expiry.
    urgent_read_turn: Mutex<()>,
    is_ending: AtomicBool,
    ending_notice: Notify,
}

/// Class of a request: decides the budget to count against, and the urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestClass {
    /// Request that changes nothing.
    Read(RequestUrgency),
    /// Request that changes something. Always urgent.
    Change,
}

impl RequestClass {
    pub(super) fn budget_kind(self) -> BudgetKind {
        match self {
            Self::Read(_) => BudgetKind::Read,
            Self::Change => BudgetKind::Change,
        }
    }

    fn urgency(self) -> RequestUrgency {
        match self {
            Self::Read(urgency) => urgency,
            Self::Change => RequestUrgency::Urgent,
        }
    }
}

impl<'a, D: Destination> QuotaGate<'a, D> {
    pub(super) fn new(destination: &'a D, events: &'a EventSender) -> Self {
        Self {
            destination,
            events,
            job_turn: Mutex::new(()),
            urgent_read_turn: Mutex::new(()),
            is_ending: AtomicBool::new(false),
            ending_notice: Notify::new(),
        }
    }

    /// Waits until the budget for a request has something left. Returns `None` if there is no such
    /// budget.
    pub(super) async fn wait_for_quota(
        &self,
        request_class: RequestClass,
    ) -> Option<QuotaPermit<'a>> {
        let budget = self.destination.budget(request_class.budget_kind())?;
        let _first_in_line = match request_class {
            RequestClass::Read(RequestUrgency::Urgent) => Some(self.urgent_read_turn.lock().await),
            RequestClass::Read(RequestUrgency::CanWait) | RequestClass::Change => None,
        };
        let mut told = WaitAnnouncement::NotYet;
        loop {
            let wait = match budget.try_acquire(request_class.urgency()) {
                Ok(turn) => return Some(turn),
                Err(wait) => wait,
            };
            self.announce_wait(request_class.budget_kind(), wait, &mut told);
            tokio::time::sleep(wait.min(RECHECK_INTERVAL)).await;
        }
    }

    /// Returns the wait for deferrable reads where little is left of their budget.
    pub(super) fn deferrable_read_wait(&self) -> Option<Duration> {
        self.destination
            .budget(BudgetKind::Read)?
            .wait_time(RequestUrgency::CanWait)
    }

    /// Waits for the turn of a new job: until the service takes another job, and the addresses of
    /// the new job can be read soon.
    ///
    /// Fails with [`HaltReason::RowAbandoned`] once the run is ending.
    pub(super) async fn wait_for_job_turn(&self) -> Result<JobTurn<'_>, HaltReason> {
        let turn = self.job_turn.lock().await;
        let mut told = WaitAnnouncement::NotYet;
        loop {
            let ending = self.ending_notice.notified();
            if self.is_ending.load(Ordering::Acquire) {
                return Err(HaltReason::RowAbandoned);
            }
            let Some((kind, wait)) = self.job_wait() else {
                return Ok(JobTurn(turn));
            };
            self.announce_wait(kind, wait, &mut told);
            tokio::select! {
                biased;
                () = ending => {}
                () = tokio::time::sleep(wait.min(RECHECK_INTERVAL)) => {}
            }
        }
    }

    /// Returns the wait before a new job may be made, and the exhausted budget.
    fn job_wait(&self) -> Option<(BudgetKind, Duration)> {
        let wait = |kind| {
            self.destination
                .budget(kind)?
                .wait_time(RequestUrgency::Urgent)
        };
        let job = wait(BudgetKind::Change).map(|wait| (BudgetKind::Change, wait));
        let look = wait(BudgetKind::Read).filter(|wait| *wait > MAX_FIRST_READ_DELAY);
        job.or(look.map(|wait| (BudgetKind::Read, wait)))
    }

    /// Ends all waits for the turn of a new job.
    pub(super) fn end_job_waits(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.ending_notice.notify_waiters();
    }

    /// Announces a wait, once, if it is long enough.
    fn announce_wait(&self, kind: BudgetKind, wait: Duration, announcement: &mut WaitAnnouncement) {
        if wait >= SHORTEST_ANNOUNCED_WAIT && *announcement == WaitAnnouncement::NotYet {
            self.events.send(RunEvent::BudgetExhausted { kind, wait });
            *announcement = WaitAnnouncement::Sent;
        }
    }
}

/// Record of whether a wait has been announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitAnnouncement {
    Sent,
    NotYet,
}
