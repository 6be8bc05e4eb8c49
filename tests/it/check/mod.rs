//! `consign check`: problems of a manifest and of the files named in it.

mod cells;
mod damage;
mod doubtful_files;
mod files;
mod hidden_characters;
mod keelvar;
mod object_external_ids;
mod reading;
mod stray_quotes;

use crate::harness::{ImportTest, MANIFEST_HEADER};

const PROBLEMS: &str = "m.problems.csv";

/// Writes one file, `a.pdf`, and a manifest with the given rows.
fn with_rows(rows: &str) -> ImportTest {
    ImportTest::new()
        .file("a.pdf", "alpha")
        .manifest(format!("{MANIFEST_HEADER}{rows}"))
}

/// Returns the lines of the problems file, each as kind, line, row and column.
fn noted(test: &ImportTest) -> Vec<String> {
    let problems = test.read(PROBLEMS);
    let mut reader = csv::Reader::from_reader(problems.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec![
            "severity", "kind", "file", "sheet", "cell", "line", "row", "column", "value",
            "problem", "remedy"
        ]
    );
    let records = reader.records().map(Result::unwrap);
    records
        .map(|cells| [&cells[1], &cells[5], &cells[6], &cells[7]].join(" "))
        .collect()
}

/// Checks the manifest, whose first row has one problem, and expects `message` on standard error
/// and `kind` in the problems file.
#[track_caller]
fn is_told(test: &ImportTest, kind: &str, message: &str) {
    test.check().stderr(format!("{message}\n")).exits(2);
    let place = message.split_once("line 2 (row 1), column ").unwrap().1;
    let column = place.split_once(':').unwrap().0;
    assert_eq!(noted(test), [format!("{kind} 2 1 {column}")]);
}

#[test]
fn a_manifest_without_mistakes_is_summed_up() {
    let test = ImportTest::new()
        .file("a.pdf", "alpha")
        .file("sub/b.pdf", vec![b'x'; 2048])
        .manifest(format!(
            "{MANIFEST_HEADER}a.pdf,contract,1,A\na.pdf,contract,2,B\nsub/b.pdf,event,3,C\n"
        ));
    test.check()
        .stdout(
            "m.csv: 3 rows, 2 files, 2.0 KiB\n\
             \x20 contract                 2\n\
             \x20 event                    1\n\
             nothing is wrong\n",
        )
        .exits(0);
    assert!(!test.path(PROBLEMS).exists());
}

#[test]
fn warnings_stop_nobody() {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(
        "file_path,object_type,object_id,external_id,titel\n\
         a.pdf,contract,1,0012,x\na.pdf,contract,2,13,y\n",
    );
    let warnings = "warning: m.csv line 1: the column \"titel\" is not known; rename the column to \
                    title or say --column title=titel if title is meant, or ignore this warning\n\
                    warning: m.csv line 3 (row 2), column external_id: \"13\" is shorter than 4 \
                    digits, the length of all ids that begin with 0: a spreadsheet may have \
                    dropped its zeros; if so, export the column as text\n";
    test.check()
        .stderr(warnings)
        .stdout(
            "m.csv: 2 rows, 1 file, 5 B\n\
             \x20 contract                 2\n\
             no errors, 2 warnings; all of them are in m.problems.csv\n",
        )
        .exits(0);
    assert_eq!(
        noted(&test),
        ["nearly_known_column 1  ", "dropped_zeros 3 2 external_id"]
    );
    test.check()
        .args(["--quiet"])
        .stdout("")
        .stderr("")
        .exits(0);
    test.import()
        .stderr(warnings)
        .rows(["0012 uploaded", "13 uploaded"])
        .exits(0);
    assert_eq!(test.results().cell("13", "titel"), "y");
}

#[test]
fn all_mistakes_are_told_in_one_pass_with_the_errors_first() {
    let test = with_rows(
        "a.pdf,contract,1,0012\n\
         a.pdf,contract,2,13\n\
         missing.pdf,contarct,0,0014\n",
    );
    test.check()
        .stderr(
            "m.csv line 4 (row 3), column file_path: \"missing.pdf\" does not exist; correct the \
             path, which is relative to the manifest's folder or to --root\n\
             m.csv line 4 (row 3), column object_type: \"contarct\" is not an object type; did you \
             mean contract? Allowed are contract, event, project, supplier_company, \
             sourcing_event, sourcing_request\n\
             m.csv line 4 (row 3), column object_id: \"0\" is not a positive whole number in plain \
             digits; write the id that the service's API has for the record, digits only; the \
             number that people see on a contract or a project is another one\n\
             warning: m.csv line 3 (row 2), column external_id: \"13\" is shorter than 4 digits, \
             the length of all ids that begin with 0: a spreadsheet may have dropped its zeros; if \
             so, export the column as text\n",
        )
        .stdout(
            "m.csv: 3 rows, 1 file, 5 B\n\
             \x20 contract                 2\n\
             3 errors in 1 row, 1 warning; all of them are in m.problems.csv\n",
        )
        .exits(2);
    assert_eq!(
        noted(&test),
        [
            "dropped_zeros 3 2 external_id",
            "file_missing 4 3 file_path",
            "unknown_object_type 4 3 object_type",
            "bad_object_id 4 3 object_id",
        ]
    );
}

#[test]
fn a_screen_gets_a_hundred_lines_and_the_problems_file_everything() {
    let rows: Vec<String> = (1..=300)
        .map(|number| format!("folder{number}/a.pdf,contract,{number},A{number}\n"))
        .collect();
    let test = with_rows(&rows.concat());
    let outcome = test.check().prints("and 200 other problems\n").exits(2);
    assert_eq!(outcome.stderr.lines().count(), 101);
    assert_eq!(noted(&test).len(), 300);
}

#[test]
fn many_rows_with_one_mistake_are_told_together() {
    let rows: Vec<String> = (1..=20)
        .map(|number| format!("away/a{number}.pdf,contract,1,A{number}\n"))
        .collect();
    let test = with_rows(&rows.concat());
    let outcome = test
        .check()
        .prints("the same in 17 more rows: 4 5 6 7 8 9 10 11 …")
        .exits(2);
    assert_eq!(outcome.stderr.lines().count(), 4);
    assert_eq!(noted(&test).len(), 20);
}

#[test]
fn the_problems_file_goes_away_when_everything_is_mended() {
    let test = with_rows("a.pdf,contract,0,A\n");
    test.check().prints("\"0\" is not a positive").exits(2);
    assert!(test.path(PROBLEMS).exists());
    test.write("m.csv", format!("{MANIFEST_HEADER}a.pdf,contract,1,A\n"));
    test.check().exits(0);
    assert!(!test.path(PROBLEMS).exists());
}

#[test]
fn a_script_gets_the_summary_of_a_check_in_json() {
    let test = with_rows("a.pdf,contract,1,A\na.pdf,event,0,B\n");
    test.check()
        .args(["--output", "json", "--quiet"])
        .prints("column object_id: \"0\" is not a positive whole number")
        .stdout(
            "{\"manifest\":\"m.csv\",\"rows\":2,\"files\":1,\"bytes\":5,\"object_types\":\
             {\"contract\":1,\"event\":1},\"errors\":1,\"unfit_rows\":1,\"warnings\":0,\
             \"problems_file\":\"m.problems.csv\",\
             \"files_in_no_row\":{\"count\":0,\"paths\":[],\"search\":\"complete\"}}\n",
        )
        .exits(2);
}

#[test]
fn nothing_is_looked_up_which_is_what_a_dry_run_of_an_import_is_for() {
    let test = ImportTest::with_rows(1);
    let base = test.service().base_url();
    for option in [&["--online"][..], &["--base-url", &base], &["--rate", "9"]] {
        test.check()
            .args(option.iter().copied())
            .prints(format!("error: unexpected argument '{}' found", option[0]))
            .requests([])
            .exits(2);
    }
}
