//! A circuit breaker for one kind of request: it tells a row that nobody answers from a service that
//! answers nobody. Pure: rows are numbers, and the time is a parameter.
//!
//! - A failure is the row's own where the same kind of request works for others between its failures;
//!   and where no row is left that could tell, after [`OWN_LIMIT`].
//! - Three different rows without a success between them, none of which has failed while others
//!   succeeded, are an outage, and so are three failures of
//!   which no row can be the reason. No row is given up then; all wait, longer and longer.
//! - In each round of an outage one row passes that has not tried it since the last success, so that
//!   bad rows at the head of a manifest cannot keep good ones waiting, and one of those that have, by
//!   turns.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// So many different rows without a success between them, and the whole run waits.
const OUTAGE_ROWS: usize = 3;

/// The same of failures in a row of which no row can be the reason.
const OUTAGE_ROUNDS: u32 = 3;

/// So long is a row tried that alone is left. Time that the machine sleeps is not counted: nobody
/// was asked in it.
pub(crate) const OWN_LIMIT: Duration = Duration::from_mins(5);

/// So often at least, for that time may be over after two requests that nobody answers.
const OWN_TRIES: u32 = 3;

/// The longest first wait; each further one may be twice as long.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait of all: so late is it noticed at the most that the service is back.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A row that has passed in an outage may take long, and the next round does not wait for it.
const ROUND_LIMIT: Duration = Duration::from_mins(1);

/// From so many tries on, a row that waits keeps nobody else from starting.
const PATIENT_TRIES: u32 = 5;

/// What may be at fault for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspect {
    /// The row of this number, or the service.
    Row(usize),
    /// The service: no request of any row got as far as saying which row it was for.
    Service,
}

/// Whether other rows are left that could tell whether the fault is a row's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    OthersLeft,
    Alone,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The row waits so long, and the others go on.
    Wait(Duration),
    /// All wait so long.
    AllWait(Duration),
    /// The row is not tried any more.
    OwnFault(Evidence),
}

/// Why a failure is a row's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Others had success between its failures.
    OthersAnswered,
    /// No other is left, and the time is over.
    NobodyLeft,
}

/// Whether a row may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Pass,
    /// Not before this moment, unless something happens.
    NotBefore(Instant),
}

/// Judges one kind of request.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    /// So often may a row fail while others succeed.
    own_failures: u32,
    failing: BTreeMap<usize, FailingRow>,
    /// The rows that have failed since the last success of any, those included that have ended.
    tried: BTreeSet<usize>,
    /// Those of them that have not been seen to fail while others succeed: the others say nothing of
    /// the service.
    unexplained: BTreeSet<usize>,
    /// How often each row is waiting to be admitted.
    waiting: BTreeMap<usize, usize>,
    /// Since when nothing but failures has come.
    since: Option<Instant>,
    /// Failed rounds since then. Requests that fail while all wait belong to the round before.
    rounds: u32,
    round: Option<Round>,
    tries: u64,
    random: fastrand::Rng,
}

/// A row that has failed since its own last success.
#[derive(Debug, Clone, Copy)]
struct FailingRow {
    since: Option<Instant>,
    /// Tries since then.
    tries: u32,
    last_try: u64,
    /// Failures since the first between which others had success, and the first.
    own: u32,
    others_succeeded: bool,
}

/// A round of an outage.
#[derive(Debug, Clone, Copy)]
struct Round {
    begins: Instant,
    ends: Option<Instant>,
    untried_passed: bool,
    tried_passed: bool,
}

impl Round {
    fn beginning(begins: Instant) -> Self {
        Self {
            begins,
            ends: None,
            untried_passed: false,
            tried_passed: false,
        }
    }
}

impl CircuitBreaker {
    pub(super) fn new(own_failures: u32, seed: u64) -> Self {
        Self {
            own_failures,
            failing: BTreeMap::new(),
            tried: BTreeSet::new(),
            unexplained: BTreeSet::new(),
            waiting: BTreeMap::new(),
            since: None,
            rounds: 0,
            round: None,
            tries: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Takes note of an answer for a row. Returns whether it ended a time of failures.
    pub(super) fn answered(&mut self, row: usize) -> bool {
        let was_away = self.rounds >= OUTAGE_ROUNDS || self.is_open();
        let was_open = self.is_open();
        self.failing.remove(&row);
        self.tried.clear();
        self.unexplained.clear();
        for failing in self.failing.values_mut() {
            failing.others_succeeded = true;
            if was_open {
                // While all waited no row was tried for itself.
                failing.since = None;
                failing.tries = 0;
            }
        }
        self.since = None;
        self.rounds = 0;
        self.round = None;
        was_away
    }

    /// Takes note of a failure.
    pub(super) fn failed(&mut self, suspect: Suspect, company: Company, now: Instant) -> Judgement {
        self.since.get_or_insert(now);
        self.tries += 1;
        let row = match suspect {
            Suspect::Row(row) => Some(self.note(row, now)),
            Suspect::Service => None,
        };
        let begins = self.round.map_or(now, |round| round.begins);
        if begins <= now {
            self.rounds += 1;
        }
        let by_service = suspect == Suspect::Service && self.rounds >= OUTAGE_ROUNDS;
        if self.is_open() || self.unexplained.len() >= OUTAGE_ROWS || by_service {
            let begins = if begins <= now {
                now + self.wait(self.rounds)
            } else {
                begins
            };
            if self.round.is_none_or(|round| round.begins < begins) {
                self.round = Some(Round::beginning(begins));
            }
            return Judgement::AllWait(begins - now);
        }
        let Some(row) = row else {
            return Judgement::Wait(self.wait(self.rounds));
        };
        if row.own > self.own_failures {
            return Judgement::OwnFault(Evidence::OthersAnswered);
        }
        let tried_for = row.since.map_or(Duration::ZERO, |since| now - since);
        let is_over = tried_for >= OWN_LIMIT && row.tries >= OWN_TRIES;
        if company == Company::Alone && is_over {
            return Judgement::OwnFault(Evidence::NobodyLeft);
        }
        Judgement::Wait(self.wait(row.tries))
    }

    fn note(&mut self, row: usize, now: Instant) -> FailingRow {
        let failing = self.failing.entry(row).or_insert(FailingRow {
            since: None,
            tries: 0,
            last_try: 0,
            own: 0,
            others_succeeded: true,
        });
        failing.since.get_or_insert(now);
        failing.tries += 1;
        failing.last_try = self.tries;
        failing.own += u32::from(failing.others_succeeded);
        failing.others_succeeded = false;
        self.tried.insert(row);
        if failing.own == 1 {
            self.unexplained.insert(row);
        }
        *failing
    }

    fn wait(&mut self, failures: u32) -> Duration {
        let longest = SHORTEST_WAIT
            .saturating_mul(1 << failures.min(10))
            .min(LONGEST_WAIT);
        longest.mul_f64(self.random.f64())
    }

    /// How long a row should wait after its newest failure.
    pub(super) fn pause(&mut self, row: usize) -> Duration {
        let tries = self.failing.get(&row).map_or(0, |row| row.tries);
        self.wait(tries)
    }

    /// Lets the next round of an outage begin no later than this.
    pub(super) fn bring_forward(&mut self, to: Instant) {
        if let Some(round) = &mut self.round {
            round.begins = round.begins.min(to);
        }
    }

    /// A row begins to wait to be admitted.
    pub(super) fn waits(&mut self, row: usize) {
        *self.waiting.entry(row).or_default() += 1;
    }

    /// A row was admitted, or waits no longer.
    pub(super) fn waits_no_longer(&mut self, row: usize) {
        if let Some(times) = self.waiting.get_mut(&row) {
            *times -= 1;
            if *times == 0 {
                self.waiting.remove(&row);
            }
        }
    }

    /// Admits a row that waits, if it is its turn.
    pub(super) fn admit(&mut self, row: usize, now: Instant) -> Admission {
        let Some(mut round) = self.round else {
            return Admission::Pass;
        };
        if now < round.begins {
            return Admission::NotBefore(round.begins);
        }
        if round.ends.is_some_and(|ends| ends <= now) {
            round = Round::beginning(now);
        }
        let was_tried = self.was_tried(row);
        let passed = if was_tried {
            &mut round.tried_passed
        } else {
            &mut round.untried_passed
        };
        let admission = if *passed {
            Admission::NotBefore(round.ends.unwrap_or(now + ROUND_LIMIT))
        } else if was_tried && !self.is_next(row) {
            Admission::NotBefore(now + ROUND_LIMIT)
        } else {
            *passed = true;
            round.ends.get_or_insert(now + ROUND_LIMIT);
            Admission::Pass
        };
        self.round = Some(round);
        admission
    }

    /// Whether it is this row's turn among those that wait and have failed in this outage.
    fn is_next(&self, row: usize) -> bool {
        let last_try = |row: &usize| self.failing.get(row).map(|failing| failing.last_try);
        let tried = self.waiting.keys().filter(|row| self.was_tried(**row));
        tried.min_by_key(|row| last_try(row)) == Some(&row)
    }

    fn was_tried(&self, row: usize) -> bool {
        self.tried.contains(&row)
    }

    /// Forgets a row that has ended.
    pub(super) fn ended(&mut self, row: usize) {
        self.failing.remove(&row);
    }

    /// Whether there is an outage.
    pub(super) fn is_open(&self) -> bool {
        self.round.is_some()
    }

    /// Whether so much has failed in a row that people should know.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.rounds >= OUTAGE_ROUNDS || self.is_open()
    }

    /// Whether a row has failed since it last had success.
    pub(super) fn is_failing(&self, row: usize) -> bool {
        self.failing.contains_key(&row)
    }

    /// Whether a row has to wait for so long that others should have its place meanwhile.
    pub(super) fn keeps_waiting(&self, row: usize) -> bool {
        let waits_long = |row: &FailingRow| row.tries >= PATIENT_TRIES || self.is_open();
        self.failing.get(&row).is_some_and(waits_long)
    }

    /// How long nothing but failures has come.
    pub(super) fn away_for(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now - since)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
