//! Rows that all fail alike from the start: what ails them is not in them, and a run that goes on
//! only makes more of them.

use crate::results::{Entry, Reason, Status};

/// So many rows, and the run stops.
pub(crate) const ALIKE_ROWS: usize = 20;

/// A row that failed, as its line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Its number.
    pub row: usize,
    /// Why it failed.
    pub reason: Reason,
    /// The same for people.
    pub message: String,
}

/// Counts the first rows of a run that fail for one reason, until one is done or fails for another.
#[derive(Debug, Default)]
pub(super) enum AlikeFailures {
    /// No row has failed yet.
    #[default]
    None,
    /// So many have, for the reason of the first.
    So(FailedRow, usize),
    /// They are not alike.
    NotAlike,
}

impl AlikeFailures {
    /// Takes note of how a row has ended. Returns the first one once there are too many like it.
    ///
    /// A conflict or a row that is left to a later run shows neither that rows fail nor that they can
    /// be done.
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

    /// How many rows end until there are too many alike.
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
