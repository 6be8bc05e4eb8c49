//! Services which report a size of zero before the bytes are stored. No uploaded file is empty, so
//! zero means no bytes yet.

use std::time::Duration;

use consign::emulator::EmulatorOperation::{Create, Upload};
use consign::emulator::FaultEffect::LoseAnswer;
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::PurgeClock;
use consign::emulator::SizeWithoutBytes;

use crate::harness::{EXIT_CODE_KILLED, HoldMoment, ImportTest, RunningTool, status_effect};

fn showing(sizes: SizeWithoutBytes, rows: usize) -> ImportTest {
    ImportTest::with_rows(rows)
        .configure_emulator(|settings| settings.attachments.size_without_bytes = sizes)
}

#[test]
fn a_size_that_shows_late_is_awaited_whatever_is_shown_before() {
    for sizes in [SizeWithoutBytes::Null, SizeWithoutBytes::Zero] {
        let test = showing(sizes, 2).configure_emulator(|settings| {
            settings.attachments.size_delay = Duration::from_millis(400);
        });
        test.import()
            .rows(["A1 uploaded", "A2 uploaded"])
            .stored_rows(["A1", "A2"])
            .exits(0);
    }
}

#[test]
fn a_record_that_shows_zero_has_no_bytes_yet_however_it_is_looked_up() {
    for sizes in [SizeWithoutBytes::Null, SizeWithoutBytes::Zero] {
        // Looked up by external id, after a lost POST.
        showing(sizes, 1)
            .inject_fault(Create, Nth(1), LoseAnswer)
            .import()
            .with_fast_clock()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        // Looked up by id, after the storage said that the address has expired, and in a later run.
        showing(sizes, 1)
            .inject_fault(Upload, Nth(1), status_effect(403))
            .import()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        let test = showing(sizes, 1).with_holding_proxy();
        test.import()
            .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
            .exits(EXIT_CODE_KILLED);
        test.resume()
            .rows(["A1 uploaded"])
            .stored_rows(["A1"])
            .exits(0);
        // A record of another client is left alone.
        let test = showing(sizes, 1).with_holding_proxy();
        test.import()
            .with_results("theirs.csv")
            .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
            .exits(EXIT_CODE_KILLED);
        test.import()
            .with_any_stderr()
            .rows(["A1 pending pending_elsewhere"])
            .stored([])
            .exits(1);
    }
}

#[test]
fn new_bytes_are_awaited_where_the_old_ones_gave_way() {
    for sizes in [SizeWithoutBytes::Null, SizeWithoutBytes::Zero] {
        let test = showing(sizes, 1).configure_emulator(|settings| {
            settings.attachments.size_delay = Duration::from_millis(400);
        });
        test.import().exits(0);
        test.write("A1.pdf", "newer content of A1");
        test.resume()
            .args(["--on-conflict", "replace", "--no-backup", "--yes"])
            .with_any_stderr()
            .rows(["A1 replaced"])
            .stored([("A1", "newer content of A1")])
            .exits(0);
    }
}

#[test]
fn a_record_that_is_removed_in_spite_of_its_new_address_is_made_once_more() {
    for clock in [PurgeClock::CreationOrRenewal, PurgeClock::Creation] {
        let test = ImportTest::with_rows(1)
            .configure_emulator(|settings| {
                settings.attachments.purge_clock = clock;
                settings.attachments.purge_after = Duration::from_secs(2);
            })
            .inject_fault(Upload, Nth(2), status_effect(403));
        test.import().exits(0);
        // The old bytes are detached when the record's time is over, counted from its creation, and
        // the storage refuses the first address for the new bytes.
        test.write("A1.pdf", "newer content of A1");
        std::thread::sleep(Duration::from_millis(2100));
        let outcome = test
            .resume()
            .with_fast_clock()
            .args(["--on-conflict", "replace", "--no-backup", "--yes"])
            .with_any_stderr()
            .stored([("A1", "newer content of A1")])
            .exits(0);
        let made = outcome
            .requests
            .iter()
            .filter(|one| one.starts_with("create"));
        let expected = usize::from(clock == PurgeClock::Creation);
        assert_eq!(made.count(), expected, "{:#?}", outcome.requests);
    }
}
