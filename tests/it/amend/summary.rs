//! Summaries of runs with changes.

use consign::emulator::{EmulatorOperation, FaultTrigger};
use serde_json::{Value, json};

use super::OTHER;
use crate::harness::{ImportTest, TestRun, status_effect};

const NEW: &str = "something longer than before";

/// Leaves an attachment without content: the storage refuses the new content, and the old one has
/// no backup.
fn without_content() -> ImportTest {
    let second = FaultTrigger::Nth(2);
    let test = ImportTest::with_rows(1).inject_fault(
        EmulatorOperation::Upload,
        second,
        status_effect(400),
    );
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    test
}

fn replacing(test: &ImportTest) -> TestRun<'_> {
    test.resume()
        .args(["--on-conflict", "replace", "--no-backup", "--yes"])
}

#[test]
fn an_attachment_that_waits_for_content_is_named_before_anything_else() {
    let test = without_content();
    let outcome = replacing(&test)
        .prints(
            "1 attachment waits for new content, and may be without any until you go on with \
             --resume:\n\
             \x20 row 1, external_id \"A1\", attachment 1: the old content, 13 bytes, was not \
             kept\n",
        )
        .exits(1);
    let line = outcome.stdout.find("1 attachment waits").unwrap();
    assert!(line < outcome.stdout.find("results: ").unwrap());
}

#[test]
fn scripts_are_told_which_attachments_wait_for_content() {
    let test = without_content();
    let outcome = replacing(&test).args(["--output", "json"]).exits(1);
    let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        found["waiting_for_content"],
        json!({
            "list": [{
                "row": 1,
                "external_id": "A1",
                "attachment_id": "1",
                "previous_size": 13,
                "backup": null,
                "may_be_there": false,
            }],
            "not_listed": 0,
        })
    );
}

#[test]
fn what_was_kept_is_told_apart_from_what_is_the_same() {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("A2.pdf", NEW);
    test.import()
        .args(["--on-conflict", "skip"])
        .stdout(
            "all 2 rows done (0 B sent in [time], 2 requests)\n\
             \x20 skipped           2  there already; 1 row has other content, which was kept\n\
             results: m.results.csv\n",
        )
        .exits(0);
}
