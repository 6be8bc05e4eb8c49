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

use super::proxy::Proxies;
use super::redact::Secrets;
use super::target::ApiHost;
use super::trouble::{Trouble, trouble};
use super::{ClientError, Network, build, client_builder, media_type, read_bounded};
use crate::destination::Failure;

/// The media type of JSON:API, which the vendor's samples send with every request.
const JSON_API: &str = "application/vnd.api+json";

/// How long a request may take in all. Known to the pipeline, whose drain time must be longer.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The longest answer that is read: fifty attachments take about 60 kB.
const BODY_LIMIT: usize = 4 << 20;

/// The longest wait that a `Retry-After` can ask for.
const RETRY_AFTER_LIMIT: Duration = Duration::from_mins(15);

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
    /// Another 4xx that says something about this very request, in words.
    Refused(String),
}

/// A header that holds a key.
pub struct KeyHeader {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: SecretString,
}

impl ApiClient {
    /// A client that sends `keys` to `base`, and to nothing else.
    pub fn new(base: Url, keys: &[KeyHeader], network: &Network) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::ACCEPT, HeaderValue::from_static(JSON_API));
        for key in keys {
            let mut value = HeaderValue::from_str(key.value.expose_secret())
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
            proxies: Proxies::on_the_way_to(api),
            secrets: Secrets::of(keys.iter().map(|key| key.value.expose_secret())),
        })
    }

    /// A text of the service without the keys and addresses that it may have put into it.
    pub fn hide(&self, text: &str) -> String {
        self.secrets.hide(text)
    }

    /// Sends a request, once.
    pub async fn send(&self, request: Request<'_>) -> Result<Reply, Failure> {
        let url = self.url(&request);
        let path = url.path().to_owned();
        let method = request.method.clone();
        let answer = self.exchange(request, url).await;
        match &answer {
            Ok(answer) => tracing::debug!(%method, path, status = answer.status, "API request"),
            Err(failure) => tracing::debug!(%method, path, ?failure, "API request"),
        }
        judge(&answer?, &self.secrets)
    }

    async fn exchange(&self, request: Request<'_>, url: Url) -> Result<Answer, Failure> {
        let mut builder = self
            .client
            .request(request.method, url)
            .header(reqwest::header::CONTENT_TYPE, JSON_API);
        if let Some(body) = request.body {
            builder = builder.body(body.to_string());
        }
        let response = builder.send().await.map_err(|error| self.failure(error))?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            media_type: media_type(response.headers()),
            retry_after: retry_after(response.headers(), jiff::Timestamp::now()),
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
            Trouble::Certificate(why) => Failure::Hopeless(why),
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
fn judge(answer: &Answer, secrets: &Secrets) -> Result<Reply, Failure> {
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
        408 | 500.. => Err(Failure::Unanswered(format!("status {}", answer.status))),
        400..=499 => Ok(Reply::Refused(answer.words(secrets))),
        status => Err(Failure::Unanswered(format!(
            "status {status}, a redirect, which consign does not follow"
        ))),
    }
}

/// The errors of a JSON:API body as one text for people; empty where there are none. Only `detail`
/// is documented; the others are seen in sister services.
fn said(body: &Value) -> String {
    let errors = body["errors"].as_array().map(Vec::as_slice);
    let texts: Vec<String> = errors
        .unwrap_or_default()
        .iter()
        .take(5)
        .map(|error| {
            let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
            let what: Vec<_> = [text(&error["title"]), text(&error["detail"])]
                .into_iter()
                .flatten()
                .collect();
            match text(&error["source"]["pointer"]) {
                Some(pointer) => format!("{} (at {pointer})", what.join(": ")),
                None => what.join(": "),
            }
        })
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("; ")
}

/// The first characters of a text. Secrets must be out of it already: of one that is cut in two, the
/// first half would not be recognised.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let value = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?;
    let wait = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_LIMIT))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media_type: &str, body: &str) -> Answer {
        Answer {
            status,
            media_type: media_type.into(),
            retry_after: None,
            has_version: false,
            body: body.into(),
        }
    }

    fn judged(answer: &Answer) -> Result<Reply, Failure> {
        judge(answer, &Secrets::of([]))
    }

    #[test]
    fn only_json_is_believed_to_be_a_success() {
        assert_eq!(
            judged(&answer(200, JSON_API, r#"{"data":[]}"#)),
            Ok(Reply::Success(serde_json::json!({"data": []})))
        );
        for (media_type, body) in [
            ("text/html", "<html>Sign in</html>"),
            ("", "{}"),
            (JSON_API, r#"{"data":"#),
            (JSON_API, ""),
        ] {
            let judged = judged(&answer(200, media_type, body));
            assert!(matches!(judged, Err(Failure::Unanswered(_))), "{body:?}");
        }
    }

    #[test]
    fn nothing_is_taken_for_absent_on_the_word_of_a_sign_in_page() {
        for (media_type, body) in [(JSON_API, r#"{"errors":[]}"#), ("", ""), ("text/html", "")] {
            assert_eq!(judged(&answer(404, media_type, body)), Ok(Reply::NotFound));
        }
        let page = answer(404, "text/html", "<html>not found</html>");
        assert!(matches!(judged(&page), Err(Failure::Unanswered(_))));
        let versioned = Answer {
            has_version: true,
            ..answer(404, "text/html", "<html>not found</html>")
        };
        assert_eq!(judged(&versioned), Ok(Reply::NotFound));
    }

    #[test]
    fn each_status_says_whether_the_request_may_have_had_an_effect() {
        for status in [401, 403] {
            assert!(matches!(
                judged(&answer(status, "", "")),
                Err(Failure::Denied(_))
            ));
        }
        for status in [100, 301, 302, 307, 408, 500, 502, 503, 599, 700] {
            let judged = judged(&answer(status, "", ""));
            assert!(matches!(judged, Err(Failure::Unanswered(_))), "{status}");
        }
        for status in [400, 409, 415, 422] {
            let judged = judged(&answer(status, "", ""));
            assert!(matches!(judged, Ok(Reply::Refused(_))), "{status}");
        }
        assert_eq!(
            judged(&answer(429, "", "")),
            Err(Failure::Throttled { retry_after: None })
        );
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_and_has_a_limit() {
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let wait = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_str(value).unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Sun, 22 Nov 2026 00:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            wait("Sat, 21 Nov 2026 00:00:30 GMT"),
            Some(Duration::ZERO),
            "a date that has passed"
        );
        assert_eq!(wait("99999999"), Some(RETRY_AFTER_LIMIT));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn an_external_id_is_one_segment_of_the_path_whatever_it_holds() {
        let base = Url::parse("https://example.com/services/attachments/v1").unwrap();
        let client = ApiClient::new(base, &[], &Network::default()).unwrap();
        let url = client.url(&Request {
            method: Method::GET,
            path: &["attachments", "a/b?c#d%2E e+ü", "external_id"],
            query: Some(("filter[id_equals]", "1,2")),
            body: None,
        });
        assert_eq!(
            url.as_str(),
            "https://example.com/services/attachments/v1/attachments/\
             a%2Fb%3Fc%23d%252E%20e%2B%C3%BC/external_id?filter%5Bid_equals%5D=1%2C2"
        );
    }

    #[test]
    fn what_the_service_says_reaches_the_user_in_one_line() {
        let body = serde_json::json!({"errors": [
            {"source": {"pointer": "/data/attributes/title"}, "title": "Validation Error", "detail": "is too long"},
            {"detail": "also this"},
            {"status": 422},
        ]});
        assert_eq!(
            said(&body),
            "Validation Error: is too long (at /data/attributes/title); also this"
        );
        assert_eq!(said(&Value::Null), "");
    }

    #[tokio::test]
    async fn an_answer_that_trickles_is_not_waited_for_for_ever() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let trickle = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_exact(&mut [0; 64]).await.unwrap();
            // From here on the clock jumps whenever nothing else is left to do.
            tokio::time::pause();
            let start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
            connection.write_all(start).await.unwrap();
            for _ in 0..100 {
                // Whoever has waited for long enough is gone.
                let _ = connection.write_all(b" ").await;
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            drop(connection);
            std::future::pending::<()>().await;
        };
        let client = ApiClient::new(base.parse().unwrap(), &[], &Network::default()).unwrap();
        let request = Request {
            method: Method::GET,
            path: &["attachments"],
            query: None,
            body: None,
        };
        let answer = tokio::select! {
            answer = client.send(request) => answer,
            () = trickle => unreachable!("it waits for ever"),
        };
        match answer {
            Err(Failure::Unanswered(why)) => assert!(why.contains("no answer in time"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}
