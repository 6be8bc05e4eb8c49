//! Client for a service's API: it carries the keys, and sends them to one base URL alone.
//!
//! [`ApiClient`] sends a request once and returns the outcome: a [`Reply`] of the service or a
//! [`Failure`]. The meaning of the JSON is left to `destination`, repeating to
//! `pipeline::requests`.

mod answer;

use crate::http::Failure;
use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::proxy::{PASSWORD_WANTED, Proxies};
use super::redact::Secrets;
use super::target::ApiHost;
use super::trouble::{Trouble, trouble, unsafe_connection};
use super::{ClientError, Network, build, client_builder, read_bounded};
use crate::throttle::quota::Budget;
use answer::{Answer, judge};
pub use answer::{Unproven, said};

/// Media type of JSON:API, sent with every request in Workday's samples.
const JSON_API: &str = "application/vnd.api+json";

/// Form of a service's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON:API.
    JsonApi,
    /// Plain JSON, from a service that limits requests over hours and days.
    Json,
}

impl Dialect {
    fn media_type(self) -> &'static str {
        match self {
            Self::JsonApi => JSON_API,
            Self::Json => "application/json",
        }
    }

    /// Returns true if JSON states a refusal in the service's form: JSON:API has `errors`; Keelvar
    /// documents `errors` and `field_errors`, and its framework names problems with keys and
    /// addresses in `detail`.
    fn is_refusal(self, body: &Value) -> bool {
        let has = |name: &str| body.get(name).is_some();
        match self {
            Self::JsonApi => has("errors"),
            Self::Json => has("errors") || has("field_errors") || has("detail"),
        }
    }

    /// Returns the longest wait for which a `Retry-After` can ask: the length of the service's
    /// longest window, or else a time after which another request does no harm.
    fn longest_wait(self) -> Duration {
        match self {
            Self::JsonApi => Duration::from_mins(15),
            Self::Json => Duration::from_hours(24),
        }
    }
}

/// Longest time for a request in all. Public, because the drain time of the pipeline must be
/// longer.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Longest answer read, in bytes. Fifty attachments take about 60 kB.
const BODY_LIMIT: usize = 4 << 20;

/// Header in which the service names its version. An answer with the header is the service's own.
const VERSION_HEADER: &str = "x-api-version";

/// Characters to escape in a path: all but those called unreserved by RFC 3986, so each external id
/// is one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Client of one API.
#[derive(Debug)]
pub struct ApiClient {
    client: reqwest::Client,
    base: Url,
    dialect: Dialect,
    proxies: Proxies,
    /// Message about a proxy that refuses the way to the base; empty until the proxy was asked.
    way: OnceCell<Option<String>>,
    /// Redactor for the keys, since a service may repeat keys in its texts.
    secrets: Secrets,
}

/// Request to an API.
#[derive(Debug)]
pub struct Request<'a> {
    /// HTTP method.
    pub method: Method,
    /// Segments of the path below the base, not yet encoded.
    pub path: &'a [&'a str],
    /// Query parameter, not yet encoded.
    pub query: Option<(&'a str, &'a str)>,
    /// JSON body, if any.
    pub body: Option<Value>,
}

/// Answer of the service itself, not of something between consign and the service.
#[derive(Debug, PartialEq)]
pub enum Reply {
    /// 2xx, with its JSON.
    Success(Value),
    /// 404.
    NotFound,
    /// A redirect to the same address with a slash added at the end, or with the slash removed. The
    /// request had no effect.
    OtherSlash,
    /// Another 4xx about this very request. The text describes the refusal.
    Refused(String),
}

/// Header with a key.
pub struct KeyHeader {
    name: &'static str,
    /// Text before the key in the value.
    scheme: &'static str,
    key: SecretString,
}

impl KeyHeader {
    /// Returns a header with the key alone as its value.
    pub fn plain(name: &'static str, key: SecretString) -> Self {
        let scheme = "";
        Self { name, scheme, key }
    }

    /// Returns the header `Authorization: Bearer KEY`.
    pub fn bearer(key: SecretString) -> Self {
        Self {
            name: "authorization",
            scheme: "Bearer ",
            key,
        }
    }

    /// Returns the name of the header.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the value of the header.
    pub fn value(&self) -> SecretString {
        format!("{}{}", self.scheme, self.key.expose_secret()).into()
    }
}

impl ApiClient {
    /// Returns a client that sends `keys` to `base`, and to nothing else.
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
            way: OnceCell::new(),
            // The keys alone, without their schemes, so that a key is also found in a header
            // repeated as a whole.
            secrets: Secrets::of(keys.iter().map(|header| header.key.expose_secret())),
        })
    }

    /// Removes keys and addresses from a text of the service.
    pub fn hide(&self, text: &str) -> String {
        self.secrets.hide(text)
    }

    /// Sends a request, once.
    pub async fn send(&self, request: Request<'_>) -> Result<Reply, Failure> {
        judge(&self.answer(request).await?, self.dialect, &self.secrets)
    }

    /// Sends a request, once, and notes the service's report of its remaining quota in `budget`.
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

    /// Sends a request, once, to an address not yet known as the service's.
    pub async fn introduce(&self, request: Request<'_>) -> Result<Unproven, Failure> {
        let answer = self.answer(request).await?;
        answer.unproven(self.dialect, &self.secrets)
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
        self.pass_proxy(&url).await?;
        let media_type_of_ours = self.dialect.media_type();
        let mut builder = self
            .client
            .request(request.method, url.clone())
            .header(reqwest::header::CONTENT_TYPE, media_type_of_ours);
        if let Some(body) = request.body {
            builder = builder.body(body.to_string());
        }
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.failure(error).await),
        };
        let mut answer = Answer::head(&url, &response, self.dialect);
        if answer.status == PASSWORD_WANTED
            && let Some(why) = self.proxies.refusal(&url, PASSWORD_WANTED)
        {
            return Err(Failure::Hopeless(why));
        }
        match read_bounded(response, BODY_LIMIT).await {
            Ok(Some(body)) => answer.body = body,
            Ok(None) => {
                let why = "the answer is too long to be the service's";
                return Err(Failure::Unanswered(why.into()));
            }
            Err(error) => return Err(self.failure(error).await),
        }
        Ok(answer)
    }

    /// Asks the proxy on the way for a tunnel, before any other request goes there. Only one
    /// request asks, so that a wrong password is tried once, however many rows wait.
    async fn pass_proxy(&self, url: &Url) -> Result<(), Failure> {
        let asked = self.way.get_or_init(async || {
            let status = self.proxies.status(url).await?;
            self.proxies.refusal(url, status)
        });
        match asked.await {
            Some(why) => Err(Failure::Hopeless(why.clone())),
            None => Ok(()),
        }
    }

    async fn failure(&self, error: reqwest::Error) -> Failure {
        match trouble(error, &self.proxies).await {
            Trouble::NotSent(why) => Failure::NotSent(why),
            Trouble::Certificate(why) => Failure::Hopeless(unsafe_connection(&why)),
            Trouble::Private(why) | Trouble::Refused(why) => Failure::Hopeless(why),
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

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
