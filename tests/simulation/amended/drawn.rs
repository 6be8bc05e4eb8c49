//! What is drawn of a story: what the user wants, and what others have done before.

use consign::model::{Content, ExternalId};
use consign::plan::{OnConflict, Titles, Wishes};
use fastrand::Rng;

use crate::files::{ROWS, strange, version};
use crate::rows::{TheRow, contract};
use crate::scene::{Asked, Backups};

/// What others have under a row's names.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) under_the_old: Their,
    pub(super) under_the_new: Their,
}

/// What others have under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Their {
    Nothing,
    /// A record whose bytes never come.
    Record,
    /// An attachment that holds this.
    Attachment(Content),
}

/// What the user asks for.
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

/// The rows, with the titles and the new names that they are to get.
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

/// What others have done before.
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
    // One row's file is not hung up twice.
    let is_once = old == Their::Nothing || new != of_row;
    let is_there = row.row.new_external_id.is_some() && is_once;
    Theirs {
        under_the_old: old,
        under_the_new: if is_there { new } else { Their::Nothing },
    }
}
