//! The file that is to take another name: made in the folder of that name, and cleared away where a
//! run was killed before it could.
//!
//! Such a file is locked for as long as somebody is at work on it, so that one which can be locked
//! has been left behind. It has a name of its own kind, so that no other file is ever taken for one.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

const PREFIX: &str = ".consign-";
const SUFFIX: &str = ".tmp";

/// Makes an empty file in a folder, and locks it. All that is written goes to its end, so that nothing
/// is written over what another program has put into it meanwhile.
pub(crate) fn create(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .append(true)
            .tempfile_in(folder)?;
        match temporary.as_file().try_lock() {
            Ok(()) if is_at(temporary.as_file(), temporary.path())? => return Ok(temporary),
            // Another run took it for a left-over, in the moment before it was locked.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// What a folder lacks for files on which a run depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderLack {
    /// Its file system knows no locks.
    Locks,
    /// Its file system cannot sync a folder.
    Sync,
    /// Nothing can be written there.
    Leave,
}

impl fmt::Display for FolderLack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locks => {
                "its file system knows no locks, so that a second run could not be kept off"
            }
            Self::Sync => {
                "its file system cannot sync a folder, so that a loss of power could take it"
            }
            Self::Leave => "it cannot be written to",
        })
    }
}

impl FolderLack {
    /// What it means that a file cannot be made or opened for writing.
    pub(crate) fn of_opening(error: &io::Error) -> Option<Self> {
        let means = [libc::EACCES, libc::EPERM, libc::EROFS];
        is_one_of(error, &means).then_some(Self::Leave)
    }

    /// What it means that a file cannot be locked, though nobody else has locked it.
    pub(crate) fn of_locking(error: &io::Error) -> Option<Self> {
        let means = [
            libc::EOPNOTSUPP,
            libc::ENOTSUP,
            libc::ENOLCK,
            libc::ENOSYS,
            libc::EINVAL,
        ];
        is_one_of(error, &means).then_some(Self::Locks)
    }

    /// What it means that a folder cannot be synced.
    pub(crate) fn of_syncing(error: &io::Error) -> Option<Self> {
        let means = [libc::EINVAL, libc::EOPNOTSUPP, libc::ENOTSUP, libc::ENOSYS];
        is_one_of(error, &means).then_some(Self::Sync)
    }
}

fn is_one_of(error: &io::Error, numbers: &[i32]) -> bool {
    error
        .raw_os_error()
        .is_some_and(|number| numbers.contains(&number))
}

/// Why a folder will not do for files on which a run depends.
#[derive(Debug)]
pub(crate) struct UnfitFolder {
    /// What was tried.
    pub(crate) doing: &'static str,
    /// What it lacks, where that is known.
    pub(crate) lack: Option<FolderLack>,
    /// The answer of the system.
    pub(crate) cause: io::Error,
}

/// Tries whether files can be made, locked and made durable in a folder: better known now than after an
/// hour of hashing. What is made has no name, and is gone when this returns.
pub(crate) fn probe(folder: &Path) -> Result<(), UnfitFolder> {
    let unfit = |doing, lack: fn(&io::Error) -> Option<FolderLack>| {
        move |cause: io::Error| UnfitFolder {
            doing,
            lack: lack(&cause),
            cause,
        }
    };
    let file = tempfile::tempfile_in(folder);
    let file = file.map_err(unfit("write to", FolderLack::of_opening))?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(cause)) => {
            return Err(unfit("lock a file in", FolderLack::of_locking)(cause));
        }
    }
    File::open(folder)
        .and_then(|folder| folder.sync_data())
        .map_err(unfit("sync", FolderLack::of_syncing))
}

/// Removes what killed runs have left in a folder.
pub(crate) fn sweep(folder: &Path) {
    // Left-overs only take up room, so that nothing here is a reason not to go on.
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    for file in files.flatten() {
        if is_ours(&file.file_name()) {
            let _ = remove_if_left_behind(&file.path());
        }
    }
}

fn is_ours(name: &OsStr) -> bool {
    let middle = name
        .to_str()
        .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    middle.is_some_and(|random| random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn remove_if_left_behind(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_file() && File::open(path)?.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Whether an open file is what a path leads to.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
