//! From rows to checked and hashed files. The only user of rayon.
//!
//! A file that several rows name is looked at once and read once. Everything that a file alone can
//! tell is checked here; what an earlier run made of it comes in through [`Earlier`].

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

/// Small files that are not in memory are read fastest by several readers a core, which wait for
/// the disk most of the time.
const WORKERS_PER_CORE: usize = 4;

/// What an earlier run knows of the rows.
pub trait Earlier: Sync {
    /// What it knows of the row with this `external_id`.
    fn of(&self, external_id: &str) -> Option<EarlierRow>;
}

/// What an earlier run knows of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRow {
    /// Whether nothing is left to do for it.
    pub done: bool,
    /// The file that it had then.
    pub file_path: String,
    /// What that file was.
    pub content: Option<Content>,
}

/// No earlier run.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Earlier for Nothing {
    fn of(&self, _: &str) -> Option<EarlierRow> {
        None
    }
}

/// Sees how far the hashing has come.
pub trait Watch: Sync {
    /// So much is to be hashed.
    fn begin(&self, files: u64, bytes: u64);
    /// So many bytes more are hashed.
    fn bytes(&self, more: u64);
    /// One more file is.
    fn file(&self);
}

/// What became of the file of each row.
#[derive(Debug)]
pub struct Prepared {
    /// All problems, those of the text and those of the files.
    pub problems: Problems,
    /// For each row, the file that it names.
    of_rows: Vec<Option<FileIndex>>,
    states: Vec<State>,
}

/// What a row's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFile {
    /// It is there, checked and hashed.
    Ready(Content),
    /// It is gone, but the row was done before that.
    Gone,
    /// The row has an error, of which the problems tell.
    Unfit,
}

impl RowFile {
    /// The file of a row without errors that has come so far.
    fn of(state: Option<&State>) -> Self {
        match state {
            Some(State::Ready(content)) => Self::Ready(*content),
            Some(State::Missing) => Self::Gone,
            Some(State::Unfit(_) | State::Seen(_)) | None => Self::Unfit,
        }
    }
}

impl Prepared {
    /// What the file of the row at an index is.
    pub fn file(&self, row_index: usize) -> RowFile {
        if self.problems.has_error(row_index + 1) {
            return RowFile::Unfit;
        }
        RowFile::of(self.of_rows[row_index].map(|file| &self.states[file.get()]))
    }

    /// How many files are ready, each counted once, and their bytes.
    pub fn files_and_bytes(&self) -> (u64, u64) {
        let sizes = self.states.iter().filter_map(|state| match state {
            State::Ready(content) => Some(content.stamp.size),
            _ => None,
        });
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }
}

/// Files that were looked at, and are still to be hashed where nobody knows what they hold.
pub struct Looked<'m> {
    files: Files<'m>,
    problems: Problems,
    root: &'m Root,
    earlier: &'m dyn Earlier,
}

/// Looks at the files of all rows without reading any of them, and recalls what an earlier run knows
/// of those that look untouched.
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
    /// The manifest whose files they are.
    pub fn manifest(&self) -> &Manifest {
        self.files.manifest()
    }

    /// What is known of the file of the row at an index; none, where it has to be read first.
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

    /// Hashes what is not known, and judges all files.
    ///
    /// Rows that have problems already are read as well, so that the user learns of everything at
    /// once.
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

/// Looks at the files of all rows and hashes them.
pub fn prepare(
    manifest: &Manifest,
    problems: Problems,
    root: &Root,
    earlier: &dyn Earlier,
    watch: &dyn Watch,
) -> Prepared {
    look(manifest, problems, root, earlier).hash(watch)
}

/// Does the same work for each item, for many of them at once. The results are in the items' order.
pub fn by_many_workers<I: Send, O: Send>(
    items: Vec<I>,
    work: impl Fn(I) -> O + Send + Sync,
) -> Vec<O> {
    on_many_workers(|| items.into_par_iter().with_max_len(1).map(work).collect())
}

/// Where the system gives no threads of our own, rayon's usual ones have to do.
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

/// Nobody looks.
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
