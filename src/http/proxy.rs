//! The system's proxies: the proxy on the way to a host, and messages about a refusing proxy.
//!
//! A proxy's user and password go to the proxy alone, and no message can show them.

use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::CONNECT_TIMEOUT;
use super::target::ApiLocation;

/// Environment variables that name a proxy, in order of precedence.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Status with which a proxy asks for a user and a password.
pub(super) const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// Longest head read of an answer to a request for a tunnel, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// Longest wait for a proxy's answer, the connection included. Longer than the HTTP library waits,
/// since the library itself is to report an absent proxy.
const PROXY_ANSWER_TIMEOUT: Duration = Duration::from_secs(CONNECT_TIMEOUT.as_secs() + 5);

/// Proxy settings of the environment, and on Windows and macOS of the system where the environment
/// names none: one proxy for `https`, and on Windows its exceptions. Scripts (PAC) are not followed
/// (read in the source of `hyper-util` 0.1.21, which serves the HTTP library as well).
#[derive(Debug, Default)]
pub struct SystemProxies(Option<Matcher>);

impl SystemProxies {
    /// Returns the system's proxies, found in the HTTP library's own way; no proxies for an API on
    /// this machine.
    pub fn for_api(api: ApiLocation) -> Self {
        match api {
            ApiLocation::Loopback => Self(None),
            ApiLocation::Remote => Self(Some(Matcher::from_system())),
        }
    }

    /// Returns host and port of the proxy on the way to a URL, if there is a proxy.
    pub fn proxy_for(&self, url: &Url) -> Option<String> {
        let (host, port) = self.host_and_port(url)?;
        Some(match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        })
    }

    /// Returns the name of the proxy for all hosts without an exception.
    pub(super) fn upload_proxy_host(&self) -> Option<String> {
        let anywhere = Url::parse("https://storage.invalid").ok()?;
        Some(self.host_and_port(&anywhere)?.0)
    }

    /// Returns the message about a refused way to a URL: the proxy's name, the status, and the
    /// variable with the proxy. `None` if the status is no refusal: a proxy without a way to a host
    /// may find one later.
    pub(super) fn refusal_message(&self, url: &Url, status: u16) -> Option<String> {
        if !matches!(status, 400..=499) || matches!(status, 408 | 425 | 429) {
            return None;
        }
        let host = url.host_str().unwrap_or("the host");
        let Some(proxy) = self.proxy_for(url) else {
            return (status == PROXY_AUTHENTICATION_REQUIRED).then(|| unnamed_proxy_message(host));
        };
        let named = self.naming_variable(url, |name| std::env::var(name).ok());
        let (from, there) = match named {
            Some(name) => (format!(" (from {name})"), format!("in {name}")),
            None => (String::new(), "in the settings of the system".to_owned()),
        };
        let what_to_do = match status {
            PROXY_AUTHENTICATION_REQUIRED => format!(
                "user and password are missing or wrong; set both {there}, as in \
                 http://USER:PASSWORD@HOST:PORT"
            ),
            _ => format!(
                "ask the proxy's administrator to let this machine through to {host}, name another \
                 proxy {there}, or except the host with NO_PROXY"
            ),
        };
        Some(format!(
            "the proxy {proxy}{from} refuses the way to {host} with status {status}: {what_to_do}, \
             then go on; the proxy was not asked again, so that no account is locked"
        ))
    }

    /// Returns the environment variable with the proxy on the way to a URL, if any.
    fn naming_variable(
        &self,
        url: &Url,
        value: impl Fn(&'static str) -> Option<String>,
    ) -> Option<&'static str> {
        let (host, _) = self.host_and_port(url)?;
        let names_it = |name| value(name).is_some_and(|value| value.contains(&host));
        PROXY_VARIABLES.into_iter().find(|name| names_it(name))
    }

    /// Asks the proxy on the way to a URL for a tunnel, which stays unused, and returns the proxy's
    /// status, which the HTTP library does not pass on. `None` where no proxy answers; a proxy over
    /// TLS or SOCKS is not asked.
    pub(super) async fn probe_tunnel_status(&self, url: &Url) -> Option<u16> {
        let proxy = self.matched_proxy(url)?;
        let asking = request_tunnel(&proxy, url);
        tokio::time::timeout(PROXY_ANSWER_TIMEOUT, asking)
            .await
            .ok()?
    }

    fn matched_proxy(&self, url: &Url) -> Option<Intercept> {
        self.0.as_ref()?.intercept(&url.as_str().parse().ok()?)
    }

    fn host_and_port(&self, url: &Url) -> Option<(String, Option<u16>)> {
        let proxy = self.matched_proxy(url)?;
        let host = proxy.uri().host()?.to_owned();
        Some((host, proxy.uri().port_u16()))
    }
}

/// Returns the message about an unnamed proxy on the way to `host` asking for a user and a
/// password.
pub(super) fn unnamed_proxy_message(host: &str) -> String {
    format!(
        "a proxy on the way to {host} requires a user and a password (status \
         {PROXY_AUTHENTICATION_REQUIRED}): name both in HTTPS_PROXY, as in \
         http://USER:PASSWORD@HOST:PORT, then go on"
    )
}

async fn request_tunnel(proxy: &Intercept, url: &Url) -> Option<u16> {
    let uri = proxy.uri();
    if uri.scheme_str() != Some("http") || url.scheme() != "https" {
        return None;
    }
    let to = (uri.host()?, uri.port_u16().unwrap_or(80));
    let mut connection = TcpStream::connect(to).await.ok()?;
    let to = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(user) = proxy.basic_auth() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(user.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    connection.write_all(&request).await.ok()?;
    let mut head = Vec::new();
    while !head.windows(2).any(|two| two == b"\r\n") && head.len() < MAX_HEAD_BYTES {
        if connection.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    parse_status_line(&head)
}

/// Parses the status in the first line of an answer: `HTTP/1.1 403 Forbidden`.
fn parse_status_line(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/")?;
    line.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_way_of(proxy: &str, except: &str, url: &str) -> Option<String> {
        let matcher = Matcher::builder().all(proxy).no(except).build();
        SystemProxies(Some(matcher)).proxy_for(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_proxy_is_named_by_host_and_port_and_never_by_its_user() {
        for (proxy, named) in [
            ("http://proxy.example:3128", "proxy.example:3128"),
            ("http://me:hunter2@proxy.example:3128", "proxy.example:3128"),
            ("socks5h://me:hunter2@proxy.example", "proxy.example"),
            ("me:hunter2@proxy.example:80", "proxy.example:80"),
            ("http://[::1]:3128", "[::1]:3128"),
        ] {
            let found = by_way_of(proxy, "", "https://example.com/a?signature=secret");
            assert_eq!(found.as_deref(), Some(named), "{proxy}");
        }
    }

    #[test]
    fn a_proxy_that_refuses_is_named_with_status_and_variable_and_without_its_user() {
        let matcher = Matcher::builder().all("http://me:hunter2@proxy.example:3128");
        let proxies = SystemProxies(Some(matcher.build()));
        let url = Url::parse("https://api.example.com/a?signature=secret").unwrap();
        for status in [401, 403, 407] {
            let told = proxies.refusal_message(&url, status).unwrap();
            let start = format!(
                "the proxy proxy.example:3128 refuses the way to api.example.com with status {status}: "
            );
            assert!(told.starts_with(&start), "{told}");
            assert!(
                !told.contains("hunter2") && !told.contains("secret"),
                "{told}"
            );
        }
        for status in [200, 408, 429, 500, 503] {
            assert_eq!(proxies.refusal_message(&url, status), None);
        }
        let unnamed = SystemProxies::default();
        assert_eq!(
            unnamed.refusal_message(&url, 403),
            None,
            "it is the service's"
        );
        assert!(
            unnamed
                .refusal_message(&url, 407)
                .unwrap()
                .contains("HTTPS_PROXY")
        );
        let variable = |set: &'static str| {
            let value =
                move |name| (name == set).then(|| "me:hunter2@proxy.example:3128".to_owned());
            proxies.naming_variable(&url, value)
        };
        for name in PROXY_VARIABLES {
            assert_eq!(variable(name), Some(name));
        }
        assert_eq!(variable("HTTP_PROXY"), None);
    }

    #[test]
    fn the_status_of_an_answer_is_read_from_its_first_line() {
        assert_eq!(
            parse_status_line(b"HTTP/1.1 403 Forbidden\r\nA: b\r\n"),
            Some(403)
        );
        assert_eq!(parse_status_line(b"HTTP/1.0 200\r\n"), Some(200));
        for other in [
            &b""[..],
            b"SSH-2.0\r\n",
            b"HTTP/1.1\r\n",
            b"HTTP/1.1 x\r\n",
            b"\xff",
        ] {
            assert_eq!(parse_status_line(other), None);
        }
    }

    #[test]
    fn hosts_that_are_excepted_are_reached_directly() {
        let proxy = "http://proxy.example:3128";
        assert_eq!(
            by_way_of(proxy, "example.com", "https://api.example.com/"),
            None
        );
        assert_eq!(
            SystemProxies::default().proxy_for(&Url::parse("https://example.com").unwrap()),
            None
        );
    }
}
