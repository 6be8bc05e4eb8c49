//! The other results files in a folder: found by their headers, and read as they are.
//!
//! Nobody locks them. One that another run is writing is read up to where that run has come.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::ResultsError;
use super::previous::{Previous, header};

/// So much of a file is looked at to see whether it holds results, in bytes: no header is longer.
const HEADER_LOOK: u64 = 64 * 1024;

/// The largest results file that is read, in bytes. Ten million rows take less.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;

/// Other results files, and what may be some but cannot be read.
#[derive(Debug, Default)]
pub struct FilesBeside {
    /// Files with the header of results, in the order of their paths.
    pub results: Vec<PathBuf>,
    /// What cannot be looked at, and why.
    pub unreadable: Vec<UnreadableFile>,
}

/// A file or a folder that cannot be looked at.
#[derive(Debug)]
pub struct UnreadableFile {
    /// Where it is.
    pub path: PathBuf,
    /// The answer of the system, or what speaks against it.
    pub why: String,
}

/// Finds the results files in these folders, each once, and without the one at `ours`.
pub fn find(folders: &[&Path], ours: &Path) -> FilesBeside {
    let mut found = FilesBeside::default();
    let mut known: HashSet<(u64, u64)> = fs::metadata(ours).iter().map(identity).collect();
    let mut folders_known = HashSet::new();
    for folder in folders {
        let about = fs::metadata(folder);
        if about.is_ok_and(|about| folders_known.insert(identity(&about))) {
            look_into(folder, &mut known, &mut found);
        }
    }
    found.results.sort();
    found
}

fn look_into(folder: &Path, known: &mut HashSet<(u64, u64)>, found: &mut FilesBeside) {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => return found.cannot_read(folder.to_owned(), &error),
    };
    for file in files.flatten() {
        let name = file.file_name();
        if !is_csv(&name) {
            continue;
        }
        // As the user would name it: `m.csv`, and not `./m.csv`.
        let path = if folder == Path::new(".") {
            PathBuf::from(name)
        } else {
            file.path()
        };
        match fs::metadata(&path) {
            Ok(about) if about.is_file() && known.insert(identity(&about)) => {}
            // A pipe, a link to nothing, or a file that was looked at.
            _ => continue,
        }
        match has_header_of_results(&path) {
            Ok(true) => found.results.push(path),
            Ok(false) => {}
            Err(error) => found.cannot_read(path, &error),
        }
    }
}

impl FilesBeside {
    fn cannot_read(&mut self, path: PathBuf, error: &io::Error) {
        let why = error.to_string();
        self.unreadable.push(UnreadableFile { path, why });
    }
}

/// Reads results without locking them. `path` must be a plain file: to open a pipe could take for ever.
pub fn read(path: &Path) -> Result<Previous, ResultsError> {
    let failed = |doing: &'static str| {
        move |source| ResultsError::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    };
    let not_results = |why: &str| ResultsError::NotResults {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let about = fs::metadata(path).map_err(failed("open"))?;
    if !about.is_file() {
        return Err(not_results("it is not a plain file"));
    }
    if about.len() > LARGEST {
        return Err(not_results("it has more than 4 GiB, the most that is read"));
    }
    let text = fs::read(path).map_err(failed("read"))?;
    Previous::parse(text, path)
}

fn identity(about: &fs::Metadata) -> (u64, u64) {
    (about.dev(), about.ino())
}

fn is_csv(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn has_header_of_results(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?
        .take(HEADER_LOOK)
        .read_to_end(&mut start)?;
    Ok(header::names_results(&start))
}
