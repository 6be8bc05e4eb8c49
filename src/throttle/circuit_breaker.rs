//! Circuit breaker for one kind of request: distinguishes a row without answers from a service
//! without answers. Pure: rows are numbers, and the time is a parameter.
//!
//! - A failure is the row's own if the same kind of request succeeds for other rows between the
//!   failures; and, where no other row is left to compare with, after [`ROW_GIVE_UP_AFTER`].
//! - An outage is three different rows without a success between them, if none of the rows has
//!   failed while others succeeded; or three failures for which no row can be the reason. In an
//!   outage no row is given up; all rows wait, longer and longer.
//! - In each round of an outage two rows may pass. One has not failed since the last success, so
//!   bad rows at the head of a manifest cannot keep good rows waiting. The other is a failed row,
//!   by turns.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// Number of different failing rows, without a success between them, for which the whole run waits.
const OUTAGE_ROWS: usize = 3;

/// Number of failed rounds in succession after which failures without a suspect row make the whole
/// run wait.
const OUTAGE_ROUNDS: u32 = 3;

/// Time after which the last row left is given up. The time while the machine sleeps does not
/// count, since no request was sent meanwhile.
pub(crate) const ROW_GIVE_UP_AFTER: Duration = Duration::from_mins(5);

/// Smallest number of tries before the last row is given up, since [`ROW_GIVE_UP_AFTER`] may be
/// over after two requests without an answer.
const ROW_MIN_TRIES: u32 = 3;

/// Base of the backoff: the wait after the n-th failure is drawn from zero up to the base times
/// 2^n.
const MAX_FIRST_WAIT: Duration = Duration::from_millis(500);

/// Longest wait of all, and so the longest time until the run notices the return of the service.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Longest wait of a round for its admitted rows. An admitted row may take longer, and the next
/// round does not wait for the row.
const ROUND_TIMEOUT: Duration = Duration::from_mins(1);

/// Number of tries from which a waiting row leaves its upload slot to other rows.
const YIELD_AFTER_TRIES: u32 = 5;

/// Possible culprit of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureSuspect {
    /// The row of this number, or the service.
    Row(usize),
    /// The service: the request failed before naming any row.
    Service,
}

/// Other rows left, to decide if a failure is a row's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsLeft {
    Others,
    NoOther,
}

/// Decision about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureJudgement {
    /// The row waits for this time, and the others continue.
    Wait(Duration),
    /// All rows wait for this time.
    AllWait(Duration),
    /// The row is given up.
    OwnFault(OwnFaultEvidence),
}

/// Evidence for a failure as the row's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnFaultEvidence {
    /// Other rows had success between the row's failures.
    OthersAnswered,
    /// No other row is left, and the time is over.
    NoOtherRowLeft,
}

/// Answer to a row's question for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BreakerAdmission {
    Admitted,
    /// The row has to wait until this time, unless something happens before.
    NotBefore(Instant),
}

/// Circuit breaker for one kind of request.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    /// Largest number of failures of a row with successes of others between them. The next failure
    /// ends the row.
    max_own_failures: u32,
    failing_rows: BTreeMap<usize, FailingRow>,
    /// Rows that have failed since the last success of any row, including rows that have ended.
    failed_rows: BTreeSet<usize>,
    /// Failed rows that have not failed while others succeeded. The other failed rows say nothing
    /// about the service.
    unexplained_rows: BTreeSet<usize>,
    /// Number of waits for admission, by row.
    waits_by_row: BTreeMap<usize, usize>,
    /// Start of the time in which only failures came.
    failing_since: Option<Instant>,
    /// Failed rounds in that time. Requests failing while all rows wait belong to the round before.
    rounds: u32,
    round: Option<OutageRound>,
    tries: u64,
    random: fastrand::Rng,
}

/// A row with failures since the row's last success.
#[derive(Debug, Clone, Copy)]
struct FailingRow {
    failing_since: Option<Instant>,
    /// Failed tries since `failing_since`.
    tries: u32,
    last_try: u64,
    /// The row's first failure, and each later failure before which others had success.
    own_failures: u32,
    others_succeeded: bool,
}

/// Round of an outage.
#[derive(Debug, Clone, Copy)]
struct OutageRound {
    begins: Instant,
    ends: Option<Instant>,
    untried_passed: bool,
    tried_passed: bool,
}

impl OutageRound {
    fn new(begins: Instant) -> Self {
        Self {
            begins,
            ends: None,
            untried_passed: false,
            tried_passed: false,
        }
    }
}

impl CircuitBreaker {
    pub(super) fn new(max_own_failures: u32, seed: u64) -> Self {
        Self {
            max_own_failures,
            failing_rows: BTreeMap::new(),
            failed_rows: BTreeSet::new(),
            unexplained_rows: BTreeSet::new(),
            waits_by_row: BTreeMap::new(),
            failing_since: None,
            rounds: 0,
            round: None,
            tries: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Notes an answer for a row. Returns true if the answer ended a time of failures.
    pub(super) fn answered(&mut self, row: usize) -> bool {
        let was_away = self.rounds >= OUTAGE_ROUNDS || self.is_open();
        let was_open = self.is_open();
        self.failing_rows.remove(&row);
        self.failed_rows.clear();
        self.unexplained_rows.clear();
        for failing in self.failing_rows.values_mut() {
            failing.others_succeeded = true;
            if was_open {
                // In an outage no row was tried for itself.
                failing.failing_since = None;
                failing.tries = 0;
            }
        }
        self.failing_since = None;
        self.rounds = 0;
        self.round = None;
        was_away
    }

    /// Notes a failure and decides on its consequence.
    pub(super) fn failed(
        &mut self,
        suspect: FailureSuspect,
        rows_left: RowsLeft,
        now: Instant,
    ) -> FailureJudgement {
        self.failing_since.get_or_insert(now);
        self.tries += 1;
        let row = match suspect {
            FailureSuspect::Row(row) => Some(self.note_row_failure(row, now)),
            FailureSuspect::Service => None,
        };
        let begins = self.round.map_or(now, |round| round.begins);
        if begins <= now {
            self.rounds += 1;
        }
        let by_service = suspect == FailureSuspect::Service && self.rounds >= OUTAGE_ROUNDS;
        if self.is_open() || self.unexplained_rows.len() >= OUTAGE_ROWS || by_service {
            let begins = if begins <= now {
                now + self.draw_backoff(self.rounds)
            } else {
                begins
            };
            if self.round.is_none_or(|round| round.begins < begins) {
                self.round = Some(OutageRound::new(begins));
            }
            return FailureJudgement::AllWait(begins - now);
        }
        let Some(row) = row else {
            return FailureJudgement::Wait(self.draw_backoff(self.rounds));
        };
        if row.own_failures > self.max_own_failures {
            return FailureJudgement::OwnFault(OwnFaultEvidence::OthersAnswered);
        }
        let tried_for = row
            .failing_since
            .map_or(Duration::ZERO, |since| now - since);
        let is_over = tried_for >= ROW_GIVE_UP_AFTER && row.tries >= ROW_MIN_TRIES;
        if rows_left == RowsLeft::NoOther && is_over {
            return FailureJudgement::OwnFault(OwnFaultEvidence::NoOtherRowLeft);
        }
        FailureJudgement::Wait(self.draw_backoff(row.tries))
    }

    fn note_row_failure(&mut self, row: usize, now: Instant) -> FailingRow {
        let failing = self.failing_rows.entry(row).or_insert(FailingRow {
            failing_since: None,
            tries: 0,
            last_try: 0,
            own_failures: 0,
            others_succeeded: true,
        });
        failing.failing_since.get_or_insert(now);
        failing.tries += 1;
        failing.last_try = self.tries;
        failing.own_failures += u32::from(failing.others_succeeded);
        failing.others_succeeded = false;
        self.failed_rows.insert(row);
        if failing.own_failures == 1 {
            self.unexplained_rows.insert(row);
        }
        *failing
    }

    fn draw_backoff(&mut self, failures: u32) -> Duration {
        let longest = MAX_FIRST_WAIT
            .saturating_mul(1 << failures.min(10))
            .min(MAX_WAIT);
        longest.mul_f64(self.random.f64())
    }

    /// Returns the backoff of a row after its newest failure.
    pub(super) fn row_backoff(&mut self, row: usize) -> Duration {
        let tries = self.failing_rows.get(&row).map_or(0, |row| row.tries);
        self.draw_backoff(tries)
    }

    /// Lets the next round of an outage begin no later than `to`.
    pub(super) fn begin_round_by(&mut self, to: Instant) {
        if let Some(round) = &mut self.round {
            round.begins = round.begins.min(to);
        }
    }

    /// Notes the start of a row's wait for admission.
    pub(super) fn start_waiting(&mut self, row: usize) {
        *self.waits_by_row.entry(row).or_default() += 1;
    }

    /// Notes the end of a row's wait for admission.
    pub(super) fn stop_waiting(&mut self, row: usize) {
        if let Some(times) = self.waits_by_row.get_mut(&row) {
            *times -= 1;
            if *times == 0 {
                self.waits_by_row.remove(&row);
            }
        }
    }

    /// Admits a waiting row if its turn has come.
    pub(super) fn admit(&mut self, row: usize, now: Instant) -> BreakerAdmission {
        let Some(mut round) = self.round else {
            return BreakerAdmission::Admitted;
        };
        if now < round.begins {
            return BreakerAdmission::NotBefore(round.begins);
        }
        if round.ends.is_some_and(|ends| ends <= now) {
            round = OutageRound::new(now);
        }
        let was_tried = self.has_failed(row);
        let passed = if was_tried {
            &mut round.tried_passed
        } else {
            &mut round.untried_passed
        };
        let admission = if *passed {
            BreakerAdmission::NotBefore(round.ends.unwrap_or(now + ROUND_TIMEOUT))
        } else if was_tried && !self.is_next_of_failed(row) {
            BreakerAdmission::NotBefore(now + ROUND_TIMEOUT)
        } else {
            *passed = true;
            round.ends.get_or_insert(now + ROUND_TIMEOUT);
            BreakerAdmission::Admitted
        };
        self.round = Some(round);
        admission
    }

    /// Returns true if the row is next among the waiting rows that have failed in the outage: the
    /// last try is the oldest.
    fn is_next_of_failed(&self, row: usize) -> bool {
        let last_try = |row: &usize| self.failing_rows.get(row).map(|failing| failing.last_try);
        let tried = self
            .waits_by_row
            .keys()
            .filter(|row| self.has_failed(**row));
        tried.min_by_key(|row| last_try(row)) == Some(&row)
    }

    fn has_failed(&self, row: usize) -> bool {
        self.failed_rows.contains(&row)
    }

    /// Forgets a row that has ended.
    pub(super) fn forget_row(&mut self, row: usize) {
        self.failing_rows.remove(&row);
    }

    /// Returns true during an outage.
    pub(super) fn is_open(&self) -> bool {
        self.round.is_some()
    }

    /// Returns true if enough has failed in succession for the user to be informed.
    pub(super) fn should_be_announced(&self) -> bool {
        self.rounds >= OUTAGE_ROUNDS || self.is_open()
    }

    /// Returns true if a row has failed since its last success.
    pub(super) fn is_failing(&self, row: usize) -> bool {
        self.failing_rows.contains_key(&row)
    }

    /// Returns true if the wait of a row is long enough to lend its upload slot to other rows
    /// meanwhile.
    pub(super) fn should_yield_slot(&self, row: usize) -> bool {
        let waits_long = |row: &FailingRow| row.tries >= YIELD_AFTER_TRIES || self.is_open();
        self.failing_rows.get(&row).is_some_and(waits_long)
    }

    /// Returns the length of the time in which only failures came.
    pub(super) fn failing_for(&self, now: Instant) -> Duration {
        self.failing_since
            .map_or(Duration::ZERO, |since| now - since)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
