//! Attachments already on the service, from another run or from another client.

use crate::harness::{EXIT_CODE_KILLED, HoldMoment, ImportTest, RunningTool};

const OTHER: &str = "other.results.csv";

#[test]
fn what_is_there_already_with_the_same_size_is_skipped_and_nothing_is_sent() {
    let test = ImportTest::with_rows(3);
    test.import().with_results(OTHER).exits(0);
    test.import()
        .stdout(
            "all 3 rows done (0 B sent in [time], 3 requests)\n\
             \x20 skipped           3  there already, with the same size\n\
             results: m.results.csv\n",
        )
        .rows(["A1 skipped", "A2 skipped", "A3 skipped"])
        .requests([
            "get_by_external_id A1 200",
            "get_by_external_id A2 200",
            "get_by_external_id A3 200",
        ])
        .stored_rows(["A1", "A2", "A3"])
        .exits(0);
    let results = test.results();
    assert_eq!(results.cell("A2", "attachment_id"), "2");
    assert_eq!(
        results.cell("A2", "verified"),
        "",
        "the size proves no content"
    );
}

#[test]
fn what_is_there_already_with_another_size_is_a_conflict_and_stays_as_it_is() {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("A2.pdf", "something longer than before");
    test.import()
        .stdout(
            "1 of 2 rows not done (0 B sent in [time], 2 requests)\n\
             \x20 skipped           1  there already, with the same size\n\
             \x20 conflict          1  there already with other content, or changed since; left as \
             it is\n\
             row 2, external_id \"A2\": conflict, stored_other_size: an attachment with this \
             external_id is stored already, with 13 bytes where the file has 28; the attachment \
             was left as it is: give the row another external_id, take it out of the manifest, or \
             run the import again with --on-conflict replace, or skip if it should stay\n\
             results: m.results.csv\n\
             to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
             --resume\n",
        )
        .rows(["A1 skipped", "A2 conflict stored_other_size"])
        .requests(["get_by_external_id A1 200", "get_by_external_id A2 200"])
        .stored_rows(["A1", "A2"])
        .exits(1);
    let results = test.results();
    assert_eq!(results.cell("A2", "size"), "13", "that of what is stored");
    assert_eq!(results.cell("A2", "attachment_id"), "2");
    assert_eq!(
        results.cell("A2", "message"),
        "an attachment with this external_id is stored already, with 13 bytes where the file has \
         28; the attachment was left as it is: give the row another external_id, take it out of \
         the manifest, or run the import again with --on-conflict replace, or skip if it should \
         stay"
    );
}

#[test]
fn a_conflict_stays_one_when_the_import_is_resumed() {
    let test = ImportTest::with_rows(1);
    test.import().with_results(OTHER).exits(0);
    test.write("A1.pdf", "something longer than before");
    test.import()
        .rows(["A1 conflict stored_other_size"])
        .exits(1);
    test.resume()
        .rows(["A1 conflict stored_other_size"])
        .requests(["get_by_external_id A1 200"])
        .stored_rows(["A1"])
        .exits(1);
}

#[test]
fn a_record_without_bytes_that_is_not_ours_is_waited_for_and_never_touched() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    // Another run, with separate results, is killed after the creation of the record.
    test.import()
        .with_results(OTHER)
        .while_held(2, HoldMoment::BeforeAnswer, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    for run in [test.import(), test.resume()] {
        run.rows(["A1 pending pending_elsewhere"])
            .requests(["get_by_external_id A1 200"])
            .exits(1);
    }
}

#[test]
fn an_answer_about_another_external_id_is_believed_by_nobody() {
    let test = ImportTest::with_rows(1).altering_json(|answer| {
        if let Some(id) = answer.pointer_mut("/data/attributes/external_id") {
            *id = "A1-but-not-quite".into();
        }
    });
    test.import().with_results(OTHER).exits(0);
    test.import()
        .rows(["A1 failed lookup_mismatch"])
        .requests(["get_by_external_id A1 200"])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the service answered the look-up of this external_id with an attachment whose \
         external_id is \"A1-but-not-quite\"; nothing was sent: choose an external_id without \
         special characters"
    );
}
