//! What the pipeline needs of a service: a handful of requests, each sent once, and answers whose
//! types say what is known after them.
//!
//! Nothing here repeats a request or waits: when to try again, and whether that is safe, is decided
//! in one place, the pipeline. What a service calls its things stays behind this trait.

pub mod memory;
pub mod workday;

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{AttachmentId, Content, ExternalId, ObjectRef};
use crate::source::Source;

/// What the service has under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// A record whose bytes never came, or whose size does not show yet.
    Pending {
        /// The record.
        id: AttachmentId,
    },
    /// An attachment with its bytes.
    Stored {
        /// The attachment.
        id: AttachmentId,
        /// The size that the service shows, in bytes.
        size: u64,
    },
    /// The answer speaks of another `external_id` than was asked for.
    Mismatch {
        /// The `external_id` in the answer.
        external_id: String,
    },
}

/// The record to be made for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// The key by which it can be found again.
    pub external_id: ExternalId,
    /// What it hangs on.
    pub object: ObjectRef,
    /// The name under which people will download it.
    pub file_name: String,
    /// Its title; where there is none the service derives one from the file's name.
    pub title: Option<String>,
}

/// A record that was just made, and where its bytes go.
#[derive(Debug)]
pub struct Created<T> {
    /// The new record.
    pub id: AttachmentId,
    /// Where its bytes go.
    pub target: Result<T, UnsafeTarget>,
}

/// The service named a place for the bytes to which it would not be safe to send them. Says why,
/// and never names the place beyond its host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsafeTarget(pub String);

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
    /// Any other definite answer. No effect.
    Refused(String),
    /// Nothing of this kind can ever work from here, such as a certificate that is not trusted.
    Hopeless(String),
}

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
    /// 403: the address has expired, or is not valid for some other reason. A new one is needed.
    Expired,
    /// Lost, 5xx, or damaged on the way. The same address may be used again, from the first byte.
    Interrupted(String),
    /// Any other definite answer.
    Refused(String),
    /// The file is not, or is no longer, what was checked. No wrong bytes are stored.
    SourceChanged(String),
    /// Nothing of this kind can ever work from here.
    Hopeless(String),
}

/// A service that attachments are sent to.
pub trait Destination: Send + Sync {
    /// Where bytes go: a secret, and short-lived.
    type Target: Send + Sync;

    /// Looks an attachment up by the key that the user chose.
    fn find(
        &self,
        external_id: &ExternalId,
    ) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Looks an attachment up by the service's own id.
    fn get(&self, id: &AttachmentId) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Makes a record without bytes.
    fn create(
        &self,
        new: &NewAttachment,
    ) -> impl Future<Output = Result<Created<Self::Target>, Failure>> + Send;

    /// Asks for a new place for the bytes of a record. **Detaches what is stored already**, so it is
    /// for records whose newest answer was [`Presence::Pending`].
    fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
    ) -> impl Future<Output = Result<Result<Self::Target, UnsafeTarget>, Failure>> + Send;

    /// The sizes of up to [`CONFIRM_AT_ONCE`] attachments; `None` where no size shows. Ids that the
    /// service does not name are left out.
    fn sizes(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Option<u64>>, Failure>> + Send;

    /// Sends the bytes of a file, which must be `content`, to the last one. `sent` is told of each
    /// piece.
    fn put(
        &self,
        target: &Self::Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<Receipt, PutFailure>> + Send;
}

/// How many ids one request of [`Destination::sizes`] takes: "limited to 50" in the vendor's
/// documentation of `filter[id_equals]`.
pub const CONFIRM_AT_ONCE: usize = 50;

#[cfg(test)]
mod contract;
