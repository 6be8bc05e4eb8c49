//! Requests and answers lost on the way, and services which are away for a while.

use consign::emulator::EmulatorOperation::{Create, Get, GetByExternalId, List, Upload};
use consign::emulator::FaultEffect::{GarbageBody, HalfRead, Html200, LoseAnswer, Reset};
use consign::emulator::FaultTrigger::{FirstN, Nth};
use consign::emulator::{EmulatorOperation, FaultEffect, FaultTrigger};

use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, MANIFEST_HEADER, RunningTool, manifest_row,
    status_effect,
};

/// Imports one row in spite of a fault, and expects success with the given requests.
#[track_caller]
fn ends_well(
    operation: EmulatorOperation,
    when: FaultTrigger,
    effect: FaultEffect,
    requests: &[&str],
) {
    let test = ImportTest::with_rows(1).inject_fault(operation, when, effect);
    test.import()
        .stderr("")
        .rows(["A1 uploaded"])
        .requests(requests.iter().copied())
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn a_record_is_looked_for_when_the_answer_to_its_making_is_lost() {
    ends_well(
        Create,
        Nth(1),
        LoseAnswer,
        &[
            "get_by_external_id A1 404",
            "create A1 201 lose_answer",
            "get_by_external_id A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ],
    );
}

#[test]
fn a_record_is_looked_for_when_the_answer_to_its_making_cannot_be_read() {
    ends_well(
        Create,
        Nth(1),
        GarbageBody,
        &[
            "get_by_external_id A1 404",
            "create A1 201 garbage_body",
            "get_by_external_id A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ],
    );
}

#[test]
fn a_file_is_sent_again_from_its_first_byte_when_it_is_not_taken_for_certain() {
    for (effect, first) in [
        (LoseAnswer, "upload A1 200 lose_answer"),
        (Reset, "upload A1 - reset"),
        (HalfRead, "upload A1 - half_read"),
        (Html200, "upload A1 200 html200"),
        (status_effect(503), "upload A1 503 status"),
    ] {
        ends_well(
            Upload,
            Nth(1),
            effect,
            &[
                "get_by_external_id A1 404",
                "create A1 201",
                first,
                "upload A1 200",
                "list 200",
            ],
        );
    }
}

#[test]
fn a_look_up_is_repeated_until_the_service_itself_answers() {
    for (effect, first) in [
        (LoseAnswer, "get_by_external_id A1 404 lose_answer"),
        (Reset, "get_by_external_id A1 - reset"),
        (Html200, "get_by_external_id A1 200 html200"),
        (status_effect(500), "get_by_external_id A1 500 status"),
    ] {
        ends_well(
            GetByExternalId,
            Nth(1),
            effect,
            &[
                first,
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                "list 200",
            ],
        );
    }
}

#[test]
fn a_confirmation_is_asked_for_again() {
    for (effect, first) in [
        (Reset, "list - reset"),
        (Html200, "list 200 html200"),
        (GarbageBody, "list 200 garbage_body"),
        (status_effect(502), "list 502 status"),
    ] {
        ends_well(
            List,
            Nth(1),
            effect,
            &[
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                first,
                "list 200",
            ],
        );
    }
}

#[test]
fn a_list_that_is_refused_is_made_up_for_one_by_one() {
    ends_well(
        List,
        Nth(1),
        status_effect(400),
        &[
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 400 status",
            "get A1 200",
        ],
    );
}

#[test]
fn a_resume_gets_over_lost_answers_too() {
    let test =
        ImportTest::with_rows(1)
            .with_holding_proxy()
            .inject_fault(Get, Nth(1), status_effect(503));
    test.import()
        .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    test.resume()
        .rows(["A1 uploaded"])
        .requests([
            "get A1 503 status",
            "get A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn everybody_waits_once_when_there_are_too_many_requests() {
    let test = ImportTest::with_rows(1).inject_fault(
        GetByExternalId,
        Nth(1),
        FaultEffect::Status {
            code: 429,
            retry_after: Some("1".to_owned()),
        },
    );
    let outcome = test
        .import()
        .args(["--output", "json"])
        .stderr(
            "the service says that there are too many requests; all wait 1 s, then go on more \
             slowly for a while (does somebody else use the limit?)\n",
        )
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 429 status",
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 200",
        ])
        .exits(0);
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(json["throttled"], 1);
    assert_eq!(
        test.results().cell("A1", "attempts"),
        "1",
        "it costs the row nothing"
    );
}

#[test]
fn a_run_waits_for_a_service_that_is_away_and_says_so() {
    let test =
        ImportTest::with_rows(2).inject_fault(GetByExternalId, FirstN(3), status_effect(503));
    test.import()
        .prints("the service does not answer (status 503); the run waits for it, next try in ")
        .prints("the service answers again\n")
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([
            "get_by_external_id A1 503 status",
            "get_by_external_id A1 503 status",
            "get_by_external_id A1 503 status",
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
        ])
        .exits(0);
}

#[test]
fn no_row_fails_because_nobody_is_there_and_the_run_ends_when_that_lasts_too_long() {
    let test = ImportTest::new()
        .file("A1.pdf", "content of A1")
        .manifest(format!("{MANIFEST_HEADER}{}", manifest_row("A1")));
    // No program listens on the discard port.
    test.consign(["import", "m.csv", "--base-url", "http://127.0.0.1:9/v1"])
        .args(["--max-outage", "0s", "--skip-preflight"])
        .prints("stopped early: the service was away for longer than --max-outage allows (")
        .prints("to go on: [consign] import m.csv --base-url http://127.0.0.1:9/v1 --max-outage 0s --resume\n")
        .rows(["A1 pending not_reached"])
        .exits(3);
}
