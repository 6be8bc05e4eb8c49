//! The verification file: one line for each line of the results, written as a whole.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Checked, Facts, KnownAs, LocalFile, Outcome};
use crate::digest::sha256;
use crate::model::{AttachmentId, Sha256Digest};
use crate::results::cell::{BadCell, bad, optional, parsed, word};
use crate::results::previous::header::delimiter;
use crate::results::previous::is_blank;
use crate::results::{Entry, LINE_CHECK, line_check, serial_of};
use crate::text::decode::{Encoding, Undecodable, readings};
use crate::text::{formula_restored, formula_safe};
use crate::whole_file;
use csv::StringRecord;

/// Columns before [`LINE_CHECK`], in order. Scripts rely on their names, so they never change.
pub const COLUMNS: [&str; 14] = [
    "row",
    "external_id",
    "attachment_id",
    "outcome",
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
const LATER_COLUMNS: [&str; 2] = ["expected_external_id", "expected_title"];

/// Column of verification files of earlier versions which is not written any more.
const FORMER_COLUMN: &str = "local_file";

/// Returns the path of the verification file, which is beside the results file.
pub fn path_for(results: &Path) -> PathBuf {
    results.with_extension("verification.csv")
}

/// Writes the whole file and replaces an existing one.
pub fn write<'a>(path: &Path, lines: impl Iterator<Item = &'a Checked>) -> io::Result<()> {
    whole_file::replace(path, |out| write_lines(out, lines))
}

fn write_lines<'a>(
    out: &mut dyn Write,
    lines: impl Iterator<Item = &'a Checked>,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS.iter().chain(&[LINE_CHECK]))?;
    for (serial, line) in (1..).zip(lines) {
        let cells = line.cells();
        let check = line_check(cells.iter().map(String::as_str), serial);
        for cell in &cells {
            csv.write_field(&*formula_safe(cell))?;
        }
        csv.write_field(check)?;
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

/// Lines of a verification file which match their own check.
#[derive(Debug)]
pub struct Verification {
    lines: HashMap<(Option<usize>, String), Checked>,
    /// Digest of the whole file.
    pub sha256: Sha256Digest,
    /// Number of lines which do not match their own check and are ignored.
    pub altered: u64,
}

/// Reason why a file is not a verification file.
#[derive(Debug, thiserror::Error)]
pub enum NoVerification {
    /// A column is missing.
    #[error("its first line names no column {0:?}")]
    NoColumn(&'static str),
    /// The bytes of the file are not text.
    #[error("it {0}")]
    Undecodable(#[from] Undecodable),
}

impl Verification {
    /// Parses a verification file, in each form in which a spreadsheet may have saved it. The
    /// encoding which the user named is used if fewer lines fail their check in this encoding than
    /// in the likeliest one.
    pub fn parse(
        bytes: Vec<u8>,
        encoding: Option<&'static Encoding>,
    ) -> Result<Self, NoVerification> {
        let digest = sha256(&bytes);
        let readings = readings(bytes, encoding)?;
        let likeliest = Self::of_text(&readings.likeliest, digest);
        let as_named = readings.as_named.map(|text| Self::of_text(&text, digest));
        match (likeliest, as_named) {
            (Ok(one), Some(Ok(other))) if other.altered < one.altered => Ok(other),
            (Err(_), Some(Ok(other))) => Ok(other),
            (likeliest, _) => likeliest,
        }
    }

    fn of_text(text: &[u8], sha256: Sha256Digest) -> Result<Self, NoVerification> {
        let mut verification = Self {
            lines: HashMap::new(),
            sha256,
            altered: 0,
        };
        let mut csv = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter(text))
            .from_reader(text);
        let mut records = csv
            .byte_records()
            .flatten()
            .filter(|record| !is_blank(record));
        let header = records.next().unwrap_or_default();
        let header = StringRecord::from_byte_record_lossy(header);
        let place = |column: &'static str| {
            let place = header.iter().position(|name| name == column);
            place.ok_or(NoVerification::NoColumn(column))
        };
        let check = place(LINE_CHECK)?;
        let mut places = Places {
            columns: Default::default(),
            local_file: place(FORMER_COLUMN).ok(),
        };
        for (at, column) in places.columns.iter_mut().zip(COLUMNS) {
            *at = match place(column) {
                Err(_) if LATER_COLUMNS.contains(&column) => None,
                found => Some(found?),
            };
        }
        for record in records {
            let record = StringRecord::from_byte_record(record).ok();
            match record.and_then(|record| believed(&record, check, &places)) {
                Some(line) => verification.keep(line),
                None => verification.altered += 1,
            }
        }
        Ok(verification)
    }

    fn keep(&mut self, line: Checked) {
        self.lines
            .insert((line.row, line.external_id.clone()), line);
    }

    /// Returns the line about an entry of the results, if the line is current for this entry.
    pub fn of(&self, entry: &Entry) -> Option<&Checked> {
        let line = self.lines.get(&(entry.row, entry.external_id.clone()))?;
        line.is_about(entry).then_some(line)
    }

    /// Returns every line which matches its check, in no particular order.
    pub fn lines(&self) -> impl Iterator<Item = &Checked> {
        self.lines.values()
    }
}

/// Positions of the columns in a file.
struct Places {
    /// Positions of [`COLUMNS`]; `None` for a missing column.
    columns: [Option<usize>; COLUMNS.len()],
    /// Position of [`FORMER_COLUMN`].
    local_file: Option<usize>,
}

fn believed(record: &StringRecord, check: usize, places: &Places) -> Option<Checked> {
    let values: Vec<&str> = record.iter().map(formula_restored).collect();
    let expected = *values.get(check)?;
    let guarded = values[..check].iter().copied();
    if line_check(guarded, serial_of(expected)?) != expected {
        return None;
    }
    let cell = |place: Option<usize>| place.map_or("", |place| values[place]);
    Checked::from_cells(places.columns.map(cell), cell(places.local_file)).ok()
}

impl Checked {
    fn cells(&self) -> [String; COLUMNS.len()] {
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        [
            text(self.row),
            self.external_id.clone(),
            text(self.attachment_id.as_ref()),
            self.outcome.to_string(),
            text(self.expected.size),
            text(self.found.size),
            text(self.expected.sha256),
            text(self.found.sha256),
            text(self.expected_as.external_id.as_ref()),
            text(self.expected_as.title.as_ref()),
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
        let how_it_stood =
            |text: &str| word(FORMER_COLUMN, text, LocalFile::ALL, LocalFile::as_str);
        let id = |text: &str| AttachmentId::parse(text).map_err(|_| bad("attachment_id", text));
        Ok(Self {
            row: optional("row", row)?,
            external_id: external_id.to_owned(),
            attachment_id: Some(attachment_id)
                .filter(|text| !text.is_empty())
                .map(id)
                .transpose()?,
            outcome: word("outcome", outcome, Outcome::ALL, Outcome::as_str)?,
            expected: Facts {
                size: optional("expected_size", expected_size)?,
                sha256: optional("expected_sha256", expected_sha256)?,
            },
            found: Facts {
                size: optional("found_size", found_size)?,
                sha256: optional("found_sha256", found_sha256)?,
            },
            expected_as: KnownAs {
                external_id: told(expected_external_id),
                title: told(expected_title),
            },
            checked_at: parsed("checked_at", checked_at)?,
            download: parsed("download", download)?,
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
    use crate::verification::{Download, download::Share};

    fn line() -> Checked {
        Checked {
            row: Some(3),
            external_id: "=A\"1,\n".into(),
            attachment_id: Some(AttachmentId::parse("12").unwrap()),
            outcome: Outcome::ContentDiffers,
            expected: Facts {
                size: Some(5),
                sha256: Some(sha256(b"hello")),
            },
            found: Facts {
                size: Some(5),
                sha256: Some(sha256(b"HELLO")),
            },
            expected_as: KnownAs {
                external_id: Some("EU-A1".into()),
                title: Some("=Master agreement".into()),
            },
            checked_at: "2026-11-22T10:00:00.5Z".parse().unwrap(),
            download: Download::Sample {
                share: Share::parse("10%").unwrap(),
                seed: 9,
            },
            local_file: None,
            destination: "here".into(),
            message: "other bytes".into(),
        }
    }

    fn written(lines: &[Checked]) -> String {
        let mut text = Vec::new();
        write_lines(&mut text, lines.iter()).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_verification_reads_back_as_it_is_written() {
        let bare = Checked {
            row: None,
            attachment_id: None,
            outcome: Outcome::NotDone,
            expected: Facts::default(),
            found: Facts::default(),
            expected_as: KnownAs::default(),
            download: Download::None,
            ..line()
        };
        let text = written(&[line(), bare.clone()]);
        let read = Verification::parse(text.into_bytes(), None).unwrap();
        assert_eq!(read.altered, 0);
        let mut lines: Vec<_> = read.lines().cloned().collect();
        lines.sort_by_key(|line| line.row);
        assert_eq!(lines, [bare, line()]);
    }

    #[test]
    fn a_line_that_was_altered_is_not_believed() {
        let text = written(&[line()]).replace("content_differs", "match");
        let read = Verification::parse(text.into_bytes(), None).unwrap();
        assert_eq!((read.lines().count(), read.altered), (0, 1));
    }

    #[test]
    fn a_verification_that_a_spreadsheet_saved_anew_is_believed() {
        let plain = Checked {
            external_id: "A1".into(),
            ..line()
        };
        let text = written(&[plain]);
        for (from, to) in [(',', ";"), (',', "\t"), ('\n', "\r\n")] {
            let blank = to.repeat(COLUMNS.len());
            let saved = format!("\u{feff}{}{blank}\n", text.replace(from, to));
            let read = Verification::parse(saved.clone().into_bytes(), None).unwrap();
            assert_eq!((read.lines().count(), read.altered), (1, 0), "{saved}");
        }
    }

    #[test]
    fn a_verification_of_an_earlier_version_says_what_it_always_said() {
        let header = "row,external_id,attachment_id,outcome,expected_size,found_size,expected_sha256,\
                      found_sha256,checked_at,download,local_file,destination,message,line_check";
        for (word, local_file) in [
            ("", None),
            ("unchanged", Some(LocalFile::Unchanged)),
            ("changed", Some(LocalFile::Changed)),
            ("gone", Some(LocalFile::Gone)),
        ] {
            let cells = format!("3,A3,12,match,5,5,,,2026-11-22T10:00:00.000Z,,{word},here,");
            let check = line_check(cells.split(','), 1);
            let text = format!("{header}\n{cells},{check}\n");
            let read = Verification::parse(text.into_bytes(), None).unwrap();
            assert_eq!(read.altered, 0);
            let [line] = read.lines().collect::<Vec<_>>()[..] else {
                panic!("{read:?}");
            };
            assert_eq!((line.row, line.found.size), (Some(3), Some(5)));
            assert_eq!(line.expected_as, KnownAs::default());
            assert_eq!(line.local_file, local_file);
        }
    }

    #[test]
    fn another_file_is_not_taken_for_a_verification() {
        let refused = Verification::parse(b"row,file_path\n1,a.pdf\n".to_vec(), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "its first line names no column \"line_check\""
        );
    }
}
