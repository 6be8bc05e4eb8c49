//! Lost lines of the results, and the rows in doubt because of lost lines.
//!
//! A line is lost if the line was removed, torn, or does not match its own check. The file of a row
//! in doubt may be attached already, with nothing left in the results to say so.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::Error;
use crate::manifest::Manifest;
use crate::manifest::problem::Problems;
use crate::model::{RowNumbers, SecondCopies, Service};
use crate::results::previous::{Previous, name_damaged};
use crate::text::{counted_with_verb, escape};

/// Returns the numbers of the rows in doubt, unfit rows left out.
fn rows_in_doubt(manifest: &Manifest, problems: &Problems, previous: &Previous) -> Vec<usize> {
    if previous.lost().is_none() {
        return Vec::new();
    }
    let lines: Vec<_> = manifest
        .rows()
        .map(|row| previous.counting_line(row.external_id()))
        .collect();
    let mut rows = previous.lost().doubtful_rows(lines.into_iter());
    rows.retain(|row| !problems.has_error(*row));
    rows
}

/// Fails with [`Error::LostLines`] when lost lines leave rows in doubt whose files would be sent
/// again.
///
/// For a service without a way to ask about attached files.
pub(super) fn refuse(
    path: &Path,
    manifest: &Manifest,
    problems: &Problems,
    previous: &Previous,
    second_copies: &SecondCopies,
) -> Result<(), Error> {
    let lost = previous.lost();
    // Lines of earlier versions carry no count of lines, so only a counted gap is an error; the
    // notice names any gap.
    let removed = if lost.is_counted { lost.removed } else { 0 };
    let rows = rows_in_doubt(manifest, problems, previous);
    let is_refused = match second_copies {
        // The run would drop a damaged line for good, of whatever row the line was.
        SecondCopies::Refuse => {
            lost.damaged > 0 || ((removed > 0 || lost.is_torn) && !rows.is_empty())
        }
        allowed => rows.iter().any(|row| !allowed.allows(*row)),
    };
    if !is_refused || (removed == 0 && lost.damaged == 0 && !lost.is_torn) {
        return Ok(());
    }
    Err(Error::LostLines {
        path: path.to_owned(),
        damaged: previous.damaged.clone(),
        removed,
        torn: previous.torn.filter(|_| lost.is_torn),
        rows,
    })
}

/// Notice to the user about lost lines where the run goes on; empty without lost lines.
pub(super) fn notice(
    path: &Path,
    manifest: &Manifest,
    problems: &Problems,
    previous: &Previous,
    service: Service,
) -> String {
    let mut text = name_damaged(
        path,
        &previous.damaged,
        match service {
            Service::Workday => "; the row is looked up again",
            Service::Keelvar => "; the row counts as new",
        },
    );
    let lost = previous.lost();
    if lost.removed == 0 {
        return text;
    }
    let rows = rows_in_doubt(manifest, problems, previous);
    let file = path.to_string_lossy();
    let removed = counted_with_verb(lost.removed, "line", ["was", "were"]);
    let one = rows.len() == 1;
    let is_empty = rows.is_empty();
    let which = RowNumbers::of(rows).in_words();
    let what_follows = match service {
        _ if is_empty => "no row that is to be sent is in doubt for that".to_owned(),
        Service::Workday if one => format!("{which} is looked up again"),
        Service::Workday => format!("{which} are looked up again"),
        Service::Keelvar if one => format!(
            "{which} counts as new, and its file is attached again if it is attached already"
        ),
        Service::Keelvar => format!(
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
