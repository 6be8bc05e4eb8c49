//! Results replaced, rewritten or removed while a run writes them, as by a sync client, an editor
//! or a person who tidies up.

use std::fs;
use std::path::PathBuf;

use consign::emulator::EmulatorOperation::{Create, Upload};
use consign::emulator::ExternalIdUniqueness::NotUnique;
use consign::emulator::FaultEffect;
use consign::emulator::FaultTrigger::Nth;

use crate::harness::{
    FinishedRun, HoldMoment, ImportTest, OTHER_SOURCING_EVENT, ResultsTable, SHELL, SOURCING_EVENT,
    assert_attached_once, assert_stored_exactly_once, status_effect,
};

/// Interference with the results file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultsFate {
    /// An earlier version takes the name of the results by a rename.
    Replaced,
    /// An earlier version is written into the results file.
    Rewritten,
    Removed,
}

const FATES: [ResultsFate; 3] = [
    ResultsFate::Replaced,
    ResultsFate::Rewritten,
    ResultsFate::Removed,
];

impl ResultsFate {
    fn apply_to(self, test: &ImportTest) {
        let results = test.read(ResultsTable::DEFAULT_NAME);
        // The earlier version is the header, before the first row was begun.
        let earlier = results.split_inclusive('\n').next().unwrap();
        assert!(results.len() > earlier.len(), "the run had begun a row");
        match self {
            Self::Replaced => {
                test.write("download.tmp", earlier);
                fs::rename(
                    test.path("download.tmp"),
                    test.path(ResultsTable::DEFAULT_NAME),
                )
                .unwrap();
            }
            Self::Rewritten => test.write(ResultsTable::DEFAULT_NAME, earlier),
            Self::Removed => test.remove(ResultsTable::DEFAULT_NAME),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Replaced => "was replaced by another file",
            Self::Rewritten => "was rewritten by another program (it has ",
            Self::Removed => "was removed",
        }
    }

    fn first_command(self) -> String {
        let [here, aside, kept] = [
            "m.results.csv",
            "m.results.csv.replaced",
            "m.results.kept.csv",
        ]
        .map(PathBuf::from);
        let put_back = (kept, here.clone());
        let moves = match self {
            Self::Removed => vec![put_back],
            Self::Replaced | Self::Rewritten => vec![(here, aside), put_back],
        };
        let script = SHELL.script(&moves, &["consign"]);
        let (moves, _) = script.split_once("consign").unwrap();
        format!("to go on: {moves}[consign] ")
    }
}

/// Returns the command with which the run says to go on.
fn continue_command(outcome: &FinishedRun) -> &str {
    let mut lines = outcome.stdout.lines();
    let told = lines.find_map(|line| line.strip_prefix("to go on: "));
    told.expect("the way on is told")
}

#[track_caller]
fn run_continue_command(test: &ImportTest, outcome: &FinishedRun) {
    let (code, said) = test.run_shell_command(continue_command(outcome));
    assert_eq!(code, 0, "{said}");
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn a_run_stops_when_its_results_lose_their_place_and_the_way_on_sends_nothing_twice() {
    for fate in FATES {
        let test = ImportTest::with_rows(4)
            .configure_emulator(|settings| settings.attachments.external_id_uniqueness = NotUnique)
            .with_holding_proxy();
        // The first row lacks only its confirmation, and the second is about to be looked up.
        let outcome = test
            .import()
            .while_held(4, HoldMoment::BeforeService, |running| {
                fate.apply_to(running.test);
            })
            .leaving_a_journal()
            .prints(format!("stopped early: m.results.csv {}", fate.words()))
            .prints(
                "while this run wrote to it; nothing more was sent, and the results of this run \
                 are in m.results.kept.csv: go on with this file alone, or attached files are sent \
                 again\nresults: m.results.kept.csv\n",
            )
            .prints(fate.first_command())
            .requests([
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                "get_by_external_id A2 404",
            ])
            .exits(3);
        let kept = ResultsTable::read(&test.path("m.results.kept.csv")).unwrap();
        assert_eq!(
            kept.statuses_in_words(),
            [
                "A1 created",
                "A2 pending not_reached",
                "A3 pending not_reached",
                "A4 pending not_reached"
            ],
            "{fate:?}"
        );
        run_continue_command(&test, &outcome);
        assert_stored_exactly_once(&test, 4);
        test.resume().requests([]).all_uploaded(4).exits(0);
    }
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn files_of_jobs_are_not_attached_twice_when_results_lose_their_place() {
    for fate in FATES {
        let test = ImportTest::with_object_rows([(SOURCING_EVENT, 2), (OTHER_SOURCING_EVENT, 2)])
            .with_holding_proxy();
        // The first job is about to get the bytes of its first file.
        let outcome = test
            .import_at_once(1)
            .with_fast_clock()
            .args(["--files-per-job", "1"])
            .while_held(3, HoldMoment::BeforeService, |running| {
                fate.apply_to(running.test);
            })
            .leaving_a_journal()
            .prints(format!("stopped early: m.results.csv {}", fate.words()))
            .exits(3);
        assert_eq!(
            outcome.requests[..3],
            ["create_job J1 201", "get_job J1 200", "upload A1.pdf 200"],
            "{fate:?}"
        );
        let made = outcome.requests.iter();
        let made = made.filter(|words| words.starts_with("create_job "));
        assert_eq!(made.count(), 1, "{:?}", outcome.requests);
        run_continue_command(&test, &outcome);
        assert_attached_once(&test);
    }
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn nothing_is_sent_once_more_after_a_wait_in_which_the_results_lost_their_place() {
    let wait_a_second = || FaultEffect::Status {
        code: 429,
        retry_after: Some("1".into()),
    };
    for fate in FATES {
        // The results get no line between the request and its repetition.
        for (held, test, requests) in [
            (
                2,
                ImportTest::with_rows(2).inject_fault(Create, Nth(1), wait_a_second()),
                ["get_by_external_id A1 404", "create 429 status"].as_slice(),
            ),
            (
                3,
                ImportTest::with_rows(2).inject_fault(Upload, Nth(1), status_effect(503)),
                &[
                    "get_by_external_id A1 404",
                    "create A1 201",
                    "upload A1 503 status",
                ],
            ),
        ] {
            let test = test.with_holding_proxy();
            let outcome = test
                .import()
                .while_held(held, HoldMoment::BeforeAnswer, |running| {
                    fate.apply_to(running.test);
                })
                .leaving_a_journal()
                .with_any_stderr()
                .requests(requests.iter().copied())
                .exits(3);
            run_continue_command(&test, &outcome);
            assert_stored_exactly_once(&test, 2);
        }
    }
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn what_somebody_has_put_in_the_place_of_the_results_is_not_overwritten_at_the_end() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    // Only the final rewriting of the results follows the last answer.
    let outcome = test
        .import()
        .while_held(4, HoldMoment::BeforeAnswer, |running| {
            running.test.write("others", "somebody's\n");
            let test = running.test;
            fs::rename(test.path("others"), test.path(ResultsTable::DEFAULT_NAME)).unwrap();
        })
        .leaving_a_journal()
        .prints("m.results.csv was replaced by another file while this run wrote to it")
        .stored_rows(["A1"])
        .exits(3);
    assert_eq!(test.read(ResultsTable::DEFAULT_NAME), "somebody's\n");
    run_continue_command(&test, &outcome);
    assert_eq!(test.read("m.results.csv.replaced"), "somebody's\n");
    test.resume().requests([]).all_uploaded(1).exits(0);
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn results_that_are_kept_take_no_name_that_is_taken() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.write("m.results.kept.csv", "of the last time");
    test.write("m.results.csv.replaced", "of the last time");
    let outcome = test
        .import()
        .while_held(4, HoldMoment::BeforeService, |running| {
            ResultsFate::Replaced.apply_to(running.test);
        })
        .leaving_a_journal()
        .prints("results: m.results.kept-2.csv\n")
        .exits(3);
    run_continue_command(&test, &outcome);
    for name in ["m.results.kept.csv", "m.results.csv.replaced"] {
        assert_eq!(test.read(name), "of the last time");
    }
    assert_stored_exactly_once(&test, 2);
}

#[test]
#[cfg_attr(
    windows,
    ignore = "no other program writes to results that a run has open"
)]
fn whoever_wants_quiet_is_told_all_the_same_where_the_results_are() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .args(["--quiet"])
        .while_held(4, HoldMoment::BeforeService, |running| {
            ResultsFate::Replaced.apply_to(running.test);
        })
        .leaving_a_journal()
        .stdout("")
        .prints("results: m.results.kept.csv\n")
        .exits(3);
}

/// Results changed between their reading and the check of the files.
#[cfg(target_os = "linux")]
mod before_a_run {
    use super::{ImportTest, ResultsTable, assert_stored_exactly_once, fs};
    use crate::harness::{DiskCall, DiskFault, TestDisk};

    /// Stops a resumed run just before its journal replaces the results read at the start,
    /// interferes, and expects a refusal.
    #[track_caller]
    fn refuses_what_came_meanwhile(meanwhile: impl FnOnce(&ImportTest), says: &str) {
        let test = ImportTest::with_rows(2);
        test.import().exits(0);
        test.write("A3.pdf", "content of A3");
        test.write("m.csv", test.read("m.csv") + "A3.pdf,contract,3,A3\n");
        let disk = TestDisk::new(&test);
        let mut running = disk
            .inject_fault(test.resume(), DiskCall::Sync, 1, DiskFault::StopBefore)
            .start();
        running.wait_until("it is stopped", || {
            disk.recorded_calls()
                .iter()
                .any(|call| call.outcome == "stop before")
        });
        let complete = test.read(ResultsTable::DEFAULT_NAME);
        meanwhile(&test);
        let left = fs::read(test.path(ResultsTable::DEFAULT_NAME)).ok();
        running.continue_after_stop();
        let (code, stdout, stderr) = running.wait_for_exit();
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains(&format!("error: m.results.csv {says}"))
                && stderr.contains(
                    " while consign used it; nothing was sent: put the \
                 right file there, and go on: "
                ),
            "{stderr}"
        );
        assert_eq!(fs::read(test.path(ResultsTable::DEFAULT_NAME)).ok(), left);
        test.write(ResultsTable::DEFAULT_NAME, complete);
        test.resume().all_uploaded(3).exits(0);
        assert_stored_exactly_once(&test, 3);
    }

    #[test]
    fn what_was_read_must_still_be_there_when_the_journal_takes_its_place() {
        for fate in super::FATES {
            refuses_what_came_meanwhile(|test| fate.apply_to(test), fate.words());
        }
    }

    #[test]
    fn a_cell_that_was_mended_without_making_the_results_longer_is_noticed() {
        refuses_what_came_meanwhile(
            |test| {
                let mended = test
                    .read(ResultsTable::DEFAULT_NAME)
                    .replace("uploaded", "reloaded");
                test.write(ResultsTable::DEFAULT_NAME, mended);
            },
            "was rewritten by another program",
        );
    }

    #[test]
    fn what_is_put_there_after_the_last_look_before_a_first_run_is_not_overwritten() {
        let test = ImportTest::with_rows(1);
        let disk = TestDisk::new(&test);
        let mut running = disk
            .inject_fault(test.import(), DiskCall::Sync, 1, DiskFault::StopBefore)
            .start();
        running.wait_until("it is stopped", || {
            disk.recorded_calls()
                .iter()
                .any(|call| call.outcome == "stop before")
        });
        test.write(ResultsTable::DEFAULT_NAME, "somebody's");
        running.continue_after_stop();
        let (code, _, stderr) = running.wait_for_exit();
        assert_eq!(code, 2, "{stderr}");
        assert_eq!(test.read(ResultsTable::DEFAULT_NAME), "somebody's");
    }
}
