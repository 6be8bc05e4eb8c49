//! The system's proxies: the proxy on the way to a host, and messages about a refusing proxy.
//!
//! A proxy's user and password go to the proxy alone, and no message can show them.

use std::time::Duration;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::CONNECT_LIMIT;
use super::target::ApiHost;

/// Environment variables that name a proxy, in order of precedence.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Status with which a proxy asks for a user and a password.
pub(super) const PASSWORD_WANTED: u16 = 407;

/// Longest head read of an answer to a request for a tunnel, in bytes.
const LONGEST_HEAD: usize = 8 * 1024;

/// Longest wait for a proxy's answer, the connection included. Longer than the HTTP library waits,
/// since the library itself is to report an absent proxy.
const ANSWER_LIMIT: Duration = Duration::from_secs(CONNECT_LIMIT.as_secs() + 5);

/// Proxy settings of the environment and, on macOS, of the system.
#[derive(Debug, Default)]
pub struct Proxies(Option<Matcher>);

impl Proxies {
    /// Returns the system's proxies, found in the HTTP library's own way; no proxies for an API on
    /// this machine.
    pub fn on_the_way_to(api: ApiHost) -> Self {
        match api {
            ApiHost::Loopback => Self(None),
            ApiHost::Remote => Self(Some(Matcher::from_system())),
        }
    }

    /// Returns host and port of the proxy on the way to a URL, if there is a proxy.
    pub fn of(&self, url: &Url) -> Option<String> {
        let (host, port) = self.parts(url)?;
        Some(match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        })
    }

    /// Returns the name of the proxy for all hosts without an exception.
    pub(super) fn host_for_uploads(&self) -> Option<String> {
        let anywhere = Url::parse("https://storage.invalid").ok()?;
        Some(self.parts(&anywhere)?.0)
    }

    /// Returns the message about a refused way to a URL: the proxy's name, the status, and the
    /// variable with the proxy. `None` if the status is no refusal: a proxy without a way to a host
    /// may find one later.
    pub(super) fn refusal(&self, url: &Url, status: u16) -> Option<String> {
        if !matches!(status, 400..=499) || matches!(status, 408 | 425 | 429) {
            return None;
        }
        let host = url.host_str().unwrap_or("the host");
        let Some(proxy) = self.of(url) else {
            return (status == PASSWORD_WANTED).then(|| unnamed_refusal(host));
        };
        let named = self.variable(url, |name| std::env::var(name).ok());
        let (from, there) = match named {
            Some(name) => (format!(" (from {name})"), format!("in {name}")),
            None => (String::new(), "in the settings of the system".to_owned()),
        };
        let what_to_do = match status {
            PASSWORD_WANTED => format!(
                "it wants a user and a password, or others than these; correct them {there}, as in \
                 http://USER:PASSWORD@HOST:PORT"
            ),
            _ => format!(
                "ask whoever runs it to let this machine through to {host}, name another one \
                 {there}, or except the host with NO_PROXY"
            ),
        };
        Some(format!(
            "the proxy {proxy}{from} refuses the way to {host} with status {status}: {what_to_do}, then \
             go on; it was not asked again, so that no account is locked"
        ))
    }

    /// Returns the environment variable with the proxy on the way to a URL, if any.
    fn variable(
        &self,
        url: &Url,
        value: impl Fn(&'static str) -> Option<String>,
    ) -> Option<&'static str> {
        let (host, _) = self.parts(url)?;
        let names_it = |name| value(name).is_some_and(|value| value.contains(&host));
        VARIABLES.into_iter().find(|name| names_it(name))
    }

    /// Asks the proxy on the way to a URL for a tunnel, which stays unused, and returns the proxy's
    /// status, which the HTTP library does not pass on. `None` where no proxy answers; a proxy over
    /// TLS or SOCKS is not asked.
    pub(super) async fn status(&self, url: &Url) -> Option<u16> {
        let proxy = self.intercept(url)?;
        let asking = ask_for_tunnel(&proxy, url);
        tokio::time::timeout(ANSWER_LIMIT, asking).await.ok()?
    }

    fn intercept(&self, url: &Url) -> Option<Intercept> {
        self.0.as_ref()?.intercept(&url.as_str().parse().ok()?)
    }

    fn parts(&self, url: &Url) -> Option<(String, Option<u16>)> {
        let proxy = self.intercept(url)?;
        let host = proxy.uri().host()?.to_owned();
        Some((host, proxy.uri().port_u16()))
    }
}

/// Returns the message about an unnamed proxy on the way to `host` asking for a user and a
/// password.
pub(super) fn unnamed_refusal(host: &str) -> String {
    format!(
        "a proxy on the way to {host} wants a user and a password (status {PASSWORD_WANTED}): name \
         both in HTTPS_PROXY, as in http://USER:PASSWORD@HOST:PORT, then go on"
    )
}

async fn ask_for_tunnel(proxy: &Intercept, url: &Url) -> Option<u16> {
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
    while !head.windows(2).any(|two| two == b"\r\n") && head.len() < LONGEST_HEAD {
        if connection.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    status_of(&head)
}

/// Parses the status in the first line of an answer: `HTTP/1.1 403 Forbidden`.
fn status_of(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/")?;
    line.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_way_of(proxy: &str, except: &str, url: &str) -> Option<String> {
        let matcher = Matcher::builder().all(proxy).no(except).build();
        Proxies(Some(matcher)).of(&Url::parse(url).unwrap())
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
        let proxies = Proxies(Some(matcher.build()));
        let url = Url::parse("https://api.example.com/a?signature=secret").unwrap();
        for status in [401, 403, 407] {
            let told = proxies.refusal(&url, status).unwrap();
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
            assert_eq!(proxies.refusal(&url, status), None);
        }
        let unnamed = Proxies::default();
        assert_eq!(unnamed.refusal(&url, 403), None, "it is the service's");
        assert!(unnamed.refusal(&url, 407).unwrap().contains("HTTPS_PROXY"));
        let variable = |set: &'static str| {
            let value =
                move |name| (name == set).then(|| "me:hunter2@proxy.example:3128".to_owned());
            proxies.variable(&url, value)
        };
        for name in VARIABLES {
            assert_eq!(variable(name), Some(name));
        }
        assert_eq!(variable("HTTP_PROXY"), None);
    }

    #[test]
    fn the_status_of_an_answer_is_read_from_its_first_line() {
        assert_eq!(status_of(b"HTTP/1.1 403 Forbidden\r\nA: b\r\n"), Some(403));
        assert_eq!(status_of(b"HTTP/1.0 200\r\n"), Some(200));
        for other in [
            &b""[..],
            b"SSH-2.0\r\n",
            b"HTTP/1.1\r\n",
            b"HTTP/1.1 x\r\n",
            b"\xff",
        ] {
            assert_eq!(status_of(other), None);
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
            Proxies::default().of(&Url::parse("https://example.com").unwrap()),
            None
        );
    }
}
