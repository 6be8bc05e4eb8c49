//! Draws of a story with changes: the rows, the options of the user, and the attachments of others.

use consign::model::{CheckedContent, ExternalId, LookUpMode};
use consign::plan::{ConflictPolicy, TitlePolicy, UpdatePolicy};
use fastrand::Rng;

use crate::row_files::{MAX_ROWS, others_content, version_of_row};
use crate::rows::{SimulatedRow, contract_with_id};
use crate::scene::{BackupChoice, RunOptions};

/// Attachments of others under both names of a row.
#[derive(Debug)]
pub(super) struct OthersNames {
    pub(super) old_name: AttachmentOfOthers,
    pub(super) new_name: AttachmentOfOthers,
}

/// Attachment of others under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttachmentOfOthers {
    Nothing,
    /// Record whose bytes never arrive.
    Record,
    /// Attachment with the given content.
    Attachment(CheckedContent),
}

/// Draws the options of the user.
pub(super) fn draw_options(random: &mut Rng) -> RunOptions {
    let wishes = UpdatePolicy {
        on_conflict: match random.u8(0..6) {
            0 => ConflictPolicy::Fail,
            1 => ConflictPolicy::Skip,
            _ => ConflictPolicy::Replace,
        },
        title_policy: random
            .choice([TitlePolicy::Update, TitlePolicy::Leave])
            .unwrap_or_default(),
    };
    let is_kept = wishes.on_conflict == ConflictPolicy::Replace && random.u8(0..4) > 0;
    RunOptions {
        policy: wishes,
        backups: if is_kept {
            BackupChoice::Made
        } else {
            BackupChoice::NotMade
        },
        look_ups: LookUpMode::Each,
    }
}

/// Draws the rows, with their wanted titles and new names.
pub(super) fn draw_rows(random: &mut Rng) -> Vec<SimulatedRow> {
    let count = random.usize(1..=MAX_ROWS);
    let rows = (1..=count).map(|number| {
        let mut row = SimulatedRow::new(number, contract_with_id(7));
        row.content = version_of_row(number, 0);
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
pub(super) fn draw_others_names(random: &mut Rng, row: &SimulatedRow) -> OthersNames {
    let number = row.row.number;
    let of_row = AttachmentOfOthers::Attachment(version_of_row(number, 0));
    let mut their = || match random.u8(0..12) {
        0 => AttachmentOfOthers::Record,
        1 => AttachmentOfOthers::Attachment(others_content(0)),
        2 | 3 => AttachmentOfOthers::Attachment(others_content(1)),
        4 => of_row,
        _ => AttachmentOfOthers::Nothing,
    };
    let (old, new) = (their(), their());
    // The file of a row is not attached twice.
    let is_once = old == AttachmentOfOthers::Nothing || new != of_row;
    let is_there = row.row.new_external_id.is_some() && is_once;
    OthersNames {
        old_name: old,
        new_name: if is_there {
            new
        } else {
            AttachmentOfOthers::Nothing
        },
    }
}
