//! The check of a folder for results: files can be made, locked and made durable there.

use std::io;
use std::path::Path;

use super::ResultsError;
use crate::atomic_file::{self, MissingFolderFeature};
use crate::root::parent_folder;

/// Advice to a user without results yet.
pub(super) const ADVICE_FOR_NEW_RESULTS: &str =
    "name a results file on a local disk with --results";

/// Advice to a user with results in the folder.
pub(super) const ADVICE_FOR_EXISTING_RESULTS: &str =
    "copy the file to a local disk, and name only the copy with --results from then on";

/// Fails with [`ResultsError::UnfitFolder`] if the folder of results lacks an ability.
pub(super) fn probe_folder(path: &Path, way_on: &'static str) -> Result<(), ResultsError> {
    atomic_file::probe_folder(parent_folder(path)).map_err(|unfit| {
        let doing = match unfit.action {
            "write to" => "write to the folder of",
            "sync" => "sync the folder of",
            _ => "lock a file beside",
        };
        unfit_folder_or_io_error(doing, unfit.missing_feature, path, unfit.cause, way_on)
    })
}

/// Makes [`ResultsError::UnfitFolder`] of an error that shows a lack of the folder, and
/// [`ResultsError::Io`] of an error of the moment.
pub(super) fn unfit_folder_or_io_error(
    doing: &'static str,
    lack: Option<MissingFolderFeature>,
    path: &Path,
    source: io::Error,
    way_on: &'static str,
) -> ResultsError {
    match lack {
        Some(lack) => ResultsError::UnfitFolder {
            path: path.to_owned(),
            lack,
            source,
            way_on,
        },
        None => io_error(doing, path, source),
    }
}

/// Makes [`ResultsError::Io`] of an error of the operating system.
pub(super) fn io_error(doing: &'static str, path: &Path, source: io::Error) -> ResultsError {
    ResultsError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
