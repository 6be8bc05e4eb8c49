//! Interface of a service which keeps a lasting record, an attachment, for each file.
//!
//! An attachment is found by the row's `external_id`. The upload target is in the answer to the
//! request which creates or renews the attachment, and in no other answer. The service removes an
//! attachment whose bytes never come.

use std::collections::HashMap;

use tokio::io::AsyncWrite;

use super::archive::{Exhibit, Original, Shown};
use super::{Destination, NewFile, Place};
use crate::http::{Failure, FetchFailure, Fetched};
use crate::model::{AttachmentId, ExternalId, ObjectRef};

/// Largest number of ids in one [`AttachmentApi::list`] request: "limited to 50" in the vendor's
/// documentation of `filter[id_equals]`.
pub const LISTED_AT_ONCE: usize = 50;

/// Attachment under an id or an `external_id`, as a look-up finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// No attachment.
    Absent,
    /// An attachment whose bytes never came, or whose size does not show yet.
    Pending {
        /// Id of the attachment.
        id: AttachmentId,
    },
    /// An attachment with its bytes.
    Stored {
        /// Id of the attachment.
        id: AttachmentId,
        /// Size in bytes, as the service reports it.
        size: u64,
        /// External id and title of the attachment.
        names: Names,
    },
    /// The answer is about another `external_id` than the requested one.
    Mismatch {
        /// The `external_id` in the answer, fit to be shown.
        external_id: String,
    },
}

/// External id and title of an attachment, as an answer reports them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Key which the user chose.
    pub external_id: Shown,
    /// Title of the attachment.
    pub title: Shown,
}

/// Id by which a request addresses the attachment to update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Id which the service gave.
    Id(&'a AttachmentId),
    /// Key which the user chose.
    ExternalId(&'a ExternalId),
}

/// New names for an attachment. A field that is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewNames {
    /// New title.
    pub title: Option<String>,
    /// New external id.
    pub external_id: Option<ExternalId>,
}

/// Attachment after an update of its names, as the answer reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// Id of the attachment.
    pub id: AttachmentId,
    /// External id and title after the update.
    pub names: Names,
}

/// Attachment to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    /// Object to which the file is attached.
    pub object: ObjectRef,
    /// File to be attached.
    pub file: NewFile,
}

/// Attachment which was just created.
#[derive(Debug)]
pub struct CreatedAttachment<T> {
    /// Id of the new attachment.
    pub id: AttachmentId,
    /// Address for the bytes.
    pub place: Place<T>,
}

/// Service which keeps attachments.
pub trait AttachmentApi: Destination {
    /// Looks up an attachment by the external id which the user chose.
    fn find(
        &self,
        external_id: &ExternalId,
    ) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Looks up an attachment by the id which the service gave.
    fn get(&self, id: &AttachmentId) -> impl Future<Output = Result<Presence, Failure>> + Send;

    /// Looks up at most [`LISTED_AT_ONCE`] attachments with one request. The map has no entry for
    /// an id which the service leaves out.
    fn list(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Presence>, Failure>> + Send;

    /// Creates an attachment without bytes.
    fn create(
        &self,
        new: &NewAttachment,
    ) -> impl Future<Output = Result<CreatedAttachment<Self::Target>, Failure>> + Send;

    /// Requests a new upload target for an attachment, and sets the title if one is given.
    /// **Detaches the stored bytes**: only for attachments whose newest answer was
    /// [`Presence::Pending`], and for those whose bytes the user wants to replace.
    fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> impl Future<Output = Result<Place<Self::Target>, Failure>> + Send;

    /// Changes the title, the external id, or both. The bytes stay.
    fn amend(
        &self,
        key: Key<'_>,
        names: &NewNames,
    ) -> impl Future<Output = Result<Amended, Failure>> + Send;

    /// Looks up at most [`LISTED_AT_ONCE`] attachments with one request, with all reported
    /// metadata. The map has no entry for an id which the service leaves out.
    fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Exhibit>, Failure>> + Send;

    /// Looks up one attachment with the address of its bytes; `None` if the attachment does not
    /// exist.
    fn original(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<Option<Original<Self::Target>>, Failure>> + Send;

    /// Reads at most `most` bytes from an address and writes them to `into`, without a flush at the
    /// end. The written bytes count only if the result is [`Fetched::File`] or
    /// [`Fetched::WebPage`]. Calls `received` with the size of each piece in bytes.
    fn fetch(
        &self,
        place: &Self::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<Fetched, FetchFailure>> + Send;
}
