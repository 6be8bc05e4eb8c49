//! First request of a run, sent before anything is read or written for an import.
//!
//! A good answer proves a service which is there and takes the keys. Without the proof, an hour of
//! hashing might be for nothing, or a wrong path might pass for a service without any attachments.
//! [`judge_probe`] decides the meaning of an answer; [`preflight`] waits for a good answer.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::destination::{BudgetKind, Destination, ProbeOutcome};
use crate::http::ApiFailure;
use crate::model::AttachmentId;
use crate::throttle::quota::{QuotaPermit, RequestUrgency};

/// First wait before the request is repeated; each further wait is twice as long.
const FIRST_PROBE_WAIT: Duration = Duration::from_secs(1);

/// Longest wait before the request is repeated.
const LONGEST_PROBE_WAIT: Duration = Duration::from_secs(30);

/// Result of a preflight after which the run may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreflightSuccess {
    /// The service is there, and takes the keys.
    Proven,
    /// The answer neither proves nor contradicts valid keys. Holds the answer in words.
    Unproven(String),
}

/// Reason for which a run cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreflightError {
    /// The service rejects the keys.
    KeysRejected(String),
    /// Another service answers, or the base URL is wrong.
    NotTheService(String),
    /// A proxy or the like does not let the request pass, or no safe connection is possible.
    Blocked(String),
    /// No good answer came within the given time. Holds the last failure, too.
    NoGoodAnswer(String, Duration),
}

/// Decision after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ProbeDecision {
    /// The run may begin.
    Proceed(PreflightSuccess),
    /// The run cannot begin.
    Fail(PreflightError),
    /// The request is to be repeated, after the wait asked for by the service, if any.
    Retry(String, Option<Duration>),
}

/// Decides the consequence of an answer to the first request.
fn judge_probe(answer: Result<ProbeOutcome, ApiFailure>) -> ProbeDecision {
    let failure = match answer {
        Ok(ProbeOutcome::Proven) => return ProbeDecision::Proceed(PreflightSuccess::Proven),
        Ok(ProbeOutcome::Unclear(why)) => {
            return ProbeDecision::Proceed(PreflightSuccess::Unproven(why));
        }
        Ok(ProbeOutcome::NotTheService(why)) => {
            return ProbeDecision::Fail(PreflightError::NotTheService(why));
        }
        Err(failure) => failure,
    };
    match failure {
        ApiFailure::Denied(why) => ProbeDecision::Fail(PreflightError::KeysRejected(why)),
        ApiFailure::Refused(refusal) => {
            ProbeDecision::Fail(PreflightError::NotTheService(refusal.message))
        }
        ApiFailure::Intercepted(why) | ApiFailure::NeverPossible(why) => {
            ProbeDecision::Fail(PreflightError::Blocked(why))
        }
        // Nothing is recorded yet, so no journal withholds a request.
        ApiFailure::Withheld => ProbeDecision::Fail(PreflightError::Blocked(
            "the request was not sent".to_owned(),
        )),
        ApiFailure::NotSent(why) | ApiFailure::Unanswered(why) => ProbeDecision::Retry(why, None),
        ApiFailure::Throttled { retry_after } => {
            ProbeDecision::Retry("status 429: too many requests".to_owned(), retry_after)
        }
    }
}

/// Asks the service for a first answer. Repeats the request after each failure that may pass, for
/// at most `limit`. Calls `waiting` with the cause of the first wait.
pub async fn preflight<D: Destination>(
    destination: &D,
    known: Option<&AttachmentId>,
    limit: Duration,
    waiting: impl FnOnce(&str),
) -> Result<PreflightSuccess, PreflightError> {
    let deadline = Instant::now() + limit;
    let mut waiting = Some(waiting);
    let mut next_wait = FIRST_PROBE_WAIT;
    loop {
        let turn = wait_for_quota(destination).await;
        let answer = destination.probe(known).await;
        drop(turn);
        let (why, asked) = match judge_probe(answer) {
            ProbeDecision::Proceed(cleared) => return Ok(cleared),
            ProbeDecision::Fail(obstacle) => return Err(obstacle),
            ProbeDecision::Retry(why, asked) => (why, asked),
        };
        if let Some(asked) = asked {
            if let Some(budget) = destination.budget(BudgetKind::Read) {
                budget.note_throttled(Some(asked));
            }
            // A service that counts requests is there, and the run itself waits for its quota.
            if Instant::now() + asked > deadline {
                return Ok(PreflightSuccess::Unproven(why));
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(PreflightError::NoGoodAnswer(why, limit));
        }
        let wait = next_wait.max(asked.unwrap_or_default()).min(left);
        if let Some(waiting) = waiting.take() {
            waiting(&why);
        }
        sleep(wait).await;
        next_wait = (next_wait * 2).min(LONGEST_PROBE_WAIT);
    }
}

/// Waits until the budget for the request has something left. Returns `None` if there is no budget.
async fn wait_for_quota<D: Destination>(destination: &D) -> Option<QuotaPermit<'_>> {
    let budget = destination.budget(BudgetKind::Read)?;
    loop {
        match budget.try_acquire(RequestUrgency::Urgent) {
            Ok(turn) => return Some(turn),
            Err(wait) => sleep(wait).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::http::{PutFailure, PutReceipt};
    use crate::model::CheckedContent;
    use crate::mutex::lock_despite_poison;
    use crate::throttle::FIRST_ANSWER_TIMEOUT;
    use crate::upload_source::UploadSource;

    /// Service with scripted answers to the first question, in order; the last answer is repeated.
    struct ScriptedProbes(Mutex<Vec<Result<ProbeOutcome, ApiFailure>>>);

    impl ScriptedProbes {
        fn new(answers: impl IntoIterator<Item = Result<ProbeOutcome, ApiFailure>>) -> Self {
            let mut answers: Vec<_> = answers.into_iter().collect();
            answers.reverse();
            Self(Mutex::new(answers))
        }
    }

    impl Destination for ScriptedProbes {
        type Target = ();

        async fn probe(&self, _: Option<&AttachmentId>) -> Result<ProbeOutcome, ApiFailure> {
            let mut answers = lock_despite_poison(&self.0);
            if answers.len() > 1 {
                return answers.pop().unwrap();
            }
            answers[0].clone()
        }

        async fn put_file(
            &self,
            (): &(),
            _: &UploadSource,
            _: &CheckedContent,
            _: &(dyn Fn(u64) + Send + Sync),
        ) -> Result<PutReceipt, PutFailure> {
            unreachable!("nothing else is asked")
        }
    }

    fn unanswered() -> Result<ProbeOutcome, ApiFailure> {
        Err(ApiFailure::Unanswered("status 503".into()))
    }

    fn answer_429(seconds: u64) -> Result<ProbeOutcome, ApiFailure> {
        let retry_after = Some(Duration::from_secs(seconds));
        Err(ApiFailure::Throttled { retry_after })
    }

    async fn run_preflight(
        answers: impl IntoIterator<Item = Result<ProbeOutcome, ApiFailure>>,
    ) -> (Result<PreflightSuccess, PreflightError>, Duration, u32) {
        let began = Instant::now();
        let mut told = 0;
        let service = ScriptedProbes::new(answers);
        let end = preflight(&service, None, FIRST_ANSWER_TIMEOUT, |_| told += 1).await;
        (end, began.elapsed(), told)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_certain_is_not_asked_twice() {
        let why = || "status 401".to_owned();
        for (answer, end) in [
            (Ok(ProbeOutcome::Proven), Ok(PreflightSuccess::Proven)),
            (
                Ok(ProbeOutcome::Unclear(why())),
                Ok(PreflightSuccess::Unproven(why())),
            ),
            (
                Ok(ProbeOutcome::NotTheService(why())),
                Err(PreflightError::NotTheService(why())),
            ),
            (
                Err(ApiFailure::Denied(why())),
                Err(PreflightError::KeysRejected(why())),
            ),
            (
                Err(ApiFailure::NeverPossible(why())),
                Err(PreflightError::Blocked(why())),
            ),
            (
                Err(ApiFailure::Intercepted(why())),
                Err(PreflightError::Blocked(why())),
            ),
        ] {
            let never = Err(ApiFailure::Unanswered("asked twice".into()));
            assert_eq!(
                run_preflight([answer, never]).await,
                (end, Duration::ZERO, 0)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_comes_back_in_time_is_waited_for_and_that_is_told_once() {
        let (end, took, told) = run_preflight([
            unanswered(),
            answer_429(7),
            unanswered(),
            Ok(ProbeOutcome::Proven),
        ])
        .await;
        assert_eq!(end, Ok(PreflightSuccess::Proven));
        assert_eq!(took, Duration::from_secs(1 + 7 + 4));
        assert_eq!(told, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_for_longer_than_the_limit() {
        for silent in [unanswered(), Err(ApiFailure::NotSent("status 503".into()))] {
            let (end, took, told) = run_preflight([silent]).await;
            let silence = PreflightError::NoGoodAnswer("status 503".into(), FIRST_ANSWER_TIMEOUT);
            assert_eq!(end, Err(silence));
            assert!(
                took <= FIRST_ANSWER_TIMEOUT && took > FIRST_ANSWER_TIMEOUT / 2,
                "{took:?}"
            );
            assert_eq!(told, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_asks_to_wait_for_longer_is_there() {
        let (end, took, _) = run_preflight([answer_429(1_800)]).await;
        let why = "status 429: too many requests".to_owned();
        assert_eq!(
            (end, took),
            (Ok(PreflightSuccess::Unproven(why)), Duration::ZERO)
        );
        let unnamed = Err(ApiFailure::Throttled { retry_after: None });
        let (end, ..) = run_preflight([unnamed]).await;
        assert!(
            matches!(end, Err(PreflightError::NoGoodAnswer(..))),
            "{end:?}"
        );
    }
}
