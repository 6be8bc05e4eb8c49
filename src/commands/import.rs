//! `consign import`: checks the manifest, sends the files and writes the results.
//!
//! `import_manifest` is the table of contents: open the results (`results_opening`), check the rows,
//! plan (`work_list`), ask for consent (`consent`), find the records that rows name by external ids
//! (`object_finding`), send, rewrite the results (`run_end`, `result_lines`), summarise (`summary`).
//! The requests are the business of `pipeline`.

mod consent;
mod dry_run;
mod lost_lines_refusal;
mod object_finding;
mod pilot_report;
mod preflight_need;
mod result_lines;
mod results_opening;
mod resume_command;
mod run_end;
mod service_dispatch;
mod summary;
mod work_list;

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::backup::{BackupFolder, BackupStore};
use crate::config::{
    BackupPolicy, ImportMode, ImportPlan, NoticePolicy, ResolvedDestination, ServiceChangePolicy,
    UnfitRowPolicy, environment_variable,
};
use crate::error::{CommandError, ProgramExit};
use crate::manifest::problem::ProblemList;
use crate::manifest::{self, Column, Manifest, ManifestWithProblems, RawRow};
use crate::model::{NamedObject, ProcurementService, RowNumbers};
use crate::plan::{FoundObjects, PilotScope, TitlePolicy, UpdatePolicy};
use crate::prepare::{PreparedFiles, UnnamedFiles, inspect_files};
use crate::progress::{HashingProgress, ProgressForm, RunTally, SendingProgress, Workload};
use crate::results::earlier_results::EarlierResults;
use crate::results::journal;
use crate::results::results_file::ResultsFile;
use crate::root::Root;
use crate::text::write_stderr;

use super::second_copy_check::{ImportDestinations, SecondCopyCheck};
use super::session::{ConnectionConfig, Session, SessionBuilder, SessionOptions, StopPolicy};
use super::{preflight_check, proxy_notice, reading_notice, report_new_problems, report_problems};
use object_finding::{RecordFindings, RecordsToFind, SearchEnd};
use result_lines::LineExtent;
use results_opening::{open_results, results_not_begun};
use run_end::EndedRun;
use work_list::{EarlierRowLookup, WorkList};

/// Runs the command.
pub fn run(config: &ImportPlan) -> Result<ProgramExit, CommandError> {
    let read = manifest::read_manifest(&config.input.manifest, &config.input.options)?;
    write_stderr(&reading_notice(&read.manifest, config.output));
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
    refuse_rows_beyond_manifest(&config.pilot, &read.manifest)?;
    refuse_records_out_of_reach(&read.manifest, &base)?;
    let (results, previous) = open_results(config, &base, service)?;
    if service == ProcurementService::Keelvar {
        let allowed = &config.input.second_copies;
        lost_lines_refusal::refuse_lost_lines(
            &config.results,
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
    let mut prepared = looked.hash_and_judge(&HashingProgress::start(style));
    report_problems(&read.manifest, &prepared.problems, config.output)?;
    if config.notices == NoticePolicy::Show && config.output.shows_summary() {
        let unnamed = UnnamedFiles::find(&read.manifest, &root, &config.input.root);
        if !config.output.is_quiet() {
            write_stderr(&unnamed.sentence());
        }
        prepared.unnamed_files = Some(unnamed);
    }
    let order = ImportOrder {
        config,
        base: &base,
        manifest: &read.manifest,
        root: &root,
        update_policy,
        pilot: config.pilot.clone(),
    };
    order.refuse_unfit_rows(&prepared)?;
    tracing::info!(files = prepared.ready_files_and_bytes().0, "checked");
    order.carry_out(&amending, prepared, &previous, results, contact)
}

/// Settings of an import, the same for all phases.
struct ImportOrder<'c> {
    config: &'c ImportPlan,
    base: &'c ResolvedDestination,
    manifest: &'c Manifest,
    root: &'c Arc<Root>,
    update_policy: UpdatePolicy,
    /// Part of the rows to send.
    pilot: PilotScope,
}

impl ImportOrder<'_> {
    /// Finds the records of the rows, if any have to be found, and then sends the rows or foresees
    /// the import.
    fn carry_out(
        &self,
        amending: &ServiceChangePolicy,
        prepared: PreparedFiles,
        previous: &EarlierResults,
        results: ResultsFile,
        contact: SessionBuilder<'_>,
    ) -> Result<ProgramExit, CommandError> {
        let config = self.config;
        let objects = FoundObjects::default();
        let plan = self.work_list(&prepared, previous, &objects);
        tracing::info!(rows = plan.send_count(), "planned");
        if config.shows_notices() {
            write_stderr(&plan.notices(&config.results, config.pilot.only.as_ref()));
            write_stderr(missing_titles_notice(self.manifest, self.update_policy));
        }
        if !config.output.is_quiet() {
            write_stderr(&proxy_notice(self.base));
        }
        let rows = [plan.rows_to_send(), plan.rows_to_find()].concat();
        self.refuse_second_copies(&plan, &prepared, &objects, &rows)?;
        let (mut to_ask, mut backup_store) = (None, None);
        if config.mode == ImportMode::Attach {
            // Questions that need no answer of the service come before the search for records,
            // which may take an hour.
            consent::ask_about_bidders(config, self.base, &plan)?;
            to_ask = consent::backups_to_ask_about(config, self.base, &plan, amending)?;
            let folder = amending.backup_policy().and_then(BackupPolicy::folder);
            backup_store = folder.map(BackupFolder::open).transpose()?;
        }
        let (session, runtime) = contact.open(&SessionOptions {
            max_errors: config.max_errors,
            update_policy: self.update_policy,
            look_ups: plan.look_up_mode(config.look_ups),
            stop_policy: StopPolicy::FinishRequests,
        })?;
        let sending = SendingPhase {
            config,
            runtime: &runtime,
            to_ask,
            backup_folder: backup_store.as_ref(),
        };
        let records = RecordsToFind::of_rows(self.manifest, plan.rows_to_find());
        if records.is_empty() {
            return match config.mode {
                ImportMode::DryRun => {
                    dry_run::run(config, self.base, session, &runtime, &plan, Vec::new())
                }
                ImportMode::Attach => {
                    sending.ask_about_content(&plan, &session)?;
                    sending.attach_rows(&plan, session, results, RunTally::default())
                }
            };
        }
        let order = self.for_rows_of(&plan);
        match config.mode {
            ImportMode::DryRun => {
                let end = object_finding::find_records(config, &records, &session, &runtime);
                if let Some(halt) = &end.halt {
                    return dry_run::write_early_end(config, session, &runtime, &plan, halt);
                }
                order.foresee_found(&records, end, prepared, previous, session, &runtime)
            }
            ImportMode::Attach => {
                let found = object_finding::find_and_record(
                    config, &records, &session, &runtime, &plan, results,
                )?;
                order.attach_found(&records, found, prepared, previous, session, &sending)
            }
        }
    }

    /// Foresees the import after the search for records.
    fn foresee_found(
        &self,
        records: &RecordsToFind,
        end: SearchEnd,
        mut prepared: PreparedFiles,
        previous: &EarlierResults,
        mut session: Session,
        runtime: &Runtime,
    ) -> Result<ProgramExit, CommandError> {
        session.note_answer();
        self.note_unfound(&mut prepared, records, &end.findings)?;
        self.refuse_unfit_rows(&prepared)?;
        let objects = records.found(&end.findings);
        let plan = self.work_list(&prepared, previous, &objects);
        self.refuse_second_copies(&plan, &prepared, &objects, &records.row_indices())?;
        let known = end.findings.into_details();
        dry_run::run(self.config, self.base, session, runtime, &plan, known)
    }

    /// Sends the rows after the search for records, or ends the import where the search ended
    /// early.
    fn attach_found(
        &self,
        records: &RecordsToFind,
        (findings, ended): (RecordFindings, EndedRun),
        mut prepared: PreparedFiles,
        previous: &EarlierResults,
        mut session: Session,
        sending: &SendingPhase<'_>,
    ) -> Result<ProgramExit, CommandError> {
        self.note_unfound(&mut prepared, records, &findings)?;
        let objects = records.found(&findings);
        if ended.is_early() {
            let plan = self.work_list(&prepared, previous, &objects);
            return ended.conclude(self.config, session, sending.runtime, &plan);
        }
        session.note_answer();
        let plan = self.work_list(&prepared, &ended.lines, &objects);
        let rows = records.row_indices();
        let ready = self
            .refuse_unfit_rows(&prepared)
            .and_then(|()| self.refuse_second_copies(&plan, &prepared, &objects, &rows))
            .and_then(|()| sending.ask_about_content(&plan, &session));
        if let Err(refusal) = ready {
            let label = &session.settings.destination;
            object_finding::leave_results(self.config, ended.results, &plan, label, &objects)?;
            return Err(refusal);
        }
        sending.attach_rows(&plan, session, ended.results, ended.tally)
    }

    /// Returns the order for the rows of a plan alone, where the plan leaves rows out: after the
    /// search for records, no other row takes the place of a row whose record is not there.
    fn for_rows_of(&self, plan: &WorkList<'_>) -> ImportOrder<'_> {
        ImportOrder {
            pilot: plan.fixed_scope(),
            ..*self
        }
    }

    fn work_list<'a>(
        &'a self,
        prepared: &'a PreparedFiles,
        earlier: &'a EarlierResults,
        objects: &'a FoundObjects,
    ) -> WorkList<'a> {
        WorkList::new(
            self.manifest,
            prepared,
            earlier,
            objects,
            self.root,
            self.update_policy,
            &self.config.jobs,
            &self.pilot,
        )
    }

    /// Adds the problems of rows whose records were not found, and reports these problems.
    fn note_unfound(
        &self,
        prepared: &mut PreparedFiles,
        records: &RecordsToFind,
        findings: &RecordFindings,
    ) -> Result<(), CommandError> {
        let mut new = ProblemList::default();
        for problem in records.problems(findings, self.manifest) {
            prepared.problems.push(problem.clone());
            new.push(problem);
        }
        if new.is_empty() {
            return Ok(());
        }
        new.sort();
        prepared.problems.sort();
        let output = self.config.output;
        report_new_problems(self.manifest, &new, &prepared.problems, output).map(drop)
    }

    /// Fails with [`CommandError::UnfitRows`] if a row is unfit and unfit rows are not skipped.
    fn refuse_unfit_rows(&self, prepared: &PreparedFiles) -> Result<(), CommandError> {
        let has_errors = prepared.problems.error_count() > 0;
        if has_errors && self.config.unfit_rows == UnfitRowPolicy::Refuse {
            return Err(CommandError::UnfitRows);
        }
        Ok(())
    }

    /// Fails with [`CommandError::SecondCopies`] when one of `rows`, given by index, would attach an
    /// already attached file, unless the user allows the row.
    fn refuse_second_copies(
        &self,
        plan: &WorkList<'_>,
        prepared: &PreparedFiles,
        objects: &FoundObjects,
        rows: &[u32],
    ) -> Result<(), CommandError> {
        let config = self.config;
        let comparison = SecondCopyCheck {
            manifest: self.manifest,
            prepared,
            earlier: plan.earlier_results(),
            objects,
            results: &config.results,
            destinations: &ImportDestinations::Known([self.base.label()].into()),
        };
        let copies = comparison.find_copies(rows);
        let copies = copies.decide(&config.input.second_copies);
        if config.shows_notices() {
            write_stderr(&copies.notices());
        }
        copies.refuse()
    }
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

/// Fails with [`CommandError::RowsBeyondManifest`] if the user names a row that is not in the manifest.
fn refuse_rows_beyond_manifest(
    pilot: &PilotScope,
    manifest: &Manifest,
) -> Result<(), CommandError> {
    match pilot.only.as_ref().and_then(RowNumbers::highest) {
        Some(named) if named > manifest.len() => Err(CommandError::RowsBeyondManifest {
            named,
            last: manifest.len(),
        }),
        _ => Ok(()),
    }
}

/// Fails with [`CommandError::RecordsOutOfReach`] if rows name their records by external ids, and
/// the base URL does not show where the records can be read.
fn refuse_records_out_of_reach(
    manifest: &Manifest,
    base: &ResolvedDestination,
) -> Result<(), CommandError> {
    let Err(cause) = base.check_object_services() else {
        return Ok(());
    };
    let is_by_external_id = |row: &RawRow<'_>| {
        let object = row.parse().map(|row| row.object);
        matches!(object, Ok(NamedObject::ByExternalId(..)))
    };
    match manifest.rows().filter(is_by_external_id).count() as u64 {
        0 => Ok(()),
        rows => Err(CommandError::RecordsOutOfReach { rows, cause }),
    }
}

/// Means of the sending phase.
struct SendingPhase<'a> {
    config: &'a ImportPlan,
    runtime: &'a Runtime,
    /// Backup setting to ask the user about before content is replaced, if any.
    to_ask: Option<&'a BackupPolicy>,
    /// Folder for backups of replaced content.
    backup_folder: Option<&'a BackupFolder>,
}

impl SendingPhase<'_> {
    /// Asks the user about content to be replaced, if the user has to agree.
    fn ask_about_content(
        &self,
        plan: &WorkList<'_>,
        session: &Session,
    ) -> Result<(), CommandError> {
        match self.to_ask {
            Some(backups) => {
                consent::ask_about_content(self.config, plan, session, self.runtime, backups)
            }
            None => Ok(()),
        }
    }

    /// Sends the rows and writes the results. `tally` holds the counts of earlier phases.
    fn attach_rows(
        &self,
        plan: &WorkList<'_>,
        session: Session,
        mut results: ResultsFile,
        mut tally: RunTally,
    ) -> Result<ProgramExit, CommandError> {
        let label = session.settings.destination.clone();
        let rows = plan.line_sources(&label);
        let manifest = plan.manifest();
        let known =
            result_lines::result_lines(&rows, plan.earlier_results(), LineExtent::KnownRows);
        results
            .rewrite_before_run(manifest.output_dialect(), manifest.extra_columns(), known)
            .map_err(results_not_begun)?;
        tracing::info!("began the results");

        let (journal, writer) = journal::start_journal(results);
        let style = ProgressForm::choose(self.config.output.verbosity);
        let workload = Workload::Rows(plan.send_count() as u64);
        let (sending, events) = SendingProgress::start(style, "importing", workload);
        let halt = self.runtime.block_on(service_dispatch::run_pipeline(
            &session.client,
            plan,
            &journal,
            self.backup_folder.map(|folder| folder as &dyn BackupStore),
            (&session.settings, &events),
            session.stop_listener.wait_for_grace_period(),
        ));
        drop(events);
        tally.add_phase(sending.finish());
        let written = writer.finish(journal);
        tracing::info!(?halt, "ended");
        EndedRun::read_back(halt, tally, written, plan, &label)?.conclude(
            self.config,
            session,
            self.runtime,
            plan,
        )
    }
}
