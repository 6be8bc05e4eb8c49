//! Faults of a workbook's cells: values that a spreadsheet may have altered, or shows otherwise than
//! stored.

use crate::text::{escape, quoted};

/// Fault for which the value of a cell in a workbook cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetCellFault {
    /// The key is a number with a fraction.
    Fraction,
    /// The key is a truth value.
    Truth,
    /// The key is a date or a time, into which spreadsheets turn ids such as `MAR-12`.
    Date,
    /// The key is a number with more digits than a spreadsheet keeps.
    TooManyDigits,
    /// The key is a number shown otherwise than stored.
    ShownOtherwise {
        /// Number as shown.
        shown: Box<str>,
    },
    /// The key is a number in a format that consign cannot show.
    SpecialFormat {
        /// Code of the number format.
        code: Box<str>,
    },
    /// The formula of the cell has never been calculated.
    NotCalculated,
    /// The cell is part of merged cells, of which only the first has a value.
    Merged {
        /// Address of the merged cells, such as `D7:D9`.
        range: Box<str>,
    },
}

impl SheetCellFault {
    /// Returns the word for scripts.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Fraction => "sheet_fraction",
            Self::Truth => "sheet_truth_value",
            Self::Date => "sheet_date",
            Self::TooManyDigits => "sheet_long_number",
            Self::ShownOtherwise { .. } | Self::SpecialFormat { .. } => "sheet_number_format",
            Self::NotCalculated => "sheet_not_calculated",
            Self::Merged { .. } => "sheet_merged_cells",
        }
    }

    /// Returns the fault as a sentence about a value.
    pub(super) fn sentence(&self, value: &str) -> String {
        match self {
            Self::Fraction => format!("{} is a number with a fraction", quoted(value)),
            Self::Truth => format!("{} is a truth value, not text", quoted(value)),
            Self::Date => format!(
                "{} is a date or a time, into which a spreadsheet may have turned an id",
                quoted(value)
            ),
            Self::TooManyDigits => format!(
                "{} is a number of more than 15 digits, of which a spreadsheet keeps only 15",
                quoted(value)
            ),
            Self::ShownOtherwise { shown } => {
                format!(
                    "{} is stored, and {} is shown",
                    quoted(value),
                    quoted(shown)
                )
            }
            Self::SpecialFormat { code } => format!(
                "{} is stored, and shown in the number format {}",
                quoted(value),
                quoted(code)
            ),
            Self::NotCalculated => "the formula has never been calculated".to_owned(),
            Self::Merged { range } => format!(
                "the cell is part of the merged cells {}, of which only the first has a value",
                escape(range)
            ),
        }
    }

    /// Returns the advice for the fault.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Fraction | Self::Truth => {
                "format the column as text and write the right value again"
            }
            Self::Date => "format the column as text and write the id again",
            Self::TooManyDigits => {
                "format the column as text and take the ids anew from where they come from"
            }
            Self::ShownOtherwise { .. } | Self::SpecialFormat { .. } => {
                "format the column as text and write what is meant, or give it the number format 0 \
                 if the stored number is meant"
            }
            Self::NotCalculated => "open the workbook in Excel and save it once",
            Self::Merged { .. } => "unmerge the cells and fill in each row",
        }
    }
}
