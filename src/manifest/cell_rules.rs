//! Rules for the cells of each column: the valid values, and the exact mistake in any other value.
//!
//! A rule looks at no other row and at no file.

use super::path_prefix::PathPrefix;
use super::sought_path::SoughtPath;
use crate::manifest::problem::{HiddenCharacterPlace, LengthLimit, ProblemKind, TextDamage};
use crate::model::{
    ExternalId, InvalidExternalId, InvalidObjectExternalId, ObjectExternalId, ObjectRef,
    ObjectType, ProcurementService, Sha256Digest,
};
use crate::text::{hidden_form, is_bidi};

/// Rule for `file_path`: a path that stays below the root once a prefix is taken off, with `/` or `\`
/// between its parts.
pub(super) fn file_path<'c>(
    cell: &'c str,
    prefix: Option<&PathPrefix>,
) -> Result<SoughtPath<'c>, ProblemKind> {
    require_value(cell)?;
    refuse_invisible_characters(cell)?;
    let rest = prefix.and_then(|prefix| prefix.strip(cell));
    SoughtPath::parse(rest.unwrap_or(cell))
}

/// Rule for `object_type`: exactly the word of an [`ObjectType`].
pub(super) fn object_type(cell: &str) -> Result<ObjectType, ProblemKind> {
    require_value(cell)?;
    cell.parse().map_err(|_| {
        if let Err(hidden) = refuse_hidden_characters(cell) {
            hidden
        } else if cell.trim().parse::<ObjectType>().is_ok() {
            ProblemKind::BlanksAround
        } else {
            ProblemKind::UnknownObjectType
        }
    })
}

/// Rule for `object_id` in a row of a known type: the form of the service's ids.
pub(super) fn object_ref(kind: ObjectType, cell: &str) -> Result<ObjectRef, ProblemKind> {
    require_trimmed(cell)?;
    ObjectRef::parse(kind, cell).map_err(ProblemKind::InvalidObjectId)
}

/// Rule for `object_id` in a row of an unknown type. Only digits are checked further. Any other
/// text may be an id of either service; a mistake in the text can be reported once the type is
/// corrected.
pub(super) fn object_id(cell: &str) -> Result<(), ProblemKind> {
    require_trimmed(cell)?;
    if cell.bytes().all(|b| b.is_ascii_digit()) {
        object_ref(ObjectType::Contract, cell)?;
    }
    Ok(())
}

/// Rule for `object_external_id`: an [`ObjectExternalId`] without invisible characters and without
/// traces of a spreadsheet.
pub(super) fn object_external_id(cell: &str) -> Result<ObjectExternalId, ProblemKind> {
    require_value(cell)?;
    let id = ObjectExternalId::parse(cell).map_err(|bad| match bad {
        InvalidObjectExternalId::Empty => ProblemKind::EmptyCell,
        InvalidObjectExternalId::TooLong { .. } => {
            ProblemKind::TooLong(LengthLimit::ObjectExternalId)
        }
        InvalidObjectExternalId::ControlCharacter => ProblemKind::ControlCharacter,
        InvalidObjectExternalId::BlanksAround => ProblemKind::BlanksAround,
    })?;
    refuse_invisible_characters(cell)?;
    Ok(id)
}

fn require_trimmed(cell: &str) -> Result<(), ProblemKind> {
    require_value(cell)?;
    refuse_hidden_characters(cell)?;
    if cell.trim() != cell {
        return Err(ProblemKind::BlanksAround);
    }
    Ok(())
}

/// Rule for `external_id`: an [`ExternalId`] without invisible characters and without traces of a
/// spreadsheet.
pub(super) fn external_id(cell: &str) -> Result<&str, ProblemKind> {
    require_value(cell)?;
    ExternalId::check(cell).map_err(external_id_problem)?;
    refuse_invisible_characters(cell)?;
    Ok(cell)
}

/// Same rule as [`external_id`], with an owned result.
pub(super) fn owned_external_id(cell: &str) -> Result<ExternalId, ProblemKind> {
    ExternalId::parse(external_id(cell)?).map_err(external_id_problem)
}

/// Rule for `new_external_id` in a row with the id `present`, for a given service if the service is
/// known. The result is `None` for an empty cell and for the row's present id: neither requests a
/// new id.
pub(super) fn new_external_id<'c>(
    cell: &'c str,
    present: &str,
    service: Option<ProcurementService>,
) -> Result<Option<&'c str>, ProblemKind> {
    if cell.is_empty() {
        return Ok(None);
    }
    if service == Some(ProcurementService::Keelvar) {
        return Err(ProblemKind::RenamingUnsupported);
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
    service: Option<ProcurementService>,
) -> Result<Option<ExternalId>, ProblemKind> {
    let wished = new_external_id(cell, present, service)?;
    let parsed = wished.map(|id| ExternalId::parse(id).map_err(external_id_problem));
    parsed.transpose()
}

fn external_id_problem(bad: InvalidExternalId) -> ProblemKind {
    match bad {
        InvalidExternalId::Empty => ProblemKind::EmptyCell,
        InvalidExternalId::TooLong { .. } => ProblemKind::TooLong(LengthLimit::ExternalId),
        InvalidExternalId::ControlCharacter => ProblemKind::ControlCharacter,
        InvalidExternalId::BlanksAround => ProblemKind::BlanksAround,
        InvalidExternalId::DotSegment => ProblemKind::DotSegment,
    }
}

/// Rule for `title`: short and without line breaks. The cell may be empty.
pub(super) fn title(cell: &str) -> Result<Option<&str>, ProblemKind> {
    if cell.is_empty() {
        return Ok(None);
    }
    refuse_spreadsheet_damage(cell)?;
    refuse_invisible_characters(cell)?;
    LengthLimit::Title.check(cell)?;
    Ok(Some(cell))
}

/// Rule for `file_name`: one name valid on every system. The cell may be empty.
pub(super) fn file_name(cell: &str) -> Result<Option<&str>, ProblemKind> {
    if cell.is_empty() {
        return Ok(None);
    }
    refuse_spreadsheet_damage(cell)?;
    refuse_invisible_characters(cell)?;
    if cell.trim() != cell {
        return Err(ProblemKind::BlanksAround);
    }
    if cell.contains(['/', '\\']) {
        return Err(ProblemKind::SeparatorInFileName);
    }
    if matches!(cell, "." | "..") {
        return Err(ProblemKind::DotSegment);
    }
    LengthLimit::FileName.check(cell)?;
    Ok(Some(cell))
}

/// Rule for `sha256`: 64 hexadecimal digits. The cell may be empty.
pub(super) fn sha256(cell: &str) -> Result<Option<Sha256Digest>, ProblemKind> {
    if cell.is_empty() {
        return Ok(None);
    }
    refuse_spreadsheet_damage(cell)?;
    cell.parse().map(Some).map_err(|_| {
        if let Err(hidden) = refuse_hidden_characters(cell) {
            hidden
        } else if cell.trim().parse::<Sha256Digest>().is_ok() {
            ProblemKind::BlanksAround
        } else {
            ProblemKind::InvalidSha256
        }
    })
}

fn require_value(cell: &str) -> Result<(), ProblemKind> {
    if cell.is_empty() {
        return Err(ProblemKind::EmptyCell);
    }
    refuse_spreadsheet_damage(cell)
}

/// Refuses characters that people cannot see and programs interpret, and the character that stands
/// for a lost one.
fn refuse_invisible_characters(cell: &str) -> Result<(), ProblemKind> {
    if is_plain(cell) {
        return Ok(());
    }
    if cell.chars().any(char::is_control) {
        return Err(ProblemKind::ControlCharacter);
    }
    if cell.chars().any(is_bidi) {
        return Err(ProblemKind::BidiCharacter);
    }
    if cell.contains(char::REPLACEMENT_CHARACTER) {
        return Err(ProblemKind::DamagedText(TextDamage::ReplacementCharacter));
    }
    Ok(())
}

/// Returns `true` if the cell has characters of plain ASCII alone.
fn is_plain(cell: &str) -> bool {
    // A loop without an early exit compares many bytes at once; nearly all cells are plain.
    let is_plain = |plain: bool, byte: u8| plain & (b' '..=b'~').contains(&byte);
    cell.bytes().fold(true, is_plain)
}

/// Refuses characters that a reader cannot recognise, in a key of a fixed form.
fn refuse_hidden_characters(cell: &str) -> Result<(), ProblemKind> {
    refuse_invisible_characters(cell)?;
    if cell.chars().any(|c| hidden_form(c).is_some()) {
        return Err(ProblemKind::HiddenCharacter(HiddenCharacterPlace::FixedKey));
    }
    Ok(())
}

/// Refuses values put in place of the real value by a spreadsheet.
fn refuse_spreadsheet_damage(cell: &str) -> Result<(), ProblemKind> {
    match cell.as_bytes() {
        [b'#', ..] if is_error_value(cell) => Err(ProblemKind::ErrorValue),
        [b'0'..=b'9' | b'-', ..] if is_scientific_notation(cell) => {
            Err(ProblemKind::RewrittenNumber)
        }
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
fn is_scientific_notation(cell: &str) -> bool {
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
mod tests;
