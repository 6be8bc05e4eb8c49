//! What the answers of a storage mean, and how its refusals are told.

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::http::media_type;
use crate::http::page::{described, is_web_page};
use crate::http::proxy::{PASSWORD_WANTED, unnamed_refusal};
use crate::http::redact::Secrets;
use crate::http::target::Target;
use crate::http::{PutFailure, Receipt};
use crate::model::Md5Digest;

/// Codes of refusals that a new address mends, whatever their status: those of S3's documentation,
/// which other storages with its interface (GCS, `MinIO`, OSS) use as well. Azure answers 403.
const EXPIRED_CODES: [&str; 4] = [
    "ExpiredToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
];

/// Codes of refusals that pass: of a body that came too slowly, not whole, or damaged; while
/// somebody else changes the bucket; or because too many come.
const PASSING_CODES: [&str; 7] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
];

/// What a storage answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) etag: Option<String>,
    /// Read for the words of a refusal alone.
    pub(super) body: String,
}

/// What an answer means for the address to which the request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The request was carried out.
    Good,
    /// The address is no longer good, or never was: a new one may be.
    Expired,
    /// The same request may succeed a little later.
    Passing,
    /// The same request would be answered so again.
    Final,
}

impl Answer {
    /// The head of an answer, whose body is still to come.
    pub(super) fn headed(response: &Response) -> Self {
        Self {
            status: response.status().as_u16(),
            media_type: media_type(response.headers()),
            etag: etag(response.headers()),
            body: String::new(),
        }
    }

    /// Whether the storage, or whoever answers in its place, says that all is well.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// What follows from status and code.
    pub(super) fn standing(&self) -> Standing {
        let is_one_of = |codes: &[&str]| codes.contains(&self.code());
        match self.status {
            200..=299 => Standing::Good,
            // Whoever stands between knows nothing of addresses.
            400..=499 if self.is_web_page() => Standing::Final,
            403 => Standing::Expired,
            400..=499 if is_one_of(&EXPIRED_CODES) => Standing::Expired,
            400..=499 if is_one_of(&PASSING_CODES) => Standing::Passing,
            // What a storage does not know, it will not know tomorrow.
            501 | 505 => Standing::Final,
            408 | 425 | 429 | 500.. => Standing::Passing,
            _ => Standing::Final,
        }
    }

    /// What the answer to an upload is worth.
    pub(super) fn judge(
        &self,
        target: &Target,
        md5: Option<Md5Digest>,
    ) -> Result<Receipt, PutFailure> {
        if self.status == PASSWORD_WANTED {
            let host = target.url.host_str().unwrap_or("the storage");
            return Err(PutFailure::Hopeless(unnamed_refusal(host)));
        }
        match self.standing() {
            Standing::Good if self.media_type == "text/html" => Err(PutFailure::Interrupted(
                "a web page in place of the storage's answer; is a proxy or a sign-in page in between?"
                    .into(),
            )),
            Standing::Good => self.receipt(target, md5),
            Standing::Expired => Err(PutFailure::Expired),
            Standing::Passing => Err(PutFailure::Interrupted(self.words(target))),
            Standing::Final => Err(PutFailure::Refused(self.words(target))),
        }
    }

    fn receipt(&self, target: &Target, md5: Option<Md5Digest>) -> Result<Receipt, PutFailure> {
        let etag = self
            .etag
            .as_deref()
            .map(|etag| etag.trim_matches('"').to_ascii_lowercase());
        let etag = etag.filter(|etag| {
            etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit()) && target.etag_is_md5()
        });
        match (etag, md5) {
            (Some(theirs), Some(ours)) if theirs == ours.to_string() => Ok(Receipt::Checksummed),
            (Some(_), Some(_)) => Err(PutFailure::Interrupted(
                "the bytes were damaged on the way: the storage's MD5 is another".into(),
            )),
            _ => Ok(Receipt::Taken),
        }
    }

    fn is_web_page(&self) -> bool {
        is_web_page(&self.media_type, self.body.as_bytes())
    }

    fn code(&self) -> &str {
        element(&self.body, "Code")
    }

    /// What the storage says, in a few words. Some storages repeat the request in their errors, so
    /// what is secret in the address is hidden.
    pub(super) fn words(&self, target: &Target) -> String {
        let secrets = Secrets::of_url(&target.url);
        if self.is_web_page() {
            let page = described(&self.media_type, self.body.as_bytes(), &secrets);
            return format!(
                "something between consign and the storage answered with status {} and {page}",
                self.status
            );
        }
        // Cut only when no secret is left that could be cut in two.
        let said = |name, most| {
            let told = secrets.hide(element(&self.body, name));
            told.chars().take(most).collect::<String>()
        };
        let status = match (said("Code", 60).as_str(), said("Message", 300).as_str()) {
            ("", "") => format!("status {}", self.status),
            ("", said) | (said, "") => format!("status {}, {said}", self.status),
            (code, message) => format!("status {}, {code}: {message}", self.status),
        };
        match self.redirect() {
            Some(advice) => {
                format!("{status}; a redirect, which consign does not follow: {advice}")
            }
            None => status,
        }
    }

    /// What a redirect means, and what to do, where the answer is one. None is followed: a signature
    /// is made for one host, and where the bytes go is for the service to say.
    fn redirect(&self) -> Option<&'static str> {
        match (self.status, self.code()) {
            (307, _) => Some(
                "storage answers so while its bucket is new or moves, mostly for some hours; run the import \
                 again with --resume then, or ask the service's support",
            ),
            (301 | 308, _) => Some(
                "the address that the service gave leads to another region or host than its \
                 bucket's; ask the service's support",
            ),
            (300..=399, _) => {
                Some("no storage answers so; is a proxy or a sign-in page in between?")
            }
            _ => None,
        }
    }
}

/// What an answer names as its `ETag`, unless the storage says that it encrypts with keys with which
/// that is no MD5. (Where a bucket does so by itself, only the answer tells.)
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let encrypted = header("x-amz-server-side-encryption");
    header("etag")
        .filter(|_| encrypted.is_none_or(|how| how == "AES256"))
        .map(ToOwned::to_owned)
}

/// The text of the first XML element of a name; empty where there is none. S3's errors are flat,
/// and the text is for people, so no more of XML is needed.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let inside = || {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    inside().unwrap_or_default()
}
