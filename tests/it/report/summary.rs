//! Messages of `consign report`: to people, to scripts, and on unreadable inputs.

use std::fs;

use consign::results::{ResultsEntry, Status};
use serde_json::Value;

use super::{HTML, VERIFICATION, report, uploaded, with_results};
use crate::harness::{ImportTest, ResultsTable};

fn failed(row: usize) -> ResultsEntry {
    ResultsEntry {
        status: Status::Failed,
        ..uploaded(row)
    }
}

/// Returns the message on exceptions, or `None` if there is no message.
fn exceptions(test: &ImportTest) -> Option<String> {
    let said = report(test).exits(0).stdout;
    let mut lines = said.lines();
    lines
        .find(|line| line.contains("exception"))
        .map(str::to_owned)
}

#[test]
fn exceptions_are_counted_where_there_are_some() {
    let test = with_results([uploaded(1), failed(2), failed(3)]);
    let told = exceptions(&test);
    assert_eq!(
        told.as_deref(),
        Some("2 exceptions in the report, each with what to do")
    );
    assert_eq!(exceptions(&with_results([uploaded(1)])), None);
}

#[test]
fn scripts_are_told_whether_the_results_are_damaged() {
    let summary = |test: &ImportTest| -> Value {
        let run = report(test).args(["--output", "json"]).leaving_a_journal();
        serde_json::from_str(&run.exits(0).stdout).unwrap()
    };
    let test = with_results([uploaded(1), uploaded(2)]);
    assert_eq!(summary(&test)["damaged"], false);
    let altered = test
        .read(ResultsTable::DEFAULT_NAME)
        .replace("A2.pdf", "A7.pdf");
    test.write(ResultsTable::DEFAULT_NAME, altered);
    assert_eq!(summary(&test)["damaged"], true);
    assert_eq!(summary(&test)["rows"], 1);
}

#[test]
fn a_verification_that_is_there_and_is_no_file_is_not_passed_over() {
    let test = with_results([uploaded(1)]);
    fs::create_dir(test.path(VERIFICATION)).unwrap();
    report(&test)
        .prints(VERIFICATION)
        .prints("a plain file is expected")
        .exits(2);
    assert!(!test.path(HTML).exists());
}
