//! The client for the service's API: it carries the keys, and knows one base.
//!
//! It sends a request once and says what the answer is worth. What the JSON means is the business
//! of the destinations.

use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::budget::{Budget, Quota};
use super::proxy::Proxies;
use super::redact::Secrets;
use super::target::ApiHost;
use super::trouble::{Trouble, trouble, unsafe_connection};
use super::{ClientError, Network, build, client_builder, media_type, read_bounded};
use crate::destination::Failure;

/// The media type of JSON:API, which Workday's samples send with every request.
const JSON_API: &str = "application/vnd.api+json";

/// What a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON:API.
    JsonApi,
    /// Plain JSON, by a service that limits requests over hours and days.
    Json,
}

impl Dialect {
    fn media_type(self) -> &'static str {
        match self {
            Self::JsonApi => JSON_API,
            Self::Json => "application/json",
        }
    }

    /// The longest wait that a `Retry-After` can ask for: that of the service's longest window, or
    /// else one after which asking again does no harm.
    fn longest_wait(self) -> Duration {
        match self {
            Self::JsonApi => Duration::from_mins(15),
            Self::Json => Duration::from_hours(24),
        }
    }
}

/// How long a request may take in all. Known to the pipeline, whose drain time must be longer.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The longest answer that is read: fifty attachments take about 60 kB.
const BODY_LIMIT: usize = 4 << 20;

/// The header with which the service names its version; it marks an answer as the service's own.
const VERSION_HEADER: &str = "x-api-version";

/// All that RFC 3986 does not call unreserved, so that each external id is one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A client of one API.
#[derive(Debug)]
pub struct ApiClient {
    client: reqwest::Client,
    base: Url,
    dialect: Dialect,
    proxies: Proxies,
    /// The keys: a service may repeat them in what it says.
    secrets: Secrets,
}

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: Method,
    /// The segments of the path below the base, not yet encoded.
    pub path: &'a [&'a str],
    /// One query parameter, not yet encoded.
    pub query: Option<(&'a str, &'a str)>,
    /// Its body.
    pub body: Option<Value>,
}

/// An answer of the service, not of something in between.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// 2xx, with its JSON.
    Success(Value),
    /// 404.
    NotFound,
    /// A redirect to the same address with a slash at its end, or without the one that was there.
    /// The request had no effect.
    OtherSlash,
    /// Another 4xx that says something about this very request, in words.
    Refused(String),
}

/// A header that holds a key.
pub struct KeyHeader {
    name: &'static str,
    /// What stands before the key in its value.
    scheme: &'static str,
    key: SecretString,
}

impl KeyHeader {
    /// A header whose value is the key.
    pub fn plain(name: &'static str, key: SecretString) -> Self {
        let scheme = "";
        Self { name, scheme, key }
    }

    /// `Authorization: Bearer KEY`.
    pub fn bearer(key: SecretString) -> Self {
        Self {
            name: "authorization",
            scheme: "Bearer ",
            key,
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its value.
    pub fn value(&self) -> SecretString {
        format!("{}{}", self.scheme, self.key.expose_secret()).into()
    }
}

impl ApiClient {
    /// A client that sends `keys` to `base`, and to nothing else.
    pub fn new(
        base: Url,
        dialect: Dialect,
        keys: &[KeyHeader],
        network: &Network,
    ) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        let accepted = HeaderValue::from_static(dialect.media_type());
        headers.insert(reqwest::header::ACCEPT, accepted);
        for key in keys {
            let mut value = HeaderValue::from_str(key.value().expose_secret())
                .map_err(|_| ClientError::BadKey(key.name))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(key.name), value);
        }
        let api = ApiHost::of(&base);
        let builder = client_builder(api, network)
            .default_headers(headers)
            .timeout(TIME_LIMIT);
        Ok(Self {
            client: build(builder)?,
            base,
            dialect,
            proxies: Proxies::on_the_way_to(api),
            // The keys alone, without the schemes before them: so they are found in a header that is
            // repeated as a whole, too.
            secrets: Secrets::of(keys.iter().map(|header| header.key.expose_secret())),
        })
    }

    /// A text of the service without the keys and addresses that it may have put into it.
    pub fn hide(&self, text: &str) -> String {
        self.secrets.hide(text)
    }

    /// Sends a request, once.
    pub async fn send(&self, request: Request<'_>) -> Result<Reply, Failure> {
        judge(&self.answer(request).await?, self.dialect, &self.secrets)
    }

    /// Sends a request, once, and tells a budget what the service says is left of it.
    pub async fn send_within(
        &self,
        budget: &Budget,
        request: Request<'_>,
    ) -> Result<Reply, Failure> {
        let answer = self.answer(request).await?;
        if let Some(quota) = answer.quota {
            budget.told(quota);
        }
        judge(&answer, self.dialect, &self.secrets)
    }

    async fn answer(&self, request: Request<'_>) -> Result<Answer, Failure> {
        let url = self.url(&request);
        let path = url.path().to_owned();
        let method = request.method.clone();
        let answer = self.exchange(request, url).await;
        match &answer {
            Ok(answer) => tracing::debug!(%method, path, status = answer.status, "API request"),
            Err(failure) => tracing::debug!(%method, path, ?failure, "API request"),
        }
        answer
    }

    async fn exchange(&self, request: Request<'_>, url: Url) -> Result<Answer, Failure> {
        let media_type_of_ours = self.dialect.media_type();
        let mut builder = self
            .client
            .request(request.method, url.clone())
            .header(reqwest::header::CONTENT_TYPE, media_type_of_ours);
        if let Some(body) = request.body {
            builder = builder.body(body.to_string());
        }
        let response = builder.send().await.map_err(|error| self.failure(error))?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            media_type: media_type(response.headers()),
            retry_after: retry_after(response.headers(), self.dialect, jiff::Timestamp::now()),
            quota: quota(response.headers()),
            moved_by_a_slash: is_moved_by_a_slash(&url, response.headers()),
            has_version: response.headers().contains_key(VERSION_HEADER),
            body: Vec::new(),
        };
        answer.body = read_bounded(response, BODY_LIMIT)
            .await
            .map_err(|error| self.failure(error))?
            .ok_or_else(|| {
                Failure::Unanswered("the answer is too long to be the service's".into())
            })?;
        Ok(answer)
    }

    fn failure(&self, error: reqwest::Error) -> Failure {
        match trouble(error, &self.proxies) {
            Trouble::NotSent(why) => Failure::NotSent(why),
            Trouble::Certificate(why) => Failure::Hopeless(unsafe_connection(&why)),
            Trouble::Broken(why) => Failure::Unanswered(why),
        }
    }

    fn url(&self, request: &Request<'_>) -> Url {
        let mut path = self.base.path().trim_end_matches('/').to_owned();
        for segment in request.path {
            let _ = write!(path, "/{}", utf8_percent_encode(segment, SEGMENT));
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        if let Some((name, value)) = request.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }
}

/// What came back, before anybody has judged it.
#[derive(Debug)]
struct Answer {
    status: u16,
    media_type: String,
    retry_after: Option<Duration>,
    quota: Option<Quota>,
    moved_by_a_slash: bool,
    has_version: bool,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Option<Value> {
        let declared = self.media_type == JSON_API || self.media_type.ends_with("json");
        declared.then(|| serde_json::from_slice(&self.body).ok())?
    }

    /// The status, and what the service says of it.
    fn words(&self, secrets: &Secrets) -> String {
        let said = said(&self.json().unwrap_or_default());
        match cut(&secrets.hide(&said), 500).as_str() {
            "" => format!("status {}", self.status),
            said => format!("status {}: {said}", self.status),
        }
    }

    /// Whether a 404 is the service's own, and not that of something on the way. Its body is not
    /// documented, so an empty one is believed, and any where the service names its version.
    fn is_genuine(&self) -> bool {
        self.body.is_empty() || self.has_version || self.json().is_some()
    }

    fn foreign(&self) -> Failure {
        // Any other would be a text of whoever has sent it.
        let kind = match self.media_type.as_str() {
            known @ ("text/html" | "text/plain" | "text/xml" | "application/xml") => known,
            JSON_API | "application/json" => "broken JSON",
            _ => "something else",
        };
        Failure::Unanswered(format!(
            "status {} with {kind} in place of JSON; is a proxy or a sign-in page in between?",
            self.status
        ))
    }
}

/// What an answer is worth. Pure, and the only place that knows the statuses.
fn judge(answer: &Answer, dialect: Dialect, secrets: &Secrets) -> Result<Reply, Failure> {
    match answer.status {
        200..=299 => match answer.json() {
            Some(body) => Ok(Reply::Success(body)),
            None => Err(answer.foreign()),
        },
        401 | 403 => Err(Failure::Denied(answer.words(secrets))),
        404 if answer.is_genuine() => Ok(Reply::NotFound),
        404 => Err(answer.foreign()),
        429 => Err(Failure::Throttled {
            retry_after: answer.retry_after,
        }),
        301 | 302 | 307 | 308 if answer.moved_by_a_slash && dialect == Dialect::Json => {
            Ok(Reply::OtherSlash)
        }
        408 | 500.. => Err(Failure::Unanswered(format!("status {}", answer.status))),
        400..=499 => Ok(Reply::Refused(answer.words(secrets))),
        status => Err(Failure::Unanswered(format!(
            "status {status}, a redirect, which consign does not follow"
        ))),
    }
}

/// What a body says of errors, as one text for people; empty where it says nothing. JSON:API has
/// `errors` of which only `detail` is documented, the others being seen in sister services; Keelvar
/// has `errors` that are texts, and `field_errors` with texts for each field.
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

/// The texts of one error, or of several.
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

/// The first characters of a text. Secrets must be out of it already: of one that is cut in two, the
/// first half would not be recognised.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// What is left of the service's own count, by the draft of the IETF that Keelvar documents.
fn quota(headers: &HeaderMap) -> Option<Quota> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    Some(Quota {
        remaining: number("ratelimit-remaining")?,
        reset: Duration::from_secs(number("ratelimit-reset")?.into()),
    })
}

/// Whether a redirect leads to the same address but for a slash at its end.
fn is_moved_by_a_slash(url: &Url, headers: &HeaderMap) -> bool {
    let there = || {
        let location = headers.get(reqwest::header::LOCATION)?.to_str().ok()?;
        url.join(location).ok()
    };
    let bare = |url: &Url| {
        let path = url.path().trim_end_matches('/');
        (
            url.origin(),
            path.to_owned(),
            url.query().map(ToOwned::to_owned),
        )
    };
    there().is_some_and(|there| there != *url && bare(&there) == bare(url))
}

fn retry_after(headers: &HeaderMap, dialect: Dialect, now: jiff::Timestamp) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    let wait = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(dialect.longest_wait()))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
