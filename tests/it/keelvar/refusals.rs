//! Requests refused or forbidden by the service, and the messages to the user.

use std::num::NonZeroU32;

use consign::emulator::EmulatorOperation::{CreateJob, GetJob};
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{AcceptedJobKeys, FaultEffect, UnknownObjectAnswer};

use crate::harness::{ImportTest, OTHER_SOURCING_EVENT, SOURCING_EVENT, SOURCING_REQUEST};

const TO_GO_ON: &str = "to go on: [consign] import m.csv --base-url [base] --rate 2000 \
                        --concurrency 8 --resume\n";

#[test]
fn a_rejected_key_is_called_that_although_the_service_says_nothing() {
    let test = ImportTest::with_event_rows(2).configure_jobs(|jobs| {
        jobs.accepted_keys = AcceptedJobKeys::Only("the right key".to_owned().into());
    });
    test.import()
        .env_var("KEELVAR_API_KEY", "another key")
        .stdout(format!(
            "2 of 2 rows not done (0 B sent in [time], 0 jobs, 0 look-ups)\n\
             \x20 pending           2  not reached, or to be tried again by --resume\n\
             stopped early: the service rejects the key (status 403): renew KEELVAR_API_KEY, then \
             go on\n\
             results: m.results.csv\n\
             {TO_GO_ON}"
        ))
        .rows(["A1 pending not_reached", "A2 pending not_reached"])
        .requests(["create_job 403", "create_job 403"])
        .exits(3);
    test.resume()
        .env_var("KEELVAR_API_KEY", "the right key")
        .attached(["A1", "A2"])
        .exits(0);
}

#[test]
fn an_event_that_does_not_exist_fails_its_own_rows_whichever_way_the_service_says_it() {
    let unknown = OTHER_SOURCING_EVENT
        .split_once(' ')
        .unwrap()
        .1
        .parse()
        .unwrap();
    for (told, message) in [
        (
            UnknownObjectAnswer::BadRequest400,
            "the service refused the attachment: status 400: Invalid resource ID; \
             sourcing_event: This object does not exist.",
        ),
        (
            UnknownObjectAnswer::FailedJob,
            "the job failed before it took any file: FAILED: Invalid resource ID",
        ),
    ] {
        let test = ImportTest::with_object_rows([
            (OTHER_SOURCING_EVENT, 2),
            (SOURCING_EVENT, 1),
            (SOURCING_REQUEST, 1),
        ])
        .configure_jobs(|jobs| {
            jobs.unknown_objects = vec![unknown];
            jobs.unknown_object_answer = told;
        });
        test.import()
            .prints(format!(
                "row 1, external_id \"A1\": failed, refused: {message}\n"
            ))
            .prints(format!(
                "row 2, external_id \"A2\": failed, refused: {message}\n"
            ))
            .rows([
                "A1 failed refused",
                "A2 failed refused",
                "A3 uploaded",
                "A4 uploaded",
            ])
            .attached(["A3", "A4"])
            .exits(1);
        assert_eq!(test.service().count_requests(CreateJob), 3);
    }
}

#[test]
fn a_base_where_there_are_no_jobs_is_asked_about() {
    let test = ImportTest::with_event_rows(2);
    let base = format!("{}/v1", test.service().base_url());
    test.consign(["import", "m.csv", "--base-url", &base])
        .args(["--skip-preflight"])
        .with_fast_clock()
        .prints(
            "stopped early: the service knows no jobs/attach-files-to-sourcing-event (status \
             404): is the base URL right? It ends where /jobs begins, as in https://HOST/api\n",
        )
        .rows(["A1 pending not_reached", "A2 pending not_reached"])
        .requests(["other 404", "other 404"])
        .exits(3);
}

#[test]
fn a_429_is_waited_out_for_as_long_as_it_says_and_costs_no_attempt() {
    let too_many = FaultEffect::Status {
        code: 429,
        retry_after: Some("7".to_owned()),
    };
    let test = ImportTest::with_event_rows(2)
        .inject_fault(CreateJob, Nth(1), too_many.clone())
        .inject_fault(GetJob, Nth(2), too_many);
    test.import()
        .stderr(
            "the service says that there are too many jobs; they wait 7 s\n\
             the service says that there are too many look-ups; they wait 7 s\n",
        )
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([
            "create_job 429 status",
            "create_job J1 201",
            "get_job J1 200",
            "upload A1.pdf 200",
            "upload A2.pdf 200",
            "get_job J1 429 status",
            "get_job J1 200",
        ])
        .attached(["A1", "A2"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "attempts"), "1");
}

#[test]
fn a_day_that_is_used_up_pauses_the_run_says_when_it_goes_on_and_fails_no_row() {
    let test = ImportTest::with_event_rows(6)
        .configure_jobs(|jobs| jobs.budgets.posts_a_day = NonZeroU32::new(2).unwrap());
    let mut running = test.import().args(["--files-per-job", "2"]).start();
    running.wait_until_it_prints(
        "the service allows no more jobs for now; the run goes on with them at ",
    );
    running.wait_until("the others are done", || {
        test.service().attached_files().len() == 4
    });
    running.signal("INT");
    let (code, stdout, stderr) = running.wait_for_exit();
    assert_eq!(code, 130, "{stdout}{stderr}");
    assert!(stderr.contains(", in 24.0 h\n"), "{stderr}");
    assert!(stdout.contains("--resume\n"), "{stdout}");
    assert_eq!(
        test.results().statuses_in_words(),
        [
            "A1 uploaded",
            "A2 uploaded",
            "A3 uploaded",
            "A4 uploaded",
            "A5 pending not_reached",
            "A6 pending not_reached",
        ]
    );
    assert_eq!(test.service().count_requests(CreateJob), 2);
}
