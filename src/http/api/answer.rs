//! Answers of the API: their sender and their meaning.
//!
//! Something between consign and the service, such as a firewall, answers with the same statuses.
//! The service's own answers are JSON of its form, or name its version, or have no body, where no
//! body is documented.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::{Dialect, JSON_API, Reply, VERSION_HEADER};
use crate::http::Failure;
use crate::http::media_type;
use crate::http::page::{described, is_web_page};
use crate::http::redact::Secrets;
use crate::throttle::quota::Quota;

/// An answer before its judgement.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) quota: Option<Quota>,
    pub(super) moved: Option<Moved>,
    pub(super) has_version: bool,
    pub(super) body: Vec<u8>,
}

/// Destination of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moved {
    /// The same address except for a slash at the end.
    BySlash,
    /// Another address. The text has its scheme and host.
    To(String),
}

/// Answer of a server not yet known as the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Unproven {
    /// HTTP status.
    pub status: u16,
    /// JSON body, if the body is JSON.
    pub body: Option<Value>,
    /// True if the answer redirects to the same address with a slash added at the end, or with the
    /// slash removed.
    pub wants_other_slash: bool,
    /// Status and content, described for people.
    pub words: String,
}

impl Answer {
    /// Returns an answer from the head of a response, with the body still to come.
    pub(super) fn head(url: &Url, response: &reqwest::Response, dialect: Dialect) -> Self {
        let headers = response.headers();
        Self {
            status: response.status().as_u16(),
            media_type: media_type(headers),
            retry_after: retry_after(headers, dialect, jiff::Timestamp::now()),
            quota: quota(headers),
            moved: moved(url, headers),
            has_version: headers.contains_key(VERSION_HEADER),
            body: Vec::new(),
        }
    }

    fn json(&self) -> Option<Value> {
        let declared = self.media_type == JSON_API || self.media_type.ends_with("json");
        declared.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// Describes the status and the service's text about it.
    fn words(&self, secrets: &Secrets) -> String {
        let said = said(&self.json().unwrap_or_default());
        match cut(&secrets.hide(&said), 500).as_str() {
            "" => format!("status {}", self.status),
            said => format!("status {}: {said}", self.status),
        }
    }

    /// Returns true if a refusal comes from the service, and not from something on the way. Most
    /// bodies of refusals are not documented. An empty body therefore counts as the service's, and
    /// so does any body beside the service's version.
    fn is_genuine(&self, dialect: Dialect) -> bool {
        if self.has_version || self.body.is_empty() {
            return true;
        }
        match self.json() {
            Some(body) => !is_a_firewalls(self.status) || dialect.is_refusal(&body),
            None => false,
        }
    }

    /// Returns the failure for a success without JSON, or for a 404 with a page the service would
    /// never send.
    fn foreign(&self, secrets: &Secrets) -> Failure {
        // Other media types are not shown, since the sender chooses their text.
        let kind = match self.media_type.as_str() {
            known @ ("text/html" | "text/plain" | "text/xml" | "application/xml") => known,
            JSON_API | "application/json" => "broken JSON",
            _ => "something else",
        };
        let page = is_web_page(&self.media_type, &self.body)
            .then(|| described(&self.media_type, &self.body, secrets));
        let content = page.map_or_else(|| kind.to_owned(), |page| format!("{kind} ({page})"));
        Failure::Unanswered(format!(
            "status {} with {content} in place of JSON; is a proxy or a sign-in page in between?",
            self.status
        ))
    }

    /// Returns the failure for a refusal by something on the way.
    fn interception(&self, secrets: &Secrets) -> Failure {
        Failure::Intercepted(format!(
            "something between consign and the service answered with status {} and {}",
            self.status,
            described(&self.media_type, &self.body, secrets)
        ))
    }

    /// Returns the answer of a server not yet known as the service. Fails if the answer says
    /// nothing about its sender. Pure.
    pub(super) fn unproven(self, dialect: Dialect, secrets: &Secrets) -> Result<Unproven, Failure> {
        let words = match &self.moved {
            Some(Moved::To(place)) => {
                let place = secrets.hide(place);
                format!("status {}, a redirect to {}", self.status, cut(&place, 200))
            }
            _ if self.body.is_empty() || self.json().is_some() => self.words(secrets),
            _ => {
                let content = described(&self.media_type, &self.body, secrets);
                format!("status {} and {content}", self.status)
            }
        };
        match judge(&self, dialect, secrets) {
            Err(
                failure @ (Failure::Throttled { .. }
                | Failure::Denied(_)
                | Failure::Hopeless(_)
                | Failure::Intercepted(_)),
            ) => Err(failure),
            Err(failure) if matches!(self.status, 408 | 500..) => Err(failure),
            _ => Ok(Unproven {
                status: self.status,
                body: self.json(),
                wants_other_slash: self.moved == Some(Moved::BySlash),
                words,
            }),
        }
    }
}

/// Returns true if firewalls and proxies are known to refuse with this status, also in JSON of
/// their own.
fn is_a_firewalls(status: u16) -> bool {
    matches!(status, 400 | 403 | 405 | 406 | 413 | 414 | 431 | 451)
}

/// Returns the outcome of a request. Pure, and the only place with knowledge of the statuses.
pub(super) fn judge(
    answer: &Answer,
    dialect: Dialect,
    secrets: &Secrets,
) -> Result<Reply, Failure> {
    match answer.status {
        200..=299 => match answer.json() {
            Some(body) => Ok(Reply::Success(body)),
            None => Err(answer.foreign(secrets)),
        },
        404 if answer.is_genuine(dialect) => Ok(Reply::NotFound),
        404 => Err(answer.foreign(secrets)),
        429 => Err(Failure::Throttled {
            retry_after: answer.retry_after,
        }),
        301 | 302 | 307 | 308
            if answer.moved == Some(Moved::BySlash) && dialect == Dialect::Json =>
        {
            Ok(Reply::OtherSlash)
        }
        408 | 500.. => Err(Failure::Unanswered(format!("status {}", answer.status))),
        400..=499 if !answer.is_genuine(dialect) => Err(answer.interception(secrets)),
        401 | 403 => Err(Failure::Denied(answer.words(secrets))),
        400..=499 => Ok(Reply::Refused(answer.words(secrets))),
        status => Err(Failure::Unanswered(format!(
            "status {status}, a redirect, which consign does not follow"
        ))),
    }
}

/// Returns the errors in a body as one text for people; empty where the body has none. JSON:API has
/// `errors` with `detail`, the only documented member; the others were seen in sister services.
/// Keelvar has `errors` with texts, and `field_errors` with texts for each field.
pub fn said(body: &Value) -> String {
    let general = texts(&body["errors"]);
    let fields = body["field_errors"].as_object();
    let of_fields = fields.into_iter().flatten().flat_map(|(field, errors)| {
        let texts = texts(errors).into_iter();
        texts.map(move |text| format!("{field}: {text}"))
    });
    let all: Vec<String> = general.into_iter().chain(of_fields).take(5).collect();
    all.join("; ")
}

/// Returns the texts of one error, or of several.
fn texts(errors: &Value) -> Vec<String> {
    let all = match errors {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let texts = all.iter().map(|error| match error {
        Value::String(text) => text.clone(),
        error => text_of(error),
    });
    texts.filter(|text| !text.is_empty()).collect()
}

fn text_of(error: &Value) -> String {
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
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// Parses the remaining quota by the service's own count, in the form of the IETF draft that
/// Keelvar documents.
pub(super) fn quota(headers: &HeaderMap) -> Option<Quota> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    Some(Quota {
        remaining: number("ratelimit-remaining")?,
        reset: Duration::from_secs(number("ratelimit-reset")?.into()),
    })
}

/// Parses the destination of a redirect, if the answer names one.
fn moved(url: &Url, headers: &HeaderMap) -> Option<Moved> {
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
        return Some(Moved::BySlash);
    }
    Some(Moved::To(format!(
        "{}://{}",
        there.scheme(),
        there.host_str().unwrap_or_default()
    )))
}

pub(super) fn retry_after(
    headers: &HeaderMap,
    dialect: Dialect,
    now: jiff::Timestamp,
) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    let wait = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(dialect.longest_wait()))
}
