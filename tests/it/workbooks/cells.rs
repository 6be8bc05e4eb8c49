//! Cells of workbooks as keys and as other values.

use super::{Formatted, Formula, Nothing, Number, Text, Truth, noted, with_rows};

#[test]
fn whole_numbers_are_ids_and_zeros_are_kept_as_they_are_shown() {
    let test = with_rows(&[
        &[
            Text("a.pdf"),
            Text("contract"),
            Number(48213.0),
            Text("A-1"),
        ],
        &[
            Text("a.pdf"),
            Text("contract"),
            Formatted(7.0, "0"),
            Formatted(42.0, "00000"),
        ],
    ]);
    test.import_workbook()
        .prints("read 2 rows from the sheet Contracts\n")
        .rows(["A-1 uploaded", "00042 uploaded"])
        .exits(0);
    assert_eq!(test.results().cell("A-1", "object_id"), "48213");
    assert_eq!(test.results().cell("00042", "object_id"), "7");
}

#[test]
fn a_key_that_a_spreadsheet_may_have_altered_is_told_with_its_address() {
    let test = with_rows(&[
        &[
            Text("a.pdf"),
            Text("contract"),
            Number(48213.5),
            Truth(true),
        ],
        &[
            Text("a.pdf"),
            Text("contract"),
            Formatted(48213.0, "#,##0.00"),
            Formatted(46093.0, "d-mmm"),
        ],
        &[
            Text("a.pdf"),
            Text("contract"),
            Number(1_234_567_890_123_456.0),
            Formatted(1.0, "0.0E+0"),
        ],
    ]);
    test.check_workbook()
        .prints("m.xlsx Contracts!C2 (row 1), column object_id: \"48213.5\" is a number with a fraction")
        .exits(2);
    assert_eq!(
        noted(&test),
        [
            "sheet_fraction Contracts C2 48213.5",
            "sheet_truth_value Contracts D2 TRUE",
            "sheet_number_format Contracts C3 48213",
            "sheet_date Contracts D3 2026-03-12",
            "sheet_long_number Contracts C4 1234567890123456",
            "sheet_number_format Contracts D4 1",
        ]
    );
}

#[test]
fn a_formula_that_was_never_calculated_is_told_and_others_count_by_their_results() {
    let test = with_rows(&[
        &[
            Text("a.pdf"),
            Text("contract"),
            Number(1.0),
            Formula("\"A-\"&ROW()", "A-2"),
        ],
        &[
            Text("a.pdf"),
            Text("contract"),
            Number(2.0),
            Formula("\"A-\"&ROW()", "0"),
        ],
        &[Nothing, Nothing, Nothing, Nothing],
        &[Text("a.pdf"), Text("contract"), Number(3.0), Text("A-5")],
    ]);
    test.check_workbook()
        .stderr(
            "read 3 rows from the sheet Contracts\n\
             m.xlsx Contracts!D3 (row 2), column external_id: the formula has never been \
             calculated; open the workbook in Excel and save it once\n",
        )
        .exits(2);
    assert_eq!(noted(&test), ["sheet_not_calculated Contracts D3 "]);
}
