//! The circuit breakers of a run, one for each kind of request, and who is left to tell whether a
//! failure is a row's own.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::circuit::{Admission, CircuitBreaker, Company, Evidence, Judgement, OWN_LIMIT, Suspect};
use super::{EarlierAnswer, FIRST_ANSWER_LIMIT};
use crate::sync::lock;

/// So often may a row's own request stay without an answer while those of others get one.
const OWN_FAILURES: u32 = 6;

/// The same of a request that changes something, which costs look-ups each time.
const OWN_CHANGES: u32 = 3;

/// A kind of request that is judged by itself.
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

/// What a run does after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The row waits so long, and the others go on.
    Wait(Duration),
    /// The same where no other row is left, so that it is given up after [`OWN_LIMIT`].
    WaitAlone(Duration),
    /// All wait so long.
    AllWait(Duration),
    /// The row is given up.
    GiveUp(Evidence),
    /// The run stops: the service was away for too long.
    Outage,
    /// The run stops: nobody has ever answered.
    NeverAnswered,
}

/// Whether a request had to wait before it was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    AtOnce,
    AfterAWait,
}

/// The circuit breakers of a run.
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
    /// Those of them that can do nothing before another one has proven that their ids are found.
    blocked: BTreeSet<usize>,
    /// Whether the service has ever answered in this run.
    has_answered: bool,
    /// When its first failure was.
    first_failure: Option<Instant>,
}

impl State {
    fn of(&mut self, circuit: Circuit) -> &mut CircuitBreaker {
        &mut self.breakers[circuit as usize]
    }

    /// Whether others are left that can tell whether a failure is a row's own: not those that have
    /// one themselves or can do nothing yet. Those that wait for the end of an outage will be there
    /// after it.
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

    /// Counts a row among those at work, for as long as what is returned lives.
    pub(crate) fn at_work(&self, row: usize) -> RowAtWork<'_> {
        self.lock().at_work.insert(row);
        RowAtWork {
            row,
            breakers: self,
        }
    }

    /// Counts a row out as one that can do nothing before another one has proven that its id is found, for
    /// as long as what is returned lives.
    pub(crate) fn blocked(&self, row: usize) -> BlockedRow<'_> {
        self.lock().blocked.insert(row);
        BlockedRow {
            row,
            breakers: self,
        }
    }

    /// No further row will start.
    pub(crate) fn no_more_to_come(&self) {
        self.lock().more_to_come = false;
    }

    /// Takes note of an answer. Returns whether it ended a time of failures that people may have been
    /// told of.
    pub(crate) fn answered(&self, circuit: Circuit, row: usize) -> bool {
        let mut state = self.lock();
        state.has_answered |= circuit.is_of_the_api();
        let was_away = state.of(circuit).answered(row);
        drop(state);
        self.changed.notify_waiters();
        was_away
    }

    /// Takes note of a failure, and tells what follows.
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
        // Where few rows fail that others are to be compared with, nobody knows that it is an outage.
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

    /// Whether there is an outage of a kind of request.
    pub(crate) fn is_outage(&self, circuit: Circuit) -> bool {
        self.lock().of(circuit).is_open()
    }

    /// Whether so much has failed in a row that people should know.
    pub(crate) fn is_worth_telling(&self, circuit: Circuit) -> bool {
        self.lock().of(circuit).is_worth_telling()
    }

    /// How long a row should wait after its newest failure.
    pub(crate) fn pause(&self, circuit: Circuit, row: usize) -> Duration {
        self.lock().of(circuit).pause(row)
    }

    /// Whether a row has to wait for so long that others should have its place meanwhile.
    pub(crate) fn keeps_waiting(&self, circuit: Circuit, row: usize) -> bool {
        self.lock().of(circuit).keeps_waiting(row)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A row that is at work.
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

/// A row that waits for another one to prove that its id is found.
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

/// A row that waits to be admitted.
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
