//! Problems of single cells, and of external ids among each other.

use super::{is_told, with_rows};

#[test]
fn every_unfit_external_id_is_told_with_its_place_and_its_remedy() {
    let too_long = "x".repeat(256);
    let cut = "x".repeat(120);
    for (cell, kind, said) in [
        (
            "",
            "empty",
            "the cell is empty; fill in the cell".to_owned(),
        ),
        (
            &*too_long,
            "too_long",
            format!(
                "\"{cut}… (256 characters)\" has 256 characters; 255 characters is \
                 the most that an external id may have; shorten the value"
            ),
        ),
        (
            "\"A\tB\"",
            "control_character",
            "\"A\\u{9}B\" contains a control character; remove the character".to_owned(),
        ),
        (
            " A",
            "blanks_around",
            "\" A\" has blanks around it; remove the blanks".to_owned(),
        ),
        (
            ".",
            "dot_segment",
            "\".\" means a folder and cannot be a name; write a name".to_owned(),
        ),
        (
            "..",
            "dot_segment",
            "\"..\" means a folder and cannot be a name; write a name".to_owned(),
        ),
        (
            "1.00E+15",
            "rewritten_number",
            "\"1.00E+15\" was rewritten by a spreadsheet; export the column as text".to_owned(),
        ),
        (
            "#N/A",
            "error_value",
            "\"#N/A\" is an error value of a spreadsheet; mend the formula and export again"
                .to_owned(),
        ),
        (
            "#REF!",
            "error_value",
            "\"#REF!\" is an error value of a spreadsheet; mend the formula and export again"
                .to_owned(),
        ),
    ] {
        let test = with_rows(&format!("a.pdf,contract,1,{cell}\n"));
        let message = format!("m.csv line 2 (row 1), column external_id: {said}");
        is_told(&test, kind, &message);
    }
}

#[test]
fn every_unfit_object_is_told_with_what_is_allowed() {
    for (cells, kind, said) in [
        (
            "Contarct,1",
            "unknown_object_type",
            "column object_type: \"Contarct\" is not an object type; did you mean \
             contract? Allowed are contract, event, project, supplier_company, sourcing_event, \
             sourcing_request",
        ),
        (
            "invoice,1",
            "unknown_object_type",
            "column object_type: \"invoice\" is not an object type; allowed are \
             contract, event, project, supplier_company, sourcing_event, sourcing_request",
        ),
        (
            "sourcing_event,7",
            "bad_object_id",
            "column object_id: \"7\" is not a hyphenated UUID; the value looks like an id of \
             Workday: correct the object_type, or write the record's UUID, which Keelvar's app \
             shows, in the form 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ),
        (
            "contract,0",
            "bad_object_id",
            "column object_id: \"0\" is not a positive whole number in plain digits; write the id that the service's API has for \
             the record, digits only; the number that people see on a contract or a project is another one",
        ),
        (
            "contract,007",
            "bad_object_id",
            "column object_id: \"007\" is not a positive whole number in plain digits; write 7",
        ),
        (
            "contract,-7",
            "bad_object_id",
            "column object_id: \"-7\" is not a positive whole number in plain digits; write the id that the service's API has for \
             the record, digits only; the number that people see on a contract or a project is another one",
        ),
        (
            "contract,1.2E+06",
            "rewritten_number",
            "column object_id: \"1.2E+06\" was rewritten by a spreadsheet; export the column as \
             text",
        ),
    ] {
        let test = with_rows(&format!("a.pdf,{cells},A\n"));
        is_told(&test, kind, &format!("m.csv line 2 (row 1), {said}"));
    }
}

#[test]
fn every_path_that_may_lead_out_of_the_root_is_told() {
    for (path, kind, said) in [
        (
            "/etc/hostname",
            "absolute_path",
            "\"/etc/hostname\" is an absolute path; take the beginning of the paths off with \
             --strip-prefix, or write the path relative to the root, which --root sets",
        ),
        (
            "../a.pdf",
            "parent_folder",
            "\"../a.pdf\" contains the part `..`; set --root to a folder that all files are in",
        ),
        (
            "\\\\server\\share\\b.pdf",
            "network_path",
            "\"\\\\server\\share\\b.pdf\" is a path to another computer; take the beginning of \
             the paths off with --strip-prefix, or write the path relative to the root, which --root \
             sets",
        ),
        (
            "C:\\b.pdf",
            "drive_letter",
            "\"C:\\b.pdf\" begins with a drive letter; take the beginning of the paths off with \
             --strip-prefix, or write the path relative to the root, which --root sets",
        ),
        (
            "\u{202e}fdp.exe",
            "bidi_character",
            "\"\\u{202e}fdp.exe\" contains a character that changes the direction of writing; \
             remove the character",
        ),
        (
            "\u{1b}[2J.pdf",
            "control_character",
            "\"\\u{1b}[2J.pdf\" contains a control character; remove the character",
        ),
    ] {
        let test = with_rows(&format!("{path},contract,1,A\n"));
        let message = format!("m.csv line 2 (row 1), column file_path: {said}");
        is_told(&test, kind, &message);
    }
}

#[test]
fn of_two_rows_with_one_external_id_both_are_told() {
    let test = with_rows("a.pdf,contract,1,A\n\na.pdf,contract,2,A\n");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column external_id: \"A\" is also in line 4 (row 2); give each \
             row an id of its own\n\
             m.csv line 4 (row 2), column external_id: \"A\" is also in line 2 (row 1); give each \
             row an id of its own\n",
        )
        .exits(2);
}

#[test]
fn external_ids_that_look_the_same_are_told_unless_they_are_allowed() {
    for (one, other) in [("at1", "AT1"), ("\u{fc}", "u\u{308}")] {
        let test = with_rows(&format!(
            "a.pdf,contract,1,{one}\na.pdf,contract,2,{other}\n"
        ));
        test.check()
            .stderr(format!(
                "m.csv line 2 (row 1), column external_id: \"{one}\" differs only in case or in \
                 the encoding of accents from \"{other}\" in line 3 (row 2); correct one of the \
                 two ids, or allow similar ids with --allow-similar-ids\n\
                 m.csv line 3 (row 2), column external_id: \"{other}\" differs only in case or in \
                 the encoding of accents from \"{one}\" in line 2 (row 1); correct one of the two \
                 ids, or allow similar ids with --allow-similar-ids\n"
            ))
            .exits(2);
        test.check().args(["--allow-similar-ids"]).exits(0);
    }
}

#[test]
fn an_external_id_may_hold_whatever_can_be_addressed() {
    let ids = [
        "CTR$1/a b",
        "a%2Fb",
        "100%",
        "a+b?c#d",
        "文書",
        "...",
        "a\\b",
    ];
    let rows: Vec<String> = ids
        .iter()
        .zip(1..)
        .map(|(id, record)| format!("a.pdf,contract,{record},{id}\n"))
        .collect();
    let test = with_rows(&rows.concat());
    test.check().exits(0);
    test.import().exits(0);
    let mut stored: Vec<String> = test
        .service()
        .stored_attachments()
        .into_iter()
        .filter_map(|attachment| attachment.external_id)
        .collect();
    stored.sort_unstable();
    let mut expected = ids.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(stored, expected);
    test.import().with_results("other.csv").exits(0);
    assert_eq!(
        test.service().stored_attachments().len(),
        ids.len(),
        "each of them is found again"
    );
}
