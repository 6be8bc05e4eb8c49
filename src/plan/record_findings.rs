//! Findings about records: the meaning of a look-up by `external_id`, and of an answer about a begun
//! record.

use super::{BegunProgress, BegunRecord, OtherObject, PriorCreate};
use crate::destination::attachment_metadata::Reported;
use crate::destination::{AttachmentPresence, MadeNames};
use crate::manifest::ManifestRow;
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
    row: &ManifestRow,
) -> LookUpFinding {
    match presence {
        AttachmentPresence::Absent => LookUpFinding::Nothing,
        AttachmentPresence::Pending { id, made_as } => match prior_create {
            PriorCreate::Unanswered => LookUpFinding::Ours(id.clone()),
            PriorCreate::UnansweredWithoutLookUp if is_made_for(made_as, row) => {
                LookUpFinding::Ours(id.clone())
            }
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

/// True if an attachment bears the names that a POST of the row gives: at least one reported name is
/// the row's, and none is another. The names tell our own record of a lost POST from the record for
/// which the service has refused the POST, where only the refusal was lost.
fn is_made_for(made_as: &MadeNames, row: &ManifestRow) -> bool {
    let bears = |reported: &Reported, ours: &str| match reported {
        Reported::NotReported => None,
        Reported::Null => Some(false),
        Reported::Text { value, .. } => Some(value == ours),
    };
    let file_name = bears(&made_as.file_name, row.stored_file_name());
    // The service makes a title of its own where the row has none.
    let title = row
        .title
        .as_deref()
        .and_then(|ours| bears(&made_as.title, ours));
    matches!(
        (file_name, title),
        (Some(true), None | Some(true)) | (None, Some(true))
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExternalId, ObjectRef, ObjectType};

    #[test]
    fn a_record_is_made_for_a_row_if_a_reported_name_is_the_rows_and_none_is_another() {
        let row = |title: Option<&str>| ManifestRow {
            number: 1,
            line: 2,
            file_path: "scans/a.pdf".into(),
            object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
            object_external_id: None,
            external_id: ExternalId::parse("A1").unwrap(),
            title: title.map(str::to_owned),
            file_name: None,
            sha256: None,
            new_external_id: None,
        };
        let text = Reported::from_own_text;
        for (title, file_name, their_title, is_made) in [
            (Some("T"), text("a.pdf"), text("T"), true),
            (Some("T"), text("a.pdf"), text("Other"), false),
            (Some("T"), text("a.pdf"), Reported::Null, false),
            (Some("T"), text("a.pdf"), Reported::NotReported, true),
            (Some("T"), text("b.pdf"), text("T"), false),
            (Some("T"), Reported::NotReported, text("T"), true),
            (
                Some("T"),
                Reported::NotReported,
                Reported::NotReported,
                false,
            ),
            (
                None,
                text("a.pdf"),
                text("whatever the service makes"),
                true,
            ),
            (None, text("A.pdf"), text("a.pdf"), false),
            (None, Reported::Null, text("a.pdf"), false),
            (None, Reported::NotReported, text("a.pdf"), false),
        ] {
            let made_as = MadeNames {
                file_name,
                title: their_title,
            };
            let is_made_for = is_made_for(&made_as, &row(title));
            assert_eq!(is_made_for, is_made, "{title:?} {made_as:?}");
        }
    }
}
