//! Files that are workbooks by their content, and files that only look like workbooks.

use super::TestValue::{Number, Text};
use super::{with_rows, with_workbook};
use crate::harness::ImportTest;

const OLE_SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Returns an OLE file whose directory has these names.
fn ole_file(names: &[&str]) -> Vec<u8> {
    let mut bytes = OLE_SIGNATURE.to_vec();
    bytes.resize(512, 0);
    for name in names {
        let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u8::try_from(entry.len() + 2).unwrap();
        entry.resize(128, 0);
        entry[64] = length;
        bytes.extend(entry);
    }
    bytes
}

#[test]
fn a_workbook_is_told_by_its_content_whatever_its_name() {
    let test = with_rows(&[&[Text("a.pdf"), Text("contract"), Number(1.0), Text("A")]]);
    std::fs::rename(test.path("m.xlsx"), test.path("m.csv")).unwrap();
    test.check()
        .stderr("read 1 row from the sheet Contracts\n")
        .exits(0);
    let plain = ImportTest::with_rows(1);
    std::fs::rename(plain.path("m.csv"), plain.path("m.xlsx")).unwrap();
    plain.check_workbook().exits(0);
}

#[test]
fn other_files_of_office_programs_are_told_apart() {
    for (bytes, said) in [
        (
            ole_file(&["Root Entry", "Workbook"]),
            "is a workbook of Excel 97-2003 (.xls); save it as .xlsx and name that file",
        ),
        (
            ole_file(&["Root Entry", "EncryptionInfo", "EncryptedPackage"]),
            "is protected by a password; in Excel, take the password away under File, Info, Protect \
             Workbook, Encrypt with Password, save the workbook, and name that file",
        ),
        (
            ole_file(&["Root Entry", "WordDocument"]),
            "is a document of an office program, not a spreadsheet; name a CSV or an .xlsx file",
        ),
    ] {
        with_workbook(bytes)
            .check_workbook()
            .stderr(format!("error: m.xlsx: {said}\n"))
            .exits(2);
    }
}

#[test]
fn a_workbook_that_was_cut_short_is_said_to_be_damaged() {
    let test = with_rows(&[&[Text("a.pdf"), Text("contract"), Number(1.0), Text("A")]]);
    let bytes = std::fs::read(test.path("m.xlsx")).unwrap();
    test.write("m.xlsx", &bytes[..bytes.len() / 2]);
    test.check_workbook()
        .prints("error: m.xlsx: is a damaged workbook: ZIP archive: ")
        .prints("; open it in a spreadsheet program and save it again\n")
        .exits(2);
}

#[test]
fn results_saved_as_a_workbook_are_no_manifest() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let names = [
        "row",
        "file_path",
        "object_type",
        "object_id",
        "external_id",
        "status",
        "attachment_id",
        "line_check",
    ];
    for (column, name) in (0..).zip(names) {
        sheet.write_string(0, column, name).unwrap();
        sheet.write_string(1, column, "1").unwrap();
    }
    with_workbook(workbook.save_to_buffer().unwrap())
        .check_workbook()
        .prints("error: m.xlsx: is a results file of consign, not a manifest; ")
        .exits(2);
}
