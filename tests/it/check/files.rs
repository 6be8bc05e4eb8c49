//! Problems of the files named in a manifest.

use std::fs::{self, File};

use consign::digest::sha256;

use super::{is_told, with_rows};
use crate::harness::{ImportTest, MANIFEST_HEADER, make_pipe, name_from_bytes, symlink};

#[test]
fn a_file_that_is_not_there_is_told_with_the_one_that_may_be_meant() {
    for (path, kind, said) in [
        (
            "A%2Epdf",
            "file_missing",
            "does not exist; did you mean \"a.pdf\"?",
        ),
        (
            "b.pdf",
            "file_missing",
            "does not exist; correct the path, which is relative to the manifest's folder or to \
             --root",
        ),
        (
            "sub/b.pdf",
            "folder_missing",
            "does not exist: there is no folder \"sub\"; correct the path, which is relative to \
             the manifest's folder or to --root",
        ),
    ] {
        let test = with_rows(&format!("{path},contract,1,A\n"));
        let message = format!("m.csv line 2 (row 1), column file_path: \"{path}\" {said}");
        is_told(&test, kind, &message);
    }
}

#[test]
#[cfg_attr(windows, ignore = "no folder of Windows holds named pipes")]
fn what_is_no_file_to_send_is_told_without_waiting_for_it() {
    let test = with_rows("").file("empty", "").file("sub/b.pdf", "x");
    make_pipe(&test.path("pipe"));
    symlink("/etc/hostname", test.path("link"));
    let huge = File::create(test.path("huge")).unwrap();
    huge.set_len((5 << 30) + 1).unwrap();
    let foreign = name_from_bytes(b"Vertr\xe4ge.pdf");
    fs::write(test.folder().join(foreign), "x").unwrap();
    for (path, kind, said) in [
        (
            "empty",
            "empty_file",
            "is an empty file; the service stores no empty file: put in the right one",
        ),
        (
            "sub",
            "not_a_file",
            "is a folder, not a file; name a file in the folder",
        ),
        (
            "pipe",
            "not_a_file",
            "is a named pipe, not a file; name a regular file",
        ),
        (
            "link",
            "outside_root",
            "leads out of the root through a symbolic link; set --root to a folder that all files \
             are in, or copy the file",
        ),
        (
            "huge",
            "file_too_large",
            "has 5,368,709,121 bytes, and 5,368,709,120 (5 GiB) is the most that one upload \
             carries; split or compress the file",
        ),
        (
            "Verträge.pdf",
            "name_not_utf8",
            "is there, but its name on the disk is not UTF-8; rename the file",
        ),
    ] {
        test.write("m.csv", format!("{MANIFEST_HEADER}{path},contract,1,A\n"));
        let message = format!("m.csv line 2 (row 1), column file_path: \"{path}\" {said}");
        is_told(&test, kind, &message);
    }
}

#[test]
fn a_file_with_another_digest_than_the_manifest_says_is_told() {
    let wrong = "0".repeat(64);
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "file_path,object_type,object_id,external_id,sha256\na.pdf,contract,1,A,{wrong}\n"
    ));
    let message = format!(
        "m.csv line 2 (row 1), column sha256: \"{wrong}\" is not the SHA-256 of the file, which \
         is {}; put in the right file, or correct the digest",
        sha256(b"alpha")
    );
    is_told(&test, "other_digest", &message);
}

#[test]
fn files_may_lie_elsewhere_than_the_manifest() {
    let test = ImportTest::new()
        .file("files/a.pdf", "alpha")
        .manifest(format!("{MANIFEST_HEADER}a.pdf,contract,1,A\n"));
    test.check().prints("\"a.pdf\" does not exist").exits(2);
    test.check().args(["--root", "files"]).exits(0);
    test.check()
        .args(["--root", "nowhere"])
        .stderr(
            "error: the folder nowhere cannot be opened: No such file or directory (os error 2); \
             name the folder of the files with --root\n",
        )
        .exits(2);
}
