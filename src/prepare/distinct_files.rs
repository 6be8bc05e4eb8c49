//! Distinct files of a manifest, with the state of each file.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use rayon::prelude::*;

use super::record_contents::RecordContents;
use super::single_file::{BytePattern, hash_file, inspect_file};
use super::{EarlierRow, EarlierRun, HashProgress};
use crate::manifest::problem::{FileWarning, ProblemKind, ProblemList};
use crate::manifest::{Column, Manifest, RawRow};
use crate::model::{CheckedContent, FileStamp, MAX_KEELVAR_DOCUMENT_SIZE, ProcurementService};
use crate::root::{MissingPathCause, MissingPathExplainer, Root};

/// Index of a file among the distinct files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIndex(u32);

impl FileIndex {
    fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("there are fewer files than bytes in a manifest"))
    }

    pub(super) fn get(self) -> usize {
        self.0 as usize
    }
}

/// State of a distinct file during the preparation.
#[derive(Debug)]
pub(super) enum PreparationState {
    /// No file has the path.
    Missing,
    /// The file cannot be sent.
    Unfit(ProblemKind),
    /// The file exists and is not hashed yet.
    NotHashed(FileStamp),
    /// The file is hashed. The pattern of a file whose digest comes from an earlier run is not known:
    /// the run that read the file has warned.
    Hashed(CheckedContent, BytePattern),
}

/// Distinct files of a manifest, in the order of their first rows.
pub(super) struct DistinctFiles<'m> {
    manifest: &'m Manifest,
    /// File of each row, `None` if the path of the row is invalid.
    files_of_rows: Vec<Option<FileIndex>>,
    /// Index of the first row with each file. The path is read from this row.
    first_rows: Vec<usize>,
    /// State of each file; empty before the inspection.
    states: Vec<PreparationState>,
}

impl<'m> DistinctFiles<'m> {
    /// Groups the rows of a manifest by file path.
    pub(super) fn from_manifest(manifest: &'m Manifest) -> Self {
        let mut files_of_rows = Vec::with_capacity(manifest.len());
        let mut first_rows = Vec::new();
        for (row, first) in first_rows_of_paths(manifest).into_iter().enumerate() {
            let file = match first {
                Some(first) if first == row => {
                    first_rows.push(row);
                    Some(FileIndex::new(first_rows.len() - 1))
                }
                Some(first) => files_of_rows[first],
                None => None,
            };
            files_of_rows.push(file);
        }
        Self {
            manifest,
            files_of_rows,
            first_rows,
            states: Vec::new(),
        }
    }

    fn first_row_of(&self, file: usize) -> RawRow<'m> {
        self.manifest.row(self.first_rows[file])
    }

    /// Inspects all files.
    pub(super) fn inspect(&mut self, root: &Root) {
        self.states = (0..self.first_rows.len())
            .into_par_iter()
            .map(|file| inspect_file(root, self.first_row_of(file).file_path()))
            .collect();
    }

    /// Takes over digests of an earlier run for files that look untouched.
    pub(super) fn reuse_earlier_digests(&mut self, earlier: &dyn EarlierRun) {
        for (row, file) in self.manifest.rows().zip(&self.files_of_rows) {
            let Some(file) = *file else { continue };
            let state = &mut self.states[file.get()];
            if let PreparationState::NotHashed(stamp) = state
                && let Some(content) = earlier_content(&row, *stamp, earlier)
            {
                *state = PreparationState::Hashed(content, BytePattern::Ordinary);
            }
        }
    }

    /// Hashes all files not hashed yet, the largest first, so that no worker is left with a large
    /// file at the end.
    pub(super) fn hash(&mut self, root: &Root, watch: &dyn HashProgress) {
        let (manifest, first_rows) = (self.manifest, &self.first_rows);
        let mut work: Vec<(u64, usize, &mut PreparationState)> = self
            .states
            .iter_mut()
            .enumerate()
            .filter_map(|(file, state)| match state {
                PreparationState::NotHashed(stamp) => Some((stamp.size, file, state)),
                _ => None,
            })
            .collect();
        work.sort_unstable_by_key(|(size, file, _)| (Reverse(*size), *file));
        let bytes = work.iter().map(|(size, ..)| size).sum();
        tracing::info!(files = work.len(), bytes, "hashing");
        watch.begin(work.len() as u64, bytes);
        work.into_par_iter()
            .with_max_len(1)
            .for_each(|(_, file, state)| {
                let row = manifest.row(first_rows[file]);
                let content = hash_file(root, row.file_path(), watch);
                *state = match content {
                    Ok((content, pattern)) => PreparationState::Hashed(content, pattern),
                    Err(wrong) => PreparationState::Unfit(wrong),
                };
                watch.add_file();
            });
    }

    /// Reports every row whose file cannot be sent.
    pub(super) fn report_problems(
        &self,
        root: &Root,
        earlier: &dyn EarlierRun,
        problems: &mut ProblemList,
    ) {
        let mut contents = RecordContents::default();
        let mut neighbours = MissingPathExplainer::new(root);
        for (row, file) in self.manifest.rows().zip(&self.files_of_rows) {
            let Some(file) = *file else { continue };
            let found = match &self.states[file.get()] {
                PreparationState::Missing if was_done_earlier(&row, earlier) => continue,
                PreparationState::Missing => vec![(
                    Column::FilePath,
                    missing_file_problem(&row, &mut neighbours),
                )],
                PreparationState::Unfit(wrong) => vec![(Column::FilePath, wrong.clone())],
                PreparationState::Hashed(content, pattern) => {
                    contents.add_row(&row, content);
                    problems_for_row(&row, content, *pattern)
                }
                PreparationState::NotHashed(_) => {
                    unreachable!("every file that was seen has been read")
                }
            };
            for (column, wrong) in found {
                problems.push(row.problem(Some(column), wrong));
            }
        }
        contents.warn_of_repeats(self, problems);
    }

    /// Returns the content of the hashed file of a row.
    pub(super) fn content_of_row(&self, row: &RawRow<'_>) -> Option<&CheckedContent> {
        match self.state_of_row(row.number() - 1)? {
            PreparationState::Hashed(content, _) => Some(content),
            _ => None,
        }
    }

    pub(super) fn manifest(&self) -> &'m Manifest {
        self.manifest
    }

    /// Returns `true` if an earlier run has completed the row at an index.
    pub(super) fn was_row_done(&self, row_index: usize, earlier: &dyn EarlierRun) -> bool {
        was_done_earlier(&self.manifest.row(row_index), earlier)
    }

    /// Returns the state of the file of the row at an index, or `None` if the path is invalid.
    pub(super) fn state_of_row(&self, row_index: usize) -> Option<&PreparationState> {
        self.files_of_rows[row_index].map(|file| &self.states[file.get()])
    }

    /// Returns the file of each row and the state of each file.
    pub(super) fn into_states(self) -> (Vec<Option<FileIndex>>, Vec<PreparationState>) {
        (self.files_of_rows, self.states)
    }
}

/// Returns for each row the index of the first row with the same path, or `None` for an invalid
/// path.
///
/// Only hashes of the paths are kept; where two hashes are equal, the paths are read from the
/// manifest again and compared.
fn first_rows_of_paths(manifest: &Manifest) -> Vec<Option<usize>> {
    let state = RandomState::new();
    let mut hashes: Vec<(u64, usize)> = Vec::with_capacity(manifest.len());
    for (index, row) in manifest.rows().enumerate() {
        if let Some(path) = row.valid_file_path() {
            hashes.push((state.hash_one(path), index));
        }
    }
    hashes.sort_unstable();
    let mut first_rows = vec![None; manifest.len()];
    for candidates in hashes.chunk_by(|one, other| one.0 == other.0) {
        if let [(_, row)] = candidates {
            first_rows[*row] = Some(*row);
            continue;
        }
        let mut met: HashMap<String, usize> = HashMap::new();
        for (_, row) in candidates {
            let path = manifest.row(*row).file_path().to_owned();
            first_rows[*row] = Some(*met.entry(path).or_insert(*row));
        }
    }
    first_rows
}

/// Returns the content recorded by an earlier run, if the row names the same file and the file
/// looks untouched.
fn earlier_content(
    row: &RawRow<'_>,
    stamp: FileStamp,
    earlier: &dyn EarlierRun,
) -> Option<CheckedContent> {
    let EarlierRow {
        file_path, content, ..
    } = earlier.find_row(row.external_id())?;
    content.filter(|content| file_path == row.file_path() && content.stamp == stamp)
}

fn was_done_earlier(row: &RawRow<'_>, earlier: &dyn EarlierRun) -> bool {
    earlier
        .find_row(row.external_id())
        .is_some_and(|known| known.done)
}

fn missing_file_problem(
    row: &RawRow<'_>,
    neighbours: &mut MissingPathExplainer<'_>,
) -> ProblemKind {
    match neighbours.explain(row.file_path()) {
        MissingPathCause::NoSuchFile {
            similar_path: nearly,
        } => ProblemKind::FileMissing {
            similar_path: nearly.map(Into::into),
        },
        MissingPathCause::NoSuchFolder { folder } => ProblemKind::FolderMissing {
            folder: folder.into(),
        },
        MissingPathCause::NameNotUtf8 => ProblemKind::NameNotUtf8,
    }
}

/// Returns the problems of a file that is valid in itself, but not, or hardly, for this row.
fn problems_for_row(
    row: &RawRow<'_>,
    content: &CheckedContent,
    pattern: BytePattern,
) -> Vec<(Column, ProblemKind)> {
    let zeros = ProblemKind::File(FileWarning::OnlyZeros);
    let found = [
        digest_mismatch(row, content).map(|wrong| (Column::Sha256, wrong)),
        large_document_warning(row, content).map(|wrong| (Column::FilePath, wrong)),
        (pattern == BytePattern::OnlyZeros).then_some((Column::FilePath, zeros)),
    ];
    found.into_iter().flatten().collect()
}

fn digest_mismatch(row: &RawRow<'_>, content: &CheckedContent) -> Option<ProblemKind> {
    let expected = row.sha256()?;
    (expected != content.sha256).then(|| ProblemKind::DigestMismatch {
        file_digest: Box::new(content.sha256),
    })
}

fn large_document_warning(row: &RawRow<'_>, content: &CheckedContent) -> Option<ProblemKind> {
    let size = content.stamp.size;
    (size > MAX_KEELVAR_DOCUMENT_SIZE && row.service() == Some(ProcurementService::Keelvar))
        .then_some(ProblemKind::LargeDocument { size })
}
