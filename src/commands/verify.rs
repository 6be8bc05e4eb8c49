//! `consign verify`: compares the claims of the results with the content of the service.
//!
//! Comparing is the business of `verification`; requests are sent by `row_inspection`.

mod backup_checks;
mod object_checks;
mod object_inspection;
mod row_inspection;
mod summary;

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use crate::atomic_file;
use crate::config::{
    ObjectProofPolicy, PreflightPolicy, ResolvedDestination, VerifyPlan, environment_variable,
};
use crate::error::{CommandError, ProgramExit};
use crate::model::{LookUpMode, ProcurementService, RowNumbers};
use crate::plan::UpdatePolicy;
use crate::progress::{HashingProgress, ProgressForm, SendingProgress, Workload};
use crate::results::earlier_results::describe_damaged_lines;
use crate::results::ledger::Ledger;
use crate::results::lost_lines::LostLines;
use crate::text::csv_dialect::CsvDialect;
use crate::text::{count_with_noun_and_verb, escape, write_stderr};
use crate::verification::row::{VerificationRow, VerificationRun};
use crate::verification::{DownloadScope, verification_file};

use super::session::{ConnectionConfig, SessionBuilder, SessionOptions, StopPolicy};
use super::{preflight_check, proxy_notice, results_origin, write_summary};
use backup_checks::BackupChecks;
use object_inspection::ObjectInspection;
use summary::{VerifySummary, verification_ending};

/// Runs the command.
pub fn run(config: &VerifyPlan) -> Result<ProgramExit, CommandError> {
    let ledger = Ledger::read_with_encoding(&config.results, config.encoding)
        .map_err(CommandError::Evidence)?;
    let service = results_origin::service_of(&ledger)?;
    if results_origin::used_run_emulator(&ledger) {
        return Err(CommandError::EmulatorGone {
            path: config.results.clone(),
        });
    }
    let base = results_origin::checked_destination(&config.service, &ledger, service)?;
    let access = config
        .service
        .resolve_access(&base, service, environment_variable)?;
    check_questions(config, service, &base)?;
    let path = verification_file::path_for(&config.results);
    check_writable(&path)?;
    let rows = rows_to_verify(
        &ledger,
        &VerificationRun {
            started_at: Timestamp::now(),
            download: config.download,
            destination: base.label(),
        },
    );
    if !config.output.is_quiet() {
        write_stderr(&notices(&ledger, &config.results));
        write_stderr(&proxy_notice(&base));
    }
    let mut contact = SessionBuilder::new(ConnectionConfig {
        base: &base,
        access: &access,
        service: &config.service,
        jobs: &config.jobs,
    })?;
    let to_ask: Vec<_> = rows
        .iter()
        .filter_map(VerificationRow::attachment_to_check)
        .collect();
    if let Some((known, _)) = to_ask.first()
        && config.service.preflight == PreflightPolicy::Ask
    {
        // At an address without the service, every attachment would be missing.
        preflight_check::check_service(&mut contact, Some(known), config.output)?;
    }
    let to_ask = to_ask.len();
    let style = ProgressForm::choose(config.output.verbosity);
    let backups = BackupChecks::check(&rows, &config.results, &HashingProgress::start(style));
    let drawn = row_inspection::rows_to_download(&rows, config.download);

    let opening = SessionOptions {
        max_errors: None,
        update_policy: UpdatePolicy::default(),
        look_ups: LookUpMode::Each,
        stop_policy: StopPolicy::AbandonRequests,
    };
    let (session, runtime) = contact.open(&opening)?;
    let (showing, events) =
        SendingProgress::start(style, "verifying", Workload::Rows(to_ask as u64));
    let (mut rows, mut halt) = runtime.block_on(row_inspection::inspect_rows(
        rows, &drawn, &session, &events,
    ));
    drop(events);
    let mut tally = showing.finish();
    let objects = (config.objects == ObjectProofPolicy::Prove).then(|| {
        let inspection = ObjectInspection {
            session: &session,
            runtime: &runtime,
            service,
            progress: style,
        };
        inspection.settle_rows(&mut rows, &mut halt, &mut tally)
    });
    let ending = verification_ending(
        &rows,
        &ledger,
        halt.as_ref(),
        session.stop_listener.requested_stop(),
        service,
    );
    // A complete earlier verification is worth more than the beginning of a later one.
    let kept = ending.is_early() && path.exists();
    if !kept {
        let dialect = ledger.earlier_results().dialect().for_output();
        write_verification(&path, dialect, &rows)?;
    }
    let summary = VerifySummary {
        results: &config.results,
        verification: &path,
        earlier_verification_kept: kept,
        destination: base.label(),
        rows: &rows,
        lacks: ledger.gaps(),
        download: config.download,
        rows_to_download: drawn.len() as u64,
        backups,
        objects,
        tally,
        took: session.began.elapsed(),
        ending,
    };
    runtime.block_on(session.close());
    // The exit code reports the outcome even if standard output is closed.
    let _ = write_summary(config.output, &summary.for_people(), &summary.for_scripts());
    Ok(summary.ending.exit())
}

/// Checks that the service has answers to all questions of the user.
fn check_questions(
    config: &VerifyPlan,
    service: ProcurementService,
    base: &ResolvedDestination,
) -> Result<(), CommandError> {
    let is_keelvar = service == ProcurementService::Keelvar;
    if is_keelvar && config.download != DownloadScope::None {
        return Err(CommandError::NothingToDownload);
    }
    if config.objects == ObjectProofPolicy::Prove {
        if is_keelvar {
            return Err(CommandError::NoRecordsToAsk);
        }
        base.check_object_services()?;
    }
    Ok(())
}

/// Checks that the verification file can be written, before the service is asked for hours.
fn check_writable(path: &Path) -> Result<(), CommandError> {
    atomic_file::check_writable_beside(path).map_err(|source| CommandError::OutputFileNotWritten {
        path: path.to_owned(),
        source,
    })
}

/// Writes the verification file.
fn write_verification(
    path: &Path,
    dialect: CsvDialect,
    rows: &[VerificationRow],
) -> Result<(), CommandError> {
    let lines = rows.iter().map(|row| &row.line);
    verification_file::write(path, dialect, lines).map_err(|source| {
        CommandError::VerificationLost {
            path: path.to_owned(),
            source,
        }
    })
}

/// Returns all rows of the results, and a row for each damaged line.
fn rows_to_verify(ledger: &Ledger, occasion: &VerificationRun) -> Vec<VerificationRow> {
    let damaged = ledger
        .earlier_results()
        .damaged_lines
        .iter()
        .map(|damaged| {
            let why = format!(
                "line {} of the results is not believed: {}",
                damaged.line_number, damaged.problem
            );
            VerificationRow::from_damaged_line(&damaged.external_id, why, occasion)
        });
    ledger
        .entries()
        .map(|entry| VerificationRow::new(ledger, &entry, occasion))
        .chain(damaged)
        .collect()
}

/// Notices to the user about damaged, torn and removed lines and rows without a line; empty without
/// any.
fn notices(ledger: &Ledger, path: &Path) -> String {
    let lacks = ledger.gaps();
    let mut text = describe_damaged_lines(
        path,
        &ledger.earlier_results().damaged_lines,
        "; the claims of this line cannot be verified",
    );
    let file = escape(&path.to_string_lossy()).into_owned();
    if let Some(line) = lacks.torn_line {
        let _ = writeln!(
            text,
            "{file} line {line} was torn, and is left out; its claims cannot be verified"
        );
    }
    if lacks.removed_lines > 0 {
        let _ = writeln!(
            text,
            "{file}: {} removed since it was written{}; the claims of these lines cannot be \
             verified: put back the file as import wrote it, or go on with import --resume",
            count_with_noun_and_verb(lacks.removed_lines, "line", ["was", "were"]),
            removed_rows_clause(ledger.earlier_results().lost_lines())
        );
    }
    if lacks.superseded_lines > 0 {
        let _ = writeln!(
            text,
            "{file} is the journal of an import that did not come to its end: rows that it did not \
             reach have no line in it; go on with import --resume"
        );
    } else if lacks.rows_without_line > 0 && lacks.removed_lines == 0 {
        let _ = writeln!(
            text,
            "{file}: {} no line, though a later row has one; put back the file as import wrote it, \
             or go on with import --resume",
            count_with_noun_and_verb(lacks.rows_without_line, "row", ["has", "have"])
        );
    }
    text
}

/// Clause with the rows of removed lines; empty if these rows are unknown, or if other lines are
/// lost as well.
fn removed_rows_clause(lost: &LostLines) -> String {
    let rows = lost.rows.iter().flatten().map(|row| *row as usize);
    let rows = RowNumbers::from_rows(rows);
    if lost.rows.is_none() || lost.damaged > 0 || lost.is_torn {
        String::new()
    } else {
        format!(", of {}", rows.to_words())
    }
}
