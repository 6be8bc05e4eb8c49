//! Check over all rows of Keelvar: several files with the same name on the same record.

use std::borrow::Cow;

use super::equal_values::{FirstRowsByValue, RowValueHashes};
use super::{Column, Manifest, RawRow};
use crate::manifest::problem::{ManifestProblem, ProblemKind, ProblemList};
use crate::text::fold_case_and_accents;

/// Hashes of record and file name, collected while the rows are scanned.
#[derive(Default)]
pub(super) struct KeelvarFileNames(RowValueHashes);

impl KeelvarFileNames {
    /// Adds a row, if its file name and its record are valid.
    pub(super) fn add_row(&mut self, row: &RawRow<'_>) {
        if let Some(key) = record_and_name_key(row) {
            self.0.add(row.number, key);
        }
    }

    /// Warns of all rows with the same file name on the same record.
    pub(super) fn warn_of_duplicates(mut self, manifest: &Manifest, problems: &mut ProblemList) {
        for rows in self.0.groups_of_equal_hashes() {
            let mut met = FirstRowsByValue::default();
            for row in rows {
                let Some(key) = record_and_name_key(&manifest.row_numbered(row)) else {
                    continue;
                };
                if let Some(first) = met.find_or_insert(Cow::Owned(key), row) {
                    first.report_pair(row, |row, other| {
                        problems.push(duplicate_name_problem(manifest, row, other));
                    });
                }
            }
        }
    }
}

/// Returns the record and the folded file name as one text, with a blank between the two. Ids of
/// records have no blanks, so the text is unambiguous.
fn record_and_name_key(row: &RawRow<'_>) -> Option<String> {
    let (object, name) = row.record_and_file_name()?;
    Some(format!("{object} {}", fold_case_and_accents(name)))
}

/// Builds the warning for a row. Its column is the source of the name: `file_name`, or else
/// `file_path`.
fn duplicate_name_problem(manifest: &Manifest, row: u32, other: u32) -> ManifestProblem {
    let has_its_own = !manifest.row_numbered(row).cell(Column::FileName).is_empty();
    ManifestProblem {
        row,
        column: Some(if has_its_own {
            Column::FileName
        } else {
            Column::FilePath
        }),
        kind: ProblemKind::DuplicateFileName { other },
    }
}
