//! Failed and unclear jobs, and the lines in the results.

use std::time::Duration;

use consign::emulator::EmulatorOperation::{CreateJob, Upload};
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{JobEnding, MissingFilesOutcome};

use crate::harness::{ImportTest, assert_attached_once, status_effect};

#[test]
fn a_job_that_never_ends_leaves_its_rows_to_a_later_run_with_its_last_word() {
    let test =
        ImportTest::with_event_rows(2).configure_jobs(|jobs| jobs.terms.ending = JobEnding::Never);
    test.import()
        .args(["--job-timeout", "5s"])
        .prints("2 of 2 rows not done")
        .prints("--job-timeout 5s --resume\n")
        .rows(["A1 pending job_running", "A2 pending job_running"])
        .attached([])
        .exits(1);
    assert_eq!(
        test.results().cell("A2", "message"),
        "the storage took the file, and the job has not ended: its last status is \"RUNNING\"; run \
         the import again with --resume later"
    );
    let job = test.results().cell("A2", "attachment_id").to_owned();
    test.resume()
        .args(["--job-timeout", "5s"])
        .rows(["A1 pending job_running", "A2 pending job_running"])
        .exits(1);
    // No second job is created, however long the first takes.
    assert_eq!(test.service().count_requests(CreateJob), 1);
    assert_eq!(test.service().count_requests(Upload), 2);
    assert_eq!(test.results().cell("A2", "attachment_id"), job);
}

#[test]
fn a_word_for_success_that_nobody_knew_can_be_named() {
    let test = ImportTest::with_event_rows(1)
        .configure_jobs(|jobs| jobs.status_words.success = "ATTACHED_ALL".to_owned());
    test.import()
        .args(["--job-timeout", "5s"])
        .rows(["A1 pending job_running"])
        .exits(1);
    let message = test.results().cell("A1", "message").to_owned();
    assert!(
        message.contains("its last status is \"ATTACHED_ALL\""),
        "{message}"
    );
    test.resume()
        .args(["--success-status", "attached_all"])
        .requests(["get_job J1 200"])
        .rows(["A1 uploaded"])
        .attached(["A1"])
        .exits(0);
}

/// Service which refuses one of two files, so the job fails in the end.
fn half_refused() -> ImportTest {
    ImportTest::with_event_rows(2)
        .configure_jobs(|jobs| jobs.terms.give_up_after = Duration::from_millis(500))
        .inject_fault(Upload, Nth(1), status_effect(400))
}

/// Returns the reasons of all rows, in alphabetical order: the order of the files in a job is
/// random.
fn reasons(test: &ImportTest) -> Vec<String> {
    let results = test.results();
    let reasons = results
        .lines
        .iter()
        .map(|line| line.cell("reason").to_owned());
    let mut reasons: Vec<String> = reasons.collect();
    reasons.sort();
    reasons
}

#[test]
fn of_a_job_that_failed_for_one_file_the_others_are_tried_again_only_on_demand() {
    let test = half_refused();
    test.import()
        .prints("failed, upload_refused: the storage refused the file: status 400")
        .prints("bidders may see some already")
        .exits(1);
    assert_eq!(reasons(&test), ["job_failed", "upload_refused"]);
    // The file refused by the storage is sent again; the other file is not.
    test.resume().prints("failed, job_failed").exits(1);
    assert_eq!(reasons(&test), ["", "job_failed"]);
    assert_eq!(test.service().attached_files().len(), 1);
    test.resume()
        .args(["--retry-failed-jobs"])
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_job_that_ends_well_without_a_file_does_so_for_the_others() {
    let test =
        half_refused().configure_jobs(|jobs| jobs.terms.missing = MissingFilesOutcome::Completes);
    test.import()
        .prints("failed, upload_refused: the storage refused the file: status 400")
        .exits(1);
    assert_eq!(reasons(&test), ["", "upload_refused"]);
    assert_eq!(test.service().attached_files().len(), 1);
    test.resume().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_file_that_the_service_took_and_rejected_is_told_with_its_reason() {
    let test = ImportTest::with_event_rows(2).altering_json(|job| {
        if job["status"] == "COMPLETED" {
            let rejected = &mut job["detail"]["files"][1];
            rejected["status"] = "REJECTED".into();
            rejected["error"] = "a virus was found".into();
        }
    });
    test.import()
        .prints(
            "row 2, external_id \"A2\": failed, not_attached: the storage took the file, and the job \
             did not attach it: REJECTED a virus was found\n",
        )
        .rows(["A1 uploaded", "A2 failed not_attached"])
        .exits(1);
}
