//! Digest file in the form read by `sha256sum`.

use std::process::{Command, Output};

use super::{SUMS, report};
use crate::harness::{ImportTest, MANIFEST_HEADER};

fn sha256sum(test: &ImportTest) -> Output {
    Command::new("sha256sum")
        .args(["--check", "--strict", SUMS])
        .current_dir(test.folder())
        .output()
        .unwrap()
}

#[test]
fn sha256sum_finds_every_imported_file_below_the_root_and_no_other_one() {
    let names = [
        "plain.pdf",
        "a b/Müller & Söhne.pdf",
        " blank.pdf",
        "*star.pdf",
        "-",
        "missing.pdf",
    ];
    let mut test = ImportTest::new();
    for name in names.into_iter().filter(|name| *name != "missing.pdf") {
        test = test.file(name, name);
    }
    let line = |(number, name)| format!("\"{name}\",contract,1,A{number}\n");
    let rows: Vec<String> = (1..).zip(names).map(line).collect();
    // A second row has the same file.
    let manifest = format!(
        "{MANIFEST_HEADER}{}plain.pdf,contract,2,A9\n",
        rows.concat()
    );
    let test = test.manifest(manifest);
    test.import()
        .args(["--skip-invalid"])
        .with_any_stderr()
        .exits(1);
    report(&test)
        .prints("6 of 7 rows are done; 1 is not.")
        .exits(0);
    assert_eq!(test.read(SUMS).lines().count(), 5);
    let found = sha256sum(&test);
    assert!(found.status.success(), "{found:?}");
    test.write("plain.pdf", "other");
    let found = sha256sum(&test);
    assert!(!found.status.success());
    let said = String::from_utf8(found.stdout).unwrap();
    assert!(said.contains("plain.pdf: FAILED\n"), "{said}");
}
