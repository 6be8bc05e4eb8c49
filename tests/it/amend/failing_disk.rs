//! Backups which cannot be written: no old content is detached.

use super::{backups, changes_after, imported, replacing};
use crate::harness::{
    DiskCall, DiskFault, ImportTest, ReplacedAttachment, TestDisk, assert_no_content_lost,
};

const NEW: &str = "the new content of A1";

/// Size in bytes above the file size limit in the test of a full disk.
const LARGE: usize = 100 * 1024;

#[test]
fn a_full_disk_stops_the_run_before_any_content_is_let_go_of() {
    let old = "o".repeat(LARGE);
    let test = ImportTest::with_rows(1).file("A1.pdf", &old);
    test.import().all_uploaded(1).exits(0);
    test.write("A1.pdf", NEW);
    let seen = test.service().request_log().len();
    replacing(test.resume())
        // The limit, 32 KiB, is above the size of the results and below the size of the backup.
        .with_file_size_limit(64)
        .with_any_stderr()
        .prints("cannot write a backup to old: File too large (os error 27)")
        .stored([("A1", old.as_str())])
        .exits(3);
    assert_eq!(changes_after(&test, seen), [""; 0]);
    assert_eq!(backups(&test), [], "nothing is left half written");
    replacing(test.resume())
        .with_any_stderr()
        .rows(["A1 replaced"])
        .stored([("A1", NEW)])
        .exits(0);
    assert_eq!(backups(&test)[0].1, old);
}

#[test]
fn a_folder_that_cannot_hold_backups_is_refused_before_anything_is_sent() {
    let test = imported(1);
    test.write("A1.pdf", NEW);
    test.write("old", "no folder");
    replacing(test.resume())
        .prints("cannot make the folder for backups old: File exists (os error 17)")
        .exits(2);
}

/// Upper bound of the number of syncs in a replacement of one row.
const MORE_THAN_ALL: usize = 40;

#[test]
fn whichever_sync_fails_the_old_content_is_stored_or_kept_and_the_journal_says_so() {
    let mut failed = 0;
    for nth in 1..MORE_THAN_ALL {
        let test = imported(1);
        let id = test.results().cell("A1", "attachment_id").parse().unwrap();
        test.write("A1.pdf", NEW);
        let disk = TestDisk::new(&test);
        let run = disk.inject_fault(
            replacing(test.resume()),
            DiskCall::Sync,
            nth,
            DiskFault::InputOutputError,
        );
        // The folder of the backups is made before anything is sent.
        let code = if nth == 1 { 2 } else { 3 };
        let ended = run
            .leaving_a_journal()
            .with_any_stderr()
            .done_or_exits(code);
        let is_failure = |call: &crate::harness::RecordedCall| call.outcome != "done";
        if !disk.recorded_calls().iter().any(is_failure) {
            break;
        }
        failed += 1;
        assert_eq!(ended.code, code, "sync {nth}");
        let change = ReplacedAttachment {
            external_id: "A1".into(),
            id,
            old_content: "content of A1".into(),
            new_content: NEW.into(),
        };
        assert_no_content_lost(&test, &[change]);
        disk.record_calls(replacing(test.resume()))
            .with_any_stderr()
            .rows(["A1 replaced"])
            .stored([("A1", NEW)])
            .exits(0);
    }
    // One sync for the folder, two for the backup, two for the lines `replacing`, and two for each
    // rewriting of the results.
    assert!(failed >= 1 + 2 + 2 + 4, "{failed} syncs failed");
}
