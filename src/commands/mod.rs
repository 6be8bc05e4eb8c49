//! The commands, one module each: what a command does from its arguments to its exit code.
//!
//! Here stands what they share: how what was typed is said in the words of the other modules.

pub mod check;
pub mod emulator;
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

use crate::cli::{Form, InputArgs, OutputArgs};
use crate::config::Base;
use crate::error::Error;
use crate::manifest::problem::{self, Problems, Shown};
use crate::manifest::{Manifest, Options, OwnOutputs, SimilarIds};
use crate::model::SecondCopies;
use crate::root::{Root, RootError};
use crate::text::escape;

/// By whose hands the requests go, if by any: a line of text.
fn proxy_notice(base: &Base) -> String {
    let proxy = base.proxy();
    proxy.map_or_else(String::new, |proxy| {
        let proxy = escape(&proxy);
        format!("the service is reached by way of the proxy {proxy}\n")
    })
}

/// How the manifest is to be read.
fn reading_options(input: &InputArgs) -> Options {
    Options {
        encoding: input.encoding,
        similar_ids: if input.allow_similar_ids {
            SimilarIds::Allow
        } else {
            SimilarIds::Refuse
        },
        own_outputs: match input.allow_again {
            Some(SecondCopies::Allow) => OwnOutputs::Allow,
            None | Some(SecondCopies::Refuse | SecondCopies::AllowRows(_)) => OwnOutputs::Refuse,
        },
    }
}

/// The folder of the files.
fn open_root(input: &InputArgs) -> Result<Root, RootError> {
    match &input.root {
        Some(root) => Root::at(root),
        None => Root::of_manifest(&input.manifest),
    }
}

/// Which problems are shown.
fn problems_shown(output: &OutputArgs) -> Shown {
    if output.quiet {
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
    output: &OutputArgs,
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
fn show(output: &OutputArgs, for_people: &str, for_scripts: &str) -> Result<(), Error> {
    let text = match output.output {
        Form::Human if output.quiet => "",
        Form::Human => for_people,
        Form::Json => for_scripts,
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}
