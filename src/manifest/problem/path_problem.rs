//! Mistakes in paths that may mean several files, or a file in another spelling.

use super::problem_kind::Severity;
use crate::manifest::Manifest;
use crate::manifest::sought_path::is_path_separator;
use crate::text::{CommandShell, quoted};

/// Largest number of paths that a message names.
const MAX_PATHS_NAMED: usize = 5;

/// Difference between a path and the file that the path may mean.
const ONLY_SPELLING: &str = "only in case or in the encoding of accents (NFC or NFD)";

/// Mistake in a path whose file cannot be told without a look at the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathProblem {
    /// The name of the path's file contains a `\`.
    Backslash,
    /// The path is the path of one file if its `\` are parts of names, and of another file if they
    /// stand between the parts.
    AmbiguousBackslash {
        /// Path with `/` between its parts, and path with `\` as parts of names.
        candidates: Box<[Box<str>; 2]>,
    },
    /// No file has the path, and the only file with the same letters, apart from case and the
    /// encoding of accents, is taken for the file.
    Respelt {
        /// Path of the file on the disk.
        path: Box<str>,
    },
    /// No file has the path, and several files have the same letters, apart from case and the
    /// encoding of accents.
    Ambiguous {
        /// Paths of the files on the disk.
        candidates: Box<[Box<str>]>,
    },
    /// No file has the path, and another path of the manifest means the only file with the same
    /// letters, apart from case and the encoding of accents.
    FileOfOtherPath {
        /// Path of the file on the disk.
        path: Box<str>,
        /// Number of a row with the other path.
        other: u32,
    },
    /// All paths have a beginning that the root does not have, and with whose removal a file is
    /// found.
    SharedPrefix {
        /// Beginning, as the first path spells the beginning.
        prefix: Box<str>,
    },
    /// No path begins with the prefix that the user takes off.
    UnusedPrefix {
        /// Prefix as typed.
        prefix: Box<str>,
    },
}

impl PathProblem {
    /// Returns the word for scripts.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Backslash => "backslash",
            Self::AmbiguousBackslash { .. } => "ambiguous_backslash",
            Self::Respelt { .. } => "respelt_path",
            Self::Ambiguous { .. } => "ambiguous_path",
            Self::FileOfOtherPath { .. } => "file_of_other_path",
            Self::SharedPrefix { .. } => "shared_prefix",
            Self::UnusedPrefix { .. } => "unused_prefix",
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Respelt { .. } | Self::UnusedPrefix { .. } => Severity::Warning,
            Self::Backslash
            | Self::AmbiguousBackslash { .. }
            | Self::Ambiguous { .. }
            | Self::FileOfOtherPath { .. }
            | Self::SharedPrefix { .. } => Severity::Error,
        }
    }

    /// Returns the subject of the sentence, for a cell with the given value.
    pub(super) fn subject(&self, value: &str) -> String {
        match self {
            Self::SharedPrefix { .. } => "each path".to_owned(),
            Self::UnusedPrefix { .. } => "no path".to_owned(),
            _ => quoted(value),
        }
    }

    /// Returns the mistake in words, without the path.
    pub(super) fn predicate(&self, manifest: &Manifest) -> String {
        match self {
            Self::Backslash => {
                "is the path of a file with a `\\` in its name, which no service stores".to_owned()
            }
            Self::AmbiguousBackslash { candidates } => {
                let [with_slashes, in_names] = &**candidates;
                format!(
                    "may mean {}, and may mean a file with a `\\` in its name, {}",
                    quoted(with_slashes),
                    quoted(in_names)
                )
            }
            Self::Respelt { path } => format!(
                "is taken for the file {}, which differs {ONLY_SPELLING}",
                quoted(path)
            ),
            Self::Ambiguous { candidates } => format!(
                "does not exist, and differs {ONLY_SPELLING} from {}",
                listed(candidates, "and")
            ),
            Self::FileOfOtherPath { path, other } => format!(
                "does not exist, and {}, which differs {ONLY_SPELLING}, is the file of {} in {}",
                quoted(path),
                quoted(manifest.row_numbered(*other).file_path()),
                manifest.row_place(*other)
            ),
            Self::SharedPrefix { prefix } => format!(
                "begins with {}, which the root does not have",
                quoted(prefix)
            ),
            Self::UnusedPrefix { prefix } => format!("begins with {}", quoted(prefix)),
        }
    }

    /// Returns the advice.
    pub(super) fn remedy(&self) -> String {
        let remedy = match self {
            Self::SharedPrefix { prefix } => {
                return format!("take the beginning off with {}", strip_option(prefix));
            }
            Self::UnusedPrefix { .. } => "correct --strip-prefix, or leave the option out",
            Self::Backslash => "rename the file",
            Self::AmbiguousBackslash { .. } => {
                "write the path with `/`, or rename the file with the `\\`"
            }
            Self::Respelt { .. } => "correct the path if another file is meant",
            Self::Ambiguous { .. } => "write the path of the right file",
            Self::FileOfOtherPath { .. } => "correct the path, or write the same path in both rows",
        };
        remedy.to_owned()
    }
}

/// Returns the option that takes a beginning off, as a user types the option.
///
/// The separator at the end is left out, and does not count: a `\` before a closing quote belongs to
/// the quote for some shells.
fn strip_option(prefix: &str) -> String {
    let shell = CommandShell::of_this_process();
    let prefix = match prefix.trim_end_matches(is_path_separator) {
        "" => prefix,
        parts => parts,
    };
    if prefix.starts_with('-') {
        return shell.word(format!("--strip-prefix={prefix}").as_ref());
    }
    format!("--strip-prefix {}", shell.word(prefix.as_ref()))
}

/// Returns paths as a list in words: `"a", "b" or "c"`.
pub(super) fn listed(paths: &[Box<str>], conjunction: &str) -> String {
    let mut words: Vec<String> = paths
        .iter()
        .take(MAX_PATHS_NAMED)
        .map(|path| quoted(path))
        .collect();
    if paths.len() > MAX_PATHS_NAMED {
        words.push("others".to_owned());
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => {
            format!("{} {conjunction} {last}", rest.join(", "))
        }
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_five_paths_are_named() {
        for (count, words) in [
            (1, "\"1\""),
            (2, "\"1\" or \"2\""),
            (5, "\"1\", \"2\", \"3\", \"4\" or \"5\""),
            (7, "\"1\", \"2\", \"3\", \"4\", \"5\" or others"),
        ] {
            let paths: Vec<Box<str>> = (1..=count).map(|path| path.to_string().into()).collect();
            assert_eq!(listed(&paths, "or"), words);
        }
    }
}
