//! Cells of workbooks as keys and as other values.

use rust_xlsxwriter::Format;

use super::{
    Formatted, Formula, Nothing, Number, Text, Truth, noted, with_rows, with_workbook,
    workbook_with, write_cell, write_header, write_row,
};

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

#[test]
fn text_in_cells_is_judged_as_in_a_csv() {
    let test = with_workbook(workbook_with(|sheet| {
        write_header(sheet);
        sheet.write_string(0, 4, "title").unwrap();
        let row = [
            Text("a.pdf"),
            Text("contract"),
            Text("1"),
            Text(" A"),
            Text("two\nlines"),
        ];
        write_row(sheet, 1, &row);
        let row = [
            Text("a.pdf"),
            Text("contract"),
            Text("2"),
            Text("B\r"),
            Formula("A9", "#REF!"),
        ];
        write_row(sheet, 2, &row);
    }));
    test.check_workbook().with_any_stderr().exits(2);
    assert_eq!(
        noted(&test),
        [
            "blanks_around Contracts D2  A",
            "control_character Contracts E2 two\nlines",
            "control_character Contracts D3 B\r",
            "error_value Contracts E3 #REF!",
        ]
    );
}

#[test]
fn other_columns_are_carried_as_people_read_them() {
    let bold = Format::new().set_bold();
    let plain = Format::new();
    let test = with_workbook(workbook_with(|sheet| {
        write_header(sheet);
        let row = [Text("a.pdf"), Text("contract"), Number(1.0), Text("A")];
        write_row(sheet, 1, &row);
        for (column, name) in (4..).zip(["text", "rich", "day", "moment", "amount", "share"]) {
            sheet.write_string(0, column, name).unwrap();
        }
        sheet.write_string(1, 4, "one\r\ntwo").unwrap();
        sheet
            .write_rich_string(1, 5, &[(&bold, "bold "), (&plain, "and not")])
            .unwrap();
        write_cell(sheet, 1, 6, &Formatted(46093.0, "dd.mm.yyyy"));
        write_cell(sheet, 1, 7, &Formatted(46093.75, "yyyy-mm-dd hh:mm"));
        write_cell(sheet, 1, 8, &Formatted(1234.5, "#,##0.00"));
        write_cell(sheet, 1, 9, &Formatted(0.25, "0%"));
    }));
    test.import_workbook()
        .prints("read 1 row from the sheet Contracts\n")
        .rows(["A uploaded"])
        .exits(0);
    for (column, value) in [
        ("text", "one\r\ntwo"),
        ("rich", "bold and not"),
        ("day", "2026-03-12"),
        ("moment", "2026-03-12T18:00:00"),
        ("amount", "1234.5"),
        ("share", "0.25"),
    ] {
        assert_eq!(test.results().cell("A", column), value, "{column}");
    }
}

#[test]
fn merged_keys_are_told_with_their_range() {
    let test = with_workbook(workbook_with(|sheet| {
        write_header(sheet);
        let format = Format::new();
        sheet.merge_range(1, 2, 2, 2, "7", &format).unwrap();
        for row in 1..=2 {
            write_row(sheet, row, &[Text("a.pdf"), Text("contract")]);
            sheet.write_number(row, 3, row).unwrap();
        }
    }));
    test.check_workbook()
        .prints(
            "m.xlsx Contracts!C3 (row 2), column object_id: the cell is part of the merged cells C2:C3, \
             of which only the first has a value; unmerge the cells and fill in each row\n",
        )
        .prints("read 2 rows from the sheet Contracts\n")
        .prints("m.xlsx Contracts!C2 (row 1), column object_id: the cell is part of the merged cells")
        .exits(2);
}
