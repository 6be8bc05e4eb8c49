//! Resumes with the results of an earlier import.

use std::fs::File;
use std::time::{Duration, SystemTime};

use consign::emulator::{EmulatorOperation, FaultTrigger};

use crate::harness::{ImportTest, MANIFEST_FILE, MANIFEST_HEADER, manifest_row, status_effect};

#[test]
fn the_resume_of_a_finished_import_makes_no_request() {
    let test = ImportTest::with_rows(3);
    test.import().exits(0);
    let before = test.results();
    test.resume()
        .stdout(
            "all 3 rows done (0 B sent in [time], 0 requests)\n\
             \x20 uploaded          3  stored, and the size confirmed by the service\n\
             results: m.results.csv\n",
        )
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([])
        .exits(0);
    for (before, after) in before.lines.iter().zip(&test.results().lines) {
        for column in [
            "attachment_id",
            "sha256",
            "verified",
            "attempts",
            "updated_at",
        ] {
            assert_eq!(before.cell(column), after.cell(column), "{column}");
        }
    }
}

#[test]
fn a_row_that_the_service_refused_is_tried_again() {
    let test = ImportTest::with_rows(3).inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    test.import()
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create 422 status",
            "get_by_external_id A2 404",
            "get_by_external_id A3 404",
            "create A3 201",
            "upload A3 200",
            "list 200",
        ])
        .prints("to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 --resume")
        .exits(1);
    assert_eq!(
        test.results().cell("A2", "message"),
        "the service refused the attachment: status 422: Validation Error: this answer comes from \
         a scripted fault"
    );
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
        .requests([
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
        ])
        .stored_rows(["A1", "A2", "A3"])
        .exits(0);
    assert_eq!(test.results().cell("A2", "attempts"), "2");
    assert_eq!(test.results().cell("A2", "message"), "");
}

#[test]
fn a_corrected_extended_and_reordered_manifest_is_gone_on_with() {
    let test = ImportTest::with_rows(3).inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    test.import()
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .exits(1);
    // A2 gets its right id B2, A4 is new, and the order of the rows has changed.
    for id in ["B2", "A4"] {
        test.write(&format!("{id}.pdf"), format!("content of {id}"));
    }
    let rows = ["A4", "A3", "B2", "A1"].map(manifest_row).concat();
    test.write(MANIFEST_FILE, format!("{MANIFEST_HEADER}{rows}"));
    test.resume()
        .rows(["A4 uploaded", "A3 uploaded", "B2 uploaded", "A1 uploaded"])
        .requests([
            "get_by_external_id A4 404",
            "create A4 201",
            "upload A4 200",
            "get_by_external_id B2 404",
            "create B2 201",
            "upload B2 200",
            "list 200",
        ])
        .stored_rows(["A1", "A3", "A4", "B2"])
        .exits(0);
}

#[test]
fn done_rows_that_left_the_manifest_keep_their_lines_after_the_others() {
    let test = ImportTest::with_rows(3).manifest(
        "file_path,object_type,object_id,external_id,note\n\
         A1.pdf,contract,1,A1,one\nA2.pdf,contract,2,A2,two\nA3.pdf,contract,3,A3,three\n",
    );
    test.import().exits(0);
    test.write(
        MANIFEST_FILE,
        "file_path,object_type,object_id,external_id,note\nA3.pdf,contract,3,A3,drei\n",
    );
    for _ in 0..2 {
        test.resume()
            .stderr("2 rows are no longer in the manifest; kept at the end of m.results.csv\n")
            .stdout(
                "all 1 row done (0 B sent in [time], 0 requests)\n\
                 \x20 uploaded          1  stored, and the size confirmed by the service\n\
                 results: m.results.csv\n",
            )
            .rows(["A3 uploaded", "A1 uploaded", "A2 uploaded"])
            .requests([])
            .exits(0);
        let results = test.results();
        let notes: Vec<&str> = results.lines.iter().map(|line| line.cell("note")).collect();
        assert_eq!(notes, ["drei", "one", "two"]);
        let numbers: Vec<&str> = results.lines.iter().map(|line| line.cell("row")).collect();
        assert_eq!(numbers, ["1", "", ""]);
    }
}

#[test]
fn rows_that_left_the_manifest_before_anything_was_begun_leave_the_results_too() {
    let test = ImportTest::with_rows(2).inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    test.import()
        .rows(["A1 uploaded", "A2 failed refused"])
        .exits(1);
    test.write(
        MANIFEST_FILE,
        format!("{MANIFEST_HEADER}{}", manifest_row("A1")),
    );
    test.resume().rows(["A1 uploaded"]).requests([]).exits(0);
}

#[test]
fn a_done_row_whose_file_changed_is_a_conflict_and_no_request() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    test.write("A2.pdf", "CONTENT OF A2");
    for _ in 0..2 {
        test.resume()
            .rows(["A1 uploaded", "A2 conflict file_changed"])
            .requests([])
            .stored_rows(["A1", "A2"])
            .prints("to go on: [consign] import m.csv")
            .exits(1);
        assert_eq!(
            test.results().cell("A2", "message"),
            "the file has changed since the row was done, and the stored content was left as it \
             is; restore the file, give the new one an external_id of its own, or run the import \
             again with --on-conflict replace"
        );
    }
    test.write("A2.pdf", "content of A2");
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn a_done_row_whose_object_changed_is_a_conflict_and_no_request() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    test.write(
        MANIFEST_FILE,
        format!("{MANIFEST_HEADER}A1.pdf,project,77,A1\n"),
    );
    for _ in 0..2 {
        test.resume()
            .rows(["A1 conflict object_changed"])
            .requests([])
            .exits(1);
        let results = test.results();
        assert_eq!(
            results.cell("A1", "object_type"),
            "contract",
            "what it is attached to"
        );
        assert_eq!(
            results.cell("A1", "message"),
            "the attachment belongs to contract 1, and the manifest now names project 77; an \
             attachment cannot be moved: correct the manifest, or give the row a new external_id"
        );
    }
    test.write(
        MANIFEST_FILE,
        format!("{MANIFEST_HEADER}{}", manifest_row("A1")),
    );
    test.resume().rows(["A1 uploaded"]).requests([]).exits(0);
}

#[test]
fn a_file_that_was_touched_but_not_changed_stays_done() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let before = test.results().cell("A1", "modified_at").to_owned();
    let later = SystemTime::now() + Duration::from_hours(1);
    File::open(test.path("A1.pdf"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    test.resume().rows(["A1 uploaded"]).requests([]).exits(0);
    let after = test.results();
    assert_ne!(
        after.cell("A1", "modified_at"),
        before,
        "so that it is not hashed each time"
    );
    assert_eq!(after.cell("A1", "verified"), "etag");
}

#[test]
fn a_done_row_whose_file_is_gone_is_no_error() {
    let test = ImportTest::with_rows(2);
    test.import().exits(0);
    test.remove("A1.pdf");
    test.resume()
        .stderr("1 row is done already, and the file is gone since, which is no error\n")
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn a_done_row_is_done_wherever_its_file_was_moved_to() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    std::fs::rename(test.path("A1.pdf"), test.path("moved.pdf")).unwrap();
    test.write(
        MANIFEST_FILE,
        format!("{MANIFEST_HEADER}moved.pdf,contract,1,A1\n"),
    );
    test.resume().rows(["A1 uploaded"]).requests([]).exits(0);
    assert_eq!(test.results().cell("A1", "file_path"), "moved.pdf");
}
