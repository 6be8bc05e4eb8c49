//! `consign verify`: compares the claims of the results with the content of the service.
//!
//! Comparing is the business of `verification`; requests are sent by `asking`.

mod asking;
mod backups;
mod summary;

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;

use crate::config::{PreflightPolicy, VerifyPlan, variable};
use crate::error::{Error, Exit};
use crate::model::{RowNumbers, Service};
use crate::plan::Wishes;
use crate::progress::{Hashing, Sending, Style};
use crate::results::census::LostLines;
use crate::results::ledger::Ledger;
use crate::results::previous::name_damaged;
use crate::text::{counted_with_verb, escape, tell};
use crate::verification::row::{Occasion, Row};
use crate::verification::{Download, file};
use crate::whole_file;

use super::session::{AtStop, Contact, Opening, Target};
use super::{evidence, first_answer, proxy_notice, show};
use backups::Backups;
use summary::{Summary, ending};

/// Runs the command.
pub fn run(config: &VerifyPlan) -> Result<Exit, Error> {
    let ledger = Ledger::read_as(&config.results, config.encoding).map_err(Error::Evidence)?;
    let service = evidence::service_of(&ledger)?;
    if evidence::was_a_rehearsal(&ledger) {
        return Err(Error::EmulatorIsGone {
            path: config.results.clone(),
        });
    }
    let base = evidence::destination(&config.service, &ledger, service)?;
    let access = config.service.access(&base, service, variable)?;
    if service == Service::Keelvar && config.download != Download::None {
        return Err(Error::NothingToDownload);
    }
    let path = file::path_for(&config.results);
    whole_file::try_beside(&path).map_err(|source| Error::NotWritten {
        path: path.clone(),
        source,
    })?;
    let rows = rows(
        &ledger,
        &Occasion {
            began: Timestamp::now(),
            download: config.download,
            destination: base.label(),
        },
    );
    if !config.output.is_quiet() {
        tell(&notices(&ledger, &config.results));
        tell(&proxy_notice(&base));
    }
    let mut contact = Contact::prepare(Target {
        base: &base,
        access: &access,
        service: &config.service,
        jobs: &config.jobs,
    })?;
    let to_ask: Vec<_> = rows.iter().filter_map(Row::to_ask).collect();
    if let Some((known, _)) = to_ask.first()
        && config.service.preflight == PreflightPolicy::Ask
    {
        // At an address without the service, every attachment would be missing.
        first_answer::ask(&mut contact, Some(known), config.output)?;
    }
    let to_ask = to_ask.len();
    let style = Style::choose(config.output.verbosity);
    let backups = Backups::of(&rows, &config.results, &Hashing::show(style));
    let drawn = asking::drawn(&rows, config.download);

    let opening = Opening {
        max_errors: None,
        wishes: Wishes::default(),
        at_stop: AtStop::GiveUp,
    };
    let (session, runtime) = contact.open(&opening)?;
    let (showing, events) = Sending::show(style, "verifying", to_ask as u64);
    let (rows, halt) = runtime.block_on(asking::ask(rows, &drawn, &session, &events));
    drop(events);
    let tally = showing.finish();
    let ending = ending(
        &rows,
        &ledger,
        halt.as_ref(),
        session.stopping.stop(),
        service,
    );
    // A complete earlier verification is worth more than the beginning of a later one.
    let kept = ending.is_early() && path.exists();
    if !kept {
        let lines = rows.iter().map(|row| &row.line);
        file::write(&path, lines).map_err(|source| Error::VerificationLost {
            path: path.clone(),
            source,
        })?;
    }
    let summary = Summary {
        results: &config.results,
        verification: &path,
        kept,
        destination: base.label(),
        rows: &rows,
        lacks: ledger.lacks(),
        download: config.download,
        drawn: drawn.len() as u64,
        backups,
        tally,
        took: session.began.elapsed(),
        ending,
    };
    runtime.block_on(session.close());
    // The exit code tells the outcome even if standard output is closed.
    let _ = show(config.output, &summary.for_people(), &summary.for_scripts());
    Ok(summary.ending.exit())
}

/// Returns all rows of the results, and a row for each damaged line.
fn rows(ledger: &Ledger, occasion: &Occasion) -> Vec<Row> {
    let damaged = ledger.previous().damaged.iter().map(|damaged| {
        let why = format!(
            "line {} of the results is not believed: {}",
            damaged.line, damaged.why
        );
        Row::unbelieved(&damaged.external_id, why, occasion)
    });
    ledger
        .entries()
        .map(|entry| Row::of(ledger, &entry, occasion))
        .chain(damaged)
        .collect()
}

/// Notices to the user about damaged, torn and removed lines and rows without a line; empty without
/// any.
fn notices(ledger: &Ledger, path: &Path) -> String {
    let lacks = ledger.lacks();
    let mut text = name_damaged(
        path,
        &ledger.previous().damaged,
        "; what it claims cannot be verified",
    );
    let file = escape(&path.to_string_lossy()).into_owned();
    if let Some(line) = lacks.torn_line {
        let _ = writeln!(
            text,
            "{file} line {line} was torn, and is left out; what it claimed cannot be verified"
        );
    }
    if lacks.removed_lines > 0 {
        let _ = writeln!(
            text,
            "{file}: {} removed since it was written{}; what was claimed there cannot be verified: put \
             back the file as import wrote it, or go on with import --resume",
            counted_with_verb(lacks.removed_lines, "line", ["was", "were"]),
            of_rows(ledger.previous().lost())
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
            counted_with_verb(lacks.rows_without_line, "row", ["has", "have"])
        );
    }
    text
}

/// Clause with the rows of removed lines; empty if these rows are unknown, or if other lines are
/// lost as well.
fn of_rows(lost: &LostLines) -> String {
    let rows = lost.rows.iter().flatten().map(|row| *row as usize);
    let rows = RowNumbers::of(rows);
    if lost.rows.is_none() || lost.damaged > 0 || lost.is_torn {
        String::new()
    } else {
        format!(", of {}", rows.in_words())
    }
}
