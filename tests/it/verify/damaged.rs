//! Verification of damaged results: lost lines are reported and never passed over.

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultTrigger::Nth;

use super::imported;
use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, MANIFEST_HEADER, RunningTool, manifest_row,
    status_effect,
};

/// Removes a line from the results of an import.
fn without_line(test: &ImportTest, number: usize) {
    let whole = test.read("m.results.csv");
    let lines = whole.split_inclusive('\n').enumerate();
    let rest = lines.filter(|(at, _)| at + 1 != number);
    let rest: String = rest.map(|(_, line)| line).collect();
    test.write("m.results.csv", rest);
}

#[test]
fn a_line_that_was_altered_is_named_and_not_believed() {
    let test = imported(2);
    // The altered line passes the second row off as the first attachment.
    let altered = test
        .read("m.results.csv")
        .replace("A2,uploaded,,2,", "A2,uploaded,,1,");
    test.write("m.results.csv", altered);
    let outcome = test
        .verify()
        .prints("m.results.csv line 3")
        .outcomes(["A1 match", "A2 error"])
        .leaving_a_journal()
        .exits(1);
    assert_eq!(outcome.requests, ["list 200"]);
    assert_eq!(test.verification().cell("A2", "attachment_id"), "");
    let message = test.verification().cell("A2", "message").to_owned();
    assert!(
        message.starts_with("line 3 of the results is not believed"),
        "{message}"
    );
}

#[test]
fn a_line_that_was_taken_out_is_missed() {
    let test = imported(3);
    without_line(&test, 3);
    test.verify()
        .prints("1 line was removed since it was written")
        .outcomes(["A1 match", "A3 match"])
        .leaving_a_journal()
        .exits(1);
}

#[test]
fn the_journal_of_an_import_that_was_killed_is_no_success() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    // The first row is stored, and would have been confirmed with the second one.
    test.import()
        .while_held(7, HoldMoment::BeforeAnswer, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    test.verify()
        .stderr(
            "m.results.csv is the journal of an import that did not come to its end: rows that it \
             did not reach have no line in it; go on with import --resume\n",
        )
        .stdout(
            "0 of 2 rows match (0 requests in [time])\n\
             \x20 not_done                2  not done, as the results say and explain; nothing to compare\n\
             the results are not whole: the import did not come to its end\n\
             verification: m.results.verification.csv\n",
        )
        .outcomes(["A1 not_done", "A2 not_done"])
        .leaving_a_journal()
        .requests([])
        .exits(1);
    test.resume().all_uploaded(2).exits(0);
    test.verify().outcomes(["A1 match", "A2 match"]).exits(0);
}

#[test]
fn what_has_left_the_manifest_is_compared_as_far_as_it_was_done() {
    let test = ImportTest::with_rows(3).inject_fault(Create, Nth(2), status_effect(422));
    test.import()
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .exits(1);
    test.write("m.csv", MANIFEST_HEADER.to_owned() + &manifest_row("A3"));
    test.resume().with_any_stderr().exits(0);
    test.verify().outcomes(["A3 match", "A1 match"]).exits(0);
    test.service().delete("A1");
    test.verify().outcomes(["A3 match", "A1 missing"]).exits(1);
}

#[test]
fn the_first_line_that_was_taken_out_is_missed_too() {
    let test = imported(3);
    without_line(&test, 2);
    test.verify()
        .stderr(
            "m.results.csv: 1 line was removed since it was written, of row 1; the claims of these \
             lines cannot be verified: put back the file as import wrote it, or go on with import \
             --resume\n",
        )
        .stdout(
            "2 of 2 rows match (1 request in [time])\n\
             \x20 match                   2  there, as the results say\n\
             the results are not whole: 1 line removed, 1 row without a line\n\
             verification: m.results.verification.csv\n",
        )
        .outcomes(["A2 match", "A3 match"])
        .leaving_a_journal()
        .exits(1);
}

#[test]
fn the_last_line_that_was_taken_out_is_missed_too() {
    let test = imported(3);
    without_line(&test, 4);
    test.verify()
        .prints("m.results.csv: 1 line was removed since it was written, of row 3; ")
        .prints("the results are not whole: 1 line removed\n")
        .outcomes(["A1 match", "A2 match"])
        .leaving_a_journal()
        .exits(1);
    test.consign(["report", "m.results.csv"])
        .prints("All 2 rows are done.")
        .prints("The results file is damaged.")
        .leaving_a_journal()
        .exits(0);
}

#[test]
fn a_file_that_ends_in_the_middle_of_a_line_does_not_pass() {
    let test = imported(3);
    let whole = test.read("m.results.csv");
    test.write("m.results.csv", &whole[..whole.len() - 20]);
    test.verify()
        .prints("m.results.csv line 4 was torn, and is left out; its claims cannot be verified")
        .prints("the results are not whole: line 4 torn\n")
        .outcomes(["A1 match", "A2 match"])
        .leaving_a_journal()
        .exits(1);
}

#[test]
fn scripts_are_told_why_what_matches_does_not_pass() {
    let test = imported(4);
    without_line(&test, 3);
    let outcome = test
        .verify()
        .args(["--quiet", "--output", "json"])
        .leaving_a_journal()
        .exits(1);
    let summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(summary["outcomes"]["match"], 3);
    assert_eq!(summary["removed_lines"], 1);
    assert_eq!(summary["rows_without_line"], 1);
    assert_eq!(summary["superseded_lines"], 0);
    assert_eq!(summary["torn_line"], serde_json::Value::Null);
}

#[test]
fn what_is_said_of_a_damaged_line_is_not_called_outdated_by_the_report() {
    let test = imported(2);
    let altered = test
        .read("m.results.csv")
        .replace("A2,uploaded", "A2,skipped");
    test.write("m.results.csv", altered);
    test.verify()
        .outcomes(["A1 match", "A2 error"])
        .with_any_stderr()
        .leaving_a_journal()
        .exits(1);
    test.consign(["report", "m.results.csv"])
        .leaving_a_journal()
        .exits(0);
    let json = test.read("m.results.report.json");
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["damage"]["damaged_lines"]["count"], 1);
    assert_eq!(report["verification"]["outdated_lines"], 0);
}
