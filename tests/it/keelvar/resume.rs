//! Resumes of imports to Keelvar. The results are the only knowledge of attached files.

use consign::emulator::EmulatorOperation::CreateJob;
use consign::emulator::FaultTrigger::Nth;

use crate::harness::{
    ImportTest, MANIFEST_HEADER, OTHER_SOURCING_EVENT, ResultsTable, SOURCING_EVENT,
    assert_attached_once, manifest_row_for_object, status_effect,
};

#[test]
fn rows_that_are_done_cost_nothing() {
    let test = ImportTest::with_event_rows(3);
    test.import().exits(0);
    let before = test.results();
    test.resume()
        .stdout(
            "all 3 rows done (0 B sent in [time], 0 jobs, 0 look-ups)\n\
             \x20 uploaded          3  attached: the job ended in success\n\
             results: m.results.csv\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([])
        .exits(0);
    for (before, after) in before.lines.iter().zip(&test.results().lines) {
        for column in ["attachment_id", "verified", "attempts", "updated_at"] {
            assert_eq!(before.cell(column), after.cell(column), "{column}");
        }
    }
}

#[test]
fn rows_that_were_added_go_into_a_job_of_their_own() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    for id in ["A3", "A4"] {
        test.write(&format!("{id}.pdf"), format!("content of {id}"));
        test.write(
            "m.csv",
            test.read("m.csv") + &manifest_row_for_object(id, SOURCING_EVENT),
        );
    }
    test.resume()
        .requests([
            "create_job J2 201",
            "get_job J2 200",
            "upload A3.pdf 200",
            "upload A4.pdf 200",
            "get_job J2 200",
        ])
        .exits(0);
    assert_attached_once(&test);
}

#[test]
fn a_job_that_the_service_refused_is_tried_again() {
    let test = ImportTest::with_event_rows(2).inject_fault(CreateJob, Nth(1), status_effect(400));
    test.import()
        .prints("failed, refused: the service refused the attachment: status 400: ")
        .rows(["A1 failed refused", "A2 failed refused"])
        .requests(["create_job 400 status"])
        .exits(1);
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .attached(["A1", "A2"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "attempts"), "2");
}

#[test]
fn a_line_that_somebody_altered_ends_it_before_anything_is_sent() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    let good = test.read(ResultsTable::DEFAULT_NAME);
    test.write(
        ResultsTable::DEFAULT_NAME,
        good.replace("A2,uploaded,", "A2,pending,"),
    );
    test.resume()
        .stdout("")
        .stderr(
            "error: m.results.csv line 3 (external_id \"A2\") is not believed: a cell was altered: \
             the line does not match its line_check\n\
             nothing was sent: Keelvar cannot be asked what is attached already, and the file of \
             row 2 may be; put back a copy of the results from before they were altered, or, if \
             you have seen that the file is not on its object, go on with --allow-again=2\n",
        )
        .exits(2);
    // First remedy: the line as written by the tool.
    test.write(ResultsTable::DEFAULT_NAME, &good);
    test.resume().requests([]).exits(0);
    // Second remedy, after a person has seen the file to be absent.
    test.write(
        ResultsTable::DEFAULT_NAME,
        good.replace("A2,uploaded,", "A2,pending,"),
    );
    test.remove("A2.pdf");
    test.write("A2.pdf", "another content of A2");
    test.resume()
        .args(["--allow-again=2"])
        .stderr(
            "m.results.csv line 3 (external_id \"A2\") is not believed: a cell was altered: the line does \
             not match its line_check; the row counts as new\n",
        )
        .requests([
            "create_job J2 201",
            "get_job J2 200",
            "upload A2.pdf 200",
            "get_job J2 200",
        ])
        .exits(0);
}

#[test]
fn a_file_that_changed_after_it_was_attached_is_a_conflict() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    test.write("A2.pdf", "CONTENT OF A2");
    for _ in 0..2 {
        test.resume()
            .prints("row 2, external_id \"A2\": conflict, file_changed: ")
            .rows(["A1 uploaded", "A2 conflict file_changed"])
            .requests([])
            .exits(1);
    }
    test.write("A2.pdf", "content of A2");
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([])
        .attached(["A1", "A2"])
        .exits(0);
}

#[test]
fn a_done_row_that_names_another_event_now_is_a_conflict() {
    let test = ImportTest::with_event_rows(2);
    test.import().exits(0);
    let rows = [
        manifest_row_for_object("A1", SOURCING_EVENT),
        manifest_row_for_object("A2", OTHER_SOURCING_EVENT),
    ]
    .concat();
    test.write("m.csv", format!("{MANIFEST_HEADER}{rows}"));
    test.resume()
        .prints("row 2, external_id \"A2\": conflict, object_changed: ")
        .rows(["A1 uploaded", "A2 conflict object_changed"])
        .requests([])
        .exits(1);
}

#[test]
fn a_second_run_on_the_same_results_is_refused_while_the_first_goes_on() {
    use crate::harness::HoldMoment;

    let test = ImportTest::with_event_rows(2).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            running
                .test
                .resume()
                .stdout("")
                .stderr(
                    "error: m.results.csv is in use by another run of consign; wait for the other \
                     run to end, or stop that run\n",
                )
                .exits(2);
        })
        .rows(["A1 uploaded", "A2 uploaded"])
        .attached(["A1", "A2"])
        .exits(0);
}
