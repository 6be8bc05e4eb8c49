//! The commands, one module each: what a command does from its arguments to its exit code.
//!
//! Here stands what they share: how what was typed is said in the words of the other modules.

pub mod check;

use crate::cli::{InputArgs, OutputArgs};
use crate::manifest::{Options, SimilarIds};
use crate::problem::Shown;
use crate::root::{Root, RootError};

/// How the manifest is to be read.
fn reading_options(input: &InputArgs) -> Options {
    Options {
        encoding: input.encoding,
        similar_ids: if input.allow_similar_ids {
            SimilarIds::Allow
        } else {
            SimilarIds::Refuse
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
