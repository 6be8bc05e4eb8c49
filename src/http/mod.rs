//! HTTP clients, and the only user of `reqwest` and `hyper`.
//!
//! Keys cannot reach any host but the service's, because two clients share the work: [`api`]
//! carries the keys and knows one base URL and the paths beside the base, [`transfer`] carries no
//! keys and goes to the addresses named by the service, within the rules of [`target`]. Neither
//! client follows a redirect, repeats a request or keeps cookies.
//!
//! Requests end as the outcomes in `failure`; `pipeline` decides their meaning for a row. Open
//! [`api`] first.

pub mod api;
mod early_response;
pub mod extra_authorities;
mod failure;
mod foreign_page;
pub mod proxy;
mod public_hosts;
mod redaction;
mod storage_connector;
pub mod target;
pub mod transfer;
mod transport_error;

use std::time::Duration;

pub use failure::{
    ApiFailure, DigestedBytes, FetchFailure, FetchedContent, PutFailure, PutReceipt, RefusalKind,
    RequestRefusal, UnsafeTargetError,
};

use extra_authorities::ExtraAuthorities;
use target::{ApiLocation, HostSuffix};

/// Name and version of the program in the `User-Agent` header.
const USER_AGENT_NAME: &str = concat!("consign/", env!("CARGO_PKG_VERSION"));

/// Longest time for making a connection, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time for which an idle connection is kept for the next request. Well below the limits of
/// servers (often 60 s): a request that meets the server's closing is lost, and a lost POST costs
/// three look-ups.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);

/// User's settings for the network between this machine and the hosts.
#[derive(Debug, Clone, Default)]
pub struct NetworkConfig {
    /// Certificate authorities to trust, in addition to the system's.
    pub extra_authorities: ExtraAuthorities,
    /// Hosts to which bytes may go. Empty: any public host.
    pub upload_hosts: Vec<HostSuffix>,
}

/// Error while an HTTP client is made.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// A key has characters that an HTTP header cannot hold. The value is the header's name.
    #[error("the key for the header {0} has characters that cannot stand in an HTTP header")]
    InvalidKey(&'static str),
    /// The HTTP library refused. The one known cause is a system without certificates.
    #[error(
        "the HTTP client cannot be set up: {0}; install the certificates of the system (on Linux \
         the package ca-certificates), or name some with --ca-file"
    )]
    Setup(String),
}

/// Returns the settings that both clients share. The system's proxy is used, except on the way to
/// this machine itself, since no proxy can lead back to an emulator.
fn client_builder(api: ApiLocation, network: &NetworkConfig) -> reqwest::ClientBuilder {
    let builder = match api {
        ApiLocation::Loopback => reqwest::Client::builder().no_proxy(),
        ApiLocation::Remote => reqwest::Client::builder(),
    };
    // By default, the library lets the system end a connection on which nothing was acknowledged
    // for 30 s. Each client sets its own limits instead, and an upload waits longer.
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(None);
    builder
        .user_agent(USER_AGENT_NAME)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_certs_merge(network.extra_authorities.certificates())
        .http1_only()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
}

fn build_client(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, HttpClientError> {
    builder.build().map_err(|error| {
        HttpClientError::Setup(transport_error::describe_error(&error.without_url()))
    })
}

/// Reads a body of at most `limit` bytes. Returns `None` where the body is longer.
async fn read_body_up_to(
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

/// Returns the media type of an answer, without parameters, in lower case; empty where the answer
/// names none.
fn media_type(headers: &reqwest::header::HeaderMap) -> String {
    headers
        .get(reqwest::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|value| value.trim().to_ascii_lowercase())
        .unwrap_or_default()
}
