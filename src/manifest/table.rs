//! Table of a manifest: a text whose records are split on access, the place of each record in the
//! file of the user, and the faults found while the file was read.

use super::Column;
use crate::manifest::problem::{ManifestProblem, ProblemKind};
use crate::text::escape;

/// Form of the file from which a table was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TableSource {
    /// Text, where a record is known by its line.
    Text,
    /// Sheet of a workbook, where a cell has an address.
    Sheet(SheetPlace),
}

/// Place of a table in a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SheetPlace {
    /// Name of the sheet.
    pub(super) name: String,
    /// Line of the header, the first line of the sheet being 1.
    pub(super) header_line: u32,
    /// Position in the sheet of each column of the table, 0 for column A.
    pub(super) columns: Vec<u32>,
}

/// Table read from a file, before any row is judged.
#[derive(Debug)]
pub(super) struct ManifestTable {
    /// Records with delimiters, the header first.
    pub(super) text: String,
    pub(super) source: TableSource,
    /// Line of each record after the header in the file of the user, where the lines of the text
    /// are others. No record is blank then.
    pub(super) record_lines: Option<Vec<u32>>,
    pub(super) faults: ReadingFaults,
    /// Warnings known from the reading of the file.
    pub(super) warnings: Vec<ManifestProblem>,
}

impl ManifestTable {
    /// Creates the table of a text that is a file of the user.
    pub(super) fn of_text(text: String) -> Self {
        Self {
            text,
            source: TableSource::Text,
            record_lines: None,
            faults: ReadingFaults::default(),
            warnings: Vec::new(),
        }
    }

    /// Creates the table of a sheet.
    pub(super) fn of_sheet(
        place: SheetPlace,
        text: String,
        record_lines: Vec<u32>,
        faults: Vec<ManifestProblem>,
        warnings: Vec<ManifestProblem>,
    ) -> Self {
        Self {
            text,
            source: TableSource::Sheet(place),
            record_lines: Some(record_lines),
            faults: faults.into_iter().collect(),
            warnings,
        }
    }

    /// Returns the line in the file of the user of a record, the first record after the header
    /// having the index 0. `line` is the line in the text.
    pub(super) fn line_of_record(&self, index: usize, line: u32) -> u32 {
        match &self.record_lines {
            None => line,
            Some(lines) => lines.get(index).copied().unwrap_or(line),
        }
    }
}

impl TableSource {
    /// Returns the name of the sheet, or `None` for a text.
    pub(super) fn sheet_name(&self) -> Option<&str> {
        match self {
            Self::Text => None,
            Self::Sheet(sheet) => Some(&sheet.name),
        }
    }

    /// Returns the place of a record in words: `line 7`, in a sheet with the name of the sheet.
    pub(super) fn record_place(&self, line: u64) -> String {
        match self {
            Self::Text => format!("line {line}"),
            Self::Sheet(sheet) => format!("{} line {line}", escape(&sheet.name)),
        }
    }

    /// Returns the address of a cell in its sheet, such as `D7`, or an empty text for a text.
    /// `position` is the position of the cell in its record.
    pub(super) fn cell_address(&self, line: u64, position: usize) -> String {
        match self {
            Self::Text => String::new(),
            Self::Sheet(sheet) => {
                let column = sheet.columns.get(position);
                column.map_or_else(String::new, |column| {
                    format!("{}{line}", column_letters(*column as usize))
                })
            }
        }
    }
}

/// Returns the name of a sheet as a spreadsheet writes the name before an address: in apostrophes
/// unless the name is a plain word, with the apostrophes of the name doubled.
pub(super) fn sheet_reference(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_numeric());
    if is_plain {
        return name.to_owned();
    }
    format!("'{}'", escape(name).replace('\'', "''"))
}

/// Returns the letters of a column of a sheet: `A` for 0, `Z` for 25, `AA` for 26.
pub(super) fn column_letters(position: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = position + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(
            b'A' + u8::try_from(rest % 26).unwrap_or_default(),
        ));
        rest /= 26;
    }
    letters.into_iter().rev().collect()
}

/// Errors known from the reading of the file, before any cell was judged: a cell of a workbook that
/// holds no text, for example. Sorted by row.
#[derive(Debug, Default)]
pub(super) struct ReadingFaults(Vec<ManifestProblem>);

impl ReadingFaults {
    /// Adds faults found by the scan of all rows.
    pub(super) fn with_quote_faults(self, more: Vec<ManifestProblem>) -> Self {
        self.0.into_iter().chain(more).collect()
    }

    /// Returns the faults of the row with this number.
    pub(super) fn of_row(&self, number: u32) -> &[ManifestProblem] {
        let first = self.0.partition_point(|fault| fault.row < number);
        let after = &self.0[first..];
        &after[..after.partition_point(|fault| fault.row == number)]
    }
}

/// Returns the fault of a column among the faults of a row; `None` as column stands for the whole
/// row.
pub(super) fn fault_of_column(
    faults: &[ManifestProblem],
    column: Option<Column>,
) -> Option<&ManifestProblem> {
    faults.iter().find(|fault| fault.column == column)
}

/// Returns `true` if a row has a mistake in its quotes, so that only its own line is split.
pub(super) fn has_quote_fault(faults: &[ManifestProblem]) -> bool {
    faults
        .iter()
        .any(|fault| matches!(fault.kind, ProblemKind::Quote(_)))
}

impl FromIterator<ManifestProblem> for ReadingFaults {
    fn from_iter<I: IntoIterator<Item = ManifestProblem>>(faults: I) -> Self {
        let mut faults: Vec<_> = faults.into_iter().collect();
        faults.sort_by_key(|fault| (fault.row, fault.column));
        Self(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        for (position, letters) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (701, "ZZ"),
            (702, "AAA"),
            (16_383, "XFD"),
        ] {
            assert_eq!(column_letters(position), letters);
        }
    }

    #[test]
    fn a_cell_of_a_sheet_has_an_address_and_a_text_has_lines() {
        let sheet = TableSource::Sheet(SheetPlace {
            name: "Contracts".to_owned(),
            header_line: 3,
            columns: vec![1, 2, 3],
        });
        assert_eq!(sheet.record_place(7), "Contracts line 7");
        assert_eq!(sheet.cell_address(7, 2), "D7");
        assert_eq!(TableSource::Text.record_place(7), "line 7");
        assert_eq!(TableSource::Text.cell_address(7, 2), "");
    }

    #[test]
    fn the_name_of_a_sheet_before_an_address_is_written_as_a_spreadsheet_does() {
        for (name, reference) in [
            ("Contracts", "Contracts"),
            ("Übersicht_2", "Übersicht_2"),
            ("2026", "'2026'"),
            ("Contracts 2026", "'Contracts 2026'"),
            ("Legal's", "'Legal''s'"),
            ("a\u{202e}b", "'a\\u{202e}b'"),
        ] {
            assert_eq!(sheet_reference(name), reference);
        }
    }

    #[test]
    fn a_row_has_its_own_faults_alone() {
        let fault = |row, column| ManifestProblem {
            row,
            column,
            kind: ProblemKind::EmptyCell,
        };
        let faults: ReadingFaults = [
            fault(4, Some(Column::Title)),
            fault(2, None),
            fault(4, Some(Column::FilePath)),
        ]
        .into_iter()
        .collect();
        let columns = |row| -> Vec<Option<Column>> {
            let of_row = faults.of_row(row).iter();
            of_row.map(|fault| fault.column).collect()
        };
        assert_eq!(columns(1), []);
        assert_eq!(columns(2), [None]);
        assert_eq!(columns(4), [Some(Column::FilePath), Some(Column::Title)]);
        let found = fault_of_column(faults.of_row(4), Some(Column::Title));
        assert_eq!(found, Some(&fault(4, Some(Column::Title))));
        assert_eq!(fault_of_column(faults.of_row(4), None), None);
    }
}
