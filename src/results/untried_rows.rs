//! Results of a run that ended before it tried any row, such as a run that looked for records and
//! did not find them all. Pure functions.

use super::{AttachmentChanges, ResultsEntry, RowState};
use crate::results::earlier_results::EarlierResults;

/// True if no run has tried the row of a line, so nothing at the service is due to the row.
pub fn is_untried_row(entry: &ResultsEntry) -> bool {
    matches!(entry.state(), RowState::NotBegun(_) | RowState::Unfit(_))
        && entry.attempts == 0
        && entry.attachment_id.is_none()
        && entry.changes == AttachmentChanges::default()
}

/// True if no run has tried any row of the results. Results with lost lines are not known to be
/// such: a lost line may have been of a row that was tried.
pub(super) fn is_untried(earlier: &EarlierResults) -> bool {
    let are_all_there = earlier.lost_lines().is_empty() && earlier.torn_line.is_none();
    let mut lines = earlier.latest_line_positions();
    are_all_there
        && lines.all(|line| {
            earlier
                .read_entry(line)
                .is_some_and(|entry| is_untried_row(&entry))
        })
}
