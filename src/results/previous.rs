//! What an earlier run left: the tolerant reader of the results file.
//!
//! The file's text is its own store. For each `external_id` only the place of the line that counts
//! is kept, which is the one with the highest serial, wherever it stands: people sort files.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::{self, Cursor};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use csv::ByteRecord;

use super::{COLUMNS, Entry, LINE_CHECK, ResultsError, Serial, Status, line_check, serial_of};
use crate::sync::lock;
use crate::text::{counted, escape, formula_restored};

/// So many damaged lines are named one by one.
const DAMAGED_NAMED: usize = 20;

/// All that the results of earlier runs say, as far as it can be believed.
#[derive(Debug)]
pub struct Previous {
    /// The file's text, and the one parser of it: making a parser takes longer than a line does.
    reader: Mutex<Reader>,
    header: Header,
    lines: HashMap<Box<str>, Place>,
    /// Lines of rows that were not fit to send, which have no key that could be trusted, by row.
    invalid: HashMap<Box<str>, Place>,
    highest: Serial,
    lowest: Option<Serial>,
    /// So many lines are believed.
    believed: u64,
    /// Lines that do not match their own check, in the order of the file.
    pub damaged: Vec<Damaged>,
    /// The number of the last line, where it was torn and is left out.
    pub torn: Option<u64>,
    /// Each destination that a believed line names.
    pub destinations: BTreeSet<String>,
}

type Reader = csv::Reader<Cursor<Vec<u8>>>;

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) serial: Serial,
    offset: usize,
}

/// A line that is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its number in the file, the header being line 1.
    pub line: u64,
    /// What its `external_id` cell holds now.
    pub external_id: String,
    /// What is wrong with it, as far as that can be told.
    pub why: String,
}

/// Names lines of a file that are not believed, each on a line of its own, with what follows from it.
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

/// Which column stands where.
#[derive(Debug, Default)]
struct Header {
    delimiter: u8,
    names: Vec<String>,
    places: [usize; COLUMNS.len()],
    check: usize,
}

impl Default for Previous {
    /// No earlier run.
    fn default() -> Self {
        Self::of(Vec::new(), Header::default())
    }
}

impl Previous {
    /// Reads the text of a results file. `path` is for messages only.
    pub fn parse(text: Vec<u8>, path: &Path) -> Result<Self, ResultsError> {
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
            lowest: None,
            believed: 0,
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
        let mut first = true;
        // The reader takes any bytes for a record, so there is no error to report.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let (start, line) = record.position().map_or((0, 0), |position| {
                (to_index(position.byte()), position.line())
            });
            let end = to_index(reader.position().byte());
            let is_header = std::mem::take(&mut first);
            let is_sound = is_header || self.header.is_sound(&record);
            let swallowed = self
                .header
                .swallowed(&mut reader, is_sound, line, start..end);
            if is_header {
                continue;
            }
            let end = swallowed.unwrap_or(end);
            self.take(reader.get_ref().get_ref(), &record, start..end, line);
        }
        self.reader = Mutex::new(reader);
    }

    fn take(&mut self, text: &[u8], record: &ByteRecord, place: Range<usize>, line: u64) {
        let cells = self.header.cells(record);
        let [row, _, _, _, external_id, status, .., destination, _, _] = cells;
        match self.header.believe(record, cells) {
            Ok(serial) => {
                self.highest = self.highest.max(serial);
                self.lowest = Some(self.lowest.map_or(serial, |lowest| lowest.min(serial)));
                self.believed += 1;
                if !self.destinations.contains(destination) {
                    self.destinations.insert(destination.to_owned());
                }
                let offset = place.start;
                let place = Place { serial, offset };
                // An invalid line speaks of a row of a manifest, not of an attachment.
                if status == Status::Invalid.as_str() {
                    keep(&mut self.invalid, row, place);
                } else {
                    keep(&mut self.lines, external_id, place);
                }
            }
            Err(_) if place.end == text.len() && !is_whole(&text[place]) => {
                self.torn = Some(line);
            }
            Err(why) => self.damaged.push(Damaged {
                line,
                external_id: external_id.to_owned(),
                why,
            }),
        }
    }

    /// The line that counts for a row.
    pub fn get(&self, external_id: &str) -> Option<Entry> {
        self.entry(*self.lines.get(external_id)?)
    }

    /// Every line that counts, those of rows that were not fit to send included, in no order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.lines.values().chain(self.invalid.values()).copied()
    }

    /// What a line says.
    pub(super) fn entry(&self, place: Place) -> Option<Entry> {
        let record = self.record(place)?;
        Entry::from_cells(self.header.cells(&record)).ok()
    }

    /// Where the line that counts for a row stands: a number that no other row has.
    pub fn place(&self, external_id: &str) -> Option<usize> {
        Some(self.lines.get(external_id)?.offset)
    }

    /// Every row that a line counts for, in the order of the file.
    pub fn external_ids(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.lines.iter().collect();
        ids.sort_by_key(|(_, place)| place.offset);
        ids.into_iter().map(|(id, _)| &**id).collect()
    }

    /// What stands under a column of the manifest's in the line that counts for a row.
    pub fn extra(&self, external_id: &str, column: &str) -> String {
        let cell = || {
            let record = self.record(*self.lines.get(external_id)?)?;
            let place = self.header.names.iter().position(|name| name == column)?;
            let cell = std::str::from_utf8(record.get(place)?).ok()?;
            Some(formula_restored(cell).to_owned())
        };
        cell().unwrap_or_default()
    }

    /// How many lines somebody has removed: those that are written together have serials without a
    /// gap. Of lines at the end of a journal nothing is known.
    pub fn removed(&self) -> u64 {
        let written = self.lowest.map_or(0, |lowest| self.highest - lowest + 1);
        written.saturating_sub(self.believed + self.damaged.len() as u64)
    }

    /// How many believed lines no longer count, since later ones speak of the same rows. There are
    /// some in a journal, and none in a file that was put in order at the end of a run.
    pub fn superseded(&self) -> u64 {
        let counting = self.lines.len() + self.invalid.len();
        self.believed - counting as u64
    }

    /// A serial that is higher than each in the file.
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

/// Keeps the place of the line that counts: the one with the highest serial.
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

impl Header {
    fn parse(text: &[u8]) -> Result<Self, String> {
        let mut header = Self {
            delimiter: delimiter(text),
            ..Self::default()
        };
        let mut record = ByteRecord::new();
        let _ = reader(text, header.delimiter).read_byte_record(&mut record);
        header.names = record
            .iter()
            .map(|name| {
                let name = String::from_utf8_lossy(name);
                formula_restored(&name).to_owned()
            })
            .collect();
        if let Some(first) = header.names.first_mut() {
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        for (place, column) in header.places.iter_mut().zip(COLUMNS) {
            *place = find(&header.names, column)?;
        }
        header.check = find(&header.names, LINE_CHECK)?;
        Ok(header)
    }

    /// The serial of a line, or why the line is not to be believed.
    fn believe(&self, record: &ByteRecord, cells: [&str; 16]) -> Result<Serial, String> {
        let text = |cell| std::str::from_utf8(cell).map(formula_restored);
        let values: Vec<&str> = record
            .iter()
            .take(self.check + 1)
            .map(text)
            .collect::<Result<_, _>>()
            .map_err(|_| "it is not UTF-8 text".to_owned())?;
        let Some(check) = values.get(self.check) else {
            let (found, expected) = (values.len(), self.names.len());
            return Err(format!("it has {found} cells of {expected}"));
        };
        let values = values[..self.check].iter().copied();
        let serial = serial_of(check).filter(|serial| line_check(values, *serial) == *check);
        let [_, _, _, _, _, status, ..] = cells;
        match serial {
            Some(serial) if Status::ALL.iter().any(|known| known.as_str() == status) => Ok(serial),
            Some(_) => Err(format!("the status {status:?} is one of a later version")),
            None => Err(match Entry::from_cells(cells) {
                Err(cell) => cell.to_string(),
                Ok(_) => "a cell was altered: the line does not match its line_check".to_owned(),
            }),
        }
    }

    /// Where the first of the lines begins that a record has swallowed, because a quote of it was
    /// damaged; the reader goes on from there.
    ///
    /// Such a line is known by its check. In a record whose cells are sound, and whose quotes are
    /// right, nothing is looked for, so that no cell of several lines can pass for a line.
    fn swallowed(
        &self,
        reader: &mut Reader,
        is_sound: bool,
        first_line: u64,
        place: Range<usize>,
    ) -> Option<usize> {
        let text = &reader.get_ref().get_ref()[place.clone()];
        let starts = starts_inside(text);
        if starts.is_empty() || (is_sound && is_well_quoted(text, self.delimiter)) {
            return None;
        }
        let position = |start: usize, lines| {
            let mut position = csv::Position::new();
            position.set_byte((place.start + start) as u64);
            position.set_line(first_line + lines);
            position
        };
        let after = reader.position().clone();
        let mut line = ByteRecord::new();
        let found = starts.into_iter().find(|(start, lines)| {
            let is_line = reader.seek(position(*start, *lines)).is_ok()
                && reader.read_byte_record(&mut line).unwrap_or(false);
            is_line && self.believe(&line, self.cells(&line)).is_ok()
        });
        let next = found.map_or(after, |(start, lines)| position(start, lines));
        // A text in memory can be read from anywhere.
        let _ = reader.seek(next);
        found.map(|(start, _)| place.start + start)
    }

    /// Whether a record is what was written, as far as its cells tell.
    fn is_sound(&self, record: &ByteRecord) -> bool {
        record.len() == self.names.len() && self.believe(record, self.cells(record)).is_ok()
    }

    /// The cells under our columns, in our order; empty where there is none, or no text.
    fn cells<'r>(&self, record: &'r ByteRecord) -> [&'r str; 16] {
        let text = |cell| std::str::from_utf8(cell).map_or("", formula_restored);
        self.places.map(|place| record.get(place).map_or("", text))
    }
}

fn find(names: &[String], column: &str) -> Result<usize, String> {
    names
        .iter()
        .position(|name| name == column)
        .ok_or_else(|| format!("its first line names no column {column}"))
}

/// What stands after the first name, which holds no such character.
pub(crate) fn delimiter(text: &[u8]) -> u8 {
    let mut bytes = text.iter().copied();
    bytes
        .find(|byte| matches!(byte, b',' | b';' | b'\t'))
        .unwrap_or(b',')
}

/// Whether a line was written to its end: it ends with a newline, and not inside a quoted cell.
fn is_whole(line: &[u8]) -> bool {
    let quotes = memchr::memchr_iter(b'"', line).count();
    line.ends_with(b"\n") && quotes.is_multiple_of(2)
}

/// Where lines begin inside a record, and how many line feeds stand before each.
fn starts_inside(record: &[u8]) -> Vec<(usize, u64)> {
    let mut lines = 0;
    let inside = memchr::memchr2_iter(b'\n', b'\r', record).map(|at| {
        lines += u64::from(record[at] == b'\n');
        (at + 1, lines)
    });
    inside.filter(|(at, _)| *at < record.len()).collect()
}

/// Whether quotes stand only where a cell begins or ends, or doubled inside of one.
fn is_well_quoted(record: &[u8], delimiter: u8) -> bool {
    let is_border = |byte: &u8| *byte == delimiter || matches!(byte, b'\n' | b'\r');
    let pieces: Vec<&[u8]> = record.split(|byte| *byte == b'"').collect();
    let last = pieces.len() - 1;
    // Every second piece stands between quotes; the others are what is between cells, or nothing.
    let is_outside = |(number, piece): (usize, &&[u8])| {
        let begins = number == 0 || piece.first().is_some_and(is_border);
        let ends = number == last || piece.last().is_some_and(is_border);
        piece.is_empty() || (begins && ends)
    };
    last.is_multiple_of(2) && pieces.iter().enumerate().step_by(2).all(is_outside)
}

fn to_index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset into a text that is in memory")
}
