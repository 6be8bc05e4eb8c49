//! Answers of unlimited size or of the wrong kind: the tool reads no more than needed and believes
//! none of them.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderValue, StatusCode};
use serde_json::Value;

use crate::harness::{EndlessHost, ImportTest};

/// Start of an API answer whose JSON never ends.
const ENDLESS_JSON: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.api+json\r\n\r\n";

/// Start of a storage refusal whose explanation never ends.
const ENDLESS_REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\n\r\n\
    <Error><Code>No</Code>";

#[test]
fn an_answer_of_megabytes_is_not_believed() {
    let test = ImportTest::with_rows(1).forging_responses(|request, answer| {
        if request.method == "GET" {
            let blanks = vec![b' '; 5 << 20];
            answer.body_mut().extend(blanks);
        }
    });
    test.import()
        .args(["--max-outage", "0s"])
        .prints("(the answer is too long to be the service's)")
        .rows(["A1 pending not_reached"])
        .requests(["get_by_external_id A1 404"])
        .exits(3);
}

/// Imports from a host whose answers never end, and expects the tool to leave early.
#[track_caller]
fn is_not_read_to_its_end(start: &'static str, piece: &'static str, why: &str) {
    let test = ImportTest::with_rows(1);
    let endless = EndlessHost::start(start, piece);
    test.consign(["import", "m.csv", "--base-url", &endless.url()])
        .args(["--max-outage", "0s", "--skip-preflight"])
        .prints(why)
        .rows(["A1 pending not_reached"])
        .exits(3);
    endless.assert_left_early();
}

#[test]
fn an_answer_without_an_end_is_not_read_to_its_end() {
    is_not_read_to_its_end(
        ENDLESS_JSON,
        " ",
        "(the answer is too long to be the service's)",
    );
}

#[test]
fn headers_without_an_end_are_not_read_to_their_end() {
    is_not_read_to_its_end(
        "HTTP/1.1 200 OK\r\n",
        "X-More: and more\r\n",
        "message head is too large",
    );
}

#[test]
fn a_refusal_of_the_storage_without_an_end_is_a_refusal_all_the_same() {
    let endless = EndlessHost::start(ENDLESS_REFUSAL, "<More>and more</More>");
    let url = endless.url();
    let test = ImportTest::with_rows(1).forging_responses(move |_, answer| {
        if let Ok(mut json) = serde_json::from_slice::<Value>(answer.body())
            && let Some(place) = json.pointer_mut("/data/attributes/upload_url")
        {
            *place = url.clone().into();
            *answer.body_mut() = json.to_string().into_bytes();
        }
    });
    test.import()
        .rows(["A1 failed upload_refused"])
        .stored([])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: status 400, No"
    );
    endless.assert_left_early();
}

#[test]
fn a_page_in_place_of_the_storages_refusal_is_not_taken_for_an_address_that_has_expired() {
    let is_first = AtomicBool::new(true);
    let test = ImportTest::with_rows(2).forging_responses(move |request, answer| {
        if request.method == "PUT" && is_first.swap(false, Ordering::Relaxed) {
            *answer.status_mut() = StatusCode::FORBIDDEN;
            let html = HeaderValue::from_static("text/html");
            answer.headers_mut().insert("content-type", html);
            *answer.body_mut() = b"<title>Upload blocked</title>Incident ID: 77-123456".to_vec();
        }
    });
    test.import()
        .rows(["A1 failed upload_refused", "A2 uploaded"])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: something between consign and the storage answered with \
         status 403 and a web page: \"Upload blocked\" (reference 77-123456)"
    );
}

/// Puts a firewall's page in place of the answer to one POST.
fn firewall(answer: &mut axum::response::Response<Vec<u8>>, status: StatusCode) {
    *answer.status_mut() = status;
    answer.headers_mut().clear();
    let html = HeaderValue::from_static("text/html");
    answer.headers_mut().insert("content-type", html);
    *answer.body_mut() = b"<title>Request Rejected</title>Your support ID is: 4711000001".to_vec();
}

#[test]
fn a_firewalls_page_fails_the_row_alone_and_speaks_neither_of_keys_nor_of_rights() {
    for status in [400, 403, 413, 451] {
        let status = StatusCode::from_u16(status).unwrap();
        let test = ImportTest::with_rows(3).forging_responses(move |request, answer| {
            if request.uri.path().contains("/A2/") {
                firewall(answer, status);
            }
        });
        test.import()
            .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
            .stored_rows(["A1", "A3"])
            .exits(1);
        let message = test.results().cell("A2", "message").to_owned();
        let told = format!(
            "something between consign and the service answered with status {} and a web page: \
             \"Request Rejected\" (reference 4711000001)",
            status.as_u16()
        );
        assert!(message.contains(&told), "{message}");
        assert!(!message.contains("rights"), "{message}");
    }
}
