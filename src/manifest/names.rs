//! What only all rows of Keelvar together show: files that would hang under one name on one record.

use std::borrow::Cow;

use super::alike::{FirstRows, Hashes};
use super::{Column, Manifest, RawRow};
use crate::manifest::problem::{Problem, Problems, Wrong};
use crate::text::fold;

/// What is kept of the names while the rows go by.
#[derive(Default)]
pub(super) struct Names(Hashes);

impl Names {
    /// Takes the name of a row's file, if both the name and the record are fit to be sent.
    pub(super) fn take(&mut self, row: &RawRow<'_>) {
        if let Some(key) = key_of(row) {
            self.0.take(row.number, key);
        }
    }

    /// Warns of the rows that share a name and a record.
    pub(super) fn report(mut self, manifest: &Manifest, problems: &mut Problems) {
        for rows in self.0.groups() {
            let mut met = FirstRows::default();
            for row in rows {
                let Some(key) = key_of(&manifest.row_numbered(row)) else {
                    continue;
                };
                if let Some(first) = met.before(Cow::Owned(key), row) {
                    first.report(row, |row, other| {
                        problems.push(same_name(manifest, row, other));
                    });
                }
            }
        }
    }
}

/// The record and the name as people tell names apart. No id has a blank in it.
fn key_of(row: &RawRow<'_>) -> Option<String> {
    let (object, name) = row.destined_for()?;
    Some(format!("{object} {}", fold(name)))
}

/// Named where it comes from: the row's own name for the file, or else the file's.
fn same_name(manifest: &Manifest, row: u32, other: u32) -> Problem {
    let has_its_own = !manifest.row_numbered(row).cell(Column::FileName).is_empty();
    Problem {
        row,
        column: Some(if has_its_own {
            Column::FileName
        } else {
            Column::FilePath
        }),
        wrong: Wrong::SameName { other },
    }
}
