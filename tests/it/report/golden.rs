//! Whole HTML and JSON of a small import, compared with the folder `golden` beside this file.
//! `UPDATE_GOLDEN=1` writes the files anew: look at the difference before you keep it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{HTML, JSON, SUMS, VERIFICATION, report};
use crate::harness::{ImportTest, MANIFEST_FILE, ResultsTable, set_mode};

pub(super) fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/report/golden");
    folder.join(name)
}

/// Returns a test with the files of the small import.
pub(super) fn small_import() -> ImportTest {
    let test = ImportTest::new();
    for name in [MANIFEST_FILE, ResultsTable::DEFAULT_NAME, VERIFICATION] {
        test.write(name, fs::read(golden(name)).unwrap());
        set_mode(&test.path(name), 0o600);
    }
    test
}

/// Returns the text without the version of the tool.
fn without_version(text: &str) -> String {
    text.replace(
        concat!("consign ", env!("CARGO_PKG_VERSION")),
        "consign [version]",
    )
}

#[test]
fn the_report_of_a_small_import_is_this_one() {
    let test = small_import();
    report(&test)
        .prints("12 of 17 rows are done; 5 are not.")
        .exits(0);
    for name in [HTML, JSON, SUMS] {
        let found = without_version(&test.read(name));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(golden(name), &found).unwrap();
        }
        let expected = fs::read_to_string(golden(name)).unwrap();
        // The first differing line says more than two whole files.
        for (number, (expected, found)) in (1..).zip(expected.lines().zip(found.lines())) {
            assert_eq!(expected, found, "{name} line {number}");
        }
        assert_eq!(expected, found, "{name}");
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_whatever_folder_they_are() {
    let (one, other) = (small_import(), small_import());
    report(&one).exits(0);
    let results = other.path(ResultsTable::DEFAULT_NAME);
    other
        .consign(["report", results.to_str().unwrap()])
        .exits(0);
    for name in [HTML, JSON, SUMS] {
        assert_eq!(one.read(name), other.read(name), "{name}");
        assert!(!one.read(name).contains("/tmp"), "{name}");
    }
}

#[test]
fn the_digests_at_the_end_are_those_of_the_files() {
    let test = small_import();
    let outcome = report(&test).exits(0);
    let (_, noted) = outcome.stdout.split_once("noted elsewhere:\n").unwrap();
    let line = |name| {
        let digest = consign::digest::sha256(test.read(name).as_bytes());
        format!("{digest}  {name}\n")
    };
    let expected = [SUMS, JSON, HTML, VERIFICATION, ResultsTable::DEFAULT_NAME].map(line);
    assert_eq!(noted, expected.concat());
}

#[test]
fn scripts_get_one_object_with_the_same() {
    let test = small_import();
    let outcome = report(&test).args(["--output", "json"]).exits(0);
    let summary: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(summary["rows"], 17);
    assert_eq!(summary["statuses"]["uploaded"], 5);
    assert_eq!(summary["evidence"]["content"], 2);
    assert_eq!(summary["exceptions"], 8);
    let html = summary["files"].as_array().unwrap();
    let html = html.iter().find(|file| file["what"] == "report_html");
    let digest = consign::digest::sha256(test.read(HTML).as_bytes());
    assert_eq!(html.unwrap()["sha256"], digest.to_string());
    report(&test).args(["--quiet"]).stdout("").exits(0);
}
