//! Characters that a reader cannot recognise, in keys and in other cells.

use super::{is_told, noted, with_rows};
use crate::harness::{ImportTest, MANIFEST_HEADER};

#[test]
fn a_key_with_a_character_that_nobody_sees_is_told_with_its_name() {
    for (cells, said) in [
        (
            "contract,1,A\u{200b}-1",
            "column external_id: \"A\\u{200b}-1\" contains U+200B ZERO WIDTH SPACE, which cannot \
             be seen; write \"A-1\", or accept such characters with --allow-similar-ids",
        ),
        (
            "contract,1,A\u{a0}1",
            "column external_id: \"A\\u{a0}1\" contains U+00A0 NO-BREAK SPACE, which looks like a \
             plain blank or hyphen; write \"A 1\", or accept such characters with \
             --allow-similar-ids",
        ),
        (
            "contract,\u{feff}1,A",
            "column object_id: \"\\u{feff}1\" contains U+FEFF ZERO WIDTH NO-BREAK SPACE, which \
             cannot be seen; write \"1\"",
        ),
        (
            "contract\u{a0},1,A",
            "column object_type: \"contract\\u{a0}\" contains U+00A0 NO-BREAK SPACE, which looks \
             like a plain blank or hyphen; write \"contract\"",
        ),
    ] {
        let test = with_rows(&format!("a.pdf,{cells}\n"));
        let message = format!("m.csv line 2 (row 1), {said}");
        is_told(&test, "hidden_character", &message);
    }
}

#[test]
fn ids_that_look_the_same_are_told_with_the_character_in_which_they_differ() {
    let test = with_rows("a.pdf,contract,1,MAR-11\na.pdf,contract,2,MAR\u{2011}11\n");
    test.check()
        .stderr(
            "m.csv line 2 (row 1), column external_id: \"MAR-11\" differs only in U+2011 \
             NON-BREAKING HYPHEN from \"MAR\\u{2011}11\" in line 3 (row 2); correct one of the two \
             ids, or allow similar ids with --allow-similar-ids\n\
             m.csv line 3 (row 2), column external_id: \"MAR\\u{2011}11\" differs only in U+2011 \
             NON-BREAKING HYPHEN from \"MAR-11\" in line 2 (row 1); correct one of the two ids, or \
             allow similar ids with --allow-similar-ids\n\
             m.csv line 3 (row 2), column external_id: \"MAR\\u{2011}11\" contains U+2011 \
             NON-BREAKING HYPHEN, which looks like a plain blank or hyphen; write \"MAR-11\", or \
             accept such characters with --allow-similar-ids\n",
        )
        .exits(2);
}

#[test]
fn ids_with_such_characters_can_be_accepted_and_are_warned_of() {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(
        "file_path,object_type,object_external_id,external_id,new_external_id\n\
         a.pdf,contract,CW\u{a0}1,A\u{200b}1,B\u{200c}1\n",
    );
    test.check().prints("write \"CW 1\"").exits(2);
    test.check()
        .args(["--allow-similar-ids"])
        .prints(
            "warning: m.csv line 2 (row 1), column external_id: \"A\\u{200b}1\" contains U+200B \
             ZERO WIDTH SPACE, which cannot be seen; --allow-similar-ids accepts the id as it is\n",
        )
        .exits(0);
    assert_eq!(
        noted(&test),
        [
            "hidden_character 2 1 object_external_id",
            "hidden_character 2 1 external_id",
            "hidden_character 2 1 new_external_id",
        ]
    );
}

#[test]
fn titles_and_carried_cells_may_hold_what_their_language_needs() {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(
        "file_path,object_type,object_id,external_id,title,file_name,note\n\
         a.pdf,contract,1,A,Contrat n°\u{a0}5,Contrat\u{a0}5.pdf,\u{200b}\n\
         a.pdf,contract,2,B,\u{645}\u{6cc}\u{200c}\u{634}\u{648}\u{62f},\
         \u{645}\u{6cc}\u{200c}\u{634}\u{648}\u{62f}.pdf,\u{5951}\u{7d04}\u{3000}\u{66f8}\n",
    );
    test.check().stderr("").exits(0);
}

#[test]
fn a_file_name_with_a_character_that_nobody_sees_is_warned_of() {
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(
        "file_path,object_type,object_id,external_id,file_name\n\
         a.pdf,contract,1,A,invoice\u{ad}s.pdf\n",
    );
    test.check()
        .stderr(
            "warning: m.csv line 2 (row 1), column file_name: \"invoice\\u{ad}s.pdf\" contains \
             U+00AD SOFT HYPHEN, which cannot be seen; write \"invoices.pdf\" unless the character \
             is meant\n",
        )
        .exits(0);
}

#[test]
fn a_limit_is_told_with_its_unit_and_the_count() {
    let name = "\u{5951}".repeat(90);
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "file_path,object_type,object_id,external_id,file_name,title\n\
         a.pdf,contract,1,A,{name}.p,{}\n",
        "\u{e9}".repeat(256)
    ));
    test.check()
        .prints(
            "has 272 bytes; 255 bytes is the most that a file name may have; shorten the value\n",
        )
        .prints(
            "has 256 characters; 255 characters is the most that a title may have; shorten the \
             value\n",
        )
        .exits(2);
    let test = ImportTest::new().file("a.pdf", "alpha").manifest(format!(
        "{MANIFEST_HEADER}a.pdf,contract,1,{}\n",
        "x".repeat(1_256)
    ));
    test.check()
        .prints("has 1,256 characters; 255 characters is the most that an external id may have;")
        .exits(2);
}
