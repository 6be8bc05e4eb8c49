//! `import --dry-run`: predictions of an import.

mod records;

use serde_json::json;

use crate::harness::{ImportTest, TestRun, manifest_row};

const OTHER: &str = "other.results.csv";

/// Service with A1 and A2 stored, and local files among which A2's has changed since.
fn mixed() -> ImportTest {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    let manifest = test.read("m.csv") + &manifest_row("A3") + &manifest_row("A4");
    for id in ["A3", "A4"] {
        test.write(&format!("{id}.pdf"), format!("content of {id}"));
    }
    test.write("A2.pdf", "something longer than before");
    test.write("m.csv", manifest);
    test
}

fn looks_everything_up(run: TestRun<'_>) -> TestRun<'_> {
    run.requests([
        "get_by_external_id A1 200",
        "get_by_external_id A2 200",
        "get_by_external_id A3 404",
        "get_by_external_id A4 404",
        "get_object contracts/3 200",
        "get_object contracts/4 200",
    ])
}

#[test]
fn a_dry_run_tells_what_an_import_would_do_and_sends_only_look_ups() {
    let test = mixed();
    looks_everything_up(test.import().args(["--dry-run"]))
        .stdout(
            "an import of 4 rows would\n\
             \x20         2  create and upload, 26 B\n\
             \x20         1  skip: there already, with the same size\n\
             \x20         1  not be able to finish: conflict\n\
             row 2, external_id \"A2\": conflict, stored_other_size\n\
             rows by the state of their record: 2 active contracts; no document says which states refuse \
             attachments\n\
             looking at records took 2 requests, which the import does without\n\
             the import would take 7 requests: less than 1 s at this rate; this dry run changed \
             nothing\n\
             with --lookup each: 7 requests, less than 1 s; with --lookup on-clash: 11 requests, \
             less than 1 s\n\
             on-clash relies on the service to refuse an external_id in use within the type \
             contract, the only one of the rows, which is not documented: each run tries \
             first, with 1 or 2 attachments without content, and looks every row up if the service \
             does not refuse\n",
        )
        .stored_rows(["A1", "A2"])
        .exits(1);
    assert!(
        !test.path("m.results.csv").exists(),
        "no results were written"
    );
}

#[test]
fn a_dry_run_exits_as_the_import_does_afterwards() {
    let test = mixed();
    looks_everything_up(test.import().args(["--dry-run"]))
        .prints("conflict")
        .exits(1);
    test.import()
        .rows([
            "A1 skipped",
            "A2 conflict stored_other_size",
            "A3 uploaded",
            "A4 uploaded",
        ])
        .prints("1 of 4 rows not done (26 B sent in [time], 7 requests)")
        .exits(1);

    let test = ImportTest::with_rows(2);
    test.import().args(["--dry-run"]).exits(0);
    test.import().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
}

#[test]
fn a_dry_run_tells_scripts_in_json() {
    let test = mixed();
    let outcome = test
        .import()
        .args(["--dry-run", "--output", "json"])
        .exits(1);
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        found,
        json!({
            "rows": 4,
            "done_before": 0,
            "files_in_no_row": { "count": 0, "paths": [], "search": "complete" },
            "create": 2,
            "create_bytes": 26,
            "go_on": 0,
            "go_on_bytes": 0,
            "skip": 1,
            "keep": 0,
            "not_done": { "conflict": 1 },
            "records": {
                "requests": 2,
                "found": 2,
                "missing": 0,
                "rows_by_state": [{ "object_type": "contract", "state": "active", "rows": 2 }],
                "copies": {
                    "rows": 0,
                    "list": [],
                    "not_listed": 0,
                    "records_unknown": 0,
                    "attachments_unknown": 0,
                },
            },
            "requests": 7,
            "seconds_at_the_rate": 0.0035,
            "lookup": {
                "each": { "requests": 7, "seconds_at_the_rate": 0.0035 },
                "on_clash": { "requests": 11, "seconds_at_the_rate": 0.0055 },
                "on_clash_as_each": null,
            },
        })
    );
}

#[test]
fn a_dry_run_of_a_resume_leaves_the_results_as_they_are() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    let before = test.read("m.results.csv");
    test.write("A3.pdf", "content of A3");
    test.write("m.csv", test.read("m.csv") + &manifest_row("A3"));
    test.resume()
        .args(["--dry-run"])
        .stdout(
            "an import of 3 rows would\n\
             \x20         1  create and upload, 13 B\n\
             \x20         2  leave alone: done by an earlier run\n\
             rows by the state of their record: 1 active contract; no document says which states refuse \
             attachments\n\
             looking at records took 1 request, which the import does without\n\
             the import would take 3 requests: less than 1 s at this rate; this dry run changed \
             nothing\n\
             --lookup on-clash would look every row up, too: all new rows are for one record, which \
             proves nothing\n",
        )
        .requests(["get_by_external_id A3 404", "get_object contracts/3 200"])
        .exits(0);
    assert_eq!(test.read("m.results.csv"), before);
}
