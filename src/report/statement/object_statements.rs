//! Statements about the records on which the attachments hang.

use std::fmt::Write as _;

use super::check_times_clause;
use crate::model::ProcurementService;
use crate::report::evidence::ObjectProofCounts;
use crate::report::facts::Report;
use crate::report::values::ItemCount;
use crate::text::count_with_noun;

/// Records of the attachments of done rows, as far as they are proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordKnowledge {
    /// No record was asked for its attachments.
    NotAsked,
    /// Records were asked, and some attachments are not proven to hang on their record.
    Partial(ObjectProofCounts),
    /// The record of each attachment lists the attachment.
    Complete(ObjectProofCounts),
}

impl RecordKnowledge {
    /// Returns the knowledge about the done rows of a report.
    pub(super) fn from_report(report: &Report) -> Self {
        let Some(found) = &report.verification else {
            return Self::NotAsked;
        };
        let counts = found.objects;
        let asked = [counts.proven, counts.other, counts.unknown];
        if asked.into_iter().all(ItemCount::is_zero) {
            Self::NotAsked
        } else if counts.proven == report.rows_done {
            Self::Complete(counts)
        } else {
            Self::Partial(counts)
        }
    }
}

/// Returns sentences for the summary; empty where no record was asked.
pub(super) fn verdict(report: &Report) -> String {
    match RecordKnowledge::from_report(report) {
        RecordKnowledge::NotAsked => String::new(),
        RecordKnowledge::Complete(_) if report.rows_done.0 == 1 => {
            " The attachment is listed by its record.".to_owned()
        }
        RecordKnowledge::Complete(_) => {
            format!(
                " Each of the {} attachments is listed by its record.",
                report.rows_done
            )
        }
        RecordKnowledge::Partial(counts) => {
            let mut text = format!(" {}.", listed_clause(counts.proven, report));
            if !counts.other.is_zero() {
                let others = count_with_noun(counts.other.0, "attachment");
                let _ = write!(
                    text,
                    " {others} {} not on the record that the results name: see the exceptions.",
                    is_or_are(counts.other)
                );
            }
            text
        }
    }
}

/// Returns the sentence about attachments listed by their record; `None` without such attachments.
pub(super) fn proven(report: &Report) -> Option<String> {
    let found = report.verification.as_ref()?;
    let times = check_times_clause(found);
    match RecordKnowledge::from_report(report) {
        RecordKnowledge::NotAsked => None,
        RecordKnowledge::Complete(_) if report.rows_done.0 == 1 => Some(format!(
            "The only attachment is listed by its record, which consign verify asked for its \
             attachments{times}."
        )),
        RecordKnowledge::Complete(_) => Some(format!(
            "Each of the {} attachments is listed by its record: consign verify asked the records for \
             their attachments{times}.",
            report.rows_done
        )),
        RecordKnowledge::Partial(counts) => (!counts.proven.is_zero()).then(|| {
            format!(
                "{}: consign verify asked the records for their attachments{times}.",
                listed_clause(counts.proven, report)
            )
        }),
    }
}

/// Returns the open question about the records; `None` where nothing is open, or where the service
/// has no attachments.
pub(super) fn not_proven(report: &Report, service: Option<ProcurementService>) -> Option<String> {
    if service != Some(ProcurementService::Workday) {
        return None;
    }
    match RecordKnowledge::from_report(report) {
        RecordKnowledge::Complete(_) => None,
        RecordKnowledge::NotAsked => Some(
            "On which record each attachment hangs: no answer about an attachment shows its record. \
             The record in this report is the one that was asked for when the attachment was made; it \
             was not read back. consign verify --objects asks the records, which list their \
             attachments."
                .to_owned(),
        ),
        RecordKnowledge::Partial(counts) => {
            let open = ItemCount(report.rows_done.0 - counts.proven.0);
            let parts = [
                (
                    counts.other,
                    "not on the record that the results name (see the exceptions)",
                ),
                (
                    counts.unknown,
                    "on a record that was not read, or whose answer proves nothing (the verification \
                     says why)",
                ),
                (counts.not_asked, "without a record that was asked"),
            ];
            let parts: Vec<String> = parts
                .into_iter()
                .filter(|(rows, _)| !rows.is_zero())
                .map(|(rows, what)| format!("{rows} {} {what}", is_or_are(rows)))
                .collect();
            let how = if counts.not_asked.is_zero() {
                ""
            } else {
                " consign verify --objects asks the records."
            };
            Some(format!(
                "{}: {}.{how}",
                unproven_clause(open, report),
                parts.join("; ")
            ))
        }
    }
}

/// Returns for example `15 of the 17 attachments are listed by their records`.
fn listed_clause(count: ItemCount, report: &Report) -> String {
    let all = count_with_noun(report.rows_done.0, "attachment");
    match count.0 {
        1 => format!("1 of the {all} is listed by its record"),
        _ => format!("{count} of the {all} are listed by their records"),
    }
}

/// Returns for example `2 of the 17 attachments are not proven to hang on their records`.
fn unproven_clause(count: ItemCount, report: &Report) -> String {
    let all = count_with_noun(report.rows_done.0, "attachment");
    match count.0 {
        1 => format!("1 of the {all} is not proven to hang on its record"),
        _ => format!("{count} of the {all} are not proven to hang on their records"),
    }
}

fn is_or_are(count: ItemCount) -> &'static str {
    if count.0 == 1 { "is" } else { "are" }
}
