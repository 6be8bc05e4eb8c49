//! The results file on disk: locked, appended to, and replaced as a whole.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::earlier_results::EarlierResults;
use super::folder_probe::{
    ADVICE_FOR_EXISTING_RESULTS, ADVICE_FOR_NEW_RESULTS, io_error, probe_folder,
};
use super::line_writer::{write_line, write_lines};
use super::locked_file::{LockedFile, claim_path, open_locked};
use super::results_displacement::{ResultsDisplacement, detect_displacement, kept_results_paths};
use super::untried_rows::is_untried;
use super::{LineSerial, ResultsEntry, ResultsError};
use crate::atomic_file::{
    self, Durability, ExistingFilePolicy, NamingError, TemporaryFile, is_held_open,
};
use crate::platform::{self, REPLACEMENT_POLICY, ReplacementPolicy, WriterGuard};
use crate::root::parent_folder;
use crate::text::csv_dialect::CsvDialect;
use crate::text::decode::Encoding;

pub use super::line_writer::LineToWrite;

/// A results file with this process as its only writer.
///
/// The lock is on the file itself, so no lock file is left lying about (see `platform` for Windows). A
/// rewrite replaces the locked file: the new file is locked before it replaces the old one, and each
/// holder of a lock checks that the path still leads to the locked file. A file with a second name (a hard link) is
/// refused: after a rewrite, the two names would lead to two files.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// True if the file was there before this process.
    existed_before: bool,
    /// The open file; `None` before the first write of a first run.
    file: Option<File>,
    /// Claim that keeps other runs out while the file is replaced.
    _guard: WriterGuard,
    /// Length of the file in bytes, as read or written by this process.
    length: u64,
    /// Modification time before the file was read; `None` once this process has written the file.
    modified_when_read: Option<SystemTime>,
    /// Dialect of the file as it is on the disk.
    dialect: CsvDialect,
    extra_columns: Vec<String>,
    next_serial: LineSerial,
    /// Number of lines in the file, lost lines included.
    line_count: u64,
    /// The newest line appended, or to be appended, for each `external_id`: all that is left of a
    /// run whose results another program overwrites. The bound is one line of some 400 bytes for
    /// each row of the run.
    newest_lines: HashMap<Box<str>, Box<[u8]>>,
}

/// Location of the results after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultsLocation {
    /// The results are at their own path.
    InPlace,
    /// The results are at their own path, all of them, but as a journal: another program holds the
    /// file open, which therefore could not be put in order.
    InJournal,
    /// The results have another name, because their own path is taken or gone.
    Beside {
        /// The path with the other name.
        path: PathBuf,
        /// The change at the results' own path.
        why: ResultsDisplacement,
    },
}

impl ResultsFile {
    /// Prepares the file of a first run, and writes nothing so far. Fails with
    /// [`ResultsError::Exists`] where there is a file already.
    pub fn begin(path: &Path) -> Result<(Self, EarlierResults), ResultsError> {
        match fs::symlink_metadata(path) {
            Ok(_) => Err(ResultsError::Exists {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                probe_folder(path, ADVICE_FOR_NEW_RESULTS)?;
                atomic_file::remove_left_over_files(parent_folder(path));
                let guard = claim_path(path, ADVICE_FOR_NEW_RESULTS)?;
                Ok((Self::new(path, None, guard), EarlierResults::default()))
            }
            Err(source) => Err(io_error("open", path, source)),
        }
    }

    /// Locks and reads the file of an earlier run, or begins a new file where there is none. The
    /// encoding named by the user counts only where the lines agree.
    pub fn resume(
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<(Self, EarlierResults), ResultsError> {
        let Some(file) = open_locked(path)? else {
            return Self::begin(path);
        };
        probe_folder(path, ADVICE_FOR_EXISTING_RESULTS)?;
        let opened = Self::read_locked(path, file, encoding)?;
        atomic_file::remove_left_over_files(parent_folder(path));
        Ok(opened)
    }

    /// Prepares the file of a first run, or locks and reads a file in which no row was tried: such
    /// a file holds nothing that a first run could do again. Fails with [`ResultsError::Exists`]
    /// where any other file has the path.
    pub fn begin_untried(
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<(Self, EarlierResults), ResultsError> {
        let exists = || ResultsError::Exists {
            path: path.to_owned(),
        };
        let file = match open_locked(path) {
            Ok(Some(file)) => file,
            Ok(None) => return Self::begin(path),
            Err(locked @ ResultsError::Locked { .. }) => return Err(locked),
            Err(_) => return Err(exists()),
        };
        match Self::read_locked(path, file, encoding) {
            Ok(opened) if is_untried(&opened.1) => {
                probe_folder(path, ADVICE_FOR_EXISTING_RESULTS)?;
                atomic_file::remove_left_over_files(parent_folder(path));
                Ok(opened)
            }
            _ => Err(exists()),
        }
    }

    fn read_locked(
        path: &Path,
        LockedFile { file, guard }: LockedFile,
        encoding: Option<&'static Encoding>,
    ) -> Result<(Self, EarlierResults), ResultsError> {
        let modified = modification_time(&file, path)?;
        let (length, previous) = read_results(&file, path, encoding)?;
        let mut results = Self::new(path, Some(file), guard);
        results.existed_before = true;
        results.length = length;
        results.modified_when_read = Some(modified);
        results.dialect = previous.dialect();
        results.next_serial = previous.next_serial();
        results.line_count = previous.lost_lines().line_count;
        Ok((results, previous))
    }

    /// True if the file was not there before this process.
    pub fn is_new(&self) -> bool {
        !self.existed_before
    }

    /// Removes the file, unless another program took its place.
    pub fn discard(self) -> Result<(), ResultsError> {
        if self.file.is_none() || self.detect_displacement()?.is_some() {
            return Ok(());
        }
        fs::remove_file(&self.path).map_err(|source| io_error("remove", &self.path, source))
    }

    fn new(path: &Path, file: Option<File>, guard: WriterGuard) -> Self {
        Self {
            path: path.to_owned(),
            existed_before: false,
            file,
            _guard: guard,
            length: 0,
            modified_when_read: None,
            dialect: CsvDialect::default(),
            extra_columns: Vec::new(),
            next_serial: 1,
            line_count: 0,
            newest_lines: HashMap::new(),
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the present content of the file.
    pub fn read_back(&self) -> Result<EarlierResults, ResultsError> {
        self.ensure_in_place()?;
        let (length, previous) = read_results(self.open_file()?, &self.path, None)?;
        // Another program may have written while the file was read.
        if length == self.length {
            return Ok(previous);
        }
        Err(self.displaced_error(ResultsDisplacement::Rewritten {
            written: self.length,
            found: length,
        }))
    }

    /// Rebuilds from memory what the file should hold now: the lines at the beginning of this run,
    /// and the newest line recorded since for each row, on the disk or not.
    pub fn rebuild_from_memory(
        &self,
        began_with: impl ExactSizeIterator<Item = LineToWrite>,
    ) -> Result<EarlierResults, ResultsError> {
        let mut text = Vec::new();
        write_lines(&mut text, self.dialect, &self.extra_columns, began_with, 1)
            .map_err(|source| io_error("keep", &self.path, source))?;
        for line in self.newest_lines.values() {
            text.extend_from_slice(line);
        }
        EarlierResults::parse(text, &self.path)
    }

    /// Appends lines and returns once the lines are on the disk, in the file to which the path
    /// leads.
    pub fn append(&mut self, entries: &[ResultsEntry]) -> Result<(), ResultsError> {
        let text = self.keep_in_memory(entries)?;
        self.ensure_in_place()?;
        if text.is_empty() {
            return Ok(());
        }
        let mut file = self.open_file()?;
        // All of the text at once: a line is either there or torn, never between two others.
        file.write_all(&text)
            .map_err(|source| io_error("write", &self.path, source))?;
        platform::sync_file(file).map_err(|source| io_error("sync", &self.path, source))?;
        self.length += text.len() as u64;
        self.ensure_in_place()
    }

    /// Keeps lines in memory without writing them. Returns their text.
    pub(super) fn keep_in_memory(
        &mut self,
        entries: &[ResultsEntry],
    ) -> Result<Vec<u8>, ResultsError> {
        let no_extras = vec![String::new(); self.extra_columns.len()];
        let mut text = Vec::new();
        for entry in entries {
            let mut writer = self.dialect.append_lines(Vec::new());
            self.line_count += 1;
            let line = write_line(
                &mut writer,
                entry,
                &no_extras,
                self.next_serial,
                self.line_count,
            )
            .map_err(io::Error::from)
            .and_then(|()| writer.into_inner().map_err(csv::IntoInnerError::into_error))
            .map_err(|source| io_error("write", &self.path, source))?;
            self.next_serial += 1;
            text.extend_from_slice(&line);
            self.newest_lines
                .insert(entry.external_id.as_str().into(), line.into());
        }
        Ok(text)
    }

    /// Writes the whole file anew under a temporary name, and renames it into place: before a run,
    /// when nothing but the lines read before has to be kept. The dialect counts from now on, in
    /// whatever dialect the file was before.
    pub fn rewrite_before_run(
        &mut self,
        dialect: CsvDialect,
        extra_columns: &[String],
        lines: impl ExactSizeIterator<Item = LineToWrite>,
    ) -> Result<(), ResultsError> {
        let written = self.write_temporary_file(dialect, extra_columns, lines)?;
        if self.file.is_some() {
            self.ensure_unchanged_since_read()?;
        }
        self.put_in_place(written)?;
        self.dialect = dialect;
        self.extra_columns = extra_columns.to_vec();
        Ok(())
    }

    /// Writes the whole file anew when the run has ended. Where the path leads to something else,
    /// now or by `displaced`, the new file gets a name of its own, and the files of others stay.
    pub fn rewrite_after_run(
        &mut self,
        displaced: Option<ResultsDisplacement>,
        lines: impl ExactSizeIterator<Item = LineToWrite>,
    ) -> Result<ResultsLocation, ResultsError> {
        let columns = self.extra_columns.clone();
        let written = self.write_temporary_file(self.dialect, &columns, lines)?;
        let displaced = match displaced {
            None => self.detect_displacement()?,
            known => known,
        };
        match displaced {
            None => match self.put_in_place(written) {
                Ok(()) => Ok(ResultsLocation::InPlace),
                Err(ResultsError::HeldOpen { .. }) => Ok(ResultsLocation::InJournal),
                Err(error) => Err(error),
            },
            Some(why) => {
                let path = self.put_under_free_name(written)?;
                Ok(ResultsLocation::Beside { path, why })
            }
        }
    }

    fn write_temporary_file(
        &mut self,
        dialect: CsvDialect,
        extra_columns: &[String],
        lines: impl ExactSizeIterator<Item = LineToWrite>,
    ) -> Result<TemporaryFile, ResultsError> {
        let mut temporary = TemporaryFile::create(parent_folder(&self.path), Durability::Required)
            .map_err(|source| io_error("create a file beside", &self.path, source))?;
        self.line_count = lines.len() as u64;
        // Synced at once, since the place is checked just before the renaming.
        let first_serial = self.next_serial;
        self.next_serial = write_lines(
            temporary.as_file(),
            dialect,
            extra_columns,
            lines,
            first_serial,
        )
        .and_then(|next_serial| temporary.sync().map(|()| next_serial))
        .map_err(|source| io_error("write", &self.path, source))?;
        Ok(temporary)
    }

    fn put_in_place(&mut self, written: TemporaryFile) -> Result<(), ResultsError> {
        let existing = if self.file.is_some() {
            ExistingFilePolicy::Replace
        } else {
            ExistingFilePolicy::Keep
        };
        if REPLACEMENT_POLICY == ReplacementPolicy::CloseBefore {
            self.file = None;
        }
        let file = written.persist_as(&self.path, existing).map_err(|error| {
            if REPLACEMENT_POLICY == ReplacementPolicy::CloseBefore {
                self.file = platform::open_for_one_writer(&self.path).ok();
            }
            self.naming_error("replace", error)
        })?;
        let about = file.metadata();
        self.length = about
            .map_err(|source| io_error("open", &self.path, source))?
            .len();
        self.file = Some(file);
        self.modified_when_read = None;
        self.newest_lines.clear();
        Ok(())
    }

    /// Gives the file the first free name beside the results' own.
    fn put_under_free_name(&self, mut written: TemporaryFile) -> Result<PathBuf, ResultsError> {
        for path in kept_results_paths(&self.path) {
            written = match written.persist_as(&path, ExistingFilePolicy::Keep) {
                Ok(_) => return Ok(path),
                Err(NamingError::NameTaken(written)) => written,
                Err(error) => return Err(self.naming_error("keep results beside", error)),
            };
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(io_error("keep results beside", &self.path, source))
    }

    fn naming_error(&self, doing: &'static str, error: NamingError) -> ResultsError {
        let (doing, source) = match error {
            NamingError::NameTaken(_) => {
                return ResultsError::Exists {
                    path: self.path.clone(),
                };
            }
            NamingError::ContentNotSynced(source) => ("write", source),
            NamingError::NotRenamed(source) if is_held_open(&source, &self.path) => {
                return ResultsError::HeldOpen {
                    path: self.path.clone(),
                    source,
                };
            }
            NamingError::NotRenamed(source) => (doing, source),
            NamingError::FolderNotSynced(source) => ("sync the folder of", source),
        };
        io_error(doing, &self.path, source)
    }

    fn open_file(&self) -> Result<&File, ResultsError> {
        let not_yet = || io::Error::other("the file has not been begun");
        let file = self.file.as_ref();
        file.ok_or_else(|| io_error("write", &self.path, not_yet()))
    }

    fn detect_displacement(&self) -> Result<Option<ResultsDisplacement>, ResultsError> {
        detect_displacement(self.open_file()?, &self.path, self.length)
            .map_err(|source| io_error("look at", &self.path, source))
    }

    fn ensure_in_place(&self) -> Result<(), ResultsError> {
        match self.detect_displacement()? {
            None => Ok(()),
            Some(why) => Err(self.displaced_error(why)),
        }
    }

    /// Fails with [`ResultsError::Displaced`] if the file has changed since it was read. An hour of
    /// hashing may have passed, in which the user may have mended a cell without making the cell
    /// longer.
    fn ensure_unchanged_since_read(&self) -> Result<(), ResultsError> {
        self.ensure_in_place()?;
        match self.modified_when_read {
            Some(then) if modification_time(self.open_file()?, &self.path)? != then => Err(self
                .displaced_error(ResultsDisplacement::Rewritten {
                    written: self.length,
                    found: self.length,
                })),
            _ => Ok(()),
        }
    }

    fn displaced_error(&self, why: ResultsDisplacement) -> ResultsError {
        ResultsError::Displaced {
            path: self.path.clone(),
            why,
        }
    }
}

fn modification_time(file: &File, path: &Path) -> Result<SystemTime, ResultsError> {
    file.metadata()
        .and_then(|about| about.modified())
        .map_err(|source| io_error("look at", path, source))
}

/// Reads a file from its first byte to its last. Returns its length in bytes and its parsed lines.
fn read_results(
    mut file: &File,
    path: &Path,
    encoding: Option<&'static Encoding>,
) -> Result<(u64, EarlierResults), ResultsError> {
    let mut text = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut text))
        .map_err(|source| io_error("read", path, source))?;
    let length = text.len() as u64;
    Ok((
        length,
        EarlierResults::parse_with_encoding(text, path, encoding)?,
    ))
}
