//! Opening of an existing results file, with a lock for its only writer.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::ResultsError;
use super::folder_probe::{ADVICE_FOR_EXISTING_RESULTS, io_error, unfit_folder_or_io_error};
use crate::atomic_file::{MissingFolderFeature, is_same_file};

/// Opens and locks the file. Returns `None` where there is no file.
pub(super) fn open_locked(path: &Path) -> Result<Option<File>, ResultsError> {
    loop {
        let about = match fs::symlink_metadata(path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("open", path, source)),
        };
        if !about.is_file() {
            return Err(ResultsError::NotResults {
                path: path.to_owned(),
                why: "a plain file is expected".into(),
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
                let lack = MissingFolderFeature::from_open_error(&source);
                unfit_folder_or_io_error("open", lack, path, source, ADVICE_FOR_EXISTING_RESULTS)
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ResultsError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(fs::TryLockError::Error(source)) => {
                let lack = MissingFolderFeature::from_lock_error(&source);
                return Err(unfit_folder_or_io_error(
                    "lock",
                    lack,
                    path,
                    source,
                    ADVICE_FOR_EXISTING_RESULTS,
                ));
            }
        }
        // Another run may have replaced the file between the opening and the locking.
        if is_same_file(&file, path).map_err(|source| io_error("open", path, source))? {
            return Ok(Some(file));
        }
    }
}
