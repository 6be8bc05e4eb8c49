//! Fault scenarios from a file, with the emulator as a process of its own.

use std::path::PathBuf;

use consign::emulator::count_by_external_id;

use crate::emulator::started;
use crate::harness::{ImportTest, RunningTool, STOP_SIGNAL};

/// Ends the emulator, and returns its account of the faults.
fn account(emulator: &mut RunningTool<'_>) -> String {
    emulator.signal(STOP_SIGNAL);
    let (code, stdout, stderr) = emulator.wait_for_exit();
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (_, account) = stdout.split_once("try: ").unwrap();
    let (_, account) = account.split_once('\n').unwrap();
    account.to_owned()
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

#[test]
fn the_sample_import_gets_over_the_sample_bad_day() {
    let test = ImportTest::new();
    let faults = samples().join("faults.toml");
    let faults = faults.to_str().unwrap();
    let (mut emulator, base) = started(&test, &["--state", "state", "--faults", faults]);
    let manifest = samples().join("manifest.csv");
    test.consign(["import", manifest.to_str().unwrap(), "--base-url", &base])
        .args(["--rate", "2000", "--concurrency", "1", "--quiet"])
        .with_results("r.csv")
        .exits(0);
    let stored = count_by_external_id(&test.path("state")).unwrap();
    assert_eq!(stored.len(), 14);
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
    let account = account(&mut emulator);
    let (fixed, span) = account.split_once("fault 6, ").unwrap();
    assert_eq!(
        fixed,
        "fault 1, lose_answer of create: fired 1 time\n\
         fault 2, half_read of upload: fired 3 times\n\
         fault 3, expired_url of upload: fired 1 time\n\
         fault 4, html200 of get_by_external_id: fired 1 time\n\
         fault 5, status of list: fired 1 time\n"
    );
    // The span may or may not fall into the few seconds of this import, so the count is left out.
    assert!(span.starts_with("status of api: "), "{span}");
}

#[test]
fn an_outage_lasts_for_its_time_and_is_told_at_the_end() {
    let test = ImportTest::with_rows(1).file(
        "faults.toml",
        r#"
        [[fault]]
        operation = "api"
        when = { during = { for = "5s" } }
        effect = { status = { code = 503 } }

        [[fault]]
        operation = "download"
        when = { nth = 1 }
        effect = "reset"
        "#,
    );
    let (mut emulator, base) = started(&test, &["--faults", "faults.toml"]);
    test.consign(["import", "m.csv", "--base-url", &base, "--quiet"])
        .rows(["A1 uploaded"])
        .exits(0);
    let account = account(&mut emulator);
    let (outage, rest) = account.split_once('\n').unwrap();
    let times = outage
        .strip_prefix("fault 1, status of api: fired ")
        .unwrap();
    assert!(
        times.ends_with(" time") || times.ends_with(" times"),
        "{times}"
    );
    assert_eq!(rest, "fault 2, reset of download: never fired\n");
}

#[test]
fn what_other_integrations_did_is_told_at_the_end() {
    let test = ImportTest::with_rows(2);
    let (mut emulator, base) = started(&test, &["--others", "1000"]);
    test.consign(["import", "m.csv", "--base-url", &base, "--rate", "500"])
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
    let account = account(&mut emulator);
    assert!(account.starts_with("other integrations: "), "{account}");
    assert!(account.ends_with(" requests\n"), "{account}");
}

#[test]
fn a_mistake_in_a_scenario_is_refused_with_its_place() {
    let test = ImportTest::new().file(
        "faults.toml",
        "[[fault]]\noperation = \"creat\"\nwhen = { nth = 1 }\neffect = \"reset\"\n",
    );
    for (args, message) in [
        (
            ["--faults", "faults.toml"],
            "error: faults.toml line 2, column 13 (fault 1): \"creat\" is no operation; did you \
             mean create? There are api, storage, list, create, get, get_by_external_id, update, \
             update_by_external_id, upload, download, list_objects, filter_objects, get_object, \
             get_object_by_external_id, create_job, get_job, list_jobs\n",
        ),
        (
            ["--faults", "none.toml"],
            "error: the faults in none.toml: No such file or directory (os error 2)\n",
        ),
        (
            ["--others", "5"],
            "error: 5 requests a second of other clients use up the limit of 5; lower --others, or \
             raise --rate\n",
        ),
    ] {
        test.consign(["emulator", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout("")
            .stderr(message)
            .exits(2);
    }
}
