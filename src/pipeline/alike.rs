//! Detection of a failure shared by all rows from the start of a run. The cause lies outside of the
//! rows, and a run going on only makes more failed rows.

use crate::results::{Entry, Reason, Status};

/// Number of rows with the same failure at which the run stops.
pub(crate) const ALIKE_ROWS: usize = 20;

/// Failed row, as its results line shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Number of the row.
    pub row: usize,
    /// Reason of the failure.
    pub reason: Reason,
    /// Message of the failure, for people.
    pub message: String,
}

/// Counter of the first rows of a run that fail for a common reason. Counting ends with the first
/// row that is done or fails for another reason.
#[derive(Debug, Default)]
pub(super) enum AlikeFailures {
    /// No row has failed yet.
    #[default]
    None,
    /// First failed row, and the number of rows that have failed for the same reason.
    So(FailedRow, usize),
    /// Counting has ended: the rows have no common failure.
    NotAlike,
}

impl AlikeFailures {
    /// Counts the end of a row. Returns the first failed row once [`ALIKE_ROWS`] rows have failed
    /// alike.
    ///
    /// A conflict, or a row left to a later run, shows neither that rows fail nor that they can be
    /// done.
    pub(super) fn take(&mut self, end: &Entry) -> Option<&FailedRow> {
        let failed = FailedRow {
            row: end.row.unwrap_or_default(),
            reason: end.reason.clone(),
            message: end.message.clone(),
        };
        *self = match (std::mem::take(self), end.status) {
            (_, status) if status.is_done() => Self::NotAlike,
            (Self::None, Status::Failed) => Self::So(failed, 1),
            (Self::So(first, rows), Status::Failed) if first.reason == failed.reason => {
                Self::So(first, rows + 1)
            }
            (_, Status::Failed) => Self::NotAlike,
            (otherwise, _) => otherwise,
        };
        match self {
            Self::So(first, rows) if *rows >= ALIKE_ROWS => Some(first),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Changes, Known, Verified};

    fn end(row: usize, status: Status, reason: Reason) -> Entry {
        Entry {
            row: Some(row),
            file_path: format!("{row}.pdf"),
            object_type: "contract".into(),
            object_id: "7".into(),
            external_id: format!("A{row}"),
            status,
            reason,
            attachment_id: None,
            known: Known::Nothing,
            verified: Verified::No,
            attempts: 1,
            destination: "memory".into(),
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            message: format!("why row {row} failed"),
            changes: Changes::default(),
        }
    }

    /// Returns the number of rows that have ended when the limit is reached.
    fn rows_until_it_is_told(ends: impl IntoIterator<Item = (Status, Reason)>) -> Option<usize> {
        let mut alike = AlikeFailures::default();
        let ends = (1..).zip(ends);
        let mut ends = ends.map(|(row, (status, reason))| end(row, status, reason));
        ends.find_map(|end| {
            let first = alike.take(&end)?;
            assert_eq!(first.message, format!("why row {} failed", first.row));
            end.row
        })
    }

    const REFUSED: (Status, Reason) = (Status::Failed, Reason::Refused);

    #[test]
    fn the_twentieth_row_that_fails_for_the_same_reason_is_one_too_many() {
        assert_eq!(rows_until_it_is_told(vec![REFUSED; 19]), None);
        assert_eq!(rows_until_it_is_told(vec![REFUSED; 30]), Some(20));
    }

    #[test]
    fn a_row_that_is_done_shows_that_rows_can_be_done() {
        for status in Status::ALL.into_iter().filter(|status| status.is_done()) {
            let mut ends = vec![(status, Reason::None)];
            ends.extend(vec![REFUSED; 100]);
            assert_eq!(rows_until_it_is_told(ends), None, "{status}");
            let mut ends = vec![REFUSED; 19];
            ends.push((status, Reason::None));
            ends.extend(vec![REFUSED; 100]);
            assert_eq!(rows_until_it_is_told(ends), None, "{status}");
        }
    }

    #[test]
    fn rows_that_fail_for_different_reasons_have_no_common_cause() {
        let mut ends = vec![REFUSED; 19];
        ends.push((Status::Failed, Reason::Forbidden));
        ends.extend(vec![REFUSED; 100]);
        assert_eq!(rows_until_it_is_told(ends), None);
    }

    #[test]
    fn conflicts_and_rows_that_are_left_to_a_later_run_are_not_counted() {
        let mut ends = Vec::new();
        for _ in 0..20 {
            ends.push((Status::Conflict, Reason::StoredOtherSize));
            ends.push((Status::Pending, Reason::NoAnswer));
            ends.push(REFUSED);
        }
        assert_eq!(rows_until_it_is_told(ends), Some(60));
    }
}
