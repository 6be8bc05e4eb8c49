//! Answers which come too slowly or never. The runs wait as long as the tool does with a fast
//! clock, side by side wherever possible.

use consign::emulator::EmulatorOperation::{Create, GetByExternalId, List, Update, Upload};
use consign::emulator::FaultEffect::{
    ExpiredUrl, Html200, LoseAnswer, StalledBody, StalledRead, TricklingBody, TruncatedBody,
    WithholdAnswer,
};
use consign::emulator::FaultTrigger::{FirstN, Nth};

use crate::a_slow_storage::large;
use crate::harness::ImportTest;

#[test]
fn no_answer_holds_up_a_row_for_ever_by_not_coming() {
    let test = ImportTest::with_rows(9)
        .inject_fault(GetByExternalId, Nth(1), WithholdAnswer)
        .inject_fault(GetByExternalId, Nth(2), TricklingBody)
        .inject_fault(Create, Nth(1), Html200)
        .inject_fault(Create, Nth(2), WithholdAnswer)
        .inject_fault(Upload, FirstN(3), ExpiredUrl)
        .inject_fault(Update, Nth(1), LoseAnswer)
        .inject_fault(Update, Nth(2), Html200)
        .inject_fault(Update, Nth(3), TruncatedBody)
        .inject_fault(List, Nth(1), StalledBody);
    let ids: Vec<String> = (1..=9).map(|number| format!("A{number}")).collect();
    let rows: Vec<String> = ids.iter().map(|id| format!("{id} uploaded")).collect();
    test.import_at_once(9)
        .with_fast_clock()
        .args(["--quiet"])
        .rows(rows.iter().map(String::as_str))
        .stored_rows(ids.iter().map(String::as_str))
        .exits(0);
    let log = test.service().request_log().into_iter();
    let mut faults: Vec<String> = log
        .filter_map(|entry| Some((entry.operation.name(), entry.status?, entry.fault?)))
        .map(|(operation, status, fault)| format!("{operation} {status} {fault}"))
        .collect();
    faults.sort();
    assert_eq!(
        faults,
        [
            "create 200 html200",
            "create 201 withhold_answer",
            "get_by_external_id 404 trickling_body",
            "get_by_external_id 404 withhold_answer",
            "list 200 stalled_body",
            "update 200 html200",
            "update 200 lose_answer",
            "update 200 truncated_body",
            "upload 403 expired_url",
            "upload 403 expired_url",
            "upload 403 expired_url",
        ]
    );
}

#[test]
fn a_file_that_is_not_taken_any_further_is_sent_again_from_its_first_byte() {
    let content = large();
    let test = ImportTest::with_rows(1)
        .file("A1.pdf", &content)
        .inject_fault(Upload, Nth(1), StalledRead);
    test.import()
        .with_fast_clock()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 - stalled_read",
            "upload A1 200",
            "list 200",
        ])
        .exits(0);
    let stored = test.service().stored_contents();
    assert!(stored == [("A1".to_owned(), content)], "the file is stored");
    assert_eq!(test.results().cell("A1", "verified"), "etag");
}
