//! Report section on changes made on request.

use consign::digest::sha256;
use consign::results::{AttachmentChanges, BackupOutcome, FormerContent, ResultsEntry, Status};
use serde_json::{Value, json as value};

use super::{HTML, JSON, json, report, uploaded, with_results};

/// Returns the line of a row with changed content, title and key.
fn changed(row: usize, backup: BackupOutcome) -> ResultsEntry {
    ResultsEntry {
        status: Status::Replaced,
        changes: AttachmentChanges {
            replaced: Some(FormerContent {
                size: 4,
                sha256: Some(sha256(b"old")),
                backup,
            }),
            previous_title: Some("Old".into()),
            renamed_to: Some(format!("EU-A{row}")),
        },
        ..uploaded(row)
    }
}

#[test]
fn each_change_stands_there_with_what_was_there_before() {
    let kept = BackupOutcome::Kept("old/A1.1.pdf".into());
    let test = with_results([
        changed(1, kept),
        changed(2, BackupOutcome::Waived),
        uploaded(3),
    ]);
    report(&test)
        .prints("Changed on request: the content of 2 rows; the title of 2 rows; the external_id of 2 rows.")
        .exits(0);
    let found = &json(&test)["changed"];
    let content = &found["content"]["listed"];
    assert_eq!(
        content[0],
        value!({
            "row": 1, "external_id": "A1", "attachment_id": "1", "status": "replaced",
            "previous_size": 4, "previous_sha256": sha256(b"old").to_string(),
            "size": 5, "sha256": sha256(b"content of A1").to_string(),
            "backup": "old/A1.1.pdf"
        })
    );
    assert_eq!(content[1]["backup"], Value::Null);
    assert_eq!(found["titles"]["listed"][0]["previous_title"], "Old");
    assert_eq!(found["external_ids"]["listed"][1]["renamed_to"], "EU-A2");
    let html = test.read(HTML);
    for part in [
        "<code>old/A1.1.pdf</code>",
        "<td>no backup: waived</td>",
        "id=\"changed-content\" data-count=\"2\"",
        "A1 → EU-A1 · 1",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_list_of_very_many_changes_ends_and_says_so() {
    let rows = (1..=60).map(|row| changed(row, BackupOutcome::Waived));
    let test = with_results(rows);
    report(&test).exits(0);
    let html = test.read(HTML);
    let (_, section) = html.split_once("<section id=\"changes\"").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    assert_eq!(
        section
            .matches("<p>And 10 more, in m.results.csv.</p>")
            .count(),
        3
    );
    assert_eq!(json(&test)["changed"]["content"]["count"], 60);
}

#[test]
fn changes_full_of_what_has_to_be_escaped_do_not_make_the_file_too_large() {
    let cell = "\u{202e}<'&\u{1b}\"".repeat(400);
    let rows = (1..=300).map(|row| {
        let mut entry = changed(row, BackupOutcome::Kept(cell.clone()));
        entry.changes.previous_title = Some(cell.clone());
        entry.changes.renamed_to = Some(cell.clone());
        entry
    });
    let test = with_results(rows);
    report(&test).exits(0);
    for name in [HTML, JSON] {
        let size = std::fs::metadata(test.path(name)).unwrap().len();
        assert!(size < 5_000_000, "{name} has {size} bytes");
    }
    assert_eq!(json(&test)["changed"]["titles"]["count"], 300);
}
