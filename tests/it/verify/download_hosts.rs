//! Hosts from which no bytes are downloaded, and secrets kept from hosts.

use axum::http::HeaderName;
use serde_json::Value;

use super::import;
use crate::harness::{ImportTest, STORAGE_HOST, StrangeHost, TestCertificate, TestRun};

const KEY: &str = "CANARY-KEY-7d1f";

fn download(test: &ImportTest) -> TestRun<'_> {
    test.verify().args(["--download", "all"])
}

/// Public service with one row, whose answers name `url` as the download address.
fn kept_at(url: String) -> ImportTest {
    let test = ImportTest::with_rows(1)
        .over_tls_by_proxy(TestCertificate::valid())
        .forging_responses(move |_, answer| {
            if let Ok(mut json) = serde_json::from_slice::<Value>(answer.body())
                && let Some(place) = json.pointer_mut("/data/attributes/download_url")
            {
                *place = url.clone().into();
                *answer.body_mut() = json.to_string().into_bytes();
            }
        });
    test.import().through_proxy().all_uploaded(1).exits(0);
    test
}

#[test]
fn bytes_come_from_the_storage_of_a_public_service_by_way_of_the_proxy() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    test.import().through_proxy().all_uploaded(1).exits(0);
    let before = test.service().proxy().request_heads().len();
    download(&test)
        .through_proxy()
        .outcomes(["A1 match"])
        .exits(0);
    let asked = test.service().proxy().request_heads().split_off(before);
    let of_storage = format!("CONNECT {STORAGE_HOST}:443 ");
    assert!(
        asked.iter().any(|head| head.starts_with(&of_storage)),
        "{asked:?}"
    );
    assert_eq!(test.verification().cell("A1", "found_sha256").len(), 64);
}

#[test]
fn of_a_public_service_no_byte_comes_from_a_place_that_is_not_public() {
    let stranger = StrangeHost::start();
    for (url, why) in [
        (stranger.url(), "is http, not https"),
        (
            "https://me:word@storage.example.com/x".to_owned(),
            "names a user",
        ),
        (
            "https://10.0.0.1/x".to_owned(),
            "names the IP address 10.0.0.1 in place of a host",
        ),
    ] {
        let test = kept_at(url);
        download(&test)
            .through_proxy()
            .outcomes(["A1 error"])
            .prints(why)
            .exits(1);
        assert_eq!(test.verification().cell("A1", "found_sha256"), "");
    }
    stranger.assert_nothing_received();
}

#[test]
fn a_storage_other_than_the_one_that_was_named_is_not_asked() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    test.import().through_proxy().all_uploaded(1).exits(0);
    let outcome = download(&test)
        .args(["--upload-host", "elsewhere.example"])
        .through_proxy()
        .outcomes(["A1 error"])
        .exits(1);
    assert_eq!(outcome.requests, ["list 200", "get A1 200"]);
}

#[test]
fn no_redirect_of_the_storage_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let stranger = StrangeHost::start();
        let url = stranger.url();
        let test = ImportTest::with_rows(1).forging_responses(move |request, answer| {
            if request.method == "GET" && request.uri.path().starts_with("/storage/") {
                *answer.status_mut() = status.try_into().unwrap();
                let location = url.parse().unwrap();
                answer.headers_mut().insert("location", location);
            }
        });
        let test = import(test, 1);
        download(&test)
            .outcomes(["A1 error"])
            .prints(format!("status {status}"))
            .exits(1);
        stranger.assert_nothing_received();
        let written = test.read("m.results.verification.csv");
        assert!(!written.contains("CANARY"), "{written}");
    }
}

#[test]
fn the_storage_is_shown_no_key() {
    let test = import(ImportTest::with_rows(1).with_holding_proxy(), 1);
    download(&test).env_var("WORKDAY_API_KEY", KEY).exits(0);
    let heads = test.service().holding_proxy().request_heads();
    let is_of_storage = |path: &str| path.starts_with("/storage/");
    let downloads: Vec<_> = heads
        .iter()
        .filter(|head| head.method == "GET" && is_of_storage(&head.path))
        .collect();
    assert_eq!(downloads.len(), 1);
    let mut names: Vec<&str> = downloads[0]
        .headers
        .keys()
        .map(HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent"]);
    assert!(
        heads
            .iter()
            .any(|head| head.headers.get("x-api-key").is_some_and(|key| key == KEY))
    );
}
