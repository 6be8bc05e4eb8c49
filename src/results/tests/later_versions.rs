//! Results written by a later version.

use super::*;

/// Returns a file of one line, with one cell replaced and a matching check.
fn text_of_later_version(cell: &str, instead: &str) -> String {
    let text = ResultsFolder::with_entries([entry(1, Status::Uploaded)]).text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut cells: Vec<String> = reader
        .records()
        .next()
        .unwrap()
        .unwrap()
        .iter()
        .map(|cell| crate::text::unescape_formula(cell).to_owned())
        .collect();
    let place = COLUMNS.iter().position(|column| *column == cell).unwrap();
    cells[place] = instead.to_owned();
    let guarded = cells[..COLUMNS.len()].iter().map(String::as_str);
    cells[COLUMNS.len()] = line_check(guarded, 1);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(reader.headers().unwrap()).unwrap();
    writer.write_record(&cells).unwrap();
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[test]
fn a_line_of_a_later_version_is_named_and_not_taken_for_one_that_says_nothing() {
    for (cell, instead, why) in [
        (
            "status",
            "withdrawn",
            "the status \"withdrawn\" belongs to a later version",
        ),
        (
            "verified",
            "sha256",
            "column verified: \"sha256\" is not a value that consign writes; was the line written by a later version?",
        ),
    ] {
        let previous = ResultsFolder::parse(text_of_later_version(cell, instead));
        let [damaged] = previous.damaged_lines.as_slice() else {
            panic!("{:?}", previous.damaged_lines);
        };
        assert_eq!(damaged.problem, why);
        assert_eq!(previous.latest_line_positions().count(), 0);
    }
}
