//! Files of a manifest on Windows: names, paths and sharing that no other system has.

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::harness::{HoldMoment, ImportTest, MANIFEST_HEADER, assert_stored_exactly_once};

/// Returns a test with a manifest whose rows have the given paths and the ids `A1`, `A2` and so on,
/// all of one contract.
fn with_paths(paths: &[&str]) -> ImportTest {
    let rows: Vec<String> = (1..)
        .zip(paths)
        .map(|(number, path)| format!("\"{path}\",contract,1,A{number}\n"))
        .collect();
    ImportTest::new().manifest(format!("{MANIFEST_HEADER}{}", rows.concat()))
}

/// Opens a file as a program does that lets no other program read the file.
fn hold(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).share_mode(0);
    options.open(path).unwrap()
}

#[test]
fn a_path_by_which_windows_reaches_no_file_is_told_with_the_part_at_fault() {
    for (path, fault) in [
        ("aux.pdf", "\"aux.pdf\" is the name of a device"),
        ("Scans\\con\\a.pdf", "\"con\" is the name of a device"),
        ("a.pdf.", "\"a.pdf.\" ends in a dot or a blank"),
        ("Wer?.pdf", "\"Wer?.pdf\" contains \"?\""),
        ("a.pdf:stream", "\"a.pdf:stream\" contains \":\""),
        ("A: Anlage.pdf", "\"A: Anlage.pdf\" contains \":\""),
    ] {
        let test = with_paths(&[path]).file("b.pdf", "beta");
        test.check()
            .stderr(format!(
                "m.csv line 2 (row 1), column file_path: \"{path}\" is the path of no file on \
                 Windows: {fault}; correct the path, or rename the file on the system that it \
                 comes from\n"
            ))
            .exits(2);
    }
    let test = with_paths(&["a.pdf "]).file("a.pdf", "alpha");
    test.check()
        .prints("\"a.pdf \" does not exist; did you mean \"a.pdf\"?\n")
        .exits(2);
}

#[test]
fn a_row_done_elsewhere_stays_done_though_windows_does_not_reach_its_file() {
    let test = with_paths(&["a.pdf", "b.pdf"])
        .file("a.pdf", "alpha")
        .file("b.pdf", "beta");
    test.import().exits(0);
    let rename = |name: &str| {
        let text = test.read(name).replace("b.pdf", "b?.pdf");
        test.write(name, text);
    };
    rename("m.csv");
    test.resume()
        .with_any_stderr()
        .requests([])
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
}

#[test]
fn paths_with_the_drive_of_the_root_are_told_with_the_beginning_to_take_off() {
    let test = ImportTest::new()
        .file("a.pdf", "alpha")
        .file("x/b.pdf", "beta");
    let folder = format!("{}\\", test.folder().display());
    test.write(
        "m.csv",
        format!("{MANIFEST_HEADER}{folder}a.pdf,contract,1,A1\n{folder}x\\b.pdf,contract,2,A2\n"),
    );
    test.check()
        .prints("each path begins with \"[folder]\\\"")
        .exits(2);
    test.check().args(["--strip-prefix", &folder]).exits(0);
    test.import()
        .args(["--strip-prefix", folder.trim_end_matches('\\')])
        .stored([("A1", "alpha"), ("A2", "beta")])
        .exits(0);
}

#[test]
fn one_file_in_another_case_is_told_as_one_file() {
    let test = with_paths(&["Scans/A.pdf", "scans\\a.PDF"]).file("Scans/A.pdf", "alpha");
    test.check()
        .stderr(
            "warning: m.csv line 2 (row 1), column file_path: \"Scans/A.pdf\" goes to the same record \
             in line 3 (row 2) as well; remove one of the two rows, unless the record shall have the \
             file twice\n  the same in 1 more row: 2\n",
        )
        .exits(0);
}

#[test]
fn a_file_in_another_case_is_in_a_row() {
    let test = with_paths(&["SCANS/a.PDF"]).file("Scans/A.pdf", "alpha");
    test.check().with_unnamed_files().exits(0);
}

#[test]
fn a_file_held_by_another_program_is_told_as_in_use() {
    let test = with_paths(&["a.pdf"]).file("a.pdf", "alpha");
    let held = hold(&test.path("a.pdf"));
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column file_path: \"a.pdf\" is in use by another program; close \
             the program that has it open, then run the command again\n",
        )
        .exits(2);
    assert!(test.read("m.problems.csv").contains(",file_in_use,"));
    drop(held);
    test.check().exits(0);
}

#[test]
fn a_file_held_during_the_import_is_sent_once_it_is_closed() {
    let test = ImportTest::with_rows(3).with_holding_proxy();
    test.import()
        .while_held(4, HoldMoment::BeforeService, |running| {
            let held = hold(&running.test.path("A2.pdf"));
            running.test.service().holding_proxy().release();
            running.wait_until_it_prints("\"A2.pdf\" is in use by another program");
            drop(held);
        })
        .stderr(
            "\"A2.pdf\" is in use by another program; the run tries it again for a minute: close the \
             program that has it open\n",
        )
        .exits(0);
    assert_stored_exactly_once(&test, 3);
}

#[test]
fn paths_may_be_longer_than_260_characters() {
    let test = ImportTest::new();
    let folder = ["x", "y", "z"].map(|name| name.repeat(100)).join("\\");
    let file = format!("{folder}\\{}.pdf", "a".repeat(100));
    test.write(&file, "alpha");
    let manifest = format!("{folder}\\m.csv");
    let name = Path::new(&file).file_name().unwrap().to_str().unwrap();
    test.write(
        &manifest,
        format!("{MANIFEST_HEADER}{name},contract,1,A1\nmissing.pdf,contract,1,A2\n"),
    );
    test.consign(["check", &manifest])
        .prints("\"missing.pdf\" does not exist")
        .exits(2);
    assert!(test.path(&format!("{folder}\\m.problems.csv")).exists());
    test.write(
        &manifest,
        format!("{MANIFEST_HEADER}{name},contract,1,A1\n"),
    );
    test.consign(["check", &manifest])
        .with_unnamed_files()
        .exits(0);

    // From the manifest's own folder, and from afar by `--root`.
    test.write("m.csv", format!("{MANIFEST_HEADER}{name},contract,1,A1\n"));
    let results = format!("{folder}\\results.csv");
    test.import()
        .args(["--root", &folder])
        .with_results(&results)
        .stored([("A1", "alpha")])
        .exits(0);
    fs::write(test.path(&file), "another").unwrap();
    test.resume()
        .args(["--root", &folder, "--on-conflict", "replace", "--yes"])
        .args(["--backup", &format!("{folder}\\backups")])
        .with_results(&results)
        .stored([("A1", "another")])
        .exits(0);
    test.consign(["report", &results])
        .with_any_stderr()
        .exits(0);
    assert!(
        test.path(&format!("{folder}\\results.report.html"))
            .exists()
    );
}
