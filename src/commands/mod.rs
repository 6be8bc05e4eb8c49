//! The commands, one module each: a command takes its plan and returns its exit code.
//!
//! Functions here are shared by several commands: messages to standard error, and the summary on
//! standard output.

pub mod check;
pub mod completions;
pub mod emulator;
mod halt_message;
pub mod import;
pub mod manifest_from_folder;
pub mod manual;
mod preflight_check;
pub mod report;
mod results_origin;
mod run_ending;
mod second_copy_check;
mod session;
pub mod verify;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::config::{OutputConfig, ResolvedDestination, SummaryForm};
use crate::error::CommandError;
use crate::manifest::Manifest;
use crate::manifest::problem::{self, ProblemList, ShownSeverities};
use crate::text::{count_with_noun, escape, quoted};

/// Line for standard error with the name of the proxy; empty if requests go to the service
/// directly.
fn proxy_notice(base: &ResolvedDestination) -> String {
    let proxy = base.proxy();
    proxy.map_or_else(String::new, |proxy| {
        let proxy = escape(&proxy);
        format!("the service is reached by way of the proxy {proxy}\n")
    })
}

/// Lines for standard error with what was read as the manifest, where the user did not name it all,
/// and with the columns that come from elsewhere than a heading of their name.
fn reading_notice(manifest: &Manifest, output: OutputConfig) -> String {
    let mut notices = String::new();
    if output.is_quiet() {
        return notices;
    }
    if let Some(sheet) = manifest.sheet_name() {
        let rows = count_with_noun(manifest.len() as u64, "row");
        let _ = writeln!(notices, "read {rows} from the sheet {}", escape(sheet));
    }
    for (column, heading) in manifest.renamed_columns() {
        let _ = writeln!(notices, "column {column} is read from {}", quoted(heading));
    }
    for (column, value) in manifest.constants() {
        let value = escape(value);
        let _ = writeln!(notices, "{column} is {value} in every row, as --set says");
    }
    notices
}

/// Returns the program as the user typed its name, for commands to be pasted.
fn program_as_typed() -> OsString {
    let typed = std::env::args_os().next();
    typed.unwrap_or_else(|| env!("CARGO_PKG_NAME").into())
}

/// Problems to show: errors alone in quiet output.
fn problems_shown(output: OutputConfig) -> ShownSeverities {
    if output.is_quiet() {
        ShownSeverities::ErrorsOnly
    } else {
        ShownSeverities::ErrorsAndWarnings
    }
}

/// Writes the problems to standard error and into the problems file. Returns the path of the
/// problems file, `None` where nothing was written.
fn report_problems(
    manifest: &Manifest,
    problems: &ProblemList,
    output: OutputConfig,
) -> Result<Option<PathBuf>, CommandError> {
    report_new_problems(manifest, problems, problems, output)
}

/// Writes the new problems to standard error, and all problems into the problems file. Returns the
/// path of the problems file, `None` where nothing was written.
///
/// Fails only when standard error cannot be written to. An unwritable problems file gets a line on
/// standard error instead: a read-only folder is no reason to keep the problems back.
fn report_new_problems(
    manifest: &Manifest,
    new: &ProblemList,
    all: &ProblemList,
    output: OutputConfig,
) -> Result<Option<PathBuf>, CommandError> {
    let mut screen = problem::render_for_screen(new, manifest, problems_shown(output));
    let saved = problem::write_problems_file(all, manifest);
    if let Err(error) = &saved {
        let file = problem::problems_file_path(manifest.path());
        let file = file.to_string_lossy();
        let _ = writeln!(
            screen,
            "the problems file {} cannot be written: {error}",
            escape(&file)
        );
    }
    io::stderr().write_all(screen.as_bytes())?;
    Ok(saved.unwrap_or_default())
}

/// Writes a summary to standard output in the form chosen by the user. Quiet output leaves out the
/// text for people, never the JSON.
fn write_summary(
    output: OutputConfig,
    for_people: &str,
    for_scripts: &str,
) -> Result<(), CommandError> {
    let text = match output.form {
        SummaryForm::Human if output.is_quiet() => "",
        SummaryForm::Human => for_people,
        SummaryForm::Json => for_scripts,
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
