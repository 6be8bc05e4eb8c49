//! Reports which become attachments themselves.

use consign::emulator::EmulatorOperation::{Create, CreateJob, GetByExternalId};
use consign::emulator::FaultEffect::LoseAnswer;
use consign::emulator::FaultTrigger::Nth;
use serde_json::Value;

use crate::harness::{ImportTest, ResultsTable, SOURCING_EVENT, TestRun, status_effect};

const REPORT: &str = "m.results.report.html";
const KEPT: &str = "m.results.report.results.csv";

/// Imports two rows.
fn imported() -> ImportTest {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    test
}

/// Writes a report and attaches the report to a record.
fn attach<'t>(test: &'t ImportTest, record: &str) -> TestRun<'t> {
    let base = test.service().base_url();
    let run = test.consign(["report", ResultsTable::DEFAULT_NAME, "--attach-to", record]);
    run.args(["--base-url", &base, "--rate", "2000", "--skip-preflight"])
}

/// Returns the external ids and texts of the stored reports.
fn reports(test: &ImportTest) -> Vec<(String, String)> {
    let mut stored = test.service().stored_contents();
    stored.retain(|(id, _)| id.starts_with("consign-report-"));
    stored
}

#[test]
fn a_report_is_attached_once_however_often_that_is_asked_for() {
    let test = imported();
    let first = attach(&test, "contract:9")
        .prints("attached to contract 9: uploaded, attachment 3, external_id \"consign-report-")
        .prints(format!("kept in {KEPT}\n"))
        .exits(0);
    let [(id, stored)] = reports(&test).try_into().unwrap();
    assert_eq!(stored, test.read(REPORT));
    assert_eq!(
        first.requests,
        [
            format!("get_by_external_id {id} 404"),
            format!("create {id} 201"),
            format!("upload {id} 200"),
            "list 200".to_owned()
        ]
    );
    let again = attach(&test, "contract:9").requests([]).exits(0);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(reports(&test).len(), 1);
}

#[test]
fn a_report_whose_request_lost_its_answer_is_attached_once() {
    let test = ImportTest::with_rows(2).inject_fault(Create, Nth(3), LoseAnswer);
    test.import().exits(0);
    attach(&test, "contract:9").with_fast_clock().exits(0);
    assert_eq!(reports(&test).len(), 1);
    let log = test.service().request_log();
    let lost = log.iter().filter(|entry| entry.fault.is_some());
    assert_eq!(lost.count(), 1);
}

#[test]
fn where_what_became_of_it_was_lost_it_is_found_by_its_external_id() {
    let test = imported();
    attach(&test, "contract:9").exits(0);
    test.remove(KEPT);
    attach(&test, "contract:9")
        .prints("attached to contract 9: skipped, attachment 3")
        .exits(0);
    assert_eq!(reports(&test).len(), 1);
}

#[test]
fn a_report_that_says_something_else_is_another_attachment_and_the_first_one_is_kept_in_mind() {
    let test = imported();
    attach(&test, "contract:9").exits(0);
    test.verify().exits(0);
    attach(&test, "contract:9")
        .prints("attached to contract 9: uploaded, attachment 4")
        .exits(0);
    assert_eq!(reports(&test).len(), 2);
    let kept = ResultsTable::read(&test.path(KEPT)).unwrap();
    let rows: Vec<_> = kept.lines.iter().map(|line| line.cell("row")).collect();
    assert_eq!(rows, ["1", ""]);
}

#[test]
fn the_same_report_can_hang_on_several_records() {
    let test = imported();
    attach(&test, "contract:9").exits(0);
    attach(&test, "supplier_company:9").exits(0);
    let [(_, one), (_, other)] = reports(&test).try_into().unwrap();
    assert_eq!(one, other);
    attach(&test, "contract:9").requests([]).exits(0);
}

#[test]
fn scripts_are_told_in_the_same_object() {
    let test = imported();
    let told = attach(&test, "project:9")
        .args(["--output", "json"])
        .exits(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    let attached = &told["attached"];
    assert_eq!(attached["object_type"], "project");
    assert_eq!(attached["object_id"], "9");
    assert_eq!(attached["status"], "uploaded");
    assert_eq!(attached["attachment_id"], "3");
    assert_eq!(attached["results"], KEPT);
    assert_eq!(attached["external_id"], reports(&test)[0].0.as_str());
    let report = told["files"].as_array().unwrap().iter();
    let report = report.filter(|file| file["path"] == REPORT);
    assert_eq!(report.count(), 1);
}

#[test]
fn a_report_that_is_refused_is_written_and_kept_all_the_same() {
    let test = ImportTest::with_rows(2).inject_fault(Create, Nth(3), status_effect(422));
    test.import().exits(0);
    attach(&test, "contract:9")
        .prints("not attached to contract 9: failed, refused: ")
        .exits(1);
    assert!(test.path(REPORT).exists());
    // The next run tries again: the cause of the refusal may have been removed since.
    attach(&test, "contract:9")
        .prints("attached to contract 9: uploaded")
        .exits(0);
    assert_eq!(reports(&test).len(), 1);
}

#[test]
fn rejected_keys_leave_a_report_that_is_not_attached() {
    // Look-ups 1 and 2 belong to the import. Look-up 3 is rejected, and so is look-up 4, with which
    // the tool makes sure.
    let test = ImportTest::with_rows(2)
        .inject_fault(GetByExternalId, Nth(3), status_effect(401))
        .inject_fault(GetByExternalId, Nth(4), status_effect(401));
    test.import().exits(0);
    attach(&test, "contract:9")
        .prints("not attached to contract 9: pending")
        .exits(3);
    assert_eq!(reports(&test), []);
}

#[test]
fn where_the_results_went_is_where_the_report_goes_and_the_user_names_it() {
    let test = imported();
    let nothing_is_written = || {
        assert!(!test.path(REPORT).exists());
        assert!(!test.path(KEPT).exists());
    };
    let to = [
        "report",
        ResultsTable::DEFAULT_NAME,
        "--attach-to",
        "contract:9",
    ];
    test.consign(to)
        .prints("m.results.csv was made with [label]: name the destination")
        .requests([])
        .exits(2);
    nothing_is_written();
    test.consign(to)
        .args([
            "--base-url",
            "https://elsewhere.example/services/attachments/v1",
        ])
        .prints("this run would ask elsewhere.example/services/attachments/v1")
        .requests([])
        .exits(2);
    nothing_is_written();
}

#[test]
fn a_record_is_one_of_the_service_that_the_results_are_of() {
    let test = imported();
    let record = SOURCING_EVENT.replace(' ', ":");
    attach(&test, &record)
        .prints("the results are of Workday Strategic Sourcing, which has no sourcing_event")
        .requests([])
        .exits(2);
    for (typed, wrong) in [
        (
            "contract",
            "a type and an id are expected, such as contract:48213",
        ),
        ("invoice:9", "the type \"invoice\" is not one of contract,"),
        (
            "contract:nine",
            "the id \"nine\" is not a positive whole number",
        ),
    ] {
        attach(&test, typed).prints(wrong).requests([]).exits(2);
    }
}

#[test]
fn a_report_hangs_on_a_sourcing_event_once() {
    let test = ImportTest::with_event_rows(2);
    test.import().with_any_stderr().exits(0);
    let record = SOURCING_EVENT.replace(' ', ":");
    let first = attach(&test, &record)
        .prints(format!("attached to {SOURCING_EVENT}: uploaded, job "))
        .with_any_stderr()
        .exits(0);
    assert_eq!(test.service().count_requests(CreateJob), 2);
    let again = attach(&test, &record).with_any_stderr().exits(0);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(test.service().count_requests(CreateJob), 2);
    let attached = test.service().attached_files();
    let mut of_reports = attached.iter().filter(|file| file.name == REPORT);
    assert_eq!(of_reports.next().unwrap().content, test.read(REPORT));
    assert_eq!(of_reports.next(), None);
}
