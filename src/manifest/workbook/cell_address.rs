//! Addresses of cells in a sheet: `D7`, and ranges `D7:F9`.

use std::fmt;

use crate::manifest::table::column_letters;

/// Number of rows of a sheet.
pub(super) const MAX_ROWS: u32 = 1 << 20;

/// Number of columns of a sheet.
pub(super) const MAX_COLUMNS: u32 = 1 << 14;

/// Position of a cell, row and column counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellPosition {
    pub(super) row: u32,
    pub(super) column: u32,
}

impl CellPosition {
    /// Parses an address such as `D7`. Returns `None` for an address outside of a sheet.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let letters = address
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .take(4)
            .count();
        let (letters, digits) = address.split_at(letters);
        if letters.is_empty() || letters.len() > 3 {
            return None;
        }
        let number = letters.bytes().fold(0, |number, letter| {
            number * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1
        });
        let column = number - 1;
        (column < MAX_COLUMNS).then_some(Self {
            row: Self::parse_row(digits)?,
            column,
        })
    }

    /// Parses the number of a row, counted from 1, and returns it counted from 0.
    pub(super) fn parse_row(number: &str) -> Option<u32> {
        if number.len() > 7 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let row = number.parse::<u32>().ok()?.checked_sub(1)?;
        (row < MAX_ROWS).then_some(row)
    }
}

impl fmt::Display for CellPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = column_letters(self.column as usize);
        write!(f, "{letters}{}", self.row + 1)
    }
}

/// Rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellRange {
    pub(super) first: CellPosition,
    pub(super) last: CellPosition,
}

impl CellRange {
    /// Parses an address such as `D7:F9` or `D7`.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (first, last) = address.split_once(':').unwrap_or((address, address));
        let (first, last) = (CellPosition::parse(first)?, CellPosition::parse(last)?);
        let is_ordered = first.row <= last.row && first.column <= last.column;
        is_ordered.then_some(Self { first, last })
    }
}

impl fmt::Display for CellRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_as_a_spreadsheet_does() {
        for (address, row, column) in [
            ("A1", 0, 0),
            ("D7", 6, 3),
            ("AA10", 9, 26),
            ("XFD1048576", 1_048_575, 16_383),
        ] {
            let position = CellPosition { row, column };
            assert_eq!(CellPosition::parse(address), Some(position));
            assert_eq!(position.to_string(), address);
        }
        let range = CellRange::parse("D7:F9").unwrap();
        assert_eq!(range.to_string(), "D7:F9");
    }

    #[test]
    fn addresses_outside_of_a_sheet_are_refused() {
        for address in [
            "",
            "A",
            "7",
            "A0",
            "XFE1",
            "A1048577",
            "ZZZZZZZZZ1",
            "A99999999999",
            "É1",
            "A+1",
            "$A$1",
        ] {
            assert_eq!(CellPosition::parse(address), None, "{address}");
        }
        assert_eq!(CellRange::parse("B2:A1"), None);
    }
}
