//! Everything that somebody has to look at, grouped by what it is and what to do about it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::advice::{Advice, of_outcome, of_status};
use super::listed::{Listed, Room};
use super::row::Row;
use super::value::{Count, Text};
use crate::results::{Entry, Reason, Status};
use crate::verification::{Checked, Outcome};

/// So many groups are told apart. There are fewer, unless somebody has made up reasons.
const GROUPS: usize = 40;

/// So much of each group is shown.
const ROOM: Room = Room {
    things: 50,
    bytes: 24 * 1024,
};

/// Rows that need somebody's attention for the same reason.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Who says so: `results`, for rows that are not done, or `verify`.
    pub found_by: &'static str,
    /// The status or the outcome.
    pub what: &'static str,
    /// The reason that the results give; empty where `verify` says so.
    pub reason: Text,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub what_to_do: String,
    /// The rows.
    pub rows: Listed<Row>,
}

/// What a group is known by, in the order in which groups are shown: what contradicts the results
/// comes first, what nobody can verify comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Outcome(Outcome),
    Status(Status, Text),
    Unverifiable,
}

/// Gathers the exceptions.
#[derive(Debug, Default)]
pub struct Exceptions(BTreeMap<Key, Group>);

impl Exceptions {
    /// Takes a line of the results, with what `verify` found about it.
    pub fn take(&mut self, entry: &Entry, checked: Option<&Checked>) {
        // Rows that have left the manifest are nobody's business until `verify` misses them, unless
        // they have left an attachment without bytes.
        let is_ours = entry.row.is_some() || entry.status == Status::Replacing;
        if is_ours && !entry.status.is_done() {
            self.push_status(entry);
        }
        let Some(line) = checked else { return };
        let key = match line.outcome {
            // Such a row has its own group by its status.
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

    /// The groups, in the order in which they are shown.
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

    /// What its rows have in common, in a few words.
    pub fn title(&self) -> String {
        match (self.found_by, self.reason.is_empty()) {
            ("verify", _) => format!("Found by verify: {}", self.what),
            (_, true) => self.what.to_owned(),
            (_, false) => format!("{}, {}", self.what, self.reason),
        }
    }

    /// Whether it is about what nobody can verify, which is no fault of a row.
    pub fn is_unverifiable(&self) -> bool {
        self.what == Outcome::Unverifiable.as_str()
    }
}

/// How many exceptions there are that speak against a row.
pub fn serious(groups: &[Group]) -> Count {
    let serious = groups.iter().filter(|group| !group.is_unverifiable());
    Count(serious.map(|group| group.rows.count.0).sum())
}
