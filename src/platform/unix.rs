//! Linux, macOS and other systems with the POSIX interface.

mod signals;

use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use cap_std::fs::Dir;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tempfile::{NamedTempFile, PersistError};

pub(crate) use cap_std::fs::{DirEntry as FolderEntry, ReadDir as FolderNames};
pub(crate) use signals::{SystemSignals, end_at_unheard_signals};

use super::{ExistingFilePolicy, PathSyntax, ReplacementPolicy};

/// Syntax of paths on this system.
pub(crate) const PATH_SYNTAX: PathSyntax = PathSyntax::Posix;

/// A name can move to a new file while programs have the old file open.
pub(crate) const REPLACEMENT_POLICY: ReplacementPolicy = ReplacementPolicy::KeepOpen;

/// Identity of a file: the same for all paths of the file, different for different files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Returns `true` for two identities of one file, at least one of which was taken just now.
    pub(crate) fn is_same_file(self, other: Self) -> bool {
        self == other
    }
}

/// Returns the identity of an open file.
pub(crate) fn identify_file(file: &File) -> io::Result<FileIdentity> {
    Ok(FileIdentity::new(&file.metadata()?))
}

/// Returns the identity of the file at a path. A symbolic link is not followed.
pub(crate) fn identify_path(path: &Path) -> io::Result<FileIdentity> {
    Ok(FileIdentity::new(&fs::symlink_metadata(path)?))
}

/// Returns the identity of the file or folder to which a path leads through symbolic links.
pub(crate) fn identify_target(path: &Path) -> io::Result<FileIdentity> {
    Ok(FileIdentity::new(&fs::metadata(path)?))
}

/// Returns the number of names of a file.
pub(crate) fn count_hard_links(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.nlink())
}

/// Creates a file with this process as its only writer, once
/// [`lock_for_one_writer`] has succeeded. Only the owner can read or write the file. All writes
/// append.
pub(crate) fn create_for_one_writer(path: &Path) -> io::Result<File> {
    create_with_mode(path, 0o600)
}

/// Creates a file as [`create_for_one_writer`] does. All users can read the file, and others than
/// the owner write it, as far as the user's mask (umask) allows.
pub(crate) fn create_for_all_readers(path: &Path) -> io::Result<File> {
    create_with_mode(path, 0o666)
}

fn create_with_mode(path: &Path, mode: u32) -> io::Result<File> {
    File::options()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(mode)
        .open(path)
}

/// Opens an existing file with this process as its only writer, once [`lock_for_one_writer`] has
/// succeeded. All writes append.
pub(crate) fn open_for_one_writer(path: &Path) -> io::Result<File> {
    File::options().read(true).append(true).open(path)
}

/// Locks a file for its only writer.
pub(crate) fn lock_for_one_writer(file: &File) -> Result<(), TryLockError> {
    file.try_lock()
}

/// Locks a file against writers while this process reads the file.
pub(crate) fn lock_against_writers(file: &File) -> Result<(), TryLockError> {
    file.try_lock_shared()
}

/// Claim on a path for its only writer. Needs nothing here: the lock on the file itself suffices.
#[derive(Debug)]
pub(crate) struct WriterGuard;

impl WriterGuard {
    /// Claims the path of a file. Fails with [`TryLockError::WouldBlock`] while another process has
    /// the claim.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the same signature on every system"
    )]
    pub(crate) fn claim(_: &Path) -> Result<Self, TryLockError> {
        Ok(Self)
    }

    /// Returns `true` while a process has a claim on the path.
    pub(crate) fn is_claimed(_: &Path) -> bool {
        false
    }
}

/// Removes a file, unless a process has locked the file.
pub(crate) fn remove_if_unlocked(path: &Path) -> io::Result<()> {
    if File::open(path)?.try_lock().is_ok() {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Gives a temporary file its final name. The name may be lost in a loss of power until
/// [`sync_folder`] has succeeded.
pub(crate) fn persist(
    mut file: NamedTempFile,
    path: &Path,
    existing: ExistingFilePolicy,
) -> Result<File, PersistError> {
    match existing {
        // By the function of the C library, in whose place the tests hold a file open.
        ExistingFilePolicy::Replace => match fs::rename(file.path(), path) {
            Ok(()) => {
                file.disable_cleanup(true);
                Ok(file.into_file())
            }
            Err(error) => Err(PersistError { error, file }),
        },
        ExistingFilePolicy::Keep => match file.persist_noclobber(path) {
            Err(refused) if is_exclusive_rename_missing(&refused.error) => {
                persist_over_placeholder(refused.file, path)
            }
            persisted => persisted,
        },
    }
}

/// Returns `true` if a file got no name because the file system can neither rename without
/// replacing nor make hard links: network shares on macOS (`ENOTSUP`), and file systems of programs
/// on Linux (`EPERM`, as link(2) documents).
fn is_exclusive_rename_missing(error: &io::Error) -> bool {
    has_error_number(
        error,
        &[libc::ENOTSUP, libc::EOPNOTSUPP, libc::EPERM, libc::ENOSYS],
    )
}

/// Gives a temporary file its final name without replacing another file: an empty file, made under
/// the name only if the name is free, is replaced. After a kill in between the empty file stays.
fn persist_over_placeholder(file: NamedTempFile, path: &Path) -> Result<File, PersistError> {
    if let Err(error) = File::options().write(true).create_new(true).open(path) {
        return Err(PersistError { error, file });
    }
    file.persist(path).inspect_err(|_| {
        // The error of the renaming is the one to report.
        let _ = fs::remove_file(path);
    })
}

/// Syncs a folder, so that the names in the folder survive a loss of power.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    or_plain_sync(&folder, folder.sync_all())
}

/// Tries to sync a folder that has no new names, to find out if the file system can.
pub(crate) fn probe_folder_sync(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    or_plain_sync(&folder, folder.sync_data())
}

/// Syncs content and length of a file to the disk.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    or_plain_sync(file, file.sync_data())
}

/// Returns the outcome of a sync, or of a plain `fsync` where the sync is not to be had.
///
/// On macOS the standard library asks for `F_FULLFSYNC`, which also empties the cache of the disk.
/// Network file systems refuse the call there; `fsync` is then the most that can be had.
#[cfg(target_vendor = "apple")]
fn or_plain_sync(file: &File, synced: io::Result<()>) -> io::Result<()> {
    const REFUSALS: &[i32] = &[libc::ENOTSUP, libc::ENOTTY, libc::EINVAL];
    match synced {
        Err(error) if has_error_number(&error, REFUSALS) => Ok(rustix::fs::fsync(file)?),
        synced => synced,
    }
}

/// Returns the outcome of a sync: elsewhere than on macOS the standard library asks for `fsync`.
#[cfg(not(target_vendor = "apple"))]
fn or_plain_sync(_: &File, synced: io::Result<()>) -> io::Result<()> {
    synced
}

/// Creates a folder for its owner alone. The parent folder must exist.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Returns options for opening a file without waiting, even for a named pipe without a writer.
pub(crate) fn without_blocking(mut options: cap_std::fs::OpenOptions) -> cap_std::fs::OpenOptions {
    use cap_std::fs::OpenOptionsExt as _;
    options.custom_flags(libc::O_NONBLOCK);
    options
}

/// Lists the names in a folder below an open root.
pub(crate) fn list_folder(root: &Dir, _: &Path, folder: &Path) -> io::Result<FolderNames> {
    root.read_dir(folder)
}

/// Returns `true` for a name that the file system marks as hidden. A dot in front is no such mark.
pub(crate) fn is_marked_hidden(_: &FolderEntry) -> bool {
    false
}

/// Returns the file for reading the content, after `opened` was opened at a path below a root.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every system"
)]
pub(crate) fn file_for_content(
    opened: cap_std::fs::File,
    _: &Dir,
    _: &Path,
    _: &Path,
) -> io::Result<File> {
    Ok(opened.into_std())
}

/// Returns `true` for a named pipe.
pub(crate) fn is_pipe(metadata: &cap_std::fs::Metadata) -> bool {
    use cap_std::fs::FileTypeExt as _;
    metadata.file_type().is_fifo()
}

/// Returns `true` if opening or creating a file failed because writing is not permitted.
pub(crate) fn is_write_refused(error: &io::Error) -> bool {
    has_error_number(error, &[libc::EACCES, libc::EPERM, libc::EROFS])
}

/// Returns `true` if locking failed because the file system has no locks.
pub(crate) fn are_locks_missing(error: &io::Error) -> bool {
    has_error_number(
        error,
        &[
            libc::EOPNOTSUPP,
            libc::ENOTSUP,
            libc::ENOLCK,
            libc::ENOSYS,
            libc::EINVAL,
        ],
    )
}

/// Returns `true` if syncing a folder failed because the file system cannot do so.
pub(crate) fn is_folder_sync_missing(error: &io::Error) -> bool {
    has_error_number(
        error,
        &[libc::EINVAL, libc::EOPNOTSUPP, libc::ENOTSUP, libc::ENOSYS],
    )
}

/// Returns `true` if an action failed because another program holds the file. On Unix, network file
/// systems do so where the server refuses the action (Windows or Samba), and on the server itself a
/// file with a lease is not opened without waiting (`EWOULDBLOCK`, documented in `open(2)`).
pub(crate) fn is_file_in_use(error: &io::Error) -> bool {
    has_error_number(error, &[libc::EBUSY, libc::ETXTBSY, libc::EWOULDBLOCK])
}

/// Returns `true` if a file could not get a name because another program holds the file with the
/// name.
pub(crate) fn is_replacement_blocked(error: &io::Error) -> bool {
    is_file_in_use(error)
}

/// Returns `true` if a path cannot be opened because the path leads to a socket, or to a device
/// without a driver. For a socket, Linux answers `ENXIO`, and macOS `EOPNOTSUPP` (documented in
/// open(2) of each).
pub(crate) fn has_no_driver(error: &io::Error) -> bool {
    has_error_number(error, &[libc::ENXIO, libc::EOPNOTSUPP])
}

fn has_error_number(error: &io::Error, numbers: &[i32]) -> bool {
    error
        .raw_os_error()
        .is_some_and(|number| numbers.contains(&number))
}

/// Clock that counts the sleep of the machine. `CLOCK_MONOTONIC` stands still in a sleep on Linux,
/// and keeps running on macOS.
#[cfg(target_os = "linux")]
const CLOCK_WITH_SLEEP: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK_WITH_SLEEP: ClockId = ClockId::Monotonic;

/// Returns the time since a fixed moment in the past, the machine's sleep included.
pub(crate) fn time_since_boot() -> Duration {
    Duration::try_from(clock_gettime(CLOCK_WITH_SLEEP)).unwrap_or_default()
}

/// Forbids core dumps of this process.
///
/// The limit alone is not enough on Linux: where the system hands dumps to a program, the program
/// decides about respecting the limit. A process that is not dumpable is never dumped. The memory
/// and the environment, which holds the keys, are closed to the user's other programs as well. The
/// price: only root can attach a debugger to a run. (A tracer that starts `consign` itself, such as
/// `strace consign`, still sees the system calls.)
pub(crate) fn forbid_core_dumps() {
    // Neither call is ever refused, unless a sandbox forbids even this; the run is no worse without
    // them.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Number of files that a run may have open, where the system allows as many. The most that macOS
/// accepts (`OPEN_MAX`).
const OPEN_FILES: u64 = 10_240;

/// Raises the number of files that this process may have open. macOS begins with 256, and Linux
/// with 1,024, which uploads of `--concurrency 1000` exceed.
pub(crate) fn raise_open_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        // Refused at worst, and then the run goes on with what there is.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(wanted),
                ..limit
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_network_share_refuses_to_open_is_in_use() {
        for (number, in_use) in [
            (libc::EBUSY, true),
            (libc::ETXTBSY, true),
            (libc::EWOULDBLOCK, true),
            (libc::EACCES, false),
            (libc::EIO, false),
        ] {
            assert_eq!(
                is_file_in_use(&io::Error::from_raw_os_error(number)),
                in_use
            );
        }
        assert!(!is_file_in_use(&io::Error::other("busy")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_forbids_it_is_never_dumped() {
        use rustix::process::{DumpableBehavior, dumpable_behavior};

        forbid_core_dumps();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
    }

    #[test]
    fn a_process_may_open_as_many_files_as_the_system_allows() {
        raise_open_file_limit();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let most = maximum.unwrap_or(OPEN_FILES);
        assert!(current.is_none_or(|current| current >= most.min(OPEN_FILES)));
    }

    #[test]
    fn a_placeholder_keeps_a_file_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = |text: &str| {
            let file = NamedTempFile::new_in(&folder).unwrap();
            fs::write(file.path(), text).unwrap();
            persist_over_placeholder(file, &path).map_err(|refused| refused.error.kind())
        };
        write("first").unwrap();
        assert_eq!(write("second").unwrap_err(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
