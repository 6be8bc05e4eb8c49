//! The check of a folder for results: files can be made, locked and made durable there.

use std::io;
use std::path::Path;

use super::ResultsError;
use crate::root::folder_of;
use crate::whole_file::{self, FolderLack};

/// Advice to a user without results yet.
pub(super) const BEGIN_ELSEWHERE: &str = "name a results file on a local disk with --results";

/// Advice to a user with results in the folder.
pub(super) const COPY_ELSEWHERE: &str =
    "copy it to a local disk, and name the copy, and from then on no other, with --results";

/// Fails with [`ResultsError::UnfitFolder`] if the folder of results lacks an ability.
pub(super) fn probe(path: &Path, way_on: &'static str) -> Result<(), ResultsError> {
    whole_file::probe(folder_of(path)).map_err(|unfit| {
        let doing = match unfit.doing {
            "write to" => "write to the folder of",
            "sync" => "sync the folder of",
            _ => "lock a file beside",
        };
        unfit_or_failed(doing, unfit.lack, path, unfit.cause, way_on)
    })
}

/// Makes [`ResultsError::UnfitFolder`] of an error that shows a lack of the folder, and
/// [`ResultsError::Io`] of an error of the moment.
pub(super) fn unfit_or_failed(
    doing: &'static str,
    lack: Option<FolderLack>,
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
        None => failed(doing, path, source),
    }
}

/// Makes [`ResultsError::Io`] of an error of the operating system.
pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> ResultsError {
    ResultsError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
