//! Findings about records: the meaning of a look-up by `external_id`, and of an answer about a begun
//! record.

use super::{BegunProgress, BegunRecord, OtherObject, PriorCreate};
use crate::destination::AttachmentPresence;
use crate::model::{AttachmentId, CheckedContent};

/// Meaning of a look-up by `external_id` for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LookUpFinding {
    /// Nothing has the `external_id`: a record may be made.
    Nothing,
    /// Our own record has no bytes: the row continues with the record.
    Ours(AttachmentId),
    /// A record without bytes is ours but hangs on another object, or belongs to another client.
    /// The record will get bytes or be purged; until then the row waits.
    Unfinished(Option<OtherObject>),
    /// The stored content has the size of the file.
    SameSize(AttachmentId),
    /// The stored content has another size.
    OtherSize(AttachmentId, u64),
    /// The answer speaks of another `external_id`.
    Mismatch(String),
}

/// Decides the meaning of a look-up by `external_id`.
pub(super) fn classify_look_up(
    presence: &AttachmentPresence,
    prior_create: &PriorCreate,
    content: &CheckedContent,
) -> LookUpFinding {
    match presence {
        AttachmentPresence::Absent => LookUpFinding::Nothing,
        AttachmentPresence::Pending { id } => match prior_create {
            PriorCreate::Unanswered => LookUpFinding::Ours(id.clone()),
            PriorCreate::NoneUnanswered | PriorCreate::UnansweredWithoutLookUp => {
                LookUpFinding::Unfinished(None)
            }
            PriorCreate::UnansweredForOtherObject(object) => {
                LookUpFinding::Unfinished(Some(object.clone()))
            }
        },
        AttachmentPresence::Stored { id, size, .. } if *size == content.stamp.size => {
            LookUpFinding::SameSize(id.clone())
        }
        AttachmentPresence::Stored { id, size, .. } => LookUpFinding::OtherSize(id.clone(), *size),
        AttachmentPresence::Mismatch { external_id } => {
            LookUpFinding::Mismatch(external_id.clone())
        }
    }
}

/// Meaning of an answer about a begun record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BegunRecordFinding {
    /// The record is gone: another record may be made.
    Gone,
    /// The record has no bytes, so a new upload address detaches none.
    NoBytes,
    /// The file's bytes were sent, and are not reported yet.
    Sent,
    /// The record has no bytes, and hangs on another object: the record has to go first.
    NoBytesOnOtherObject,
    /// The record has this many bytes, sent from the present file.
    Stored(u64),
    /// The record has this many bytes, sent before the file or the object was changed.
    StoredBeforeTheChange(u64),
    /// The answer speaks of another record.
    Mismatch,
}

/// Decides the meaning of an answer about a begun record.
pub(super) fn classify_begun_record(
    presence: &AttachmentPresence,
    begun: &BegunRecord,
    content: &CheckedContent,
) -> BegunRecordFinding {
    let same_content = begun
        .content
        .is_none_or(|then| then.sha256 == content.sha256);
    match presence {
        AttachmentPresence::Absent => BegunRecordFinding::Gone,
        AttachmentPresence::Pending { .. } if begun.other_object.is_some() => {
            BegunRecordFinding::NoBytesOnOtherObject
        }
        AttachmentPresence::Pending { .. }
            if begun.progress == BegunProgress::Sent && same_content =>
        {
            BegunRecordFinding::Sent
        }
        AttachmentPresence::Pending { .. } => BegunRecordFinding::NoBytes,
        AttachmentPresence::Stored { size, .. } if same_content && begun.other_object.is_none() => {
            BegunRecordFinding::Stored(*size)
        }
        AttachmentPresence::Stored { size, .. } => BegunRecordFinding::StoredBeforeTheChange(*size),
        AttachmentPresence::Mismatch { .. } => BegunRecordFinding::Mismatch,
    }
}
