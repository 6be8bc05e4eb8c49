//! Everything that touches the network. The only user of `reqwest` and `hyper`.
//!
//! Two clients, so that keys cannot reach a host that is not the service's: [`api`] carries the
//! keys and knows one base, [`transfer`] carries none and goes where the service sends it, within
//! the rules of [`target`]. Neither follows a redirect, repeats a request or keeps cookies.

pub mod api;
mod dial;
mod failure;
mod last_word;
mod page;
pub mod proxy;
mod public;
mod redact;
pub mod target;
pub mod transfer;
mod trouble;
pub mod trust;

use std::time::Duration;

pub use failure::{Digested, Failure, FetchFailure, Fetched, PutFailure, Receipt, UnsafeTarget};

use target::{ApiHost, HostSuffix};
use trust::Roots;

/// How the program calls itself to servers.
const NAME_AND_VERSION: &str = concat!("consign/", env!("CARGO_PKG_VERSION"));

/// How long making a connection may take, the TLS handshake included.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// How long a connection is kept for the next request. Well below what servers allow (often 60 s):
/// a request that meets the server's closing is lost, and a lost POST costs three look-ups.
const IDLE_LIMIT: Duration = Duration::from_secs(15);

/// What the user says of the way to the hosts.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Whom to trust besides those whom the system trusts.
    pub roots: Roots,
    /// The hosts that bytes may go to; where none is named, any public one.
    pub upload_hosts: Vec<HostSuffix>,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A key cannot stand in an HTTP header.
    #[error("the key for the header {0} has characters that cannot stand in an HTTP header")]
    BadKey(&'static str),
    /// The HTTP library refused. The one known cause is a system without certificates.
    #[error(
        "the HTTP client cannot be set up: {0}; install the certificates of the system (on Linux \
         the package ca-certificates), or name some with --ca-file"
    )]
    Setup(String),
}

/// What both clients have in common. The system's proxy is used, but not on the way to this machine
/// itself: no proxy can lead back to an emulator.
fn client_builder(api: ApiHost, network: &Network) -> reqwest::ClientBuilder {
    let builder = match api {
        ApiHost::Loopback => reqwest::Client::builder().no_proxy(),
        ApiHost::Remote => reqwest::Client::builder(),
    };
    // The library would let the system end a connection on which nothing was acknowledged for 30 s.
    // How long to wait is for each client to say, and an upload waits longer.
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(None);
    builder
        .user_agent(NAME_AND_VERSION)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_certs_merge(network.roots.certificates())
        .http1_only()
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .pool_idle_timeout(IDLE_LIMIT)
        .tcp_keepalive(Duration::from_secs(30))
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, ClientError> {
    builder
        .build()
        .map_err(|error| ClientError::Setup(trouble::in_words(&error.without_url())))
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
