//! List of all problems of a manifest, collected in one pass.
//!
//! [`ManifestProblem`] holds the place and the kind of a mistake, [`ProblemList`] the list of all
//! mistakes and the rows that cannot be sent. `problem_kind` holds the catalogue of kinds, and
//! `quote_problem`, `file_warning`, `hidden_characters`, `length_limit`, `path_problem`,
//! `sheet_cell_fault` and `sheet_warning` more of some kinds; `sentence` holds the words, `remedy`
//! the advice, `render` the form on a screen and in the problems file.
//! `manifest` and `prepare` find the problems.

mod file_warning;
mod hidden_characters;
mod length_limit;
mod path_problem;
mod problem_kind;
mod quote_problem;
mod remedy;
mod render;
mod sentence;
mod sheet_cell_fault;
mod sheet_warning;
mod text_damage;

use super::Column;

pub use file_warning::FileWarning;
pub use hidden_characters::HiddenCharacterPlace;
pub use length_limit::LengthLimit;
pub use path_problem::PathProblem;
pub use problem_kind::{ProblemKind, Severity};
pub use quote_problem::QuoteProblem;
pub use render::{
    ShownSeverities, first_error_in_words, problem_line, problems_file_path, render_for_screen,
    write_problems_file,
};
pub use sheet_cell_fault::SheetCellFault;
pub use sheet_warning::SheetWarning;
pub use text_damage::TextDamage;

/// Mistake in one place of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestProblem {
    /// Row number, the first row under the header being 1; 0 is the header.
    pub row: u32,
    /// Column of the mistake. `None` for a mistake of the whole row.
    pub column: Option<Column>,
    /// Kind of the mistake.
    pub kind: ProblemKind,
}

/// List of all problems of a manifest.
#[derive(Debug, Default)]
pub struct ProblemList {
    list: Vec<ManifestProblem>,
    errors: usize,
    /// `true` for each row number with an error. Rows after the last row with an error are absent.
    unfit: Vec<bool>,
}

impl ProblemList {
    /// Adds a problem.
    pub fn push(&mut self, problem: ManifestProblem) {
        if problem.kind.severity() == Severity::Error {
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
    pub fn iter(&self) -> impl Iterator<Item = &ManifestProblem> {
        self.list.iter()
    }

    /// Returns `true` if the row with this number has an error.
    pub fn has_error(&self, row: usize) -> bool {
        self.unfit.get(row).is_some_and(|unfit| *unfit)
    }

    /// Returns the first error of a row. The problems must be sorted.
    pub(crate) fn first_error(&self, row: usize) -> Option<&ManifestProblem> {
        if !self.has_error(row) {
            return None;
        }
        let first = self
            .list
            .partition_point(|problem| (problem.row as usize) < row);
        let mut of_row = self.list[first..]
            .iter()
            .take_while(|problem| problem.row as usize == row);
        of_row.find(|problem| problem.kind.severity() == Severity::Error)
    }

    /// Returns `true` if there is neither an error nor a warning.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number of errors.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Returns the number of warnings.
    pub fn warning_count(&self) -> usize {
        self.list.len() - self.errors
    }

    /// Returns the number of rows with an error.
    pub fn unfit_row_count(&self) -> usize {
        // An error of the header is of no row.
        self.unfit.iter().skip(1).filter(|unfit| **unfit).count()
    }
}

#[cfg(test)]
mod tests;
