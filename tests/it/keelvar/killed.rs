//! Imports killed at one chosen request, as by a loss of power, and the resumes after them.

use std::thread;
use std::time::Duration;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::{FileStatusDisplay, MissingFilesOutcome, PartialFilesOutcome};
use serde_json::Value;

use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, ResultsTable, RunningTool, assert_attached_once,
};

const ALL_UPLOADED: [&str; 3] = ["A1 uploaded", "A2 uploaded", "A3 uploaded"];

/// Time for which the jobs of an impatient service wait for missing files.
const PATIENCE: Duration = Duration::from_millis(500);

/// Kills an import of three rows, which share a job, at one moment.
#[track_caller]
fn killed(test: &ImportTest, nth: usize, moment: HoldMoment) {
    test.import()
        .while_held(nth, moment, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
}

/// Kills an import of three rows when the job has two of the files. The third never arrives.
#[track_caller]
fn killed_with_two_files_of_three(test: &ImportTest) {
    test.import()
        .while_held(5, HoldMoment::BeforeService, |running| {
            let service = running.test.service();
            running.wait_until("the others are there", || {
                service.count_requests(Upload) == 2
            });
            running.kill();
        })
        .exits(EXIT_CODE_KILLED);
}

/// Returns the requests of a run which begins from nothing, with the given job.
fn requests_of_whole_run(job: &str) -> [String; 6] {
    [
        format!("create_job {job} 201"),
        format!("get_job {job} 200"),
        "upload A1.pdf 200".to_owned(),
        "upload A2.pdf 200".to_owned(),
        "upload A3.pdf 200".to_owned(),
        format!("get_job {job} 200"),
    ]
}

/// Kills an import at one moment and resumes the import to its end. Returns the requests of the
/// resume.
#[track_caller]
fn killed_and_resumed(nth: usize, moment: HoldMoment) -> Vec<String> {
    let test = ImportTest::with_event_rows(3).with_holding_proxy();
    killed(&test, nth, moment);
    let outcome = test.resume().rows(ALL_UPLOADED).exits(0);
    assert_attached_once(&test);
    test.resume().requests([]).exits(0);
    outcome.requests
}

#[test]
fn a_job_that_was_never_made_or_whose_id_never_reached_us_is_followed_by_another() {
    assert_eq!(
        killed_and_resumed(1, HoldMoment::BeforeService),
        requests_of_whole_run("J1")
    );
    assert_eq!(
        killed_and_resumed(1, HoldMoment::BeforeAnswer),
        requests_of_whole_run("J2")
    );
}

#[test]
fn a_job_without_bytes_gets_them() {
    for moment in [HoldMoment::BeforeService, HoldMoment::BeforeAnswer] {
        assert_eq!(
            killed_and_resumed(2, moment),
            requests_of_whole_run("J1")[1..]
        );
    }
}

#[test]
fn a_job_that_may_have_some_of_its_bytes_gets_all_of_them() {
    let test = ImportTest::with_event_rows(3).with_holding_proxy();
    killed_with_two_files_of_three(&test);
    assert_eq!(
        test.read(ResultsTable::DEFAULT_NAME)
            .matches("sending")
            .count(),
        3
    );
    test.resume()
        .requests(requests_of_whole_run("J1")[1..].iter().map(String::as_str))
        .rows(ALL_UPLOADED)
        .exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_job_that_has_all_of_its_bytes_is_only_asked_for_its_end() {
    for moment in [HoldMoment::BeforeService, HoldMoment::BeforeAnswer] {
        assert_eq!(killed_and_resumed(6, moment), ["get_job J1 200"]);
    }
}

/// Service whose jobs soon give up missing files.
fn impatient(partial: PartialFilesOutcome) -> ImportTest {
    ImportTest::with_event_rows(3)
        .with_holding_proxy()
        .configure_jobs(|jobs| {
            jobs.terms.give_up_after = PATIENCE;
            jobs.terms.missing = MissingFilesOutcome::Fails(partial);
        })
}

/// Waits until the jobs of an impatient service have given up.
fn wait_until_given_up() {
    thread::sleep(2 * PATIENCE);
}

/// Removes the errors from a job's answer, so that the reason of its failure is unknown.
fn without_errors(answer: &mut Value) {
    if let Some(detail) = answer.get_mut("detail").and_then(Value::as_object_mut) {
        detail.remove("errors");
    }
}

#[test]
fn a_job_that_failed_before_it_got_anything_is_followed_by_another() {
    let test = impatient(PartialFilesOutcome::Nothing).altering_json(without_errors);
    killed(&test, 2, HoldMoment::BeforeAnswer);
    wait_until_given_up();
    let outcome = test.resume().rows(ALL_UPLOADED).exits(0);
    assert_eq!(outcome.requests[0], "get_job J1 200");
    assert_eq!(outcome.requests[1..], requests_of_whole_run("J2"));
    assert_attached_once(&test);
}

#[test]
fn a_job_that_failed_after_it_may_have_got_bytes_is_left_to_somebody_who_looks() {
    let test = impatient(PartialFilesOutcome::Nothing).altering_json(without_errors);
    killed_with_two_files_of_three(&test);
    wait_until_given_up();
    let message = "the job failed after files were sent (FAILED), and the service does not say \
                   which files were attached; bidders may see some already: look at the \
                   object, and if the file is not there, run the import again with --resume \
                   --retry-failed-jobs\n";
    for asked in [&["get_job J1 200"][..], &[]] {
        test.resume()
            .prints(format!(
                "row 3, external_id \"A3\": failed, job_failed: {message}"
            ))
            .rows([
                "A1 failed job_failed",
                "A2 failed job_failed",
                "A3 failed job_failed",
            ])
            .requests(asked.iter().copied())
            .attached([])
            .exits(1);
    }
    let outcome = test
        .resume()
        .args(["--retry-failed-jobs"])
        .rows(ALL_UPLOADED)
        .exits(0);
    assert_eq!(outcome.requests[0], "get_job J1 200");
    assert_eq!(outcome.requests[1..], requests_of_whole_run("J2"));
    assert_attached_once(&test);
}

#[test]
fn a_file_that_a_failed_job_names_as_missing_is_sent_again_and_the_others_are_not() {
    let test = impatient(PartialFilesOutcome::Nothing);
    killed_with_two_files_of_three(&test);
    wait_until_given_up();
    let outcome = test.resume().prints("2 of 3 rows not done").exits(1);
    assert_eq!(outcome.requests.len(), 5, "{:?}", outcome.requests);
    assert_eq!(test.service().attached_files().len(), 1);
    test.resume()
        .args(["--retry-failed-jobs"])
        .rows(ALL_UPLOADED)
        .exits(0);
    assert_attached_once(&test);
}

#[test]
fn what_a_failed_job_says_of_each_file_decides_which_are_sent_again() {
    let told = FileStatusDisplay::NameAndStatus {
        attached: "ATTACHED".to_owned(),
        not_attached: "NOT_ATTACHED".to_owned(),
    };
    let test = impatient(PartialFilesOutcome::Kept)
        .altering_json(without_errors)
        .configure_jobs(|jobs| jobs.file_status = told);
    killed_with_two_files_of_three(&test);
    wait_until_given_up();
    assert_eq!(test.service().attached_files().len(), 2);
    let outcome = test.resume().rows(ALL_UPLOADED).exits(0);
    assert_eq!(outcome.requests.len(), 5, "{:?}", outcome.requests);
    assert_attached_once(&test);
}

#[test]
fn a_job_whose_addresses_expired_meanwhile_fails_and_another_gets_its_files() {
    let test = impatient(PartialFilesOutcome::Nothing)
        .altering_json(without_errors)
        .configure_jobs(|jobs| {
            jobs.url_lifetime = 2 * PATIENCE;
            // Long enough for a busy machine to come to the next run before that.
            jobs.terms.give_up_after = 10 * PATIENCE;
        });
    killed(&test, 2, HoldMoment::BeforeAnswer);
    wait_until_given_up();
    let outcome = test.resume().rows(ALL_UPLOADED).exits(0);
    let expired = ["get_job J1 200", "upload A1.pdf 403", "upload A2.pdf 403"];
    assert_eq!(outcome.requests[..3], expired);
    assert!(outcome.requests.ends_with(&requests_of_whole_run("J2")));
    assert_attached_once(&test);
}

/// The job will fail. If the job had bytes of a file by then, a person would have to look.
#[test]
fn a_job_of_which_the_disk_kept_the_lines_of_some_rows_only_gets_nothing() {
    let test = ImportTest::with_event_rows(2)
        .with_holding_proxy()
        .altering_json(without_errors)
        .configure_jobs(|jobs| jobs.terms.give_up_after = 10 * PATIENCE);
    killed(&test, 2, HoldMoment::BeforeAnswer);
    let journal = test.read(ResultsTable::DEFAULT_NAME);
    let (kept, last) = journal.trim_end().rsplit_once('\n').unwrap();
    assert!(last.contains(",A2,created,"), "{last}");
    test.write(ResultsTable::DEFAULT_NAME, format!("{kept}\n"));
    let outcome = test.resume().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
    let uploads = outcome
        .requests
        .iter()
        .filter(|one| one.starts_with("upload "));
    assert_eq!(uploads.count(), 2, "{:?}", outcome.requests);
    assert_attached_once(&test);
}

#[test]
fn a_job_of_which_a_file_has_changed_before_it_got_anything_gets_nothing() {
    let test = ImportTest::with_event_rows(2)
        .with_holding_proxy()
        .altering_json(without_errors)
        .configure_jobs(|jobs| jobs.terms.give_up_after = 10 * PATIENCE);
    killed(&test, 2, HoldMoment::BeforeAnswer);
    test.write("A2.pdf", "another content of A2");
    let outcome = test.resume().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
    assert!(outcome.requests.ends_with(&[
        "create_job J2 201".to_owned(),
        "get_job J2 200".to_owned(),
        "upload A1.pdf 200".to_owned(),
        "upload A2.pdf 200".to_owned(),
        "get_job J2 200".to_owned(),
    ]));
    assert_attached_once(&test);
}
