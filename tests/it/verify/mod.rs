//! `consign verify`: comparison of the results with the content of the service.

mod changed_on_request;
mod damaged;
mod download_hosts;
mod downloads;
mod interrupted;
mod keelvar;
mod objects;
mod refusals;
mod rehearsal;
mod samples;
mod tampering;

use std::fs;

use consign::emulator::EmulatorOperation::{Create, List};
use consign::emulator::FaultTrigger::Nth;
use consign::emulator::request_log::RequestLogEntry;

use crate::harness::{ImportTest, ResultsTable, status_effect};

/// Imports a test of `rows` rows.
fn imported(rows: usize) -> ImportTest {
    import(ImportTest::with_rows(rows), rows)
}

/// Imports `rows` rows. The import itself meets no fault meant for the verification.
fn import(test: ImportTest, rows: usize) -> ImportTest {
    test.import().all_uploaded(rows).exits(0);
    test
}

#[test]
fn what_nobody_touched_matches_and_takes_one_request_for_fifty_rows() {
    let test = imported(51);
    let everything: Vec<String> = (1..=51).map(|number| format!("A{number} match")).collect();
    test.verify()
        .stdout(
            "all 51 rows match (2 requests in [time])\n\
             \x20 match                  51  there, as the results say\n\
             verification: m.results.verification.csv\n",
        )
        .outcomes(everything.iter().map(String::as_str))
        .requests(["list 200", "list 200"])
        .exits(0);
    let asked: Vec<usize> = test
        .service()
        .request_log()
        .iter()
        .rev()
        .take(2)
        .map(ids_in)
        .collect();
    assert_eq!(asked, [1, 50]);
}

/// Returns the number of ids in a list request.
fn ids_in(entry: &RequestLogEntry) -> usize {
    let (_, query) = entry.path.split_once('?').unwrap();
    query.split("%2C").flat_map(|part| part.split(',')).count()
}

#[test]
fn what_was_compared_stands_beside_what_was_found() {
    let test = imported(2);
    test.verify().args(["--download", "all"]).exits(0);
    let (verified, results) = (test.verification(), test.results());
    for id in ["A1", "A2"] {
        for (column, of_results) in [
            ("attachment_id", "attachment_id"),
            ("expected_size", "size"),
            ("found_size", "size"),
            ("expected_sha256", "sha256"),
            ("found_sha256", "sha256"),
        ] {
            let expected = results.cell(id, of_results);
            assert_eq!(verified.cell(id, column), expected, "{column} of {id}");
        }
        assert_eq!(verified.cell(id, "download"), "all");
        assert!(verified.cell(id, "checked_at") > results.cell(id, "updated_at"));
    }
}

#[test]
fn without_a_download_no_digest_is_claimed() {
    let test = imported(1);
    test.verify().exits(0);
    assert_eq!(test.verification().cell("A1", "found_size"), "13");
    assert_eq!(test.verification().cell("A1", "found_sha256"), "");
    assert_eq!(test.verification().cell("A1", "download"), "");
}

#[test]
fn the_results_alone_will_do_wherever_they_are() {
    let test = imported(2);
    let base = test.service().base_url();
    fs::create_dir(test.path("elsewhere")).unwrap();
    fs::copy(test.path("m.results.csv"), test.path("elsewhere/kept.csv")).unwrap();
    for name in ["A1.pdf", "A2.pdf", "m.csv", "m.results.csv"] {
        test.remove(name);
    }
    test.consign(["verify", "elsewhere/kept.csv", "--base-url", &base])
        .args(["--download", "all", "--rate", "2000"])
        .verifying_results("elsewhere/kept.csv")
        .outcomes(["A1 match", "A2 match"])
        .with_any_stderr()
        .exits(0);
    assert!(test.path("elsewhere/kept.verification.csv").exists());
    assert!(!test.path("m.results.verification.csv").exists());
}

#[test]
fn a_file_that_is_gone_or_changed_on_this_machine_changes_no_verdict() {
    let test = imported(3);
    test.remove("A2.pdf");
    test.write("A3.pdf", "something longer than before");
    test.verify()
        .outcomes(["A1 match", "A2 match", "A3 match"])
        .exits(0);
}

#[test]
fn a_later_verification_takes_the_place_of_an_earlier_one() {
    let test = imported(1);
    test.verify().outcomes(["A1 match"]).exits(0);
    test.service().delete("A1");
    test.verify().outcomes(["A1 missing"]).exits(1);
    assert_eq!(test.file_names().len(), 4, "{:?}", test.file_names());
}

#[test]
fn rows_that_are_not_done_are_not_asked_for_and_do_not_match() {
    let test = ImportTest::with_rows(3).inject_fault(Create, Nth(2), status_effect(422));
    test.import()
        .rows(["A1 uploaded", "A2 failed refused", "A3 uploaded"])
        .exits(1);
    test.verify()
        .outcomes(["A1 match", "A2 not_done", "A3 match"])
        .requests(["list 200"])
        .exits(1);
    let asked = test.service().request_log().last().map(ids_in);
    assert_eq!(asked, Some(2));
    let line = test.verification();
    for column in ["attachment_id", "found_size", "found_sha256"] {
        assert_eq!(line.cell("A2", column), "");
    }
}

#[test]
fn rows_that_were_there_already_are_compared_too_and_a_download_proves_them() {
    let test = imported(1);
    test.import()
        .with_results("again.results.csv")
        .rows(["A1 skipped"])
        .exits(0);
    let base = test.service().base_url();
    for (download, digest) in [
        (&[][..], ""),
        (&["--download", "all"], test.results().cell("A1", "sha256")),
    ] {
        test.consign(["verify", "again.results.csv", "--base-url", &base])
            .args(download.iter().copied())
            .verifying_results("again.results.csv")
            .outcomes(["A1 match"])
            .exits(0);
        let verified = ResultsTable::read(&test.path("again.results.verification.csv")).unwrap();
        assert_eq!(verified.cell("A1", "found_sha256"), digest);
    }
}

#[test]
fn a_service_that_is_away_for_a_moment_is_asked_again() {
    let test = import(
        ImportTest::with_rows(1).inject_fault(List, Nth(2), status_effect(503)),
        1,
    );
    test.verify()
        .outcomes(["A1 match"])
        .requests(["list 503 status", "list 200"])
        .exits(0);
}

#[test]
fn a_service_that_is_away_for_longer_than_allowed_ends_it_and_nothing_is_passed() {
    let test = import(
        ImportTest::with_rows(2).inject_fault(List, Nth(2), status_effect(503)),
        2,
    );
    test.verify()
        .args(["--max-outage", "0s"])
        .outcomes(["A1 error", "A2 error"])
        .requests(["list 503 status"])
        .prints("stopped early: the service was away for longer than --max-outage allows")
        .with_any_stderr()
        .exits(3);
}
