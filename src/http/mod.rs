//! Everything that touches the network. The only user of `reqwest`.
//!
//! Two clients, so that keys cannot reach a host that is not the service's: [`api`] carries the
//! keys and knows one base, [`transfer`] carries none and goes where the service sends it, within
//! the rules of [`target`]. Neither follows a redirect, repeats a request or keeps cookies.

pub mod api;
pub mod pacer;
pub mod target;
pub mod transfer;

use std::error::Error as _;
use std::time::Duration;

use target::ApiHost;

/// How long making a connection may take, the TLS handshake included.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// How long a connection is kept for the next request. Well below what servers allow (often 60 s):
/// a request that meets the server's closing is lost, and a lost POST costs three look-ups.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// What both clients have in common. The system's proxy is used, but not on the way to this machine
/// itself: no proxy can lead back to an emulator.
fn client_builder(api: ApiHost) -> reqwest::ClientBuilder {
    let builder = match api {
        ApiHost::Loopback => reqwest::Client::builder().no_proxy(),
        ApiHost::Remote => reqwest::Client::builder(),
    };
    // The library would let the system end a connection on which nothing was acknowledged for 30 s.
    // How long to wait is for each client to say, and an upload waits longer.
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(None);
    builder
        .user_agent(concat!("consign/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .http1_only()
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .tcp_keepalive(Duration::from_secs(30))
}

/// What kept a request from getting an answer.
enum Trouble {
    /// No connection came about, so nothing was sent.
    NotSent(String),
    /// The other side's certificate is not to be trusted.
    Certificate(String),
    /// The connection was there, and broke.
    Broken(String),
}

/// The one place where an error of the HTTP library is turned into words: its URL is taken out,
/// which may be a presigned one.
fn trouble(error: reqwest::Error) -> Trouble {
    let connecting = error.is_connect();
    let host = error
        .url()
        .and_then(|url| url.host_str())
        .unwrap_or("the host")
        .to_owned();
    let mut words = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        String::new()
    };
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.ends_with(&text) {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&text);
        }
        cause = inner.source();
    }
    if words.is_empty() {
        words = error.to_string();
    }
    if words.contains("invalid peer certificate") {
        Trouble::Certificate(format!("{host}: {words}"))
    } else if connecting {
        Trouble::NotSent(format!("{host}: {words}"))
    } else {
        Trouble::Broken(words)
    }
}

/// Reads a body up to a limit. `None` where it is longer.
async fn read_bounded(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

/// The media type of an answer, without its parameters, in lower case; empty where none is named.
fn media_type(headers: &reqwest::header::HeaderMap) -> String {
    headers
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default()
}
