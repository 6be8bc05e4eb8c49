//! Summary of a verification, as text for people and as JSON for scripts, and the ending of the
//! run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::commands::run_ending::RunEnding;
use crate::model::ProcurementService;
use crate::pipeline::HaltReason;
use crate::progress::{RunTally, human_duration, human_size};
use crate::results::ledger::{Ledger, LedgerGaps};
use crate::signals::StopSignal;
use crate::text::{count_with_noun, escape, group_thousands, quoted};
use crate::verification::row::{AwaitedBytes, VerificationRow};
use crate::verification::{DownloadScope, VerificationOutcome};

use super::backup_checks::BackupChecks;
use super::object_checks::{ObjectChecks, ObjectChecksJson};

/// Most differing rows named one by one.
pub(super) const MAX_ROWS_NAMED: usize = 10;

/// Returns the ending of the verification of these rows.
pub(super) fn verification_ending(
    rows: &[VerificationRow],
    ledger: &Ledger,
    halt: Option<&HaltReason>,
    stop: Option<StopSignal>,
    service: ProcurementService,
) -> RunEnding {
    let is_whole = ledger.gaps().is_empty();
    RunEnding::new(halt, stop, service, || {
        if is_whole && !rows.iter().any(VerificationRow::fails_verification) {
            RunEnding::Complete
        } else {
            RunEnding::Incomplete
        }
    })
}

/// Outcome of a verification, with all values of the summary.
pub(super) struct VerifySummary<'a> {
    pub(super) results: &'a Path,
    pub(super) verification: &'a Path,
    /// True if the verification file is from an earlier run, and was left as it was.
    pub(super) earlier_verification_kept: bool,
    pub(super) destination: String,
    pub(super) rows: &'a [VerificationRow],
    pub(super) lacks: LedgerGaps,
    pub(super) download: DownloadScope,
    /// Number of attachments drawn for a download.
    pub(super) rows_to_download: u64,
    pub(super) backups: BackupChecks,
    /// Findings about the records; `None` where they were not to be asked for.
    pub(super) objects: Option<ObjectChecks>,
    pub(super) tally: RunTally,
    pub(super) took: Duration,
    pub(super) ending: RunEnding,
}

impl VerifySummary<'_> {
    fn rows_with_outcome(&self, outcome: VerificationOutcome) -> u64 {
        let rows = self.rows.iter();
        rows.filter(|row| row.line.outcome == outcome).count() as u64
    }

    /// Number of attachments downloaded and hashed.
    fn rows_downloaded(&self) -> u64 {
        let rows = self.rows.iter();
        rows.filter(|row| row.line.found.sha256.is_some()).count() as u64
    }

    fn seconds(&self) -> f64 {
        (self.took.as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// Returns the summary as lines of text.
    pub(super) fn for_people(&self) -> String {
        let all = self.rows.len() as u64;
        let mut text = match &self.ending {
            RunEnding::Complete if self.rows_with_outcome(VerificationOutcome::NotDone) == 0 => {
                match all {
                    1 => "the only row matches".to_owned(),
                    rows => format!("all {} match", count_with_noun(rows, "row")),
                }
            }
            _ => format!(
                "{} of {} match",
                group_thousands(self.rows_with_outcome(VerificationOutcome::Match)),
                count_with_noun(all, "row")
            ),
        };
        let _ = writeln!(
            text,
            " ({} in {})",
            count_with_noun(self.tally.requests, "request"),
            human_duration(self.seconds())
        );
        for outcome in VerificationOutcome::ALL {
            let rows = self.rows_with_outcome(outcome);
            if rows > 0 {
                let _ = writeln!(
                    text,
                    "  {:<15} {:>9}  {}",
                    outcome.as_str(),
                    group_thousands(rows),
                    outcome_meaning(outcome)
                );
            }
        }
        self.write_differences(&mut text);
        if let Some(objects) = &self.objects {
            objects.write_lines(&mut text);
        }
        self.write_lacks(&mut text);
        self.write_downloads(&mut text);
        self.backups.write_lines(&mut text);
        let stopped = match &self.ending {
            RunEnding::Stopped(why) => Some(&**why),
            RunEnding::Interrupted(_) => Some("interrupted"),
            RunEnding::Complete | RunEnding::Incomplete | RunEnding::ResultsHeldOpen => None,
        };
        if let Some(why) = stopped {
            let _ = writeln!(text, "stopped early: {why}");
        }
        let verification = self.verification.to_string_lossy();
        let whose = if self.earlier_verification_kept {
            " (of an earlier run, left as it was)"
        } else {
            ""
        };
        let _ = writeln!(text, "verification: {}{whose}", escape(&verification));
        text
    }

    fn write_differences(&self, text: &mut String) {
        // The results explain a row that is not done, and only a row without content cannot wait.
        // The number of unverifiable rows says all that is known about them.
        let says_more = |row: &&VerificationRow| match row.line.outcome {
            VerificationOutcome::Match | VerificationOutcome::Unverifiable => false,
            VerificationOutcome::NotDone => row.awaited_bytes == AwaitedBytes::FromReplacement,
            // Rows without a proof are named by its cause.
            _ => !row.is_error_of_record_alone(),
        };
        let mut differing = self.rows.iter().filter(says_more);
        for VerificationRow { line, .. } in differing.by_ref().take(MAX_ROWS_NAMED) {
            let row = match line.row {
                Some(row) => format!("row {row}"),
                None => "a line without a row".to_owned(),
            };
            let _ = writeln!(
                text,
                "{row}, external_id {}: {}: {}",
                quoted(&line.external_id),
                line.outcome,
                escape(&line.message)
            );
        }
        let unnamed = differing.count() as u64;
        if unnamed > 0 {
            let _ = writeln!(text, "and {}", count_with_noun(unnamed, "other row"));
        }
    }

    /// Writes the damage of the results file, which explains why a verification fails in spite of
    /// matching rows.
    fn write_lacks(&self, text: &mut String) {
        let LedgerGaps {
            torn_line,
            removed_lines,
            superseded_lines,
            rows_without_line,
        } = self.lacks;
        let lines =
            |what, lines| (lines > 0).then(|| format!("{} {what}", count_with_noun(lines, "line")));
        let lacks = [
            (superseded_lines > 0).then(|| "the import did not come to its end".to_owned()),
            torn_line.map(|line| format!("line {line} torn")),
            lines("removed", removed_lines),
            (rows_without_line > 0).then(|| {
                format!(
                    "{} without a line",
                    count_with_noun(rows_without_line, "row")
                )
            }),
        ];
        let lacks: Vec<String> = lacks.into_iter().flatten().collect();
        if !lacks.is_empty() {
            let _ = writeln!(text, "the results are not whole: {}", lacks.join(", "));
        }
    }

    fn write_downloads(&self, text: &mut String) {
        let (downloaded, drawn) = (self.rows_downloaded(), self.rows_to_download);
        let came = if downloaded == drawn {
            count_with_noun(drawn, "attachment")
        } else {
            format!(
                "{} of {}",
                group_thousands(downloaded),
                count_with_noun(drawn, "attachment")
            )
        };
        let drawn = match self.download {
            DownloadScope::None => return,
            DownloadScope::All if downloaded < drawn => "all were asked for".to_owned(),
            DownloadScope::All if self.rows.iter().any(is_without_digest) => {
                "all of which the results know the content".to_owned()
            }
            DownloadScope::All => "all of them".to_owned(),
            DownloadScope::Sample { share, seed } => {
                format!("a sample of {share}, drawn with --seed {seed}")
            }
        };
        let _ = writeln!(
            text,
            "downloaded and hashed again: {came} ({drawn}; {})",
            human_size(self.tally.bytes_received)
        );
    }

    /// Returns the summary as one JSON object.
    pub(super) fn for_scripts(&self) -> String {
        #[derive(Serialize)]
        struct VerifySummaryJson {
            results: String,
            verification: String,
            /// True if the verification file is from an earlier run.
            verification_kept: bool,
            destination: String,
            rows: u64,
            outcomes: BTreeMap<&'static str, u64>,
            torn_line: Option<u64>,
            removed_lines: u64,
            superseded_lines: u64,
            rows_without_line: u64,
            download: Option<String>,
            drawn: u64,
            downloaded: u64,
            backups: BTreeMap<&'static str, u64>,
            /// Null where the records were not to be asked for.
            objects: Option<ObjectChecksJson>,
            requests: u64,
            throttled: u64,
            bytes_received: u64,
            seconds: f64,
            ended: &'static str,
            why: Option<String>,
            exit_code: u8,
        }
        let (ended, why) = match &self.ending {
            RunEnding::Complete => ("all_match", None),
            RunEnding::Incomplete => ("some_differ", None),
            RunEnding::Interrupted(_) => ("interrupted", None),
            RunEnding::Stopped(why) => ("stopped", Some(why.clone())),
            RunEnding::ResultsHeldOpen => ("stopped", None),
        };
        let counts = VerificationOutcome::ALL
            .map(|outcome| (outcome.as_str(), self.rows_with_outcome(outcome)));
        let whole = VerifySummaryJson {
            results: self.results.to_string_lossy().into_owned(),
            verification: self.verification.to_string_lossy().into_owned(),
            verification_kept: self.earlier_verification_kept,
            destination: self.destination.clone(),
            rows: self.rows.len() as u64,
            outcomes: counts.into_iter().filter(|(_, rows)| *rows > 0).collect(),
            torn_line: self.lacks.torn_line,
            removed_lines: self.lacks.removed_lines,
            superseded_lines: self.lacks.superseded_lines,
            rows_without_line: self.lacks.rows_without_line,
            download: Some(self.download.to_string()).filter(|text| !text.is_empty()),
            drawn: self.rows_to_download,
            downloaded: self.rows_downloaded(),
            backups: self.backups.for_scripts(),
            objects: self.objects.as_ref().map(ObjectChecks::for_scripts),
            requests: self.tally.requests,
            throttled: self.tally.throttled,
            bytes_received: self.tally.bytes_received,
            seconds: self.seconds(),
            ended,
            why,
            exit_code: self.ending.exit().code(),
        };
        let json = serde_json::to_string(&whole).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }
}

/// True if a row has an attachment whose content the results know by size alone.
fn is_without_digest(row: &VerificationRow) -> bool {
    row.attachment_to_check().is_some() && !row.is_download_candidate()
}

/// Meaning of an outcome in a few words.
fn outcome_meaning(outcome: VerificationOutcome) -> &'static str {
    match outcome {
        VerificationOutcome::Match => "there, as the results say",
        VerificationOutcome::Missing => "not there",
        VerificationOutcome::Pending => "there, without its bytes",
        VerificationOutcome::SizeDiffers => "there, with another size",
        VerificationOutcome::Renamed => "there, with another external_id or title",
        VerificationOutcome::ContentDiffers => "there, with other bytes",
        VerificationOutcome::OtherObject => "there, on another record",
        VerificationOutcome::NotDone => {
            "not done, as the results say and explain; nothing to compare"
        }
        VerificationOutcome::Unverifiable => {
            "nothing speaks against them, but the service cannot be asked for their files"
        }
        VerificationOutcome::Error => "could not be checked",
    }
}
