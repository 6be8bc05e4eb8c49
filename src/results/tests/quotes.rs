//! Quotes and names in results that mislead a reader: quotes too many, and cells which look like
//! lines or formulas.

use super::*;

#[test]
fn a_quote_too_many_costs_its_own_line_and_none_of_those_after_it() {
    let folder = ResultsFolder::with_entries((1..=4).map(|number| entry(number, Status::Uploaded)));
    for (from, to, damaged) in [
        // The first two quotes stand in a checked cell, the last two in a cell of the manifest's
        // own.
        ("\n2,\"2, a", "\n2,2, a", 1),
        ("\n2,\"2, a", "\n\"2,\"2, a", 1),
        ("\"extra of =A2", "extra of =A2", 1),
        ("\"extra of =A2", "\"\"extra of =A2", 1),
    ] {
        let text = folder.text();
        assert!(text.contains(from), "{text}");
        let previous = ResultsFolder::parse(text.replacen(from, to, 1));
        for number in [1, 3, 4] {
            let id = format!("=A{number}");
            let expected = Some(entry(number, Status::Uploaded));
            assert_eq!(previous.latest_entry(&id), expected, "{to}");
        }
        let lines: Vec<u64> = previous
            .damaged_lines
            .iter()
            .map(|one| one.line_number)
            .collect();
        assert_eq!(
            (lines.len(), previous.torn_line),
            (damaged, None),
            "{to}: {lines:?}"
        );
    }
}

/// Returns a line in which no cell needs quotes but, perhaps, the cell of the manifest's column.
fn unquoted_line(number: usize, extra: &str) -> LineToWrite {
    LineToWrite {
        entry: ResultsEntry {
            file_path: format!("{number}.pdf"),
            ..entry(number, Status::Uploaded)
        },
        extras: vec![extra.to_owned()],
    }
}

fn written_text(lines: impl IntoIterator<Item = LineToWrite>) -> String {
    let folder = ResultsFolder::new();
    let lines: Vec<LineToWrite> = lines.into_iter().collect();
    let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
    file.rewrite_before_run(CsvDialect::Comma, &["department".into()], lines.into_iter())
        .unwrap();
    folder.text()
}

#[test]
fn a_quote_too_many_in_a_column_that_nobody_checks_costs_no_line() {
    let text = written_text([
        unquoted_line(1, "purchasing"),
        unquoted_line(2, "law"),
        unquoted_line(3, "one\ntwo"),
    ]);
    // The record of the second quote ends where the third line begins to be quoted, and so looks
    // like one line.
    for (from, to) in [("department", "\"department"), ("law", "\"law")] {
        let previous = ResultsFolder::parse(text.replacen(from, to, 1));
        assert_eq!(previous.external_ids(), ["=A1", "=A2", "=A3"], "{to}");
        assert_eq!(
            (&*previous.damaged_lines, previous.torn_line),
            (&[][..], None),
            "{to}"
        );
    }
}

#[test]
fn a_cell_that_looks_like_a_line_is_a_cell() {
    let other = written_text([unquoted_line(2, "law")]);
    let (_, line) = other.split_once('\n').unwrap();
    assert_eq!(ResultsFolder::parse(&*other).external_ids(), ["=A2"]);
    let forged = written_text([unquoted_line(1, &format!("law\n{line}"))]);
    assert!(forged.contains(line));
    assert_eq!(ResultsFolder::parse(forged).external_ids(), ["=A1"]);
}

#[test]
fn a_column_of_the_manifest_may_be_named_like_a_formula_or_with_other_delimiters() {
    for column in [
        "+/- price",
        "=x",
        "'=x",
        "a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p;q;r;s",
    ] {
        let folder = ResultsFolder::new();
        let (mut file, _) = ResultsFile::begin(&folder.path).unwrap();
        let line = LineToWrite {
            entry: entry(1, Status::Uploaded),
            extras: vec!["7".into()],
        };
        file.rewrite_before_run(CsvDialect::Comma, &[column.into()], std::iter::once(line))
            .unwrap();
        assert_eq!(
            ResultsFolder::parse(folder.text()).extra_cell("=A1", column),
            "7",
            "{column}"
        );
    }
}
