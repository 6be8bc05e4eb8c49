//! Requests delivered twice by an intermediary.

use std::thread;
use std::time::Duration;

use consign::emulator::EmulatorOperation::{Create, Update, Upload};
use consign::emulator::ExternalIdUniqueness;
use consign::emulator::FaultEffect::{DeliverTwice, ExpiredUrl};
use consign::emulator::FaultTrigger::Nth;

use crate::harness::ImportTest;

/// The second delivery is refused because of the first, whose record looks like a record of another
/// client. The record has no bytes, so the service removes the record, and then the row is done.
#[test]
fn a_record_that_clashes_with_itself_is_waited_for_until_it_goes_away() {
    const PURGE: Duration = Duration::from_secs(4);
    let test = ImportTest::with_rows(1)
        .inject_fault(Create, Nth(1), DeliverTwice)
        .configure_emulator(|settings| settings.attachments.purge_after = PURGE);
    test.import()
        .rows(["A1 pending pending_elsewhere"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201 deliver_twice",
            "create A1 422 deliver_twice",
            "get_by_external_id A1 200",
        ])
        .stored([])
        .exits(1);
    thread::sleep(PURGE);
    test.resume()
        .rows(["A1 uploaded"])
        .requests([
            "purge A1 -",
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn of_two_records_only_the_one_that_was_answered_gets_bytes() {
    let test = ImportTest::with_rows(1)
        .inject_fault(Create, Nth(1), DeliverTwice)
        .configure_emulator(|settings| {
            settings.attachments.external_id_uniqueness = ExternalIdUniqueness::NotUnique;
        });
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201 deliver_twice",
            "create A1 201 deliver_twice",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "attachment_id"), "2");
}

#[test]
fn of_two_new_addresses_the_one_that_was_answered_is_used() {
    let test = ImportTest::with_rows(1)
        .inject_fault(Upload, Nth(1), ExpiredUrl)
        .inject_fault(Update, Nth(1), DeliverTwice);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 403 expired_url",
            "get A1 200",
            "update A1 200 deliver_twice",
            "update A1 200 deliver_twice",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}
