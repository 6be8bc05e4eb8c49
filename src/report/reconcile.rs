//! Reconciliation of the rows of the manifest with the lines of the results, one by one.
//!
//! Without the manifest, only the row numbers are checked: every number from 1 to the highest must
//! occur once.

use serde::Serialize;

use super::listed::{Listed, Room, Weigh};
use super::value::{Count, Text};
use crate::manifest::Manifest;
use crate::results::Entry;

/// Source of the expected rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The manifest, row by row.
    Manifest,
    /// The row numbers of the results alone.
    RowNumbers,
}

/// Outcome of a reconciliation.
#[derive(Debug, Clone, Serialize)]
pub struct Reconciliation {
    /// Source of the expected rows.
    pub against: Against,
    /// Number of expected rows: the rows of the manifest, or else the highest row number.
    pub rows_expected: Count,
    /// Number of expected rows with a line.
    pub rows_with_line: Count,
    /// Number of lines about the same file, record and key as in the manifest; null without the
    /// manifest.
    pub rows_that_agree: Option<Count>,
    /// True if each row has one line and no line differs from the manifest.
    pub complete: bool,
    /// Rows without a line.
    pub rows_without_line: Listed<Place>,
    /// Cells in which a line differs from the manifest.
    pub cells_that_differ: Listed<Difference>,
    /// Lines of unknown rows, and second lines of a row.
    pub surplus_lines: Listed<Place>,
}

/// Row or line without a counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Row number.
    pub row: usize,
    /// Key of the row; empty if unknown.
    pub external_id: Text,
}

/// Cell of the results with another text than the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Row number.
    pub row: usize,
    /// Name of the column.
    pub column: &'static str,
    /// Cell of the manifest.
    pub in_manifest: Text,
    /// Cell of the results.
    pub in_results: Text,
}

impl Weigh for Place {
    fn weight(&self) -> usize {
        60 + self.external_id.weight()
    }
}

impl Weigh for Difference {
    fn weight(&self) -> usize {
        120 + self.in_manifest.weight() + self.in_results.weight()
    }
}

/// Reconciles the lines of the results, in the order of their rows.
#[derive(Debug)]
pub struct Reconciler<'a> {
    manifest: Option<&'a Manifest>,
    /// Highest row number so far.
    reached: usize,
    agree: Count,
    with_line: Count,
    without_line: Listed<Place>,
    differ: Listed<Difference>,
    surplus: Listed<Place>,
}

impl<'a> Reconciler<'a> {
    /// Reconciles with the manifest, or with the row numbers alone for `None`.
    pub fn new(manifest: Option<&'a Manifest>, room: Room) -> Self {
        Self {
            manifest,
            reached: 0,
            agree: Count(0),
            with_line: Count(0),
            without_line: Listed::with(room),
            differ: Listed::with(room),
            surplus: Listed::with(room),
        }
    }

    /// Adds the line of a row. Row numbers must not fall from line to line.
    pub fn take(&mut self, row: usize, entry: &Entry) {
        let last = self.manifest.map_or(usize::MAX, Manifest::len);
        if row <= self.reached || row > last {
            self.surplus.push(|| Place {
                row,
                external_id: Text::of(&entry.external_id),
            });
            return;
        }
        self.pass(row - 1);
        self.reached = row;
        self.with_line.increase();
        if self
            .manifest
            .is_some_and(|manifest| self.agrees(manifest, row, entry))
        {
            self.agree.increase();
        }
    }

    /// Notes the rows after the last one, up to `until`, as rows without a line.
    fn pass(&mut self, until: usize) {
        while self.reached < until {
            // Row numbers beyond any real file are counted without a loop.
            if self.manifest.is_none() && self.without_line.unlisted().0 > 0 {
                self.without_line.count.0 += (until - self.reached) as u64;
                self.reached = until;
                return;
            }
            self.reached += 1;
            let row = self.reached;
            let manifest = self.manifest;
            self.without_line.push(|| Place {
                row,
                external_id: manifest.map_or_else(Text::default, |manifest| {
                    Text::of(manifest.row(row - 1).external_id())
                }),
            });
        }
    }

    /// True if the cells of a line agree with the manifest. Notes each cell that differs.
    fn agrees(&mut self, manifest: &Manifest, row: usize, entry: &Entry) -> bool {
        let raw = manifest.row(row - 1);
        let cells = [
            ("external_id", raw.external_id(), &entry.external_id),
            ("file_path", raw.file_path(), &entry.file_path),
            ("object_type", raw.object_type(), &entry.object_type),
            ("object_id", raw.object_id(), &entry.object_id),
        ];
        let mut agrees = true;
        for (column, in_manifest, in_results) in cells {
            if in_manifest != in_results {
                agrees = false;
                self.differ.push(|| Difference {
                    row,
                    column,
                    in_manifest: Text::of(in_manifest),
                    in_results: Text::of(in_results),
                });
            }
        }
        agrees
    }

    /// Returns the outcome, after all lines.
    pub fn finish(mut self) -> Reconciliation {
        if let Some(manifest) = self.manifest {
            self.pass(manifest.len());
        }
        Reconciliation {
            against: self
                .manifest
                .map_or(Against::RowNumbers, |_| Against::Manifest),
            rows_expected: Count(self.reached as u64),
            rows_with_line: self.with_line,
            rows_that_agree: self.manifest.map(|_| self.agree),
            complete: self.without_line.is_empty()
                && self.differ.is_empty()
                && self.surplus.is_empty(),
            rows_without_line: self.without_line,
            cells_that_differ: self.differ,
            surplus_lines: self.surplus,
        }
    }
}
