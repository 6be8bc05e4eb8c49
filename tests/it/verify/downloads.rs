//! Failing downloads: interrupted transfers are repeated, and wrong answers reported.

use consign::emulator::EmulatorOperation::Download;
use consign::emulator::FaultEffect::{
    self, EndlessBody, ExpiredUrl, Html200, LoseAnswer, Reset, StalledBody, TruncatedBody,
    WithholdAnswer,
};
use consign::emulator::FaultTrigger::{self, EveryNth, Nth};

use super::import;
use crate::harness::{ImportTest, TestRun, status_effect};

/// Imports a row whose downloads fail.
fn faulty(when: FaultTrigger, effect: FaultEffect) -> ImportTest {
    import(
        ImportTest::with_rows(1).inject_fault(Download, when, effect),
        1,
    )
}

fn download(test: &ImportTest) -> TestRun<'_> {
    test.verify().args(["--download", "all"])
}

/// Returns the requests of a verification whose first download fails, with its result.
fn twice(first: &str) -> [String; 5] {
    let first = format!("download A1 {first}");
    [
        "list 200",
        "get A1 200",
        &first,
        "get A1 200",
        "download A1 200",
    ]
    .map(str::to_owned)
}

#[track_caller]
fn is_repeated(effect: FaultEffect, first: &str) {
    let test = faulty(Nth(1), effect);
    let requests = twice(first);
    download(&test)
        .with_fast_clock()
        .outcomes(["A1 match"])
        .requests(requests.iter().map(String::as_str))
        .with_any_stderr()
        .exits(0);
    let proven = test.verification();
    assert_eq!(
        proven.cell("A1", "found_sha256"),
        test.results().cell("A1", "sha256")
    );
}

#[test]
fn the_address_is_asked_for_just_before_each_download() {
    let test = import(ImportTest::with_rows(2), 2);
    download(&test)
        .outcomes(["A1 match", "A2 match"])
        .requests([
            "list 200",
            "get A1 200",
            "download A1 200",
            "get A2 200",
            "download A2 200",
        ])
        .exits(0);
}

#[test]
fn an_address_that_has_expired_is_asked_for_anew() {
    is_repeated(ExpiredUrl, "403 expired_url");
}

#[test]
fn a_download_that_breaks_off_is_begun_again() {
    is_repeated(TruncatedBody, "200 truncated_body");
}

#[test]
fn a_download_that_stalls_is_begun_again() {
    is_repeated(StalledBody, "200 stalled_body");
}

#[test]
fn a_download_whose_connection_ends_before_it_begins_is_begun_again() {
    is_repeated(Reset, "- reset");
    is_repeated(LoseAnswer, "200 lose_answer");
}

#[test]
fn a_storage_that_is_silent_is_asked_again() {
    is_repeated(WithholdAnswer, "200 withhold_answer");
}

#[test]
fn a_storage_that_has_a_bad_moment_is_asked_again() {
    is_repeated(status_effect(503), "503 status");
}

#[test]
fn a_download_without_an_end_is_left_and_matches_nothing() {
    let test = faulty(EveryNth(1), EndlessBody);
    download(&test)
        .outcomes(["A1 content_differs"])
        .requests(["list 200", "get A1 200", "download A1 200 endless_body"])
        .exits(1);
    let line = test.verification();
    assert_eq!(
        line.cell("A1", "message"),
        "the storage holds more bytes than the service shows"
    );
    assert_eq!(line.cell("A1", "found_sha256"), "");
}

#[test]
fn a_storage_that_refuses_every_address_is_given_up_and_said() {
    let test = faulty(EveryNth(1), ExpiredUrl);
    let outcome = download(&test)
        .with_fast_clock()
        .outcomes(["A1 error"])
        .exits(1);
    assert!(
        outcome
            .requests
            .iter()
            .filter(|one| *one == "download A1 403 expired_url")
            .count()
            > 1,
        "{:?}",
        outcome.requests
    );
    assert_eq!(
        test.verification().cell("A1", "message"),
        "the bytes could not be downloaded: the storage refuses each new address"
    );
}

#[test]
fn a_file_that_the_storage_does_not_have_is_an_error() {
    let test = faulty(EveryNth(1), status_effect(404));
    download(&test)
        .outcomes(["A1 error"])
        .requests(["list 200", "get A1 200", "download A1 404 status"])
        .exits(1);
    let line = test.verification();
    let message = line.cell("A1", "message");
    assert!(
        message.starts_with("the bytes could not be downloaded: ") && message.contains("404"),
        "{message}"
    );
}

#[test]
fn the_page_of_a_proxy_is_not_taken_for_the_file() {
    let test = faulty(EveryNth(1), Html200);
    download(&test).outcomes(["A1 error"]).exits(1);
    assert_eq!(
        test.verification().cell("A1", "message"),
        "the bytes could not be downloaded: a web page came in place of the file; is a proxy or a \
         sign-in page in between?"
    );
}

#[test]
fn one_bad_download_does_not_keep_the_others_from_being_proven() {
    let test = ImportTest::with_rows(5).inject_fault(Download, Nth(3), status_effect(404));
    let test = import(test, 5);
    download(&test)
        .outcomes(["A1 match", "A2 match", "A3 error", "A4 match", "A5 match"])
        .exits(1);
}

#[test]
fn many_downloads_at_once_all_come_to_an_end() {
    let test = ImportTest::with_rows(60).inject_fault(Download, EveryNth(7), TruncatedBody);
    let test = import(test, 60);
    let everything: Vec<String> = (1..=60).map(|number| format!("A{number} match")).collect();
    let outcome = test
        .verify_at_once(8)
        .args(["--download", "all"])
        .with_fast_clock()
        .outcomes(everything.iter().map(String::as_str))
        .with_any_stderr()
        .exits(0);
    let broken = outcome
        .requests
        .iter()
        .filter(|one| one.ends_with("truncated_body"));
    assert!(broken.count() >= 60 / 7);
}
