//! Search for rows with equal values among all rows of a manifest.
//!
//! Only a hash of each value is kept. Where hashes are equal, the values are read from the manifest
//! again and compared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// Hashes of the values of a column, collected while the rows are scanned.
#[derive(Default)]
pub(crate) struct RowValueHashes {
    hasher: RandomState,
    /// Hash of the value and number of the row.
    hashes_and_rows: Vec<(u64, u32)>,
}

impl RowValueHashes {
    /// Adds the value of a row.
    pub(crate) fn add(&mut self, row: u32, value: impl Hash) {
        self.hashes_and_rows
            .push((self.hasher.hash_one(value), row));
    }

    /// Returns the groups of two or more rows with equal hashes. The rows of a group are in the
    /// order of the manifest.
    pub(crate) fn groups_of_equal_hashes(
        &mut self,
    ) -> impl Iterator<Item = impl Iterator<Item = u32>> {
        self.hashes_and_rows.sort_unstable();
        self.hashes_and_rows
            .chunk_by(|one, other| one.0 == other.0)
            .filter(|group| group.len() > 1)
            .map(|group| group.iter().map(|(_, row)| *row))
    }

    /// Creates an empty set with the same hasher, whose hashes can be compared with this set.
    pub(super) fn new_comparable(&self) -> Self {
        Self {
            hasher: self.hasher.clone(),
            hashes_and_rows: Vec::new(),
        }
    }

    /// Returns each group of rows with equal hashes, together with the rows of `others` with the
    /// same hash. Groups without a match in `others` are left out.
    ///
    /// One of the two sets must have been created by [`Self::new_comparable`] of the other.
    pub(super) fn groups_in_both<'h>(
        &'h mut self,
        others: &'h mut Self,
    ) -> impl Iterator<Item = (Vec<u32>, Vec<u32>)> {
        let numbers = |group: &[(u64, u32)]| group.iter().map(|(_, row)| *row).collect();
        self.hashes_and_rows.sort_unstable();
        if !self.hashes_and_rows.is_empty() {
            others.hashes_and_rows.sort_unstable();
        }
        let groups = self.hashes_and_rows.chunk_by(|one, other| one.0 == other.0);
        groups.filter_map(move |group| {
            let hash = group[0].0;
            let first = others
                .hashes_and_rows
                .partition_point(|(theirs, _)| *theirs < hash);
            let after = &others.hashes_and_rows[first..];
            let met = &after[..after.partition_point(|(theirs, _)| *theirs == hash)];
            (!met.is_empty()).then(|| (numbers(group), numbers(met)))
        })
    }

    /// Returns the numbers of all rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        self.hashes_and_rows.iter().map(|(_, row)| *row)
    }
}

/// Distinct values, each with its first row.
#[derive(Default)]
pub(crate) struct FirstRowsByValue(HashMap<String, FirstRowOfValue>);

/// First row with a value.
#[derive(Clone, Copy)]
pub(crate) struct FirstRowOfValue {
    row: u32,
    /// `true` if a second row had the value, so that this row has been reported.
    reported: bool,
}

impl FirstRowsByValue {
    /// Returns the first row with the value. For a new value, records `row` as first row and
    /// returns `None`.
    pub(crate) fn find_or_insert(
        &mut self,
        value: Cow<'_, str>,
        row: u32,
    ) -> Option<FirstRowOfValue> {
        if let Some(first) = self.0.get_mut(value.as_ref()) {
            let before = *first;
            first.reported = true;
            return Some(before);
        }
        let reported = false;
        self.0
            .insert(value.into_owned(), FirstRowOfValue { row, reported });
        None
    }
}

impl FirstRowOfValue {
    /// Reports a row with the same value as this first row. Each row is reported together with one
    /// other row: the first row with the second, any other row with the first.
    pub(crate) fn report_pair(self, row: u32, mut report: impl FnMut(u32, u32)) {
        if !self.reported {
            report(self.row, row);
        }
        report(row, self.row);
    }
}
