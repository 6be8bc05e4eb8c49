//! Checks of a finished run: the expectations of its test, and the promises of every run.
//!
//! All checks are made before any failure, and the failure message shows all outputs, requests and
//! results.

use std::fmt::Write as _;
use std::fs;

use consign::digest::sha256;
use consign::results::{COLUMNS, LINE_CHECK_COLUMN, line_check, parse_serial};
use consign::text::unescape_formula;

use super::results_table::ResultsLine;
use super::run::{
    EXIT_CODE_KILLED, ExpectedResults, FinishedRun, StderrCheck, TestRun, UnnamedFileNotice,
};
use super::service::EmulatorUnderTest;
use super::{ResultsTable, SKIP_PREFLIGHT, TestedService, jobs, system, verification};

/// State before a run.
pub(super) struct BeforeRun {
    requests: usize,
    pub(super) results: Option<Vec<u8>>,
}

impl BeforeRun {
    /// Records the state before a run.
    pub(super) fn capture(run: &TestRun<'_>) -> Self {
        Self {
            requests: run
                .service()
                .map_or(0, |service| service.request_log().len()),
            results: fs::read(&run.results_path).ok(),
        }
    }
}

/// Checks a run. Panics with all differences.
#[track_caller]
pub(super) fn judge_run(
    run: &TestRun<'_>,
    code: i32,
    before: &BeforeRun,
    code_found: i32,
    stdout: &str,
    stderr: &str,
) -> FinishedRun {
    let outcome = FinishedRun {
        code: code_found,
        stdout: run.with_placeholders(&run.comparable_notices(stdout)),
        stderr: run.with_placeholders(&run.comparable_notices(&without_progress(stderr))),
        results: ResultsTable::read(&run.results_path),
        requests: run
            .service()
            .map(|service| service.requests_after(before.requests))
            .unwrap_or_default(),
    };
    let mut wrong = Vec::new();
    run.compare_with_expected(code, &outcome, &mut wrong);
    match code_found {
        2 => check_nothing_was_sent(run, before, &outcome, &mut wrong),
        EXIT_CODE_KILLED => {}
        _ if run.expected.results == ExpectedResults::Journal => {}
        _ => check_results(run, &outcome, &mut wrong),
    }
    verification::judge_verification(run, before, code_found, &mut wrong);
    check_no_duplicates(run, &mut wrong);
    assert!(wrong.is_empty(), "{}", failure_message(&wrong, &outcome));
    outcome
}

impl TestRun<'_> {
    /// Compares a finished run with its expectations.
    fn compare_with_expected(&self, code: i32, outcome: &FinishedRun, wrong: &mut Vec<String>) {
        let expected = &self.expected;
        note_difference("exit code", &code, &outcome.code, wrong);
        if let Some(stdout) = &expected.stdout {
            note_text_difference("stdout", stdout, &outcome.stdout, wrong);
        }
        if let Some(stderr) = &expected.stderr {
            note_text_difference("stderr", stderr, &outcome.stderr, wrong);
        } else if expected.stderr_check == StderrCheck::Exact
            && expected
                .texts
                .iter()
                .all(|part| outcome.stdout.contains(part))
        {
            note_text_difference("stderr", "", &outcome.stderr, wrong);
        }
        for part in &expected.texts {
            if !outcome.stdout.contains(part) && !outcome.stderr.contains(part) {
                wrong.push(format!("nobody says: {part}"));
            }
        }
        if let Some(rows) = &expected.rows {
            let results = outcome.results.as_ref();
            let found = results
                .map(ResultsTable::statuses_in_words)
                .unwrap_or_default();
            note_difference("rows", rows, &found, wrong);
        }
        if let Some(requests) = &expected.requests {
            note_difference("requests", requests, &outcome.requests, wrong);
        }
        if let Some(stored) = &expected.stored {
            let found = self.test.service().stored_contents();
            note_difference("stored", stored, &found, wrong);
        }
        if let Some(ids) = &expected.attached {
            let files = self
                .test
                .expected_files(|id| ids.iter().any(|one| one == id));
            note_difference(
                "attached",
                &files,
                &self.test.service().attached_files(),
                wrong,
            );
        }
    }

    fn service(&self) -> Option<&EmulatorUnderTest> {
        self.test.service.get()
    }

    /// Replaces the parts of a text which differ from run to run by placeholders.
    fn with_placeholders(&self, text: &str) -> String {
        let text = system::with_error_texts_of_linux(text);
        let program = env!("CARGO_BIN_EXE_consign");
        // Commands for Windows, in JSON also, name the program with `\` throughout.
        let for_windows = program.replace('/', "\\");
        let mut text = text
            .replace(program, "[consign]")
            .replace(&for_windows.replace('\\', r"\\"), "[consign]")
            .replace(&for_windows, "[consign]");
        if let Some(service) = self.service() {
            text = text
                .replace(&service.base_url(), "[base]")
                .replace(service.label(), "[label]");
        }
        if self.args.iter().any(|arg| arg == SKIP_PREFLIGHT) {
            // The option comes from the harness, not from the test.
            text = text.replace(&format!(" {SKIP_PREFLIGHT}"), "");
        }
        let folder = self.test.folder().to_string_lossy();
        text = text.replace(&*folder, "[folder]");
        for (before, after) in [
            (" sent in ", ","),
            (" request in ", ")"),
            (" requests in ", ")"),
        ] {
            if let Some((start, rest)) = text.split_once(before) {
                let (_, end) = rest.split_once(after).unwrap_or_default();
                text = format!("{start}{before}[time]{after}{end}");
            }
        }
        text
    }
}

/// Removes progress lines and the notice on bidders. Only slow machines see progress, which the
/// tool prints every few seconds; one test of its own is about the frequent notice.
pub(crate) fn without_progress(stderr: &str) -> String {
    let is_progress = |line: &&str| {
        [
            "checking: ",
            "finding: ",
            "importing: ",
            "looking up: ",
            "verifying: ",
            jobs::BIDDER_NOTICE,
        ]
        .iter()
        .any(|start| line.starts_with(start))
    };
    stderr
        .split_inclusive('\n')
        .filter(|line| !is_progress(line))
        .collect()
}

impl TestRun<'_> {
    /// Removes the notice about files in no row, unless the test is about the notice.
    fn comparable_notices(&self, output: &str) -> String {
        let is_notice = |line: &&str| {
            line.contains(" below the root is in no row: ")
                || line.contains(" below the root are in no row: ")
        };
        let is_compared = self.unnamed_files == UnnamedFileNotice::Compared;
        let lines = output.split_inclusive('\n');
        lines
            .filter(|line| is_compared || !is_notice(line))
            .collect()
    }
}

/// Adds a message to `wrong` if two values differ.
pub(super) fn note_difference<T: PartialEq + std::fmt::Debug + ?Sized>(
    what: &str,
    expected: &T,
    found: &T,
    wrong: &mut Vec<String>,
) {
    if expected != found {
        wrong.push(format!("{what}: expected {expected:#?}, found {found:#?}"));
    }
}

/// Adds a message with the expected text to `wrong` if two texts differ.
fn note_text_difference(what: &str, expected: &str, found: &str, wrong: &mut Vec<String>) {
    if expected != found {
        wrong.push(format!("{what}: expected\n{expected}"));
    }
}

/// Checks the promise of exit code 2: nothing was sent but questions for records, and the results
/// are untouched. After such questions the results may name the records, and nothing else is new.
fn check_nothing_was_sent(
    run: &TestRun<'_>,
    before: &BeforeRun,
    outcome: &FinishedRun,
    wrong: &mut Vec<String>,
) {
    let is_about_records = |request: &&String| {
        ["get_object", "list_objects", "filter_objects"]
            .iter()
            .any(|operation| request.starts_with(operation))
    };
    let others: Vec<_> = outcome
        .requests
        .iter()
        .filter(|one| !is_about_records(one))
        .collect();
    note_difference("requests", &Vec::new(), &others, wrong);
    if !outcome.requests.is_empty() {
        check_results(run, outcome, wrong);
        return;
    }
    if fs::read(&run.results_path).ok() != before.results {
        wrong.push("the results are not what they were before".to_owned());
    }
}

/// Checks the results: readable, complete, in order, each line with a valid check and true.
fn check_results(run: &TestRun<'_>, outcome: &FinishedRun, wrong: &mut Vec<String>) {
    let Some(results) = &outcome.results else {
        return;
    };
    let header: Vec<&str> = results.header.iter().map(String::as_str).collect();
    let ours: Vec<&str> = COLUMNS.into_iter().chain([LINE_CHECK_COLUMN]).collect();
    note_difference("header", &ours[..], &header[..ours.len()], wrong);
    if !system::has_mode(&run.results_path, 0o600) {
        wrong.push("others can read the results".to_owned());
    }
    let numbers: Vec<&str> = results.lines.iter().map(|line| line.cell("row")).collect();
    let in_manifest = numbers.iter().filter(|number| !number.is_empty()).count();
    let in_order: Vec<String> = (1..=numbers.len())
        .map(|number| match number {
            number if number <= in_manifest => number.to_string(),
            _ => String::new(),
        })
        .collect();
    note_difference(
        "row numbers",
        &in_order.iter().map(String::as_str).collect(),
        &numbers,
        wrong,
    );
    for line in &results.lines {
        note_difference("cells", &results.header.len(), &line.cells.len(), wrong);
        if !has_valid_check(line, COLUMNS.len()) {
            wrong.push(format!("its line_check does not match: {line:?}"));
        }
        check_done_line(line, run, wrong);
    }
}

/// Returns `true` if the first `columns` cells of a line match its line check.
pub(super) fn has_valid_check(line: &ResultsLine, columns: usize) -> bool {
    let check = line.cell(LINE_CHECK_COLUMN);
    let values = line.cells.iter().take(columns);
    let values = values.map(|cell| unescape_formula(cell));
    parse_serial(check).is_some_and(|serial| line_check(values, serial) == check)
}

/// Checks a done or changed row: the attachment has all its bytes and the external id of the row,
/// or the new one given to the row.
fn check_done_line(line: &ResultsLine, run: &TestRun<'_>, wrong: &mut Vec<String>) {
    let is_ours = |label: &str| {
        run.service()
            .is_some_and(|service| service.label() == label)
    };
    let claims = ["uploaded", "replaced", "renamed", "updated"].contains(&line.cell("status"));
    if !claims || !is_ours(line.cell("destination")) {
        return;
    }
    if run.test.api == TestedService::KeelvarJobs {
        jobs::check_uploaded_job_line(line, run.test.service(), wrong);
        return;
    }
    let id = line.cell("attachment_id");
    if run.test.service().was_tampered_with(id) {
        return;
    }
    let stored = run.test.service().stored_attachments();
    let Some(attachment) = stored.iter().find(|one| one.id.to_string() == id) else {
        wrong.push(format!("attachment {id} is not stored: {line:?}"));
        return;
    };
    let external_id = attachment.external_id.as_deref().unwrap_or_default();
    let expected = ["renamed_to", "external_id"].map(|column| line.cell(column));
    let expected = expected.into_iter().find(|cell| !cell.is_empty());
    let expected = unescape_formula(expected.unwrap_or_default());
    note_difference("external id", expected, external_id, wrong);
    let object = format!("{} {}", line.cell("object_type"), line.cell("object_id"));
    note_difference("object", &object, &attachment.object, wrong);
    let digest = sha256(&fs::read(&attachment.bytes).unwrap()).to_string();
    note_difference("bytes", line.cell("sha256"), digest.as_str(), wrong);
}

/// Checks that no attachment is stored twice, unless the test allows second copies.
fn check_no_duplicates(run: &TestRun<'_>, wrong: &mut Vec<String>) {
    if run.test.allows_second_copies.get() {
        return;
    }
    if run.test.api == TestedService::KeelvarJobs {
        let attached = run
            .service()
            .map(EmulatorUnderTest::attached_files)
            .unwrap_or_default();
        for pair in attached.windows(2).filter(|pair| pair[0] == pair[1]) {
            wrong.push(format!("{} is attached twice", pair[0].name));
        }
        return;
    }
    let contents = run
        .service()
        .map(EmulatorUnderTest::stored_contents)
        .unwrap_or_default();
    for pair in contents.windows(2) {
        if pair[0].0 == pair[1].0 {
            wrong.push(format!("{} is stored twice", pair[0].0));
        }
    }
}

/// Returns the message of a failed check: all differences, outputs, requests and results.
fn failure_message(wrong: &[String], outcome: &FinishedRun) -> String {
    let mut text = wrong.join("\n");
    let _ = write!(
        text,
        "\n--- exit code: {}\n--- stdout:\n{}--- stderr:\n{}--- requests:\n{}\n--- results:\n",
        outcome.code,
        outcome.stdout,
        outcome.stderr,
        outcome.requests.join("\n"),
    );
    for line in outcome.results.iter().flat_map(|results| &results.lines) {
        let _ = writeln!(text, "{}", line.cells.join(","));
    }
    text
}
