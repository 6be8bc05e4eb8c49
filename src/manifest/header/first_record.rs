//! First record of a text with headings: its delimiter, and a line `sep=;` above.

use std::borrow::Cow;

use crate::manifest::column::Column;
use crate::manifest::column_sources::ColumnSources;
use crate::manifest::heading::normalise_heading;
use crate::manifest::record_splitter::{RecordSpan, RecordSplitter};

/// Delimiters written by spreadsheets, the most common first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Delimiter of a text made from a sheet.
pub(super) const SHEET_DELIMITER: u8 = b',';

/// First record of a text, and the splitter for the rest of the text.
pub(in crate::manifest) struct FirstRecord<'t> {
    pub(super) delimiter: u8,
    /// Origin of the delimiter.
    pub(super) origin: DelimiterOrigin,
    pub(super) span: RecordSpan,
    pub(super) cells: Vec<Cow<'t, str>>,
    pub(super) rest: RecordSplitter<'t>,
}

/// Origin of the delimiter of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::manifest) enum DelimiterOrigin {
    /// The delimiter that gives the most known columns.
    Detected,
    /// A line such as `sep=;` above the header.
    SeparatorLine,
}

/// Line above the header that names the delimiter, as Excel reads and some exports write: `sep=;`.
struct SeparatorLine {
    delimiter: u8,
    /// Offset of the text below.
    end: usize,
}

impl SeparatorLine {
    /// Recognises the first line of a text. The line may be quoted, and the delimiters of further
    /// empty cells may follow.
    fn from_text(text: &str) -> Option<Self> {
        let end = text.find(['\n', '\r']).unwrap_or(text.len());
        let line = text[..end].trim_matches(' ');
        let quoted = line.strip_prefix('"');
        let named = quoted.unwrap_or(line);
        let prefix = named
            .get(..4)
            .filter(|word| word.eq_ignore_ascii_case("sep="))?;
        let delimiter = *named.as_bytes().get(prefix.len())?;
        let after = named.get(prefix.len() + 1..)?;
        let after = if quoted.is_some() {
            after.strip_prefix('"')?
        } else {
            after
        };
        let is_delimiter =
            delimiter == b'\t' || (delimiter.is_ascii_punctuation() && delimiter != b'"');
        let is_rest_empty = after.bytes().all(|byte| byte == delimiter);
        let line_break = if text[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        (is_delimiter && is_rest_empty).then(|| Self {
            delimiter,
            end: (end + line_break).min(text.len()),
        })
    }
}

impl<'t> FirstRecord<'t> {
    /// Splits off the first record other than a blank line. The delimiter is the one that a line
    /// `sep=;` names, or else the one that gives the most known columns, and then the most cells.
    pub(super) fn split(text: &'t str, sources: &ColumnSources) -> Option<Self> {
        if let Some(line) = SeparatorLine::from_text(text) {
            let splitter = RecordSplitter::new(text, line.delimiter, line.end, 2);
            return Self::split_by(line.delimiter, DelimiterOrigin::SeparatorLine, splitter);
        }
        DELIMITERS
            .into_iter()
            .filter_map(|delimiter| {
                let splitter = RecordSplitter::new(text, delimiter, 0, 1);
                Self::split_by(delimiter, DelimiterOrigin::Detected, splitter)
            })
            // `max_by_key` takes the last of equal elements; `rev` makes the most common delimiter
            // the last.
            .rev()
            .max_by_key(|first| (first.count_known_columns(sources), first.cells.len()))
    }

    /// Splits off the first record of a text made from a sheet.
    pub(super) fn of_sheet(text: &'t str) -> Option<Self> {
        let splitter = RecordSplitter::new(text, SHEET_DELIMITER, 0, 1);
        Self::split_by(SHEET_DELIMITER, DelimiterOrigin::Detected, splitter)
    }

    fn split_by(
        delimiter: u8,
        origin: DelimiterOrigin,
        mut splitter: RecordSplitter<'t>,
    ) -> Option<Self> {
        let mut cells = Vec::new();
        loop {
            let span = splitter.next_record(&mut cells)?;
            // With a wrong delimiter, an empty row is a cell full of delimiters.
            let says_nothing =
                |cell: &Cow<'_, str>| cell.trim_matches([',', ';', ' ', '\t']).is_empty();
            if span.fault.is_some() || !cells.iter().all(says_nothing) {
                return Some(Self {
                    delimiter,
                    origin,
                    span,
                    cells,
                    rest: splitter,
                });
            }
        }
    }

    fn count_known_columns(&self, sources: &ColumnSources) -> usize {
        let is_known = |cell: &&Cow<'_, str>| {
            let name = normalise_heading(cell);
            Column::from_name(&name).is_some() || sources.column_of_heading(&name).is_some()
        };
        self.cells.iter().filter(is_known).count()
    }
}

/// Returns the normalised names in the first record, and the splitter for the rest. The text may be
/// any table, not only a manifest.
pub(in crate::manifest) fn split_header_names(
    text: &str,
) -> Option<(Vec<String>, RecordSplitter<'_>)> {
    let first = FirstRecord::split(text, &ColumnSources::default())?;
    let names = first.cells.iter().map(|cell| normalise_heading(cell));
    Some((names.collect(), first.rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_may_name_the_delimiter() {
        for (line, delimiter) in [
            ("sep=;", Some(';')),
            ("sep=,", Some(',')),
            ("SEP=;", Some(';')),
            ("sep=\t", Some('\t')),
            ("sep=|", Some('|')),
            ("\"sep=;\"", Some(';')),
            ("sep=;;;;", Some(';')),
            ("\"sep=,\",,,", Some(',')),
            ("sep=; ", Some(';')),
            ("sep=", None),
            ("sep=x", None),
            ("sep=\"", None),
            ("sep=;,", None),
            ("\"sep=;", None),
            ("separator", None),
            ("sep", None),
            ("sepä=;", None),
            ("file_path;sep=;", None),
            ("", None),
        ] {
            for end in ["", "\n", "\r\n", "\r", "\nnext\n"] {
                let text = format!("{line}{end}");
                let found = SeparatorLine::from_text(&text);
                let named = found.as_ref().map(|one| char::from(one.delimiter));
                assert_eq!(named, delimiter, "{text:?}");
                let below = found.map_or("", |one| &text[one.end..]);
                let next = if delimiter.is_some() {
                    end.strip_prefix("\nn")
                } else {
                    None
                };
                assert_eq!(below, next.map_or("", |_| "next\n"), "{text:?}");
            }
        }
    }

    #[test]
    fn the_header_is_below_the_line_that_names_the_delimiter() {
        for (text, line) in [("sep=;\na;b,c\n", 2), ("sep=;\r\n\r\n;\r\na;b,c\r\n", 4)] {
            let first = FirstRecord::split(text, &ColumnSources::default()).unwrap();
            assert_eq!(first.cells, ["a", "b,c"]);
            assert_eq!(first.span.line, line);
            assert_eq!(first.origin, DelimiterOrigin::SeparatorLine);
        }
        assert!(FirstRecord::split("sep=;\n", &ColumnSources::default()).is_none());
    }
}
