//! The decisions about an existing attachment: replacement and renaming, on request of the user.

use super::{OtherObject, other_object_of};
use crate::destination::AttachmentNames;
use crate::destination::attachment_metadata::Reported;
use crate::manifest::ManifestRow;
use crate::model::{AttachmentId, CheckedContent, ExternalId};
use crate::results::{
    AttachmentChanges, CompletedAction, ContentMatch, FormerContent, KnownContent,
    ReplacementStage, ResultsEntry, RowState, VerifiedBy,
};

/// Policy of the user for existing attachments unlike their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdatePolicy {
    /// Policy for other content.
    pub on_conflict: ConflictPolicy,
    /// Policy for other titles.
    pub title_policy: TitlePolicy,
}

/// Policy for an attachment with other content than its row's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictPolicy {
    /// The content stays, and the row is not done.
    #[default]
    Fail,
    /// The content stays, and the row is done.
    Skip,
    /// The attachment gets the content of the file.
    Replace,
}

/// Policy for an attachment with another title than its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TitlePolicy {
    /// The title stays.
    #[default]
    Leave,
    /// The attachment gets the title of the row, where the row has a title.
    Update,
}

impl UpdatePolicy {
    /// Returns the title for a row's attachment; `None` where the user wants none, or the row has
    /// none.
    pub fn title(self, row: &ManifestRow) -> Option<&str> {
        match self.title_policy {
            TitlePolicy::Leave => None,
            TitlePolicy::Update => row.title.as_deref(),
        }
    }
}

/// An attachment left by earlier runs, with its bytes or in the middle of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingAttachment {
    /// Id of the attachment.
    pub id: AttachmentId,
    /// Knowledge about the content in the row's line: the stored content, or the content to be
    /// stored.
    pub known_content: KnownContent,
    /// Evidence for the content.
    pub verified_by: VerifiedBy,
    /// Action in the row's line, unless something further is changed.
    pub completed_action: CompletedAction,
    /// Relation of the stored content to the file.
    pub content_match: ContentMatch,
    /// Object of the attachment; `None` for the object in the present manifest.
    pub other_object: Option<OtherObject>,
    /// Stage of an earlier run's change.
    pub change_stage: ChangeStage,
}

/// Stage of an earlier run's change to an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeStage {
    /// No change was begun.
    NotBegun,
    /// A new name was sent, and the request may still arrive.
    NameSent,
    /// The release of the old bytes was requested, and the request may still arrive.
    ReleaseRequested,
    /// The old bytes were released, and no new bytes are known to have been sent.
    Released,
    /// New bytes were sent, and the service did not report their size.
    NewBytesSent,
}

impl ExistingAttachment {
    /// Returns the attachment in the earlier line of a row; `None` for a line without an attachment
    /// to keep or to change.
    pub(super) fn from_entry(row: &ManifestRow, earlier_entry: &ResultsEntry) -> Option<Self> {
        let state = earlier_entry.state();
        let by_verified = match earlier_entry.verified_by {
            VerifiedBy::Nothing => CompletedAction::Skipped,
            VerifiedBy::Size | VerifiedBy::Etag => CompletedAction::Uploaded,
        };
        let (done_as, content) = match state {
            RowState::Done(done_as, content) => (done_as, content),
            _ => (by_verified, ContentMatch::AsVerified),
        };
        Some(Self {
            id: earlier_entry.attachment_id.clone()?,
            known_content: earlier_entry.known_content,
            verified_by: earlier_entry.verified_by,
            completed_action: done_as,
            content_match: content,
            other_object: other_object_of(row, earlier_entry),
            change_stage: ChangeStage::from_row_state(&state)?,
        })
    }

    /// True if nothing but the size of the stored content was ever seen.
    pub fn only_size_is_known(&self) -> bool {
        only_size_is_known(self.verified_by, Some(self.content_match))
    }

    /// True if the user has let other content stay.
    pub fn keeps_existing_content(&self) -> bool {
        self.content_match == ContentMatch::KeptExisting
    }
}

impl ChangeStage {
    /// Returns the stage of a change from the state of its row; `None` unless the row has an
    /// attachment with bytes, or with bytes in the middle of a replacement.
    fn from_row_state(state: &RowState) -> Option<Self> {
        match state {
            RowState::Replacing(ReplacementStage::ReleaseRequested) => Some(Self::ReleaseRequested),
            RowState::Replacing(ReplacementStage::Released(_)) => Some(Self::Released),
            RowState::Replacing(ReplacementStage::NewBytesSent) => Some(Self::NewBytesSent),
            RowState::ChangingName(_) => Some(Self::NameSent),
            RowState::Done(..) | RowState::Conflict(_) | RowState::ConflictOnOtherObject => {
                Some(Self::NotBegun)
            }
            _ => None,
        }
    }
}

/// True if nothing but the size of the stored content was ever seen: consign neither sent the
/// content nor looked at it.
pub(super) fn only_size_is_known(verified: VerifiedBy, content: Option<ContentMatch>) -> bool {
    verified == VerifiedBy::Nothing && content != Some(ContentMatch::SameWhenDownloaded)
}

/// True if an attachment may need another name than in its earlier line.
pub(super) fn may_need_name_change(
    row: &ManifestRow,
    earlier_entry: &ResultsEntry,
    update_policy: UpdatePolicy,
) -> bool {
    let id = row.new_external_id.as_ref().map(ExternalId::as_str);
    let is_renamed = id.is_none() || id == earlier_entry.changes.renamed_to.as_deref();
    !is_renamed || update_policy.title(row).is_some()
}

/// Meaning of the present size of an attachment left by earlier runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExistingAttachmentFinding {
    /// The attachment is gone, or has lost its bytes, and not because of us.
    Gone,
    /// The attachment went after the release of its bytes: another attachment may be made.
    GoneAfterRelease,
    /// The attachment has no bytes after their release: the new bytes are to be sent.
    NoBytesAfterRelease,
    /// The new bytes were sent, and are not reported yet.
    SizePending,
    /// The attachment holds the content of the row's file.
    FileContent,
    /// The attachment holds other content.
    OtherContent {
        /// Size in bytes.
        size: u64,
        /// The content in full; `None` for content not sent by us.
        our_content: Option<CheckedContent>,
    },
    /// Only a download can decide about the content of the attachment.
    UnknownUntilRead,
}

/// Answer to a question about the bytes of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentBytes<B> {
    /// The attachment does not exist.
    NoAttachment,
    /// The attachment has no bytes.
    NoBytes,
    /// The attachment has bytes, with the given property.
    Bytes(B),
}

/// Decides the meaning of the present size of an attachment left by earlier runs.
pub(super) fn classify_existing_attachment(
    size: AttachmentBytes<u64>,
    existing: &ExistingAttachment,
    former: Option<&FormerContent>,
    content: &CheckedContent,
) -> ExistingAttachmentFinding {
    let is_same = |then: &CheckedContent| then.sha256 == content.sha256;
    let then = existing.known_content.content();
    let in_hand = |size, then: CheckedContent| {
        if is_same(&then) {
            ExistingAttachmentFinding::FileContent
        } else {
            // An equal number of bytes did not prove that the bytes were those of the file then.
            let ours = Some(then).filter(|_| !existing.only_size_is_known());
            ExistingAttachmentFinding::OtherContent {
                size,
                our_content: ours,
            }
        }
    };
    match (existing.change_stage, size) {
        (
            ChangeStage::NotBegun | ChangeStage::NameSent,
            AttachmentBytes::NoAttachment | AttachmentBytes::NoBytes,
        ) => ExistingAttachmentFinding::Gone,
        (ChangeStage::NotBegun | ChangeStage::NameSent, AttachmentBytes::Bytes(size)) => match then
        {
            Some(then) if then.stamp.size == size => in_hand(size, then),
            _ => ExistingAttachmentFinding::OtherContent {
                size,
                our_content: None,
            },
        },
        (_, AttachmentBytes::NoAttachment) => ExistingAttachmentFinding::GoneAfterRelease,
        (ChangeStage::NewBytesSent, AttachmentBytes::NoBytes)
            if then.as_ref().is_some_and(is_same) =>
        {
            ExistingAttachmentFinding::SizePending
        }
        (_, AttachmentBytes::NoBytes) => ExistingAttachmentFinding::NoBytesAfterRelease,
        (change, AttachmentBytes::Bytes(size)) => {
            let is_old = former.is_none_or(|former| former.size == size);
            match then {
                None => ExistingAttachmentFinding::UnknownUntilRead,
                Some(then) if then.stamp.size == size && is_old => {
                    ExistingAttachmentFinding::UnknownUntilRead
                }
                Some(then) if then.stamp.size == size => in_hand(size, then),
                Some(then) if is_old && change == ChangeStage::NewBytesSent && is_same(&then) => {
                    ExistingAttachmentFinding::SizePending
                }
                Some(_) => ExistingAttachmentFinding::OtherContent {
                    size,
                    our_content: None,
                },
            }
        }
    }
}

/// Next change of a name of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextNameChange {
    /// The attachment gets another title.
    Title {
        /// Present title, fit to be shown.
        from: Option<String>,
        /// New title.
        to: String,
    },
    /// The attachment gets another `external_id`.
    ExternalId {
        /// Present `external_id`.
        from: ExternalId,
        /// New `external_id`.
        to: ExternalId,
    },
    /// The attachment has this `external_id`, fit to be shown, and no run of ours gave it.
    UnexpectedExternalId(String),
}

/// Decides the next change of a name of an attachment whose content is right; `None` where no
/// change is left. The title comes first, because requests for titles go by the service's own id.
pub fn next_name_change(
    row: &ManifestRow,
    update_policy: UpdatePolicy,
    names: &AttachmentNames,
    changes: &AttachmentChanges,
) -> Option<NextNameChange> {
    if let Some(title) = update_policy.title(row)
        && names.title.value() != Some(title)
    {
        return Some(NextNameChange::Title {
            from: names.title.redacted().map(ToOwned::to_owned),
            to: title.to_owned(),
        });
    }
    let to = row.new_external_id.as_ref()?;
    let renamed = changes.renamed_to.as_deref();
    let from = match &names.external_id {
        Reported::Text { value, .. } if *value == *to.as_str() => return None,
        Reported::Text { value, .. } if *value == *row.external_id.as_str() => {
            row.external_id.clone()
        }
        Reported::Text {
            value,
            redacted: words,
        } => match ExternalId::parse(value) {
            Ok(id) if renamed == Some(value) => id,
            _ => return Some(NextNameChange::UnexpectedExternalId(words.clone())),
        },
        // The attachment was found under the row's `external_id`, or an earlier run renamed it.
        Reported::NotReported | Reported::Null => match renamed.map(ExternalId::parse) {
            Some(Ok(id)) => id,
            _ => row.external_id.clone(),
        },
    };
    (from != *to).then(|| NextNameChange::ExternalId {
        from,
        to: to.clone(),
    })
}

/// Returns the greatest change made on request; `None` where nothing was changed.
pub fn greatest_requested_change(changes: &AttachmentChanges) -> Option<CompletedAction> {
    if changes.replaced.is_some() {
        Some(CompletedAction::Replaced)
    } else if changes.renamed_to.is_some() {
        Some(CompletedAction::Renamed)
    } else if changes.previous_title.is_some() {
        Some(CompletedAction::Updated)
    } else {
        None
    }
}

/// Bytes of an attachment in the middle of a replacement: seen just before the release of the old
/// bytes, or when the outcome of the release is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BytesDuringReplacement {
    /// The attachment has no bytes.
    NoBytes,
    /// The attachment still has the old bytes.
    Old,
    /// The attachment has as many bytes as the new content, and the old content had another number.
    New,
    /// Only a download can decide about the bytes.
    Unclear,
    /// The attachment has other bytes.
    Other,
}

/// Bytes about to be replaced, as observed at the time of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldContent {
    /// Number of bytes.
    pub size: u64,
    /// Word of the service that changes with the bytes.
    pub uploaded_at: Reported,
}

/// Decides which bytes an attachment has in the middle of a replacement. `sent` is true if new
/// bytes may have been sent, which matters where new bytes cannot be distinguished from others.
pub fn classify_bytes_during_replacement(
    (size, uploaded_at): (Option<u64>, &Reported),
    old: &OldContent,
    new: &CheckedContent,
    sent: bool,
) -> BytesDuringReplacement {
    let Some(size) = size else {
        return BytesDuringReplacement::NoBytes;
    };
    let tells_them_apart = *uploaded_at != Reported::NotReported;
    let is_old = size == old.size && *uploaded_at == old.uploaded_at;
    let is_new = sent && size == new.stamp.size;
    match (is_old, is_new) {
        (true, false) => BytesDuringReplacement::Old,
        (true, true) if tells_them_apart => BytesDuringReplacement::Old,
        (true, true) => BytesDuringReplacement::Unclear,
        (false, true) if size == old.size => BytesDuringReplacement::Unclear,
        (false, true) => BytesDuringReplacement::New,
        (false, false) => BytesDuringReplacement::Other,
    }
}
