//! Ctrl-C, and the signals of a system shutdown.

use std::fs::File;

use crate::harness::{EXIT_CODE_STOPPED, HoldMoment, ImportTest, STOP_SIGNAL, STOP_SIGNALS};

const STOPPING: &str =
    "stopping: no new rows; rows under way have 30 s (stop again to end at once)\n";

#[test]
fn an_interrupted_run_finishes_what_is_under_way_and_begins_nothing() {
    for &(signal, code) in STOP_SIGNALS {
        let test = ImportTest::with_rows(3).with_holding_proxy();
        test.import()
            .while_held(2, HoldMoment::BeforeService, |running| {
                running.signal(signal);
                running.wait_until_it_prints(STOPPING);
            })
            .stderr(STOPPING)
            .stdout(
                "2 of 3 rows not done (13 B sent in [time], 3 requests)\n\
                 \x20 uploaded          1  stored, and the size confirmed by the service\n\
                 \x20 pending           2  not reached, or to be tried again by --resume\n\
                 results: m.results.csv\n\
                 to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
                 --resume\n",
            )
            .rows([
                "A1 uploaded",
                "A2 pending not_reached",
                "A3 pending not_reached",
            ])
            .requests([
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                "list 200",
            ])
            .exits(code);
        test.resume()
            .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
            .stored_rows(["A1", "A2", "A3"])
            .exits(0);
    }
}

#[test]
fn a_second_interruption_ends_the_run_at_once_and_loses_nothing() {
    let pairs = STOP_SIGNALS
        .iter()
        .flat_map(|first| STOP_SIGNALS.iter().map(|second| (first.0, *second)));
    for (first, (second, code)) in pairs {
        let test = ImportTest::with_rows(2).with_holding_proxy();
        test.import()
            .while_held(3, HoldMoment::BeforeService, |running| {
                running.signal(first);
                running.wait_until_it_prints(STOPPING);
                running.signal(second);
                assert_eq!(running.wait_for_exit().0, code);
            })
            .leaving_a_journal()
            .stdout("")
            .stderr(STOPPING)
            .requests(["get_by_external_id A1 404", "create A1 201"])
            .exits(code);
        test.resume()
            .rows(["A1 uploaded", "A2 uploaded"])
            .stored_rows(["A1", "A2"])
            .exits(0);
    }
}

/// The system and the shell both send the signal of a closed terminal.
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "only Linux tells a program whether SIGHUP is ignored; elsewhere the signal ends a run \
              at once"
)]
#[test]
fn a_closed_terminal_tells_a_run_only_once_to_end() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal("HUP");
            running.wait_until_it_prints(STOPPING);
            running.signal("HUP");
        })
        .stderr(STOPPING)
        .rows(["A1 uploaded", "A2 pending not_reached"])
        .exits(143);
}

#[cfg_attr(windows, ignore = "Windows has no SIGHUP")]
#[test]
fn under_nohup_a_run_goes_on_when_the_terminal_is_closed() {
    let test = ImportTest::with_rows(2).with_holding_proxy();
    test.import()
        .with_shell_prelude("trap '' HUP")
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal("HUP");
        })
        .all_uploaded(2)
        .exits(0);
}

#[cfg_attr(windows, ignore = "the shell of Unix makes the pipe")]
#[test]
fn a_log_that_nobody_reads_any_more_does_not_stop_a_run() {
    let test = ImportTest::with_rows(2);
    test.import()
        .args(["-vvv"])
        .with_unread_stderr()
        .all_uploaded(2)
        .exits(0);
}

#[test]
fn a_row_that_was_done_when_the_run_was_interrupted_makes_it_a_success() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(2, HoldMoment::BeforeService, |running| {
            running.signal("INT");
            running.wait_until_it_prints(STOPPING);
        })
        .stderr(STOPPING)
        .rows(["A1 uploaded"])
        .exits(0);
}

#[test]
fn a_dry_run_can_be_interrupted_too() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    test.import()
        .args(["--dry-run"])
        .while_held(1, HoldMoment::BeforeService, |running| {
            running.signal(STOP_SIGNAL);
            running.wait_until_it_prints(STOPPING);
        })
        .stderr(STOPPING)
        .prints("stopped early: interrupted\n")
        .exits(EXIT_CODE_STOPPED);
}

#[test]
fn a_run_that_is_interrupted_while_it_hashes_has_begun_nothing() {
    let test = ImportTest::with_rows(1);
    // A sparse file takes seconds to hash and no disk space.
    let file = File::create(test.path("A1.pdf")).unwrap();
    file.set_len(4 << 30).unwrap();
    let mut running = test.import().args(["-v"]).start();
    running.wait_until_it_prints("hashing");
    running.signal(STOP_SIGNAL);
    assert_eq!(running.wait_for_exit().0, EXIT_CODE_STOPPED);
    assert_eq!(test.file_names(), ["A1.pdf", "m.csv"]);
    assert_eq!(test.service().request_log(), []);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_interrupted_while_the_service_is_away_does_not_wait_until_it_is_back() {
    use consign::emulator::EmulatorOperation::GetByExternalId;
    use consign::emulator::FaultTrigger::EveryNth;

    use crate::harness::{TestDisk, status_effect};

    for &(signal, code) in STOP_SIGNALS {
        let test =
            ImportTest::with_rows(2).inject_fault(GetByExternalId, EveryNth(1), status_effect(503));
        let disk = TestDisk::new(&test);
        let mut running = disk.record_calls(test.import()).start();
        running.wait_until_it_prints("the service does not answer");
        running.signal(signal);
        let (found, stdout, stderr) = running.wait_for_exit();
        assert_eq!(found, code, "{stderr}");
        assert!(stderr.contains(STOPPING), "{stderr}");
        assert!(stdout.contains("to go on: "), "{stdout}");
        assert_eq!(
            test.results().statuses_in_words(),
            ["A1 pending not_reached", "A2 pending not_reached"]
        );
    }
}
