//! What a results file says to those who read it as evidence.

use super::*;
use crate::digest::sha256;
use crate::results::ledger::Ledger;

fn ids(ledger: &Ledger) -> Vec<String> {
    ledger.entries().map(|entry| entry.external_id).collect()
}

#[test]
fn rows_come_in_the_manifests_order_and_those_that_have_left_it_at_the_end() {
    let left = Entry {
        row: None,
        ..entry(9, Status::Uploaded)
    };
    let folder = Folder::with([
        left,
        entry(2, Status::Failed),
        entry(3, Status::Uploaded),
        entry(1, Status::Uploaded),
    ]);
    let ledger = Ledger::read(&folder.path).unwrap();
    assert_eq!(ids(&ledger), ["=A1", "=A2", "=A3", "=A9"]);
    assert_eq!((ledger.len(), ledger.is_empty()), (4, false));
    assert_eq!(ledger.entries().len(), 4);
}

#[test]
fn a_file_without_rows_is_empty() {
    let ledger = Ledger::read(&Folder::with([]).path).unwrap();
    assert_eq!((ledger.len(), ledger.is_empty()), (0, true));
}

#[test]
fn the_manifests_other_columns_and_the_digest_of_the_whole_file_are_at_hand() {
    let folder = Folder::with([entry(1, Status::Uploaded), entry(2, Status::Uploaded)]);
    let ledger = Ledger::read(&folder.path).unwrap();
    let second = ledger.entries().nth(1).unwrap();
    assert_eq!(
        ledger.extra(&second, "department"),
        "extra of =A2\nand more"
    );
    assert_eq!(ledger.extra(&second, "title"), "");
    let text = folder.text();
    assert_eq!(ledger.sha256, sha256(text.as_bytes()));
    assert_eq!(ledger.size, text.len() as u64);
    assert_eq!(ledger.path(), folder.path);
}

#[test]
fn an_empty_file_and_one_that_a_run_is_writing_are_no_evidence() {
    let folder = Folder::with([entry(1, Status::Uploaded)]);
    let (running, _) = ResultsFile::resume(&folder.path).unwrap();
    let refused = Ledger::read(&folder.path).unwrap_err();
    assert!(matches!(refused, ResultsError::Locked { .. }), "{refused}");
    drop(running);
    assert_eq!(ids(&Ledger::read(&folder.path).unwrap()), ["=A1"]);
    fs::write(&folder.path, "").unwrap();
    let refused = Ledger::read(&folder.path).unwrap_err();
    assert!(refused.to_string().contains("it is empty"), "{refused}");
}
