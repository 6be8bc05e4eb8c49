//! Delimiters and byte order marks in results: written by consign, and left by other programs.

use super::*;

/// Returns the text of results in a dialect, with two lines of the whole file.
fn text_in(dialect: CsvDialect) -> String {
    let folder = ResultsFolder::new();
    let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
    let lines = [1, 2].map(|number| LineToWrite {
        entry: entry(number, Status::Created),
        extras: vec!["x;y,z\t".to_owned()],
    });
    file.rewrite_before_run(dialect, &["a;b,c".into()], lines.into_iter())
        .unwrap();
    folder.text()
}

#[test]
fn lines_are_appended_with_the_delimiter_that_the_file_has() {
    for dialect in [CsvDialect::Comma, CsvDialect::Semicolon, CsvDialect::Tab] {
        for mark in ["\u{feff}", ""] {
            let folder = ResultsFolder::new();
            let text = text_in(dialect).replace('\u{feff}', mark);
            fs::write(&folder.path, &text).unwrap();
            let (mut file, earlier) = ResultsFile::resume(&folder.path, None).unwrap();
            assert_eq!(earlier.dialect(), dialect);
            file.append(&[entry(2, Status::Uploaded)]).unwrap();
            drop(file);
            assert!(folder.text().starts_with(&text), "{}", folder.text());
            let now = ResultsFolder::parse(folder.text());
            assert_eq!(now.damaged_lines, []);
            for (number, status) in [(1, Status::Created), (2, Status::Uploaded)] {
                let line = entry(number, status);
                assert_eq!(now.latest_entry(&line.external_id), Some(line));
            }
            assert_eq!(now.extra_cell("=A1", "a;b,c"), "x;y,z\t");
        }
    }
}

#[test]
fn a_rewritten_file_has_the_dialect_of_the_run_whatever_it_had() {
    for (before, now) in [
        (CsvDialect::Tab, CsvDialect::Semicolon),
        (CsvDialect::Comma, CsvDialect::Semicolon),
        (CsvDialect::Semicolon, CsvDialect::Comma),
    ] {
        let folder = ResultsFolder::new();
        fs::write(&folder.path, text_in(before).replace('\u{feff}', "")).unwrap();
        let (mut file, _) = ResultsFile::resume(&folder.path, None).unwrap();
        let line = || LineToWrite {
            entry: entry(1, Status::Created),
            extras: Vec::new(),
        };
        file.rewrite_before_run(now, &[], std::iter::once(line()))
            .unwrap();
        file.append(&[entry(1, Status::Uploaded)]).unwrap();
        let from_memory = file.rebuild_from_memory(std::iter::once(line())).unwrap();
        assert_eq!(from_memory.dialect(), now);
        let text = folder.text();
        let delimiter = char::from(now.delimiter());
        assert!(
            text.starts_with(&format!("\u{feff}row{delimiter}file_path{delimiter}")),
            "{text}"
        );
        for read in [ResultsFolder::parse(text), from_memory] {
            assert_eq!(read.damaged_lines, []);
            assert_eq!(
                read.latest_entry("=A1"),
                Some(entry(1, Status::Uploaded)),
                "{now:?}"
            );
        }
    }
}

#[test]
fn a_mark_that_stands_before_another_line_costs_nothing() {
    let text = text_in(CsvDialect::Semicolon);
    let records = split_records(text.trim_start_matches('\u{feff}'));
    let quoted = |record: &[u8]| {
        let record = String::from_utf8(record.to_vec()).unwrap();
        let (first, rest) = record.split_once(';').unwrap();
        format!("\"{first}\";{rest}").into_bytes()
    };
    for marked in 0..3 {
        for quote in [<[u8]>::to_vec, quoted] {
            let mut records: Vec<Vec<u8>> = records.iter().map(|record| quote(record)).collect();
            records[marked].splice(0..0, "\u{feff}".bytes());
            let text = [b";;;\n".to_vec(), records.concat()].concat();
            let read = ResultsFolder::parse(text);
            assert_eq!(read.damaged_lines, [], "before line {marked}");
            assert_eq!(read.external_ids(), ["=A1", "=A2"]);
        }
    }
}

#[test]
fn a_line_that_names_the_delimiter_may_stand_above_the_header() {
    for (dialect, line) in [
        (CsvDialect::Semicolon, "sep=;\r\n"),
        (CsvDialect::Semicolon, "\u{feff}\"sep=;\"\n"),
        (CsvDialect::Comma, "\u{feff}SEP=,\n\n"),
        (CsvDialect::Tab, "sep=\t\t\n"),
    ] {
        let read = ResultsFolder::parse(format!("{line}{}", text_in(dialect)));
        assert_eq!(read.dialect(), dialect, "{line:?}");
        assert_eq!(read.damaged_lines, [], "{line:?}");
        let written = entry(2, Status::Created);
        assert_eq!(read.latest_entry(&written.external_id), Some(written));
    }
    // Among the lines it is no line of ours.
    let text = text_in(CsvDialect::Semicolon);
    let read = ResultsFolder::parse(format!("{text}sep=;\n"));
    assert_eq!(read.damaged_lines.len(), 1);
}
