//! Reports on very many rows, and on rows with very long cells.

use super::{HTML, JSON, json, report, uploaded, with_results};

/// Largest size of the HTML in bytes, as promised by the issue and the README.
const MOST: u64 = 5_000_000;

fn listed_rows(html: &str) -> usize {
    html.matches("<tr data-row=").count()
}

#[test]
fn a_list_of_too_many_rows_ends_and_says_so_and_refers_to_the_results() {
    let test = with_results((1..=5_003).map(uploaded));
    report(&test).exits(0);
    let html = test.read(HTML);
    assert_eq!(listed_rows(&html), 5_000);
    assert!(html.contains("id=\"rows-total\" data-count=\"5003\">5,003</td>"));
    assert!(html.contains("id=\"rows-unlisted\" data-count=\"3\""));
    assert!(html.contains("The first 5000 of 5,003 rows."));
    assert!(html.contains("All rows are in m.results.csv"));
    let json = json(&test);
    assert_eq!(json["row_list"]["count"], 5_003);
    assert_eq!(json["row_list"]["listed"].as_array().unwrap().len(), 5_000);
}

#[test]
fn rows_full_of_what_has_to_be_escaped_do_not_make_the_file_too_large() {
    let cell = "\u{202e}<'&\u{1b}\"".repeat(400);
    let rows = (1..=6_000).map(|row| {
        let mut entry = uploaded(row);
        entry.file_path.clone_from(&cell);
        entry.object_type.clone_from(&cell);
        entry.object_id.clone_from(&cell);
        entry.external_id = format!("{row}{cell}");
        entry.message.clone_from(&cell);
        entry.status = match row % 5 {
            0 => consign::results::Status::Uploaded,
            1 => consign::results::Status::Failed,
            2 => consign::results::Status::Conflict,
            3 => consign::results::Status::Created,
            _ => consign::results::Status::Pending,
        };
        entry
    });
    let test = with_results(rows);
    report(&test).exits(0);
    for name in [HTML, JSON] {
        let size = std::fs::metadata(test.path(name)).unwrap().len();
        assert!(size < MOST, "{name} has {size} bytes");
    }
    let html = test.read(HTML);
    assert!(html.contains("id=\"rows-failed\" data-count=\"1200\">1,200</td>"));
    assert!(listed_rows(&html) > 20, "{}", listed_rows(&html));
}

#[test]
fn a_group_of_exceptions_shows_its_first_rows_and_counts_the_others() {
    let rows = (1..=60).map(|row| {
        let mut entry = uploaded(row);
        entry.status = consign::results::Status::Failed;
        entry
    });
    let test = with_results(rows);
    report(&test).exits(0);
    let html = test.read(HTML);
    assert!(html.contains("<p>And 10 more, in m.results.csv.</p>"));
    let group = &json(&test)["exceptions"][0];
    assert_eq!(
        (&group["what"], &group["rows"]["count"]),
        (&"failed".into(), &60.into())
    );
}
