//! The results file on disk: locked, appended to, and replaced as a whole.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fit::{BEGIN_ELSEWHERE, COPY_ELSEWHERE, failed, probe, unfit_or_failed};
use super::place::{Displacement, displacement, names_beside};
use super::previous::Previous;
use super::{COLUMNS, Entry, LINE_CHECK, ResultsError, Serial, line_check};
use crate::root::folder_of;
use crate::text::decode::Encoding;
use crate::text::formula_safe;
use crate::whole_file::{
    self, Durability, Existing, FolderLack, NamingError, TemporaryFile, is_at,
};

/// A results file with this process as its only writer.
///
/// The lock is on the file itself, so no lock file is left lying about. A rewrite replaces the
/// locked file: the new file is locked before it takes the old one's place, and whoever gets a lock
/// checks that the path still leads to the locked file. A file with a second name (a hard link) is
/// refused: after a rewrite, the two names would lead to two files.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// The open file; `None` before the first write of a first run.
    file: Option<File>,
    /// Length of the file in bytes, as read or written by this process.
    length: u64,
    /// Modification time before the file was read; `None` once this process has written the file.
    modified: Option<SystemTime>,
    extra_columns: Vec<String>,
    next_serial: Serial,
    /// Number of lines in the file, lost lines included.
    lines: u64,
    /// The newest line appended, or to be appended, for each `external_id`: all that is left of a
    /// run whose results somebody else overwrites. The bound is one line of some 400 bytes for each
    /// row of the run.
    newest: HashMap<Box<str>, Box<[u8]>>,
}

/// Location of the results after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resting {
    /// The results are at their own path.
    InPlace,
    /// The results have another name, because their own path is taken or gone.
    Beside {
        /// The path with the other name.
        path: PathBuf,
        /// The change at the results' own path.
        why: Displacement,
    },
}

/// One line of the whole file.
#[derive(Debug)]
pub struct Line {
    /// The cells written by consign.
    pub entry: Entry,
    /// The cells of the manifest's other columns.
    pub extras: Vec<String>,
}

impl ResultsFile {
    /// Prepares the file of a first run, and writes nothing so far. Fails with
    /// [`ResultsError::Exists`] where there is a file already.
    pub fn begin(path: &Path) -> Result<(Self, Previous), ResultsError> {
        match fs::symlink_metadata(path) {
            Ok(_) => Err(ResultsError::Exists {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                probe(path, BEGIN_ELSEWHERE)?;
                whole_file::sweep(folder_of(path));
                Ok((Self::new(path, None), Previous::default()))
            }
            Err(source) => Err(failed("open", path, source)),
        }
    }

    /// Locks and reads the file of an earlier run, or begins a new file where there is none. The
    /// encoding named by the user counts only where the lines agree.
    pub fn resume(
        path: &Path,
        encoding: Option<&'static Encoding>,
    ) -> Result<(Self, Previous), ResultsError> {
        let Some(file) = open_locked(path)? else {
            return Self::begin(path);
        };
        probe(path, COPY_ELSEWHERE)?;
        let modified = modified(&file, path)?;
        let (length, previous) = read(&file, path, encoding)?;
        whole_file::sweep(folder_of(path));
        let mut results = Self::new(path, Some(file));
        results.length = length;
        results.modified = Some(modified);
        results.next_serial = previous.next_serial();
        results.lines = previous.lost().written;
        Ok((results, previous))
    }

    fn new(path: &Path, file: Option<File>) -> Self {
        Self {
            path: path.to_owned(),
            file,
            length: 0,
            modified: None,
            extra_columns: Vec::new(),
            next_serial: 1,
            lines: 0,
            newest: HashMap::new(),
        }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the present content of the file.
    pub fn read(&self) -> Result<Previous, ResultsError> {
        self.stand_in_place()?;
        let (length, previous) = read(self.begun()?, &self.path, None)?;
        // Another program may have written while the file was read.
        if length == self.length {
            return Ok(previous);
        }
        Err(self.displaced(Displacement::Rewritten {
            written: self.length,
            found: length,
        }))
    }

    /// Rebuilds from memory what the file should hold now: the lines at the beginning of this run,
    /// and the newest line recorded since for each row, on the disk or not.
    pub fn recall(
        &self,
        began_with: impl ExactSizeIterator<Item = Line>,
    ) -> Result<Previous, ResultsError> {
        let mut text = Vec::new();
        write_lines(&mut text, &self.extra_columns, began_with, 1)
            .map_err(|source| failed("keep", &self.path, source))?;
        for line in self.newest.values() {
            text.extend_from_slice(line);
        }
        Previous::parse(text, &self.path)
    }

    /// Appends lines and returns once the lines are on the disk, in the file to which the path
    /// leads.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), ResultsError> {
        let text = self.remember(entries)?;
        self.stand_in_place()?;
        if text.is_empty() {
            return Ok(());
        }
        let mut file = self.begun()?;
        // All of the text at once: a line is either there or torn, never between two others.
        file.write_all(&text)
            .map_err(|source| failed("write", &self.path, source))?;
        file.sync_data()
            .map_err(|source| failed("sync", &self.path, source))?;
        self.length += text.len() as u64;
        self.stand_in_place()
    }

    /// Keeps lines in memory without writing them. Returns their text.
    pub(super) fn remember(&mut self, entries: &[Entry]) -> Result<Vec<u8>, ResultsError> {
        let no_extras = vec![String::new(); self.extra_columns.len()];
        let mut text = Vec::new();
        for entry in entries {
            let mut writer = csv_writer(Vec::new(), 1 << 10);
            self.lines += 1;
            let line = write_line(&mut writer, entry, &no_extras, self.next_serial, self.lines)
                .map_err(io::Error::from)
                .and_then(|()| writer.into_inner().map_err(csv::IntoInnerError::into_error))
                .map_err(|source| failed("write", &self.path, source))?;
            self.next_serial += 1;
            text.extend_from_slice(&line);
            self.newest
                .insert(entry.external_id.as_str().into(), line.into());
        }
        Ok(text)
    }

    /// Writes the whole file anew under a temporary name, and renames it into place: before a run,
    /// when nothing but the lines read before has to be kept.
    pub fn replace(
        &mut self,
        extra_columns: &[String],
        lines: impl ExactSizeIterator<Item = Line>,
    ) -> Result<(), ResultsError> {
        let written = self.write_beside(extra_columns, lines)?;
        if self.file.is_some() {
            self.stand_as_read()?;
        }
        self.put_in_place(written)?;
        self.extra_columns = extra_columns.to_vec();
        Ok(())
    }

    /// Writes the whole file anew when the run has ended. Where the path leads to something else,
    /// now or by `displaced`, the new file gets a name of its own, and the files of others stay.
    pub fn conclude(
        &mut self,
        displaced: Option<Displacement>,
        lines: impl ExactSizeIterator<Item = Line>,
    ) -> Result<Resting, ResultsError> {
        let columns = self.extra_columns.clone();
        let written = self.write_beside(&columns, lines)?;
        let displaced = match displaced {
            None => self.displacement()?,
            known => known,
        };
        match displaced {
            None => self.put_in_place(written).map(|()| Resting::InPlace),
            Some(why) => {
                let path = self.put_beside(written)?;
                Ok(Resting::Beside { path, why })
            }
        }
    }

    fn write_beside(
        &mut self,
        extra_columns: &[String],
        lines: impl ExactSizeIterator<Item = Line>,
    ) -> Result<TemporaryFile, ResultsError> {
        let mut temporary = TemporaryFile::create(folder_of(&self.path), Durability::Required)
            .map_err(|source| failed("create a file beside", &self.path, source))?;
        self.lines = lines.len() as u64;
        // Synced at once, since the place is checked just before the renaming.
        self.next_serial = write_lines(temporary.as_file(), extra_columns, lines, self.next_serial)
            .and_then(|next_serial| temporary.sync().map(|()| next_serial))
            .map_err(|source| failed("write", &self.path, source))?;
        Ok(temporary)
    }

    fn put_in_place(&mut self, written: TemporaryFile) -> Result<(), ResultsError> {
        let existing = if self.file.is_some() {
            Existing::Replaced
        } else {
            Existing::Kept
        };
        let file = written
            .take_name(&self.path, existing)
            .map_err(|error| self.not_named("replace", error))?;
        let about = file.metadata();
        self.length = about
            .map_err(|source| failed("open", &self.path, source))?
            .len();
        self.file = Some(file);
        self.modified = None;
        self.newest.clear();
        Ok(())
    }

    /// Gives the file the first free name beside the results' own.
    fn put_beside(&self, mut written: TemporaryFile) -> Result<PathBuf, ResultsError> {
        for path in names_beside(&self.path) {
            written = match written.take_name(&path, Existing::Kept) {
                Ok(_) => return Ok(path),
                Err(NamingError::NameTaken(written)) => written,
                Err(error) => return Err(self.not_named("keep results beside", error)),
            };
        }
        let source = io::ErrorKind::AlreadyExists.into();
        Err(failed("keep results beside", &self.path, source))
    }

    fn not_named(&self, doing: &'static str, error: NamingError) -> ResultsError {
        let (doing, source) = match error {
            NamingError::NameTaken(_) => {
                return ResultsError::Exists {
                    path: self.path.clone(),
                };
            }
            NamingError::ContentNotSynced(source) => ("write", source),
            NamingError::NotRenamed(source) => (doing, source),
            NamingError::FolderNotSynced(source) => ("sync the folder of", source),
        };
        failed(doing, &self.path, source)
    }

    fn begun(&self) -> Result<&File, ResultsError> {
        let not_yet = || io::Error::other("the file has not been begun");
        let file = self.file.as_ref();
        file.ok_or_else(|| failed("write", &self.path, not_yet()))
    }

    fn displacement(&self) -> Result<Option<Displacement>, ResultsError> {
        displacement(self.begun()?, &self.path, self.length)
            .map_err(|source| failed("look at", &self.path, source))
    }

    fn stand_in_place(&self) -> Result<(), ResultsError> {
        match self.displacement()? {
            None => Ok(()),
            Some(why) => Err(self.displaced(why)),
        }
    }

    /// Fails with [`ResultsError::Displaced`] if the file has changed since it was read. An hour of
    /// hashing may have passed, in which somebody may have mended a cell without making the cell
    /// longer.
    fn stand_as_read(&self) -> Result<(), ResultsError> {
        self.stand_in_place()?;
        match self.modified {
            Some(then) if modified(self.begun()?, &self.path)? != then => {
                Err(self.displaced(Displacement::Rewritten {
                    written: self.length,
                    found: self.length,
                }))
            }
            _ => Ok(()),
        }
    }

    fn displaced(&self, why: Displacement) -> ResultsError {
        ResultsError::Displaced {
            path: self.path.clone(),
            why,
        }
    }
}

/// Opens and locks the file. Returns `None` where there is no file.
fn open_locked(path: &Path) -> Result<Option<File>, ResultsError> {
    loop {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed("open", path, source)),
        };
        if !about.is_file() {
            return Err(ResultsError::NotResults {
                path: path.to_owned(),
                why: "it is not a plain file".into(),
            });
        }
        if about.nlink() > 1 {
            return Err(ResultsError::Linked {
                path: path.to_owned(),
            });
        }
        let file = File::options()
            .read(true)
            .append(true)
            .open(path)
            .map_err(|source| {
                let lack = FolderLack::of_opening(&source);
                unfit_or_failed("open", lack, path, source, COPY_ELSEWHERE)
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ResultsError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(source)) => {
                let lack = FolderLack::of_locking(&source);
                return Err(unfit_or_failed("lock", lack, path, source, COPY_ELSEWHERE));
            }
        }
        // Another run may have replaced the file between the opening and the locking.
        if is_at(&file, path).map_err(|source| failed("open", path, source))? {
            return Ok(Some(file));
        }
    }
}

fn modified(file: &File, path: &Path) -> Result<SystemTime, ResultsError> {
    file.metadata()
        .and_then(|about| about.modified())
        .map_err(|source| failed("look at", path, source))
}

/// Reads a file from its first byte to its last. Returns its length in bytes and its parsed lines.
fn read(
    mut file: &File,
    path: &Path,
    encoding: Option<&'static Encoding>,
) -> Result<(u64, Previous), ResultsError> {
    let mut text = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut text))
        .map_err(|source| failed("read", path, source))?;
    let length = text.len() as u64;
    Ok((length, Previous::parse_as(text, path, encoding)?))
}

/// Writes header and lines. Returns the next serial.
fn write_lines<W: Write>(
    out: W,
    extra_columns: &[String],
    lines: impl ExactSizeIterator<Item = Line>,
    mut serial: Serial,
) -> io::Result<Serial> {
    let count = lines.len() as u64;
    let next_serial = serial + count;
    let mut writer = csv_writer(out, 1 << 18);
    write_header(&mut writer, extra_columns)?;
    for line in lines {
        write_line(&mut writer, &line.entry, &line.extras, serial, count)?;
        serial += 1;
    }
    // Each line states the number of lines, and a missing line would count as lost.
    if serial != next_serial {
        return Err(io::Error::other("there are not as many lines as they say"));
    }
    writer.flush()?;
    Ok(serial)
}

fn csv_writer<W: Write>(out: W, capacity: usize) -> csv::Writer<W> {
    csv::WriterBuilder::new()
        .flexible(true)
        .buffer_capacity(capacity)
        .from_writer(out)
}

fn write_header<W: Write>(
    writer: &mut csv::Writer<W>,
    extra_columns: &[String],
) -> csv::Result<()> {
    for column in COLUMNS.iter().chain(&[LINE_CHECK]) {
        writer.write_field(column)?;
    }
    write_rest(writer, extra_columns)
}

fn write_line<W: Write>(
    writer: &mut csv::Writer<W>,
    entry: &Entry,
    extras: &[String],
    serial: Serial,
    lines: u64,
) -> csv::Result<()> {
    let (cells, lines) = (entry.cells(), lines.to_string());
    let values = cells.iter().map(AsRef::as_ref).chain([&*lines]);
    let check = line_check(values, serial);
    for cell in &cells {
        writer.write_field(formula_safe(cell).as_bytes())?;
    }
    writer.write_field(&lines)?;
    writer.write_field(&check)?;
    write_rest(writer, extras)
}

/// Writes the cells after the check, and the end of the line.
fn write_rest<W: Write>(writer: &mut csv::Writer<W>, cells: &[String]) -> csv::Result<()> {
    for cell in cells {
        writer.write_field(formula_safe(cell).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)
}
