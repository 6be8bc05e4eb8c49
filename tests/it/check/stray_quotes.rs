//! Quotes in the wrong place: no row inside is lost without a word, and none is sent.

use super::{PROBLEMS, noted};
use crate::harness::{ImportTest, MANIFEST_HEADER};

/// Returns rows of one file, each on a record of its own from number `first` on.
fn plain_rows(first: usize, ids: &[&str]) -> String {
    let rows: Vec<String> = (first..)
        .zip(ids)
        .map(|(record, id)| format!("a.pdf,contract,{record},{id},t-{id},n\n"))
        .collect();
    rows.concat()
}

/// Writes a manifest with a quote in the cell `note` that is closed six lines later.
fn with_carried_quote() -> ImportTest {
    let header = MANIFEST_HEADER.trim_end();
    ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "{header},title,note\n{}a.pdf,contract,3,B,t,\"see annex\n{}a.pdf,contract,8,D,t,\"\n{}",
        plain_rows(1, &["A0", "A1"]),
        plain_rows(4, &["C0", "C1", "C2", "C3"]),
        plain_rows(9, &["E"]),
    ))
}

/// Writes a manifest with a quote in the cell `title` that closes in the middle of a later title.
fn with_quote_in_title() -> ImportTest {
    let header = MANIFEST_HEADER.trim_end();
    let rows = |first, ids: &[&str]| plain_rows(first, ids).replace(",n\n", "\n");
    ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "{header},title\n{}a.pdf,contract,4,B,\"pipe 12\n{}a.pdf,contract,10,D,\"t\"\n{}",
        rows(1, &["A0", "A1", "A2"]),
        rows(5, &["C0", "C1", "C2", "C3", "C4"]),
        rows(11, &["E0", "E1", "E2"]),
    ))
}

#[test]
fn a_quoted_cell_with_rows_inside_is_told_with_its_first_and_last_line() {
    let test = with_carried_quote();
    test.check()
        .args(["--quiet"])
        .stderr(
            "m.csv line 4 (row 3): the quote that opens on line 4 runs to line 9, over lines that \
             look like rows; close the quote where the cell ends or, if the lines are text of the \
             cell, remove the line breaks from the cell\n\
             m.csv line 5 (row 4): the row stands inside the quote that opens on line 4; mend the \
             quote\n  the same in 4 more rows: 5 6 7 8\n",
        )
        .exits(2);
    let of_quote: Vec<String> = noted(&test)
        .into_iter()
        .filter(|line| line.contains("quote"))
        .collect();
    assert_eq!(
        of_quote,
        [
            "rows_in_quote 4 3 ",
            "inside_quote 5 4 ",
            "inside_quote 6 5 ",
            "inside_quote 7 6 ",
            "inside_quote 8 7 ",
            "inside_quote 9 8 "
        ]
    );
}

#[test]
fn a_quote_that_closes_in_a_later_row_says_how_far_it_ran() {
    with_quote_in_title()
        .check()
        .args(["--quiet"])
        .stderr(
            "m.csv line 5 (row 4): the quote that opens on line 5 runs to line 11 and closes in \
             the middle of a cell there; close the quote where the cell ends, and double each \
             quote inside the cell\n\
             m.csv line 6 (row 5): the row stands inside the quote that opens on line 5; mend the \
             quote\n  the same in 5 more rows: 6 7 8 9 10\n",
        )
        .exits(2);
}

#[test]
fn rows_inside_a_quote_are_not_sent_and_each_has_its_line_in_the_results() {
    let test = with_carried_quote();
    test.import()
        .args(["--skip-invalid"])
        .prints("the row stands inside the quote that opens on line ")
        .rows([
            "A0 uploaded",
            "A1 uploaded",
            "B invalid not_fit",
            "C0 invalid not_fit",
            "C1 invalid not_fit",
            "C2 invalid not_fit",
            "C3 invalid not_fit",
            "D invalid not_fit",
            "E uploaded",
        ])
        .exits(1);
    let results = test.results();
    assert_eq!(results.cell("B", "note"), "\"see annex");
    assert_eq!(results.cell("C2", "title"), "t-C2");
    assert_eq!(results.cell("E", "row"), "9");
    assert!(
        results
            .cell("D", "message")
            .starts_with("the row stands inside the quote that opens on line 4")
    );

    let test = with_quote_in_title();
    test.import()
        .args(["--skip-invalid"])
        .prints("the row stands inside the quote that opens on line ")
        .rows([
            "A0 uploaded",
            "A1 uploaded",
            "A2 uploaded",
            "B invalid not_fit",
            "C0 invalid not_fit",
            "C1 invalid not_fit",
            "C2 invalid not_fit",
            "C3 invalid not_fit",
            "C4 invalid not_fit",
            "D invalid not_fit",
            "E0 uploaded",
            "E1 uploaded",
            "E2 uploaded",
        ])
        .exits(1);
    assert_eq!(test.results().cell("D", "row"), "10");
}

#[test]
fn rows_keep_their_numbers_when_the_quote_is_mended() {
    let test = with_quote_in_title();
    test.import()
        .args(["--skip-invalid"])
        .prints("the quote that opens on line 5 runs to line 11 ")
        .exits(1);
    let mended = test.read("m.csv").replace("\"pipe 12", "pipe 12");
    let test = test.manifest(mended);
    test.resume().exits(0);
    let results = test.results();
    let lines = results.lines.iter().zip(1..);
    for (line, row) in lines {
        assert_eq!(line.cell("row"), row.to_string());
        assert!(!line.cell("attachment_id").is_empty());
    }
    assert_eq!(results.lines.len(), 13);
}

#[test]
fn notes_of_several_lines_are_cells() {
    let header = MANIFEST_HEADER.trim_end();
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "{header},note,address\n\
         a.pdf,contract,1,A,\"See annex.\n\nSigned by Smith, Jones and \"\"Co\"\".\",\n\
         a.pdf,contract,2,B,,\"Main St 5\n10115 Berlin, Germany\"\n\
         a.pdf,contract,3,C,\"Dear Sir, yes, no, perhaps, never, always\nRegards\",x\n"
    ));
    test.check()
        .stdout("m.csv: 3 rows, 1 file, 5 B\n  contract                 3\nnothing is wrong\n")
        .exits(0);
    assert!(!test.path(PROBLEMS).exists());
}
