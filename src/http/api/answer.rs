//! Answers of the API: their sender and their meaning.
//!
//! Something between consign and the service, such as a firewall, answers with the same statuses.
//! The service's own answers are JSON of its form, or name its version, or have no body, where no
//! body is documented.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::{ApiDialect, JSON_API_MEDIA_TYPE, ServiceReply, VERSION_HEADER};
use crate::http::foreign_page::{describe_body, is_web_page};
use crate::http::media_type;
use crate::http::redaction::SecretRedactor;
use crate::http::{ApiFailure, RefusalKind, RequestRefusal};
use crate::throttle::quota::ReportedQuota;

/// An answer before its judgement.
#[derive(Debug)]
pub(super) struct RawApiAnswer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) quota: Option<ReportedQuota>,
    pub(super) redirect: Option<RedirectLocation>,
    pub(super) has_version: bool,
    pub(super) body: Vec<u8>,
}

/// Destination of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RedirectLocation {
    /// The same address except for a slash at the end.
    SlashOnly,
    /// Another address. The text has its scheme and host.
    Elsewhere(String),
}

/// Answer of a server not yet known as the service.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON body, if the body is JSON.
    pub body: Option<Value>,
    /// True if the answer redirects to the same address with a slash added at the end, or with the
    /// slash removed.
    pub is_slash_redirect: bool,
    /// Status and content, described for people.
    pub description: String,
}

impl RawApiAnswer {
    /// Returns an answer from the head of a response, with the body still to come.
    pub(super) fn from_head(url: &Url, response: &reqwest::Response, dialect: ApiDialect) -> Self {
        let headers = response.headers();
        Self {
            status: response.status().as_u16(),
            media_type: media_type(headers),
            retry_after: parse_retry_after(headers, dialect, jiff::Timestamp::now()),
            quota: parse_quota(headers),
            redirect: parse_redirect(url, headers),
            has_version: headers.contains_key(VERSION_HEADER),
            body: Vec::new(),
        }
    }

    fn json(&self) -> Option<Value> {
        let declared = self.media_type == JSON_API_MEDIA_TYPE || self.media_type.ends_with("json");
        declared.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// Describes the status and the service's text about it.
    fn describe(&self, secrets: &SecretRedactor) -> String {
        let said = error_text(&self.json().unwrap_or_default());
        match truncate_chars(&secrets.redact(&said), 500).as_str() {
            "" => format!("status {}", self.status),
            said => format!("status {}: {said}", self.status),
        }
    }

    /// Returns true if a refusal comes from the service, and not from something on the way. Most
    /// bodies of refusals are not documented. An empty body therefore counts as the service's, and
    /// so does any body beside the service's version.
    fn is_from_service(&self, dialect: ApiDialect) -> bool {
        if self.has_version || self.body.is_empty() {
            return true;
        }
        match self.json() {
            Some(body) => !is_firewall_status(self.status) || dialect.is_refusal(&body),
            None => false,
        }
    }

    /// Returns the failure for a success without JSON, or for a 404 with a page the service would
    /// never send.
    fn foreign_answer(&self, secrets: &SecretRedactor) -> ApiFailure {
        // Other media types are not shown, since the sender chooses their text.
        let kind = match self.media_type.as_str() {
            known @ ("text/html" | "text/plain" | "text/xml" | "application/xml") => known,
            JSON_API_MEDIA_TYPE | "application/json" => "broken JSON",
            _ => "something else",
        };
        let page = is_web_page(&self.media_type, &self.body)
            .then(|| describe_body(&self.media_type, &self.body, secrets));
        let content = page.map_or_else(|| kind.to_owned(), |page| format!("{kind} ({page})"));
        ApiFailure::Unanswered(format!(
            "status {} with {content} in place of JSON; is a proxy or a sign-in page in between?",
            self.status
        ))
    }

    /// Returns the failure for a refusal by something on the way.
    fn interception_failure(&self, secrets: &SecretRedactor) -> ApiFailure {
        ApiFailure::Intercepted(format!(
            "something between consign and the service answered with status {} and {}",
            self.status,
            describe_body(&self.media_type, &self.body, secrets)
        ))
    }

    /// Returns the answer of a server not yet known as the service. Fails if the answer says
    /// nothing about its sender. Pure.
    pub(super) fn into_probe_answer(
        self,
        dialect: ApiDialect,
        secrets: &SecretRedactor,
    ) -> Result<ProbeAnswer, ApiFailure> {
        let words = match &self.redirect {
            Some(RedirectLocation::Elsewhere(place)) => {
                let place = secrets.redact(place);
                format!(
                    "status {}, a redirect to {}",
                    self.status,
                    truncate_chars(&place, 200)
                )
            }
            _ if self.body.is_empty() || self.json().is_some() => self.describe(secrets),
            _ => {
                let content = describe_body(&self.media_type, &self.body, secrets);
                format!("status {} and {content}", self.status)
            }
        };
        match judge_answer(&self, dialect, secrets) {
            Err(
                failure @ (ApiFailure::Throttled { .. }
                | ApiFailure::Denied(_)
                | ApiFailure::NeverPossible(_)
                | ApiFailure::Intercepted(_)),
            ) => Err(failure),
            Err(failure) if matches!(self.status, 408 | 500..) => Err(failure),
            _ => Ok(ProbeAnswer {
                status: self.status,
                body: self.json(),
                is_slash_redirect: self.redirect == Some(RedirectLocation::SlashOnly),
                description: words,
            }),
        }
    }
}

/// Returns true if firewalls and proxies are known to refuse with this status, also in JSON of
/// their own.
fn is_firewall_status(status: u16) -> bool {
    matches!(status, 400 | 403 | 405 | 406 | 413 | 414 | 431 | 451)
}

/// Returns the outcome of a request. Pure, and the only place with knowledge of the statuses.
pub(super) fn judge_answer(
    answer: &RawApiAnswer,
    dialect: ApiDialect,
    secrets: &SecretRedactor,
) -> Result<ServiceReply, ApiFailure> {
    match answer.status {
        200..=299 => match answer.json() {
            Some(body) => Ok(ServiceReply::Success(body)),
            None => Err(answer.foreign_answer(secrets)),
        },
        404 if answer.is_from_service(dialect) => Ok(ServiceReply::NotFound),
        404 => Err(answer.foreign_answer(secrets)),
        429 => Err(ApiFailure::Throttled {
            retry_after: answer.retry_after,
        }),
        301 | 302 | 307 | 308
            if answer.redirect == Some(RedirectLocation::SlashOnly)
                && dialect == ApiDialect::Json =>
        {
            Ok(ServiceReply::SlashRedirect)
        }
        408 | 500.. => Err(ApiFailure::Unanswered(format!("status {}", answer.status))),
        400..=499 if !answer.is_from_service(dialect) => Err(answer.interception_failure(secrets)),
        401 | 403 => Err(ApiFailure::Denied(answer.describe(secrets))),
        400..=499 => Ok(ServiceReply::Refused(RequestRefusal {
            kind: match answer.status {
                409 | 422 => RefusalKind::ConflictOrInvalid,
                _ => RefusalKind::Other,
            },
            message: answer.describe(secrets),
        })),
        status => Err(ApiFailure::Unanswered(format!(
            "status {status}, a redirect, which consign does not follow"
        ))),
    }
}

/// Returns the errors in a body as one text for people; empty where the body has none. JSON:API has
/// `errors` with `detail`, the only documented member; the others were seen in sister services.
/// Keelvar has `errors` with texts, and `field_errors` with texts for each field.
pub fn error_text(body: &Value) -> String {
    let general = error_texts(&body["errors"]);
    let fields = body["field_errors"].as_object();
    let of_fields = fields.into_iter().flatten().flat_map(|(field, errors)| {
        let texts = error_texts(errors).into_iter();
        texts.map(move |text| format!("{field}: {text}"))
    });
    let all: Vec<String> = general.into_iter().chain(of_fields).take(5).collect();
    all.join("; ")
}

/// Returns the texts of one error, or of several.
fn error_texts(errors: &Value) -> Vec<String> {
    let all = match errors {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts = all.iter().map(|error| match error {
        Value::String(text) => text.clone(),
        error => error_object_text(error),
    });
    texts.filter(|text| !text.is_empty()).collect()
}

fn error_object_text(error: &Value) -> String {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let what: Vec<_> = [text(&error["title"]), text(&error["detail"])]
        .into_iter()
        .flatten()
        .collect();
    match text(&error["source"]["pointer"]) {
        Some(pointer) => format!("{} (at {pointer})", what.join(": ")),
        None => what.join(": "),
    }
}

/// Returns the first characters of a text. Secrets must be removed before: of a secret cut in two,
/// the first half would not be recognised.
fn truncate_chars(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// Parses the remaining quota by the service's own count, in the form of the IETF draft that
/// Keelvar documents.
pub(super) fn parse_quota(headers: &HeaderMap) -> Option<ReportedQuota> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    Some(ReportedQuota {
        remaining: number("ratelimit-remaining")?,
        reset_after: Duration::from_secs(number("ratelimit-reset")?.into()),
    })
}

/// Parses the destination of a redirect, if the answer names one.
fn parse_redirect(url: &Url, headers: &HeaderMap) -> Option<RedirectLocation> {
    let location = headers.get(reqwest::header::LOCATION)?.to_str().ok()?;
    let there = url.join(location).ok()?;
    let bare = |url: &Url| {
        let path = url.path().trim_end_matches('/');
        (
            url.origin(),
            path.to_owned(),
            url.query().map(ToOwned::to_owned),
        )
    };
    if there != *url && bare(&there) == bare(url) {
        return Some(RedirectLocation::SlashOnly);
    }
    Some(RedirectLocation::Elsewhere(format!(
        "{}://{}",
        there.scheme(),
        there.host_str().unwrap_or_default()
    )))
}

pub(super) fn parse_retry_after(
    headers: &HeaderMap,
    dialect: ApiDialect,
    now: jiff::Timestamp,
) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    let wait = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(dialect.max_retry_after()))
}
