//! Attachments changed by others since their import.

use super::imported;
use crate::harness::{ImportTest, content_of};

/// Verifies three rows, the second of which was tampered with.
#[track_caller]
fn second_row(test: &ImportTest, download: &[&str], outcome: &str, message: &str) {
    let second = format!("A2 {outcome}");
    test.verify()
        .args(download.iter().copied())
        .outcomes(["A1 match", &second, "A3 match"])
        .prints(outcome)
        .exits(1);
    assert_eq!(test.verification().cell("A2", "message"), message);
}

#[test]
fn an_attachment_that_was_deleted_is_missing() {
    let test = imported(3);
    test.service().delete("A2");
    second_row(
        &test,
        &[],
        "missing",
        "the attachment does not exist any more",
    );
    assert_eq!(test.verification().cell("A2", "found_size"), "");
}

#[test]
fn one_that_was_deleted_and_made_again_is_missing_all_the_same() {
    let test = imported(3);
    test.service().delete("A2");
    test.import()
        .with_results("again.results.csv")
        .rows(["A1 skipped", "A2 uploaded", "A3 skipped"])
        .exits(0);
    second_row(
        &test,
        &["--download", "all"],
        "missing",
        "the attachment does not exist any more",
    );
}

#[test]
fn one_whose_bytes_were_taken_away_is_pending() {
    let test = imported(3);
    test.service().remove_bytes("A2");
    second_row(&test, &[], "pending", "the attachment has no bytes");
    second_row(
        &test,
        &["--download", "all"],
        "pending",
        "the attachment has no bytes",
    );
}

#[test]
fn one_of_another_size_differs_and_both_sizes_are_told() {
    let test = imported(3);
    test.service()
        .replace_bytes("A2", "something longer than before");
    second_row(
        &test,
        &[],
        "size_differs",
        "the service shows 28 bytes, and 13 bytes were imported",
    );
    let verified = test.verification();
    assert_eq!(verified.cell("A2", "expected_size"), "13");
    assert_eq!(verified.cell("A2", "found_size"), "28");
}

#[test]
fn bytes_of_another_size_are_not_downloaded() {
    let test = imported(1);
    test.service()
        .replace_bytes("A1", "something longer than before");
    test.verify()
        .args(["--download", "all"])
        .outcomes(["A1 size_differs"])
        .requests(["list 200"])
        .exits(1);
}

#[test]
fn other_bytes_of_the_same_size_are_found_by_a_download_and_by_nothing_else() {
    let test = imported(3);
    test.service().forge_bytes("A2");
    test.verify()
        .outcomes(["A1 match", "A2 match", "A3 match"])
        .exits(0);
    second_row(
        &test,
        &["--download", "all"],
        "content_differs",
        "the size is right, but the bytes differ from the imported bytes",
    );
    let verified = test.verification();
    assert_eq!(verified.cell("A2", "found_size"), "13");
    assert_ne!(
        verified.cell("A2", "found_sha256"),
        verified.cell("A2", "expected_sha256")
    );
    assert_eq!(verified.cell("A2", "found_sha256").len(), 64);
}

#[test]
fn one_with_another_external_id_is_renamed() {
    let test = imported(3);
    test.service().rename("A2", "B2");
    second_row(&test, &[], "renamed", "the external_id is now \"B2\"");
}

#[test]
fn a_name_that_was_given_to_another_attachment_does_not_save_the_one_that_had_it() {
    let test = imported(3);
    test.service().rename("A2", "B2");
    test.import()
        .with_results("again.results.csv")
        .rows(["A1 skipped", "A2 uploaded", "A3 skipped"])
        .exits(0);
    test.verify()
        .outcomes(["A1 match", "A2 renamed", "A3 match"])
        .exits(1);
}

#[test]
fn one_with_another_title_than_the_manifest_gave_is_renamed() {
    let test = ImportTest::with_rows(2).manifest(
        "file_path,object_type,object_id,external_id,title\n\
         A1.pdf,contract,1,A1,The contract\nA2.pdf,contract,2,A2,\n",
    );
    test.import().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
    test.verify().outcomes(["A1 match", "A2 match"]).exits(0);
    test.service().retitle("A1", "Another contract");
    test.service().retitle("A2", "Whatever");
    // The title made up by the service for the second row is unknown to the tool.
    test.verify().outcomes(["A1 renamed", "A2 match"]).exits(1);
    assert_eq!(
        test.verification().cell("A1", "message"),
        "the title is now \"Another contract\""
    );
}

#[test]
fn what_is_graver_than_a_new_name_is_told_first() {
    let test = imported(1);
    test.service()
        .replace_bytes("A1", "something longer than before");
    test.service().rename("A1", "B1");
    test.verify().outcomes(["A1 size_differs"]).exits(1);
    assert_eq!(
        test.verification().cell("A1", "message"),
        "the service shows 28 bytes, and 13 bytes were imported; the external_id is now \"B1\""
    );
}

#[test]
fn each_kind_of_tampering_is_counted_in_the_summary() {
    let test = imported(7);
    let service = test.service();
    service.delete("A1");
    service.remove_bytes("A2");
    service.replace_bytes("A3", "something longer than before");
    service.rename("A4", "B4");
    service.forge_bytes("A5");
    test.verify()
        .args(["--download", "all"])
        .outcomes([
            "A1 missing",
            "A2 pending",
            "A3 size_differs",
            "A4 renamed",
            "A5 content_differs",
            "A6 match",
            "A7 match",
        ])
        .stdout(
            "2 of 7 rows match (6 requests in [time])\n\
             \x20 match                   2  there, as the results say\n\
             \x20 missing                 1  not there\n\
             \x20 pending                 1  there, without its bytes\n\
             \x20 size_differs            1  there, with another size\n\
             \x20 renamed                 1  there, with another external_id or title\n\
             \x20 content_differs         1  there, with other bytes\n\
             row 1, external_id \"A1\": missing: the attachment does not exist any more\n\
             row 2, external_id \"A2\": pending: the attachment has no bytes\n\
             row 3, external_id \"A3\": size_differs: the service shows 28 bytes, and 13 bytes \
             were imported\n\
             row 4, external_id \"A4\": renamed: the external_id is now \"B4\"\n\
             row 5, external_id \"A5\": content_differs: the size is right, but the bytes differ \
             from the imported bytes\n\
             downloaded and hashed again: 4 of 7 attachments (all were asked for; 52 B)\n\
             verification: m.results.verification.csv\n",
        )
        .exits(1);
}

#[test]
fn a_new_name_with_escapes_in_it_is_shown_as_text() {
    let test = imported(1);
    test.service().rename("A1", "B\u{1b}[31m\u{202e}1");
    let outcome = test.verify().outcomes(["A1 renamed"]).exits(1);
    let written = test.read("m.results.verification.csv");
    for text in [&outcome.stdout, &outcome.stderr, &written] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
    assert!(test.verification().cell("A1", "message").contains("[31m"));
}

#[test]
fn what_was_there_already_may_have_the_title_that_it_had() {
    let with_title = |title: &str| {
        format!("file_path,object_type,object_id,external_id,title\nA1.pdf,contract,1,A1,{title}\n")
    };
    let test = ImportTest::new()
        .file("A1.pdf", content_of("A1"))
        .manifest(with_title("First"));
    test.import().all_uploaded(1).exits(0);
    test.remove("m.results.csv");
    test.write("m.csv", with_title("Second"));
    test.import().rows(["A1 skipped"]).exits(0);
    test.verify().outcomes(["A1 match"]).exits(0);
}
