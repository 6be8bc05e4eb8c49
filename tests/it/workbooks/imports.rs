//! Imports of workbooks from end to end.

use consign::emulator::{EmulatorOperation, FaultTrigger};

use super::TestValue::{Formatted, Number, Text, Truth};
use super::{HEADER, WORKBOOK, with_workbook, workbook_with, write_row};
use crate::harness::{ImportTest, status_effect};

/// Test with a workbook of three rows and two more columns.
fn three_rows() -> ImportTest {
    with_workbook(workbook_with(|sheet| {
        for (column, name) in (0..).zip(HEADER.into_iter().chain(["Title", "signed on", "final"])) {
            sheet.write_string(1, column, name).unwrap();
        }
        for number in 1..=3 {
            let row = [
                Text("a.pdf"),
                Text("contract"),
                Number(f64::from(number)),
                Formatted(f64::from(number), "000"),
                Text("Main, \"signed\""),
                Formatted(46092.0 + f64::from(number), "dd.mm.yyyy"),
                Truth(number == 2),
            ];
            write_row(sheet, 2 + number, &row);
        }
    }))
}

#[test]
fn a_workbook_is_imported_resumed_and_reported() {
    let test = three_rows().inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    test.import_workbook()
        .prints("read 3 rows from the sheet Contracts\n")
        .with_any_stderr()
        .rows(["001 uploaded", "002 failed refused", "003 uploaded"])
        .exits(1);
    test.import_workbook()
        .args(["--resume"])
        .prints("read 3 rows from the sheet Contracts\n")
        .with_any_stderr()
        .rows(["001 uploaded", "002 uploaded", "003 uploaded"])
        .stored([("001", "alpha"), ("002", "alpha"), ("003", "alpha")])
        .exits(0);
    let results = test.results();
    for (column, value) in [
        ("file_path", "a.pdf"),
        ("object_id", "2"),
        ("title", "Main, \"signed\""),
        ("signed on", "2026-03-13"),
        ("final", "TRUE"),
    ] {
        assert_eq!(results.cell("002", column), value, "{column}");
    }
    test.consign(["check", "m.results.csv"])
        .prints(
            "error: m.results.csv: is a results file of consign, not a manifest; name m.xlsx (with \
             --resume an import goes on with these results)",
        )
        .exits(2);
    test.consign(["report", "m.results.csv"])
        .prints("All 3 rows are done. ")
        .exits(0);
    let report = test.read("m.results.report.html");
    assert!(report.contains(WORKBOOK), "{report}");
}
