//! The results file: a journal while a run is on, the record of it afterwards.
//!
//! While a run is on, lines are only appended, and a line counts from the moment at which it was
//! synced to the disk ([`journal`]). Before and after a run the file is rewritten with one line
//! for each row, in the manifest's order ([`merge`]), by a temporary file that takes its place
//! ([`file`]). What an earlier run left is read by [`previous`], which believes no line that does
//! not match its own check. [`ledger`] reads it as evidence, once no run is on.

pub mod beside;
pub(crate) mod cell;
pub mod census;
mod changes;
pub mod file;
mod fit;
pub mod journal;
pub mod ledger;
mod line;
mod place;
pub mod previous;
mod reason;
mod state;
mod status;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub use crate::whole_file::FolderLack;
pub use cell::BadCell;
pub use changes::{Backup, Changes, Former};
pub use line::*;
pub use place::Displacement;
pub use reason::Reason;
pub use state::{DoneAs, DoneContent, NewWord, Replacement, RowState, SizeAnswer};
pub use status::{Status, Verified};

use crate::text::decode::Undecodable;

/// Why a results file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// There is one already, and the user did not say `--resume`.
    #[error("{} exists already: an import has been begun with it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds it.
    #[error(
        "{} is in use by another run of consign; wait for it to end, or stop it",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// It has a second name, under which another run could use it at the same time.
    #[error(
        "{} has a second name (a hard link), under which another run could use it at the same time; remove that name, or make this one a file of its own: copy it, and rename the copy to it",
        path.display()
    )]
    Linked {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// The answer.
        source: io::Error,
    },
    /// Its place is another one's, or its text is, since it was read or written.
    #[error("{} {why} while consign used it", path.display())]
    Displaced {
        /// The file.
        path: PathBuf,
        /// What became of its place.
        why: Displacement,
    },
    /// Its bytes are no text.
    #[error("{}: {why}", path.display())]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// What speaks against it.
        why: Undecodable,
    },
    /// Its folder will not do.
    #[error("{} cannot be kept where it is: {lack} ({source}); {way_on}", path.display())]
    UnfitFolder {
        /// The file.
        path: PathBuf,
        /// What the folder lacks.
        lack: FolderLack,
        /// The answer of the system.
        source: io::Error,
        /// What the user can do.
        way_on: &'static str,
    },
    /// Something else than a results file.
    #[error("{} is not a results file of consign: {why}", path.display())]
    NotResults {
        /// The file.
        path: PathBuf,
        /// What speaks against it.
        why: String,
    },
}
