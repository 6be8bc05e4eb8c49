//! Summary of an import, as text for people and as JSON for scripts, and the ending of the run.

mod awaiting_content;
pub(super) mod look_up_report;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::pilot_report::PilotReport;
use super::resume_command::{ResumedRows, resume_after_moves};
use super::work_list::WorkList;
use crate::atomic_file::probable_program;
use crate::commands::run_ending::RunEnding;
use crate::config::ImportPlan;
use crate::model::ProcurementService;
use crate::pipeline::HaltReason;
use crate::prepare::UnnamedFiles;
use crate::progress::{RunTally, human_duration, human_size};
use crate::results::{ResultsDisplacement, ResultsEntry, Status};
use crate::signals::StopSignal;
use crate::text::{count_with_noun, count_with_noun_and_verb, escape, group_thousands, quoted};
use awaiting_content::AwaitingContentList;
use look_up_report::LookUpReport;

/// Counts of an import. The serialised fields are the JSON summary.
#[derive(Debug, Serialize)]
pub(super) struct ImportSummary {
    manifest: String,
    results: String,
    destination: String,
    rows: u64,
    /// Number of rows of the manifest by status, over all runs.
    statuses: BTreeMap<&'static str, u64>,
    /// Number of lines at the end of the results without a row in the manifest.
    rows_no_longer_in_manifest: u64,
    /// Requests of this run.
    requests: u64,
    /// Requests of this run without changes.
    look_ups: u64,
    /// Records created by this run: attachments, or jobs.
    created: u64,
    /// Finding of a run with `--lookup on-clash`; `None` for other runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<LookUpReport>,
    throttled: u64,
    bytes_sent: u64,
    seconds: f64,
    /// Part of the rows that the run was to send; `None` for all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PilotReport>,
    /// Files below the root that no row names; `None` where nobody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_in_no_row: Option<UnnamedFiles>,
    /// Attachments that may be without content.
    #[serde(skip_serializing_if = "AwaitingContentList::is_empty")]
    waiting_for_content: AwaitingContentList,
    /// Number of skipped rows whose attachments have other content than their files.
    #[serde(skip)]
    kept_other_content: u64,
    #[serde(skip)]
    service: ProcurementService,
    /// Descriptions of the first conflicts and failures, at most [`MAX_ROWS_NAMED`].
    #[serde(skip)]
    rows_needing_attention: Vec<String>,
    #[serde(skip)]
    unnamed_rows: u64,
    /// Moves of files that put the results back in place before a resume; usually none.
    #[serde(skip)]
    restoring_moves: Vec<(PathBuf, PathBuf)>,
    /// Sentences about results that another program holds open, if any.
    #[serde(skip)]
    held_results: Option<String>,
}

/// Most rows named one by one among the rows in need of attention.
const MAX_ROWS_NAMED: usize = 10;

impl ImportSummary {
    /// Returns a summary without counts of rows: every line of the results is still to be counted.
    pub(super) fn new(
        config: &ImportPlan,
        plan: &WorkList<'_>,
        destination: &str,
        results: &Path,
        tally: &RunTally,
        took: Duration,
    ) -> Self {
        Self {
            manifest: config.input.manifest.to_string_lossy().into_owned(),
            results: results.to_string_lossy().into_owned(),
            destination: destination.to_owned(),
            rows: 0,
            statuses: BTreeMap::new(),
            rows_no_longer_in_manifest: 0,
            requests: tally.requests,
            look_ups: tally.reads,
            created: tally.created,
            lookup: LookUpReport::from_tally(tally),
            throttled: tally.throttled,
            bytes_sent: tally.bytes_sent,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            part: PilotReport::from_plan(&config.pilot, plan),
            files_in_no_row: plan.unnamed_files().cloned(),
            waiting_for_content: AwaitingContentList::default(),
            kept_other_content: 0,
            service: plan.service(),
            rows_needing_attention: Vec::new(),
            unnamed_rows: 0,
            restoring_moves: Vec::new(),
            held_results: None,
        }
    }

    /// Returns the ending of the run.
    pub(super) fn ending(&self, halt: Option<&HaltReason>, stop: Option<StopSignal>) -> RunEnding {
        // A halt counts even if all rows are done: rows that were to be changed may be done without
        // their change.
        RunEnding::new(halt, stop, self.service, || {
            // A done row outside of the part may wait for a change.
            if self.rows_not_done() == 0 && self.part.is_none() {
                RunEnding::Complete
            } else {
                RunEnding::Incomplete
            }
        })
    }

    /// Notes that another file has the path of the results, which therefore are at `kept`. Returns
    /// the ending of the run.
    pub(super) fn note_displaced_results(
        &mut self,
        path: &Path,
        kept: &Path,
        why: ResultsDisplacement,
    ) -> RunEnding {
        self.results = kept.to_string_lossy().into_owned();
        if let Some(aside) = unused_aside_path(path) {
            self.restoring_moves.push((path.to_owned(), aside));
        }
        self.restoring_moves
            .push((kept.to_owned(), path.to_owned()));
        let path = path.to_string_lossy();
        RunEnding::Stopped(format!(
            "{} {why} while this run wrote to it; nothing more was sent, and the results of this \
             run are in {}: go on with this file alone, or attached files are sent again",
            escape(&path),
            escape(&self.results),
        ))
    }

    /// Notes that another program holds the results at `path`, which therefore are no more than a
    /// journal.
    pub(super) fn note_held_results(&mut self, path: &Path) {
        self.held_results = Some(format!(
            "{} is open in {}, and could not be replaced; all results are in the file, but out of \
             order: close the file there, and run the command below",
            escape(&path.to_string_lossy()),
            probable_program(path)
        ));
    }

    /// Counts a line of the results. `plan` tells the rows that the run was to send.
    pub(super) fn count_line(&mut self, entry: &ResultsEntry, plan: &WorkList<'_>) {
        // Before the row check: attachments of rows that left the manifest may be without content,
        // too.
        self.waiting_for_content.take_line(entry);
        let Some(row) = entry.row else {
            self.rows_no_longer_in_manifest += 1;
            return;
        };
        if let Some(part) = &mut self.part
            && plan.sends_row(row)
        {
            part.count_line(entry);
        }
        self.rows += 1;
        *self.statuses.entry(entry.status.as_str()).or_default() += 1;
        let is_kept = entry.status == Status::Skipped && entry.state().keeps_existing_content();
        self.kept_other_content += u64::from(is_kept);
        if let Status::Conflict | Status::Failed = entry.status {
            self.name_row(entry);
        }
    }

    /// Drops the list of rows in need of attention, because the reason for the stop covers all of
    /// these rows.
    pub(super) fn clear_named_rows(&mut self) {
        self.rows_needing_attention.clear();
        self.unnamed_rows = 0;
    }

    fn name_row(&mut self, entry: &ResultsEntry) {
        if self.rows_needing_attention.len() == MAX_ROWS_NAMED {
            self.unnamed_rows += 1;
            return;
        }
        self.rows_needing_attention.push(format!(
            "row {}, external_id {}: {}, {}: {}",
            entry.row.unwrap_or_default(),
            quoted(&entry.external_id),
            entry.status,
            entry.reason.as_str(),
            escape(&entry.message)
        ));
    }

    fn rows_with_status(&self, status: Status) -> u64 {
        self.statuses.get(status.as_str()).copied().unwrap_or(0)
    }

    /// Number of rows of the manifest not done.
    fn rows_not_done(&self) -> u64 {
        let done: u64 = Status::ALL
            .into_iter()
            .filter(|status| status.is_done())
            .map(|status| self.rows_with_status(status))
            .sum();
        self.rows - done
    }

    /// Returns the summary as lines of text.
    pub(super) fn for_people(&self, ending: &RunEnding) -> String {
        let mut text = match ending {
            RunEnding::Complete => format!("all {} done", count_with_noun(self.rows, "row")),
            RunEnding::ResultsHeldOpen if self.rows_not_done() == 0 => {
                format!("all {} done", count_with_noun(self.rows, "row"))
            }
            RunEnding::Incomplete | RunEnding::ResultsHeldOpen if let Some(part) = &self.part => {
                format!("went through {}", part.in_words(self.rows))
            }
            RunEnding::Interrupted(_) | RunEnding::Stopped(_) if self.rows_not_done() == 0 => {
                "the run stopped before the end of its work".to_owned()
            }
            RunEnding::Incomplete
            | RunEnding::Interrupted(_)
            | RunEnding::Stopped(_)
            | RunEnding::ResultsHeldOpen => format!(
                "{} of {} not done",
                group_thousands(self.rows_not_done()),
                count_with_noun(self.rows, "row")
            ),
        };
        let requests = match self.service {
            ProcurementService::Workday => count_with_noun(self.requests, "request"),
            ProcurementService::Keelvar => format!(
                "{}, {}",
                count_with_noun(self.created, "job"),
                count_with_noun(self.look_ups, "look-up")
            ),
        };
        let _ = writeln!(
            text,
            " ({} sent in {}, {requests})",
            human_size(self.bytes_sent),
            human_duration(self.seconds),
        );
        for status in Status::ALL {
            let rows = self.rows_with_status(status);
            if rows > 0 {
                let _ = writeln!(
                    text,
                    "  {:<9} {:>9}  {}",
                    status.as_str(),
                    group_thousands(rows),
                    self.status_meaning_with_kept(status)
                );
            }
        }
        if let Some(lookup) = &self.lookup {
            text.push_str(&lookup.for_people());
        }
        text.push_str(&self.waiting_for_content.warning());
        for line in &self.rows_needing_attention {
            let _ = writeln!(text, "{line}");
        }
        if self.unnamed_rows > 0 {
            let _ = writeln!(
                text,
                "and {}",
                count_with_noun(self.unnamed_rows, "other row")
            );
        }
        if let RunEnding::Stopped(why) = ending {
            let _ = writeln!(text, "stopped early: {why}");
        }
        if let Some(held) = &self.held_results {
            let _ = writeln!(text, "{held}");
        }
        let _ = writeln!(text, "results: {}", escape(&self.results));
        if *ending != RunEnding::Complete {
            let command = self.continue_command(ending);
            let _ = match self.resumed_rows(ending) {
                ResumedRows::All => writeln!(text, "to go on: {command}"),
                ResumedRows::AsTyped | ResumedRows::First(_) => {
                    writeln!(text, "to go on with the rest of this part alone: {command}")
                }
            };
        }
        text
    }

    /// Returns the summary as one JSON object.
    pub(super) fn for_scripts(&self, ending: &RunEnding) -> String {
        #[derive(Serialize)]
        struct ImportSummaryJson<'a> {
            #[serde(flatten)]
            summary: &'a ImportSummary,
            ended: &'static str,
            why: Option<&'a str>,
            exit_code: u8,
            resume_command: Option<String>,
        }
        let (ended, why) = match ending {
            RunEnding::Complete => ("all_done", None),
            RunEnding::Incomplete => ("some_left", None),
            RunEnding::Interrupted(_) => ("interrupted", None),
            RunEnding::Stopped(why) => ("stopped", Some(why.as_str())),
            RunEnding::ResultsHeldOpen => ("stopped", self.held_results.as_deref()),
        };
        let whole = ImportSummaryJson {
            summary: self,
            ended,
            why,
            exit_code: ending.exit().code(),
            resume_command: (*ending != RunEnding::Complete).then(|| self.continue_command(ending)),
        };
        let json = serde_json::to_string(&whole).expect("numbers and strings are always JSON");
        format!("{json}\n")
    }

    /// Rows with which the user continues this import.
    fn resumed_rows(&self, ending: &RunEnding) -> ResumedRows {
        let of_part = self.part.as_ref();
        of_part.map_or(ResumedRows::All, |part| part.resumed_rows(ending))
    }

    /// Command line with which the user continues this import.
    fn continue_command(&self, ending: &RunEnding) -> String {
        resume_after_moves(&self.restoring_moves, self.resumed_rows(ending))
    }

    /// Meaning of a status in a few words. Skipped rows with other content are counted there.
    fn status_meaning_with_kept(&self, status: Status) -> Cow<'static, str> {
        if status == Status::Skipped && self.kept_other_content > 0 {
            let kept = count_with_noun_and_verb(self.kept_other_content, "row", ["has", "have"]);
            return format!("there already; {kept} other content, which was kept").into();
        }
        status_meaning(status, self.service).into()
    }
}

/// Meaning of a status in a few words.
fn status_meaning(status: Status, service: ProcurementService) -> &'static str {
    match status {
        Status::Uploaded if service == ProcurementService::Keelvar => {
            "attached: the job ended in success"
        }
        Status::Uploaded => "stored, and the size confirmed by the service",
        Status::Replaced => "new content in place of the old, and the size confirmed",
        Status::Renamed => "there, under the new external_id",
        Status::Updated => "there, with the new title",
        Status::Skipped => "there already, with the same size",
        Status::Conflict => "there already with other content, or changed since; left as it is",
        Status::Failed => "tried, and cannot succeed as they are; see reason and message",
        Status::Invalid => "not fit to send; see message",
        Status::Replacing => "WITHOUT CONTENT or about to be; --resume puts the new content there",
        Status::Creating | Status::Created => "begun; --resume finishes them",
        Status::Pending => "not reached, or to be tried again by --resume",
    }
}

/// Returns an unused path to which the file at the path of the results can be moved; `None` if
/// there is no such file.
fn unused_aside_path(path: &Path) -> Option<PathBuf> {
    path.symlink_metadata().ok()?;
    let with = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut names = (1_u32..).map(|nth| match nth {
        1 => with(".replaced".to_owned()),
        nth => with(format!(".replaced-{nth}")),
    });
    names.find(|name| name.symlink_metadata().is_err())
}
