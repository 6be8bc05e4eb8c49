//! Files that are written as a whole: their name leads to all of them, or to what was there before.
//!
//! A [`TemporaryFile`] is written under a name of its own kind, and takes the name that it is meant to
//! have in one way, [`TemporaryFile::take_name`]: its content is brought to the disk, then it is renamed,
//! then its folder is brought to the disk. A kill leaves the old file or the new one. After a loss of
//! power the name leads to no half of a file, and once `take_name` has returned, to the new one.
//! [`Durability`] says who can do without some of that.
//!
//! A new file can be read and written by its owner alone, whatever the permissions of the one that it
//! replaces. A symbolic link of that name is replaced, not followed, and a second name (a hard link)
//! goes on to lead to the old file.
//!
//! Temporary files are made in a folder that the caller names, and cleared away where a run was killed
//! before it could. Such a file is locked for as long as somebody is at work on it, so that one which
//! can be locked has been left behind.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::root::folder_of;

const PREFIX: &str = ".consign-";
const SUFFIX: &str = ".tmp";

/// How far somebody relies on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A run relies on it: content and name survive a loss of power, and a file system that knows no
    /// locks or cannot sync a folder will not do.
    Required,
    /// No run relies on it: such a file system will do. The content is on the disk before the name leads
    /// to it all the same.
    WherePossible,
    /// It need not survive a loss of power, but only a kill: nothing is synced.
    NotNeeded,
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// The new file takes its place.
    Replaced,
    /// It stays, and the new file does not get the name.
    Kept,
}

/// A file in the making. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    file: NamedTempFile,
    durability: Durability,
    is_synced: bool,
}

/// Why a file did not take its name, or may lose it.
#[derive(Debug)]
pub(crate) enum NamingError {
    /// Its content could not be brought to the disk.
    ContentNotSynced(io::Error),
    /// Another file has the name, and is to keep it.
    NameTaken(TemporaryFile),
    /// It could not be renamed.
    NotRenamed(io::Error),
    /// It has the name, and may lose it when the power fails.
    FolderNotSynced(io::Error),
}

impl From<NamingError> for io::Error {
    fn from(error: NamingError) -> Self {
        match error {
            NamingError::NameTaken(_) => io::ErrorKind::AlreadyExists.into(),
            NamingError::ContentNotSynced(cause)
            | NamingError::NotRenamed(cause)
            | NamingError::FolderNotSynced(cause) => cause,
        }
    }
}

impl TemporaryFile {
    /// Makes an empty file in a folder, and locks it. All that is written goes to its end, so that
    /// nothing is written over what another program has put into it meanwhile.
    pub(crate) fn create(folder: &Path, durability: Durability) -> io::Result<Self> {
        loop {
            let file = tempfile::Builder::new()
                .prefix(PREFIX)
                .suffix(SUFFIX)
                .append(true)
                .tempfile_in(folder)?;
            match file.as_file().try_lock() {
                Ok(()) if is_at(file.as_file(), file.path())? => {}
                // Another run took it for a left-over, in the moment before it was locked.
                Ok(()) | Err(TryLockError::WouldBlock) => continue,
                // Where there are no locks, nobody takes it for a left-over either.
                Err(TryLockError::Error(error))
                    if durability != Durability::Required
                        && FolderLack::of_locking(&error).is_some() => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            return Ok(Self {
                file,
                durability,
                is_synced: false,
            });
        }
    }

    /// The file, to be written to.
    pub(crate) fn as_file(&mut self) -> &mut File {
        self.is_synced = false;
        self.file.as_file_mut()
    }

    /// Brings the content to the disk, where somebody relies on that. [`TemporaryFile::take_name`] does it
    /// otherwise; whoever has to look at something just before the renaming does it before that.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.durability != Durability::NotNeeded && !self.is_synced {
            self.file.as_file().sync_all()?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// Gives the file its name, once all of it is on the disk. Returns it, still open and locked.
    pub(crate) fn take_name(
        mut self,
        path: &Path,
        existing: Existing,
    ) -> Result<File, NamingError> {
        self.sync().map_err(NamingError::ContentNotSynced)?;
        let Self {
            file, durability, ..
        } = self;
        let named = match existing {
            Existing::Replaced => file.persist(path),
            Existing::Kept => file.persist_noclobber(path),
        };
        let file = named.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => NamingError::NameTaken(Self {
                file: error.file,
                durability,
                is_synced: true,
            }),
            _ => NamingError::NotRenamed(error.error),
        })?;
        let synced = match durability {
            Durability::NotNeeded => Ok(()),
            Durability::Required => sync_folder(folder_of(path)),
            Durability::WherePossible => match sync_folder(folder_of(path)) {
                Err(error) if FolderLack::of_syncing(&error).is_some() => Ok(()),
                synced => synced,
            },
        };
        synced.map_err(NamingError::FolderNotSynced)?;
        Ok(file)
    }
}

/// Brings the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a file on which no run relies, in place of one that is there.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = TemporaryFile::create(folder_of(path), Durability::WherePossible)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.take_name(path, Existing::Replaced)?;
    Ok(())
}

/// Tries whether a file can be made beside the one at `path`: better known before hours of work than
/// after.
pub(crate) fn try_beside(path: &Path) -> io::Result<()> {
    // It has no name, and is gone when this returns.
    tempfile::tempfile_in(folder_of(path)).map(drop)
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

/// Removes the temporary files that killed runs have left in a folder.
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn written(folder: &Path, text: &str) -> TemporaryFile {
        let mut file = TemporaryFile::create(folder, Durability::Required).unwrap();
        file.as_file().write_all(text.as_bytes()).unwrap();
        file
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_new_file_replaces_a_link_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("m.csv"), folder.path().join("other"));
        fs::write(&other, "other").unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&other, &path).unwrap();
        replace(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let about = fs::symlink_metadata(&path).unwrap();
        assert!(about.is_file());
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&other).unwrap(), b"other");
    }

    #[test]
    fn a_file_that_could_not_be_written_whole_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.csv");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"half of it")?;
            Err(io::Error::other("the disk fell off"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk fell off");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(folder.path()), ["m.csv"]);
    }

    #[test]
    fn a_name_that_is_to_be_kept_is_not_taken_and_the_file_can_have_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("m.csv"), folder.path().join("m-2.csv"));
        fs::write(&path, "old").unwrap();
        let refused = written(folder.path(), "new").take_name(&path, Existing::Kept);
        let Err(NamingError::NameTaken(file)) = refused else {
            panic!("{refused:?}");
        };
        file.take_name(&other, Existing::Kept).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read(&other).unwrap(), b"new");
        assert_eq!(names_in(folder.path()).len(), 2);
    }
}
