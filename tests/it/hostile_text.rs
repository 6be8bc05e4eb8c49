//! Text with an effect on terminals, pagers or spreadsheets, from the service, from file names and
//! from the manifest. Outputs show the text without its effects.

use std::fs;

use consign::emulator::EmulatorOperation::Create;
use consign::emulator::FaultTrigger::Nth;
use serde_json::json;

use crate::harness::{ImportTest, MANIFEST_HEADER, status_effect};

/// Text which clears a screen, turns the writing direction, begins lines of its own and is a
/// formula.
const HOSTILE: &str =
    "=cmd|'/c calc'!A1 \u{1b}[2J\u{9b}31m\u{202e}fdp.exe\r\nall 1 row done\u{2028}\u{7}";

/// Returns `true` if a terminal or a pager would act on the character. Line ends do not count.
fn acts(c: char) -> bool {
    let is_bidi =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n') || is_bidi || matches!(c, '\u{2028}' | '\u{2029}')
}

#[track_caller]
fn is_clean(output: &str) {
    assert!(!output.contains(acts), "{output:?}");
    let begins = |line: &str| line.starts_with("all 1 row done");
    assert!(!output.lines().any(begins), "{output:?}");
}

#[test]
fn what_a_service_says_acts_on_nobody() {
    let test = ImportTest::with_rows(1)
        .inject_fault(Create, Nth(1), status_effect(422))
        .forging_responses(|_, answer| {
            if answer.status() == 422 {
                let error = json!({"detail": HOSTILE, "source": {"pointer": HOSTILE}});
                *answer.body_mut() = json!({"errors": [error]}).to_string().into_bytes();
            }
        });
    let outcome = test
        .import()
        .args(["-vvv"])
        .prints("DEBUG API request")
        .prints("status 422: =cmd|'/c calc'!A1 \\u{1b}[2J\\u{9b}31m\\u{202e}fdp.exe\\u{d}\\u{a}all")
        .rows(["A1 failed refused"])
        .exits(1);
    is_clean(&outcome.stdout);
    is_clean(&outcome.stderr);
    is_clean(&test.read("m.results.csv"));
}

#[test]
fn what_a_service_says_of_a_refusal_is_shown_without_acting() {
    let test = ImportTest::with_rows(1).forging_responses(|request, answer| {
        if request.method == "PUT" {
            *answer.status_mut() = 400.try_into().unwrap();
            let xml = format!("<Error><Code>{HOSTILE}</Code><Message>{HOSTILE}</Message></Error>");
            *answer.body_mut() = xml.into_bytes();
        }
    });
    let outcome = test
        .import()
        .args(["-vvv"])
        .prints("DEBUG API request")
        .prints("status 400, =cmd|'/c calc'!A1 \\u{1b}[2J\\u{9b}31m\\u{202e}fdp.exe\\u{d}\\u{a}all")
        .rows(["A1 failed upload_refused"])
        .exits(1);
    is_clean(&outcome.stdout);
    is_clean(&outcome.stderr);
    is_clean(&test.read("m.results.csv"));
}

#[test]
fn what_another_id_says_is_shown_without_acting() {
    let test = ImportTest::with_rows(1).forging_responses(|request, answer| {
        if request.method == "GET" {
            *answer.status_mut() = 200.try_into().unwrap();
            let found = json!({"data": {"id": "1", "attributes": {"external_id": HOSTILE}}});
            answer
                .headers_mut()
                .insert("content-type", "application/json".parse().unwrap());
            *answer.body_mut() = found.to_string().into_bytes();
        }
    });
    let outcome = test
        .import()
        .args(["-vvv"])
        .prints("lookup_mismatch")
        .prints("DEBUG API request")
        .rows(["A1 failed lookup_mismatch"])
        .exits(1);
    is_clean(&outcome.stdout);
    is_clean(&outcome.stderr);
    is_clean(&test.read("m.results.csv"));
}

#[test]
fn what_stands_in_a_manifest_acts_on_no_terminal() {
    for args in [
        vec!["check", "m.csv"],
        vec!["import", "m.csv", "--emulator"],
    ] {
        let bad = "\u{1b}]0;title\u{7}\u{202e}";
        let test = ImportTest::new().manifest(format!(
            "{MANIFEST_HEADER}{bad}.pdf,contract,1,A1\nA2.pdf,{bad},2,A2\nA3.pdf,contract,{bad},{bad}\n"
        ));
        let outcome = test
            .consign(args)
            .args(["-vvv"])
            .prints("\\u{1b}]0;title\\u{7}\\u{202e}")
            .exits(2);
        is_clean(&outcome.stdout);
        is_clean(&outcome.stderr);
    }
}

#[test]
fn a_formula_in_a_manifest_is_none_in_the_results_and_comes_back_unchanged() {
    let test = ImportTest::new().file("=1+1.pdf", "x").manifest(
        "file_path,object_type,object_id,external_id,=note\n=1+1.pdf,contract,1,@A1,'+2\n",
    );
    test.import().rows(["'@A1 uploaded"]).exits(0);
    let results = test.read("m.results.csv");
    let mut lines = results.lines();
    assert!(lines.next().unwrap().ends_with(",line_check,'=note"));
    let line = lines.next().unwrap();
    assert!(
        line.starts_with("1,'=1+1.pdf,contract,1,'@A1,uploaded,"),
        "{line}"
    );
    assert!(line.ends_with(",''+2"), "{line}");
    // The row is recognised by its original external id.
    test.resume().rows(["'@A1 uploaded"]).requests([]).exits(0);
    let stored = test.service().stored_attachments();
    assert_eq!(stored[0].external_id.as_deref(), Some("@A1"));
    assert_eq!(fs::read(&stored[0].bytes).unwrap(), b"x");
}
