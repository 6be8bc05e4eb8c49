//! System proxies: used, named in messages, and never shown with their passwords.

use std::fs;

use crate::harness::{API_HOST, ImportTest, STORAGE_HOST, TestCertificate, TestRun};

const USER: &str = "proxy-user:CANARY-PROXY-WORD";

/// The user and password of the proxy in base64, as in the header.
const USER_IN_HEADER: &str = "cHJveHktdXNlcjpDQU5BUlktUFJPWFktV09SRA==";

/// Sends a run through a proxy, with keys.
fn through_proxy<'t>(run: TestRun<'t>, proxy: &str) -> TestRun<'t> {
    run.env_var("WORKDAY_API_KEY", "key")
        .env_var("WORKDAY_USER_TOKEN", "token")
        .env_var("WORKDAY_USER_EMAIL", "email")
        .env_var("HTTPS_PROXY", proxy)
        .env_var("NO_PROXY", "")
}

#[test]
fn an_import_goes_by_way_of_the_proxy_and_names_it_without_its_password() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    let proxy = test.service().proxy();
    let outcome = through_proxy(test.import(), &proxy.url(USER))
        .args(["--ca-file", "ca.pem", "-vvv"])
        .prints(format!(
            "the service is reached by way of the proxy {}\n",
            proxy.label()
        ))
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
    // Before the first tunnel to the service, the tool asked the proxy whether there will be a
    // tunnel.
    assert_eq!(proxy.count_tunnels_to(API_HOST), 2);
    assert_eq!(proxy.count_tunnels_to(STORAGE_HOST), 1);
    let asked = proxy.request_heads();
    assert_eq!(asked.len(), 3);
    for head in asked {
        assert!(head.contains(USER_IN_HEADER), "{head}");
    }
    let mut outputs = vec![outcome.stdout, outcome.stderr];
    for file in fs::read_dir(test.folder()).unwrap() {
        outputs.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    for output in outputs {
        assert!(!output.contains("CANARY"), "{output}");
        assert!(!output.contains(USER_IN_HEADER), "{output}");
    }
}

#[test]
fn a_quiet_import_does_not_speak_of_the_proxy() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    through_proxy(test.import(), &test.service().proxy().url(USER))
        .args(["--ca-file", "ca.pem", "--quiet"])
        .stdout("")
        .stderr("")
        .rows(["A1 uploaded"])
        .exits(0);
}

#[test]
fn a_proxy_that_is_not_there_is_named_as_what_is_missing() {
    let test = ImportTest::with_rows(1);
    // The port has no listener.
    let outcome = through_proxy(
        test.consign([
            "import",
            "m.csv",
            "--base-url",
            "https://api.example.com/v1",
        ]),
        &format!("http://{USER}@127.0.0.1:9"),
    )
    .args(["--max-outage", "0s", "--skip-preflight", "-vvv"])
    .prints("the service is reached by way of the proxy 127.0.0.1:9\n")
    .prints("(api.example.com by way of the proxy 127.0.0.1:9: ")
    .rows(["A1 pending not_reached"])
    .exits(3);
    for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
        assert!(!output.contains("CANARY"), "{output}");
        assert!(!output.contains(USER_IN_HEADER), "{output}");
    }
}

/// Message for a proxy which refuses a host, up to the remedy.
fn refusal(test: &ImportTest, host: &str, status: u16) -> String {
    let proxy = test.service().proxy().label();
    format!("the proxy {proxy} (from HTTPS_PROXY) refuses the way to {host} with status {status}: ")
}

fn tells_no_password(outputs: [&str; 2]) {
    for output in outputs {
        assert!(!output.contains("CANARY"), "{output}");
        assert!(!output.contains(USER_IN_HEADER), "{output}");
    }
}

#[test]
fn a_proxy_that_refuses_is_asked_once_and_named_with_status_and_variable() {
    for status in [403, 407] {
        for (with_preflight, rows) in [(true, None), (false, Some("A1 pending not_reached"))] {
            let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
            let proxy = test.service().proxy();
            proxy.refuse_host(API_HOST, status);
            let run = through_proxy(test.import_at_once(8), &proxy.url(USER));
            let run = if with_preflight {
                run.with_preflight()
            } else {
                run
            };
            let outcome = run
                .args(["--ca-file", "ca.pem", "-vvv"])
                .prints(refusal(&test, API_HOST, status))
                .with_any_stderr()
                .rows(rows)
                .exits(3);
            assert_eq!(proxy.count_tunnels_to(API_HOST), 1);
            assert_eq!(outcome.results.is_some(), !with_preflight);
            tells_no_password([&outcome.stdout, &outcome.stderr]);
        }
    }
}

#[test]
fn a_proxy_that_refuses_the_storage_stops_the_run_too() {
    for (status, times) in [(407, 1), (403, 2)] {
        let test = ImportTest::with_rows(2).over_tls_by_proxy(TestCertificate::valid());
        let proxy = test.service().proxy();
        proxy.refuse_host(STORAGE_HOST, status);
        let outcome = through_proxy(test.import(), &proxy.url(USER))
            .args(["--ca-file", "ca.pem", "-vvv"])
            .prints(refusal(&test, STORAGE_HOST, status))
            .with_any_stderr()
            .rows(["A1 created", "A2 pending not_reached"])
            .exits(3);
        // The HTTP library names the status of a refused tunnel only for 407.
        assert_eq!(proxy.count_tunnels_to(STORAGE_HOST), times);
        tells_no_password([&outcome.stdout, &outcome.stderr]);
    }
}

#[test]
fn a_verification_by_way_of_a_proxy_that_refuses_says_so_too() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    let proxy = test.service().proxy();
    through_proxy(test.import(), &proxy.url(USER))
        .args(["--ca-file", "ca.pem"])
        .with_any_stderr()
        .exits(0);
    let before = proxy.count_tunnels_to(API_HOST);
    proxy.refuse_host(API_HOST, 407);
    let base = test.service().base_url();
    let run = test.consign(["verify", "m.results.csv", "--base-url", &base]);
    through_proxy(run, &proxy.url(USER))
        .args(["--ca-file", "ca.pem"])
        .prints(refusal(&test, API_HOST, 407))
        .with_any_stderr()
        .exits(3);
    assert_eq!(proxy.count_tunnels_to(API_HOST), before + 1);
}

#[test]
fn a_proxy_that_finds_nobody_is_waited_for() {
    let test = ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::valid());
    let proxy = test.service().proxy();
    proxy.refuse_host(API_HOST, 503);
    through_proxy(test.import(), &proxy.url(USER))
        .with_preflight()
        .args(["--ca-file", "ca.pem", "--max-outage", "0s"])
        .prints("no good answer from [base]")
        .prints("the proxy answers with status 503")
        .with_any_stderr()
        .exits(3);
}
