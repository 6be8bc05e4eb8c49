//! Rules for the cells of each column: the valid values, and the exact mistake in any other value.
//!
//! A rule looks at no other row and at no file.

use crate::manifest::problem::Wrong;
use crate::model::{
    BadExternalId, ExternalId, MAX_TEXT, ObjectRef, ObjectType, Service, Sha256Digest,
};
use crate::text::is_bidi;

/// Longest file name on common file systems, in bytes.
const MAX_FILE_NAME: usize = 255;

/// Rule for `file_path`: relative to the root, `/` between the parts, and no `..`.
pub(super) fn file_path(cell: &str) -> Result<&str, Wrong> {
    required(cell)?;
    readable(cell)?;
    match cell.as_bytes() {
        [b'\\', b'\\', ..] | [b'/', b'/', ..] => return Err(Wrong::NetworkPath),
        [b'/', ..] => return Err(Wrong::AbsolutePath),
        [letter, b':', ..] if letter.is_ascii_alphabetic() => return Err(Wrong::DriveLetter),
        _ => {}
    }
    if cell.contains('\\') {
        return Err(Wrong::Backslash);
    }
    // The first test is cheap and rules out nearly all cells.
    if cell.contains("..") && cell.split('/').any(|part| part == "..") {
        return Err(Wrong::ParentFolder);
    }
    Ok(cell)
}

/// Rule for `object_type`: exactly the word of an [`ObjectType`].
pub(super) fn object_type(cell: &str) -> Result<ObjectType, Wrong> {
    required(cell)?;
    cell.parse().map_err(|_| {
        if cell.trim().parse::<ObjectType>().is_ok() {
            Wrong::BlanksAround
        } else {
            Wrong::UnknownObjectType
        }
    })
}

/// Rule for `object_id` in a row of a known type: the form of the service's ids.
pub(super) fn object(kind: ObjectType, cell: &str) -> Result<ObjectRef, Wrong> {
    trimmed(cell)?;
    ObjectRef::parse(kind, cell).map_err(Wrong::BadObjectId)
}

/// Rule for `object_id` in a row of an unknown type. Only digits are checked further. Any other
/// text may be an id of either service; a mistake in the text can be reported once the type is
/// corrected.
pub(super) fn object_id(cell: &str) -> Result<(), Wrong> {
    trimmed(cell)?;
    if cell.bytes().all(|b| b.is_ascii_digit()) {
        object(ObjectType::Contract, cell)?;
    }
    Ok(())
}

fn trimmed(cell: &str) -> Result<(), Wrong> {
    required(cell)?;
    if cell.trim() != cell {
        return Err(Wrong::BlanksAround);
    }
    Ok(())
}

/// Rule for `external_id`: an [`ExternalId`] without invisible characters and without traces of a
/// spreadsheet.
pub(super) fn external_id(cell: &str) -> Result<&str, Wrong> {
    required(cell)?;
    ExternalId::check(cell).map_err(wrong_with_id)?;
    readable(cell)?;
    Ok(cell)
}

/// Same rule as [`external_id`], with an owned result.
pub(super) fn owned_external_id(cell: &str) -> Result<ExternalId, Wrong> {
    ExternalId::parse(external_id(cell)?).map_err(wrong_with_id)
}

/// Rule for `new_external_id` in a row with the id `present`, for a given service if the service is
/// known. The result is `None` for an empty cell and for the row's present id: neither requests a
/// new id.
pub(super) fn new_external_id<'c>(
    cell: &'c str,
    present: &str,
    service: Option<Service>,
) -> Result<Option<&'c str>, Wrong> {
    if cell.is_empty() {
        return Ok(None);
    }
    if service == Some(Service::Keelvar) {
        return Err(Wrong::NeverRenamed);
    }
    if cell == present {
        return Ok(None);
    }
    external_id(cell).map(Some)
}

/// Same rule as [`new_external_id`], with an owned result.
pub(super) fn owned_new_external_id(
    cell: &str,
    present: &str,
    service: Option<Service>,
) -> Result<Option<ExternalId>, Wrong> {
    let wished = new_external_id(cell, present, service)?;
    let parsed = wished.map(|id| ExternalId::parse(id).map_err(wrong_with_id));
    parsed.transpose()
}

fn wrong_with_id(bad: BadExternalId) -> Wrong {
    match bad {
        BadExternalId::Empty => Wrong::Empty,
        BadExternalId::TooLong => Wrong::TooLong,
        BadExternalId::ControlCharacter => Wrong::ControlCharacter,
        BadExternalId::BlanksAround => Wrong::BlanksAround,
        BadExternalId::DotSegment => Wrong::DotSegment,
    }
}

/// Rule for `title`: short and without line breaks. The cell may be empty.
pub(super) fn title(cell: &str) -> Result<Option<&str>, Wrong> {
    if cell.is_empty() {
        return Ok(None);
    }
    undamaged(cell)?;
    readable(cell)?;
    if cell.len() > MAX_TEXT && cell.chars().count() > MAX_TEXT {
        return Err(Wrong::TooLong);
    }
    Ok(Some(cell))
}

/// Rule for `file_name`: one name valid on every system. The cell may be empty.
pub(super) fn file_name(cell: &str) -> Result<Option<&str>, Wrong> {
    if cell.is_empty() {
        return Ok(None);
    }
    undamaged(cell)?;
    readable(cell)?;
    if cell.trim() != cell {
        return Err(Wrong::BlanksAround);
    }
    if cell.contains(['/', '\\']) {
        return Err(Wrong::Separator);
    }
    if matches!(cell, "." | "..") {
        return Err(Wrong::DotSegment);
    }
    if cell.len() > MAX_FILE_NAME {
        return Err(Wrong::TooLong);
    }
    Ok(Some(cell))
}

/// Rule for `sha256`: 64 hexadecimal digits. The cell may be empty.
pub(super) fn sha256(cell: &str) -> Result<Option<Sha256Digest>, Wrong> {
    if cell.is_empty() {
        return Ok(None);
    }
    undamaged(cell)?;
    cell.parse().map(Some).map_err(|_| {
        if cell.trim().parse::<Sha256Digest>().is_ok() {
            Wrong::BlanksAround
        } else {
            Wrong::BadSha256
        }
    })
}

fn required(cell: &str) -> Result<(), Wrong> {
    if cell.is_empty() {
        return Err(Wrong::Empty);
    }
    undamaged(cell)
}

/// Refuses characters that people cannot see and programs interpret.
fn readable(cell: &str) -> Result<(), Wrong> {
    // A loop without an early exit compares many bytes at once; nearly all cells are plain.
    let is_plain = |plain: bool, byte: u8| plain & (b' '..=b'~').contains(&byte);
    if cell.bytes().fold(true, is_plain) {
        return Ok(());
    }
    if cell.chars().any(char::is_control) {
        return Err(Wrong::ControlCharacter);
    }
    if cell.chars().any(is_bidi) {
        return Err(Wrong::BidiCharacter);
    }
    Ok(())
}

/// Refuses values put in place of the real value by a spreadsheet.
fn undamaged(cell: &str) -> Result<(), Wrong> {
    match cell.as_bytes() {
        [b'#', ..] if is_error_value(cell) => Err(Wrong::ErrorValue),
        [b'0'..=b'9' | b'-', ..] if is_scientific(cell) => Err(Wrong::Rewritten),
        _ => Ok(()),
    }
}

/// Recognises `#N/A`, `#REF!`, `#NAME?`, their translations (`#NV`, `#BEZUG!`), and the `########`
/// of a column too narrow for its numbers.
fn is_error_value(cell: &str) -> bool {
    if matches!(cell, "#N/A" | "#NV" | "#N/D" | "#GETTING_DATA") {
        return true;
    }
    let word = &cell[1..];
    if let Some(word) = word.strip_suffix(['!', '?']) {
        let is_of_one = |c: char| c.is_uppercase() || c.is_ascii_digit() || "/_".contains(c);
        return !word.is_empty() && word.chars().all(is_of_one);
    }
    word.len() >= 2 && word.bytes().all(|b| b == b'#')
}

/// Recognises `1.00E+15` and `1,5E-07`. The sign of the exponent is required: an id such as `1E5`
/// has none.
fn is_scientific(cell: &str) -> bool {
    let number = cell.strip_prefix('-').unwrap_or(cell);
    let Some((mantissa, exponent)) = number.split_once(['E', 'e']) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']);
    whole.len() == 1 && is_digits(whole) && is_digits(fraction) && exponent.is_some_and(is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BadObjectId::{NilUuid, NoNumber, NoUuid};

    fn expect<'c, T>(
        rule: impl Fn(&'c str) -> Result<T, Wrong>,
        cases: &[(&'c str, Option<Wrong>)],
    ) {
        for (cell, wrong) in cases {
            assert_eq!(rule(cell).err(), *wrong, "{cell:?}");
        }
    }

    #[test]
    fn what_a_spreadsheet_did_to_a_cell_is_recognised() {
        for damaged in ["1.00E+15", "1E+15", "1,5E-07", "-2.5e+10"] {
            assert_eq!(undamaged(damaged), Err(Wrong::Rewritten), "{damaged}");
        }
        for damaged in [
            "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#BEZUG!", "#NV",
            "#####",
        ] {
            assert_eq!(undamaged(damaged), Err(Wrong::ErrorValue), "{damaged}");
        }
        for fine in [
            "1E5", "#1", "#tag", "##", "12E+3", "E+5", "1.5", "#", "A1E+5", "#Ref!",
        ] {
            assert_eq!(undamaged(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn a_damaged_cell_is_an_error_in_every_column_that_is_used() {
        expect(file_path, &[("#REF!", Some(Wrong::ErrorValue))]);
        expect(object_type, &[("#N/A", Some(Wrong::ErrorValue))]);
        expect(object_id, &[("1.00E+15", Some(Wrong::Rewritten))]);
        expect(external_id, &[("1.00E+15", Some(Wrong::Rewritten))]);
        expect(title, &[("#NAME?", Some(Wrong::ErrorValue))]);
        expect(file_name, &[("#VALUE!", Some(Wrong::ErrorValue))]);
        expect(sha256, &[("1.2E+63", Some(Wrong::Rewritten))]);
    }

    #[test]
    fn a_file_path_stays_below_the_root() {
        expect(
            file_path,
            &[
                ("Verträge/a b.pdf", None),
                ("./a..b/c.pdf", None),
                ("", Some(Wrong::Empty)),
                ("/etc/passwd", Some(Wrong::AbsolutePath)),
                ("../a.pdf", Some(Wrong::ParentFolder)),
                ("a/../b.pdf", Some(Wrong::ParentFolder)),
                ("\\\\server\\share\\a.pdf", Some(Wrong::NetworkPath)),
                ("//server/share/a.pdf", Some(Wrong::NetworkPath)),
                ("C:\\a.pdf", Some(Wrong::DriveLetter)),
                ("c:/a.pdf", Some(Wrong::DriveLetter)),
                ("folder\\a.pdf", Some(Wrong::Backslash)),
                ("a\nb.pdf", Some(Wrong::ControlCharacter)),
                ("a\u{202e}fdp.exe", Some(Wrong::BidiCharacter)),
                ("a\u{2066}b", Some(Wrong::BidiCharacter)),
                ("a\u{200f}b", Some(Wrong::BidiCharacter)),
            ],
        );
    }

    #[test]
    fn an_object_type_is_one_of_the_exact_words() {
        expect(
            object_type,
            &[
                ("contract", None),
                ("supplier_company", None),
                ("", Some(Wrong::Empty)),
                (" contract", Some(Wrong::BlanksAround)),
                ("Contract", Some(Wrong::UnknownObjectType)),
                ("invoice", Some(Wrong::UnknownObjectType)),
            ],
        );
    }

    #[test]
    fn an_object_id_in_workday_is_a_positive_number_in_plain_digits() {
        expect(
            |cell| object(ObjectType::Contract, cell),
            &[
                ("1", None),
                ("18446744073709551615", None),
                ("", Some(Wrong::Empty)),
                ("0", Some(Wrong::BadObjectId(NoNumber))),
                ("007", Some(Wrong::BadObjectId(NoNumber))),
                ("+7", Some(Wrong::BadObjectId(NoNumber))),
                ("-7", Some(Wrong::BadObjectId(NoNumber))),
                ("7.0", Some(Wrong::BadObjectId(NoNumber))),
                ("1,000", Some(Wrong::BadObjectId(NoNumber))),
                ("١", Some(Wrong::BadObjectId(NoNumber))),
                ("18446744073709551616", Some(Wrong::BadObjectId(NoNumber))),
                ("7 ", Some(Wrong::BlanksAround)),
            ],
        );
    }

    #[test]
    fn an_object_id_in_keelvar_is_a_uuid() {
        expect(
            |cell| object(ObjectType::SourcingEvent, cell),
            &[
                ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", None),
                ("3F2504E0-4F89-41D3-9A0C-0305E82C3301", None),
                ("", Some(Wrong::Empty)),
                ("7", Some(Wrong::BadObjectId(NoUuid))),
                ("1.00E+15", Some(Wrong::Rewritten)),
                (
                    "00000000-0000-0000-0000-000000000000",
                    Some(Wrong::BadObjectId(NilUuid)),
                ),
                (
                    " 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                    Some(Wrong::BlanksAround),
                ),
            ],
        );
    }

    #[test]
    fn an_object_id_of_an_unknown_type_is_something_at_least() {
        expect(
            object_id,
            &[
                ("7", None),
                ("anything", None),
                ("", Some(Wrong::Empty)),
                ("007", Some(Wrong::BadObjectId(NoNumber))),
                ("#REF!", Some(Wrong::ErrorValue)),
                ("7 ", Some(Wrong::BlanksAround)),
            ],
        );
    }

    #[test]
    fn an_external_id_can_be_addressed_and_read() {
        let too_long = "x".repeat(256);
        expect(
            external_id,
            &[
                ("CTR$1/a b", None),
                ("", Some(Wrong::Empty)),
                ("..", Some(Wrong::DotSegment)),
                (" a", Some(Wrong::BlanksAround)),
                ("a\tb", Some(Wrong::ControlCharacter)),
                ("a\u{202e}b", Some(Wrong::BidiCharacter)),
                (&too_long, Some(Wrong::TooLong)),
            ],
        );
    }

    #[test]
    fn a_new_external_id_is_fit_to_be_one_and_may_be_left_out() {
        let wished = |cell| new_external_id(cell, "#N/A", Some(Service::Workday));
        let too_long = "x".repeat(256);
        expect(
            wished,
            &[
                ("", None),
                ("EU-1", None),
                // The mistake in the id belongs to the column `external_id`.
                ("#N/A", None),
                ("#REF!", Some(Wrong::ErrorValue)),
                ("1.00E+15", Some(Wrong::Rewritten)),
                (" ", Some(Wrong::BlanksAround)),
                ("a ", Some(Wrong::BlanksAround)),
                (".", Some(Wrong::DotSegment)),
                ("a\nb", Some(Wrong::ControlCharacter)),
                ("a\u{202e}b", Some(Wrong::BidiCharacter)),
                (&too_long, Some(Wrong::TooLong)),
            ],
        );
        assert_eq!(wished("#N/A"), Ok(None));
        assert_eq!(wished("EU-1"), Ok(Some("EU-1")));
    }

    #[test]
    fn nothing_is_renamed_in_keelvar() {
        let wished = |cell| new_external_id(cell, "A", Some(Service::Keelvar));
        assert_eq!(wished(""), Ok(None));
        assert_eq!(wished("A"), Err(Wrong::NeverRenamed));
        assert_eq!(wished("B"), Err(Wrong::NeverRenamed));
        // The service may still be unknown.
        assert_eq!(new_external_id("B", "A", None), Ok(Some("B")));
    }

    #[test]
    fn a_title_is_short_and_of_one_line() {
        let longest = "ä".repeat(255);
        let too_long = "ä".repeat(256);
        expect(
            title,
            &[
                ("", None),
                (&longest, None),
                (&too_long, Some(Wrong::TooLong)),
                ("two\nlines", Some(Wrong::ControlCharacter)),
            ],
        );
    }

    #[test]
    fn a_file_name_is_one_name_and_no_path() {
        let too_long = "ä".repeat(128);
        expect(
            file_name,
            &[
                ("", None),
                ("Vertrag.pdf", None),
                (" ", Some(Wrong::BlanksAround)),
                ("a/b.pdf", Some(Wrong::Separator)),
                ("a\\b.pdf", Some(Wrong::Separator)),
                ("..", Some(Wrong::DotSegment)),
                ("a\u{0}b", Some(Wrong::ControlCharacter)),
                ("a\u{200e}b", Some(Wrong::BidiCharacter)),
                (&too_long, Some(Wrong::TooLong)),
            ],
        );
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let good = "aB".repeat(32);
        let padded = format!("{good} ");
        expect(
            sha256,
            &[
                ("", None),
                (&good, None),
                (&padded, Some(Wrong::BlanksAround)),
                ("abc", Some(Wrong::BadSha256)),
            ],
        );
    }
}
