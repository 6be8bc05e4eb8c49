//! Checks over all ids of a column: duplicates, near duplicates and dropped zeros.

use std::borrow::Cow;

use super::alike::{FirstRows, Hashes};
use super::row::in_32_bits;
use super::{Column, Manifest, SimilarIds};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// Ids of a column, collected while the rows are scanned.
pub(super) struct Ids {
    column: Column,
    /// Hashes of the folded ids.
    pub(super) hashes: Hashes,
    digits: Digits,
}

impl Ids {
    /// Creates an empty collection for a column. A row may have no id.
    pub(super) fn of(column: Column) -> Self {
        Self {
            column,
            hashes: Hashes::default(),
            digits: Digits::default(),
        }
    }

    /// Creates an empty collection for another column, comparable with this one.
    pub(super) fn beside(&self, column: Column) -> Self {
        Self {
            hashes: self.hashes.beside(),
            ..Self::of(column)
        }
    }

    /// Adds the id of a row.
    pub(super) fn take(&mut self, row: u32, id: &str) {
        self.hashes.take(row, fold(id));
        self.digits.take(id);
    }

    /// Reports duplicates, near duplicates and dropped zeros.
    pub(super) fn report(
        &mut self,
        manifest: &Manifest,
        similar: SimilarIds,
        problems: &mut Problems,
    ) {
        for rows in self.hashes.groups() {
            report_same(self.column, rows, manifest, similar, problems);
        }
        if let Some(width) = self.digits.suspicion() {
            self.report_dropped_zeros(width, manifest, problems);
        }
    }

    fn report_dropped_zeros(&self, width: usize, manifest: &Manifest, problems: &mut Problems) {
        for row in self.hashes.rows() {
            if manifest.row_numbered(row).cell(self.column).len() < width {
                let width = in_32_bits(width);
                problems.push(problem(self.column, row, Wrong::DroppedZeros { width }));
            }
        }
    }
}

/// Reports the given rows with equal or similar ids.
fn report_same(
    column: Column,
    rows: impl Iterator<Item = u32>,
    manifest: &Manifest,
    similar: SimilarIds,
    problems: &mut Problems,
) {
    let mut exact = FirstRows::default();
    let mut folded = FirstRows::default();
    for row in rows {
        let raw = manifest.row_numbered(row);
        let id = raw.cell(column);
        let same = exact.before(Cow::Borrowed(id), row);
        let alike = folded.before(fold(id), row);
        if let Some(first) = same {
            first.report(row, |row, other| {
                problems.push(problem(column, row, Wrong::Duplicate { other }));
            });
        } else if let (Some(first), SimilarIds::Refuse) = (alike, similar) {
            first.report(row, |row, other| {
                problems.push(problem(column, row, Wrong::Similar { other, column }));
            });
        }
    }
}

fn problem(column: Column, row: u32, wrong: Wrong) -> Problem {
    Problem {
        row,
        column: Some(column),
        wrong,
    }
}

/// Detector for ids from which a spreadsheet has dropped leading zeros.
///
/// The detector reports clear cases only: all ids consist of digits, all ids with a leading zero
/// have the same width, and no id is wider.
#[derive(Default)]
struct Digits {
    others: bool,
    widest: usize,
    narrowest: usize,
    zero_narrowest: Option<usize>,
}

impl Digits {
    fn take(&mut self, id: &str) {
        if self.others || !id.bytes().all(|b| b.is_ascii_digit()) {
            self.others = true;
            return;
        }
        let width = id.len();
        self.narrowest = if self.widest == 0 {
            width
        } else {
            self.narrowest.min(width)
        };
        self.widest = self.widest.max(width);
        if id.starts_with('0') {
            let narrowest = self.zero_narrowest.unwrap_or(width);
            self.zero_narrowest = Some(narrowest.min(width));
        }
    }

    /// Returns the width that all ids should have, or `None` if nothing is suspicious.
    fn suspicion(&self) -> Option<usize> {
        let width = self.zero_narrowest?;
        (!self.others && width == self.widest && self.narrowest < width).then_some(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::read_ids;

    fn duplicates(ids: &[&str], similar: SimilarIds) -> Vec<(u32, Wrong)> {
        let problems = read_ids(ids, similar).problems;
        problems
            .iter()
            .map(|problem| (problem.row, problem.wrong.clone()))
            .collect()
    }

    #[test]
    fn of_two_rows_with_one_id_each_is_told_of_the_other() {
        assert_eq!(
            duplicates(&["a", "b", "a", "a"], SimilarIds::Allow),
            [
                (1, Wrong::Duplicate { other: 3 }),
                (3, Wrong::Duplicate { other: 1 }),
                (4, Wrong::Duplicate { other: 1 }),
            ]
        );
    }

    #[test]
    fn ids_that_differ_only_in_case_or_accents_are_refused_unless_they_are_allowed() {
        let column = Column::ExternalId;
        for (one, other) in [("at1", "AT1"), ("Ä", "A\u{308}"), ("straße", "STRASSE")] {
            assert_eq!(
                duplicates(&[one, other], SimilarIds::Refuse),
                [
                    (1, Wrong::Similar { other: 2, column }),
                    (2, Wrong::Similar { other: 1, column })
                ]
            );
            assert_eq!(duplicates(&[one, other], SimilarIds::Allow), []);
        }
    }

    #[test]
    fn a_million_equal_ids_would_not_take_forever() {
        let ids = vec!["same"; 20_000];
        assert_eq!(duplicates(&ids, SimilarIds::Refuse).len(), 20_000);
    }

    #[test]
    fn dropped_zeros_are_warned_of_only_where_it_is_plain() {
        let warned = |ids: &[&str]| -> Vec<u32> {
            let problems = duplicates(ids, SimilarIds::Refuse);
            assert!(
                problems
                    .iter()
                    .all(|(_, wrong)| *wrong == Wrong::DroppedZeros { width: 4 })
            );
            problems.into_iter().map(|(row, _)| row).collect()
        };
        assert_eq!(warned(&["0012", "13", "1300"]), [2]);
        assert_eq!(warned(&["0012", "13", "A300"]), [] as [u32; 0]);
        assert_eq!(warned(&["12", "13", "1300"]), [] as [u32; 0]);
        assert_eq!(warned(&["0012", "13", "13000"]), [] as [u32; 0]);
        assert_eq!(warned(&["0012", "013", "7"]), [] as [u32; 0]);
    }
}
