//! Folders unfit for results or backups: named with the reason before anything is sent.

use crate::harness::{DiskCall, DiskFault, ImportTest, ResultsTable, TestDisk};

const NO_LOCKS: &str = "the file system has no locks, so a second run could not be kept out";
const NO_SYNC: &str = "the file system cannot sync a folder, so a loss of power could remove the \
                       file";

/// Defects of a file system: the failing call, the error of the system and the message to the user.
const LACKS: [(DiskCall, DiskFault, &str, &str); 4] = [
    (
        DiskCall::Lock,
        DiskFault::NotSupported,
        NO_LOCKS,
        "Operation not supported (os error 95)",
    ),
    (
        DiskCall::Lock,
        DiskFault::NoLocks,
        NO_LOCKS,
        "No locks available (os error 37)",
    ),
    (
        DiskCall::Probe,
        DiskFault::InvalidArgument,
        NO_SYNC,
        "Invalid argument (os error 22)",
    ),
    (
        DiskCall::Probe,
        DiskFault::NotSupported,
        NO_SYNC,
        "Operation not supported (os error 95)",
    ),
];

#[test]
fn results_are_not_begun_where_they_could_not_be_relied_on() {
    for (call, act, lack, why) in LACKS {
        let test = ImportTest::with_rows(1);
        TestDisk::new(&test)
            .inject_fault(test.import(), call, 1, act)
            .stdout("")
            .stderr(format!(
                "error: m.results.csv cannot be kept in its folder: {lack} ({why}); name a results \
                 file on a local disk with --results\n"
            ))
            .requests([])
            .exits(2);
        assert_eq!(test.file_names(), ["A1.pdf", "m.csv"]);
        // The test does as the message says.
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = elsewhere.path().join("r.csv");
        test.import()
            .with_results(elsewhere.to_str().unwrap())
            .stored_rows(["A1"])
            .exits(0);
    }
}

#[test]
fn results_that_are_there_are_to_be_copied_elsewhere() {
    for (call, act, lack, why) in LACKS {
        let test = ImportTest::with_rows(1);
        test.import().exits(0);
        TestDisk::new(&test)
            .inject_fault(test.resume(), call, 1, act)
            .stdout("")
            .stderr(format!(
                "error: m.results.csv cannot be kept in its folder: {lack} ({why}); copy the file \
                 to a local disk, and name only the copy with --results from then on\n"
            ))
            .requests([])
            .exits(2);
        let elsewhere = tempfile::tempdir().unwrap();
        let elsewhere = elsewhere.path().join("r.csv");
        std::fs::copy(test.path(ResultsTable::DEFAULT_NAME), &elsewhere).unwrap();
        test.resume()
            .with_results(elsewhere.to_str().unwrap())
            .requests([])
            .all_uploaded(1)
            .exits(0);
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    // Even the superuser cannot create files in the folder.
    let test = ImportTest::with_rows(1);
    test.import()
        .with_results("/sys/r.csv")
        .stdout("")
        .stderr(
            "error: /sys/r.csv cannot be kept in its folder: writing is refused (Permission denied \
             (os error 13)); name a results file on a local disk with --results\n",
        )
        .requests([])
        .exits(2);
}

#[test]
fn backups_are_not_begun_where_they_could_not_be_relied_on() {
    for (call, act, lack, why) in LACKS {
        let test = ImportTest::with_rows(1);
        test.write("backups/.keep", "");
        // The first call is the one for the results' folder.
        TestDisk::new(&test)
            .inject_fault(test.import(), call, 2, act)
            .args(["--on-conflict", "replace", "--backup", "backups", "--yes"])
            .stdout("")
            .prints(format!("cannot keep backups in backups: {lack} ({why})"))
            .prints("name another folder")
            .requests([])
            .exits(2);
    }
}
