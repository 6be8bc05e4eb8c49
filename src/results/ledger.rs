//! Results as evidence: the lines of a results file while no run is on, one line for each row.

use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::earlier_results::{EarlierResults, LinePosition};
use super::{ResultsEntry, ResultsError};
use crate::digest::sha256;
use crate::model::Sha256Digest;
use crate::platform::{self, WriterGuard};
use crate::text::decode::Encoding;

/// A results file, read once and never written.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    earlier_results: EarlierResults,
    /// Positions of the latest line of each row, in the order of the manifest's rows.
    line_positions: Vec<LinePosition>,
    /// Digest of the whole file.
    pub sha256: Sha256Digest,
    /// Size of the whole file in bytes.
    pub size: u64,
}

/// Gaps in a results file, measured against the whole record of a finished import. Lines that are
/// not believed are no part of the gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerGaps {
    /// Number of the last line; `None` unless the line is torn.
    pub torn_line: Option<u64>,
    /// Number of removed lines.
    pub removed_lines: u64,
    /// Number of lines with a later line for the same row. A journal has some, a finished file
    /// none.
    pub superseded_lines: u64,
    /// Number of rows without a line, up to the highest row.
    pub rows_without_line: u64,
}

impl LedgerGaps {
    /// True if the file alone shows no gap.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Ledger {
    /// Reads a file, which no run may be writing.
    pub fn read(path: &Path) -> Result<Self, ResultsError> {
        Self::read_with_encoding(path, None)
    }

    /// Reads a file in the encoding named by the user, which counts only where the lines agree.
    pub fn read_with_encoding(
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, ResultsError> {
        let failed = |doing: &'static str| {
            move |source| ResultsError::Io {
                doing,
                path: path.to_owned(),
                source,
            }
        };
        // Opening a pipe could take for ever, and nothing can be written beside a pipe.
        if !fs::metadata(path).map_err(failed("open"))?.is_file() {
            return Err(ResultsError::NotResults {
                path: path.to_owned(),
                why: "a plain file is expected".into(),
            });
        }
        let mut file = File::open(path).map_err(failed("open"))?;
        // Held until the file is read. Where a file system knows no locks, no run holds one either.
        let locked = platform::lock_against_writers(&file);
        if matches!(locked, Err(TryLockError::WouldBlock)) || WriterGuard::is_claimed(path) {
            return Err(ResultsError::Locked {
                path: path.to_owned(),
            });
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        if text.is_empty() {
            return Err(ResultsError::NotResults {
                path: path.to_owned(),
                why: "the file is empty".into(),
            });
        }
        let (digest, size) = (sha256(&text), text.len() as u64);
        let previous = EarlierResults::parse_with_encoding(text, path, encoding)?;
        // Rows that have left the manifest come after the others.
        let mut positions: Vec<LinePosition> = previous.latest_line_positions().collect();
        positions.sort_unstable_by_key(|place| (place.row.unwrap_or(u32::MAX), place.serial));
        Ok(Self {
            path: path.to_owned(),
            earlier_results: previous,
            line_positions: positions,
            sha256: digest,
            size,
        })
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of rows with a line.
    pub(crate) fn len(&self) -> usize {
        self.line_positions.len()
    }

    /// Returns the latest line of each row, in the manifest's order; rows that have left the
    /// manifest come at the end. Each line is parsed when the iterator reaches its position.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = ResultsEntry> {
        let entry = |position: &LinePosition| self.earlier_results.read_entry(*position);
        self.line_positions
            .iter()
            .map(move |place| entry(place).expect("a line that is believed can be read"))
    }

    /// Returns the cell under another column of the manifest in the line of a row.
    pub fn extra_cell(&self, entry: &ResultsEntry, column: &str) -> String {
        self.earlier_results.extra_cell(&entry.external_id, column)
    }

    /// Returns the gaps in the file. Lines appended last, with no line left after them, are missed
    /// by nobody but the manifest.
    pub fn gaps(&self) -> LedgerGaps {
        LedgerGaps {
            torn_line: self.earlier_results.torn_line,
            removed_lines: self.earlier_results.lost_lines().removed,
            superseded_lines: self.earlier_results.count_superseded_lines(),
            rows_without_line: self.count_rows_without_line(),
        }
    }

    fn count_rows_without_line(&self) -> u64 {
        let mut rows: Vec<usize> = self.entries().filter_map(|entry| entry.row).collect();
        rows.dedup();
        let highest = rows.last().copied().unwrap_or(0);
        // No import numbers a row 0, but any writer of the file can.
        highest.saturating_sub(rows.len()) as u64
    }

    /// Returns the parsed file: damaged and torn lines, and the destinations of the attachments.
    pub fn earlier_results(&self) -> &EarlierResults {
        &self.earlier_results
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::results_file::{LineToWrite, ResultsFile};
    use crate::text::csv_dialect::CsvDialect;

    fn rows_without_line(rows: &[usize]) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.results.csv");
        let line = |row: &usize| {
            let id = format!("A{row}");
            let row = row.to_string();
            let mut cells = [""; _];
            (cells[0], cells[4], cells[5]) = (&row, &id, "pending");
            (cells[12], cells[14]) = ("0", "2026-11-22T00:00:00Z");
            LineToWrite {
                entry: ResultsEntry::from_cells(cells).unwrap(),
                extras: Vec::new(),
            }
        };
        let (mut file, _) = ResultsFile::begin(&path).unwrap();
        file.rewrite_before_run(CsvDialect::Comma, &[], rows.iter().map(line))
            .unwrap();
        drop(file);
        Ledger::read(&path).unwrap().gaps().rows_without_line
    }

    #[test]
    fn rows_up_to_the_highest_that_have_no_line_are_counted() {
        for (rows, without_line) in [
            (&[][..], 0),
            (&[1, 2, 3], 0),
            (&[2, 3], 1),
            (&[1, 5], 3),
            (&[0, 1], 0),
        ] {
            assert_eq!(rows_without_line(rows), without_line, "{rows:?}");
        }
    }
}
