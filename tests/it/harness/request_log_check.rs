//! Exactly-once check on the service's side, by the request log and the stored attachments.

use std::collections::HashMap;

use consign::emulator::EmulatorOperation;
use consign::emulator::request_log::RequestLogEntry;

use super::{ImportTest, content_of};

/// State of one record at some point of the request log.
#[derive(Debug, Default)]
struct LoggedRecord {
    bytes: LoggedBytes,
    /// Bytes reported by the newest GET since the upload address was last issued, or `None` without
    /// a GET.
    last_reported: Option<LoggedBytes>,
}

/// Bytes of a record.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LoggedBytes {
    #[default]
    Missing,
    Stored,
}

/// Checks all runs of a test at its end: each of the `rows` rows has one record with its own bytes,
/// and no request endangered stored bytes.
#[track_caller]
pub(crate) fn assert_stored_exactly_once(test: &ImportTest, rows: usize) {
    let mut expected: Vec<(String, String)> = (1..=rows)
        .map(|number| format!("A{number}"))
        .map(|id| (id.clone(), content_of(&id)))
        .collect();
    expected.sort();
    assert_eq!(test.service().stored_contents(), expected);
    let log = test.service().request_log();
    for (id, records) in created_records(&log) {
        assert_eq!(records, 1, "records of {id}");
    }
    assert_no_bytes_endangered(&log);
}

/// Counts the created records of each external id.
fn created_records(log: &[RequestLogEntry]) -> HashMap<&str, usize> {
    let mut made = HashMap::new();
    for entry in log {
        if entry.operation == EmulatorOperation::Create && entry.status == Some(201) {
            let id = entry.external_id.as_deref().unwrap();
            *made.entry(id).or_default() += 1;
        }
    }
    made
}

/// Checks every PATCH, which detaches stored bytes: a GET must come after the PATCH before, and the
/// newest GET must have reported no bytes.
#[track_caller]
fn assert_no_bytes_endangered(log: &[RequestLogEntry]) {
    let mut records: HashMap<u64, LoggedRecord> = HashMap::new();
    for entry in log {
        let (Some(id), Some(status)) = (entry.id, entry.status) else {
            continue;
        };
        let record = records.entry(id).or_default();
        match (entry.operation, status) {
            (EmulatorOperation::Get | EmulatorOperation::GetByExternalId, 200) => {
                record.last_reported = Some(record.bytes);
            }
            (EmulatorOperation::Update, _) => {
                assert_eq!(
                    record.last_reported,
                    Some(LoggedBytes::Missing),
                    "before {entry:?}"
                );
                *record = LoggedRecord::default();
            }
            (EmulatorOperation::Upload, 200) => record.bytes = LoggedBytes::Stored,
            _ => {}
        }
    }
}
