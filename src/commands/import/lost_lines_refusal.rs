//! Lost lines of the results, and the rows in doubt because of lost lines.
//!
//! A line is lost if the line was removed, torn, or does not match its own check. The file of a row
//! in doubt may be attached already, with nothing left in the results to say so.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::CommandError;
use crate::manifest::Manifest;
use crate::manifest::problem::ProblemList;
use crate::model::{ProcurementService, RowNumbers, SecondCopyPolicy};
use crate::results::earlier_results::{EarlierResults, describe_damaged_lines};
use crate::text::{count_with_noun_and_verb, escape};

/// Returns the numbers of the rows in doubt, unfit rows left out.
fn rows_in_doubt(
    manifest: &Manifest,
    problems: &ProblemList,
    earlier: &EarlierResults,
) -> Vec<usize> {
    if earlier.lost_lines().is_empty() {
        return Vec::new();
    }
    let lines: Vec<_> = manifest
        .rows()
        .map(|row| earlier.latest_line(row.external_id()))
        .collect();
    let mut rows = earlier.lost_lines().doubtful_rows(lines.into_iter());
    rows.retain(|row| !problems.has_error(*row));
    rows
}

/// Fails with [`CommandError::LostLines`] when lost lines leave rows in doubt whose files would be
/// sent again.
///
/// For a service without a way to ask about attached files.
pub(super) fn refuse_lost_lines(
    path: &Path,
    manifest: &Manifest,
    problems: &ProblemList,
    earlier: &EarlierResults,
    second_copies: &SecondCopyPolicy,
) -> Result<(), CommandError> {
    let lost = earlier.lost_lines();
    // Lines of earlier versions carry no count of lines, so only a counted gap is an error; the
    // notice names any gap.
    let removed = if lost.has_line_counts {
        lost.removed
    } else {
        0
    };
    let rows = rows_in_doubt(manifest, problems, earlier);
    let is_refused = match second_copies {
        // The run would drop a damaged line for good, of whatever row the line was.
        SecondCopyPolicy::Refuse => {
            lost.damaged > 0 || ((removed > 0 || lost.is_torn) && !rows.is_empty())
        }
        allowed => rows.iter().any(|row| !allowed.allows_row(*row)),
    };
    if !is_refused || (removed == 0 && lost.damaged == 0 && !lost.is_torn) {
        return Ok(());
    }
    Err(CommandError::LostLines {
        path: path.to_owned(),
        damaged: earlier.damaged_lines.clone(),
        removed,
        torn: earlier.torn_line.filter(|_| lost.is_torn),
        rows,
    })
}

/// Notice to the user about lost lines where the run continues; empty without lost lines.
pub(super) fn lost_lines_notice(
    path: &Path,
    manifest: &Manifest,
    problems: &ProblemList,
    earlier: &EarlierResults,
    service: ProcurementService,
) -> String {
    let mut text = describe_damaged_lines(
        path,
        &earlier.damaged_lines,
        match service {
            ProcurementService::Workday => "; the row is looked up again",
            ProcurementService::Keelvar => "; the row counts as new",
        },
    );
    let lost = earlier.lost_lines();
    if lost.removed == 0 {
        return text;
    }
    let rows = rows_in_doubt(manifest, problems, earlier);
    let file = path.to_string_lossy();
    let removed = count_with_noun_and_verb(lost.removed, "line", ["was", "were"]);
    let one = rows.len() == 1;
    let is_empty = rows.is_empty();
    let which = RowNumbers::from_rows(rows).to_words();
    let what_follows = match service {
        _ if is_empty => "no row to be sent is affected".to_owned(),
        ProcurementService::Workday if one => format!("{which} is looked up again"),
        ProcurementService::Workday => format!("{which} are looked up again"),
        ProcurementService::Keelvar if one => format!(
            "{which} counts as new, and its file is attached again if it is attached already"
        ),
        ProcurementService::Keelvar => format!(
            "{which} count as new, and their files are attached again if they are attached already"
        ),
    };
    let _ = writeln!(
        text,
        "{}: {removed} removed since it was written; {what_follows}",
        escape(&file)
    );
    text
}
