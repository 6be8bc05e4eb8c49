//! Properties of a circuit breaker, for any order of failures, answers and time.

use proptest::prelude::*;

use super::*;
use crate::arbitrary::proptest_config;

/// Event for the breaker.
#[derive(Debug, Clone, Copy)]
enum BreakerEvent {
    RowFailure(usize),
    ServiceFailure,
    Answer(usize),
    TimePasses(Duration),
    AskAdmission(usize),
}

fn next() -> impl Strategy<Value = BreakerEvent> {
    let row = || 1_usize..7;
    prop_oneof![
        4 => row().prop_map(BreakerEvent::RowFailure),
        1 => Just(BreakerEvent::ServiceFailure),
        1 => row().prop_map(BreakerEvent::Answer),
        2 => (0_u64..90_000).prop_map(|ms| BreakerEvent::TimePasses(Duration::from_millis(ms))),
        4 => row().prop_map(BreakerEvent::AskAdmission),
    ]
}

proptest! {
    #![proptest_config(proptest_config(300))]

    #[test]
    fn no_row_is_given_up_in_an_outage_and_nobody_waits_for_ever(
        seed in any::<u64>(),
        alone in any::<bool>(),
        story in prop::collection::vec(next(), 0..80),
    ) {
        let rows_left = if alone { RowsLeft::NoOther } else { RowsLeft::Others };
        let mut breaker = CircuitBreaker::new(2, seed);
        let mut now = Instant::now();
        // Rows that have failed since the last success.
        let mut failed = std::collections::BTreeSet::new();
        let mut answers = 0_u32;
        for row in 1..7 {
            breaker.start_waiting(row);
        }
        for next in story {
            match next {
                BreakerEvent::TimePasses(time) => now += time,
                BreakerEvent::RowFailure(row) => {
                    failed.insert(row);
                    match breaker.failed(FailureSuspect::Row(row), rows_left, now) {
                        FailureJudgement::Wait(wait) => {
                            prop_assert!(wait <= MAX_WAIT);
                            prop_assert!(!breaker.is_open());
                        }
                        FailureJudgement::AllWait(wait) => prop_assert!(wait <= MAX_WAIT),
                        FailureJudgement::OwnFault(evidence) => {
                            prop_assert!(!breaker.is_open());
                            match evidence {
                                OwnFaultEvidence::OthersAnswered => prop_assert!(answers >= 2),
                                OwnFaultEvidence::NoOtherRowLeft => prop_assert!(alone),
                            }
                        }
                    }
                }
                BreakerEvent::ServiceFailure => {
                    let judgement = breaker.failed(FailureSuspect::Service, RowsLeft::Others, now);
                    prop_assert!(!matches!(judgement, FailureJudgement::OwnFault(_)));
                }
                BreakerEvent::Answer(row) => {
                    failed.clear();
                    answers += 1;
                    breaker.answered(row);
                    prop_assert_eq!(breaker.failing_for(now), Duration::ZERO);
                    for row in 1..9 {
                        prop_assert_eq!(breaker.admit(row, now), BreakerAdmission::Admitted);
                    }
                }
                BreakerEvent::AskAdmission(row) => {
                    let is_first = !failed.contains(&row);
                    if let BreakerAdmission::NotBefore(at) = breaker.admit(row, now) {
                        prop_assert!(breaker.is_open());
                        prop_assert!(now <= at && at <= now + ROUND_TIMEOUT + MAX_WAIT);
                        if is_first {
                            now = at;
                            // By then a round has begun in which no row has passed yet.
                            prop_assert_eq!(breaker.admit(row, at), BreakerAdmission::Admitted);
                        }
                    }
                }
            }
        }
    }
}
