//! Replacements of content, with a backup of the old content.

use consign::digest::sha256;
use consign::emulator::EmulatorOperation::Get;
use consign::emulator::FaultTrigger::EveryNth;
use consign::emulator::TitleOnRename;

use super::{OTHER, backup_name, backups, changes_after, imported, replacing, titles_of};
use crate::harness::{
    EXIT_CODE_KILLED, HoldMoment, ImportTest, MANIFEST_HEADER, RunningTool, has_mode, manifest_row,
    status_effect,
};

const NEW: &str = "the new content, scanned better";

/// Content with the size of `content of A1`.
const AS_LONG: &str = "CONTENT OF A1";

#[test]
fn content_of_another_size_is_replaced_once_the_old_one_is_kept() {
    let test = imported(2);
    let before = test.results();
    test.write("A1.pdf", NEW);
    let outcome = replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced", "A2 uploaded"])
        .stored([("A1", NEW), ("A2", "content of A2")])
        .exits(0);
    assert_eq!(changes_after(&test, 0), ["A1 file_name+title"]);
    let at = |words: &str| {
        let position = outcome.requests.iter().position(|one| one == words);
        position.unwrap_or_else(|| panic!("{words} in {:#?}", outcome.requests))
    };
    assert!(at("download A1 200") < at("update A1 200"));
    assert!(at("update A1 200") < at("upload A1 200"));

    let results = test.results();
    let name = backup_name("A1", "1", "content of A1");
    for (column, cell) in [
        ("attachment_id", "1"),
        ("size", &NEW.len().to_string()),
        ("sha256", &sha256(NEW.as_bytes()).to_string()),
        ("previous_size", "13"),
        ("previous_sha256", &sha256(b"content of A1").to_string()),
        ("backup", &format!("old/{name}")),
        ("previous_title", ""),
        ("renamed_to", ""),
    ] {
        assert_eq!(results.cell("A1", column), cell, "{column}");
    }
    for column in ["previous_size", "previous_sha256", "backup", "updated_at"] {
        assert_eq!(results.cell("A2", column), before.cell("A2", column));
    }
    assert_eq!(backups(&test), [(name.clone(), "content of A1".to_owned())]);
    assert!(has_mode(&test.path("old"), 0o700));
    assert!(has_mode(&test.path(&format!("old/{name}")), 0o600));
}

#[test]
fn what_was_replaced_is_done_and_its_line_keeps_what_was_there_before() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    replacing(test.resume()).with_any_stderr().exits(0);
    let backup = test.results().cell("A1", "backup").to_owned();
    test.resume()
        .rows(["A1 replaced"])
        .requests([])
        .stored([("A1", NEW)])
        .exits(0);
    assert_eq!(test.results().cell("A1", "backup"), backup);

    // After a second replacement the line names the newest backup.
    test.write("A1.pdf", AS_LONG);
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", AS_LONG)])
        .exits(0);
    let second = backup_name("A1", "1", NEW);
    assert_eq!(test.results().cell("A1", "backup"), format!("old/{second}"));
    let mut expected = [
        (
            backup_name("A1", "1", "content of A1"),
            "content of A1".to_owned(),
        ),
        (second, NEW.to_owned()),
    ];
    expected.sort();
    assert_eq!(backups(&test), expected);
}

#[test]
fn other_content_of_somebody_else_is_replaced_in_a_first_run() {
    let test = ImportTest::with_rows(2);
    test.import().with_results(OTHER).exits(0);
    test.write("A2.pdf", NEW);
    replacing(test.import())
        .with_any_stderr()
        .rows(["A1 skipped same_content", "A2 replaced"])
        .stored([("A1", "content of A1"), ("A2", NEW)])
        .exits(0);
    assert_eq!(backups(&test).len(), 1);
    assert_eq!(test.results().cell("A2", "attachment_id"), "2");
}

#[test]
fn other_bytes_of_the_same_size_are_found_out_and_replaced() {
    let test = ImportTest::with_rows(1);
    test.import().with_results(OTHER).exits(0);
    test.write("A1.pdf", AS_LONG);
    replacing(test.import())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", AS_LONG)])
        .exits(0);
    let name = backup_name("A1", "1", "content of A1");
    assert_eq!(backups(&test), [(name, "content of A1".to_owned())]);
}

#[test]
fn a_file_that_changed_since_it_was_sent_and_kept_its_size_is_replaced() {
    let test = imported(1);
    test.write("A1.pdf", AS_LONG);
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", AS_LONG)])
        .exits(0);
    let line = test.results();
    assert_eq!(line.cell("A1", "previous_size"), "13");
    assert_eq!(
        line.cell("A1", "previous_sha256"),
        sha256(b"content of A1").to_string()
    );
}

#[test]
fn the_same_bytes_change_nothing_and_leave_no_backup() {
    let test = ImportTest::with_rows(1);
    test.import().with_results(OTHER).exits(0);
    replacing(test.import())
        .with_any_stderr()
        .rows(["A1 skipped same_content"])
        .stored_rows(["A1"])
        .exits(0);
    assert_eq!(changes_after(&test, 0), [""; 0]);
    assert_eq!(backups(&test), []);
}

#[test]
fn without_a_backup_the_old_content_is_not_even_read() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    let outcome = test
        .resume()
        .args(["--on-conflict", "replace", "--no-backup", "--yes"])
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
    assert_eq!(test.results().cell("A1", "backup"), "waived");
    assert_eq!(test.results().cell("A1", "previous_size"), "13");
    let is_download = |words: &&String| words.starts_with("download");
    assert_eq!(outcome.requests.iter().find(is_download), None);
    assert!(!test.path("old").exists());
}

#[test]
fn a_record_of_somebody_else_that_waits_for_bytes_is_not_replaced() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .with_results(OTHER)
        .while_held(2, HoldMoment::BeforeAnswer, RunningTool::kill)
        .exits(EXIT_CODE_KILLED);
    replacing(test.import())
        .with_any_stderr()
        .rows(["A1 pending pending_elsewhere"])
        .exits(1);
    assert_eq!(changes_after(&test, 0), [""; 0]);
}

#[test]
fn an_attachment_cannot_be_moved_to_another_object() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    test.write("m.csv", format!("{MANIFEST_HEADER}A1.pdf,contract,2,A1\n"));
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 conflict object_changed"])
        .stored_rows(["A1"])
        .exits(1);
    assert_eq!(changes_after(&test, 0), [""; 0]);
}

#[test]
fn other_content_stays_as_it_is_where_that_is_what_the_user_wants() {
    for (words, rows, code) in [
        (["--on-conflict", "skip"], ["A1 skipped kept_existing"], 0),
        (
            ["--on-conflict", "fail"],
            ["A1 conflict stored_other_size"],
            1,
        ),
    ] {
        let test = ImportTest::with_rows(1);
        test.import().with_results(OTHER).exits(0);
        test.write("A1.pdf", NEW);
        test.import()
            .args(words)
            .with_any_stderr()
            .rows(rows)
            .requests(["get_by_external_id A1 200"])
            .stored_rows(["A1"])
            .exits(code);
    }
}

#[test]
fn a_file_that_changed_since_it_was_sent_is_left_where_existing_content_is_kept() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    test.resume()
        .args(["--on-conflict", "skip"])
        .with_any_stderr()
        .rows(["A1 skipped kept_existing"])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn the_title_stays_whether_or_not_the_service_would_derive_it_from_the_file() {
    for titles in [TitleOnRename::Keep, TitleOnRename::Derive] {
        let test = ImportTest::with_rows(1)
            .configure_emulator(|settings| settings.attachments.title_on_rename = titles);
        test.import().with_results(OTHER).exits(0);
        test.service().retitle("A1", "Framework contract");
        test.write("A1.pdf", NEW);
        replacing(test.import())
            .with_any_stderr()
            .rows(["A1 replaced"])
            .stored([("A1", NEW)])
            .exits(0);
        assert_eq!(titles_of(&test), ["Framework contract"], "{titles:?}");
    }
}

#[test]
fn what_others_put_in_its_place_meanwhile_is_kept_in_turn() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import().with_results(OTHER).exits(0);
    test.write("A1.pdf", NEW);
    let log = || test.service().request_log().len();
    let before = log();
    // An undisturbed run counts the requests up to the look-up after the backup.
    let probe = ImportTest::with_rows(1);
    probe.import().with_results(OTHER).exits(0);
    probe.write("A1.pdf", NEW);
    let outcome = replacing(probe.import()).with_any_stderr().exits(0);
    let requests = outcome.requests;
    let look = requests.iter().position(|words| words == "update A1 200");
    replacing(test.import())
        .while_held(look.unwrap(), HoldMoment::BeforeService, |running| {
            running
                .test
                .service()
                .replace_bytes("A1", "somebody else was faster");
        })
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
    assert!(log() > before);
    let kept: Vec<_> = backups(&test).into_iter().map(|(_, text)| text).collect();
    assert!(
        kept.contains(&"somebody else was faster".to_owned()),
        "{kept:?}"
    );
    assert_eq!(
        test.results().cell("A1", "previous_sha256"),
        sha256(b"somebody else was faster").to_string()
    );
}

#[test]
fn a_run_that_is_stopped_before_it_has_replaced_anything_does_not_call_its_rows_done() {
    let test = ImportTest::with_rows(1).inject_fault(Get, EveryNth(1), status_effect(401));
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    let outcome = replacing(test.resume())
        .with_any_stderr()
        .prints("the run stopped before the end of its work")
        .prints("stopped early: the service rejects the keys")
        .prints("to go on: ")
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(3);
    assert!(outcome.requests.contains(&"get A1 401 status".to_owned()));
}

#[test]
fn a_run_that_is_interrupted_is_done_only_where_it_has_replaced_all() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import().all_uploaded(2).exits(0);
    test.write("A1.pdf", NEW);
    test.write("A2.pdf", NEW);
    let outcome = replacing(test.resume())
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            running.wait_until_it_prints("stopping");
        })
        .with_any_stderr()
        .done_or_exits(130);
    let replaced = |(_, content): &(String, String)| content == NEW;
    let all = test.service().stored_contents().iter().all(replaced);
    assert_eq!(outcome.code == 0, all, "{:#?}", outcome.results);
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced", "A2 replaced"])
        .stored([("A1", NEW), ("A2", NEW)])
        .exits(0);
}

#[test]
fn a_new_row_beside_a_replacement_is_uploaded_as_always() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    test.write("A2.pdf", "content of A2");
    test.write(
        "m.csv",
        format!(
            "{MANIFEST_HEADER}{}{}",
            manifest_row("A1"),
            manifest_row("A2")
        ),
    );
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced", "A2 uploaded"])
        .stored([("A1", NEW), ("A2", "content of A2")])
        .exits(0);
}
