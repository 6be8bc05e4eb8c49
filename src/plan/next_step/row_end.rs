//! The ends of the rows of attachments that follow from what is seen, without anything being sent.

use crate::model::{AttachmentId, Content};
use crate::plan::{Begun, Change, OtherObject, Posted, There};
use crate::results::{DoneAs, DoneContent, Known, Reason, Replacement, RowState};

/// The end of a row whose attachment was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEnd {
    /// The record that was begun has as many bytes as the file.
    Uploaded(AttachmentId),
    /// An attachment that nobody here is known to have made has as many bytes as the file.
    SameSize(AttachmentId),
    /// The attachment that an earlier run left is as the row wants it.
    AsLeft(There),
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
        /// The record.
        begun: Begun,
        /// Its size in bytes, as the service shows it.
        size: u64,
    },
    /// The record that was begun has another size than was sent.
    SizeMismatch {
        /// The record.
        id: AttachmentId,
        /// Its size in bytes, as the service shows it.
        size: u64,
    },
    /// The attachment that an earlier run left is not there any more, or has lost its bytes.
    Gone(There),
    /// The attachment, which was renamed to this, is not there any more, and others have its names.
    GoneSince(String),
    /// Another attachment has the `external_id` that the row's is to get.
    NewIdTaken,
    /// The attachment hangs on another object than the manifest names now.
    OnAnotherObject(There),
    /// The same of one whose bytes were being replaced.
    ReplacingElsewhere(There),
    /// A record without bytes has the row's `external_id`: of ours for this object, or of somebody
    /// else.
    Unfinished(Option<OtherObject>),
    /// The record that was begun has no bytes, and hangs on another object.
    BegunElsewhere(Begun),
    /// The answer to a look-up speaks of another `external_id`.
    Mismatch {
        /// That `external_id`.
        other: String,
        /// POSTs of the row of which nothing is known because of it.
        posted: Posted,
    },
    /// The answer about the record that was begun speaks of another one.
    OfAnother(Begun),
}

impl RowEnd {
    /// The state in the row's last line, unless its attachment still gets another name.
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
                // The line goes on saying that there may be a record.
                Posted::Perhaps => RowState::Creating(Reason::LookupMismatch),
                Posted::ForAnotherObject(_) => RowState::CreatingElsewhere,
            },
            Self::OfAnother(_) => RowState::CreatedUnheard(Reason::NoAnswer),
        }
    }
}
