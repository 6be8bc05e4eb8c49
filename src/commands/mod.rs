//! The commands, one module each: what a command does from its plan to its exit code.
//!
//! Here stands what they share: how what was found is shown.

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

/// By whose hands the requests go, if by any: a line of text.
fn proxy_notice(base: &Base) -> String {
    let proxy = base.proxy();
    proxy.map_or_else(String::new, |proxy| {
        let proxy = escape(&proxy);
        format!("the service is reached by way of the proxy {proxy}\n")
    })
}

/// Which problems are shown.
fn problems_shown(output: OutputConfig) -> Shown {
    if output.is_quiet() {
        Shown::Errors
    } else {
        Shown::Everything
    }
}

/// Shows the problems and writes the problems file, whose path is returned. A folder that cannot be
/// written to is no reason to keep back what was found.
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

/// Shows a summary in the form that the user wants.
fn show(output: OutputConfig, for_people: &str, for_scripts: &str) -> Result<(), Error> {
    let text = match output.form {
        SummaryForm::Human if output.is_quiet() => "",
        SummaryForm::Human => for_people,
        SummaryForm::Json => for_scripts,
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
