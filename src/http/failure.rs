//! Answers and failures of requests, in terms of the effect that a request had. Whether one may be sent
//! again follows from that, and is decided elsewhere.

use std::time::Duration;

use crate::model::Sha256Digest;
use crate::source::SourceError;

/// Why a request did not end as it should. What each kind says of the request's *effect* is what
/// decides whether it may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// 429: refused unseen, because too many came. No effect.
    Throttled {
        /// What the service asked to wait.
        retry_after: Option<Duration>,
    },
    /// Nothing of it left this machine, or nobody was there to take it. No effect.
    NotSent(String),
    /// No answer that can be trusted: lost, 5xx, or something that is not the service's. Its
    /// effect is unknown.
    Unanswered(String),
    /// 401 or 403: the keys may not do this. No effect.
    Denied(String),
    /// Something in between, such as a firewall, refused it in the service's place. It had most
    /// likely no effect; but it may have been the answer that was kept back.
    Intercepted(String),
    /// Any other definite answer. No effect.
    Refused(String),
    /// Nothing of this kind can ever work from here, such as a certificate that is not trusted.
    Hopeless(String),
    /// The run may change nothing any more, since it could not record it. Nothing was sent.
    Withheld,
}

/// The service named a place for the bytes to which it would not be safe to send them. Says why,
/// and never names the place beyond its host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsafeTarget(pub String);

/// What the storage said of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It took them.
    Taken,
    /// It took them, and its MD5 is that of the bytes sent.
    Checksummed,
}

/// Why the storage did not take the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutFailure {
    /// The address has expired, or is not valid for some other reason. A new one is needed.
    Expired,
    /// Nobody was there to take them: not a byte was sent. The same address may be used again.
    NotSent(String),
    /// Lost, 5xx, or damaged on the way. The same address may be used again, from the first byte.
    Interrupted(String),
    /// Any other definite answer.
    Refused(String),
    /// The file is not, or is no longer, what was checked. No wrong bytes are stored.
    SourceChanged(String),
    /// The address is for another file than this. Nothing was sent there.
    Unsafe(UnsafeTarget),
    /// The file cannot be opened or read to its end, for its own sake or because all files are away.
    /// Not all of its bytes were sent.
    SourceUnreadable(String),
    /// Nothing of this kind can ever work from here.
    Hopeless(String),
}

impl From<SourceError> for PutFailure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Unreadable(why) => Self::SourceUnreadable(why),
            SourceError::Changed(why) => Self::SourceChanged(why),
        }
    }
}

/// What came from the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    /// A file, to its end.
    File(Digested),
    /// Something that calls itself a web page: a file of that kind, or the page of something that
    /// stands in between.
    WebPage(Digested),
    /// More than was asked for; the rest was not read.
    Longer,
}

/// What bytes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digested {
    /// How many there were.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256Digest,
}

/// Why the storage did not give the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchFailure {
    /// The address has expired, or is not valid for some other reason. A new one is needed.
    Expired,
    /// Lost on the way, 5xx, or nobody there. It may be tried again.
    Interrupted(String),
    /// Any other definite answer.
    Refused(String),
    /// Nothing of this kind can ever work from here.
    Hopeless(String),
    /// The bytes came, and where they were to go did not take them.
    NotKept(String),
}
