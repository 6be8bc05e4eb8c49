//! Windows. The numbers are those of `winerror.h` and `winnt.h`, documented by Microsoft.

mod signals;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf, Prefix};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use tempfile::{NamedTempFile, PersistError};

pub(crate) use std::fs::{DirEntry as FolderEntry, ReadDir as FolderNames};

use super::{ExistingFilePolicy, GUARD_SUFFIX, PathSyntax, ReplacementPolicy};

pub(crate) use signals::{SystemSignals, end_at_unheard_signals};

const FILE_SHARE_NONE: u32 = 0;
const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;
const FILE_SHARE_DELETE: u32 = 4;
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const DELETE: u32 = 0x0001_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const FILE_ATTRIBUTE_HIDDEN: u32 = 2;
const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;

const ERROR_INVALID_FUNCTION: i32 = 1;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_WRITE_PROTECT: i32 = 19;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_NOT_SUPPORTED: i32 = 50;
const ERROR_DELETE_PENDING: i32 = 303;
const ERROR_USER_MAPPED_FILE: i32 = 1224;

/// Syntax of paths on this system.
pub(crate) const PATH_SYNTAX: PathSyntax = PathSyntax::Windows;

/// An open file keeps its name: NTFS can replace an open file since Windows 10, but FAT, SMB shares
/// and Wine cannot.
pub(crate) const REPLACEMENT_POLICY: ReplacementPolicy = ReplacementPolicy::CloseBefore;

/// Identity of a file: the same for all paths of the file, different for different files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    volume: u64,
    file_index: u64,
}

impl FileIdentity {
    /// Returns `true` for two identities of one file, at least one of which was taken just now. Wine
    /// tells no volume of an open file that has got another name.
    pub(crate) fn is_same_file(self, other: Self) -> bool {
        let is_same_volume = self.volume == other.volume || self.volume == 0 || other.volume == 0;
        is_same_volume && self.file_index == other.file_index
    }
}

/// Returns the identity of an open file.
pub(crate) fn identify_file(file: &File) -> io::Result<FileIdentity> {
    let about = winapi_util::file::information(file)?;
    Ok(FileIdentity {
        volume: about.volume_serial_number(),
        file_index: about.file_index(),
    })
}

/// Returns the identity of the file at a path. A symbolic link is not followed.
pub(crate) fn identify_path(path: &Path) -> io::Result<FileIdentity> {
    open_for_attributes(path, FILE_FLAG_OPEN_REPARSE_POINT)
}

/// Returns the identity of the file or folder to which a path leads through symbolic links.
pub(crate) fn identify_target(path: &Path) -> io::Result<FileIdentity> {
    open_for_attributes(path, 0)
}

/// Opens a file or folder for its attributes alone, which no sharing mode refuses, and returns the
/// identity.
fn open_for_attributes(path: &Path, flags: u32) -> io::Result<FileIdentity> {
    let file = OpenOptions::new()
        .access_mode(FILE_READ_ATTRIBUTES)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags)
        .open(path)?;
    identify_file(&file)
}

/// Returns the number of names of a file.
pub(crate) fn count_hard_links(file: &File) -> io::Result<u64> {
    Ok(winapi_util::file::information(file)?.number_of_links())
}

/// Creates a file with this process as its only writer. The file inherits the rights of its folder.
/// All writes append.
pub(crate) fn create_for_one_writer(path: &Path) -> io::Result<File> {
    one_writer_options().create_new(true).open(path)
}

/// Creates a file as [`create_for_one_writer`] does: the rights of the folder say who can read the
/// file.
pub(crate) fn create_for_all_readers(path: &Path) -> io::Result<File> {
    create_for_one_writer(path)
}

/// Opens an existing file with this process as its only writer. All writes append.
pub(crate) fn open_for_one_writer(path: &Path) -> io::Result<File> {
    one_writer_options().open(path)
}

fn one_writer_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_DELETE);
    options
}

/// Locks a file for its only writer. The sharing mode of the open file has done so already.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn lock_for_one_writer(_: &File) -> Result<(), TryLockError> {
    Ok(())
}

/// Locks a file against writers while this process reads the file. [`WriterGuard::is_claimed`]
/// takes the place of the lock.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn lock_against_writers(_: &File) -> Result<(), TryLockError> {
    Ok(())
}

/// Claim on a path for its only writer: a file with `.lock` after the name, which no other process
/// can open. The system removes the file when the process ends, even by a kill.
#[derive(Debug)]
pub(crate) struct WriterGuard {
    _file: File,
}

impl WriterGuard {
    /// Claims the path of a file. Fails with [`TryLockError::WouldBlock`] while another process has
    /// the claim.
    pub(crate) fn claim(path: &Path) -> Result<Self, TryLockError> {
        let opened = OpenOptions::new()
            .access_mode(GENERIC_WRITE | DELETE)
            .share_mode(FILE_SHARE_NONE)
            .create(true)
            .write(true)
            .truncate(false)
            .attributes(FILE_ATTRIBUTE_HIDDEN)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(guard_path(path));
        match opened {
            Ok(file) => Ok(Self { _file: file }),
            Err(error) if is_guard_held(&error) => Err(TryLockError::WouldBlock),
            Err(error) => Err(TryLockError::Error(error)),
        }
    }

    /// Returns `true` while a process has a claim on the path.
    pub(crate) fn is_claimed(path: &Path) -> bool {
        let opened = OpenOptions::new().read(true).open(guard_path(path));
        opened.is_err_and(|error| is_guard_held(&error))
    }
}

fn guard_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(GUARD_SUFFIX);
    name.into()
}

/// A guard in its last moments, closed but not yet removed, counts as held.
fn is_guard_held(error: &io::Error) -> bool {
    has_error_number(error, &[ERROR_SHARING_VIOLATION, ERROR_DELETE_PENDING])
}

/// Removes a file, unless a process has opened the file as its only writer.
pub(crate) fn remove_if_unlocked(path: &Path) -> io::Result<()> {
    drop(OpenOptions::new().append(true).open(path)?);
    fs::remove_file(path)
}

/// Gives a temporary file its final name. The renaming is on the disk on return, where the file
/// system respects `MOVEFILE_WRITE_THROUGH`.
pub(crate) fn persist(
    mut file: NamedTempFile,
    path: &Path,
    existing: ExistingFilePolicy,
) -> Result<File, PersistError> {
    let (from, to) = (extended_length(file.path()), extended_length(path));
    let renamed = match existing {
        ExistingFilePolicy::Replace => atomicwrites::replace_atomic(&from, &to),
        ExistingFilePolicy::Keep => atomicwrites::move_atomic(&from, &to),
    };
    match renamed {
        Ok(()) => {
            file.disable_cleanup(true);
            Ok(file.into_file())
        }
        Err(error) => Err(PersistError { error, file }),
    }
}

/// Returns a path in the form that has no limit of 260 characters: absolute, with `\\?\` in front.
/// The standard library does the same for its own calls.
fn extended_length(path: &Path) -> PathBuf {
    let Ok(absolute) = std::path::absolute(path) else {
        return path.to_owned();
    };
    let mut extended = match absolute.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::Disk(_) => OsString::from(r"\\?\"),
            Prefix::UNC(..) => OsString::from(r"\\?\UNC"),
            _ => return absolute,
        },
        _ => return absolute,
    };
    match absolute.to_str() {
        // `\\server\share` without its first backslash.
        Some(text) if text.starts_with(r"\\") => extended.push(&text[1..]),
        Some(text) => extended.push(text),
        None => return absolute,
    }
    extended.into()
}

/// Makes the names in a folder survive a loss of power. Windows has no sync of a folder: [`persist`]
/// has written the name through, and NTFS keeps a new folder in its journal.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Tries to sync a folder that has no new names. See [`sync_folder`].
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn probe_folder_sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Syncs content and length of a file, which must be open for writing, to the disk.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Creates a folder with the rights of its parent folder, which must exist.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Returns options for opening a file without waiting. Named pipes are no part of folders here.
pub(crate) fn without_blocking(options: cap_std::fs::OpenOptions) -> cap_std::fs::OpenOptions {
    options
}

/// Lists the names in a folder below an open root with this path.
///
/// cap-std only finds out that the folder is below the root. It cannot list a folder of a network
/// share, not even by a drive letter: the name of the server gets lost (bytecodealliance/cap-std,
/// issues 318 and 348).
pub(crate) fn list_folder(root: &Dir, root_path: &Path, folder: &Path) -> io::Result<FolderNames> {
    fs::read_dir(root_path.join(root.canonicalize(folder)?))
}

/// Returns `true` for a name that the file system marks as hidden.
pub(crate) fn is_marked_hidden(entry: &FolderEntry) -> bool {
    let metadata = entry.metadata();
    metadata.is_ok_and(|metadata| metadata.file_attributes() & FILE_ATTRIBUTE_HIDDEN != 0)
}

/// Returns the file for reading the content, after `opened` was opened at a path below a root.
///
/// cap-std opens every file with `FILE_FLAG_OPEN_REPARSE_POINT`, to follow no link. The files of a
/// deduplicated volume and the files of a cloud folder are reparse points as well, whose drivers do
/// not take part then ("normal reparse point processing will not occur", documented by Microsoft for
/// `CreateFileW`): reads might give zeros in place of the content. Therefore such a file is opened
/// once more by its path, and must be the same file.
pub(crate) fn file_for_content(
    opened: cap_std::fs::File,
    root: &Dir,
    root_path: &Path,
    path: &Path,
) -> io::Result<File> {
    let opened = opened.into_std();
    if opened.metadata()?.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        return Ok(opened);
    }
    open_same_file(&opened, &root_path.join(root.canonicalize(path)?))
}

/// Opens a file anew by its path. Fails if the path leads to another file.
fn open_same_file(opened: &File, path: &Path) -> io::Result<File> {
    let again = File::open(path)?;
    if identify_file(&again)? != identify_file(opened)? {
        return Err(io::Error::other(
            "the file was replaced while it was opened",
        ));
    }
    Ok(again)
}

/// Returns `true` for a named pipe.
pub(crate) fn is_pipe(_: &cap_std::fs::Metadata) -> bool {
    false
}

/// Returns `true` if opening or creating a file failed because writing is not permitted.
pub(crate) fn is_write_refused(error: &io::Error) -> bool {
    has_error_number(error, &[ERROR_ACCESS_DENIED, ERROR_WRITE_PROTECT])
}

/// Returns `true` if locking failed because the file system has no locks.
pub(crate) fn are_locks_missing(error: &io::Error) -> bool {
    has_error_number(error, &[ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED])
}

/// Returns `true` if syncing a folder failed because the file system cannot do so.
pub(crate) fn is_folder_sync_missing(_: &io::Error) -> bool {
    false
}

/// Returns `true` if an action failed because another program holds the file.
pub(crate) fn is_file_in_use(error: &io::Error) -> bool {
    has_error_number(
        error,
        &[
            ERROR_SHARING_VIOLATION,
            ERROR_LOCK_VIOLATION,
            ERROR_USER_MAPPED_FILE,
        ],
    )
}

/// Returns `true` if a file could not get a name because another program holds the file with the
/// name. The system answers `Access denied` then, as it does for missing rights.
pub(crate) fn is_replacement_blocked(error: &io::Error) -> bool {
    is_file_in_use(error) || has_error_number(error, &[ERROR_ACCESS_DENIED])
}

/// Returns `true` if a path cannot be opened because the path leads to a device without a driver.
pub(crate) fn has_no_driver(_: &io::Error) -> bool {
    false
}

fn has_error_number(error: &io::Error, numbers: &[i32]) -> bool {
    error
        .raw_os_error()
        .is_some_and(|number| numbers.contains(&number))
}

/// Returns the time since a fixed moment in the past, the machine's sleep included: the performance
/// counter, which the standard library reads, keeps running in a sleep.
pub(crate) fn time_since_boot() -> Duration {
    static FIRST_CALL: OnceLock<Instant> = OnceLock::new();
    FIRST_CALL.get_or_init(Instant::now).elapsed()
}

/// Forbids core dumps of this process. Windows writes none unless an administrator has set up error
/// reporting to do so, which a program cannot refuse without unsafe code.
pub(crate) fn forbid_core_dumps() {}

/// Raises the number of files that this process may have open. Windows has no such limit.
pub(crate) fn raise_open_file_limit() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opened_by_another_program_is_in_use() {
        for (number, in_use) in [(32, true), (33, true), (1224, true), (5, false), (2, false)] {
            assert_eq!(
                is_file_in_use(&io::Error::from_raw_os_error(number)),
                in_use
            );
        }
    }

    #[test]
    fn a_file_is_opened_again_only_if_its_path_still_leads_there() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&one, &other] {
            fs::write(path, "x").unwrap();
        }
        let opened = File::open(&one).unwrap();
        assert!(open_same_file(&opened, &one).is_ok());
        assert!(open_same_file(&opened, &other).is_err());
    }

    #[test]
    fn a_path_of_any_length_can_be_renamed() {
        for (path, extended) in [
            (r"C:\a\b", r"\\?\C:\a\b"),
            (r"C:/a/../b", r"\\?\C:\b"),
            (r"\\server\share\a", r"\\?\UNC\server\share\a"),
            (r"\\?\C:\a", r"\\?\C:\a"),
        ] {
            assert_eq!(extended_length(Path::new(path)), Path::new(extended));
        }
    }
}
