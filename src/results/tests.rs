//! Results files read back: after a run, a kill, a tear, an edit, a spreadsheet and a second run.

mod dialects;
mod later_versions;
mod ledger;
mod line_numbers;
mod properties;
mod quotes;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::earlier_results::EarlierResults;
use super::journal::{Journal as _, start_journal};
use super::results_entry::CELLS_BEFORE_LINES;
use super::results_file::{LineToWrite, ResultsFile};
use super::*;
use crate::model::{AttachmentId, CheckedContent, FileStamp};
use crate::platform::{REPLACEMENT_POLICY, ReplacementPolicy};
use crate::text::csv_dialect::CsvDialect;

fn entry(number: usize, status: Status) -> ResultsEntry {
    ResultsEntry {
        row: Some(number),
        file_path: format!("{number}, a \"quoted\" name.pdf"),
        object_type: "contract".into(),
        object_id: "7".into(),
        object_external_id: String::new(),
        external_id: format!("=A{number}"),
        status,
        reason: StatusReason::None,
        attachment_id: Some(AttachmentId::parse("12").unwrap()),
        known_content: KnownContent::Complete(CheckedContent {
            stamp: FileStamp {
                size: 4,
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
            sha256: crate::digest::sha256(b"text"),
        }),
        verified_by: VerifiedBy::Size,
        attempts: 1,
        destination: "here".into(),
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        message: String::new(),
        changes: crate::results::AttachmentChanges::default(),
    }
}

/// A temporary folder with a results file.
struct ResultsFolder {
    folder: TempDir,
    path: PathBuf,
}

impl ResultsFolder {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("m.results.csv");
        Self { folder, path }
    }

    /// Writes a file with a line for each entry and one column of the manifest's.
    fn with_entries(entries: impl IntoIterator<Item = ResultsEntry>) -> Self {
        let this = Self::new();
        let (mut file, _) = ResultsFile::begin(&this.path).unwrap();
        let lines = entries.into_iter().map(|entry| LineToWrite {
            extras: vec![format!("extra of {}\nand more", entry.external_id)],
            entry,
        });
        let lines: Vec<LineToWrite> = lines.collect();
        file.rewrite_before_run(CsvDialect::Comma, &["department".into()], lines.into_iter())
            .unwrap();
        this
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn parse(text: impl Into<Vec<u8>>) -> EarlierResults {
        EarlierResults::parse(text.into(), Path::new("m.results.csv")).unwrap()
    }

    fn file_names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_reads_back_as_it_was_written_and_nothing_else_is_left_in_its_folder() {
    let entries = [entry(1, Status::Uploaded), entry(2, Status::Created)];
    let folder = ResultsFolder::with_entries(entries.clone());
    let previous = ResultsFolder::parse(folder.text());
    for entry in entries {
        let id = entry.external_id.clone();
        assert_eq!(previous.latest_entry(&id), Some(entry));
        assert_eq!(
            previous.extra_cell(&id, "department"),
            format!("extra of {id}\nand more")
        );
    }
    assert_eq!(previous.next_serial(), 3);
    assert_eq!(folder.file_names(), ["m.results.csv"]);
    assert!(folder.text().contains(",'=A1,"), "{}", folder.text());
}

#[test]
fn lines_that_somebody_has_removed_are_counted_wherever_they_stood() {
    let folder = ResultsFolder::with_entries((1..=5).map(|number| entry(number, Status::Uploaded)));
    let (mut file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    file.append(&[entry(6, Status::Created)]).unwrap();
    drop(file);
    let text = folder.text();
    let removed = |lines: &[usize]| {
        let mut records = split_records(&text);
        for line in lines.iter().rev() {
            records.remove(*line);
        }
        records[1..].reverse();
        ResultsFolder::parse(records.concat()).lost_lines().removed
    };
    assert_eq!(removed(&[]), 0);
    assert_eq!(removed(&[3]), 1);
    assert_eq!(removed(&[2, 4, 5]), 3);
    assert_eq!(removed(&[1, 5]), 2);
    // Lines appended last are missed by nobody.
    assert_eq!(removed(&[5, 6]), 1);
}

#[cfg(unix)]
#[test]
fn results_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = ResultsFolder::with_entries([entry(1, Status::Uploaded)]);
    let mode = fs::metadata(&folder.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_line_with_the_highest_serial_counts_wherever_it_stands() {
    let folder = ResultsFolder::with_entries([entry(1, Status::Pending)]);
    let (mut file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    file.append(&[entry(1, Status::Creating)]).unwrap();
    file.append(&[entry(1, Status::Uploaded), entry(2, Status::Created)])
        .unwrap();
    drop(file);
    let text = folder.text();
    let mut records: Vec<Vec<u8>> = split_records(&text);
    records[1..].reverse();
    for text in [text.into_bytes(), records.concat()] {
        let previous = ResultsFolder::parse(text);
        assert_eq!(
            previous.latest_entry("=A1").unwrap().status,
            Status::Uploaded
        );
        assert_eq!(
            previous.latest_entry("=A2").unwrap().status,
            Status::Created
        );
        assert_eq!(previous.next_serial(), 5);
    }
}

#[test]
fn a_journal_says_the_same_by_whatever_column_it_was_sorted() {
    let journal = killed_journal();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(journal.as_bytes());
    let mut records: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    let header = records.remove(0);
    let expected = ResultsFolder::parse(journal);
    for column in 0..header.len() {
        records.sort_by(|one, other| one.get(column).cmp(&other.get(column)));
        for _ in 0..2 {
            records.reverse();
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .from_writer(Vec::new());
            for record in std::iter::once(&header).chain(&records) {
                writer.write_byte_record(record).unwrap();
            }
            let sorted = ResultsFolder::parse(writer.into_inner().unwrap());
            for id in ["=A1", "=A2", "=A3"] {
                assert_eq!(
                    sorted.latest_entry(id),
                    expected.latest_entry(id),
                    "by column {column}"
                );
            }
            assert_eq!(sorted.next_serial(), expected.next_serial());
            assert_eq!((sorted.damaged_lines, sorted.torn_line), (Vec::new(), None));
        }
    }
}

/// Returns the journal of a killed run.
fn killed_journal() -> String {
    let folder = ResultsFolder::with_entries([entry(1, Status::Failed), entry(2, Status::Pending)]);
    let (mut file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    for (number, status) in [
        (2, Status::Creating),
        (1, Status::Creating),
        (2, Status::Created),
        (3, Status::Creating),
        (1, Status::Created),
        (2, Status::Uploaded),
    ] {
        file.append(&[entry(number, status)]).unwrap();
    }
    folder.text()
}

/// Splits a file into its records, each of which may have several lines.
fn split_records(text: &str) -> Vec<Vec<u8>> {
    let mut records = vec![Vec::new()];
    let mut quoted = false;
    for byte in text.bytes() {
        quoted ^= byte == b'"';
        records.last_mut().unwrap().push(byte);
        if byte == b'\n' && !quoted {
            records.push(Vec::new());
        }
    }
    records.retain(|record| !record.is_empty());
    records
}

#[test]
fn a_line_that_was_altered_is_named_and_not_believed() {
    let folder =
        ResultsFolder::with_entries([entry(1, Status::Uploaded), entry(2, Status::Uploaded)]);
    for (from, to, why) in [
        (",uploaded,", ",skipped,", "a cell was altered"),
        (",12,4,", ",13,4,", "a cell was altered"),
        (",12,4,", ",12,4.0E+0,", "column size: \"4.0E+0\""),
        (",uploaded,", ",done,", "column status: \"done\""),
    ] {
        let previous = ResultsFolder::parse(folder.text().replacen(from, to, 1));
        assert_eq!(previous.latest_entry("=A1"), None);
        assert!(previous.latest_entry("=A2").is_some());
        let [damaged] = previous.damaged_lines.as_slice() else {
            panic!("{:?}", previous.damaged_lines);
        };
        assert_eq!((damaged.line_number, &*damaged.external_id), (2, "=A1"));
        assert!(damaged.problem.contains(why), "{}", damaged.problem);
    }
}

#[test]
fn a_file_torn_at_any_byte_loses_at_most_its_last_line() {
    let folder =
        ResultsFolder::with_entries([entry(1, Status::Uploaded), entry(2, Status::Uploaded)]);
    let text = folder.text();
    let first = split_records(&text)[..2].concat().len();
    for length in first..text.len() {
        let previous = ResultsFolder::parse(&text.as_bytes()[..length]);
        assert!(previous.latest_entry("=A1").is_some(), "torn at {length}");
        assert_eq!(previous.damaged_lines, [], "torn at {length}");
        let lost = previous.latest_entry("=A2").is_none();
        assert_eq!(
            previous.torn_line.is_some(),
            lost && length > first,
            "{length}"
        );
    }
}

#[test]
fn spreadsheets_may_change_quotes_and_delimiter_but_not_values() {
    let folder = ResultsFolder::with_entries([entry(1, Status::Uploaded)]);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(&folder.path)
        .unwrap();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(b"\xef\xbb\xbf".to_vec());
    for record in reader.records() {
        writer.write_record(&record.unwrap()).unwrap();
    }
    let previous = ResultsFolder::parse(writer.into_inner().unwrap());
    assert_eq!(previous.damaged_lines, []);
    assert_eq!(
        previous.latest_entry("=A1"),
        Some(entry(1, Status::Uploaded))
    );
}

#[test]
fn a_damaged_name_of_a_column_is_not_a_file_of_an_earlier_version() {
    let folder = ResultsFolder::with_entries([entry(1, Status::Uploaded)]);
    for column in &COLUMNS[16..] {
        let text = folder.text().replacen(column, "x", 1);
        let refused = EarlierResults::parse(text.into(), Path::new("m.results.csv"));
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "m.results.csv is not a results file of consign: the first line has no column \
                 {column:?}"
            )
        );
    }
}

#[test]
fn a_later_version_may_add_columns() {
    let folder = ResultsFolder::new();
    let previous = entry(1, Status::Uploaded);
    let cells: Vec<String> = previous
        .cells()
        .iter()
        .map(std::string::ToString::to_string)
        .collect();
    let mut header: Vec<&str> = COLUMNS.to_vec();
    let mut values: Vec<&str> = cells.iter().map(String::as_str).collect();
    values.insert(CELLS_BEFORE_LINES, "1");
    header.insert(3, "new_column");
    values.insert(3, "new value");
    let check = line_check(values.iter().copied(), 9);
    header.push(LINE_CHECK_COLUMN);
    values.push(&check);
    let mut writer = csv::Writer::from_path(&folder.path).unwrap();
    writer.write_record(header).unwrap();
    writer.write_record(values).unwrap();
    drop(writer);
    let read = ResultsFolder::parse(folder.text());
    assert_eq!(
        (read.latest_entry("=A1"), read.next_serial()),
        (Some(previous), 10)
    );
}

#[test]
fn invalid_lines_override_nothing() {
    let folder =
        ResultsFolder::with_entries([entry(1, Status::Uploaded), entry(1, Status::Invalid)]);
    let previous = ResultsFolder::parse(folder.text());
    assert_eq!(
        previous.latest_entry("=A1").unwrap().status,
        Status::Uploaded
    );
}

#[test]
fn what_is_no_results_file_is_not_written_over() {
    let folder = ResultsFolder::new();
    fs::write(&folder.path, "file_path,object_type\na,b\n").unwrap();
    let refused = ResultsFile::resume(&folder.path, None).unwrap_err();
    assert!(
        matches!(refused, ResultsError::NotResults { .. }),
        "{refused}"
    );
    fs::remove_file(&folder.path).unwrap();
    fs::create_dir(&folder.path).unwrap();
    assert!(ResultsFile::resume(&folder.path, None).is_err());
    assert!(ResultsFile::begin(&folder.path).is_err());
}

#[test]
fn one_run_at_a_time_has_a_file_also_after_it_was_replaced() {
    let folder = ResultsFolder::with_entries([entry(1, Status::Pending)]);
    let (mut first, _) = ResultsFile::resume(&folder.path, None).unwrap();
    let is_locked = || {
        matches!(
            ResultsFile::resume(&folder.path, None),
            Err(ResultsError::Locked { .. })
        )
    };
    assert!(is_locked());
    first
        .rewrite_before_run(CsvDialect::Comma, &[], std::iter::empty())
        .unwrap();
    assert!(is_locked());
    drop(first);
    assert!(!is_locked());
}

#[test]
fn two_first_runs_cannot_both_begin() {
    let folder = ResultsFolder::new();
    let (mut first, _) = ResultsFile::begin(&folder.path).unwrap();
    let mut second = match ResultsFile::begin(&folder.path) {
        Ok((second, _)) => second,
        // Windows keeps the second one out before there is a file.
        Err(refused) => {
            assert_eq!(REPLACEMENT_POLICY, ReplacementPolicy::CloseBefore);
            assert!(matches!(refused, ResultsError::Locked { .. }), "{refused}");
            return;
        }
    };
    first
        .rewrite_before_run(CsvDialect::Comma, &[], std::iter::empty())
        .unwrap();
    let refused = second
        .rewrite_before_run(CsvDialect::Comma, &[], std::iter::empty())
        .unwrap_err();
    assert!(matches!(refused, ResultsError::Exists { .. }), "{refused}");
    assert_eq!(folder.file_names(), ["m.results.csv"]);
}

#[tokio::test]
async fn a_recorded_line_is_in_the_file_when_its_writer_goes_on() {
    let folder = ResultsFolder::with_entries([]);
    let (file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    let (journal, writer) = start_journal(file);
    for number in 1..=3 {
        journal
            .record(vec![entry(number, Status::Creating)])
            .await
            .unwrap();
        let previous = ResultsFolder::parse(folder.text());
        assert!(previous.latest_entry(&format!("=A{number}")).is_some());
    }
    assert!(writer.finish(journal).1.is_ok());
}

#[tokio::test]
async fn after_a_failed_write_nothing_more_is_recorded() {
    let folder = ResultsFolder::new();
    // Nothing can be appended to a file that was never begun.
    let (file, _) = ResultsFile::begin(&folder.path).unwrap();
    let (journal, writer) = start_journal(file);
    assert!(
        journal
            .record(vec![entry(1, Status::Creating)])
            .await
            .is_err()
    );
    assert!(
        journal
            .record(vec![entry(1, Status::Creating)])
            .await
            .is_err()
    );
    let (_, error) = writer.finish(journal);
    let words = error.unwrap_err().to_string();
    assert!(words.contains("m.results.csv"), "{words}");
}
