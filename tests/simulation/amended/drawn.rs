//! What is drawn of a story: what the user wants, and what others have done before.

use consign::model::{Content, ExternalId};
use consign::plan::{OnConflict, Titles, Wishes};
use fastrand::Rng;

use crate::files::{ROWS, strange, version};
use crate::rows::{TheRow, contract};
use crate::scene::{Asked, Backups};

/// What others have under a row's names; of a record without bytes there is no content.
#[derive(Debug, Default)]
pub(super) struct Theirs {
    pub(super) under_the_old: Option<Option<Content>>,
    pub(super) under_the_new: Option<Option<Content>>,
}

/// What the user asks for.
pub(super) fn draw_asked(random: &mut Rng) -> Asked {
    let wishes = Wishes {
        on_conflict: match random.u8(0..6) {
            0 => OnConflict::Fail,
            1 => OnConflict::Skip,
            _ => OnConflict::Replace,
        },
        titles: match random.bool() {
            true => Titles::Update,
            false => Titles::Leave,
        },
    };
    let is_kept = wishes.on_conflict == OnConflict::Replace && random.u8(0..4) > 0;
    Asked {
        wishes,
        backups: match is_kept {
            true => Backups::AreMade,
            false => Backups::AreNot,
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
        let new = match random.u8(0..4) {
            0 => Some(format!("N{number}")),
            // The name of the next row, which has to give it up before.
            1 => Some(format!("A{}", number + 1)),
            _ => None,
        };
        row.row.new_external_id = new.map(|new| ExternalId::parse(&new).unwrap());
        row
    });
    let mut rows: Vec<TheRow> = rows.collect();
    // Nobody may take a name that its row keeps.
    for index in (0..rows.len()).rev() {
        let new = rows[index].row.new_external_id.clone();
        let holder = rows
            .iter()
            .find(|row| Some(&row.row.external_id) == new.as_ref());
        if holder.is_some_and(|holder| holder.row.new_external_id.is_none()) {
            rows[index].row.new_external_id = None;
        }
    }
    rows
}

/// What others have done before.
pub(super) fn draw_theirs(random: &mut Rng, row: &TheRow, rows: &[TheRow]) -> Theirs {
    let number = row.row.number;
    let mut content = || match random.u8(0..12) {
        0 => Some(None),
        1 => Some(Some(strange(0))),
        2 | 3 => Some(Some(strange(1))),
        4 => Some(Some(version(number, 0))),
        _ => None,
    };
    let (old, new) = (content(), content());
    let new_id = row.row.new_external_id.as_ref();
    let is_free = |id: &ExternalId| rows.iter().all(|row| row.row.external_id != *id);
    Theirs {
        under_the_old: old,
        // One row's file is not hung up twice.
        under_the_new: new
            .filter(|_| new_id.is_some_and(is_free))
            .filter(|new| old.is_none() || *new != Some(version(number, 0))),
    }
}
