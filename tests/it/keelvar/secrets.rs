//! The key and the presigned addresses stand in no output kept or passed on.

use std::fs;

use consign::emulator::EmulatorOperation::{CreateJob, GetJob, Upload};
use consign::emulator::FaultEffect::{ExpiredUrl, LoseAnswer};
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{AcceptedJobKeys, FaultEffect};
use serde_json::json;

use crate::harness::{FinishedRun, ImportTest, TestRun, status_effect};

const KEY: &str = "CANARY-KEY-51e0";
const WRONG_KEY: &str = "CANARY-WRONG-KEY-9a77";
const EMAIL: &str = "canary-email-3c@example.com";

/// Service which accepts only the given key, behind a proxy which remembers the upload addresses.
fn guarded(rows: usize) -> ImportTest {
    ImportTest::with_event_rows(rows)
        .with_holding_proxy()
        .configure_jobs(|jobs| jobs.accepted_keys = AcceptedJobKeys::Only(KEY.to_owned().into()))
}

/// Makes a run with the most detailed log, and looks for secrets in its outputs, its files and the
/// service's notes.
#[track_caller]
fn keeps_secrets(test: &ImportTest, run: TestRun<'_>, key: &str, code: i32) -> FinishedRun {
    let outcome = run
        .env_var("KEELVAR_API_KEY", key)
        .env_var("KEELVAR_USER_EMAIL", EMAIL)
        .args(["-vvv"])
        .prints("DEBUG API request")
        .exits(code);
    let mut outputs = vec![outcome.stdout.clone(), outcome.stderr.clone()];
    for file in fs::read_dir(test.folder()).unwrap() {
        outputs.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    outputs.push(format!("{:?}", test.service().request_log()));
    let mut secrets = [KEY, WRONG_KEY, EMAIL, "signature="]
        .map(str::to_owned)
        .to_vec();
    secrets.extend(test.service().holding_proxy().upload_signatures());
    for output in &outputs {
        for secret in &secrets {
            assert!(!output.contains(secret), "{secret} stands in:\n{output}");
        }
    }
    outcome
}

#[test]
fn an_import_that_goes_well_tells_no_secret() {
    let test = guarded(2);
    keeps_secrets(&test, test.import(), KEY, 0);
    assert_eq!(test.service().holding_proxy().upload_signatures().len(), 2);
}

#[test]
fn an_import_that_meets_many_kinds_of_failure_tells_no_secret() {
    let throttled = FaultEffect::Status {
        code: 429,
        retry_after: Some("1".to_owned()),
    };
    let test = guarded(3)
        .inject_fault(CreateJob, Nth(1), LoseAnswer)
        .inject_fault(CreateJob, Nth(2), throttled)
        .inject_fault(GetJob, Nth(1), status_effect(503))
        .inject_fault(Upload, Nth(1), ExpiredUrl)
        .inject_fault(Upload, Nth(2), status_effect(503))
        .inject_fault(Upload, Nth(3), status_effect(400));
    keeps_secrets(&test, test.import().args(["--job-timeout", "10s"]), KEY, 1);
    let log = test.service().request_log();
    let fired = log.iter().filter(|entry| entry.fault.is_some()).count();
    assert_eq!(fired, 6);
    assert!(
        !test
            .service()
            .holding_proxy()
            .upload_signatures()
            .is_empty()
    );
}

#[test]
fn a_key_that_is_rejected_is_not_told_either() {
    let test = guarded(1);
    keeps_secrets(&test, test.import(), WRONG_KEY, 3);
}

#[test]
fn a_job_that_repeats_the_key_and_an_address_does_not_get_them_shown() {
    let test = guarded(1).forging_responses(|request, answer| {
        if request.method == "GET" {
            let said = format!("{KEY}: see https://x.example/a?signature=1");
            let job = json!({"status": "FAILED", "detail": {"errors": [said]}});
            *answer.body_mut() = job.to_string().into_bytes();
        }
    });
    keeps_secrets(&test, test.import(), KEY, 1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the job failed before it took any file: FAILED: [hidden]: see https://x.example/…"
    );
}
