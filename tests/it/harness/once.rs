//! Exactly once, as the service saw it: judged by its request log and by what it stores.

use std::collections::HashMap;

use consign::emulator::EmulatorOperation;
use consign::emulator::request_log::RequestLogEntry;

use super::{ImportTest, content_of};

/// What the log says of one record, up to some request.
#[derive(Debug, Default)]
struct LoggedRecord {
    bytes: LoggedBytes,
    /// What the newest look at it showed since its address was last given out.
    shown: Option<LoggedBytes>,
}

/// Whether a record has its bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum LoggedBytes {
    #[default]
    Missing,
    Stored,
}

/// Judges all runs of a test of so many rows, once they are done: each row has one record and its
/// own bytes, and no request has ever endangered bytes that were there.
#[track_caller]
pub(crate) fn exactly_once(test: &ImportTest, rows: usize) {
    let mut expected: Vec<(String, String)> = (1..=rows)
        .map(|number| format!("A{number}"))
        .map(|id| (id.clone(), content_of(&id)))
        .collect();
    expected.sort();
    assert_eq!(test.service().contents(), expected);
    let log = test.service().log();
    for (id, records) in records_made(&log) {
        assert_eq!(records, 1, "records of {id}");
    }
    no_bytes_were_endangered(&log);
}

fn records_made(log: &[RequestLogEntry]) -> HashMap<&str, usize> {
    let mut made = HashMap::new();
    for entry in log {
        if entry.operation == EmulatorOperation::Create && entry.status == Some(201) {
            let id = entry.external_id.as_deref().unwrap();
            *made.entry(id).or_default() += 1;
        }
    }
    made
}

/// A PATCH detaches what is stored. So each one needs a look at the record since the one before,
/// and the newest must have shown that nothing is.
#[track_caller]
fn no_bytes_were_endangered(log: &[RequestLogEntry]) {
    let mut records: HashMap<u64, LoggedRecord> = HashMap::new();
    for entry in log {
        let (Some(id), Some(status)) = (entry.id, entry.status) else {
            continue;
        };
        let record = records.entry(id).or_default();
        match (entry.operation, status) {
            (EmulatorOperation::Get | EmulatorOperation::GetByExternalId, 200) => {
                record.shown = Some(record.bytes);
            }
            (EmulatorOperation::Update, _) => {
                assert_eq!(record.shown, Some(LoggedBytes::Missing), "before {entry:?}");
                *record = LoggedRecord::default();
            }
            (EmulatorOperation::Upload, 200) => record.bytes = LoggedBytes::Stored,
            _ => {}
        }
    }
}
