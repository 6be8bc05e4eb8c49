//! Client for a service's API: carries the keys to one scheme, host and port alone, below the base
//! URL and below the paths of sister services beside the base.
//!
//! [`ApiClient`] sends a request once and returns the outcome: a [`ServiceReply`] of the service or
//! a [`ApiFailure`]. The meaning of the JSON is left to `destination`, repeating to
//! `pipeline::request_sender`.

mod answer;
mod list_page;

use crate::http::{ApiFailure, RequestRefusal};
use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
pub use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::proxy::{PROXY_AUTHENTICATION_REQUIRED, SystemProxies};
use super::redaction::SecretRedactor;
use super::target::ApiLocation;
use super::transport_error::{TransportError, classify_request_error, unsafe_connection_message};
use super::{HttpClientError, NetworkConfig, build_client, client_builder, read_body_up_to};
use crate::throttle::quota::QuotaBudget;
pub use answer::{ProbeAnswer, error_text};
use answer::{RawApiAnswer, judge_answer};
pub use list_page::{ForeignLinkError, PageQuery};

/// Media type of JSON:API, sent with every request in Workday's samples.
const JSON_API_MEDIA_TYPE: &str = "application/vnd.api+json";

/// Form of a service's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiDialect {
    /// JSON:API.
    JsonApi,
    /// Plain JSON, from a service that limits requests over hours and days.
    Json,
}

impl ApiDialect {
    fn media_type(self) -> &'static str {
        match self {
            Self::JsonApi => JSON_API_MEDIA_TYPE,
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
    fn max_retry_after(self) -> Duration {
        match self {
            Self::JsonApi => Duration::from_mins(15),
            Self::Json => Duration::from_hours(24),
        }
    }
}

/// Longest time for a request in all. Public, because the drain time of the pipeline must be
/// longer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest answer read, in bytes. Fifty attachments take about 60 kB. A page of 100 records has
/// 40 kB for each record; a longer page would hardly come within [`REQUEST_TIMEOUT`] on a slow line,
/// and can be asked for in halves.
const MAX_BODY_BYTES: usize = 4 << 20;

/// Header in which the service names its version. An answer with the header is the service's own.
const VERSION_HEADER: &str = "x-api-version";

/// Characters to escape in a path: all but those called unreserved by RFC 3986, so each external id
/// is one path segment.
const ESCAPED_IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Client of one API.
#[derive(Debug)]
pub struct ApiClient {
    client: reqwest::Client,
    base: Url,
    dialect: ApiDialect,
    proxies: SystemProxies,
    /// Message about a proxy that refuses the way to the base; empty until the proxy was asked.
    proxy_refusal: OnceCell<Option<String>>,
    /// Redactor for the keys, since a service may repeat keys in its texts.
    redactor: SecretRedactor,
}

/// Request to an API.
#[derive(Debug)]
pub struct ApiRequest<'a> {
    /// HTTP method.
    pub method: Method,
    /// Path in place of the base's own path, for a sister service on the same scheme, host and
    /// port; `None` for the service of the base.
    pub sister_path: Option<&'a str>,
    /// Segments of the path below the base, not yet encoded.
    pub path: &'a [&'a str],
    /// Query of the address.
    pub query: RequestQuery<'a>,
    /// JSON body, if any.
    pub body: Option<Value>,
}

/// Query of a request.
#[derive(Debug, Clone, Copy)]
pub enum RequestQuery<'a> {
    /// Names and values, not yet encoded. May be empty.
    Parameters(&'a [(&'a str, &'a str)]),
    /// Query of a page, as the service wrote the query.
    Page(&'a PageQuery),
}

impl<'a> ApiRequest<'a> {
    /// Returns a GET without a query below the base.
    pub fn get(path: &'a [&'a str]) -> Self {
        Self {
            method: Method::GET,
            sister_path: None,
            path,
            query: RequestQuery::Parameters(&[]),
            body: None,
        }
    }
}

/// Answer to a request for a page.
#[derive(Debug, PartialEq)]
pub enum PageReply {
    /// An answer of the service.
    Reply(ServiceReply),
    /// A success that is too long to be read.
    TooLong,
}

/// Answer of the service itself, not of something between consign and the service.
#[derive(Debug, PartialEq)]
pub enum ServiceReply {
    /// 2xx, with its JSON.
    Success(Value),
    /// 404.
    NotFound,
    /// A redirect to the same address with a slash added at the end, or with the slash removed. The
    /// request had no effect.
    SlashRedirect,
    /// Another 4xx about this very request.
    Refused(RequestRefusal),
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
    /// Returns a client that sends `keys` to the scheme, host and port of `base`, and to no other
    /// server.
    pub fn new(
        base: Url,
        dialect: ApiDialect,
        keys: &[KeyHeader],
        network: &NetworkConfig,
    ) -> Result<Self, HttpClientError> {
        let mut headers = HeaderMap::new();
        let accepted = HeaderValue::from_static(dialect.media_type());
        headers.insert(reqwest::header::ACCEPT, accepted);
        for key in keys {
            let mut value = HeaderValue::from_str(key.value().expose_secret())
                .map_err(|_| HttpClientError::InvalidKey(key.name))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(key.name), value);
        }
        let api = ApiLocation::from_base_url(&base);
        let builder = client_builder(api, network)
            .default_headers(headers)
            .timeout(REQUEST_TIMEOUT);
        Ok(Self {
            client: build_client(builder)?,
            base,
            dialect,
            proxies: SystemProxies::for_api(api),
            proxy_refusal: OnceCell::new(),
            // The keys alone, without their schemes, so that a key is also found in a header
            // repeated as a whole.
            redactor: SecretRedactor::new(keys.iter().map(|header| header.key.expose_secret())),
        })
    }

    /// Removes keys and addresses from a text of the service.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// Sends a request, once.
    pub async fn send(&self, request: ApiRequest<'_>) -> Result<ServiceReply, ApiFailure> {
        judge_answer(
            &self.exchange_whole(request).await?,
            self.dialect,
            &self.redactor,
        )
    }

    /// Sends a request for a page, once.
    pub async fn send_for_page(&self, request: ApiRequest<'_>) -> Result<PageReply, ApiFailure> {
        match self.exchange_logged(request).await? {
            Some(answer) => {
                judge_answer(&answer, self.dialect, &self.redactor).map(PageReply::Reply)
            }
            None => Ok(PageReply::TooLong),
        }
    }

    /// Returns the query of a link to the next page of a list at `sister_path`.
    pub fn page_query(&self, sister_path: &str, link: &str) -> Result<PageQuery, ForeignLinkError> {
        let mut list = self.base.clone();
        list.set_path(sister_path);
        PageQuery::from_link(&list, link)
    }

    /// Sends a request, once, and notes the service's report of its remaining quota in `budget`.
    pub async fn send_counted(
        &self,
        budget: &QuotaBudget,
        request: ApiRequest<'_>,
    ) -> Result<ServiceReply, ApiFailure> {
        let answer = self.exchange_whole(request).await?;
        if let Some(quota) = answer.quota {
            budget.note_reported_quota(quota);
        }
        judge_answer(&answer, self.dialect, &self.redactor)
    }

    /// Sends a request, once, to an address not yet known as the service's.
    pub async fn probe(&self, request: ApiRequest<'_>) -> Result<ProbeAnswer, ApiFailure> {
        let answer = self.exchange_whole(request).await?;
        answer.into_probe_answer(self.dialect, &self.redactor)
    }

    /// Exchanges a request for an answer short enough to be read.
    async fn exchange_whole(&self, request: ApiRequest<'_>) -> Result<RawApiAnswer, ApiFailure> {
        let answer = self.exchange_logged(request).await?;
        answer.ok_or_else(too_long_answer)
    }

    async fn exchange_logged(
        &self,
        request: ApiRequest<'_>,
    ) -> Result<Option<RawApiAnswer>, ApiFailure> {
        let url = self.url(&request);
        let path = url.path().to_owned();
        let method = request.method.clone();
        let answer = self.exchange(request, url).await;
        match &answer {
            Ok(Some(answer)) => {
                tracing::debug!(%method, path, status = answer.status, "API request");
            }
            Ok(None) => tracing::debug!(%method, path, "API request, answer too long"),
            Err(failure) => tracing::debug!(%method, path, ?failure, "API request"),
        }
        answer
    }

    /// Exchanges a request for an answer; `None` for a success too long to be read.
    async fn exchange(
        &self,
        request: ApiRequest<'_>,
        url: Url,
    ) -> Result<Option<RawApiAnswer>, ApiFailure> {
        self.check_proxy(&url).await?;
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
            Err(error) => return Err(self.classify_failure(error).await),
        };
        let mut answer = RawApiAnswer::from_head(&url, &response, self.dialect);
        if answer.status == PROXY_AUTHENTICATION_REQUIRED
            && let Some(why) = self
                .proxies
                .refusal_message(&url, PROXY_AUTHENTICATION_REQUIRED)
        {
            return Err(ApiFailure::NeverPossible(why));
        }
        match read_body_up_to(response, MAX_BODY_BYTES).await {
            Ok(Some(body)) => answer.body = body,
            Ok(None) if matches!(answer.status, 200..=299) => return Ok(None),
            Ok(None) => return Err(too_long_answer()),
            Err(error) => return Err(self.classify_failure(error).await),
        }
        Ok(Some(answer))
    }

    /// Asks the proxy on the way for a tunnel, before any other request goes there. Only one
    /// request asks, so that a wrong password is tried once, however many rows wait.
    async fn check_proxy(&self, url: &Url) -> Result<(), ApiFailure> {
        let asked = self.proxy_refusal.get_or_init(async || {
            let status = self.proxies.probe_tunnel_status(url).await?;
            self.proxies.refusal_message(url, status)
        });
        match asked.await {
            Some(why) => Err(ApiFailure::NeverPossible(why.clone())),
            None => Ok(()),
        }
    }

    async fn classify_failure(&self, error: reqwest::Error) -> ApiFailure {
        match classify_request_error(error, &self.proxies).await {
            TransportError::NotSent(why) => ApiFailure::NotSent(why),
            TransportError::UntrustedCertificate(why) => {
                ApiFailure::NeverPossible(unsafe_connection_message(&why))
            }
            TransportError::PrivateAddress(why) | TransportError::RefusedByProxy(why) => {
                ApiFailure::NeverPossible(why)
            }
            TransportError::ConnectionBroken(why) => ApiFailure::Unanswered(why),
        }
    }

    fn url(&self, request: &ApiRequest<'_>) -> Url {
        let base_path = request.sister_path.unwrap_or(self.base.path());
        let mut path = base_path.trim_end_matches('/').to_owned();
        for segment in request.path {
            let _ = write!(
                path,
                "/{}",
                utf8_percent_encode(segment, ESCAPED_IN_SEGMENT)
            );
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        match request.query {
            RequestQuery::Parameters([]) => {}
            RequestQuery::Parameters(parameters) => {
                url.query_pairs_mut().extend_pairs(parameters);
            }
            RequestQuery::Page(query) => url.set_query(Some(query.as_str())),
        }
        url
    }
}

/// Failure for an answer too long to be the service's.
fn too_long_answer() -> ApiFailure {
    ApiFailure::Unanswered("the answer is too long to be the service's".into())
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests;
