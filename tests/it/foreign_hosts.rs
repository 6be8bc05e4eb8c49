//! Hosts which get neither keys nor bytes. Redirects are not followed, only the service and its
//! storage are contacted, and neither learns secrets of the other.

use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use crate::harness::{ImportTest, STORAGE_HOST, StrangeHost, TestCertificate};

/// Redirect statuses which an HTTP client may follow on its own.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

const KEY: &str = "CANARY-KEY-7d1f";

/// Returns a response hook: requests with `method` are answered with a redirect to `stranger`.
fn redirecting(
    method: &'static str,
    status: u16,
    stranger: &StrangeHost,
) -> impl Fn(&Parts, &mut Response<Vec<u8>>) + Send + Sync + 'static {
    let url = stranger.url();
    move |request, answer| {
        if request.method == method {
            *answer.status_mut() = status.try_into().unwrap();
            answer
                .headers_mut()
                .insert("location", url.parse().unwrap());
        }
    }
}

#[test]
fn no_redirect_of_the_service_is_followed() {
    for status in REDIRECTS {
        let stranger = StrangeHost::start();
        let test =
            ImportTest::with_rows(1).forging_responses(redirecting("GET", status, &stranger));
        let outcome = test
            .import()
            .args(["--max-outage", "0s", "-vvv"])
            .env_var("WORKDAY_API_KEY", KEY)
            .prints("DEBUG API request")
            .prints(format!(
                "status {status}, a redirect, which consign does not follow"
            ))
            .rows(["A1 pending not_reached"])
            .exits(3);
        stranger.assert_nothing_received();
        for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
            assert!(!output.contains("CANARY"), "{output}");
        }
    }
}

#[test]
fn no_redirect_of_the_storage_is_followed() {
    for status in REDIRECTS {
        let stranger = StrangeHost::start();
        let test =
            ImportTest::with_rows(1).forging_responses(redirecting("PUT", status, &stranger));
        let outcome = test
            .import()
            .args(["-vvv"])
            .prints(format!("status={status}"))
            .rows(["A1 failed upload_refused"])
            .exits(1);
        stranger.assert_nothing_received();
        for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
            assert!(!output.contains("CANARY"), "{output}");
        }
    }
}

#[test]
fn the_storage_gets_the_headers_that_the_service_asked_for_and_no_others() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import().env_var("WORKDAY_API_KEY", KEY).exits(0);
    let heads = test.service().holding_proxy().request_heads();
    let (uploads, requests): (Vec<_>, Vec<_>) = heads.iter().partition(|head| head.method == "PUT");
    assert_eq!(uploads.len(), 1);
    let mut names: Vec<&str> = uploads[0].headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "content-disposition",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "x-amz-acl",
            "x-amz-server-side-encryption",
        ]
    );
    for request in requests {
        assert_eq!(request.headers["x-api-key"], KEY, "{}", request.path);
    }
}

#[test]
fn no_cookie_is_kept_or_sent_back() {
    let test = ImportTest::with_rows(2).forging_responses(|_, answer| {
        let cookie = "session=1; Path=/".parse().unwrap();
        answer.headers_mut().insert("set-cookie", cookie);
    });
    test.import().rows(["A1 uploaded", "A2 uploaded"]).exits(0);
    let heads = test.service().holding_proxy().request_heads();
    assert_eq!(heads.len(), 7);
    for head in heads {
        assert!(!head.headers.contains_key("cookie"), "{head:?}");
    }
}

/// Public service whose answers carry `value` as the attribute `name`, beside the upload address.
fn public(name: &'static str, value: Value) -> ImportTest {
    ImportTest::with_rows(1)
        .over_tls_by_proxy(TestCertificate::valid())
        .forging_responses(move |_, answer| {
            if let Ok(mut json) = serde_json::from_slice::<Value>(answer.body())
                && json.pointer("/data/attributes/upload_url").is_some()
            {
                json["data"]["attributes"][name] = value.clone();
                *answer.body_mut() = json.to_string().into_bytes();
            }
        })
}

#[test]
fn of_a_public_service_no_byte_goes_to_a_place_that_is_not_public() {
    let stranger = StrangeHost::start();
    for (url, why) in [
        (stranger.url(), "is http, not https"),
        (
            "https://me:word@storage.example.com/x".to_owned(),
            "names a user",
        ),
        (
            "https://0x7f000001/x".to_owned(),
            "names the IP address 127.0.0.1 in place of a host",
        ),
        (
            "https://[::ffff:10.0.0.1]/x".to_owned(),
            "names the IP address ::ffff:10.0.0.1 in place of a host",
        ),
        (
            "https://localhost/x".to_owned(),
            "leads to the private host \"localhost\"",
        ),
        (
            "https://metadata.google.internal/x".to_owned(),
            "leads to the private host \"metadata.google.internal\" (if the host is your company's \
             storage, allow it with --upload-host)",
        ),
    ] {
        let test = public("upload_url", json!(url));
        test.import()
            .through_proxy()
            .args(["--max-outage", "0s"])
            .rows(["A1 failed unsafe_upload_url"])
            .requests(["get_by_external_id A1 404", "create A1 201"])
            .stored([])
            .exits(1);
        assert_eq!(
            test.results().cell("A1", "message"),
            format!("the upload address {why}; nothing was sent there: ask the service's support")
        );
        let asked = test.service().proxy().request_heads();
        let to_the_api = |request: &String| request.starts_with("CONNECT api.example.com:443 ");
        assert!(asked.iter().all(to_the_api), "{asked:?}");
    }
    stranger.assert_nothing_received();
}

#[test]
fn of_a_public_service_no_header_is_sent_that_carries_rights_or_moves_the_request() {
    for name in [
        "Authorization",
        "Cookie",
        "X-Api-Key",
        "Proxy-Authorization",
        "Transfer-Encoding",
    ] {
        let test = public("upload_headers", json!([{"name": name, "value": "canary"}]));
        test.import()
            .through_proxy()
            .args(["--max-outage", "0s"])
            .rows(["A1 failed unsafe_upload_url"])
            .requests(["get_by_external_id A1 404", "create A1 201"])
            .exits(1);
        let lower = name.to_ascii_lowercase();
        assert_eq!(
            test.results().cell("A1", "message"),
            format!(
                "the upload address comes with the header {lower}, which consign never sends for \
                 a service; nothing was sent there: ask the service's support"
            )
        );
    }
}

/// Public service which asks for two additional headers with each upload.
fn asking_for(headers: [(&'static str, &'static str); 2]) -> ImportTest {
    ImportTest::with_rows(1)
        .over_tls_by_proxy(TestCertificate::valid())
        .forging_responses(move |_, answer| {
            if let Ok(mut json) = serde_json::from_slice::<Value>(answer.body())
                && let Some(Value::Array(asked)) =
                    json.pointer_mut("/data/attributes/upload_headers")
            {
                let more = headers.map(|(name, value)| json!({"name": name, "value": value}));
                asked.extend(more);
                *answer.body_mut() = json.to_string().into_bytes();
            }
        })
}

#[test]
fn a_host_and_a_length_that_are_sent_anyway_may_be_asked_for_and_are_sent_once() {
    let test = asking_for([
        ("Host", "Storage.Example.com:443"),
        ("Content-Length", "13"),
    ]);
    test.import()
        .through_proxy()
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
    let heads = test.service().holding_proxy().request_heads();
    let upload = heads.iter().find(|head| head.method == "PUT").unwrap();
    let all = |name: &str| {
        let values = upload.headers.get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(STORAGE_HOST, "storage.example.com");
    assert_eq!(all("host"), ["Storage.Example.com:443"]);
    assert_eq!(all("content-length"), ["13"]);
}

#[test]
fn a_host_or_a_length_that_are_not_those_of_the_request_are_told_and_nothing_is_sent() {
    for (headers, why) in [
        (
            [("Host", "canary.example.com"), ("x-amz-meta-a", "b")],
            "host of another host",
        ),
        (
            [("Host", STORAGE_HOST), ("Content-Length", "14")],
            "content-length of a file of 14 bytes, and the file has 13 bytes",
        ),
    ] {
        let test = asking_for(headers);
        test.import()
            .through_proxy()
            .args(["--max-outage", "0s"])
            .rows(["A1 failed unsafe_upload_url"])
            .requests(["get_by_external_id A1 404", "create A1 201"])
            .stored([])
            .exits(1);
        assert_eq!(
            test.results().cell("A1", "message"),
            format!(
                "the upload address comes with the header {why}; nothing was sent there: ask the \
                 service's support"
            )
        );
    }
}

#[test]
fn uploads_can_be_kept_to_the_hosts_that_the_user_names() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    test.import()
        .through_proxy()
        .args([
            "--upload-host",
            "ample.com",
            "--upload-host",
            "storage.example.org",
        ])
        .rows(["A1 failed unsafe_upload_url"])
        .requests(["get_by_external_id A1 404", "create A1 201"])
        .exits(1);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the upload address leads to the host \"storage.example.com\", which no --upload-host \
         allows; nothing was sent there: ask the service's support"
    );
    test.resume()
        .through_proxy()
        .args([
            "--upload-host",
            "example.org",
            "--upload-host",
            "example.com",
        ])
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
}

#[test]
fn an_upload_host_that_is_no_host_is_wrong_usage() {
    let test = ImportTest::with_rows(1);
    for host in ["https://example.com", "com", "10.0.0.1", "localhost", ""] {
        test.import()
            .args(["--upload-host", host])
            .stdout("")
            .prints(
                "the name of a host or domain is expected, such as s3.eu-central-1.amazonaws.com",
            )
            .exits(2);
    }
}
