//! Statements about changes on request, and about other content that was kept on request.

use std::fmt::Write as _;

use super::rows_with_level;
use crate::report::evidence::EvidenceLevel;
use crate::report::facts::Report;
use crate::report::values::ItemCount;
use crate::results::Status;
use crate::text::{count_with_noun, count_with_noun_and_verb};

/// Returns sentences about changed rows, rows with other content, and attachments that may be
/// without content.
pub(super) fn verdict(report: &Report) -> String {
    let tally = report.changed.tally;
    let told: Vec<String> = [
        ("content", tally.content),
        ("title", tally.titles),
        ("external_id", tally.external_ids),
    ]
    .into_iter()
    .filter(|(_, rows)| !rows.is_zero())
    .map(|(what, rows)| format!("the {what} of {}", count_with_noun(rows.0, "row")))
    .collect();
    let mut text = String::new();
    if !told.is_empty() {
        let _ = write!(text, " Changed on request: {}.", told.join("; "));
    }
    let kept = rows_with_level(report, EvidenceLevel::KeptExisting);
    if !kept.is_zero() {
        let rows = count_with_noun_and_verb(kept.0, "row", ["leaves", "leave"]);
        let _ = write!(
            text,
            " {rows} other content than that of the file in place."
        );
    }
    let waiting = attachments_awaiting_content(report);
    if !waiting.is_zero() {
        let attachments = count_with_noun(waiting.0, "attachment");
        let _ = write!(
            text,
            " {attachments} may be without content: see the exceptions."
        );
    }
    text
}

/// Number of attachments that an unfinished replacement may have left without bytes.
fn attachments_awaiting_content(report: &Report) -> ItemCount {
    let groups = report.exceptions.iter();
    let waiting = groups.filter(|group| group.what == Status::Replacing.as_str());
    ItemCount(waiting.map(|group| group.rows.count.0).sum())
}

/// Returns the sentence about backups; `None` without backups.
pub(super) fn proven(report: &Report) -> Option<String> {
    let rows = report.changed.tally.backed_up;
    (!rows.is_zero()).then(|| {
        format!(
            "{}: before the content was replaced it was downloaded. A backup with the SHA-256 that the \
             results name as the previous one holds what the service held until then.",
            count_with_noun(rows.0, "row")
        )
    })
}

/// Adds the open questions about changes and about other content.
pub(super) fn not_proven(report: &Report, open: &mut Vec<String>) {
    let kept = rows_with_level(report, EvidenceLevel::KeptExisting);
    if !kept.is_zero() {
        open.push(format!(
            "{}: other content than that of the file was there, and was kept, as the import was told. \
             The file is not in the service.",
            count_with_noun(kept.0, "row")
        ));
    }
    let waiting = attachments_awaiting_content(report);
    if !waiting.is_zero() {
        open.push(format!(
            "{}: a replacement has not come to its end, so that it is not known whether the attachment \
             holds the former content, the new one, or none.",
            count_with_noun(waiting.0, "row")
        ));
    }
    let tally = report.changed.tally;
    if !tally.waived.is_zero() {
        open.push(format!(
            "{}: the former content was replaced without a backup, as the import was told. This report \
             does not prove what it was.",
            count_with_noun(tally.waived.0, "row")
        ));
    }
    if !tally.backed_up.is_zero() {
        open.push(
            "Whether the backups are still where the results say: this report did not look. consign \
             verify compares those that it finds with their SHA-256."
                .to_owned(),
        );
    }
}
