//! The ends of the rows of attachments that follow from what is seen, without anything being sent.

use crate::model::{AttachmentId, Content};
use crate::plan::{OtherObject, Posted};
use crate::results::{Known, Reason, Status};

/// The end of a row whose attachment was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEnd {
    /// The record that was begun has as many bytes as the file.
    Uploaded(AttachmentId),
    /// An attachment that nobody here is known to have made has as many bytes as the file.
    SameSize(AttachmentId),
    /// The attachment that an earlier run left is as the row wants it.
    AsLeft {
        /// The attachment.
        id: AttachmentId,
        /// The status of the row, where nothing else is changed.
        status: Status,
    },
    /// Other content is stored, and stays because the user wants so.
    Kept {
        /// The attachment.
        id: AttachmentId,
        /// The content.
        known: Known,
    },
    /// Content of another size is stored.
    StoredOtherSize {
        /// The attachment.
        id: AttachmentId,
        /// Its size in bytes, as the service shows it.
        size: u64,
    },
    /// The file has changed since an earlier run stored it.
    FileChanged {
        /// The attachment.
        id: AttachmentId,
        /// The content that is stored.
        stored: Content,
    },
    /// The record that was begun has its bytes, and the file or the object was another one then.
    StoredBeforeTheChange {
        /// Its size in bytes, as the service shows it.
        size: u64,
        /// Whether it hangs on another object than the manifest names now.
        is_elsewhere: bool,
    },
    /// The record that was begun has another size than was sent.
    SizeMismatch {
        /// The record.
        id: AttachmentId,
        /// Its size in bytes, as the service shows it.
        size: u64,
    },
    /// The attachment that an earlier run left is not there any more, or has lost its bytes.
    Gone,
    /// The attachment, which was renamed to this, is not there any more, and others have its names.
    GoneSince(String),
    /// Another attachment has the `external_id` that the row's is to get.
    NewIdTaken,
    /// The attachment hangs on another object than the manifest names now.
    OnAnotherObject,
    /// The same of one whose bytes were being replaced.
    ReplacingElsewhere,
    /// A record without bytes has the row's `external_id`: of ours for this object, or of somebody
    /// else.
    Unfinished(Option<OtherObject>),
    /// The record that was begun has no bytes, and hangs on another object.
    BegunElsewhere,
    /// The answer to a look-up speaks of another `external_id`.
    Mismatch {
        /// That `external_id`.
        other: String,
        /// POSTs of the row of which nothing is known because of it.
        posted: Posted,
    },
    /// The answer about the record that was begun speaks of another one.
    OfAnother,
}

impl RowEnd {
    /// The status of the row's last line, unless its attachment still gets another name.
    pub fn status(&self) -> Status {
        match self {
            Self::Uploaded(_) => Status::Uploaded,
            Self::SameSize(_) | Self::Kept { .. } => Status::Skipped,
            Self::AsLeft { status, .. } => *status,
            Self::StoredOtherSize { .. }
            | Self::FileChanged { .. }
            | Self::StoredBeforeTheChange { .. }
            | Self::Gone
            | Self::GoneSince(_)
            | Self::NewIdTaken
            | Self::OnAnotherObject => Status::Conflict,
            Self::SizeMismatch { .. } => Status::Failed,
            Self::ReplacingElsewhere => Status::Replacing,
            Self::Unfinished(_) | Self::BegunElsewhere => Status::Pending,
            Self::Mismatch { posted, .. } => match posted {
                Posted::No => Status::Failed,
                // The line goes on saying that there may be a record.
                Posted::Perhaps | Posted::ForAnotherObject(_) => Status::Creating,
            },
            Self::OfAnother => Status::Created,
        }
    }

    /// The reason in the row's last line, where the row is not done.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Uploaded(_) | Self::SameSize(_) | Self::AsLeft { .. } => Reason::None,
            Self::Kept { .. } => Reason::KeptExisting,
            Self::StoredOtherSize { .. } => Reason::StoredOtherSize,
            Self::FileChanged { .. } => Reason::FileChanged,
            Self::StoredBeforeTheChange { is_elsewhere, .. } => {
                if *is_elsewhere {
                    Reason::ObjectChanged
                } else {
                    Reason::FileChanged
                }
            }
            Self::SizeMismatch { .. } => Reason::SizeMismatch,
            Self::Gone | Self::GoneSince(_) => Reason::Gone,
            Self::NewIdTaken => Reason::NewIdTaken,
            Self::OnAnotherObject | Self::ReplacingElsewhere | Self::BegunElsewhere => {
                Reason::ObjectChanged
            }
            Self::Unfinished(Some(_)) => Reason::ObjectChanged,
            Self::Unfinished(None) => Reason::PendingElsewhere,
            Self::Mismatch { posted, .. } => match posted {
                Posted::ForAnotherObject(_) => Reason::ObjectChanged,
                Posted::No | Posted::Perhaps => Reason::LookupMismatch,
            },
            Self::OfAnother => Reason::NoAnswer,
        }
    }
}
