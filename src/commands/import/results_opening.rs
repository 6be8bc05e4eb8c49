//! Opening of the results of an import, and the refusals before anything is sent.

use crate::config::{ImportPlan, ResolvedDestination, ResumePolicy};
use crate::error::CommandError;
use crate::model::ProcurementService;
use crate::results::ResultsError;
use crate::results::earlier_results::EarlierResults;
use crate::results::results_file::ResultsFile;
use crate::text::{escape, write_stderr};

use super::resume_command::{ResumedRows, resume_command};

/// Opens the results file, with the results of earlier runs if the user wants to resume, or if no
/// row of the file was tried yet. Fails with [`CommandError::OtherDestination`] when the earlier
/// results went to another destination.
pub(super) fn open_results(
    config: &ImportPlan,
    base: &ResolvedDestination,
    service: ProcurementService,
) -> Result<(ResultsFile, EarlierResults), CommandError> {
    let (path, encoding) = (&config.results, config.input.options.encoding);
    let opened = match (config.resume, service) {
        (ResumePolicy::Resume, _) => ResultsFile::resume(path, encoding),
        (ResumePolicy::BeginNew, ProcurementService::Workday) => {
            ResultsFile::begin_untried(path, encoding)
        }
        // No run ends after a search for records, and nothing but the results tells what was sent.
        (ResumePolicy::BeginNew, ProcurementService::Keelvar) => ResultsFile::begin(path),
    };
    let (file, previous) = opened.map_err(refused_results)?;
    let ours = base.label();
    if let Some(theirs) = previous.destinations.iter().find(|theirs| **theirs != ours) {
        return Err(CommandError::OtherDestination {
            path: path.to_owned(),
            theirs: theirs.clone(),
            ours,
        });
    }
    if config.resume == ResumePolicy::BeginNew && !previous.is_empty() && config.shows_notices() {
        let path = path.to_string_lossy();
        write_stderr(&format!(
            "{}: no row was tried yet, so the import goes on with these results\n",
            escape(&path)
        ));
    }
    Ok((file, previous))
}

/// Refusal of unusable results, with the command to go on.
pub(super) fn refused_results(cause: ResultsError) -> CommandError {
    CommandError::RefusedResults {
        cause,
        resume: resume_command(ResumedRows::AsTyped),
    }
}

/// Error of a run before its first request. An I/O error is passed on as it is, since the results
/// file may have been begun when the disk failed.
pub(super) fn results_not_begun(cause: ResultsError) -> CommandError {
    match cause {
        ResultsError::Io { .. } | ResultsError::HeldOpen { .. } => cause.into(),
        _ => refused_results(cause),
    }
}
