//! Inspection and hashing of the files named in a manifest. The only user of rayon.
//!
//! A file named by several rows is inspected once and read once. This module makes every check for
//! which a file alone is enough; results of an earlier run come in through [`EarlierRun`]. Start
//! with [`prepare_files`]. `distinct_files` holds the distinct files, `path_resolution` decides which
//! file a path means, `prefix_proposal` finds a beginning to take off all paths, `single_file`
//! inspects and hashes a file, `record_contents` finds the same content twice on one record, and
//! `unnamed_files` finds the files that no row names.

mod distinct_files;
mod path_resolution;
mod prefix_proposal;
mod record_contents;
mod single_file;
mod unnamed_files;

use std::borrow::Cow;
use std::thread::available_parallelism;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::manifest::problem::ProblemList;
use crate::manifest::{Manifest, RawRow};
use crate::model::CheckedContent;
use crate::root::Root;
use distinct_files::{DistinctFiles, FileIndex, PreparationState};
use path_resolution::{ResolvedPaths, without_idle_parts};
pub use single_file::digest_to_end;
pub use unnamed_files::UnnamedFiles;

/// Hash workers per core. Small files not in the cache are read fastest by several readers a core,
/// which mostly wait for the disk.
const HASH_WORKERS_PER_CORE: usize = 4;

/// Results of an earlier run, found by `external_id`.
pub trait EarlierRun: Sync {
    /// Returns the earlier result of the row with this `external_id`.
    fn find_row(&self, external_id: &str) -> Option<EarlierRow>;
}

/// Result of an earlier run for one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRow {
    /// `true` if the earlier run has completed the row.
    pub done: bool,
    /// File path of the row in the earlier run.
    pub file_path: String,
    /// Content of the file in the earlier run, if recorded.
    pub content: Option<CheckedContent>,
}

/// Absence of an earlier run.
#[derive(Debug, Clone, Copy)]
pub struct NoEarlierRun;

impl EarlierRun for NoEarlierRun {
    fn find_row(&self, _: &str) -> Option<EarlierRow> {
        None
    }
}

/// Observer of the progress of hashing.
pub trait HashProgress: Sync {
    /// Announces the number of files to hash and their total size in bytes. Called once.
    fn begin(&self, files: u64, bytes: u64);
    /// Reports `more` hashed bytes.
    fn add_bytes(&self, more: u64);
    /// Reports one hashed file.
    fn add_file(&self);
}

/// Result of the preparation: problems and hashed files of all rows.
#[derive(Debug)]
pub struct PreparedFiles {
    /// All problems of the text and of the files.
    pub problems: ProblemList,
    /// Files below the root that no row names. `None` before a search.
    pub unnamed_files: Option<UnnamedFiles>,
    /// File of each row, `None` for a row without a valid path.
    files_of_rows: Vec<Option<FileIndex>>,
    states: Vec<PreparationState>,
    paths: ResolvedPaths,
}

/// State of a row's file after the preparation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFile {
    /// The file exists, was checked and hashed.
    Ready(CheckedContent),
    /// The file is missing, but an earlier run has completed the row.
    GoneAfterDone,
    /// The row has an error, which is among the problems.
    Unfit,
}

impl RowFile {
    /// Translates the state of a file for a row without errors.
    fn from_state(state: Option<&PreparationState>) -> Self {
        match state {
            Some(PreparationState::Hashed(content, _)) => Self::Ready(*content),
            Some(PreparationState::Missing) => Self::GoneAfterDone,
            Some(PreparationState::Unfit(_) | PreparationState::NotHashed(_)) | None => Self::Unfit,
        }
    }
}

impl PreparedFiles {
    /// Returns the state of the file of the row at an index.
    pub fn row_file(&self, row_index: usize) -> RowFile {
        if self.problems.has_error(row_index + 1) {
            return RowFile::Unfit;
        }
        RowFile::from_state(self.files_of_rows[row_index].map(|file| &self.states[file.get()]))
    }

    /// Returns the path below the root of the file that a row means, with `/` between its parts, or
    /// `None` for a row without a valid path. The file need not exist.
    pub fn path_on_disk<'r>(&'r self, row: &'r RawRow<'_>) -> Option<Cow<'r, str>> {
        let file = self.files_of_rows[row.number() - 1]?;
        if let Some(path) = self.paths.respelt.get(&file.get()) {
            return Some(Cow::Borrowed(path));
        }
        Some(match row.sought_path()?.with_slashes() {
            Cow::Borrowed(path) => without_idle_parts(path),
            Cow::Owned(path) => Cow::Owned(without_idle_parts(&path).into_owned()),
        })
    }

    /// Returns the number and the total size in bytes of the hashed files, each file counted once.
    pub fn ready_files_and_bytes(&self) -> (u64, u64) {
        let sizes = self.states.iter().filter_map(|state| match state {
            PreparationState::Hashed(content, _) => Some(content.stamp.size),
            _ => None,
        });
        sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
    }
}

/// Inspected files, of which some still need hashing.
pub struct InspectedFiles<'m> {
    files: DistinctFiles<'m>,
    problems: ProblemList,
    root: &'m Root,
    earlier: &'m dyn EarlierRun,
}

/// Inspects the files of all rows without reading them, and takes over digests of an earlier run
/// for files that look untouched.
pub fn inspect_files<'m>(
    manifest: &'m Manifest,
    problems: ProblemList,
    root: &'m Root,
    earlier: &'m dyn EarlierRun,
) -> InspectedFiles<'m> {
    in_worker_pool(|| {
        let mut files = DistinctFiles::new(manifest, root);
        files.inspect(root);
        files.reuse_earlier_digests(earlier);
        InspectedFiles {
            files,
            problems,
            root,
            earlier,
        }
    })
}

impl InspectedFiles<'_> {
    /// Returns the manifest of the files.
    pub fn manifest(&self) -> &Manifest {
        self.files.manifest()
    }

    /// Returns the state of the file of the row at an index, or `None` if the file must be hashed
    /// first.
    pub fn row_file(&self, row_index: usize) -> Option<RowFile> {
        if self.problems.has_error(row_index + 1) {
            return Some(RowFile::Unfit);
        }
        match self.files.state_of_row(row_index) {
            Some(PreparationState::NotHashed(_)) => None,
            Some(PreparationState::Missing)
                if !self.files.was_row_done(row_index, self.earlier) =>
            {
                Some(RowFile::Unfit)
            }
            state => Some(RowFile::from_state(state)),
        }
    }

    /// Hashes all files without a known digest and reports the problems of all files.
    ///
    /// Files of rows with problems are hashed as well, so that the user sees all problems at once.
    pub fn hash_and_judge(self, watch: &dyn HashProgress) -> PreparedFiles {
        let Self {
            mut files,
            mut problems,
            root,
            earlier,
        } = self;
        in_worker_pool(|| {
            files.hash(root, watch);
            files.report_problems(root, earlier, &mut problems);
            files.propose_prefix(root, &mut problems);
            problems.sort();
            let (of_rows, states, paths) = files.into_parts();
            PreparedFiles {
                problems,
                unnamed_files: None,
                files_of_rows: of_rows,
                states,
                paths,
            }
        })
    }
}

/// Inspects and hashes the files of all rows.
pub fn prepare_files(
    manifest: &Manifest,
    problems: ProblemList,
    root: &Root,
    earlier: &dyn EarlierRun,
    watch: &dyn HashProgress,
) -> PreparedFiles {
    inspect_files(manifest, problems, root, earlier).hash_and_judge(watch)
}

/// Applies a function to all items in parallel and returns the results in the order of the items.
pub fn parallel_map<I: Send, O: Send>(
    items: Vec<I>,
    work: impl Fn(I) -> O + Send + Sync,
) -> Vec<O> {
    in_worker_pool(|| items.into_par_iter().with_max_len(1).map(work).collect())
}

/// Runs work in a pool of [`HASH_WORKERS_PER_CORE`] threads per core, or in rayon's global pool if
/// the system grants no threads.
fn in_worker_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = ThreadPoolBuilder::new()
        .num_threads(cores * HASH_WORKERS_PER_CORE)
        .build();
    match pool {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// Progress observer that ignores all reports.
#[cfg(test)]
pub(crate) struct IgnoredHashProgress;

#[cfg(test)]
impl HashProgress for IgnoredHashProgress {
    fn begin(&self, _: u64, _: u64) {}
    fn add_bytes(&self, _: u64) {}
    fn add_file(&self) {}
}

#[cfg(test)]
mod tests;
