//! Problems of manifests for Keelvar.

use super::{PROBLEMS, is_told, noted, with_rows};
use crate::harness::{ImportTest, MANIFEST_HEADER};

const ONE: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const OTHER: &str = "9b2c0f5e-1d7a-4c3b-8e6f-5a4d3c2b1a09";

/// Writes files of one name in three folders, and a manifest with the given rows.
fn with_namesakes(header: &str, rows: &str) -> ImportTest {
    ImportTest::new()
        .file("x/a.pdf", "alpha")
        .file("y/a.pdf", "again")
        .file("y/A.PDF", "other")
        .manifest(format!("{header}\n{rows}"))
}

#[test]
fn a_manifest_for_keelvar_is_summed_up() {
    let test = with_rows(&format!(
        "a.pdf,sourcing_event,{ONE},A\n\
         a.pdf,sourcing_event,{},B\n\
         a.pdf,sourcing_request,{ONE},C\n",
        OTHER.to_uppercase()
    ));
    test.check()
        .stdout(
            "m.csv: 3 rows, 1 file, 5 B\n\
             \x20 sourcing_event           2\n\
             \x20 sourcing_request         1\n\
             nothing is wrong\n",
        )
        .exits(0);
    assert!(!test.path(PROBLEMS).exists());
}

#[test]
fn an_id_that_is_no_uuid_is_told_with_where_to_find_the_right_one() {
    let form = "write the record's UUID, which Keelvar's app shows, in the form \
                3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let bare = ONE.replace('-', "");
    for (id, said) in [
        (
            "4711",
            format!(
                "is not a hyphenated UUID; the value looks like an id of Workday: correct the \
                 object_type, or {form}"
            ),
        ),
        ("EV-1", format!("is not a hyphenated UUID; {form}")),
        (&bare, format!("is not a hyphenated UUID; write {ONE}")),
        (
            "00000000-0000-0000-0000-000000000000",
            "is the nil UUID, which no record has; write the record's own UUID, which Keelvar's \
             app shows"
                .to_owned(),
        ),
    ] {
        let test = with_rows(&format!("a.pdf,sourcing_event,{id},A\n"));
        let message = format!("m.csv line 2 (row 1), column object_id: \"{id}\" {said}");
        is_told(&test, "bad_object_id", &message);
    }
    let test = with_rows(&format!("a.pdf,event,{ONE},A\n"));
    is_told(
        &test,
        "bad_object_id",
        &format!(
            "m.csv line 2 (row 1), column object_id: \"{ONE}\" is not a positive whole number in \
             plain digits; the value looks like an id of Keelvar, whose object types are \
             sourcing_event and sourcing_request: correct the object_type or the object_id"
        ),
    );
}

#[test]
fn rows_of_two_services_in_one_manifest_are_told_with_the_row_that_decides() {
    let test = with_rows(&format!(
        "a.pdf,invoice,1,A\n\
         a.pdf,sourcing_request,{ONE},B\n\
         a.pdf,contract,7,C\n\
         a.pdf,sourcing_event,{ONE},D\n"
    ));
    test.check()
        .prints(
            "m.csv line 4 (row 3), column object_type: \"contract\" is not an object type of \
             Keelvar, the service that \"sourcing_request\" in line 3 (row 2) sets for the \
             manifest; put the rows of each service into a manifest of their own\n",
        )
        .exits(2);
    assert_eq!(
        noted(&test),
        [
            "unknown_object_type 2 1 object_type",
            "other_service 4 3 object_type"
        ]
    );
    let test = with_rows(&format!(
        "a.pdf,contract,7,A\na.pdf,sourcing_event,{ONE},B\n"
    ));
    test.check()
        .stderr(
            "m.csv line 3 (row 2), column object_type: \"sourcing_event\" is not an object type of \
             Workday Strategic Sourcing, the service that \"contract\" in line 2 (row 1) sets for \
             the manifest; put the rows of each service into a manifest of their own\n",
        )
        .exits(2);
}

#[test]
fn one_name_twice_on_one_record_is_warned_of() {
    // The names are those of the files, or those in the manifest. Case makes no difference.
    for (second_path, names, column, first) in [
        ("y/a.pdf", ["", ""], "file_path", "x/a.pdf"),
        ("y/A.PDF", ["", ""], "file_path", "x/a.pdf"),
        (
            "y/a.pdf",
            ["Offer.pdf", "offer.PDF"],
            "file_name",
            "Offer.pdf",
        ),
    ] {
        let header = format!("{},file_name", MANIFEST_HEADER.trim_end());
        let rows = format!(
            "x/a.pdf,sourcing_event,{ONE},A,{}\n\
             {second_path},sourcing_event,{},B,{}\n",
            names[0],
            ONE.to_uppercase(),
            names[1]
        );
        let goes = "goes under the same name to the same record as";
        let remedy = "give one of the two files another name in file_name if people must tell the \
                      files apart";
        with_namesakes(&header, &rows)
            .check()
            .stderr(format!(
                "warning: m.csv line 2 (row 1), column {column}: \"{first}\" {goes} \
                 \"{second_path}\" in line 3 (row 2); {remedy}\n  the same in 1 more row: 2\n"
            ))
            .stdout(
                "m.csv: 2 rows, 2 files, 10 B\n\
                 \x20 sourcing_event           2\n\
                 no errors, 2 warnings; all of them are in m.problems.csv\n",
            )
            .exits(0);
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "names differ in case alone")]
fn one_name_on_two_records_is_nothing_to_warn_of() {
    let header = format!("{},file_name", MANIFEST_HEADER.trim_end());
    for (rows, types) in [
        (
            format!(
                "x/a.pdf,sourcing_event,{ONE},A,\n\
                 y/a.pdf,sourcing_event,{OTHER},B,\n\
                 y/A.PDF,sourcing_request,{ONE},C,\n"
            ),
            "  sourcing_event           2\n  sourcing_request         1\n",
        ),
        (
            format!(
                "x/a.pdf,sourcing_event,{ONE},A,1.pdf\n\
                 y/a.pdf,sourcing_event,{ONE},B,2.pdf\n\
                 y/A.PDF,sourcing_event,{ONE},C,\n"
            ),
            "  sourcing_event           3\n",
        ),
        (
            "x/a.pdf,event,1,A,\ny/a.pdf,event,2,B,\ny/A.PDF,contract,1,C,\n".to_owned(),
            "  contract                 1\n  event                    2\n",
        ),
    ] {
        with_namesakes(&header, &rows)
            .check()
            .stdout(format!(
                "m.csv: 3 rows, 3 files, 15 B\n{types}nothing is wrong\n"
            ))
            .exits(0);
    }
}

#[test]
fn titles_are_not_sent_to_keelvar_which_is_said_once() {
    let header = format!("{},title", MANIFEST_HEADER.trim_end());
    let test = with_namesakes(
        &header,
        &format!(
            "x/a.pdf,sourcing_event,{ONE},A,\n\
             y/a.pdf,sourcing_event,{OTHER},B,The offer\n\
             y/A.PDF,sourcing_request,{ONE},C,Another one\n"
        ),
    );
    test.check()
        .stderr(
            "warning: m.csv line 3 (row 2), column title: \"The offer\" is not sent: Keelvar's \
             jobs have no titles; the results carry the title; people see the name of the file\n",
        )
        .exits(0);
}
