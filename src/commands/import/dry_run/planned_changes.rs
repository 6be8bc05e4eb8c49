//! Changes of an import to existing attachments, counted and listed.

use std::fmt;

use serde::Serialize;

use crate::pipeline::{PredictedNameChange, PredictedOutcome, RowSurvey};
use crate::text::{group_thousands, quoted};

/// Longest list of changes; further changes are only counted.
const MAX_CHANGES_NAMED: usize = 100;

/// Counts and list of planned changes.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct PlannedChanges {
    /// Attachments whose content would be replaced.
    pub(super) replace: u64,
    /// Size in bytes of the new content.
    pub(super) replace_bytes: u64,
    /// Attachments of the file's size, which would be downloaded, and replaced unless the content
    /// is the file's.
    pub(super) compare: u64,
    /// Size in bytes of the files to compare.
    pub(super) compare_bytes: u64,
    pub(super) title: u64,
    /// Titles sent along with new content, which need no request of their own.
    #[serde(skip)]
    pub(super) title_with_content: u64,
    pub(super) rename: u64,
    list: Vec<PlannedChange>,
    /// Number of changes beyond the end of the list.
    not_listed: u64,
}

/// One change of one attachment.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct PlannedChange {
    row: usize,
    external_id: String,
    #[serde(flatten)]
    kind: PlannedChangeKind,
}

/// Kind of a change, with the values before and after.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
enum PlannedChangeKind {
    Replace { old_size: u64, new_size: u64 },
    Compare { size: u64 },
    Title { old: Option<String>, new: String },
    Rename { new_external_id: String },
}

impl PlannedChanges {
    /// Counts and lists the changes of a row.
    pub(super) fn count_row(&mut self, one: &RowSurvey) {
        let (row, size) = (one, one.size);
        match one.predicted_outcome {
            PredictedOutcome::Replace { old_size } => {
                self.replace += 1;
                self.replace_bytes += size;
                let new_size = size;
                self.add(row, PlannedChangeKind::Replace { old_size, new_size });
            }
            PredictedOutcome::ReplaceUnlessSame => {
                self.compare += 1;
                self.compare_bytes += size;
                self.add(row, PlannedChangeKind::Compare { size });
            }
            _ => {}
        }
        for name in &one.name_changes {
            match name.clone() {
                PredictedNameChange::Title { from: old, to: new } => {
                    self.title += 1;
                    let with_content =
                        matches!(one.predicted_outcome, PredictedOutcome::Replace { .. });
                    self.title_with_content += u64::from(with_content);
                    self.add(row, PlannedChangeKind::Title { old, new });
                }
                PredictedNameChange::ExternalId(new_external_id) => {
                    self.rename += 1;
                    self.add(row, PlannedChangeKind::Rename { new_external_id });
                }
            }
        }
    }

    fn add(&mut self, row: &RowSurvey, what: PlannedChangeKind) {
        if self.list.len() == MAX_CHANGES_NAMED {
            self.not_listed += 1;
            return;
        }
        self.list.push(PlannedChange {
            row: row.row,
            external_id: row.external_id.clone(),
            kind: what,
        });
    }

    /// True if nothing would be changed.
    pub(super) fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns one line of text for each listed change.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(PlannedChange::to_string)
    }

    /// Number of changes beyond the end of the list.
    pub(super) fn not_listed(&self) -> u64 {
        self.not_listed
    }
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let external_id = quoted(&self.external_id);
        write!(f, "row {}, external_id {external_id}: ", self.row)?;
        match &self.kind {
            PlannedChangeKind::Replace { old_size, new_size } => {
                let (old, new) = (group_thousands(*old_size), group_thousands(*new_size));
                write!(f, "replace {old} bytes with {new}")
            }
            PlannedChangeKind::Compare { size } => write!(
                f,
                "download {} bytes, and replace the content if it differs from the file",
                group_thousands(*size)
            ),
            PlannedChangeKind::Title {
                old: Some(old),
                new,
            } => write!(f, "change the title {} to {}", quoted(old), quoted(new)),
            PlannedChangeKind::Title { old: None, new } => {
                write!(f, "set the title {}", quoted(new))
            }
            PlannedChangeKind::Rename { new_external_id } => {
                write!(f, "rename to {}", quoted(new_external_id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectRef, ObjectType};

    fn row(number: usize, outlook: PredictedOutcome, names: Vec<PredictedNameChange>) -> RowSurvey {
        RowSurvey {
            new_row_object: None,
            row: number,
            object: ObjectRef::parse(ObjectType::Contract, "7").unwrap(),
            external_id: format!("LEG-{number}"),
            size: 20_113,
            predicted_outcome: outlook,
            name_changes: names,
        }
    }

    #[test]
    fn each_change_is_told_with_what_is_there_and_what_would_be() {
        let mut changes = PlannedChanges::default();
        let title = |from: Option<&str>| PredictedNameChange::Title {
            from: from.map(str::to_owned),
            to: "New".to_owned(),
        };
        let renamed = PredictedNameChange::ExternalId("EU-LEG-14".to_owned());
        let names = vec![title(Some("Old")), renamed];
        changes.count_row(&row(
            14,
            PredictedOutcome::Replace { old_size: 18_201 },
            names,
        ));
        changes.count_row(&row(
            15,
            PredictedOutcome::ReplaceUnlessSame,
            vec![title(None)],
        ));
        let lines: Vec<String> = changes.lines().collect();
        assert_eq!(
            lines,
            [
                "row 14, external_id \"LEG-14\": replace 18,201 bytes with 20,113",
                "row 14, external_id \"LEG-14\": change the title \"Old\" to \"New\"",
                "row 14, external_id \"LEG-14\": rename to \"EU-LEG-14\"",
                "row 15, external_id \"LEG-15\": download 20,113 bytes, and replace the content if \
                 it differs from the file",
                "row 15, external_id \"LEG-15\": set the title \"New\"",
            ]
        );
    }

    #[test]
    fn what_changes_nothing_is_no_change() {
        let mut changes = PlannedChanges::default();
        for outlook in [
            PredictedOutcome::Create,
            PredictedOutcome::SendToBegunRecord,
        ] {
            changes.count_row(&row(1, outlook, Vec::new()));
        }
        assert!(changes.are_none());
    }

    #[test]
    fn a_long_list_is_cut_and_everything_is_counted() {
        let mut changes = PlannedChanges::default();
        for number in 1..=130 {
            changes.count_row(&row(
                number,
                PredictedOutcome::Replace { old_size: 1 },
                Vec::new(),
            ));
        }
        assert_eq!(changes.lines().count(), 100);
        assert_eq!((changes.replace, changes.not_listed()), (130, 30));
    }
}
