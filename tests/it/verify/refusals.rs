//! Verifications refused before any request.

use consign::emulator::AcceptedAttachmentKeys;

use super::imported;
use crate::harness::{
    HoldMoment, ImportTest, MANIFEST_HEADER, ResultsTable, TestRun, manifest_row,
};

#[test]
fn another_base_than_that_of_the_results_is_refused_and_gets_no_key() {
    let (test, other) = (imported(1), imported(1));
    let base = other.service().base_url();
    let before = other.service().request_log().len();
    test.consign(["verify", ResultsTable::DEFAULT_NAME, "--base-url", &base])
        .prints("m.results.csv was made with [label], and this run would ask")
        .exits(2);
    assert_eq!(other.service().request_log().len(), before);
    assert!(!test.path("m.results.verification.csv").exists());
}

#[test]
fn no_base_at_all_is_not_taken_from_the_results() {
    let test = imported(1);
    test.consign(["verify", ResultsTable::DEFAULT_NAME])
        .prints("--base-url")
        .exits(2);
}

#[test]
fn the_embedded_emulator_is_not_the_one_that_the_results_were_made_with() {
    let test = imported(1);
    test.consign(["verify", ResultsTable::DEFAULT_NAME, "--emulator"])
        .with_any_stderr()
        .exits(2);
}

#[test]
fn the_root_of_the_files_is_no_option_since_they_are_not_compared() {
    let test = imported(1);
    test.verify()
        .args(["--root", "."])
        .prints("unexpected argument '--root' found")
        .exits(2);
    assert!(!test.path("m.results.verification.csv").exists());
}

#[test]
fn what_is_no_results_file_is_refused_by_name() {
    let test = imported(1);
    test.write("empty.csv", "");
    let base = test.service().base_url();
    for name in ["m.csv", "A1.pdf", "empty.csv", "nowhere.csv", "."] {
        test.consign(["verify", name, "--base-url", &base])
            .prints(name)
            .exits(2);
    }
}

#[test]
fn results_that_a_run_is_writing_are_refused() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(4, HoldMoment::BeforeService, |running| {
            let test = running.test;
            let before = test.service().request_log().len();
            let (code, stdout, stderr) = test.verify().start().wait_for_exit();
            assert_eq!(code, 2, "{stdout}{stderr}");
            assert!(stderr.contains("m.results.csv"), "{stderr}");
            assert_eq!(test.service().request_log().len(), before);
        })
        .exits(0);
}

#[test]
fn keys_that_are_rejected_end_it_and_nothing_counts_as_verified() {
    let keys = |run: TestRun<'_>, key: &str| {
        run.env_var("WORKDAY_API_KEY", key)
            .env_var("WORKDAY_USER_TOKEN", "token")
            .env_var("WORKDAY_USER_EMAIL", "me@example.com")
            .exits(if key == "good" { 0 } else { 3 })
    };
    let test = ImportTest::with_rows(2).configure_emulator(|settings| {
        settings.attachments.accepted_keys = AcceptedAttachmentKeys::Only {
            api_key: "good".to_owned().into(),
            user_token: "token".to_owned().into(),
            user_email: "me@example.com".to_owned(),
        };
    });
    keys(test.import(), "good");
    let outcome = keys(test.verify().prints("401"), "bad");
    assert!(outcome.requests.iter().all(|request| request == "list 401"));
    keys(test.verify().outcomes(["A1 match", "A2 match"]), "good");
}

#[test]
fn results_of_no_rows_that_are_done_take_no_request() {
    let test = ImportTest::with_rows(1).manifest(
        MANIFEST_HEADER.to_owned() + &manifest_row("A1").replace("A1.pdf", "nowhere.pdf"),
    );
    test.import()
        .args(["--skip-invalid"])
        .with_any_stderr()
        .exits(1);
    test.verify()
        .outcomes(["A1 not_done"])
        .requests([])
        .exits(1);
}

#[test]
fn rows_of_no_known_type_leave_nothing_to_ask() {
    let test = ImportTest::new()
        .file("A1.pdf", "x")
        .manifest(format!("{MANIFEST_HEADER}A1.pdf,contrct,1,A1\n"));
    test.import()
        .args(["--skip-invalid"])
        .rows(["A1 invalid not_fit"])
        .with_any_stderr()
        .exits(1);
    test.verify()
        .stderr(
            "error: m.results.csv has no row with a known type of record, so the service of the \
             results is unknown\n",
        )
        .exits(2);
}
