//! The dialect of the tables that consign writes, and reads again after other programs saved the
//! tables: the delimiter, and the byte order mark before the header.

use std::io::{self, Read, Write};

use csv::ByteRecord;

use super::unescape_formula;

/// Byte order mark. Excel takes a CSV file without the mark for text in the computer's own encoding,
/// and shows `Verträge` as `VertrÃ¤ge`.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Byte order mark saved by a program that took the UTF-8 text for Windows-1252.
const MISREAD_BYTE_ORDER_MARK: &str = "ï»¿";

/// Buffer of a writer in bytes: a whole table has megabytes, a line some hundred bytes.
const TABLE_BUFFER_BYTES: usize = 1 << 18;
const LINE_BUFFER_BYTES: usize = 1 << 10;

/// Dialect of a table: UTF-8 with this delimiter between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CsvDialect {
    /// A comma between cells.
    #[default]
    Comma,
    /// A semicolon between cells: the dialect of Excel where the comma is the decimal sign. Such an
    /// Excel shows a line with commas as a single cell.
    Semicolon,
    /// A tab between cells: "Unicode text" of Excel. The dialect is read and never chosen.
    Tab,
}

impl CsvDialect {
    /// Returns the dialect with a delimiter. Any other byte counts as a comma.
    pub fn from_delimiter(delimiter: u8) -> Self {
        match delimiter {
            b';' => Self::Semicolon,
            b'\t' => Self::Tab,
            _ => Self::Comma,
        }
    }

    /// Returns the dialect of a table of consign by the byte after the first column name: no name
    /// of ours has a delimiter in it.
    pub fn detect(text: &[u8]) -> Self {
        let mut bytes = text.iter().copied();
        let first = bytes.find(|byte| matches!(byte, b',' | b';' | b'\t'));
        Self::from_delimiter(first.unwrap_or(b','))
    }

    /// Returns the dialect of a table made from a table in this dialect: the same, and commas for
    /// tabs, since the names of our files end in `.csv`.
    #[must_use]
    pub fn for_output(self) -> Self {
        match self {
            Self::Comma | Self::Tab => Self::Comma,
            Self::Semicolon => Self::Semicolon,
        }
    }

    /// Returns the delimiter.
    pub fn delimiter(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// Writes the byte order mark, and returns a writer of the table after the mark.
    pub(crate) fn begin_table<W: Write>(self, mut out: W) -> io::Result<csv::Writer<W>> {
        out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        Ok(self.writer(out, TABLE_BUFFER_BYTES))
    }

    /// Returns a writer of further lines of a table.
    pub(crate) fn append_lines<W: Write>(self, out: W) -> csv::Writer<W> {
        self.writer(out, LINE_BUFFER_BYTES)
    }

    fn writer<W: Write>(self, out: W, capacity: usize) -> csv::Writer<W> {
        csv::WriterBuilder::new()
            .flexible(true)
            .delimiter(self.delimiter())
            .buffer_capacity(capacity)
            .from_writer(out)
    }

    /// Returns a reader of lines of any length, the header among the lines.
    pub(crate) fn reader<R: Read>(self, text: R) -> csv::Reader<R> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter())
            // Lines are read from any position, so most of a large buffer would be for nothing.
            .buffer_capacity(2048)
            .from_reader(text)
    }
}

/// Returns the value in a cell of our tables: without the escape of a formula and, at the beginning
/// of a line, without a byte order mark. `index` is the number of cells before the cell.
pub fn cell_value(index: usize, cell: &str) -> &str {
    unescape_formula(if index == 0 {
        without_byte_order_mark(cell)
    } else {
        cell
    })
}

/// Returns `true` if a record is a line such as `sep=;`, which people add above the header so that
/// Excel takes the delimiter of the line.
pub(crate) fn is_separator_line(record: &ByteRecord) -> bool {
    let mut cells = record.iter().map(String::from_utf8_lossy);
    let first = cells.next().unwrap_or_default();
    let first = cell_value(0, &first).trim();
    // The delimiter is a part of the cell only where the line is quoted.
    let is_prefix = first
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("sep="));
    is_prefix && first.len() <= 5 && cells.all(|cell| cell.trim().is_empty())
}

/// Returns the first cell of a line without a byte order mark before the cell, wherever the line
/// stands: an empty row may have come before the header, and a sorting may have moved the lines.
fn without_byte_order_mark(first_cell: &str) -> &str {
    [BYTE_ORDER_MARK, MISREAD_BYTE_ORDER_MARK]
        .into_iter()
        .find_map(|mark| first_cell.strip_prefix(mark))
        // A parser takes quotes behind a mark for a part of the cell.
        .map_or(first_cell, |cell| cell.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_begins_with_the_mark_and_has_the_delimiter_of_its_source() {
        for (delimiter, header, line) in [
            (b',', "row,file_path\n", "1,a;b\n"),
            (b';', "row;file_path\n", "1;\"a;b\"\n"),
            (b'\t', "row,file_path\n", "1,a;b\n"),
        ] {
            let dialect = CsvDialect::from_delimiter(delimiter).for_output();
            let mut text = Vec::new();
            let mut table = dialect.begin_table(&mut text).unwrap();
            table.write_record(["row", "file_path"]).unwrap();
            drop(table);
            let mut lines = dialect.append_lines(&mut text);
            lines.write_record(["1", "a;b"]).unwrap();
            drop(lines);
            assert_eq!(text, format!("\u{feff}{header}{line}").into_bytes());
            assert_eq!(CsvDialect::detect(&text), dialect);
        }
    }

    #[test]
    fn the_first_cell_of_a_line_is_read_without_a_mark() {
        for (cell, read) in [
            ("row", "row"),
            ("\u{feff}row", "row"),
            ("\u{feff}\"row\"", "row"),
            ("ï»¿row", "row"),
            ("\"row\"", "\"row\""),
            ("", ""),
        ] {
            assert_eq!(without_byte_order_mark(cell), read, "{cell:?}");
        }
    }
}
