//! The file that is to take another name: made in the folder of that name, and cleared away where a
//! run was killed before it could.
//!
//! Such a file is locked for as long as somebody is at work on it, so that one which can be locked
//! has been left behind. It has a name of its own kind, so that no other file is ever taken for one.

use std::ffi::OsStr;
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
