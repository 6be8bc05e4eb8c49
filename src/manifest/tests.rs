//! Tests of whole manifests as seen by users.

mod object_external_ids;
mod properties;
mod renames;

use super::*;
use crate::manifest::problem::{ProblemKind, ShownSeverities, render_for_screen};
use crate::model::{NamedObject, ObjectRef, ObjectType};

const HEADER: &str = "file_path,object_type,object_id,external_id";

fn read_str(text: &str) -> Result<ManifestWithProblems, ManifestErrorKind> {
    parse_manifest(
        Path::new("m.csv"),
        ManifestTable::of_text(text.to_owned()),
        &ManifestOptions::default(),
    )
}

pub(super) fn read_ids(ids: &[&str], similar_ids: SimilarIdPolicy) -> ManifestWithProblems {
    let rows: Vec<String> = ids
        .iter()
        .map(|id| format!("a.pdf,contract,1,\"{id}\"\n"))
        .collect();
    let options = ManifestOptions {
        similar_ids,
        ..ManifestOptions::default()
    };
    let text = format!("{HEADER}\n{}", rows.concat());
    parse_manifest(Path::new("m.csv"), ManifestTable::of_text(text), &options).unwrap()
}

/// Returns the lines on a user's screen for a manifest with these rows.
fn screen_text(rows: &str) -> String {
    let ManifestWithProblems { manifest, problems } =
        read_str(&format!("{HEADER}\n{rows}")).unwrap();
    render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings)
}

#[test]
fn a_good_row_reads_as_it_stands() {
    let text = format!(
        "{HEADER},title,file_name,sha256\n\
         \"Verträge/a, b.pdf\",contract,7,CTR$1,\"The \"\"big\"\" one\",c.pdf,{}\n\
         d/e.pdf,event,8,E 2,,,\n",
        "ab".repeat(32)
    );
    let ManifestWithProblems { manifest, problems } = read_str(&text).unwrap();
    assert!(problems.is_empty());
    assert_eq!(manifest.len(), 2);
    let row = manifest.row(0).parse().unwrap();
    assert_eq!((row.number, row.line), (1, 2));
    assert_eq!(row.file_path, "Verträge/a, b.pdf");
    let contract = ObjectRef::parse(ObjectType::Contract, "7").unwrap();
    assert_eq!(row.object, NamedObject::Known(contract));
    assert_eq!(row.external_id.as_str(), "CTR$1");
    assert_eq!(row.title.as_deref(), Some("The \"big\" one"));
    assert_eq!(row.stored_file_name(), "c.pdf");
    assert_eq!(row.sha256.unwrap().to_string(), "ab".repeat(32));
    let row = manifest.row(1).parse().unwrap();
    assert_eq!((row.title, row.sha256), (None, None));
    assert_eq!(manifest.row(1).parse().unwrap().stored_file_name(), "e.pdf");
}

#[test]
fn blank_lines_are_no_rows_and_line_numbers_stay_true() {
    let text = format!("\n{HEADER}\n\n,,,\na,contract,1,A\n  ,\nb,event,2,B\n\n");
    let manifest = read_str(&text).unwrap().manifest;
    let places: Vec<_> = manifest
        .rows()
        .map(|row| (row.number(), row.line()))
        .collect();
    assert_eq!(places, [(1, 5), (2, 7)]);
    assert_eq!(manifest.row(1).external_id(), "B");
}

#[test]
fn a_manifest_with_other_delimiters_and_line_ends_reads_the_same() {
    let plain = format!("{HEADER}\na,contract,1,A\nb,event,2,B\n");
    for text in [
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace(',', ";"),
        plain.replace(',', "\t"),
        plain.trim_end().to_owned(),
    ] {
        let ManifestWithProblems { manifest, problems } = read_str(&text).unwrap();
        assert!(problems.is_empty(), "{text:?}");
        let row = manifest.row(1);
        assert_eq!((row.line(), row.external_id()), (3, "B"), "{text:?}");
    }
}

#[test]
fn the_other_columns_are_carried_through() {
    let text = format!("Note,{HEADER},title,status\nn,a,contract,1,A,\"t,1\",s\n");
    let manifest = read_str(&text).unwrap().manifest;
    assert_eq!(
        manifest.extra_columns(),
        ["Note", "title", "manifest_status"]
    );
    let extras: Vec<String> = manifest.row(0).extras().map(str::to_owned).collect();
    assert_eq!(extras, ["n", "t,1", "s"]);
}

#[test]
fn a_manifest_without_rows_is_refused() {
    let error = read_str(&format!("{HEADER}\n,,,\n")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "has a header and no rows; write one row for each file"
    );
}

#[test]
fn a_quote_that_is_never_closed_is_named_with_its_line_and_column() {
    let error = read_str(&format!(
        "{HEADER}\na,contract,1,A\nb,\"event,2,B\nc,event,3,C\n"
    ));
    assert_eq!(
        error.unwrap_err().to_string(),
        "line 3: the quote that opens here, in column object_type, is never closed; close it, or \
         double it if it is part of the text"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = Path::new("no/such.csv");
    let error = read_manifest(path, &ManifestOptions::default()).unwrap_err();
    let why = std::fs::metadata(path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no/such.csv: cannot be read: {why}; check the path and its permissions")
    );
}

#[test]
fn a_ragged_row_says_what_was_expected_and_nothing_else() {
    assert_eq!(
        screen_text("a,contract,1\n"),
        "m.csv line 2 (row 1): the row has 3 cells where the header has 4; \
         give the row as many cells as the header, with quotes around a cell that holds the \
         delimiter or a line break\n"
    );
    assert!(screen_text("nonsense,,,,,\n").contains("6 cells where the header has 4; "));
    assert!(
        screen_text("a,\"contract\n\",1\n")
            .contains("3 cells where the header has 4, and runs to line 3: a quote may be missing")
    );
}

#[test]
fn a_quote_in_the_wrong_place_says_where_it_opened() {
    assert_eq!(
        screen_text("\"a,contract,1,A\nb,\"event\",2,B\nc,event,3,C\n"),
        "m.csv line 2 (row 1): the quote that opens on line 2 runs to line 3 and closes in the middle \
         of a cell there; close the quote where the cell ends, and double each quote inside the cell\n\
         m.csv line 3 (row 2): the row stands inside the quote that opens on line 2; mend the quote\n"
    );
}

#[test]
fn a_cell_that_a_spreadsheet_damaged_says_how_to_mend_it() {
    assert_eq!(
        screen_text("a,contract,1,1.00E+15\n"),
        "m.csv line 2 (row 1), column external_id: \"1.00E+15\" was rewritten by a spreadsheet; \
         export the column as text\n"
    );
    assert_eq!(
        screen_text("a,contract,#N/A,A\n"),
        "m.csv line 2 (row 1), column object_id: \"#N/A\" is an error value of a spreadsheet; \
         mend the formula and export again\n"
    );
}

#[test]
fn a_wrong_object_says_what_is_allowed_and_what_is_nearest() {
    assert_eq!(
        screen_text("a,Contarct,1,A\n"),
        "m.csv line 2 (row 1), column object_type: \"Contarct\" is not an object type; did you \
         mean contract? Allowed are contract, event, project, supplier_company, sourcing_event, \
         sourcing_request\n"
    );
    assert!(screen_text("a,invoice,1,A\n").contains("object type; allowed are contract, event"));
    assert!(
        screen_text("a,event,007,A\n")
            .contains("\"007\" is not a positive whole number in plain digits; write 7\n")
    );
    assert!(
        screen_text("a,event,x,A\n")
            .contains("; write the id that the service's API has for the record")
    );
}

#[test]
fn an_id_that_is_no_uuid_says_what_is_expected_and_what_it_looks_like() {
    let place = "m.csv line 2 (row 1), column object_id";
    let form = "write the record's UUID, which Keelvar's app shows, in the form \
                3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    assert_eq!(
        screen_text("a,sourcing_event,EV-7,A\n"),
        format!("{place}: \"EV-7\" is not a hyphenated UUID; {form}\n")
    );
    assert_eq!(
        screen_text("a,sourcing_request,4711,A\n"),
        format!(
            "{place}: \"4711\" is not a hyphenated UUID; the value looks like an id of Workday: \
             correct the object_type, or {form}\n"
        )
    );
    for clear in [
        "3F2504E04F8941D39A0C0305E82C3301",
        "{3F2504E0-4F89-41D3-9A0C-0305E82C3301}",
    ] {
        assert_eq!(
            screen_text(&format!("a,sourcing_event,{clear},A\n")),
            format!(
                "{place}: \"{clear}\" is not a hyphenated UUID; write \
                 3f2504e0-4f89-41d3-9a0c-0305e82c3301\n"
            )
        );
    }
    assert_eq!(
        screen_text("a,sourcing_event,00000000-0000-0000-0000-000000000000,A\n"),
        format!(
            "{place}: \"00000000-0000-0000-0000-000000000000\" is the nil UUID, which no record \
             has; write the record's own UUID, which Keelvar's app shows\n"
        )
    );
    assert_eq!(
        screen_text("a,event,3f2504e0-4f89-41d3-9a0c-0305e82c3301,A\n"),
        format!(
            "{place}: \"3f2504e0-4f89-41d3-9a0c-0305e82c3301\" is not a positive whole number in \
             plain digits; the value looks like an id of Keelvar, whose object types are \
             sourcing_event and sourcing_request: correct the object_type or the object_id\n"
        )
    );
}

#[test]
fn the_first_row_of_a_known_type_decides_which_service_the_manifest_is_for() {
    let service_of = |rows: &str| {
        let reading = read_str(&format!("{HEADER}\n{rows}")).unwrap();
        reading.manifest.service()
    };
    let uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    assert_eq!(
        service_of("a,event,1,A\n"),
        Some(ProcurementService::Workday)
    );
    assert_eq!(
        service_of(&format!(
            "a,x,1,A\nb,event\nc,sourcing_request,{uuid},C\nd,event,1,D\n"
        )),
        Some(ProcurementService::Keelvar)
    );
    assert_eq!(service_of("a,,1,A\nb,invoice,1,B\n"), None);
}

#[test]
fn all_problems_of_one_row_are_told_at_once() {
    let screen = screen_text("../a,,0,..\n");
    let columns: Vec<&str> = screen
        .lines()
        .filter_map(|line| {
            line.strip_prefix("m.csv line 2 (row 1), column ")?
                .split(':')
                .next()
        })
        .collect();
    assert_eq!(
        columns,
        ["file_path", "object_type", "object_id", "external_id"]
    );
}

#[test]
fn of_two_equal_ids_both_rows_are_named() {
    assert_eq!(
        screen_text("a,contract,1,A\n\nb,contract,2,A\n"),
        "m.csv line 2 (row 1), column external_id: \"A\" is also in line 4 (row 2); give each row \
         an id of its own\n\
         m.csv line 4 (row 2), column external_id: \"A\" is also in line 2 (row 1); give each row \
         an id of its own\n"
    );
}

#[test]
fn ids_that_look_the_same_are_shown_side_by_side() {
    assert!(
        screen_text("a,contract,1,at1\nb,contract,2,AT1\n").starts_with(
            "m.csv line 2 (row 1), column external_id: \"at1\" differs only in case or in the \
         encoding of accents from \"AT1\" in line 3 (row 2); correct one of the two ids, or allow \
         similar ids with --allow-similar-ids\n"
        )
    );
}

#[test]
fn dropped_zeros_are_a_warning() {
    assert_eq!(
        screen_text("a,contract,1,0012\nb,contract,2,13\n"),
        "warning: m.csv line 3 (row 2), column external_id: \"13\" is shorter than 4 digits, the \
         length of all ids that begin with 0: a spreadsheet may have dropped its zeros; if so, \
         export the column as text\n"
    );
}

#[test]
fn a_column_without_a_name_is_warned_of_once_and_only_where_it_holds_something() {
    let header = format!("{HEADER},\n");
    let quiet = read_str(&format!("{header}a,contract,1,A,\n")).unwrap();
    assert!(quiet.problems.is_empty());
    let text = format!("{header}a,contract,1,A,\nb,event,2,B,x\nc,event,3,C,y\n");
    let problems = read_str(&text).unwrap().problems;
    let found: Vec<_> = problems
        .iter()
        .map(|found| (found.row, &found.kind))
        .collect();
    assert_eq!(found, [(2, &ProblemKind::UnnamedColumn { number: 5 })]);
}

#[test]
fn a_column_that_is_nearly_a_known_one_is_warned_of() {
    let text = format!("{HEADER},titel\na,contract,1,A,x\n");
    let ManifestWithProblems { manifest, problems } = read_str(&text).unwrap();
    assert_eq!(
        render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings),
        "warning: m.csv line 1: the column \"titel\" is not known; rename the column to title or \
         say --column title=titel if title is meant, or ignore this warning\n"
    );
    assert_eq!(
        render_for_screen(&problems, &manifest, ShownSeverities::ErrorsOnly),
        ""
    );
    assert!(!problems.has_error(1));
}
