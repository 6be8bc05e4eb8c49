//! `consign manifest`: from a folder to a manifest to fill in.

use std::fs;

use consign::digest::sha256;
use serde_json::Value;

use crate::harness::{FinishedRun, ImportTest, has_mode, name_from_bytes, set_mode, symlink};

/// Writes twelve files for three contracts into the folder `Scans`.
fn with_scans() -> ImportTest {
    let names = ["Contract", "Amendment 1", "Amendment 2", "Price list"];
    let mut test = ImportTest::new();
    for contract in ["101", "102", "103"] {
        for name in names {
            let content = format!("{name} of {contract}");
            test = test.file(&format!("Scans/{contract}/{name}.pdf"), content);
        }
    }
    test
}

/// Returns the cells of a manifest by row, with the names of the columns first.
fn table(test: &ImportTest, name: &str) -> Vec<Vec<String>> {
    let whole = test.read(name);
    let table = whole
        .strip_prefix('\u{feff}')
        .expect("a byte order mark stands first");
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(table.as_bytes());
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| cells(record.unwrap()))
        .collect()
}

/// Writes the manifest again, as a spreadsheet does, with `value` in the column of each row.
fn fill_in(test: &ImportTest, column: &str, value: &str) {
    let mut rows = table(test, "m.csv");
    let at = rows[0].iter().position(|name| name == column).unwrap();
    for row in &mut rows[1..] {
        value.clone_into(&mut row[at]);
    }
    let mut csv = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    for row in &rows {
        csv.write_record(row).unwrap();
    }
    test.write("m.csv", csv.into_inner().unwrap());
}

fn json(run: &FinishedRun) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn a_folder_becomes_a_manifest_which_is_filled_in_checked_and_imported() {
    let test = with_scans();
    let pattern = "{object_id}/{title}.{ext}";
    test.consign(["manifest", "Scans", "m.csv", "--pattern", pattern])
        .stdout(
            "m.csv: 12 rows, one for each file below Scans (204 B)\n\
             fill in object_type, then check it: [consign] check m.csv --root Scans\n",
        )
        .exits(0);
    let rows = table(&test, "m.csv");
    assert_eq!(
        rows[0],
        [
            "file_path",
            "object_type",
            "object_id",
            "external_id",
            "title",
            "size",
            "modified"
        ]
    );
    let digits = &sha256(b"101/Amendment 1.pdf").to_string()[..16];
    let id = format!("101_Amendment-1-pdf-{digits}");
    let modified = fs::metadata(test.path("Scans/101/Amendment 1.pdf"))
        .unwrap()
        .modified();
    let modified: jiff::Timestamp = modified.unwrap().try_into().unwrap();
    assert_eq!(
        rows[1],
        [
            "101/Amendment 1.pdf",
            "",
            "101",
            &id,
            "Amendment 1",
            "18",
            &modified.to_string()
        ]
    );
    assert!(has_mode(&test.path("m.csv"), 0o600));

    // The fresh manifest says what is to be filled in, in a few lines.
    let fresh = test
        .check()
        .args(["--root", "Scans"])
        .prints("column object_type")
        .exits(2);
    assert!(fresh.stderr.lines().count() <= 4, "{}", fresh.stderr);
    fill_in(&test, "object_type", "contract");
    test.check()
        .args(["--root", "Scans"])
        .prints("nothing is wrong\n")
        .exits(0);
    let imported = test.import().args(["--root", "Scans"]).exits(0);
    let results = imported.results.unwrap();
    assert_eq!(results.cell(&id, "title"), "Amendment 1");
    assert_eq!(results.cell(&id, "status"), "uploaded");
    assert_eq!(results.cell(&id, "manifest_size"), "18");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "names differ in case alone")]
fn the_ids_of_files_are_the_same_whatever_else_is_in_the_folder() {
    let test = with_scans();
    test.consign(["manifest", "Scans", "one.csv", "--quiet"])
        .stdout("")
        .exits(0);
    let test = test
        .file("Scans/099/New.pdf", "new")
        .file("Scans/101/contract.pdf", "small c");
    test.consign(["manifest", "Scans", "two.csv", "--quiet"])
        .exits(0);
    let [one, two] = ["one.csv", "two.csv"].map(|name| table(&test, name));
    let ids = |rows: &[Vec<String>]| -> Vec<(String, String)> {
        rows.iter()
            .map(|row| (row[0].clone(), row[3].clone()))
            .collect()
    };
    let [one, two] = [one, two].map(|rows| ids(&rows));
    assert_eq!(two.len(), 15);
    assert!(one.iter().all(|row| two.contains(row)), "{one:?}\n{two:?}");
}

#[test]
#[cfg_attr(windows, ignore = "Windows allows no such names")]
fn what_gets_no_row_is_counted_or_named_with_the_reason() {
    let test = ImportTest::new()
        .file("in/a.pdf", "a")
        .file("in/empty.pdf", "")
        .file("in/Thumbs.db", "x")
        .file("in/~$a.docx", "x")
        .file("in/.hidden", "x")
        .file("in/.git/config", "x")
        .file("in/two\nlines.pdf", "x")
        .file("in/back\\slash.pdf", "x")
        .file(
            "in/old.csv",
            "file_path,object_type,object_id,external_id\n",
        )
        .file("in/prices.csv", "item,price\n");
    fs::write(
        test.folder().join(name_from_bytes(b"in/Vertr\xe4ge.pdf")),
        "x",
    )
    .unwrap();
    symlink("/etc/hostname", test.path("in/outside"));
    symlink(".", test.path("in/self"));
    symlink("a.pdf", test.path("in/inside.pdf"));
    test.consign(["manifest", "in", "m.csv"])
        .stdout(
            "m.csv: 4 rows, one for each file below in (13 B)\n\
             left out: 2 system files, 1 hidden file, 1 hidden folder, 1 file of consign, 5 others\n\
             1 file is empty, and the service stores no empty file; put in the right one, or remove \
             the row: \"empty.pdf\"\n\
             files of consign: \"old.csv\"\n\
             \"Vertr\u{fffd}ge.pdf\": a manifest cannot name the file (its name is not UTF-8); rename \
             the file\n\
             \"back\\slash.pdf\": a manifest cannot name the file (backslash); rename the file\n\
             \"outside\": is a symbolic link that leads out of the folder\n\
             \"self\": is a symbolic link to a folder, which is not followed\n\
             \"two\\u{a}lines.pdf\": a manifest cannot name the file (control character); rename the \
             file\n\
             fill in object_type and object_id, then check it: [consign] check m.csv --root in\n",
        )
        .exits(0);
    let paths: Vec<String> = table(&test, "m.csv")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(
        paths,
        [
            "file_path",
            "a.pdf",
            "empty.pdf",
            "inside.pdf",
            "prices.csv"
        ]
    );
    let run = test
        .consign(["manifest", "in", "m2.csv", "--output", "json"])
        .exits(0);
    let said = json(&run);
    assert_eq!(said["rows"], 4);
    assert_eq!(said["empty_files"][0], "empty.pdf");
    assert_eq!(
        said["to_fill_in"],
        serde_json::json!(["object_type", "object_id"])
    );
    assert_eq!(said["left_out"]["system_files"], 2);
    assert_eq!(said["left_out"]["others"][4]["path"], "two\nlines.pdf");
}

#[test]
#[cfg_attr(windows, ignore = "Windows allows no such names")]
fn a_name_that_a_spreadsheet_would_run_is_read_back_as_the_same_file() {
    let test = ImportTest::new()
        .file("=cmd|' /C calc'!A0.pdf", "formula")
        .file("-2.pdf", "minus")
        .file("2024/03/05", "no extension");
    let pattern = "{title}";
    test.consign(["manifest", ".", "m.csv", "--pattern", pattern])
        .prints("2 files do not fit the pattern and have no cells from it: \"2024/03/05\"")
        .prints(
            "1 cell was left empty, because a spreadsheet would run the text as a formula; an \
             .xlsx takes it as text\n",
        )
        .prints("fill in object_type and object_id, then check it: [consign] check m.csv\n")
        .exits(0);
    for row in &table(&test, "m.csv") {
        for cell in row {
            assert!(!cell.starts_with(['=', '-', '+', '@']), "{row:?}");
        }
    }
    fill_in(&test, "object_type", "contract");
    fill_in(&test, "object_id", "7");
    test.check().prints("3 rows, 3 files").exits(0);
    test.import().exits(0);
    let results = test.read("m.results.csv");
    for file in ["./-2.pdf", "./2024/03/05", "./=cmd|' /C calc'!A0.pdf"] {
        assert!(results.contains(&format!(",{file},")), "{results}");
    }
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn an_existing_file_is_never_touched() {
    let test = with_scans().file("m.csv", "mine").file("m.xlsx", "mine");
    for name in ["m.csv", "m.xlsx"] {
        test.consign(["manifest", "Scans", name])
            .stderr(format!(
                "error: {name} is there already, and consign manifest writes over no file; name \
                 another file, or move this one away\n"
            ))
            .exits(2);
        assert_eq!(test.read(name), "mine");
    }
    symlink("nothing", test.path("link.csv"));
    test.consign(["manifest", "Scans", "link.csv"])
        .prints("link.csv is there already")
        .exits(2);
}

#[test]
fn what_cannot_be_done_is_refused_with_advice() {
    let test = with_scans().file("none/.DS_Store", "x");
    for (args, said) in [
        (
            &["nowhere", "m.csv"][..],
            "error: the folder nowhere cannot be opened: No such file or directory (os error 2); name the folder that holds the files\n",
        ),
        (
            &["Scans/101/Contract.pdf", "m.csv"],
            "cannot be opened: Not a directory (os error 20); name the folder that holds the files\n",
        ),
        (
            &["none", "m.csv"],
            "error: nothing was written: there is no file below none to write a row for (left out: 1 system file)\n",
        ),
        (
            &["Scans", "m.xls"],
            "a name that ends in .csv or .xlsx is expected",
        ),
        (
            &["Scans", "nowhere/m.csv"],
            "error: cannot write nowhere/m.csv: No such file or directory",
        ),
        (
            &["Scans", "m.csv", "--pattern", "{object_id}/{title"],
            "character 13: a { that is never closed",
        ),
    ] {
        let args = [&["manifest"][..], args].concat();
        test.consign(args).prints(said).exits(2);
        assert!(!test.path("m.csv").exists());
    }
}

#[test]
fn a_folder_that_cannot_be_listed_is_named_and_the_run_does_not_count_as_done() {
    let test = with_scans();
    let closed = test.path("Scans/102");
    set_mode(&closed, 0o000);
    if fs::read_dir(&closed).is_ok() {
        // Nothing is closed to root, nor by a mode on Windows.
        return;
    }
    test.consign(["manifest", "Scans", "m.csv"])
        .prints("\"102\": Permission denied (os error 13)\nthe manifest lacks the files")
        .exits(1);
    set_mode(&closed, 0o700);
}

#[test]
fn a_workbook_whose_cells_all_come_from_the_paths_goes_straight_into_an_import() {
    let test = ImportTest::new()
        .file("in/contract/101/=1+1.pdf", "formula")
        .file("in/contract/101/Price list.pdf", "prices")
        .file("in/event/7/00123", "zeros");
    let pattern = "{object_type}/{object_id}/{title}";
    test.consign(["manifest", "in", "m.xlsx", "--pattern", pattern])
        .stdout(
            "m.xlsx: 3 rows, one for each file below in (18 B)\n\
             check it: [consign] check m.xlsx --root in\n",
        )
        .exits(0);
    test.consign(["check", "m.xlsx", "--root", "in"])
        .stderr("read 3 rows from the sheet Manifest\n")
        .prints("m.xlsx: 3 rows, 3 files, 18 B\n")
        .prints("nothing is wrong\n")
        .exits(0);
    let base = test.service().base_url();
    let run = test
        .consign(["import", "m.xlsx", "--root", "in", "--base-url", &base])
        .args(["--rate", "2000", "--skip-preflight", "--quiet"])
        .exits(0);
    let results = run.results.unwrap();
    let cells = results.lines.iter().map(|line| {
        ["file_path", "object_id", "title", "status"].map(|column| line.cell(column).to_owned())
    });
    assert_eq!(
        cells.collect::<Vec<_>>(),
        [
            // The results escape what a spreadsheet would run; the service has the text itself.
            ["contract/101/=1+1.pdf", "101", "'=1+1.pdf", "uploaded"],
            [
                "contract/101/Price list.pdf",
                "101",
                "Price list.pdf",
                "uploaded"
            ],
            ["./event/7/00123", "7", "00123", "uploaded"],
        ]
    );
}

#[test]
fn equal_folders_give_equal_workbooks() {
    let test = with_scans();
    for name in ["one.xlsx", "two.xlsx"] {
        test.consign(["manifest", "Scans", name])
            .prints(format!("fill in object_type and object_id, then check it: [consign] check {name} --root Scans\n"))
            .exits(0);
    }
    let [one, two] = ["one.xlsx", "two.xlsx"].map(|name| fs::read(test.path(name)).unwrap());
    assert!(one.starts_with(b"PK") && one == two);
}
