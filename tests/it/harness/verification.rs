//! Runs of `verify`, and checks of the verification file.

use std::fs;
use std::path::PathBuf;

use consign::results::{COLUMNS as RESULTS_COLUMNS, LINE_CHECK_COLUMN};
use consign::verification::verification_file::{COLUMNS, path_for};

use super::judge::{BeforeRun, has_valid_check, note_difference};
use super::results_table::ResultsLine;
use super::{ImportTest, ResultsTable, SKIP_PREFLIGHT, TestRun, system};

impl ImportTest {
    /// Run of `verify`, one attachment at a time.
    pub(crate) fn verify(&self) -> TestRun<'_> {
        self.verify_at_once(1)
    }

    /// Run of `verify` with the given number of attachments at once.
    pub(crate) fn verify_at_once(&self, attachments: usize) -> TestRun<'_> {
        let base = self.service().base_url();
        let run = self.consign([
            "verify",
            ResultsTable::DEFAULT_NAME,
            "--base-url",
            &base,
            "--rate",
            "2000",
        ]);
        run.args(["--concurrency", &attachments.to_string(), SKIP_PREFLIGHT])
    }

    /// Returns the file written by the last verification.
    pub(crate) fn verification(&self) -> ResultsTable {
        let path = path_for(&self.path(ResultsTable::DEFAULT_NAME));
        ResultsTable::read(&path).expect("there is a verification")
    }
}

impl TestRun<'_> {
    /// Expects all lines of the verification, each as `external_id outcome`.
    pub(crate) fn outcomes<'a>(mut self, outcomes: impl IntoIterator<Item = &'a str>) -> Self {
        self.expected.outcomes = Some(outcomes.into_iter().map(str::to_owned).collect());
        self
    }

    /// Names other results than the default.
    pub(crate) fn verifying_results(mut self, name: &str) -> Self {
        self.results_path = self.test.path(name);
        self
    }

    /// Returns the path of the verification file.
    fn verification_path(&self) -> PathBuf {
        path_for(&self.results_path)
    }
}

/// Checks a run of `verify`: the results are untouched, the verification is complete, and no line
/// contradicts success.
pub(super) fn judge_verification(
    run: &TestRun<'_>,
    before: &BeforeRun,
    code: i32,
    wrong: &mut Vec<String>,
) {
    if run.args[0] != "verify" {
        return;
    }
    if fs::read(&run.results_path).ok() != before.results {
        wrong.push("a verification has changed the results".to_owned());
    }
    let found = ResultsTable::read(&run.verification_path());
    if let Some(expected) = &run.expected.outcomes {
        let found = found.as_ref().map(outcomes_in_words).unwrap_or_default();
        note_difference("outcomes", expected, &found, wrong);
    }
    if let (0 | 1, Some(found)) = (code, &found) {
        check_verification(run, found, wrong);
        let mut objections = found.lines.iter().filter(|line| prevents_success(line));
        if let (0, Some(line)) = (code, objections.next()) {
            wrong.push(format!("passed, in spite of {line:?}"));
        }
    }
}

/// Returns `true` for a line which rules out success. Rows no longer in the manifest need not be
/// done.
fn prevents_success(line: &ResultsLine) -> bool {
    match line.cell("outcome") {
        "match" => false,
        "not_done" => !line.cell("row").is_empty(),
        _ => true,
    }
}

/// Checks the lines of the verification: one for each believed line of the results, in the same
/// order, then the lines on others.
fn check_verification(run: &TestRun<'_>, found: &ResultsTable, wrong: &mut Vec<String>) {
    let columns: Vec<&str> = COLUMNS.into_iter().chain([LINE_CHECK_COLUMN]).collect();
    let header: Vec<&str> = found.header.iter().map(String::as_str).collect();
    note_difference("header", &columns, &header, wrong);
    if !system::has_mode(&run.verification_path(), 0o600) {
        wrong.push("others can read the verification".to_owned());
    }
    let results = ResultsTable::read(&run.results_path).expect("there are results");
    let mut believed = results.lines;
    believed.retain(|line| has_valid_check(line, RESULTS_COLUMNS.len()));
    let row = |line: &ResultsLine| ["row", "external_id"].map(|name| line.cell(name)).join(" ");
    let mut rows: Vec<String> = believed.iter().map(row).collect();
    // A journal may have several lines of one row.
    rows.dedup();
    let found_rows = found.lines.iter().map(row);
    let first: Vec<String> = found_rows.take(rows.len()).collect();
    note_difference("rows", &rows, &first, wrong);
    for line in &found.lines {
        note_difference(
            "line_check",
            &true,
            &has_valid_check(line, COLUMNS.len()),
            wrong,
        );
    }
}

/// Returns each line as `external_id outcome`.
fn outcomes_in_words(found: &ResultsTable) -> Vec<String> {
    let words = |line: &ResultsLine| {
        ["external_id", "outcome"]
            .map(|name| line.cell(name))
            .join(" ")
    };
    found.lines.iter().map(words).collect()
}
