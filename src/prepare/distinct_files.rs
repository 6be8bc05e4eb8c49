//! Distinct files of a manifest, with the state of each file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use rayon::prelude::*;

use super::path_resolution::{PathOfFile, ResolvedPaths, resolve_missing_paths};
use super::prefix_proposal::find_prefix_to_strip;
use super::record_contents::RecordContents;
use super::single_file::{BytePattern, hash_file, inspect_file};
use super::{EarlierRow, EarlierRun, HashProgress};
use crate::manifest::problem::{
    FileWarning, HiddenCharacterPlace, ManifestProblem, PathProblem, ProblemKind, ProblemList,
};
use crate::manifest::{Column, Manifest, RawRow, SoughtPath, are_same_but_for_separators};
use crate::model::{CheckedContent, FileStamp, MAX_KEELVAR_DOCUMENT_SIZE, ProcurementService};
use crate::root::{MissingPathCause, MissingPathExplainer, Root};
use crate::text::has_unseen_character;

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
    /// Files found in another spelling, and paths that do not decide about their file.
    paths: ResolvedPaths,
    /// Mistakes in paths of which the disk shows that a `\` belongs to a name, by the index of the
    /// row.
    backslash_names: BTreeMap<usize, ProblemKind>,
    explainer: MissingPathExplainer<'m>,
}

impl<'m> DistinctFiles<'m> {
    /// Groups the rows of a manifest by file path.
    pub(super) fn new(manifest: &'m Manifest, root: &'m Root) -> Self {
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
            paths: ResolvedPaths::default(),
            backslash_names: BTreeMap::new(),
            explainer: MissingPathExplainer::new(root),
        }
    }

    /// Returns the path at which a file is sought.
    fn sought_path_of(&self, file: usize) -> String {
        sought_path_of_row(&self.manifest.row(self.first_rows[file]))
    }

    /// Inspects all files, and decides which file on the disk each path means.
    pub(super) fn inspect(&mut self, root: &Root) {
        self.states = (0..self.first_rows.len())
            .into_par_iter()
            .map(|file| inspect_file(root, &self.sought_path_of(file)))
            .collect();
        self.find_backslash_names(root);
        self.resolve_missing_paths(root);
    }

    /// Finds the rows whose path, with its `\` as parts of names, is the path of a file.
    fn find_backslash_names(&mut self, root: &Root) {
        if !self.manifest.contains_byte(b'\\') {
            return;
        }
        let found: Vec<(usize, ProblemKind)> = (0..self.manifest.len())
            .into_par_iter()
            .filter_map(|index| {
                let row = self.manifest.row(index);
                let sought = row.sought_path()?;
                let in_names = sought.with_backslashes_in_names()?;
                root.stamp_file(in_names).ok()?;
                let wrong = match self.state_of_row(index)? {
                    PreparationState::Missing => PathProblem::Backslash,
                    _ => PathProblem::AmbiguousBackslash {
                        candidates: Box::new([sought.with_slashes().into(), in_names.into()]),
                    },
                };
                Some((index, ProblemKind::Path(wrong)))
            })
            .collect();
        for (row, wrong) in found {
            self.files_of_rows[row] = None;
            self.backslash_names.insert(row, wrong);
        }
    }

    /// Decides about the missing paths, and inspects the files that are taken for these paths.
    fn resolve_missing_paths(&mut self, root: &Root) {
        let (manifest, first_rows) = (self.manifest, &self.first_rows);
        let path_of = |file: usize| PathOfFile {
            file,
            row: row_number(first_rows[file]),
            path: sought_path_of_row(&manifest.row(first_rows[file])),
        };
        let is_missing = |file: &usize| matches!(self.states[*file], PreparationState::Missing);
        let (missing, present): (Vec<usize>, Vec<usize>) =
            (0..self.states.len()).partition(is_missing);
        if missing.is_empty() {
            return;
        }
        let missing = missing.into_iter().map(path_of);
        let present = present.into_iter().map(path_of);
        self.paths = resolve_missing_paths(missing, present, &mut self.explainer);
        for (file, path) in &self.paths.respelt {
            self.states[*file] = inspect_file(root, path);
        }
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
        let (manifest, first_rows, paths) = (self.manifest, &self.first_rows, &self.paths);
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
                let sought = || sought_path_of_row(&manifest.row(first_rows[file])).into();
                let path = paths.respelt.get(&file).cloned().unwrap_or_else(sought);
                *state = match hash_file(root, &path, watch) {
                    Ok((content, pattern)) => PreparationState::Hashed(content, pattern),
                    Err(wrong) => PreparationState::Unfit(wrong),
                };
                watch.add_file();
            });
    }

    /// Reports every row whose file cannot be sent or was found in another spelling.
    pub(super) fn report_problems(
        &mut self,
        root: &Root,
        earlier: &dyn EarlierRun,
        problems: &mut ProblemList,
    ) {
        for (row, wrong) in std::mem::take(&mut self.backslash_names) {
            let row = self.manifest.row(row);
            problems.push(row.problem(Some(Column::FilePath), wrong));
        }
        let mut contents = RecordContents::default();
        for (row, file) in self.manifest.rows().zip(&self.files_of_rows) {
            let Some(file) = *file else { continue };
            let found = match &self.states[file.get()] {
                PreparationState::Missing if was_done_earlier(&row, earlier) => continue,
                PreparationState::Missing => {
                    let undecided = self.paths.undecided.get(&file.get()).cloned();
                    let explained = || missing_file_problem(&row, &mut self.explainer);
                    let wrong = undecided.map_or_else(explained, ProblemKind::Path);
                    vec![(Column::FilePath, wrong)]
                }
                PreparationState::Unfit(wrong) => vec![(Column::FilePath, wrong.clone())],
                PreparationState::Hashed(content, pattern) => {
                    contents.add_row(&row, content);
                    let mut found = problems_for_row(&row, content, *pattern);
                    if let Some(path) = self.paths.respelt.get(&file.get()) {
                        let path = path.clone();
                        let taken = ProblemKind::Path(PathProblem::Respelt { path });
                        found.push((Column::FilePath, taken));
                    } else if !row.file_path().is_ascii() && has_unseen_character(row.file_path()) {
                        let hidden = ProblemKind::HiddenCharacter(HiddenCharacterPlace::FilePath);
                        found.push((Column::FilePath, hidden));
                    }
                    found
                }
                PreparationState::NotHashed(_) => {
                    unreachable!("every file that was seen has been read")
                }
            };
            for (column, wrong) in found {
                problems.push(row.problem(Some(column), wrong));
            }
        }
        contents.warn_of_repeats(self, root, problems);
    }

    /// Returns the path below the root of the file of a row with a valid path.
    pub(super) fn path_on_disk(&self, row: &RawRow<'_>) -> String {
        let file = self.files_of_rows[row.number() - 1];
        let respelt = file.and_then(|file| self.paths.respelt.get(&file.get()));
        respelt.map_or_else(|| sought_path_of_row(row), ToString::to_string)
    }

    /// Returns the content of the hashed file of a row.
    pub(super) fn content_of_row(&self, row: &RawRow<'_>) -> Option<&CheckedContent> {
        match self.state_of_row(row.number() - 1)? {
            PreparationState::Hashed(content, _) => Some(content),
            _ => None,
        }
    }

    /// Proposes to take off a beginning of all paths, if no file was found and some row cannot be
    /// sent.
    pub(super) fn propose_prefix(&mut self, root: &Root, problems: &mut ProblemList) {
        let is_missing = |state: &PreparationState| matches!(state, PreparationState::Missing);
        let is_of_path = |problem: &ManifestProblem| problem.column == Some(Column::FilePath);
        if !self.states.iter().all(is_missing) || !problems.iter().any(is_of_path) {
            return;
        }
        if let Some(prefix) = find_prefix_to_strip(self.manifest, root, &mut self.explainer) {
            problems.push(ManifestProblem {
                row: 0,
                column: Some(Column::FilePath),
                kind: ProblemKind::Path(PathProblem::SharedPrefix {
                    prefix: prefix.as_str().into(),
                }),
            });
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

    /// Returns the files of all rows, and what is known about each file.
    pub(super) fn into_parts(
        self,
    ) -> (Vec<Option<FileIndex>>, Vec<PreparationState>, ResolvedPaths) {
        (self.files_of_rows, self.states, self.paths)
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
        if let Some(path) = row.sought_path() {
            hashes.push((state.hash_one(&*path.with_slashes()), index));
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
            let path = sought_path_of_row(&manifest.row(*row));
            first_rows[*row] = Some(*met.entry(path).or_insert(*row));
        }
    }
    first_rows
}

/// Returns the path at which the file of a row with a valid path is sought.
fn sought_path_of_row(row: &RawRow<'_>) -> String {
    row.sought_path()
        .map(|path| path.with_slashes().into_owned())
        .unwrap_or_default()
}

/// Returns the number of the row at an index.
fn row_number(index: usize) -> u32 {
    u32::try_from(index + 1).expect("a manifest is smaller than 4 GiB")
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
    let is_same = are_same_but_for_separators(&file_path, row.file_path());
    content.filter(|content| is_same && content.stamp == stamp)
}

fn was_done_earlier(row: &RawRow<'_>, earlier: &dyn EarlierRun) -> bool {
    earlier
        .find_row(row.external_id())
        .is_some_and(|known| known.done)
}

fn missing_file_problem(row: &RawRow<'_>, explainer: &mut MissingPathExplainer<'_>) -> ProblemKind {
    let wrong = match explainer.explain(&sought_path_of_row(row)) {
        MissingPathCause::NoSuchFile { similar_paths } => ProblemKind::FileMissing {
            similar_paths: similar_paths.into_iter().map(Into::into).collect(),
        },
        MissingPathCause::NoSuchFolder { folder } => ProblemKind::FolderMissing {
            folder: folder.into(),
        },
        MissingPathCause::UnreachableName { part, fault } => ProblemKind::UnreachableName {
            part: part.into(),
            fault,
        },
        MissingPathCause::NameNotUtf8 => return ProblemKind::NameNotUtf8,
    };
    let is_explained =
        matches!(&wrong, ProblemKind::FileMissing { similar_paths } if !similar_paths.is_empty());
    let sought = row.sought_path();
    if !is_explained && sought.is_some_and(SoughtPath::begins_like_drive) {
        return ProblemKind::DriveLetter;
    }
    wrong
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
