//! Inputs of a report: results, manifest and verification, complete or damaged.

use std::fs;

use consign::results::Status;
use consign::text::csv_dialect::CsvDialect;
use consign::verification::{
    ContentFacts, DownloadScope, ExpectedNames, ObjectProof, VerificationLine, VerificationOutcome,
    verification_file,
};
use serde_json::{Value, json as value};

use super::{HTML, JSON, SUMS, VERIFICATION, json, report, uploaded, with_results};
use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, MANIFEST_HEADER, ResultsTable, RunningTool,
    make_pipe, manifest_row,
};

#[test]
fn an_import_is_reconciled_with_its_manifest_row_by_row() {
    let test = ImportTest::with_rows(3);
    test.import().exits(0);
    report(&test)
        .prints("All 3 rows are done. Verified: 3 by the MD5 that the storage confirmed.\n")
        .exits(0);
    let report = json(&test);
    assert_eq!(report["reconciliation"]["against"], "manifest");
    assert_eq!(report["reconciliation"]["complete"], true);
    assert_eq!(report["reconciliation"]["rows_that_agree"], 3);
    assert_eq!(report["inputs"]["manifest"]["name"], "m.csv");
    let digest = consign::digest::sha256(test.read("m.csv").as_bytes());
    assert_eq!(report["inputs"]["manifest"]["sha256"], digest.to_string());
    assert_eq!(report["service"], "Workday Strategic Sourcing");
    let html = test.read(HTML);
    assert!(html.contains("<td class=\"number\" id=\"rows-uploaded\" data-count=\"3\">3</td>"));
    assert_eq!(html.matches("<tr data-row=").count(), 3);
}

#[test]
fn a_manifest_that_was_changed_since_is_shown_where_it_differs() {
    let test = ImportTest::with_rows(3);
    test.import().exits(0);
    test.write(
        "m.csv",
        format!("{MANIFEST_HEADER}A1.pdf,contract,1,A1\nB.pdf,event,2,A2\nA3.pdf,contract,3,A3\nA4.pdf,contract,4,A4\n"),
    );
    report(&test)
        .prints("The lines of the results are not the rows of the manifest.")
        .exits(0);
    let report = json(&test);
    let found = &report["reconciliation"];
    assert_eq!(found["complete"], false);
    assert_eq!(
        found["cells_that_differ"]["listed"],
        value!([
            {"row": 2, "column": "file_path", "in_manifest": "B.pdf", "in_results": "A2.pdf"},
            {"row": 2, "column": "object_type", "in_manifest": "event", "in_results": "contract"},
        ])
    );
    assert_eq!(
        found["rows_without_line"]["listed"],
        value!([{"row": 4, "external_id": "A4"}])
    );
    assert_eq!(found["rows_that_agree"], 2);
}

#[test]
fn without_a_manifest_the_row_numbers_have_to_do_and_the_report_says_so() {
    let test = with_results([1, 2, 5].map(uploaded));
    report(&test)
        .prints("The row numbers have gaps or repetitions.")
        .leaving_a_journal()
        .exits(0);
    let found = json(&test);
    assert_eq!(found["inputs"]["manifest"], value!(null));
    assert_eq!(found["reconciliation"]["against"], "row_numbers");
    assert_eq!(found["reconciliation"]["rows_expected"], 5);
    assert_eq!(found["reconciliation"]["rows_without_line"]["count"], 2);
    let html = test.read(HTML);
    assert!(html.contains("The manifest was not at hand, so the lines were reconciled with"));
    // The manifest may be elsewhere.
    let rows = ["A1", "A2", "A3", "A4", "A5"].map(manifest_row).concat();
    test.write("elsewhere/list.csv", format!("{MANIFEST_HEADER}{rows}"));
    report(&test)
        .args(["--manifest", "elsewhere/list.csv"])
        .leaving_a_journal()
        .exits(0);
    assert_eq!(json(&test)["inputs"]["manifest"]["name"], "list.csv");
}

#[test]
fn a_manifest_that_cannot_be_read_is_refused_only_where_the_user_named_it() {
    let test = with_results([uploaded(1)]);
    test.write(
        "m.csv",
        b"file_path,object_type,object_id,external_id\n\xfc.pdf,contract,1,A1\n",
    );
    report(&test)
        .args(["--manifest", "m.csv"])
        .prints("error: m.csv: line 2: the byte at offset 44 is not UTF-8")
        .exits(2);
    assert!(!test.path(HTML).exists());
    report(&test)
        .prints("m.csv: line 2: the byte at offset 44 is not UTF-8")
        .prints("; the report is written without the manifest\n")
        .exits(0);
    assert!(
        test.read(HTML)
            .contains("could not be read: line 2: the byte at offset 44 is not UTF-8")
    );
    report(&test).args(["--encoding", "windows-1252"]).exits(0);
    assert_eq!(json(&test)["reconciliation"]["against"], "manifest");
    report(&test)
        .args(["--manifest", "gone.csv"])
        .stderr("error: gone.csv: cannot be read: No such file or directory (os error 2); check the path and its permissions\n")
        .exits(2);
}

#[test]
fn damaged_torn_and_removed_lines_are_named_and_count_for_nothing() {
    let test = with_results((1..=5).map(uploaded));
    let whole = test.read(ResultsTable::DEFAULT_NAME);
    let mut lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let altered = lines[2].replace("A2.pdf", "A7.pdf");
    lines[2] = &altered;
    lines.remove(3);
    let last = lines.pop().unwrap();
    lines.push(&last[..20]);
    test.write(ResultsTable::DEFAULT_NAME, lines.concat());
    report(&test)
        .prints("All 2 rows are done.")
        .prints("The results file is damaged.")
        // The results stay a journal, because no run has put them in order.
        .leaving_a_journal()
        .exits(0);
    let damage = &json(&test)["damage"];
    assert_eq!(damage["damaged_lines"]["listed"][0]["line"], 3);
    assert_eq!(damage["damaged_lines"]["listed"][0]["external_id"], "A2");
    assert_eq!(damage["torn_line"], 5);
    assert_eq!(damage["removed_lines"], 1);
    let html = test.read(HTML);
    assert!(html.contains("<strong>The results file is damaged.</strong>"));
    assert!(html.contains("<p id=\"torn-line\">Line 5, the last one, was torn"));
    assert_eq!(html.matches("<tr data-row=").count(), 2);
    assert!(!test.read(SUMS).contains("A7.pdf"));
}

pub(super) fn checked(row: usize, outcome: VerificationOutcome) -> VerificationLine {
    let entry = uploaded(row);
    let facts = ContentFacts::from_entry(&entry);
    VerificationLine {
        row: Some(row),
        external_id: entry.external_id,
        attachment_id: entry.attachment_id,
        outcome,
        object: ObjectProof::NotAskedFor,
        expected: facts,
        found: facts,
        expected_names: ExpectedNames::default(),
        checked_at: "2026-11-23T00:00:00Z".parse().unwrap(),
        download: DownloadScope::All,
        local_file: None,
        destination: entry.destination.clone(),
        message: String::new(),
    }
}

#[test]
fn what_verify_found_counts_more_than_what_the_import_saw() {
    let test = with_results((1..=4).map(uploaded));
    let mut missing = checked(2, VerificationOutcome::Missing);
    missing.found = ContentFacts::default();
    missing.message = "there is no attachment 2".into();
    let mut outdated = checked(3, VerificationOutcome::Match);
    outdated.expected.size = Some(6);
    let lines = [
        checked(1, VerificationOutcome::Match),
        missing,
        outdated,
        checked(4, VerificationOutcome::Match),
    ];
    verification_file::write(&test.path(VERIFICATION), CsvDialect::Comma, lines.iter()).unwrap();
    let altered = test
        .read(VERIFICATION)
        .replace("4,A4,4,match", "4,A4,4,missing");
    test.write(VERIFICATION, altered);
    report(&test).exits(0);
    let report = json(&test);
    let levels: Vec<_> = report["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|level| {
            (
                level["level"].as_str().unwrap(),
                level["rows"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(levels, [("content", 1), ("md5", 2), ("contradicted", 1)]);
    let found = &report["verification"];
    assert_eq!(found["rows_checked"], 2);
    assert_eq!(found["rows_not_covered"], 2);
    assert_eq!(
        (&found["outdated_lines"], &found["altered_lines"]),
        (&1.into(), &1.into())
    );
    let group = &report["exceptions"][0];
    assert_eq!(
        (&group["found_by"], &group["what"]),
        (&"verify".into(), &"missing".into())
    );
    assert_eq!(
        group["rows"]["listed"][0]["message"],
        "there is no attachment 2"
    );
    assert!(
        test.read(HTML)
            .contains("id=\"outcome-missing\" data-count=\"1\"")
    );
}

#[test]
fn results_that_a_run_is_writing_are_refused() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            report(running.test)
                .stdout("")
                .stderr("error: m.results.csv is in use by another run of consign; wait for the other run to end, or stop that run\n")
                .exits(2);
            assert!(!running.test.path(HTML).exists());
        })
        .exits(0);
}

#[test]
fn results_that_cannot_be_read_are_refused_with_what_to_do() {
    let test = ImportTest::new().file("other.csv", "a,b\n1,2\n");
    test.consign(["report", "gone.csv"])
        .stderr("error: cannot open gone.csv: No such file or directory (os error 2); check the path and its permissions\n")
        .exits(2);
    test.consign(["report", "other.csv"])
        .stderr("error: other.csv is not a results file of consign: the first line has no column \"line_check\"; name the results file that consign import wrote\n")
        .exits(2);
    assert_eq!(test.file_names(), ["other.csv"]);
}

#[test]
fn a_report_that_cannot_be_written_is_named() {
    let test = with_results([uploaded(1)]);
    fs::create_dir_all(test.path(JSON).join("full")).unwrap();
    report(&test)
        .prints("error: cannot write m.results.report.json: ")
        .prints("; mend the cause, and run the command again\n")
        .exits(2);
    assert!(!test.path(HTML).exists());
}

#[test]
fn rows_that_have_left_the_manifest_stand_apart() {
    let mut left = uploaded(9);
    left.row = None;
    let mut open = uploaded(2);
    open.status = Status::Pending;
    let test = with_results([uploaded(1), open, left]);
    report(&test)
        .prints("1 of 2 rows is done; 1 is not.")
        .exits(0);
    let found = json(&test);
    assert_eq!(found["rows_no_longer_in_manifest"]["count"], 1);
    assert_eq!(found["rows"], 2);
    assert_eq!(test.read(SUMS).lines().count(), 1);
}

#[test]
#[cfg_attr(windows, ignore = "no folder of Windows holds named pipes")]
fn what_is_no_plain_file_is_not_waited_for() {
    let test = with_results([uploaded(1)]);
    make_pipe(&test.path("pipe.results.csv"));
    fs::create_dir(test.path("folder.results.csv")).unwrap();
    for name in ["pipe.results.csv", "folder.results.csv"] {
        test.consign(["report", name])
            .stderr(format!(
                "error: {name} is not a results file of consign: a plain file is expected; name \
                 the results file that consign import wrote\n"
            ))
            .exits(2);
    }
    make_pipe(&test.path("m.csv"));
    report(&test).exits(0);
    assert_eq!(json(&test)["inputs"]["manifest"], value!(null));
    make_pipe(&test.path(VERIFICATION));
    report(&test)
        .prints(
            "m.results.verification.csv is not a verification file of consign: a plain file is \
                 expected; remove the file",
        )
        .exits(2);
}

#[test]
fn a_manifest_that_comes_from_a_pipe_is_noted_with_its_own_digest() {
    let test = with_results([uploaded(1)]);
    make_pipe(&test.path("manifest"));
    let manifest = format!("{MANIFEST_HEADER}{}", manifest_row("A1"));
    let writer = {
        let (path, content) = (test.path("manifest"), manifest.clone());
        std::thread::spawn(move || fs::write(path, content).unwrap())
    };
    report(&test).args(["--manifest", "manifest"]).exits(0);
    writer.join().unwrap();
    let digest = consign::digest::sha256(manifest.as_bytes());
    let report = json(&test);
    assert_eq!(report["inputs"]["manifest"]["sha256"], digest.to_string());
    assert_eq!(report["inputs"]["manifest"]["size"], manifest.len());
}

#[test]
fn the_journal_of_an_import_that_was_killed_is_told_for_what_it_is() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    // The first row is stored, and would have been confirmed with the others.
    test.import()
        .while_held(7, HoldMoment::BeforeAnswer, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    let outcome = report(&test)
        .args(["--output", "json"])
        .leaving_a_journal()
        .exits(0);
    let summary: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&summary["finished"], &summary["damaged"]),
        (&value!(false), &value!(false))
    );
    let found = json(&test);
    assert!(found["damage"]["superseded_lines"].as_u64() > Some(0));
    let verdict = found["verdict"].as_str().unwrap();
    assert!(
        verdict.ends_with(" The import did not come to its end."),
        "{verdict}"
    );
    let html = test.read(HTML);
    assert!(html.contains("<strong>The import did not come to its end.</strong>"));
    assert!(!html.contains("The results file is damaged."));
    assert!(html.contains("<li>The results are the journal of an import that did not come to its"));

    test.resume().all_uploaded(3).exits(0);
    report(&test).prints("All 3 rows are done.").exits(0);
    assert_eq!(json(&test)["damage"]["superseded_lines"], 0);
    assert!(!test.read(HTML).contains("id=\"unfinished\""));
}
