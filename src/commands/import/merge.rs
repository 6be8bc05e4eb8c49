//! Lines of the whole results file, before and after a run: one line for each row.
//!
//! No knowledge of an attachment is lost here. The line of a row is the line that counted before,
//! and lines of rows that have left the manifest stay, after the others.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::manifest::problem::{self, Problems};
use crate::manifest::{Manifest, RawRow};
use crate::results::file::Line;
use crate::results::previous::Previous;
use crate::results::{Changes, Entry, Known, Reason, RowState, Verified};

/// Selection of the rows with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Rows of which something is known: the results file before a run.
    Known,
    /// All rows: the results file after a run.
    All,
}

/// Sources of lines besides the results of earlier runs.
pub(super) struct Rows<'a> {
    /// Manifest of the run.
    pub manifest: &'a Manifest,
    /// Problems of the rows of the manifest.
    pub problems: &'a Problems,
    /// New lines of rows without requests, by row number.
    pub decided: &'a HashMap<usize, Entry>,
    /// Label of the destination, as a line of the results names the destination.
    pub destination: &'a str,
}

/// Returns the lines of the whole file, in the order of the manifest.
///
/// Lines are made one at a time. Their number is known beforehand.
pub(super) fn lines<'a>(
    rows: &'a Rows<'a>,
    previous: &'a Previous,
    extent: Extent,
) -> impl ExactSizeIterator<Item = Line> + 'a {
    let now = Timestamp::now();
    let (of_manifest, left_over) = rows.census(previous, extent);
    let count = of_manifest + left_over.len();
    let of_rows = rows.manifest.rows();
    let of_rows = of_rows.filter_map(move |row| {
        let entry = rows.entry(&row, previous, extent, now)?;
        let extras = row.extras().map(ToOwned::to_owned).collect();
        Some(Line { entry, extras })
    });
    let left_over = left_over.into_iter();
    Counted {
        lines: of_rows.chain(left_over.map(|entry| rows.left_over(entry, previous))),
        left: count,
    }
}

/// Iterator of lines with a known length.
struct Counted<I> {
    lines: I,
    left: usize,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.lines.next()?;
        self.left = self.left.saturating_sub(1);
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

/// Returns the entries of rows no longer in the manifest, in the order of the old file. Entries
/// without knowledge of an attachment are left out.
///
/// `shown` holds the places of the lines whose rows are in the manifest.
pub(super) fn left(previous: &Previous, shown: &BTreeSet<usize>) -> Vec<Entry> {
    previous
        .external_ids()
        .into_iter()
        .filter(|external_id| {
            let place = previous.place(external_id);
            place.is_some_and(|place| !shown.contains(&place))
        })
        .filter_map(|external_id| previous.get(external_id))
        .filter(is_worth_keeping)
        .collect()
}

/// True if an entry tells something of an attachment, rather than the absence of any.
fn is_worth_keeping(entry: &Entry) -> bool {
    entry.was_done() || entry.attachment_id.is_some() || entry.state().is_creating()
}

impl Rows<'_> {
    /// Counts the rows of the manifest with a line, and collects the entries of rows no longer in
    /// the manifest.
    fn census(&self, previous: &Previous, extent: Extent) -> (usize, Vec<Entry>) {
        let mut shown = BTreeSet::new();
        let mut count = 0;
        for row in self.manifest.rows() {
            let is_unfit = self.problems.has_error(row.number());
            let place = previous.place(row.external_id());
            if !is_unfit {
                shown.extend(place);
            }
            let is_known = is_unfit || place.is_some() || self.decided.contains_key(&row.number());
            count += usize::from(extent == Extent::All || is_known);
        }
        (count, left(previous, &shown))
    }

    fn entry(
        &self,
        row: &RawRow<'_>,
        previous: &Previous,
        extent: Extent,
        now: Timestamp,
    ) -> Option<Entry> {
        if let Some(why) = problem::of_row(self.problems, self.manifest, row.number()) {
            return Some(self.invalid(row, why, now));
        }
        let known = match extent {
            Extent::Known => self
                .decided
                .get(&row.number())
                .cloned()
                .or_else(|| previous.get(row.external_id())),
            Extent::All => previous
                .get(row.external_id())
                .or_else(|| Some(self.pending(row, now))),
        };
        known.map(|entry| Entry {
            row: Some(row.number()),
            ..entry
        })
    }

    fn invalid(&self, row: &RawRow<'_>, why: String, now: Timestamp) -> Entry {
        let (status, reason) = RowState::Unfit(Reason::NotFit).encode();
        Entry {
            status,
            reason,
            message: why,
            ..self.pending(row, now)
        }
    }

    fn pending(&self, row: &RawRow<'_>, now: Timestamp) -> Entry {
        let (status, reason) = RowState::Unbegun(Reason::NotReached).encode();
        Entry {
            row: Some(row.number()),
            file_path: row.file_path().to_owned(),
            object_type: row.object_type().to_owned(),
            object_id: row.object_id().to_owned(),
            external_id: row.external_id().to_owned(),
            status,
            reason,
            attachment_id: None,
            known: Known::Nothing,
            verified: Verified::No,
            attempts: 0,
            destination: self.destination.to_owned(),
            updated_at: now,
            message: String::new(),
            changes: Changes::default(),
        }
    }

    fn left_over(&self, entry: Entry, previous: &Previous) -> Line {
        let columns = self.manifest.extra_columns().iter();
        let extras = columns
            .map(|column| previous.extra(&entry.external_id, column))
            .collect();
        Line {
            entry: Entry { row: None, ..entry },
            extras,
        }
    }
}
