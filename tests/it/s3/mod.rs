//! Uploads to a real S3 server, through presigned URLs (Signature Version 4) covering all headers
//! of the vendor's documentation. The emulator only imitates such a storage; here the storage
//! itself decides which requests are right.

mod service;
mod sigv4;
mod storage;

use crate::harness::{ImportTest, MANIFEST_FILE, MANIFEST_HEADER, TestRun};
use service::{AddressDefect, HEADERS, S3Service};
use storage::KEY;

/// Imports into the service, one row at a time, with the most detailed log.
fn import<'t>(test: &'t ImportTest, service: &S3Service) -> TestRun<'t> {
    let base = service.base_url();
    test.consign(["import", MANIFEST_FILE, "--base-url", &base])
        .args(["--rate", "2000", "--concurrency", "1", "-vvv"])
        .args(["--skip-preflight"])
        .env_var("WORKDAY_API_KEY", "a-key")
        .env_var("WORKDAY_USER_TOKEN", "a-token")
        .env_var("WORKDAY_USER_EMAIL", "someone@example.com")
        .prints("DEBUG API request")
}

/// Returns the requests to the storage, in words.
fn uploads(service: &S3Service) -> Vec<String> {
    let came = service.uploads();
    came.iter()
        .map(storage::StorageExchange::in_words)
        .collect()
}

#[test]
fn files_are_stored_as_their_addresses_were_signed_and_their_etags_are_compared() {
    // The size is more than one piece and no whole number of pieces.
    let large = b"0123456789".repeat(60_001);
    let test = ImportTest::new()
        .file("a/Vertrag Nr. 7 (ü+&=%20).pdf", "small")
        .file("large.bin", &large)
        .manifest(format!(
            "{MANIFEST_HEADER}a/Vertrag Nr. 7 (ü+&=%20).pdf,contract,1,A1\nlarge.bin,event,2,A2\n"
        ));
    let service = S3Service::start_with_addresses([]);
    import(&test, &service)
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
    assert_eq!(service.stored("A1").unwrap(), b"small");
    assert!(service.stored("A2").unwrap() == large);
    assert_eq!(uploads(&service), ["PUT 200", "PUT 200"]);
    for (row, upload) in ["A1", "A2"].into_iter().zip(service.uploads()) {
        assert_eq!(test.results().cell(row, "verified"), "etag");
        let size = service.stored(row).unwrap().len().to_string();
        assert_eq!(upload.header("content-length"), size);
        assert_eq!(upload.header("transfer-encoding"), "");
        for (name, value) in HEADERS {
            assert_eq!(upload.header(name), value);
        }
        for name in ["x-api-key", "x-user-token", "x-user-email", "cookie"] {
            assert_eq!(upload.header(name), "", "{name}");
        }
    }
}

#[test]
fn whatever_s3_finds_wrong_with_an_address_a_new_one_mends_it() {
    let names = HEADERS.map(|(name, _)| name);
    let addresses = [AddressDefect::Expired, AddressDefect::Tampered]
        .into_iter()
        .chain(names.map(AddressDefect::MissingHeader))
        .chain(names.map(AddressDefect::AlteredHeader));
    let rows = 2 + 2 * HEADERS.len();
    let test = ImportTest::with_rows(rows);
    let service = S3Service::start_with_addresses(
        addresses.flat_map(|wrong| [wrong, AddressDefect::NoDefect]),
    );
    import(&test, &service).exits(0);
    let mut expected = Vec::new();
    for number in 1..=rows {
        let why = match number {
            1 => "AccessDenied",
            _ => "SignatureDoesNotMatch",
        };
        expected.extend([format!("PUT 403 {why}"), "PUT 200".to_owned()]);
        let id = format!("A{number}");
        assert_eq!(
            service.stored(&id).unwrap(),
            format!("content of {id}").as_bytes()
        );
        assert_eq!(test.results().cell(&id, "verified"), "etag");
    }
    assert_eq!(uploads(&service), expected);
    assert_eq!(
        service.requests()[..4],
        [
            "GET attachments/A1/external_id 404",
            "POST attachments 201",
            "GET attachments/1 200",
            "PATCH attachments/1 200",
        ]
    );
    let first = &service.uploads()[0];
    assert!(
        first.answer_body.contains("Request has expired"),
        "{}",
        first.answer_body
    );
}

#[test]
fn an_address_that_s3_never_accepts_stores_nothing() {
    let test = ImportTest::with_rows(1);
    let service = S3Service::start_with_addresses([AddressDefect::Tampered; 6]);
    import(&test, &service)
        .rows(["A1 failed upload_refused"])
        .exits(1);
    assert_eq!(uploads(&service), ["PUT 403 SignatureDoesNotMatch"; 6]);
    assert_eq!(service.stored("A1"), None);
    // The row itself has no defect.
    import(&test, &service)
        .args(["--resume"])
        .rows(["A1 uploaded"])
        .exits(0);
    assert_eq!(service.stored("A1").unwrap(), b"content of A1");
}

#[test]
fn what_s3_refuses_for_good_is_told_in_its_words_and_without_the_address() {
    let test = ImportTest::with_rows(1);
    let service = S3Service::start_with_addresses([AddressDefect::Folder]);
    let outcome = import(&test, &service)
        .rows(["A1 failed upload_refused"])
        .exits(1);
    assert_eq!(uploads(&service), ["PUT 400 UnexpectedContent"]);
    assert_eq!(
        test.results().cell("A1", "message"),
        "the storage refused the file: status 400, UnexpectedContent: Unexpected request body when \
         creating a directory object."
    );
    let url = &service.urls()[0];
    let (_, signature) = url.split_once("X-Amz-Signature=").unwrap();
    for output in [outcome.stdout, outcome.stderr, test.read("m.results.csv")] {
        for secret in [signature, "X-Amz-", KEY.id, KEY.secret, "/uploads/"] {
            assert!(!output.contains(secret), "{secret} stands in:\n{output}");
        }
    }
}
