//! `--max-errors` and `--skip-invalid`: tolerated failures.

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultTrigger::{EveryNth, FirstN};

use crate::harness::{ImportTest, MANIFEST_HEADER, manifest_row, status_effect};

#[test]
fn a_run_stops_at_one_failure_more_than_are_allowed() {
    let test = ImportTest::with_rows(4).inject_fault(Create, FirstN(2), status_effect(422));
    test.import()
        .args(["--max-errors", "1"])
        .stdout(
            "4 of 4 rows not done (0 B sent in [time], 6 requests)\n\
             \x20 failed            2  tried, and cannot succeed as they are; see reason and \
             message\n\
             \x20 pending           2  not reached, or to be tried again by --resume\n\
             row 1, external_id \"A1\": failed, refused: the service refused the attachment: \
             status 422: Validation Error: this answer comes from a scripted fault\n\
             row 2, external_id \"A2\": failed, refused: the service refused the attachment: \
             status 422: Validation Error: this answer comes from a scripted fault\n\
             stopped early: 2 rows failed, more than --max-errors allows\n\
             results: m.results.csv\n\
             to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
             --max-errors 1 --resume\n",
        )
        .rows([
            "A1 failed refused",
            "A2 failed refused",
            "A3 pending not_reached",
            "A4 pending not_reached",
        ])
        .requests([
            "get_by_external_id A1 404",
            "create 422 status",
            "get_by_external_id A1 404",
            "get_by_external_id A2 404",
            "create 422 status",
            "get_by_external_id A2 404",
        ])
        .exits(3);
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded", "A4 uploaded"])
        .stored_rows(["A1", "A2", "A3", "A4"])
        .exits(0);
}

#[test]
fn a_run_goes_through_as_long_as_no_more_fail_than_are_allowed() {
    let test = ImportTest::with_rows(4).inject_fault(Create, EveryNth(2), status_effect(422));
    test.import()
        .args(["--max-errors", "2"])
        .rows([
            "A1 uploaded",
            "A2 failed refused",
            "A3 uploaded",
            "A4 failed refused",
        ])
        .exits(1);
}

#[test]
fn valid_rows_go_through_when_the_others_are_to_be_skipped() {
    let test = ImportTest::with_rows(3).manifest(format!(
        "{MANIFEST_HEADER}{}A2.pdf,contarct,2,A2\n{}",
        manifest_row("A1"),
        manifest_row("A3")
    ));
    let told = "m.csv line 3 (row 2), column object_type: \"contarct\" is not an object type; \
                did you mean contract? Allowed are contract, event, project, supplier_company, \
                sourcing_event, sourcing_request\n";
    test.import()
        .args(["--skip-invalid"])
        .stderr(told)
        .stdout(
            "1 of 3 rows not done (26 B sent in [time], 5 requests)\n\
             \x20 uploaded          2  stored, and the size confirmed by the service\n\
             \x20 invalid           1  not fit to send; see message\n\
             results: m.results.csv\n\
             to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
             --skip-invalid --resume\n",
        )
        .rows(["A1 uploaded", "A2 invalid not_fit", "A3 uploaded"])
        .stored_rows(["A1", "A3"])
        .exits(1);
    assert_eq!(
        test.results().cell("A2", "message"),
        "column object_type: \"contarct\" is not an object type; did you mean \
         contract? Allowed are contract, event, project, supplier_company, sourcing_event, \
         sourcing_request"
    );
    test.write(
        "m.csv",
        format!(
            "{MANIFEST_HEADER}{}{}{}",
            manifest_row("A1"),
            manifest_row("A2"),
            manifest_row("A3")
        ),
    );
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
        ])
        .exits(0);
}

#[test]
fn an_invalid_row_takes_nothing_from_what_the_results_know_of_its_external_id() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    // The copy gives two rows the external id of a done row.
    test.write("m.csv", test.read("m.csv") + "A2.pdf,contract,9,A1\n");
    test.resume()
        .args(["--skip-invalid"])
        .prints("\"A1\" is also in line 4 (row 3); give each row an id of its own")
        .rows([
            "A1 invalid not_fit",
            "A2 uploaded",
            "A1 invalid not_fit",
            "A1 uploaded",
        ])
        .requests([])
        .exits(1);
    test.write(
        "m.csv",
        format!(
            "{MANIFEST_HEADER}{}{}",
            manifest_row("A1"),
            manifest_row("A2")
        ),
    );
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([])
        .stored_rows(["A1", "A2"])
        .exits(0);
}
