//! Two runs with the same results.

use std::fs;

use crate::harness::{HoldMoment, ImportTest, ResultsTable, symlink};

const IN_USE: &str = "is in use by another run of consign; wait for the other run to end, or stop \
                      that run\n";

/// Begins a second run with the same results while the first is at its first request, and expects a
/// refusal.
#[track_caller]
fn refused_meanwhile(path: impl Fn(&ImportTest) -> String, says: &str) {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            let path = path(running.test);
            running
                .test
                .resume()
                .with_results(&path)
                .stdout("")
                .stderr(format!("error: {path} {says}").replace(&folder(running.test), "[folder]"))
                .exits(2);
        })
        .all_uploaded(2)
        .stored_rows(["A1", "A2"])
        .exits(0);
}

fn folder(test: &ImportTest) -> String {
    test.folder().to_string_lossy().into_owned()
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn a_second_run_is_refused_by_whatever_path_it_comes() {
    refused_meanwhile(|_| "./m.results.csv".to_owned(), IN_USE);
    refused_meanwhile(|test| format!("{}/m.results.csv", folder(test)), IN_USE);
    refused_meanwhile(
        |test| {
            symlink(test.folder(), test.path("link"));
            "link/m.results.csv".to_owned()
        },
        IN_USE,
    );
}

#[test]
fn results_with_a_second_name_are_refused_under_either() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    fs::hard_link(
        test.path(ResultsTable::DEFAULT_NAME),
        test.path("other.csv"),
    )
    .unwrap();
    for name in [ResultsTable::DEFAULT_NAME, "other.csv"] {
        test.resume()
            .with_results(name)
            .stdout("")
            .stderr(format!(
                "error: {name} has a second name (a hard link), under which another run could use \
                 the file at the same time; remove the second name, or copy the file and rename \
                 the copy to {name}\n"
            ))
            .exits(2);
    }
    fs::copy(test.path("other.csv"), test.path("copy")).unwrap();
    fs::rename(test.path("copy"), test.path(ResultsTable::DEFAULT_NAME)).unwrap();
    test.resume().requests([]).exits(0);
}

#[cfg(target_os = "linux")]
mod at_one_moment {
    //! Races in which one of the two runs is stopped in the middle.

    use super::{IN_USE, ImportTest, ResultsTable};
    use crate::harness::{
        DiskCall, DiskFault, EXIT_CODE_KILLED, RunningTool, TestDisk, assert_stored_exactly_once,
        without_progress,
    };

    /// Waits until an injected fault has stopped a run, calls `meanwhile`, and lets the run
    /// continue.
    fn with_a_stop(
        test: &ImportTest,
        disk: &TestDisk<'_>,
        running: &mut RunningTool<'_>,
        meanwhile: impl FnOnce(&ImportTest),
    ) -> (i32, String, String) {
        running.wait_until("it is stopped", || {
            disk.recorded_calls()
                .iter()
                .any(|call| call.outcome == "stop before")
        });
        meanwhile(test);
        running.continue_after_stop();
        let (code, stdout, stderr) = running.wait_for_exit();
        (code, stdout, without_progress(&stderr))
    }

    #[test]
    fn a_run_has_its_results_also_while_it_replaces_them() {
        // Before and after the new file is renamed.
        for nth in [6, 7] {
            let test = ImportTest::with_rows(1);
            let disk = TestDisk::new(&test);
            let mut running = disk
                .inject_fault(test.import(), DiskCall::Sync, nth, DiskFault::StopBefore)
                .start();
            let (code, _, stderr) = with_a_stop(&test, &disk, &mut running, |test| {
                test.resume()
                    .stdout("")
                    .stderr(format!("error: m.results.csv {IN_USE}"))
                    .exits(2);
            });
            assert_eq!((code, stderr.as_str()), (0, ""));
            test.resume().requests([]).all_uploaded(1).exits(0);
        }
    }

    #[test]
    fn a_run_that_opened_results_which_were_then_replaced_reads_the_new_ones() {
        let test = ImportTest::with_rows(2);
        let disk = TestDisk::new(&test);
        let first = disk.inject_fault(test.import(), DiskCall::Sync, 4, DiskFault::KillAfter);
        first.exits(EXIT_CODE_KILLED);
        disk.forget_replaced_results();
        let mut late = disk
            .inject_fault(test.resume(), DiskCall::Lock, 1, DiskFault::StopBefore)
            .start();
        let (code, stdout, stderr) = with_a_stop(&test, &disk, &mut late, |test| {
            test.resume().all_uploaded(2).exits(0);
        });
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert!(
            stdout.contains("all 2 rows done (0 B sent in ") && stdout.contains(", 0 requests)"),
            "{stdout}"
        );
        assert_stored_exactly_once(&test, 2);
    }

    #[test]
    fn of_two_first_runs_the_slower_one_sends_nothing() {
        let test = ImportTest::with_rows(1);
        let disk = TestDisk::new(&test);
        let mut slower = disk
            .inject_fault(test.import(), DiskCall::Sync, 1, DiskFault::StopBefore)
            .start();
        let (code, stdout, stderr) = with_a_stop(&test, &disk, &mut slower, |test| {
            test.import().all_uploaded(1).exits(0);
        });
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains("m.results.csv exists already"), "{stderr}");
        test.resume().requests([]).all_uploaded(1).exits(0);
        assert_stored_exactly_once(&test, 1);
        assert_eq!(
            test.file_names(),
            ["A1.pdf", "m.csv", ResultsTable::DEFAULT_NAME]
        );
    }
}
