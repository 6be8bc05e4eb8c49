//! Scripted faults: the requests to hit, the trigger and the effect of each fault.
//!
//! A scenario file ([`super::scenario`]) holds these types in TOML. The fault injector picks the
//! fault for a request; API requests and the storage inject the fault.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Deserializer};

use super::fault_target::FaultTarget;
use crate::duration::parse_duration;
use crate::emulator::operation::EmulatorOperation;
use crate::text::quoted;

/// Failure on purpose.
///
/// Each fault counts requests on its own. A request refused for its keys or for the rate is not
/// counted, so that a script means the same at every rate. If several faults are due at one
/// request, the first of them fires.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Requests to which the fault can apply.
    pub operation: FaultTarget,
    /// Trigger: the selection among these requests.
    pub when: FaultTrigger,
    /// Effect on the selected requests.
    pub effect: FaultEffect,
}

/// Trigger of a fault: a selection among its requests, which are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultTrigger {
    /// The request with this number only.
    Nth(u64),
    /// Each request whose number is a multiple of this number.
    EveryNth(u64),
    /// All requests up to and including this number.
    FirstN(u64),
    /// All requests that arrive in a span of time.
    During {
        /// Start of the span, counted from the emulator's start.
        #[serde(default, deserialize_with = "deserialize_duration")]
        from: Duration,
        /// Length of the span.
        #[serde(rename = "for", deserialize_with = "deserialize_duration")]
        duration: Duration,
    },
}

/// Effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultEffect {
    /// The request is performed, and the connection ends without an answer.
    LoseAnswer,
    /// The request is performed, and the connection stays open without an answer.
    WithholdAnswer,
    /// The connection ends, and the request is not performed.
    Reset,
    /// The connection ends, and the request is performed later, as if it was held up on the way.
    /// The log shows both the end and the late request. For the rate, the request counts at its
    /// arrival.
    Late {
        /// Delay from the arrival of the request.
        #[serde(rename = "for", deserialize_with = "deserialize_duration")]
        delay: Duration,
    },
    /// The answer is an error, and the request is not performed.
    Status {
        /// Status code, 200 to 599.
        code: u16,
        /// Value of the `Retry-After` header, sent as written, except `in 7s`, which is sent as the
        /// date in 7 seconds. No header if `None`.
        #[serde(default, deserialize_with = "deserialize_retry_after")]
        retry_after: Option<String>,
    },
    /// The request is performed, and the answer is JSON that breaks off.
    GarbageBody,
    /// The request is performed, and the connection ends after half of the answer's body.
    TruncatedBody,
    /// The request is performed, and after half of the answer's body no more bytes come.
    StalledBody,
    /// The request is performed, and the answer's body comes at one byte per second.
    TricklingBody,
    /// The request is performed, and blanks without an end follow the answer's body.
    EndlessBody,
    /// A captive portal answers 200 with a page of its own, and the request is not performed.
    Html200,
    /// The request is resent on the way and performed twice; the client gets the second answer. The
    /// log shows both requests. For the rate, they count once.
    DeliverTwice,
    /// The request is performed, and its answer names another upload target.
    UploadTarget {
        /// URL in place of `upload_url`, or of each `upload_url` of a job.
        url: Option<String>,
        /// Additional entries of `upload_headers`. Jobs have no upload headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The storage calls the URL expired, and the request is not performed.
    ExpiredUrl,
    /// The storage calls the token that signed the URL expired, and the request is not performed.
    ExpiredToken,
    /// The storage answers with an error on the head of the request, and closes the connection on
    /// the body. Nothing is stored.
    RefuseEarly {
        /// Status code, 400 to 599.
        code: u16,
    },
    /// The storage reads half of the body, then the connection ends. Nothing is stored.
    HalfRead,
    /// The storage reads half of the body and no more, and the connection stays open. Nothing is
    /// stored.
    StalledRead,
    /// The storage reads half of the body, pauses, reads the rest, and stores the body.
    PausedRead {
        /// Length of the pause.
        #[serde(rename = "for", deserialize_with = "deserialize_duration")]
        pause: Duration,
    },
    /// The storage stores the body, and the service reports a size one byte too large.
    WrongSize,
}

/// Reason for the refusal of a fault without chance to fire or to be injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFault {
    /// The trigger selects no request.
    #[error(
        "{effect} of {target} never fires: requests are counted from 1, and a span of time must \
         last; give `when` a number or a span above 0"
    )]
    NeverFires {
        /// Target of the fault.
        target: FaultTarget,
        /// Name of the effect.
        effect: &'static str,
    },
    /// The effect does not apply to an operation of the target.
    #[error(
        "{effect} does not apply to {target}, only to {}",
        join_names(applicable)
    )]
    EffectDoesNotApply {
        /// Target of the fault.
        target: FaultTarget,
        /// Name of the effect.
        effect: &'static str,
        /// Operations to which the effect applies.
        applicable: Vec<EmulatorOperation>,
    },
    /// The upload target has neither a URL nor headers, and would stay the storage's own.
    #[error("upload_target changes nothing; add a url or headers")]
    UnchangedUploadTarget,
    /// The upload target has only headers, for jobs, whose answers name no headers.
    #[error("upload_target of {0} needs a url: jobs name no headers for their uploads")]
    MissingUploadUrl(FaultTarget),
    /// The status is outside of 200 to 599.
    #[error("{0} is not a status of an answer; give a status from 200 to 599")]
    InvalidStatus(u16),
    /// The status of an early refusal is outside of 400 to 599.
    #[error("{0} is not a status of a refusal; give a status from 400 to 599")]
    NotARefusalStatus(u16),
    /// The text cannot be the value of a `Retry-After` header.
    #[error(
        "{} cannot stand in a Retry-After header; give seconds, such as \"7\", or \"in 7s\" for \
         the date in 7 seconds",
        quoted(.0)
    )]
    InvalidRetryAfter(String),
}

fn join_names(operations: &[EmulatorOperation]) -> String {
    let names: Vec<&str> = operations.iter().map(|one| one.name()).collect();
    names.join(", ")
}

impl FaultEffect {
    /// Name of the effect in scenario files and in the request log.
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

    fn applies_to(&self, operation: EmulatorOperation) -> bool {
        let is_faultable = operation.is_api_request() || operation.is_storage_request();
        match self {
            Self::LoseAnswer
            | Self::WithholdAnswer
            | Self::Reset
            | Self::Status { .. }
            | Self::TruncatedBody
            | Self::StalledBody
            | Self::EndlessBody
            | Self::Html200 => is_faultable,
            // The body of the answer to an upload is empty, and an empty body cannot trickle.
            Self::TricklingBody => is_faultable && operation != EmulatorOperation::Upload,
            Self::GarbageBody | Self::DeliverTwice => operation.is_api_request(),
            Self::Late { .. } => matches!(
                operation,
                EmulatorOperation::Create
                    | EmulatorOperation::Update
                    | EmulatorOperation::UpdateByExternalId
            ),
            Self::UploadTarget { .. } => matches!(
                operation,
                EmulatorOperation::Create
                    | EmulatorOperation::Update
                    | EmulatorOperation::UpdateByExternalId
                    | EmulatorOperation::GetJob
            ),
            Self::ExpiredUrl | Self::ExpiredToken => operation.is_storage_request(),
            Self::RefuseEarly { .. }
            | Self::HalfRead
            | Self::StalledRead
            | Self::PausedRead { .. }
            | Self::WrongSize => operation == EmulatorOperation::Upload,
        }
    }
}

impl FaultTrigger {
    /// True if the trigger selects request number `count`, `elapsed` after the emulator's start.
    pub(super) fn is_due(self, count: u64, elapsed: Duration) -> bool {
        match self {
            Self::Nth(n) => count == n,
            Self::EveryNth(n) => n > 0 && count.is_multiple_of(n),
            Self::FirstN(n) => count <= n,
            Self::During {
                from,
                duration: lasting,
            } => elapsed.checked_sub(from).is_some_and(|into| into < lasting),
        }
    }

    fn never_fires(self) -> bool {
        match self {
            Self::Nth(n) | Self::EveryNth(n) | Self::FirstN(n) => n == 0,
            Self::During {
                duration: lasting, ..
            } => lasting.is_zero(),
        }
    }
}

impl Fault {
    /// Fails with [`InvalidFault`] if the fault can never fire or cannot be injected.
    pub(super) fn check(&self) -> Result<(), InvalidFault> {
        let target = self.operation;
        let effect = self.effect.name();
        if self.when.never_fires() {
            return Err(InvalidFault::NeverFires { target, effect });
        }
        let fits = |operation: &EmulatorOperation| self.effect.applies_to(*operation);
        let mut operations = EmulatorOperation::FAULT_TARGETS
            .into_iter()
            .chain(match target {
                FaultTarget::SingleOperation(operation) => Some(operation),
                FaultTarget::AllApis | FaultTarget::Storage => None,
            });
        if !operations.all(|operation| !target.includes(operation) || fits(&operation)) {
            return Err(InvalidFault::EffectDoesNotApply {
                target,
                effect,
                applicable: EmulatorOperation::FAULT_TARGETS
                    .into_iter()
                    .filter(fits)
                    .collect(),
            });
        }
        match &self.effect {
            FaultEffect::UploadTarget { url: None, headers } if headers.is_empty() => {
                Err(InvalidFault::UnchangedUploadTarget)
            }
            FaultEffect::UploadTarget { url: None, .. }
                if target.includes(EmulatorOperation::GetJob) =>
            {
                Err(InvalidFault::MissingUploadUrl(target))
            }
            FaultEffect::Status { code, .. } if scripted_status(*code).is_none() => {
                Err(InvalidFault::InvalidStatus(*code))
            }
            FaultEffect::RefuseEarly { code } if !(400..600).contains(code) => {
                Err(InvalidFault::NotARefusalStatus(*code))
            }
            FaultEffect::Status {
                retry_after: Some(text),
                ..
            } if retry_after_value(text, Timestamp::now()).is_none() => {
                Err(InvalidFault::InvalidRetryAfter(text.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Status of a scripted answer; `None` outside of 200 to 599.
// Informational statuses are no answers.
pub(in crate::emulator) fn scripted_status(code: u16) -> Option<StatusCode> {
    (200..600)
        .contains(&code)
        .then(|| StatusCode::from_u16(code).ok())?
}

/// `Retry-After` value for the text of a script; `None` if a header cannot hold the text.
pub(super) fn retry_after_value(text: &str, now: Timestamp) -> Option<HeaderValue> {
    let Some(wait) = text.strip_prefix("in ") else {
        return HeaderValue::from_str(text).ok();
    };
    let at = now.checked_add(parse_duration(wait).ok()?).ok()?;
    // HTTP dates have no fractions, and no client is to be sent away for less than the script's
    // time.
    let whole = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Ceil);
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at.round(whole).ok()?)
        .ok()?;
    HeaderValue::from_str(&date).ok()
}

fn deserialize_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text)
        .map_err(|why| serde::de::Error::custom(format!("{}: {why}", quoted(&text))))
}

fn deserialize_retry_after<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a number of seconds is expected, a date, or `in` and a span of time, such as \
                     \"in 7s\""
    )]
    enum RetryAfterInput {
        Seconds(u64),
        Text(String),
    }
    Ok(Some(match RetryAfterInput::deserialize(deserializer)? {
        RetryAfterInput::Seconds(seconds) => seconds.to_string(),
        RetryAfterInput::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal_message(
        target: impl Into<FaultTarget>,
        when: FaultTrigger,
        effect: FaultEffect,
    ) -> String {
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
        let no_time = FaultTrigger::During {
            from: Duration::from_secs(5),
            duration: Duration::ZERO,
        };
        for when in [
            FaultTrigger::Nth(0),
            FaultTrigger::EveryNth(0),
            FaultTrigger::FirstN(0),
            no_time,
        ] {
            assert_eq!(
                refusal_message(EmulatorOperation::Create, when, FaultEffect::Reset),
                never
            );
        }
    }

    #[test]
    fn a_fault_that_does_not_apply_to_its_target_is_refused_with_what_it_applies_to() {
        let once = FaultTrigger::Nth(1);
        for (message, effect, target) in [
            (
                "half_read does not apply to create, only to upload",
                FaultEffect::HalfRead,
                EmulatorOperation::Create.into(),
            ),
            (
                "half_read does not apply to storage, only to upload",
                FaultEffect::HalfRead,
                FaultTarget::Storage,
            ),
            (
                "garbage_body does not apply to upload, only to list, create, get, \
                 get_by_external_id, update, update_by_external_id, list_objects, filter_objects, \
                 get_object, get_object_by_external_id, create_job, get_job, list_jobs",
                FaultEffect::GarbageBody,
                EmulatorOperation::Upload.into(),
            ),
            (
                "expired_url does not apply to purge, only to upload, download",
                FaultEffect::ExpiredUrl,
                EmulatorOperation::Purge.into(),
            ),
        ] {
            assert_eq!(refusal_message(target, once, effect), message);
        }
    }

    #[test]
    fn an_answer_that_cannot_be_given_is_refused() {
        let status = |code, retry_after: Option<&str>| FaultEffect::Status {
            code,
            retry_after: retry_after.map(str::to_owned),
        };
        let own = FaultEffect::UploadTarget {
            url: None,
            headers: BTreeMap::new(),
        };
        for (message, effect) in [
            (
                "42 is not a status of an answer; give a status from 200 to 599",
                status(42, None),
            ),
            (
                "\"1\\u{a}2\" cannot stand in a Retry-After header; give seconds, such as \"7\", \
                 or \"in 7s\" for the date in 7 seconds",
                status(503, Some("1\n2")),
            ),
            (
                "\"in a while\" cannot stand in a Retry-After header; give seconds, such as \"7\", \
                 or \"in 7s\" for the date in 7 seconds",
                status(503, Some("in a while")),
            ),
            ("upload_target changes nothing; add a url or headers", own),
        ] {
            assert_eq!(
                refusal_message(EmulatorOperation::Create, FaultTrigger::Nth(1), effect),
                message
            );
        }
        assert_eq!(
            refusal_message(
                EmulatorOperation::Upload,
                FaultTrigger::Nth(1),
                FaultEffect::RefuseEarly { code: 200 }
            ),
            "200 is not a status of a refusal; give a status from 400 to 599"
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
