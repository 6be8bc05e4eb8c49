//! Account of a run over a part of the rows, in words and as a member of the JSON summary.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::Serialize;

use super::resume_command::ResumedRows;
use super::work_list::WorkList;
use crate::commands::run_ending::RunEnding;
use crate::model::RowNumbers;
use crate::plan::{PilotScope, needs_manual_check};
use crate::results::ResultsEntry;
use crate::text::{count_with_noun, group_thousands};

/// Part of the rows of an import, for a run with `--limit` or `--only`.
#[derive(Debug, Serialize)]
pub(super) struct PilotReport {
    limit: Option<NonZeroUsize>,
    only: Option<String>,
    /// Number of rows in the part.
    rows: u64,
    /// Number of due rows outside of the part.
    rows_left_out: u64,
    /// The options as a clause.
    #[serde(skip)]
    clause: String,
    /// Number of rows of the part still due after the run.
    #[serde(skip)]
    unfinished: u64,
}

impl PilotReport {
    /// Returns the part for a run; `None` for a run over all due rows.
    pub(super) fn from_plan(scope: &PilotScope, plan: &WorkList<'_>) -> Option<Self> {
        let rows_left_out = plan.rows_left_out().len() as u64;
        (rows_left_out > 0).then(|| Self {
            limit: scope.limit,
            only: scope.only.as_ref().map(RowNumbers::to_string),
            rows: (plan.rows_to_send().len() + plan.rows_to_find().len()) as u64,
            rows_left_out,
            clause: scope.to_string(),
            unfinished: 0,
        })
    }

    /// Counts the last line of a row in the part.
    pub(super) fn count_line(&mut self, entry: &ResultsEntry) {
        let is_left = !entry.status.is_done() && !needs_manual_check(entry);
        self.unfinished += u64::from(is_left);
    }

    /// Number of due rows outside of the part.
    pub(super) fn rows_left_out(&self) -> u64 {
        self.rows_left_out
    }

    /// Returns the part as a noun: `3 of 12 rows, as --limit 3 asks`. `rows` is the number of rows of
    /// the manifest.
    pub(super) fn in_words(&self, rows: u64) -> String {
        format!(
            "{} of {}, as {}",
            group_thousands(self.rows),
            count_with_noun(rows, "row"),
            self.clause
        )
    }

    /// Returns the rows of the command after an ending: all rows after a run over the whole part, and
    /// the rest of the part after an early stop. The user has not agreed to more rows yet.
    pub(super) fn resumed_rows(&self, ending: &RunEnding) -> ResumedRows {
        match (NonZeroU64::new(self.unfinished), self.limit) {
            (Some(unfinished), Some(_)) if ending.is_early() => ResumedRows::First(unfinished),
            (Some(_), None) if ending.is_early() => ResumedRows::AsTyped,
            _ => ResumedRows::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::StopSignal;

    #[test]
    fn a_run_that_stopped_early_goes_on_with_the_rest_of_its_part_and_another_with_all_rows() {
        let interrupted = || RunEnding::Interrupted(StopSignal::Interrupt);
        let stopped = || RunEnding::Stopped("the service was away".to_owned());
        let first = |rows| ResumedRows::First(NonZeroU64::new(rows).unwrap());
        for (limit, unfinished, ending, rows) in [
            (3, 0, RunEnding::Incomplete, ResumedRows::All),
            (3, 2, RunEnding::Incomplete, ResumedRows::All),
            (3, 2, interrupted(), first(2)),
            (3, 2, stopped(), first(2)),
            (3, 0, stopped(), ResumedRows::All),
            (0, 2, RunEnding::Incomplete, ResumedRows::All),
            (0, 2, interrupted(), ResumedRows::AsTyped),
            (0, 0, interrupted(), ResumedRows::All),
        ] {
            let part = PilotReport {
                limit: NonZeroUsize::new(limit),
                only: Some("1-9".to_owned()),
                rows: 3,
                rows_left_out: 7,
                clause: String::new(),
                unfinished,
            };
            let found = part.resumed_rows(&ending);
            assert_eq!(
                found, rows,
                "--limit {limit}: {unfinished} left, {ending:?}"
            );
        }
    }
}
