//! Inspection and hashing of the files named in a manifest. The only user of rayon.
//!
//! A file named by several rows is inspected once and read once. This module makes every check for
//! which a file alone is enough; results of an earlier run come in through [`Earlier`]. Start with
//! [`prepare`]; `files` holds the distinct files, `read` inspects and hashes a single file.

mod files;
mod read;

use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::manifest::Manifest;
use crate::manifest::problem::Problems;
use crate::model::Content;
use crate::root::Root;
use files::{FileIndex, Files, State};
pub use read::digest;

/// Hash workers per core. Small files not in the cache are read fastest by several readers a core,
/// which mostly wait for the disk.
const WORKERS_PER_CORE: usize = 4;

/// Results of an earlier run, found by `external_id`.
pub trait Earlier: Sync {
    /// Returns the earlier result of the row with this `external_id`.
    fn of(&self, external_id: &str) -> Option<EarlierRow>;
}

/// Result of an earlier run for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRow {
    /// `true` if the earlier run has completed the row.
    pub done: bool,
    /// File path of the row in the earlier run.
    pub file_path: String,
    /// Content of the file in the earlier run, if recorded.
    pub content: Option<Content>,
}

/// Absence of an earlier run.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Earlier for Nothing {
    fn of(&self, _: &str) -> Option<EarlierRow> {
        None
    }
}

/// Observer of the progress of hashing.
pub trait Watch: Sync {
    /// Announces the number of files to hash and their total size in bytes. Called once.
    fn begin(&self, files: u64, bytes: u64);
    /// Reports `more` hashed bytes.
    fn bytes(&self, more: u64);
    /// Reports one hashed file.
    fn file(&self);
}

/// Result of the preparation: problems and hashed files of all rows.
#[derive(Debug)]
pub struct Prepared {
    /// All problems of the text and of the files.
    pub problems: Problems,
    /// File of each row, `None` for a row without a valid path.
    of_rows: Vec<Option<FileIndex>>,
    states: Vec<State>,
}

/// State of a row's file after the preparation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFile {
    /// The file exists, was checked and hashed.
    Ready(Content),
    /// The file is missing, but an earlier run has completed the row.
    Gone,
    /// The row has an error, which stands in the problems.
    Unfit,
}

impl RowFile {
    /// Translates the state of a file for a row without errors.
    fn of(state: Option<&State>) -> Self {
        match state {
            Some(State::Ready(content)) => Self::Ready(*content),
            Some(State::Missing) => Self::Gone,
            Some(State::Unfit(_) | State::Seen(_)) | None => Self::Unfit,
        }
    }
}

impl Prepared {
    /// Returns the state of the file of the row at an index.
    pub fn file(&self, row_index: usize) -> RowFile {
        if self.problems.has_error(row_index + 1) {
            return RowFile::Unfit;
        }
        RowFile::of(self.of_rows[row_index].map(|file| &self.states[file.get()]))
    }

    /// Returns the number and the total size in bytes of the hashed files, each file counted once.
    pub fn files_and_bytes(&self) -> (u64, u64) {
        let sizes = self.states.iter().filter_map(|state| match state {
            State::Ready(content) => Some(content.stamp.size),
            _ => None,
        });
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }
}

/// Inspected files, of which some still need hashing.
pub struct Looked<'m> {
    files: Files<'m>,
    problems: Problems,
    root: &'m Root,
    earlier: &'m dyn Earlier,
}

/// Inspects the files of all rows without reading them, and takes over digests of an earlier run
/// for files that look untouched.
pub fn look<'m>(
    manifest: &'m Manifest,
    problems: Problems,
    root: &'m Root,
    earlier: &'m dyn Earlier,
) -> Looked<'m> {
    on_many_workers(|| {
        let mut files = Files::named_in(manifest);
        files.look(root);
        files.recall(earlier);
        Looked {
            files,
            problems,
            root,
            earlier,
        }
    })
}

impl Looked<'_> {
    /// Returns the manifest of the files.
    pub fn manifest(&self) -> &Manifest {
        self.files.manifest()
    }

    /// Returns the state of the file of the row at an index, or `None` if the file must be hashed
    /// first.
    pub fn file(&self, row_index: usize) -> Option<RowFile> {
        if self.problems.has_error(row_index + 1) {
            return Some(RowFile::Unfit);
        }
        match self.files.state_of(row_index) {
            Some(State::Seen(_)) => None,
            Some(State::Missing) if !self.files.was_done(row_index, self.earlier) => {
                Some(RowFile::Unfit)
            }
            state => Some(RowFile::of(state)),
        }
    }

    /// Hashes all files without a known digest and reports the problems of all files.
    ///
    /// Files of rows with problems are hashed as well, so that the user sees all problems at once.
    pub fn hash(self, watch: &dyn Watch) -> Prepared {
        let Self {
            mut files,
            mut problems,
            root,
            earlier,
        } = self;
        on_many_workers(|| {
            files.hash(root, watch);
            files.judge(root, earlier, &mut problems);
            problems.sort();
            let (of_rows, states) = files.into_states();
            Prepared {
                problems,
                of_rows,
                states,
            }
        })
    }
}

/// Inspects and hashes the files of all rows.
pub fn prepare(
    manifest: &Manifest,
    problems: Problems,
    root: &Root,
    earlier: &dyn Earlier,
    watch: &dyn Watch,
) -> Prepared {
    look(manifest, problems, root, earlier).hash(watch)
}

/// Applies a function to all items in parallel and returns the results in the order of the items.
pub fn by_many_workers<I: Send, O: Send>(
    items: Vec<I>,
    work: impl Fn(I) -> O + Send + Sync,
) -> Vec<O> {
    on_many_workers(|| items.into_par_iter().with_max_len(1).map(work).collect())
}

/// Runs work in a pool of [`WORKERS_PER_CORE`] threads per core, or in rayon's global pool if the
/// system grants no threads.
fn on_many_workers<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = ThreadPoolBuilder::new()
        .num_threads(cores * WORKERS_PER_CORE)
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Progress observer that ignores all reports.
#[cfg(test)]
pub(crate) struct Nobody;

#[cfg(test)]
impl Watch for Nobody {
    fn begin(&self, _: u64, _: u64) {}
    fn bytes(&self, _: u64) {}
    fn file(&self) {}
}

#[cfg(test)]
mod tests;
