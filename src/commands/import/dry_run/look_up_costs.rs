//! Cost of an import by either way of look-ups, and the assumption of `--lookup on-clash`.

use std::time::Duration;

use serde::Serialize;

use crate::commands::import::summary::look_up_report::scope_in_words;
use crate::model::{ClashScope, LookUpPolicy, ObjectRef};
use crate::pipeline::{PredictedOutcome, RowSurvey};
use crate::progress::human_duration;
use crate::text::count_with_noun;

/// Smallest number of rows looked up before the proof: their records prove the refusal.
const MIN_ROWS_BEFORE_PROOF: u64 = 2;

/// POSTs of the proof.
const PROOF_POSTS: u64 = 2;

/// Requests of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestCounts {
    /// Requests without changes.
    pub(super) reads: u64,
    /// Requests with changes.
    pub(super) changes: u64,
}

/// Cost of an import.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct ImportCost {
    requests: u64,
    seconds_at_the_rate: f64,
}

/// Costs by either way. Also part of the JSON summary of a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LookUpCosts {
    each: ImportCost,
    on_clash: ImportCost,
    /// Reason for which `--lookup on-clash` would look every row up; `None` if the way is open.
    on_clash_as_each: Option<&'static str>,
    #[serde(skip)]
    scope: ClashScope,
}

/// New rows of an import, by what the survey found.
#[derive(Debug, Default)]
struct NewRows {
    /// Number of rows whose records would be made.
    to_create: u64,
    /// Number of rows under whose names something was found.
    found: u64,
    /// True if records of two objects would be made that can prove the refusal.
    have_pair: bool,
    /// True if records of more than one object would be made.
    have_objects: bool,
}

impl NewRows {
    fn from_surveys<'a>(seen: impl Iterator<Item = &'a RowSurvey>, scope: ClashScope) -> Self {
        let mut rows = Self::default();
        // Of two objects of a type, one has another id than any object of another type.
        let mut objects: Vec<ObjectRef> = Vec::new();
        for (row, object) in seen.filter_map(|row| Some((row, row.new_row_object?))) {
            if row.predicted_outcome != PredictedOutcome::Create {
                rows.found += 1;
                continue;
            }
            rows.to_create += 1;
            rows.have_objects |= objects.iter().any(|one| *one != object);
            rows.have_pair |= objects
                .iter()
                .any(|one| scope.is_proven_between(*one, object));
            let kind = object.object_type();
            let same = objects.iter().filter(|one| one.object_type() == kind);
            if !objects.contains(&object) && same.count() < 2 {
                objects.push(object);
            }
        }
        rows
    }
}

impl LookUpCosts {
    /// Returns the costs of an import that takes `each` requests if all rows are looked up. `time`
    /// gives the least time for requests. `None` without a record to be made for a new row.
    pub(super) fn compare<'a>(
        seen: impl Iterator<Item = &'a RowSurvey>,
        scope: ClashScope,
        rows_at_once: usize,
        each: RequestCounts,
        time: impl Fn(RequestCounts) -> Duration,
    ) -> Option<Self> {
        let rows = NewRows::from_surveys(seen, scope);
        if rows.to_create == 0 {
            return None;
        }
        let cost = |counts: RequestCounts| ImportCost {
            requests: counts.reads + counts.changes,
            seconds_at_the_rate: time(counts).as_secs_f64(),
        };
        let (counts, on_clash_as_each) = match requests_on_clash(&rows, rows_at_once, each) {
            Ok(counts) => (counts, None),
            Err(why) => (each, Some(why)),
        };
        Some(Self {
            each: cost(each),
            on_clash: cost(counts),
            on_clash_as_each,
            scope,
        })
    }

    /// Returns requests and seconds of the way that the user chose.
    pub(super) fn chosen(&self, policy: LookUpPolicy) -> (u64, f64) {
        let cost = match policy {
            LookUpPolicy::Each => self.each,
            LookUpPolicy::OnClash => self.on_clash,
        };
        (cost.requests, cost.seconds_at_the_rate)
    }

    /// Returns the costs and the assumption as lines for people.
    pub(super) fn for_people(&self) -> String {
        let cost = |cost: ImportCost| {
            let time = human_duration(cost.seconds_at_the_rate);
            format!("{}, {time}", count_with_noun(cost.requests, "request"))
        };
        if let Some(why) = self.on_clash_as_each {
            return format!("--lookup on-clash would look every row up, too: {why}\n");
        }
        format!(
            "with --lookup each: {}; with --lookup on-clash: {}\non-clash relies on the service to \
             refuse an external_id in use {}, which is not documented: each run tries first, with 1 \
             or 2 attachments without content, and looks every row up if the service does not \
             refuse\n",
            cost(self.each),
            cost(self.on_clash),
            scope_in_words(self.scope),
        )
    }
}

/// Returns the least numbers of requests of an import that relies on refusals, or the reason for
/// which the import would look every row up.
fn requests_on_clash(
    rows: &NewRows,
    rows_at_once: usize,
    each: RequestCounts,
) -> Result<RequestCounts, &'static str> {
    if !rows.have_objects {
        return Err("all new rows are for one record, which proves nothing");
    }
    if !rows.have_pair {
        return Err("no two of the records of new rows differ in type and id");
    }
    let before = MIN_ROWS_BEFORE_PROOF.max(rows_at_once as u64);
    if rows.to_create + rows.found <= before {
        return Err("all new rows begin before the service's answer is known");
    }
    let saved = rows.to_create.saturating_sub(before);
    Ok(RequestCounts {
        reads: each.reads - saved,
        changes: each.changes + rows.found + PROOF_POSTS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_clash(to_create: u64, found: u64, rows_at_once: usize) -> Result<u64, &'static str> {
        let rows = NewRows {
            to_create,
            found,
            have_pair: true,
            have_objects: true,
        };
        let each = RequestCounts {
            reads: to_create + found,
            changes: to_create,
        };
        let counts = requests_on_clash(&rows, rows_at_once, each)?;
        Ok(counts.reads + counts.changes)
    }

    #[test]
    fn a_new_row_costs_one_request_and_a_row_that_is_there_two() {
        assert_eq!(on_clash(10_000, 0, 8), Ok(10_000 + 8 + 2));
        assert_eq!(on_clash(1_000, 500, 1), Ok(1_000 + 2 + 1_000 + 2));
        // Rows that are there already make the way dearer.
        assert_eq!(on_clash(2, 98, 1), Ok(4 + 2 * 98 + 2));
        assert!(on_clash(8, 0, 8).is_err());
    }

    #[test]
    fn the_costs_and_the_assumption_are_said() {
        let cost = |requests| ImportCost {
            requests,
            seconds_at_the_rate: requests as f64 / 5.0,
        };
        let costs = LookUpCosts {
            each: cost(20_200),
            on_clash: cost(10_210),
            on_clash_as_each: None,
            scope: ClashScope::Company,
        };
        assert_eq!(
            costs.for_people(),
            "with --lookup each: 20,200 requests, 67 min; with --lookup on-clash: 10,210 \
             requests, 34 min\non-clash relies on the service to refuse an external_id in use in the \
             whole company, which is not documented: each run tries first, with 1 or 2 attachments \
             without content, and looks every row up if the service does not refuse\n"
        );
        let as_each = LookUpCosts {
            on_clash_as_each: Some("all new rows are for one record, which proves nothing"),
            ..costs
        };
        assert_eq!(
            as_each.for_people(),
            "--lookup on-clash would look every row up, too: all new rows are for one record, which \
             proves nothing\n"
        );
    }
}
