//! Backups of replaced content, as far as this machine has them, for the summary of a verification.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::prepare::HashProgress;
use crate::results::BackupOutcome;
use crate::root::parent_folder;
use crate::text::{count_with_noun, group_thousands, quoted};
use crate::verification::backups::{BackupState, RecordedBackup, check_backups};
use crate::verification::row::VerificationRow;

use super::summary::MAX_ROWS_NAMED;

/// State of each backup named by the results.
#[derive(Debug, Default)]
pub(super) struct BackupChecks {
    checked: Vec<(RecordedBackup, BackupState)>,
    /// Number of contents replaced without a backup, as the user chose.
    waived: u64,
}

impl BackupChecks {
    /// Looks for each backup relative to the working directory, and then beside the results.
    pub(super) fn check(
        rows: &[VerificationRow],
        results: &Path,
        watch: &dyn HashProgress,
    ) -> Self {
        let named: Vec<RecordedBackup> = rows.iter().filter_map(RecordedBackup::from_row).collect();
        let standings = check_backups(&named, parent_folder(results), watch);
        let is_waived = |row: &&VerificationRow| {
            let former = row.former_content.as_ref();
            former.is_some_and(|former| former.backup == BackupOutcome::Waived)
        };
        Self {
            checked: named.into_iter().zip(standings).collect(),
            waived: rows.iter().filter(is_waived).count() as u64,
        }
    }

    fn count_with(&self, state: BackupState) -> u64 {
        let all = self.checked.iter();
        all.filter(|(_, found)| *found == state).count() as u64
    }

    /// Writes the lines about backups, if there are any.
    pub(super) fn write_lines(&self, text: &mut String) {
        let all = self.checked.len() as u64;
        if all > 0 && self.count_with(BackupState::Missing) == all {
            let _ = writeln!(
                text,
                "backups of replaced content: {} named by the results, and none is here (looked \
                 for below the working directory and beside the results)",
                group_thousands(all)
            );
        } else if all > 0 {
            self.write_counts_and_exceptions(text);
        }
        if self.waived > 0 {
            let _ = writeln!(
                text,
                "{} replaced without a backup (--no-backup)",
                count_with_noun(self.waived, "content")
            );
        }
    }

    fn write_counts_and_exceptions(&self, text: &mut String) {
        let counts: Vec<String> = BackupState::ALL
            .into_iter()
            .map(|standing| (standing, self.count_with(standing)))
            .filter(|(_, count)| *count > 0)
            .map(|(standing, count)| {
                format!("{} {}", group_thousands(count), standing.description())
            })
            .collect();
        let _ = writeln!(text, "backups of replaced content: {}", counts.join(", "));
        let exceptions = self.checked.iter();
        let mut exceptions = exceptions.filter(|(_, found)| *found != BackupState::AsRecorded);
        for (one, standing) in exceptions.by_ref().take(MAX_ROWS_NAMED) {
            let row = match one.row {
                Some(row) => format!("row {row}"),
                None => "a line without a row".to_owned(),
            };
            let _ = writeln!(
                text,
                "{row}, external_id {}: backup {} {}",
                quoted(&one.external_id),
                quoted(&one.path.to_string_lossy()),
                standing.description()
            );
        }
        let unnamed = exceptions.count() as u64;
        if unnamed > 0 {
            let _ = writeln!(text, "and {}", count_with_noun(unnamed, "other backup"));
        }
    }

    /// Number of backups in each state, by the word for scripts. States without a backup are left
    /// out.
    pub(super) fn for_scripts(&self) -> BTreeMap<&'static str, u64> {
        let counts =
            BackupState::ALL.map(|standing| (standing.as_str(), self.count_with(standing)));
        let counts = counts.into_iter().chain([("waived", self.waived)]);
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
