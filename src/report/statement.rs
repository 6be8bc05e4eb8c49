//! Statements about proven and unproven facts, in plain words. Each sentence follows from the
//! figures of the report, and is clear to a reader who does not know the program.

mod change_statements;
mod object_statements;

use std::fmt::Write as _;

use super::evidence::{EvidenceLevel, VerificationFacts};
use super::facts::Report;
use super::reconciliation::ReconciledAgainst;
use super::values::ItemCount;
use crate::model::ProcurementService;
use crate::text::{count_with_noun, count_with_noun_and_verb};
use object_statements::RecordKnowledge;

/// Returns the summary of the report in a few sentences.
pub(super) fn verdict(report: &Report) -> String {
    let mut text = if report.rows.is_zero() {
        "There are no rows.".to_owned()
    } else if report.rows_not_done.is_zero() {
        match report.rows.0 {
            1 => "The only row is done.".to_owned(),
            _ => format!("All {} done.", count_are(report.rows, "row")),
        }
    } else {
        let (done, rows) = (report.rows_done, count_with_noun(report.rows.0, "row"));
        let verb = if done.0 == 1 || report.rows.0 == 1 {
            "is"
        } else {
            "are"
        };
        let not_done = number_are(report.rows_not_done);
        format!("{done} of {rows} {verb} done; {not_done} not.")
    };
    let levels: Vec<String> = EvidenceLevel::ALL
        .into_iter()
        .filter_map(|level| {
            let rows = rows_with_level(report, level);
            let how = how_verified(level)?;
            (!rows.is_zero()).then(|| format!("{rows} {how}"))
        })
        .collect();
    if !levels.is_empty() {
        let _ = write!(text, " Verified: {}.", levels.join("; "));
    }
    text.push_str(&change_statements::verdict(report));
    let contradicted = rows_with_level(report, EvidenceLevel::Contradicted);
    if !contradicted.is_zero() {
        let _ = write!(
            text,
            " Of {contradicted} of the rows that are done, consign verify found something else in \
             the service."
        );
    }
    text.push_str(&object_statements::verdict(report));
    if let Some(found) = &report.verification {
        text.push_str(&other_findings(found));
    }
    if !report.reconciliation.complete {
        text.push_str(match report.reconciliation.against {
            ReconciledAgainst::Manifest => {
                " The lines of the results are not the rows of the manifest."
            }
            ReconciledAgainst::RowNumbers => " The row numbers have gaps or repetitions.",
        });
    }
    if !report.damage.is_none() {
        text.push_str(" The results file is damaged.");
    }
    if report.damage.is_journal() {
        text.push_str(" The import did not come to its end.");
    }
    text
}

/// Returns findings of `verify` that weaken no evidence, and must not be overlooked.
fn other_findings(found: &VerificationFacts) -> String {
    let told = [
        ("renamed", "another external_id or title for"),
        ("error", "no clear answer for"),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter_map(|(word, what)| {
            let rows = rows_with_outcome(found, word);
            (!rows.is_zero()).then(|| format!("{what} {}", count_with_noun(rows.0, "row")))
        })
        .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(" consign verify found {}.", told.join(", and "))
}

/// Returns the kind of evidence, as a phrase after the number of rows; `None` for levels with a
/// sentence of their own.
fn how_verified(level: EvidenceLevel) -> Option<&'static str> {
    match level {
        EvidenceLevel::Content => Some("by content, downloaded and hashed again"),
        EvidenceLevel::ContentAtImport => Some("by content, downloaded and hashed by the import"),
        EvidenceLevel::Etag => Some("by the MD5 that the storage confirmed"),
        EvidenceLevel::Size => Some("by the size that the service showed"),
        EvidenceLevel::Job => Some("by a job that ended in success"),
        EvidenceLevel::SameSize => Some("only by the size of what was there before"),
        EvidenceLevel::Unrecorded => Some("in a way that is not recorded"),
        EvidenceLevel::KeptExisting | EvidenceLevel::Contradicted => None,
    }
}

/// Returns sentences about facts proven by the evidence.
pub(super) fn proven(report: &Report, service: Option<ProcurementService>) -> Vec<String> {
    let mut proven = proven_by_levels(report, service);
    proven.extend(change_statements::proven(report));
    proven.extend(
        report
            .verification
            .as_ref()
            .and_then(|found| match_statement(report, found)),
    );
    proven.extend(object_statements::proven(report));
    if report.reconciliation.against == ReconciledAgainst::Manifest
        && report.reconciliation.complete
    {
        proven.push(
            "Every row of the manifest has exactly one line in the results, about the same file, \
             record and external_id."
                .to_owned(),
        );
    }
    proven
}

/// Returns the sentence about rows with the outcome `match`; `None` without such rows.
fn match_statement(report: &Report, found: &VerificationFacts) -> Option<String> {
    let rows = rows_with_outcome(found, "match");
    (!rows.is_zero()).then(|| {
        format!(
            "{}{}: consign verify found the attachment in the service under its id, with the size that \
             the results name, and the service told of no other external_id or title for it{}.",
            count_with_noun(rows.0, "row"),
            removed_rows_clause(report),
            check_times_clause(found)
        )
    })
}

/// Returns a sentence for each level of evidence with rows.
fn proven_by_levels(report: &Report, service: Option<ProcurementService>) -> Vec<String> {
    let mut proven = Vec::new();
    let mut say = |rows: ItemCount, sentence: &dyn Fn(String) -> String| {
        if !rows.is_zero() {
            proven.push(sentence(count_with_noun(rows.0, "row")));
        }
    };
    let after = match service {
        Some(ProcurementService::Keelvar) => "their job ended in success",
        Some(ProcurementService::Workday) | None => "the service showed the size",
    };
    say(rows_with_level(report, EvidenceLevel::Content), &|rows| {
        format!(
            "{rows}: the bytes that the service held were downloaded and had the SHA-256 of the \
             row's file."
        )
    });
    say(
        rows_with_level(report, EvidenceLevel::ContentAtImport),
        &|rows| {
            format!(
                "{rows}: the import downloaded the bytes that the service held then, and they had the \
             SHA-256 of the row's file."
            )
        },
    );
    say(rows_with_level(report, EvidenceLevel::Etag), &|rows| {
        format!(
            "{rows}: the storage took the bytes and confirmed their MD5, and {after}. The bytes that \
             were stored then are those of the file."
        )
    });
    say(rows_with_level(report, EvidenceLevel::Size), &|rows| {
        format!("{rows}: the storage took the bytes, and the service showed as many as were sent.")
    });
    say(rows_with_level(report, EvidenceLevel::Job), &|rows| {
        format!("{rows}: the storage took the bytes, and the job ended with the word for success.")
    });
    say(rows_with_level(report, EvidenceLevel::SameSize), &|rows| {
        format!(
            "{rows}: before anything was sent, the service showed an attachment of the file's size \
             under the external_id."
        )
    });
    proven
}

/// Returns sentences about facts not proven by the evidence.
pub(super) fn not_proven(report: &Report, service: Option<ProcurementService>) -> Vec<String> {
    let mut open = Vec::new();
    content_not_proven(report, &mut open);
    change_statements::not_proven(report, &mut open);
    match service {
        Some(ProcurementService::Keelvar) => open.push(
            "Keelvar has no way to list or download what a job attached. That a job ended in success \
             is all that can be known; the files themselves cannot be verified by program."
                .to_owned(),
        ),
        Some(ProcurementService::Workday) | None => {}
    }
    open.extend(object_statements::not_proven(report, service));
    files_not_proven(report, &mut open);
    open.push(format!(
        "Which version of the program imported the rows: the results do not record it. This report \
         was written by {}.",
        report.written_by
    ));
    open.push(
        "All times are those of the clock of the machine on which the program ran, which nobody \
         has checked."
            .to_owned(),
    );
    open.push(
        "The check that guards each line of results and verification (line_check) finds accidents, not forgeries: \
         whoever can write the files can write lines that match. Note the SHA-256 of the files \
         elsewhere, where nobody can alter it."
            .to_owned(),
    );
    open
}

/// Adds the open questions about the stored bytes.
fn content_not_proven(report: &Report, open: &mut Vec<String>) {
    let skipped = report.statuses.iter().find(|one| one.status == "skipped");
    if let Some(skipped) = skipped {
        open.push(format!(
            "{} skipped because an attachment had the external_id already. Unless this import made it, \
             {}.",
            rows_were(skipped.rows),
            match RecordKnowledge::from_report(report) {
                RecordKnowledge::NotAsked =>
                    "which record it hangs on is not known; nor is its content, unless it was \
                     downloaded and hashed",
                RecordKnowledge::Partial(_) =>
                    "which record it hangs on is known only where the record lists it, and its \
                     content only where it was downloaded and hashed",
                RecordKnowledge::Complete(_) =>
                    "its content is known only where it was downloaded and hashed",
            }
        ));
    }
    let told = [EvidenceLevel::Content, EvidenceLevel::KeptExisting]
        .map(|level| rows_with_level(report, level).0);
    let unhashed = ItemCount(report.rows_done.0.saturating_sub(told.iter().sum()));
    if !unhashed.is_zero() {
        open.push(format!(
            "The stored bytes of {} done were not downloaded since the import, or did not have the SHA-256 of the file: \
             that they are those of the file now is not proven.",
            rows_that_are(unhashed)
        ));
    }
    let Some(found) = &report.verification else {
        open.push(
            "No verification was at hand: what happened in the service after the import is not \
             known. consign verify compares it."
                .to_owned(),
        );
        return;
    };
    for download in found.download.iter().filter(|download| *download != "all") {
        open.push(format!(
            "The bytes of a sample were downloaded ({download}); of the other rows it says only what \
             a sample can say. The seed draws the same rows again."
        ));
    }
    if !found.rows_not_covered.is_zero() {
        open.push(format!(
            "{} not covered by the verification.",
            count_are(found.rows_not_covered, "row")
        ));
    }
    open.push(match found.last_checked_at {
        Some(last) => format!(
            "What happened in the service after {last}, when it was looked at last, is not known."
        ),
        None => {
            "The verification got no answer for any row that is done: what happened in the service \
                 after the import is not known."
                .to_owned()
        }
    });
}

/// Adds the open questions about the input files.
fn files_not_proven(report: &Report, open: &mut Vec<String>) {
    if report.inputs.manifest.is_none() {
        open.push(
            "The manifest was not at hand: the counts were reconciled with the row numbers of the \
             results alone, so that rows missing at the end would not show."
                .to_owned(),
        );
    }
    if !report.damage.is_none() {
        open.push(
            "Lines of the results were damaged, torn or removed: what they said is not in this \
             report."
                .to_owned(),
        );
    }
    if report.damage.is_journal() {
        open.push(
            "The results are the journal of an import that did not come to its end: rows that it did \
             not reach may have no line in it, and count for nothing here."
                .to_owned(),
        );
    }
    if let Some(found) = &report.verification
        && !(found.altered_lines.is_zero() && found.outdated_lines.is_zero())
    {
        open.push(format!(
            "Lines of the verification that count for nothing here: {} altered since, and {} about what \
             the results no longer say.",
            found.altered_lines,
            found.outdated_lines
        ));
    }
}

fn rows_with_level(report: &Report, level: EvidenceLevel) -> ItemCount {
    let mut levels = report.evidence.iter();
    let found = levels.find(|count| count.level == level.as_str());
    found.map_or(ItemCount(0), |count| count.rows)
}

fn rows_with_outcome(found: &VerificationFacts, word: &str) -> ItemCount {
    let mut outcomes = found.outcomes.iter();
    let found = outcomes.find(|count| count.outcome == word);
    found.map_or(ItemCount(0), |count| count.rows)
}

/// Clause for counts of outcomes. Outcomes are counted over all lines, lines of rows that have left
/// the manifest included.
fn removed_rows_clause(report: &Report) -> &'static str {
    if report.rows_no_longer_in_manifest.is_empty() {
        return "";
    }
    ", those that have left the manifest included"
}

/// Clause with the times at which the service was asked.
fn check_times_clause(found: &VerificationFacts) -> String {
    match (found.first_checked_at, found.last_checked_at) {
        (Some(first), Some(last)) if first == last => format!(", at {last}"),
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    }
}

fn count_are(count: ItemCount, noun: &str) -> String {
    count_with_noun_and_verb(count.0, noun, ["is", "are"])
}

fn rows_that_are(count: ItemCount) -> String {
    let verb = if count.0 == 1 { "is" } else { "are" };
    format!("{} that {verb}", count_with_noun(count.0, "row"))
}

fn number_are(count: ItemCount) -> String {
    format!("{count} {}", if count.0 == 1 { "is" } else { "are" })
}

fn rows_were(count: ItemCount) -> String {
    let verb = if count.0 == 1 { "was" } else { "were" };
    format!("{} {verb}", count_with_noun(count.0, "row"))
}
