//! Answers of a storage: their meaning, and the description of refusals.

use reqwest::Response;
use reqwest::header::HeaderMap;

use crate::http::foreign_page::{describe_body, is_web_page};
use crate::http::media_type;
use crate::http::proxy::{PROXY_AUTHENTICATION_REQUIRED, unnamed_proxy_message};
use crate::http::redaction::SecretRedactor;
use crate::http::target::TransferTarget;
use crate::http::{PutFailure, PutReceipt};
use crate::model::Md5Digest;

/// Error codes that a new address mends, whatever the status: codes of S3's documentation, which
/// other storages with S3's interface (GCS, `MinIO`, OSS) use as well. Azure answers 403.
const EXPIRED_CODES: [&str; 4] = [
    "ExpiredToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "TokenRefreshRequired",
];

/// Error codes that a retry mends: the body came too slowly, not whole, or damaged; another client
/// changes the bucket; or too many requests come.
const TRANSIENT_CODES: [&str; 7] = [
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
];

/// Answer of a storage.
#[derive(Debug)]
pub(super) struct StorageAnswer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) etag: Option<String>,
    /// Body, read only for the description of a refusal.
    pub(super) body: String,
}

/// Meaning of an answer for the address of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StorageAnswerClass {
    /// The request was carried out.
    Success,
    /// The address is not valid, or is no longer valid. A new address may be valid.
    Expired,
    /// The same request may succeed a little later.
    Transient,
    /// The same request would be answered in the same way again.
    Permanent,
}

impl StorageAnswer {
    /// Returns an answer from the head of a response, with the body still to come.
    pub(super) fn from_head(response: &Response) -> Self {
        Self {
            status: response.status().as_u16(),
            media_type: media_type(response.headers()),
            etag: etag(response.headers()),
            body: String::new(),
        }
    }

    /// Returns true if the storage, or something in its place, reports success.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Classifies the answer by status and code.
    pub(super) fn classify(&self) -> StorageAnswerClass {
        let is_one_of = |codes: &[&str]| codes.contains(&self.error_code());
        match self.status {
            200..=299 => StorageAnswerClass::Success,
            // Something between consign and the storage knows nothing of addresses: a new one is no
            // help.
            400..=499 if self.is_web_page() => StorageAnswerClass::Permanent,
            403 => StorageAnswerClass::Expired,
            400..=499 if is_one_of(&EXPIRED_CODES) => StorageAnswerClass::Expired,
            400..=499 if is_one_of(&TRANSIENT_CODES) => StorageAnswerClass::Transient,
            // A storage will not support tomorrow what it does not support today.
            501 | 505 => StorageAnswerClass::Permanent,
            408 | 425 | 429 | 500.. => StorageAnswerClass::Transient,
            _ => StorageAnswerClass::Permanent,
        }
    }

    /// Returns the outcome of an upload.
    pub(super) fn judge_upload(
        &self,
        target: &TransferTarget,
        md5: Option<Md5Digest>,
    ) -> Result<PutReceipt, PutFailure> {
        if self.status == PROXY_AUTHENTICATION_REQUIRED {
            let host = target.url.host_str().unwrap_or("the storage");
            return Err(PutFailure::NeverPossible(unnamed_proxy_message(host)));
        }
        match self.classify() {
            StorageAnswerClass::Success if self.media_type == "text/html" => Err(PutFailure::Interrupted(
                "a web page in place of the storage's answer; is a proxy or a sign-in page in between?"
                    .into(),
            )),
            StorageAnswerClass::Success => self.receipt(target, md5),
            StorageAnswerClass::Expired => Err(PutFailure::Expired),
            StorageAnswerClass::Transient => Err(PutFailure::Interrupted(self.describe(target))),
            StorageAnswerClass::Permanent => Err(PutFailure::Refused(self.describe(target))),
        }
    }

    fn receipt(
        &self,
        target: &TransferTarget,
        md5: Option<Md5Digest>,
    ) -> Result<PutReceipt, PutFailure> {
        let etag = self
            .etag
            .as_deref()
            .map(|etag| etag.trim_matches('"').to_ascii_lowercase());
        let etag = etag.filter(|etag| {
            etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit()) && target.etag_is_md5()
        });
        match (etag, md5) {
            (Some(theirs), Some(ours)) if theirs == ours.to_string() => {
                Ok(PutReceipt::Md5Confirmed)
            }
            (Some(_), Some(_)) => Err(PutFailure::Interrupted(
                "the bytes were damaged on the way: the storage's MD5 is another".into(),
            )),
            _ => Ok(PutReceipt::Accepted),
        }
    }

    fn is_web_page(&self) -> bool {
        is_web_page(&self.media_type, self.body.as_bytes())
    }

    fn error_code(&self) -> &str {
        xml_element(&self.body, "Code")
    }

    /// Describes the answer. Some storages repeat the request in their errors, so the secrets of
    /// the address are hidden.
    pub(super) fn describe(&self, target: &TransferTarget) -> String {
        let secrets = SecretRedactor::from_presigned_url(&target.url);
        if self.is_web_page() {
            let page = describe_body(&self.media_type, self.body.as_bytes(), &secrets);
            return format!(
                "something between consign and the storage answered with status {} and {page}",
                self.status
            );
        }
        // Cutting comes last, since a secret cut in two would not be recognised.
        let said = |name, most| {
            let told = secrets.redact(xml_element(&self.body, name));
            told.chars().take(most).collect::<String>()
        };
        let status = match (said("Code", 60).as_str(), said("Message", 300).as_str()) {
            ("", "") => format!("status {}", self.status),
            ("", said) | (said, "") => format!("status {}, {said}", self.status),
            (code, message) => format!("status {}, {code}: {message}", self.status),
        };
        match self.redirect_advice() {
            Some(advice) => {
                format!("{status}; a redirect, which consign does not follow: {advice}")
            }
            None => status,
        }
    }

    /// Returns the meaning of a redirect and advice, if the answer is a redirect. No redirect is
    /// followed: a signature is made for one host, and the service decides where the bytes go.
    fn redirect_advice(&self) -> Option<&'static str> {
        match (self.status, self.error_code()) {
            (307, _) => Some(
                "storage redirects while its bucket is new or moves, mostly for some hours; run \
                 the import again with --resume later, or ask the service's support",
            ),
            (301 | 308, _) => Some(
                "the address that the service gave leads to another region or host than its \
                 bucket's; ask the service's support",
            ),
            (300..=399, _) => {
                Some("no storage sends such a redirect; is a proxy or a sign-in page in between?")
            }
            _ => None,
        }
    }
}

/// Returns the `ETag` of an answer, unless the storage reports an encryption with which the `ETag`
/// is no MD5. (Where a bucket encrypts by itself, only the answer reports the encryption.)
pub(super) fn etag(headers: &HeaderMap) -> Option<String> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let encrypted = header("x-amz-server-side-encryption");
    header("etag")
        .filter(|_| encrypted.is_none_or(|how| how == "AES256"))
        .map(ToOwned::to_owned)
}

/// Returns the text of the first XML element of a name; empty where there is none. S3's errors are
/// flat and the text is for people, so no more of XML is needed.
fn xml_element<'a>(xml: &'a str, name: &str) -> &'a str {
    let inside = || {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    inside().unwrap_or_default()
}
