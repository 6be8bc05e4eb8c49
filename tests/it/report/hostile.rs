//! Cells with an effect on the reader's browser.

use consign::results::{AttachmentChanges, BackupOutcome, FormerContent, ResultsEntry};
use consign::text::is_unsafe_to_print;

use super::{HTML, JSON, VERIFICATION, json, report, uploaded, with_results};

const HOSTILE: &str = "</td><script>alert(1)</script>\"><img src=x onerror=alert(2)>'\u{202e}fdp\u{1b}[2J\u{9b}31m\u{2028}{{ 7 }}";

/// Returns an entry with the text in each cell which may hold text.
fn hostile(row: usize, status: &str) -> ResultsEntry {
    let mut entry = uploaded(row);
    entry.file_path = format!("{HOSTILE}{row}");
    entry.object_type = HOSTILE.into();
    entry.object_id = HOSTILE.into();
    entry.external_id = format!("{HOSTILE}{row}");
    entry.destination = HOSTILE.into();
    entry.message = HOSTILE.into();
    entry.changes = AttachmentChanges {
        replaced: Some(FormerContent {
            size: 3,
            sha256: None,
            backup: BackupOutcome::Kept(HOSTILE.into()),
        }),
        previous_title: Some(HOSTILE.into()),
        renamed_to: Some(HOSTILE.into()),
    };
    let row = row.to_string();
    let cells = entry.cells().map(std::borrow::Cow::into_owned);
    let mut cells = cells.each_ref().map(String::as_str);
    (cells[0], cells[5], cells[6]) = (&row, status, HOSTILE);
    ResultsEntry::from_cells(cells).unwrap()
}

#[track_caller]
fn is_inert(html: &str) {
    let acts = |c: char| c != '\n' && is_unsafe_to_print(c);
    assert!(!html.contains(acts), "something acts on whoever looks");
    for element in ["<script", "<img", "<iframe", "<object", "<link", "<form"] {
        assert!(!html.contains(element), "{element}");
    }
    // Every attribute is one of ours: no hostile text has left its quotes.
    for attribute in [" onerror=\"", " src=\"", " style=\"", "javascript:"] {
        assert!(!html.contains(attribute), "{attribute}");
    }
}

#[test]
fn whatever_stands_in_a_cell_is_shown_as_text() {
    let rows = ["uploaded", "failed", "conflict", "pending"];
    let test = with_results((1..).zip(rows).map(|(row, status)| hostile(row, status)));
    let outcome = report(&test).exits(0);
    let html = test.read(HTML);
    is_inert(&html);
    assert!(html.contains(
        "&#60;/td&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#62;&#60;img src=x \
         onerror=alert(2)&#62;&#39;\\u{202e}fdp\\u{1b}[2J\\u{9b}31m\\u{2028}{{ 7 }}1<span"
    ));
    let for_machines = test.read(JSON);
    assert!(!for_machines.contains(|c| c != '\n' && is_unsafe_to_print(c)));
    assert_eq!(
        json(&test)["row_list"]["listed"][0]["file_path"],
        format!("{HOSTILE}1")
    );
    assert!(
        !outcome
            .stdout
            .contains(|c| c != '\n' && is_unsafe_to_print(c))
    );
}

#[test]
fn names_of_files_and_what_is_wrong_with_lines_are_shown_as_text() {
    let test = with_results([uploaded(1), hostile(2, "failed")]);
    let name = "<script>\u{202e}\u{1b}.results.csv";
    let damaged = test
        .read("m.results.csv")
        .replace(",failed,", ",<script>\u{1b},");
    test.write(name, damaged);
    let outcome = test
        .consign(["report", name])
        .prints("The results file is damaged.")
        .exits(0);
    let html = test.read("<script>\u{202e}\u{1b}.results.report.html");
    is_inert(&html);
    assert!(html.contains("<h1>&#60;script&#62;\\u{202e}\\u{1b}.results.csv</h1>"));
    assert!(
        !outcome
            .stdout
            .contains(|c| c != '\n' && is_unsafe_to_print(c))
    );
}

#[test]
fn a_verification_that_is_none_is_named_as_text() {
    let test = with_results([uploaded(1)]);
    test.write(VERIFICATION, "\u{1b}[2J\n");
    report(&test)
        .stderr(
            "error: m.results.verification.csv is not a verification file of consign: the first \
             line has no column \"line_check\"; remove the file, or write a new one with consign \
             verify\n",
        )
        .exits(2);
    assert!(!test.path(HTML).exists());
}
