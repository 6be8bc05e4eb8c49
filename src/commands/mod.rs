//! The commands, one module each: a command takes its plan and returns its exit code.
//!
//! Functions here are shared by several commands: messages to standard error, and the summary on
//! standard output.

pub mod check;
pub mod emulator;
mod ending;
mod evidence;
mod first_answer;
mod halt;
pub mod import;
pub mod report;
mod second_copies;
mod session;
pub mod verify;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::config::{Base, OutputConfig, SummaryForm};
use crate::error::Error;
use crate::manifest::Manifest;
use crate::manifest::problem::{self, Problems, Shown};
use crate::text::escape;

/// Line for standard error with the name of the proxy; empty if requests go to the service
/// directly.
fn proxy_notice(base: &Base) -> String {
    let proxy = base.proxy();
    proxy.map_or_else(String::new, |proxy| {
        let proxy = escape(&proxy);
        format!("the service is reached by way of the proxy {proxy}\n")
    })
}

/// Problems to show: errors alone in quiet output.
fn problems_shown(output: OutputConfig) -> Shown {
    if output.is_quiet() {
        Shown::Errors
    } else {
        Shown::Everything
    }
}

/// Writes the problems to standard error and into the problems file. Returns the path of the
/// problems file, `None` where nothing was written.
///
/// Fails only when standard error cannot be written to. An unwritable problems file gets a line on
/// standard error instead: a read-only folder is no reason to keep the problems back.
fn tell_problems(
    manifest: &Manifest,
    problems: &Problems,
    output: OutputConfig,
) -> Result<Option<PathBuf>, Error> {
    let mut screen = problem::on_screen(problems, manifest, problems_shown(output));
    let saved = problem::save(problems, manifest);
    if let Err(error) = &saved {
        let file = problem::file_for(manifest.path());
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
fn show(output: OutputConfig, for_people: &str, for_scripts: &str) -> Result<(), Error> {
    let text = match output.form {
        SummaryForm::Human if output.is_quiet() => "",
        SummaryForm::Human => for_people,
        SummaryForm::Json => for_scripts,
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
