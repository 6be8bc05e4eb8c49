//! Answers which break off, never end, or come from another program.

use consign::emulator::EmulatorOperation::{Create, Get, GetByExternalId, List, Upload};
use consign::emulator::FaultEffect::{
    self, EndlessBody, ExpiredUrl, GarbageBody, Html200, Reset, TruncatedBody,
};
use consign::emulator::FaultTrigger::Nth;

use crate::harness::{ImportTest, status_effect};

#[test]
fn a_look_up_whose_answer_breaks_off_or_never_ends_is_repeated() {
    for (effect, first) in [
        (TruncatedBody, "get_by_external_id A1 404 truncated_body"),
        (EndlessBody, "get_by_external_id A1 404 endless_body"),
    ] {
        let test = ImportTest::with_rows(1).inject_fault(GetByExternalId, Nth(1), effect);
        test.import()
            .rows(["A1 uploaded"])
            .requests([
                first,
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                "list 200",
            ])
            .stored_rows(["A1"])
            .exits(0);
    }
}

#[test]
fn a_record_is_looked_for_when_the_answer_to_its_making_breaks_off_or_never_ends() {
    for (effect, made) in [
        (TruncatedBody, "create A1 201 truncated_body"),
        (EndlessBody, "create A1 201 endless_body"),
    ] {
        let test = ImportTest::with_rows(1).inject_fault(Create, Nth(1), effect);
        test.import()
            .rows(["A1 uploaded"])
            .requests([
                "get_by_external_id A1 404",
                made,
                "get_by_external_id A1 200",
                "update A1 200",
                "upload A1 200",
                "list 200",
            ])
            .stored_rows(["A1"])
            .exits(0);
    }
}

#[test]
fn a_confirmation_that_breaks_off_or_never_ends_is_asked_for_again() {
    for (effect, first) in [
        (TruncatedBody, "list 200 truncated_body"),
        (EndlessBody, "list 200 endless_body"),
    ] {
        let test = ImportTest::with_rows(1).inject_fault(List, Nth(1), effect);
        test.import()
            .rows(["A1 uploaded"])
            .requests([
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 200",
                first,
                "list 200",
            ])
            .stored_rows(["A1"])
            .exits(0);
    }
}

/// A PATCH detaches the stored bytes, so the GET before must have reported no bytes in a valid
/// answer.
#[test]
fn no_new_address_is_asked_for_on_the_word_of_anybody_but_the_service() {
    for (effect, first) in [
        (Html200, "get A1 200 html200"),
        (Reset, "get A1 - reset"),
        (TruncatedBody, "get A1 200 truncated_body"),
        (GarbageBody, "get A1 200 garbage_body"),
        (EndlessBody, "get A1 200 endless_body"),
        (status_effect(500), "get A1 500 status"),
    ] {
        let test = ImportTest::with_rows(1)
            .inject_fault(Upload, Nth(1), ExpiredUrl)
            .inject_fault(Get, Nth(1), effect);
        test.import()
            .rows(["A1 uploaded"])
            .requests([
                "get_by_external_id A1 404",
                "create A1 201",
                "upload A1 403 expired_url",
                first,
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
fn a_file_is_sent_again_when_the_storages_answer_breaks_off() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), TruncatedBody);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200 truncated_body",
            "upload A1 200",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn an_endless_answer_of_the_storage_is_not_read_to_its_end() {
    let test = ImportTest::with_rows(1).inject_fault(Upload, Nth(1), EndlessBody);
    test.import()
        .rows(["A1 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
            "upload A1 200 endless_body",
            "list 200",
        ])
        .stored_rows(["A1"])
        .exits(0);
    assert_eq!(test.results().cell("A1", "verified"), "etag");
}

#[test]
fn bytes_go_nowhere_that_is_not_safe_whatever_the_service_says() {
    let to = |url: &str| FaultEffect::UploadTarget {
        url: Some(url.to_owned()),
        headers: [].into(),
    };
    let with = |name: &str| FaultEffect::UploadTarget {
        url: None,
        headers: [(name.to_owned(), "canary".to_owned())].into(),
    };
    for effect in [
        to("https://169.254.169.254/latest/meta-data"),
        to("https://canary@storage.example.com/x"),
        with("Authorization"),
        with("X-Api-Key"),
    ] {
        let test = ImportTest::with_rows(1).inject_fault(Create, Nth(1), effect);
        test.import()
            .rows(["A1 failed unsafe_upload_url"])
            .requests(["get_by_external_id A1 404", "create A1 201 upload_target"])
            .stored([])
            .exits(1);
    }
}
