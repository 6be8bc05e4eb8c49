//! `import --on-conflict`, `--update title` and the column `new_external_id`: what is changed because
//! the user asked for it, and what is left as it is.

mod consent;
mod dry_run;
#[cfg(target_os = "linux")]
mod failing_disk;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod lost;
mod put_back;
mod refusals;
mod renames;
mod replace;
mod summary;
mod titles;

use std::fs;

use consign::digest::sha256;

use crate::harness::{ImportTest, TestRun};

/// The folder of the backups.
const BACKUPS: &str = "old";

/// The results of somebody else, of whom this import knows nothing.
const OTHER: &str = "other.results.csv";

/// A test whose rows are imported.
fn imported(rows: usize) -> ImportTest {
    import(ImportTest::of_rows(rows), rows)
}

/// Imports so many rows.
fn import(test: ImportTest, rows: usize) -> ImportTest {
    test.import().all_uploaded(rows).exits(0);
    test
}

/// A run that replaces other content, and keeps the old one.
fn replacing(run: TestRun<'_>) -> TestRun<'_> {
    run.args(["--on-conflict", "replace", "--backup", BACKUPS, "--yes"])
}

/// What the folder of backups holds, as names and contents.
fn backups(test: &ImportTest) -> Vec<(String, String)> {
    let Ok(files) = fs::read_dir(test.path(BACKUPS)) else {
        return Vec::new();
    };
    let mut backups: Vec<_> = files
        .map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            let content = test.read(&format!("{BACKUPS}/{name}"));
            (name, content)
        })
        .collect();
    backups.sort();
    backups
}

/// The name of the backup of a row of [`ImportTest::of_rows`].
fn backup_name(external_id: &str, id: &str, content: &str) -> String {
    let digest = sha256(content.as_bytes()).to_string();
    format!("{external_id}.{id}.{}.pdf", &digest[..12])
}

/// The titles of all attachments, in the order of their ids.
fn titles_of(test: &ImportTest) -> Vec<String> {
    let stored = test.service().stored().into_iter();
    stored.map(|attachment| attachment.title).collect()
}

/// What each PATCH asked for since the first `seen` requests, as `A1 title`.
fn changes_after(test: &ImportTest, seen: usize) -> Vec<String> {
    let log = test.service().log();
    log[seen..]
        .iter()
        .filter(|entry| entry.method == "PATCH")
        .map(|entry| {
            let id = entry.external_id.clone().unwrap_or_default();
            format!("{id} {}", entry.changes.join("+"))
        })
        .collect()
}
