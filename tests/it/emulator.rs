//! `consign emulator`: the emulator as a process of its own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use consign::emulator::count_by_external_id;

use crate::harness::{ImportTest, RunningTool, STOP_SIGNALS, TestRun};

const STATE: &str = "state";

/// Starts an emulator, and returns the running process and its base URL.
pub(crate) fn started<'t>(test: &'t ImportTest, more: &[&str]) -> (RunningTool<'t>, String) {
    let args = ["emulator", "--listen", "127.0.0.1:0", "--rate", "2000"];
    let mut emulator = test.consign(args).args(more.iter().copied()).start();
    emulator.wait_until_it_prints("try: ");
    let said = emulator.output_so_far("stdout");
    let base = said
        .strip_prefix("the emulator is at ")
        .and_then(|rest| rest.lines().next())
        .unwrap_or_else(|| panic!("no address in {said}"));
    let base = base.to_owned();
    (emulator, base)
}

fn import<'t>(test: &'t ImportTest, base: &str, results: &str) -> TestRun<'t> {
    test.consign(["import", "m.csv", "--base-url", base, "--rate", "2000"])
        .with_results(results)
}

fn counts(state: &Path) -> BTreeMap<String, usize> {
    count_by_external_id(state).unwrap()
}

#[test]
fn what_was_attached_survives_a_sudden_end_of_the_emulator() {
    let test = ImportTest::with_rows(3);
    let (mut emulator, base) = started(&test, &["--state", STATE]);
    import(&test, &base, "first.csv").exits(0);
    emulator.kill();
    let once = ["A1", "A2", "A3"].map(|id| (id.to_owned(), 1)).into();
    assert_eq!(counts(&test.path(STATE)), once);

    let (_emulator, base) = started(&test, &["--state", STATE]);
    import(&test, &base, "second.csv")
        .rows(["A1 skipped", "A2 skipped", "A3 skipped"])
        .exits(0);
    assert_eq!(counts(&test.path(STATE)), once);
}

#[test]
fn the_emulator_prints_its_address_and_an_example_and_ends_on_a_signal() {
    for (signal, _) in STOP_SIGNALS {
        let test = ImportTest::new();
        let (mut emulator, base) = started(&test, &["--state", STATE]);
        emulator.signal(signal);
        let (code, stdout, stderr) = emulator.wait_for_exit();
        let consign = env!("CARGO_BIN_EXE_consign");
        let jobs = base.replace("/services/attachments/v1", "/api");
        assert_eq!(
            stdout,
            format!(
                "the emulator is at {base}\n\
                 and for jobs at {jobs}\n\
                 its state and its request log are in state\n\
                 try: {consign} import MANIFEST --base-url {base} --rate 2000\n"
            )
        );
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert!(test.path("state/requests.jsonl").exists());
    }
}

#[test]
fn two_emulators_do_not_share_a_state() {
    let test = ImportTest::new();
    let (_emulator, _) = started(&test, &["--state", STATE]);
    test.consign(["emulator", "--listen", "127.0.0.1:0", "--state", STATE])
        .stderr(
            "error: the emulator's state, state, is in use by another emulator; stop the other \
             emulator, or give another folder\n",
        )
        .exits(2);
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let test = ImportTest::new();
    let (_emulator, base) = started(&test, &[]);
    let address = base.split('/').nth(2).unwrap();
    test.consign(["emulator", "--listen", address])
        .prints(format!(
            "the emulator cannot listen on {address}: Address already in use"
        ))
        .exits(2);
}

/// Sends a request, and returns the raw HTTP answer.
fn raw_answer(base: &str, head: &str, body: &str) -> String {
    let address = base.split('/').nth(2).unwrap();
    let request = format!("{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}");
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Reads a path of the sister services, and returns the raw HTTP answer.
fn ask_for_objects(base: &str, path: &str) -> String {
    let head = format!(
        "GET /services/{path} HTTP/1.1\r\nX-Api-Key: a\r\nX-User-Token: b\r\n\
         X-User-Email: c@example.com"
    );
    raw_answer(base, &head, "")
}

/// Requests a job for an event, and returns the raw HTTP answer.
fn ask_for_job(base: &str, event: &str) -> String {
    let body =
        format!(r#"{{"sourcing_event":"{event}","created_by":"a@example.com","files":["a.pdf"]}}"#);
    let head = format!(
        "POST /api/jobs/attach-files-to-sourcing-event HTTP/1.1\r\n\
         Authorization: Bearer key\r\nContent-Type: application/json\r\n\
         Content-Length: {}",
        body.len()
    );
    raw_answer(base, &head, &body)
}

#[test]
fn the_jobs_of_the_emulator_are_as_the_command_line_says() {
    let there = "0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01";
    let gone = "0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a02";
    let test = ImportTest::new();
    let more = [
        "--posts-an-hour=2",
        "--job-start-delay=0s",
        "--unknown-as=failed-job",
        "--unknown-object",
        gone,
    ];
    let (_emulator, base) = started(&test, &more);
    for (event, parts) in [
        (
            there,
            [
                "201 Created",
                "\"status\":\"RUNNING\"",
                "ratelimit-limit: 2",
            ],
        ),
        (
            gone,
            [
                "201 Created",
                "\"status\":\"FAILED\"",
                "ratelimit-remaining: 0",
            ],
        ),
        (
            there,
            ["429 Too Many Requests", "throttled", "retry-after: "],
        ),
    ] {
        let answer = ask_for_job(&base, event);
        for part in parts {
            assert!(answer.contains(part), "no {part} in {answer}");
        }
    }
}

#[test]
fn an_object_that_is_no_uuid_is_refused() {
    ImportTest::new()
        .consign(["emulator", "--unknown-object", "7"])
        .prints("a UUID is expected, such as 0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01")
        .exits(2);
}

#[test]
fn the_attachments_and_records_of_the_emulator_are_as_the_command_line_says() {
    let test = ImportTest::with_rows(4);
    let more = [
        "--unknown-record=contract:2",
        "--closed-record=contract:3",
        "--dotted-ids=404",
        "--external-id-delay=1ms",
        "--empty-size=0",
        "--purge-from=creation",
        "--job-answer=text",
        "--job-file-names=nfd",
    ];
    let (_emulator, base) = started(&test, &more);
    import(&test, &base, "results.csv")
        .rows([
            "A1 uploaded",
            "A2 failed refused",
            "A3 failed refused",
            "A4 uploaded",
        ])
        .with_any_stderr()
        .exits(1);
    let answer = ask_for_job(&base, "0b6f4c1e-3f0a-4f0e-9d0a-6f2d4f1f7a01");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(body.starts_with('"') && body.ends_with('"'), "{answer}");
    test.consign(["emulator", "--closed-record", "7"])
        .prints("a type and an id are expected, such as contract:48213")
        .exits(2);
}

#[test]
fn the_contracts_events_projects_and_supplier_companies_are_those_of_the_file() {
    let test = ImportTest::with_rows(2).file(
        "objects.csv",
        "object_type,object_id,object_external_id,state,title\n\
         contract,1,CW-1,expired,Cleaning\ncontract,3,CW-3,,\nevent,7,E-7,,\n",
    );
    let more = [
        "--objects=objects.csv",
        "--list-linkage=short:1",
        "--single-linkage=bare",
        "--pending-linkage=left-out",
        "--copying-event=event:7",
        "--object-padding=1KB",
        "--unknown-external-id=CW-3",
        "--next-link=blanks",
    ];
    let (_emulator, base) = started(&test, &more);
    import(&test, &base, "results.csv")
        .rows(["A1 uploaded", "A2 failed refused"])
        .with_any_stderr()
        .exits(1);
    for (path, part) in [
        ("contracts/v1/contracts/1", "\"attachments\":[{"),
        ("contracts/v1/contracts/1", "\"state\":\"expired\""),
        ("contracts/v1/contracts", "\"attachments\":{\"data\":[{"),
        ("contracts/v1/contracts/CW-3/external_id", "404 Not Found"),
        ("contracts/v1/contracts?page[size]=1", "\"next\":\" http://"),
        ("events/v1/events/7", "\"duplication_state\":\"started\""),
        ("events/v1/events/7", &"x".repeat(1000)),
    ] {
        let answer = ask_for_objects(&base, path);
        assert!(answer.contains(part), "no {part} in {answer}");
    }
}

#[test]
fn a_mistake_in_the_file_of_objects_is_refused_with_its_line() {
    let test = ImportTest::new()
        .file("objects.csv", "object_type,object_id\ncontract,0\n")
        .file("empty.csv", "object_type,object_id\n");
    for (args, message) in [
        (
            "--objects=objects.csv",
            "objects.csv line 2: the id \"0\" is not a positive whole number in plain digits",
        ),
        ("--objects=empty.csv", "empty.csv holds no object; "),
        ("--objects=none.csv", "the objects in none.csv: "),
        ("--list-linkage=short", "such as short:10 or lagging:5m"),
        (
            "--copying-event=contract:7",
            "an event is expected, such as event:7",
        ),
        (
            "--next-link=elsewhere",
            "same-host, blanks or a host is expected",
        ),
    ] {
        test.consign(["emulator", args]).prints(message).exits(2);
    }
}
