//! End of an attaching run: the results are put in order, and the run is summarised.

use tokio::runtime::Runtime;

use super::result_lines::{self, LineExtent};
use super::summary::ImportSummary;
use super::work_list::WorkList;
use crate::commands::session::Session;
use crate::commands::write_summary;
use crate::config::{ImportPlan, NoticePolicy};
use crate::error::{CommandError, ProgramExit};
use crate::pipeline::HaltReason;
use crate::progress::RunTally;
use crate::results::earlier_results::EarlierResults;
use crate::results::results_file::{ResultsFile, ResultsLocation};
use crate::results::{ResultsDisplacement, ResultsError};
use crate::text::write_stderr;

/// Run whose last request was answered or given up.
pub(super) struct EndedRun {
    /// Reason for an early stop, if any.
    pub(super) halt: Option<HaltReason>,
    /// Counts of all phases of the run.
    pub(super) tally: RunTally,
    /// Results file, no more written to by the journal.
    pub(super) results: ResultsFile,
    /// Lines of the run and of earlier runs.
    pub(super) lines: EarlierResults,
    /// Change at the path of the results, if another program made one.
    pub(super) displaced: Option<ResultsDisplacement>,
}

impl EndedRun {
    /// Reads back the lines of a phase, after the lines of `plan`. Where
    /// another program has replaced the file, the lines are taken from memory.
    pub(super) fn read_back(
        halt: Option<HaltReason>,
        tally: RunTally,
        (results, written): (ResultsFile, Result<(), ResultsError>),
        plan: &WorkList<'_>,
        destination: &str,
    ) -> Result<Self, CommandError> {
        let (lines, displaced) = match written.and_then(|()| results.read_back()) {
            Ok(lines) => (lines, None),
            Err(ResultsError::Displaced { why, .. }) => {
                let rows = plan.line_sources(destination);
                let began_with = result_lines::result_lines(
                    &rows,
                    plan.earlier_results(),
                    LineExtent::KnownRows,
                );
                (results.rebuild_from_memory(began_with)?, Some(why))
            }
            // After a failed write nothing more is written: the journal is readable as it is.
            Err(failed) => return Err(failed.into()),
        };
        Ok(Self {
            halt,
            tally,
            results,
            lines,
            displaced,
        })
    }

    /// True if the run cannot go on: it stopped early, or another program took the place of the
    /// results.
    pub(super) fn is_early(&self) -> bool {
        self.halt.is_some() || self.displaced.is_some()
    }

    /// Puts the results in order and summarises the run. Returns the exit code.
    pub(super) fn conclude(
        self,
        config: &ImportPlan,
        session: Session,
        runtime: &Runtime,
        plan: &WorkList<'_>,
    ) -> Result<ProgramExit, CommandError> {
        let Self {
            halt,
            tally,
            mut results,
            lines,
            displaced,
        } = self;
        let label = session.settings.destination.clone();
        let path = results.path().to_owned();
        let mut summary =
            ImportSummary::new(config, plan, &label, &path, &tally, session.began.elapsed());
        let rows = plan.line_sources(&label);
        let lines = result_lines::result_lines(&rows, &lines, LineExtent::AllRows);
        let resting = results.rewrite_after_run(
            displaced,
            lines.inspect(|line| summary.count_line(&line.entry, plan)),
        )?;
        tracing::info!("rewrote the results");
        if let Some(HaltReason::CommonFailure(_)) = halt {
            summary.clear_named_rows();
        }
        let ending = match &resting {
            ResultsLocation::InPlace => {
                summary.ending(halt.as_ref(), session.stop_listener.requested_stop())
            }
            ResultsLocation::InJournal => {
                summary.note_held_results(&path);
                let ending = summary.ending(halt.as_ref(), session.stop_listener.requested_stop());
                ending.with_held_results()
            }
            ResultsLocation::Beside { path: kept, why } => {
                summary.note_displaced_results(&path, kept, *why)
            }
        };
        runtime.block_on(session.close());
        if let ResultsLocation::Beside { .. } = resting
            && !config.shows_notices()
        {
            // Results in another file must be announced even if notices are off: nobody can resume
            // without the name of that file.
            write_stderr(&summary.for_people(&ending));
        }
        if config.notices == NoticePolicy::Show {
            // The exit code reports the outcome even if standard output is closed.
            let _ = write_summary(
                config.output,
                &summary.for_people(&ending),
                &summary.for_scripts(&ending),
            );
        }
        Ok(ending.exit())
    }
}
