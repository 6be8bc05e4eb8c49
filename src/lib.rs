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
//! the service  -> destination::{Presence, JobPresence} -------+                 |
//!                                                                               +-> event::Event -> progress
//! ```
//!
//! # The way of a row
//!
//! One is the same for both services: `manifest` reads the row, `prepare` hashes its file,
//! `plan::step` decides from its earlier line where its protocol starts, and `commands::import`
//! puts it into a task. Then each service has an interface and a machine of its own, because they
//! make different things of a file:
//!
//! ```text
//! an attachment for each row          destination::AttachmentApi, spoken by destination::workday
//!   pipeline::run_attachments         begins rows as slots get free
//!   pipeline::attachment              the machine: its states, and who goes on from each
//!     look_up -> send -> names        found or made, given its bytes and confirmed, given other names
//!     left, replace, routing          left by an earlier run; new bytes for old; ids that are found again
//!
//! a job for several rows              destination::JobApi, spoken by destination::keelvar
//!   pipeline::run_jobs                begins jobs as slots get free
//!   pipeline::job                     the machine: its states, and who goes on from each
//!     send, end                       the files, all at once; what the end means for each row
//! ```
//!
//! Both machines rest on what they share: rows and their lines (`pipeline::row`), the right to send
//! requests (`pipeline::context`) and the requests themselves (`pipeline::requests`, at the pace of
//! `throttle`, through `http`), the sending of a file (`pipeline::upload`), and the queue of those
//! who wait to hear how a record stands (`pipeline::poller`). How a row ends is a
//! `pipeline::verdict`, which becomes its line in the journal (`results::journal`).
//!
//! # The order of the modules
//!
//! From the ground up; an import runs downwards only, and a test says so:
//!
//! ```text
//! model text duration clock digest      words, spans of time, digests
//! whole_file root source backup         files: written whole, opened below the root, sent, kept
//! throttle -> http                      how fast requests go; who sends them, and how they fail
//! results -> manifest -> prepare        lines of runs; rows and their problems; hashed files
//! destination -> plan -> pipeline       the services; what follows, decided purely; requests in order
//! verification -> report                what the service holds of it; the evidence
//! config -> cli -> commands             what was asked for; how it is typed; what runs
//! ```
//!
//! `emulator` stands beside them: a server of its own for both services, which only `commands`
//! starts.
//!
//! What is there already changes only where the user wishes it (`plan::UpdatePolicy`), and what
//! gives way is kept first:
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
//! # What holds everywhere
//!
//! - **Durable before sent.** No request that changes something is sent before the line that
//!   announces it is on the disk (`results::journal`). What is not in the journal did not happen.
//! - **Kept before let go of.** Nothing that is stored is let go of before it is in a backup that
//!   would survive a loss of power, or the user has said that none is wanted
//!   (`pipeline::attachment::replace`).
//! - **Never twice.** A row whose content is on its object already, under another key or by another
//!   import, stops the run before anything is sent (`plan::second_copies`, `results::beside`).
//! - **Decided purely, done in one place.** What a line or an answer means is decided by `plan`
//!   and by the small functions that judge answers; whether a request may be repeated is decided by
//!   `pipeline::requests` alone; the order of the requests of a record stands in its machine alone.
//! - **Every row ends in exactly one line.** The file after a run is made from what the journal on
//!   the disk says, not from what the run remembers. Only where somebody has put something else in
//!   the journal's place is it made from memory, under another name.
//! - **One job, one place.** No module but `http` knows reqwest, and none but `cli` knows what was
//!   typed, or clap, whose refusals are shown here; rayon is known to `prepare` alone, indicatif to
//!   `progress`, csv to `results`, `verification` and `manifest::problem`, the hashes to `digest`,
//!   and to `atomic_file` how a file comes to be there whole or not at all. A test keeps this true.
//! - **No secret can print itself.** Keys are `secrecy` types from the environment to the header;
//!   an address for bytes prints as its host and a fingerprint; errors of the HTTP library pass one
//!   function that takes the URL out.
//! - **Below the root.** No file that a manifest names is opened but through `root`, and nothing
//!   that came from a file or a service is shown but through `text`.

#[cfg(test)]
mod arbitrary;
mod atomic_file;
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
mod mutex;
pub mod pipeline;
pub mod plan;
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
use error::ProgramExit;
use progress::Verbosity;

/// Runs the program with the arguments of a command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ProgramExit {
    core_dump::forbid();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => return show_usage(&refusal),
    };
    start_log(cli.command.verbosity());
    let result = match cli.command {
        CliCommand::Check(args) => commands::check::run(&args.into_plan()),
        CliCommand::Import(args) => commands::import::run(&args.into_plan()),
        CliCommand::Verify(args) => commands::verify::run(&args.into_plan()),
        CliCommand::Report(args) => commands::report::run(&args.into_plan()),
        CliCommand::Emulator(args) => commands::emulator::run(args.into_plan()),
    };
    result.unwrap_or_else(|error| {
        text::write_stderr(&format!("error: {error}\n"));
        error.exit()
    })
}

/// Help and version are what the user asked for; everything else is wrong usage.
fn show_usage(refusal: &clap::Error) -> ProgramExit {
    // Where neither stream takes the text, the exit code has to do.
    let _ = refusal.print();
    if refusal.use_stderr() {
        ProgramExit::NOTHING_SENT
    } else {
        ProgramExit::DONE
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
