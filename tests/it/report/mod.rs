//! `consign report`: documents on an import for readers who were not there.

mod bounds;
mod changes;
#[cfg(target_os = "linux")]
mod digest_file;
mod golden;
mod hostile;
mod inputs;
mod objects;
mod schema;
mod summary;

use std::fs;

use consign::digest::sha256;
use consign::model::{AttachmentId, CheckedContent, FileStamp};
use consign::results::results_file::{LineToWrite, ResultsFile};
use consign::results::{KnownContent, ResultsEntry, Status, StatusReason, VerifiedBy};
use consign::text::csv_dialect::CsvDialect;
use serde_json::Value;

use crate::harness::{ImportTest, ResultsTable, TestRun};

pub(crate) const HTML: &str = "m.results.report.html";
pub(crate) const JSON: &str = "m.results.report.json";
pub(crate) const SUMS: &str = "m.results.SHA256SUMS";
pub(crate) const VERIFICATION: &str = "m.results.verification.csv";

/// Reports on the results with the default name.
fn report(test: &ImportTest) -> TestRun<'_> {
    test.consign(["report", ResultsTable::DEFAULT_NAME])
}

/// Returns the JSON of the report.
fn json(test: &ImportTest) -> Value {
    serde_json::from_str(&test.read(JSON)).unwrap()
}

/// Returns the line of an uploaded row.
pub(crate) fn uploaded(row: usize) -> ResultsEntry {
    ResultsEntry {
        row: Some(row),
        file_path: format!("A{row}.pdf"),
        object_type: "contract".into(),
        object_id: row.to_string(),
        object_external_id: String::new(),
        external_id: format!("A{row}"),
        status: Status::Uploaded,
        reason: StatusReason::None,
        attachment_id: Some(AttachmentId::parse(&row.to_string()).unwrap()),
        known_content: KnownContent::Complete(CheckedContent {
            stamp: FileStamp {
                size: 5,
                modified: "2020-08-18T12:48:42Z".parse().unwrap(),
            },
            sha256: sha256(format!("content of A{row}").as_bytes()),
        }),
        verified_by: VerifiedBy::Etag,
        attempts: 1,
        destination: "emulator".into(),
        updated_at: "2026-11-22T00:00:00Z".parse().unwrap(),
        message: String::new(),
        changes: consign::results::AttachmentChanges::default(),
    }
}

/// Returns a test whose folder has the given results and nothing else.
pub(crate) fn with_results(entries: impl IntoIterator<Item = ResultsEntry>) -> ImportTest {
    let (elsewhere, test) = (ImportTest::new(), ImportTest::new());
    let written = elsewhere.path(ResultsTable::DEFAULT_NAME);
    let (mut file, _) = ResultsFile::begin(&written).unwrap();
    let line = |entry| LineToWrite {
        entry,
        extras: Vec::new(),
    };
    let lines: Vec<LineToWrite> = entries.into_iter().map(line).collect();
    file.rewrite_before_run(CsvDialect::Comma, &[], lines.into_iter())
        .unwrap();
    drop(file);
    // A process which another test starts at this moment may still hold the lock of the written
    // file.
    fs::copy(&written, test.path(ResultsTable::DEFAULT_NAME)).unwrap();
    test
}
