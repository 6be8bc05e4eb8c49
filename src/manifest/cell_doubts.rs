//! Doubtful cells: valid by the rule of their column, and yet probably not what the user meant.
//!
//! A doubt about an id depends on the user's policy, which the rules of cells do not know.

use super::cell_rules;
use super::row::to_u32;
use super::{Column, RawRow, RowFinding, SimilarIdPolicy};
use crate::manifest::problem::{HiddenCharacterPlace, ProblemKind, TextDamage};
use crate::text::{has_unseen_character, hidden_form, undo_mojibake};

/// Reports all doubtful cells of a row. A misshapen row, and a cell that its rule refuses, have no
/// further problems.
pub(super) fn for_each_doubt(
    row: &RawRow<'_>,
    similar: SimilarIdPolicy,
    mut found: impl FnMut(RowFinding),
) {
    // Nearly all rows end here: no doubt is about plain ASCII.
    if row.cells.iter().all(|cell| cell.is_ascii()) || row.check_shape().is_err() {
        return;
    }
    let place = match similar {
        SimilarIdPolicy::Refuse => HiddenCharacterPlace::RefusedId,
        SimilarIdPolicy::Allow => HiddenCharacterPlace::AcceptedId,
    };
    let ids = [
        (Column::ObjectExternalId, row.object_external_id()),
        (Column::ExternalId, row.external_id()),
        (
            Column::NewExternalId,
            row.requested_new_id().unwrap_or_default(),
        ),
    ];
    for (column, id) in ids {
        if has_hidden_character(id) && is_valid_id(column, id) {
            found(doubt(column, ProblemKind::HiddenCharacter(place)));
        }
    }
    warn_of_mojibake(row, &mut found);
    report_damage_in_carried_cells(row, &mut found);
    let name = row.cell(Column::FileName);
    if !name.is_ascii() && has_unseen_character(name) && cell_rules::file_name(name).is_ok() {
        let kind = ProblemKind::HiddenCharacter(HiddenCharacterPlace::FileName);
        found(doubt(Column::FileName, kind));
    }
}

fn has_hidden_character(id: &str) -> bool {
    !id.is_ascii() && id.chars().any(|c| hidden_form(c).is_some())
}

fn is_valid_id(column: Column, id: &str) -> bool {
    match column {
        Column::ObjectExternalId => cell_rules::object_external_id(id).is_ok(),
        _ => cell_rules::external_id(id).is_ok(),
    }
}

/// Warns of mojibake in ids, titles and file names.
fn warn_of_mojibake(row: &RawRow<'_>, found: &mut impl FnMut(RowFinding)) {
    let columns = [
        Column::ObjectExternalId,
        Column::ExternalId,
        Column::Title,
        Column::FileName,
        Column::NewExternalId,
    ];
    for column in columns {
        if undo_mojibake(row.cell(column)).is_some() {
            found(doubt(
                column,
                ProblemKind::DamagedText(TextDamage::Mojibake),
            ));
        }
    }
}

/// Reports damaged cells in the columns of the user's own, which have no rule.
fn report_damage_in_carried_cells(row: &RawRow<'_>, found: &mut impl FnMut(RowFinding)) {
    for position in row.unknown_column_indices() {
        let cell = row.cell_at(position);
        let damage = if cell.contains(char::REPLACEMENT_CHARACTER) {
            TextDamage::ReplacementCharacter
        } else if undo_mojibake(cell).is_some() {
            TextDamage::Mojibake
        } else {
            continue;
        };
        found(RowFinding {
            column: None,
            kind: ProblemKind::DamagedCarriedText {
                damage,
                position: to_u32(position),
            },
        });
    }
}

fn doubt(column: Column, kind: ProblemKind) -> RowFinding {
    RowFinding {
        column: Some(column),
        kind,
    }
}
