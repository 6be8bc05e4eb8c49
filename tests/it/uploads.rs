//! Uploads: addresses which expire or are not safe, files which change on the way, and sizes
//! reported late or wrong.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::FaultEffect::{ExpiredUrl, WrongSize};
use consign::emulator::FaultTrigger::Nth;

use serde_json::{Value, json};

use crate::harness::{FinishedRun, HoldMoment, ImportTest, status_effect};

#[test]
fn an_expired_address_is_renewed_once_it_is_certain_that_nothing_is_stored() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), ExpiredUrl);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 403 expired_url",
            "get A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn addresses_that_are_never_valid_are_given_up() {
    let test = ImportTest::with_rows(1)
        .configure_emulator(|settings| settings.attachments.url_lifetime = Duration::ZERO);
    let outcome = test
        .import()
        .rows(["A1 failed upload_refused"])
        .stored([])
        .exits(1);
    let refused = "upload A1 403".to_owned();
    let tries = outcome.requests.iter().filter(|words| **words == refused);
    assert_eq!(tries.count(), 6);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: it called each new address expired or not valid"
    );
}

#[test]
fn what_the_storage_refuses_has_failed_and_can_be_tried_again() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), status_effect(400));
    test.import()
        .rows(["A1 failed upload_refused"])
        .stored([])
        .exits(1);
    test.resume()
        .rows(["A1 uploaded"])
        .requests(["get A1 200", "update A1 200", "upload A1 200", "list 200"])
        .stored_rows(["A1"])
        .exits(0);
}

fn unsafe_address(answer: &mut Value) {
    if let Some(url) = answer.pointer_mut("/data/attributes/upload_url") {
        *url = "https://10.1.2.3/uploads/canary?signature=canary".into();
    }
}

fn unsafe_header(answer: &mut Value) {
    if let Some(Value::Array(headers)) = answer.pointer_mut("/data/attributes/upload_headers") {
        headers.push(json!({ "name": "Authorization", "value": "Bearer canary" }));
    }
}

#[test]
fn no_byte_goes_to_an_address_that_is_not_safe() {
    for (alter, message) in [
        (
            unsafe_address as fn(&mut Value),
            "the upload address names the IP address 10.1.2.3 in place of a host; nothing was sent \
             there: ask the service's support",
        ),
        (
            unsafe_header,
            "the upload address comes with the header authorization, which consign never sends \
             for a service; nothing was sent there: ask the service's support",
        ),
    ] {
        let test = ImportTest::with_rows(1).altering_json(alter);
        let outcome = test
            .import()
            .args(["-vvv"])
            .rows(["A1 failed unsafe_upload_url"])
            .requests(["get_by_external_id A1 404", "create A1 201"])
            .stored([])
            .prints("API request method=POST")
            .exits(1);
        assert_eq!(test.results().cell("A1", "message"), message);
        for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
            assert!(!output.contains("canary"), "{output}");
        }
    }
}

/// Imports one row whose file changes after its check and before its first byte is sent.
#[track_caller]
fn changed_on_the_way(change: impl Fn(&ImportTest)) -> String {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| change(running.test))
        .rows(["A1 failed source_changed"])
        .requests(["get_by_external_id A1 404", "create A1 201"])
        .stored([])
        .exits(1);
    let message = test.results().cell("A1", "message").to_owned();
    // The changed file can be checked and sent by the next run.
    test.write("A1.pdf", "content at last");
    test.resume()
        .rows(["A1 uploaded"])
        .requests(["get A1 200", "update A1 200", "upload A1 200", "list 200"])
        .stored([("A1", "content at last")])
        .exits(0);
    message
}

#[test]
fn a_file_that_grew_after_the_check_is_not_sent() {
    let message = changed_on_the_way(|test| test.write("A1.pdf", "content of A1, and more"));
    let start = "the file changed after it was checked, and was not stored: the file had 13 bytes \
                 and was modified at ";
    let end = "; run the import again with --resume to check and send the file as it is now";
    assert!(message.starts_with(start), "{message}");
    assert!(
        message.contains("when checked; now 23 bytes, modified at "),
        "{message}"
    );
    assert!(message.ends_with(end), "{message}");
}

#[test]
fn a_file_that_went_away_after_the_check_is_not_sent() {
    assert_eq!(
        changed_on_the_way(|test| test.remove("A1.pdf")),
        "the file changed after it was checked, and was not stored: the path does not exist; run \
         the import again with --resume to check and send the file as it is now"
    );
}

#[test]
fn a_file_whose_bytes_changed_unseen_is_not_stored() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            let path = running.test.path("A1.pdf");
            let modified = path.metadata().unwrap().modified().unwrap();
            running.test.write("A1.pdf", "CONTENT OF A1");
            File::open(path).unwrap().set_modified(modified).unwrap();
        })
        .rows(["A1 failed source_changed"])
        .requests(["get_by_external_id A1 404", "create A1 201"])
        .stored([])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the file changed after it was checked, and was not stored: the file still has 13 bytes, \
         but other content than was checked; run the import again with --resume to check and send \
         the file as it is now"
    );
}

/// Size in bytes beyond all buffers on the way: most of the file is unread while the service does
/// not read.
const BIG: usize = 32 << 20;

/// Imports one big file which changes after its first bytes were sent.
fn changed_in_the_middle(change: impl Fn(&Path)) -> (ImportTest, FinishedRun) {
    let test = ImportTest::with_rows(1)
        .with_holding_proxy()
        .file("A1.pdf", vec![b'a'; BIG]);
    let outcome = test
        .import()
        .while_held(3, HoldMoment::BeforeService, |running| {
            change(&running.test.path("A1.pdf"));
        })
        .done_or_exits(1);
    (test, outcome)
}

#[test]
fn a_file_that_changes_in_the_middle_of_its_upload_is_not_stored() {
    let open = |path: &Path| File::options().write(true).open(path).unwrap();
    let altered = |path: &Path| open(path).write_all(&vec![b'b'; BIG]).unwrap();
    let grown = |path: &Path| open(path).set_len(BIG as u64 + 1).unwrap();
    let truncated = |path: &Path| open(path).set_len(BIG as u64 - 1).unwrap();
    for (change, message) in [
        (
            &altered as &dyn Fn(&Path),
            "the file still has 33554432 bytes, but other content than was checked",
        ),
        (&grown, "the file had 33554432 bytes and has grown"),
        (
            &truncated,
            "the file had 33554432 bytes and now has 33554431",
        ),
    ] {
        let (test, outcome) = changed_in_the_middle(change);
        let results = outcome.results.unwrap();
        assert_eq!(
            results.statuses_in_words(),
            ["A1 failed source_changed"],
            "{message}"
        );
        assert!(results.cell("A1", "message").contains(message));
        assert_eq!(
            outcome.requests,
            ["get_by_external_id A1 404", "create A1 201"]
        );
        assert_eq!(test.service().stored_contents(), []);
    }
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: an open file cannot be replaced")]
fn a_file_that_is_replaced_or_removed_in_the_middle_of_its_upload_is_stored_as_it_was_checked() {
    let replaced = |path: &Path| {
        let new = path.with_extension("new");
        fs::write(&new, vec![b'b'; BIG]).unwrap();
        fs::rename(new, path).unwrap();
    };
    let removed = |path: &Path| fs::remove_file(path).unwrap();
    for (change, afterwards, code) in [
        (&replaced as &dyn Fn(&Path), "A1 conflict file_changed", 1),
        (&removed, "A1 uploaded", 0),
    ] {
        let (test, outcome) = changed_in_the_middle(change);
        assert_eq!(
            outcome.results.unwrap().statuses_in_words(),
            ["A1 uploaded"]
        );
        let [(_, stored)] = &test.service().stored_contents()[..] else {
            panic!("one attachment is stored");
        };
        assert!(stored.len() == BIG && stored.bytes().all(|byte| byte == b'a'));
        test.resume()
            .with_any_stderr()
            .rows([afterwards])
            .requests([])
            .exits(code);
    }
}

#[test]
fn a_size_that_shows_late_is_waited_for() {
    let test = ImportTest::with_rows(2).configure_emulator(|settings| {
        settings.attachments.size_delay = Duration::from_millis(700);
    });
    test.import()
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200",
            "get_by_external_id A2 404",
            "create A2 201",
            "upload A2 200",
            "list 200",
            "list 200",
        ])
        .stored_rows(["A1", "A2"])
        .exits(0);
}

#[test]
fn a_size_that_shows_wrong_is_told() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), WrongSize);
    test.import()
        .rows(["A1 failed size_mismatch"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200 wrong_size",
            "list 200",
        ])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the service shows 14 bytes where 13 were sent; look at the attachment in the service"
    );
    test.resume()
        .rows(["A1 failed size_mismatch"])
        .requests(["get A1 200"])
        .exits(1);
}
