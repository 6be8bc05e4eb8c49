//! Keys and presigned addresses: whoever holds one can act for the company, so that none of them
//! may stand in anything that people keep or pass on.

use std::fs;

use consign::emulator::Effect::{ExpiredUrl, LoseAnswer, Reset};
use consign::emulator::Operation::{Create, GetByExternalId, Upload};
use consign::emulator::When::Nth;
use consign::emulator::{Effect, Keys};

use crate::harness::{Run, Test, status};

const KEY: &str = "CANARY-KEY-7d1f";
const TOKEN: &str = "CANARY-TOKEN-52aa";
const EMAIL: &str = "canary-email-9b@example.com";
const WRONG_KEY: &str = "CANARY-WRONG-KEY-03c8";

/// A service that takes these keys alone, behind somebody who remembers the upload addresses.
fn guarded(rows: usize) -> Test {
    Test::of_rows(rows).between().emulator(|settings| {
        settings.keys = Keys::Only {
            api_key: KEY.to_owned().into(),
            user_token: TOKEN.to_owned().into(),
            user_email: EMAIL.to_owned(),
        };
    })
}

/// Makes a run that says as much as it can, and looks for secrets in all that it says and writes.
#[track_caller]
fn keeps_secrets(test: &Test, run: Run<'_>, key: &str, code: i32) {
    let outcome = run
        .args(["-vvv"])
        .variable("WORKDAY_API_KEY", key)
        .variable("WORKDAY_USER_TOKEN", TOKEN)
        .variable("WORKDAY_USER_EMAIL", EMAIL)
        .says("DEBUG API request")
        .exits(code);
    let mut outputs = vec![outcome.stdout, outcome.stderr];
    for file in fs::read_dir(test.folder()).unwrap() {
        outputs.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let mut secrets = [KEY, TOKEN, EMAIL, WRONG_KEY, "signature="]
        .map(str::to_owned)
        .to_vec();
    secrets.extend(test.service().between().signatures());
    for output in &outputs {
        for secret in &secrets {
            assert!(!output.contains(secret), "{secret} stands in:\n{output}");
        }
    }
}

#[test]
fn an_import_that_goes_well_tells_no_secret() {
    let test = guarded(2);
    keeps_secrets(&test, test.import(), KEY, 0);
    assert_eq!(test.service().between().signatures().len(), 2);
}

#[test]
fn an_import_that_meets_every_kind_of_failure_tells_no_secret() {
    let throttled = Effect::Status {
        code: 429,
        retry_after: Some("1".to_owned()),
    };
    let test = guarded(6)
        .file("broken.pdf", "")
        .fault(GetByExternalId, Nth(2), throttled)
        .fault(GetByExternalId, Nth(4), status(503))
        .fault(Create, Nth(2), status(422))
        .fault(Create, Nth(4), LoseAnswer)
        .fault(Upload, Nth(1), ExpiredUrl)
        .fault(Upload, Nth(3), status(400))
        .fault(Upload, Nth(4), status(503));
    test.write(
        "m.csv",
        test.read("m.csv") + "broken.pdf,contract,7,A7\n=1+1,contarct,0,A8\n",
    );
    keeps_secrets(&test, test.import().args(["--skip-invalid"]), KEY, 1);
    let log = test.service().log();
    let mut fired: Vec<String> = log.into_iter().filter_map(|entry| entry.fault).collect();
    fired.sort();
    assert_eq!(
        fired,
        [
            "expired_url",
            "lose_answer",
            "status",
            "status",
            "status",
            "status",
            "status"
        ]
    );
    assert!(test.path("m.problems.csv").exists());
    assert!(!test.service().between().signatures().is_empty());
    keeps_secrets(&test, test.resume().args(["--skip-invalid"]), KEY, 1);
}

#[test]
fn uploads_that_break_tell_no_secret() {
    // Without anybody between, so that it is the connection to the storage that breaks.
    let test = Test::of_rows(2)
        .fault(Upload, Nth(1), Reset)
        .fault(Upload, Nth(3), status(400));
    let outcome = test
        .import()
        .args(["-vvv"])
        .says("DEBUG upload target")
        .exits(1);
    for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
        assert!(!output.contains("signature="), "{output}");
        assert!(!output.contains("/storage/"), "{output}");
    }
}

#[test]
fn keys_that_are_rejected_are_not_told_either() {
    let test = guarded(1);
    keeps_secrets(&test, test.import(), WRONG_KEY, 3);
}

#[test]
fn a_key_that_cannot_be_sent_is_named_and_not_told() {
    let test = Test::of_rows(1);
    let outcome = test
        .import()
        .variable("WORKDAY_API_KEY", "CANARY\nKEY")
        .stdout("")
        .says("the key for the header x-api-key has characters that cannot stand in an HTTP header")
        .exits(2);
    assert!(!outcome.stderr.contains("CANARY"));
}
