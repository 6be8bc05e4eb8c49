//! The ends of rows decided from an answer about the attachment, without any request to change it.

use crate::model::{AttachmentId, CheckedContent};
use crate::plan::{BegunRecord, ChangeStage, ExistingAttachment, OtherObject, PriorCreate};
use crate::results::{
    CompletedAction, ContentMatch, KnownContent, ReplacementStage, RowState, StatusReason,
};

/// End of a row whose attachment was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowEnd {
    /// The begun record has as many bytes as the file.
    Uploaded(AttachmentId),
    /// An attachment not known to be made by us has as many bytes as the file.
    SameSize(AttachmentId),
    /// The attachment left by an earlier run matches the row.
    AlreadyRight(ExistingAttachment),
    /// Other content is stored, and stays because the user wants so.
    KeptExisting {
        /// Id of the attachment.
        id: AttachmentId,
        /// Knowledge about the stored content.
        known_content: KnownContent,
    },
    /// Content of another size is stored.
    StoredOtherSize {
        /// Id of the attachment.
        id: AttachmentId,
        /// Size in bytes, as reported by the service.
        size: u64,
    },
    /// The file has changed since the upload by an earlier run.
    FileChanged {
        /// Id of the attachment.
        id: AttachmentId,
        /// The stored content.
        stored: CheckedContent,
    },
    /// The begun record has bytes, sent before the file or the object was changed.
    StoredBeforeTheChange {
        /// The record.
        begun: BegunRecord,
        /// Size in bytes, as reported by the service.
        size: u64,
    },
    /// The begun record has another size than was sent.
    SizeMismatch {
        /// Id of the record.
        id: AttachmentId,
        /// Size in bytes, as reported by the service.
        size: u64,
    },
    /// The attachment left by an earlier run does not exist any more, or has lost its bytes.
    Gone(ExistingAttachment),
    /// The attachment, renamed to this `external_id`, does not exist any more, and others have its
    /// names.
    GoneAfterRename(String),
    /// Another attachment has the row's new `external_id`.
    NewIdTaken,
    /// The attachment hangs on another object than the manifest names now.
    OnOtherObject(ExistingAttachment),
    /// The attachment hangs on another object, and is in the middle of a replacement.
    ReplacingOnOtherObject(ExistingAttachment),
    /// A record without bytes has the row's `external_id`: our own record for the given object, or,
    /// for `None`, a record not known to be ours.
    RecordWithoutBytes(Option<OtherObject>),
    /// The begun record has no bytes, and hangs on another object.
    BegunOnOtherObject(BegunRecord),
    /// The answer to a look-up speaks of another `external_id`.
    LookUpMismatch {
        /// The other `external_id`.
        other_external_id: String,
        /// Earlier POSTs of the row, whose outcome stays unknown.
        prior_create: PriorCreate,
    },
    /// The answer about the begun record speaks of another record.
    AnswerAboutAnother(BegunRecord),
}

impl RowEnd {
    /// Returns the state for the row's last line, unless the attachment still gets another name.
    pub fn state(&self) -> RowState {
        let done = |done_as| RowState::Done(done_as, ContentMatch::AsVerified);
        match self {
            Self::Uploaded(_) => done(CompletedAction::Uploaded),
            Self::SameSize(_) => done(CompletedAction::Skipped),
            Self::AlreadyRight(there) => match (there.change_stage, there.content_match) {
                (
                    ChangeStage::NotBegun | ChangeStage::NameSent,
                    ContentMatch::SameWhenDownloaded,
                ) => RowState::Done(there.completed_action, ContentMatch::SameWhenDownloaded),
                (ChangeStage::NotBegun | ChangeStage::NameSent, _) => done(there.completed_action),
                (
                    ChangeStage::ReleaseRequested
                    | ChangeStage::Released
                    | ChangeStage::NewBytesSent,
                    _,
                ) => done(CompletedAction::Uploaded),
            },
            Self::KeptExisting { .. } => {
                RowState::Done(CompletedAction::Skipped, ContentMatch::KeptExisting)
            }
            Self::StoredOtherSize { .. } => RowState::Conflict(StatusReason::StoredOtherSize),
            Self::FileChanged { .. } => RowState::Conflict(StatusReason::FileChanged),
            Self::StoredBeforeTheChange { begun, .. } => match begun.other_object {
                Some(_) => RowState::ConflictOnOtherObject,
                None => RowState::Conflict(StatusReason::FileChanged),
            },
            Self::Gone(_) | Self::GoneAfterRename(_) => RowState::Conflict(StatusReason::Gone),
            Self::NewIdTaken => RowState::Conflict(StatusReason::NewIdTaken),
            Self::OnOtherObject(_) => RowState::ConflictOnOtherObject,
            Self::SizeMismatch { .. } => RowState::Failed(StatusReason::SizeMismatch),
            Self::ReplacingOnOtherObject(_) => {
                RowState::Replacing(ReplacementStage::Released(StatusReason::ObjectChanged))
            }
            Self::RecordWithoutBytes(Some(_)) | Self::BegunOnOtherObject(_) => {
                RowState::UnfinishedOnOtherObject
            }
            Self::RecordWithoutBytes(None) => RowState::NotBegun(StatusReason::PendingElsewhere),
            Self::LookUpMismatch {
                prior_create: posted,
                ..
            } => match posted {
                PriorCreate::NoneUnanswered => RowState::Failed(StatusReason::LookupMismatch),
                // The line keeps saying that a record may exist.
                PriorCreate::Unanswered => RowState::Creating(StatusReason::LookupMismatch),
                PriorCreate::UnansweredWithoutLookUp => RowState::CreatingWithoutLookUp,
                PriorCreate::UnansweredForOtherObject(_) => RowState::CreatingOnOtherObject,
            },
            Self::AnswerAboutAnother(_) => RowState::CreatedThenUnknown(StatusReason::NoAnswer),
        }
    }
}
