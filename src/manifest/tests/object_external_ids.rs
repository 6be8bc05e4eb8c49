//! Records named by the customer's own id, in `object_external_id`.

use super::*;
use crate::manifest::problem::ManifestProblem;
use crate::model::ObjectExternalId;

const EITHER_ID: &str = "file_path,object_type,object_id,object_external_id,external_id";
const EXTERNAL_ID_ALONE: &str = "file_path,object_type,object_external_id,external_id";
const UUID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn read(text: &str) -> ManifestWithProblems {
    read_str(text).unwrap()
}

/// Returns the lines on a user's screen for a manifest of this header and these rows.
fn screen(header: &str, rows: &str) -> String {
    let ManifestWithProblems { manifest, problems } = read(&format!("{header}\n{rows}"));
    render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings)
}

fn by_external_id(kind: ObjectType, id: &str) -> NamedObject {
    NamedObject::ByExternalId(kind, ObjectExternalId::parse(id).unwrap())
}

#[test]
fn a_row_names_its_record_by_either_id() {
    let ManifestWithProblems { manifest, problems } = read(&format!(
        "{EITHER_ID}\na,contract,7,,A\nb,supplier_company,,Müller & Söhne/7,B\n"
    ));
    assert!(problems.is_empty());
    let rows = [0, 1].map(|index| manifest.row(index).parse().unwrap());
    let known = ObjectRef::parse(ObjectType::Contract, "7").unwrap();
    assert_eq!(rows[0].object, NamedObject::Known(known));
    assert_eq!(rows[0].object_external_id_text(), "");
    let named = by_external_id(ObjectType::SupplierCompany, "Müller & Söhne/7");
    assert_eq!(rows[1].object, named);
    assert_eq!(rows[1].object_external_id_text(), "Müller & Söhne/7");
}

#[test]
fn the_column_is_none_of_the_columns_carried_through() {
    let text = format!("{EXTERNAL_ID_ALONE},note\na,contract,CW-1,A,n\n");
    assert_eq!(read(&text).manifest.extra_columns(), ["note"]);
}

#[test]
fn many_rows_may_share_a_record_and_similar_ids_are_different_ids() {
    let rows = "a,contract,CW-1,A\nb,contract,CW-1,B\nc,contract,cw-1,C\nd,project,CW-1,D\n";
    assert_eq!(screen(EXTERNAL_ID_ALONE, rows), "");
}

#[test]
fn a_row_with_no_id_or_with_two_is_told_to_have_one() {
    assert_eq!(
        screen(EITHER_ID, "a,contract,,,A\nb,event,7,CW-1,B\nc,,,,C\n"),
        "m.csv line 2 (row 1), column object_id: the cell is empty, and so is \
         object_external_id; fill in one of the two\n\
         m.csv line 4 (row 3), column object_id: the cell is empty, and so is \
         object_external_id; fill in one of the two\n\
         m.csv line 3 (row 2), column object_external_id: \"CW-1\" stands beside an object_id, \
         and may name another record; leave one of the two cells empty\n\
         m.csv line 4 (row 3), column object_type: the cell is empty; fill in the cell\n"
    );
    assert_eq!(
        screen(EXTERNAL_ID_ALONE, "a,contract,,A\n"),
        "m.csv line 2 (row 1), column object_external_id: the cell is empty; fill in the cell\n"
    );
}

#[test]
fn a_damaged_id_says_how_to_mend_it_whatever_the_type() {
    let place = "column object_external_id";
    for (cell, told) in [
        (
            "1.00E+15",
            "\"1.00E+15\" was rewritten by a spreadsheet; export the column as text",
        ),
        (
            "#REF!",
            "\"#REF!\" is an error value of a spreadsheet; mend the formula and export again",
        ),
        (" CW-1", "\" CW-1\" has blanks around it; remove the blanks"),
    ] {
        for kind in ["contract", "contarct"] {
            let screen = screen(EITHER_ID, &format!("a,{kind},,{cell},A\n"));
            assert!(screen.contains(&format!("{place}: {told}\n")), "{screen}");
        }
    }
    let too_long = "x".repeat(1_001);
    let screen = screen(EXTERNAL_ID_ALONE, &format!("a,contract,{too_long},A\n"));
    assert!(
        screen.ends_with(
            "(1001 characters)\" has 1,001 characters; 1,000 characters is the most that the external id of a record may have; correct the cell, or give the \
             record's own id in object_id\n"
        ),
        "{screen}"
    );
}

#[test]
fn records_of_keelvar_have_no_external_ids() {
    let told = "cannot name the record: Keelvar's records have no external ids; write the \
                record's UUID, which Keelvar's app shows, into object_id, and leave \
                object_external_id empty\n";
    let place = "m.csv line 2 (row 1), column object_external_id";
    for own_id in ["", UUID] {
        assert_eq!(
            screen(EITHER_ID, &format!("a,sourcing_event,{own_id},EV-1,A\n")),
            format!("{place}: \"EV-1\" {told}")
        );
    }
    assert_eq!(
        screen(EXTERNAL_ID_ALONE, "a,sourcing_event,,A\n"),
        format!("{place}: the column {told}")
    );
    assert_eq!(
        screen(EITHER_ID, &format!("a,sourcing_event,{UUID},,A\n")),
        ""
    );
    assert_eq!(
        screen(EITHER_ID, "a,sourcing_event,,,A\n"),
        "m.csv line 2 (row 1), column object_id: the cell is empty; fill in the cell\n"
    );
}

#[test]
fn zeros_dropped_from_the_ids_of_one_type_are_a_warning() {
    assert_eq!(
        screen(
            EXTERNAL_ID_ALONE,
            "a,contract,0012,A\nb,contract,13,B\nc,project,7,C\n"
        ),
        "warning: m.csv line 3 (row 2), column object_external_id: \"13\" is shorter than 4 \
         digits, the length of all ids that begin with 0: a spreadsheet may have dropped its \
         zeros; if so, export the column as text\n"
    );
    assert_eq!(
        screen(
            EITHER_ID,
            "a,contract,,0012,A\nb,contract,13,,B\nc,contract,,CW-1,C\n"
        ),
        ""
    );
}

#[test]
fn in_results_read_as_a_manifest_the_id_that_was_found_counts() {
    let options = ManifestOptions {
        own_outputs: OwnOutputPolicy::Allow,
        ..ManifestOptions::default()
    };
    let text = format!(
        "{EITHER_ID},status,attachment_id,line_check\n\
         a,contract,7,CW-1,A,uploaded,1,x\nb,contract,,CW-2,B,pending,,x\n"
    );
    let ManifestWithProblems { manifest, problems } = parse_manifest(
        Path::new("m.results.csv"),
        ManifestTable::of_text(text),
        &options,
    )
    .unwrap();
    assert!(problems.is_empty());
    let known = ObjectRef::parse(ObjectType::Contract, "7").unwrap();
    let row = manifest.row(0).parse().unwrap();
    assert_eq!(row.object, NamedObject::Known(known));
    assert_eq!(manifest.row(0).object_external_id(), "");
    let row = manifest.row(1).parse().unwrap();
    assert_eq!(row.object, by_external_id(ObjectType::Contract, "CW-2"));
}

#[test]
fn a_record_that_the_service_does_not_show_is_told_with_its_cell() {
    let ManifestWithProblems {
        manifest,
        mut problems,
    } = read(&format!(
        "{EITHER_ID}\na,contract,,CW-2019-17,A\nb,supplier_company,,S 1,B\nc,event,7,,C\n\
         d,project,,P-1,D\n"
    ));
    let found = [
        (
            Column::ObjectExternalId,
            ProblemKind::UnknownObjectExternalId(ObjectType::Contract),
        ),
        (
            Column::ObjectExternalId,
            ProblemKind::AmbiguousObjectExternalId {
                object_type: ObjectType::SupplierCompany,
                count: 2,
            },
        ),
        (
            Column::ObjectId,
            ProblemKind::UnknownObject(ObjectType::Event),
        ),
        (
            Column::ObjectExternalId,
            ProblemKind::ObjectNotLookedUp {
                cause: "503\u{1b}".into(),
            },
        ),
    ];
    for (row, (column, kind)) in (1..).zip(found) {
        problems.push(ManifestProblem {
            row,
            column: Some(column),
            kind,
        });
    }
    assert_eq!(
        render_for_screen(&problems, &manifest, ShownSeverities::ErrorsOnly),
        "m.csv line 2 (row 1), column object_external_id: \"CW-2019-17\": no contract has this \
         external id; correct the cell, or give the record's own id in object_id\n\
         m.csv line 3 (row 2), column object_external_id: \"S 1\": 2 supplier companies have this \
         external id; correct the cell, or give the record's own id in object_id\n\
         m.csv line 4 (row 3), column object_id: \"7\": no event has this id; correct the \
         object_id or the object_type\n\
         m.csv line 5 (row 4), column object_external_id: \"P-1\": the record could not be looked \
         up: 503\\u{1b}; run the import again later\n"
    );
}
