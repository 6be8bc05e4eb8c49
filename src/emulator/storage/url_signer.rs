//! Signed URLs, similar to S3's presigned ones: an HMAC over method, path, required headers with
//! their values, and the time of expiry.
//!
//! The query parameters have names of the emulator's own, because S3's names would promise S3's
//! algorithm.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io;
use std::path::Path;

use axum::http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use url::form_urlencoded;

use crate::digest::{hmac_sha256, sha256, verify_hmac_sha256};
use crate::emulator::state_folder::write_atomically;
use crate::model::Sha256Digest;

/// Reason why a URL gives no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// The signature is missing or incomplete.
    Unsigned,
    /// The signature does not match the request.
    Mismatch,
    /// The signature matches, and the URL has expired.
    Expired,
}

/// Signs URLs and checks signed URLs, also after a restart.
pub(super) struct UrlSigner {
    key: Vec<u8>,
}

impl UrlSigner {
    /// Reads the key from the state folder, or creates a key there.
    pub(super) fn load_or_create(key_file: &Path, incoming: &Path) -> io::Result<Self> {
        match std::fs::read(key_file) {
            Ok(key) => Ok(Self { key }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = random_key();
                write_atomically(incoming, key_file, &key.0)?;
                Ok(Self { key: key.0.into() })
            }
            Err(error) => Err(error),
        }
    }

    /// Adds a signature to a percent-encoded path.
    pub(super) fn sign(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        expires: Timestamp,
    ) -> String {
        let permission = SignedPermission {
            expires: expires.as_millisecond(),
            headers: headers.iter().map(|(name, _)| *name).collect(),
        };
        let values = headers.iter().map(|(_, value)| value.as_bytes());
        let signature = hmac_sha256(&self.key, &permission.signed_text(method, path, values));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("expires", &permission.expires.to_string())
            .append_pair("headers", &permission.headers.join(";"))
            .append_pair("signature", &signature.to_string())
            .finish();
        format!("{path}?{query}")
    }

    /// Checks that a request matches the signature in its URL and comes before the expiry.
    pub(super) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let query: Vec<(String, String)> =
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let (permission, signature) =
            SignedPermission::from_query(&query).ok_or(SignatureError::Unsigned)?;
        let values = permission
            .headers
            .iter()
            .map(|name| headers.get(*name).map_or(&b""[..], |v| v.as_bytes()));
        let message = permission.signed_text(method, uri.path(), values);
        if !verify_hmac_sha256(&self.key, &message, &signature) {
            return Err(SignatureError::Mismatch);
        }
        if now.as_millisecond() >= permission.expires {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }
}

/// Time of expiry and required headers, as a signed URL states them.
struct SignedPermission<'a> {
    /// Time of expiry in milliseconds since 1970.
    expires: i64,
    headers: Vec<&'a str>,
}

impl<'a> SignedPermission<'a> {
    fn from_query(query: &'a [(String, String)]) -> Option<(Self, Sha256Digest)> {
        let value = |name: &str| {
            let pair = query.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str())
        };
        let permission = Self {
            expires: value("expires")?.parse().ok()?,
            headers: value("headers")?
                .split(';')
                .filter(|name| !name.is_empty())
                .collect(),
        };
        Some((permission, value("signature")?.parse().ok()?))
    }

    /// Returns the signed text. No part can hold a line feed, so no part can pass for two.
    fn signed_text<'v>(
        &self,
        method: &Method,
        path: &str,
        values: impl Iterator<Item = &'v [u8]>,
    ) -> Vec<u8> {
        let mut message = format!("{method}\n{path}\n{}\n", self.expires).into_bytes();
        for (name, value) in self.headers.iter().zip(values) {
            message.extend_from_slice(name.as_bytes());
            message.push(b':');
            message.extend_from_slice(value);
            message.push(b'\n');
        }
        message
    }
}

/// Returns 256 random bits which nobody can guess. The standard library seeds every `RandomState`
/// from the operating system, a source as good as a crate for randomness.
fn random_key() -> Sha256Digest {
    let noise: Vec<u8> = (0_u64..8)
        .flat_map(|n| RandomState::new().hash_one(n).to_le_bytes())
        .collect();
    sha256(&noise)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATH: &str = "/storage/uploads/7/abc/a%20b.pdf";
    const HEADERS: [(&str, &str); 2] = [("Content-Type", "text/plain"), ("x-amz-acl", "private")];
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn later() -> Timestamp {
        NOW + Duration::from_mins(15)
    }

    fn signer() -> UrlSigner {
        UrlSigner {
            key: random_key().0.into(),
        }
    }

    fn sent(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let parsed = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        parsed.collect()
    }

    #[test]
    fn a_signed_url_lets_exactly_the_signed_request_through() {
        let signer = signer();
        let url = signer.sign(&Method::PUT, PATH, &HEADERS, later());
        let uri: Uri = url.parse().unwrap();
        let check =
            |method, uri: &Uri, headers: &[_]| signer.check(&method, uri, &sent(headers), NOW);
        assert_eq!(check(Method::PUT, &uri, &HEADERS), Ok(()));

        let wrong = Err(SignatureError::Mismatch);
        assert_eq!(check(Method::GET, &uri, &HEADERS), wrong);
        assert_eq!(check(Method::PUT, &uri, &HEADERS[..1]), wrong);
        let altered = [HEADERS[0], ("x-amz-acl", "public-read")];
        assert_eq!(check(Method::PUT, &uri, &altered), wrong);
        for (from, to) in [
            ("/7/", "/8/"),
            ("expires=9", "expires=8"),
            ("x-amz-acl", ""),
        ] {
            let tampered = url.replacen(from, to, 1).parse().unwrap();
            assert_eq!(check(Method::PUT, &tampered, &HEADERS), wrong, "{from}");
        }
        let unsigned = PATH.parse().unwrap();
        let refused = check(Method::PUT, &unsigned, &HEADERS);
        assert_eq!(refused, Err(SignatureError::Unsigned));
    }

    #[test]
    fn a_signed_url_ends_with_its_time() {
        let signer = signer();
        let uri = signer.sign(&Method::GET, PATH, &[], later());
        let uri = uri.parse().unwrap();
        let check = |now| signer.check(&Method::GET, &uri, &HeaderMap::new(), now);
        assert_eq!(check(later() - Duration::from_millis(1)), Ok(()));
        assert_eq!(check(later()), Err(SignatureError::Expired));
    }

    #[test]
    fn another_folder_has_another_key() {
        assert_ne!(random_key(), random_key());
    }
}
