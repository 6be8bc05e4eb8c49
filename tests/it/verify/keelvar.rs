//! Verification of imports to Keelvar. A job reports its end, and no request shows the files, so no
//! row passes.

use consign::emulator::JobEnding;

use crate::harness::ImportTest;

#[test]
fn a_job_that_ended_in_success_is_all_that_can_be_told_and_passes_nothing() {
    let test = ImportTest::with_event_rows(3);
    test.import().all_uploaded(3).exits(0);
    let outcome = test
        .verify()
        .with_fast_clock()
        .outcomes(["A1 unverifiable", "A2 unverifiable", "A3 unverifiable"])
        .requests(["get_job J1 200"])
        .with_any_stderr()
        .exits(1);
    assert!(
        outcome.stdout.contains("unverifiable"),
        "{}",
        outcome.stdout
    );
    for column in ["found_size", "found_sha256"] {
        assert_eq!(test.verification().cell("A1", column), "");
    }
}

#[test]
fn a_job_that_has_not_ended_is_pending() {
    let test = ImportTest::with_event_rows(1)
        .configure_jobs(|jobs| jobs.status_words.success = "ATTACHED_ALL".to_owned());
    test.import()
        .args(["--success-status", "attached_all"])
        .all_uploaded(1)
        .exits(0);
    test.verify()
        .with_fast_clock()
        .outcomes(["A1 pending"])
        .prints("ATTACHED_ALL")
        .exits(1);
    test.verify()
        .with_fast_clock()
        .args(["--success-status", "attached_all"])
        .outcomes(["A1 unverifiable"])
        .exits(1);
}

#[test]
fn rows_that_no_job_has_attached_are_not_done() {
    let test =
        ImportTest::with_event_rows(2).configure_jobs(|jobs| jobs.terms.ending = JobEnding::Never);
    test.import().args(["--job-timeout", "5s"]).exits(1);
    test.verify()
        .with_fast_clock()
        .outcomes(["A1 not_done", "A2 not_done"])
        .requests([])
        .exits(1);
}

#[test]
fn there_is_nothing_to_download() {
    let test = ImportTest::with_event_rows(1);
    test.import().all_uploaded(1).exits(0);
    test.verify()
        .args(["--download", "all"])
        .prints("--download")
        .exits(2);
}
