//! The results file on disk: locked, appended to, and replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::previous::Previous;
use super::{COLUMNS, Entry, LINE_CHECK, ResultsError, Serial, line_check};
use crate::root::folder_of;
use crate::temporary::{self, is_at};
use crate::text::formula_safe;

/// A results file that this process alone writes.
///
/// The lock is on the file itself, so nothing is left lying about. Replacing the file replaces
/// what is locked: the new one is locked before it takes the old one's place, and whoever gets a
/// lock checks that what it locked is still what the path leads to. A file with a second name (a
/// hard link) is refused: once it is replaced, the two names would lead to two files.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// The open file, or `None` where there is none yet.
    file: Option<File>,
    extra_columns: Vec<String>,
    next_serial: Serial,
    /// How many lines it has, those that are lost included.
    lines: u64,
}

/// One line of the whole file: what it says, and the cells of the manifest's other columns.
#[derive(Debug)]
pub struct Line {
    /// The cells that consign writes.
    pub entry: Entry,
    /// The cells of the manifest's other columns.
    pub extras: Vec<String>,
}

impl ResultsFile {
    /// For a first run: there must be no such file yet. Nothing is written so far.
    pub fn begin(path: &Path) -> Result<(Self, Previous), ResultsError> {
        match fs::symlink_metadata(path) {
            Ok(_) => Err(ResultsError::Exists {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Noticed now, and not after an hour of hashing. The file has no name, and is gone
                // when this returns.
                tempfile::tempfile_in(folder_of(path))
                    .map_err(|source| failed("write to the folder of", path, source))?;
                temporary::sweep(folder_of(path));
                Ok((Self::new(path, None), Previous::default()))
            }
            Err(source) => Err(failed("open", path, source)),
        }
    }

    /// Takes the file of an earlier run, where there is one, and reads it.
    pub fn resume(path: &Path) -> Result<(Self, Previous), ResultsError> {
        let Some(file) = open_locked(path)? else {
            return Self::begin(path);
        };
        let previous = read(&file, path)?;
        temporary::sweep(folder_of(path));
        let mut results = Self::new(path, Some(file));
        results.next_serial = previous.next_serial();
        results.lines = previous.lost().written;
        Ok((results, previous))
    }

    fn new(path: &Path, file: Option<File>) -> Self {
        Self {
            path: path.to_owned(),
            file,
            extra_columns: Vec::new(),
            next_serial: 1,
            lines: 0,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what the file holds now.
    pub fn read(&self) -> Result<Previous, ResultsError> {
        let file = File::open(&self.path).map_err(|source| failed("open", &self.path, source))?;
        read(&file, &self.path)
    }

    /// Appends lines and returns once they are on the disk.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), ResultsError> {
        let Some(file) = &mut self.file else {
            let source = io::Error::other("the file has not been begun");
            return Err(failed("write", &self.path, source));
        };
        let mut writer = csv_writer(Vec::new(), 1 << 12);
        let no_extras = vec![String::new(); self.extra_columns.len()];
        for entry in entries {
            self.lines += 1;
            write_line(&mut writer, entry, &no_extras, self.next_serial, self.lines)
                .map_err(|error| failed("write", &self.path, error.into()))?;
            self.next_serial += 1;
        }
        // All of it at once: a line is either there or torn, never between two others.
        writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
            .and_then(|text| file.write_all(&text))
            .map_err(|source| failed("write", &self.path, source))?;
        file.sync_data()
            .map_err(|source| failed("sync", &self.path, source))
    }

    /// Writes the whole file anew, beside the old one, and puts it in its place.
    pub fn replace(
        &mut self,
        extra_columns: &[String],
        lines: impl ExactSizeIterator<Item = Line>,
    ) -> Result<(), ResultsError> {
        let count = lines.len() as u64;
        let folder = folder_of(&self.path).to_owned();
        let temporary = temporary::create(&folder)
            .map_err(|source| failed("create a file beside", &self.path, source))?;
        let next_serial = write_whole(temporary.as_file(), extra_columns, lines, self.next_serial)
            .map_err(|source| failed("write", &self.path, source))?;
        let persisted = if self.file.is_some() {
            temporary.persist(&self.path)
        } else {
            temporary.persist_noclobber(&self.path)
        };
        let file = persisted.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => ResultsError::Exists {
                path: self.path.clone(),
            },
            _ => failed("replace", &self.path, error.error),
        })?;
        File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| failed("sync the folder of", &self.path, source))?;
        self.file = Some(file);
        self.extra_columns = extra_columns.to_vec();
        self.next_serial = next_serial;
        self.lines = count;
        Ok(())
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> ResultsError {
    ResultsError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// Opens and locks the file, or returns `None` where there is none.
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
            .map_err(|source| failed("open", path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ResultsError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed("lock", path, source)),
        }
        // Another run may have replaced the file between our opening and our locking it.
        if is_at(&file, path).map_err(|source| failed("open", path, source))? {
            return Ok(Some(file));
        }
    }
}

fn read(mut file: &File, path: &Path) -> Result<Previous, ResultsError> {
    let mut text = Vec::new();
    file.read_to_end(&mut text)
        .map_err(|source| failed("read", path, source))?;
    Previous::parse(text, path)
}

/// Writes header and lines, and syncs them. Returns the next serial.
fn write_whole(
    file: &File,
    extra_columns: &[String],
    lines: impl ExactSizeIterator<Item = Line>,
    mut serial: Serial,
) -> io::Result<Serial> {
    let count = lines.len() as u64;
    let next_serial = serial + count;
    let mut writer = csv_writer(file, 1 << 18);
    write_header(&mut writer, extra_columns)?;
    for line in lines {
        write_line(&mut writer, &line.entry, &line.extras, serial, count)?;
        serial += 1;
    }
    // Each line has said how many there are, and is missed if it is not there.
    if serial != next_serial {
        return Err(io::Error::other("there are not as many lines as they say"));
    }
    writer.flush()?;
    file.sync_all()?;
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

/// The cells after the check, and the end of the line.
fn write_rest<W: Write>(writer: &mut csv::Writer<W>, cells: &[String]) -> csv::Result<()> {
    for cell in cells {
        writer.write_field(formula_safe(cell).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)
}
