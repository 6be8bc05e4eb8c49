//! `consign import`: checks the manifest, sends the files and writes the results.
//!
//! `carry_out` is the table of contents: open the results, check the rows, plan (`plan`), ask
//! for consent (`consent`), send, rewrite the results (`merge`), summarise (`summary`). The
//! requests are the business of `pipeline`.

mod consent;
mod dry_run;
mod lost;
mod machines;
mod merge;
mod plan;
mod question;
mod summary;

use crate::backup::{Folder, Vault};
use crate::config::{
    Backups, Base, ImportMode, ImportPlan, NoticePolicy, ResumePolicy, UnfitRowPolicy, variable,
};
use crate::error::{Error, Exit};
use crate::manifest::{self, Column, Manifest, RawRow, Reading};
use crate::model::Service;
use crate::pipeline::Halt;
use crate::plan::{Titles, Wishes};
use crate::prepare::{Prepared, look};
use crate::progress::{Hashing, Sending, Style};
use crate::results::ResultsError;
use crate::results::file::{Resting, ResultsFile};
use crate::results::journal;
use crate::results::previous::Previous;
use crate::root::Root;
use crate::text::tell;

use super::second_copies::{Comparison, Destinations};
use super::session::{AtStop, Contact, Opening, Target};
use super::{first_answer, proxy_notice, show, tell_problems};
use merge::Extent;
use plan::{EarlierRows, Plan};
use summary::{Summary, resume_command};

/// Runs the command.
pub fn run(config: &ImportPlan) -> Result<Exit, Error> {
    let read = manifest::read(&config.input.manifest, &config.input.options)?;
    carry_out(config, read)
}

/// Imports the rows of a manifest already read. The results and all messages name the manifest by
/// its path.
pub(super) fn carry_out(config: &ImportPlan, read: Reading) -> Result<Exit, Error> {
    // Without a row whose service is known, no row is sent, and either service will do.
    let service = read.manifest.service().unwrap_or(Service::Workday);
    let amending = config.changes.for_service(service)?;
    let base = config.service.base(service, variable)?;
    // Before the hashing, which may take an hour.
    let access = config.service.access(&base, service, variable)?;
    let path = &config.results;
    let (results, previous) = open_results(config, &base)?;
    if service == Service::Keelvar {
        let allowed = &config.input.second_copies;
        lost::refuse(path, &read.manifest, &read.problems, &previous, allowed)?;
    }
    let root = Root::at(&config.input.root)?;
    let style = Style::choose(config.output.verbosity);
    let wishes = amending.wishes();
    let earlier = EarlierRows(&previous);
    let looked = look(&read.manifest, read.problems, &root, &earlier);
    let mut contact = Contact::prepare(Target {
        base: &base,
        access: &access,
        service: &config.service,
        jobs: &config.jobs,
    })?;
    if question::is_worth_asking(config, &looked, &previous, wishes) {
        let known = question::known_attachment(&read.manifest, &previous);
        first_answer::ask(&mut contact, known.as_ref(), config.output)?;
    }
    let prepared = looked.hash(&Hashing::show(style));
    tell_problems(&read.manifest, &prepared.problems, config.output)?;
    if prepared.problems.errors() > 0 && config.unfit_rows == UnfitRowPolicy::Refuse {
        return Err(Error::NotFit);
    }
    tracing::info!(files = prepared.files_and_bytes().0, "checked");
    let plan = Plan::of(
        &read.manifest,
        &prepared,
        &previous,
        root,
        wishes,
        &config.jobs,
    );
    tracing::info!(rows = plan.to_send(), "planned");
    if config.tells_notices() {
        tell(&plan.notices(path));
        tell(no_titles(&read.manifest, wishes));
    }
    if !config.output.is_quiet() {
        tell(&proxy_notice(&base));
    }
    refuse_second_copies(config, &plan, &prepared, &base)?;
    let opening = Opening {
        max_errors: config.max_errors,
        wishes,
        at_stop: AtStop::Finish,
    };
    match config.mode {
        ImportMode::DryRun => dry_run::run(config, &opening, contact, &plan),
        ImportMode::Attach => {
            consent::ask_about_bidders(config, &base, &plan)?;
            let to_ask = consent::to_ask_about_content(config, &base, &plan, &amending)?;
            let folder = amending.backups().and_then(Backups::folder);
            let vault = folder.map(Folder::open).transpose()?;
            let keeping = Keeping {
                results,
                vault: vault.as_ref(),
            };
            import(config, &opening, contact, &plan, to_ask, keeping)
        }
    }
}

/// Fails with [`Error::SecondCopies`] when a row would attach an already attached file, unless the
/// user allows the row.
fn refuse_second_copies(
    config: &ImportPlan,
    plan: &Plan<'_>,
    prepared: &Prepared,
    base: &Base,
) -> Result<(), Error> {
    let comparison = Comparison {
        manifest: plan.manifest(),
        prepared,
        previous: plan.previous(),
        results: &config.results,
        destination: &Destinations::Known([base.label()].into()),
    };
    let copies = comparison.find(plan.rows_to_send());
    let copies = copies.by_consent(&config.input.second_copies);
    if config.tells_notices() {
        tell(&copies.notices());
    }
    copies.refuse()
}

/// Notice for a user who wants titles updated and whose manifest has no title; empty otherwise.
fn no_titles(manifest: &Manifest, wishes: Wishes) -> &'static str {
    let has_title = |row: RawRow<'_>| !row.cell(Column::Title).is_empty();
    if wishes.titles == Titles::Update && !manifest.rows().any(has_title) {
        "no row has a title, so that --update title changes nothing: write them into a column title\n"
    } else {
        ""
    }
}

/// Opens the results file, with the results of earlier runs if the user wants to resume. Fails with
/// [`Error::OtherDestination`] when the earlier results went to another destination.
fn open_results(config: &ImportPlan, base: &Base) -> Result<(ResultsFile, Previous), Error> {
    let path = &config.results;
    let opened = match config.resume {
        ResumePolicy::Resume => ResultsFile::resume(path, config.input.options.encoding),
        ResumePolicy::Begin => ResultsFile::begin(path),
    };
    let (file, previous) = opened.map_err(refused)?;
    let ours = base.label();
    match previous.destinations.iter().find(|theirs| **theirs != ours) {
        Some(theirs) => Err(Error::OtherDestination {
            path: path.to_owned(),
            theirs: theirs.clone(),
            ours,
        }),
        None => Ok((file, previous)),
    }
}

fn refused(cause: ResultsError) -> Error {
    Error::RefusedResults {
        cause,
        resume: resume_command(),
    }
}

/// Error of a run before its first request. An I/O error is passed on as it is, since the results
/// file may have been begun when the disk failed.
fn not_begun(cause: ResultsError) -> Error {
    match cause {
        ResultsError::Io { .. } => cause.into(),
        _ => refused(cause),
    }
}

/// Destinations of an import on this machine: the results file, and the folder for backups of
/// replaced content.
struct Keeping<'a> {
    results: ResultsFile,
    vault: Option<&'a Folder>,
}

fn import(
    config: &ImportPlan,
    opening: &Opening,
    contact: Contact<'_>,
    plan: &Plan<'_>,
    to_ask: Option<&Backups>,
    Keeping { mut results, vault }: Keeping<'_>,
) -> Result<Exit, Error> {
    let (session, runtime) = contact.open(opening)?;
    if let Some(backups) = to_ask {
        consent::ask_about_content(config, plan, &session, &runtime, backups)?;
    }
    let label = session.settings.destination.clone();
    let rows = plan.rows(&label);
    let columns = plan.manifest().extra_columns();
    let known = merge::lines(&rows, plan.previous(), Extent::Known);
    results.replace(columns, known).map_err(not_begun)?;
    tracing::info!("began the results");

    let (journal, writer) = journal::start(results);
    let style = Style::choose(config.output.verbosity);
    let (sending, events) = Sending::show(style, "importing", plan.to_send() as u64);
    let halt = runtime.block_on(machines::run(
        &session.client,
        plan,
        &journal,
        vault.map(|folder| folder as &dyn Vault),
        (&session.settings, &events),
        session.stopping.requested(),
    ));
    drop(events);
    let tally = sending.finish();
    let (mut results, written) = writer.finish(journal);

    tracing::info!(?halt, "ended");
    let (after, displaced) = match written.and_then(|()| results.read()) {
        Ok(after) => (after, None),
        Err(ResultsError::Displaced { why, .. }) => {
            let began_with = merge::lines(&rows, plan.previous(), Extent::Known);
            (results.recall(began_with)?, Some(why))
        }
        // After a failed write nothing more is written: the journal is readable as it is.
        Err(failed) => return Err(failed.into()),
    };
    let path = results.path().to_owned();
    let mut summary = Summary::new(
        config,
        plan.service(),
        &label,
        &path,
        &tally,
        session.began.elapsed(),
    );
    let lines = merge::lines(&rows, &after, Extent::All);
    let resting = results.conclude(displaced, lines.inspect(|line| summary.count(&line.entry)))?;
    tracing::info!("rewrote the results");
    if let Some(Halt::FailedAlike(_)) = halt {
        summary.name_no_rows();
    }
    let ending = match &resting {
        Resting::InPlace => summary.ending(halt.as_ref(), session.stopping.stop()),
        Resting::Beside { path: kept, why } => summary.rests_beside(&path, kept, *why),
    };
    runtime.block_on(session.close());
    if let Resting::Beside { .. } = resting
        && !config.tells_notices()
    {
        // Results in another file must be announced even if notices are off: nobody can resume
        // without the name of that file.
        tell(&summary.for_people(&ending));
    }
    if config.notices == NoticePolicy::Tell {
        // The exit code tells the outcome even if standard output is closed.
        let _ = show(
            config.output,
            &summary.for_people(&ending),
            &summary.for_scripts(&ending),
        );
    }
    Ok(ending.exit())
}
