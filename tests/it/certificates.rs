//! Certificates: a service or a storage without a valid certificate gets nothing from the tool.

use rcgen::date_time_ymd;

use crate::harness::{API_HOST, ImportTest, STORAGE_HOST, TestCertificate};

const LEFT: &str = "1 of 1 row not done (0 B sent in [time], 1 request)\n\
    \x20 pending           1  not reached, or to be tried again by --resume\n";

const TO_GO_ON: &str = "results: m.results.csv\n\
    to go on: [consign] import m.csv --base-url [base] --rate 2000 --concurrency 1 \
    --max-outage 0s";

#[test]
fn an_import_goes_over_tls_to_a_service_whose_authority_is_named() {
    let test = ImportTest::with_rows(2).over_tls(TestCertificate::valid());
    test.import()
        .with_system_authorities()
        .args(["--ca-file", "ca.pem"])
        .rows(["A1 uploaded", "A2 uploaded"])
        .requests([
            "get_by_external_id A1 404",
            "create A1 201",
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
fn one_file_may_name_several_authorities() {
    let test = ImportTest::with_rows(1).over_tls(TestCertificate::valid());
    let other = TestCertificate::valid();
    let both = format!("{}{}", other.authority_pem(), test.read("ca.pem"));
    test.write("both.pem", both);
    test.import()
        .args(["--ca-file", "both.pem"])
        .rows(["A1 uploaded"])
        .exits(0);
}

/// Imports one row from a service with the given certificate, and expects the run to stop for the
/// given reason.
#[track_caller]
fn is_not_trusted(certificate: TestCertificate, args: &[&str], why: &str) {
    let test = ImportTest::with_rows(1).over_tls(certificate);
    test.import()
        .args(["--max-outage", "0s"])
        .args(args.iter().copied())
        .stdout(format!(
            "{LEFT}stopped early: no safe connection is possible to localhost: the certificate \
             {why}\n{TO_GO_ON}{} --resume\n",
            if args.is_empty() {
                ""
            } else {
                " --ca-file ca.pem"
            }
        ))
        .rows(["A1 pending not_reached"])
        .requests([])
        .exits(3);
    assert!(test.service().holding_proxy().request_heads().is_empty());
}

const CA_FILE: [&str; 2] = ["--ca-file", "ca.pem"];

const SIGNED_BY_NOBODY: &str = "is signed by no authority that this machine trusts; if your \
                                company has its own authority, or a proxy that inspects TLS, add \
                                the authority's certificate with --ca-file";

#[test]
fn a_service_whose_authority_nobody_knows_gets_nothing() {
    is_not_trusted(TestCertificate::valid(), &[], SIGNED_BY_NOBODY);
    is_not_trusted(TestCertificate::self_signed(), &CA_FILE, SIGNED_BY_NOBODY);
}

#[test]
fn a_service_with_the_certificate_of_another_host_gets_nothing() {
    is_not_trusted(
        TestCertificate::for_hosts(["other.example.com"], |_| {}),
        &CA_FILE,
        "is for another host (other.example.com); is the address right?",
    );
}

#[test]
fn a_service_whose_certificate_is_out_of_date_gets_nothing() {
    is_not_trusted(
        TestCertificate::for_hosts(["localhost"], |params| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }),
        &CA_FILE,
        "has expired (or the clock of this machine is wrong)",
    );
    is_not_trusted(
        TestCertificate::for_hosts(["localhost"], |params| {
            params.not_before = date_time_ymd(4000, 1, 1);
        }),
        &CA_FILE,
        "is not valid yet (or the clock of this machine is wrong)",
    );
}

#[test]
fn a_storage_without_a_good_certificate_gets_no_byte_and_costs_no_row() {
    let test =
        ImportTest::with_rows(1).over_tls_by_proxy(TestCertificate::for_hosts([API_HOST], |_| {}));
    test.import()
        .through_proxy()
        .args(["--max-outage", "0s"])
        .prints(format!(
            "no safe connection is possible to {STORAGE_HOST} by way of the proxy {}: the \
             certificate is for another host",
            test.service().proxy().label()
        ))
        .rows(["A1 created"])
        .requests(["get_by_external_id A1 404", "create A1 201"])
        .stored([])
        .exits(3);
}

#[test]
fn a_ca_file_that_is_of_no_use_is_named_before_anything_is_read() {
    let test = ImportTest::with_rows(1)
        .file("empty.pem", "")
        .file("der.pem", [0x30, 0x82, 1, 10])
        .file(
            "torn.pem",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        );
    // A run which looked at the files would name the missing one.
    test.remove("A1.pdf");
    let no_pem = "has no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----; \
                  a binary one becomes PEM with: openssl x509 -inform der -in FILE -out FILE.pem";
    for (file, why) in [
        (
            "nowhere.pem",
            "cannot be read: No such file or directory (os error 2); give the path of a PEM file",
        ),
        ("empty.pem", no_pem),
        ("der.pem", no_pem),
        (
            "torn.pem",
            "has a damaged certificate, number 1: invalid peer certificate: BadEncoding; export \
             it anew as PEM",
        ),
    ] {
        test.import()
            .args(["--ca-file", file])
            .stdout("")
            .stderr(format!("error: the --ca-file {file} {why}\n"))
            .exits(2);
    }
}

#[test]
fn a_system_that_knows_no_authority_is_told_what_is_missing() {
    let test = ImportTest::with_rows(1).over_tls(TestCertificate::valid());
    let without_any = || {
        let run = test.import().env_var("SSL_CERT_FILE", "/nowhere");
        run.env_var("SSL_CERT_DIR", "/nowhere")
    };
    without_any()
        .stdout("")
        .stderr(
            "error: the HTTP client cannot be set up: unexpected error: No CA certificates were \
             loaded from the system; install the certificates of the system (on Linux the package \
             ca-certificates), or name some with --ca-file\n",
        )
        .exits(2);
    without_any().args(CA_FILE).rows(["A1 uploaded"]).exits(0);
}
