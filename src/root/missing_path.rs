//! Explanations of missing files: the one file that a path means in another spelling, and the "did
//! you mean" of file paths.
//!
//! A file whose path has the same letters, apart from case and the encoding of accents, may be taken
//! for the missing file if no other file has these letters. Any other likeness is good for a
//! suggestion alone. Folder listings are cached, and the number of names read is bounded.

use std::collections::HashMap;
use std::io;

use super::Root;
use super::folder_listing::FolderListing;
use crate::text::{WindowsNameFault, have_same_letters};

/// Total number of names read before suggestions stop.
const MAX_NAMES_READ: usize = 1_000_000;

/// Largest number of folders, or of files, that one path may mean before the search is given up.
const MAX_BRANCHES: usize = 32;

/// Largest number of suggestions for one path.
const MAX_SUGGESTIONS: usize = 5;

/// Reason for which no file has a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingPathCause {
    /// The file is missing, though its folder can be listed.
    NoSuchFile {
        /// Paths of existing files that a reader may take for the missing file, at most five.
        similar_paths: Vec<String>,
    },
    /// A folder on the path is missing.
    NoSuchFolder {
        /// Path of the first missing folder.
        folder: String,
    },
    /// The present system reaches no file by the path, whatever the disk holds.
    UnreachableName {
        /// First part of the path with a fault.
        part: String,
        /// Fault of the part.
        fault: WindowsNameFault,
    },
    /// The file exists, but its name on the disk is not UTF-8.
    NameNotUtf8,
}

/// Existing files whose paths have the same letters as a missing path, apart from case and the
/// encoding of accents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RespeltPath {
    /// No such file was found.
    None,
    /// There is exactly one such file, with this path.
    One(String),
    /// There are several such files.
    Several(Vec<String>),
}

/// Explainer of missing paths below a root, with a cache of folder listings.
#[derive(Debug)]
pub struct MissingPathExplainer<'r> {
    root: &'r Root,
    listings: HashMap<String, ReadFolder>,
    names_left: usize,
}

/// Outcome of the reading of a folder.
#[derive(Debug)]
enum ReadFolder {
    /// The names in the folder are known.
    Listed(FolderListing),
    /// The path leads to no folder below the root.
    NoFolder,
    /// The names are unknown: the folder cannot be read, or too many names have been read.
    Unknown,
}

/// Paths found part by part from the root.
#[derive(Debug, Default)]
struct PathSearch {
    /// Paths of all parts, or none.
    found: Vec<String>,
    /// Folders in which the first missing part was sought.
    last_folders: Vec<String>,
    /// Number of parts that exist in some spelling.
    depth: usize,
    /// `true` if some folder could not be searched, so that there may be other paths.
    is_unsure: bool,
}

impl<'r> MissingPathExplainer<'r> {
    /// Creates an explainer without any listing.
    pub fn new(root: &'r Root) -> Self {
        Self {
            root,
            listings: HashMap::new(),
            names_left: MAX_NAMES_READ,
        }
    }

    /// Returns the file that a missing path means in another spelling. The result is
    /// [`RespeltPath::None`] also where not all folders could be searched.
    pub fn find_respelt(&mut self, file_path: &str) -> RespeltPath {
        // Only a folder may have a separator at its end.
        if file_path.ends_with('/') {
            return RespeltPath::None;
        }
        let search = self.search(&parts_of(file_path), have_same_letters);
        if search.is_unsure {
            return RespeltPath::None;
        }
        let mut files = search.found;
        files.retain(|path| self.root.stamp_file(path).is_ok());
        match files.len() {
            0 => RespeltPath::None,
            1 => RespeltPath::One(files.swap_remove(0)),
            _ => RespeltPath::Several(files),
        }
    }

    /// Explains a missing path by the names below the root, and by the rules for names where the
    /// names below the root do not help.
    pub fn explain(&mut self, file_path: &str) -> MissingPathCause {
        let cause = self.explain_by_listings(file_path);
        let is_helpful = match &cause {
            MissingPathCause::NoSuchFile { similar_paths } => !similar_paths.is_empty(),
            MissingPathCause::NoSuchFolder { .. } => false,
            MissingPathCause::UnreachableName { .. } | MissingPathCause::NameNotUtf8 => true,
        };
        match WindowsNameFault::in_path(file_path, self.root.path_syntax) {
            Some((part, fault)) if !is_helpful => {
                let part = part.to_owned();
                MissingPathCause::UnreachableName { part, fault }
            }
            _ => cause,
        }
    }

    /// Follows the parts of a missing path from the root.
    fn explain_by_listings(&mut self, file_path: &str) -> MissingPathCause {
        let parts = parts_of(file_path);
        let search = self.search(&parts, |_, _| true);
        if search.depth == parts.len() || search.is_unsure {
            return MissingPathCause::NoSuchFile {
                similar_paths: self.suggestions(search.found, &parts.join("/")),
            };
        }
        let missing = parts[search.depth];
        let is_in_other_encoding = search.last_folders.iter().any(|folder| {
            let listing = self.listings.get(folder).and_then(ReadFolder::listing);
            listing.is_some_and(|listing| listing.has_non_utf8_lookalike(missing))
        });
        if is_in_other_encoding {
            MissingPathCause::NameNotUtf8
        } else if search.depth + 1 < parts.len() {
            MissingPathCause::NoSuchFolder {
                folder: parts[..=search.depth].join("/"),
            }
        } else {
            MissingPathCause::NoSuchFile {
                similar_paths: Vec::new(),
            }
        }
    }

    /// Returns the paths to suggest among paths that look like a missing path: files rather than
    /// anything else, and paths with the same letters first.
    fn suggestions(&self, mut similar: Vec<String>, missing: &str) -> Vec<String> {
        // The missing path itself is listed if the path is a dangling link.
        similar.retain(|path| path != missing);
        let is_file = |path: &String| self.root.stamp_file(path).is_ok();
        if similar.iter().any(is_file) {
            similar.retain(is_file);
        }
        similar.sort_by_key(|path| !have_same_letters(path, missing));
        similar.truncate(MAX_SUGGESTIONS);
        similar
    }

    /// Follows the parts of a path from the root, through all names that look like the parts and
    /// are `alike`.
    fn search(&mut self, parts: &[&str], alike: fn(&str, &str) -> bool) -> PathSearch {
        let mut search = PathSearch::default();
        let mut reached = vec![String::new()];
        for part in parts {
            let mut next = Vec::new();
            for folder in &reached {
                match self.read_folder(folder) {
                    ReadFolder::Listed(listing) => next.extend(
                        listing
                            .lookalikes(part)
                            .filter(|name| alike(name, part))
                            .map(|name| path_in_folder(folder, name)),
                    ),
                    ReadFolder::NoFolder => {}
                    ReadFolder::Unknown => search.is_unsure = true,
                }
            }
            if next.len() > MAX_BRANCHES {
                next.truncate(MAX_BRANCHES);
                search.is_unsure = true;
            }
            if next.is_empty() {
                search.last_folders = reached;
                return search;
            }
            search.depth += 1;
            reached = next;
        }
        search.found = reached;
        search
    }

    fn read_folder(&mut self, folder: &str) -> &ReadFolder {
        if !self.listings.contains_key(folder) {
            let listing = self.list_folder(folder);
            self.listings.insert(folder.to_owned(), listing);
        }
        &self.listings[folder]
    }

    fn list_folder(&mut self, folder: &str) -> ReadFolder {
        let entries = match self.root.list_folder(folder) {
            Ok(entries) => entries,
            Err(error) if is_no_folder_below_root(&error) => return ReadFolder::NoFolder,
            Err(_) => return ReadFolder::Unknown,
        };
        let mut listing = FolderListing::default();
        for entry in entries {
            let Ok(entry) = entry else {
                return ReadFolder::Unknown;
            };
            let Some(left) = self.names_left.checked_sub(1) else {
                return ReadFolder::Unknown;
            };
            self.names_left = left;
            listing.add_name(&entry.file_name());
        }
        listing.complete();
        ReadFolder::Listed(listing)
    }
}

impl ReadFolder {
    fn listing(&self) -> Option<&FolderListing> {
        match self {
            Self::Listed(listing) => Some(listing),
            Self::NoFolder | Self::Unknown => None,
        }
    }
}

/// Returns the parts of a path, without empty parts and parts `.`, which lead nowhere.
fn parts_of(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect()
}

fn path_in_folder(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns `true` if an error says for certain that a path leads to no folder below the root. The
/// refusal of a way out of the root has no error number of the system.
fn is_no_folder_below_root(error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => true,
        io::ErrorKind::PermissionDenied => error.raw_os_error().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
