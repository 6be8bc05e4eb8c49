//! Records named by the customer's own ids: they are found before anything is sent, and noted in
//! the results, so that no later run asks for them again.

use std::collections::BTreeMap;

use consign::emulator::NextLink;
use consign::model::ObjectType;

use super::{contracts, object, objects_in_results, with_objects, write_rows};
use crate::harness::{EXIT_CODE_KILLED, HoldMoment, ImportTest, RunningTool, StrangeHost};

/// Counts requests by operation.
fn by_kind(requests: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        let operation = request.split(' ').next().unwrap_or_default();
        *counts.entry(operation).or_default() += 1;
    }
    counts
}

/// Returns the requests about records, sorted: several records are asked for at once.
fn about_records(requests: &[String]) -> Vec<&str> {
    let mut about: Vec<&str> = requests
        .iter()
        .map(String::as_str)
        .filter(|request| request.contains("_object"))
        .collect();
    about.sort_unstable();
    about
}

#[test]
fn two_hundred_of_three_hundred_contracts_cost_three_requests_for_240_rows() {
    let test = with_objects(contracts(300));
    // Every third contract has no row; the first forty have two rows.
    let numbers: Vec<usize> = (1..=300).filter(|number| number % 3 != 0).collect();
    let rows = numbers.iter().chain(&numbers[..40]);
    let names: Vec<String> = rows.clone().map(|number| format!("CW-{number}")).collect();
    let cells: Vec<_> = names
        .iter()
        .map(|name| ("contract", name.as_str()))
        .collect();
    write_rows(&test, &cells);
    let outcome = test.import_at_once(8).all_uploaded(240).exits(0);
    assert_eq!(
        by_kind(&outcome.requests),
        [
            ("create", 240),
            ("get_by_external_id", 240),
            ("list", 5),
            ("list_objects", 3),
            ("upload", 240)
        ]
        .into()
    );
    let first_other = outcome
        .requests
        .iter()
        .position(|one| !one.contains("_objects"));
    assert_eq!(
        first_other,
        Some(3),
        "all records are found before anything else"
    );
    let expected: Vec<String> = rows
        .map(|number| format!("{} CW-{number}", 1000 + number))
        .collect();
    assert_eq!(objects_in_results(&test), expected);
}

#[test]
fn records_of_all_types_are_found_by_the_way_that_leads_to_them() {
    let test = with_objects(vec![
        object(ObjectType::Contract, 11, "CW-1"),
        object(ObjectType::Contract, 12, "2019/17"),
        object(ObjectType::Contract, 13, "v1.2"),
        object(ObjectType::Event, 21, "EV-1"),
        object(ObjectType::Project, 31, "PR-1"),
        object(ObjectType::SupplierCompany, 41, "SU-1"),
    ]);
    write_rows(
        &test,
        &[
            ("contract", "CW-1"),
            ("contract", "2019/17"),
            ("contract", "v1.2"),
            ("event", "EV-1"),
            ("project", "PR-1"),
            ("supplier_company", "SU-1"),
            ("project", "PR-1"),
        ],
    );
    let outcome = test.import().all_uploaded(7).exits(0);
    assert_eq!(
        about_records(&outcome.requests),
        [
            "filter_objects contracts 200",
            "filter_objects contracts 200",
            "filter_objects events 200",
            "get_object_by_external_id contracts/CW-1/external_id 200",
            "get_object_by_external_id projects/PR-1/external_id 200",
            "get_object_by_external_id supplier_companies/SU-1/external_id 200",
        ]
    );
    assert_eq!(
        objects_in_results(&test),
        [
            "11 CW-1",
            "12 2019/17",
            "13 v1.2",
            "21 EV-1",
            "31 PR-1",
            "41 SU-1",
            "31 PR-1"
        ]
    );
    test.resume().requests([]).all_uploaded(7).exits(0);
}

#[test]
fn a_manifest_may_name_some_records_by_either_id() {
    let test = with_objects(contracts(2));
    test.write("A1.pdf", "content of A1");
    test.write("A2.pdf", "content of A2");
    test.write(
        "m.csv",
        "file_path,object_type,object_id,object_external_id,external_id\n\
         A1.pdf,contract,1001,,A1\n\
         A2.pdf,contract,,CW-2,A2\n",
    );
    let outcome = test.import().all_uploaded(2).exits(0);
    assert_eq!(
        about_records(&outcome.requests),
        ["get_object_by_external_id contracts/CW-2/external_id 200"]
    );
    assert_eq!(objects_in_results(&test), ["1001 ", "1002 CW-2"]);
}

#[test]
fn a_dry_run_finds_the_records_and_writes_nothing() {
    let test = with_objects(contracts(2));
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    let outcome = test
        .import()
        .args(["--dry-run"])
        .prints("an import of 2 rows would\n          2  create and upload")
        .exits(0);
    assert_eq!(about_records(&outcome.requests).len(), 2);
    assert!(outcome.results.is_none());
}

#[test]
fn rows_whose_records_were_found_need_no_look_up_once_the_service_is_proven_to_refuse_clashes() {
    let test = with_objects(contracts(2));
    let rows: Vec<_> = (0..10)
        .map(|number| ("contract", ["CW-1", "CW-2"][number % 2]))
        .collect();
    write_rows(&test, &rows);
    let outcome = test
        .import()
        .args(["--lookup", "on-clash"])
        .all_uploaded(10)
        .exits(0);
    let look_ups = by_kind(&outcome.requests)["get_by_external_id"];
    assert!(look_ups < 5, "{:#?}", outcome.requests);
}

#[test]
fn consent_to_replacements_is_asked_for_before_records_are_looked_for() {
    let test = with_objects(contracts(1));
    write_rows(&test, &[("contract", "CW-1")]);
    test.import()
        .args(["--on-conflict", "replace", "--no-backup"])
        .stdout("")
        .prints("there is no terminal to ask for consent")
        .requests([])
        .exits(2);
}

/// Waits until the journal of a run has lines of these rows.
fn wait_for_lines(running: &mut RunningTool<'_>, count: usize) {
    let test = running.test;
    running.wait_until("lines are in the journal", || {
        let results = test.path("m.results.csv");
        std::fs::read_to_string(results).is_ok_and(|text| text.lines().count() > count)
    });
}

#[test]
fn a_run_killed_while_it_finds_records_leaves_those_found_to_the_next_run() {
    let test = with_objects(contracts(5)).with_holding_proxy();
    let names: Vec<String> = (1..=5).map(|number| format!("CW-{number}")).collect();
    let rows: Vec<_> = names
        .iter()
        .map(|name| ("contract", name.as_str()))
        .collect();
    write_rows(&test, &rows);
    test.import()
        .while_held(3, HoldMoment::BeforeService, |running| {
            wait_for_lines(running, 2);
            running.kill();
        })
        .exits(EXIT_CODE_KILLED);
    let noted = objects_in_results(&test);
    assert_eq!(noted, ["1001 CW-1", "1002 CW-2"]);
    let outcome = test.resume().all_uploaded(5).exits(0);
    assert_eq!(about_records(&outcome.requests).len(), 3);
}

#[test]
fn after_a_kill_before_any_row_was_tried_the_same_command_goes_on() {
    let test = with_objects(contracts(3)).with_holding_proxy();
    write_rows(
        &test,
        &[
            ("contract", "CW-1"),
            ("contract", "CW-2"),
            ("contract", "CW-3"),
        ],
    );
    // At the first look-up nothing is noted yet, at the third two records are.
    for (held, noted) in [(1, 0), (3, 2)] {
        test.import()
            .while_held(held, HoldMoment::BeforeService, |running| {
                wait_for_lines(running, noted);
                running.kill();
            })
            .with_any_stderr()
            .exits(EXIT_CODE_KILLED);
        assert_eq!(objects_in_results(&test).len(), noted);
    }
    let outcome = test
        .import()
        .prints("m.results.csv: no row was tried yet, so the import goes on with these results\n")
        .all_uploaded(3)
        .exits(0);
    assert_eq!(
        about_records(&outcome.requests),
        ["get_object_by_external_id contracts/CW-3/external_id 200"]
    );
}

#[test]
fn results_replaced_while_records_are_found_are_kept_beside_and_nothing_is_sent() {
    let test = with_objects(contracts(2)).with_holding_proxy();
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    let outcome = test
        .import()
        .while_held(2, HoldMoment::BeforeService, |running| {
            wait_for_lines(running, 1);
            running.test.write("other.csv", "another file");
            let path = running.test.path("other.csv");
            std::fs::rename(path, running.test.path("m.results.csv")).unwrap();
        })
        .leaving_a_journal()
        .prints("stopped early: m.results.csv was replaced by another file while this run wrote")
        .exits(3);
    assert_eq!(
        by_kind(&outcome.requests).len(),
        1,
        "{:?}",
        outcome.requests
    );
    assert!(
        test.read("m.results.kept.csv")
            .contains("contract,1001,A1,pending,not_reached")
    );
    assert_eq!(test.read("m.results.csv"), "another file");
}

#[test]
fn a_second_run_is_refused_while_the_first_finds_records() {
    let test = with_objects(contracts(1)).with_holding_proxy();
    write_rows(&test, &[("contract", "CW-1")]);
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            for second in [running.test.import(), running.test.resume()] {
                second
                    .prints("m.results.csv is in use by another run of consign")
                    .exits(2);
            }
        })
        .all_uploaded(1)
        .exits(0);
}

#[test]
fn an_id_that_a_spreadsheet_would_take_for_a_formula_is_found_and_noted_as_it_is() {
    let test = with_objects(vec![object(ObjectType::Contract, 7, "=CW+1")]);
    write_rows(&test, &[("contract", "=CW+1"), ("contract", "=CW+9")]);
    test.import().with_any_stderr().exits(2);
    write_rows(&test, &[("contract", "=CW+1")]);
    let outcome = test.import().with_any_stderr().all_uploaded(1).exits(0);
    assert_eq!(about_records(&outcome.requests), [""; 0]);
    assert_eq!(objects_in_results(&test), ["7 '=CW+1"]);
}

#[test]
fn a_run_killed_while_it_sends_has_found_all_records() {
    let test = with_objects(contracts(2)).with_holding_proxy();
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    test.import()
        .while_held(4, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    let outcome = test.resume().all_uploaded(2).exits(0);
    assert_eq!(about_records(&outcome.requests), [""; 0]);
    assert_eq!(objects_in_results(&test), ["1001 CW-1", "1002 CW-2"]);
}

#[test]
fn a_done_row_whose_cell_leads_elsewhere_is_a_conflict_and_one_that_leads_back_is_done() {
    let test = with_objects(contracts(2));
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-1")]);
    test.import().all_uploaded(2).exits(0);
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    let outcome = test
        .resume()
        .rows(["A1 uploaded", "A2 conflict object_changed"])
        .prints(
            "the attachment belongs to contract 1001, and the manifest now names contract 1002; \
             an attachment cannot be moved",
        )
        .with_any_stderr()
        .exits(1);
    assert_eq!(
        outcome.requests,
        ["get_object_by_external_id contracts/CW-2/external_id 200"]
    );
    assert_eq!(objects_in_results(&test), ["1001 CW-1", "1001 CW-1"]);
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-1")]);
    test.resume().requests([]).all_uploaded(2).exits(0);
}

#[test]
fn a_page_on_another_host_is_not_asked_for() {
    let stranger = StrangeHost::start();
    let origin = stranger
        .url()
        .replace("/elsewhere?token=CANARY-ELSEWHERE", "");
    let test = with_objects(contracts(120)).configure_emulator(|settings| {
        settings.objects.next_link = NextLink::OtherHost { origin };
    });
    let names: Vec<String> = (100..=111).map(|number| format!("CW-{number}")).collect();
    let rows: Vec<_> = names
        .iter()
        .map(|name| ("contract", name.as_str()))
        .collect();
    write_rows(&test, &rows);
    let outcome = test.import().all_uploaded(12).exits(0);
    let about = by_kind(&outcome.requests);
    assert_eq!(
        (about["list_objects"], about["get_object_by_external_id"]),
        (1, 11)
    );
    stranger.assert_nothing_received();
}

#[test]
fn a_row_under_another_key_is_a_second_copy_by_the_id_that_was_found() {
    let test = with_objects(contracts(1));
    write_rows(&test, &[("contract", "CW-1")]);
    test.import().all_uploaded(1).exits(0);
    let rekeyed = |column: &str, object: &str| {
        test.write(
            "m.csv",
            format!("file_path,object_type,{column},external_id\nA1.pdf,contract,{object},B1\n"),
        );
    };
    for (column, object) in [("object_external_id", "CW-1"), ("object_id", "1001")] {
        rekeyed(column, object);
        test.resume()
            .requests([])
            .prints("--allow-again")
            .with_any_stderr()
            .exits(2);
    }
    rekeyed("object_external_id", "CW-1");
    test.resume()
        .args(["--allow-again=1"])
        .allowing_second_copies()
        .with_any_stderr()
        .stored([("A1", "content of A1"), ("B1", "content of A1")])
        .exits(0);
}

#[test]
fn a_row_under_another_key_is_a_second_copy_once_its_record_is_found() {
    let test = with_objects(contracts(1));
    test.write("A1.pdf", "content of A1");
    test.write(
        "m.csv",
        "file_path,object_type,object_id,external_id\nA1.pdf,contract,1001,A1\n",
    );
    test.import().all_uploaded(1).exits(0);
    test.write(
        "m.csv",
        "file_path,object_type,object_external_id,external_id\nA1.pdf,contract,CW-1,B1\n",
    );
    test.resume()
        .requests(["get_object_by_external_id contracts/CW-1/external_id 200"])
        .prints("--allow-again=1")
        .with_any_stderr()
        .exits(2);
}

#[test]
fn a_base_without_the_records_is_refused_before_any_file_is_read() {
    let test = ImportTest::new();
    write_rows(&test, &[("contract", "CW-1"), ("contract", "CW-2")]);
    let outcome = test
        .consign(["import", "m.csv", "--base-url", "http://127.0.0.1:1/v1"])
        .stdout("")
        .stderr(
            "error: nothing was sent: 2 rows name their records by object_external_id, and the \
             base URL http://127.0.0.1:1/v1 does not end in /services/attachments/v1, beside which \
             the services of contracts, events, projects and suppliers stand; give a base URL with \
             this end, or the records' own ids in object_id\n",
        )
        .exits(2);
    assert!(outcome.results.is_none());
}
