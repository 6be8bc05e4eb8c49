//! List of all problems of a manifest, collected in one pass.
//!
//! [`Problem`] holds the place and the kind of a mistake, [`Problems`] the list of all mistakes and
//! the rows that cannot be sent. `wrong` holds the catalogue of kinds, `remedy` the advice,
//! `render` the form on a screen and in the problems file. `manifest` and `prepare` find the
//! problems.

mod remedy;
mod render;
mod wrong;

use super::Column;

pub use render::{Shown, file_for, of_row, on_screen, save};
pub use wrong::{Severity, Wrong};

/// Mistake in one place of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Row number, the first row under the header being 1; 0 is the header.
    pub row: u32,
    /// Column of the mistake. `None` for a mistake of the whole row.
    pub column: Option<Column>,
    /// Kind of the mistake.
    pub wrong: Wrong,
}

/// List of all problems of a manifest.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    errors: usize,
    /// `true` for each row number with an error. Rows after the last row with an error are absent.
    unfit: Vec<bool>,
}

impl Problems {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        if problem.wrong.severity() == Severity::Error {
            self.errors += 1;
            self.mark_unfit(problem.row as usize);
        }
        self.list.push(problem);
    }

    fn mark_unfit(&mut self, row: usize) {
        if self.unfit.len() <= row {
            self.unfit.resize(row + 1, false);
        }
        self.unfit[row] = true;
    }

    /// Sorts the problems by row and column.
    pub fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| (problem.row, problem.column));
    }

    /// Returns the problems in the order of discovery, or sorted after [`Self::sort`].
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Returns `true` if the row with this number has an error.
    pub fn has_error(&self, row: usize) -> bool {
        self.unfit.get(row).is_some_and(|unfit| *unfit)
    }

    /// Returns the first error of a row. The problems must be sorted.
    pub(crate) fn first_error(&self, row: usize) -> Option<&Problem> {
        if !self.has_error(row) {
            return None;
        }
        let first = self
            .list
            .partition_point(|problem| (problem.row as usize) < row);
        let mut of_row = self.list[first..]
            .iter()
            .take_while(|problem| problem.row as usize == row);
        of_row.find(|problem| problem.wrong.severity() == Severity::Error)
    }

    /// Returns `true` if there is neither an error nor a warning.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Returns the number of warnings.
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors
    }

    /// Returns the number of rows with an error.
    pub fn unfit_rows(&self) -> usize {
        self.unfit.iter().filter(|unfit| **unfit).count()
    }
}

#[cfg(test)]
mod tests;
