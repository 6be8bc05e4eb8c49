//! Exactly once, as the service saw it: judged by its request log and by what it stores.

use std::collections::HashMap;

use consign::emulator::Operation;
use consign::emulator::log::Entry;

use super::{Test, content_of};

/// What the log says of one record, up to some request.
#[derive(Debug, Default)]
struct Record {
    bytes: Bytes,
    /// What the newest look at it showed since its address was last given out.
    shown: Option<Bytes>,
}

/// Whether a record has its bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    #[default]
    Missing,
    Stored,
}

/// Judges all runs of a test of so many rows, once they are done: each row has one record and its
/// own bytes, and no request has ever endangered bytes that were there.
#[track_caller]
pub(crate) fn exactly_once(test: &Test, rows: usize) {
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

fn records_made(log: &[Entry]) -> HashMap<&str, usize> {
    let mut made = HashMap::new();
    for entry in log {
        if entry.operation == Operation::Create && entry.status == Some(201) {
            let id = entry.external_id.as_deref().unwrap();
            *made.entry(id).or_default() += 1;
        }
    }
    made
}

/// A PATCH detaches what is stored. So each one needs a look at the record since the one before,
/// and the newest must have shown that nothing is.
#[track_caller]
fn no_bytes_were_endangered(log: &[Entry]) {
    let mut records: HashMap<u64, Record> = HashMap::new();
    for entry in log {
        let (Some(id), Some(status)) = (entry.id, entry.status) else {
            continue;
        };
        let record = records.entry(id).or_default();
        match (entry.operation, status) {
            (Operation::Get | Operation::GetByExternalId, 200) => {
                record.shown = Some(record.bytes);
            }
            (Operation::Update, _) => {
                assert_eq!(record.shown, Some(Bytes::Missing), "before {entry:?}");
                *record = Record::default();
            }
            (Operation::Upload, 200) => record.bytes = Bytes::Stored,
            _ => {}
        }
    }
}
