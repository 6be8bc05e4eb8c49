//! Mistakes in the quotes of a manifest, with their words.

/// Mistake in the quotes of a row, or in the quotes around a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteProblem {
    /// Text follows the closing quote of a cell.
    ClosesInsideCell {
        /// Line on which the cell begins.
        opened: u32,
        /// Line on which the quote closes.
        closed: u32,
    },
    /// A quoted cell has lines that look like rows.
    RunsOverRows {
        /// Line on which the cell begins.
        opened: u32,
        /// Line on which the row ends.
        closed: u32,
    },
    /// The row is a line inside a quote of another row.
    HoldsRow {
        /// Line on which the quote opens.
        opened: u32,
    },
}

impl QuoteProblem {
    /// Returns the word for scripts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ClosesInsideCell { .. } => "broken_quote",
            Self::RunsOverRows { .. } => "rows_in_quote",
            Self::HoldsRow { .. } => "inside_quote",
        }
    }

    /// Returns the subject of the sentence.
    pub(super) fn subject(self) -> String {
        match self {
            Self::ClosesInsideCell { opened, .. } | Self::RunsOverRows { opened, .. } => {
                format!("the quote that opens on line {opened}")
            }
            Self::HoldsRow { .. } => "the row".to_owned(),
        }
    }

    /// Returns the predicate of the sentence.
    pub(super) fn predicate(self) -> String {
        match self {
            Self::ClosesInsideCell { opened, closed } if opened == closed => {
                "closes in the middle of a cell".to_owned()
            }
            Self::ClosesInsideCell { closed, .. } => {
                format!("runs to line {closed} and closes in the middle of a cell there")
            }
            Self::RunsOverRows { closed, .. } => {
                format!("runs to line {closed}, over lines that look like rows")
            }
            Self::HoldsRow { opened } => {
                format!("stands inside the quote that opens on line {opened}")
            }
        }
    }

    /// Returns the advice for the mistake.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::ClosesInsideCell { .. } => {
                "close the quote where the cell ends, and double each quote inside the cell"
            }
            Self::RunsOverRows { .. } => {
                "close the quote where the cell ends or, if the lines are text of the cell, remove \
                 the line breaks from the cell"
            }
            Self::HoldsRow { .. } => "mend the quote",
        }
    }
}
