//! The next step for the row of an attachment, decided from a look-up or an answer.
//!
//! An import carries the step out, and a dry run reports the step. Neither decides anything, so the
//! import does what the dry run says. The module stops at the step: requests, names and lines are
//! left to `pipeline`.

mod row_end;

use super::existing_attachment::{ExistingAttachmentFinding, classify_existing_attachment};
use super::record_findings::{
    BegunRecordFinding, LookUpFinding, classify_begun_record, classify_look_up,
};
use super::{
    AttachmentBytes, BegunRecord, ChangeStage, ConflictPolicy, ExistingAttachment, PriorCreate,
    UpdatePolicy,
};
use crate::destination::AttachmentPresence;
use crate::manifest::ManifestRow;
use crate::model::{AttachmentId, CheckedContent, Sha256Digest};
use crate::results::{AttachmentChanges, KnownContent};

pub use row_end::RowEnd;

/// Evidence about the attachment of a row.
#[derive(Debug)]
pub enum AttachmentEvidence<'a> {
    /// Look-ups by the names of the row.
    LookUps {
        /// The attachment with the row's `external_id`.
        under_current_id: &'a AttachmentPresence,
        /// The attachment with the row's new `external_id`. Absent where the row keeps its
        /// `external_id`, and where [`needs_look_up_by_new_id`] asks for no look-up.
        under_new_id: &'a AttachmentPresence,
        /// Earlier POSTs of the row, one of which may have made the record found.
        prior_create: &'a PriorCreate,
    },
    /// An answer about the record begun for the row.
    BegunRecordAnswer {
        /// The answer.
        presence: &'a AttachmentPresence,
        /// The record.
        begun: &'a BegunRecord,
    },
    /// An answer about the attachment left by an earlier run.
    ExistingAttachmentSize {
        /// Number of bytes, as reported by the service.
        size: AttachmentBytes<u64>,
        /// The attachment.
        attachment: &'a ExistingAttachment,
    },
    /// The downloaded bytes of the attachment left by an earlier run.
    ExistingAttachmentBytes {
        /// Number and digest of the bytes.
        bytes: AttachmentBytes<(u64, Sha256Digest)>,
        /// The attachment.
        attachment: &'a ExistingAttachment,
    },
}

/// Facts about a row, besides the evidence about its attachment.
#[derive(Debug, Clone, Copy)]
pub struct RowFacts<'a> {
    /// The row.
    pub row: &'a ManifestRow,
    /// Content of the row's file.
    pub content: &'a CheckedContent,
    /// Changes made on request by earlier runs.
    pub changes: &'a AttachmentChanges,
    /// Policy of the user.
    pub update_policy: UpdatePolicy,
}

/// Next step for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// A look-up by the row's names: the record begun for the row is gone.
    LookUp,
    /// A new record. After a POST whose answer was lost, more than one look-up has to find nothing
    /// before.
    Create,
    /// A new upload address and the bytes of the row's file, for this record without bytes.
    SendFile(BegunRecord),
    /// A wait until the service reports the size of the sent bytes.
    ConfirmSize(AttachmentId),
    /// A download, because only the stored bytes decide about the content of the attachment.
    ReadBytes(ExistingAttachment),
    /// A download, and a replacement unless the stored bytes are the bytes of the file. Both have
    /// the same number of bytes.
    ReplaceUnlessSame(AttachmentId),
    /// A replacement of the stored content.
    Replace {
        /// Id of the attachment.
        id: AttachmentId,
        /// Number of bytes about to be replaced.
        size: u64,
        /// The stored content in full; `None` for content not sent by us.
        our_content: Option<CheckedContent>,
    },
    /// No step: the row ends.
    End(RowEnd),
}

impl From<RowEnd> for NextStep {
    fn from(end: RowEnd) -> Self {
        Self::End(end)
    }
}

impl NextStep {
    /// True if the attachment holds content of unknown origin: no run of ours is known to have sent
    /// it.
    pub fn finds_foreign_content(&self) -> bool {
        matches!(
            self,
            Self::Replace {
                our_content: None,
                ..
            } | Self::End(
                RowEnd::StoredOtherSize { .. }
                    | RowEnd::KeptExisting {
                        known_content: KnownContent::Size(_),
                        ..
                    }
            )
        )
    }
}

/// Decides the next step for a row.
pub fn next_step(sighting: &AttachmentEvidence<'_>, row: RowFacts<'_>) -> NextStep {
    match sighting {
        AttachmentEvidence::LookUps {
            under_current_id: present,
            under_new_id: under_new,
            prior_create: posted,
        } => after_look_ups(present, under_new, posted, row),
        AttachmentEvidence::BegunRecordAnswer { presence, begun } => {
            after_begun_record_answer(presence, begun, row)
        }
        AttachmentEvidence::ExistingAttachmentSize {
            size,
            attachment: there,
        } => after_existing_attachment_size(*size, there, row),
        AttachmentEvidence::ExistingAttachmentBytes {
            bytes,
            attachment: there,
        } => after_existing_attachment_bytes(*bytes, there, row),
    }
}

/// True if the attachment under a row's new `external_id` counts beside the attachment under the
/// present one. Where the present `external_id` is taken and no replacement is due, the new
/// `external_id` is looked up anyway before the renaming.
pub fn needs_look_up_by_new_id(present: &AttachmentPresence, update_policy: UpdatePolicy) -> bool {
    matches!(present, AttachmentPresence::Absent)
        || update_policy.on_conflict == ConflictPolicy::Replace
}

fn after_look_ups(
    present: &AttachmentPresence,
    under_new: &AttachmentPresence,
    prior_create: &PriorCreate,
    row: RowFacts<'_>,
) -> NextStep {
    let is_there = !matches!(present, AttachmentPresence::Absent);
    let is_new_there = !matches!(under_new, AttachmentPresence::Absent)
        && needs_look_up_by_new_id(present, row.update_policy);
    // The row's attachment had a new name, and is gone: an attachment with one of its names now is
    // another one.
    if let Some(renamed) = row
        .changes
        .renamed_to
        .as_ref()
        .filter(|_| is_there || is_new_there)
    {
        return RowEnd::GoneAfterRename(renamed.clone()).into();
    }
    match (is_there, is_new_there) {
        (true, true) => RowEnd::NewIdTaken.into(),
        // No POST of ours can be the reason for a record under the new name.
        (false, true) => after_finding(under_new, &PriorCreate::NoneUnanswered, row),
        (_, false) => after_finding(present, prior_create, row),
    }
}

fn after_finding(
    presence: &AttachmentPresence,
    prior_create: &PriorCreate,
    row: RowFacts<'_>,
) -> NextStep {
    match classify_look_up(presence, prior_create, row.content, row.row) {
        LookUpFinding::Nothing => NextStep::Create,
        LookUpFinding::Ours(id) => {
            NextStep::SendFile(BegunRecord::with_content(id, row.row, *row.content))
        }
        LookUpFinding::Unfinished(elsewhere) => RowEnd::RecordWithoutBytes(elsewhere).into(),
        // An equal number of bytes does not prove equal bytes.
        LookUpFinding::SameSize(id) if replaces_content(row.update_policy) => {
            NextStep::ReplaceUnlessSame(id)
        }
        LookUpFinding::SameSize(id) => RowEnd::SameSize(id).into(),
        LookUpFinding::OtherSize(id, size) => on_other_content(id, size, None, row),
        LookUpFinding::Mismatch(other) => RowEnd::LookUpMismatch {
            other_external_id: other,
            prior_create: prior_create.clone(),
        }
        .into(),
    }
}

fn after_begun_record_answer(
    presence: &AttachmentPresence,
    begun: &BegunRecord,
    row: RowFacts<'_>,
) -> NextStep {
    let (id, ours) = (begun.id.clone(), || begun.clone());
    match classify_begun_record(presence, begun, row.content) {
        BegunRecordFinding::Gone => NextStep::LookUp,
        BegunRecordFinding::NoBytes => NextStep::SendFile(ours()),
        BegunRecordFinding::Sent => NextStep::ConfirmSize(id),
        BegunRecordFinding::NoBytesOnOtherObject => RowEnd::BegunOnOtherObject(ours()).into(),
        BegunRecordFinding::Stored(size) if size == row.content.stamp.size => {
            RowEnd::Uploaded(id).into()
        }
        BegunRecordFinding::Stored(size) => RowEnd::SizeMismatch { id, size }.into(),
        BegunRecordFinding::StoredBeforeTheChange(size) => {
            let begun = ours();
            RowEnd::StoredBeforeTheChange { begun, size }.into()
        }
        BegunRecordFinding::Mismatch => RowEnd::AnswerAboutAnother(ours()).into(),
    }
}

fn after_existing_attachment_size(
    size: AttachmentBytes<u64>,
    existing: &ExistingAttachment,
    row: RowFacts<'_>,
) -> NextStep {
    let id = existing.id.clone();
    let finding =
        classify_existing_attachment(size, existing, row.changes.replaced.as_ref(), row.content);
    let is_gone = matches!(
        finding,
        ExistingAttachmentFinding::Gone | ExistingAttachmentFinding::GoneAfterRelease
    );
    if existing.other_object.is_some() && !is_gone {
        return match existing.change_stage {
            ChangeStage::NotBegun | ChangeStage::NameSent => {
                RowEnd::OnOtherObject(existing.clone()).into()
            }
            ChangeStage::ReleaseRequested | ChangeStage::Released | ChangeStage::NewBytesSent => {
                RowEnd::ReplacingOnOtherObject(existing.clone()).into()
            }
        };
    }
    match finding {
        ExistingAttachmentFinding::Gone => RowEnd::Gone(existing.clone()).into(),
        ExistingAttachmentFinding::GoneAfterRelease => NextStep::LookUp,
        ExistingAttachmentFinding::NoBytesAfterRelease => {
            NextStep::SendFile(as_begun_record(existing, row.row))
        }
        ExistingAttachmentFinding::SizePending => NextStep::ConfirmSize(id),
        // An equal number of bytes does not prove equal bytes.
        ExistingAttachmentFinding::FileContent
            if existing.only_size_is_known() && replaces_content(row.update_policy) =>
        {
            NextStep::ReplaceUnlessSame(id)
        }
        ExistingAttachmentFinding::FileContent => RowEnd::AlreadyRight(existing.clone()).into(),
        ExistingAttachmentFinding::OtherContent {
            size,
            our_content: ours,
        } => on_other_content_of_existing(existing, size, ours, row),
        ExistingAttachmentFinding::UnknownUntilRead => NextStep::ReadBytes(existing.clone()),
    }
}

/// Decides by the stored bytes, because nothing else decides if the run before stored the new
/// bytes.
fn after_existing_attachment_bytes(
    bytes: AttachmentBytes<(u64, Sha256Digest)>,
    existing: &ExistingAttachment,
    row: RowFacts<'_>,
) -> NextStep {
    match bytes {
        AttachmentBytes::NoAttachment => NextStep::LookUp,
        AttachmentBytes::NoBytes => NextStep::SendFile(as_begun_record(existing, row.row)),
        AttachmentBytes::Bytes((_, sha256)) if sha256 == row.content.sha256 => {
            RowEnd::AlreadyRight(existing.clone()).into()
        }
        AttachmentBytes::Bytes((size, sha256)) => {
            let then = existing.known_content.content();
            let ours = then.filter(|then| then.sha256 == sha256);
            on_other_content_of_existing(existing, size, ours, row)
        }
    }
}

/// Returns the record of a replacement begun by an earlier run.
fn as_begun_record(existing: &ExistingAttachment, row: &ManifestRow) -> BegunRecord {
    BegunRecord {
        content: existing.known_content.content(),
        ..BegunRecord::with_unknown_content(existing.id.clone(), row)
    }
}

fn on_other_content_of_existing(
    existing: &ExistingAttachment,
    size: u64,
    ours: Option<CheckedContent>,
    row: RowFacts<'_>,
) -> NextStep {
    let id = existing.id.clone();
    // Content that the user has let stay once stays, unless the user wants a replacement now.
    if existing.keeps_existing_content() && !replaces_content(row.update_policy) {
        return keep_existing(id, size, ours);
    }
    on_other_content(id, size, ours, row)
}

/// Decides by the user's policy about an attachment with other content than the file.
fn on_other_content(
    id: AttachmentId,
    size: u64,
    ours: Option<CheckedContent>,
    row: RowFacts<'_>,
) -> NextStep {
    match (row.update_policy.on_conflict, ours) {
        (ConflictPolicy::Replace, ours) => NextStep::Replace {
            id,
            size,
            our_content: ours,
        },
        (ConflictPolicy::Skip, ours) => keep_existing(id, size, ours),
        (ConflictPolicy::Fail, Some(stored)) => RowEnd::FileChanged { id, stored }.into(),
        (ConflictPolicy::Fail, None) => RowEnd::StoredOtherSize { id, size }.into(),
    }
}

fn keep_existing(id: AttachmentId, size: u64, ours: Option<CheckedContent>) -> NextStep {
    let known = ours.map_or(KnownContent::Size(size), KnownContent::Complete);
    RowEnd::KeptExisting {
        id,
        known_content: known,
    }
    .into()
}

fn replaces_content(update_policy: UpdatePolicy) -> bool {
    update_policy.on_conflict == ConflictPolicy::Replace
}

/// Holder of an `external_id` wanted for an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameHolder {
    /// No attachment.
    Nobody,
    /// The attachment itself.
    Ours,
    /// Another attachment.
    Another,
}

/// Decides from a look-up of an `external_id` who holds it, where the attachment `ours` is to get
/// it.
pub fn name_holder(found: &AttachmentPresence, ours: &AttachmentId) -> NameHolder {
    match found {
        AttachmentPresence::Absent => NameHolder::Nobody,
        AttachmentPresence::Pending { id, .. } | AttachmentPresence::Stored { id, .. }
            if id == ours =>
        {
            NameHolder::Ours
        }
        _ => NameHolder::Another,
    }
}

#[cfg(test)]
mod tests;
