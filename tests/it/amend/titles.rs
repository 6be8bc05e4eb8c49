//! Corrected titles, with nothing else changed.

use consign::emulator::EmulatorOperation::Update;
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::TitleOnRename;

use super::{OTHER, changes_after, replacing, titles_of};
use crate::harness::{ImportTest, status_effect};

/// Returns a manifest of two rows with titles. An empty title is left to the service.
fn manifest(titles: [&str; 2]) -> String {
    let [first, second] = titles;
    format!(
        "file_path,object_type,object_id,external_id,title\n\
         A1.pdf,contract,1,A1,{first}\n\
         A2.pdf,contract,2,A2,{second}\n"
    )
}

/// Imports two rows, the second without a title.
fn imported() -> ImportTest {
    with_titles(ImportTest::with_rows(2))
}

fn with_titles(test: ImportTest) -> ImportTest {
    test.write("m.csv", manifest(["Purchasing: frame", ""]));
    test.import().all_uploaded(2).exits(0);
    assert_eq!(titles_of(&test), ["Purchasing: frame", "A2.pdf"]);
    test
}

const UPDATE: [&str; 2] = ["--update", "title"];

#[test]
fn a_title_is_corrected_with_one_request_that_leaves_the_bytes_alone() {
    let test = imported();
    test.write("m.csv", manifest(["Procurement: frame", ""]));
    let seen = test.service().request_log().len();
    test.resume()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 updated", "A2 uploaded"])
        .stored_rows(["A1", "A2"])
        .exits(0);
    assert_eq!(changes_after(&test, seen), ["A1 title"]);
    assert_eq!(titles_of(&test), ["Procurement: frame", "A2.pdf"]);
    let results = test.results();
    assert_eq!(results.cell("A1", "previous_title"), "Purchasing: frame");
    assert_eq!(results.cell("A1", "backup"), "");
    assert_eq!(results.cell("A2", "previous_title"), "");
}

#[test]
fn a_title_that_is_right_already_costs_one_look_at_fifty_rows_and_changes_nothing() {
    let test = imported();
    test.resume()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests(["list 200"])
        .exits(0);
}

#[test]
fn nobody_looks_at_titles_unless_the_user_asks_for_it() {
    let test = imported();
    test.write("m.csv", manifest(["Procurement: frame", ""]));
    test.resume()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([])
        .exits(0);
    assert_eq!(titles_of(&test)[0], "Purchasing: frame");
}

#[test]
fn the_title_of_an_attachment_that_was_there_already_is_corrected_too() {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("m.csv", manifest(["Procurement: frame", ""]));
    let seen = test.service().request_log().len();
    test.import()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 updated", "A2 skipped"])
        .stored_rows(["A1", "A2"])
        .exits(0);
    assert_eq!(changes_after(&test, seen), ["A1 title"]);
    assert_eq!(test.results().cell("A1", "previous_title"), "A1.pdf");
    test.resume()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 updated", "A2 skipped"])
        .exits(0);
    assert_eq!(changes_after(&test, seen), ["A1 title"], "nothing more");
    assert_eq!(test.results().cell("A1", "previous_title"), "A1.pdf");
}

#[test]
fn new_content_and_a_new_title_come_together() {
    for titles in [TitleOnRename::Keep, TitleOnRename::Derive] {
        let test = with_titles(
            ImportTest::with_rows(2)
                .configure_emulator(|settings| settings.attachments.title_on_rename = titles),
        );
        test.write("m.csv", manifest(["Procurement: frame", ""]));
        test.write("A1.pdf", "the new content of A1");
        test.write("A2.pdf", "the new content of A2");
        replacing(test.resume())
            .args(UPDATE)
            .with_any_stderr()
            .rows(["A1 replaced", "A2 replaced"])
            .stored([
                ("A1", "the new content of A1"),
                ("A2", "the new content of A2"),
            ])
            .exits(0);
        assert_eq!(titles_of(&test), ["Procurement: frame", "A2.pdf"]);
        let results = test.results();
        assert_eq!(results.cell("A1", "previous_title"), "Purchasing: frame");
        assert_eq!(results.cell("A1", "previous_size"), "13");
    }
}

#[test]
fn other_content_keeps_its_title_too_unless_it_is_to_be_replaced() {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("m.csv", manifest(["Procurement: frame", ""]));
    test.write("A1.pdf", "other content of another size");
    let seen = test.service().request_log().len();
    test.import()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 conflict stored_other_size", "A2 skipped"])
        .exits(1);
    assert_eq!(changes_after(&test, seen), [""; 0]);
}

#[test]
fn a_title_that_the_service_refuses_is_named_and_the_attachment_stays_as_it_was() {
    let test =
        with_titles(ImportTest::with_rows(2).inject_fault(Update, Nth(1), status_effect(422)));
    test.write("m.csv", manifest(["Procurement: frame", ""]));
    let ended = test.resume().args(UPDATE).with_any_stderr().exits(1);
    assert!(
        ended.requests.contains(&"update A1 422 status".to_owned()),
        "{:?}",
        ended.requests
    );
    assert_eq!(titles_of(&test)[0], "Purchasing: frame");
    assert_eq!(test.service().stored_contents().len(), 2);
    test.resume()
        .args(UPDATE)
        .with_any_stderr()
        .rows(["A1 updated", "A2 uploaded"])
        .stored_rows(["A1", "A2"])
        .exits(0);
    assert_eq!(titles_of(&test)[0], "Procurement: frame");
}

#[test]
fn a_manifest_without_titles_is_told_of_since_nothing_will_change() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    test.resume()
        .args(UPDATE)
        .stderr(
            "no row has a title, so --update title changes nothing: write titles into a column \
             title\n",
        )
        .rows(["A1 uploaded"])
        .requests([])
        .exits(0);
}
