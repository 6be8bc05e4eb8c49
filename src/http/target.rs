//! Presigned URLs and their headers, checked before anything is sent there.
//!
//! A presigned URL is a bearer secret, so [`TransferTarget`] prints as its host and a fingerprint.
//! Neither service documents the host of its storage, so any public https host is accepted.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;
use hyper::http::uri::InvalidUri;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use url::{Host, Url};

use super::NetworkConfig;
pub use super::public_hosts::HostSuffix;
use super::public_hosts::{can_be_upload_host, is_public_name};
use crate::digest::sha256;
use crate::http::UnsafeTargetError;
use crate::text::{count_with_noun, quoted};

/// Longest URL, in bytes. URLs of S3 with a session token have about two thousand.
const MAX_URL_BYTES: usize = 16 * 1024;

/// Largest number of headers of an upload. The service documents four.
const MAX_HEADERS: usize = 32;

/// Longest name of a header, in bytes.
const MAX_HEADER_NAME_BYTES: usize = 128;

/// Longest value of a header, in bytes.
const MAX_HEADER_VALUE_BYTES: usize = 4096;

/// Headers that would change the framing of the request, its destination, or the destination of
/// rights.
const REFUSED_HEADERS: [&str; 8] = [
    "authorization",
    "connection",
    "cookie",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Prefixes of further refused names.
const REFUSED_HEADER_PREFIXES: [&str; 3] = ["proxy-", "x-api-", "x-user-"];

/// Location of the API itself, which decides the allowed destinations of uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiLocation {
    /// On this machine: an emulator. Its uploads may stay on this machine, without TLS.
    Loopback,
    /// On any other machine.
    Remote,
}

impl ApiLocation {
    /// Returns the location to which a base URL leads.
    pub fn from_base_url(base: &Url) -> Self {
        if is_loopback(base) {
            Self::Loopback
        } else {
            Self::Remote
        }
    }
}

/// Returns true if a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Rules for the hosts of uploads and downloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferPolicy {
    api: ApiLocation,
    /// Hosts allowed by the user. Empty: any public host.
    upload_hosts: Vec<HostSuffix>,
}

impl TransferPolicy {
    /// Returns the rules for the transfers of an API.
    pub fn new(api: ApiLocation, network: &NetworkConfig) -> Self {
        Self {
            api,
            upload_hosts: network.upload_hosts.clone(),
        }
    }
}

/// Checked address for the bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct TransferTarget {
    pub(super) url: Url,
    /// Headers to send: with `Host`, if the service names it, but without `Content-Length`.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Length of the address's file, in bytes, if the service names one.
    announced_length: Option<u64>,
}

impl TransferTarget {
    /// Checks a URL and headers given by the service for an upload. Fails with
    /// [`UnsafeTargetError`] if sending there would not be safe.
    pub fn from_upload_url(
        url: &str,
        headers: &[(String, String)],
        rules: &TransferPolicy,
    ) -> Result<Self, UnsafeTargetError> {
        Self::parse_checked(url, headers, rules)
            .map_err(|why| UnsafeTargetError(format!("the upload address {why}")))
    }

    /// Checks a URL given by the service for a download, by the same rules: a host to which a
    /// company's files may not go is not trusted as their source, either.
    pub fn from_download_url(url: &str, rules: &TransferPolicy) -> Result<Self, UnsafeTargetError> {
        Self::parse_checked(url, &[], rules)
            .map_err(|why| UnsafeTargetError(format!("the download address {why}")))
    }

    /// Checks URL and headers. The error continues a message after "the address".
    fn parse_checked(
        url: &str,
        headers: &[(String, String)],
        rules: &TransferPolicy,
    ) -> Result<Self, String> {
        if url.len() > MAX_URL_BYTES {
            return Err(format!("has {} bytes", url.len()));
        }
        let url = Url::parse(url).map_err(|error| format!("is no URL: {error}"))?;
        check_url(&url, rules)?;
        parse_uri(&url).map_err(|error| format!("cannot be asked for: {error}"))?;
        if headers.len() > MAX_HEADERS {
            return Err(format!("comes with {} headers", headers.len()));
        }
        let mut target = Self {
            url,
            headers: Vec::with_capacity(headers.len()),
            announced_length: None,
        };
        for (name, value) in headers {
            target.add_header(name, value)?;
        }
        Ok(target)
    }

    /// Adds a header to send. `Host` and `Content-Length` are always sent, and signed with some
    /// addresses: they are accepted where their values agree with the request, and sent once.
    fn add_header(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (name, value) = check_header(name, value)?;
        if name == HOST {
            if !is_host_of(&value, &self.url) {
                return Err("comes with the header host of another host".to_owned());
            }
            self.headers.retain(|(other, _)| *other != HOST);
        }
        if name == CONTENT_LENGTH {
            let length = parse_length(&value)
                .ok_or("comes with a header content-length that is no number of bytes")?;
            if self.announced_length.is_some_and(|other| other != length) {
                return Err("comes with two headers content-length that differ".to_owned());
            }
            self.announced_length = Some(length);
            return Ok(());
        }
        self.headers.push((name, value));
        Ok(())
    }

    /// Compares `size`, in bytes, with the length named by the service, if any. Fails with
    /// [`UnsafeTargetError`] if the two differ.
    pub(super) fn check_length(&self, size: u64) -> Result<(), UnsafeTargetError> {
        match self.announced_length {
            Some(length) if length != size => Err(UnsafeTargetError(format!(
                "the upload address comes with the header content-length of a file of {}, and the \
                 file has {}",
                count_with_noun(length, "byte"),
                count_with_noun(size, "byte"),
            ))),
            _ => Ok(()),
        }
    }

    /// Returns the URL in the HTTP library's form.
    pub(super) fn uri(&self) -> Uri {
        parse_uri(&self.url).expect("it was parsed when the address was checked")
    }

    /// Returns true if an `ETag` in the form of an MD5 is the MD5 of the content: not with
    /// encryption by the service's own keys (`aws:kms`), but with AES256 or without encryption.
    pub(super) fn etag_is_md5(&self) -> bool {
        self.headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-server-side-encryption"))
            .all(|(name, value)| {
                name.as_str() == "x-amz-server-side-encryption" && value.as_bytes() == b"AES256"
            })
    }
}

/// Parses a URL by the HTTP library's own rule, which is a little stricter.
fn parse_uri(url: &Url) -> Result<Uri, InvalidUri> {
    url.as_str().parse()
}

impl fmt::Display for TransferTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let print = sha256(self.url.as_str().as_bytes()).to_string();
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{host} (address {})", &print[..8])
    }
}

impl fmt::Debug for TransferTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Checks scheme and host of a URL. Any port is accepted: storage run by a company itself often has
/// a port of its own.
fn check_url(url: &Url, rules: &TransferPolicy) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("names a user".to_owned());
    }
    let is_local = rules.api == ApiLocation::Loopback && is_loopback(url);
    if is_local && matches!(url.scheme(), "http" | "https") {
        return Ok(());
    }
    if url.scheme() != "https" {
        return Err(format!("is {}, not https", url.scheme()));
    }
    match url.host() {
        Some(Host::Domain(name)) => check_host_name(name, rules),
        Some(Host::Ipv4(ip)) => Err(numeric_host_problem(ip.into())),
        Some(Host::Ipv6(ip)) => Err(numeric_host_problem(ip.into())),
        None => Err("names no host".to_owned()),
    }
}

fn numeric_host_problem(ip: IpAddr) -> String {
    format!("names the IP address {ip} in place of a host")
}

fn check_host_name(name: &str, rules: &TransferPolicy) -> Result<(), String> {
    if rules.upload_hosts.iter().any(|host| host.matches(name)) {
        return Ok(());
    }
    if !is_public_name(name) {
        let way_on = if can_be_upload_host(name) {
            " (if the host is your company's storage, allow it with --upload-host)"
        } else {
            ""
        };
        return Err(format!(
            "leads to the private host {}{way_on}",
            quoted(name)
        ));
    }
    if rules.upload_hosts.is_empty() {
        return Ok(());
    }
    Err(format!(
        "leads to the host {}, which no --upload-host allows",
        quoted(name)
    ))
}

/// Returns true if the value of a `Host` header names the host of a URL, with or without the port
/// implied by the scheme.
fn is_host_of(value: &HeaderValue, url: &Url) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let host = text.to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host.as_str(), None),
    };
    let implied = match url.scheme() {
        "https" => Some(443),
        _ => Some(80),
    };
    let port = port.map_or(implied, |port| port.parse().ok());
    Some(name) == url.host_str() && port.is_some() && port == url.port_or_known_default()
}

/// Parses the number of bytes in a `Content-Length` header.
fn parse_length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn check_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let bad_name = || format!("comes with a header of the bad name {}", quoted(name));
    if name.len() > MAX_HEADER_NAME_BYTES {
        return Err(bad_name());
    }
    let parsed: HeaderName = name.parse().map_err(|_| bad_name())?;
    let lower = parsed.as_str();
    let refused = REFUSED_HEADERS.contains(&lower)
        || REFUSED_HEADER_PREFIXES
            .iter()
            .any(|prefix| lower.starts_with(prefix));
    if refused {
        return Err(format!(
            "comes with the header {lower}, which consign never sends for a service"
        ));
    }
    if value.len() > MAX_HEADER_VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(format!(
            "comes with a value of the header {lower} that is too long or has control characters"
        ));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("comes with a bad value of the header {lower}"))?;
    Ok((parsed, value))
}

#[cfg(test)]
mod tests;
