//! Files below the root without a row: the first question of an audit is completeness.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use serde::Serialize;

use crate::manifest::{Manifest, OwnFileFinder, RawRow, SoughtPath};
use crate::platform::FileIdentity;
use crate::root::{FolderWalkEnd, Root, WalkFinding, parent_folder};
use crate::text::{count_with_noun, fold_case_and_accents, group_thousands, quote_first};

/// Number of names read by the search beyond two for each row: enough for a folder with many
/// other files, and over in minutes on a slow share.
const MAX_SURPLUS_NAMES: usize = 200_000;

/// Most files named in a sentence.
const MAX_FILES_NAMED: usize = 10;

/// Files below the root without a row, apart from hidden files, system files and the files of the
/// work with consign.
///
/// A row with problems counts as well. A path with another case or another encoding of accents
/// than the file's path names the file, unless another file has the very path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnnamedFiles {
    count: usize,
    /// Paths in the order of their bytes.
    paths: Vec<String>,
    search: UnnamedFileSearch,
}

/// Extent of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum UnnamedFileSearch {
    /// All names were read.
    Complete,
    /// The search stopped at the limit of names.
    LimitReached {
        /// Number of names read.
        names: usize,
    },
    /// Some folders could not be listed.
    FoldersUnlisted,
}

impl UnnamedFiles {
    /// Searches for the files. Goes on after a folder without a listing.
    pub fn find(manifest: &Manifest, root: &Root, root_path: &Path) -> Self {
        let limit = MAX_SURPLUS_NAMES + 2 * manifest.len();
        Self::find_with_limit(manifest, root, root_path, limit)
    }

    fn find_with_limit(
        manifest: &Manifest,
        root: &Root,
        root_path: &Path,
        max_names: usize,
    ) -> Self {
        // Hashes alone: a million paths would take a hundred megabytes. Two equal hashes of different
        // paths among a million, which might hide a file, have a probability below 10^-7.
        let state = RandomState::new();
        let named: HashSet<u64> = named_paths(manifest)
            .map(|path| state.hash_one(path.as_str()))
            .collect();
        let mut met = HashSet::with_capacity(named.len());
        let mut paths = Vec::new();
        let mut search = UnnamedFileSearch::Complete;
        let end = root.walk(max_names, |path, finding| match finding {
            WalkFinding::File | WalkFinding::UnreachableName | WalkFinding::NameNotUtf8 => {
                let hash = state.hash_one(comparable_path(&path).as_ref());
                if named.contains(&hash) {
                    met.insert(hash);
                } else {
                    paths.push(path);
                }
            }
            WalkFinding::Unlisted(_) => search = UnnamedFileSearch::FoldersUnlisted,
            _ => {}
        });
        if end == FolderWalkEnd::LimitReached {
            search = UnnamedFileSearch::LimitReached { names: max_names };
        }
        // Only where files are left is the manifest read once more.
        if !paths.is_empty() {
            let folded_hash = |path: &str| state.hash_one(fold_case_and_accents(path).as_ref());
            let loosely_named: HashSet<u64> = named_paths(manifest)
                .filter(|path| !met.contains(&state.hash_one(path.as_str())))
                .map(|path| folded_hash(&path))
                .collect();
            // A listing never shows the short names of Windows, such as `LEGALD~1.PDF`.
            let named_otherwise: HashSet<FileIdentity> = named_paths(manifest)
                .filter(|path| path.contains('~') && !met.contains(&state.hash_one(path.as_str())))
                .filter_map(|path| root.identify_file(&path))
                .collect();
            let is_named_otherwise = |path: &str| {
                let is_same = |file| named_otherwise.contains(&file);
                !named_otherwise.is_empty() && root.identify_file(path).is_some_and(is_same)
            };
            let mut own_files = OwnFileFinder::new(root);
            let own_manifest = path_below(root_path, manifest.path());
            paths.retain(|path| {
                !loosely_named.contains(&folded_hash(&comparable_path(path)))
                    && own_manifest.as_deref() != Some(path)
                    && !is_named_otherwise(path)
                    && !own_files.is_own_file(path)
            });
            paths.sort_unstable();
        }
        Self {
            count: paths.len(),
            paths,
            search,
        }
    }

    /// Returns the sentence for people, with a line break; empty where there is nothing to say.
    pub fn sentence(&self) -> String {
        let reservation = match self.search {
            UnnamedFileSearch::Complete => None,
            UnnamedFileSearch::LimitReached { names } => Some(format!(
                "the search for files in no row stopped after {}",
                count_with_noun(names as u64, "name")
            )),
            UnnamedFileSearch::FoldersUnlisted => Some(
                "some folders cannot be listed, so that files in no row may be missed".to_owned(),
            ),
        };
        let files = self.paths.iter().map(String::as_str);
        let found = match self.count as u64 {
            0 => None,
            1 => Some("1 file below the root is".to_owned()),
            count => Some(format!(
                "{} files below the root are",
                group_thousands(count)
            )),
        };
        let found = found
            .map(|found| format!("{found} in no row: {}", quote_first(files, MAX_FILES_NAMED)));
        let parts: Vec<String> = found.into_iter().chain(reservation).collect();
        match parts.as_slice() {
            [] => String::new(),
            parts => format!("{}\n", parts.join("; ")),
        }
    }
}

/// Returns the path of each row in a form for comparison, of rows with problems as well.
fn named_paths(manifest: &Manifest) -> impl Iterator<Item = String> {
    let of_row = |row: RawRow<'_>| {
        let sought = row.sought_path().map(SoughtPath::with_slashes);
        let path = sought.unwrap_or_else(|| row.file_path().into());
        comparable_path(&path).into_owned()
    };
    manifest.rows().map(of_row)
}

/// Returns a path without empty parts and parts `.`, and with `/` between the other parts.
fn comparable_path(path: &str) -> Cow<'_, str> {
    let is_idle = |part: &str| part.is_empty() || part == ".";
    if !path.contains('\\') && !path.split('/').any(is_idle) {
        return Cow::Borrowed(path);
    }
    let parts = path.split(['/', '\\']).filter(|part| !is_idle(part));
    Cow::Owned(parts.collect::<Vec<_>>().join("/"))
}

/// Returns the path of a file relative to the root, or `None` for a file elsewhere.
fn path_below(root: &Path, file: &Path) -> Option<String> {
    let folder = parent_folder(file).canonicalize().ok()?;
    let path = folder.join(file.file_name()?);
    let below = path.strip_prefix(root.canonicalize().ok()?).ok()?;
    let names: Option<Vec<&str>> = below.iter().map(OsStr::to_str).collect();
    Some(names?.join("/"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::manifest::{ManifestOptions, read_manifest};

    /// Writes empty files and a manifest with rows for the given paths, and searches.
    fn unnamed(files: &[&str], rows: &[&str], max_names: usize) -> UnnamedFiles {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let rows = (1..).zip(rows);
        let rows = rows.map(|(number, path)| format!("\"{path}\",contract,1,A{number}\n"));
        let rows: String = rows.collect();
        let path = folder.path().join("m.csv");
        let header = "file_path,object_type,object_id,external_id\n";
        fs::write(&path, format!("{header}{rows}")).unwrap();
        let read = read_manifest(&path, &ManifestOptions::default()).unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        UnnamedFiles::find_with_limit(&read.manifest, &root, folder.path(), max_names)
    }

    #[test]
    #[cfg_attr(not(target_os = "linux"), ignore = "names differ in case alone")]
    fn a_row_names_its_file_in_any_spelling_that_leads_to_no_other_file() {
        for (files, rows, left) in [
            (&["a.pdf", "b.pdf"][..], &["a.pdf"][..], &["b.pdf"][..]),
            (&["a/b.pdf"], &["./a//b.pdf"], &[]),
            (&["a/b.pdf"], &["a\\b.pdf"], &[]),
            (&["a.pdf"], &["A.PDF"], &[]),
            (&["u\u{308}.pdf"], &["\u{fc}.pdf"], &[]),
            (&["a.pdf", "A.pdf"], &["A.pdf"], &["a.pdf"]),
            (&["a.pdf", "A.pdf"], &["a.pdf", "A.pdf"], &[]),
            (&["a.pdf", ".hidden", "Thumbs.db"], &["a.pdf"], &[]),
            (
                &["c.pdf", "a.pdf", "b/a.pdf"],
                &["../x"],
                &["a.pdf", "b/a.pdf", "c.pdf"],
            ),
        ] {
            let found = unnamed(files, rows, 100);
            assert_eq!(found.paths, left, "{files:?} {rows:?}");
            assert_eq!(found.search, UnnamedFileSearch::Complete);
        }
    }

    #[test]
    fn a_sentence_names_ten_files_and_says_where_the_search_stopped() {
        assert_eq!(unnamed(&["a"], &["a"], 100).sentence(), "");
        assert_eq!(
            unnamed(&["a", "b"], &["a"], 100).sentence(),
            "1 file below the root is in no row: \"b\"\n"
        );
        let many: Vec<String> = (10..32).map(|number| format!("f{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let told = unnamed(&many, &["f10"], 100).sentence();
        assert!(
            told.starts_with("21 files below the root are in no row: \"f11\", "),
            "{told}"
        );
        assert!(told.ends_with("\"f20\" and 11 more\n"), "{told}");
        let stopped = unnamed(&["a", "b", "c", "d"], &["x"], 2);
        assert_eq!(stopped.search, UnnamedFileSearch::LimitReached { names: 2 });
        assert!(
            stopped.sentence().ends_with("stopped after 2 names\n"),
            "{}",
            stopped.sentence()
        );
    }
}
