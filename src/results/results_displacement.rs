//! The path of the results during a run: a run may only continue as long as the next run would find
//! its lines there.
//!
//! Sync clients, editors and people put other files at the path, write into the file, or take the
//! file away. A run that went on would write into a file that nobody has any more, and the next run
//! would send everything again.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file::is_same_file;
use crate::root::path_beside;

/// Change made by another program at the path of results in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultsDisplacement {
    /// The path leads to nothing.
    Removed,
    /// The path leads to another file.
    Replaced,
    /// Another program wrote into the file.
    Rewritten {
        /// Length in bytes, as written by the run.
        written: u64,
        /// Present length in bytes.
        found: u64,
    },
}

impl fmt::Display for ResultsDisplacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("was removed"),
            Self::Replaced => f.write_str("was replaced by another file"),
            Self::Rewritten { written, found } => {
                f.write_str("was rewritten by another program")?;
                if found == written {
                    return Ok(());
                }
                write!(f, " (it has {found} bytes instead of {written})")
            }
        }
    }
}

/// Compares the file at a path with the file opened there before, which has `length` bytes.
///
/// Another program may still come between the check and the next write: no file system lets a file
/// be written to on the condition that its path leads to it. Callers therefore check before each
/// write, after each sync, and again before each request: only steps under way at that moment can
/// go wrong.
pub(super) fn detect_displacement(
    file: &File,
    path: &Path,
    length: u64,
) -> io::Result<Option<ResultsDisplacement>> {
    if !is_same_file(file, path)? {
        let is_gone = fs::symlink_metadata(path).is_err();
        return Ok(Some(if is_gone {
            ResultsDisplacement::Removed
        } else {
            ResultsDisplacement::Replaced
        }));
    }
    let found = file.metadata()?.len();
    Ok((found != length).then_some(ResultsDisplacement::Rewritten {
        written: length,
        found,
    }))
}

/// Names to try, one after the other, for results without a place of their own any more:
/// `m.results.kept.csv`, `m.results.kept-2.csv` and so on for `m.results.csv`.
pub(super) fn kept_results_paths(path: &Path) -> impl Iterator<Item = PathBuf> {
    let extension = path.extension().unwrap_or_default().to_os_string();
    let path = path.to_owned();
    (1_u32..).map(move |nth| {
        let mut name = path.file_stem().unwrap_or_default().to_os_string();
        name.push(match nth {
            1 => ".kept".to_owned(),
            nth => format!(".kept-{nth}"),
        });
        if !extension.is_empty() {
            name.push(".");
            name.push(&extension);
        }
        path_beside(&path, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_are_kept_get_names_that_tell_whose_they_are() {
        for (path, names) in [
            (
                "a b/m.results.csv",
                ["a b/m.results.kept.csv", "a b/m.results.kept-2.csv"],
            ),
            ("results", ["results.kept", "results.kept-2"]),
        ] {
            let found: Vec<_> = kept_results_paths(Path::new(path)).take(2).collect();
            assert_eq!(found, names.map(PathBuf::from));
        }
    }
}
