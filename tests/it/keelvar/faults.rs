//! Requests and answers lost on the way, and wrong upload addresses.

use std::time::Duration;

use consign::emulator::EmulatorOperation::{self, CreateJob, GetJob, Upload};
use consign::emulator::FaultEffect::{
    self, ExpiredUrl, GarbageBody, HalfRead, Html200, LoseAnswer, Reset, UploadTarget,
};
use consign::emulator::FaultTrigger::{FirstN, Nth};
use consign::emulator::UrlClock;

use crate::harness::{ImportTest, status_effect};

/// Imports one row in spite of a fault, and expects success with the given requests.
#[track_caller]
fn ends_well(operation: EmulatorOperation, effect: FaultEffect, requests: &[&str]) {
    let test = ImportTest::with_event_rows(1).inject_fault(operation, Nth(1), effect);
    test.import()
        .stderr("")
        .rows(["A1 uploaded"])
        .requests(requests.iter().copied())
        .attached(["A1"])
        .exits(0);
}

#[test]
fn a_job_whose_answer_is_lost_can_get_no_bytes_and_another_is_made() {
    for (effect, first) in [
        (LoseAnswer, "create_job J1 201 lose_answer"),
        (GarbageBody, "create_job J1 201 garbage_body"),
    ] {
        let requests = [
            first,
            "create_job J2 201",
            "get_job J2 200",
            "upload A1.pdf 200",
            "get_job J2 200",
        ];
        ends_well(CreateJob, effect, &requests);
    }
}

#[test]
fn a_job_that_was_never_asked_for_is_asked_for_again() {
    for (effect, first) in [
        (Reset, "create_job - reset"),
        (status_effect(503), "create_job 503 status"),
        (Html200, "create_job 200 html200"),
    ] {
        let requests = [
            first,
            "create_job J1 201",
            "get_job J1 200",
            "upload A1.pdf 200",
            "get_job J1 200",
        ];
        ends_well(CreateJob, effect, &requests);
    }
}

#[test]
fn a_question_that_stays_without_an_answer_is_asked_again() {
    for (effect, first) in [
        (status_effect(500), "get_job J1 500 status"),
        (Html200, "get_job J1 200 html200"),
        (GarbageBody, "get_job J1 200 garbage_body"),
        (Reset, "get_job J1 - reset"),
    ] {
        let requests = [
            "create_job J1 201",
            first,
            "get_job J1 200",
            "upload A1.pdf 200",
            "get_job J1 200",
        ];
        ends_well(GetJob, effect, &requests);
    }
}

#[test]
fn an_address_that_is_called_expired_is_followed_by_the_next_one_of_the_same_job() {
    let test = ImportTest::with_event_rows(1)
        .configure_jobs(|jobs| jobs.url_clock = UrlClock::EachGet)
        .inject_fault(Upload, Nth(1), ExpiredUrl);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "create_job J1 201",
            "get_job J1 200",
            "upload A1.pdf 403 expired_url",
            "get_job J1 200",
            "upload A1.pdf 200",
            "get_job J1 200",
        ])
        .attached(["A1"])
        .exits(0);
}

#[test]
fn a_job_that_has_no_other_address_than_one_that_expired_fails_and_another_is_made() {
    let test = ImportTest::with_event_rows(1)
        .configure_jobs(|jobs| jobs.terms.give_up_after = Duration::from_secs(1))
        .inject_fault(Upload, Nth(1), ExpiredUrl);
    let outcome = test
        .import()
        .rows(["A1 uploaded"])
        .attached(["A1"])
        .exits(0);
    let begun = [
        "create_job J1 201",
        "get_job J1 200",
        "upload A1.pdf 403 expired_url",
        "get_job J1 200",
    ];
    let ended = [
        "create_job J2 201",
        "get_job J2 200",
        "upload A1.pdf 200",
        "get_job J2 200",
    ];
    assert_eq!(outcome.requests[..4], begun);
    assert!(outcome.requests.ends_with(&ended.map(str::to_owned)));
}

#[test]
fn a_file_whose_upload_breaks_off_is_sent_again_to_the_same_job() {
    for (effect, first) in [
        (HalfRead, "upload A1.pdf - half_read"),
        (LoseAnswer, "upload A1.pdf 200 lose_answer"),
        (status_effect(503), "upload A1.pdf 503 status"),
    ] {
        let requests = [
            "create_job J1 201",
            "get_job J1 200",
            first,
            "upload A1.pdf 200",
            "get_job J1 200",
        ];
        ends_well(Upload, effect, &requests);
    }
}

#[test]
fn bytes_go_nowhere_that_is_not_safe_whatever_the_job_says() {
    for url in [
        "http://storage.example.com/a?signature=canary",
        "https://169.254.169.254/latest/meta-data",
        "https://canary@storage.example.com/a",
    ] {
        let elsewhere = UploadTarget {
            url: Some(url.to_owned()),
            headers: [].into(),
        };
        let test = ImportTest::with_event_rows(2).inject_fault(GetJob, FirstN(1), elsewhere);
        test.import()
            .prints("row 1, external_id \"A1\": failed, unsafe_upload_url: ")
            .rows(["A1 failed unsafe_upload_url", "A2 failed unsafe_upload_url"])
            .requests(["create_job J1 201", "get_job J1 200 upload_target"])
            .attached([])
            .exits(1);
        assert!(!test.read("m.results.csv").contains("canary"));
        // The job got no bytes, so the next run may still get a better answer for the job.
        test.resume()
            .rows(["A1 uploaded", "A2 uploaded"])
            .attached(["A1", "A2"])
            .exits(0);
    }
}
