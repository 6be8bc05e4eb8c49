//! First request of a run, sent before anything is read or written for an import.
//!
//! A good answer proves a service which is there and takes the keys. Without the proof, an hour of
//! hashing might be for nothing, or a wrong path might pass for a service without any attachments.
//! [`verdict`] decides the meaning of an answer; [`preflight`] waits for a good answer.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::destination::{Destination, FirstAnswer, Kind};
use crate::http::Failure;
use crate::model::AttachmentId;
use crate::throttle::quota::{Turn, Urgency};

/// First wait before the request is repeated; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait before the request is repeated.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Result of a preflight after which the run may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleared {
    /// The service is there, and takes the keys.
    Proven,
    /// The answer neither proves nor contradicts valid keys. Holds the answer in words.
    Unproven(String),
}

/// Reason for which a run cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The service rejects the keys.
    Denied(String),
    /// Another service answers, or the base URL is wrong.
    Foreign(String),
    /// A proxy or the like does not let the request pass, or no safe connection is possible.
    Blocked(String),
    /// No good answer came within the given time. Holds the last failure, too.
    Silence(String, Duration),
}

/// Decision after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// The run may begin.
    Go(Cleared),
    /// The run cannot begin.
    Stop(Obstacle),
    /// The request is to be repeated, after the wait asked for by the service, if any.
    Again(String, Option<Duration>),
}

/// Decides the consequence of an answer to the first request.
fn verdict(answer: Result<FirstAnswer, Failure>) -> Verdict {
    let failure = match answer {
        Ok(FirstAnswer::Proven) => return Verdict::Go(Cleared::Proven),
        Ok(FirstAnswer::Unclear(why)) => return Verdict::Go(Cleared::Unproven(why)),
        Ok(FirstAnswer::Foreign(why)) => return Verdict::Stop(Obstacle::Foreign(why)),
        Err(failure) => failure,
    };
    match failure {
        Failure::Denied(why) => Verdict::Stop(Obstacle::Denied(why)),
        Failure::Refused(why) => Verdict::Stop(Obstacle::Foreign(why)),
        Failure::Intercepted(why) | Failure::Hopeless(why) => Verdict::Stop(Obstacle::Blocked(why)),
        // Nothing is recorded yet, so no journal withholds a request.
        Failure::Withheld => Verdict::Stop(Obstacle::Blocked("it was not sent".to_owned())),
        Failure::NotSent(why) | Failure::Unanswered(why) => Verdict::Again(why, None),
        Failure::Throttled { retry_after } => {
            Verdict::Again("status 429: too many requests".to_owned(), retry_after)
        }
    }
}

/// Asks the service for a first answer, and repeats the request until the answer is good, for at
/// most `limit`. Calls `waiting` with the cause of the first wait.
pub async fn preflight<D: Destination>(
    destination: &D,
    known: Option<&AttachmentId>,
    limit: Duration,
    waiting: impl FnOnce(&str),
) -> Result<Cleared, Obstacle> {
    let deadline = Instant::now() + limit;
    let mut waiting = Some(waiting);
    let mut next_wait = FIRST_WAIT;
    loop {
        let turn = turn(destination).await;
        let answer = destination.introduce(known).await;
        drop(turn);
        let (why, asked) = match verdict(answer) {
            Verdict::Go(cleared) => return Ok(cleared),
            Verdict::Stop(obstacle) => return Err(obstacle),
            Verdict::Again(why, asked) => (why, asked),
        };
        if let Some(asked) = asked {
            if let Some(budget) = destination.budget(Kind::Read) {
                budget.refused(Some(asked));
            }
            // A service that counts requests is there, and the run itself waits for its quota.
            if Instant::now() + asked > deadline {
                return Ok(Cleared::Unproven(why));
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Obstacle::Silence(why, limit));
        }
        let wait = next_wait.max(asked.unwrap_or_default()).min(left);
        if let Some(waiting) = waiting.take() {
            waiting(&why);
        }
        sleep(wait).await;
        next_wait = (next_wait * 2).min(LONGEST_WAIT);
    }
}

/// Waits until the budget for the request has something left. Returns `None` if there is no budget.
async fn turn<D: Destination>(destination: &D) -> Option<Turn<'_>> {
    let budget = destination.budget(Kind::Read)?;
    loop {
        match budget.turn(Urgency::Urgent) {
            Ok(turn) => return Some(turn),
            Err(wait) => sleep(wait).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::http::{PutFailure, Receipt};
    use crate::model::Content;
    use crate::source::Source;
    use crate::sync::lock;
    use crate::throttle::FIRST_ANSWER_LIMIT;

    /// Service with scripted answers to the first question, in order; the last answer is repeated.
    struct Answering(Mutex<Vec<Result<FirstAnswer, Failure>>>);

    impl Answering {
        fn with(answers: impl IntoIterator<Item = Result<FirstAnswer, Failure>>) -> Self {
            let mut answers: Vec<_> = answers.into_iter().collect();
            answers.reverse();
            Self(Mutex::new(answers))
        }
    }

    impl Destination for Answering {
        type Target = ();

        async fn introduce(&self, _: Option<&AttachmentId>) -> Result<FirstAnswer, Failure> {
            let mut answers = lock(&self.0);
            if answers.len() > 1 {
                return answers.pop().unwrap();
            }
            answers[0].clone()
        }

        async fn put(
            &self,
            (): &(),
            _: &Source,
            _: &Content,
            _: &(dyn Fn(u64) + Send + Sync),
        ) -> Result<Receipt, PutFailure> {
            unreachable!("nothing else is asked")
        }
    }

    fn away() -> Result<FirstAnswer, Failure> {
        Err(Failure::Unanswered("status 503".into()))
    }

    fn throttled(seconds: u64) -> Result<FirstAnswer, Failure> {
        let retry_after = Some(Duration::from_secs(seconds));
        Err(Failure::Throttled { retry_after })
    }

    async fn ask(
        answers: impl IntoIterator<Item = Result<FirstAnswer, Failure>>,
    ) -> (Result<Cleared, Obstacle>, Duration, u32) {
        let began = Instant::now();
        let mut told = 0;
        let service = Answering::with(answers);
        let end = preflight(&service, None, FIRST_ANSWER_LIMIT, |_| told += 1).await;
        (end, began.elapsed(), told)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_certain_is_not_asked_twice() {
        let why = || "status 401".to_owned();
        for (answer, end) in [
            (Ok(FirstAnswer::Proven), Ok(Cleared::Proven)),
            (
                Ok(FirstAnswer::Unclear(why())),
                Ok(Cleared::Unproven(why())),
            ),
            (
                Ok(FirstAnswer::Foreign(why())),
                Err(Obstacle::Foreign(why())),
            ),
            (Err(Failure::Denied(why())), Err(Obstacle::Denied(why()))),
            (Err(Failure::Hopeless(why())), Err(Obstacle::Blocked(why()))),
            (
                Err(Failure::Intercepted(why())),
                Err(Obstacle::Blocked(why())),
            ),
        ] {
            let never = Err(Failure::Unanswered("asked twice".into()));
            assert_eq!(ask([answer, never]).await, (end, Duration::ZERO, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_comes_back_in_time_is_waited_for_and_that_is_told_once() {
        let (end, took, told) = ask([away(), throttled(7), away(), Ok(FirstAnswer::Proven)]).await;
        assert_eq!(end, Ok(Cleared::Proven));
        assert_eq!(took, Duration::from_secs(1 + 7 + 4));
        assert_eq!(told, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_for_longer_than_the_limit() {
        for silent in [away(), Err(Failure::NotSent("status 503".into()))] {
            let (end, took, told) = ask([silent]).await;
            let silence = Obstacle::Silence("status 503".into(), FIRST_ANSWER_LIMIT);
            assert_eq!(end, Err(silence));
            assert!(
                took <= FIRST_ANSWER_LIMIT && took > FIRST_ANSWER_LIMIT / 2,
                "{took:?}"
            );
            assert_eq!(told, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_to_wait_for_longer_is_there() {
        let (end, took, _) = ask([throttled(1_800)]).await;
        let why = "status 429: too many requests".to_owned();
        assert_eq!((end, took), (Ok(Cleared::Unproven(why)), Duration::ZERO));
        let unnamed = Err(Failure::Throttled { retry_after: None });
        let (end, ..) = ask([unnamed]).await;
        assert!(matches!(end, Err(Obstacle::Silence(..))), "{end:?}");
    }
}
