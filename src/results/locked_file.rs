//! Opening of an existing results file, with a lock for its only writer.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::ResultsError;
use super::folder_probe::{ADVICE_FOR_EXISTING_RESULTS, io_error, unfit_folder_or_io_error};
use crate::atomic_file::{MissingFolderFeature, is_file_in_use, is_same_file};
use crate::platform::{self, WriterGuard};

/// Results file with this process as its only writer.
pub(super) struct LockedFile {
    pub(super) file: File,
    pub(super) guard: WriterGuard,
}

/// Claims the path of results for this process.
pub(super) fn claim_path(path: &Path, way_on: &'static str) -> Result<WriterGuard, ResultsError> {
    WriterGuard::claim(path).map_err(|refused| match refused {
        TryLockError::WouldBlock => ResultsError::Locked {
            path: path.to_owned(),
        },
        TryLockError::Error(source) => {
            let lack = MissingFolderFeature::from_open_error(&source);
            unfit_folder_or_io_error("lock a file beside", lack, path, source, way_on)
        }
    })
}

/// Opens and locks the file. Returns `None` where there is no file.
pub(super) fn open_locked(path: &Path) -> Result<Option<LockedFile>, ResultsError> {
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
        let guard = claim_path(path, ADVICE_FOR_EXISTING_RESULTS)?;
        let file = platform::open_for_one_writer(path).map_err(|source| {
            if is_file_in_use(&source) {
                return ResultsError::HeldOpen {
                    path: path.to_owned(),
                    source,
                };
            }
            let lack = MissingFolderFeature::from_open_error(&source);
            unfit_folder_or_io_error("open", lack, path, source, ADVICE_FOR_EXISTING_RESULTS)
        })?;
        let links = platform::count_hard_links(&file);
        if links.map_err(|source| io_error("open", path, source))? > 1 {
            return Err(ResultsError::Linked {
                path: path.to_owned(),
            });
        }
        match platform::lock_for_one_writer(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ResultsError::Locked {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => {
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
            return Ok(Some(LockedFile { file, guard }));
        }
    }
}
