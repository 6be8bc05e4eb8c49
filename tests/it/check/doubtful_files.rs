//! Files that are rarely meant: warned of once, with the number of rows.

use std::fs;

use super::{PROBLEMS, noted};
use crate::harness::{ImportTest, MANIFEST_HEADER};

/// Checks a manifest with these rows, and expects warnings alone, each of one line and a count.
#[track_caller]
fn is_warned_of(test: ImportTest, rows: &str, warnings: &str) -> ImportTest {
    let test = test.manifest(format!("{MANIFEST_HEADER}{rows}"));
    test.check().stderr(warnings).exits(0);
    test
}

#[test]
fn files_that_programs_leave_beside_documents_are_warned_of_once() {
    let mut test = ImportTest::new();
    for name in ["~$x.docx", "a/Thumbs.db", "a/.DS_Store", "desktop.ini"] {
        test = test.file(name, name);
    }
    let test = is_warned_of(
        test,
        "~$x.docx,contract,1,A\na/Thumbs.db,contract,2,B\na/.DS_Store,contract,3,C\n\
         desktop.ini,contract,4,D\n",
        "warning: m.csv line 2 (row 1), column file_path: \"~$x.docx\" is the lock of an office \
         program on a document, not the document; name the document, or remove the row\n  \
         the same in 3 more rows: 2 3 4\n",
    );
    assert_eq!(
        noted(&test)[1..],
        [
            "system_file 3 2 file_path",
            "system_file 4 3 file_path",
            "system_file 5 4 file_path"
        ]
    );
}

#[test]
fn files_of_zero_bytes_alone_are_warned_of_once() {
    let mut almost = vec![0; 300_000];
    almost[299_999] = 1;
    let test = ImportTest::new()
        .file("a.pdf", vec![0; 300_000])
        .file("b.pdf", vec![0; 5])
        .file("c.pdf", almost);
    is_warned_of(
        test,
        "a.pdf,contract,1,A\nb.pdf,contract,1,B\nc.pdf,contract,1,C\na.pdf,contract,2,D\n",
        "warning: m.csv line 2 (row 1), column file_path: \"a.pdf\" holds nothing but zero bytes, \
         like the placeholder of a file in a cloud folder; download the file into the folder, and \
         see if a program opens it\n  the same in 2 more rows: 2 4\n",
    );
}

#[test]
fn one_file_twice_on_one_record_is_warned_of_once() {
    let remedy = "remove one of the two rows, unless the record shall have the file twice";
    let test = is_warned_of(
        ImportTest::new()
            .file("a.pdf", "alpha")
            .file("b.pdf", "beta"),
        "a.pdf,contract,1,A\nb.pdf,contract,1,B\na.pdf,contract,2,C\na.pdf,contract,1,D\n\
         b.pdf,contract,1,E\n",
        &format!(
            "warning: m.csv line 2 (row 1), column file_path: \"a.pdf\" goes to the same record in \
             line 5 (row 4) as well; {remedy}\n  the same in 3 more rows: 2 4 5\n"
        ),
    );
    test.import()
        .prints("goes to the same record in line 5 (row 4) as well")
        .rows([
            "A uploaded",
            "B uploaded",
            "C uploaded",
            "D uploaded",
            "E uploaded",
        ])
        .exits(0);
    // A record may be named by its external id, and the bytes may lie in two files.
    let test = ImportTest::new()
        .file("a.pdf", "alpha")
        .file("copy of a.pdf", "alpha")
        .manifest(
            "file_path,object_type,object_external_id,external_id\n\
             a.pdf,contract,CW-1,A\na.pdf,contract,CW-2,B\ncopy of a.pdf,contract,CW-1,C\n",
        );
    test.check()
        .stderr(format!(
            "warning: m.csv line 2 (row 1), column file_path: \"a.pdf\" goes to the same record as \
             \"copy of a.pdf\" in line 4 (row 3), which has the same bytes; {remedy}\n  the same in \
             1 more row: 3\n"
        ))
        .exits(0);
}

#[test]
fn one_file_under_two_names_is_warned_of_as_one_file() {
    let test = ImportTest::new().file("a.pdf", "alpha");
    fs::hard_link(test.path("a.pdf"), test.path("b.pdf")).unwrap();
    is_warned_of(
        test,
        "a.pdf,contract,1,A\nb.pdf,contract,1,B\n",
        "warning: m.csv line 2 (row 1), column file_path: \"a.pdf\" goes to the same record in line 3 \
         (row 2) as well; remove one of the two rows, unless the record shall have the file twice\n  \
         the same in 1 more row: 2\n",
    );
}

#[test]
fn one_name_twice_on_one_record_is_warned_of_for_both_services() {
    let test = ImportTest::new()
        .file("x/a.pdf", "alpha")
        .file("y/A.PDF", "beta");
    is_warned_of(
        test,
        "x/a.pdf,event,1,A\ny/A.PDF,event,1,B\nx/a.pdf,event,2,C\n",
        "warning: m.csv line 2 (row 1), column file_path: \"x/a.pdf\" goes under the same name to \
         the same record as \"y/A.PDF\" in line 3 (row 2); give one of the two files another name \
         in file_name if people must tell the files apart\n  the same in 1 more row: 2\n",
    );
}

#[test]
fn one_file_on_many_records_is_nothing_to_warn_of() {
    let test = ImportTest::new().file("a.pdf", "alpha");
    let test = is_warned_of(
        test,
        "a.pdf,contract,1,A\na.pdf,contract,2,B\na.pdf,event,1,C\n",
        "",
    );
    assert!(!test.path(PROBLEMS).exists());
}
