use super::*;

const MANY: Company = Company::OthersLeft;

/// Breaker at a time that tests can move.
struct Story {
    breaker: CircuitBreaker,
    now: Instant,
}

impl Story {
    fn begin() -> Self {
        Self {
            breaker: CircuitBreaker::new(6, 1),
            now: Instant::now(),
        }
    }

    fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn fails(&mut self, row: usize, company: Company) -> Judgement {
        self.breaker.failed(Suspect::Row(row), company, self.now)
    }

    fn passes(&mut self, row: usize) -> bool {
        self.breaker.admit(row, self.now) == Admission::Pass
    }

    /// Returns a story in which three different rows have failed.
    fn outage(rows: [usize; 3]) -> Self {
        let mut story = Self::begin();
        for row in rows {
            story.breaker.waits(row);
            story.fails(row, MANY);
        }
        assert!(story.breaker.is_open());
        story
    }
}

#[test]
fn two_rows_that_fail_hold_up_nobody_and_a_third_one_makes_all_wait() {
    let mut story = Story::begin();
    for _ in 0..20 {
        for row in [1, 2] {
            assert!(matches!(story.fails(row, MANY), Judgement::Wait(_)));
        }
        assert!(story.passes(3));
        story.later(60);
    }
    assert!(matches!(story.fails(3, MANY), Judgement::AllWait(_)));
    assert!(!story.passes(4));
}

#[test]
fn failures_of_which_no_row_can_be_the_reason_make_all_wait_as_well() {
    let mut story = Story::begin();
    let mut fail = || {
        let judgement = story.breaker.failed(Suspect::Service, MANY, story.now);
        story.later(1);
        judgement
    };
    assert!(matches!(fail(), Judgement::Wait(_)));
    assert!(matches!(fail(), Judgement::Wait(_)));
    assert!(matches!(fail(), Judgement::AllWait(_)));
}

#[test]
fn a_success_between_them_makes_three_rows_no_outage() {
    let mut story = Story::begin();
    story.fails(1, MANY);
    story.fails(2, MANY);
    story.breaker.answered(9);
    assert!(matches!(story.fails(3, MANY), Judgement::Wait(_)));
    assert!(matches!(story.fails(1, MANY), Judgement::Wait(_)));
    assert!(!story.breaker.is_open());
}

#[test]
fn a_row_that_fails_again_and_again_while_others_succeed_is_given_up() {
    let mut story = Story::begin();
    for _ in 0..6 {
        assert!(matches!(story.fails(1, MANY), Judgement::Wait(_)));
        // Further failures before another success change nothing.
        assert!(matches!(story.fails(1, MANY), Judgement::Wait(_)));
        story.breaker.answered(2);
    }
    let given_up = Judgement::OwnFault(Evidence::OthersAnswered);
    assert_eq!(story.fails(1, MANY), given_up);
}

#[test]
fn the_last_row_is_given_up_after_five_minutes_and_several_tries() {
    let mut story = Story::begin();
    assert!(matches!(story.fails(1, Company::Alone), Judgement::Wait(_)));
    story.later(299);
    assert!(matches!(story.fails(1, Company::Alone), Judgement::Wait(_)));
    story.later(1);
    assert!(matches!(story.fails(1, MANY), Judgement::Wait(_)));
    let given_up = Judgement::OwnFault(Evidence::NobodyLeft);
    assert_eq!(story.fails(1, Company::Alone), given_up);
}

#[test]
fn two_tries_are_too_few_however_long_they_took() {
    let mut story = Story::begin();
    for _ in 0..2 {
        let judgement = story.fails(1, Company::Alone);
        assert!(matches!(judgement, Judgement::Wait(_)));
        story.later(400);
    }
    let given_up = Judgement::OwnFault(Evidence::NobodyLeft);
    assert_eq!(story.fails(1, Company::Alone), given_up);
}

#[test]
fn the_time_of_an_outage_counts_against_no_row() {
    let mut story = Story::outage([1, 2, 3]);
    for _ in 0..10 {
        story.later(60);
        story.fails(1, MANY);
    }
    assert!(story.breaker.answered(2));
    for _ in 0..3 {
        let judgement = story.fails(1, Company::Alone);
        assert!(matches!(judgement, Judgement::Wait(_)));
    }
}

#[test]
fn in_each_round_of_an_outage_a_row_passes_that_has_not_tried_it_and_one_that_has() {
    let mut story = Story::outage([1, 2, 3]);
    assert!(![1, 2, 3, 4, 5].into_iter().any(|row| story.passes(row)));
    story.later(60);
    assert!(story.passes(4));
    assert!(!story.passes(5));
    assert!(!story.passes(2), "it is not its turn");
    assert!(story.passes(1));
    story.breaker.waits_no_longer(1);
    assert!(!story.passes(2));

    // The failure of either row begins another round.
    story.fails(4, MANY);
    story.breaker.waits(4);
    story.later(60);
    assert!(story.passes(5));
    assert!(story.passes(2));

    // The time begins another round as well, if neither row is heard of.
    story.breaker.waits_no_longer(2);
    story.later(60);
    assert!(story.passes(6));
    assert!(story.passes(3));
}

#[test]
fn a_success_lets_all_pass() {
    let mut story = Story::outage([1, 2, 3]);
    story.later(60);
    assert!(story.passes(4));
    assert!(story.breaker.answered(4));
    assert!([1, 2, 3, 5].into_iter().all(|row| story.passes(row)));
}

#[test]
fn only_a_row_that_was_tried_leaves_its_place_to_others() {
    let mut story = Story::begin();
    for _ in 1..PATIENT_TRIES {
        story.fails(1, MANY);
        assert!(!story.breaker.keeps_waiting(1));
    }
    story.fails(1, MANY);
    assert!(story.breaker.keeps_waiting(1));
    let story = Story::outage([1, 2, 3]);
    assert!(story.breaker.keeps_waiting(1));
    assert!(!story.breaker.keeps_waiting(4));
}

#[test]
fn rows_that_fail_together_do_not_make_the_wait_longer() {
    let mut story = Story::outage([1, 2, 3]);
    let rounds = story.breaker.rounds;
    for row in 4..50 {
        story.fails(row, MANY);
    }
    assert_eq!(story.breaker.rounds, rounds);
}
