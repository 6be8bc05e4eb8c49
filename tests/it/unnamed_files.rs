//! Files below the root that no row of the manifest names.

use serde_json::{Value, json};

use crate::harness::{FinishedRun, ImportTest, MANIFEST_HEADER};

const NOTICE: &str = "2 files below the root are in no row: \"b.pdf\", \"sub/c.pdf\"\n";

/// Writes three files and a manifest with a row for the first one.
fn with_files_in_no_row() -> ImportTest {
    ImportTest::new()
        .file("a.pdf", "alpha")
        .file("b.pdf", "beta")
        .file("sub/c.pdf", "gamma")
        .manifest(format!("{MANIFEST_HEADER}a.pdf,contract,1,A\n"))
}

fn files_in_no_row(run: &FinishedRun) -> Value {
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    summary["files_in_no_row"].clone()
}

#[test]
fn a_check_and_an_import_say_which_files_are_in_no_row_and_go_on() {
    let test = with_files_in_no_row();
    test.check()
        .with_unnamed_files()
        .stdout(format!(
            "m.csv: 1 row, 1 file, 5 B\n\
             \x20 contract                 1\n\
             {NOTICE}\
             nothing is wrong\n"
        ))
        .exits(0);
    test.import()
        .with_unnamed_files()
        .args(["--dry-run"])
        .stderr(NOTICE)
        .exits(0);
    test.import()
        .with_unnamed_files()
        .stderr(NOTICE)
        .rows(["A uploaded"])
        .exits(0);
    // What consign wrote beside the manifest is no document.
    test.consign(["report", "m.results.csv"])
        .with_any_stderr()
        .exits(0);
    test.check().with_unnamed_files().prints(NOTICE).exits(0);
    test.resume().with_unnamed_files().stderr(NOTICE).exits(0);
}

#[test]
fn scripts_get_all_files_in_no_row() {
    let mut test = with_files_in_no_row();
    for number in 10..30 {
        test = test.file(&format!("d{number}.pdf"), "delta");
    }
    let told = test
        .check()
        .with_unnamed_files()
        .prints("\"d18.pdf\" and 12 more\n")
        .exits(0);
    assert!(
        told.stdout
            .contains("22 files below the root are in no row")
    );
    for run in [
        test.check().with_unnamed_files(),
        test.import().with_unnamed_files().args(["--dry-run"]),
        test.import().with_unnamed_files(),
    ] {
        let run = run.args(["--output", "json", "--quiet"]).exits(0);
        let said = files_in_no_row(&run);
        assert_eq!(said["count"], 22);
        assert_eq!(said["search"], "complete");
        assert_eq!(said["paths"][21], "sub/c.pdf");
    }
}

#[test]
fn nobody_is_told_in_quiet() {
    let test = with_files_in_no_row();
    test.check()
        .with_unnamed_files()
        .args(["--quiet"])
        .stdout("")
        .stderr("")
        .exits(0);
    test.import()
        .with_unnamed_files()
        .args(["--quiet"])
        .stdout("")
        .stderr("")
        .exits(0);
}

#[test]
fn a_row_with_a_mistake_names_its_file_all_the_same() {
    let test = with_files_in_no_row();
    test.write(
        "m.csv",
        format!(
            "{MANIFEST_HEADER}a.pdf,contarct,1,A\n./b.pdf,contract,0,B\nsub//c.pdf,contract,1,A\n"
        ),
    );
    let run = test
        .check()
        .args(["--output", "json"])
        .with_any_stderr()
        .exits(2);
    assert_eq!(
        files_in_no_row(&run),
        json!({ "count": 0, "paths": [], "search": "complete" })
    );
}

#[test]
fn hidden_files_files_of_the_system_and_of_consign_are_no_documents() {
    let test = with_files_in_no_row()
        .file(".DS_Store", "x")
        .file(".git/config", "x")
        .file("~$b.docx", "x")
        .file("sub/Thumbs.db", "x")
        .file("consign.toml", "x")
        .file("m2.csv", MANIFEST_HEADER)
        .file("out.csv", "severity,kind,problem,remedy\n")
        .file("backups/A.4711.0123456789ab.pdf", "old");
    test.check().with_unnamed_files().prints(NOTICE).exits(0);
}

#[test]
fn the_root_counts_and_not_the_folder_of_the_manifest() {
    let test = with_files_in_no_row();
    test.write("m.csv", format!("{MANIFEST_HEADER}c.pdf,contract,1,A\n"));
    let run = test
        .check()
        .args(["--root", "sub", "--output", "json"])
        .exits(0);
    assert_eq!(files_in_no_row(&run)["count"], 0);
}
