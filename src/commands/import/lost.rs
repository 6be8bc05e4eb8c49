//! Lines of the results that are lost, or not believed, and the rows that are in doubt for that: their
//! files may be where they belong, and nothing is left that says so.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::Error;
use crate::manifest::Manifest;
use crate::manifest::problem::Problems;
use crate::model::{RowNumbers, SecondCopies, Service};
use crate::results::previous::{Previous, name_damaged};
use crate::text::{counted_with_verb, escape};

/// The rows in doubt that are fit to be sent.
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

/// Refuses results that no longer say what is attached, where the service cannot say it either.
pub(super) fn refuse(
    path: &Path,
    manifest: &Manifest,
    problems: &Problems,
    previous: &Previous,
    second_copies: &SecondCopies,
) -> Result<(), Error> {
    let lost = previous.lost();
    // Lines of earlier versions do not say how many there were; a gap between them is told.
    let removed = if lost.is_counted { lost.removed } else { 0 };
    let rows = rows_in_doubt(manifest, problems, previous);
    let is_refused = match second_copies {
        // A line that is not believed would be gone after the run, whatever row it was of.
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

/// What the user should know of lines that are lost, where the run goes on.
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
