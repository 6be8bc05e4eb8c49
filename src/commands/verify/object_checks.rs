//! Findings about the records of the attachments, for the summary of a verification.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::model::RowNumbers;
use crate::text::{count_with_noun, escape, group_thousands};
use crate::verification::ObjectProof;
use crate::verification::object_proof::{ObjectVerdict, UnprovenCause};
use crate::verification::row::VerificationRow;

use super::summary::MAX_ROWS_NAMED;

/// Findings about the records of a verification.
#[derive(Debug)]
pub(super) struct ObjectChecks {
    /// Number of records with an answer.
    records: u64,
    proven: u64,
    other: u64,
    unknown: u64,
    /// Rows without a proof, by cause.
    by_cause: BTreeMap<UnprovenCause, Vec<Option<usize>>>,
}

/// Findings about the records, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct ObjectChecksJson {
    records: u64,
    proven: u64,
    other: u64,
    unknown: u64,
    /// Numbers of rows without a proof, by the word for the cause.
    unknown_by_cause: BTreeMap<&'static str, u64>,
}

impl ObjectChecks {
    /// Gathers the findings of all rows. `records` have answered.
    pub(super) fn gather(rows: &[VerificationRow], records: u64) -> Self {
        let with = |proof| rows.iter().filter(|row| row.line.object == proof).count() as u64;
        let mut by_cause: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in rows {
            if let Some(ObjectVerdict::Unknown { cause, .. }) = &row.object_verdict {
                by_cause
                    .entry(cause.clone())
                    .or_default()
                    .push(row.line.row);
            }
        }
        Self {
            records,
            proven: with(ObjectProof::Proven),
            other: with(ObjectProof::OtherObject),
            unknown: with(ObjectProof::Unknown),
            by_cause,
        }
    }

    /// Writes the line about all records, and a line for each cause of a lack of proof.
    pub(super) fn write_lines(&self, text: &mut String) {
        let Self {
            records,
            proven,
            other,
            unknown,
            by_cause,
        } = self;
        let attachments = count_with_noun(proven + other + unknown, "attachment");
        let mut parts = vec![format!("{} of {attachments}", group_thousands(*proven))];
        for (what, count) in [("on another record", other), ("not known", unknown)] {
            if *count > 0 {
                parts.push(format!("{what}: {}", group_thousands(*count)));
            }
        }
        let _ = writeln!(
            text,
            "listed by their record: {} ({} asked)",
            parts.join("; "),
            count_with_noun(*records, "record")
        );
        for (cause, rows) in by_cause.iter().take(MAX_ROWS_NAMED) {
            let _ = writeln!(
                text,
                "{}: {}",
                rows_in_words(rows),
                escape(&cause.to_words("the record"))
            );
        }
        let unnamed: usize = by_cause.values().skip(MAX_ROWS_NAMED).map(Vec::len).sum();
        if unnamed > 0 {
            let _ = writeln!(
                text,
                "and {} without a proof for other causes",
                count_with_noun(unnamed as u64, "row")
            );
        }
    }

    /// Returns the findings for scripts.
    pub(super) fn for_scripts(&self) -> ObjectChecksJson {
        let mut unknown_by_cause = BTreeMap::new();
        for (cause, rows) in &self.by_cause {
            *unknown_by_cause.entry(cause.as_str()).or_default() += rows.len() as u64;
        }
        ObjectChecksJson {
            records: self.records,
            proven: self.proven,
            other: self.other,
            unknown: self.unknown,
            unknown_by_cause,
        }
    }
}

/// Returns the rows in words; rows which have left the manifest have no number.
fn rows_in_words(rows: &[Option<usize>]) -> String {
    let numbers: Vec<usize> = rows.iter().copied().flatten().collect();
    let nameless = (rows.len() - numbers.len()) as u64;
    let nameless =
        (nameless > 0).then(|| format!("{} without a row", count_with_noun(nameless, "line")));
    let named = (!numbers.is_empty()).then(|| RowNumbers::from_rows(numbers).to_words());
    let parts: Vec<String> = named.into_iter().chain(nameless).collect();
    parts.join(" and ")
}
