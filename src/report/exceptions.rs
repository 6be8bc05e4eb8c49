//! Exceptions: rows in need of attention, grouped by finding and remedy.

use std::collections::BTreeMap;

use serde::Serialize;

use super::advice::{ExceptionAdvice, advice_for_outcome, advice_for_status};
use super::bounded_list::{BoundedList, ListLimits};
use super::report_row::ReportRow;
use super::values::{ItemCount, UntrustedText};
use crate::results::{ResultsEntry, Status, StatusReason};
use crate::verification::{VerificationLine, VerificationOutcome};

/// Most groups of rows that are not done. Only made-up reasons can exceed the limit.
const MAX_GROUPS: usize = 40;

/// Limits of the list of rows in each group.
const GROUP_LIMITS: ListLimits = ListLimits {
    items: 50,
    html_bytes: 24 * 1024,
};

/// Rows in need of attention for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct ExceptionGroup {
    /// Source of the finding: `results` for rows that are not done, or `verify`.
    pub found_by: &'static str,
    /// Status or outcome of the rows.
    pub what: &'static str,
    /// Reason in the results; empty if `verify` is the source.
    pub reason: UntrustedText,
    /// Meaning of the finding.
    pub meaning: &'static str,
    /// Next step for the user.
    pub what_to_do: String,
    /// Rows of the group.
    pub rows: BoundedList<ReportRow>,
}

/// Key of a group, in the order of the report: contradictions of the results first, unverifiable
/// rows last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum ExceptionKey {
    Outcome(VerificationOutcome),
    Status(Status, UntrustedText),
    Unverifiable,
}

/// Collector of exceptions, by group.
#[derive(Debug, Default)]
pub struct ExceptionCollector(BTreeMap<ExceptionKey, ExceptionGroup>);

impl ExceptionCollector {
    /// Adds a line of the results, with the line of the verification about the same row, if any.
    pub fn take_line(&mut self, entry: &ResultsEntry, checked: Option<&VerificationLine>) {
        // A row that has left the manifest is no exception until `verify` misses its attachment,
        // unless the row has left an attachment without bytes.
        let is_ours = entry.row.is_some() || entry.status == Status::Replacing;
        if is_ours && !entry.status.is_done() {
            self.take_row_not_done(entry);
        }
        let Some(line) = checked else { return };
        let key = match line.outcome {
            // A row that is not done has its own group by its status.
            VerificationOutcome::Match | VerificationOutcome::NotDone => return,
            VerificationOutcome::Unverifiable => ExceptionKey::Unverifiable,
            outcome => ExceptionKey::Outcome(outcome),
        };
        let advice = advice_for_outcome(line.outcome, entry.service());
        self.group_for(key, || {
            ExceptionGroup::new(
                "verify",
                line.outcome.as_str(),
                UntrustedText::default(),
                advice,
            )
        })
        .rows
        .push(|| ReportRow::as_verified(entry, line));
    }

    fn take_row_not_done(&mut self, entry: &ResultsEntry) {
        let known = self.0.len() < MAX_GROUPS;
        let reason = UntrustedText::new(entry.reason.as_str());
        let key = ExceptionKey::Status(entry.status, reason.clone());
        let (reason, advised) = if known || self.0.contains_key(&key) {
            (reason, entry.reason.clone())
        } else {
            (UntrustedText::new("(other reasons)"), StatusReason::None)
        };
        let advice = advice_for_status(entry.status, &advised, entry.service());
        let key = ExceptionKey::Status(entry.status, reason.clone());
        self.group_for(key, || {
            ExceptionGroup::new("results", entry.status.as_str(), reason, advice)
        })
        .rows
        .push(|| ReportRow::new(entry, None));
    }

    fn group_for(
        &mut self,
        key: ExceptionKey,
        make: impl FnOnce() -> ExceptionGroup,
    ) -> &mut ExceptionGroup {
        self.0.entry(key).or_insert_with(make)
    }

    /// Returns the groups in the order of the report.
    pub fn groups(self) -> Vec<ExceptionGroup> {
        self.0.into_values().collect()
    }
}

impl ExceptionGroup {
    fn new(
        found_by: &'static str,
        what: &'static str,
        reason: UntrustedText,
        advice: ExceptionAdvice,
    ) -> Self {
        Self {
            found_by,
            what,
            reason,
            meaning: advice.meaning,
            what_to_do: advice.what_to_do,
            rows: BoundedList::with_limits(GROUP_LIMITS),
        }
    }

    /// Title of the group, in a few words.
    pub fn title(&self) -> String {
        match (self.found_by, self.reason.is_empty()) {
            ("verify", _) => format!("Found by verify: {}", self.what),
            (_, true) => self.what.to_owned(),
            (_, false) => format!("{}, {}", self.what, self.reason),
        }
    }

    /// True for the group of unverifiable rows, which is no fault of a row.
    pub fn is_unverifiable(&self) -> bool {
        self.what == VerificationOutcome::Unverifiable.as_str()
    }
}

/// Counts the rows of all groups, except the group of unverifiable rows.
pub fn count_serious(groups: &[ExceptionGroup]) -> ItemCount {
    let serious = groups.iter().filter(|group| !group.is_unverifiable());
    ItemCount(serious.map(|group| group.rows.count.0).sum())
}
