//! The system's proxies: by way of which one a host is reached. A proxy's user and password stay
//! with the HTTP library, and cannot be shown.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::target::ApiHost;

/// What the environment (and on macOS the system's settings) say of proxies.
#[derive(Debug, Default)]
pub struct Proxies(Option<Matcher>);

impl Proxies {
    /// The proxies of the system, which the HTTP library finds in the very same way; none on the
    /// way to this machine itself.
    pub fn on_the_way_to(api: ApiHost) -> Self {
        match api {
            ApiHost::Loopback => Self(None),
            ApiHost::Remote => Self(Some(Matcher::from_system())),
        }
    }

    /// Host and port of the proxy by way of which a URL is reached, if there is one.
    pub fn of(&self, url: &Url) -> Option<String> {
        let (host, port) = self.parts(url)?;
        Some(match port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        })
    }

    /// The name of the proxy by way of which bytes go to hosts that nobody has excepted.
    pub(super) fn host_for_uploads(&self) -> Option<String> {
        let anywhere = Url::parse("https://storage.invalid").ok()?;
        Some(self.parts(&anywhere)?.0)
    }

    fn parts(&self, url: &Url) -> Option<(String, Option<u16>)> {
        let uri = url.as_str().parse().ok()?;
        let proxy = self.0.as_ref()?.intercept(&uri)?;
        let host = proxy.uri().host()?.to_owned();
        Some((host, proxy.uri().port_u16()))
    }
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
