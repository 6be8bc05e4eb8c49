//! Statements about proven and unproven facts, in plain words. Each sentence follows from the
//! figures of the report, and is clear to a reader who does not know the program.

mod changes;

use std::fmt::Write as _;

use super::evidence::{Level, VerificationFacts};
use super::facts::Report;
use super::reconcile::Against;
use super::value::Count;
use crate::model::Service;
use crate::text::{counted, counted_with_verb};

/// Returns the summary of the report in a few sentences.
pub(super) fn verdict(report: &Report) -> String {
    let mut text = if report.rows.is_zero() {
        "There are no rows.".to_owned()
    } else if report.rows_not_done.is_zero() {
        match report.rows.0 {
            1 => "The only row is done.".to_owned(),
            _ => format!("All {} done.", are(report.rows, "row")),
        }
    } else {
        let (done, rows) = (report.rows_done, counted(report.rows.0, "row"));
        let verb = if done.0 == 1 || report.rows.0 == 1 {
            "is"
        } else {
            "are"
        };
        let not_done = is_or_are(report.rows_not_done);
        format!("{done} of {rows} {verb} done; {not_done} not.")
    };
    let levels: Vec<String> = Level::ALL
        .into_iter()
        .filter_map(|level| {
            let rows = rows_of(report, level);
            let how = how_verified(level)?;
            (!rows.is_zero()).then(|| format!("{rows} {how}"))
        })
        .collect();
    if !levels.is_empty() {
        let _ = write!(text, " Verified: {}.", levels.join("; "));
    }
    text.push_str(&changes::verdict(report));
    let contradicted = rows_of(report, Level::Contradicted);
    if !contradicted.is_zero() {
        let _ = write!(
            text,
            " Of {contradicted} of the rows that are done, consign verify found something else in \
             the service."
        );
    }
    if let Some(found) = &report.verification {
        text.push_str(&also_found(found));
    }
    if !report.reconciliation.complete {
        text.push_str(match report.reconciliation.against {
            Against::Manifest => " The lines of the results are not the rows of the manifest.",
            Against::RowNumbers => " The row numbers have gaps or repetitions.",
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
fn also_found(found: &VerificationFacts) -> String {
    let told = [
        ("renamed", "another external_id or title for"),
        ("error", "no answer for"),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter_map(|(word, what)| {
            let rows = outcome(found, word);
            (!rows.is_zero()).then(|| format!("{what} {}", counted(rows.0, "row")))
        })
        .collect();
    if told.is_empty() {
        return String::new();
    }
    format!(" consign verify found {}.", told.join(", and "))
}

/// Returns the kind of evidence, as a phrase after the number of rows; `None` for levels with a
/// sentence of their own.
fn how_verified(level: Level) -> Option<&'static str> {
    match level {
        Level::Content => Some("by content, downloaded and hashed again"),
        Level::ContentAtImport => Some("by content, downloaded and hashed by the import"),
        Level::Etag => Some("by the MD5 that the storage confirmed"),
        Level::Size => Some("by the size that the service showed"),
        Level::Job => Some("by a job that ended in success"),
        Level::SameSize => Some("only by the size of what was there before"),
        Level::Unrecorded => Some("in a way that is not recorded"),
        Level::KeptExisting | Level::Contradicted => None,
    }
}

/// Returns sentences about facts proven by the evidence.
pub(super) fn proven(report: &Report, service: Option<Service>) -> Vec<String> {
    let mut proven = by_levels(report, service);
    proven.extend(changes::proven(report));
    proven.extend(
        report
            .verification
            .as_ref()
            .and_then(|found| matched(report, found)),
    );
    if report.reconciliation.against == Against::Manifest && report.reconciliation.complete {
        proven.push(
            "Every row of the manifest has exactly one line in the results, about the same file, \
             record and external_id."
                .to_owned(),
        );
    }
    proven
}

/// Returns the sentence about rows with the outcome `match`; `None` without such rows.
fn matched(report: &Report, found: &VerificationFacts) -> Option<String> {
    let rows = outcome(found, "match");
    (!rows.is_zero()).then(|| {
        format!(
            "{}{}: consign verify found the attachment in the service under its id, with the size that \
             the results name, and the service told of no other external_id or title for it{}.",
            counted(rows.0, "row"),
            of_which_left(report),
            when(found)
        )
    })
}

/// Returns a sentence for each level of evidence with rows.
fn by_levels(report: &Report, service: Option<Service>) -> Vec<String> {
    let mut proven = Vec::new();
    let mut say = |rows: Count, sentence: &dyn Fn(String) -> String| {
        if !rows.is_zero() {
            proven.push(sentence(counted(rows.0, "row")));
        }
    };
    let after = match service {
        Some(Service::Keelvar) => "their job ended in success",
        Some(Service::Workday) | None => "the service showed the size",
    };
    say(rows_of(report, Level::Content), &|rows| {
        format!(
            "{rows}: the bytes that the service held were downloaded and had the SHA-256 of the \
             row's file."
        )
    });
    say(rows_of(report, Level::ContentAtImport), &|rows| {
        format!(
            "{rows}: the import downloaded the bytes that the service held then, and they had the \
             SHA-256 of the row's file."
        )
    });
    say(rows_of(report, Level::Etag), &|rows| {
        format!(
            "{rows}: the storage took the bytes and confirmed their MD5, and {after}. The bytes that \
             were stored then are those of the file."
        )
    });
    say(rows_of(report, Level::Size), &|rows| {
        format!("{rows}: the storage took the bytes, and the service showed as many as were sent.")
    });
    say(rows_of(report, Level::Job), &|rows| {
        format!("{rows}: the storage took the bytes, and the job ended with the word for success.")
    });
    say(rows_of(report, Level::SameSize), &|rows| {
        format!(
            "{rows}: before anything was sent, the service showed an attachment of the file's size \
             under the external_id."
        )
    });
    proven
}

/// Returns sentences about facts not proven by the evidence.
pub(super) fn not_proven(report: &Report, service: Option<Service>) -> Vec<String> {
    let mut open = Vec::new();
    of_content(report, &mut open);
    changes::not_proven(report, &mut open);
    match service {
        Some(Service::Keelvar) => open.push(
            "Keelvar has no way to list or download what a job attached. That a job ended in success \
             is all that can be known; the files themselves cannot be verified by program."
                .to_owned(),
        ),
        Some(Service::Workday) => open.push(
            "The service does not show which record an attachment hangs on. The record in this \
             report is the one that was asked for when the attachment was made; it was not read \
             back."
                .to_owned(),
        ),
        None => {}
    }
    of_the_files(report, &mut open);
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
fn of_content(report: &Report, open: &mut Vec<String>) {
    let skipped = report.statuses.iter().find(|one| one.status == "skipped");
    if let Some(skipped) = skipped {
        open.push(format!(
            "{} skipped because an attachment had the external_id already. Unless this import made it, \
             which record it hangs on is not known; nor is its content, unless it was downloaded and \
             hashed.",
            were(skipped.rows)
        ));
    }
    let told = [Level::Content, Level::KeptExisting].map(|level| rows_of(report, level).0);
    let unhashed = Count(report.rows_done.0.saturating_sub(told.iter().sum()));
    if !unhashed.is_zero() {
        open.push(format!(
            "The stored bytes of {} done were not downloaded since the import, or did not have the SHA-256 of the file: \
             that they are those of the file now is not proven.",
            that_are(unhashed)
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
            are(found.rows_not_covered, "row")
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
fn of_the_files(report: &Report, open: &mut Vec<String>) {
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

fn rows_of(report: &Report, level: Level) -> Count {
    let mut levels = report.evidence.iter();
    let found = levels.find(|count| count.level == level.as_str());
    found.map_or(Count(0), |count| count.rows)
}

fn outcome(found: &VerificationFacts, word: &str) -> Count {
    let mut outcomes = found.outcomes.iter();
    let found = outcomes.find(|count| count.outcome == word);
    found.map_or(Count(0), |count| count.rows)
}

/// Clause for counts of outcomes. Outcomes are counted over all lines, lines of rows that have left
/// the manifest included.
fn of_which_left(report: &Report) -> &'static str {
    if report.rows_no_longer_in_manifest.is_empty() {
        return "";
    }
    ", those that have left the manifest included"
}

/// Clause with the times at which the service was asked.
fn when(found: &VerificationFacts) -> String {
    match (found.first_checked_at, found.last_checked_at) {
        (Some(first), Some(last)) if first == last => format!(", at {last}"),
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    }
}

fn are(count: Count, noun: &str) -> String {
    counted_with_verb(count.0, noun, ["is", "are"])
}

fn that_are(count: Count) -> String {
    let verb = if count.0 == 1 { "is" } else { "are" };
    format!("{} that {verb}", counted(count.0, "row"))
}

fn is_or_are(count: Count) -> String {
    format!("{count} {}", if count.0 == 1 { "is" } else { "are" })
}

fn were(count: Count) -> String {
    let verb = if count.0 == 1 { "was" } else { "were" };
    format!("{} {verb}", counted(count.0, "row"))
}
