//! Imports killed at one chosen request, as by a loss of power, and the resumes after them.

use crate::harness::{EXIT_CODE_KILLED, HoldMoment, ImportTest, RunningTool};

/// Kills an import of two rows at one moment and resumes the import to its end. Returns the
/// requests of the resume.
#[track_caller]
fn killed_and_resumed(nth: usize, moment: HoldMoment) -> Vec<String> {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(nth, moment, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .stored_rows(["A1", "A2"])
        .exits(0)
        .requests
}

#[test]
fn nothing_was_begun_when_the_run_ended_before_the_first_record() {
    for moment in [HoldMoment::BeforeService, HoldMoment::BeforeAnswer] {
        assert_eq!(
            killed_and_resumed(1, moment)[..3],
            [
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200"
            ]
        );
    }
}

#[test]
fn a_record_whose_id_never_reached_us_is_found_and_used() {
    assert_eq!(
        killed_and_resumed(2, HoldMoment::BeforeAnswer),
        [
            "get_by_external_id A1 200",
            "update A1 200",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
        ]
    );
}

#[test]
fn a_record_without_bytes_gets_them() {
    assert_eq!(
        killed_and_resumed(3, HoldMoment::BeforeService)[..3],
        ["get A1 200", "update A1 200", "upload A1 200"]
    );
}

#[test]
fn bytes_that_were_stored_are_not_sent_again() {
    for (nth, moment) in [
        (3, HoldMoment::BeforeAnswer),
        (4, HoldMoment::BeforeService),
    ] {
        assert_eq!(
            killed_and_resumed(nth, moment),
            [
                "get A1 200",
                "get_by_external_id A2 404",
                "create A2 201",
                "upload A2 200",
                "list 200",
            ]
        );
    }
}

#[test]
fn what_only_lacked_its_confirmation_is_confirmed() {
    for moment in [HoldMoment::BeforeService, HoldMoment::BeforeAnswer] {
        assert_eq!(killed_and_resumed(7, moment), ["get A1 200", "get A2 200"]);
    }
}

#[test]
fn an_import_that_is_ended_again_and_again_ends_well() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    let mut run = test.import().with_fast_clock();
    // Each kill comes one step after the state left by the run before.
    for (nth, moment) in [
        (2, HoldMoment::BeforeAnswer),
        (2, HoldMoment::BeforeService),
        (2, HoldMoment::BeforeAnswer),
        (3, HoldMoment::BeforeService),
        (2, HoldMoment::BeforeAnswer),
        (3, HoldMoment::BeforeAnswer),
        (3, HoldMoment::BeforeAnswer),
        (4, HoldMoment::BeforeService),
    ] {
        run.while_held(nth, moment, RunningTool::kill)
            .exits(EXIT_CODE_KILLED);
        run = test.resume().with_fast_clock();
    }
    run.rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .stored_rows(["A1", "A2", "A3"])
        .exits(0);
    test.resume().requests([]).exits(0);
}
