//! Uploads refused by the storage after the request's head, with the connection closed, and other
//! temporary refusals.

use consign::emulator::EmulatorOperation::Upload;
use consign::emulator::FaultEffect::{ExpiredToken, RefuseEarly};
use consign::emulator::FaultTrigger::{FirstN, Nth};

use crate::harness::{ImportTest, content_of, status_effect};

/// Size in bytes beyond all buffers on the way: most of the file is unsent when the refusal comes.
const BIG: usize = 6 << 20;

const TOO_LARGE: &str = "the storage refused the file: status 413, EntityTooLarge: Your proposed \
                         upload exceeds the maximum allowed size";

/// Test of `rows` rows, among which the first nine have files too large for the storage.
fn nine_too_large_of(rows: usize) -> ImportTest {
    let test = ImportTest::with_rows(rows)
        .configure_emulator(|settings| settings.largest_upload = Some(1 << 20));
    for number in 1..=9 {
        test.write(&format!("A{number}.pdf"), vec![b'0' + number; BIG]);
    }
    test
}

#[test]
fn files_that_are_too_large_for_the_storage_keep_no_others_waiting() {
    let test = nine_too_large_of(49);
    let rows: Vec<String> = (1..=49)
        .map(|number| match number {
            1..=9 => format!("A{number} failed upload_refused"),
            _ => format!("A{number} uploaded"),
        })
        .collect();
    let stored: Vec<(String, String)> = (10..=49)
        .map(|number| format!("A{number}"))
        .map(|id| (id.clone(), content_of(&id)))
        .collect();
    let outcome = test.import_at_once(8).done_or_exits(1);
    let results = outcome.results.expect("there are results");
    assert_eq!(results.statuses_in_words(), rows);
    assert_eq!(test.service().stored_contents(), stored);
    for number in 1..=9 {
        assert_eq!(results.cell(&format!("A{number}"), "message"), TOO_LARGE);
    }
    // Each file was sent once: no refusal was taken for an outage of the storage.
    let refusals = outcome
        .requests
        .iter()
        .filter(|words| words.ends_with(" 413"));
    assert_eq!(refusals.count(), 9);
    assert!(!outcome.stderr.contains("waiting"), "{}", outcome.stderr);
}

#[test]
fn an_address_that_is_called_expired_while_the_file_is_sent_is_renewed() {
    let test = ImportTest::with_rows(1)
        .file("A1.pdf", vec![b'a'; BIG])
        .inject_fault(Upload, Nth(1), RefuseEarly { code: 403 });
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 403 refuse_early",
            "get A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ])
        .exits(0);
}

#[test]
fn an_address_whose_token_has_expired_is_renewed() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), ExpiredToken);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 400 expired_token",
            "get A1 200",
            "update A1 200",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn a_file_is_sent_again_to_a_storage_that_is_busy_with_its_bucket() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, FirstN(2), status_effect(409));
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 409 status",
            "upload A1 409 status",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn a_storage_that_points_elsewhere_is_told_with_what_to_do() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), status_effect(307));
    test.import()
        .rows(["A1 failed upload_refused"])
        .stored([])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: status 307, TemporaryRedirect: Please re-send this request \
         to the specified temporary endpoint.; a redirect, which consign does not follow: storage \
         redirects while its bucket is new or moves, mostly for some hours; run the import again \
         with --resume later, or ask the service's support"
    );
}
