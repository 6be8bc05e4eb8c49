//! A file that a command writes as a whole: readable by the user alone, and either all there or not
//! there at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::root::folder_of;
use crate::temporary::FolderLack;

/// Writes a file beside the one at `path`, and puts it in its place once it is on the disk. A
/// symbolic link there is replaced, not followed.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failure| failure.error)?;
    match File::open(folder)?.sync_all() {
        // No run depends on it, so that a file system that cannot do better will do.
        Err(error) if FolderLack::of_syncing(&error).is_some() => Ok(()),
        synced => synced,
    }
}

/// Whether a file can be made beside the one at `path`: better known before hours of work than after.
pub(crate) fn is_possible(path: &Path) -> io::Result<()> {
    // It has no name, and is gone when this returns.
    tempfile::tempfile_in(folder_of(path)).map(drop)
}
