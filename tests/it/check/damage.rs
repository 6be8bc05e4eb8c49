//! Damage that leaves a plausible text: lost characters, mixed encodings, ids that a spreadsheet has
//! rewritten.

use super::{noted, with_rows};
use crate::harness::{ImportTest, MANIFEST_HEADER};

fn with_manifest(manifest: impl AsRef<[u8]>) -> ImportTest {
    ImportTest::new().file("a.pdf", "alpha").manifest(manifest)
}

#[test]
fn a_lost_character_is_an_error_in_every_cell() {
    let test = with_manifest(
        "file_path,object_type,object_id,external_id,title,note\n\
         a.pdf,contract,1,M\u{fffd}LLER-1,Vertr\u{fffd}ge,gr\u{fffd}n\n",
    );
    let said = "contains U+FFFD, which a program has put in the place of a character that the \
                program could not read; the character is lost: export the text again from where it \
                came, as UTF-8\n";
    test.check()
        .stderr(format!(
            "m.csv line 2 (row 1): \"gr\u{fffd}n\" in the column \"note\" {said}\
             m.csv line 2 (row 1), column external_id: \"M\u{fffd}LLER-1\" {said}\
             m.csv line 2 (row 1), column title: \"Vertr\u{fffd}ge\" {said}"
        ))
        .exits(2);
    assert_eq!(
        noted(&test),
        [
            "replacement_character 2 1 note",
            "replacement_character 2 1 external_id",
            "replacement_character 2 1 title",
        ]
    );
}

#[test]
fn a_lost_character_in_the_name_of_a_column_is_told() {
    let test = with_manifest(
        "file_path,object_type,object_id,external_id,Beh\u{f6}rde,Gr\u{fffd}\u{fffd}e\n\
         a.pdf,contract,1,A,x,y\n",
    );
    test.check()
        .stdout("")
        .stderr(
            "error: m.csv: line 1: the name of the column \"Gr\u{fffd}\u{fffd}e\" contains U+FFFD, \
             which a program has put in the place of a character that the program could not read; \
             write the name anew\n",
        )
        .exits(2);
}

#[test]
fn a_text_that_was_misread_is_warned_of_once_for_each_column() {
    let test = with_manifest(
        "file_path,object_type,object_id,external_id,title,note\n\
         a.pdf,contract,1,A,VertrÃ¤ge,\n\
         a.pdf,contract,2,B,GrÃ¼n,fÃ¼r uns\n\
         a.pdf,contract,3,C,Größe,L’été\n",
    );
    test.check()
        .stderr(
            "warning: m.csv line 2 (row 1), column title: \"VertrÃ¤ge\" was probably \"Verträge\": \
             a program has read UTF-8 as Windows-1252; if so, export the text again from where it \
             came, as UTF-8\n\
             \x20 the same in 1 more row: 2\n\
             warning: m.csv line 3 (row 2): \"fÃ¼r uns\" in the column \"note\" was probably \"für \
             uns\": a program has read UTF-8 as Windows-1252; if so, export the text again from \
             where it came, as UTF-8\n",
        )
        .exits(0);
    assert_eq!(
        noted(&test),
        [
            "mojibake 2 1 title",
            "mojibake 3 2 note",
            "mojibake 3 2 title"
        ]
    );
}

#[test]
fn an_id_that_became_a_date_is_warned_of_among_ids_that_did_not() {
    let test = with_rows(
        "a.pdf,contract,1,MAR-10\n\
         a.pdf,contract,1,MAR-11\n\
         a.pdf,contract,1,12-Mar\n\
         a.pdf,contract,1,MAR-13\n\
         a.pdf,contract,1,MAR-14\n",
    );
    test.check()
        .prints(
            "warning: m.csv line 4 (row 3), column external_id: \"12-Mar\" looks like a date, and \
             other ids of the column do not: a spreadsheet may have rewritten the id; if so, write \
             the id anew and export the column as text\n",
        )
        .exits(0);
    assert!(noted(&test).contains(&"looks_like_date 4 3 external_id".to_owned()));
}

#[test]
fn a_rounded_number_is_warned_of_in_every_column_of_ids() {
    let test = with_manifest(
        "file_path,object_type,object_external_id,external_id,new_external_id\n\
         a.pdf,contract,123456789012345000000,A,12345678901234500000000\n\
         a.pdf,contract,123456789012345678901,123456789012345000000,\n",
    );
    test.check()
        .prints(
            "warning: m.csv line 2 (row 1), column object_external_id: \"123456789012345000000\" \
             has nothing but zeros after its fifteenth digit: a spreadsheet may have rounded the \
             id; if so, write the id anew and export the column as text\n",
        )
        .exits(0);
    assert_eq!(
        noted(&test),
        [
            "rounded_number 2 1 object_external_id",
            "rounded_number 2 1 new_external_id",
            "rounded_number 3 2 external_id",
        ]
    );
}

/// Returns a manifest whose second line is UTF-8, and whose third line is Windows-1252.
fn in_two_encodings() -> Vec<u8> {
    [
        b"file_path,object_type,object_id,external_id,title\n".as_slice(),
        "a.pdf,contract,1,A,Größe\n".as_bytes(),
        b"a.pdf,contract,2,B,Gr\xf6\xdfe\n",
    ]
    .concat()
}

#[test]
fn a_file_in_two_encodings_is_refused_with_the_lines_of_each() {
    with_manifest(in_two_encodings())
        .check()
        .stdout("")
        .stderr(
            "error: m.csv: line 3: the byte at offset 98 is not UTF-8; the file has two encodings: \
             beyond ASCII, 1 line is UTF-8 (line 2) and 1 line is not (line 3), so that no \
             --encoding reads all of them: convert the lines that are not UTF-8, or export the \
             whole again as UTF-8\n",
        )
        .exits(2);
}

#[test]
fn lines_of_utf_8_are_warned_of_where_another_encoding_was_named() {
    let test = with_manifest(in_two_encodings());
    test.check()
        .args(["--encoding", "windows-1252"])
        .prints(
            "warning: m.csv line 2 (row 1): 1 line is UTF-8 beyond ASCII (line 2), and --encoding \
             windows-1252 makes \"GrÃ¶ÃŸe\" of \"Größe\"; 1 line is not: the file has two \
             encodings, so convert the one part and save all as UTF-8\n",
        )
        .exits(0);
    let test = with_manifest(format!(
        "{MANIFEST_HEADER}a.pdf,contract,1,A\na.pdf,contract,2,Größe\n"
    ));
    test.check()
        .args(["--encoding", "windows-1252"])
        .prints(
            "warning: m.csv line 3 (row 2): 1 line is UTF-8 beyond ASCII (line 3), and --encoding \
             windows-1252 makes \"GrÃ¶ÃŸe\" of \"Größe\"; the whole file is UTF-8: leave out \
             --encoding\n",
        )
        .exits(0);
    assert_eq!(
        noted(&test),
        ["misread_lines 3 2 ", "mojibake 3 2 external_id"]
    );
    test.check().stderr("").exits(0);
}
