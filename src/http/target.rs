//! Where bytes go: a presigned URL and its headers, checked before anything is sent there.
//!
//! Such a URL is a bearer secret, so this type prints as its host and a fingerprint. Neither
//! service documents the host of its storage, so any public https host is taken.

use std::fmt;
use std::net::IpAddr;

use reqwest::header::{HeaderName, HeaderValue};
use url::{Host, Url};

use super::Network;
use super::public::{is_below, is_public_name};
use crate::destination::UnsafeTarget;
use crate::digest::sha256;
use crate::text::quoted;

/// The longest address, in bytes. Those of S3 with a session token have about two thousand.
const LONGEST_URL: usize = 16 * 1024;

/// The most headers that a service may ask for. It documents four.
const MOST_HEADERS: usize = 32;

/// The longest name of such a header, in bytes.
const LONGEST_NAME: usize = 128;

/// The longest value of such a header, in bytes.
const LONGEST_VALUE: usize = 4096;

/// Headers that would change how the request is framed, or where it or its rights go.
const REFUSED_HEADERS: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Beginnings of the names of such headers.
const REFUSED_PREFIXES: [&str; 3] = ["proxy-", "x-api-", "x-user-"];

/// Where the API itself is, which decides what its uploads may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiHost {
    /// On this machine: an emulator. Its uploads may stay on this machine, without TLS.
    Loopback,
    /// Anywhere else.
    Remote,
}

impl ApiHost {
    /// Where a base URL leads.
    pub fn of(base: &Url) -> Self {
        if is_loopback(base) {
            Self::Loopback
        } else {
            Self::Remote
        }
    }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A host that the user knows for the service's storage, and all hosts below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSuffix(String);

impl HostSuffix {
    /// Takes `example.com`, `.example.com` and `*.example.com` for the same. A single label is
    /// refused, since it would leave room for the hosts of half the world.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim_start_matches("*.").trim_start_matches('.');
        match Host::parse(name.trim_end_matches('.')) {
            Ok(Host::Domain(name)) if is_public_name(&name) => Ok(Self(name)),
            _ => Err(
                "the name of a public host is expected, such as s3.eu-central-1.amazonaws.com, \
                 without https:// and path"
                    .to_owned(),
            ),
        }
    }

    fn takes(&self, host: &str) -> bool {
        is_below(host.trim_end_matches('.'), &self.0)
    }
}

/// What decides whether bytes may go somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRules {
    api: ApiHost,
    /// Where none is named, any public host is taken.
    hosts: Vec<HostSuffix>,
}

impl UploadRules {
    /// The rules for the uploads of an API.
    pub fn new(api: ApiHost, network: &Network) -> Self {
        Self {
            api,
            hosts: network.upload_hosts.clone(),
        }
    }
}

/// A checked place for bytes.
pub struct Target {
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Target {
    /// Checks what the service gave.
    pub fn parse(
        url: &str,
        headers: &[(String, String)],
        rules: &UploadRules,
    ) -> Result<Self, UnsafeTarget> {
        if url.len() > LONGEST_URL {
            return Err(unsafe_target(format!("has {} bytes", url.len())));
        }
        let url = Url::parse(url).map_err(|error| unsafe_target(format!("is no URL: {error}")))?;
        check_url(&url, rules)?;
        if headers.len() > MOST_HEADERS {
            return Err(unsafe_target(format!(
                "comes with {} headers",
                headers.len()
            )));
        }
        let headers = headers
            .iter()
            .map(|(name, value)| check_header(name, value))
            .collect::<Result<_, _>>()?;
        Ok(Self { url, headers })
    }

    /// Whether an `ETag` that looks like an MD5 is one: with the service's own keys (`aws:kms`)
    /// it is not, with AES256 or without encryption it is.
    pub(super) fn etag_is_md5(&self) -> bool {
        self.headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-server-side-encryption"))
            .all(|(name, value)| {
                name.as_str() == "x-amz-server-side-encryption" && value.as_bytes() == b"AES256"
            })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let print = sha256(self.url.as_str().as_bytes()).to_string();
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{host} (address {})", &print[..8])
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn unsafe_target(why: impl fmt::Display) -> UnsafeTarget {
    UnsafeTarget(format!("the upload address {why}"))
}

/// Any port is taken: storage that a company runs itself often has one of its own.
fn check_url(url: &Url, rules: &UploadRules) -> Result<(), UnsafeTarget> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unsafe_target("names a user"));
    }
    let is_local = rules.api == ApiHost::Loopback && is_loopback(url);
    if is_local && matches!(url.scheme(), "http" | "https") {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(unsafe_target(format!("is {}, not https", url.scheme())));
    }
    match url.host() {
        Some(Host::Domain(name)) => check_name(name, rules),
        Some(Host::Ipv4(ip)) => Err(numeric(ip.into())),
        Some(Host::Ipv6(ip)) => Err(numeric(ip.into())),
        None => Err(unsafe_target("names no host")),
    }
}

fn numeric(ip: IpAddr) -> UnsafeTarget {
    unsafe_target(format!("names the number {ip} in place of a host"))
}

fn check_name(name: &str, rules: &UploadRules) -> Result<(), UnsafeTarget> {
    if !is_public_name(name) {
        return Err(unsafe_target(format!(
            "leads to the private host {}",
            quoted(name)
        )));
    }
    if rules.hosts.is_empty() || rules.hosts.iter().any(|host| host.takes(name)) {
        return Ok(());
    }
    Err(unsafe_target(format!(
        "leads to the host {}, which no --upload-host takes",
        quoted(name)
    )))
}

fn check_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), UnsafeTarget> {
    let bad_name = || {
        unsafe_target(format!(
            "comes with a header of the bad name {}",
            quoted(name)
        ))
    };
    if name.len() > LONGEST_NAME {
        return Err(bad_name());
    }
    let parsed: HeaderName = name.parse().map_err(|_| bad_name())?;
    let lower = parsed.as_str();
    let refused = REFUSED_HEADERS.contains(&lower)
        || REFUSED_PREFIXES
            .iter()
            .any(|prefix| lower.starts_with(prefix));
    if refused {
        return Err(unsafe_target(format!(
            "comes with the header {lower}, which consign never sends for a service"
        )));
    }
    if value.len() > LONGEST_VALUE || value.chars().any(char::is_control) {
        return Err(unsafe_target(format!(
            "comes with a value of the header {lower} that is too long or has control characters"
        )));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| unsafe_target(format!("comes with a bad value of the header {lower}")))?;
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(api: ApiHost) -> UploadRules {
        UploadRules::new(api, &Network::default())
    }

    fn parse(url: &str, api: ApiHost) -> Result<Target, UnsafeTarget> {
        Target::parse(url, &[], &rules(api))
    }

    #[test]
    fn bytes_go_to_any_public_https_host_and_to_no_other() {
        for good in [
            "https://upload.s3.amazonaws.com/uploads/a%20b.pdf?X-Amz-Signature=1",
            "https://UPLOAD.example.com./x",
            "https://storage.example.com:9000/x",
            "https://bücher.example/x",
        ] {
            assert!(parse(good, ApiHost::Remote).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://upload.s3.amazonaws.com/x", "is http, not https"),
            ("ftp://example.com/x", "is ftp, not https"),
            ("file:///etc/passwd", "is file, not https"),
            ("data:text/plain,x", "is data, not https"),
            ("upload", "is no URL: relative URL without a base"),
            ("https://", "is no URL: empty host"),
            ("https://user:word@example.com/x", "names a user"),
            ("https://user@example.com/x", "names a user"),
            ("https://:word@example.com/x", "names a user"),
            (
                "https://localhost/x",
                "leads to the private host \"localhost\"",
            ),
            (
                "https://a.localhost/x",
                "leads to the private host \"a.localhost\"",
            ),
            (
                "https://files.internal/x",
                "leads to the private host \"files.internal\"",
            ),
            (
                "https://printer.local./x",
                "leads to the private host \"printer.local.\"",
            ),
            (
                "https://intranet/x",
                "leads to the private host \"intranet\"",
            ),
            ("http://127.0.0.1:9/x", "is http, not https"),
        ] {
            let refused = parse(bad, ApiHost::Remote).err().map(|error| error.0);
            assert_eq!(refused, Some(format!("the upload address {why}")), "{bad}");
        }
        let long = format!("https://example.com/{}", "x".repeat(LONGEST_URL));
        assert!(parse(&long, ApiHost::Remote).is_err());
    }

    #[test]
    fn a_number_is_no_host_in_whichever_way_it_is_written() {
        for bad in [
            "10.0.0.1",
            "10.1",
            "167772161",
            "0xa.0.0.1",
            "0x0a000001",
            "012.0.0.1",
            "%31%30.0.0.1",
            "１０.0.0.1",
            "10。0。0。1",
            "10.0.0.1.",
            "52.218.0.1",
            "169.254.169.254",
            "[::1]",
            "[fe80::1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:a00:1]",
            "[2600:1f18::1]",
        ] {
            let refused = parse(&format!("https://{bad}/x"), ApiHost::Remote).err();
            let refused = refused.expect(bad).to_string();
            assert!(refused.contains("in place of a host"), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_named_host_takes_itself_and_what_is_below_it_by_whole_labels() {
        let takes = |suffix: &str, host: &str| HostSuffix::parse(suffix).unwrap().takes(host);
        for suffix in [
            "example.com",
            ".example.com",
            "*.EXAMPLE.com",
            "example.com.",
        ] {
            assert!(takes(suffix, "example.com"), "{suffix}");
            assert!(takes(suffix, "a.b.example.com."), "{suffix}");
            assert!(!takes(suffix, "evil-example.com"), "{suffix}");
            assert!(!takes(suffix, "example.com.evil.org"), "{suffix}");
        }
        assert!(takes("bücher.example", "a.xn--bcher-kva.example"));
        for bad in [
            "",
            "com",
            ".",
            "*",
            "10.0.0.1",
            "[::1]",
            "https://example.com",
            "example.com/a",
            "a.local",
        ] {
            assert!(HostSuffix::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn where_hosts_are_named_bytes_go_to_no_other_but_this_machine() {
        let network = Network {
            upload_hosts: vec![HostSuffix::parse("example.com").unwrap()],
            ..Network::default()
        };
        let parse = |url, api| Target::parse(url, &[], &UploadRules::new(api, &network));
        assert!(parse("https://a.example.com/x", ApiHost::Remote).is_ok());
        let refused = parse("https://example.org/x", ApiHost::Remote).unwrap_err();
        assert_eq!(
            refused.0,
            "the upload address leads to the host \"example.org\", which no --upload-host takes"
        );
        // A rehearsal takes the same options as the import.
        assert!(parse("http://127.0.0.1:9/x", ApiHost::Loopback).is_ok());
    }

    #[test]
    fn an_emulator_on_this_machine_may_keep_the_bytes_on_it() {
        assert!(parse("http://127.0.0.1:9/x", ApiHost::Loopback).is_ok());
        assert!(parse("http://10.0.0.1/x", ApiHost::Loopback).is_err());
        assert!(parse("http://user@127.0.0.1:9/x", ApiHost::Loopback).is_err());
    }

    #[test]
    fn no_header_can_change_the_framing_or_carry_rights_elsewhere() {
        let with = |name: &str, value: &str| {
            let headers = [(name.to_owned(), value.to_owned())];
            Target::parse("https://example.com/x", &headers, &rules(ApiHost::Remote))
        };
        assert!(with("x-amz-acl", "private").is_ok());
        assert!(with("Content-Type", "application/octet-stream").is_ok());
        assert!(with("Content-Disposition", "filename=Verträge.pdf").is_ok());
        for name in REFUSED_HEADERS {
            assert!(with(name, "x").is_err(), "{name}");
            assert!(with(&name.to_ascii_uppercase(), "x").is_err(), "{name}");
        }
        for name in [
            "Proxy-Authorization",
            "Proxy-Connection",
            "X-Api-Key",
            "X-User-Token",
            "X-User-Email",
        ] {
            assert!(with(name, "x").is_err(), "{name}");
        }
        for name in [
            "bad name",
            "",
            "x:y",
            "x\r\ny",
            "ü",
            &"x".repeat(LONGEST_NAME + 1),
        ] {
            assert!(with(name, "x").is_err(), "{name}");
        }
        for value in [
            "one\r\nx-b: two",
            "\t",
            "\0",
            "\u{7f}",
            "\u{85}",
            &"x".repeat(LONGEST_VALUE + 1),
        ] {
            assert!(with("x-a", value).is_err(), "{value}");
        }
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_headers() {
        let of = |number| {
            let header = |n| (format!("x-{n}"), "x".to_owned());
            let headers: Vec<_> = (0..number).map(header).collect();
            Target::parse("https://example.com/x", &headers, &rules(ApiHost::Remote))
        };
        assert!(of(MOST_HEADERS).is_ok());
        assert!(of(MOST_HEADERS + 1).is_err());
    }

    /// Whatever is taken satisfies the rules, read with other eyes than those that took it.
    fn is_as_it_should_be(target: &Target) {
        let url = target.url.as_str();
        assert!(url.starts_with("https://"), "{url}");
        let host = target.url.host_str().unwrap();
        assert_ne!(host.rsplit('.').next(), Some("local"), "{host}");
        assert!(host.parse::<IpAddr>().is_err(), "{host}");
        let authority = url["https://".len()..].split('/').next().unwrap();
        assert!(!authority.contains('@'), "{url}");
        for (name, value) in &target.headers {
            let name = name.as_str();
            assert!(!name.starts_with("proxy-") && name != "host", "{name}");
            let is_control = |byte: &u8| byte.is_ascii_control();
            assert!(!value.as_bytes().iter().any(is_control), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_address_is_taken_safely_or_refused(
            url in prop_oneof![
                any::<String>(),
                "https?://[a-z0-9.@:%\\[\\]x-]{0,30}(/[ -~]{0,20})?",
                "https://[0-9a-fx.:\\[\\]]{1,20}/",
            ],
        ) {
            if let Ok(target) = parse(&url, ApiHost::Remote) {
                is_as_it_should_be(&target);
            }
        }

        #[test]
        fn any_header_is_taken_safely_or_refused(
            name in prop_oneof![any::<String>(), "(?i)(proxy-|x-api-|host|cookie)?[a-z-]{0,10}"],
            value in prop_oneof![any::<String>(), "[ -~]{0,20}"],
        ) {
            let headers = [(name, value)];
            let taken = Target::parse("https://example.com/x", &headers, &rules(ApiHost::Remote));
            if let Ok(target) = taken {
                is_as_it_should_be(&target);
            }
        }
    }

    #[test]
    fn an_address_prints_as_its_host_and_a_fingerprint() {
        let target = parse("https://example.com/a?signature=secret", ApiHost::Remote).unwrap();
        let printed = format!("{target} {target:?}");
        assert!(printed.starts_with("example.com (address "));
        assert!(!printed.contains("secret") && !printed.contains("/a"));
    }

    #[test]
    fn an_etag_is_taken_for_an_md5_only_where_it_is_one() {
        let with = |headers: &[(&str, &str)]| {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            Target::parse("https://example.com/x", &headers, &rules(ApiHost::Remote))
                .unwrap()
                .etag_is_md5()
        };
        assert!(with(&[]));
        assert!(with(&[("x-amz-server-side-encryption", "AES256")]));
        assert!(!with(&[("x-amz-server-side-encryption", "aws:kms")]));
        assert!(!with(&[(
            "x-amz-server-side-encryption-customer-algorithm",
            "AES256"
        )]));
    }
}
