//! Records named by the customer's own ids that the service does not have, or has several times.

use consign::emulator::EmulatorOperation::{Create, GetObjectByExternalId};
use consign::emulator::FaultTrigger;
use consign::model::ObjectType;

use super::{contracts, object, objects_in_results, with_objects, write_rows};
use crate::harness::{HoldMoment, ImportTest, status_effect};

/// Test of four rows, of which the second names no contract.
fn with_a_typo() -> ImportTest {
    let test = with_objects(contracts(3));
    write_rows(
        &test,
        &[
            ("contract", "CW-1"),
            ("contract", "CW-l2"),
            ("contract", "CW-3"),
            ("contract", "CW-l2"),
        ],
    );
    test
}

const TYPO: &str = "m.csv line 3 (row 2), column object_external_id: \"CW-l2\": no contract has this \
                    external id; correct the cell, or give the record's own id in object_id\n";

#[test]
fn results_without_a_tried_row_go_on_in_the_delimiter_that_the_manifest_has_now() {
    let test = with_a_typo();
    let beginning = |delimiter: &str| format!("\u{feff}row{delimiter}file_path{delimiter}");
    test.import().with_any_stderr().exits(2);
    assert!(test.read("m.results.csv").starts_with(&beginning(",")));
    let mended = test.read("m.csv").replace("CW-l2", "CW-2");
    test.write("m.csv", mended.replace(',', ";"));
    let outcome = test
        .import()
        .prints("m.results.csv: no row was tried yet, so the import goes on with these results\n")
        .all_uploaded(4)
        .exits(0);
    let about_records = outcome.requests.iter();
    let about_records = about_records.filter(|words| words.contains("object"));
    assert_eq!(about_records.count(), 1, "{:?}", outcome.requests);
    let results = test.read("m.results.csv");
    assert!(results.starts_with(&beginning(";")), "{results}");
}

#[test]
fn a_record_that_is_not_there_stops_the_import_before_anything_is_sent() {
    let test = with_a_typo();
    let outcome = test
        .import()
        .stdout("")
        .prints(TYPO)
        .prints(
            "2 records were found and noted in m.results.csv: the same command does not look them \
             up again\n",
        )
        .rows([
            "A1 pending not_reached",
            "A2 invalid not_fit",
            "A3 pending not_reached",
            "A4 invalid not_fit",
        ])
        .exits(2);
    assert_eq!(outcome.requests.len(), 3, "{:?}", outcome.requests);
    assert_eq!(test.service().count_requests(Create), 0);
    let problems = test.read("m.problems.csv");
    assert!(
        problems.contains("error,unknown_object_external_id,m.csv,,,3,2,object_external_id,CW-l2,")
    );
    assert!(
        problems.contains("error,unknown_object_external_id,m.csv,,,5,4,object_external_id,CW-l2,")
    );
    assert_eq!(
        objects_in_results(&test),
        ["1001 CW-1", " CW-l2", "1003 CW-3", " CW-l2"]
    );
}

#[test]
fn the_mended_manifest_is_imported_by_the_same_command_which_asks_for_the_rest_alone() {
    let test = with_a_typo();
    test.import().with_any_stderr().exits(2);
    test.write("m.csv", test.read("m.csv").replace("CW-l2", "CW-2"));
    let outcome = test
        .import()
        .prints("m.results.csv: no row was tried yet, so the import goes on with these results\n")
        .with_any_stderr()
        .all_uploaded(4)
        .exits(0);
    let about: Vec<_> = outcome
        .requests
        .iter()
        .filter(|one| one.contains("_object"))
        .collect();
    assert_eq!(
        about,
        ["get_object_by_external_id contracts/CW-2/external_id 200"]
    );
    assert!(!test.path("m.problems.csv").exists());
    // Once rows were tried, only --resume goes on.
    test.import()
        .prints("m.results.csv exists already")
        .with_any_stderr()
        .requests([])
        .exits(2);
}

#[test]
fn the_other_rows_go_on_where_unfit_rows_are_skipped() {
    for earlier_runs in [0, 1] {
        let test = with_a_typo();
        for _ in 0..earlier_runs {
            test.import().with_any_stderr().exits(2);
        }
        test.import()
            .args(["--skip-invalid"])
            .with_any_stderr()
            .prints(TYPO)
            .rows([
                "A1 uploaded",
                "A2 invalid not_fit",
                "A3 uploaded",
                "A4 invalid not_fit",
            ])
            .stored_rows(["A1", "A3"])
            .exits(1);
        assert!(
            test.results()
                .cell("A4", "message")
                .contains("no contract has this external id")
        );
    }
}

#[test]
fn a_run_that_finds_nothing_leaves_no_results() {
    let test = with_objects(contracts(1));
    write_rows(&test, &[("contract", "CW-8"), ("project", "CW-9")]);
    let outcome = test.import().with_any_stderr().exits(2);
    assert_eq!(outcome.requests.len(), 2);
    assert!(outcome.results.is_none());
    assert_eq!(
        test.file_names(),
        ["A1.pdf", "A2.pdf", "m.csv", "m.problems.csv"]
    );
}

#[test]
fn events_that_share_an_external_id_are_counted() {
    let test = with_objects(vec![
        object(ObjectType::Event, 1, "EV-1"),
        object(ObjectType::Event, 2, "EV-1"),
        object(ObjectType::Event, 3, "EV-1"),
        object(ObjectType::Event, 4, "EV-2"),
    ]);
    write_rows(&test, &[("event", "EV-1"), ("event", "EV-2")]);
    test.import()
        .prints("m.csv line 2 (row 1), column object_external_id: \"EV-1\": ")
        .prints("3 events")
        .with_any_stderr()
        .requests(["filter_objects events 200", "filter_objects events 200"])
        .exits(2);
}

#[test]
fn a_record_that_cannot_be_looked_up_is_a_problem_of_its_rows() {
    let test = with_objects(contracts(2)).inject_fault(
        GetObjectByExternalId,
        FaultTrigger::Nth(1),
        status_effect(400),
    );
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    test.import()
        .prints("m.csv line 2 (row 1), column object_external_id: \"CW-1\": ")
        .prints("status 400")
        .prints("run the import again later\n")
        .with_any_stderr()
        .exits(2);
}

#[test]
fn a_dry_run_tells_of_missing_records_and_exits_as_the_import() {
    let test = with_a_typo();
    let outcome = test
        .import()
        .args(["--dry-run"])
        .stdout("")
        .prints(TYPO)
        .exits(2);
    assert!(outcome.results.is_none());
    test.import()
        .args(["--dry-run", "--skip-invalid"])
        .prints("2  not be able to finish: invalid")
        .with_any_stderr()
        .exits(1);
}

#[test]
fn a_search_that_is_interrupted_ends_with_results_in_order() {
    let test = with_objects(contracts(3)).with_holding_proxy();
    write_rows(
        &test,
        &[
            ("contract", "CW-1"),
            ("contract", "CW-2"),
            ("contract", "CW-3"),
        ],
    );
    test.import()
        .interruptible()
        .while_held(3, HoldMoment::BeforeService, |running| {
            let path = running.test.path("m.results.csv");
            running.wait_until("two records are noted", || {
                std::fs::read_to_string(&path).is_ok_and(|text| text.lines().count() == 3)
            });
            running.signal("INT");
            running.wait_until_it_prints("to go on: ");
        })
        .stderr("stopping: answers that have not arrived are left out\n")
        .prints("3 of 3 rows not done")
        .prints("--resume")
        .rows([
            "A1 pending not_reached",
            "A2 pending not_reached",
            "A3 pending not_reached",
        ])
        .exits(130);
    let noted = objects_in_results(&test);
    assert_eq!(
        noted
            .iter()
            .filter(|object| object.starts_with("100"))
            .count(),
        2
    );
    let outcome = test.resume().all_uploaded(3).exits(0);
    let about = outcome
        .requests
        .iter()
        .filter(|one| one.contains("_object"));
    assert_eq!(about.count(), 1);
}

#[test]
fn keys_that_are_rejected_end_the_search_with_the_exit_code_of_every_run() {
    let test = with_objects(contracts(1)).inject_fault(
        GetObjectByExternalId,
        FaultTrigger::FirstN(3),
        status_effect(401),
    );
    write_rows(&test, &[("contract", "CW-1")]);
    test.import()
        .prints("the service rejects the keys")
        .prints("to go on: ")
        .with_any_stderr()
        .rows(["A1 pending not_reached"])
        .exits(3);
    test.resume().all_uploaded(1).exits(0);
}

#[test]
fn a_service_that_is_away_ends_the_search_with_what_was_found() {
    let test = with_objects(contracts(2)).inject_fault(
        GetObjectByExternalId,
        FaultTrigger::EveryNth(2),
        status_effect(503),
    );
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    test.import()
        .args(["--max-outage", "0s"])
        .prints("the service was away for longer than --max-outage allows")
        .with_any_stderr()
        .rows(["A1 pending not_reached", "A2 pending not_reached"])
        .exits(3);
    assert_eq!(objects_in_results(&test), ["1001 CW-1", " CW-2"]);
    let outcome = test.import().with_any_stderr().all_uploaded(2).exits(0);
    let about = outcome
        .requests
        .iter()
        .filter(|one| one.contains("_object"));
    assert!(about.count() <= 2, "{:?}", outcome.requests);
}

#[test]
fn records_of_keelvar_have_no_such_ids() {
    let test = ImportTest::for_keelvar();
    write_rows(&test, &[("sourcing_event", "EV-1")]);
    test.import()
        .prints("Keelvar's records have no external ids")
        .with_any_stderr()
        .requests([])
        .exits(2);
}

#[test]
fn a_done_row_whose_new_cell_names_no_record_keeps_its_line() {
    let test = with_objects(contracts(1));
    write_rows(&test, &[("contract", "CW-1")]);
    test.import().all_uploaded(1).exits(0);
    write_rows(&test, &[("contract", "CW-9")]);
    test.resume()
        .prints("\"CW-9\": no contract has this external id")
        .with_any_stderr()
        .exits(2);
    write_rows(&test, &[("contract", "CW-1")]);
    test.resume().requests([]).all_uploaded(1).exits(0);
}
