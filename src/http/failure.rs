//! Outcomes of HTTP requests, sorted by their effect on the service.
//!
//! The effect decides if a request may be sent again; `pipeline::request_sender` makes the
//! decision.

use std::time::Duration;

use crate::model::Sha256Digest;
use crate::upload_source::UploadSourceError;

/// Failure of an API request. Each variant states the request's *effect*, which decides if the
/// request may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiFailure {
    /// 429: refused without being processed, because too many requests came. No effect.
    Throttled {
        /// Wait time named by the service, if any.
        retry_after: Option<Duration>,
    },
    /// Nothing of the request left this machine, or no server was there to take it. No effect.
    NotSent(String),
    /// No trustworthy answer: the answer was lost, a 5xx, or not the service's own. The
    /// effect is unknown.
    Unanswered(String),
    /// 401 or 403: the keys do not allow the request. No effect.
    Denied(String),
    /// Something between consign and the service, such as a firewall, refused the request. Most
    /// likely no effect; but the firewall may have held back the answer rather than the request.
    Intercepted(String),
    /// Any other definite answer. No effect.
    Refused(RequestRefusal),
    /// No request of this kind can ever succeed from this machine, for example because a
    /// certificate is not trusted.
    NeverPossible(String),
    /// The request was not sent, because the run could not record changes any more and may make
    /// none.
    Withheld,
}

/// Definite refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRefusal {
    /// Kind of the refusal.
    pub kind: RefusalKind,
    /// Refusal in words.
    pub message: String,
}

/// Kind of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// 409 or 422, from the service itself. Both are plausible answers to an `external_id` in use;
    /// which of both the service gives is not documented.
    ConflictOrInvalid,
    /// Any other refusal.
    Other,
}

impl RequestRefusal {
    /// Creates a refusal that says nothing about an `external_id` in use.
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            kind: RefusalKind::Other,
            message: message.into(),
        }
    }
}

/// An address for bytes, named by the service, to which sending would not be safe. The text gives
/// the reason, and only the host of the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsafeTargetError(pub String);

/// Confirmation of an upload by the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutReceipt {
    /// The storage accepted the bytes.
    Accepted,
    /// The storage accepted the bytes, and its MD5 equals the MD5 of the bytes sent.
    Md5Confirmed,
}

/// Failure of an upload to the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutFailure {
    /// The address has expired, or is invalid for some other reason. A new address is needed.
    Expired,
    /// No server was there, and not a byte was sent. The same address may be used again.
    NotSent(String),
    /// The upload was lost, answered with 5xx, or damaged on the way. The same address may be used
    /// again, from the first byte.
    Interrupted(String),
    /// Any other definite answer.
    Refused(String),
    /// The file differs from the checked one. No wrong bytes are stored.
    SourceChanged(String),
    /// The address is for another file. Nothing was sent.
    UnsafeTarget(UnsafeTargetError),
    /// The file cannot be opened or read to its end: the file itself is unreadable, or all files
    /// are gone. Not all of the bytes were sent.
    SourceUnreadable(String),
    /// Another program holds the file. Not all of the bytes were sent.
    SourceInUse,
    /// No upload can ever succeed from this machine.
    NeverPossible(String),
}

impl From<UploadSourceError> for PutFailure {
    fn from(error: UploadSourceError) -> Self {
        match error {
            UploadSourceError::Unreadable(why) => Self::SourceUnreadable(why),
            UploadSourceError::InUse => Self::SourceInUse,
            UploadSourceError::NotAsChecked(why) => Self::SourceChanged(why),
        }
    }
}

/// Content downloaded from the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchedContent {
    /// A whole file.
    File(DigestedBytes),
    /// Content that is declared as a web page: either a stored web page, or the page of something
    /// between consign and the storage.
    WebPage(DigestedBytes),
    /// More bytes than the caller asked for. The rest was not read.
    TooLong,
}

/// Size and digest of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestedBytes {
    /// Number of bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Sha256Digest,
}

/// Failure of a download from the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchFailure {
    /// The address has expired, or is invalid for some other reason. A new address is needed.
    Expired,
    /// The download was lost on the way, answered with 5xx, or no server was there. A retry may
    /// succeed.
    Interrupted(String),
    /// Any other definite answer.
    Refused(String),
    /// No download can ever succeed from this machine.
    NeverPossible(String),
    /// The bytes arrived, but could not be written to their destination.
    NotWritten(String),
}
