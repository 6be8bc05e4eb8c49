//! Draws of a story with changes: the rows, the options of the user, and the attachments of others.

use consign::model::{Content, ExternalId};
use consign::plan::{OnConflict, Titles, Wishes};
use fastrand::Rng;

use crate::files::{ROWS, strange, version};
use crate::rows::{TheRow, contract};
use crate::scene::{Asked, Backups};

/// Attachments of others under both names of a row.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) under_the_old: Their,
    pub(super) under_the_new: Their,
}

/// Attachment of others under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Their {
    Nothing,
    /// Record whose bytes never arrive.
    Record,
    /// Attachment with the given content.
    Attachment(Content),
}

/// Draws the options of the user.
pub(super) fn draw_asked(random: &mut Rng) -> Asked {
    let wishes = Wishes {
        on_conflict: match random.u8(0..6) {
            0 => OnConflict::Fail,
            1 => OnConflict::Skip,
            _ => OnConflict::Replace,
        },
        titles: random
            .choice([Titles::Update, Titles::Leave])
            .unwrap_or_default(),
    };
    let is_kept = wishes.on_conflict == OnConflict::Replace && random.u8(0..4) > 0;
    Asked {
        wishes,
        backups: if is_kept {
            Backups::AreMade
        } else {
            Backups::AreNot
        },
    }
}

/// Draws the rows, with their wanted titles and new names.
pub(super) fn draw_rows(random: &mut Rng) -> Vec<TheRow> {
    let count = random.usize(1..=ROWS);
    let rows = (1..=count).map(|number| {
        let mut row = TheRow::new(number, contract(7));
        row.content = version(number, 0);
        row.row.title = random.bool().then(|| format!("Title {number}"));
        if random.bool() {
            let new = format!("N{number}");
            row.row.new_external_id = Some(ExternalId::parse(&new).unwrap());
        }
        row
    });
    rows.collect()
}

/// Draws the attachments that others have made before.
pub(super) fn draw_theirs(random: &mut Rng, row: &TheRow) -> Theirs {
    let number = row.row.number;
    let of_row = Their::Attachment(version(number, 0));
    let mut their = || match random.u8(0..12) {
        0 => Their::Record,
        1 => Their::Attachment(strange(0)),
        2 | 3 => Their::Attachment(strange(1)),
        4 => of_row,
        _ => Their::Nothing,
    };
    let (old, new) = (their(), their());
    // The file of a row is not attached twice.
    let is_once = old == Their::Nothing || new != of_row;
    let is_there = row.row.new_external_id.is_some() && is_once;
    Theirs {
        under_the_old: old,
        under_the_new: if is_there { new } else { Their::Nothing },
    }
}
