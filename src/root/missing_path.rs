//! Explanations of missing files: the "did you mean" of file paths.
//!
//! Only differences invisible to people are searched: case, the encoding of accents, blanks at the
//! ends, and names outside of UTF-8. Folder listings are cached, and the number of names read is
//! bounded.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::Path;

use encoding_rs::WINDOWS_1252;

use super::Root;
use crate::text::fold_case_and_accents;

/// Total number of names read before suggestions stop.
const MAX_NAMES_READ: usize = 200_000;

/// Reason for which no file has a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingPathCause {
    /// The file is missing, though its folder can be listed.
    NoSuchFile {
        /// Path of an existing file without a visible difference, if any.
        similar_path: Option<String>,
    },
    /// A folder on the path is missing.
    NoSuchFolder {
        /// Path of the first missing folder.
        folder: String,
    },
    /// The file exists, but its name on the disk is not UTF-8.
    NameNotUtf8,
}

/// Explainer of missing paths below a root, with a cache of folder listings.
#[derive(Debug)]
pub struct MissingPathExplainer<'r> {
    root: &'r Root,
    listings: HashMap<String, Option<FolderListing>>,
    names_left: usize,
}

#[derive(Debug, Default)]
struct FolderListing {
    /// Names in the folder, by folded name.
    names: HashMap<String, Vec<String>>,
    /// Folded names outside of UTF-8, decoded as Windows-1252, their usual encoding.
    not_utf8: HashSet<String>,
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

    /// Explains a missing path by following the parts from the root.
    pub fn explain(&mut self, file_path: &str) -> MissingPathCause {
        let parts: Vec<&str> = file_path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        let mut actual = String::new();
        let mut is_other = false;
        for (index, part) in parts.iter().enumerate() {
            let Some(listing) = self.listing(&actual) else {
                return MissingPathCause::NoSuchFile { similar_path: None };
            };
            let Some(name) = listing.find_similar(part) else {
                return listing.missing_cause(&parts, index);
            };
            is_other |= name != *part;
            if index > 0 {
                actual.push('/');
            }
            actual.push_str(name);
        }
        MissingPathCause::NoSuchFile {
            // All parts exist by name otherwise: the path is a dangling link.
            similar_path: is_other.then_some(actual),
        }
    }

    fn listing(&mut self, folder: &str) -> Option<&FolderListing> {
        if !self.listings.contains_key(folder) {
            let listing = self.read_listing(folder);
            self.listings.insert(folder.to_owned(), listing);
        }
        self.listings.get(folder)?.as_ref()
    }

    /// Reads a folder. Returns `None` for a folder that cannot be listed or exceeds the bound of
    /// names.
    fn read_listing(&mut self, folder: &str) -> Option<FolderListing> {
        let folder = if folder.is_empty() { "." } else { folder };
        let mut listing = FolderListing::default();
        for entry in self.root.dir().read_dir(Path::new(folder)).ok()? {
            self.names_left = self.names_left.checked_sub(1)?;
            listing.add_name(&entry.ok()?.file_name());
        }
        Some(listing)
    }
}

impl FolderListing {
    fn add_name(&mut self, name: &OsStr) {
        if let Some(name) = name.to_str() {
            let alike = self.names.entry(comparison_key(name)).or_default();
            alike.push(name.to_owned());
        } else {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(name.as_encoded_bytes());
            self.not_utf8.insert(comparison_key(&text));
        }
    }

    /// Returns the name if present in the folder, or else a present name of the same looks.
    fn find_similar(&self, name: &str) -> Option<&str> {
        let alike = self.names.get(&comparison_key(name))?;
        let exact = alike.iter().find(|other| *other == name);
        exact.or(alike.first()).map(String::as_str)
    }

    /// Explains the absence of the path part at `index` from this folder.
    fn missing_cause(&self, parts: &[&str], index: usize) -> MissingPathCause {
        if self.not_utf8.contains(&comparison_key(parts[index])) {
            MissingPathCause::NameNotUtf8
        } else if index + 1 < parts.len() {
            MissingPathCause::NoSuchFolder {
                folder: parts[..=index].join("/"),
            }
        } else {
            MissingPathCause::NoSuchFile { similar_path: None }
        }
    }
}

fn comparison_key(name: &str) -> String {
    fold_case_and_accents(name.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn the_file_that_was_probably_meant_is_named() {
        let folder = folder_with(&["Contracts/Vertra\u{308}ge.PDF", "b.pdf ", "c/c.pdf"]);
        let root = Root::from_path(folder.path()).unwrap();
        let mut neighbours = MissingPathExplainer::new(&root);
        for (missing, nearly) in [
            (
                "contracts/Verträge.pdf",
                Some("Contracts/Vertra\u{308}ge.PDF"),
            ),
            (
                "./Contracts//Verträge.PDF",
                Some("Contracts/Vertra\u{308}ge.PDF"),
            ),
            ("b.pdf", Some("b.pdf ")),
            ("Contracts/other.pdf", None),
            ("c/c.pdf/x", None),
        ] {
            let nearly = nearly.map(str::to_owned);
            assert_eq!(
                neighbours.explain(missing),
                MissingPathCause::NoSuchFile {
                    similar_path: nearly
                },
                "{missing}"
            );
        }
    }

    #[test]
    fn the_first_missing_folder_is_named() {
        let folder = folder_with(&["a/b.pdf"]);
        let root = Root::from_path(folder.path()).unwrap();
        let folder = "a/x".to_owned();
        assert_eq!(
            MissingPathExplainer::new(&root).explain("a/x/y/b.pdf"),
            MissingPathCause::NoSuchFolder { folder }
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_on_the_disk_that_is_not_utf_8_is_recognised() {
        use std::os::unix::ffi::OsStrExt as _;

        let folder = tempfile::tempdir().unwrap();
        let name = OsStr::from_bytes(b"Vertr\xE4ge.pdf");
        fs::write(folder.path().join(name), "x").unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        assert_eq!(
            MissingPathExplainer::new(&root).explain("Verträge.pdf"),
            MissingPathCause::NameNotUtf8
        );
    }

    #[test]
    fn a_folder_of_too_many_names_gives_no_suggestion() {
        let folder = folder_with(&["A.pdf", "b.pdf"]);
        let root = Root::from_path(folder.path()).unwrap();
        let mut neighbours = MissingPathExplainer::new(&root);
        neighbours.names_left = 1;
        assert_eq!(
            neighbours.explain("a.pdf"),
            MissingPathCause::NoSuchFile { similar_path: None }
        );
    }
}
