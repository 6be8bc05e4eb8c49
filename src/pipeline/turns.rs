//! Waits for the quotas of services with limits over minutes, hours and days.
//!
//! A run waits until a budget has something left, announces the wait, and fails no row for it. The
//! budgets are counted by [`crate::throttle::quota`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::Halt;
use crate::destination::{Destination, Kind};
use crate::event::{Event, Events};
use crate::throttle::quota::{Turn, Urgency};

/// Shortest wait that is announced.
const WORTH_TELLING: Duration = Duration::from_mins(1);

/// Longest sleep before a wait is computed anew, because the machine may have slept meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Longest acceptable wait before the first read of a new job, whose addresses live for a minute.
const SOON: Duration = Duration::from_secs(5);

/// Exclusive right to make a new job, held until the job is made.
pub(super) struct JobTurn<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, ()>);

/// Gate in front of the service's request budgets, shared by all rows of a run.
pub(super) struct Turns<'a, D> {
    destination: &'a D,
    events: &'a Events,
    /// Held while a job is made, since jobs are made one after the other.
    jobs: Mutex<()>,
    /// Held by an urgent read while waiting for the budget. Urgent reads are sent in the order of
    /// their arrival, since a read overtaken again and again sees the addresses of a job only after
    /// their expiry.
    urgent_reads: Mutex<()>,
    is_ending: AtomicBool,
    ending: Notify,
}

/// Class of a request: decides the budget to count against, and the urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Request that changes nothing.
    Read(Urgency),
    /// Request that changes something. Always urgent.
    Change,
}

impl Sort {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Read(_) => Kind::Read,
            Self::Change => Kind::Change,
        }
    }

    fn urgency(self) -> Urgency {
        match self {
            Self::Read(urgency) => urgency,
            Self::Change => Urgency::Urgent,
        }
    }
}

impl<'a, D: Destination> Turns<'a, D> {
    pub(super) fn new(destination: &'a D, events: &'a Events) -> Self {
        Self {
            destination,
            events,
            jobs: Mutex::new(()),
            urgent_reads: Mutex::new(()),
            is_ending: AtomicBool::new(false),
            ending: Notify::new(),
        }
    }

    /// Waits until the budget for a request has something left. Returns `None` if there is no such
    /// budget.
    pub(super) async fn share(&self, sort: Sort) -> Option<Turn<'a>> {
        let budget = self.destination.budget(sort.kind())?;
        let _first_in_line = match sort {
            Sort::Read(Urgency::Urgent) => Some(self.urgent_reads.lock().await),
            Sort::Read(Urgency::CanWait) | Sort::Change => None,
        };
        let mut told = Told::No;
        loop {
            let wait = match budget.turn(sort.urgency()) {
                Ok(turn) => return Some(turn),
                Err(wait) => wait,
            };
            self.tell(sort.kind(), wait, &mut told);
            tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
        }
    }

    /// Returns the wait for deferrable reads where little is left of their budget.
    pub(super) fn reads_can_wait_for(&self) -> Option<Duration> {
        self.destination.budget(Kind::Read)?.wait(Urgency::CanWait)
    }

    /// Waits for the turn of a new job: until the service takes another job, and the addresses of
    /// the new job can be read soon.
    ///
    /// Fails with [`Halt::Abandoned`] once the run is ending.
    pub(super) async fn of_a_job(&self) -> Result<JobTurn<'_>, Halt> {
        let turn = self.jobs.lock().await;
        let mut told = Told::No;
        loop {
            let ending = self.ending.notified();
            if self.is_ending.load(Ordering::Acquire) {
                return Err(Halt::Abandoned);
            }
            let Some((kind, wait)) = self.job_has_to_wait() else {
                return Ok(JobTurn(turn));
            };
            self.tell(kind, wait, &mut told);
            tokio::select! {
                biased;
                () = ending => {}
                () = tokio::time::sleep(wait.min(LOOK_AGAIN)) => {}
            }
        }
    }

    /// Returns the wait before a new job may be made, and the exhausted budget.
    fn job_has_to_wait(&self) -> Option<(Kind, Duration)> {
        let wait = |kind| self.destination.budget(kind)?.wait(Urgency::Urgent);
        let job = wait(Kind::Change).map(|wait| (Kind::Change, wait));
        let look = wait(Kind::Read).filter(|wait| *wait > SOON);
        job.or(look.map(|wait| (Kind::Read, wait)))
    }

    /// Ends all waits for the turn of a new job.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.ending.notify_waiters();
    }

    /// Announces a wait, once, if it is long enough.
    fn tell(&self, kind: Kind, wait: Duration, told: &mut Told) {
        if wait >= WORTH_TELLING && *told == Told::No {
            self.events.send(Event::Spent { kind, wait });
            *told = Told::Yes;
        }
    }
}

/// Record of whether a wait has been announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
}
