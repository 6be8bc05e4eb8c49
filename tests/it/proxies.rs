//! The proxy of the system: it is used, it is named, and its password is nobody's business.

use std::fs;

use crate::harness::{API_HOST, Certificate, Run, STORAGE_HOST, Test};

const USER: &str = "proxy-user:CANARY-PROXY-WORD";

/// The same in the header that carries it, in base64.
const USER_IN_HEADER: &str = "cHJveHktdXNlcjpDQU5BUlktUFJPWFktV09SRA==";

/// The run of a test by way of a proxy, with keys.
fn by_way_of<'t>(run: Run<'t>, proxy: &str) -> Run<'t> {
    run.variable("WORKDAY_API_KEY", "key")
        .variable("WORKDAY_USER_TOKEN", "token")
        .variable("WORKDAY_USER_EMAIL", "email")
        .variable("HTTPS_PROXY", proxy)
        .variable("NO_PROXY", "")
}

#[test]
fn an_import_goes_by_way_of_the_proxy_and_names_it_without_its_password() {
    let test = Test::of_rows(1).over_tls_by_proxy(Certificate::good());
    let proxy = test.service().proxy();
    let outcome = by_way_of(test.import(), &proxy.url(USER))
        .args(["--ca-file", "ca.pem", "-vvv"])
        .says(format!(
            "the service is reached by way of the proxy {}\n",
            proxy.label()
        ))
        .rows(["A1 uploaded"])
        .stored_rows(["A1"])
        .exits(0);
    let asked = proxy.asked();
    for (head, host) in asked.iter().zip([API_HOST, STORAGE_HOST]) {
        assert!(head.starts_with(&format!("CONNECT {host}:443 ")), "{head}");
        assert!(head.contains(USER_IN_HEADER), "{head}");
    }
    assert_eq!(asked.len(), 2);
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
    let test = Test::of_rows(1).over_tls_by_proxy(Certificate::good());
    by_way_of(test.import(), &test.service().proxy().url(USER))
        .args(["--ca-file", "ca.pem", "--quiet"])
        .stdout("")
        .stderr("")
        .rows(["A1 uploaded"])
        .exits(0);
}

#[test]
fn a_proxy_that_is_not_there_is_named_as_what_is_missing() {
    let test = Test::of_rows(1);
    // A port on which nobody listens.
    let outcome = by_way_of(
        test.consign([
            "import",
            "m.csv",
            "--base-url",
            "https://api.example.com/v1",
        ]),
        &format!("http://{USER}@127.0.0.1:9"),
    )
    .args(["--max-outage", "0s", "--skip-preflight", "-vvv"])
    .says("the service is reached by way of the proxy 127.0.0.1:9\n")
    .says("(api.example.com by way of the proxy 127.0.0.1:9: ")
    .rows(["A1 pending not_reached"])
    .exits(3);
    for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
        assert!(!output.contains("CANARY"), "{output}");
        assert!(!output.contains(USER_IN_HEADER), "{output}");
    }
}
