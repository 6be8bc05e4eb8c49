//! Errors of a request's transport, described without secrets.
//!
//! Errors of the HTTP library are read here and nowhere else.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::CertificateError;

use super::proxy::{PASSWORD_WANTED, Proxies};
use super::public::PrivateHost;

/// Largest number of a certificate's names in a message.
const NAMES_TOLD: usize = 3;

/// Reason for which a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No connection was made, so nothing was sent.
    NotSent(String),
    /// The server's certificate is not trusted.
    Certificate(String),
    /// The host has only addresses to which nothing is sent.
    Private(String),
    /// A proxy refuses the way. The text is the whole message to the user.
    Refused(String),
    /// The connection was made, and broke.
    Broken(String),
}

/// Reason for which a connection could not be made, on its way through the HTTP library.
#[derive(Debug, thiserror::Error)]
#[error("no connection")]
pub(super) struct NoConnection(pub(super) Trouble);

/// Classifies an error of `reqwest`. Of the URL, which may be presigned, the text names only the
/// host. A proxy without a tunnel for the request is asked once more, for its status alone.
pub(super) async fn trouble(error: reqwest::Error, proxies: &Proxies) -> Trouble {
    let url = error.url().cloned();
    let host = url.as_ref().and_then(|url| url.host_str());
    let host = host.unwrap_or("the host").to_owned();
    let proxy = url.as_ref().and_then(|url| proxies.of(url));
    let way = match proxy {
        Some(proxy) => format!("{host} by way of the proxy {proxy}"),
        None => host,
    };
    let error = error.without_url();
    let untrusted = causes(&error).find_map(certificate_words);
    let no_tunnel = causes(&error).find_map(no_tunnel);
    let private = causes(&error)
        .find_map(|cause| cause.downcast_ref::<PrivateHost>())
        .map(ToString::to_string);
    if let Some(why) = untrusted {
        Trouble::Certificate(format!("{way}: {why}"))
    } else if let Some(host) = private {
        Trouble::Private(host)
    } else if let (Some(no_tunnel), Some(url)) = (no_tunnel, &url) {
        let status = match no_tunnel {
            NoTunnel::WantsPassword => Some(PASSWORD_WANTED),
            NoTunnel::Unexplained => proxies.status(url).await,
        };
        let refusal = status.and_then(|status| proxies.refusal(url, status));
        match (refusal, status) {
            (Some(why), _) => Trouble::Refused(why),
            (None, Some(status)) => {
                Trouble::NotSent(format!("{way}: the proxy answers with status {status}"))
            }
            (None, None) => Trouble::NotSent(format!("{way}: {}", in_words(&error))),
        }
    } else if error.is_connect() {
        Trouble::NotSent(format!("{way}: {}", in_words(&error)))
    } else {
        Trouble::Broken(in_words(&error))
    }
}

/// Classifies an error of a request over a connection of `dial`, whose connector reports
/// [`NoConnection`] where no connection was made.
pub(super) fn interruption(error: &legacy::Error) -> Trouble {
    match causes(error).find_map(|cause| cause.downcast_ref()) {
        Some(NoConnection(trouble)) => trouble.clone(),
        None if error.is_connect() => Trouble::NotSent(in_one_line(String::new(), error)),
        None => Trouble::Broken(in_one_line(String::new(), error)),
    }
}

/// Describes an error of the HTTP library and its causes in one line.
pub(super) fn in_words(error: &reqwest::Error) -> String {
    let start = if error.is_timeout() {
        "no answer in time"
    } else {
        ""
    };
    let words = in_one_line(start.to_owned(), error);
    if words.is_empty() {
        return error.to_string();
    }
    words
}

/// Appends the causes of an error to `words`.
fn in_one_line(mut words: String, error: &(dyn Error + 'static)) -> String {
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
enum NoTunnel {
    /// The proxy requires a user and a password, or other ones.
    WantsPassword,
    /// The library does not pass on the proxy's status.
    Unexplained,
}

/// Returns the reason if the error is about a missing tunnel. Compares texts, because the library
/// has no public type for the error.
fn no_tunnel(error: &(dyn Error + 'static)) -> Option<NoTunnel> {
    match error.to_string().as_str() {
        "tunnel error: proxy authorization required" | "SOCKS error: credentials not accepted" => {
            Some(NoTunnel::WantsPassword)
        }
        "tunnel error: unsuccessful" => Some(NoTunnel::Unexplained),
        _ => None,
    }
}

/// Describes the problem if the error is about a certificate.
fn certificate_words(error: &(dyn Error + 'static)) -> Option<String> {
    let Some(rustls::Error::InvalidCertificate(wrong)) = error.downcast_ref() else {
        return None;
    };
    Some(match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired (or the clock of this machine is wrong)".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet (or the clock of this machine is wrong)".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "its certificate is for another host ({}); is the address right?",
            told(presented)
        ),
        CertificateError::UnknownIssuer => "its certificate is signed by nobody whom this machine \
             trusts; where that is as it should be (a company's own authority, or a proxy that \
             looks into TLS), add the authority's certificate with --ca-file"
            .to_owned(),
        other => format!("its certificate is not to be trusted: {other}"),
    })
}

/// Returns the first names of a certificate. The library shows them as `DnsName("example.com")`.
/// The server chooses the names, so messages are escaped where they are shown.
fn told(names: &[String]) -> String {
    let first: Vec<String> = names
        .iter()
        .take(NAMES_TOLD)
        .map(|name| {
            let name = name.strip_prefix("DnsName(\"").unwrap_or(name);
            let name = name.strip_suffix("\")").unwrap_or(name);
            name.chars().take(100).collect()
        })
        .collect();
    first.join(", ")
}

/// Returns the message about a host whose certificate is not trusted.
pub(super) fn unsafe_connection(why: &str) -> String {
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

    fn text(trouble: Trouble) -> String {
        match trouble {
            Trouble::NotSent(text)
            | Trouble::Certificate(text)
            | Trouble::Private(text)
            | Trouble::Refused(text)
            | Trouble::Broken(text) => text,
        }
    }

    #[tokio::test]
    async fn of_a_connection_that_fails_the_host_is_told_and_nothing_else_of_the_address() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}/CANARY?signature=CANARY");
        let error = CLIENT.get(url).send().await.unwrap_err();
        match trouble(error, &Proxies::default()).await {
            Trouble::NotSent(why) => {
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
                let told = text(trouble(error, &Proxies::default()).now_or_never().unwrap());
                prop_assert!(!told.contains("CANARY"), "{}", told);
            }
        }
    }
}
