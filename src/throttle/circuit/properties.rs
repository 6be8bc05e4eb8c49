//! Properties of a circuit breaker, for any order of failures, answers and time.

use proptest::prelude::*;

use super::*;
use crate::arbitrary::cases;

/// Event for the breaker.
#[derive(Debug, Clone, Copy)]
enum Next {
    Failure(usize),
    OfNoRow,
    Answer(usize),
    Time(Duration),
    Ask(usize),
}

fn next() -> impl Strategy<Value = Next> {
    let row = || 1_usize..7;
    prop_oneof![
        4 => row().prop_map(Next::Failure),
        1 => Just(Next::OfNoRow),
        1 => row().prop_map(Next::Answer),
        2 => (0_u64..90_000).prop_map(|ms| Next::Time(Duration::from_millis(ms))),
        4 => row().prop_map(Next::Ask),
    ]
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_row_is_given_up_in_an_outage_and_nobody_waits_for_ever(
        seed in any::<u64>(),
        alone in any::<bool>(),
        story in prop::collection::vec(next(), 0..80),
    ) {
        let company = if alone { Company::Alone } else { Company::OthersLeft };
        let mut breaker = CircuitBreaker::new(2, seed);
        let mut now = Instant::now();
        // Rows that have failed since the last success.
        let mut failed = std::collections::BTreeSet::new();
        let mut answers = 0_u32;
        for row in 1..7 {
            breaker.waits(row);
        }
        for next in story {
            match next {
                Next::Time(time) => now += time,
                Next::Failure(row) => {
                    failed.insert(row);
                    match breaker.failed(Suspect::Row(row), company, now) {
                        Judgement::Wait(wait) => {
                            prop_assert!(wait <= LONGEST_WAIT);
                            prop_assert!(!breaker.is_open());
                        }
                        Judgement::AllWait(wait) => prop_assert!(wait <= LONGEST_WAIT),
                        Judgement::OwnFault(evidence) => {
                            prop_assert!(!breaker.is_open());
                            match evidence {
                                Evidence::OthersAnswered => prop_assert!(answers >= 2),
                                Evidence::NobodyLeft => prop_assert!(alone),
                            }
                        }
                    }
                }
                Next::OfNoRow => {
                    let judgement = breaker.failed(Suspect::Service, Company::OthersLeft, now);
                    prop_assert!(!matches!(judgement, Judgement::OwnFault(_)));
                }
                Next::Answer(row) => {
                    failed.clear();
                    answers += 1;
                    breaker.answered(row);
                    prop_assert_eq!(breaker.away_for(now), Duration::ZERO);
                    for row in 1..9 {
                        prop_assert_eq!(breaker.admit(row, now), Admission::Pass);
                    }
                }
                Next::Ask(row) => {
                    let is_first = !failed.contains(&row);
                    if let Admission::NotBefore(at) = breaker.admit(row, now) {
                        prop_assert!(breaker.is_open());
                        prop_assert!(now <= at && at <= now + ROUND_LIMIT + LONGEST_WAIT);
                        if is_first {
                            now = at;
                            // By then a round has begun in which no row has passed yet.
                            prop_assert_eq!(breaker.admit(row, at), Admission::Pass);
                        }
                    }
                }
            }
        }
    }
}
