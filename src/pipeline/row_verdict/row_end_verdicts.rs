//! Verdicts for the row ends decided by `plan`, after a look at the attachment.

use super::{RowVerdict, done_as_verified};
use crate::manifest::ManifestRow;
use crate::model::CheckedContent;
use crate::plan::{BegunRecord, RowEnd};
use crate::results::{CompletedAction, KnownContent, RowState, StatusReason, VerifiedBy};

impl RowVerdict {
    /// Returns the verdict of a row end. `content` is the content of the row's file.
    pub(in crate::pipeline) fn from_row_end(
        end: RowEnd,
        row: &ManifestRow,
        content: CheckedContent,
    ) -> Self {
        // The state comes from the plan; only the words are chosen here.
        let state = end.state();
        let verdict = match end {
            RowEnd::Uploaded(id) => Self::uploaded(id, VerifiedBy::Size),
            RowEnd::SameSize(id) => {
                Self::without_message(done_as_verified(CompletedAction::Skipped), Some(id))
            }
            RowEnd::AlreadyRight(there) => Self::already_right(there, content),
            RowEnd::KeptExisting {
                id,
                known_content: known,
            } => Self::kept_existing(id, known),
            RowEnd::StoredOtherSize { id, size } => Self::stored_other_size(id, size, content),
            RowEnd::FileChanged { id, stored } => {
                Self::file_changed(id, KnownContent::Complete(stored))
            }
            RowEnd::StoredBeforeTheChange { begun, size } => {
                Self::stored_before_the_change(begun, size)
            }
            RowEnd::SizeMismatch { id, size } => Self::size_mismatch(id, size, content),
            RowEnd::Gone(there) => Self::gone(there),
            RowEnd::GoneAfterRename(renamed) => Self::gone_after_rename(&renamed),
            RowEnd::NewIdTaken => Self::new_id_taken_before_look_up(row),
            RowEnd::OnOtherObject(there) => Self::on_other_object(there, row.object),
            RowEnd::ReplacingOnOtherObject(there) => {
                Self::replacing_on_other_object(there, row.object)
            }
            RowEnd::RecordWithoutBytes(elsewhere) => Self::record_without_bytes(elsewhere),
            RowEnd::BegunOnOtherObject(begun) => Self::begun_on_other_object(begun, row.object),
            RowEnd::LookUpMismatch {
                other_external_id: other,
                prior_create: posted,
            } => Self::look_up_mismatch(&other).keeping_prior_create(&posted),
            RowEnd::AnswerAboutAnother(begun) => Self::answer_about_another(begun),
        };
        Self { state, ..verdict }
    }

    /// The row's new `external_id` belongs to an attachment not known to be the row's.
    fn new_id_taken_before_look_up(row: &ManifestRow) -> Self {
        let verdict = Self {
            known_content: Some(KnownContent::Nothing),
            ..Self::without_message(RowState::Conflict(StatusReason::NewIdTaken), None)
        };
        match &row.new_external_id {
            Some(to) => verdict.new_id_taken(to, "already"),
            None => verdict,
        }
    }

    /// The answer about a begun record reports another attachment. The line still names what was
    /// begun.
    fn answer_about_another(begun: BegunRecord) -> Self {
        Self {
            known_content: begun.content.map(KnownContent::Complete),
            other_object: begun.other_object,
            ..Self::no_answer(Some(begun.id), "the answer speaks of another attachment")
        }
    }
}
