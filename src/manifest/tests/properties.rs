//! Properties of every manifest, written by any program.

use std::collections::HashMap;

use csv::{QuoteStyle, Terminator};
use encoding_rs::{SHIFT_JIS, WINDOWS_1252};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary::{arbitrary_bytes, arbitrary_text, proptest_config};

/// Reads bytes as [`read`] reads a file.
fn read_bytes(
    bytes: Vec<u8>,
    encoding: Option<&'static Encoding>,
) -> Result<ManifestWithProblems, ManifestErrorKind> {
    let options = ManifestOptions {
        encoding,
        ..ManifestOptions::default()
    };
    let text = decode(bytes, encoding)?;
    parse_manifest(Path::new("m.csv"), ManifestTable::of_text(text), &options)
}

/// Counts the lines of a text as a person does.
fn count_lines(bytes: &[u8]) -> usize {
    let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    breaks.count() + 1
}

/// Returns the number after the first `line ` in a message.
fn line_number_in(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("line ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Free cells of a manifest row: title, note and department.
type FreeCells = (String, String, String);

fn free_cells() -> impl Strategy<Value = FreeCells> {
    (arbitrary_text(), arbitrary_text(), arbitrary_text())
}

/// Format in which a program may write a table.
#[derive(Debug, Clone, Copy)]
struct TableFormat {
    delimiter: u8,
    quotes: QuoteStyle,
    end: Terminator,
    encode: fn(&str) -> Vec<u8>,
}

fn table_format() -> impl Strategy<Value = TableFormat> {
    let encodings: [fn(&str) -> Vec<u8>; 6] = [
        |text| text.as_bytes().to_vec(),
        |text| [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        |text| utf_16("\u{feff}", text, u16::to_le_bytes),
        |text| utf_16("\u{feff}", text, u16::to_be_bytes),
        |text| utf_16("", text, u16::to_le_bytes),
        |text| utf_16("", text, u16::to_be_bytes),
    ];
    (
        select(b",;\t".to_vec()),
        select(vec![QuoteStyle::Necessary, QuoteStyle::Always]),
        select(vec![
            Terminator::CRLF,
            Terminator::Any(b'\n'),
            Terminator::Any(b'\r'),
        ]),
        select(encodings.to_vec()),
    )
        .prop_map(|(delimiter, quotes, end, encode)| TableFormat {
            delimiter,
            quotes,
            end,
            encode,
        })
}

fn utf_16(mark: &str, text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let units = mark.encode_utf16().chain(text.encode_utf16());
    units.flat_map(to_bytes).collect()
}

impl TableFormat {
    fn write(self, record: &[&str]) -> String {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(self.delimiter)
            .quote_style(self.quotes)
            .terminator(self.end)
            .from_writer(Vec::new());
        writer.write_record(record).unwrap();
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }
}

/// Returns lines of a manifest, with quotes in places where people and programs leave them.
fn quoted_lines() -> impl Strategy<Value = Vec<String>> {
    let ends = [
        ",t",
        ",\"t\"",
        ",\"t",
        ",\"",
        ",t\"",
        ",12\" pipe",
        ",\"12\" pipe",
        ",\"a \"\"b\"\"",
        "",
    ];
    let line = (0..6_u32, select(ends.to_vec())).prop_map(|(kind, end)| match kind {
        0 => format!("text{end}"),
        1 => format!("and so on{}", end.trim_start_matches(',')),
        _ => format!("a.pdf,contract,1,ID{end}"),
    });
    let with_ids = |lines: Vec<String>| -> Vec<String> {
        let numbered = lines.into_iter().enumerate();
        numbered
            .map(|(at, line)| line.replace("ID", &format!("A{at}")))
            .collect()
    };
    prop::collection::vec(line, 1..12).prop_map(with_ids)
}

proptest! {
    #![proptest_config(proptest_config(400))]

    #[test]
    fn any_bytes_are_a_manifest_or_an_error_and_each_problem_is_on_a_line_that_is_there(
        has_header in any::<bool>(),
        rows in arbitrary_bytes(80),
        encoding in select(vec![None, Some(WINDOWS_1252), Some(SHIFT_JIS)]),
    ) {
        let header = if has_header { format!("{HEADER},title\n") } else { String::new() };
        let bytes = [header.as_bytes(), &rows].concat();
        let most = count_lines(&bytes);
        match read_bytes(bytes, encoding) {
            Ok(ManifestWithProblems { manifest, problems }) => {
                for problem in problems.iter() {
                    prop_assert!(problem.row as usize <= manifest.len());
                }
                let screen = render_for_screen(&problems, &manifest, ShownSeverities::ErrorsAndWarnings);
                for line in screen.lines().filter(|line| line.contains("m.csv line ")) {
                    let named = line_number_in(line);
                    prop_assert!(named.is_some_and(|line| (1..=most).contains(&line)), "{line}");
                }
                for (index, row) in manifest.rows().enumerate() {
                    prop_assert_eq!(row.number(), index + 1);
                    prop_assert!((2..=most as u64).contains(&row.line()));
                    prop_assert!(row.parse().is_ok() || problems.has_error(row.number()));
                }
            }
            Err(reason) => {
                let named = line_number_in(&reason.to_string());
                prop_assert!(named.is_none_or(|line| (1..=most).contains(&line)), "{reason}");
            }
        }
    }

    #[test]
    fn a_table_reads_back_as_any_program_wrote_it(
        rows in prop::collection::vec(free_cells(), 1..6),
        manner in table_format(),
    ) {
        let names = ["object_type", "object_id", "external_id", "title", "file_path", "note", "Größe"];
        let mut written = manner.write(&names);
        let mut expected = Vec::new();
        for (title, note, size) in rows {
            expected.push((count_lines(written.as_bytes()), [title.clone(), note.clone(), size.clone()]));
            written += &manner.write(&["contract", "7", "A1", &title, "a.pdf", &note, &size]);
        }
        let ManifestWithProblems { manifest, .. } = read_bytes((manner.encode)(&written), None).unwrap();
        prop_assert_eq!(manifest.extra_columns(), ["title", "note", "Größe"]);
        let read: Vec<_> = manifest
            .rows()
            .map(|row| {
                let extras: Vec<String> = row.extras().map(str::to_owned).collect();
                (usize::try_from(row.line()).unwrap(), extras.try_into().unwrap())
            })
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_line_that_looks_like_a_row_is_a_row_whatever_quotes_are_around(
        lines in quoted_lines(),
        end in select(vec!["\n", "\r\n", "\r"]),
    ) {
        let text = format!("{HEADER},note{end}{}{end}", lines.join(end));
        if let Ok(ManifestWithProblems { manifest, problems }) = read_bytes(text.into_bytes(), None) {
            let rows: HashMap<u64, RawRow<'_>> = manifest.rows().map(|row| (row.line(), row)).collect();
            for (line, number) in lines.iter().zip(2_u64..) {
                if line.matches(',').count() == 4 && !line.contains('"') {
                    let row = rows.get(&number);
                    prop_assert!(row.is_some(), "line {number}: {line}");
                    let row = row.unwrap();
                    prop_assert_eq!(row.cells.join(","), line.as_str());
                    prop_assert_eq!(row.parse().is_ok(), !problems.has_error(row.number()));
                }
            }
        }
    }
}
