//! Results files of every format version, as written at the time: each can be resumed, verified and
//! reported. The number in a file name is the count of columns before `line_check`; files with
//! `excel` in their names begin with a byte order mark and have semicolons.
//!
//! A later format gets files of its own here, and the existing files stay unchanged.

use std::fs;
use std::path::Path;

use crate::harness::{ImportTest, ResultsTable, TestCertificate, TestRun};

const WORKDAY: [&str; 5] = [
    "workday.16.csv",
    "workday.21.csv",
    "workday.22.csv",
    "workday.23.csv",
    "workday.23.excel.csv",
];

const KEELVAR: [&str; 5] = [
    "keelvar.16.csv",
    "keelvar.21.csv",
    "keelvar.22.csv",
    "keelvar.23.csv",
    "keelvar.23.excel.csv",
];

fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/formats");
    fs::read(folder.join(name)).unwrap()
}

/// Gives the service a public name, which is the destination in all golden files.
fn public(test: ImportTest, rows: &str) -> ImportTest {
    test.file("Verträge/ü, 5€.pdf", "content of A1")
        .file("=A2.pdf", "content of A2")
        .file("A3.pdf", "content of A3")
        .manifest(format!(
            "file_path,object_type,object_id,external_id,department\n{rows}"
        ))
        .over_tls_by_proxy(TestCertificate::valid())
}

fn workday() -> ImportTest {
    public(
        ImportTest::new(),
        "\"Verträge/ü, 5€.pdf\",contract,1,A1,Recht\n=A2.pdf,project,2,A2,\"two\nlines\"\n\
         A3.pdf,contract,3,A3,\n",
    )
}

fn keelvar() -> ImportTest {
    let event = "sourcing_event,3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    public(
        ImportTest::for_keelvar(),
        &format!(
            "\"Verträge/ü, 5€.pdf\",{event},A1,Recht\n=A2.pdf,{event},A2,\"two\nlines\"\n\
             A3.pdf,{event},A3,\n"
        ),
    )
}

fn by_proxy<'t>(test: &'t ImportTest, run: TestRun<'t>) -> TestRun<'t> {
    let proxy = test.service().proxy().url("user:word");
    run.env_var("WORKDAY_API_KEY", "key")
        .env_var("WORKDAY_USER_TOKEN", "token")
        .env_var("WORKDAY_USER_EMAIL", "email")
        .env_var("KEELVAR_API_KEY", "key")
        .env_var("KEELVAR_USER_EMAIL", "a@example.com")
        .env_var("HTTPS_PROXY", &proxy)
        .env_var("NO_PROXY", "")
        .args(["--ca-file", "ca.pem"])
        .with_any_stderr()
}

/// Expects the byte order mark and the delimiter of the manifest, whatever the golden file had.
#[track_caller]
fn assert_begins_as_now(test: &ImportTest) {
    let results = test.read(ResultsTable::DEFAULT_NAME);
    assert!(results.starts_with("\u{feff}row,file_path,"), "{results}");
}

#[test]
fn workday_results_of_every_format_are_gone_on_with_and_verified() {
    let test = workday();
    by_proxy(&test, test.import().args(["--yes"])).exits(0);
    let base = test.service().base_url();
    for name in WORKDAY {
        test.write("golden.csv", golden(name));
        by_proxy(
            &test,
            test.consign(["verify", "golden.csv", "--base-url", &base]),
        )
        .prints("all 3 rows match")
        .exits(0);
        test.consign(["report", "golden.csv"])
            .prints("All 3 rows are done. ")
            .exits(0);
        test.write(ResultsTable::DEFAULT_NAME, golden(name));
        by_proxy(&test, test.resume())
            .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
            .requests([])
            .exits(0);
        assert_eq!(test.results().cell("A2", "department"), "two\nlines");
        assert_begins_as_now(&test);
    }
}

#[test]
fn keelvar_results_of_every_format_are_gone_on_with() {
    let test = keelvar();
    for name in KEELVAR {
        test.write("golden.csv", golden(name));
        test.consign(["report", "golden.csv"])
            .prints("All 3 rows are done. ")
            .leaving_a_journal()
            .exits(0);
        test.write(ResultsTable::DEFAULT_NAME, golden(name));
        // The job is unknown to this emulator, which therefore cannot show the attached files.
        by_proxy(&test, test.resume())
            .rows(["A1 uploaded", "A2 uploaded", "A3 uploaded"])
            .requests([])
            .leaving_a_journal()
            .exits(0);
        assert_begins_as_now(&test);
    }
}
