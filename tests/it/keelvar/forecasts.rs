//! Predictions before any request: dry runs and checks.

use serde_json::json;

use crate::harness::{
    ImportTest, OTHER_SOURCING_EVENT, ResultsTable, SOURCING_EVENT, SOURCING_REQUEST,
    manifest_row_for_object,
};

#[test]
fn a_dry_run_tells_jobs_look_ups_and_the_time_that_these_take_at_the_least() {
    let test = ImportTest::with_object_rows([
        (SOURCING_EVENT, 10),
        (OTHER_SOURCING_EVENT, 1),
        (SOURCING_REQUEST, 2),
    ]);
    test.import()
        .args(["--dry-run"])
        .stdout(
            "an import of 13 rows would\n\
             \x20        13  create and upload, 173 B\n\
             the import would take 4 jobs and at least 8 look-ups: 14 s or more at what the \
             service allows; this dry run changed nothing\n",
        )
        .requests([])
        .attached([])
        .exits(0);
    assert!(!test.path(ResultsTable::DEFAULT_NAME).exists());
}

#[test]
fn a_dry_run_tells_scripts_in_json_how_many_jobs_there_would_be() {
    let test = ImportTest::with_event_rows(3);
    let outcome = test
        .import()
        .args(["--dry-run", "--output", "json", "--files-per-job", "2"])
        .requests([])
        .exits(0);
    let found: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        found,
        json!({
            "rows": 3,
            "done_before": 0,
            "files_in_no_row": { "count": 0, "paths": [], "search": "complete" },
            "create": 3,
            "create_bytes": 39,
            "go_on": 0,
            "go_on_bytes": 0,
            "skip": 0,
            "keep": 0,
            "not_done": {},
            "jobs": 2,
            "requests": 6,
            "seconds_at_the_rate": 6.0,
        })
    );
}

#[test]
fn a_dry_run_of_a_resume_counts_what_is_left_alone() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    test.write("A3.pdf", "content of A3");
    test.write(
        "m.csv",
        test.read("m.csv") + &manifest_row_for_object("A3", SOURCING_EVENT),
    );
    let before = test.read(ResultsTable::DEFAULT_NAME);
    test.resume()
        .args(["--dry-run"])
        .stdout(
            "an import of 3 rows would\n\
             \x20         1  create and upload, 13 B\n\
             \x20         2  leave alone: done by an earlier run\n\
             the import would take 1 job and at least 2 look-ups: 2 s or more at what the service \
             allows; this dry run changed nothing\n",
        )
        .requests([])
        .exits(0);
    assert_eq!(test.read(ResultsTable::DEFAULT_NAME), before);
}

#[test]
fn a_check_needs_no_service() {
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 2), (SOURCING_REQUEST, 1)]);
    test.check()
        .stdout(
            "m.csv: 3 rows, 3 files, 39 B\n\
             \x20 sourcing_event           2\n\
             \x20 sourcing_request         1\n\
             nothing is wrong\n",
        )
        .exits(0);
}
