//! Attachments with a new external id.

use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness};

use super::{OTHER, backups, changes_after, imported, replacing};
use crate::harness::{HoldMoment, ImportTest};

/// Returns a manifest in which each row has a new external id.
fn manifest<const N: usize>(renames: [(&str, &str); N]) -> String {
    let rows = renames.map(|(id, new)| {
        let number = &id[1..];
        format!("{id}.pdf,contract,{number},{id},{new}\n")
    });
    format!(
        "file_path,object_type,object_id,external_id,new_external_id\n{}",
        rows.concat()
    )
}

const ALL: [ExternalIdUniqueness; 3] = [
    ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Conflict409,
    },
    ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Unprocessable422,
    },
    ExternalIdUniqueness::NotUnique,
];

#[test]
fn an_attachment_gets_its_new_name_and_keeps_its_bytes() {
    let test = imported(2);
    test.write("m.csv", manifest([("A1", "DE-A1"), ("A2", "")]));
    let seen = test.service().request_log().len();
    test.resume()
        .with_any_stderr()
        .rows(["A1 renamed", "A2 uploaded"])
        .stored([("A2", "content of A2"), ("DE-A1", "content of A1")])
        .exits(0);
    assert_eq!(changes_after(&test, seen), ["A1 external_id"]);
    let results = test.results();
    assert_eq!(results.cell("A1", "renamed_to"), "DE-A1");
    assert_eq!(results.cell("A1", "attachment_id"), "1");
    assert_eq!(results.cell("A2", "renamed_to"), "");
    test.resume()
        .rows(["A1 renamed", "A2 uploaded"])
        .requests([])
        .exits(0);
}

#[test]
fn a_row_whose_new_name_is_there_and_whose_old_one_is_not_is_done() {
    let test = imported(1);
    test.write("m.csv", manifest([("A1", "DE-A1")]));
    test.resume().with_any_stderr().exits(0);
    let seen = test.service().request_log().len();
    // The results are lost.
    test.remove("m.results.csv");
    test.import()
        .with_any_stderr()
        .rows(["A1 renamed"])
        .stored([("DE-A1", "content of A1")])
        .exits(0);
    assert_eq!(changes_after(&test, seen), [""; 0]);
    assert_eq!(test.results().cell("A1", "renamed_to"), "DE-A1");
}

#[test]
fn a_row_that_is_nowhere_yet_is_uploaded_and_has_its_new_name_in_the_end() {
    let test = ImportTest::with_rows(1);
    test.write("m.csv", manifest([("A1", "DE-A1")]));
    test.import()
        .with_any_stderr()
        .rows(["A1 renamed"])
        .stored([("DE-A1", "content of A1")])
        .exits(0);
    test.resume().rows(["A1 renamed"]).requests([]).exits(0);
}

#[test]
fn of_two_attachments_with_the_old_and_the_new_name_neither_is_touched() {
    let test = imported(2);
    test.write("m.csv", manifest([("A1", "A2")]));
    let seen = test.service().request_log().len();
    for run in [test.resume(), test.import().with_results(OTHER)] {
        run.with_any_stderr().stored_rows(["A1", "A2"]).exits(1);
    }
    assert_eq!(changes_after(&test, seen), [""; 0]);
    assert_eq!(
        test.results().statuses_in_words()[0],
        "A1 conflict new_id_taken"
    );
}

/// Lets another client take the new name just before the renaming request. Returns the test and the
/// line of the row.
fn taken_meanwhile(external_ids: ExternalIdUniqueness) -> (ImportTest, String) {
    let count = |test: &ImportTest| {
        test.write("m.csv", manifest([("A2", "B2")]));
        let run = test.resume().with_any_stderr();
        let requests = run.exits(0).requests;
        let patch = requests
            .iter()
            .position(|words| words.starts_with("update_by_external_id"));
        patch.unwrap() + 1
    };
    let nth = count(&imported(2));
    let test = ImportTest::with_rows(2)
        .with_holding_proxy()
        .configure_emulator(|settings| settings.attachments.external_id_uniqueness = external_ids);
    test.import().all_uploaded(2).exits(0);
    test.write("m.csv", manifest([("A2", "B2")]));
    // Both attachments have the name, and the look-up finds A1, the older one.
    test.resume()
        .while_held(nth, HoldMoment::BeforeService, |running| {
            running.test.service().rename("A1", "B2");
        })
        .with_any_stderr()
        .exits(1);
    let words = test.results().statuses_in_words()[0].clone();
    (test, words)
}

#[test]
fn a_new_name_that_somebody_takes_meanwhile_is_a_conflict_and_no_two_have_it_in_the_end() {
    for external_ids in ALL {
        let (test, words) = taken_meanwhile(external_ids);
        assert_eq!(words, "A2 conflict new_id_taken", "{external_ids:?}");
        let expected = [("A2", "content of A2"), ("B2", "content of A1")];
        let expected = expected.map(|(id, text)| (id.to_owned(), text.to_owned()));
        assert_eq!(
            test.service().stored_contents(),
            expected,
            "{external_ids:?}"
        );
    }
}

#[test]
fn content_is_replaced_before_the_name_is_changed() {
    let test = imported(1);
    test.write("m.csv", manifest([("A1", "DE-A1")]));
    test.write("A1.pdf", "the new content of A1");
    let seen = test.service().request_log().len();
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("DE-A1", "the new content of A1")])
        .exits(0);
    assert_eq!(
        changes_after(&test, seen),
        ["A1 file_name+title", "A1 external_id"]
    );
    assert_eq!(test.results().cell("A1", "renamed_to"), "DE-A1");
    assert_eq!(backups(&test).len(), 1);
}

#[test]
fn other_content_is_neither_touched_nor_renamed_where_nobody_wants_it_replaced() {
    let test = ImportTest::with_rows(1);
    test.import().with_results(OTHER).exits(0);
    test.write("m.csv", manifest([("A1", "DE-A1")]));
    test.write("A1.pdf", "content of another size");
    let seen = test.service().request_log().len();
    test.import()
        .with_any_stderr()
        .rows(["A1 conflict stored_other_size"])
        .stored_rows(["A1"])
        .exits(1);
    assert_eq!(changes_after(&test, seen), [""; 0]);
}
