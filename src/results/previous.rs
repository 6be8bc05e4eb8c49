//! The results of earlier runs: the tolerant reader of the results file.
//!
//! The file's text is its own store. For each `external_id` the reader keeps only the position of
//! the latest line, the line with the highest serial. The order of the lines tells nothing: people
//! sort files.

pub(crate) mod header;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{self, Cursor};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::census::{CountingLine, LineCensus, LostLines};
use super::{Entry, ResultsError, Serial, Status};
use crate::sync::lock;
use crate::text::decode::{Encoding, readings};
use crate::text::{LineCounter, counted, escape, formula_restored};
use csv::ByteRecord;
use header::Header;

/// Highest number of damaged lines named in a message.
const DAMAGED_NAMED: usize = 20;

/// The results of earlier runs, as far as their lines match their checks.
#[derive(Debug)]
pub struct Previous {
    /// The file's text, and its only parser: making a parser takes longer than parsing a line.
    reader: Mutex<Reader>,
    header: Header,
    /// Position of the latest line of each row, by `external_id`.
    lines: HashMap<Box<str>, Place>,
    /// Latest lines of rows not fit to send, by row: the key of such a row cannot be trusted.
    invalid: HashMap<Box<str>, Place>,
    /// Highest serial of an intact line.
    highest: Serial,
    /// Number of intact lines.
    believed: u64,
    lost: LostLines,
    /// Damaged lines, in the order of the file.
    pub damaged: Vec<Damaged>,
    /// Number of the last line, if the line was torn and is left out.
    pub torn: Option<u64>,
    /// Destinations named by intact lines.
    pub destinations: BTreeSet<String>,
}

type Reader = csv::Reader<Cursor<Vec<u8>>>;

/// Position of a line in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Number of the manifest row; `None` where the row has left the manifest.
    pub(super) row: Option<u32>,
    pub(super) serial: Serial,
    offset: usize,
}

/// Number and bytes of a line in the text.
struct Line {
    place: Range<usize>,
    number: u64,
}

/// A line that does not match its own check, or has a value of a later version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Number of the line in the file, as an editor shows it.
    pub line: u64,
    /// Present text of the cell `external_id`.
    pub external_id: String,
    /// The fault of the line, as far as known.
    pub why: String,
}

/// Describes damaged lines and the consequence, each on a line of its own.
pub fn name_damaged(file: &Path, damaged: &[Damaged], what_follows: &str) -> String {
    let file = file.to_string_lossy();
    let mut text = String::new();
    for one in damaged.iter().take(DAMAGED_NAMED) {
        let _ = writeln!(
            text,
            "{} line {} (external_id {:?}) is not believed: {}{what_follows}",
            escape(&file),
            one.line,
            one.external_id,
            escape(&one.why)
        );
    }
    let unnamed = damaged.len().saturating_sub(DAMAGED_NAMED);
    if unnamed > 0 {
        let _ = writeln!(text, "and {}", counted(unnamed as u64, "other line"));
    }
    text
}

impl Default for Previous {
    /// Returns the results of no earlier run.
    fn default() -> Self {
        Self::of(Vec::new(), Header::default())
    }
}

impl Previous {
    /// Parses a results file, in any encoding and with any delimiter of a program that saved the
    /// file since. `path` is for messages only.
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, ResultsError> {
        Self::parse_as(bytes, path, None)
    }

    /// Parses a results file in the likeliest encoding and in the encoding named by the user, which
    /// counts only if more lines match their checks under it: the user may have named the encoding
    /// of the manifest alone.
    pub fn parse_as(
        bytes: Vec<u8>,
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, ResultsError> {
        let readings = readings(bytes, encoding).map_err(|why| ResultsError::Undecodable {
            path: path.to_owned(),
            why,
        })?;
        let likeliest = Self::of_text(readings.likeliest, path);
        let as_named = readings.as_named.map(|text| Self::of_text(text, path));
        match (likeliest, as_named) {
            (Ok(one), Some(Ok(other))) if other.believed > one.believed => Ok(other),
            (Err(_), Some(Ok(other))) => Ok(other),
            (likeliest, _) => likeliest,
        }
    }

    fn of_text(text: Vec<u8>, path: &Path) -> Result<Self, ResultsError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let header = Header::parse(&text).map_err(|why| ResultsError::NotResults {
            path: path.to_owned(),
            why,
        })?;
        let mut previous = Self::of(text, header);
        previous.index();
        Ok(previous)
    }

    fn of(text: Vec<u8>, header: Header) -> Self {
        Self {
            reader: Mutex::new(reader(Cursor::new(text), header.delimiter)),
            header,
            lines: HashMap::new(),
            invalid: HashMap::new(),
            highest: 0,
            believed: 0,
            lost: LostLines::default(),
            damaged: Vec::new(),
            torn: None,
            destinations: BTreeSet::new(),
        }
    }

    fn index(&mut self) {
        let nothing = reader(Cursor::default(), self.header.delimiter);
        let mut reader = std::mem::replace(&mut self.reader, Mutex::new(nothing))
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut record = ByteRecord::new();
        let mut lines = LineCounter::default();
        let mut census = LineCensus::default();
        let mut first = true;
        // The reader takes any bytes for a record, so there is no error to report.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let start = record
                .position()
                .map_or(0, |position| to_index(position.byte()));
            let end = to_index(reader.position().byte());
            if is_blank(&record) {
                continue;
            }
            let number = lines.line_of_record(reader.get_ref().get_ref(), start);
            let is_header = std::mem::take(&mut first);
            let belief = self.header.believe(&record, &self.header.cells(&record));
            let is_whole = belief.is_ok() && record.len() == self.header.names.len();
            let swallowed = self
                .header
                .swallowed(&mut reader, is_header || is_whole, start..end);
            if is_header {
                continue;
            }
            let line = Line {
                place: start..swallowed.unwrap_or(end),
                number,
            };
            self.take(
                reader.get_ref().get_ref(),
                &record,
                belief,
                line,
                &mut census,
            );
        }
        self.lost = census.lost();
        self.reader = Mutex::new(reader);
    }

    fn take(
        &mut self,
        text: &[u8],
        record: &ByteRecord,
        belief: Result<Serial, String>,
        line: Line,
        census: &mut LineCensus,
    ) {
        let cells = self.header.cells(record);
        let [row, _, _, _, external_id, status, rest @ ..] = cells;
        let [_, _, _, _, _, _, _, destination, ..] = rest;
        match belief {
            Ok(serial) => {
                self.highest = self.highest.max(serial);
                self.believed += 1;
                if !self.destinations.contains(destination) {
                    self.destinations.insert(destination.to_owned());
                }
                let place = Place {
                    row: row.parse().ok(),
                    serial,
                    offset: line.place.start,
                };
                census.take(serial, self.header.lines(record).unwrap_or(None), place.row);
                // An invalid line speaks of a row of a manifest, not of an attachment.
                if status == Status::Invalid.as_str() {
                    keep(&mut self.invalid, row, place);
                } else {
                    keep(&mut self.lines, external_id, place);
                }
            }
            // A torn line has lost its check: a complete check would match.
            Err(_)
                if line.place.end == text.len()
                    && !is_whole(&text[line.place])
                    && !self.header.has_whole_check(record) =>
            {
                census.take_torn();
                self.torn = Some(line.number);
            }
            Err(why) => {
                census.take_damaged(self.header.serial_in_check(record));
                self.damaged.push(Damaged {
                    line: line.number,
                    external_id: external_id.to_owned(),
                    why,
                });
            }
        }
    }

    /// Returns the latest line of a row.
    pub fn get(&self, external_id: &str) -> Option<Entry> {
        self.entry(*self.lines.get(external_id)?)
    }

    /// Returns the positions of the latest lines, in no order, with the lines of rows not fit to
    /// send.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.lines.values().chain(self.invalid.values()).copied()
    }

    /// Parses the line at a position.
    pub(super) fn entry(&self, place: Place) -> Option<Entry> {
        let record = self.record(place)?;
        Entry::from_cells(self.header.cells(&record)).ok()
    }

    /// Returns the offset in bytes of the latest line of a row, a number unique to the row.
    pub fn place(&self, external_id: &str) -> Option<usize> {
        Some(self.lines.get(external_id)?.offset)
    }

    /// Returns the keys of all rows with a line, in the order of the file.
    pub fn external_ids(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.lines.iter().collect();
        ids.sort_by_key(|(_, place)| place.offset);
        ids.into_iter().map(|(id, _)| &**id).collect()
    }

    /// True if no row has a line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the cell under a column of the manifest in the latest line of a row; empty where
    /// there is none.
    pub fn extra(&self, external_id: &str, column: &str) -> String {
        let cell = || {
            let record = self.record(*self.lines.get(external_id)?)?;
            let place = self.header.names.iter().position(|name| name == column)?;
            let cell = std::str::from_utf8(record.get(place)?).ok()?;
            Some(formula_restored(cell).to_owned())
        };
        cell().unwrap_or_default()
    }

    /// Returns the lines known to be missing or damaged.
    pub fn lost(&self) -> &LostLines {
        &self.lost
    }

    /// Returns the numbers in the latest line of a row.
    pub fn counting_line(&self, external_id: &str) -> Option<CountingLine> {
        let place = *self.lines.get(external_id)?;
        Some(CountingLine {
            serial: place.serial,
            row: place.row,
            done: self.entry(place).is_some_and(|entry| entry.was_done()),
        })
    }

    /// Returns the number of intact lines with a later line for the same row. A journal has some; a
    /// file put in order at the end of a run has none.
    pub fn superseded(&self) -> u64 {
        let counting = self.lines.len() + self.invalid.len();
        self.believed - counting as u64
    }

    /// Returns a serial above each serial in the file.
    pub fn next_serial(&self) -> Serial {
        self.highest + 1
    }

    fn record(&self, place: Place) -> Option<ByteRecord> {
        let mut reader = lock(&self.reader);
        let mut position = csv::Position::new();
        position.set_byte(place.offset as u64);
        reader.seek(position).ok()?;
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).ok()?.then_some(record)
    }
}

/// Keeps the position of the line with the highest serial.
fn keep(lines: &mut HashMap<Box<str>, Place>, key: &str, place: Place) {
    let kept = lines.entry(key.into()).or_insert(place);
    if kept.serial < place.serial {
        *kept = place;
    }
}

fn reader<R: io::Read>(text: R, delimiter: u8) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        // A line is read from wherever it stands, so most of a large buffer would be for nothing.
        .buffer_capacity(2048)
        .from_reader(text)
}

/// True if a record is a line written by a spreadsheet for an empty row.
pub(crate) fn is_blank(record: &ByteRecord) -> bool {
    record.iter().all(|cell| cell.trim_ascii().is_empty())
}

/// True if a line was written to its end: the line ends with a line break, and outside of quoted
/// cells.
fn is_whole(line: &[u8]) -> bool {
    let quotes = memchr::memchr_iter(b'"', line).count();
    matches!(line.last(), Some(b'\n' | b'\r')) && quotes.is_multiple_of(2)
}

fn to_index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset into a text that is in memory")
}
