//! Circuit breakers of a run, one for each kind of request, and the set of rows left to compare a
//! failing row with.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::circuit_breaker::{
    BreakerAdmission, CircuitBreaker, FailureJudgement, FailureSuspect, OwnFaultEvidence,
    ROW_GIVE_UP_AFTER, RowsLeft,
};
use super::{EarlierAnswer, FIRST_ANSWER_TIMEOUT};
use crate::mutex::lock_despite_poison;

/// Largest number of a row's requests without an answer while requests of others get answers.
const MAX_OWN_FAILURES: u32 = 6;

/// Largest number for requests with changes, whose failures cost look-ups each time.
const MAX_OWN_CHANGE_FAILURES: u32 = 3;

/// Kind of request with a circuit breaker of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CircuitKind {
    Reads,
    Changes,
    Uploads,
    Downloads,
}

impl CircuitKind {
    const ALL: [Self; 4] = [Self::Reads, Self::Changes, Self::Uploads, Self::Downloads];

    fn is_api(self) -> bool {
        matches!(self, Self::Reads | Self::Changes)
    }

    fn max_own_failures(self) -> u32 {
        match self {
            Self::Changes => MAX_OWN_CHANGE_FAILURES,
            Self::Reads | Self::Uploads | Self::Downloads => MAX_OWN_FAILURES,
        }
    }
}

/// Reaction of the run to a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureReaction {
    /// The row waits for this time, and the others continue.
    Wait(Duration),
    /// The row waits for this time. No other row is left, so the row is given up after
    /// [`ROW_GIVE_UP_AFTER`].
    WaitAsLastRow(Duration),
    /// All rows wait for this time.
    AllWait(Duration),
    /// The row is given up.
    GiveUp(OwnFaultEvidence),
    /// The run stops: the service was away for too long.
    StopForOutage,
    /// The run stops: the service has never answered.
    StopUnanswered,
}

/// Delay of a request before its admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdmissionDelay {
    NoDelay,
    Delayed,
}

/// Circuit breakers of a run.
#[derive(Debug)]
pub(crate) struct CircuitBreakers {
    state: Mutex<BreakersState>,
    changed: Notify,
    max_outage: Duration,
}

#[derive(Debug)]
struct BreakersState {
    breakers: [CircuitBreaker; 4],
    more_rows_will_start: bool,
    rows_at_work: BTreeSet<usize>,
    /// Rows at work that can do nothing until another row has proven that the service finds their
    /// ids.
    blocked_rows: BTreeSet<usize>,
    /// True if the service has ever answered in this run.
    has_answered: bool,
    /// Time of the first failure of the service's API before its first answer.
    first_failure: Option<Instant>,
}

impl BreakersState {
    fn breaker_for(&mut self, circuit: CircuitKind) -> &mut CircuitBreaker {
        &mut self.breakers[circuit as usize]
    }

    /// Returns [`RowsLeft::Others`] if other rows can prove that a failure is the row's own. Rows
    /// with failures of their own, and rows with nothing to do yet, cannot. Rows waiting for the
    /// end of an outage can, since they will be there afterwards.
    fn rows_left_beside(&self, row: usize) -> RowsLeft {
        let is_failing = |row: &usize| self.breakers.iter().any(|one| one.is_failing(*row));
        let is_left = |other: &usize| {
            *other != row && !is_failing(other) && !self.blocked_rows.contains(other)
        };
        let is_outage = self.breakers.iter().any(CircuitBreaker::is_open);
        if self.more_rows_will_start || is_outage || self.rows_at_work.iter().any(is_left) {
            RowsLeft::Others
        } else {
            RowsLeft::NoOther
        }
    }
}

impl CircuitBreakers {
    pub(crate) fn new(max_outage: Duration, first_answer: EarlierAnswer, seed: u64) -> Self {
        let breaker = |circuit: CircuitKind| {
            let seed = seed.wrapping_add(circuit as u64);
            CircuitBreaker::new(circuit.max_own_failures(), seed)
        };
        Self {
            state: Mutex::new(BreakersState {
                breakers: CircuitKind::ALL.map(breaker),
                more_rows_will_start: true,
                rows_at_work: BTreeSet::new(),
                blocked_rows: BTreeSet::new(),
                has_answered: first_answer == EarlierAnswer::Received,
                first_failure: None,
            }),
            changed: Notify::new(),
            max_outage,
        }
    }

    /// Counts a row among the rows at work, until the returned guard is dropped.
    pub(crate) fn count_row_at_work(&self, row: usize) -> RowAtWork<'_> {
        self.lock().rows_at_work.insert(row);
        RowAtWork {
            row,
            breakers: self,
        }
    }

    /// Excludes a row that can do nothing until another row has proven that the service finds the
    /// ids of both. The exclusion ends when the returned guard is dropped.
    pub(crate) fn count_row_blocked(&self, row: usize) -> BlockedRow<'_> {
        self.lock().blocked_rows.insert(row);
        BlockedRow {
            row,
            breakers: self,
        }
    }

    /// Notes that no further row will start.
    pub(crate) fn all_rows_started(&self) {
        self.lock().more_rows_will_start = false;
    }

    /// Notes an answer. Returns true if the answer ended a time of failures about which the user
    /// may have been informed.
    pub(crate) fn answered(&self, circuit: CircuitKind, row: usize) -> bool {
        let mut state = self.lock();
        state.has_answered |= circuit.is_api();
        let was_away = state.breaker_for(circuit).answered(row);
        drop(state);
        self.changed.notify_waiters();
        was_away
    }

    /// Notes a failure and decides on the run's reaction.
    pub(crate) fn failed(&self, circuit: CircuitKind, suspect: FailureSuspect) -> FailureReaction {
        let now = Instant::now();
        let mut state = self.lock();
        let rows_left = match suspect {
            FailureSuspect::Row(row) => state.rows_left_beside(row),
            FailureSuspect::Service => RowsLeft::Others,
        };
        let judgement = state.breaker_for(circuit).failed(suspect, rows_left, now);
        let reaction = self.reaction(&mut state, circuit, (judgement, rows_left), now);
        drop(state);
        self.changed.notify_waiters();
        reaction
    }

    fn reaction(
        &self,
        state: &mut BreakersState,
        circuit: CircuitKind,
        (judgement, company): (FailureJudgement, RowsLeft),
        now: Instant,
    ) -> FailureReaction {
        let away = state.breaker_for(circuit).failing_for(now);
        let mut longest = Duration::MAX;
        if circuit.is_api() && !state.has_answered {
            let limit = FIRST_ANSWER_TIMEOUT.min(self.max_outage);
            let away = now - *state.first_failure.get_or_insert(now);
            if away >= self.max_outage {
                return FailureReaction::StopForOutage;
            }
            if away >= limit {
                return FailureReaction::StopUnanswered;
            }
            longest = limit.saturating_sub(away);
            state.breaker_for(circuit).begin_round_by(now + longest);
        }
        // While only few rows fail and other rows are left to compare with, an outage is not
        // established.
        let may_be_outage = company == RowsLeft::NoOther
            || state.breaker_for(circuit).is_open()
            || self.max_outage < ROW_GIVE_UP_AFTER;
        match judgement {
            FailureJudgement::OwnFault(evidence) => FailureReaction::GiveUp(evidence),
            _ if away >= self.max_outage && may_be_outage => FailureReaction::StopForOutage,
            FailureJudgement::AllWait(wait) => FailureReaction::AllWait(wait.min(longest)),
            FailureJudgement::Wait(wait) if company == RowsLeft::NoOther => {
                FailureReaction::WaitAsLastRow(wait.min(longest))
            }
            FailureJudgement::Wait(wait) => FailureReaction::Wait(wait.min(longest)),
        }
    }

    /// Waits until a row may send a request.
    pub(crate) async fn wait_for_admission(
        &self,
        circuit: CircuitKind,
        row: usize,
    ) -> AdmissionDelay {
        let mut admitted = AdmissionDelay::NoDelay;
        let _waiting = AdmissionWait::begin(self, circuit, row);
        loop {
            let changed = self.changed.notified();
            let admission = self.lock().breaker_for(circuit).admit(row, Instant::now());
            match admission {
                BreakerAdmission::Admitted => return admitted,
                BreakerAdmission::NotBefore(at) => {
                    admitted = AdmissionDelay::Delayed;
                    tokio::select! {
                        biased;
                        () = changed => {}
                        () = sleep_until(at) => {}
                    }
                }
            }
        }
    }

    /// Returns true during an outage of a kind of request.
    pub(crate) fn is_outage(&self, circuit: CircuitKind) -> bool {
        self.lock().breaker_for(circuit).is_open()
    }

    /// Returns true if enough has failed in succession for the user to be informed.
    pub(crate) fn should_be_announced(&self, circuit: CircuitKind) -> bool {
        self.lock().breaker_for(circuit).should_be_announced()
    }

    /// Returns the backoff of a row after its newest failure.
    pub(crate) fn row_backoff(&self, circuit: CircuitKind, row: usize) -> Duration {
        self.lock().breaker_for(circuit).row_backoff(row)
    }

    /// Returns true if the wait of a row is long enough to lend its upload slot to other rows
    /// meanwhile.
    pub(crate) fn should_yield_slot(&self, circuit: CircuitKind, row: usize) -> bool {
        self.lock().breaker_for(circuit).should_yield_slot(row)
    }

    fn lock(&self) -> MutexGuard<'_, BreakersState> {
        lock_despite_poison(&self.state)
    }
}

/// Guard of a row at work.
#[derive(Debug)]
pub(crate) struct RowAtWork<'a> {
    row: usize,
    breakers: &'a CircuitBreakers,
}

impl Drop for RowAtWork<'_> {
    fn drop(&mut self) {
        let mut state = self.breakers.lock();
        state.rows_at_work.remove(&self.row);
        for breaker in &mut state.breakers {
            breaker.forget_row(self.row);
        }
    }
}

/// Guard of a row waiting until another row has proven that the service finds the ids of both.
#[derive(Debug)]
pub(crate) struct BlockedRow<'a> {
    row: usize,
    breakers: &'a CircuitBreakers,
}

impl Drop for BlockedRow<'_> {
    fn drop(&mut self) {
        self.breakers.lock().blocked_rows.remove(&self.row);
    }
}

/// Guard of a row that waits for admission.
struct AdmissionWait<'a> {
    breakers: &'a CircuitBreakers,
    circuit: CircuitKind,
    row: usize,
}

impl<'a> AdmissionWait<'a> {
    fn begin(breakers: &'a CircuitBreakers, circuit: CircuitKind, row: usize) -> Self {
        breakers.lock().breaker_for(circuit).start_waiting(row);
        Self {
            breakers,
            circuit,
            row,
        }
    }
}

impl Drop for AdmissionWait<'_> {
    fn drop(&mut self) {
        let mut state = self.breakers.lock();
        let breaker = state.breaker_for(self.circuit);
        breaker.stop_waiting(self.row);
        let others_wait = breaker.is_open();
        drop(state);
        if others_wait {
            self.breakers.changed.notify_waiters();
        }
    }
}
