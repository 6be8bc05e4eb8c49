//! The verification file: one line for each line of the results, written as a whole.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{
    ContentFacts, ExpectedNames, LocalFileState, ObjectProof, VerificationLine, VerificationOutcome,
};
use crate::atomic_file;
use crate::digest::sha256;
use crate::model::{AttachmentId, Sha256Digest};
use crate::results::earlier_results::{is_above_header, is_blank_record};
use crate::results::entry_cell::{
    BadCell, bad_cell, parse_cell, parse_optional_cell, parse_word_cell,
};
use crate::results::{LINE_CHECK_COLUMN, ResultsEntry, line_check, parse_serial};
use crate::text::csv_dialect::{CsvDialect, cell_value};
use crate::text::decode::{DecodeError, Encoding, decode_candidates};
use crate::text::escape_formula;
use csv::StringRecord;

/// Columns before [`LINE_CHECK_COLUMN`], in order. The names never change, because scripts rely on
/// them.
pub const COLUMNS: [&str; 15] = [
    "row",
    "external_id",
    "attachment_id",
    "outcome",
    "object",
    "expected_size",
    "found_size",
    "expected_sha256",
    "found_sha256",
    "expected_external_id",
    "expected_title",
    "checked_at",
    "download",
    "destination",
    "message",
];

/// Columns in [`COLUMNS`] which verification files of earlier versions do not have.
const COLUMNS_ADDED_LATER: [&str; 3] = ["object", "expected_external_id", "expected_title"];

/// Column of verification files of earlier versions which is not written any more.
const DROPPED_COLUMN: &str = "local_file";

/// Returns the path of the verification file, which is beside the results file.
pub fn path_for(results: &Path) -> PathBuf {
    results.with_extension("verification.csv")
}

/// Writes the whole file and replaces an existing one.
pub fn write<'a>(
    path: &Path,
    dialect: CsvDialect,
    lines: impl Iterator<Item = &'a VerificationLine>,
) -> io::Result<()> {
    atomic_file::replace_file(path, |out| write_lines(out, dialect, lines))
}

fn write_lines<'a>(
    out: &mut dyn Write,
    dialect: CsvDialect,
    lines: impl Iterator<Item = &'a VerificationLine>,
) -> io::Result<()> {
    let mut csv = dialect.begin_table(out)?;
    csv.write_record(COLUMNS.iter().chain(&[LINE_CHECK_COLUMN]))?;
    for (serial, line) in (1..).zip(lines) {
        let cells = line.cells();
        let check = line_check(cells.iter().map(String::as_str), serial);
        for cell in &cells {
            csv.write_field(&*escape_formula(cell))?;
        }
        csv.write_field(check)?;
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

/// Lines of a verification file which match their own check.
#[derive(Debug)]
pub struct VerificationFile {
    lines: HashMap<(Option<usize>, String), VerificationLine>,
    /// Digest of the whole file.
    pub sha256: Sha256Digest,
    /// Number of lines which do not match their own check and are ignored.
    pub altered_lines: u64,
}

/// Reason why a file is not a verification file.
#[derive(Debug, thiserror::Error)]
pub enum VerificationFileError {
    /// A column is missing.
    #[error("the first line has no column {0:?}")]
    MissingColumn(&'static str),
    /// The bytes of the file are not text.
    #[error("{}", undecodable_words(.0))]
    Undecodable(#[from] DecodeError),
}

/// Returns the clause for an undecodable file. An invalid byte has its place as its subject.
fn undecodable_words(error: &DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(_) => error.to_string(),
        DecodeError::Workbook | DecodeError::TooLarge => format!("the file {error}"),
    }
}

impl VerificationFile {
    /// Parses a verification file, in each form in which a spreadsheet may have saved it. The
    /// encoding which the user named is used if fewer lines fail their check in this encoding than
    /// in the likeliest one.
    pub fn parse(
        bytes: Vec<u8>,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, VerificationFileError> {
        let digest = sha256(&bytes);
        let readings = decode_candidates(bytes, encoding)?;
        let likeliest = Self::parse_text(&readings.by_detection, digest);
        let as_named = readings
            .in_named_encoding
            .map(|text| Self::parse_text(&text, digest));
        match (likeliest, as_named) {
            (Ok(one), Some(Ok(other))) if other.altered_lines < one.altered_lines => Ok(other),
            (Err(_), Some(Ok(other))) => Ok(other),
            (likeliest, _) => likeliest,
        }
    }

    fn parse_text(text: &[u8], sha256: Sha256Digest) -> Result<Self, VerificationFileError> {
        let mut verification = Self {
            lines: HashMap::new(),
            sha256,
            altered_lines: 0,
        };
        let mut csv = CsvDialect::detect(text).reader(text);
        let mut records = csv
            .byte_records()
            .flatten()
            .skip_while(is_above_header)
            .filter(|record| !is_blank_record(record));
        let header = records.next().unwrap_or_default();
        let header = StringRecord::from_byte_record_lossy(header);
        let place = |column: &'static str| {
            let mut names = header.iter().enumerate();
            let place = names.position(|(place, name)| cell_value(place, name) == column);
            place.ok_or(VerificationFileError::MissingColumn(column))
        };
        let check = place(LINE_CHECK_COLUMN)?;
        let mut places = ColumnPositions {
            columns: Default::default(),
            local_file: place(DROPPED_COLUMN).ok(),
        };
        for (at, column) in places.columns.iter_mut().zip(COLUMNS) {
            *at = match place(column) {
                Err(_) if COLUMNS_ADDED_LATER.contains(&column) => None,
                found => Some(found?),
            };
        }
        for record in records {
            let record = StringRecord::from_byte_record(record).ok();
            match record.and_then(|record| parse_checked_line(&record, check, &places)) {
                Some(line) => verification.insert(line),
                None => verification.altered_lines += 1,
            }
        }
        Ok(verification)
    }

    fn insert(&mut self, line: VerificationLine) {
        self.lines
            .insert((line.row, line.external_id.clone()), line);
    }

    /// Returns the line about an entry of the results, if the line is current for this entry.
    pub fn current_line_for(&self, entry: &ResultsEntry) -> Option<&VerificationLine> {
        let line = self.lines.get(&(entry.row, entry.external_id.clone()))?;
        line.is_current_for(entry).then_some(line)
    }

    /// Returns every line which matches its check, in no particular order.
    pub fn lines(&self) -> impl Iterator<Item = &VerificationLine> {
        self.lines.values()
    }
}

/// Positions of the columns in a file.
struct ColumnPositions {
    /// Positions of [`COLUMNS`]; `None` for a missing column.
    columns: [Option<usize>; COLUMNS.len()],
    /// Position of [`DROPPED_COLUMN`].
    local_file: Option<usize>,
}

fn parse_checked_line(
    record: &StringRecord,
    check: usize,
    places: &ColumnPositions,
) -> Option<VerificationLine> {
    let cells = record.iter().enumerate();
    let values: Vec<&str> = cells.map(|(place, cell)| cell_value(place, cell)).collect();
    let expected = *values.get(check)?;
    let guarded = values[..check].iter().copied();
    if line_check(guarded, parse_serial(expected)?) != expected {
        return None;
    }
    let cell = |place: Option<usize>| place.map_or("", |place| values[place]);
    VerificationLine::from_cells(places.columns.map(cell), cell(places.local_file)).ok()
}

impl VerificationLine {
    fn cells(&self) -> [String; COLUMNS.len()] {
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        [
            text(self.row),
            self.external_id.clone(),
            text(self.attachment_id.as_ref()),
            self.outcome.to_string(),
            self.object.as_str().to_owned(),
            text(self.expected.size),
            text(self.found.size),
            text(self.expected.sha256),
            text(self.found.sha256),
            text(self.expected_names.external_id.as_ref()),
            text(self.expected_names.title.as_ref()),
            format!("{:.3}", self.checked_at),
            self.download.to_string(),
            self.destination.clone(),
            self.message.clone(),
        ]
    }

    fn from_cells(cells: [&str; COLUMNS.len()], local_file: &str) -> Result<Self, BadCell> {
        let [
            row,
            external_id,
            attachment_id,
            outcome,
            object,
            expected_size,
            found_size,
            expected_sha256,
            found_sha256,
            expected_external_id,
            expected_title,
            checked_at,
            download,
            destination,
            message,
        ] = cells;
        let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let how_it_stood = |text: &str| {
            parse_word_cell(
                DROPPED_COLUMN,
                text,
                LocalFileState::ALL,
                LocalFileState::as_str,
            )
        };
        let id =
            |text: &str| AttachmentId::parse(text).map_err(|_| bad_cell("attachment_id", text));
        Ok(Self {
            row: parse_optional_cell("row", row)?,
            external_id: external_id.to_owned(),
            attachment_id: Some(attachment_id)
                .filter(|text| !text.is_empty())
                .map(id)
                .transpose()?,
            outcome: parse_word_cell(
                "outcome",
                outcome,
                VerificationOutcome::ALL,
                VerificationOutcome::as_str,
            )?,
            object: parse_word_cell("object", object, ObjectProof::ALL, ObjectProof::as_str)?,
            expected: ContentFacts {
                size: parse_optional_cell("expected_size", expected_size)?,
                sha256: parse_optional_cell("expected_sha256", expected_sha256)?,
            },
            found: ContentFacts {
                size: parse_optional_cell("found_size", found_size)?,
                sha256: parse_optional_cell("found_sha256", found_sha256)?,
            },
            expected_names: ExpectedNames {
                external_id: told(expected_external_id),
                title: told(expected_title),
            },
            checked_at: parse_cell("checked_at", checked_at)?,
            download: parse_cell("download", download)?,
            local_file: Some(local_file)
                .filter(|text| !text.is_empty())
                .map(how_it_stood)
                .transpose()?,
            destination: destination.to_owned(),
            message: message.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::{DownloadScope, download_scope::SampleShare};

    fn line() -> VerificationLine {
        VerificationLine {
            row: Some(3),
            external_id: "=A\"1,\n".into(),
            attachment_id: Some(AttachmentId::parse("12").unwrap()),
            outcome: VerificationOutcome::ContentDiffers,
            object: ObjectProof::Proven,
            expected: ContentFacts {
                size: Some(5),
                sha256: Some(sha256(b"hello")),
            },
            found: ContentFacts {
                size: Some(5),
                sha256: Some(sha256(b"HELLO")),
            },
            expected_names: ExpectedNames {
                external_id: Some("EU-A1".into()),
                title: Some("=Master agreement".into()),
            },
            checked_at: "2026-11-22T10:00:00.5Z".parse().unwrap(),
            download: DownloadScope::Sample {
                share: SampleShare::parse("10%").unwrap(),
                seed: 9,
            },
            local_file: None,
            destination: "here".into(),
            message: "other bytes".into(),
        }
    }

    fn written(lines: &[VerificationLine]) -> String {
        let mut text = Vec::new();
        write_lines(&mut text, CsvDialect::Semicolon, lines.iter()).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_verification_reads_back_as_it_is_written() {
        let bare = VerificationLine {
            row: None,
            attachment_id: None,
            outcome: VerificationOutcome::NotDone,
            object: ObjectProof::NotAskedFor,
            expected: ContentFacts::default(),
            found: ContentFacts::default(),
            expected_names: ExpectedNames::default(),
            download: DownloadScope::None,
            ..line()
        };
        let text = written(&[line(), bare.clone()]);
        let read = VerificationFile::parse(text.into_bytes(), None).unwrap();
        assert_eq!(read.altered_lines, 0);
        let mut lines: Vec<_> = read.lines().cloned().collect();
        lines.sort_by_key(|line| line.row);
        assert_eq!(lines, [bare, line()]);
    }

    #[test]
    fn a_line_that_was_altered_is_not_believed() {
        let text = written(&[line()]).replace("content_differs", "match");
        let read = VerificationFile::parse(text.into_bytes(), None).unwrap();
        assert_eq!((read.lines().count(), read.altered_lines), (0, 1));
    }

    #[test]
    fn a_verification_that_a_spreadsheet_saved_anew_is_believed() {
        let plain = VerificationLine {
            external_id: "A1".into(),
            ..line()
        };
        let text = written(&[plain]);
        assert!(text.starts_with("\u{feff}row;external_id;"), "{text}");
        for (from, to) in [(';', ","), (';', "\t"), ('\n', "\r\n")] {
            let blank = to.repeat(COLUMNS.len());
            let saved = format!("{blank}\n{}{blank}\n", text.replace(from, to));
            let read = VerificationFile::parse(saved.clone().into_bytes(), None).unwrap();
            assert_eq!(
                (read.lines().count(), read.altered_lines),
                (1, 0),
                "{saved}"
            );
        }
    }

    #[test]
    fn a_verification_of_an_earlier_version_says_what_it_always_said() {
        let header = "row,external_id,attachment_id,outcome,expected_size,found_size,expected_sha256,\
                      found_sha256,checked_at,download,local_file,destination,message,line_check";
        for (word, local_file) in [
            ("", None),
            ("unchanged", Some(LocalFileState::Unchanged)),
            ("changed", Some(LocalFileState::Changed)),
            ("gone", Some(LocalFileState::Gone)),
        ] {
            let cells = format!("3,A3,12,match,5,5,,,2026-11-22T10:00:00.000Z,,{word},here,");
            let check = line_check(cells.split(','), 1);
            let text = format!("{header}\n{cells},{check}\n");
            let read = VerificationFile::parse(text.into_bytes(), None).unwrap();
            assert_eq!(read.altered_lines, 0);
            let [line] = read.lines().collect::<Vec<_>>()[..] else {
                panic!("{read:?}");
            };
            assert_eq!((line.row, line.found.size), (Some(3), Some(5)));
            assert_eq!(line.expected_names, ExpectedNames::default());
            assert_eq!(line.object, ObjectProof::NotAskedFor);
            assert_eq!(line.local_file, local_file);
        }
    }

    #[test]
    fn another_file_is_not_taken_for_a_verification() {
        let refused =
            VerificationFile::parse(b"row,file_path\n1,a.pdf\n".to_vec(), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the first line has no column \"line_check\""
        );
    }
}
