//! The ends of rows decided from an answer about the attachment, without any request to change it.

use crate::model::{AttachmentId, Content};
use crate::plan::{Begun, Change, OtherObject, Posted, There};
use crate::results::{DoneAs, DoneContent, Known, Reason, Replacement, RowState};

/// End of a row whose attachment was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEnd {
    /// The begun record has as many bytes as the file.
    Uploaded(AttachmentId),
    /// An attachment not known to be made by us has as many bytes as the file.
    SameSize(AttachmentId),
    /// The attachment left by an earlier run matches the row.
    AsLeft(There),
    /// Other content is stored, and stays because the user wants so.
    Kept {
        /// Id of the attachment.
        id: AttachmentId,
        /// Knowledge about the stored content.
        known: Known,
    },
    /// Content of another size is stored.
    StoredOtherSize {
        /// Id of the attachment.
        id: AttachmentId,
        /// Size in bytes, as the service shows it.
        size: u64,
    },
    /// The file has changed since the upload by an earlier run.
    FileChanged {
        /// Id of the attachment.
        id: AttachmentId,
        /// The stored content.
        stored: Content,
    },
    /// The begun record has bytes, sent before the file or the object was changed.
    StoredBeforeTheChange {
        /// The record.
        begun: Begun,
        /// Size in bytes, as the service shows it.
        size: u64,
    },
    /// The begun record has another size than was sent.
    SizeMismatch {
        /// Id of the record.
        id: AttachmentId,
        /// Size in bytes, as the service shows it.
        size: u64,
    },
    /// The attachment left by an earlier run does not exist any more, or has lost its bytes.
    Gone(There),
    /// The attachment, renamed to this `external_id`, does not exist any more, and others have its
    /// names.
    GoneSince(String),
    /// Another attachment has the row's new `external_id`.
    NewIdTaken,
    /// The attachment hangs on another object than the manifest names now.
    OnAnotherObject(There),
    /// The attachment hangs on another object, and is in the middle of a replacement.
    ReplacingElsewhere(There),
    /// A record without bytes has the row's `external_id`: our own record for the given object, or,
    /// for `None`, a record not known to be ours.
    Unfinished(Option<OtherObject>),
    /// The begun record has no bytes, and hangs on another object.
    BegunElsewhere(Begun),
    /// The answer to a look-up speaks of another `external_id`.
    Mismatch {
        /// The other `external_id`.
        other: String,
        /// Earlier POSTs of the row, whose outcome stays unknown.
        posted: Posted,
    },
    /// The answer about the begun record speaks of another record.
    OfAnother(Begun),
}

impl RowEnd {
    /// Returns the state for the row's last line, unless the attachment still gets another name.
    pub fn state(&self) -> RowState {
        let done = |done_as| RowState::Done(done_as, DoneContent::AsVerified);
        match self {
            Self::Uploaded(_) => done(DoneAs::Uploaded),
            Self::SameSize(_) => done(DoneAs::Skipped),
            Self::AsLeft(there) => match (there.change, there.content) {
                (Change::None | Change::Names, DoneContent::Downloaded) => {
                    RowState::Done(there.done_as, DoneContent::Downloaded)
                }
                (Change::None | Change::Names, _) => done(there.done_as),
                (Change::LettingGo | Change::LetGo | Change::Sent, _) => done(DoneAs::Uploaded),
            },
            Self::Kept { .. } => RowState::Done(DoneAs::Skipped, DoneContent::KeptExisting),
            Self::StoredOtherSize { .. } => RowState::Conflict(Reason::StoredOtherSize),
            Self::FileChanged { .. } => RowState::Conflict(Reason::FileChanged),
            Self::StoredBeforeTheChange { begun, .. } => match begun.elsewhere {
                Some(_) => RowState::ConflictElsewhere,
                None => RowState::Conflict(Reason::FileChanged),
            },
            Self::Gone(_) | Self::GoneSince(_) => RowState::Conflict(Reason::Gone),
            Self::NewIdTaken => RowState::Conflict(Reason::NewIdTaken),
            Self::OnAnotherObject(_) => RowState::ConflictElsewhere,
            Self::SizeMismatch { .. } => RowState::Failed(Reason::SizeMismatch),
            Self::ReplacingElsewhere(_) => {
                RowState::Replacing(Replacement::LetGo(Reason::ObjectChanged))
            }
            Self::Unfinished(Some(_)) | Self::BegunElsewhere(_) => RowState::UnfinishedElsewhere,
            Self::Unfinished(None) => RowState::Unbegun(Reason::PendingElsewhere),
            Self::Mismatch { posted, .. } => match posted {
                Posted::No => RowState::Failed(Reason::LookupMismatch),
                // The line goes on saying that a record may exist.
                Posted::Perhaps => RowState::Creating(Reason::LookupMismatch),
                Posted::ForAnotherObject(_) => RowState::CreatingElsewhere,
            },
            Self::OfAnother(_) => RowState::CreatedUnheard(Reason::NoAnswer),
        }
    }
}
