//! Counts of the records of rows to be sent, for people and for scripts.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use crate::model::ObjectType;
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, group_thousands};

/// Counts of the records of rows to be sent. Also a part of the JSON summary.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct RecordForecast {
    /// Number of existing records.
    pub(super) found: u64,
    /// Number of missing records.
    pub(super) missing: u64,
    /// Rows whose records are there, by type and state.
    pub(super) rows_by_state: Vec<StateCount>,
    /// Rows whose records are in states beyond the end of the list.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) rows_in_other_states: u64,
    /// Unread records.
    #[serde(skip_serializing_if = "UnreadRecords::are_none")]
    pub(super) not_read: UnreadRecords,
}

/// Number of rows whose records are of a type and in a state.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct StateCount {
    #[serde(serialize_with = "serialize_type")]
    pub(super) object_type: ObjectType,
    /// Word of the service; `None` where the answer has no state.
    pub(super) state: Option<String>,
    pub(super) rows: u64,
}

/// Unread records.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct UnreadRecords {
    records: u64,
    rows: u64,
    /// Cause for the first of the records; `None` where the dry run ended before.
    why: Option<String>,
}

impl UnreadRecords {
    /// Adds a record with its number of rows and the cause.
    pub(super) fn add(&mut self, rows: u64, why: Option<&str>) {
        self.records += 1;
        self.rows += rows;
        self.why = self.why.take().or_else(|| why.map(str::to_owned));
    }

    fn are_none(&self) -> bool {
        self.records == 0
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference to the field"
)]
fn serialize_type<S: Serializer>(kind: &ObjectType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference to the field"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl RecordForecast {
    /// Returns the counts as lines for people.
    pub(super) fn for_people(&self) -> String {
        let mut text = String::new();
        if !self.rows_by_state.is_empty() {
            let _ = writeln!(
                text,
                "rows by the state of their record: {}; no document says which states refuse \
                 attachments",
                self.states_in_words()
            );
        }
        if self.found == 0 && self.missing > 1 {
            // A service may answer with 404 for records that the keys may not read.
            let _ = writeln!(
                text,
                "none of the {} was found: are these the ids of this tenant, and may the keys read \
                 the records?",
                count_with_noun(self.missing, "record")
            );
        }
        let unread = &self.not_read;
        if !unread.are_none() {
            let why = unread.why.as_deref();
            let why = why.map_or_else(String::new, |why| format!(": {}", escape(why)));
            let records = count_with_noun_and_verb(unread.records, "record", ["was", "were"]);
            let rows = count_with_noun(unread.rows, "row");
            let _ = writeln!(text, "{records} not looked at ({rows}){why}");
        }
        text
    }

    /// Returns the counts such as `9,120 in_progress contracts, 611 expired; 40 closed events`.
    fn states_in_words(&self) -> String {
        let mut words = String::new();
        let mut latest_type = None;
        for count in &self.rows_by_state {
            let is_first_of_type = latest_type != Some(count.object_type);
            words.push_str(match latest_type {
                None => "",
                Some(_) if is_first_of_type => "; ",
                Some(_) => ", ",
            });
            latest_type = Some(count.object_type);
            words.push_str(&group_thousands(count.rows));
            let noun = match count.rows {
                1 => count.object_type.noun(),
                _ => count.object_type.plural_noun(),
            };
            match (&count.state, is_first_of_type) {
                (Some(state), true) => {
                    let _ = write!(words, " {} {noun}", escape(state));
                }
                (Some(state), false) => {
                    let _ = write!(words, " {}", escape(state));
                }
                (None, true) => {
                    let _ = write!(words, " {noun} without a state");
                }
                (None, false) => words.push_str(" without a state"),
            }
        }
        if self.rows_in_other_states > 0 {
            let _ = write!(
                words,
                ", {} in other states",
                group_thousands(self.rows_in_other_states)
            );
        }
        words
    }
}
