//! Imports that end as by a loss of power, and the resumes after them.

use std::time::Duration;

use consign::emulator::{FileStatus, Missing, Partial};

use crate::harness::{KILLED, Moment, Running, Test, attached_once};

/// Ends an import of three rows, which share a job, at one moment.
#[track_caller]
fn killed(test: &Test, nth: usize, moment: Moment) {
    test.import()
        .while_held(nth, moment, Running::kill)
        .exits(KILLED);
}

/// What a run does that begins from nothing, with this job.
fn whole(job: &str) -> [String; 6] {
    [
        format!("create_job {job} 201"),
        format!("get_job {job} 200"),
        "upload A1.pdf 200".to_owned(),
        "upload A2.pdf 200".to_owned(),
        "upload A3.pdf 200".to_owned(),
        format!("get_job {job} 200"),
    ]
}

/// Ends an import at one moment, and resumes it to its end. Returns the requests of the resume.
#[track_caller]
fn killed_and_resumed(nth: usize, moment: Moment) -> Vec<String> {
    let test = Test::of_event(3).between();
    killed(&test, nth, moment);
    let outcome = test
        .resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .exits(0);
    attached_once(&test);
    test.resume().requests([]).exits(0);
    outcome.requests
}

#[test]
fn a_job_that_was_never_made_or_whose_id_never_reached_us_is_followed_by_another() {
    assert_eq!(killed_and_resumed(1, Moment::Before), whole("J1"));
    assert_eq!(killed_and_resumed(1, Moment::After), whole("J2"));
}

#[test]
fn a_job_without_bytes_gets_them() {
    for moment in [Moment::Before, Moment::After] {
        assert_eq!(killed_and_resumed(2, moment), whole("J1")[1..]);
    }
}

#[test]
fn a_job_that_may_have_some_of_its_bytes_gets_all_of_them() {
    for (nth, moment) in [(3, Moment::Before), (3, Moment::After), (5, Moment::Before)] {
        assert_eq!(killed_and_resumed(nth, moment), whole("J1")[1..]);
    }
}

#[test]
fn a_job_that_has_all_of_its_bytes_is_only_asked_for_its_end() {
    for moment in [Moment::Before, Moment::After] {
        assert_eq!(killed_and_resumed(6, moment), ["get_job J1 200"]);
    }
}

/// A service whose jobs soon give up the files that do not come.
fn impatient(partial: Partial) -> Test {
    Test::of_event(3).between().jobs(|jobs| {
        jobs.terms.give_up_after = Duration::from_millis(500);
        jobs.terms.missing = Missing::Fails(partial);
    })
}

#[test]
fn a_job_that_failed_before_it_got_anything_is_followed_by_another() {
    let test = impatient(Partial::Nothing);
    killed(&test, 2, Moment::After);
    std::thread::sleep(Duration::from_millis(700));
    let outcome = test
        .resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .exits(0);
    assert_eq!(outcome.requests[0], "get_job J1 200");
    assert_eq!(outcome.requests[1..], whole("J2"));
    attached_once(&test);
}

#[test]
fn a_job_that_failed_after_it_may_have_got_bytes_is_left_to_somebody_who_looks() {
    let test = impatient(Partial::Nothing);
    killed(&test, 4, Moment::After);
    std::thread::sleep(Duration::from_millis(700));
    for _ in 0..2 {
        test.resume()
            .says("run again with --resume --retry-failed-jobs\n")
            .rows([
                "A1 failed job_failed",
                "A2 failed job_failed",
                "A3 failed job_failed",
            ])
            .attached([])
            .exits(1);
    }
    test.resume()
        .args(["--retry-failed-jobs"])
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .exits(0);
    attached_once(&test);
}

#[test]
fn what_a_failed_job_says_of_each_file_decides_which_are_sent_again() {
    let test = impatient(Partial::Kept).jobs(|jobs| {
        jobs.file_status = FileStatus::Told {
            attached: "ATTACHED".to_owned(),
            not_attached: "NOT_ATTACHED".to_owned(),
        };
    });
    killed(&test, 4, Moment::After);
    std::thread::sleep(Duration::from_millis(700));
    let there = test.service().attached().len();
    assert!((1..3).contains(&there), "{there}");
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .exits(0);
    attached_once(&test);
}
