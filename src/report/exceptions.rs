//! Exceptions: rows in need of attention, grouped by finding and remedy.

use std::collections::BTreeMap;

use serde::Serialize;

use super::advice::{Advice, of_outcome, of_status};
use super::listed::{Listed, Room};
use super::row::Row;
use super::value::{Count, Text};
use crate::results::{Entry, Reason, Status};
use crate::verification::{Checked, Outcome};

/// Most groups of rows that are not done. Only made-up reasons can exceed the limit.
const GROUPS: usize = 40;

/// Limits of the list of rows in each group.
const ROOM: Room = Room {
    things: 50,
    bytes: 24 * 1024,
};

/// Rows in need of attention for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Source of the finding: `results` for rows that are not done, or `verify`.
    pub found_by: &'static str,
    /// Status or outcome of the rows.
    pub what: &'static str,
    /// Reason in the results; empty if `verify` is the source.
    pub reason: Text,
    /// Meaning of the finding.
    pub meaning: &'static str,
    /// Next step for the user.
    pub what_to_do: String,
    /// Rows of the group.
    pub rows: Listed<Row>,
}

/// Key of a group, in the order of the report: contradictions of the results first, unverifiable
/// rows last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Outcome(Outcome),
    Status(Status, Text),
    Unverifiable,
}

/// Collector of exceptions, by group.
#[derive(Debug, Default)]
pub struct Exceptions(BTreeMap<Key, Group>);

impl Exceptions {
    /// Adds a line of the results, with the line of the verification about the same row, if any.
    pub fn take(&mut self, entry: &Entry, checked: Option<&Checked>) {
        // A row that has left the manifest is no exception until `verify` misses its attachment,
        // unless the row has left an attachment without bytes.
        let is_ours = entry.row.is_some() || entry.status == Status::Replacing;
        if is_ours && !entry.status.is_done() {
            self.push_status(entry);
        }
        let Some(line) = checked else { return };
        let key = match line.outcome {
            // A row that is not done has its own group by its status.
            Outcome::Match | Outcome::NotDone => return,
            Outcome::Unverifiable => Key::Unverifiable,
            outcome => Key::Outcome(outcome),
        };
        let advice = of_outcome(line.outcome, entry.service());
        self.group(key, || {
            Group::new("verify", line.outcome.as_str(), Text::default(), advice)
        })
        .rows
        .push(|| Row::as_verified(entry, line));
    }

    fn push_status(&mut self, entry: &Entry) {
        let known = self.0.len() < GROUPS;
        let reason = Text::of(entry.reason.as_str());
        let key = Key::Status(entry.status, reason.clone());
        let (reason, advised) = if known || self.0.contains_key(&key) {
            (reason, entry.reason.clone())
        } else {
            (Text::of("(other reasons)"), Reason::None)
        };
        let advice = of_status(entry.status, &advised, entry.service());
        let key = Key::Status(entry.status, reason.clone());
        self.group(key, || {
            Group::new("results", entry.status.as_str(), reason, advice)
        })
        .rows
        .push(|| Row::of(entry, None));
    }

    fn group(&mut self, key: Key, make: impl FnOnce() -> Group) -> &mut Group {
        self.0.entry(key).or_insert_with(make)
    }

    /// Returns the groups in the order of the report.
    pub fn groups(self) -> Vec<Group> {
        self.0.into_values().collect()
    }
}

impl Group {
    fn new(found_by: &'static str, what: &'static str, reason: Text, advice: Advice) -> Self {
        Self {
            found_by,
            what,
            reason,
            meaning: advice.meaning,
            what_to_do: advice.what_to_do,
            rows: Listed::with(ROOM),
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
        self.what == Outcome::Unverifiable.as_str()
    }
}

/// Counts the rows of all groups, except the group of unverifiable rows.
pub fn serious(groups: &[Group]) -> Count {
    let serious = groups.iter().filter(|group| !group.is_unverifiable());
    Count(serious.map(|group| group.rows.count.0).sum())
}
