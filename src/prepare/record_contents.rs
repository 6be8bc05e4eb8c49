//! Check over all rows: the same content several times on the same record.

use super::distinct_files::DistinctFiles;
use crate::manifest::problem::{FileWarning, ProblemKind, ProblemList};
use crate::manifest::{Column, FirstRowsByValue, RawRow, RowValueHashes};
use crate::model::CheckedContent;
use crate::root::Root;

/// Hashes of record and content, collected from the rows with a hashed file.
///
/// One file in two rows is most often a mistake of copying, and two files with the same bytes are
/// two copies of one document. Records are compared as the rows name them: the own id and the
/// external id of one record are taken for two records.
#[derive(Default)]
pub(super) struct RecordContents(RowValueHashes);

impl RecordContents {
    /// Adds a row, if its record is valid.
    pub(super) fn add_row(&mut self, row: &RawRow<'_>, content: &CheckedContent) {
        if let Some(record) = row.record_key() {
            self.0.add(row_number(row), (record, content.sha256));
        }
    }

    /// Warns of all rows with the same content on the same record.
    pub(super) fn warn_of_repeats(
        mut self,
        files: &DistinctFiles<'_>,
        root: &Root,
        problems: &mut ProblemList,
    ) {
        let manifest = files.manifest();
        for rows in self.0.groups_of_equal_hashes() {
            let mut met = FirstRowsByValue::default();
            for number in rows {
                let row = manifest.row_numbered(number);
                let content = files.content_of_row(&row);
                let key = content.and_then(|content| record_and_digest_key(&row, content));
                let Some(key) = key else { continue };
                if let Some(first) = met.find_or_insert(key.into(), number) {
                    first.report_pair(number, |number, other| {
                        let row = manifest.row_numbered(number);
                        let [one, two] = [&row, &manifest.row_numbered(other)]
                            .map(|row| files.path_on_disk(row));
                        let is_same_file = one == two || {
                            let identity = root.identify_file(&one);
                            identity.is_some() && identity == root.identify_file(&two)
                        };
                        let warning = if is_same_file {
                            FileWarning::SameFile { other }
                        } else {
                            FileWarning::SameContent { other }
                        };
                        let wrong = ProblemKind::File(warning);
                        problems.push(row.problem(Some(Column::FilePath), wrong));
                    });
                }
            }
        }
    }
}

/// Returns the digest and the record as one text. All digests have the same length, so the text is
/// unambiguous.
fn record_and_digest_key(row: &RawRow<'_>, content: &CheckedContent) -> Option<String> {
    let record = row.record_key()?;
    Some(format!("{}{record}", content.sha256))
}

fn row_number(row: &RawRow<'_>) -> u32 {
    u32::try_from(row.number()).expect("a manifest has fewer rows than bytes")
}
