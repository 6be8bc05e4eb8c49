//! The numbers of damaged and torn lines, as an editor shows them.

use super::*;

/// Returns a file of five lines with these line breaks. The second row's cell of the manifest has
/// two lines.
fn text_with_line_breaks(line_break: &str) -> String {
    let plain = |number| LineToWrite {
        entry: ResultsEntry {
            file_path: format!("{number}.pdf"),
            ..entry(number, Status::Uploaded)
        },
        extras: vec!["law".into()],
    };
    let folder = ResultsFolder::new();
    let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
    let lines = [1, 2, 3, 4].map(plain);
    file.rewrite_before_run(CsvDialect::Comma, &["department".into()], lines.into_iter())
        .unwrap();
    let text = folder
        .text()
        .replacen(",law\n3,", ",\"law\nand order\"\n3,", 1);
    text.replace('\n', line_break)
}

#[test]
fn damaged_and_torn_lines_are_named_by_the_numbers_that_an_editor_shows() {
    for line_break in ["\n", "\r\n", "\r"] {
        let text =
            text_with_line_breaks(line_break).replacen("3.pdf,contract,7,", "3.pdf,contract,8,", 1);
        let whole = ResultsFolder::parse(&*text);
        let lines: Vec<u64> = whole
            .damaged_lines
            .iter()
            .map(|one| one.line_number)
            .collect();
        assert_eq!(
            (&*lines, whole.torn_line),
            (&[5][..], None),
            "{line_break:?}"
        );
        let torn = ResultsFolder::parse(&text[..text.len() - 30]);
        assert_eq!(torn.torn_line, Some(6), "{line_break:?}");
    }
}

#[test]
fn a_line_that_was_swallowed_is_named_by_its_own_number() {
    for line_break in ["\n", "\r\n", "\r"] {
        let text = text_with_line_breaks(line_break);
        let text = text.replacen("1.pdf,contract", "\"1.pdf,contract", 1);
        let text = text.replacen("4.pdf,contract,7,", "4.pdf,contract,8,", 1);
        let read = ResultsFolder::parse(&*text);
        let lines: Vec<u64> = read
            .damaged_lines
            .iter()
            .map(|one| one.line_number)
            .collect();
        assert_eq!(lines, [2, 6], "{line_break:?}");
    }
}

#[test]
fn blank_lines_are_counted() {
    for line_break in ["\n", "\r\n", "\r"] {
        let text =
            text_with_line_breaks("\n").replacen("3.pdf,contract,7,", "3.pdf,contract,8,", 1);
        let text = text
            .replacen("\n3,", "\n\n\n3,", 1)
            .replace('\n', line_break);
        assert_eq!(
            ResultsFolder::parse(&*text).damaged_lines[0].line_number,
            7,
            "{line_break:?}"
        );
    }
}
