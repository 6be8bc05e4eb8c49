//! Choice of the rows of a pilot: a run over a part of the due rows. A due row has requests left: for
//! its file, or for the search for its record.

use std::fmt;
use std::num::NonZeroUsize;

use crate::model::RowNumbers;

/// Bounds of a run over a part of the due rows. Without bounds, all due rows are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PilotScope {
    /// Largest number of rows, counted in the order of the manifest; `None` for no limit.
    pub limit: Option<NonZeroUsize>,
    /// Numbers of the permitted rows; `None` for every row.
    pub only: Option<RowNumbers>,
}

impl PilotScope {
    /// Returns the scope of exactly these rows.
    pub fn of_rows(rows: RowNumbers) -> Self {
        Self {
            limit: None,
            only: Some(rows),
        }
    }

    /// True if the bounds permit a row, given by number.
    pub fn permits(&self, row: usize) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(row))
    }

    /// Begins a choice. Due rows are offered in the order of the manifest; done rows take no place.
    pub fn choose(&self) -> RowChooser<'_> {
        RowChooser {
            scope: self,
            chosen: 0,
        }
    }
}

/// Writes the bounds as a clause: `--limit 10 asks`, `--limit 10 and --only 5-20,33 ask`. Empty
/// without bounds.
impl fmt::Display for PilotScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = self.only.as_ref().map(RowNumbers::to_option_value);
        match (self.limit, only) {
            (None, None) => Ok(()),
            (Some(limit), None) => write!(f, "--limit {limit} asks"),
            (None, Some(only)) => write!(f, "--only {only} asks"),
            (Some(limit), Some(only)) => write!(f, "--limit {limit} and --only {only} ask"),
        }
    }
}

/// Choice of rows, one row after the other.
#[derive(Debug)]
pub struct RowChooser<'s> {
    scope: &'s PilotScope,
    chosen: usize,
}

impl RowChooser<'_> {
    /// Returns true if the run sends the next due row, given by number.
    pub fn takes(&mut self, row: usize) -> bool {
        let limit = self.scope.limit;
        let is_chosen =
            self.scope.permits(row) && limit.is_none_or(|limit| self.chosen < limit.get());
        self.chosen += usize::from(is_chosen);
        is_chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(limit: usize, only: &str) -> PilotScope {
        PilotScope {
            limit: NonZeroUsize::new(limit),
            only: only.parse().ok(),
        }
    }

    #[test]
    fn the_first_rows_that_are_to_be_sent_are_chosen_among_the_named_rows() {
        for (limit, only, due, chosen) in [
            (0, "", &[1, 2, 3][..], &[1, 2, 3][..]),
            (2, "", &[1, 2, 3], &[1, 2]),
            (2, "", &[4, 7, 9], &[4, 7]),
            (5, "", &[4, 7, 9], &[4, 7, 9]),
            (0, "2-4,9", &[1, 2, 4, 5, 9], &[2, 4, 9]),
            (0, "3", &[1, 2, 4], &[]),
            (2, "2-4,9", &[1, 2, 4, 5, 9], &[2, 4]),
            (2, "2-4,9", &[1, 4, 5, 9, 10], &[4, 9]),
            (2, "2-4,9", &[1, 5, 9, 10], &[9]),
            (1, "1-10", &[], &[]),
        ] {
            let scope = scope(limit, only);
            let mut choice = scope.choose();
            let taken: Vec<usize> = due
                .iter()
                .copied()
                .filter(|row| choice.takes(*row))
                .collect();
            assert_eq!(taken, chosen, "{scope:?} of {due:?}");
            // A later choice among the same rows is the same.
            let fixed = PilotScope::of_rows(RowNumbers::from_rows(taken.iter().copied()));
            let mut again = fixed.choose();
            assert!(
                due.iter()
                    .all(|row| again.takes(*row) == chosen.contains(row))
            );
        }
    }

    #[test]
    fn bounds_are_told_as_they_are_typed() {
        for (limit, only, told) in [
            (0, "", ""),
            (10, "", "--limit 10 asks"),
            (0, "5-20,33", "--only 5-20,33 asks"),
            (10, "5-20", "--limit 10 and --only 5-20 ask"),
        ] {
            assert_eq!(scope(limit, only).to_string(), told);
        }
    }
}
