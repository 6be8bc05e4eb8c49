//! Whether a folder will do for results: files can be made, locked and made durable there.

use std::io;
use std::path::Path;

use super::ResultsError;
use crate::root::folder_of;
use crate::whole_file::{self, FolderLack};

/// What a user can do whose results are not begun yet.
pub(super) const BEGIN_ELSEWHERE: &str = "name a results file on a local disk with --results";

/// What a user can do who has results there.
pub(super) const COPY_ELSEWHERE: &str =
    "copy it to a local disk, and name the copy, and from then on no other, with --results";

/// Finds out whether the folder of results will do.
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

/// What the system refuses that is no failure of the moment, but what the folder lacks.
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

/// What the system refuses.
pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> ResultsError {
    ResultsError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
