//! Order of the syncs of a run, and runs on a disk which fails.

use std::fs::File;

use fastrand::Rng;

use crate::harness::{
    DiskCall, DiskFault, FinishedRun, ImportTest, PowerLoss, ResultsTable, TestDisk, make_pipe,
};

/// Syncs of an import of two rows, each with the requests sent before the sync.
const SYNCS: [(&str, &[&str]); 6] = [
    ("of the file that begins the results", &[]),
    ("of the folder that it is renamed in", &[]),
    ("of A1 creating", &["get_by_external_id A1 404"]),
    (
        "of A1 created",
        &["get_by_external_id A1 404", "create A1 201"],
    ),
    (
        "of A2 creating",
        &[
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
        ],
    ),
    (
        "of A2 created",
        &[
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create A2 201",
        ],
    ),
];

#[test]
fn a_file_is_on_the_disk_before_it_is_renamed_and_its_new_name_before_anything_else() {
    let test = ImportTest::with_rows(2);
    let disk = TestDisk::new(&test);
    disk.record_calls(test.import()).exits(0);
    let folder = test.folder().canonicalize().unwrap();
    let calls = disk.recorded_calls();
    let mut files: Vec<u64> = calls.iter().map(|call| call.results_inode).collect();
    files.dedup();
    assert_eq!(files.len(), 3, "none, the journal, the results: {calls:#?}");
    assert_eq!(files[0], 0, "{calls:#?}");
    for file in &files[1..] {
        let renamed = calls
            .iter()
            .position(|call| call.results_inode == *file)
            .unwrap();
        // At the time of its sync the file had its temporary name.
        let synced = calls[..renamed]
            .iter()
            .any(|call| call.inode == *file && call.is_done_sync_of(&call.path) && call.length > 0);
        assert!(synced, "renamed unsynced: {calls:#?}");
        assert!(
            calls[renamed].is_done_sync_of(&folder),
            "not the folder: {calls:#?}"
        );
    }
}

#[test]
fn a_loss_of_power_after_the_end_takes_nothing() {
    let test = ImportTest::with_rows(2);
    let disk = TestDisk::new(&test);
    disk.record_for_power_loss(test.import()).exits(0);
    let results = test.read(ResultsTable::DEFAULT_NAME);
    disk.lose_power(PowerLoss::AllUnsynced, &mut Rng::with_seed(1));
    assert_eq!(test.read(ResultsTable::DEFAULT_NAME), results);
}

/// Imports two rows on a disk which fails at the given sync.
#[track_caller]
fn stopped(test: &ImportTest, nth: usize, act: DiskFault, says: &str) -> FinishedRun {
    let disk = TestDisk::new(test);
    let outcome = disk
        .inject_fault(test.import(), DiskCall::Sync, nth, act)
        .leaving_a_journal()
        .stdout("")
        .stderr(format!(
            "error: stopped early: {says}; nothing more was sent, and the results are true: go on \
             with --resume once the cause is mended\n"
        ))
        .exits(3);
    let failed: Vec<_> = disk
        .recorded_calls()
        .into_iter()
        .filter(|call| call.outcome != "done")
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    disk.record_calls(test.resume())
        .all_uploaded(2)
        .stored_rows(["A1", "A2"])
        .exits(0);
    assert_eq!(
        test.file_names(),
        ["A1.pdf", "A2.pdf", "m.csv", "m.results.csv"]
    );
    outcome
}

#[test]
fn a_sync_that_fails_stops_the_run_before_the_next_request_and_loses_nothing() {
    for (act, why) in [
        (
            DiskFault::InputOutputError,
            "Input/output error (os error 5)",
        ),
        (DiskFault::NoSpace, "No space left on device (os error 28)"),
    ] {
        for (nth, (what, requests)) in (1..).zip(SYNCS) {
            let doing = match nth {
                1 => "write",
                2 => "sync the folder of",
                _ => "sync",
            };
            let test = ImportTest::with_rows(2);
            let says = format!("cannot {doing} m.results.csv: {why}");
            let outcome = stopped(&test, nth, act, &says);
            assert_eq!(outcome.requests, requests, "the sync {what}");
        }
    }
}

#[test]
fn a_disk_that_fails_while_the_results_are_put_in_order_leaves_them_readable() {
    // Syncs 1 to 5 belong to the journal of one row.
    for (nth, doing) in [(6, "write"), (7, "sync the folder of")] {
        let test = ImportTest::with_rows(1);
        let disk = TestDisk::new(&test);
        disk.inject_fault(
            test.import(),
            DiskCall::Sync,
            nth,
            DiskFault::InputOutputError,
        )
        .leaving_a_journal()
        .prints(format!(
            "cannot {doing} m.results.csv: Input/output error (os error 5)"
        ))
        .stored_rows(["A1"])
        .exits(3);
        let last = test.results().lines.pop().unwrap();
        assert_eq!(last.cell("status"), "uploaded");
        test.resume().requests([]).all_uploaded(1).exits(0);
    }
}

#[test]
fn what_a_killed_run_left_beside_the_results_is_cleared_away_and_nothing_else() {
    let others = [
        ".consign-AbCdEf.csv",
        ".consign-notes (old).tmp",
        "consign-AbCdEf.tmp",
    ];
    let test = ImportTest::with_rows(1).file(".consign-AbCdEf.tmp", "left behind");
    for name in others {
        test.write(name, "somebody's");
    }
    // A lock on the temporary file shows another run at work.
    let held = File::create(test.path(".consign-GhIjKl.tmp")).unwrap();
    held.lock().unwrap();
    let pipe = test.path(".consign-MnOpQr.tmp");
    make_pipe(&pipe);
    test.import().exits(0);
    let mut expected = vec![".consign-GhIjKl.tmp", ".consign-MnOpQr.tmp"];
    expected.extend(others);
    expected.extend(["A1.pdf", "m.csv", "m.results.csv"]);
    expected.sort_unstable();
    assert_eq!(test.file_names(), expected);
    drop(held);
    test.resume().requests([]).exits(0);
    assert!(!test.path(".consign-GhIjKl.tmp").exists());
}
