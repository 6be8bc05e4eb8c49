//! Results files sorted, altered or damaged between two runs.

use std::fs::OpenOptions;

use consign::results::{COLUMNS, LINE_CHECK_COLUMN};

use crate::harness::{ImportTest, symlink};

const RESULTS: &str = "m.results.csv";

/// Imports three rows and applies `change` to the text of the results.
fn changed(change: impl FnOnce(&str) -> String) -> ImportTest {
    let test = ImportTest::with_rows(3);
    test.import().exits(0);
    test.write(RESULTS, change(&test.read(RESULTS)));
    test
}

#[test]
fn a_line_with_an_altered_cell_is_named_and_its_row_looked_up_again() {
    let test = changed(|text| text.replace("contract,2,A2,uploaded", "contract,2,A2,failed"));
    test.resume()
        .stderr(
            "m.results.csv line 3 (external_id \"A2\") is not believed: a cell was altered: the \
             line does not match its line_check; the row is looked up again\n",
        )
        .rows(["A1 uploaded", "A2 skipped", "A3 uploaded"])
        .requests(["get_by_external_id A2 200"])
        .stored_rows(["A1", "A2", "A3"])
        .exits(0);
    test.resume().requests([]).exits(0);
}

#[test]
fn an_altered_cell_is_noticed_in_whatever_column_it_stands() {
    let test = ImportTest::with_rows(3);
    test.import().exits(0);
    let whole = test.read(RESULTS);
    for (place, column) in COLUMNS.into_iter().chain([LINE_CHECK_COLUMN]).enumerate() {
        test.write(RESULTS, altered(&whole, 2, place));
        let id = if column == "external_id" { "A20" } else { "A2" };
        let outcome = test
            .resume()
            .prints(format!(
                "m.results.csv line 3 (external_id {id:?}) is not believed: "
            ))
            .rows(["A1 uploaded", "A2 skipped", "A3 uploaded"])
            .requests(["get_by_external_id A2 200"])
            .exits(0);
        let why = match column {
            "status" | "modified_at" | "sha256" | "verified" | "updated_at" | "previous_sha256"
            | "backup" => format!("column {column}: "),
            // A replaced attachment has a backup, or the word for none.
            "previous_size" => "column backup: ".to_owned(),
            _ => "a cell was altered".to_owned(),
        };
        assert!(
            outcome.stderr.contains(&why),
            "{column}: {}",
            outcome.stderr
        );
    }
}

/// Returns the text with a digit added to one cell.
fn altered(text: &str, line: usize, place: usize) -> Vec<u8> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (number, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if number == line {
            cells[place].push('0');
        }
        writer.write_record(&cells).unwrap();
    }
    writer.into_inner().unwrap()
}

#[test]
fn a_cell_that_a_spreadsheet_rewrote_is_named_with_its_column() {
    let test = changed(|text| text.replace("A3,uploaded,,3,13,", "A3,uploaded,,3,1.3E+01,"));
    test.resume()
        .stderr(
            "m.results.csv line 4 (external_id \"A3\") is not believed: column size: \"1.3E+01\" \
             is not a value that consign writes; the row is looked up again\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 skipped"])
        .requests(["get_by_external_id A3 200"])
        .exits(0);
}

#[test]
fn a_line_is_named_by_its_number_in_a_file_that_was_saved_with_other_line_breaks() {
    for line_break in ["\r\n", "\r"] {
        let test = changed(|text| {
            let altered = text.replace("contract,2,A2,uploaded", "contract,2,A2,failed");
            altered.replace('\n', line_break)
        });
        test.resume()
            .prints("m.results.csv line 3 (external_id \"A2\") is not believed: ")
            .rows(["A1 uploaded", "A2 skipped", "A3 uploaded"])
            .exits(0);
    }
}

#[test]
fn an_altered_last_line_that_an_editor_saved_without_a_line_break_is_not_called_torn() {
    let test = changed(|text| {
        text.replace("A3,uploaded", "A3,failed")
            .trim_end()
            .to_owned()
    });
    test.resume()
        .prints("m.results.csv line 4 (external_id \"A3\") is not believed: a cell was altered")
        .rows(["A1 uploaded", "A2 uploaded", "A3 skipped"])
        .exits(0);
}

#[test]
fn a_line_that_was_deleted_makes_its_row_looked_up_again() {
    let test = changed(|text| {
        let kept: Vec<&str> = text.split_inclusive('\n').take(3).collect();
        kept.concat()
    });
    test.resume()
        .stderr(
            "m.results.csv: 1 line was removed since it was written; row 3 is looked up again\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 skipped"])
        .requests(["get_by_external_id A3 200"])
        .exits(0);
    test.resume().requests([]).exits(0);
}

#[test]
fn the_rows_of_first_and_last_lines_that_were_filtered_out_are_named() {
    let test = changed(|text| {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        [lines[0], lines[2]].concat()
    });
    test.resume()
        .stderr(
            "m.results.csv: 2 lines were removed since it was written; rows 1,3 are looked up again\n",
        )
        .rows(["A1 skipped", "A2 uploaded", "A3 skipped"])
        .exits(0);
}

#[test]
fn sorted_results_say_the_same() {
    let test = changed(|text| {
        let (header, lines) = text.split_once('\n').unwrap();
        let mut lines: Vec<&str> = lines.lines().collect();
        lines.reverse();
        format!("{header}\n{}\n", lines.join("\n"))
    });
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn results_that_a_spreadsheet_saved_with_semicolons_and_a_byte_order_mark_say_the_same() {
    let test = changed(|text| format!("\u{feff}{}", text.replace(',', ";").replace('\n', "\r\n")));
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn a_torn_last_line_is_left_out_with_a_notice() {
    let test = changed(str::to_owned);
    let length = test.read(RESULTS).len() as u64;
    let file = OpenOptions::new()
        .write(true)
        .open(test.path(RESULTS))
        .unwrap();
    file.set_len(length - 20).unwrap();
    drop(file);
    test.resume()
        .stderr("m.results.csv line 4 was torn, and is left out\n")
        .rows(["A1 uploaded", "A2 uploaded", "A3 skipped"])
        .requests(["get_by_external_id A3 200"])
        .exits(0);
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn results_are_never_written_through_a_link() {
    let test = ImportTest::with_rows(1).file("elsewhere.csv", "precious");
    symlink("elsewhere.csv", test.path(RESULTS));
    test.import()
        .prints("m.results.csv exists already")
        .exits(2);
    test.resume()
        .stderr("error: m.results.csv is not a results file of consign: a plain file is expected\n")
        .exits(2);
    assert_eq!(test.read("elsewhere.csv"), "precious");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_noticed_before_anything_is_sent() {
    let test = ImportTest::with_rows(1);
    let outcome = test
        .import()
        .with_results("no/such/folder/r.csv")
        .prints("cannot write to the folder of no/such/folder/r.csv: No such file or directory")
        .exits(2);
    assert_eq!(outcome.stdout, "");
}
