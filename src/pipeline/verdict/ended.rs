//! Verdicts for the row ends decided by `plan`, after a look at the attachment.

use super::{Verdict, done};
use crate::manifest::Row;
use crate::model::Content;
use crate::plan::{Begun, RowEnd};
use crate::results::{DoneAs, Known, Reason, RowState, Verified};

impl Verdict {
    /// Returns the verdict of a row end. `content` is the content of the row's file.
    pub(in crate::pipeline) fn of_end(end: RowEnd, row: &Row, content: Content) -> Self {
        // The state comes from the plan; only the words are chosen here.
        let state = end.state();
        let verdict = match end {
            RowEnd::Uploaded(id) => Self::uploaded(id, Verified::Size),
            RowEnd::SameSize(id) => Self::plain(done(DoneAs::Skipped), Some(id)),
            RowEnd::AsLeft(there) => Self::right(there, content),
            RowEnd::Kept { id, known } => Self::kept(id, known),
            RowEnd::StoredOtherSize { id, size } => Self::stored_other_size(id, size, content),
            RowEnd::FileChanged { id, stored } => Self::file_changed(id, Known::Content(stored)),
            RowEnd::StoredBeforeTheChange { begun, size } => {
                Self::stored_before_the_change(begun, size)
            }
            RowEnd::SizeMismatch { id, size } => Self::size_mismatch(id, size, content),
            RowEnd::Gone(there) => Self::gone(there),
            RowEnd::GoneSince(renamed) => Self::gone_since(&renamed),
            RowEnd::NewIdTaken => Self::name_taken(row),
            RowEnd::OnAnotherObject(there) => Self::on_another_object(there, row.object),
            RowEnd::ReplacingElsewhere(there) => Self::replacing_elsewhere(there, row.object),
            RowEnd::Unfinished(elsewhere) => Self::unfinished(elsewhere),
            RowEnd::BegunElsewhere(begun) => Self::begun_elsewhere(begun, row.object),
            RowEnd::Mismatch { other, posted } => Self::mismatch(&other).after(&posted),
            RowEnd::OfAnother(begun) => Self::of_another(begun),
        };
        Self { state, ..verdict }
    }

    /// The row's new `external_id` belongs to an attachment not known to be the row's.
    fn name_taken(row: &Row) -> Self {
        let verdict = Self {
            known: Some(Known::Nothing),
            ..Self::plain(RowState::Conflict(Reason::NewIdTaken), None)
        };
        match &row.new_external_id {
            Some(to) => verdict.new_id_taken(to, "already"),
            None => verdict,
        }
    }

    /// The answer about a begun record shows another attachment. The line still names what was
    /// begun.
    fn of_another(begun: Begun) -> Self {
        Self {
            known: begun.content.map(Known::Content),
            elsewhere: begun.elsewhere,
            ..Self::no_answer(Some(begun.id), "the answer speaks of another attachment")
        }
    }
}
