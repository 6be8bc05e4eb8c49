//! Reconciliation of the rows of the manifest with the lines of the results, one by one.
//!
//! Without the manifest, only the row numbers are checked: every number from 1 to the highest must
//! occur once.

use serde::Serialize;

use super::bounded_list::{BoundedList, HtmlSize, ListLimits};
use super::values::{ItemCount, UntrustedText};
use crate::manifest::Manifest;
use crate::results::ResultsEntry;

/// Source of the expected rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconciledAgainst {
    /// The manifest, row by row.
    Manifest,
    /// The row numbers of the results alone.
    RowNumbers,
}

/// Outcome of a reconciliation.
#[derive(Debug, Clone, Serialize)]
pub struct Reconciliation {
    /// Source of the expected rows.
    pub against: ReconciledAgainst,
    /// Number of expected rows: the rows of the manifest, or else the highest row number.
    pub rows_expected: ItemCount,
    /// Number of expected rows with a line.
    pub rows_with_line: ItemCount,
    /// Number of rows whose line has the same external id, file and object as the manifest; null
    /// without the manifest.
    pub rows_that_agree: Option<ItemCount>,
    /// True if each expected row has exactly one line, with the same cells, and there are no other
    /// lines.
    pub complete: bool,
    /// Rows without a line.
    pub rows_without_line: BoundedList<UnmatchedItem>,
    /// Cells in which a line differs from the manifest.
    pub cells_that_differ: BoundedList<CellDifference>,
    /// Lines of unknown rows, and second lines of a row.
    pub surplus_lines: BoundedList<UnmatchedItem>,
}

/// Row or line without a counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnmatchedItem {
    /// Row number.
    pub row: usize,
    /// External id: of the manifest for a row, of the results for a line; empty for a row without
    /// the manifest.
    pub external_id: UntrustedText,
}

/// Cell of the results with another text than the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellDifference {
    /// Row number.
    pub row: usize,
    /// Name of the column.
    pub column: &'static str,
    /// Cell of the manifest.
    pub in_manifest: UntrustedText,
    /// Cell of the results.
    pub in_results: UntrustedText,
}

impl HtmlSize for UnmatchedItem {
    fn html_bytes(&self) -> usize {
        60 + self.external_id.html_bytes()
    }
}

impl HtmlSize for CellDifference {
    fn html_bytes(&self) -> usize {
        120 + self.in_manifest.html_bytes() + self.in_results.html_bytes()
    }
}

/// Reconciles the lines of the results, in the order of their rows.
#[derive(Debug)]
pub struct Reconciler<'a> {
    manifest: Option<&'a Manifest>,
    /// Highest row number so far.
    last_row: usize,
    rows_that_agree: ItemCount,
    rows_with_line: ItemCount,
    rows_without_line: BoundedList<UnmatchedItem>,
    cells_that_differ: BoundedList<CellDifference>,
    surplus_lines: BoundedList<UnmatchedItem>,
}

impl<'a> Reconciler<'a> {
    /// Reconciles with the manifest, or with the row numbers alone for `None`.
    pub fn new(manifest: Option<&'a Manifest>, room: ListLimits) -> Self {
        Self {
            manifest,
            last_row: 0,
            rows_that_agree: ItemCount(0),
            rows_with_line: ItemCount(0),
            rows_without_line: BoundedList::with_limits(room),
            cells_that_differ: BoundedList::with_limits(room),
            surplus_lines: BoundedList::with_limits(room),
        }
    }

    /// Adds the line of a row. Lines come in the order of their rows. A line with a lower or equal
    /// number counts as surplus.
    pub fn take_line(&mut self, row: usize, entry: &ResultsEntry) {
        let last = self.manifest.map_or(usize::MAX, Manifest::len);
        if row <= self.last_row || row > last {
            self.surplus_lines.push(|| UnmatchedItem {
                row,
                external_id: UntrustedText::new(&entry.external_id),
            });
            return;
        }
        self.note_rows_without_line(row - 1);
        self.last_row = row;
        self.rows_with_line.increase();
        if self
            .manifest
            .is_some_and(|manifest| self.compare_cells(manifest, row, entry))
        {
            self.rows_that_agree.increase();
        }
    }

    /// Notes the rows after the last one, up to and including `until`, as rows without a line.
    fn note_rows_without_line(&mut self, until: usize) {
        while self.last_row < until {
            // Row numbers beyond any real file are counted without a loop.
            if self.manifest.is_none() && self.rows_without_line.unlisted().0 > 0 {
                self.rows_without_line.count.0 += (until - self.last_row) as u64;
                self.last_row = until;
                return;
            }
            self.last_row += 1;
            let row = self.last_row;
            let manifest = self.manifest;
            self.rows_without_line.push(|| UnmatchedItem {
                row,
                external_id: manifest.map_or_else(UntrustedText::default, |manifest| {
                    UntrustedText::new(manifest.row(row - 1).external_id())
                }),
            });
        }
    }

    /// Returns true if the cells of a line agree with the manifest. Notes each cell that differs.
    fn compare_cells(&mut self, manifest: &Manifest, row: usize, entry: &ResultsEntry) -> bool {
        let raw = manifest.row(row - 1);
        // The cell that names the record in the manifest.
        let object = if raw.object_id().is_empty() {
            let named = raw.object_external_id();
            ("object_external_id", named, &entry.object_external_id)
        } else {
            ("object_id", raw.object_id(), &entry.object_id)
        };
        let cells = [
            ("external_id", raw.external_id(), &entry.external_id),
            ("file_path", raw.file_path(), &entry.file_path),
            ("object_type", raw.object_type(), &entry.object_type),
            object,
        ];
        let mut agrees = true;
        for (column, in_manifest, in_results) in cells {
            if in_manifest != in_results {
                agrees = false;
                self.cells_that_differ.push(|| CellDifference {
                    row,
                    column,
                    in_manifest: UntrustedText::new(in_manifest),
                    in_results: UntrustedText::new(in_results),
                });
            }
        }
        agrees
    }

    /// Returns the outcome, after all lines.
    pub fn finish(mut self) -> Reconciliation {
        if let Some(manifest) = self.manifest {
            self.note_rows_without_line(manifest.len());
        }
        Reconciliation {
            against: self.manifest.map_or(ReconciledAgainst::RowNumbers, |_| {
                ReconciledAgainst::Manifest
            }),
            rows_expected: ItemCount(self.last_row as u64),
            rows_with_line: self.rows_with_line,
            rows_that_agree: self.manifest.map(|_| self.rows_that_agree),
            complete: self.rows_without_line.is_empty()
                && self.cells_that_differ.is_empty()
                && self.surplus_lines.is_empty(),
            rows_without_line: self.rows_without_line,
            cells_that_differ: self.cells_that_differ,
            surplus_lines: self.surplus_lines,
        }
    }
}
