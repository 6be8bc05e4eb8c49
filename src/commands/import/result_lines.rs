//! Lines of the whole results file, before and after a run: one line for each row.
//!
//! No knowledge of an attachment is lost here. The line of a row is the line that counted before,
//! and lines of rows that have left the manifest stay, after the others.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::manifest::{Manifest, RawRow, problem};
use crate::model::ObjectRef;
use crate::prepare::{PreparedFiles, RowFile};
use crate::results::earlier_results::EarlierResults;
use crate::results::results_file::LineToWrite;
use crate::results::{
    AttachmentChanges, KnownContent, ResultsEntry, RowState, StatusReason, VerifiedBy,
    is_untried_row,
};

/// Selection of the rows with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineExtent {
    /// Rows of which something is known: the results file before a run.
    KnownRows,
    /// All rows: the results file after a run.
    AllRows,
}

/// Sources of lines besides the results of earlier runs.
pub(super) struct LineSources<'a> {
    /// Manifest of the run.
    pub manifest: &'a Manifest,
    /// Problems and hashed files of the rows of the manifest.
    pub prepared: &'a PreparedFiles,
    /// New lines of rows without requests, by row number.
    pub settled_lines: &'a HashMap<usize, ResultsEntry>,
    /// Label of the destination, as a line of the results names the destination.
    pub destination: &'a str,
}

/// Returns the lines of the whole file, in the order of the manifest.
///
/// Lines are made one at a time. Their number is known beforehand.
pub(super) fn result_lines<'a>(
    rows: &'a LineSources<'a>,
    earlier: &'a EarlierResults,
    extent: LineExtent,
) -> impl ExactSizeIterator<Item = LineToWrite> + 'a {
    let now = Timestamp::now();
    let (of_manifest, left_over) = rows.count_lines(earlier, extent);
    let count = of_manifest + left_over.len();
    let of_rows = rows.manifest.rows();
    let of_rows = of_rows.filter_map(move |row| {
        let entry = rows.entry_for_row(&row, earlier, extent, now)?;
        let extras = row.extras().map(ToOwned::to_owned).collect();
        Some(LineToWrite { entry, extras })
    });
    let left_over = left_over.into_iter();
    ExactSizeLines {
        lines: of_rows.chain(left_over.map(|entry| rows.line_of_removed_row(entry, earlier))),
        remaining: count,
    }
}

/// Iterator of lines with a known length.
struct ExactSizeLines<I> {
    lines: I,
    remaining: usize,
}

impl<I: Iterator> Iterator for ExactSizeLines<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.lines.next()?;
        self.remaining = self.remaining.saturating_sub(1);
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl<I: Iterator> ExactSizeIterator for ExactSizeLines<I> {}

/// Returns the entries of rows no longer in the manifest, in the order of the old file. Entries
/// without knowledge of an attachment are left out.
///
/// `shown` holds the indices of the lines whose rows are in the manifest.
pub(super) fn entries_of_removed_rows(
    earlier: &EarlierResults,
    shown: &BTreeSet<usize>,
) -> Vec<ResultsEntry> {
    earlier
        .external_ids()
        .into_iter()
        .filter(|external_id| {
            let place = earlier.latest_line_offset(external_id);
            place.is_some_and(|place| !shown.contains(&place))
        })
        .filter_map(|external_id| earlier.latest_entry(external_id))
        .filter(is_worth_keeping)
        .collect()
}

/// True if an entry records something of an attachment, rather than the absence of any.
fn is_worth_keeping(entry: &ResultsEntry) -> bool {
    entry.was_done() || entry.attachment_id.is_some() || entry.state().is_creating()
}

impl LineSources<'_> {
    /// Counts the rows of the manifest with a line, and collects the entries of rows no longer in
    /// the manifest.
    fn count_lines(
        &self,
        earlier: &EarlierResults,
        extent: LineExtent,
    ) -> (usize, Vec<ResultsEntry>) {
        let mut shown = BTreeSet::new();
        let mut count = 0;
        for row in self.manifest.rows() {
            let is_unfit = self.prepared.problems.has_error(row.number());
            let place = earlier.latest_line_offset(row.external_id());
            if !is_unfit {
                shown.extend(place);
            }
            let is_known =
                is_unfit || place.is_some() || self.settled_lines.contains_key(&row.number());
            count += usize::from(extent == LineExtent::AllRows || is_known);
        }
        (count, entries_of_removed_rows(earlier, &shown))
    }

    fn entry_for_row(
        &self,
        row: &RawRow<'_>,
        earlier: &EarlierResults,
        extent: LineExtent,
        now: Timestamp,
    ) -> Option<ResultsEntry> {
        let problems = &self.prepared.problems;
        if let Some(why) = problem::first_error_in_words(problems, self.manifest, row.number()) {
            return Some(self.invalid_entry(row, why, now));
        }
        let settled = self.settled_lines.get(&row.number()).cloned();
        let known = settled.or_else(|| earlier.latest_entry(row.external_id()));
        let known = match extent {
            LineExtent::KnownRows => known,
            LineExtent::AllRows => known.or_else(|| Some(self.pending_entry(row, now))),
        };
        known.map(|entry| match entry.state() {
            RowState::NotBegun(StatusReason::NotReached) | RowState::Unfit(_)
                if is_untried_row(&entry) =>
            {
                self.refreshed_untried_entry(row, entry, now)
            }
            _ => ResultsEntry {
                row: Some(row.number()),
                ..entry
            },
        })
    }

    /// Returns the line of a row that no run has tried, with the row and its file as they are now:
    /// the next run reads the digest from the line. A record found for the row stays.
    fn refreshed_untried_entry(
        &self,
        row: &RawRow<'_>,
        entry: ResultsEntry,
        now: Timestamp,
    ) -> ResultsEntry {
        let fresh = self.pending_entry(row, now);
        let names_same_record = entry.object_type == fresh.object_type
            && entry.object_external_id == fresh.object_external_id;
        if names_same_record && fresh.object_id.is_empty() {
            let ResultsEntry { object_id, .. } = entry;
            ResultsEntry { object_id, ..fresh }
        } else {
            fresh
        }
    }

    fn invalid_entry(&self, row: &RawRow<'_>, why: String, now: Timestamp) -> ResultsEntry {
        let (status, reason) = RowState::Unfit(StatusReason::NotFit).encode();
        ResultsEntry {
            status,
            reason,
            known_content: KnownContent::Nothing,
            message: why,
            ..self.pending_entry(row, now)
        }
    }

    /// Returns the line of a row that was not reached, and whose record is known.
    pub(super) fn entry_with_object(
        &self,
        row: &RawRow<'_>,
        object: ObjectRef,
        now: Timestamp,
    ) -> ResultsEntry {
        ResultsEntry {
            object_id: object.id().to_string(),
            ..self.pending_entry(row, now)
        }
    }

    fn pending_entry(&self, row: &RawRow<'_>, now: Timestamp) -> ResultsEntry {
        let (status, reason) = RowState::NotBegun(StatusReason::NotReached).encode();
        // The digest spares the next run the hashing of the file.
        let known_content = match self.prepared.row_file(row.number() - 1) {
            RowFile::Ready(content) => KnownContent::Complete(content),
            RowFile::GoneAfterDone | RowFile::Unfit => KnownContent::Nothing,
        };
        ResultsEntry {
            row: Some(row.number()),
            file_path: row.file_path().to_owned(),
            object_type: row.object_type().to_owned(),
            object_id: row.object_id().to_owned(),
            object_external_id: row.object_external_id().to_owned(),
            external_id: row.external_id().to_owned(),
            status,
            reason,
            attachment_id: None,
            known_content,
            verified_by: VerifiedBy::Nothing,
            attempts: 0,
            destination: self.destination.to_owned(),
            updated_at: now,
            message: String::new(),
            changes: AttachmentChanges::default(),
        }
    }

    fn line_of_removed_row(&self, entry: ResultsEntry, earlier: &EarlierResults) -> LineToWrite {
        let columns = self.manifest.extra_columns().iter();
        let extras = columns
            .map(|column| earlier.extra_cell(&entry.external_id, column))
            .collect();
        LineToWrite {
            entry: ResultsEntry { row: None, ..entry },
            extras,
        }
    }
}
