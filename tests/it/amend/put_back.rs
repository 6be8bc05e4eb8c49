//! Replacements which fail after the old content was detached: the tool puts the old content back.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::FaultTrigger::Nth;

use super::{backups, changes_after, imported, replacing, titles_of};
use crate::harness::{
    FinishedRun, HoldMoment, ImportTest, ReplacedAttachment, RunningTool, assert_no_content_lost,
    status_effect,
};

const OLD: &str = "content of A1";
const NEW: &str = "the new content of A1";

/// Returns the position, from 1, of the first request with this beginning in an undisturbed
/// replacement of A1.
fn request_position(request: &str) -> usize {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    let run = replacing(test.resume()).with_any_stderr();
    let requests = run.exits(0).requests;
    let place = requests.iter().position(|words| words.starts_with(request));
    place.unwrap_or_else(|| panic!("{request} in {requests:#?}")) + 1
}

/// Replaces A1, and calls `act` before one request.
fn replaced_while(request: &str, act: impl Fn(&mut RunningTool<'_>)) -> (ImportTest, FinishedRun) {
    let place = request_position(request);
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    let outcome = replacing(test.resume())
        .while_held(place, HoldMoment::BeforeService, |running| act(running))
        .with_any_stderr()
        .stored([("A1", OLD)])
        .exits(1);
    (test, outcome)
}

#[test]
fn the_old_content_is_put_back_where_the_file_changes_before_it_is_sent() {
    let (test, outcome) = replaced_while("update", |running| {
        running.test.write("A1.pdf", "changed once more");
    });
    let results = test.results();
    assert_eq!(results.statuses_in_words(), ["A1 conflict source_changed"]);
    assert_eq!(results.cell("A1", "attachment_id"), "1");
    assert_eq!(titles_of(&test), ["A1.pdf"]);
    let patches = outcome
        .requests
        .iter()
        .filter(|one| *one == "update A1 200");
    assert_eq!(patches.count(), 2, "to replace, and to put back");
    // The changed file can be checked and sent by the next run.
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", "changed once more")])
        .exits(0);
}

#[test]
fn the_old_content_is_put_back_where_the_file_is_gone_before_it_is_sent() {
    let (test, _) = replaced_while("update", |running| running.test.remove("A1.pdf"));
    assert_eq!(
        test.results().statuses_in_words(),
        ["A1 conflict source_changed"]
    );
}

/// Size in bytes beyond all buffers on the way.
const BIG: usize = 32 << 20;

#[test]
fn the_old_content_is_put_back_where_the_file_changes_while_it_is_sent() {
    let place = request_position("upload");
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", vec![b'a'; BIG]);
    let altered = |path: &Path| {
        let mut file = File::options().write(true).open(path).unwrap();
        file.write_all(&vec![b'b'; BIG]).unwrap();
    };
    replacing(test.resume())
        .while_held(place, HoldMoment::BeforeService, |running| {
            altered(&running.test.path("A1.pdf"));
        })
        .with_any_stderr()
        .rows(["A1 conflict source_changed"])
        .stored([("A1", OLD)])
        .exits(1);
    assert_eq!(backups(&test).len(), 1);
}

/// Prepares a replacement of A1 whose storage refuses the given number of uploads, beginning with
/// the one of the new content.
fn refused(uploads: u64) -> ImportTest {
    // Upload 1 is the one of the old content.
    let faults = (0..uploads).map(|number| Nth(number + 2));
    let test = faults.fold(ImportTest::with_rows(1), |test, nth| {
        test.inject_fault(Upload, nth, status_effect(400))
    });
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    test
}

fn change() -> ReplacedAttachment {
    ReplacedAttachment {
        external_id: "A1".into(),
        id: 1,
        old_content: OLD.into(),
        new_content: NEW.into(),
    }
}

#[test]
fn the_old_content_is_put_back_where_the_storage_refuses_the_new() {
    let test = refused(1);
    let seen = test.service().request_log().len();
    let outcome = replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 conflict upload_refused"])
        .stored([("A1", OLD)])
        .exits(1);
    assert!(
        outcome
            .requests
            .contains(&"upload A1 400 status".to_owned())
    );
    assert_eq!(changes_after(&test, seen), ["A1 file_name+title"; 2]);
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
}

#[test]
fn an_attachment_whose_old_content_cannot_be_put_back_is_named_and_waits_for_bytes() {
    let test = refused(2);
    let outcome = replacing(test.resume()).with_any_stderr().exits(1);
    let refusals = outcome
        .requests
        .iter()
        .filter(|words| *words == "upload A1 400 status");
    assert_eq!(refusals.count(), 2);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains("A1"), "{said}");
    let line = &test.results().statuses_in_words()[0];
    assert!(line.starts_with("A1 replacing"), "{line}");
    assert_no_content_lost(&test, &[change()]);
    // The replacement is ours to finish, whatever the options of this run.
    test.resume()
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
    assert_eq!(test.results().cell("A1", "previous_size"), "13");
}

#[test]
fn without_a_backup_there_is_nothing_to_put_back_and_the_attachment_is_named() {
    let test = refused(1);
    let outcome = test
        .resume()
        .args(["--on-conflict", "replace", "--no-backup", "--yes"])
        .with_any_stderr()
        .exits(1);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains("A1"), "{said}");
    let line = &test.results().statuses_in_words()[0];
    assert!(line.starts_with("A1 replacing"), "{line}");
    assert_eq!(test.results().cell("A1", "backup"), "waived");
    assert_eq!(test.service().stored_contents(), []);
    assert_no_content_lost(&test, &[change()]);
    test.resume()
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
}
