//! The results file: journal of a run in progress, and record of the import afterwards.
//!
//! A run rewrites the whole file before its first request and after its last one, with one line for
//! each row in the manifest's order. In between, the run only appends lines, and a line counts from
//! the moment of its sync to the disk. A line that fails its own check is not believed.
//!
//! The module stops at lines: `plan` decides the meaning of a line for its row, and `pipeline`
//! decides which lines are recorded. Open [`ResultsEntry`] first, which is one line with its types,
//! then [`RowState`], and [`results_file`] and [`journal`] for writing, [`earlier_results`] and
//! [`ledger`] for reading.

mod attachment_changes;
pub mod earlier_results;
pub(crate) mod entry_cell;
mod folder_probe;
pub mod journal;
pub mod ledger;
mod line_writer;
mod locked_file;
pub mod lost_lines;
pub mod other_results;
mod reason;
mod results_displacement;
mod results_entry;
pub mod results_file;
mod row_state;
mod status;
mod untried_rows;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

pub use crate::atomic_file::MissingFolderFeature;
pub use attachment_changes::{AttachmentChanges, BackupOutcome, FormerContent};
pub use entry_cell::BadCell;
pub use reason::StatusReason;
pub use results_displacement::ResultsDisplacement;
pub use results_entry::*;
pub use row_state::{
    CompletedAction, ContentMatch, NameKind, ReplacementStage, RowState, SizeAnswer,
};
pub use status::{Status, VerifiedBy};
pub use untried_rows::is_untried_row;

use crate::atomic_file::probable_program;
use crate::text::decode::DecodeError;

/// Failure to use a results file.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The file exists already, and the user did not say `--resume`.
    #[error("{} exists already: an import was begun with this file", path.display())]
    Exists {
        /// The results file.
        path: PathBuf,
    },
    /// Another process holds the lock of the file.
    #[error(
        "{} is in use by another run of consign; wait for the other run to end, or stop that run",
        path.display()
    )]
    Locked {
        /// The results file.
        path: PathBuf,
    },
    /// The file has a second name, under which another run could use it at the same time.
    #[error(
        "{0} has a second name (a hard link), under which another run could use the file at the same time; remove the second name, or copy the file and rename the copy to {0}",
        path.display()
    )]
    Linked {
        /// The results file.
        path: PathBuf,
    },
    /// The operating system refused an operation.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// The operation, as words that follow "cannot".
        doing: &'static str,
        /// The results file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Another program holds the file open, and does not let consign open or replace the file.
    #[error("{} is open in {}", path.display(), probable_program(path))]
    HeldOpen {
        /// The results file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The path leads to another file or to none, or another program wrote into the file, while
    /// consign used it.
    #[error("{} {why} while consign used it", path.display())]
    Displaced {
        /// The results file.
        path: PathBuf,
        /// The change at the path.
        why: ResultsDisplacement,
    },
    /// The bytes of the file are no text.
    #[error("{}: {why}", path.display())]
    Undecodable {
        /// The results file.
        path: PathBuf,
        /// The reason why no encoding fits.
        why: DecodeError,
    },
    /// The folder of the file lacks an ability needed for results.
    #[error("{} cannot be kept in its folder: {lack} ({source}); {way_on}", path.display())]
    UnfitFolder {
        /// The results file.
        path: PathBuf,
        /// The missing ability.
        lack: MissingFolderFeature,
        /// Error of the operating system.
        source: io::Error,
        /// Advice to the user.
        way_on: &'static str,
    },
    /// The file is something else than results of consign.
    #[error("{} is not a results file of consign: {why}", path.display())]
    NotResults {
        /// The file.
        path: PathBuf,
        /// The missing mark of results.
        why: String,
    },
}
