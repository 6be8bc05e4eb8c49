//! Records named by the customer's own id.

use super::{is_told, noted};
use crate::harness::{ImportTest, SOURCING_EVENT};

/// Writes one file, `a.pdf`, and a manifest with the columns for both ids of the record.
fn with_rows(rows: &str) -> ImportTest {
    ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "file_path,object_type,object_id,object_external_id,external_id\n{rows}"
    ))
}

#[test]
fn a_manifest_with_the_customers_ids_is_checked_without_a_service() {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(
        "file_path,object_type,object_external_id,external_id\n\
         a.pdf,contract,CW-2019/17,A\na.pdf,contract,cw-2019/17,B\na.pdf,event,CW-2019/17,C\n",
    );
    test.check()
        .stdout(
            "m.csv: 3 rows, 1 file, 5 B\n\
             \x20 contract                 2\n\
             \x20 event                    1\n\
             3 records are named by object_external_id: an import looks for them, this check does \
             not\n\
             nothing is wrong\n",
        )
        .exits(0);
}

#[test]
fn every_unfit_id_of_a_record_is_told_with_its_place_and_its_remedy() {
    for (cells, column, kind, said) in [
        (
            "contract,,",
            "object_id",
            "no_object_id",
            "the cell is empty, and so is object_external_id; fill in one of the two",
        ),
        (
            "contract,7,CW-1",
            "object_external_id",
            "two_object_ids",
            "\"CW-1\" stands beside an object_id, and may name another record; leave one of the \
             two cells empty",
        ),
        (
            "contract,,1.00E+15",
            "object_external_id",
            "rewritten_number",
            "\"1.00E+15\" was rewritten by a spreadsheet; export the column as text",
        ),
        (
            "contract,,#N/A",
            "object_external_id",
            "error_value",
            "\"#N/A\" is an error value of a spreadsheet; mend the formula and export again",
        ),
        (
            "contract,,CW-1 ",
            "object_external_id",
            "blanks_around",
            "\"CW-1 \" has blanks around it; remove the blanks",
        ),
        (
            "contract,,CW\u{202e}1",
            "object_external_id",
            "bidi_character",
            "\"CW\\u{202e}1\" contains a character that changes the direction of writing; remove \
             the character",
        ),
        (
            "sourcing_event,,EV-1",
            "object_external_id",
            "no_external_ids",
            "\"EV-1\" cannot name the record: Keelvar's records have no external ids; write the \
             record's UUID, which Keelvar's app shows, into object_id, and leave \
             object_external_id empty",
        ),
    ] {
        let test = with_rows(&format!("a.pdf,{cells},A\n"));
        let message = format!("m.csv line 2 (row 1), column {column}: {said}");
        is_told(&test, kind, &message);
    }
}

#[test]
fn zeros_that_a_spreadsheet_dropped_are_warned_of() {
    let test = with_rows("a.pdf,contract,,0012,A\na.pdf,contract,,13,B\na.pdf,project,,7,C\n");
    test.check()
        .stderr(
            "warning: m.csv line 3 (row 2), column object_external_id: \"13\" is shorter than 4 \
             digits, the length of all ids that begin with 0: a spreadsheet may have dropped its \
             zeros; if so, export the column as text\n",
        )
        .exits(0);
    assert_eq!(noted(&test), ["dropped_zeros 3 2 object_external_id"]);
}

#[test]
fn a_manifest_for_keelvar_may_have_the_column_as_long_as_it_is_empty() {
    let event = SOURCING_EVENT.replace(' ', ",");
    with_rows(&format!("a.pdf,{event},,A\n"))
        .check()
        .prints("nothing is wrong")
        .exits(0);
}

#[test]
fn a_manifest_without_an_id_of_its_records_is_told_of_both_columns() {
    let test = ImportTest::new()
        .file("a.pdf", "alpha")
        .manifest("file_path,object_type,contract no,external_id\na.pdf,contract,CW-1,A\n");
    test.check()
        .stdout("")
        .stderr(
            "error: m.csv: line 1: missing column object_id or object_external_id; found \
             \"file_path\", \"object_type\", \"contract no\", \"external_id\"; expected file_path, \
             object_type, object_id or object_external_id, external_id; rename \"contract no\" or \
             say --column object_id=\"contract no\", for example, if it is object_id\n",
        )
        .exits(2);
}
