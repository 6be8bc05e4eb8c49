//! Atomic writing of files: a name leads to a whole new file or to the previous file, never to a
//! part.
//!
//! A [`TemporaryFile`] is written under a temporary name. [`TemporaryFile::persist_as`] alone gives
//! the final name: sync the content, rename, sync the folder. A kill leaves the old file or the new
//! one. After a loss of power the name leads to a whole file, and to the new one once `persist_as`
//! has returned. [`Durability`] selects weaker guarantees.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::{NamedTempFile, PersistError};

use crate::platform;
use crate::root::parent_folder;
use crate::text::{escape, write_stderr};

pub(crate) use crate::platform::{ExistingFilePolicy, is_file_in_use, sync_folder};

const TEMPORARY_PREFIX: &str = ".consign-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Time for which a renaming is tried again while another program holds the file to be replaced.
const HELD_FILE_PATIENCE: Duration = Duration::from_mins(1);

/// Time before the user hears of the other program. Virus scanners and indexers hold a file for
/// less.
const HELD_FILE_NOTICE_DELAY: Duration = Duration::from_secs(1);

/// Pause between two attempts to rename.
const HELD_FILE_PAUSE: Duration = Duration::from_millis(200);

/// Level of durability that the user of a file needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A run relies on the file. Content and name survive a loss of power. A file system without
    /// locks or without the sync of folders is refused.
    Required,
    /// No run relies on the file. A file system without locks or without the sync of folders is
    /// accepted. The content is synced before the renaming all the same.
    WherePossible,
    /// The file has to survive a kill, but no loss of power. Nothing is synced.
    NotNeeded,
}

/// Users who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileReaders {
    /// The owner alone: the file tells of the user's files.
    Owner,
    /// All users, as far as the user's file mode creation mask (umask) allows.
    AllUsers,
}

/// Temporary file, not yet under its final name. Removed on drop.
///
/// The file is readable and writable by its owner alone, whatever the permissions of a replaced
/// file; on Windows the file inherits the rights of its folder. [`replace_public_file`] alone makes
/// files for other users.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    file: NamedTempFile,
    durability: Durability,
    is_synced: bool,
}

/// Reason for which a file did not get its final name, or may lose the name.
#[derive(Debug)]
pub(crate) enum NamingError {
    /// The content could not be synced to the disk.
    ContentNotSynced(io::Error),
    /// Another file has the name and must be kept. Holds the temporary file.
    NameTaken(TemporaryFile),
    /// The file could not be renamed.
    NotRenamed(io::Error),
    /// The file has the name, but may lose the name in a loss of power, because the folder could
    /// not be synced.
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
    /// Creates an empty file in a folder and locks the file. The lock lasts while a process works
    /// on the file; an unlocked temporary file is a left-over of a killed run, which
    /// [`remove_left_over_files`] removes. All writes append, so that no write overwrites bytes put
    /// in meanwhile by another program.
    pub(crate) fn create(folder: &Path, durability: Durability) -> io::Result<Self> {
        Self::create_for(FileReaders::Owner, folder, durability)
    }

    fn create_for(readers: FileReaders, folder: &Path, durability: Durability) -> io::Result<Self> {
        let create = match readers {
            FileReaders::Owner => platform::create_for_one_writer,
            FileReaders::AllUsers => platform::create_for_all_readers,
        };
        loop {
            let file = tempfile::Builder::new()
                .prefix(TEMPORARY_PREFIX)
                .suffix(TEMPORARY_SUFFIX)
                .make_in(folder, create)?;
            match platform::lock_for_one_writer(file.as_file()) {
                Ok(()) if is_same_file(file.as_file(), file.path())? => {}
                // Another run took the file for a left-over before the lock was there.
                Ok(()) | Err(TryLockError::WouldBlock) => continue,
                // Without locks in the file system, no run takes the file for a left-over either.
                Err(TryLockError::Error(error))
                    if durability != Durability::Required
                        && MissingFolderFeature::from_lock_error(&error).is_some() => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            return Ok(Self {
                file,
                durability,
                is_synced: false,
            });
        }
    }

    /// Returns the file for writing.
    pub(crate) fn as_file(&mut self) -> &mut File {
        self.is_synced = false;
        self.file.as_file_mut()
    }

    /// Syncs the content to the disk, unless [`Durability::NotNeeded`].
    /// [`TemporaryFile::persist_as`] syncs too. An earlier call serves a caller with a last check
    /// just before the renaming.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.durability != Durability::NotNeeded && !self.is_synced {
            platform::sync_file(self.file.as_file())?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// Syncs the content and gives the file its final name. Returns the file, open and locked.
    ///
    /// A symbolic link under the name is replaced, not followed. Other hard links keep leading to
    /// the old file.
    pub(crate) fn persist_as(
        mut self,
        path: &Path,
        existing: ExistingFilePolicy,
    ) -> Result<File, NamingError> {
        self.sync().map_err(NamingError::ContentNotSynced)?;
        let Self {
            file, durability, ..
        } = self;
        let file =
            persist_patiently(file, path, existing).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => NamingError::NameTaken(Self {
                    file: error.file,
                    durability,
                    is_synced: true,
                }),
                _ => NamingError::NotRenamed(error.error),
            })?;
        let synced = match durability {
            Durability::NotNeeded => Ok(()),
            Durability::Required => sync_folder(parent_folder(path)),
            Durability::WherePossible => match sync_folder(parent_folder(path)) {
                Err(error) if MissingFolderFeature::from_sync_error(&error).is_some() => Ok(()),
                synced => synced,
            },
        };
        synced.map_err(NamingError::FolderNotSynced)?;
        Ok(file)
    }
}

/// Gives a temporary file its final name. Tries again for a minute while another program holds the
/// file with the name.
fn persist_patiently(
    mut file: NamedTempFile,
    path: &Path,
    existing: ExistingFilePolicy,
) -> Result<File, PersistError> {
    let begin = Instant::now();
    let mut is_told = false;
    loop {
        let refused = match platform::persist(file, path, existing) {
            Ok(file) => return Ok(file),
            Err(refused) => refused,
        };
        let waited = begin.elapsed();
        if !is_held_open(&refused.error, path) || waited >= HELD_FILE_PATIENCE {
            return Err(refused);
        }
        if waited >= HELD_FILE_NOTICE_DELAY && !is_told {
            is_told = true;
            write_stderr(&format!(
                "{} is open in {}, and cannot be replaced; close the file there (trying again for a \
                 minute)\n",
                escape(&path.to_string_lossy()),
                probable_program(path)
            ));
        }
        file = refused.file;
        thread::sleep(HELD_FILE_PAUSE);
    }
}

/// Returns `true` if a file could not get a name because another program holds the file with the
/// name.
pub(crate) fn is_held_open(error: &io::Error, path: &Path) -> bool {
    // Windows refuses the replacing of a write-protected file with the same error.
    let is_protected = || fs::metadata(path).is_ok_and(|about| about.permissions().readonly());
    platform::is_replacement_blocked(error) && !is_protected()
}

/// Returns the program that probably holds a file, by the extension of the file.
pub(crate) fn probable_program(path: &Path) -> &'static str {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" | "xlsx" | "xlsm" | "xls" => "another program, probably Excel",
        "docx" | "doc" => "another program, probably Word",
        "pdf" => "another program, probably a PDF reader",
        _ => "another program",
    }
}

/// Writes a file on which no run relies, and replaces an existing file.
pub(crate) fn replace_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write_file(path, ExistingFilePolicy::Replace, FileReaders::Owner, write)
}

/// Writes a file that all users may read and on which no run relies, and replaces an existing file.
pub(crate) fn replace_public_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let write = |out: &mut dyn Write| out.write_all(content);
    write_file(
        path,
        ExistingFilePolicy::Replace,
        FileReaders::AllUsers,
        write,
    )
}

/// Writes a file on which no run relies. Fails with [`io::ErrorKind::AlreadyExists`] if there is a
/// file, which stays as it is.
pub(crate) fn create_file<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    write_file(path, ExistingFilePolicy::Keep, FileReaders::Owner, write)
}

fn write_file<T>(
    path: &Path,
    existing: ExistingFilePolicy,
    readers: FileReaders,
    write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> io::Result<T> {
    let folder = parent_folder(path);
    let mut file = TemporaryFile::create_for(readers, folder, Durability::WherePossible)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    let written = write(&mut out)?;
    out.flush()?;
    drop(out);
    match file.persist_as(path, existing) {
        Ok(_) => Ok(written),
        Err(NamingError::NotRenamed(cause)) if is_held_open(&cause, path) => {
            let program = probable_program(path);
            let cause = format!("the file is open in {program}; close the file there");
            Err(io::Error::new(io::ErrorKind::ResourceBusy, cause))
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks that a file can be created beside the file at `path`: a failure is better known before
/// hours of work than after.
pub(crate) fn check_writable_beside(path: &Path) -> io::Result<()> {
    // The file has no name, and the drop removes the file.
    tempfile::tempfile_in(parent_folder(path)).map(drop)
}

/// Feature missing from a folder for files on which a run relies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingFolderFeature {
    /// The file system has no locks.
    FileLocks,
    /// The file system cannot sync a folder.
    FolderSync,
    /// The folder is not writable.
    WritePermission,
}

impl fmt::Display for MissingFolderFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileLocks => {
                "the file system has no locks, so a second run could not be kept out"
            }
            Self::FolderSync => {
                "the file system cannot sync a folder, so a loss of power could remove the file"
            }
            Self::WritePermission => "writing is refused",
        })
    }
}

impl MissingFolderFeature {
    /// Interprets an error from creating a file, or from opening a file for writing.
    pub(crate) fn from_open_error(error: &io::Error) -> Option<Self> {
        platform::is_write_refused(error).then_some(Self::WritePermission)
    }

    /// Interprets an error from locking a file not locked by another process.
    pub(crate) fn from_lock_error(error: &io::Error) -> Option<Self> {
        platform::are_locks_missing(error).then_some(Self::FileLocks)
    }

    /// Interprets an error from syncing a folder.
    pub(crate) fn from_sync_error(error: &io::Error) -> Option<Self> {
        platform::is_folder_sync_missing(error).then_some(Self::FolderSync)
    }
}

/// Reason for which a folder is unfit for files on which a run relies.
#[derive(Debug)]
pub(crate) struct FolderProbeError {
    /// Action that failed.
    pub(crate) action: &'static str,
    /// Missing feature, if the error identifies one.
    pub(crate) missing_feature: Option<MissingFolderFeature>,
    /// Error of the system.
    pub(crate) cause: io::Error,
}

/// Checks that files can be created, locked and synced in a folder: a failure is better known now
/// than after an hour of hashing. The test file has no name and is gone on return.
pub(crate) fn probe_folder(folder: &Path) -> Result<(), FolderProbeError> {
    let unfit = |doing, lack: fn(&io::Error) -> Option<MissingFolderFeature>| {
        move |cause: io::Error| FolderProbeError {
            action: doing,
            missing_feature: lack(&cause),
            cause,
        }
    };
    let file = tempfile::tempfile_in(folder);
    let file = file.map_err(unfit("write to", MissingFolderFeature::from_open_error))?;
    match platform::lock_for_one_writer(&file) {
        Ok(()) | Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(cause)) => {
            return Err(unfit(
                "lock a file in",
                MissingFolderFeature::from_lock_error,
            )(cause));
        }
    }
    platform::probe_folder_sync(folder)
        .map_err(unfit("sync", MissingFolderFeature::from_sync_error))
}

/// Removes the temporary files of killed runs from a folder.
pub(crate) fn remove_left_over_files(folder: &Path) {
    // Left-over files only take up room, so no failure here is a reason to stop.
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    for file in files.flatten() {
        if is_temporary_file_name(&file.file_name()) {
            let _ = remove_if_left_over(&file.path());
        }
    }
}

fn is_temporary_file_name(name: &OsStr) -> bool {
    let middle = name.to_str().and_then(|name| {
        name.strip_prefix(TEMPORARY_PREFIX)?
            .strip_suffix(TEMPORARY_SUFFIX)
    });
    middle.is_some_and(|random| random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn remove_if_left_over(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_file() {
        platform::remove_if_unlocked(path)?;
    }
    Ok(())
}

/// Returns `true` if a path leads to the open file itself. A symbolic link is not followed.
pub(crate) fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    let ours = platform::identify_file(file)?;
    match platform::identify_path(path) {
        Ok(theirs) => Ok(ours.is_same_file(theirs)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_file(folder: &Path, text: &str) -> TemporaryFile {
        let mut file = TemporaryFile::create(folder, Durability::Required).unwrap();
        file.as_file().write_all(text.as_bytes()).unwrap();
        file
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let files = fs::read_dir(folder).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// About links and modes, which Windows has not.
    #[cfg(unix)]
    #[test]
    fn a_new_file_replaces_a_link_and_is_its_owners_alone() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("m.csv"), folder.path().join("other"));
        fs::write(&other, "other").unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&other, &path).unwrap();
        replace_file(&path, |out| out.write_all(b"new")).unwrap();
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
        let failed = replace_file(&path, |out| {
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
        let refused =
            written_file(folder.path(), "new").persist_as(&path, ExistingFilePolicy::Keep);
        let Err(NamingError::NameTaken(file)) = refused else {
            panic!("{refused:?}");
        };
        file.persist_as(&other, ExistingFilePolicy::Keep).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read(&other).unwrap(), b"new");
        assert_eq!(names_in(folder.path()).len(), 2);
    }
}
