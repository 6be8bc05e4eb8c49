//! Splitter from text to records and cells: quotes, delimiters and line breaks.
//!
//! The `csv` crate is not used here, because it tolerates mistakes that a manifest must not have:
//! without an error, an unclosed quote makes a single cell up to the end of the file. Besides,
//! cells here are slices of the text, and any record can be split again from its offset, so rows
//! cost a few bytes each. With correct quotes, both read the same records (a test compares them).

use std::borrow::Cow;

use memchr::memchr3;

use crate::text::count_line_breaks;

/// Cursor over the records of a text, including blank lines.
#[derive(Debug, Clone)]
pub(super) struct RecordSplitter<'t> {
    text: &'t str,
    delimiter: u8,
    offset: usize,
    line: u32,
}

/// Position of a record, and the mistake in its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RecordSpan {
    /// Offset of the first byte.
    pub(super) offset: usize,
    /// Offset after the last byte, at the line break or the end of the text.
    pub(super) end: usize,
    /// Line on which the record begins, the first line being 1.
    pub(super) line: u32,
    /// Line on which the record ends.
    pub(super) last_line: u32,
    /// Mistake in the quotes, if any.
    pub(super) fault: Option<QuoteFault>,
}

/// Mistake in the quotes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuoteFault {
    /// The text ends inside a quoted cell.
    UnclosedQuote {
        /// Line on which the cell begins.
        opened_on_line: u32,
    },
    /// Text follows the closing quote. The record ends at the end of that line.
    TextAfterQuote {
        /// Line on which the cell begins.
        opened_on_line: u32,
    },
}

impl<'t> RecordSplitter<'t> {
    /// Starts at the offset of a record, which is on the given line.
    pub(super) fn new(text: &'t str, delimiter: u8, offset: usize, line: u32) -> Self {
        Self {
            text,
            delimiter,
            offset,
            line,
        }
    }

    /// Splits off the next record and replaces the content of `cells`. Returns `None` at the end of
    /// the text.
    pub(super) fn next_record(&mut self, cells: &mut Vec<Cow<'t, str>>) -> Option<RecordSpan> {
        cells.clear();
        if self.offset == self.text.len() {
            return None;
        }
        let (offset, line) = (self.offset, self.line);
        let fault = self.split_cells(cells).err();
        if let Some(QuoteFault::TextAfterQuote { .. }) = fault {
            self.skip_line();
        }
        let (end, last_line) = (self.offset, self.line);
        self.take_line_break();
        Some(RecordSpan {
            offset,
            end,
            line,
            last_line,
            fault,
        })
    }

    /// Splits off the next line, where no cell goes on in another line, and replaces the content of
    /// `cells`. A quote that no line break or delimiter follows is part of the text of its cell.
    pub(super) fn next_line(&mut self, cells: &mut Vec<Cow<'t, str>>) -> RecordSpan {
        cells.clear();
        let (offset, line) = (self.offset, self.line);
        let rest = &self.text[offset..];
        let end = offset + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let mut within = Self {
            text: &self.text[..end],
            ..*self
        };
        loop {
            cells.push(within.take_cell_of_line());
            if within.offset == end {
                break;
            }
            within.offset += 1;
        }
        self.offset = end;
        self.take_line_break();
        RecordSpan {
            offset,
            end,
            line,
            last_line: line,
            fault: None,
        }
    }

    /// Takes a cell that ends at a delimiter or at the end of the text.
    fn take_cell_of_line(&mut self) -> Cow<'t, str> {
        let start = self.offset;
        if self.peek() == Some(b'"')
            && let Ok(cell) = self.take_quoted_cell()
        {
            return cell;
        }
        self.offset = start;
        Cow::Borrowed(self.take_plain_cell())
    }

    /// Splits the cells of a record, and stops at its line break or at the end of the text.
    fn split_cells(&mut self, cells: &mut Vec<Cow<'t, str>>) -> Result<(), QuoteFault> {
        loop {
            let cell = if self.peek() == Some(b'"') {
                self.take_quoted_cell()?
            } else {
                Cow::Borrowed(self.take_plain_cell())
            };
            cells.push(cell);
            if self.peek() != Some(self.delimiter) {
                return Ok(());
            }
            self.offset += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.offset).copied()
    }

    fn take_plain_cell(&mut self) -> &'t str {
        let rest = &self.text[self.offset..];
        let length = memchr3(self.delimiter, b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
        self.offset += length;
        &rest[..length]
    }

    fn take_quoted_cell(&mut self) -> Result<Cow<'t, str>, QuoteFault> {
        let opened = self.line;
        let mut cell = Cow::Borrowed("");
        loop {
            // The offset is at the opening quote, or at the second quote of a doubled quote.
            let rest = &self.text[self.offset + 1..];
            let Some(length) = rest.find('"') else {
                self.line += count_line_breaks_in(rest);
                self.offset = self.text.len();
                return Err(QuoteFault::UnclosedQuote {
                    opened_on_line: opened,
                });
            };
            self.line += count_line_breaks_in(&rest[..length]);
            self.offset += length + 2;
            if self.peek() == Some(b'"') {
                // The first quote of a doubled quote is part of the text.
                cell += &rest[..=length];
                continue;
            }
            cell += &rest[..length];
            return match self.peek() {
                None | Some(b'\n' | b'\r') => Ok(cell),
                Some(byte) if byte == self.delimiter => Ok(cell),
                Some(_) => Err(QuoteFault::TextAfterQuote {
                    opened_on_line: opened,
                }),
            };
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.offset..];
        self.offset += rest.find(['\n', '\r']).unwrap_or(rest.len());
    }

    fn take_line_break(&mut self) {
        let length = match &self.text.as_bytes()[self.offset..] {
            [] => return,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        self.offset += length;
        self.line += 1;
    }
}

/// Returns the number of line breaks in a piece of the text.
fn count_line_breaks_in(text: &str) -> u32 {
    u32::try_from(count_line_breaks(text.as_bytes())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(u32, Vec<String>, Option<QuoteFault>)> {
        let mut splitter = RecordSplitter::new(text, b',', 0, 1);
        let mut cells = Vec::new();
        let mut records = Vec::new();
        while let Some(record) = splitter.next_record(&mut cells) {
            let owned = cells.iter().map(ToString::to_string).collect();
            records.push((record.line, owned, record.fault));
        }
        records
    }

    #[test]
    fn cells_are_split_as_in_rfc_4180() {
        for (text, cells) in [
            ("a,b", vec!["a", "b"]),
            ("a,b\r\n", vec!["a", "b"]),
            (",", vec!["", ""]),
            ("\"a,b\",c", vec!["a,b", "c"]),
            ("\"a \"\"b\"\" c\",d", vec!["a \"b\" c", "d"]),
            ("\"\",\"\"\"\"", vec!["", "\""]),
            ("5\" pipe,x", vec!["5\" pipe", "x"]),
            ("\"two\nlines\",x", vec!["two\nlines", "x"]),
        ] {
            let cells: Vec<String> = cells.into_iter().map(str::to_owned).collect();
            assert_eq!(records(text), [(1, cells, None)], "{text:?}");
        }
    }

    #[test]
    fn line_numbers_stay_true_over_blank_lines_and_cells_of_several_lines() {
        let text = "a\n\n\"b\r\nc\"\r\nd\re\n";
        let lines: Vec<u32> = records(text).into_iter().map(|(line, ..)| line).collect();
        assert_eq!(lines, [1, 2, 3, 5, 6]);
    }

    #[test]
    fn a_quote_that_is_never_closed_is_known_by_the_line_where_it_opens() {
        let found = records("a,b\nc,\"d\ne,f\n");
        assert_eq!(
            found[1].2,
            Some(QuoteFault::UnclosedQuote { opened_on_line: 2 })
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_quote_that_closes_inside_a_cell_costs_one_row_and_no_more() {
        let found = records("\"a\nb\"c,d\ne,f\n");
        assert_eq!(
            found[0].2,
            Some(QuoteFault::TextAfterQuote { opened_on_line: 1 })
        );
        assert_eq!(found[1], (3, vec!["e".to_owned(), "f".to_owned()], None));
    }

    #[test]
    fn a_line_alone_ends_where_it_ends_whatever_its_quotes_say() {
        for (text, cells) in [
            ("a,b\nc", vec!["a", "b"]),
            ("a,\"b\nc\",d", vec!["a", "\"b"]),
            ("a,\"b\"c,\"d,e\"\r\n", vec!["a", "\"b\"c", "d,e"]),
            ("a,\"", vec!["a", "\""]),
            ("a,\r", vec!["a", ""]),
            ("", vec![""]),
        ] {
            let mut splitter = RecordSplitter::new(text, b',', 0, 1);
            let mut found = Vec::new();
            splitter.next_line(&mut found);
            assert_eq!(found, cells, "{text:?}");
        }
    }

    #[test]
    fn what_the_csv_crate_writes_reads_the_same_here_and_there() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let width = random.usize(2..5);
            let rows: Vec<Vec<String>> = (0..random.usize(1..6))
                .map(|_| (0..width).map(|_| cell(&mut random)).collect())
                .collect();
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<_> = records(&text)
                .into_iter()
                .map(|(_, cells, _)| cells)
                .collect();
            assert_eq!(read, rows, "{text:?}");
        }
    }

    fn cell(random: &mut fastrand::Rng) -> String {
        let pieces = ["a", "é", ",", "\"", "\n", "\r\n", " ", "\r", ";"];
        (0..random.usize(0..6))
            .map(|_| random.choice(pieces).unwrap())
            .collect()
    }
}
