//! consign attaches files to procurement records in bulk, from a spreadsheet, exactly once.
//!
//! Data flows one way, and every arrow changes the type:
//!
//! ```text
//! argv         -> cli -> commands
//! manifest.csv -> manifest::RawRow, Row -> prepare::RowFile
//!                       |                       |
//!                       +---> problem::Problems <-+ -> screen, problems.csv
//! ```
//!
//! What holds everywhere: no module but `prepare` knows rayon; no file named in a manifest is
//! opened but through `root`; nothing that came from a file is shown but through `text`.

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod destination;
pub mod digest;
pub mod emulator;
pub mod error;
pub mod event;
pub mod http;
pub mod manifest;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod prepare;
pub mod problem;
pub mod progress;
pub mod results;
pub mod root;
pub mod signals;
pub mod source;
pub mod text;

use std::ffi::OsString;
use std::io;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use cli::{Cli, Command};
use error::Exit;

/// Runs the program with the arguments of a command line, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(refusal) => return show_usage(&refusal),
    };
    let result = match &cli.command {
        Command::Check(args) => {
            start_log(args.output.verbose);
            commands::check::run(args)
        }
        Command::Import(args) => {
            start_log(args.output.verbose);
            commands::import::run(args)
        }
        Command::Emulator(args) => {
            start_log(args.verbose);
            commands::emulator::run(args)
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
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

fn start_log(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // It fails only where there is a log already, which then serves.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(io::stderr)
        .try_init();
}
