//! Whose turn it is where a service limits its requests over minutes, hours and days.
//!
//! A run waits for such a budget, says for how long, and fails no row for it. How much is left is
//! the business of [`crate::throttle::quota`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, Notify};

use super::Halt;
use crate::destination::{Destination, Kind};
use crate::event::{Event, Events};
use crate::throttle::quota::{Turn, Urgency};

/// A wait that is shorter goes without saying.
const WORTH_TELLING: Duration = Duration::from_mins(1);

/// So often a long wait is looked at again: the machine may have slept meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How soon it must be possible to ask a new job for its addresses, which live for a minute.
const SOON: Duration = Duration::from_secs(5);

/// The turn of a new job.
pub(super) struct JobTurn<'a>(#[expect(dead_code, reason = "held")] MutexGuard<'a, ()>);

/// The turns of one run.
pub(super) struct Turns<'a, D> {
    destination: &'a D,
    events: &'a Events,
    /// Jobs are made one after the other.
    jobs: Mutex<()>,
    /// Urgent reads are sent in the order in which they came, where they have to wait: somebody who
    /// is overtaken again and again sees the addresses of a job only when they have expired.
    urgent_reads: Mutex<()>,
    is_ending: AtomicBool,
    ending: Notify,
}

/// What a request is to the service's budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Read(Urgency),
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

    /// Waits until something is left of the budget for a request, where there is one.
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

    /// How long questions that can wait should, because little is left of the budget for them.
    pub(super) fn reads_can_wait_for(&self) -> Option<Duration> {
        self.destination.budget(Kind::Read)?.wait(Urgency::CanWait)
    }

    /// Waits for the turn of a new job: until the service takes another job, and until that can soon
    /// be asked for its addresses. While the run is ending there are no turns.
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

    /// What a new job has to wait for, and how long.
    fn job_has_to_wait(&self) -> Option<(Kind, Duration)> {
        let wait = |kind| self.destination.budget(kind)?.wait(Urgency::Urgent);
        let job = wait(Kind::Change).map(|wait| (Kind::Change, wait));
        let look = wait(Kind::Read).filter(|wait| *wait > SOON);
        job.or(look.map(|wait| (Kind::Read, wait)))
    }

    /// Lets nobody wait any longer for something to begin with.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.ending.notify_waiters();
    }

    /// Tells of a wait, once, if it is worth it.
    fn tell(&self, kind: Kind, wait: Duration, told: &mut Told) {
        if wait >= WORTH_TELLING && *told == Told::No {
            self.events.send(Event::Spent { kind, wait });
            *told = Told::Yes;
        }
    }
}

/// Whether a wait has been told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
}
