//! Results read as evidence by the ledger.

use super::*;
use crate::results::ledger::Ledger;

#[test]
fn evidence_has_each_row_once_in_the_order_of_the_manifest_and_what_left_it_at_the_end() {
    let left = ResultsEntry {
        row: None,
        ..entry(9, Status::Uploaded)
    };
    let folder = ResultsFolder::with_entries([
        left.clone(),
        entry(3, Status::Uploaded),
        entry(1, Status::Creating),
        entry(2, Status::Invalid),
    ]);
    let (mut file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    file.append(&[entry(1, Status::Created)]).unwrap();
    drop(file);
    let ledger = Ledger::read(&folder.path).unwrap();
    let entries: Vec<ResultsEntry> = ledger.entries().collect();
    assert_eq!(
        entries,
        [
            entry(1, Status::Created),
            entry(2, Status::Invalid),
            entry(3, Status::Uploaded),
            left
        ]
    );
    assert_eq!(ledger.len(), 4);
    assert_eq!(ledger.earlier_results().count_superseded_lines(), 1);
    assert_eq!(
        ledger.extra_cell(&entries[2], "department"),
        "extra of =A3\nand more"
    );
    let text = folder.text();
    assert_eq!(ledger.sha256, crate::digest::sha256(text.as_bytes()));
    assert_eq!(ledger.size, text.len() as u64);
}

#[test]
fn results_that_are_being_written_are_no_evidence_yet() {
    let folder = ResultsFolder::with_entries([entry(1, Status::Uploaded)]);
    let (file, _) = ResultsFile::resume(&folder.path, None).unwrap();
    let refused = Ledger::read(&folder.path).unwrap_err();
    assert!(matches!(refused, ResultsError::Locked { .. }), "{refused}");
    drop(file);
    assert!(Ledger::read(&folder.path).is_ok());
}

#[test]
fn a_file_without_rows_is_empty() {
    let ledger = Ledger::read(&ResultsFolder::with_entries([]).path).unwrap();
    assert_eq!(ledger.len(), 0);
    let ledger =
        Ledger::read(&ResultsFolder::with_entries([entry(1, Status::Uploaded)]).path).unwrap();
    assert_eq!(ledger.len(), 1);
}
