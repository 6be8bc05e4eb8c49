//! Warnings about a whole sheet of a workbook.

use crate::text::count_with_noun;

/// Fact about a sheet that the user should look at before its rows are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetWarning {
    /// Cells stand in columns without a name in the header.
    CellsOutsideTable {
        /// Address of the first of these cells.
        first: Box<str>,
        /// Number of these cells.
        count: u32,
    },
    /// The sheet has a filter, and no row is marked as hidden.
    Filtered,
    /// Rows are hidden, by a filter or by hand.
    HiddenRows {
        /// Number of the hidden rows.
        count: u32,
    },
}

impl SheetWarning {
    /// Returns the word for scripts.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::CellsOutsideTable { .. } => "unnamed_column",
            Self::Filtered => "filtered_sheet",
            Self::HiddenRows { .. } => "hidden_rows",
        }
    }

    /// Returns the warning as a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::CellsOutsideTable { first, count: 1 } => {
                format!("the cell {first} stands in a column without a name in the header")
            }
            Self::CellsOutsideTable { first, count } => format!(
                "{}, the first {first}, stand in columns without a name in the header",
                count_with_noun(u64::from(*count), "cell")
            ),
            Self::Filtered => {
                "the sheet has a filter, and rows that a filter hides are read as well".to_owned()
            }
            Self::HiddenRows { count: 1 } => {
                "1 row is hidden, by a filter or by hand, and is read as well".to_owned()
            }
            Self::HiddenRows { count } => format!(
                "{} are hidden, by a filter or by hand, and are read as well",
                count_with_noun(u64::from(*count), "row")
            ),
        }
    }

    /// Returns the advice.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::CellsOutsideTable { .. } => {
                "name the column if the results should carry its cells"
            }
            Self::Filtered | Self::HiddenRows { .. } => {
                "delete the rows that are not to be sent, or move them to another sheet"
            }
        }
    }
}
