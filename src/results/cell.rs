//! The cells of the files that consign writes for itself to read again.

use std::str::FromStr;

/// A cell that does not hold what its column holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {value:?} is not what consign writes there")]
pub struct BadCell {
    /// The column's name.
    pub column: &'static str,
    /// What stands in the cell.
    pub value: String,
}

/// That a cell does not hold what its column holds.
pub(crate) fn bad(column: &'static str, value: &str) -> BadCell {
    BadCell {
        column,
        value: value.to_owned(),
    }
}

/// A cell as what its column holds.
pub(crate) fn parsed<T: FromStr>(column: &'static str, value: &str) -> Result<T, BadCell> {
    value.parse().map_err(|_| bad(column, value))
}

/// The same, where the cell may be empty.
pub(crate) fn optional<T: FromStr>(
    column: &'static str,
    value: &str,
) -> Result<Option<T>, BadCell> {
    if value.is_empty() {
        return Ok(None);
    }
    parsed(column, value).map(Some)
}

/// A cell of a column that holds one of a few words.
pub(crate) fn word<T: Copy, const N: usize>(
    column: &'static str,
    value: &str,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> Result<T, BadCell> {
    all.into_iter()
        .find(|one| name(*one) == value)
        .ok_or_else(|| bad(column, value))
}
