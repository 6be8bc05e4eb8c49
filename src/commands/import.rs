//! `consign import`: checks the manifest, sends the files and writes the results.
//!
//! `import_manifest` is the table of contents: open the results, check the rows, plan
//! (`work_list`), ask for consent (`consent`), send, rewrite the results (`result_lines`),
//! summarise (`summary`). The requests are the business of `pipeline`.

mod consent;
mod dry_run;
mod lost_lines_refusal;
mod preflight_need;
mod result_lines;
mod service_dispatch;
mod summary;
mod work_list;

use std::sync::Arc;

use crate::backup::{BackupFolder, BackupStore};
use crate::config::{
    BackupPolicy, ImportMode, ImportPlan, NoticePolicy, ResolvedDestination, ResumePolicy,
    UnfitRowPolicy, environment_variable,
};
use crate::error::{CommandError, ProgramExit};
use crate::manifest::{self, Column, Manifest, ManifestWithProblems, RawRow};
use crate::model::ProcurementService;
use crate::pipeline::HaltReason;
use crate::plan::{FoundObjects, TitlePolicy, UpdatePolicy};
use crate::prepare::{PreparedFiles, inspect_files};
use crate::progress::{HashingProgress, ProgressForm, SendingProgress, Workload};
use crate::results::ResultsError;
use crate::results::earlier_results::EarlierResults;
use crate::results::journal;
use crate::results::results_file::{ResultsFile, ResultsLocation};
use crate::root::Root;
use crate::text::write_stderr;

use super::second_copy_check::{ImportDestinations, SecondCopyCheck};
use super::session::{ConnectionConfig, SessionBuilder, SessionOptions, StopPolicy};
use super::{preflight_check, proxy_notice, report_problems, write_summary};
use result_lines::LineExtent;
use summary::{ImportSummary, resume_command};
use work_list::{EarlierRowLookup, WorkList};

/// Runs the command.
pub fn run(config: &ImportPlan) -> Result<ProgramExit, CommandError> {
    let read = manifest::read_manifest(&config.input.manifest, &config.input.options)?;
    import_manifest(config, read)
}

/// Imports the rows of a manifest already read. The results and all messages name the manifest by
/// its path.
pub(super) fn import_manifest(
    config: &ImportPlan,
    read: ManifestWithProblems,
) -> Result<ProgramExit, CommandError> {
    // Without a row whose service is known, no row is sent, and either service will do.
    let service = read
        .manifest
        .service()
        .unwrap_or(ProcurementService::Workday);
    let amending = config.changes_for(service)?;
    let base = config
        .service
        .resolve_destination(service, environment_variable)?;
    // Before the hashing, which may take an hour.
    let access = config
        .service
        .resolve_access(&base, service, environment_variable)?;
    let path = &config.results;
    let (results, previous) = open_results(config, &base)?;
    if service == ProcurementService::Keelvar {
        let allowed = &config.input.second_copies;
        lost_lines_refusal::refuse_lost_lines(
            path,
            &read.manifest,
            &read.problems,
            &previous,
            allowed,
        )?;
    }
    let root = Arc::new(Root::from_path(&config.input.root)?);
    let style = ProgressForm::choose(config.output.verbosity);
    let update_policy = amending.update_policy();
    let earlier = EarlierRowLookup(&previous);
    let looked = inspect_files(&read.manifest, read.problems, &root, &earlier);
    let mut contact = SessionBuilder::new(ConnectionConfig {
        base: &base,
        access: &access,
        service: &config.service,
        jobs: &config.jobs,
    })?;
    if preflight_need::needs_preflight(config, &looked, &previous, update_policy) {
        let known = preflight_need::known_attachment(&read.manifest, &previous);
        preflight_check::check_service(&mut contact, known.as_ref(), config.output)?;
    }
    let prepared = looked.hash_and_judge(&HashingProgress::start(style));
    report_problems(&read.manifest, &prepared.problems, config.output)?;
    if prepared.problems.error_count() > 0 && config.unfit_rows == UnfitRowPolicy::Refuse {
        return Err(CommandError::UnfitRows);
    }
    tracing::info!(files = prepared.ready_files_and_bytes().0, "checked");
    let objects = FoundObjects::default();
    let plan = WorkList::new(
        &read.manifest,
        &prepared,
        &previous,
        &objects,
        &root,
        update_policy,
        &config.jobs,
    );
    tracing::info!(rows = plan.send_count(), "planned");
    if config.shows_notices() {
        write_stderr(&plan.notices(path));
        write_stderr(missing_titles_notice(&read.manifest, update_policy));
    }
    if !config.output.is_quiet() {
        write_stderr(&proxy_notice(&base));
    }
    refuse_second_copies(config, &plan, &prepared, &base, &objects)?;
    if !plan.rows_to_find().is_empty() {
        return Err(CommandError::UnresolvedObjects {
            rows: plan.rows_to_find().len() as u64,
        });
    }
    let opening = SessionOptions {
        max_errors: config.max_errors,
        update_policy,
        look_ups: plan.look_up_mode(config.look_ups),
        stop_policy: StopPolicy::FinishRequests,
    };
    match config.mode {
        ImportMode::DryRun => dry_run::run(config, &opening, contact, &plan),
        ImportMode::Attach => {
            consent::ask_about_bidders(config, &base, &plan)?;
            let to_ask = consent::backups_to_ask_about(config, &base, &plan, &amending)?;
            let folder = amending.backup_policy().and_then(BackupPolicy::folder);
            let backup_store = folder.map(BackupFolder::open).transpose()?;
            let keeping = ImportOutputs {
                results,
                backup_folder: backup_store.as_ref(),
            };
            attach_rows(config, &opening, contact, &plan, to_ask, keeping)
        }
    }
}

/// Fails with [`CommandError::SecondCopies`] when a row would attach an already attached file,
/// unless the user allows the row.
fn refuse_second_copies(
    config: &ImportPlan,
    plan: &WorkList<'_>,
    prepared: &PreparedFiles,
    base: &ResolvedDestination,
    objects: &FoundObjects,
) -> Result<(), CommandError> {
    let comparison = SecondCopyCheck {
        manifest: plan.manifest(),
        prepared,
        earlier: plan.earlier_results(),
        objects,
        results: &config.results,
        destinations: &ImportDestinations::Known([base.label()].into()),
    };
    let copies = comparison.find_copies(&[plan.rows_to_send(), plan.rows_to_find()].concat());
    let copies = copies.decide(&config.input.second_copies);
    if config.shows_notices() {
        write_stderr(&copies.notices());
    }
    copies.refuse()
}

/// Notice for a user who wants titles updated and whose manifest has no title; empty otherwise.
fn missing_titles_notice(manifest: &Manifest, update_policy: UpdatePolicy) -> &'static str {
    let has_title = |row: RawRow<'_>| !row.cell(Column::Title).is_empty();
    if update_policy.title_policy == TitlePolicy::Update && !manifest.rows().any(has_title) {
        "no row has a title, so --update title changes nothing: write titles into a column title\n"
    } else {
        ""
    }
}

/// Opens the results file, with the results of earlier runs if the user wants to resume. Fails with
/// [`CommandError::OtherDestination`] when the earlier results went to another destination.
fn open_results(
    config: &ImportPlan,
    base: &ResolvedDestination,
) -> Result<(ResultsFile, EarlierResults), CommandError> {
    let path = &config.results;
    let opened = match config.resume {
        ResumePolicy::Resume => ResultsFile::resume(path, config.input.options.encoding),
        ResumePolicy::BeginNew => ResultsFile::begin(path),
    };
    let (file, previous) = opened.map_err(refused_results)?;
    let ours = base.label();
    match previous.destinations.iter().find(|theirs| **theirs != ours) {
        Some(theirs) => Err(CommandError::OtherDestination {
            path: path.to_owned(),
            theirs: theirs.clone(),
            ours,
        }),
        None => Ok((file, previous)),
    }
}

fn refused_results(cause: ResultsError) -> CommandError {
    CommandError::RefusedResults {
        cause,
        resume: resume_command(),
    }
}

/// Error of a run before its first request. An I/O error is passed on as it is, since the results
/// file may have been begun when the disk failed.
fn results_not_begun(cause: ResultsError) -> CommandError {
    match cause {
        ResultsError::Io { .. } => cause.into(),
        _ => refused_results(cause),
    }
}

/// Destinations of an import on this machine: the results file, and the folder for backups of
/// replaced content.
struct ImportOutputs<'a> {
    results: ResultsFile,
    backup_folder: Option<&'a BackupFolder>,
}

fn attach_rows(
    config: &ImportPlan,
    opening: &SessionOptions,
    contact: SessionBuilder<'_>,
    plan: &WorkList<'_>,
    to_ask: Option<&BackupPolicy>,
    ImportOutputs {
        mut results,
        backup_folder,
    }: ImportOutputs<'_>,
) -> Result<ProgramExit, CommandError> {
    let (session, runtime) = contact.open(opening)?;
    if let Some(backups) = to_ask {
        consent::ask_about_content(config, plan, &session, &runtime, backups)?;
    }
    let label = session.settings.destination.clone();
    let rows = plan.line_sources(&label);
    let columns = plan.manifest().extra_columns();
    let known = result_lines::result_lines(&rows, plan.earlier_results(), LineExtent::KnownRows);
    results
        .rewrite_before_run(columns, known)
        .map_err(results_not_begun)?;
    tracing::info!("began the results");

    let (journal, writer) = journal::start_journal(results);
    let style = ProgressForm::choose(config.output.verbosity);
    let (sending, events) =
        SendingProgress::start(style, "importing", Workload::Rows(plan.send_count() as u64));
    let halt = runtime.block_on(service_dispatch::run_pipeline(
        &session.client,
        plan,
        &journal,
        backup_folder.map(|folder| folder as &dyn BackupStore),
        (&session.settings, &events),
        session.stop_listener.wait_for_stop(),
    ));
    drop(events);
    let tally = sending.finish();
    let (mut results, written) = writer.finish(journal);

    tracing::info!(?halt, "ended");
    let (after, displaced) = match written.and_then(|()| results.read_back()) {
        Ok(after) => (after, None),
        Err(ResultsError::Displaced { why, .. }) => {
            let began_with =
                result_lines::result_lines(&rows, plan.earlier_results(), LineExtent::KnownRows);
            (results.rebuild_from_memory(began_with)?, Some(why))
        }
        // After a failed write nothing more is written: the journal is readable as it is.
        Err(failed) => return Err(failed.into()),
    };
    let path = results.path().to_owned();
    let mut summary = ImportSummary::new(
        config,
        plan.service(),
        &label,
        &path,
        &tally,
        session.began.elapsed(),
    );
    let lines = result_lines::result_lines(&rows, &after, LineExtent::AllRows);
    let resting = results.rewrite_after_run(
        displaced,
        lines.inspect(|line| summary.count_line(&line.entry)),
    )?;
    tracing::info!("rewrote the results");
    if let Some(HaltReason::CommonFailure(_)) = halt {
        summary.clear_named_rows();
    }
    let ending = match &resting {
        ResultsLocation::InPlace => {
            summary.ending(halt.as_ref(), session.stop_listener.requested_stop())
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
