//! `consign report`: what somebody who was not there gets to see of an import.

mod bounds;
mod changes;
mod golden;
mod hostile;
mod inputs;
mod schema;
mod summary;
#[cfg(target_os = "linux")]
mod sums;

use consign::digest::sha256;
use consign::model::{AttachmentId, Content, FileStamp};
use consign::results::file::{Line, ResultsFile};
use consign::results::{Entry, Known, Reason, Status, Verified};
use serde_json::Value;

use crate::harness::{Results, Run, Test};

pub(crate) const HTML: &str = "m.results.report.html";
pub(crate) const JSON: &str = "m.results.report.json";
pub(crate) const SUMS: &str = "m.results.SHA256SUMS";
pub(crate) const VERIFICATION: &str = "m.results.verification.csv";

/// A report on the results with the default name.
fn report(test: &Test) -> Run<'_> {
    test.consign(["report", Results::NAME])
}

/// What a program reads in it.
fn json(test: &Test) -> Value {
    serde_json::from_str(&test.read(JSON)).unwrap()
}

/// The line of a row that was uploaded.
fn uploaded(row: usize) -> Entry {
    Entry {
        row: Some(row),
        file_path: format!("A{row}.pdf"),
        object_type: "contract".into(),
        object_id: row.to_string(),
        external_id: format!("A{row}"),
        status: Status::Uploaded,
        reason: Reason::None,
        attachment_id: Some(AttachmentId::parse(&row.to_string()).unwrap()),
        known: Known::Content(Content {
            stamp: FileStamp {
                size: 5,
                modified: "2020-08-18T12:48:42Z".parse().unwrap(),
            },
            sha256: sha256(format!("content of A{row}").as_bytes()),
        }),
        verified: Verified::Etag,
        attempts: 1,
        destination: "emulator".into(),
        updated_at: "2026-11-22T00:00:00Z".parse().unwrap(),
        message: String::new(),
        changes: consign::results::Changes::default(),
    }
}

/// A folder with these results, and nothing else.
fn with_results(entries: impl IntoIterator<Item = Entry>) -> Test {
    let test = Test::new();
    let (mut file, _) = ResultsFile::begin(&test.path(Results::NAME)).unwrap();
    let line = |entry| Line {
        entry,
        extras: Vec::new(),
    };
    let lines: Vec<Line> = entries.into_iter().map(line).collect();
    file.replace(&[], lines.into_iter()).unwrap();
    test
}
