//! Processes stopped for a while, as when a laptop is closed.

use std::thread;
use std::time::Duration;

use crate::harness::{HoldMoment, ImportTest, RunningTool};

/// Validity of the emulator's addresses.
const URL_LIFE: Duration = Duration::from_secs(1);

/// Stops the process for longer than an address is valid. The awaited answer arrives meanwhile.
fn sleep_past_expiry(running: &mut RunningTool<'_>) {
    running.signal("STOP");
    thread::sleep(URL_LIFE + Duration::from_millis(300));
    running.test.service().holding_proxy().release();
    running.signal("CONT");
}

#[test]
#[cfg_attr(windows, ignore = "Windows has no signal that stops a process")]
fn an_address_that_expired_while_the_process_slept_is_renewed() {
    for (what, nth, moment) in [
        (
            "the answer with the address is on its way",
            2,
            HoldMoment::BeforeAnswer,
        ),
        ("the bytes are on their way", 3, HoldMoment::BeforeService),
    ] {
        println!("{what}");
        let test = ImportTest::with_rows(1)
            .with_holding_proxy()
            .configure_emulator(|settings| settings.attachments.url_lifetime = URL_LIFE);
        test.import()
            .while_held(nth, moment, sleep_past_expiry)
            .rows(["A1 uploaded"])
            .requests([
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 403",
                "get A1 200",
                "update A1 200",
                "upload A1 200",
                "list 200",
            ])
            .stored_rows(["A1"])
            .exits(0);
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows has no signal that stops a process")]
fn bytes_that_were_stored_while_the_process_slept_are_not_sent_again() {
    let test = ImportTest::with_rows(1)
        .with_holding_proxy()
        .configure_emulator(|settings| settings.attachments.url_lifetime = URL_LIFE);
    test.import()
        .while_held(3, HoldMoment::BeforeAnswer, sleep_past_expiry)
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}
