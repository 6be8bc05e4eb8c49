//! A service that keeps a lasting record, an attachment, for each file.
//!
//! An attachment is found by the row's `external_id`, names the place for its bytes in the answer that
//! makes it and in no other, and is removed by the service if they never come.

use std::collections::HashMap;

use tokio::io::AsyncWrite;

use super::archive::{Exhibit, Original, Shown};
use super::{Destination, NewFile, Place};
use crate::http::{Failure, FetchFailure, Fetched};
use crate::model::{AttachmentId, ExternalId, ObjectRef};

/// How many attachments one request of [`AttachmentApi::list`] takes: "limited to 50" in the vendor's
/// documentation of `filter[id_equals]`.
pub const LISTED_AT_ONCE: usize = 50;

/// What the service has under an id or an `external_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// An attachment whose bytes never came, or whose size does not show yet.
    Pending {
        /// The attachment.
        id: AttachmentId,
    },
    /// An attachment with its bytes.
    Stored {
        /// The attachment.
        id: AttachmentId,
        /// The size that the service shows, in bytes.
        size: u64,
        /// What it is called.
        names: Names,
    },
    /// The answer speaks of another `external_id` than was asked for.
    Mismatch {
        /// The `external_id` in the answer.
        external_id: String,
    },
}

/// What an attachment is called, as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The key by which the user knows it.
    pub external_id: Shown,
    /// Its title.
    pub title: Shown,
}

/// How an attachment is addressed by a request that amends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// By the service's own id.
    Id(&'a AttachmentId),
    /// By the key that the user chose.
    ExternalId(&'a ExternalId),
}

/// What an attachment is to be called from now on. Whatever is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewNames {
    /// Its title.
    pub title: Option<String>,
    /// The key by which the user knows it.
    pub external_id: Option<ExternalId>,
}

/// An attachment that was just amended, as the answer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// Which one it is.
    pub id: AttachmentId,
    /// What it is called now.
    pub names: Names,
}

/// An attachment to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// The object that its file is attached to.
    pub object: ObjectRef,
    /// Its file.
    pub file: NewFile,
}

/// An attachment that was just made.
#[derive(Debug)]
pub struct CreatedAttachment<T> {
    /// The new attachment.
    pub id: AttachmentId,
    /// Where its bytes go.
    pub place: Place<T>,
}

/// A service that keeps attachments.
pub trait AttachmentApi: Destination {
    /// Looks an attachment up by the key that the user chose.
    fn find(
        &self,
        external_id: &ExternalId,
    ) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Looks an attachment up by the service's own id.
    fn get(&self, id: &AttachmentId) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Looks up to [`LISTED_AT_ONCE`] attachments up with one request. Those that the service does
    /// not name are left out.
    fn list(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Presence>, Failure>> + Send;

    /// Makes an attachment without bytes.
    fn create(
        &self,
        new: &NewAttachment,
    ) -> impl Future<Output = Result<CreatedAttachment<Self::Target>, Failure>> + Send;

    /// Asks for a new place for the bytes of an attachment. **Detaches what is stored already**, so
    /// it is for attachments whose newest answer was [`Presence::Pending`], and for those whose bytes
    /// the user wants to be replaced. A title that is given is kept or set with it.
    fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> impl Future<Output = Result<Place<Self::Target>, Failure>> + Send;

    /// Gives an attachment other names. Its bytes stay.
    fn amend(
        &self,
        key: Key<'_>,
        names: &NewNames,
    ) -> impl Future<Output = Result<Amended, Failure>> + Send;

    /// Looks up to [`LISTED_AT_ONCE`] attachments up with one request, with all that the service shows
    /// of them. Those that it does not name are left out.
    fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Exhibit>, Failure>> + Send;

    /// Looks one attachment up, with the place of its bytes; `None` where there is none.
    fn original(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<Option<Original<Self::Target>>, Failure>> + Send;

    /// Reads the bytes at a place, at most so many, and hands them on, without flushing them at the
    /// end. What was handed on counts for nothing unless the answer is [`Fetched::File`] or
    /// [`Fetched::WebPage`]. `received` is told of each piece.
    fn fetch(
        &self,
        place: &Self::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<Fetched, FetchFailure>> + Send;
}
