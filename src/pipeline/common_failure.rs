//! Detection of a failure shared by all rows from the start of a run. The cause lies outside of the
//! rows, and a run going on only makes more failed rows.

use crate::results::{ResultsEntry, Status, StatusReason};

/// Number of rows with the same failure at which the run stops.
pub(crate) const COMMON_FAILURE_LIMIT: usize = 20;

/// Failed row, as its results line shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Number of the row.
    pub row: usize,
    /// Reason of the failure.
    pub reason: StatusReason,
    /// Message of the failure, for people.
    pub message: String,
}

/// Counter of the first rows of a run that fail for a common reason. Counting ends with the first
/// row that is done or fails for another reason.
#[derive(Debug, Default)]
pub(super) enum CommonFailureCounter {
    /// No row has failed yet.
    #[default]
    NoFailure,
    /// First failed row, and the number of rows that have failed for the same reason.
    SameReason(FailedRow, usize),
    /// Counting has ended: the rows have no common failure.
    NoCommonReason,
}

impl CommonFailureCounter {
    /// Counts the end of a row. Returns the first failed row once [`COMMON_FAILURE_LIMIT`] rows
    /// have failed alike.
    ///
    /// A conflict, or a row left to a later run, proves neither that rows fail nor that they can be
    /// done.
    pub(super) fn count(&mut self, end: &ResultsEntry) -> Option<&FailedRow> {
        let failed = FailedRow {
            row: end.row.unwrap_or_default(),
            reason: end.reason.clone(),
            message: end.message.clone(),
        };
        *self = match (std::mem::take(self), end.status) {
            (_, status) if status.is_done() => Self::NoCommonReason,
            (Self::NoFailure, Status::Failed) => Self::SameReason(failed, 1),
            (Self::SameReason(first, rows), Status::Failed) if first.reason == failed.reason => {
                Self::SameReason(first, rows + 1)
            }
            (_, Status::Failed) => Self::NoCommonReason,
            (otherwise, _) => otherwise,
        };
        match self {
            Self::SameReason(first, rows) if *rows >= COMMON_FAILURE_LIMIT => Some(first),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{AttachmentChanges, KnownContent, VerifiedBy};

    fn last_line(row: usize, status: Status, reason: StatusReason) -> ResultsEntry {
        ResultsEntry {
            row: Some(row),
            file_path: format!("{row}.pdf"),
            object_type: "contract".into(),
            object_id: "7".into(),
            object_external_id: String::new(),
            external_id: format!("A{row}"),
            status,
            reason,
            attachment_id: None,
            known_content: KnownContent::Nothing,
            verified_by: VerifiedBy::Nothing,
            attempts: 1,
            destination: "memory".into(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            message: format!("why row {row} failed"),
            changes: AttachmentChanges::default(),
        }
    }

    /// Returns the number of rows that have ended when the limit is reached.
    fn rows_until_limit(ends: impl IntoIterator<Item = (Status, StatusReason)>) -> Option<usize> {
        let mut alike = CommonFailureCounter::default();
        let ends = (1..).zip(ends);
        let mut ends = ends.map(|(row, (status, reason))| last_line(row, status, reason));
        ends.find_map(|end| {
            let first = alike.count(&end)?;
            assert_eq!(first.message, format!("why row {} failed", first.row));
            end.row
        })
    }

    const REFUSED: (Status, StatusReason) = (Status::Failed, StatusReason::Refused);

    #[test]
    fn the_twentieth_row_that_fails_for_the_same_reason_is_one_too_many() {
        assert_eq!(rows_until_limit(vec![REFUSED; 19]), None);
        assert_eq!(rows_until_limit(vec![REFUSED; 30]), Some(20));
    }

    #[test]
    fn a_row_that_is_done_shows_that_rows_can_be_done() {
        for status in Status::ALL.into_iter().filter(|status| status.is_done()) {
            let mut ends = vec![(status, StatusReason::None)];
            ends.extend(vec![REFUSED; 100]);
            assert_eq!(rows_until_limit(ends), None, "{status}");
            let mut ends = vec![REFUSED; 19];
            ends.push((status, StatusReason::None));
            ends.extend(vec![REFUSED; 100]);
            assert_eq!(rows_until_limit(ends), None, "{status}");
        }
    }

    #[test]
    fn rows_that_fail_for_different_reasons_have_no_common_cause() {
        let mut ends = vec![REFUSED; 19];
        ends.push((Status::Failed, StatusReason::Forbidden));
        ends.extend(vec![REFUSED; 100]);
        assert_eq!(rows_until_limit(ends), None);
    }

    #[test]
    fn conflicts_and_rows_that_are_left_to_a_later_run_are_not_counted() {
        let mut ends = Vec::new();
        for _ in 0..20 {
            ends.push((Status::Conflict, StatusReason::StoredOtherSize));
            ends.push((Status::Pending, StatusReason::NoAnswer));
            ends.push(REFUSED);
        }
        assert_eq!(rows_until_limit(ends), Some(60));
    }
}
