//! Interface of a service which keeps a lasting record, an attachment, for each file.
//!
//! An attachment is found by the row's `external_id`. The upload target is in the answer to the
//! request which creates or renews the attachment, and in no other answer. The service removes an
//! attachment whose bytes never come.

use std::collections::HashMap;

use tokio::io::AsyncWrite;

use super::attachment_metadata::{AttachmentDownload, AttachmentMetadata, Reported};
use super::{Destination, NewFile, UploadTarget};
use crate::http::{ApiFailure, FetchFailure, FetchedContent};
use crate::model::{AttachmentId, ExternalId, ObjectRef};

/// Largest number of ids in an [`AttachmentApi::list`] request: "limited to 50" in the vendor's
/// documentation of `filter[id_equals]`.
pub const MAX_IDS_PER_LIST: usize = 50;

/// Attachment under an id or an `external_id`, as a look-up finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentPresence {
    /// No attachment.
    Absent,
    /// An attachment whose bytes never came, or whose size is not reported yet.
    Pending {
        /// Id of the attachment.
        id: AttachmentId,
        /// File name and title with which the attachment was made.
        made_as: MadeNames,
    },
    /// An attachment with its bytes.
    Stored {
        /// Id of the attachment.
        id: AttachmentId,
        /// Size in bytes, as reported by the service.
        size: u64,
        /// External id and title of the attachment.
        names: AttachmentNames,
    },
    /// The answer is about another `external_id` than the requested one.
    Mismatch {
        /// The `external_id` in the answer, fit to be shown.
        external_id: String,
    },
}

impl AttachmentPresence {
    /// Returns an attachment without bytes, of which nothing but the id is known.
    pub fn pending_without_names(id: AttachmentId) -> Self {
        let made_as = MadeNames::default();
        Self::Pending { id, made_as }
    }
}

/// File name and title with which an attachment was made, as an answer reports them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MadeNames {
    /// Name of the file.
    pub file_name: Reported,
    /// Title of the attachment.
    pub title: Reported,
}

/// External id and title of an attachment, as an answer reports them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachmentNames {
    /// Key which the user chose.
    pub external_id: Reported,
    /// Title of the attachment.
    pub title: Reported,
}

/// Id by which a request addresses the attachment to update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentSelector<'a> {
    /// Id which the service gave.
    Id(&'a AttachmentId),
    /// Key which the user chose.
    ExternalId(&'a ExternalId),
}

/// New names for an attachment. A field that is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameUpdate {
    /// New title.
    pub title: Option<String>,
    /// New external id.
    pub external_id: Option<ExternalId>,
}

/// Attachment after an update of its names, as the answer reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatedAttachment {
    /// Id of the attachment.
    pub id: AttachmentId,
    /// External id and title after the update.
    pub names: AttachmentNames,
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
    pub upload_target: UploadTarget<T>,
}

/// Service which keeps attachments.
pub trait AttachmentApi: Destination {
    /// Looks up an attachment by the external id which the user chose.
    fn get_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> impl Future<Output = Result<AttachmentPresence, ApiFailure>> + Send;

    /// Looks up an attachment by the id which the service gave.
    fn get_by_id(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<AttachmentPresence, ApiFailure>> + Send;

    /// Looks up at most [`MAX_IDS_PER_LIST`] attachments with one request. The map has no entry for
    /// an id which the service leaves out.
    fn list(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure>> + Send;

    /// Creates an attachment without bytes.
    fn create(
        &self,
        new: &NewAttachment,
    ) -> impl Future<Output = Result<CreatedAttachment<Self::Target>, ApiFailure>> + Send;

    /// Requests a new upload target for an attachment, and sets the title if one is given.
    /// **Detaches the stored bytes**: only for attachments whose newest answer was
    /// [`AttachmentPresence::Pending`], and for those whose bytes the user wants to replace.
    fn renew_upload_target(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> impl Future<Output = Result<UploadTarget<Self::Target>, ApiFailure>> + Send;

    /// Changes the title, the external id, or both. The bytes stay.
    fn update_names(
        &self,
        key: AttachmentSelector<'_>,
        names: &NameUpdate,
    ) -> impl Future<Output = Result<UpdatedAttachment, ApiFailure>> + Send;

    /// Looks up at most [`MAX_IDS_PER_LIST`] attachments with one request, with all reported
    /// metadata. The map has no entry for an id which the service leaves out.
    fn list_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure>> + Send;

    /// Looks up an attachment with the address of the bytes; `None` if the attachment does not
    /// exist.
    fn get_download(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<Option<AttachmentDownload<Self::Target>>, ApiFailure>> + Send;

    /// Reads at most `most` bytes from an address and writes them to `into`, without a flush at the
    /// end. The written bytes count only if the result is [`FetchedContent::File`] or
    /// [`FetchedContent::WebPage`]. Calls `received` with the size of each piece in bytes.
    fn download(
        &self,
        place: &Self::Target,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<FetchedContent, FetchFailure>> + Send;
}
