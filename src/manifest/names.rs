//! Check over all rows of Keelvar: several files with the same name on the same record.

use std::borrow::Cow;

use super::alike::{FirstRows, Hashes};
use super::{Column, Manifest, RawRow};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// Hashes of record and file name, collected while the rows are scanned.
#[derive(Default)]
pub(super) struct Names(Hashes);

impl Names {
    /// Adds a row, if its file name and its record are valid.
    pub(super) fn take(&mut self, row: &RawRow<'_>) {
        if let Some(key) = key_of(row) {
            self.0.take(row.number, key);
        }
    }

    /// Warns of all rows with the same file name on the same record.
    pub(super) fn report(mut self, manifest: &Manifest, problems: &mut Problems) {
        for rows in self.0.groups() {
            let mut met = FirstRows::default();
            for row in rows {
                let Some(key) = key_of(&manifest.row_numbered(row)) else {
                    continue;
                };
                if let Some(first) = met.before(Cow::Owned(key), row) {
                    first.report(row, |row, other| {
                        problems.push(same_name(manifest, row, other));
                    });
                }
            }
        }
    }
}

/// Returns the record and the folded file name as one text, with a blank between the two. Ids of
/// records have no blanks, so the text is unambiguous.
fn key_of(row: &RawRow<'_>) -> Option<String> {
    let (object, name) = row.destined_for()?;
    Some(format!("{object} {}", fold(name)))
}

/// Builds the warning for a row. Its column is the source of the name: `file_name`, or else
/// `file_path`.
fn same_name(manifest: &Manifest, row: u32, other: u32) -> Problem {
    let has_its_own = !manifest.row_numbered(row).cell(Column::FileName).is_empty();
    Problem {
        row,
        column: Some(if has_its_own {
            Column::FileName
        } else {
            Column::FilePath
        }),
        wrong: Wrong::SameName { other },
    }
}
