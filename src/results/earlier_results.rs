//! The results of earlier runs: the tolerant reader of the results file.
//!
//! The file's text is its own store. For each `external_id` the reader keeps only the position of
//! the latest line, the line with the highest serial. The order of the lines means nothing: people
//! sort files.

pub(crate) mod results_header;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Cursor;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::lost_lines::{LatestLine, LostLineDetector, LostLines};
use super::{LineSerial, ResultsEntry, ResultsError, Status};
use crate::mutex::lock_despite_poison;
use crate::text::csv_dialect::{CsvDialect, is_separator_line};
use crate::text::decode::{Encoding, decode_candidates};
use crate::text::{LineCounter, count_with_noun, escape, unescape_formula};
use csv::ByteRecord;
use results_header::ResultsHeader;

/// Highest number of damaged lines named in a message.
const MAX_DAMAGED_LINES_NAMED: usize = 20;

/// The results of earlier runs, as far as their lines match their checks.
#[derive(Debug)]
pub struct EarlierResults {
    /// The file's text, and its only parser: making a parser takes longer than parsing a line.
    reader: Mutex<InMemoryCsvReader>,
    header: ResultsHeader,
    /// Position of the latest line of each row, by `external_id`.
    latest_lines: HashMap<Box<str>, LinePosition>,
    /// Latest lines of rows not fit to send, by row: the key of such a row cannot be trusted.
    latest_invalid_lines: HashMap<Box<str>, LinePosition>,
    /// Highest serial of an intact line.
    highest_serial: LineSerial,
    /// Number of intact lines.
    intact_line_count: u64,
    lost_lines: LostLines,
    /// Damaged lines, in the order of the file.
    pub damaged_lines: Vec<DamagedResultsLine>,
    /// Number of the last line, if the line was torn and is left out.
    pub torn_line: Option<u64>,
    /// Destinations named by intact lines.
    pub destinations: BTreeSet<String>,
}

type InMemoryCsvReader = csv::Reader<Cursor<Vec<u8>>>;

/// Position of a line in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinePosition {
    /// Number of the manifest row; `None` where the row has left the manifest.
    pub(super) row: Option<u32>,
    pub(super) serial: LineSerial,
    offset: usize,
}

/// Number and bytes of a line in the text.
struct LineSpan {
    bytes: Range<usize>,
    line_number: u64,
}

/// A line that does not match its own check, or has a value of a later version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedResultsLine {
    /// Number of the line in the file, as an editor shows it.
    pub line_number: u64,
    /// Present text of the cell `external_id`.
    pub external_id: String,
    /// The fault of the line, as far as known.
    pub problem: String,
}

/// Describes damaged lines and the consequence, each on a line of its own.
pub fn describe_damaged_lines(
    file: &Path,
    damaged: &[DamagedResultsLine],
    what_follows: &str,
) -> String {
    let file = file.to_string_lossy();
    let mut text = String::new();
    for one in damaged.iter().take(MAX_DAMAGED_LINES_NAMED) {
        let _ = writeln!(
            text,
            "{} line {} (external_id {:?}) is not believed: {}{what_follows}",
            escape(&file),
            one.line_number,
            one.external_id,
            escape(&one.problem)
        );
    }
    let unnamed = damaged.len().saturating_sub(MAX_DAMAGED_LINES_NAMED);
    if unnamed > 0 {
        let _ = writeln!(
            text,
            "and {}",
            count_with_noun(unnamed as u64, "other line")
        );
    }
    text
}

impl Default for EarlierResults {
    /// Returns the results of no earlier run.
    fn default() -> Self {
        Self::new(Vec::new(), ResultsHeader::default())
    }
}

impl EarlierResults {
    /// Parses a results file, in any encoding and with any delimiter of a program that saved the
    /// file since. `path` is for messages only.
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, ResultsError> {
        Self::parse_with_encoding(bytes, path, None)
    }

    /// Parses a results file in the likeliest encoding and in the encoding named by the user, which
    /// counts only if more lines match their checks under it: the user may have named the encoding
    /// of the manifest alone.
    pub fn parse_with_encoding(
        bytes: Vec<u8>,
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, ResultsError> {
        let readings =
            decode_candidates(bytes, encoding).map_err(|why| ResultsError::Undecodable {
                path: path.to_owned(),
                why,
            })?;
        let likeliest = Self::parse_text(readings.by_detection, path);
        let as_named = readings
            .in_named_encoding
            .map(|text| Self::parse_text(text, path));
        match (likeliest, as_named) {
            (Ok(one), Some(Ok(other))) if other.intact_line_count > one.intact_line_count => {
                Ok(other)
            }
            (Err(_), Some(Ok(other))) => Ok(other),
            (likeliest, _) => likeliest,
        }
    }

    fn parse_text(text: Vec<u8>, path: &Path) -> Result<Self, ResultsError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let header = ResultsHeader::parse(&text).map_err(|why| ResultsError::NotResults {
            path: path.to_owned(),
            why,
        })?;
        let mut previous = Self::new(text, header);
        previous.index_lines();
        Ok(previous)
    }

    fn new(text: Vec<u8>, header: ResultsHeader) -> Self {
        Self {
            reader: Mutex::new(header.dialect.reader(Cursor::new(text))),
            header,
            latest_lines: HashMap::new(),
            latest_invalid_lines: HashMap::new(),
            highest_serial: 0,
            intact_line_count: 0,
            lost_lines: LostLines::default(),
            damaged_lines: Vec::new(),
            torn_line: None,
            destinations: BTreeSet::new(),
        }
    }

    fn index_lines(&mut self) {
        let nothing = self.header.dialect.reader(Cursor::default());
        let mut reader = std::mem::replace(&mut self.reader, Mutex::new(nothing))
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut record = ByteRecord::new();
        let mut lines = LineCounter::default();
        let mut census = LostLineDetector::default();
        let mut first = true;
        // The reader takes any bytes for a record, so there is no error to report.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let start = record
                .position()
                .map_or(0, |position| text_index(position.byte()));
            let end = text_index(reader.position().byte());
            let is_skipped = if first {
                is_above_header
            } else {
                is_blank_record
            };
            if is_skipped(&record) {
                continue;
            }
            let number = lines.line_of_record(reader.get_ref().get_ref(), start);
            let is_header = std::mem::take(&mut first);
            let belief = self
                .header
                .check_line(&record, &self.header.entry_cells(&record));
            let is_whole = belief.is_ok() && record.len() == self.header.column_names.len();
            let swallowed =
                self.header
                    .swallowed_line_start(&mut reader, is_header || is_whole, start..end);
            if is_header {
                continue;
            }
            let line = LineSpan {
                bytes: start..swallowed.unwrap_or(end),
                line_number: number,
            };
            self.index_line(
                reader.get_ref().get_ref(),
                &record,
                belief,
                line,
                &mut census,
            );
        }
        self.lost_lines = census.into_lost_lines();
        self.reader = Mutex::new(reader);
    }

    fn index_line(
        &mut self,
        text: &[u8],
        record: &ByteRecord,
        belief: Result<LineSerial, String>,
        line: LineSpan,
        census: &mut LostLineDetector,
    ) {
        let cells = self.header.entry_cells(record);
        let [row, _, _, _, external_id, status, rest @ ..] = cells;
        let [_, _, _, _, _, _, _, destination, ..] = rest;
        match belief {
            Ok(serial) => {
                self.highest_serial = self.highest_serial.max(serial);
                self.intact_line_count += 1;
                if !self.destinations.contains(destination) {
                    self.destinations.insert(destination.to_owned());
                }
                let place = LinePosition {
                    row: row.parse().ok(),
                    serial,
                    offset: line.bytes.start,
                };
                census.add_intact(
                    serial,
                    self.header.line_count(record).unwrap_or(None),
                    place.row,
                );
                // An invalid line speaks of a row of a manifest, not of an attachment.
                if status == Status::Invalid.as_str() {
                    keep_latest(&mut self.latest_invalid_lines, row, place);
                } else {
                    keep_latest(&mut self.latest_lines, external_id, place);
                }
            }
            // A torn line has lost its check: a complete check would match.
            Err(_)
                if line.bytes.end == text.len()
                    && !is_complete_line(&text[line.bytes])
                    && !self.header.has_complete_check(record) =>
            {
                census.add_torn();
                self.torn_line = Some(line.line_number);
            }
            Err(why) => {
                census.add_damaged(self.header.serial_in_check(record));
                self.damaged_lines.push(DamagedResultsLine {
                    line_number: line.line_number,
                    external_id: external_id.to_owned(),
                    problem: why,
                });
            }
        }
    }

    /// Returns the latest line of a row.
    pub fn latest_entry(&self, external_id: &str) -> Option<ResultsEntry> {
        self.read_entry(*self.latest_lines.get(external_id)?)
    }

    /// Returns the positions of the latest lines, in no order, with the lines of rows not fit to
    /// send.
    pub(super) fn latest_line_positions(&self) -> impl Iterator<Item = LinePosition> {
        self.latest_lines
            .values()
            .chain(self.latest_invalid_lines.values())
            .copied()
    }

    /// Parses the line at a position.
    pub(super) fn read_entry(&self, position: LinePosition) -> Option<ResultsEntry> {
        let record = self.read_record(position)?;
        ResultsEntry::from_cells(self.header.entry_cells(&record)).ok()
    }

    /// Returns the offset in bytes of the latest line of a row, a number unique to the row.
    pub fn latest_line_offset(&self, external_id: &str) -> Option<usize> {
        Some(self.latest_lines.get(external_id)?.offset)
    }

    /// Returns the keys of all rows with a line, in the order of the file.
    pub fn external_ids(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.latest_lines.iter().collect();
        ids.sort_by_key(|(_, place)| place.offset);
        ids.into_iter().map(|(id, _)| &**id).collect()
    }

    /// Returns the dialect of the file.
    pub fn dialect(&self) -> CsvDialect {
        self.header.dialect
    }

    /// True if no row has a line.
    pub fn is_empty(&self) -> bool {
        self.latest_lines.is_empty()
    }

    /// Returns the cell under a column of the manifest in the latest line of a row; empty where
    /// there is none.
    pub fn extra_cell(&self, external_id: &str, column: &str) -> String {
        let cell = || {
            let record = self.read_record(*self.latest_lines.get(external_id)?)?;
            let place = self
                .header
                .column_names
                .iter()
                .position(|name| name == column)?;
            let cell = std::str::from_utf8(record.get(place)?).ok()?;
            Some(unescape_formula(cell).to_owned())
        };
        cell().unwrap_or_default()
    }

    /// Returns the lines known to be missing or damaged.
    pub fn lost_lines(&self) -> &LostLines {
        &self.lost_lines
    }

    /// Returns the numbers in the latest line of a row.
    pub fn latest_line(&self, external_id: &str) -> Option<LatestLine> {
        let place = *self.latest_lines.get(external_id)?;
        Some(LatestLine {
            serial: place.serial,
            row_when_written: place.row,
            was_done: self.read_entry(place).is_some_and(|entry| entry.was_done()),
        })
    }

    /// Returns the number of intact lines with a later line for the same row. A journal has some; a
    /// file put in order at the end of a run has none.
    pub fn count_superseded_lines(&self) -> u64 {
        let counting = self.latest_lines.len() + self.latest_invalid_lines.len();
        self.intact_line_count - counting as u64
    }

    /// Returns a serial above each serial in the file.
    pub fn next_serial(&self) -> LineSerial {
        self.highest_serial + 1
    }

    fn read_record(&self, place: LinePosition) -> Option<ByteRecord> {
        let mut reader = lock_despite_poison(&self.reader);
        let mut position = csv::Position::new();
        position.set_byte(place.offset as u64);
        reader.seek(position).ok()?;
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).ok()?.then_some(record)
    }
}

/// Keeps the position of the line with the highest serial.
fn keep_latest(lines: &mut HashMap<Box<str>, LinePosition>, key: &str, position: LinePosition) {
    let kept = lines.entry(key.into()).or_insert(position);
    if kept.serial < position.serial {
        *kept = position;
    }
}

/// True if a record is a line written by a spreadsheet for an empty row.
pub(crate) fn is_blank_record(record: &ByteRecord) -> bool {
    record.iter().all(|cell| cell.trim_ascii().is_empty())
}

/// Returns `true` if a record may stand above the header: an empty row, or a line such as `sep=;`.
pub(crate) fn is_above_header(record: &ByteRecord) -> bool {
    is_blank_record(record) || is_separator_line(record)
}

/// True if a line was written to its end: the line ends with a line break, and outside of quoted
/// cells.
fn is_complete_line(line: &[u8]) -> bool {
    let quotes = memchr::memchr_iter(b'"', line).count();
    matches!(line.last(), Some(b'\n' | b'\r')) && quotes.is_multiple_of(2)
}

fn text_index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset into a text that is in memory")
}
