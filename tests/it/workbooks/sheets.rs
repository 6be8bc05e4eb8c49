//! Choice of the sheet and of its header, and what is said of a sheet as a whole.

use rust_xlsxwriter::Workbook;

use super::TestValue::{Number, Text};
use super::{HEADER, noted, with_workbook, workbook_with, write_header, write_row};
use crate::harness::ImportTest;

/// Returns the bytes of a workbook with sheets of these names; each name with a `*` gets the columns
/// and a row, and each name with a `-` is hidden.
fn workbook_of(sheets: &[&str]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for (number, name) in (0..).zip(sheets) {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name.trim_matches(['*', '-'])).unwrap();
        if name.contains('*') {
            write_header(sheet);
            let row = [
                Text("a.pdf"),
                Text("contract"),
                Number(1.0),
                Number(f64::from(number)),
            ];
            write_row(sheet, 1, &row);
        }
        if name.contains('-') {
            sheet.set_hidden(true);
        } else if number > 0 {
            sheet.set_active(true);
        }
    }
    workbook.save_to_buffer().unwrap()
}

fn read_from(test: &ImportTest, args: &[&str], sheet: &str) {
    test.check_workbook()
        .args(args.iter().copied())
        .stderr(format!("read 1 row from the sheet {sheet}\n"))
        .exits(0);
}

#[test]
fn the_only_visible_sheet_with_the_columns_is_read() {
    let test = with_workbook(workbook_of(&["Old-*", "Read me", "Contracts*"]));
    read_from(&test, &[], "Contracts");
    read_from(&test, &["--sheet", "Old"], "Old");
    read_from(&test, &["--sheet", "contracts"], "Contracts");
}

#[test]
fn of_several_sheets_with_the_columns_none_is_guessed() {
    let test = with_workbook(workbook_of(&["North*", "South*", "Notes"]));
    test.check_workbook()
        .stderr(
            "error: m.xlsx: has several sheets with the columns of a manifest: \"North\", \"South\"; \
             name one of them with --sheet NAME\n",
        )
        .exits(2);
    read_from(&test, &["--sheet", "South"], "South");
    test.check_workbook()
        .args(["--sheet", "West"])
        .stderr(
            "error: m.xlsx: has no sheet \"West\"; its sheets are \"North\", \"South\", \"Notes\"\n",
        )
        .exits(2);
}

#[test]
fn without_a_visible_sheet_with_the_columns_all_sheets_are_named() {
    let test = with_workbook(workbook_of(&["Notes", "Old-*"]));
    test.check_workbook()
        .stderr(
            "error: m.xlsx: has no visible sheet with the columns of a manifest in its first 20 rows; \
             its sheets are \"Notes\" (empty), \"Old\" (hidden, with the columns: name it with \
             --sheet)\n",
        )
        .exits(2);
}

#[test]
fn a_missing_column_of_the_only_sheet_is_named_with_the_line_of_the_header() {
    let test = with_workbook(workbook_with(|sheet| {
        write_row(sheet, 0, &[Text("Contracts of 2026")]);
        let header = [
            Text("File Path"),
            Text("OBJECT-TYPE"),
            Text("object_id"),
            Text("externalid"),
        ];
        write_row(sheet, 3, &header);
    }));
    test.check_workbook()
        .stderr(
            "error: m.xlsx: Contracts line 4: missing column external_id; found \"File Path\", \
             \"OBJECT-TYPE\", \"object_id\", \"externalid\"; expected file_path, object_type, object_id \
             or object_external_id, external_id; rename \"externalid\" or say --column \
             external_id=externalid if it is external_id\n",
        )
        .exits(2);
}

#[test]
fn the_header_may_stand_below_a_title_and_beside_other_cells() {
    let test = with_workbook(workbook_with(|sheet| {
        write_row(
            sheet,
            0,
            &[Text("Contracts"), Text("of"), Text("of 2026"), Text("of")],
        );
        for (column, name) in (3..).zip(HEADER) {
            sheet.write_string(19, column, name).unwrap();
        }
        sheet.write_string(25, 3, "missing.pdf").unwrap();
        sheet.write_string(25, 4, "contract").unwrap();
        sheet.write_number(25, 5, 7).unwrap();
        sheet.write_string(25, 6, "A").unwrap();
        sheet.write_string(25, 0, "a remark").unwrap();
        sheet.write_string(1_048_575, 16_383, "stray").unwrap();
    }));
    test.check_workbook()
        .stderr(
            "read 1 row from the sheet Contracts\n\
             m.xlsx Contracts!D26 (row 1), column file_path: \"missing.pdf\" does not exist; correct \
             the path, which is relative to the manifest's folder or to --root\n\
             warning: m.xlsx Contracts line 20: 2 cells, the first A26, stand in columns without a name \
             in the header; name the column if the results should carry its cells\n",
        )
        .exits(2);
    assert_eq!(
        noted(&test),
        [
            "unnamed_column Contracts  ",
            "file_missing Contracts D26 missing.pdf"
        ]
    );
}

#[test]
fn a_header_below_the_first_twenty_rows_is_not_found() {
    let test = with_workbook(workbook_with(|sheet| {
        for (column, name) in (0..).zip(HEADER) {
            sheet.write_string(20, column, name).unwrap();
        }
    }));
    test.check_workbook()
        .prints("error: m.xlsx: Contracts is empty; the first line must name the columns")
        .exits(2);
}

#[test]
fn a_sheet_without_rows_is_said() {
    let test = with_workbook(workbook_with(write_header));
    test.check_workbook()
        .stderr("error: m.xlsx: Contracts has a header and no rows; write one row for each file\n")
        .exits(2);
}

#[test]
fn hidden_rows_and_filters_are_warned_of_and_read() {
    let rows = |sheet: &mut rust_xlsxwriter::Worksheet| {
        write_header(sheet);
        for number in 1..=3 {
            let row = [
                Text("a.pdf"),
                Text("contract"),
                Number(f64::from(number)),
                Number(f64::from(number)),
            ];
            write_row(sheet, number, &row);
        }
    };
    let hidden = with_workbook(workbook_with(|sheet| {
        rows(sheet);
        sheet.autofilter(0, 0, 3, 3).unwrap();
        sheet.set_row_hidden(1).unwrap();
        sheet.set_row_hidden(3).unwrap();
    }));
    hidden
        .check_workbook()
        .stderr(
            "read 3 rows from the sheet Contracts\n\
             warning: m.xlsx Contracts line 1: 2 rows are hidden, by a filter or by hand, and are read \
             as well; delete the rows that are not to be sent, or move them to another sheet\n",
        )
        .exits(0);
    let filtered = with_workbook(workbook_with(|sheet| {
        rows(sheet);
        sheet.autofilter(0, 0, 3, 3).unwrap();
    }));
    filtered
        .check_workbook()
        .prints("the sheet has a filter, and rows that a filter hides are read as well; delete the rows")
        .prints("read 3 rows from the sheet Contracts\n")
        .prints("line 1: the sheet has")
        .exits(0);
}

#[test]
fn a_text_has_no_sheets() {
    let test = ImportTest::with_rows(1);
    test.check()
        .args(["--sheet", "Contracts"])
        .stderr("error: m.csv: is a text and has no sheets; leave --sheet away\n")
        .exits(2);
}

#[test]
fn a_heading_that_stands_twice_is_told() {
    let test = with_workbook(workbook_with(|sheet| {
        write_header(sheet);
        sheet.write_string(0, 5, "File Path").unwrap();
    }));
    test.check_workbook()
        .stderr(
            "error: m.xlsx: Contracts line 1: the columns 1 and 6 are both named \"File Path\"; rename \
             or remove one\n",
        )
        .exits(2);
}

#[test]
fn headings_of_the_house_are_found_in_the_sheet_that_has_them() {
    let bytes = {
        let mut workbook = Workbook::new();
        let notes = workbook.add_worksheet().set_name("Notes").unwrap();
        notes.write_string(0, 0, "Remember").unwrap();
        let sheet = workbook.add_worksheet().set_name("Contracts").unwrap();
        let header = [Text("Link"), Text("object_id"), Text("external_id")];
        write_row(sheet, 2, &header);
        write_row(sheet, 3, &[Text("a.pdf"), Number(1.5), Text("A")]);
        workbook.save_to_buffer().unwrap()
    };
    let test = with_workbook(bytes);
    let by_options = [
        "--column",
        "file_path=Link",
        "--set",
        "object_type=contract",
    ];
    test.check_workbook()
        .args(by_options)
        .prints("read 1 row from the sheet Contracts\n")
        .prints(
            "m.xlsx Contracts!B4 (row 1), column object_id: \"1.5\" is a number with a fraction",
        )
        .exits(2);
    test.check_workbook()
        .prints("\"Notes\" (without file_path, object_type, object_id or object_external_id, external_id)")
        .exits(2);
}

#[test]
fn empty_sheets_beside_the_only_filled_one_hide_no_mistake_in_its_header() {
    with_workbook(workbook_of(&["Contracts*", "Sheet2", "Sheet3"]))
        .check_workbook()
        .args(["--column", "file_path=Link"])
        .stderr(
            "error: m.xlsx: Contracts line 1: no column has the heading \"Link\", which --column names \
             for file_path; found \"file_path\", \"object_type\", \"object_id\", \"external_id\"\n",
        )
        .exits(2);
    with_workbook(workbook_of(&["North*", "South*", "Sheet3"]))
        .check_workbook()
        .args(["--column", "file_path=Link"])
        .prints(
            "; its sheets are \"North\" (without the heading \"Link\"), \"South\" (without the heading \
             \"Link\"), \"Sheet3\" (empty)\n",
        )
        .with_any_stderr()
        .exits(2);
}

#[test]
fn a_report_reads_the_sheet_of_the_import() {
    let test = with_workbook(workbook_of(&["North*", "South*"]));
    test.import_workbook()
        .args(["--sheet", "South"])
        .stderr("read 1 row from the sheet South\n")
        .rows(["1 uploaded"])
        .exits(0);
    let report = || test.consign(["report", "m.results.csv"]);
    let reconciled_against = || {
        let report: serde_json::Value =
            serde_json::from_str(&test.read("m.results.report.json")).unwrap();
        report["reconciliation"]["against"].clone()
    };
    report()
        .stderr(
            "m.xlsx: has several sheets with the columns of a manifest: \"North\", \"South\"; name one \
             of them with --sheet NAME; the report is written without the manifest: where the import \
             had --sheet, --column or --set, give the report the same\n",
        )
        .exits(0);
    assert_eq!(reconciled_against(), "row_numbers");
    report().args(["--sheet", "South"]).exits(0);
    assert_eq!(reconciled_against(), "manifest");
}
