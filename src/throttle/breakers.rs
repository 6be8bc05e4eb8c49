//! Circuit breakers of a run, one for each kind of request, and the set of rows left to compare a
//! failing row with.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::circuit::{Admission, CircuitBreaker, Company, Evidence, Judgement, OWN_LIMIT, Suspect};
use super::{EarlierAnswer, FIRST_ANSWER_LIMIT};
use crate::sync::lock;

/// Largest number of a row's requests without an answer while requests of others get answers.
const OWN_FAILURES: u32 = 6;

/// Largest number for requests with changes, whose failures cost look-ups each time.
const OWN_CHANGES: u32 = 3;

/// Kind of request with a circuit breaker of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circuit {
    Reads,
    Changes,
    Uploads,
    Downloads,
}

impl Circuit {
    const ALL: [Self; 4] = [Self::Reads, Self::Changes, Self::Uploads, Self::Downloads];

    fn is_of_the_api(self) -> bool {
        matches!(self, Self::Reads | Self::Changes)
    }

    fn own_failures(self) -> u32 {
        match self {
            Self::Changes => OWN_CHANGES,
            Self::Reads | Self::Uploads | Self::Downloads => OWN_FAILURES,
        }
    }
}

/// Reaction of the run to a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The row waits for this time, and the others go on.
    Wait(Duration),
    /// The row waits for this time. No other row is left, so the row is given up after
    /// [`OWN_LIMIT`].
    WaitAlone(Duration),
    /// All rows wait for this time.
    AllWait(Duration),
    /// The row is given up.
    GiveUp(Evidence),
    /// The run stops: the service was away for too long.
    Outage,
    /// The run stops: the service has never answered.
    NeverAnswered,
}

/// Delay of a request before its admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    AtOnce,
    AfterAWait,
}

/// Circuit breakers of a run.
#[derive(Debug)]
pub(crate) struct CircuitBreakers {
    state: Mutex<State>,
    changed: Notify,
    max_outage: Duration,
}

#[derive(Debug)]
struct State {
    breakers: [CircuitBreaker; 4],
    more_to_come: bool,
    at_work: BTreeSet<usize>,
    /// Rows at work, idle until another row has proven a look-up by ids.
    blocked: BTreeSet<usize>,
    /// True if the service has ever answered in this run.
    has_answered: bool,
    /// Time of the first failure of the service's API before its first answer.
    first_failure: Option<Instant>,
}

impl State {
    fn of(&mut self, circuit: Circuit) -> &mut CircuitBreaker {
        &mut self.breakers[circuit as usize]
    }

    /// Returns [`Company::OthersLeft`] if other rows can tell if a failure is the row's own. Rows
    /// with failures of their own, and rows with nothing to do yet, cannot. Rows waiting for the
    /// end of an outage can, since they will be there afterwards.
    fn company(&self, row: usize) -> Company {
        let is_failing = |row: &usize| self.breakers.iter().any(|one| one.is_failing(*row));
        let is_left =
            |other: &usize| *other != row && !is_failing(other) && !self.blocked.contains(other);
        let is_outage = self.breakers.iter().any(CircuitBreaker::is_open);
        if self.more_to_come || is_outage || self.at_work.iter().any(is_left) {
            Company::OthersLeft
        } else {
            Company::Alone
        }
    }
}

impl CircuitBreakers {
    pub(crate) fn new(max_outage: Duration, first_answer: EarlierAnswer, seed: u64) -> Self {
        let breaker = |circuit: Circuit| {
            let seed = seed.wrapping_add(circuit as u64);
            CircuitBreaker::new(circuit.own_failures(), seed)
        };
        Self {
            state: Mutex::new(State {
                breakers: Circuit::ALL.map(breaker),
                more_to_come: true,
                at_work: BTreeSet::new(),
                blocked: BTreeSet::new(),
                has_answered: first_answer == EarlierAnswer::Came,
                first_failure: None,
            }),
            changed: Notify::new(),
            max_outage,
        }
    }

    /// Counts a row among the rows at work, until the returned guard is dropped.
    pub(crate) fn at_work(&self, row: usize) -> RowAtWork<'_> {
        self.lock().at_work.insert(row);
        RowAtWork {
            row,
            breakers: self,
        }
    }

    /// Excludes a row with nothing to do until another row has proven a look-up by ids. The
    /// exclusion ends when the returned guard is dropped.
    pub(crate) fn blocked(&self, row: usize) -> BlockedRow<'_> {
        self.lock().blocked.insert(row);
        BlockedRow {
            row,
            breakers: self,
        }
    }

    /// Notes that no further row will start.
    pub(crate) fn no_more_to_come(&self) {
        self.lock().more_to_come = false;
    }

    /// Notes an answer. Returns true if the answer ended a time of failures about which the user
    /// may have been informed.
    pub(crate) fn answered(&self, circuit: Circuit, row: usize) -> bool {
        let mut state = self.lock();
        state.has_answered |= circuit.is_of_the_api();
        let was_away = state.of(circuit).answered(row);
        drop(state);
        self.changed.notify_waiters();
        was_away
    }

    /// Notes a failure and decides on the run's reaction.
    pub(crate) fn failed(&self, circuit: Circuit, suspect: Suspect) -> Reaction {
        let now = Instant::now();
        let mut state = self.lock();
        let company = match suspect {
            Suspect::Row(row) => state.company(row),
            Suspect::Service => Company::OthersLeft,
        };
        let judgement = state.of(circuit).failed(suspect, company, now);
        let reaction = self.reaction(&mut state, circuit, (judgement, company), now);
        drop(state);
        self.changed.notify_waiters();
        reaction
    }

    fn reaction(
        &self,
        state: &mut State,
        circuit: Circuit,
        (judgement, company): (Judgement, Company),
        now: Instant,
    ) -> Reaction {
        let away = state.of(circuit).away_for(now);
        let mut longest = Duration::MAX;
        if circuit.is_of_the_api() && !state.has_answered {
            let limit = FIRST_ANSWER_LIMIT.min(self.max_outage);
            let away = now - *state.first_failure.get_or_insert(now);
            if away >= self.max_outage {
                return Reaction::Outage;
            }
            if away >= limit {
                return Reaction::NeverAnswered;
            }
            longest = limit.saturating_sub(away);
            state.of(circuit).bring_forward(now + longest);
        }
        // While only few rows fail and other rows are left to compare with, an outage is not
        // established.
        let may_be_outage =
            company == Company::Alone || state.of(circuit).is_open() || self.max_outage < OWN_LIMIT;
        match judgement {
            Judgement::OwnFault(evidence) => Reaction::GiveUp(evidence),
            _ if away >= self.max_outage && may_be_outage => Reaction::Outage,
            Judgement::AllWait(wait) => Reaction::AllWait(wait.min(longest)),
            Judgement::Wait(wait) if company == Company::Alone => {
                Reaction::WaitAlone(wait.min(longest))
            }
            Judgement::Wait(wait) => Reaction::Wait(wait.min(longest)),
        }
    }

    /// Waits until a row may send a request.
    pub(crate) async fn admitted(&self, circuit: Circuit, row: usize) -> Admitted {
        let mut admitted = Admitted::AtOnce;
        let _waiting = Waiting::begin(self, circuit, row);
        loop {
            let changed = self.changed.notified();
            let admission = self.lock().of(circuit).admit(row, Instant::now());
            match admission {
                Admission::Pass => return admitted,
                Admission::NotBefore(at) => {
                    admitted = Admitted::AfterAWait;
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
    pub(crate) fn is_outage(&self, circuit: Circuit) -> bool {
        self.lock().of(circuit).is_open()
    }

    /// Returns true if enough has failed in succession for the user to be informed.
    pub(crate) fn is_worth_telling(&self, circuit: Circuit) -> bool {
        self.lock().of(circuit).is_worth_telling()
    }

    /// Returns the backoff of a row after its newest failure.
    pub(crate) fn pause(&self, circuit: Circuit, row: usize) -> Duration {
        self.lock().of(circuit).pause(row)
    }

    /// Returns true if the wait of a row is long enough to give the place to other rows meanwhile.
    pub(crate) fn keeps_waiting(&self, circuit: Circuit, row: usize) -> bool {
        self.lock().of(circuit).keeps_waiting(row)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
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
        state.at_work.remove(&self.row);
        for breaker in &mut state.breakers {
            breaker.ended(self.row);
        }
    }
}

/// Guard of a row waiting until another row has proven a look-up by ids.
#[derive(Debug)]
pub(crate) struct BlockedRow<'a> {
    row: usize,
    breakers: &'a CircuitBreakers,
}

impl Drop for BlockedRow<'_> {
    fn drop(&mut self) {
        self.breakers.lock().blocked.remove(&self.row);
    }
}

/// Guard of a row that waits for admission.
struct Waiting<'a> {
    breakers: &'a CircuitBreakers,
    circuit: Circuit,
    row: usize,
}

impl<'a> Waiting<'a> {
    fn begin(breakers: &'a CircuitBreakers, circuit: Circuit, row: usize) -> Self {
        breakers.lock().of(circuit).waits(row);
        Self {
            breakers,
            circuit,
            row,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.breakers.lock();
        let breaker = state.of(self.circuit);
        breaker.waits_no_longer(self.row);
        let others_wait = breaker.is_open();
        drop(state);
        if others_wait {
            self.breakers.changed.notify_waiters();
        }
    }
}
