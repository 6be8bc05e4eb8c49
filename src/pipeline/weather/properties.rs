//! What is true of the waits, in whatever order failures and answers come.

use proptest::prelude::*;

use super::*;
use crate::arbitrary::cases;

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Failure,
    Answer,
    Time(Duration),
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        4 => Just(Next::Failure),
        1 => Just(Next::Answer),
        2 => (0_u64..90_000).prop_map(|ms| Next::Time(Duration::from_millis(ms))),
    ]
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn no_wait_is_longer_than_the_longest_and_none_outlives_an_answer(
        seed in any::<u64>(),
        story in prop::collection::vec(next(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let weather = Weather::new(seed);
            let mut answers = 0;
            for next in story {
                match next {
                    Next::Time(time) => tokio::time::advance(time).await,
                    Next::Failure => {
                        let (Forecast::Alone(wait) | Forecast::Together(wait)) = weather.failed();
                        prop_assert!(wait <= LONGEST);
                    }
                    Next::Answer => {
                        answers += 1;
                        weather.answered();
                        let now = Instant::now();
                        weather.clear().await;
                        prop_assert_eq!(now.elapsed(), Duration::ZERO);
                        prop_assert_eq!(weather.away_for(), Duration::ZERO);
                    }
                }
                prop_assert_eq!(weather.successes(), answers);
                let now = Instant::now();
                weather.clear().await;
                prop_assert!(now.elapsed() <= LONGEST);
            }
            Ok(())
        })?;
    }
}
