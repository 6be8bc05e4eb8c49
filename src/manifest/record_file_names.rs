//! Check over all rows: several files with the same name on the same record.

use std::borrow::Cow;

use super::equal_values::{FirstRowsByValue, RowValueHashes};
use super::{Column, Manifest, RawRow, SoughtPath};
use crate::manifest::problem::{FileWarning, ManifestProblem, ProblemKind, ProblemList};
use crate::platform::{PATH_SYNTAX, PathSyntax};
use crate::text::fold_case_and_accents;

/// Hashes of record and file name, collected while the rows are scanned.
#[derive(Default)]
pub(super) struct RecordFileNames(RowValueHashes);

impl RecordFileNames {
    /// Adds a row, if its file name and its record are valid.
    pub(super) fn add_row(&mut self, row: &RawRow<'_>) {
        if let Some(key) = record_and_name_key(row) {
            self.0.add(row.number, key);
        }
    }

    /// Warns of all rows with the same file name on the same record. Of several rows with the same
    /// path, in any case on Windows, only the first counts: the repeated content is a warning already.
    pub(super) fn warn_of_duplicates(mut self, manifest: &Manifest, problems: &mut ProblemList) {
        for rows in self.0.groups_of_equal_hashes() {
            let mut met = FirstRowsByValue::default();
            let mut met_paths = FirstRowsByValue::default();
            for number in rows {
                let row = manifest.row_numbered(number);
                let Some(key) = record_and_name_key(&row) else {
                    continue;
                };
                let path = row.sought_path().map(SoughtPath::with_slashes);
                let path = match PATH_SYNTAX {
                    PathSyntax::Posix => path.unwrap_or_default(),
                    PathSyntax::Windows => path.unwrap_or_default().to_lowercase().into(),
                };
                let with_path = format!("{key}\n{path}");
                if met_paths.find_or_insert(with_path.into(), number).is_some() {
                    continue;
                }
                if let Some(first) = met.find_or_insert(Cow::Owned(key), number) {
                    first.report_pair(number, |row, other| {
                        problems.push(duplicate_name_problem(manifest, row, other));
                    });
                }
            }
        }
    }
}

/// Returns the record and the folded file name as one text. Neither has a line break, so the text
/// is unambiguous.
fn record_and_name_key(row: &RawRow<'_>) -> Option<String> {
    let name = row.valid_stored_name()?;
    let mut key = row.record_key()?;
    key.push('\n');
    key.push_str(&fold_case_and_accents(name));
    Some(key)
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
        kind: ProblemKind::File(FileWarning::SameName { other }),
    }
}
