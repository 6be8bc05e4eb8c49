//! Checks over all ids of a column: duplicates, similar ids, and ids that a spreadsheet may have
//! rewritten.

use std::borrow::Cow;
use std::collections::HashMap;

use super::equal_values::{FirstRowsByValue, RowValueHashes};
use super::id_damage::{IdDamage, IdDamageDetector};
use super::{Column, Manifest, SimilarIdPolicy};
use crate::manifest::problem::{ManifestProblem, ProblemKind, ProblemList};
use crate::model::ObjectType;
use crate::text::fold_id;

/// Check of the ids of one column: filled while the rows are scanned, reported at the end.
pub(super) struct IdColumnCheck {
    column: Column,
    /// Hashes of the ids without what a reader would not notice, with their rows.
    pub(super) hashes: RowValueHashes,
    damage: IdDamageDetector,
}

impl IdColumnCheck {
    /// Creates an empty check for a column.
    pub(super) fn new(column: Column) -> Self {
        Self {
            column,
            hashes: RowValueHashes::default(),
            damage: IdDamageDetector::default(),
        }
    }

    /// Creates an empty check for another column, whose hashes can be compared with the hashes of
    /// this column.
    pub(super) fn for_other_column(&self, column: Column) -> Self {
        Self {
            hashes: self.hashes.new_comparable(),
            ..Self::new(column)
        }
    }

    /// Adds the id of a row. Rows without an id are not added.
    pub(super) fn add(&mut self, row: u32, id: &str) {
        self.hashes.add(row, fold_id(id));
        self.damage.add(id);
    }

    /// Reports duplicates and similar ids, and warns of ids that a spreadsheet may have rewritten.
    pub(super) fn report_problems(
        &mut self,
        manifest: &Manifest,
        similar: SimilarIdPolicy,
        problems: &mut ProblemList,
    ) {
        for rows in self.hashes.groups_of_equal_hashes() {
            report_duplicates(self.column, rows, manifest, similar, problems);
        }
        if let Some(damage) = self.damage.finding() {
            self.warn_of_damage(damage, manifest, problems);
        }
    }

    fn warn_of_damage(&self, damage: IdDamage, manifest: &Manifest, problems: &mut ProblemList) {
        for row in self.hashes.rows() {
            let raw = manifest.row_numbered(row);
            if let Some(kind) = damage.problem_of(raw.cell(self.column)) {
                problems.push(id_problem(self.column, row, kind));
            }
        }
    }
}

/// Check of `object_external_id`, which many rows may share: only ids that a spreadsheet may have
/// rewritten can be found. Each type of record has ids of its own form.
#[derive(Default)]
pub(super) struct ObjectExternalIdCheck {
    detectors: HashMap<ObjectType, IdDamageDetector>,
}

impl ObjectExternalIdCheck {
    /// Adds the id of a row. Rows without an id are not added.
    pub(super) fn add(&mut self, kind: ObjectType, id: &str) {
        self.detectors.entry(kind).or_default().add(id);
    }

    /// Warns of the rows whose id a spreadsheet may have rewritten.
    pub(super) fn warn_of_damage(self, manifest: &Manifest, problems: &mut ProblemList) {
        let damages: HashMap<&str, IdDamage> = self
            .detectors
            .iter()
            .filter_map(|(kind, detector)| Some((kind.as_str(), detector.finding()?)))
            .collect();
        if damages.is_empty() {
            return;
        }
        for row in manifest.rows() {
            let id = row.object_external_id();
            let damage = damages.get(row.object_type()).filter(|_| !id.is_empty());
            if let Some(kind) = damage.and_then(|damage| damage.problem_of(id)) {
                problems.push(row.problem(Some(Column::ObjectExternalId), kind));
            }
        }
    }
}

/// Reports those of the given rows with equal hashes whose ids are really equal or, unless allowed,
/// similar.
fn report_duplicates(
    column: Column,
    rows: impl Iterator<Item = u32>,
    manifest: &Manifest,
    similar: SimilarIdPolicy,
    problems: &mut ProblemList,
) {
    let mut exact = FirstRowsByValue::default();
    let mut folded = FirstRowsByValue::default();
    for row in rows {
        let raw = manifest.row_numbered(row);
        let id = raw.cell(column);
        let same = exact.find_or_insert(Cow::Borrowed(id), row);
        let alike = folded.find_or_insert(fold_id(id), row);
        if let Some(first) = same {
            first.report_pair(row, |row, other| {
                problems.push(id_problem(column, row, ProblemKind::DuplicateId { other }));
            });
        } else if let (Some(first), SimilarIdPolicy::Refuse) = (alike, similar) {
            first.report_pair(row, |row, other| {
                problems.push(id_problem(
                    column,
                    row,
                    ProblemKind::SimilarId { other, column },
                ));
            });
        }
    }
}

fn id_problem(column: Column, row: u32, wrong: ProblemKind) -> ManifestProblem {
    ManifestProblem {
        row,
        column: Some(column),
        kind: wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::read_ids;

    fn problems_of_ids(ids: &[&str], similar: SimilarIdPolicy) -> Vec<(u32, ProblemKind)> {
        let problems = read_ids(ids, similar).problems;
        problems
            .iter()
            .map(|problem| (problem.row, problem.kind.clone()))
            .collect()
    }

    #[test]
    fn of_two_rows_with_one_id_each_is_told_of_the_other() {
        assert_eq!(
            problems_of_ids(&["a", "b", "a", "a"], SimilarIdPolicy::Allow),
            [
                (1, ProblemKind::DuplicateId { other: 3 }),
                (3, ProblemKind::DuplicateId { other: 1 }),
                (4, ProblemKind::DuplicateId { other: 1 }),
            ]
        );
    }

    #[test]
    fn ids_that_differ_only_in_case_or_accents_are_refused_unless_they_are_allowed() {
        let column = Column::ExternalId;
        for (one, other) in [("at1", "AT1"), ("Ä", "A\u{308}"), ("straße", "STRASSE")] {
            assert_eq!(
                problems_of_ids(&[one, other], SimilarIdPolicy::Refuse),
                [
                    (1, ProblemKind::SimilarId { other: 2, column }),
                    (2, ProblemKind::SimilarId { other: 1, column })
                ]
            );
            assert_eq!(problems_of_ids(&[one, other], SimilarIdPolicy::Allow), []);
        }
    }

    #[test]
    fn ids_that_differ_only_in_what_a_reader_does_not_notice_are_alike() {
        let column = Column::ExternalId;
        for (one, other) in [
            ("MAR-11", "MAR\u{2013}11"),
            ("MAR-11", "mar\u{2212}11"),
            ("A 1", "A\u{a0}1"),
            ("A1", "A\u{200b}1"),
        ] {
            let alike = problems_of_ids(&[one, other], SimilarIdPolicy::Refuse)
                .into_iter()
                .filter(|(_, kind)| matches!(kind, ProblemKind::SimilarId { .. }))
                .collect::<Vec<_>>();
            assert_eq!(
                alike,
                [
                    (1, ProblemKind::SimilarId { other: 2, column }),
                    (2, ProblemKind::SimilarId { other: 1, column })
                ],
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_million_equal_ids_would_not_take_forever() {
        let ids = vec!["same"; 20_000];
        assert_eq!(problems_of_ids(&ids, SimilarIdPolicy::Refuse).len(), 20_000);
    }
}
