//! The problems of a whole manifest, collected in one pass.
//!
//! A [`Problem`] says where and what; [`Problems`] counts them and knows which rows cannot be sent.
//! How they look on a screen and in the problems file is decided in `render`. Finding them is the
//! work of `manifest` and `prepare`.

mod remedy;
mod render;
mod wrong;

use super::Column;

pub use render::{Shown, file_for, of_row, on_screen, save};
pub use wrong::{Severity, Wrong};

/// One thing that is wrong in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The row's number, the first under the header being 1; 0 is the header.
    pub row: u32,
    /// The column, where it is about one cell.
    pub column: Option<Column>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// All problems of a manifest.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    errors: usize,
    /// For each row number, whether the row has an error; rows after the last such are absent.
    unfit: Vec<bool>,
}

impl Problems {
    /// Takes note of a problem.
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

    /// Puts the problems into the order in which they stand in the manifest.
    pub fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| (problem.row, problem.column));
    }

    /// The problems, in the order in which they were found or sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// Whether the row of this number has an error.
    pub fn has_error(&self, row: usize) -> bool {
        self.unfit.get(row).is_some_and(|unfit| *unfit)
    }

    /// The first error of a row. The problems must have been sorted.
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

    /// Whether nothing was found, not even something to warn of.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors
    }

    /// How many rows have an error.
    pub fn unfit_rows(&self) -> usize {
        self.unfit.iter().filter(|unfit| **unfit).count()
    }
}

#[cfg(test)]
mod tests;
