use super::*;

const OTHERS_LEFT: RowsLeft = RowsLeft::Others;

/// Breaker at a time that tests can move.
struct BreakerStory {
    breaker: CircuitBreaker,
    now: Instant,
}

impl BreakerStory {
    fn begin() -> Self {
        Self {
            breaker: CircuitBreaker::new(6, 1),
            now: Instant::now(),
        }
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn fails(&mut self, row: usize, rows_left: RowsLeft) -> FailureJudgement {
        self.breaker
            .failed(FailureSuspect::Row(row), rows_left, self.now)
    }

    fn passes(&mut self, row: usize) -> bool {
        self.breaker.admit(row, self.now) == BreakerAdmission::Admitted
    }

    /// Returns a story in which three different rows have failed.
    fn outage(rows: [usize; 3]) -> Self {
        let mut story = Self::begin();
        for row in rows {
            story.breaker.start_waiting(row);
            story.fails(row, OTHERS_LEFT);
        }
        assert!(story.breaker.is_open());
        story
    }
}

#[test]
fn two_rows_that_fail_hold_up_nobody_and_a_third_one_makes_all_wait() {
    let mut story = BreakerStory::begin();
    for _ in 0..20 {
        for row in [1, 2] {
            assert!(matches!(
                story.fails(row, OTHERS_LEFT),
                FailureJudgement::Wait(_)
            ));
        }
        assert!(story.passes(3));
        story.later(60);
    }
    assert!(matches!(
        story.fails(3, OTHERS_LEFT),
        FailureJudgement::AllWait(_)
    ));
    assert!(!story.passes(4));
}

#[test]
fn failures_of_which_no_row_can_be_the_reason_make_all_wait_as_well() {
    let mut story = BreakerStory::begin();
    let mut fail = || {
        let judgement = story
            .breaker
            .failed(FailureSuspect::Service, OTHERS_LEFT, story.now);
        story.later(1);
        judgement
    };
    assert!(matches!(fail(), FailureJudgement::Wait(_)));
    assert!(matches!(fail(), FailureJudgement::Wait(_)));
    assert!(matches!(fail(), FailureJudgement::AllWait(_)));
}

#[test]
fn a_success_between_them_makes_three_rows_no_outage() {
    let mut story = BreakerStory::begin();
    story.fails(1, OTHERS_LEFT);
    story.fails(2, OTHERS_LEFT);
    story.breaker.answered(9);
    assert!(matches!(
        story.fails(3, OTHERS_LEFT),
        FailureJudgement::Wait(_)
    ));
    assert!(matches!(
        story.fails(1, OTHERS_LEFT),
        FailureJudgement::Wait(_)
    ));
    assert!(!story.breaker.is_open());
}

#[test]
fn a_row_that_fails_again_and_again_while_others_succeed_is_given_up() {
    let mut story = BreakerStory::begin();
    for _ in 0..6 {
        assert!(matches!(
            story.fails(1, OTHERS_LEFT),
            FailureJudgement::Wait(_)
        ));
        // Further failures before another success change nothing.
        assert!(matches!(
            story.fails(1, OTHERS_LEFT),
            FailureJudgement::Wait(_)
        ));
        story.breaker.answered(2);
    }
    let given_up = FailureJudgement::OwnFault(OwnFaultEvidence::OthersAnswered);
    assert_eq!(story.fails(1, OTHERS_LEFT), given_up);
}

#[test]
fn the_last_row_is_given_up_after_five_minutes_and_several_tries() {
    let mut story = BreakerStory::begin();
    assert!(matches!(
        story.fails(1, RowsLeft::NoOther),
        FailureJudgement::Wait(_)
    ));
    story.later(299);
    assert!(matches!(
        story.fails(1, RowsLeft::NoOther),
        FailureJudgement::Wait(_)
    ));
    story.later(1);
    assert!(matches!(
        story.fails(1, OTHERS_LEFT),
        FailureJudgement::Wait(_)
    ));
    let given_up = FailureJudgement::OwnFault(OwnFaultEvidence::NoOtherRowLeft);
    assert_eq!(story.fails(1, RowsLeft::NoOther), given_up);
}

#[test]
fn two_tries_are_too_few_however_long_they_took() {
    let mut story = BreakerStory::begin();
    for _ in 0..2 {
        let judgement = story.fails(1, RowsLeft::NoOther);
        assert!(matches!(judgement, FailureJudgement::Wait(_)));
        story.later(400);
    }
    let given_up = FailureJudgement::OwnFault(OwnFaultEvidence::NoOtherRowLeft);
    assert_eq!(story.fails(1, RowsLeft::NoOther), given_up);
}

#[test]
fn the_time_of_an_outage_counts_against_no_row() {
    let mut story = BreakerStory::outage([1, 2, 3]);
    for _ in 0..10 {
        story.later(60);
        story.fails(1, OTHERS_LEFT);
    }
    assert!(story.breaker.answered(2));
    for _ in 0..3 {
        let judgement = story.fails(1, RowsLeft::NoOther);
        assert!(matches!(judgement, FailureJudgement::Wait(_)));
    }
}

#[test]
fn in_each_round_of_an_outage_a_row_passes_that_has_not_tried_it_and_one_that_has() {
    let mut story = BreakerStory::outage([1, 2, 3]);
    assert!(![1, 2, 3, 4, 5].into_iter().any(|row| story.passes(row)));
    story.later(60);
    assert!(story.passes(4));
    assert!(!story.passes(5));
    assert!(!story.passes(2), "it is not its turn");
    assert!(story.passes(1));
    story.breaker.stop_waiting(1);
    assert!(!story.passes(2));

    // The failure of either row begins another round.
    story.fails(4, OTHERS_LEFT);
    story.breaker.start_waiting(4);
    story.later(60);
    assert!(story.passes(5));
    assert!(story.passes(2));

    // The time begins another round as well, if neither row is heard of.
    story.breaker.stop_waiting(2);
    story.later(60);
    assert!(story.passes(6));
    assert!(story.passes(3));
}

#[test]
fn a_success_lets_all_pass() {
    let mut story = BreakerStory::outage([1, 2, 3]);
    story.later(60);
    assert!(story.passes(4));
    assert!(story.breaker.answered(4));
    assert!([1, 2, 3, 5].into_iter().all(|row| story.passes(row)));
}

#[test]
fn only_a_row_that_was_tried_leaves_its_place_to_others() {
    let mut story = BreakerStory::begin();
    for _ in 1..YIELD_AFTER_TRIES {
        story.fails(1, OTHERS_LEFT);
        assert!(!story.breaker.should_yield_slot(1));
    }
    story.fails(1, OTHERS_LEFT);
    assert!(story.breaker.should_yield_slot(1));
    let story = BreakerStory::outage([1, 2, 3]);
    assert!(story.breaker.should_yield_slot(1));
    assert!(!story.breaker.should_yield_slot(4));
}

#[test]
fn rows_that_fail_together_do_not_make_the_wait_longer() {
    let mut story = BreakerStory::outage([1, 2, 3]);
    let rounds = story.breaker.rounds;
    for row in 4..50 {
        story.fails(row, OTHERS_LEFT);
    }
    assert_eq!(story.breaker.rounds, rounds);
}
