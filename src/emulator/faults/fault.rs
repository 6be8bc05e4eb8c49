//! Scripted faults: what goes wrong, with which request, how often.
//!
//! These types are also the form in which a scenario file is written ([`super::scenario`]). Which
//! fault befalls a request is decided in `script`; `befall` and the storage carry it out.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Deserializer};

use super::target::Target;
use crate::duration::parse_duration;
use crate::emulator::operation::Operation;
use crate::text::quoted;

/// Something that goes wrong on purpose.
///
/// Requests are counted for each fault on its own. A request that was refused for its keys or for
/// the rate is not counted, so that a script means the same at every rate. Where several faults
/// are due with one request, the first of them fires.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What it befalls.
    pub operation: Target,
    /// Which of those requests.
    pub when: When,
    /// What happens to them.
    pub effect: Effect,
}

/// Which requests a fault befalls; the first is number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// This one only.
    Nth(u64),
    /// Each one whose number is a multiple of this.
    EveryNth(u64),
    /// All up to and including this one.
    FirstN(u64),
    /// All that come in a span of time.
    During {
        /// When it begins, counted from the emulator's start.
        #[serde(default, deserialize_with = "duration")]
        from: Duration,
        /// How long it lasts.
        #[serde(rename = "for", deserialize_with = "duration")]
        lasting: Duration,
    },
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// The request is carried out, and the connection ends without an answer.
    LoseAnswer,
    /// The request is carried out, and the connection stays open without an answer.
    WithholdAnswer,
    /// The connection ends, and nothing was done.
    Reset,
    /// The connection ends, and the request is carried out so much later, as one that was held up on
    /// the way. The log shows both. For the rate it counts when it comes.
    Late {
        /// So much.
        #[serde(rename = "for", deserialize_with = "duration")]
        lasting: Duration,
    },
    /// An error is answered, and nothing was done.
    Status {
        /// The status code, 200 to 599.
        code: u16,
        /// The value of a `Retry-After` header, as it is sent; but `in 7s` is sent as the date
        /// that is then.
        #[serde(default, deserialize_with = "retry_after")]
        retry_after: Option<String>,
    },
    /// The request is carried out, and the answer is JSON that breaks off.
    GarbageBody,
    /// The request is carried out, and the connection ends after half of the answer's body.
    TruncatedBody,
    /// The request is carried out, and after half of the answer's body nothing more comes.
    StalledBody,
    /// The request is carried out, and the answer's body comes a byte at a time, one a second.
    TricklingBody,
    /// The request is carried out, and the answer's body is followed by blanks without an end.
    EndlessBody,
    /// A captive portal answers 200 with a page of its own, and nothing was done.
    Html200,
    /// Something on the way resends the request: it is carried out twice, and the second answer is
    /// the one that comes back. The log shows both. For the rate it counts once.
    DeliverTwice,
    /// The request is carried out, and its answer sends the bytes elsewhere.
    UploadTarget {
        /// The `upload_url` in place of the storage's own, or of each of a job's.
        url: Option<String>,
        /// What `upload_headers` names beside the storage's own. Jobs have no such headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The storage calls the URL expired, and nothing was done.
    ExpiredUrl,
    /// The storage calls the token expired with which the URL was signed, and nothing was done.
    ExpiredToken,
    /// The storage answers with an error as soon as it has the head of the request, and closes the
    /// connection on the body; nothing was done.
    RefuseEarly {
        /// The status code, 400 to 599.
        code: u16,
    },
    /// Half of the body is read, then the connection ends; nothing is stored.
    HalfRead,
    /// Half of the body is read, then no more, and the connection stays open; nothing is stored.
    StalledRead,
    /// Half of the body is read, then none for a while, then the rest; it is stored.
    PausedRead {
        /// For so long.
        #[serde(rename = "for", deserialize_with = "duration")]
        lasting: Duration,
    },
    /// The bytes are stored, and the service shows a size that is one too many.
    WrongSize,
}

/// Why a fault can never fire, or cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// It waits for a request that never comes.
    #[error(
        "{effect} of {target} never fires: requests are counted from 1, and a span of time must \
         last; give `when` a number or a span above 0"
    )]
    NeverFires {
        /// What was named.
        target: Target,
        /// The effect's name.
        effect: &'static str,
    },
    /// The effect means nothing for what it is to befall.
    #[error("{effect} cannot befall {target}; it is for {}", names(fitting))]
    DoesNotFit {
        /// What was named.
        target: Target,
        /// The effect's name.
        effect: &'static str,
        /// What it can befall.
        fitting: Vec<Operation>,
    },
    /// An upload target that is the storage's own.
    #[error("upload_target changes nothing; give it a url, or headers")]
    SameTarget,
    /// Headers for an answer that names none.
    #[error("upload_target of {0} needs a url: jobs name no headers for their uploads")]
    NoUrl(Target),
    /// Not a status that can be answered.
    #[error("{0} is not a status that a service answers; give one from 200 to 599")]
    Status(u16),
    /// Not a status that refuses anything.
    #[error("{0} is not a status that refuses a file; give one from 400 to 599")]
    NoRefusal(u16),
    /// Not a value that a header can have.
    #[error(
        "{} cannot stand in a Retry-After header; give seconds, such as \"7\", or \"in 7s\" for \
         the date that is then",
        quoted(.0)
    )]
    RetryAfter(String),
}

fn names(operations: &[Operation]) -> String {
    let names: Vec<&str> = operations.iter().map(|one| one.name()).collect();
    names.join(", ")
}

impl Effect {
    /// The name under which scenario files and the request log know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoseAnswer => "lose_answer",
            Self::WithholdAnswer => "withhold_answer",
            Self::Reset => "reset",
            Self::Late { .. } => "late",
            Self::Status { .. } => "status",
            Self::GarbageBody => "garbage_body",
            Self::TruncatedBody => "truncated_body",
            Self::StalledBody => "stalled_body",
            Self::TricklingBody => "trickling_body",
            Self::EndlessBody => "endless_body",
            Self::Html200 => "html200",
            Self::DeliverTwice => "deliver_twice",
            Self::UploadTarget { .. } => "upload_target",
            Self::ExpiredUrl => "expired_url",
            Self::ExpiredToken => "expired_token",
            Self::RefuseEarly { .. } => "refuse_early",
            Self::HalfRead => "half_read",
            Self::StalledRead => "stalled_read",
            Self::PausedRead { .. } => "paused_read",
            Self::WrongSize => "wrong_size",
        }
    }

    fn fits(&self, operation: Operation) -> bool {
        let befallen = operation.is_of_the_api() || operation.is_of_the_storage();
        match self {
            Self::LoseAnswer
            | Self::WithholdAnswer
            | Self::Reset
            | Self::Status { .. }
            | Self::TruncatedBody
            | Self::StalledBody
            | Self::EndlessBody
            | Self::Html200 => befallen,
            // What answers an upload is empty, and nothing cannot trickle.
            Self::TricklingBody => befallen && operation != Operation::Upload,
            Self::GarbageBody | Self::DeliverTwice => operation.is_of_the_api(),
            Self::Late { .. } => matches!(
                operation,
                Operation::Create | Operation::Update | Operation::UpdateByExternalId
            ),
            Self::UploadTarget { .. } => matches!(
                operation,
                Operation::Create
                    | Operation::Update
                    | Operation::UpdateByExternalId
                    | Operation::GetJob
            ),
            Self::ExpiredUrl | Self::ExpiredToken => operation.is_of_the_storage(),
            Self::RefuseEarly { .. }
            | Self::HalfRead
            | Self::StalledRead
            | Self::PausedRead { .. }
            | Self::WrongSize => operation == Operation::Upload,
        }
    }
}

impl When {
    /// Whether it means the request of this number, so long after the emulator's start.
    pub(super) fn is_due(self, count: u64, elapsed: Duration) -> bool {
        match self {
            Self::Nth(n) => count == n,
            Self::EveryNth(n) => n > 0 && count.is_multiple_of(n),
            Self::FirstN(n) => count <= n,
            Self::During { from, lasting } => {
                elapsed.checked_sub(from).is_some_and(|into| into < lasting)
            }
        }
    }

    fn never_comes(self) -> bool {
        match self {
            Self::Nth(n) | Self::EveryNth(n) | Self::FirstN(n) => n == 0,
            Self::During { lasting, .. } => lasting.is_zero(),
        }
    }
}

impl Fault {
    /// Checks that the fault can fire and be carried out.
    pub(super) fn check(&self) -> Result<(), BadFault> {
        let target = self.operation;
        let effect = self.effect.name();
        if self.when.never_comes() {
            return Err(BadFault::NeverFires { target, effect });
        }
        let fits = |operation: &Operation| self.effect.fits(*operation);
        let mut befallen = Operation::BEFALLEN.into_iter().chain(match target {
            Target::One(operation) => Some(operation),
            Target::Api | Target::Storage => None,
        });
        if !befallen.all(|operation| !target.includes(operation) || fits(&operation)) {
            return Err(BadFault::DoesNotFit {
                target,
                effect,
                fitting: Operation::BEFALLEN.into_iter().filter(fits).collect(),
            });
        }
        match &self.effect {
            Effect::UploadTarget { url: None, headers } if headers.is_empty() => {
                Err(BadFault::SameTarget)
            }
            Effect::UploadTarget { url: None, .. } if target.includes(Operation::GetJob) => {
                Err(BadFault::NoUrl(target))
            }
            Effect::Status { code, .. } if status(*code).is_none() => Err(BadFault::Status(*code)),
            Effect::RefuseEarly { code } if !(400..600).contains(code) => {
                Err(BadFault::NoRefusal(*code))
            }
            Effect::Status {
                retry_after: Some(text),
                ..
            } if retry_after_value(text, Timestamp::now()).is_none() => {
                Err(BadFault::RetryAfter(text.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// The status of a scripted answer. Informational ones are no answers.
pub(in crate::emulator) fn status(code: u16) -> Option<StatusCode> {
    (200..600)
        .contains(&code)
        .then(|| StatusCode::from_u16(code).ok())?
}

/// The `Retry-After` that a script asks for, where a header can hold it.
pub(super) fn retry_after_value(text: &str, now: Timestamp) -> Option<HeaderValue> {
    let Some(wait) = text.strip_prefix("in ") else {
        return HeaderValue::from_str(text).ok();
    };
    let at = now.checked_add(parse_duration(wait).ok()?).ok()?;
    // HTTP's dates have no fractions, and nobody is to be sent away for less than was asked for.
    let whole = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Ceil);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at.round(whole).ok()?)
        .ok()?;
    HeaderValue::from_str(&date).ok()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .map_err(|why| serde::de::Error::custom(format!("{}: {why}", quoted(&text))))
}

fn retry_after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a number of seconds is expected, a date, or `in` and a span of time, such as \
                     \"in 7s\""
    )]
    enum Written {
        Seconds(u64),
        Text(String),
    }
    Ok(Some(match Written::deserialize(deserializer)? {
        Written::Seconds(seconds) => seconds.to_string(),
        Written::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(target: impl Into<Target>, when: When, effect: Effect) -> String {
        let fault = Fault {
            operation: target.into(),
            when,
            effect,
        };
        fault.check().unwrap_err().to_string()
    }

    #[test]
    fn a_fault_that_never_fires_is_refused() {
        let never = "reset of create never fires: requests are counted from 1, and a span of time \
                     must last; give `when` a number or a span above 0";
        let no_time = When::During {
            from: Duration::from_secs(5),
            lasting: Duration::ZERO,
        };
        for when in [When::Nth(0), When::EveryNth(0), When::FirstN(0), no_time] {
            assert_eq!(refused(Operation::Create, when, Effect::Reset), never);
        }
    }

    #[test]
    fn a_fault_that_cannot_befall_its_target_is_refused_with_what_it_can_befall() {
        let once = When::Nth(1);
        for (message, effect, target) in [
            (
                "half_read cannot befall create; it is for upload",
                Effect::HalfRead,
                Operation::Create.into(),
            ),
            (
                "half_read cannot befall storage; it is for upload",
                Effect::HalfRead,
                Target::Storage,
            ),
            (
                "garbage_body cannot befall upload; it is for list, create, get, \
                 get_by_external_id, update, update_by_external_id, create_job, get_job, list_jobs",
                Effect::GarbageBody,
                Operation::Upload.into(),
            ),
            (
                "expired_url cannot befall purge; it is for upload, download",
                Effect::ExpiredUrl,
                Operation::Purge.into(),
            ),
        ] {
            assert_eq!(refused(target, once, effect), message);
        }
    }

    #[test]
    fn an_answer_that_cannot_be_given_is_refused() {
        let status = |code, retry_after: Option<&str>| Effect::Status {
            code,
            retry_after: retry_after.map(str::to_owned),
        };
        let own = Effect::UploadTarget {
            url: None,
            headers: BTreeMap::new(),
        };
        for (message, effect) in [
            (
                "42 is not a status that a service answers; give one from 200 to 599",
                status(42, None),
            ),
            (
                "\"1\\u{a}2\" cannot stand in a Retry-After header; give seconds, such as \"7\", \
                 or \"in 7s\" for the date that is then",
                status(503, Some("1\n2")),
            ),
            (
                "\"in a while\" cannot stand in a Retry-After header; give seconds, such as \
                 \"7\", or \"in 7s\" for the date that is then",
                status(503, Some("in a while")),
            ),
            (
                "upload_target changes nothing; give it a url, or headers",
                own,
            ),
        ] {
            assert_eq!(refused(Operation::Create, When::Nth(1), effect), message);
        }
        assert_eq!(
            refused(
                Operation::Upload,
                When::Nth(1),
                Effect::RefuseEarly { code: 200 }
            ),
            "200 is not a status that refuses a file; give one from 400 to 599"
        );
    }

    #[test]
    fn a_wait_is_sent_as_it_is_written_or_as_the_date_that_is_then() {
        let now = "2026-11-22T00:00:00.3Z".parse().unwrap();
        let sent =
            |text| retry_after_value(text, now).map(|value| value.to_str().unwrap().to_owned());
        for (written, header) in [
            ("7", "7"),
            ("soon", "soon"),
            ("in 30s", "Sun, 22 Nov 2026 00:00:31 GMT"),
            ("in 24h", "Mon, 23 Nov 2026 00:00:01 GMT"),
        ] {
            assert_eq!(sent(written).as_deref(), Some(header));
        }
    }
}
