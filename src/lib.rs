//! consign attaches files to procurement records in bulk, from a spreadsheet, exactly once.
//!
//! Data flows one way, and every arrow changes the type, so that a later stage cannot be handed an
//! earlier stage's data:
//!
//! ```text
//! argv         -> cli::Cli -> config::{CheckPlan, ImportPlan, VerifyPlan, ReportPlan} -> commands
//! environment  -> config::ServiceConfig -> config::{Base, Access}
//! manifest.csv -> manifest::RawRow, Row -> prepare::RowFile --+
//! results.csv  -> results::Previous --------------------------+-> plan::Step -> pipeline -> results::Entry -> results.csv
//! the service  -> destination::Presence ----------------------+        |           |
//!                                       destination::{workday, keelvar} -+          +-> event::Event -> progress
//!                                                          |
//!                                                         http
//! ```
//!
//! What is there already changes only where the user wishes it (`plan::Wishes`), and what gives way is
//! kept first:
//!
//! ```text
//! the service  -> destination::{Presence, Original} -> plan::{course, renaming} -> pipeline
//! old bytes    -> backup::Vault -> results::Changes -> results.csv
//! ```
//!
//! After the import, its results are evidence, which nothing writes to any more:
//!
//! ```text
//! results.csv  -> results::Ledger -> verification::Row --+-> verification::Checked -> verification.csv
//! the service  -> destination::Exhibit -> pipeline::Seen -+                            |
//! results.csv, manifest.csv, verification.csv -> report::Report -> HTML, JSON, SHA256SUMS
//! ```
//!
//! Two services, one protocol: a unit of work is the rows whose files go into one record, which is an
//! attachment for one row or a job for several. What differs is told by [`destination::Keeps`].
//!
//! # What holds everywhere
//!
//! - **Durable before sent.** No request that changes something is sent before the line that
//!   announces it is on the disk (`results::journal`). What is not in the journal did not happen.
//! - **Kept before let go of.** Nothing that is stored is let go of before it is in a backup that would
//!   survive a loss of power, or the user has said that none is wanted (`pipeline::replace`).
//! - **Never twice.** A row whose content is on its object already, under another key or by another
//!   import, stops the run before anything is sent (`plan::second_copies`, `results::beside`).
//! - **Decided purely, done in one place.** What a line or an answer means is decided by `plan`
//!   and by the small functions that judge answers; whether a request may be repeated is decided by
//!   `pipeline::requests` alone; the order of the requests of a record stands in `pipeline::unit`
//!   alone, with what is particular to attachments and to jobs beside it.
//! - **Every row ends in exactly one line.** The file after a run is made from what the journal on
//!   the disk says, not from what the run remembers. Only where somebody has put something else in
//!   the journal's place is it made from memory, under another name.
//! - **One job, one place.** No module but `http` knows reqwest, and none but `cli` knows what was
//!   typed, or clap, whose refusals are shown here; rayon is known to `prepare` alone, indicatif to
//!   `progress`, csv to `results`, `verification` and `manifest::problem`, the hashes to `digest`, and
//!   to `whole_file` how a file comes to be there whole or not at all. A test keeps this true.
//! - **No secret can print itself.** Keys are `secrecy` types from the environment to the header;
//!   an address for bytes prints as its host and a fingerprint; errors of the HTTP library pass one
//!   function that takes the URL out.
//! - **Below the root.** No file that a manifest names is opened but through `root`, and nothing
//!   that came from a file or a service is shown but through `text`.

#[cfg(test)]
mod arbitrary;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
mod core_dump;
pub mod destination;
pub mod digest;
pub mod duration;
pub mod emulator;
pub mod error;
pub mod event;
pub mod http;
pub mod manifest;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod prepare;
pub mod progress;
pub mod report;
pub mod results;
pub mod root;
pub mod signals;
pub mod source;
mod sync;
pub mod text;
pub mod throttle;
pub mod verification;
mod whole_file;

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

use cli::{Cli, Command};
use error::Exit;
use progress::Verbosity;

/// Runs the program with the arguments of a command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    core_dump::forbid();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => return show_usage(&refusal),
    };
    start_log(cli.command.verbosity());
    let result = match cli.command {
        Command::Check(args) => commands::check::run(&args.into_plan()),
        Command::Import(args) => commands::import::run(&args.into_plan()),
        Command::Verify(args) => commands::verify::run(&args.into_plan()),
        Command::Report(args) => commands::report::run(&args.into_plan()),
        Command::Emulator(args) => commands::emulator::run(args.into_plan()),
    };
    result.unwrap_or_else(|error| {
        text::tell(&format!("error: {error}\n"));
        error.exit()
    })
}

/// Help and version are what the user asked for; everything else is wrong usage.
fn show_usage(refusal: &clap::Error) -> Exit {
    // Where neither stream takes the text, the exit code has to do.
    let _ = refusal.print();
    if refusal.use_stderr() {
        Exit::NOTHING_SENT
    } else {
        Exit::DONE
    }
}

fn start_log(verbosity: Verbosity) {
    let level = match verbosity {
        Verbosity::Quiet | Verbosity::Normal => LevelFilter::WARN,
        Verbosity::Steps => LevelFilter::INFO,
        Verbosity::Details => LevelFilter::DEBUG,
        Verbosity::Everything => LevelFilter::TRACE,
    };
    // Only our own words: nobody has looked for secrets in those of the libraries below.
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let log = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_writer(io::stderr);
    // It fails only where there is a log already, which then serves.
    let _ = tracing_subscriber::registry()
        .with(log)
        .with(ours)
        .try_init();
}
