//! Scripted faults: what goes wrong, with which request, how often.
//!
//! This module decides which fault fires; the API and the storage carry it out.

use axum::http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use super::route::Operation;

/// Something that goes wrong on purpose.
///
/// Requests are counted for each fault on its own. A request that was refused for its keys or for
/// the rate is not counted, so that a script means the same at every rate. Where several faults
/// are due with one request, the first of them fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The operation that it befalls.
    pub operation: Operation,
    /// Which of that operation's requests.
    pub when: When,
    /// What happens to them.
    pub effect: Effect,
}

/// Which requests of an operation a fault befalls; the first is number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// This one only.
    Nth(u64),
    /// Each one whose number is a multiple of this.
    EveryNth(u64),
    /// All up to and including this one.
    FirstN(u64),
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The request is carried out, and the connection ends without an answer.
    LoseAnswer,
    /// The connection ends, and nothing was done.
    Reset,
    /// An error is answered, and nothing was done.
    Status {
        /// The status code, 200 to 599.
        code: u16,
        /// The value of a `Retry-After` header, as it is sent.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// The request is carried out, and the answer is JSON that breaks off.
    GarbageBody,
    /// A captive portal answers 200 with a page of its own, and nothing was done.
    Html200,
    /// The storage calls the URL expired, and nothing was done.
    ExpiredUrl,
    /// Half of the body is read, then the connection ends; nothing is stored.
    HalfRead,
    /// The bytes are stored, and the service shows a size that is one too many.
    WrongSize,
}

/// Why a fault can never fire, or cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// It waits for a request that never comes.
    #[error("requests are counted from 1, so the fault {effect} of {operation:?} never fires")]
    NeverFires {
        /// The operation that was named.
        operation: Operation,
        /// The effect's name.
        effect: &'static str,
    },
    /// The effect means nothing for the operation.
    #[error("the fault {effect} cannot befall {operation:?}")]
    DoesNotFit {
        /// The operation that was named.
        operation: Operation,
        /// The effect's name.
        effect: &'static str,
    },
    /// Not a status that can be answered.
    #[error("{0} is not a status that a service answers; give one from 200 to 599")]
    Status(u16),
    /// Not a value that a header can have.
    #[error("{0:?} cannot stand in a Retry-After header")]
    RetryAfter(String),
}

impl Effect {
    /// The name under which the request log shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoseAnswer => "lose_answer",
            Self::Reset => "reset",
            Self::Status { .. } => "status",
            Self::GarbageBody => "garbage_body",
            Self::Html200 => "html200",
            Self::ExpiredUrl => "expired_url",
            Self::HalfRead => "half_read",
            Self::WrongSize => "wrong_size",
        }
    }

    fn fits(&self, operation: Operation) -> bool {
        match self {
            Self::LoseAnswer | Self::Reset | Self::Status { .. } | Self::Html200 => {
                !matches!(operation, Operation::Other | Operation::Purge)
            }
            Self::GarbageBody => !matches!(
                operation,
                Operation::Upload | Operation::Download | Operation::Other | Operation::Purge
            ),
            Self::ExpiredUrl => matches!(operation, Operation::Upload | Operation::Download),
            Self::HalfRead | Self::WrongSize => operation == Operation::Upload,
        }
    }
}

impl When {
    fn is_due(self, count: u64) -> bool {
        match self {
            Self::Nth(n) => count == n,
            Self::EveryNth(n) => n > 0 && count.is_multiple_of(n),
            Self::FirstN(n) => count <= n,
        }
    }

    fn never_comes(self) -> bool {
        matches!(self, Self::Nth(0) | Self::EveryNth(0) | Self::FirstN(0))
    }
}

impl Fault {
    /// Checks that the fault can fire and be carried out.
    fn check(&self) -> Result<(), BadFault> {
        let operation = self.operation;
        let effect = self.effect.name();
        if self.when.never_comes() {
            return Err(BadFault::NeverFires { operation, effect });
        }
        if !self.effect.fits(operation) {
            return Err(BadFault::DoesNotFit { operation, effect });
        }
        match &self.effect {
            Effect::Status { code, .. } if status(*code).is_none() => Err(BadFault::Status(*code)),
            Effect::Status {
                retry_after: Some(value),
                ..
            } if HeaderValue::from_str(value).is_err() => Err(BadFault::RetryAfter(value.clone())),
            _ => Ok(()),
        }
    }
}

/// The status of a scripted answer. Informational ones are no answers.
pub(super) fn status(code: u16) -> Option<StatusCode> {
    (200..600)
        .contains(&code)
        .then(|| StatusCode::from_u16(code).ok())?
}

/// The faults of one emulator, and how many requests each has seen.
#[derive(Debug)]
pub(super) struct Script(Vec<(Fault, u64)>);

impl Script {
    /// Takes faults that can all fire.
    pub(super) fn new(faults: &[Fault]) -> Result<Self, BadFault> {
        faults.iter().try_for_each(Fault::check)?;
        Ok(Self(faults.iter().map(|f| (f.clone(), 0)).collect()))
    }

    /// Counts a request, and says what befalls it.
    pub(super) fn fire(&mut self, operation: Operation) -> Option<Effect> {
        let mut fired = None;
        for (fault, count) in &mut self.0 {
            if fault.operation == operation {
                *count += 1;
                if fired.is_none() && fault.when.is_due(*count) {
                    fired = Some(fault.effect.clone());
                }
            }
        }
        fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(operation: Operation, when: When, effect: Effect) -> Fault {
        Fault {
            operation,
            when,
            effect,
        }
    }

    fn fired(when: When) -> Vec<u64> {
        let faults = [fault(Operation::Create, when, Effect::Reset)];
        let mut script = Script::new(&faults).unwrap();
        (1..=7)
            .filter(|_| {
                assert_eq!(script.fire(Operation::Get), None);
                script.fire(Operation::Create).is_some()
            })
            .collect()
    }

    #[test]
    fn a_fault_befalls_the_requests_that_its_script_names() {
        assert_eq!(fired(When::Nth(3)), [3]);
        assert_eq!(fired(When::EveryNth(3)), [3, 6]);
        assert_eq!(fired(When::FirstN(3)), [1, 2, 3]);
    }

    #[test]
    fn of_two_faults_that_are_due_the_first_fires_and_both_count() {
        let faults = [
            fault(Operation::Create, When::Nth(1), Effect::Reset),
            fault(Operation::Create, When::FirstN(2), Effect::LoseAnswer),
        ];
        let mut script = Script::new(&faults).unwrap();
        let all: Vec<_> = (0..3).map(|_| script.fire(Operation::Create)).collect();
        assert_eq!(all, [Some(Effect::Reset), Some(Effect::LoseAnswer), None]);
    }

    #[test]
    fn a_fault_that_cannot_happen_is_refused() {
        let status = |code, retry_after: Option<&str>| Effect::Status {
            code,
            retry_after: retry_after.map(str::to_owned),
        };
        for (operation, when, effect, message) in [
            (
                Operation::Create,
                When::EveryNth(0),
                Effect::Reset,
                "requests are counted from 1, so the fault reset of Create never fires",
            ),
            (
                Operation::Create,
                When::Nth(1),
                Effect::HalfRead,
                "the fault half_read cannot befall Create",
            ),
            (
                Operation::Upload,
                When::Nth(1),
                Effect::GarbageBody,
                "the fault garbage_body cannot befall Upload",
            ),
            (
                Operation::Get,
                When::Nth(1),
                status(42, None),
                "42 is not a status that a service answers; give one from 200 to 599",
            ),
            (
                Operation::Get,
                When::Nth(1),
                status(503, Some("1\n2")),
                "\"1\\n2\" cannot stand in a Retry-After header",
            ),
        ] {
            let refused = Script::new(&[fault(operation, when, effect)]).unwrap_err();
            assert_eq!(refused.to_string(), message);
        }
    }

    #[test]
    fn a_fault_reads_as_it_is_written_in_a_file() {
        let text = r#"{"operation":"get_by_external_id","when":{"first_n":3},
            "effect":{"status":{"code":503,"retry_after":"2"}}}"#;
        assert_eq!(
            serde_json::from_str::<Fault>(text).unwrap(),
            fault(
                Operation::GetByExternalId,
                When::FirstN(3),
                Effect::Status {
                    code: 503,
                    retry_after: Some("2".to_owned())
                }
            )
        );
    }
}
