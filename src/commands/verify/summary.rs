//! Summary of a verification, as text for people and as JSON for scripts, and the ending of the
//! run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::commands::ending::RunEnding;
use crate::model::Service;
use crate::pipeline::Halt;
use crate::progress::{Tally, size, span};
use crate::results::ledger::{Lacks, Ledger};
use crate::signals::Stop;
use crate::text::{counted, escape, grouped, quoted};
use crate::verification::row::{Row, Waits};
use crate::verification::{Download, Outcome};

use super::backups::Backups;

/// Most differing rows named one by one.
pub(super) const ROWS_NAMED: usize = 10;

/// Returns the ending of the verification of these rows.
pub(super) fn ending(
    rows: &[Row],
    ledger: &Ledger,
    halt: Option<&Halt>,
    stop: Option<Stop>,
    service: Service,
) -> RunEnding {
    let is_whole = ledger.lacks().is_nothing();
    RunEnding::of(halt, stop, service, || {
        if is_whole && !rows.iter().any(Row::is_objection) {
            RunEnding::Complete
        } else {
            RunEnding::Incomplete
        }
    })
}

/// Outcome of a verification, with all values of the summary.
pub(super) struct Summary<'a> {
    pub(super) results: &'a Path,
    pub(super) verification: &'a Path,
    /// True if the verification file is from an earlier run, and was left as it was.
    pub(super) kept: bool,
    pub(super) destination: String,
    pub(super) rows: &'a [Row],
    pub(super) lacks: Lacks,
    pub(super) download: Download,
    /// Number of attachments drawn for a download.
    pub(super) drawn: u64,
    pub(super) backups: Backups,
    pub(super) tally: Tally,
    pub(super) took: Duration,
    pub(super) ending: RunEnding,
}

impl Summary<'_> {
    fn of(&self, outcome: Outcome) -> u64 {
        let rows = self.rows.iter();
        rows.filter(|row| row.line.outcome == outcome).count() as u64
    }

    /// Number of attachments downloaded and hashed.
    fn downloaded(&self) -> u64 {
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
            RunEnding::Complete if self.of(Outcome::NotDone) == 0 => match all {
                1 => "the only row matches".to_owned(),
                rows => format!("all {} match", counted(rows, "row")),
            },
            _ => format!(
                "{} of {} match",
                grouped(self.of(Outcome::Match)),
                counted(all, "row")
            ),
        };
        let _ = writeln!(
            text,
            " ({} in {})",
            counted(self.tally.requests, "request"),
            span(self.seconds())
        );
        for outcome in Outcome::ALL {
            let rows = self.of(outcome);
            if rows > 0 {
                let _ = writeln!(
                    text,
                    "  {:<15} {:>9}  {}",
                    outcome.as_str(),
                    grouped(rows),
                    meaning(outcome)
                );
            }
        }
        self.name_differences(&mut text);
        self.tell_of_lacks(&mut text);
        self.tell_of_downloads(&mut text);
        self.backups.tell(&mut text);
        let stopped = match &self.ending {
            RunEnding::Stopped(why) => Some(&**why),
            RunEnding::Interrupted(_) => Some("interrupted"),
            RunEnding::Complete | RunEnding::Incomplete => None,
        };
        if let Some(why) = stopped {
            let _ = writeln!(text, "stopped early: {why}");
        }
        let verification = self.verification.to_string_lossy();
        let whose = if self.kept {
            " (that of an earlier run, left as it was)"
        } else {
            ""
        };
        let _ = writeln!(text, "verification: {}{whose}", escape(&verification));
        text
    }

    fn name_differences(&self, text: &mut String) {
        // The results explain a row that is not done, and only a row without content cannot wait.
        // The number of unverifiable rows says all that is known about them.
        let says_more = |row: &&Row| match row.line.outcome {
            Outcome::Match | Outcome::Unverifiable => false,
            Outcome::NotDone => row.waits == Waits::ForBytes,
            _ => true,
        };
        let mut differing = self.rows.iter().filter(says_more);
        for Row { line, .. } in differing.by_ref().take(ROWS_NAMED) {
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
            let _ = writeln!(text, "and {}", counted(unnamed, "other row"));
        }
    }

    /// Writes the damage of the results file, which explains why a verification fails in spite of
    /// matching rows.
    fn tell_of_lacks(&self, text: &mut String) {
        let Lacks {
            torn_line,
            removed_lines,
            superseded_lines,
            rows_without_line,
        } = self.lacks;
        let lines = |what, lines| (lines > 0).then(|| format!("{} {what}", counted(lines, "line")));
        let lacks = [
            (superseded_lines > 0).then(|| "the import did not come to its end".to_owned()),
            torn_line.map(|line| format!("line {line} torn")),
            lines("removed", removed_lines),
            (rows_without_line > 0)
                .then(|| format!("{} without a line", counted(rows_without_line, "row"))),
        ];
        let lacks: Vec<String> = lacks.into_iter().flatten().collect();
        if !lacks.is_empty() {
            let _ = writeln!(text, "the results are not whole: {}", lacks.join(", "));
        }
    }

    fn tell_of_downloads(&self, text: &mut String) {
        let (downloaded, drawn) = (self.downloaded(), self.drawn);
        let came = if downloaded == drawn {
            counted(drawn, "attachment")
        } else {
            format!(
                "{} of {}",
                grouped(downloaded),
                counted(drawn, "attachment")
            )
        };
        let drawn = match self.download {
            Download::None => return,
            Download::All if downloaded < drawn => "all were asked for".to_owned(),
            Download::All if self.rows.iter().any(is_without_digest) => {
                "all of which the results know the content".to_owned()
            }
            Download::All => "all of them".to_owned(),
            Download::Sample { share, seed } => {
                format!("a sample of {share}, drawn with --seed {seed}")
            }
        };
        let _ = writeln!(
            text,
            "downloaded and hashed again: {came} ({drawn}; {})",
            size(self.tally.bytes_received)
        );
    }

    /// Returns the summary as one JSON object.
    pub(super) fn for_scripts(&self) -> String {
        #[derive(Serialize)]
        struct Whole {
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
        };
        let counts = Outcome::ALL.map(|outcome| (outcome.as_str(), self.of(outcome)));
        let whole = Whole {
            results: self.results.to_string_lossy().into_owned(),
            verification: self.verification.to_string_lossy().into_owned(),
            verification_kept: self.kept,
            destination: self.destination.clone(),
            rows: self.rows.len() as u64,
            outcomes: counts.into_iter().filter(|(_, rows)| *rows > 0).collect(),
            torn_line: self.lacks.torn_line,
            removed_lines: self.lacks.removed_lines,
            superseded_lines: self.lacks.superseded_lines,
            rows_without_line: self.lacks.rows_without_line,
            download: Some(self.download.to_string()).filter(|text| !text.is_empty()),
            drawn: self.drawn,
            downloaded: self.downloaded(),
            backups: self.backups.for_scripts(),
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
fn is_without_digest(row: &Row) -> bool {
    row.to_ask().is_some() && !row.is_worth_a_download()
}

/// Meaning of an outcome in a few words.
fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Match => "there, as the results say",
        Outcome::Missing => "not there",
        Outcome::Pending => "there, without its bytes",
        Outcome::SizeDiffers => "there, with another size",
        Outcome::Renamed => "there, with another external_id or title",
        Outcome::ContentDiffers => "there, with other bytes",
        Outcome::NotDone => "not done, as the results say and explain; nothing to compare",
        Outcome::Unverifiable => {
            "nothing speaks against them, but the service cannot be asked for their files"
        }
        Outcome::Error => "could not be found out",
    }
}
