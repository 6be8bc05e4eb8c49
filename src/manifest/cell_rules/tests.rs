//! Tests of the rules of cells.

use super::*;
use crate::model::InvalidObjectId::{NilUuid, NotANumber, NotAUuid};

fn assert_refusals<'c, T>(
    rule: impl Fn(&'c str) -> Result<T, ProblemKind>,
    cases: &[(&'c str, Option<ProblemKind>)],
) {
    for (cell, wrong) in cases {
        assert_eq!(rule(cell).err(), *wrong, "{cell:?}");
    }
}

#[test]
fn what_a_spreadsheet_did_to_a_cell_is_recognised() {
    for damaged in ["1.00E+15", "1E+15", "1,5E-07", "-2.5e+10"] {
        assert_eq!(
            refuse_spreadsheet_damage(damaged),
            Err(ProblemKind::RewrittenNumber),
            "{damaged}"
        );
    }
    for damaged in [
        "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#BEZUG!", "#NV",
        "#####",
    ] {
        assert_eq!(
            refuse_spreadsheet_damage(damaged),
            Err(ProblemKind::ErrorValue),
            "{damaged}"
        );
    }
    for fine in [
        "1E5", "#1", "#tag", "##", "12E+3", "E+5", "1.5", "#", "A1E+5", "#Ref!",
    ] {
        assert_eq!(refuse_spreadsheet_damage(fine), Ok(()), "{fine}");
    }
}

#[test]
fn a_damaged_cell_is_an_error_in_every_column_that_is_used() {
    assert_refusals(
        |cell| file_path(cell, None),
        &[("#REF!", Some(ProblemKind::ErrorValue))],
    );
    assert_refusals(object_type, &[("#N/A", Some(ProblemKind::ErrorValue))]);
    assert_refusals(
        object_id,
        &[("1.00E+15", Some(ProblemKind::RewrittenNumber))],
    );
    assert_refusals(
        external_id,
        &[("1.00E+15", Some(ProblemKind::RewrittenNumber))],
    );
    assert_refusals(
        object_external_id,
        &[("1.00E+15", Some(ProblemKind::RewrittenNumber))],
    );
    assert_refusals(title, &[("#NAME?", Some(ProblemKind::ErrorValue))]);
    assert_refusals(file_name, &[("#VALUE!", Some(ProblemKind::ErrorValue))]);
    assert_refusals(sha256, &[("1.2E+63", Some(ProblemKind::RewrittenNumber))]);
}

#[test]
fn a_file_path_stays_below_the_root() {
    assert_refusals(
        |cell| file_path(cell, None),
        &[
            ("Verträge/a b.pdf", None),
            ("./a..b/c.pdf", None),
            ("", Some(ProblemKind::EmptyCell)),
            ("/etc/passwd", Some(ProblemKind::AbsolutePath)),
            ("../a.pdf", Some(ProblemKind::ParentFolder)),
            ("a/../b.pdf", Some(ProblemKind::ParentFolder)),
            ("\\\\server\\share\\a.pdf", Some(ProblemKind::NetworkPath)),
            ("//server/share/a.pdf", Some(ProblemKind::NetworkPath)),
            ("C:\\a.pdf", Some(ProblemKind::DriveLetter)),
            ("c:/a.pdf", Some(ProblemKind::DriveLetter)),
            ("folder\\a.pdf", None),
            ("folder\\..\\a.pdf", Some(ProblemKind::ParentFolder)),
            ("a\nb.pdf", Some(ProblemKind::ControlCharacter)),
            ("a\u{202e}fdp.exe", Some(ProblemKind::BidiCharacter)),
            ("a\u{2066}b", Some(ProblemKind::BidiCharacter)),
            ("a\u{200f}b", Some(ProblemKind::BidiCharacter)),
        ],
    );
}

#[test]
fn an_object_type_is_one_of_the_exact_words() {
    assert_refusals(
        object_type,
        &[
            ("contract", None),
            ("supplier_company", None),
            ("", Some(ProblemKind::EmptyCell)),
            (" contract", Some(ProblemKind::BlanksAround)),
            ("Contract", Some(ProblemKind::UnknownObjectType)),
            ("invoice", Some(ProblemKind::UnknownObjectType)),
        ],
    );
}

#[test]
fn an_object_id_in_workday_is_a_positive_number_in_plain_digits() {
    assert_refusals(
        |cell| object_ref(ObjectType::Contract, cell),
        &[
            ("1", None),
            ("18446744073709551615", None),
            ("", Some(ProblemKind::EmptyCell)),
            ("0", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("007", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("+7", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("-7", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("7.0", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("1,000", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("١", Some(ProblemKind::InvalidObjectId(NotANumber))),
            (
                "18446744073709551616",
                Some(ProblemKind::InvalidObjectId(NotANumber)),
            ),
            ("7 ", Some(ProblemKind::BlanksAround)),
        ],
    );
}

#[test]
fn an_object_id_in_keelvar_is_a_uuid() {
    assert_refusals(
        |cell| object_ref(ObjectType::SourcingEvent, cell),
        &[
            ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", None),
            ("3F2504E0-4F89-41D3-9A0C-0305E82C3301", None),
            ("", Some(ProblemKind::EmptyCell)),
            ("7", Some(ProblemKind::InvalidObjectId(NotAUuid))),
            ("1.00E+15", Some(ProblemKind::RewrittenNumber)),
            (
                "00000000-0000-0000-0000-000000000000",
                Some(ProblemKind::InvalidObjectId(NilUuid)),
            ),
            (
                " 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                Some(ProblemKind::BlanksAround),
            ),
        ],
    );
}

#[test]
fn an_object_id_of_an_unknown_type_is_something_at_least() {
    assert_refusals(
        object_id,
        &[
            ("7", None),
            ("anything", None),
            ("", Some(ProblemKind::EmptyCell)),
            ("007", Some(ProblemKind::InvalidObjectId(NotANumber))),
            ("#REF!", Some(ProblemKind::ErrorValue)),
            ("7 ", Some(ProblemKind::BlanksAround)),
        ],
    );
}

#[test]
fn a_key_of_a_fixed_form_has_no_room_for_what_nobody_sees() {
    let hidden = Some(ProblemKind::HiddenCharacter(HiddenCharacterPlace::FixedKey));
    let digest = format!("{}\u{2060}", "aB".repeat(32));
    assert_refusals(object_type, &[("contract\u{a0}", hidden.clone())]);
    assert_refusals(
        |cell| object_ref(ObjectType::Contract, cell),
        &[("\u{feff}1", hidden.clone())],
    );
    assert_refusals(object_id, &[("1\u{200b}", hidden.clone())]);
    assert_refusals(sha256, &[(&digest, hidden)]);
}

#[test]
fn an_external_id_of_a_record_is_any_text_that_can_be_read() {
    let (longest, too_long) = ("é".repeat(1_000), "x".repeat(1_001));
    assert_refusals(
        object_external_id,
        &[
            ("CW-2019/17 a", None),
            ("0012", None),
            ("..", None),
            (&longest, None),
            ("", Some(ProblemKind::EmptyCell)),
            ("#REF!", Some(ProblemKind::ErrorValue)),
            ("CW-1 ", Some(ProblemKind::BlanksAround)),
            ("CW\t1", Some(ProblemKind::ControlCharacter)),
            ("CW\u{202e}1", Some(ProblemKind::BidiCharacter)),
            (
                &too_long,
                Some(ProblemKind::TooLong(LengthLimit::ObjectExternalId)),
            ),
        ],
    );
}

#[test]
fn an_external_id_can_be_addressed_and_read() {
    let too_long = "x".repeat(256);
    assert_refusals(
        external_id,
        &[
            ("CTR$1/a b", None),
            ("", Some(ProblemKind::EmptyCell)),
            ("..", Some(ProblemKind::DotSegment)),
            (" a", Some(ProblemKind::BlanksAround)),
            ("a\tb", Some(ProblemKind::ControlCharacter)),
            ("a\u{202e}b", Some(ProblemKind::BidiCharacter)),
            (
                &too_long,
                Some(ProblemKind::TooLong(LengthLimit::ExternalId)),
            ),
        ],
    );
}

#[test]
fn a_new_external_id_is_fit_to_be_one_and_may_be_left_out() {
    let wished = |cell| new_external_id(cell, "#N/A", Some(ProcurementService::Workday));
    let too_long = "x".repeat(256);
    assert_refusals(
        wished,
        &[
            ("", None),
            ("EU-1", None),
            // The mistake in the id belongs to the column `external_id`.
            ("#N/A", None),
            ("#REF!", Some(ProblemKind::ErrorValue)),
            ("1.00E+15", Some(ProblemKind::RewrittenNumber)),
            (" ", Some(ProblemKind::BlanksAround)),
            ("a ", Some(ProblemKind::BlanksAround)),
            (".", Some(ProblemKind::DotSegment)),
            ("a\nb", Some(ProblemKind::ControlCharacter)),
            ("a\u{202e}b", Some(ProblemKind::BidiCharacter)),
            (
                &too_long,
                Some(ProblemKind::TooLong(LengthLimit::ExternalId)),
            ),
        ],
    );
    assert_eq!(wished("#N/A"), Ok(None));
    assert_eq!(wished("EU-1"), Ok(Some("EU-1")));
}

#[test]
fn nothing_is_renamed_in_keelvar() {
    let wished = |cell| new_external_id(cell, "A", Some(ProcurementService::Keelvar));
    assert_eq!(wished(""), Ok(None));
    assert_eq!(wished("A"), Err(ProblemKind::RenamingUnsupported));
    assert_eq!(wished("B"), Err(ProblemKind::RenamingUnsupported));
    // The service may still be unknown.
    assert_eq!(new_external_id("B", "A", None), Ok(Some("B")));
}

#[test]
fn a_title_is_short_and_of_one_line() {
    let longest = "ä".repeat(255);
    let too_long = "ä".repeat(256);
    assert_refusals(
        title,
        &[
            ("", None),
            (&longest, None),
            (&too_long, Some(ProblemKind::TooLong(LengthLimit::Title))),
            ("two\nlines", Some(ProblemKind::ControlCharacter)),
        ],
    );
}

#[test]
fn a_file_name_is_one_name_and_no_path() {
    let too_long = "ä".repeat(128);
    assert_refusals(
        file_name,
        &[
            ("", None),
            ("Vertrag.pdf", None),
            (" ", Some(ProblemKind::BlanksAround)),
            ("a/b.pdf", Some(ProblemKind::SeparatorInFileName)),
            ("a\\b.pdf", Some(ProblemKind::SeparatorInFileName)),
            ("..", Some(ProblemKind::DotSegment)),
            ("a\u{0}b", Some(ProblemKind::ControlCharacter)),
            ("a\u{200e}b", Some(ProblemKind::BidiCharacter)),
            (&too_long, Some(ProblemKind::TooLong(LengthLimit::FileName))),
        ],
    );
}

#[test]
fn a_digest_is_64_hexadecimal_digits() {
    let good = "aB".repeat(32);
    let padded = format!("{good} ");
    assert_refusals(
        sha256,
        &[
            ("", None),
            (&good, None),
            (&padded, Some(ProblemKind::BlanksAround)),
            ("abc", Some(ProblemKind::InvalidSha256)),
        ],
    );
}
