//! Pilots: `--limit N` and `--only ROWS` send a part of the rows, and `--resume` sends the others.

use std::fmt::Write as _;

use consign::emulator::EmulatorOperation;
use consign::emulator::EmulatorOperation::{CreateJob, Upload};
use consign::emulator::FaultTrigger::Nth;
use consign::model::ObjectType;
use serde_json::json;

use crate::harness::{
    EXIT_CODE_STOPPED, HoldMoment, ImportTest, MANIFEST_FILE, MANIFEST_HEADER, SOURCING_EVENT,
    SOURCING_REQUEST, STOP_SIGNAL, assert_attached_once, manifest_row, status_effect,
};
use crate::objects::{contracts, object, with_objects, write_rows};

/// Returns the lines of twelve rows with the given rows uploaded and all others not reached.
fn twelve_rows(uploaded: &[usize]) -> Vec<String> {
    let line = |number| {
        let is_uploaded = uploaded.contains(&number);
        let status = if is_uploaded {
            "uploaded"
        } else {
            "pending not_reached"
        };
        format!("A{number} {status}")
    };
    (1..=12).map(line).collect()
}

fn as_words(lines: &[String]) -> impl Iterator<Item = &str> {
    lines.iter().map(String::as_str)
}

#[test]
fn a_pilot_of_three_rows_leaves_nine_to_a_resume_and_each_row_is_sent_once() {
    let test = ImportTest::with_rows(12);
    test.import()
        .args(["--limit", "3"])
        .stdout(
            "went through 3 of 12 rows, as --limit 3 asks (39 B sent in [time], 7 requests)\n\
             \x20 uploaded          3  stored, and the size confirmed by the service\n\
             \x20 pending           9  not reached, or to be tried again by --resume\n\
             results: m.results.csv\n\
             to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
             --resume\n",
        )
        .rows(as_words(&twelve_rows(&[1, 2, 3])))
        .stored_rows(["A1", "A2", "A3"])
        .exits(1);
    test.resume().all_uploaded(12).exits(0);
    assert_eq!(test.service().count_requests(Upload), 12);
    assert_eq!(
        test.service()
            .count_requests(EmulatorOperation::GetByExternalId),
        12
    );
}

#[test]
fn files_are_hashed_once_and_digests_of_rows_not_sent_are_in_the_results() {
    let test = ImportTest::with_rows(12);
    test.import().args(["--limit", "3"]).exits(1);
    let digests = |column: &str| -> Vec<String> {
        let results = test.results();
        let cells = results
            .lines
            .iter()
            .map(|line| line.cell(column).to_owned());
        cells.collect()
    };
    let (after_pilot, stamps) = (digests("sha256"), digests("modified_at"));
    assert!(after_pilot.iter().all(|digest| digest.len() == 64));
    // A file with the same size and time of modification is not read again.
    let path = test.path("A12.pdf");
    let modified = path.metadata().unwrap().modified().unwrap();
    test.write("A12.pdf", "CONTENT OF A12");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    test.resume()
        .args(["--limit", "2"])
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4, 5])))
        .exits(1);
    assert_eq!(
        (digests("sha256"), digests("modified_at")),
        (after_pilot.clone(), stamps)
    );
    // A file that has changed is read again, and the line says so.
    test.write("A11.pdf", "another content of A11");
    test.resume()
        .args(["--limit", "2"])
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4, 5, 6, 7])))
        .exits(1);
    let changed: Vec<usize> = (1..)
        .zip(after_pilot.iter().zip(&digests("sha256")))
        .filter(|(_, (before, after))| before != after)
        .map(|(row, _)| row)
        .collect();
    assert_eq!(changed, [11]);
}

#[test]
fn a_second_pilot_sends_the_next_rows_and_a_row_begun_before_counts() {
    let test = ImportTest::with_rows(12).inject_fault(
        EmulatorOperation::Create,
        Nth(2),
        status_effect(422),
    );
    test.import()
        .args(["--limit", "3"])
        .prints("went through 3 of 12 rows, as --limit 3 asks ")
        .with_any_stderr()
        .exits(1);
    assert_eq!(test.results().cell("A2", "status"), "failed");
    test.resume()
        .args(["--limit", "3"])
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4, 5])))
        .exits(1);
    // The limit is not reached: the run is like any other.
    test.resume()
        .args(["--limit", "7"])
        .prints("all 12 rows done (")
        .all_uploaded(12)
        .exits(0);
    assert_eq!(test.service().count_requests(Upload), 12);
}

#[test]
fn only_the_named_rows_are_sent_and_a_limit_counts_among_them() {
    let test = ImportTest::with_rows(12);
    test.import()
        .args(["--only", "2-4,12"])
        .prints("went through 4 of 12 rows, as --only 2-4,12 asks (")
        .prints("--concurrency 1 --resume\n")
        .rows(as_words(&twelve_rows(&[2, 3, 4, 12])))
        .exits(1);
    test.resume()
        .args(["--only=1-10", "--limit=2"])
        .stderr("3 of the 10 rows that --only names are done already\n")
        .prints("went through 2 of 12 rows, as --limit 2 and --only 1-10 ask (")
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4, 5, 12])))
        .exits(1);
    test.resume()
        .args(["--only", "2"])
        .stderr("the row that --only names is done already\n")
        .prints("went through 0 of 12 rows, as --only 2 asks (0 B sent")
        .requests([])
        .exits(1);
    test.resume().all_uploaded(12).exits(0);
    assert_eq!(test.service().count_requests(Upload), 12);
}

#[test]
fn rows_that_are_not_in_the_manifest_and_a_limit_of_nothing_are_refused() {
    let test = ImportTest::with_rows(12);
    test.import()
        .args(["--only", "3,11-13"])
        .stderr(
            "error: nothing was sent: --only names row 13, and the last row of the manifest is 12 \
             (the first row under the header is 1, as in the results' column row)\n",
        )
        .requests([])
        .exits(2);
    for (option, value, refusal) in [
        ("--limit", "0", "a number from 1 on is expected"),
        ("--limit", "ten", "a number from 1 on is expected"),
        (
            "--only",
            "0-3",
            "row numbers are expected, such as 5-20,33, not \"0-3\"",
        ),
    ] {
        test.import()
            .args([option, value])
            .prints(refusal)
            .with_any_stderr()
            .requests([])
            .exits(2);
    }
    assert!(!test.path("m.results.csv").exists());
}

#[test]
fn scripts_read_the_part_and_the_command_for_the_rest() {
    let test = ImportTest::with_rows(12);
    let run = test
        .import()
        .args(["--output", "json", "--limit", "3", "--only", "4-11"])
        .exits(1);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        summary["part"],
        json!({ "limit": 3, "only": "4-11", "rows": 3, "rows_left_out": 9 })
    );
    assert_eq!(summary["ended"], "some_left");
    assert_eq!(summary["exit_code"], 1);
    assert_eq!(
        summary["resume_command"],
        "[consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 --output json --resume"
    );
}

#[test]
fn an_interrupted_pilot_goes_on_with_the_rest_of_its_part() {
    let test = ImportTest::with_rows(12).with_holding_proxy();
    test.import()
        .args(["--limit", "3"])
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal(STOP_SIGNAL);
            running.wait_until_it_prints("stopping: ");
        })
        .prints("11 of 12 rows not done (")
        .prints(
            "\nto go on with the rest of this part alone: [consign] import m.csv --base-url [base] \
             --rate 2000 --concurrency 1 --limit 2 --resume\n",
        )
        .with_any_stderr()
        .rows(as_words(&twelve_rows(&[1])))
        .exits(EXIT_CODE_STOPPED);
    test.resume()
        .args(["--limit", "2"])
        .rows(as_words(&twelve_rows(&[1, 2, 3])))
        .exits(1);
}

#[test]
fn a_dry_run_foresees_the_part_and_says_so() {
    let test = ImportTest::with_rows(12);
    test.import().args(["--limit", "2"]).exits(1);
    test.resume()
        .args(["--limit", "3", "--dry-run"])
        .prints(
            "an import of 3 of 12 rows, as --limit 3 asks, would\n\
             \x20         3  create and upload, 39 B\n\
             \x20         2  leave alone: done by an earlier run\n\
             \x20         7  leave to a later run\n\
             rows by the state of their record: 3 active contracts; ",
        )
        .requests([
            "get_by_external_id A3 404",
            "get_by_external_id A4 404",
            "get_by_external_id A5 404",
            "get_object contracts/3 200",
            "get_object contracts/4 200",
            "get_object contracts/5 200",
        ])
        .exits(1);
    test.resume()
        .args(["--dry-run", "--limit", "10"])
        .prints("an import of 12 rows would\n\x20        10  create and upload")
        .exits(0);
}

#[test]
fn the_whole_manifest_is_checked_before_a_pilot_sends_anything() {
    let test = ImportTest::with_rows(12);
    test.remove("A12.pdf");
    test.import()
        .args(["--limit", "3"])
        .prints("m.csv line 13 (row 12), column file_path")
        .with_any_stderr()
        .requests([])
        .exits(2);
    // Rows that are not fit take no place in the part.
    test.remove("A1.pdf");
    test.import()
        .args(["--limit", "3", "--skip-invalid"])
        .prints("went through 3 of 12 rows, as --limit 3 asks (")
        .with_any_stderr()
        .stored_rows(["A2", "A3", "A4"])
        .exits(1);
    assert_eq!(test.results().cell("A12", "status"), "invalid");
    // Mended rows that another pilot leaves out are not called unfit any more.
    for id in ["A1", "A12"] {
        test.write(&format!("{id}.pdf"), format!("content of {id}"));
    }
    test.resume()
        .args(["--limit", "1"])
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4])))
        .exits(1);
    test.resume().all_uploaded(12).exits(0);
}

#[test]
fn a_pilot_of_rows_with_records_to_find_asks_for_the_records_of_the_part_alone() {
    let test = with_objects(contracts(12));
    let names: Vec<String> = (1..=12).map(|number| format!("CW-{number}")).collect();
    let cells: Vec<_> = names.iter().map(|name| ("contract", &**name)).collect();
    write_rows(&test, &cells);
    let found = "get_object contracts/external_id:CW-";
    let run = test
        .import()
        .args(["--limit", "3"])
        .prints("went through 3 of 12 rows, as --limit 3 asks (")
        .rows(as_words(&twelve_rows(&[1, 2, 3])))
        .exits(1);
    let about_records = |requests: &[String]| {
        let requests = requests.iter();
        requests.filter(|one| one.contains("_object")).count()
    };
    assert_eq!(
        about_records(&run.requests),
        3,
        "{found}: {:?}",
        run.requests
    );
    let rest = test.resume().all_uploaded(12).exits(0);
    assert!(about_records(&rest.requests) > 0, "{:?}", rest.requests);
    assert_eq!(test.service().count_requests(Upload), 12);
}

#[test]
fn a_pilot_interrupted_in_the_search_for_records_goes_on_with_its_part() {
    let test = with_objects(contracts(12)).with_holding_proxy();
    let names: Vec<String> = (1..=12).map(|number| format!("CW-{number}")).collect();
    let cells: Vec<_> = names.iter().map(|name| ("contract", &**name)).collect();
    write_rows(&test, &cells);
    test.import()
        .args(["--limit", "3", "--only", "2-9"])
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal(STOP_SIGNAL);
            running.wait_until_it_prints("stopping: ");
        })
        .prints("12 of 12 rows not done (")
        .prints("--only 2-9 --limit 3 --resume\n")
        .with_any_stderr()
        .rows(as_words(&twelve_rows(&[])))
        .exits(EXIT_CODE_STOPPED);
    test.resume()
        .args(["--only", "2-9", "--limit", "3"])
        .rows(as_words(&twelve_rows(&[2, 3, 4])))
        .exits(1);
}

#[test]
fn no_other_row_takes_the_place_of_a_row_whose_record_is_not_there() {
    let test = with_objects(vec![
        object(ObjectType::Contract, 1001, "CW-1"),
        object(ObjectType::Contract, 1003, "CW-3"),
        object(ObjectType::Contract, 1004, "CW-4"),
        object(ObjectType::Contract, 1005, "CW-5"),
    ]);
    let rows = ["CW-1", "CW-2", "CW-3", "CW-4", "CW-5"].map(|name| ("contract", name));
    write_rows(&test, &rows);
    test.import()
        .args(["--limit", "3"])
        .with_any_stderr()
        .prints("column object_external_id")
        .exits(2);
    assert_eq!(test.service().count_requests(Upload), 0);
    test.import()
        .args(["--limit", "3", "--skip-invalid"])
        .with_any_stderr()
        .rows([
            "A1 uploaded",
            "A2 invalid not_fit",
            "A3 uploaded",
            "A4 pending not_reached",
            "A5 pending not_reached",
        ])
        .stored_rows(["A1", "A3"])
        .exits(1);
}

#[test]
fn a_pilot_on_clash_proves_the_refusal_with_its_own_rows() {
    let test = ImportTest::with_rows(12);
    let mut manifest = MANIFEST_HEADER.to_owned();
    for number in 1..=12 {
        let kind = if number == 12 { "event" } else { "contract" };
        writeln!(manifest, "A{number}.pdf,{kind},{number},A{number}").unwrap();
    }
    test.write(MANIFEST_FILE, manifest);
    let run = test
        .import()
        .args(["--lookup", "on-clash", "--limit", "5"])
        .prints("lookup on-clash: the service refuses a second external_id within the type contract, the \
             only one of the rows, so new rows were not looked up\n")
        .rows(as_words(&twelve_rows(&[1, 2, 3, 4, 5])))
        .exits(1);
    assert!(
        !run.requests.iter().any(|one| one.contains("A12")),
        "{:?}",
        run.requests
    );
}

#[test]
fn second_copies_of_rows_outside_of_the_part_do_not_stop_a_pilot() {
    let test = ImportTest::with_rows(4);
    test.import().with_results("other.results.csv").exits(0);
    let rows = ["B1", "A2", "A3", "A4"].map(manifest_row).concat();
    test.write("B1.pdf", "content of B1");
    test.write(
        MANIFEST_FILE,
        format!("{}{}", MANIFEST_HEADER, rows.replace(",A", ",C")),
    );
    test.import().with_any_stderr().requests([]).exits(2);
    test.import()
        .args(["--limit", "1"])
        .with_any_stderr()
        .rows([
            "B1 uploaded",
            "C2 pending not_reached",
            "C3 pending not_reached",
            "C4 pending not_reached",
        ])
        .exits(1);
    test.resume()
        .args(["--only", "3"])
        .with_any_stderr()
        .requests([])
        .exits(2);
}

#[test]
fn a_pilot_into_keelvar_puts_its_rows_alone_into_jobs() {
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 8), (SOURCING_REQUEST, 4)]);
    test.import()
        .args(["--only", "2-3,11"])
        .prints("went through 3 of 12 rows, as --only 2-3,11 asks (")
        .rows(as_words(&twelve_rows(&[2, 3, 11])))
        .attached(["A2", "A3", "A11"])
        .exits(1);
    assert_eq!(test.service().count_requests(CreateJob), 2);
    test.resume().all_uploaded(12).exits(0);
    assert_eq!(test.service().count_requests(CreateJob), 4);
    assert_attached_once(&test);
}

#[test]
fn a_pilot_of_one_row_of_an_unfinished_job_leaves_the_others_with_the_job() {
    let test = ImportTest::with_event_rows(3)
        .configure_jobs(|jobs| jobs.status_words.success = "ATTACHED_ALL".to_owned());
    let running = |id: &str| format!("{id} pending job_running");
    test.import()
        .args(["--job-timeout", "5s"])
        .rows(["A1", "A2", "A3"].map(running).iter().map(String::as_str))
        .exits(1);
    let known = ["--success-status", "ATTACHED_ALL"];
    test.resume()
        .args(known)
        .args(["--only", "2"])
        .rows([&*running("A1"), "A2 uploaded", &*running("A3")])
        .exits(1);
    test.resume().args(known).all_uploaded(3).exits(0);
    assert_eq!(test.service().count_requests(CreateJob), 1);
    assert_eq!(test.service().count_requests(Upload), 3);
    assert_attached_once(&test);
}

#[test]
fn a_pilot_of_requests_needs_no_consent_for_the_events_that_it_leaves_out() {
    let test = ImportTest::with_object_rows([(SOURCING_EVENT, 2), (SOURCING_REQUEST, 1)]);
    let run = |rows: &str| {
        let run = test.consign([
            "import",
            "m.csv",
            "--base-url",
            "https://service.invalid/api",
            "--skip-preflight",
            "--max-outage",
            "0s",
            "--only",
            rows,
        ]);
        let run = run
            .env_var("KEELVAR_API_KEY", "key")
            .env_var("KEELVAR_USER_EMAIL", "me@example.com");
        run.start().wait_for_exit()
    };
    let (code, _, stderr) = run("2");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("bidders would see the files"), "{stderr}");
    let (code, _, stderr) = run("3");
    assert_eq!(code, 3, "{stderr}");
    assert!(!stderr.contains("bidders"), "{stderr}");
}
