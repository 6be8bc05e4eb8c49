//! Changes whose answers are lost: the tool finds out the effect of the lost request before any
//! further request.
//!
//! The runs have a fast clock, because a request without an answer may still arrive late, and the
//! tool allows a minute for the delay. The simulation covers the many possible orders.

use std::time::Duration;

use consign::emulator::EmulatorOperation::{Update, UpdateByExternalId};
use consign::emulator::FaultEffect::{LoseAnswer, Reset};
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::{EmulatorOperation, FaultEffect};

use super::{imported, replacing};
use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, ReplacedAttachment, RunningTool, TestRun,
    assert_no_content_lost, status_effect,
};

const OLD: &str = "content of A1";
const NEW: &str = "the new content of A1";

/// Returns the faults of a request without a good answer, carried out or not, each with its words
/// in the log.
fn lost_answer_faults(operation: &str) -> [(FaultEffect, String); 3] {
    [
        (LoseAnswer, format!("{operation} A1 200 lose_answer")),
        (Reset, format!("{operation} A1 - reset")),
        (status_effect(503), format!("{operation} A1 503 status")),
    ]
}

/// Imports row A1, adds columns to its manifest row, and prepares one fault.
fn imported_with(
    columns: &str,
    cells: &str,
    operation: EmulatorOperation,
    effect: FaultEffect,
) -> ImportTest {
    let test = ImportTest::with_rows(1).inject_fault(operation, Nth(1), effect);
    test.import().all_uploaded(1).exits(0);
    test.write(
        "m.csv",
        format!(
            "file_path,object_type,object_id,external_id{columns}\nA1.pdf,contract,1,A1{cells}\n"
        ),
    );
    test
}

/// Makes a run during which the fault fires, and expects success.
#[track_caller]
fn ends_well(run: TestRun<'_>, fault: &str, row: &str, stored: (&str, &str)) {
    let outcome = run
        .with_fast_clock()
        .with_any_stderr()
        .rows([row])
        .stored([stored])
        .exits(0);
    let fired = outcome.requests.iter().any(|words| words == fault);
    assert!(fired, "{fault} in {:#?}", outcome.requests);
}

#[test]
fn content_is_replaced_whatever_became_of_the_request_that_lets_go_of_the_old() {
    for (effect, fault) in lost_answer_faults("update") {
        let test = imported_with("", "", Update, effect);
        test.write("A1.pdf", NEW);
        ends_well(replacing(test.resume()), &fault, "A1 replaced", ("A1", NEW));
    }
}

#[test]
fn a_title_is_corrected_whatever_became_of_the_first_request() {
    for (effect, fault) in lost_answer_faults("update") {
        let test = imported_with(",title", ",Frame", Update, effect);
        let run = test.resume().args(["--update", "title"]);
        ends_well(run, &fault, "A1 updated", ("A1", OLD));
        assert_eq!(test.service().stored_attachments()[0].title, "Frame");
        assert_eq!(test.results().cell("A1", "previous_title"), "A1.pdf");
    }
}

#[test]
fn a_name_is_changed_whatever_became_of_the_first_request() {
    for (effect, fault) in lost_answer_faults("update_by_external_id") {
        let test = imported_with(",new_external_id", ",DE-A1", UpdateByExternalId, effect);
        ends_well(test.resume(), &fault, "A1 renamed", ("DE-A1", OLD));
    }
}

/// Returns the effect of a request carried out well after its sender lost the answer, and long
/// before the tool stops waiting.
fn late_effect() -> FaultEffect {
    FaultEffect::Late {
        delay: Duration::from_secs(1),
    }
}

/// Returns the requests of an operation and the uploads, in the order of their effects.
fn effects_in_order(test: &ImportTest, operation: EmulatorOperation) -> Vec<String> {
    let log = test.service().request_log();
    let asked = log
        .iter()
        .filter(|entry| {
            entry.operation == operation || entry.operation == EmulatorOperation::Upload
        })
        .filter_map(|entry| Some((entry.operation.name(), entry.status?)));
    asked
        .map(|(name, status)| format!("{name} {status}"))
        .collect()
}

#[test]
fn new_content_is_sent_only_when_no_request_can_come_any_more_that_would_let_go_of_it() {
    let test = imported_with("", "", Update, late_effect());
    test.write("A1.pdf", NEW);
    ends_well(
        replacing(test.resume()),
        "update A1 - late",
        "A1 replaced",
        ("A1", NEW),
    );
    let order = effects_in_order(&test, Update);
    assert_eq!(order.first().unwrap(), "upload 200", "of the old content");
    assert_eq!(order[1], "update 200", "the late one");
    assert_eq!(order.last().unwrap(), "upload 200");
    assert_eq!(test.service().count_requests(EmulatorOperation::Upload), 2);
}

#[test]
fn a_name_that_is_changed_late_is_changed_once() {
    let test = imported_with(
        ",new_external_id",
        ",DE-A1",
        UpdateByExternalId,
        late_effect(),
    );
    let fault = "update_by_external_id A1 - late";
    ends_well(test.resume(), fault, "A1 renamed", ("DE-A1", OLD));
    assert_eq!(
        effects_in_order(&test, UpdateByExternalId),
        ["upload 200", "update_by_external_id 200"]
    );
}

/// Replaces A1, and kills the run while a request is held.
fn killed_at(request: &str, moment: HoldMoment) -> ImportTest {
    let probe = imported(1);
    probe.write("A1.pdf", NEW);
    let undisturbed = replacing(probe.resume()).with_any_stderr().exits(0);
    let is_request = |words: &String| words.starts_with(request);
    let place = undisturbed.requests.iter().position(is_request).unwrap();
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    replacing(test.resume())
        .while_held(place + 1, moment, RunningTool::kill)
        .with_any_stderr()
        .exits(EXIT_CODE_KILLED);
    let change = ReplacedAttachment {
        external_id: "A1".into(),
        id: 1,
        old_content: OLD.into(),
        new_content: NEW.into(),
    };
    assert_no_content_lost(&test, &[change]);
    test
}

#[test]
fn a_replacement_that_let_go_of_the_old_content_is_finished_by_any_later_run() {
    for (request, moment) in [
        ("update", HoldMoment::BeforeAnswer),
        ("upload", HoldMoment::BeforeService),
        ("upload", HoldMoment::BeforeAnswer),
    ] {
        let test = killed_at(request, moment);
        test.resume()
            .with_fast_clock()
            .with_any_stderr()
            .rows(["A1 replaced"])
            .stored([("A1", NEW)])
            .exits(0);
        assert_eq!(test.results().cell("A1", "previous_size"), "13");
    }
}

#[test]
fn a_replacement_that_had_not_begun_is_made_only_by_a_run_that_is_asked_to() {
    let test = killed_at("update", HoldMoment::BeforeService);
    test.resume()
        .with_fast_clock()
        .with_any_stderr()
        .stored([("A1", OLD)])
        .exits(1);
    let line = &test.results().statuses_in_words()[0];
    assert!(line.starts_with("A1 conflict"), "{line}");
    replacing(test.resume())
        .with_fast_clock()
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
}
