//! The cells of files that consign writes and reads again.

use std::str::FromStr;

/// Error: a cell whose text is no value of its column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {value:?} is not a value that consign writes")]
pub struct BadCell {
    /// Name of the column.
    pub column: &'static str,
    /// Text of the cell.
    pub value: String,
}

/// Makes the error for a cell.
pub(crate) fn bad_cell(column: &'static str, value: &str) -> BadCell {
    BadCell {
        column,
        value: value.to_owned(),
    }
}

/// Parses a cell.
pub(crate) fn parse_cell<T: FromStr>(column: &'static str, value: &str) -> Result<T, BadCell> {
    value.parse().map_err(|_| bad_cell(column, value))
}

/// Parses a cell; an empty cell is `None`.
pub(crate) fn parse_optional_cell<T: FromStr>(
    column: &'static str,
    value: &str,
) -> Result<Option<T>, BadCell> {
    if value.is_empty() {
        return Ok(None);
    }
    parse_cell(column, value).map(Some)
}

/// Parses a cell of a column with a few words.
pub(crate) fn parse_word_cell<T: Copy, const N: usize>(
    column: &'static str,
    value: &str,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> Result<T, BadCell> {
    all.into_iter()
        .find(|one| name(*one) == value)
        .ok_or_else(|| bad_cell(column, value))
}
