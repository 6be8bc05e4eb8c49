//! Keys and presigned addresses. The holder of a key or an address can act for the company, so no
//! output kept or passed on may contain any.

use std::fs;

use consign::emulator::EmulatorOperation::{Create, Download, GetByExternalId, Upload};
use consign::emulator::FaultEffect::{ExpiredUrl, LoseAnswer, RefuseEarly, Reset, TruncatedBody};
use consign::emulator::FaultTrigger::{EveryNth, Nth};
use consign::emulator::{AcceptedAttachmentKeys, FaultEffect};

use serde_json::json;

use crate::harness::{
    FinishedRun, HoldMoment, ImportTest, TestCertificate, TestRun, status_effect,
};

const KEY: &str = "CANARY-KEY-7d1f";
const TOKEN: &str = "CANARY-TOKEN-52aa";
const EMAIL: &str = "canary-email-9b@example.com";
const WRONG_KEY: &str = "CANARY-WRONG-KEY-03c8";

/// Service which accepts only the given keys, behind a proxy which remembers the upload addresses.
fn guarded(rows: usize) -> ImportTest {
    ImportTest::with_rows(rows)
        .with_holding_proxy()
        .configure_emulator(|settings| {
            settings.attachments.accepted_keys = AcceptedAttachmentKeys::Only {
                api_key: KEY.to_owned().into(),
                user_token: TOKEN.to_owned().into(),
                user_email: EMAIL.to_owned(),
            };
        })
}

/// Gives a run the keys.
fn with_keys<'t>(run: TestRun<'t>, key: &str) -> TestRun<'t> {
    run.env_var("WORKDAY_API_KEY", key)
        .env_var("WORKDAY_USER_TOKEN", TOKEN)
        .env_var("WORKDAY_USER_EMAIL", EMAIL)
}

/// Makes a run with the most detailed log, and looks for secrets in all outputs and files.
#[track_caller]
fn keeps_secrets(test: &ImportTest, run: TestRun<'_>, key: &str, code: i32) -> FinishedRun {
    let outcome = with_keys(run, key)
        .args(["-vvv"])
        .prints("DEBUG API request")
        .exits(code);
    tells_no_secret(test, [&outcome.stdout, &outcome.stderr]);
    outcome
}

/// Looks for secrets in all outputs and files of a run.
#[track_caller]
fn tells_no_secret(test: &ImportTest, said: [&str; 2]) {
    let mut outputs = said.map(str::to_owned).to_vec();
    for file in fs::read_dir(test.folder()).unwrap() {
        outputs.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let mut secrets = [KEY, TOKEN, EMAIL, WRONG_KEY, "signature="]
        .map(str::to_owned)
        .to_vec();
    let between = test.service().holding_proxy();
    secrets.extend(between.upload_signatures());
    secrets.extend(between.download_signatures());
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
    assert_eq!(test.service().holding_proxy().upload_signatures().len(), 2);
}

#[test]
fn an_import_that_meets_every_kind_of_failure_tells_no_secret() {
    let throttled = FaultEffect::Status {
        code: 429,
        retry_after: Some("1".to_owned()),
    };
    let test = guarded(6)
        .file("broken.pdf", "")
        .inject_fault(GetByExternalId, Nth(2), throttled)
        .inject_fault(GetByExternalId, Nth(4), status_effect(503))
        .inject_fault(Create, Nth(2), status_effect(422))
        .inject_fault(Create, Nth(4), LoseAnswer)
        .inject_fault(Upload, Nth(1), ExpiredUrl)
        .inject_fault(Upload, Nth(3), status_effect(400))
        .inject_fault(Upload, Nth(4), status_effect(503));
    test.write(
        "m.csv",
        test.read("m.csv") + "broken.pdf,contract,7,A7\n=1+1,contarct,0,A8\n",
    );
    keeps_secrets(&test, test.import().args(["--skip-invalid"]), KEY, 1);
    let log = test.service().request_log();
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
    assert!(
        !test
            .service()
            .holding_proxy()
            .upload_signatures()
            .is_empty()
    );
    keeps_secrets(&test, test.resume().args(["--skip-invalid"]), KEY, 1);
}

#[test]
fn uploads_that_break_tell_no_secret() {
    // Without a proxy in front the connection to the storage itself breaks.
    let test = ImportTest::with_rows(2)
        .inject_fault(Upload, Nth(1), Reset)
        .inject_fault(Upload, Nth(2), RefuseEarly { code: 403 })
        .inject_fault(Upload, Nth(4), status_effect(307));
    let outcome = test
        .import()
        .args(["-vvv"])
        .prints("DEBUG upload target")
        .exits(1);
    for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
        assert!(!output.contains("signature="), "{output}");
        assert!(!output.contains("/storage/"), "{output}");
    }
}

#[test]
fn a_verification_tells_no_address_from_which_bytes_come() {
    let test = guarded(4)
        .inject_fault(Download, Nth(1), ExpiredUrl)
        .inject_fault(Download, Nth(3), status_effect(404))
        .inject_fault(Download, Nth(4), status_effect(503));
    keeps_secrets(&test, test.import(), KEY, 0);
    let run = test.verify().args(["--download", "all"]);
    let outcome = keeps_secrets(&test, run.prints("DEBUG download"), KEY, 1);
    let downloads = |request: &&String| request.starts_with("download ");
    assert_eq!(outcome.requests.iter().filter(downloads).count(), 6);
    assert!(test.service().holding_proxy().download_signatures().len() >= 6);
    keeps_secrets(&test, test.verify(), WRONG_KEY, 3);
}

#[test]
fn downloads_that_break_tell_no_secret() {
    // Without a proxy in front the connection to the storage itself breaks.
    let test = ImportTest::with_rows(2)
        .inject_fault(Download, Nth(1), Reset)
        .inject_fault(Download, EveryNth(2), TruncatedBody)
        .inject_fault(Download, Nth(5), status_effect(400));
    test.import().exits(0);
    let outcome = test
        .verify()
        .args(["--download", "all", "-vvv"])
        .prints("DEBUG download")
        .exits(1);
    let written = test.read("m.results.verification.csv");
    for output in [outcome.stdout, outcome.stderr, written] {
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
fn a_service_that_repeats_the_keys_and_an_address_does_not_get_them_shown() {
    let test = guarded(2)
        .inject_fault(Create, Nth(1), status_effect(422))
        .forging_responses(|_, answer| {
            let said =
                format!("{KEY} of {EMAIL} with {TOKEN}: see https://x.example/a?signature=1");
            if answer.status() == 422 {
                let json = json!({"errors": [{"title": said, "detail": said}]});
                *answer.body_mut() = json.to_string().into_bytes();
            }
        });
    let outcome = keeps_secrets(&test, test.import(), KEY, 1);
    assert_eq!(outcome.requests[1], "create 422 status");
    assert!(
        test.results()
            .cell("A1", "message")
            .contains("[hidden] of [hidden] with [hidden]: see https://x.example/…")
    );
}

#[test]
fn a_service_that_repeats_a_rejected_key_does_not_get_it_shown() {
    let test = guarded(1).forging_responses(|_, answer| {
        let said = format!("{WRONG_KEY} is not known");
        let json = json!({"errors": [{"detail": said}]});
        *answer.body_mut() = json.to_string().into_bytes();
    });
    let outcome = keeps_secrets(&test, test.import(), WRONG_KEY, 3);
    assert!(
        outcome
            .stdout
            .contains("(status 401: [hidden] is not known)")
    );
}

#[test]
fn a_service_that_repeats_a_key_where_nobody_looks_for_one_does_not_get_it_shown() {
    let in_place_of_an_id = guarded(1).forging_responses(|request, answer| {
        if request.method == "GET" {
            *answer.status_mut() = 200.try_into().unwrap();
            let json = json!({"data": {"id": 1, "attributes": {"external_id": KEY}}});
            *answer.body_mut() = json.to_string().into_bytes();
        }
    });
    let outcome = keeps_secrets(&in_place_of_an_id, in_place_of_an_id.import(), KEY, 1);
    assert!(outcome.stdout.contains("failed, lookup_mismatch"));
    let as_a_media_type = guarded(1).forging_responses(|_, answer| {
        let media_type = format!("text/{KEY}").parse().unwrap();
        answer.headers_mut().insert("content-type", media_type);
        *answer.status_mut() = 200.try_into().unwrap();
    });
    let run = as_a_media_type.import().args(["--max-outage", "0s"]);
    let outcome = keeps_secrets(&as_a_media_type, run, KEY, 3);
    assert!(
        outcome
            .stdout
            .contains("status 200 with something else in place of JSON")
    );
    let small = KEY.to_lowercase();
    assert!(!outcome.stdout.contains(&small) && !outcome.stderr.contains(&small));
}

#[test]
fn a_storage_that_repeats_the_upload_address_does_not_get_it_shown() {
    let test = guarded(1).forging_responses(|request, answer| {
        if request.method == "PUT" {
            *answer.status_mut() = 400.try_into().unwrap();
            let query = request.uri.query().unwrap();
            let signature = query.split_once("signature=").unwrap().1;
            let xml = format!(
                "<Error><Code>No</Code><Message>{signature} in https://x.example/a?{query} is not \
                 good</Message></Error>"
            );
            *answer.body_mut() = xml.into_bytes();
        }
    });
    keeps_secrets(&test, test.import(), KEY, 1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: status 400, No: [hidden] in https://x.example/… is not good"
    );
}

#[test]
fn a_redirect_with_a_token_is_not_shown() {
    let test = guarded(1).forging_responses(|_, answer| {
        *answer.status_mut() = 302.try_into().unwrap();
        let location = format!("https://x.example/{KEY}?signature={TOKEN}");
        answer
            .headers_mut()
            .insert("location", location.parse().unwrap());
    });
    let run = test.import().args(["--max-outage", "0s"]);
    let outcome = keeps_secrets(&test, run, KEY, 3);
    assert!(outcome.stdout.contains("status 302, a redirect"));
}

#[test]
fn a_service_that_cannot_be_reached_or_trusted_gets_no_secret_told() {
    let test = guarded(1).over_tls(TestCertificate::valid());
    let outcome = keeps_secrets(&test, test.import().args(["--max-outage", "0s"]), KEY, 3);
    assert!(outcome.stdout.contains("no safe connection"));
    let nowhere = [
        "import",
        "m.csv",
        "--base-url",
        "https://service.invalid/v1",
    ];
    for skips in [&["--skip-preflight"][..], &[]] {
        let run = test.consign(nowhere).args(skips.iter().copied());
        let run = run.with_results("nowhere.csv");
        let outcome = keeps_secrets(&test, run.args(["--max-outage", "0s"]), KEY, 3);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains("(service.invalid: "), "{said}");
        let _ = fs::remove_file(test.path("nowhere.csv"));
    }
}

#[test]
fn no_amount_and_no_form_of_output_tells_a_secret() {
    for amount in ["-q", "-v", "-vv", "-vvv"] {
        for form in ["human", "json"] {
            let test = guarded(2)
                .inject_fault(Upload, Nth(1), status_effect(400))
                .inject_fault(Download, Nth(1), ExpiredUrl)
                .inject_fault(Download, Nth(3), status_effect(400));
            let base = test.service().base_url();
            let service = ["--base-url", &base, "--rate", "2000"];
            for (command, to, code) in [
                (&["check", "m.csv"][..], &[][..], 0),
                (&["import", "m.csv", "--dry-run"], &service, 0),
                (&["import", "m.csv"], &service, 1),
                (&["import", "m.csv", "--resume"], &service, 0),
                (
                    &["verify", "m.results.csv", "--download", "all"],
                    &service,
                    1,
                ),
            ] {
                let run = test
                    .consign(command.iter().chain(to).copied())
                    .args([amount, "--output", form]);
                let (ended, stdout, stderr) = with_keys(run, KEY)
                    .with_fast_clock()
                    .start()
                    .wait_for_exit();
                assert_eq!(
                    ended, code,
                    "{command:?} {amount} {form}:\n{stdout}{stderr}"
                );
                tells_no_secret(&test, [&stdout, &stderr]);
            }
        }
    }
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "Linux alone shows arguments as a file, in /proc"
)]
fn the_keys_are_not_among_the_arguments_that_everybody_can_see() {
    let test = guarded(1);
    let run = with_keys(test.import(), KEY).while_held(1, HoldMoment::BeforeService, |running| {
        let arguments = fs::read(format!("/proc/{}/cmdline", running.process_id())).unwrap();
        let arguments = String::from_utf8(arguments).unwrap();
        assert!(arguments.contains("--base-url"));
        for secret in [KEY, TOKEN, EMAIL] {
            assert!(!arguments.contains(secret), "{arguments}");
        }
    });
    run.rows(["A1 uploaded"]).exits(0);
}

#[test]
fn there_is_no_option_for_a_key() {
    let test = ImportTest::with_rows(1);
    let help = test
        .consign(["import", "--help"])
        .prints("--base-url")
        .exits(0);
    for word in ["key", "token", "password", "secret"] {
        let options = help
            .stdout
            .lines()
            .filter(|line| line.trim_start().starts_with('-'));
        for option in options {
            assert!(!option.contains(&format!("--{word}")), "{option}");
            assert!(!option.contains(&format!("-{word} ")), "{option}");
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows writes no core dumps")]
fn a_run_that_is_dumped_leaves_no_core() {
    let test = guarded(1);
    let before = fs::read_dir(test.folder()).unwrap().count();
    let mut dumped = None;
    with_keys(test.import(), KEY)
        .with_core_dumps()
        .while_held(1, HoldMoment::BeforeService, |running| {
            running.signal("ABRT");
            dumped = Some(running.has_dumped_core());
        })
        .leaving_a_journal()
        .exits(128 + 6);
    assert_eq!(dumped, Some(false));
    // The results are the only new file.
    assert_eq!(fs::read_dir(test.folder()).unwrap().count(), before + 1);
}

#[test]
fn a_key_that_cannot_be_sent_is_named_and_not_told() {
    let test = ImportTest::with_rows(1);
    let outcome = test
        .import()
        .env_var("WORKDAY_API_KEY", "CANARY\nKEY")
        .stdout("")
        .prints(
            "the key for the header x-api-key has characters that cannot stand in an HTTP header",
        )
        .exits(2);
    assert!(!outcome.stderr.contains("CANARY"));
}
