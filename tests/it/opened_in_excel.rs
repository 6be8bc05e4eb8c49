//! Form of the files that people open in Excel: a byte order mark before the header, and the
//! delimiter of the manifest.

use std::fs;

use serde_json::Value;

use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, MANIFEST_FILE, ResultsTable, RunningTool,
    SOURCING_EVENT, assert_attached_once, assert_stored_exactly_once,
};

const RESULTS: &str = ResultsTable::DEFAULT_NAME;
const VERIFICATION: &str = "m.results.verification.csv";
const PROBLEMS: &str = "m.problems.csv";

/// Returns the beginning of a file with these two columns first.
fn beginning(columns: [&str; 2], delimiter: &str) -> String {
    format!("\u{feff}{}{delimiter}", columns.join(delimiter))
}

#[track_caller]
fn assert_begins(test: &ImportTest, name: &str, columns: [&str; 2], delimiter: &str) {
    let content = test.read(name);
    let expected = beginning(columns, delimiter);
    assert!(content.starts_with(&expected), "{name}: {content}");
    assert_eq!(content.matches('\u{feff}').count(), 1, "{name}: {content}");
}

#[track_caller]
fn assert_results_begin(test: &ImportTest, delimiter: &str) {
    assert_begins(test, RESULTS, ["row", "file_path"], delimiter);
}

/// Test of two rows in a manifest with this delimiter. Cells of the first row have commas,
/// semicolons and a line break in them.
fn with_delimiter(delimiter: &str) -> ImportTest {
    let rows = [
        [
            "file_path",
            "object_type",
            "object_id",
            "external_id",
            "a;b",
        ],
        ["Verträge; alt/ü, 5€.pdf", "contract", "1", "A1", "x;=y,\nz"],
        ["A2.pdf", "contract", "2", "A2", ""],
    ];
    let quoted = |cell: &str| format!("\"{cell}\"");
    let lines = rows.map(|row| row.map(quoted).join(delimiter) + "\r\n");
    ImportTest::new()
        .file("Verträge; alt/ü, 5€.pdf", "content of A1")
        .file("A2.pdf", "content of A2")
        .manifest(lines.concat())
}

/// Gives the manifest semicolons in place of commas, as an Excel saves it whose decimal sign is the
/// comma.
fn save_manifest_with_semicolons(test: &ImportTest) {
    let saved = test.read(MANIFEST_FILE).replace(',', ";");
    test.write(MANIFEST_FILE, format!("\u{feff}{saved}"));
}

#[test]
fn what_is_made_from_a_manifest_opens_in_columns_where_the_manifest_does() {
    for (delimiter, expected) in [(",", ","), (";", ";"), ("\t", ",")] {
        let test = with_delimiter(delimiter);
        test.import().exits(0);
        assert_results_begin(&test, expected);
        let line = test.results().line("A1").clone();
        assert_eq!(line.cell("file_path"), "Verträge; alt/ü, 5€.pdf");
        assert_eq!(line.cell("a;b"), "x;=y,\nz");

        let base = test.service().base_url();
        test.consign(["verify", RESULTS, "--base-url", &base])
            .prints("all 2 rows match")
            .exits(0);
        assert_begins(&test, VERIFICATION, ["row", "external_id"], expected);
        test.consign(["report", RESULTS, "--attach-to", "contract:9"])
            .args(["--base-url", &base, "--rate", "2000"])
            .prints("All 2 rows are done. ")
            .exits(0);
        let report: Value = serde_json::from_str(&test.read("m.results.report.json")).unwrap();
        assert_eq!(report["verification"]["rows_checked"], 2);
        let of_report = "m.results.report.results.csv";
        assert_begins(&test, of_report, ["row", "file_path"], expected);

        test.resume().all_uploaded(2).requests([]).exits(0);
        assert_results_begin(&test, expected);
        test.remove("A2.pdf");
        test.check().prints("does not exist").exits(2);
        assert_begins(&test, PROBLEMS, ["severity", "kind"], expected);
        for own in [RESULTS, VERIFICATION, PROBLEMS, of_report] {
            test.consign(["check", own])
                .stdout("")
                .prints("of consign, not a manifest; name ")
                .exits(2);
        }
    }
}

#[test]
fn a_journal_goes_on_with_the_delimiter_that_the_manifest_has_now() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    test.import()
        .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    assert_results_begin(&test, ",");
    // An earlier version wrote no mark.
    let earlier = test.read(RESULTS).replace('\u{feff}', "");
    test.write(RESULTS, earlier);
    save_manifest_with_semicolons(&test);
    test.resume()
        .while_held(7, HoldMoment::BeforeService, RunningTool::kill)
        .with_any_stderr()
        .exits(EXIT_CODE_KILLED);
    assert_results_begin(&test, ";");
    let journal = test.read(RESULTS);
    assert!(
        journal
            .lines()
            .all(|line| line.contains(";A") || line.contains(";external_id;")),
        "{journal}"
    );
    let statuses = test.results().statuses_in_words();
    assert!(statuses.contains(&"A2 created".to_owned()), "{statuses:?}");
    // And back again, with lines of the journal in the other delimiter.
    test.write(MANIFEST_FILE, test.read(MANIFEST_FILE).replace(';', ","));
    test.resume().all_uploaded(3).exits(0);
    assert_results_begin(&test, ",");
    assert_stored_exactly_once(&test, 3);
}

#[test]
fn jobs_are_known_from_results_in_another_delimiter_than_the_manifest_has_now() {
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 2)]).with_holding_proxy();
    test.import()
        .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    save_manifest_with_semicolons(&test);
    test.resume().with_any_stderr().exits(0);
    assert_results_begin(&test, ";");
    assert_attached_once(&test);
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: an open file cannot be replaced")]
fn results_that_are_kept_beside_have_the_delimiter_of_the_manifest() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    save_manifest_with_semicolons(&test);
    test.import()
        .while_held(4, HoldMoment::BeforeService, |running| {
            let test = running.test;
            test.write("others", "somebody's\n");
            fs::rename(test.path("others"), test.path(RESULTS)).unwrap();
        })
        .leaving_a_journal()
        .prints("the results of this run are in m.results.kept.csv")
        .exits(3);
    assert_begins(&test, "m.results.kept.csv", ["row", "file_path"], ";");
    fs::rename(test.path("m.results.kept.csv"), test.path(RESULTS)).unwrap();
    test.resume().all_uploaded(2).exits(0);
    assert_stored_exactly_once(&test, 2);
}

#[test]
fn files_attached_already_are_known_from_other_results_with_semicolons() {
    let test = ImportTest::with_rows(2);
    save_manifest_with_semicolons(&test);
    test.import().exits(0);
    let other = test.path("earlier.results.csv");
    fs::rename(test.path(RESULTS), other).unwrap();
    let rekeyed = test.read(MANIFEST_FILE).replace(";A", ";B");
    test.write(MANIFEST_FILE, rekeyed);
    test.import()
        .prints("earlier.results.csv")
        .requests([])
        .exits(2);
}

/// Change of the text of results, as a person makes it in a spreadsheet or an editor.
type TextChange = fn(&str) -> String;

#[test]
fn lines_that_changed_places_or_were_damaged_cost_no_other_line() {
    const CHANGES: [(&str, TextChange, &[&str]); 6] = [
        ("sorted the other way", reversed, &[]),
        (
            "sorted, with the mark on the way",
            |text| {
                let text = reversed(&text.replace('\u{feff}', ""));
                text.replacen("\n3;", "\n\u{feff}3;", 1)
            },
            &[],
        ),
        (
            "an empty row before the header",
            |text| format!(";;;;\r\n{text}"),
            &[],
        ),
        (
            "a mark that was taken for windows-1252",
            |text| text.replace('\u{feff}', "ï»¿"),
            &[],
        ),
        ("torn", |text| text[..text.len() - 20].to_owned(), &["A3"]),
        (
            "a quote too many",
            |text| text.replacen("\n2;A2.pdf", "\n2;\"A2.pdf", 1),
            &["A2"],
        ),
    ];
    let test = ImportTest::with_rows(3);
    save_manifest_with_semicolons(&test);
    test.import().exits(0);
    let whole = test.read(RESULTS);
    for (way, change, looked_up) in CHANGES {
        println!("{way}");
        let changed = change(&whole);
        assert_ne!(changed, whole);
        test.write(RESULTS, changed);
        let requests: Vec<String> = looked_up
            .iter()
            .map(|id| format!("get_by_external_id {id} 200"))
            .collect();
        test.resume()
            .with_any_stderr()
            .requests(requests.iter().map(String::as_str))
            .exits(0);
        assert_results_begin(&test, ";");
    }
}

/// Returns the text with the lines after the header in the opposite order.
fn reversed(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    lines.join("\n") + "\n"
}

#[test]
fn results_below_a_line_that_names_the_delimiter_are_gone_on_with_and_reported() {
    let test = with_delimiter(";");
    let add_line = |name: &str| {
        let content = test.read(name);
        let lines = content.trim_start_matches('\u{feff}');
        test.write(name, format!("\u{feff}sep=;\r\n{lines}"));
    };
    test.import().args(["--limit", "1"]).exits(1);
    add_line(RESULTS);
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .stored([("A1", "content of A1"), ("A2", "content of A2")])
        .exits(0);
    assert_results_begin(&test, ";");
    let base = test.service().base_url();
    test.consign(["verify", RESULTS, "--base-url", &base])
        .exits(0);
    add_line(RESULTS);
    add_line(VERIFICATION);
    let (code, said) = test.run_shell_command(&format!("[consign] report {RESULTS}"));
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("All 2 rows are done. "), "{said}");
    let report: Value = serde_json::from_str(&test.read("m.results.report.json")).unwrap();
    assert_eq!(report["verification"]["rows_checked"], 2, "{report:#}");
}
