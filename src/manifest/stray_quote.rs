//! Search for quotes with rows inside: quotes meant as text, or closed too late.
//!
//! Nothing inside such a quote is sent. Each line that looks like a row counts as a row of its own:
//! no row is lost without a word, and all rows keep their numbers when the quote is mended.

use std::borrow::Cow;

use super::header::{ManifestHeader, is_blank_record};
use super::record_splitter::{QuoteFault, RecordSpan, RecordSplitter};
use crate::manifest::Column;
use crate::manifest::problem::QuoteProblem;
use crate::model::ObjectType;

/// Quote in the wrong place, and the rows inside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StrayQuote {
    /// Mistake of the row in which the quote opens.
    pub(super) fault: QuoteProblem,
    /// Rows inside the quote.
    pub(super) inner_rows: Vec<InnerRow>,
}

/// Line inside a quote, with the look of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InnerRow {
    /// Offset of the first byte in the text.
    pub(super) offset: usize,
    /// Number of the line.
    pub(super) line: u32,
    /// Line on which the quote opens.
    pub(super) quote_line: u32,
}

/// Finds the stray quote of a record. Returns `None` for a record with correct quotes, also where a
/// cell has several lines.
pub(super) fn find_stray_quote(
    text: &str,
    header: &ManifestHeader,
    record: RecordSpan,
) -> Option<StrayQuote> {
    let closes_inside_cell = match record.fault {
        Some(QuoteFault::UnclosedQuote { .. }) => return None,
        Some(QuoteFault::TextAfterQuote { opened_on_line }) => Some(opened_on_line),
        None if record.line == record.last_line => return None,
        None => None,
    };
    let rows = InnerLines::new(text, record).filter(|line| line.looks_like_row(header));
    let inner_rows: Vec<InnerRow> = rows.map(|line| line.row).collect();
    let closed = record.last_line;
    let fault = match (closes_inside_cell, inner_rows.first()) {
        (Some(opened), _) => QuoteProblem::ClosesInsideCell { opened, closed },
        (None, Some(first)) => QuoteProblem::RunsOverRows {
            opened: first.quote_line,
            closed,
        },
        (None, None) => return None,
    };
    Some(StrayQuote { fault, inner_rows })
}

/// Returns the splitter for the text after a record with a stray quote.
///
/// A quote that closes in the middle of a cell may in truth open a cell of the last line. The
/// further lines of that cell are no rows.
pub(super) fn splitter_after<'t>(
    text: &'t str,
    header: &ManifestHeader,
    record: RecordSpan,
    rest: RecordSplitter<'t>,
) -> RecordSplitter<'t> {
    if record.fault.is_none() || record.line == record.last_line {
        return rest;
    }
    let start = text[..record.end]
        .rfind(['\n', '\r'])
        .map_or(record.offset, |line_break| line_break + 1);
    let mut from_last_line = RecordSplitter::new(text, header.delimiter, start, record.last_line);
    let mut cells = Vec::new();
    let last = from_last_line.next_record(&mut cells);
    let is_sound = last.is_some_and(|last| {
        last.fault.is_none()
            && cells.len() == header.width
            && find_stray_quote(text, header, last).is_none()
    });
    if is_sound { from_last_line } else { rest }
}

/// Returns `true` for a line with as many cells as the header.
///
/// Prose has a blank after each comma. A row of the kind would be refused for the blanks around its
/// ids, so the line of a note is rather taken for prose.
fn looks_like_row(line: &str, header: &ManifestHeader) -> bool {
    let delimiters = memchr::memchr_iter(header.delimiter, line.as_bytes()).count();
    if delimiters + 1 < header.width {
        return false;
    }
    let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(header.width);
    let span = RecordSplitter::new(line, header.delimiter, 0, 1).next_line(&mut cells);
    cells.len() == header.width && !is_blank_record(&cells, span) && !is_prose(&cells)
}

/// Returns `true` if each cell but the first begins with a blank, empty cells aside.
fn is_prose(cells: &[Cow<'_, str>]) -> bool {
    let mut after_commas = cells[1..].iter().filter(|cell| !cell.is_empty()).peekable();
    after_commas.peek().is_some() && after_commas.all(|cell| cell.starts_with(' '))
}

/// Line of a record that begins inside a quote.
#[derive(Debug, Clone, Copy)]
struct InnerLine<'t> {
    /// Place of the line, as a row.
    row: InnerRow,
    text: &'t str,
    /// Position of the closing quote, if the cell ends in the line.
    closing_quote: Option<usize>,
}

impl InnerLine<'_> {
    /// Returns `true` if the line, or its part before the closing quote, looks like a row.
    ///
    /// The whole line counts if the quote cannot be the end of the cell's text, because the quote
    /// stands after a delimiter or before text, or because the part names an object type.
    fn looks_like_row(&self, header: &ManifestHeader) -> bool {
        let text = match self.closing_quote {
            Some(at) if self.ends_cell(at, header.delimiter) => {
                let part = &self.text[..at];
                if names_object_type(part, header) {
                    self.text
                } else {
                    part
                }
            }
            _ => self.text,
        };
        looks_like_row(text, header)
    }

    /// Returns `true` for a quote after text, and before a delimiter or the end of the line.
    fn ends_cell(&self, at: usize, delimiter: u8) -> bool {
        let bytes = self.text.as_bytes();
        let follows_delimiter = at > 0 && bytes[at - 1] == delimiter;
        let next = bytes.get(at + 1);
        !follows_delimiter && next.is_none_or(|next| *next == delimiter)
    }
}

/// Returns `true` if a line has the word of an object type where the header has `object_type`.
fn names_object_type(line: &str, header: &ManifestHeader) -> bool {
    let mut cells = line.split(char::from(header.delimiter));
    header
        .column_index(Column::ObjectType)
        .and_then(|column| cells.nth(column))
        .is_some_and(|cell| cell.trim().parse::<ObjectType>().is_ok())
}

/// Iterator over the lines of a record, without the first line.
struct InnerLines<'t> {
    text: &'t str,
    /// Offset of the line break before the next line.
    offset: usize,
    /// Offset after the last byte of the record.
    end: usize,
    /// Number of the line before the next line.
    number: u32,
    /// Line on which the quote opens in which the next line begins.
    quote_line: u32,
}

impl<'t> InnerLines<'t> {
    fn new(text: &'t str, record: RecordSpan) -> Self {
        Self {
            text,
            offset: line_end(text, record.offset),
            end: record.end,
            number: record.line,
            quote_line: record.line,
        }
    }
}

impl<'t> Iterator for InnerLines<'t> {
    type Item = InnerLine<'t>;

    fn next(&mut self) -> Option<InnerLine<'t>> {
        if self.offset >= self.end {
            return None;
        }
        let length = match &self.text.as_bytes()[self.offset..] {
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        let offset = self.offset + length;
        self.offset = line_end(self.text, offset);
        self.number += 1;
        let text = &self.text[offset..self.offset];
        let line = InnerLine {
            row: InnerRow {
                offset,
                line: self.number,
                quote_line: self.quote_line,
            },
            text,
            closing_quote: find_closing_quote(text),
        };
        if line.closing_quote.is_some() {
            // A line after this line begins inside a quote that opens in this line.
            self.quote_line = self.number;
        }
        Some(line)
    }
}

/// Returns the offset of the line break after an offset, or of the end of the text.
fn line_end(text: &str, offset: usize) -> usize {
    let rest = &text[offset..];
    offset + rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// Returns the position of the first single quote; doubled quotes are text.
fn find_closing_quote(text: &str) -> Option<usize> {
    let mut start = 0;
    loop {
        let at = start + text[start..].find('"')?;
        if !text[at + 1..].starts_with('"') {
            return Some(at);
        }
        start = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ColumnSources;

    const HEADER: &str = "file_path,object_type,object_id,external_id,note\n";

    /// Returns the stray quote of the first record under the header, as its fault and the lines of
    /// its rows with the lines of their quotes.
    fn stray_quote(record: &str) -> Option<(QuoteProblem, Vec<(u32, u32)>)> {
        let text = format!("{HEADER}{record}");
        let (header, mut rest) = ManifestHeader::read(&text, &ColumnSources::default()).unwrap();
        let record = rest.next_record(&mut Vec::new()).unwrap();
        let stray = find_stray_quote(&text, &header, record)?;
        let rows = stray.inner_rows.iter();
        Some((
            stray.fault,
            rows.map(|row| (row.line, row.quote_line)).collect(),
        ))
    }

    #[test]
    fn a_cell_of_several_lines_without_rows_has_no_stray_quote() {
        for record in [
            "a,contract,1,A,note",
            "a,contract,1,A,\"one\n\ntwo, three\nfour\"",
            "a,contract,1,A,\"Dear Sir, yes, no, perhaps, never\nnothing, at, all, to, do\"",
            "a,contract,1,A,\"x\n,,,,\n\"",
            "\"x\ny\",contract,1,A,n",
            "\"x\n,y\",\"1\n2\",1,A,n",
            "a,contract,1,A,\"x\nb,contract,2,B\n1,2,3,4,5,6\"",
        ] {
            assert_eq!(stray_quote(record), None, "{record:?}");
        }
    }

    #[test]
    fn rows_inside_a_quote_are_found_wherever_the_quote_ends() {
        for record in [
            "a,contract,1,A,\"see\nb,contract,1,B,n\nc,contract,1,C,\"",
            "a,contract,1,A,\"see\nb,contract,1,B,n\nc,contract,1,C,n\"",
            "a,contract,1,A,\"see\r\nb,contract,1,B,n\r\nc,contract,1,C,\"\r\n",
            "a,contract,1,\",A\nb,contract,1,B,n\nc,contract,1,\",C",
            "a,contract,1,\"12,A\nb,contract,1,13,B\nc,contract,1,14\",C",
        ] {
            let rows = vec![(3, 2), (4, 2)];
            let fault = QuoteProblem::RunsOverRows {
                opened: 2,
                closed: 4,
            };
            assert_eq!(stray_quote(record), Some((fault, rows)), "{record:?}");
        }
    }

    #[test]
    fn a_lone_quote_in_two_rows_is_no_cell_of_both() {
        let record = "a,contract,1,\",n\nb,contract,2,\",n";
        let fault = QuoteProblem::RunsOverRows {
            opened: 2,
            closed: 3,
        };
        assert_eq!(stray_quote(record), Some((fault, vec![(3, 2)])));
    }

    #[test]
    fn a_quote_that_closes_inside_a_cell_says_how_far_it_ran() {
        for (record, opened, closed, rows) in [
            ("a,contract,1,A,\"x\"y", 2, 2, vec![]),
            ("a,contract,1,A,\"x\ntext\"y", 2, 3, vec![]),
            (
                "a,contract,1,A,\"x\nb,contract,1,B,12\" pipe",
                2,
                3,
                vec![(3, 2)],
            ),
            (
                "a,contract,1,A,\"x\nb,contract,1,B,n\ntext\nc,contract,1,C,\"n\"",
                2,
                5,
                vec![(3, 2), (5, 2)],
            ),
            (
                "\"a\nb\",contract,1,A,\"x\nb,contract,1,B,\"n\"",
                3,
                4,
                vec![(4, 3)],
            ),
        ] {
            let fault = QuoteProblem::ClosesInsideCell { opened, closed };
            assert_eq!(stray_quote(record), Some((fault, rows)), "{record:?}");
        }
    }

    #[test]
    fn the_text_goes_on_after_a_cell_that_opens_where_the_stray_quote_closes() {
        for (text, next_line) in [
            ("a,contract,1,A,\"x\nb,contract,1,B,\"n\"\nc", 4),
            ("a,contract,1,A,\"x\nb,contract,1,B,\"n\nm\"\nc", 5),
            ("a,contract,1,A,\"x\nb,contract,1,B,\"n\nc", 4),
            ("a,contract,1,A,\"x\"y\nc", 3),
        ] {
            let text = format!("{HEADER}{text}");
            let (header, mut rest) =
                ManifestHeader::read(&text, &ColumnSources::default()).unwrap();
            let record = rest.next_record(&mut Vec::new()).unwrap();
            let mut rest = splitter_after(&text, &header, record, rest);
            let next = rest.next_record(&mut Vec::new()).unwrap();
            assert_eq!(next.line, next_line, "{text:?}");
        }
    }
}
