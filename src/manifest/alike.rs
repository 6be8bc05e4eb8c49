//! Rows that are alike in something, found among all of them.
//!
//! Of each row a hash is kept, not the value: the values are compared where hashes are equal, and
//! read from the manifest again for that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

/// What is kept of the rows while they go by.
#[derive(Default)]
pub(super) struct Hashes {
    hasher: RandomState,
    /// The hash of the value, and the row's number.
    of_rows: Vec<(u64, u32)>,
}

impl Hashes {
    /// Takes the value of a row.
    pub(super) fn take(&mut self, row: u32, value: impl Hash) {
        self.of_rows.push((self.hasher.hash_one(value), row));
    }

    /// The rows, each with those whose hashes are equal, in the order of the manifest. Rows that are
    /// alone with theirs are left out.
    pub(super) fn groups(&mut self) -> impl Iterator<Item = impl Iterator<Item = u32>> {
        self.of_rows.sort_unstable();
        self.of_rows
            .chunk_by(|one, other| one.0 == other.0)
            .filter(|group| group.len() > 1)
            .map(|group| group.iter().map(|(_, row)| *row))
    }

    /// Nothing yet, to be compared with these.
    pub(super) fn beside(&self) -> Self {
        Self {
            hasher: self.hasher.clone(),
            of_rows: Vec::new(),
        }
    }

    /// The rows here, in groups of those whose hashes are equal, each with the rows of `others` that
    /// have the same hash. Where there are none, a group is left out.
    ///
    /// The hashes must be those of one [`Self::beside`] the other.
    pub(super) fn meet<'h>(
        &'h mut self,
        others: &'h mut Self,
    ) -> impl Iterator<Item = (Vec<u32>, Vec<u32>)> {
        let numbers = |group: &[(u64, u32)]| group.iter().map(|(_, row)| *row).collect();
        self.of_rows.sort_unstable();
        if !self.of_rows.is_empty() {
            others.of_rows.sort_unstable();
        }
        let groups = self.of_rows.chunk_by(|one, other| one.0 == other.0);
        groups.filter_map(move |group| {
            let hash = group[0].0;
            let first = others.of_rows.partition_point(|(theirs, _)| *theirs < hash);
            let after = &others.of_rows[first..];
            let met = &after[..after.partition_point(|(theirs, _)| *theirs == hash)];
            (!met.is_empty()).then(|| (numbers(group), numbers(met)))
        })
    }

    /// The numbers of all rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        self.of_rows.iter().map(|(_, row)| *row)
    }
}

/// The values that were met, each with its first row.
#[derive(Default)]
pub(super) struct FirstRows(HashMap<String, FirstRow>);

/// The first row with a value.
#[derive(Clone, Copy)]
pub(super) struct FirstRow {
    row: u32,
    /// Whether another was met before, so that this first one has been reported.
    reported: bool,
}

impl FirstRows {
    /// The first row with this value, if there was one before.
    pub(super) fn before(&mut self, value: Cow<'_, str>, row: u32) -> Option<FirstRow> {
        if let Some(first) = self.0.get_mut(value.as_ref()) {
            let before = *first;
            first.reported = true;
            return Some(before);
        }
        let reported = false;
        self.0
            .insert(value.into_owned(), FirstRow { row, reported });
        None
    }
}

impl FirstRow {
    /// Reports that a row is like this one: each of them is told of another one, the first of them of
    /// the second.
    pub(super) fn report(self, row: u32, mut report: impl FnMut(u32, u32)) {
        if !self.reported {
            report(self.row, row);
        }
        report(row, self.row);
    }
}
