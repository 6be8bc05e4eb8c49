//! Jobs that do not end as jobs should, and what the results say of them.

use std::time::Duration;

use consign::emulator::Ending;
use consign::emulator::Operation::{CreateJob, Upload};
use consign::emulator::When::Nth;

use crate::harness::{Test, attached_once, status};

#[test]
fn a_job_that_never_ends_leaves_its_rows_to_a_later_run_with_its_last_word() {
    let test = Test::of_event(2).jobs(|jobs| jobs.terms.ending = Ending::Never);
    test.import()
        .args(["--job-timeout", "5s"])
        .says("2 of 2 rows not done")
        .says("--job-timeout 5s --resume\n")
        .rows(["A1 pending job_running", "A2 pending job_running"])
        .attached([])
        .exits(1);
    assert_eq!(
        test.results().cell("A2", "message"),
        "the storage took the file, and the job has not ended: its last word is \"RUNNING\"; run \
         again with --resume later"
    );
    let job = test.results().cell("A2", "attachment_id").to_owned();
    test.resume()
        .args(["--job-timeout", "5s"])
        .rows(["A1 pending job_running", "A2 pending job_running"])
        .exits(1);
    // Whatever it takes, it is the only one.
    assert_eq!(test.service().count_of(CreateJob), 1);
    assert_eq!(test.service().count_of(Upload), 2);
    assert_eq!(test.results().cell("A2", "attachment_id"), job);
}

#[test]
fn a_word_for_success_that_nobody_knew_can_be_named() {
    let test = Test::of_event(1).jobs(|jobs| jobs.words.success = "ATTACHED_ALL".to_owned());
    test.import()
        .args(["--job-timeout", "5s"])
        .rows(["A1 pending job_running"])
        .exits(1);
    let message = test.results().cell("A1", "message").to_owned();
    assert!(
        message.contains("its last word is \"ATTACHED_ALL\""),
        "{message}"
    );
    test.resume()
        .args(["--success-status", "attached_all"])
        .requests(["get_job J1 200"])
        .rows(["A1 uploaded"])
        .attached(["A1"])
        .exits(0);
}

/// An import of two files of which the storage refuses one, so that the job fails in the end.
fn half_refused() -> Test {
    Test::of_event(2)
        .jobs(|jobs| jobs.terms.give_up_after = Duration::from_millis(500))
        .fault(Upload, Nth(1), status(400))
}

#[test]
fn the_rows_of_a_job_that_failed_with_bytes_are_tried_again_only_on_demand() {
    let test = half_refused();
    test.import().whatever_it_says().exits(1);
    let results = test.results();
    let mut reasons: Vec<&str> = results
        .lines
        .iter()
        .map(|line| line.cell("reason"))
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["job_failed", "upload_refused"]);
    let failed = results
        .lines
        .iter()
        .find(|line| line.cell("reason") == "job_failed")
        .unwrap();
    assert_eq!(failed.cell("message"), "?");
    // What the storage refused is sent again, the other file is not.
    test.resume().whatever_it_says().exits(1);
    assert_eq!(test.service().attached().len(), 1);
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .args(["--retry-failed-jobs"])
        .exits(0);
    attached_once(&test);
}
