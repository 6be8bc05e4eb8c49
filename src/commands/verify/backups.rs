//! Backups of replaced content, as far as this machine has them, for the summary of a verification.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::prepare::Watch;
use crate::results::Backup;
use crate::root::folder_of;
use crate::text::{counted, grouped, quoted};
use crate::verification::backups::{Named, Standing, standings};
use crate::verification::row::Row;

use super::summary::ROWS_NAMED;

/// State of each backup named by the results.
#[derive(Debug, Default)]
pub(super) struct Backups {
    looked_at: Vec<(Named, Standing)>,
    /// Number of contents replaced without a backup, as the user wished.
    waived: u64,
}

impl Backups {
    /// Looks for each backup relative to the working directory, and then beside the results.
    pub(super) fn of(rows: &[Row], results: &Path, watch: &dyn Watch) -> Self {
        let named: Vec<Named> = rows.iter().filter_map(Named::of).collect();
        let standings = standings(&named, folder_of(results), watch);
        let is_waived = |row: &&Row| {
            let former = row.former.as_ref();
            former.is_some_and(|former| former.backup == Backup::Waived)
        };
        Self {
            looked_at: named.into_iter().zip(standings).collect(),
            waived: rows.iter().filter(is_waived).count() as u64,
        }
    }

    fn so_many(&self, standing: Standing) -> u64 {
        let all = self.looked_at.iter();
        all.filter(|(_, found)| *found == standing).count() as u64
    }

    /// Writes the lines about backups, if there are any.
    pub(super) fn tell(&self, text: &mut String) {
        let all = self.looked_at.len() as u64;
        if all > 0 && self.so_many(Standing::Missing) == all {
            let _ = writeln!(
                text,
                "backups of what was replaced: {} named by the results, and none is here (looked for \
                 below the working directory and beside the results)",
                grouped(all)
            );
        } else if all > 0 {
            self.tell_each(text);
        }
        if self.waived > 0 {
            let _ = writeln!(
                text,
                "{} replaced without a backup (--no-backup)",
                counted(self.waived, "content")
            );
        }
    }

    fn tell_each(&self, text: &mut String) {
        let counts: Vec<String> = Standing::ALL
            .into_iter()
            .map(|standing| (standing, self.so_many(standing)))
            .filter(|(_, count)| *count > 0)
            .map(|(standing, count)| format!("{} {}", grouped(count), standing.words()))
            .collect();
        let _ = writeln!(text, "backups of what was replaced: {}", counts.join(", "));
        let exceptions = self.looked_at.iter();
        let mut exceptions = exceptions.filter(|(_, found)| *found != Standing::AsRecorded);
        for (one, standing) in exceptions.by_ref().take(ROWS_NAMED) {
            let row = match one.row {
                Some(row) => format!("row {row}"),
                None => "a line without a row".to_owned(),
            };
            let _ = writeln!(
                text,
                "{row}, external_id {}: backup {} {}",
                quoted(&one.external_id),
                quoted(&one.path.to_string_lossy()),
                standing.words()
            );
        }
        let unnamed = exceptions.count() as u64;
        if unnamed > 0 {
            let _ = writeln!(text, "and {}", counted(unnamed, "other backup"));
        }
    }

    /// Number of backups in each state, by the word for scripts. States without a backup are left
    /// out.
    pub(super) fn for_scripts(&self) -> BTreeMap<&'static str, u64> {
        let counts = Standing::ALL.map(|standing| (standing.as_str(), self.so_many(standing)));
        let counts = counts.into_iter().chain([("waived", self.waived)]);
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
