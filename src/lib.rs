//! consign attaches files to procurement records in bulk, from a spreadsheet, exactly once.
//!
//! # The flow
//!
//! Data flows one way, and every arrow changes the type, so a later stage cannot be handed the data
//! of an earlier stage:
//!
//! ```text
//! argv         -> cli::Cli -> config::{CheckPlan, ImportPlan, VerifyPlan, ReportPlan} -> commands
//! environment  -> config::ServiceConfig -> config::{ResolvedDestination, ServiceAccess}
//!
//! manifest     -> manifest::{RawRow, ManifestRow} -> prepare::RowFile --+
//! results.csv  -> results::earlier_results::EarlierResults -------------+-> plan::RowPlan
//! the service  -> destination::{AttachmentPresence, JobPresence} -------+        |
//!                                                                            pipeline
//!                                                                                |
//! results.csv  <- results::ResultsEntry <----------------------------------------+
//! progress     <- event::RunEvent <----------------------------------------------+
//! ```
//!
//! A row may name its record by the customer's own id. The record is then found before anything is
//! sent, and only a row with the service's own id of the record goes on:
//!
//! ```text
//! manifest.csv -> manifest::ManifestRow<model::NamedObject> -> plan::ObjectResolution --+
//! the service  -> destination::ObjectPage -> pipeline::ObjectFinding -------------------+
//!                                                                                       |
//! manifest::ManifestRow <---------------------------------------------------------------+
//! ```
//!
//! Existing attachments change only at the user's request (`plan::UpdatePolicy`), and replaced
//! content goes into a backup first:
//!
//! ```text
//! the service  -> destination::attachment_metadata -> plan::{next_step, next_name_change}
//! old bytes    -> backup::BackupStore -> results::AttachmentChanges -> results.csv
//! ```
//!
//! After the import, its results are evidence and are only read:
//!
//! ```text
//! results.csv  -> results::ledger::Ledger -> verification::row ---+-> verification.csv
//! the service  -> pipeline::{InspectedAttachment, ObjectFinding} -+
//!
//! results.csv, manifest.csv, verification.csv -> report -> HTML, JSON, SHA256SUMS
//! ```
//!
//! Before all that, a manifest may be made from a folder (`manifest::draft`).
//!
//! # The way of a row
//!
//! The first part is the same for both services. `manifest` reads the row, from a text or from the
//! sheet of a workbook, `prepare` decides which file its path means and hashes the file,
//! `plan::resolve_object` decides if its record is known, `plan::plan_row` decides from the earlier
//! line of the row where its protocol starts, `plan::PilotScope` chooses the rows of a run over a
//! part of them, and `commands::import` (`work_list`) puts the row into a task. From there each
//! service has an interface and a state machine of its own, because a file becomes a lasting
//! attachment in the one service and a part of a short-lived job in the other:
//!
//! ```text
//! an attachment for each row       destination::AttachmentApi, implemented by destination::workday
//!   pipeline::run_attachments      begins rows as upload slots become free
//!   pipeline::attachment           the state machine; its files in the order of a row:
//!     look_up_and_create           finds or creates the attachment
//!     send_attachment              sends the bytes, waits until the service shows their size
//!     name_changes                 changes the title or the external id
//!     left_by_earlier_run          goes on with an attachment from an earlier run
//!     replacement                  keeps the old bytes, sends the new ones
//!     routing_proof                tries unusual ids before bytes are sent under them
//!     clash_proof                  tries whether a POST can serve as the look-up
//!
//! a job for several rows           destination::JobApi, implemented by destination::keelvar
//!   pipeline::run_jobs             begins jobs as upload slots become free
//!   pipeline::job                  the state machine; its files:
//!     send_job_files               sends all files of a job
//!     job_end                      decides what the end of the job means for each row
//! ```
//!
//! Before both, `commands::import` (`object_finding`) has the records found that rows name by the
//! customer's ids, and notes each record in the results of its rows.
//!
//! Records themselves are read through a third interface, `destination::ObjectApi`, by
//! `pipeline::find_objects`: `object_search` walks through lists and asks for single records.
//!
//! Both machines share the row and its lines (`pipeline::row_in_flight`), the right to send
//! requests (`pipeline::request_context`), the requests and their repetition
//! (`pipeline::request_sender`, at the pace of `throttle`, through `http`), the sending of a file
//! (`pipeline::file_upload`), and the queue of records whose state is awaited (`pipeline::poller`).
//! A row ends in a `pipeline::row_verdict`, which becomes its line in the journal
//! (`results::journal`).
//!
//! # The order of the modules
//!
//! From the bottom up. A module imports only modules below; a test of the architecture checks it:
//!
//! ```text
//! platform mutex model text duration clock digest     systems, words, spans of time, digests
//! root atomic_file upload_source backup     files: below a root, written whole, sent, kept
//! throttle http                             pace of requests; clients, failures, safe targets
//! results manifest prepare                  lines of a run; rows and problems; hashed files
//! destination event plan pipeline           services; pure decisions; requests in order
//! verification progress report              state at the service; terminal; evidence
//! emulator                                  both services on this machine, with faults
//! config error signals cli commands         plans of commands; command line; commands
//! ```
//!
//! # Where something new belongs
//!
//! - A format of manifests: a reader in `manifest` that makes a table, as `manifest::workbook` does.
//! - A service: a client in `destination`, and a state machine in `pipeline` if neither of the two
//!   interfaces fits.
//! - A type of records: `model::ObjectType`, and its list in `destination::workday`.
//! - A decision about a row: a pure function in `plan`, with a table of all cases as its test.
//! - A request, or the repetition of a request: `pipeline::request_sender`.
//! - A state of a row that a later run must know: a variant of `results::RowState`, encoded and
//!   decoded in one place. A reason for people and scripts: `results::StatusReason`.
//! - A section of the report: a file in `report`. A command: a file in `commands`, a struct in
//!   `cli`, and a plan in `config`.
//! - A fault or an assumption about a service: `emulator::faults`, or the settings of the emulated
//!   service.
//!
//! # Invariants
//!
//! - **Durable before sent.** A request that changes something is sent only after the line that
//!   announces the request is on the disk (`results::journal`). A run that is killed at any moment
//!   leaves a journal from which the next run knows every request that may have had an effect. The
//!   two POSTs of `clash_proof` alone have no line: no row depends on their records.
//! - **Kept before released.** The service releases stored bytes only after the bytes are in a
//!   backup that would survive a loss of power, or after the user has waived the backup
//!   (`pipeline::attachment`, file `replacement`).
//! - **Never twice.** A row whose content is on its object already, under another key or by another
//!   import, stops the run before anything is sent (`plan::find_second_copies`, `results`, file
//!   `other_results`).
//! - **A record only at its exact id.** A record counts as found by an external id only if the
//!   answer shows the very same text, and as missing only after a request about this record alone
//!   (`pipeline`, folder `object_search`).
//! - **Decided purely, acted in one place.** `plan` and the small functions that judge answers
//!   decide what a line or an answer means. `pipeline::request_sender` alone decides if a request
//!   may be repeated. The state machine of a record alone holds the order of its requests.
//! - **Every row ends in exactly one line.** The file after a run is made from the journal on the
//!   disk, not from the run's memory. Only if another program has replaced the journal is the file
//!   made from memory, under another name.
//! - **One crate, one place.** `http` alone uses reqwest, `cli` alone clap (whose refusals are
//!   shown here) and its writers of completions and manual pages, `prepare` rayon, `progress`
//!   indicatif, `digest` the hashes, `atomic_file` and `platform` tempfile (beside the lock of the
//!   emulator), `manifest::workbook` calamine, zip and quick-xml,
//!   `manifest::draft` `rust_xlsxwriter`, and `text::csv_dialect`, `results`, `verification`,
//!   `manifest::problem` and the emulator's list of records csv. A test of the architecture checks
//!   it.
//! - **Keys stay with the service.** Keys go to the scheme, host and port of the base URL alone. A
//!   link to the next page of a list becomes a type that holds a query, and no other place
//!   (`http::api`).
//! - **No secret can print itself.** Keys are `secrecy` types from the environment to the header.
//!   An upload address prints as its host and a fingerprint. Errors of the HTTP library pass
//!   through a function that removes the URL.
//! - **Below the root.** Only `root` opens a file named by a manifest. Only `text` shows words from
//!   a file or a service.

#[cfg(test)]
mod arbitrary;
mod atomic_file;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod destination;
pub mod digest;
pub mod duration;
pub mod emulator;
pub mod error;
pub mod event;
pub mod http;
pub mod manifest;
pub mod model;
mod mutex;
pub mod pipeline;
pub mod plan;
pub mod platform;
pub mod prepare;
pub mod progress;
pub mod report;
pub mod results;
pub mod root;
pub mod signals;
pub mod text;
pub mod throttle;
pub mod upload_source;
pub mod verification;

// The service that tests are made against stands outside of the product, where the simulation takes
// it in as well. It calls this crate by its name in either place.
#[cfg(test)]
extern crate self as consign;
#[cfg(test)]
#[path = "../tests/support/memory_service/mod.rs"]
mod memory_service;

use std::ffi::OsString;
use std::io;

use clap::Parser as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use cli::{Cli, CliCommand};
use error::{CommandError, ProgramExit};
use progress::Verbosity;

/// Runs the program with the arguments of a command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ProgramExit {
    platform::forbid_core_dumps();
    signals::end_early_phases_at_signals();
    platform::raise_open_file_limit();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => return show_usage(&refusal),
    };
    start_log(cli.command.verbosity());
    let result = match cli.command {
        CliCommand::Check(args) => {
            let plan = args.into_plan().map_err(CommandError::from);
            plan.and_then(|plan| commands::check::run(&plan))
        }
        CliCommand::Import(args) => {
            let plan = args.into_plan().map_err(CommandError::from);
            plan.and_then(|plan| commands::import::run(&plan))
        }
        CliCommand::Verify(args) => commands::verify::run(&args.into_plan()),
        CliCommand::Report(args) => {
            let plan = args.into_plan().map_err(CommandError::from);
            plan.and_then(|plan| commands::report::run(&plan))
        }
        CliCommand::Manifest(args) => commands::manifest_from_folder::run(&args.into_plan()),
        CliCommand::Emulator(args) => commands::emulator::run(args.into_plan()),
        CliCommand::Completions(args) => commands::completions::run(&args.into_plan()),
        CliCommand::Man(args) => commands::manual::run(&args.into_plan()),
    };
    result.unwrap_or_else(|error| {
        text::write_stderr(&format!("error: {error}\n"));
        error.exit()
    })
}

/// Prints what clap has to say: help and version with exit code 0, a usage error with its code.
fn show_usage(refusal: &clap::Error) -> ProgramExit {
    // If neither stream takes the text, the exit code has to suffice.
    let _ = refusal.print();
    if refusal.use_stderr() {
        ProgramExit::NOTHING_SENT
    } else {
        ProgramExit::DONE
    }
}

/// Starts the log of this crate on standard error, at the level for `verbosity`.
fn start_log(verbosity: Verbosity) {
    let level = match verbosity {
        Verbosity::Quiet | Verbosity::Normal => LevelFilter::WARN,
        Verbosity::Steps => LevelFilter::INFO,
        Verbosity::Details => LevelFilter::DEBUG,
        Verbosity::Everything => LevelFilter::TRACE,
    };
    // Only the words of this crate: the words of libraries may contain secrets.
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let log = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_writer(io::stderr);
    // Initialisation fails only if a log exists already, which then serves.
    let _ = tracing_subscriber::registry()
        .with(log)
        .with(ours)
        .try_init();
}
