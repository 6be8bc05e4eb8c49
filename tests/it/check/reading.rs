//! Reading of manifests: encodings, delimiters, headers and the shape of rows.

use super::{noted, with_rows};
use crate::harness::{ImportTest, MANIFEST_HEADER};

/// Expects a manifest to be refused as unreadable.
#[track_caller]
fn is_refused(manifest: impl AsRef<[u8]>, message: &str) {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(manifest);
    test.check()
        .stdout("")
        .stderr(format!("error: m.csv: {message}\n"))
        .exits(2);
}

#[test]
fn a_manifest_that_is_none_is_refused_with_the_reason() {
    for (manifest, message) in [
        (
            "",
            "is empty; the first line must name the columns: file_path, object_type, object_id \
             or object_external_id, external_id",
        ),
        (
            MANIFEST_HEADER,
            "has a header and no rows; write one row for each file",
        ),
        (
            "file_path,object_type,object_id,externalid\na.pdf,contract,1,A\n",
            "line 1: missing column external_id; found \"file_path\", \"object_type\", \
             \"object_id\", \"externalid\"; expected file_path, object_type, object_id or \
             object_external_id, external_id; rename \"externalid\" or say --column \
             external_id=externalid if it is external_id",
        ),
        (
            "file_path,object_type,object_id,external_id\na.pdf,contract,1,A\nb.pdf,\"event,2,B\n",
            "line 3: the quote that opens here, in column object_type, is never closed; close it, \
             or double it if it is part of the text",
        ),
        (
            "file_path,object_type,object_id,external_id,File Path\n",
            "line 1: the columns 1 and 5 are both named \"File Path\"; rename or remove one",
        ),
        (
            "PK\u{3}\u{4}rest of a workbook",
            "is a damaged workbook: ZIP archive: invalid Zip archive: Could not find EOCD; open it \
             in a spreadsheet program and save it again",
        ),
    ] {
        is_refused(manifest, message);
    }
}

#[test]
fn rows_of_another_shape_are_told() {
    let test = with_rows("a.pdf,contract,1\na.pdf,contract,2,B,x\n\"a\".pdf,contract,3,C\n");
    test.check()
        .stderr(
            "m.csv line 2 (row 1): the row has 3 cells where the header has 4; give the row as many cells as the header, with quotes around a cell that holds \
             the delimiter or a line break\n\
             m.csv line 3 (row 2): the row has 5 cells where the header has 4; give the row as many cells as the header, with quotes around a cell that holds \
             the delimiter or a line break\n\
             m.csv line 4 (row 3): the quote that opens on line 4 closes in the middle of a cell; \
             close the quote where the cell ends, and double each quote inside the cell\n",
        )
        .exits(2);
    assert_eq!(
        noted(&test),
        ["ragged_row 2 1 ", "ragged_row 3 2 ", "broken_quote 4 3 "]
    );
}

#[test]
fn a_manifest_reads_the_same_whatever_it_was_exported_as() {
    let plain = "File Path,OBJECT-TYPE,object id,External_ID\n\
                \n\
                Verträge/ü.pdf,contract,1,A§1\n\
                ,,,\n";
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let marked = format!("\u{feff}{plain}");
        marked.encode_utf16().flat_map(to_bytes).collect()
    };
    for bytes in [
        plain.as_bytes().to_vec(),
        format!("\u{feff}{plain}").into_bytes(),
        utf_16(u16::to_le_bytes),
        utf_16(u16::to_be_bytes),
        plain.replace(',', ";").into_bytes(),
        plain.replace(',', "\t").into_bytes(),
        plain.replace('\n', "\r\n").into_bytes(),
    ] {
        let test = ImportTest::new()
            .file("Verträge/ü.pdf", "x")
            .manifest(bytes);
        test.check()
            .stdout("m.csv: 1 row, 1 file, 1 B\n  contract                 1\nnothing is wrong\n")
            .exits(0);
    }
}

#[test]
fn bytes_of_another_encoding_are_located_and_read_when_it_is_named() {
    let bytes = [
        MANIFEST_HEADER.as_bytes(),
        b"Vertr\xe4ge.pdf,contract,1,A\n",
    ]
    .concat();
    is_refused(
        &bytes,
        "line 2: the byte at offset 49 is not UTF-8; if the line should read \
         \"Verträge.pdf,contract,1,A\", use --encoding windows-1252, or else name the right \
         encoding or save the file as UTF-8",
    );
    let test = ImportTest::new().file("Verträge.pdf", "x").manifest(&bytes);
    test.check()
        .args(["--encoding", "windows-1252"])
        .stderr("")
        .exits(0);
    test.check()
        .args(["--encoding", "wingdings"])
        .prints("unknown encoding; known are, for example, windows-1252")
        .exits(2);
}
