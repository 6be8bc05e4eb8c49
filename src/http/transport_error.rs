//! Errors of a request's transport, described without secrets.
//!
//! Errors of the HTTP library are read here and nowhere else.

mod certificate_verdict;

use std::error::Error;
use std::io;

use hyper_util::client::legacy;

use certificate_verdict::describe_certificate_error;

use super::proxy::{PROXY_AUTHENTICATION_REQUIRED, SystemProxies};
use super::public_hosts::PrivateHostError;

/// Reason for which a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TransportError {
    /// No connection was made, so nothing was sent.
    NotSent(String),
    /// The server's certificate is not trusted.
    UntrustedCertificate(String),
    /// The host has only addresses to which nothing is sent.
    PrivateAddress(String),
    /// A proxy refuses the way. The text is the whole message to the user.
    RefusedByProxy(String),
    /// The connection was made, and broke.
    ConnectionBroken(String),
}

/// Reason for which a connection could not be made, on its way through the HTTP library.
#[derive(Debug, thiserror::Error)]
#[error("no connection")]
pub(super) struct ConnectError(pub(super) TransportError);

/// Classifies an error of `reqwest`. Of the URL, which may be presigned, the text names only the
/// host. A proxy without a tunnel for the request is asked once more, for its status alone.
pub(super) async fn classify_request_error(
    error: reqwest::Error,
    proxies: &SystemProxies,
) -> TransportError {
    let url = error.url().cloned();
    let host = url.as_ref().and_then(|url| url.host_str());
    let host = host.unwrap_or("the host").to_owned();
    let proxy = url.as_ref().and_then(|url| proxies.proxy_for(url));
    let way = match proxy {
        Some(proxy) => format!("{host} by way of the proxy {proxy}"),
        None => host,
    };
    let error = error.without_url();
    let untrusted = causes(&error).find_map(describe_certificate_error);
    let no_tunnel = causes(&error).find_map(tunnel_refusal);
    let private = causes(&error)
        .find_map(|cause| cause.downcast_ref::<PrivateHostError>())
        .map(ToString::to_string);
    if let Some(why) = untrusted {
        TransportError::UntrustedCertificate(format!("{way}: {why}"))
    } else if let Some(host) = private {
        TransportError::PrivateAddress(host)
    } else if let (Some(no_tunnel), Some(url)) = (no_tunnel, &url) {
        let status = match no_tunnel {
            TunnelRefusal::PasswordRequired => Some(PROXY_AUTHENTICATION_REQUIRED),
            TunnelRefusal::UnknownStatus => proxies.probe_tunnel_status(url).await,
        };
        let refusal = status.and_then(|status| proxies.refusal_message(url, status));
        match (refusal, status) {
            (Some(why), _) => TransportError::RefusedByProxy(why),
            (None, Some(status)) => {
                TransportError::NotSent(format!("{way}: the proxy answers with status {status}"))
            }
            (None, None) => TransportError::NotSent(format!("{way}: {}", describe_error(&error))),
        }
    } else if error.is_connect() {
        TransportError::NotSent(format!("{way}: {}", describe_error(&error)))
    } else {
        TransportError::ConnectionBroken(describe_error(&error))
    }
}

/// Classifies an error of a request over a connection of `storage_connector`, which reports
/// [`ConnectError`] where no connection was made.
pub(super) fn classify_transfer_error(error: &legacy::Error) -> TransportError {
    match causes(error).find_map(|cause| cause.downcast_ref()) {
        Some(ConnectError(trouble)) => trouble.clone(),
        None if error.is_connect() => TransportError::NotSent(append_causes(String::new(), error)),
        None => TransportError::ConnectionBroken(append_causes(String::new(), error)),
    }
}

/// Describes an error of the HTTP library and its causes in one line.
pub(super) fn describe_error(error: &reqwest::Error) -> String {
    let start = if error.is_timeout() {
        "no answer in time"
    } else {
        ""
    };
    let words = append_causes(start.to_owned(), error);
    if words.is_empty() {
        return error.to_string();
    }
    words
}

/// Appends the causes of an error to `words`.
fn append_causes(mut words: String, error: &(dyn Error + 'static)) -> String {
    for cause in causes(error).skip(1) {
        let text = cause.to_string();
        if !words.ends_with(&text) {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&text);
        }
    }
    words
}

/// Returns an error and its causes. An [`io::Error`] hides its wrapped error from
/// [`Error::source`].
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// Reason for which a proxy gave no tunnel, as far as the library reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TunnelRefusal {
    /// The proxy requires a user and a password, or other ones.
    PasswordRequired,
    /// The library does not pass on the proxy's status.
    UnknownStatus,
}

/// Returns the reason if the error is about a missing tunnel. Compares texts, because the library
/// has no public type for the error.
fn tunnel_refusal(error: &(dyn Error + 'static)) -> Option<TunnelRefusal> {
    match error.to_string().as_str() {
        "tunnel error: proxy authorization required" | "SOCKS error: credentials not accepted" => {
            Some(TunnelRefusal::PasswordRequired)
        }
        "tunnel error: unsuccessful" => Some(TunnelRefusal::UnknownStatus),
        _ => None,
    }
}

/// Returns the message about a host whose certificate is not trusted.
pub(super) fn unsafe_connection_message(why: &str) -> String {
    format!("no safe connection is possible to {why}")
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use futures::FutureExt as _;
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// A client made only once, since making a client reads the certificates of the system.
    static CLIENT: LazyLock<reqwest::Client> =
        LazyLock::new(|| reqwest::Client::builder().no_proxy().build().unwrap());

    /// An error of the library with `url` in it.
    fn error_of(url: Url) -> reqwest::Error {
        CLIENT.get("no URL").build().unwrap_err().with_url(url)
    }

    fn text(trouble: TransportError) -> String {
        match trouble {
            TransportError::NotSent(text)
            | TransportError::UntrustedCertificate(text)
            | TransportError::PrivateAddress(text)
            | TransportError::RefusedByProxy(text)
            | TransportError::ConnectionBroken(text) => text,
        }
    }

    #[tokio::test]
    async fn of_a_connection_that_fails_the_host_is_told_and_nothing_else_of_the_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}/CANARY?signature=CANARY");
        let error = CLIENT.get(url).send().await.unwrap_err();
        match classify_request_error(error, &SystemProxies::default()).await {
            TransportError::NotSent(why) => {
                assert!(why.starts_with("127.0.0.1: "), "{why}");
                assert!(!why.contains("CANARY"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }

    /// An error without a cause, whose description can use only the error's own text.
    fn error_without_cause(url: Url) -> reqwest::Error {
        let mut answer = axum::http::Response::new("");
        *answer.status_mut() = axum::http::StatusCode::BAD_GATEWAY;
        let answer = reqwest::Response::from(answer);
        answer.error_for_status().unwrap_err().with_url(url)
    }

    proptest! {
        #[test]
        fn no_part_of_an_address_beyond_its_host_is_told(
            path in "(/[a-z]{0,10}){0,3}",
            query in "CANARY[ -~]{0,40}",
        ) {
            let url = Url::parse(&format!("https://me:CANARY@example.com{path}?{query}")).unwrap();
            for error in [error_of(url.clone()), error_without_cause(url)] {
                let told = text(classify_request_error(error, &SystemProxies::default()).now_or_never().unwrap());
                prop_assert!(!told.contains("CANARY"), "{}", told);
            }
        }
    }
}
