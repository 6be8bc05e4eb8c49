//! The columns of a results file, and the checking of lines: an intact line matches its check, and
//! a damaged line may have swallowed the lines after it.

use std::ops::Range;
use std::str::Utf8Error;

use csv::ByteRecord;

use super::{InMemoryCsvReader, is_above_header};
use crate::results::entry_cell::parse_optional_cell;
use crate::results::results_entry::{COLUMN_COUNTS_BY_VERSION, EntryCells, looks_like_check};
use crate::results::{
    BadCell, COLUMNS, LINE_CHECK_COLUMN, LINES_COLUMN, LineSerial, ResultsEntry, Status,
    line_check, parse_serial,
};
use crate::text::csv_dialect::{CsvDialect, cell_value};

/// Problem of a line in another encoding, and of a line with a damaged byte.
const NOT_UTF_8_PROBLEM: &str = "the line is not UTF-8 text; if another program saved the file, \
                                 name its encoding with --encoding, such as windows-1252";

/// Positions of the columns in a results file.
#[derive(Debug, Default)]
pub(super) struct ResultsHeader {
    pub(super) dialect: CsvDialect,
    pub(super) column_names: Vec<String>,
    /// Positions of our columns; `None` for columns of later versions than the file's.
    column_positions: EntryCells<Option<usize>>,
    /// Position of the column with the number of lines.
    lines_column: Option<usize>,
    check_column: usize,
}

impl ResultsHeader {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut header = Self {
            dialect: CsvDialect::detect(text),
            ..Self::default()
        };
        let mut record = ByteRecord::new();
        let mut reader = header.dialect.reader(text);
        while reader.read_byte_record(&mut record).unwrap_or(false) && is_above_header(&record) {}
        header.column_names = record
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let name = String::from_utf8_lossy(name);
                cell_value(place, &name).to_owned()
            })
            .collect();
        header.check_column = find_column(&header.column_names, LINE_CHECK_COLUMN)?;
        // One of the manifest's columns may have a name that later became ours.
        let ours = &header.column_names[..header.check_column];
        let is_of = |count: &usize| {
            COLUMNS[*count..]
                .iter()
                .all(|later| find_column(ours, later).is_err())
        };
        // A file of an earlier version has no unknown column: there is one in a file of a later
        // version, and where a name of ours was damaged, whose cells must not pass for absent.
        let is_unknown = |name: &String| !COLUMNS.contains(&&**name);
        let column_count = COLUMN_COUNTS_BY_VERSION
            .into_iter()
            .filter(|_| !ours.iter().any(is_unknown))
            .find(is_of);
        let expected = &COLUMNS[..column_count.unwrap_or(COLUMNS.len())];
        let mut of_cells = header.column_positions.iter_mut();
        for column in expected {
            let position = Some(find_column(ours, column)?);
            if *column == LINES_COLUMN {
                header.lines_column = position;
            } else if let Some(cell) = of_cells.next() {
                *cell = position;
            }
        }
        Ok(header)
    }

    /// Returns the serial of an intact line, or the fault of a damaged line.
    pub(super) fn check_line(
        &self,
        record: &ByteRecord,
        cells: &EntryCells<&str>,
    ) -> Result<LineSerial, String> {
        let values: Vec<&str> = record
            .iter()
            .enumerate()
            .take(self.check_column + 1)
            .map(|(place, cell)| Ok(cell_value(place, std::str::from_utf8(cell)?)))
            .collect::<Result<_, _>>()
            .map_err(|_: Utf8Error| NOT_UTF_8_PROBLEM.to_owned())?;
        let Some(check) = values.get(self.check_column) else {
            let (found, expected) = (values.len(), self.column_names.len());
            return Err(format!("the line has {found} of {expected} cells"));
        };
        let values = values[..self.check_column].iter().copied();
        let serial = parse_serial(check).filter(|serial| line_check(values, *serial) == *check);
        let [_, _, _, _, _, status, ..] = cells;
        match serial {
            Some(_) if Status::ALL.iter().all(|known| known.as_str() != *status) => {
                Err(format!("the status {status:?} belongs to a later version"))
            }
            Some(serial) => {
                match ResultsEntry::from_cells(*cells).and_then(|_| self.line_count(record)) {
                    Ok(_) => Ok(serial),
                    Err(cell) => Err(format!("{cell}; was the line written by a later version?")),
                }
            }
            None => Err(match ResultsEntry::from_cells(*cells) {
                Err(cell) => cell.to_string(),
                Ok(_) => "a cell was altered: the line does not match its line_check".to_owned(),
            }),
        }
    }

    /// Returns the number of lines stated in a line. (Lines of earlier versions state none.)
    pub(super) fn line_count(&self, record: &ByteRecord) -> Result<Option<u64>, BadCell> {
        let cell = self.lines_column.and_then(|place| record.get(place));
        let text = cell.map(|cell| String::from_utf8_lossy(cell));
        text.map_or(Ok(None), |text| parse_optional_cell(LINES_COLUMN, &text))
    }

    /// Returns the serial in the check of a line, whether the check matches or not.
    pub(super) fn serial_in_check(&self, record: &ByteRecord) -> Option<LineSerial> {
        parse_serial(std::str::from_utf8(record.get(self.check_column)?).ok()?)
    }

    /// True if the cell of the check is complete to its last letter, whether the check matches or
    /// not.
    pub(super) fn has_complete_check(&self, record: &ByteRecord) -> bool {
        let check = record.get(self.check_column).map(std::str::from_utf8);
        matches!(check, Some(Ok(check)) if looks_like_check(check))
    }

    /// Finds the first line swallowed by a record with a damaged quote, and lets the reader
    /// continue from there. Returns the offset of the line.
    ///
    /// A swallowed line is known by its check. A record with sound cells and right quotes is not
    /// searched, so that no cell of several lines can pass for a line.
    pub(super) fn swallowed_line_start(
        &self,
        reader: &mut InMemoryCsvReader,
        is_sound: bool,
        place: Range<usize>,
    ) -> Option<usize> {
        let text = &reader.get_ref().get_ref()[place.clone()];
        let starts = line_starts_inside(text);
        if starts.is_empty() || (is_sound && is_well_quoted(text, self.dialect)) {
            return None;
        }
        let position = |start: usize| {
            let mut position = csv::Position::new();
            position.set_byte((place.start + start) as u64);
            position
        };
        let after = reader.position().clone();
        let mut line = ByteRecord::new();
        let found = starts.into_iter().find(|start| {
            let is_line = reader.seek(position(*start)).is_ok()
                && reader.read_byte_record(&mut line).unwrap_or(false);
            is_line && self.check_line(&line, &self.entry_cells(&line)).is_ok()
        });
        let next = found.map_or(after, position);
        // A text in memory can be read from anywhere.
        let _ = reader.seek(next);
        found.map(|start| place.start + start)
    }

    /// Returns the cells under our columns, in our order; empty where there is no cell, or no text.
    pub(super) fn entry_cells<'r>(&self, record: &'r ByteRecord) -> EntryCells<&'r str> {
        self.column_positions.map(|place| {
            let text = place.and_then(|place| {
                let text = std::str::from_utf8(record.get(place)?).ok()?;
                Some(cell_value(place, text))
            });
            text.unwrap_or_default()
        })
    }
}

fn find_column(names: &[String], column: &str) -> Result<usize, String> {
    names
        .iter()
        .position(|name| name == column)
        .ok_or_else(|| format!("the first line has no column {column:?}"))
}

/// Checks the header at the start of a text, in any encoding with one or two bytes for an ASCII
/// letter. Returns `None` for a text of something else than results, and the missing column where
/// columns have been taken away.
pub(crate) fn check_header(start: &[u8]) -> Option<Result<(), String>> {
    let narrow: Vec<u8> = start
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, 0 | 0xFE | 0xFF))
        .collect();
    let mut record = ByteRecord::new();
    let mut reader = CsvDialect::detect(&narrow).reader(&*narrow);
    while reader.read_byte_record(&mut record).ok()? && is_above_header(&record) {}
    let is_ours = |column: &str| record.iter().any(|name| name == column.as_bytes());
    let ours = ["status", "attachment_id", LINE_CHECK_COLUMN];
    let is_of_results = ours.into_iter().all(is_ours);
    is_of_results.then(|| ResultsHeader::parse(&narrow).map(drop))
}

/// Returns the offsets of the lines inside a record.
fn line_starts_inside(record: &[u8]) -> Vec<usize> {
    memchr::memchr2_iter(b'\n', b'\r', record)
        .map(|at| at + 1)
        .filter(|at| *at < record.len())
        .collect()
}

/// True if quotes are only where a cell begins or ends, or doubled inside a cell.
fn is_well_quoted(record: &[u8], dialect: CsvDialect) -> bool {
    let is_border = |byte: &u8| *byte == dialect.delimiter() || matches!(byte, b'\n' | b'\r');
    let pieces: Vec<&[u8]> = record.split(|byte| *byte == b'"').collect();
    let last = pieces.len() - 1;
    // Every second piece is between quotes; the other pieces are between cells, or are empty.
    let is_outside = |(number, piece): (usize, &&[u8])| {
        let begins = number == 0 || piece.first().is_some_and(is_border);
        let ends = number == last || piece.last().is_some_and(is_border);
        piece.is_empty() || (begins && ends)
    };
    last.is_multiple_of(2) && pieces.iter().enumerate().step_by(2).all(is_outside)
}
