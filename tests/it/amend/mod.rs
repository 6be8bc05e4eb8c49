//! `import --on-conflict`, `--update title` and the column `new_external_id`: changes on request,
//! and attachments left unchanged.

mod consent;
mod dry_run;
#[cfg(target_os = "linux")]
mod failing_disk;
#[cfg(target_os = "linux")]
mod killed;
#[cfg(target_os = "linux")]
mod lost_answers;
mod put_back;
mod refusals;
mod renames;
mod replace;
mod summary;
mod titles;

use std::fs;

use consign::digest::sha256;

use crate::harness::{ImportTest, TestRun};

/// Folder of the backups.
const BACKUPS: &str = "old";

/// Results of another import, unknown to the import under test.
const OTHER: &str = "other.results.csv";

/// Imports a test of `rows` rows.
fn imported(rows: usize) -> ImportTest {
    import(ImportTest::with_rows(rows), rows)
}

/// Imports `rows` rows, and expects success.
fn import(test: ImportTest, rows: usize) -> ImportTest {
    test.import().all_uploaded(rows).exits(0);
    test
}

/// Lets a run replace other content, with a backup of the old content.
fn replacing(run: TestRun<'_>) -> TestRun<'_> {
    run.args(["--on-conflict", "replace", "--backup", BACKUPS, "--yes"])
}

/// Returns the files in the backup folder, as names and contents.
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

/// Returns the file name of a backup.
fn backup_name(external_id: &str, id: &str, content: &str) -> String {
    let digest = sha256(content.as_bytes()).to_string();
    format!("{external_id}.{id}.{}.pdf", &digest[..12])
}

/// Returns the titles of all attachments, in the order of their ids.
fn titles_of(test: &ImportTest) -> Vec<String> {
    let stored = test.service().stored_attachments().into_iter();
    stored.map(|attachment| attachment.title).collect()
}

/// Returns the attributes of each PATCH after the first `seen` requests, as `A1 title`.
fn changes_after(test: &ImportTest, seen: usize) -> Vec<String> {
    let log = test.service().request_log();
    log[seen..]
        .iter()
        .filter(|entry| entry.method == "PATCH")
        .map(|entry| {
            let id = entry.external_id.clone().unwrap_or_default();
            format!("{id} {}", entry.changes.join("+"))
        })
        .collect()
}
