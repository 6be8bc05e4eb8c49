//! Overloaded services, and limits shared with other clients.

use std::num::NonZeroU32;

use consign::emulator::EmulatorOperation::{GetByExternalId, List, OtherClient, Upload};
use consign::emulator::FaultEffect::Status;
use consign::emulator::FaultTarget::Storage;
use consign::emulator::FaultTrigger::{FirstN, Nth};

use crate::harness::{ImportTest, status_effect};

fn too_many(retry_after: Option<&str>) -> consign::emulator::FaultEffect {
    Status {
        code: 429,
        retry_after: retry_after.map(str::to_owned),
    }
}

#[test]
fn a_429_without_a_time_is_waited_out_for_a_second() {
    let test = ImportTest::with_rows(1).inject_fault(List, Nth(1), too_many(None));
    test.import()
        .stderr(
            "the service says that there are too many requests; all wait 1 s, then go on more \
             slowly for a while (does somebody else use the limit?)\n",
        )
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 429 status",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "attempts"), "1");
}

#[test]
fn a_429_with_a_date_is_waited_out_until_then() {
    let test =
        ImportTest::with_rows(1).inject_fault(GetByExternalId, Nth(1), too_many(Some("in 4s")));
    let outcome = test
        .import()
        .prints("too many requests; all wait ")
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 429 status",
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
    // The tool reads the answer after a part of the time has passed, but not most of the time.
    let told = |seconds| outcome.stderr.contains(&format!("all wait {seconds} s,"));
    assert!([2, 3, 4, 5].into_iter().any(told), "{}", outcome.stderr);
}

#[test]
fn a_file_is_sent_again_where_the_storage_has_too_much_to_do() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), too_many(Some("1")));
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 429 status",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn no_row_fails_while_the_storage_is_away() {
    let test = ImportTest::with_rows(2).inject_fault(Storage, FirstN(4), status_effect(503));
    test.import()
        .prints(
            "the service does not answer (status 503, SlowDown: Please reduce your request rate.)",
        )
        .prints("the service answers again\n")
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 503 status",
            "upload A1 503 status",
            "upload A1 503 status",
            "upload A1 503 status",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
        ])
        .stored_rows(["A1", "A2"])
        .exits(0);
}

#[test]
fn an_import_takes_what_other_clients_of_the_company_leave_it() {
    const ROWS: usize = 25;
    let test = ImportTest::with_rows(ROWS).configure_emulator(|settings| {
        settings.attachments.requests_per_second = NonZeroU32::new(5).unwrap();
        settings.attachments.other_clients_per_second = 2;
    });
    let base = test.service().base_url();
    let outcome = test
        .consign(["import", "m.csv", "--base-url", &base])
        .args(["--concurrency", "4"])
        .prints("does somebody else use the limit?")
        .exits(0);
    let uploaded = |words: &String| words.ends_with(" uploaded");
    let rows = outcome.results.unwrap().statuses_in_words();
    assert_eq!(rows.iter().filter(|words| uploaded(words)).count(), ROWS);
    assert_eq!(test.service().stored_attachments().len(), ROWS);

    let log = test.service().request_log();
    let others = log.iter().filter(|entry| entry.operation == OtherClient);
    assert!(others.count() > 10, "they were there");
    let ours = log
        .iter()
        .filter(|entry| !matches!(entry.operation, OtherClient | Upload));
    let refused = ours.clone().filter(|entry| entry.status == Some(429));
    let (all, refused) = (ours.count(), refused.count());
    assert!(refused > 0, "the limit was reached");
    assert!(refused * 10 < all, "{refused} of {all} were refused");
}
