//! Results of a run without any tried row, as left by a search for records in which some records
//! were missing. Pure functions.

use super::{AttachmentChanges, ResultsEntry, RowState};
use crate::results::earlier_results::EarlierResults;

/// True if no run has tried the row of a line, so nothing at the service is due to the row.
pub fn is_untried_row(entry: &ResultsEntry) -> bool {
    matches!(entry.state(), RowState::NotBegun(_) | RowState::Unfit(_))
        && entry.attempts == 0
        && entry.attachment_id.is_none()
        && entry.changes == AttachmentChanges::default()
}

/// True if no run has tried any row of the results. False for results with lost lines, since a lost
/// line may have been of a tried row.
pub(super) fn is_untried(earlier: &EarlierResults) -> bool {
    let are_all_there = earlier.lost_lines().is_empty() && earlier.torn_line.is_none();
    let mut lines = earlier.latest_line_positions();
    are_all_there
        && lines.all(|line| {
            earlier
                .read_entry(line)
                .is_some_and(|entry| is_untried_row(&entry))
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::results::results_file::{LineToWrite, ResultsFile};
    use crate::results::{BackupOutcome, FormerContent, RowState, Status, StatusReason};
    use crate::text::csv_dialect::CsvDialect;

    /// Returns the line of an untried row.
    fn untried(status: Status, reason: &StatusReason) -> ResultsEntry {
        let mut cells = [""; _];
        (cells[4], cells[5], cells[12]) = ("A1", status.as_str(), "0");
        (cells[2], cells[13], cells[14]) = ("contract", "here", "2026-11-22T00:00:00Z");
        cells[6] = reason.as_str();
        ResultsEntry::from_cells(cells).unwrap()
    }

    fn not_reached() -> ResultsEntry {
        untried(Status::Pending, &StatusReason::NotReached)
    }

    #[test]
    fn only_a_line_without_any_trace_of_a_request_is_of_an_untried_row() {
        let found = ResultsEntry {
            object_id: "7".to_owned(),
            object_external_id: "CW-1".to_owned(),
            ..not_reached()
        };
        let unfit = untried(Status::Invalid, &StatusReason::NotFit);
        for entry in [not_reached(), found, unfit] {
            assert!(is_untried_row(&entry), "{entry:?}");
        }
        let attempted = ResultsEntry {
            attempts: 1,
            ..not_reached()
        };
        let with_attachment = ResultsEntry {
            attachment_id: Some(crate::model::AttachmentId::parse("3").unwrap()),
            ..not_reached()
        };
        let changed = ResultsEntry {
            changes: AttachmentChanges {
                replaced: Some(FormerContent {
                    size: 3,
                    sha256: None,
                    backup: BackupOutcome::Waived,
                }),
                ..AttachmentChanges::default()
            },
            ..not_reached()
        };
        for entry in [attempted, with_attachment, changed] {
            assert!(!is_untried_row(&entry), "{entry:?}");
        }
        for status in Status::ALL {
            let entry = untried(status, &StatusReason::None);
            let state = RowState::decode(status, &StatusReason::None);
            let may_be = matches!(status, Status::Pending | Status::Invalid);
            assert_eq!(is_untried_row(&entry), may_be, "{state:?}");
        }
    }

    /// Returns the text of a results file with these lines, and a line appended after them.
    fn text_of(lines: &[ResultsEntry], appended: &[ResultsEntry]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.csv");
        let (mut file, _) = ResultsFile::begin(&path).unwrap();
        let lines: Vec<_> = lines
            .iter()
            .zip(1..)
            .map(|(entry, row)| LineToWrite {
                entry: ResultsEntry {
                    row: Some(row),
                    external_id: format!("A{row}"),
                    ..entry.clone()
                },
                extras: Vec::new(),
            })
            .collect();
        file.rewrite_before_run(CsvDialect::Comma, &[], lines.into_iter())
            .unwrap();
        file.append(appended).unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    fn is_untried_text(text: &str) -> bool {
        let earlier = EarlierResults::parse(text.as_bytes().to_vec(), Path::new("r.csv"));
        is_untried(&earlier.unwrap())
    }

    #[test]
    fn results_are_untried_if_all_of_their_lines_are_there_and_are_untried() {
        let creating = ResultsEntry {
            attempts: 1,
            ..untried(Status::Creating, &StatusReason::None)
        };
        let two = [
            not_reached(),
            untried(Status::Invalid, &StatusReason::NotFit),
        ];
        for (lines, appended, expected) in [
            (&[][..], &[][..], true),
            (&two, &[], true),
            (&two, &[not_reached()], true),
            (&two, std::slice::from_ref(&creating), false),
            (std::slice::from_ref(&creating), &[], false),
        ] {
            let text = text_of(lines, appended);
            assert_eq!(is_untried_text(&text), expected, "{text}");
        }
    }

    #[test]
    fn lost_lines_may_have_been_of_rows_that_were_tried() {
        let whole = text_of(&[not_reached(), not_reached()], &[not_reached()]);
        assert!(is_untried_text(&whole));
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let without_second = [lines[0], lines[1], lines[3]].concat();
        let damaged = whole.replacen("contract", "event", 1);
        let torn = whole.trim_end_matches(|c: char| c != ',').to_owned();
        for text in [without_second, damaged, torn] {
            assert!(!is_untried_text(&text), "{text}");
        }
    }
}
