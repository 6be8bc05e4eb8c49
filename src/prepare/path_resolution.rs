//! Decision which file on the disk each path of a manifest means.
//!
//! A path that leads to a file means this file. For any other path the rules are made so that no
//! file is taken for another: a file in another spelling counts only if nothing else could be
//! meant, neither another file by this path nor this file by another path.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::manifest::problem::PathProblem;
use crate::root::{MissingPathExplainer, RespeltPath};

/// Paths of distinct files: the files on the disk that were found for missing paths, and the
/// mistakes in paths that may mean several files, or a file of another path. All by the index of
/// the distinct file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ResolvedPaths {
    /// Path on the disk of each file that was found in another spelling.
    pub(super) respelt: BTreeMap<usize, Box<str>>,
    /// Mistake in each path that does not decide about its file.
    pub(super) undecided: BTreeMap<usize, PathProblem>,
}

/// Path of the manifest with the row that has the path first.
#[derive(Debug, Clone)]
pub(super) struct PathOfFile {
    /// Index of the distinct file.
    pub(super) file: usize,
    /// Number of the first row with the path.
    pub(super) row: u32,
    /// Path at which the file is sought.
    pub(super) path: String,
}

/// Resolves the missing paths among the paths of a manifest. `present` are the other paths, which
/// lead to something on the disk.
pub(super) fn resolve_missing_paths(
    missing: impl Iterator<Item = PathOfFile>,
    present: impl Iterator<Item = PathOfFile>,
    explainer: &mut MissingPathExplainer<'_>,
) -> ResolvedPaths {
    let mut resolved = ResolvedPaths::default();
    // The missing paths that mean each file.
    let mut meant: HashMap<String, Vec<PathOfFile>> = HashMap::new();
    for path in missing {
        match explainer.find_respelt(&path.path) {
            RespeltPath::None => {}
            RespeltPath::One(on_disk) => meant.entry(on_disk).or_default().push(path),
            RespeltPath::Several(files) => {
                let candidates = files.into_iter().map(Into::into).collect();
                let wrong = PathProblem::Ambiguous { candidates };
                resolved.undecided.insert(path.file, wrong);
            }
        }
    }
    if meant.is_empty() {
        return resolved;
    }
    let mut exact_rows: HashMap<&str, u32> = HashMap::new();
    for other in present {
        if let Some((on_disk, _)) = meant.get_key_value(&*without_idle_parts(&other.path)) {
            exact_rows.entry(on_disk).or_insert(other.row);
        }
    }
    for (on_disk, paths) in &meant {
        for path in paths {
            let other_missing = || paths.iter().find(|other| other.file != path.file);
            let other = exact_rows.get(&**on_disk).copied();
            match other.or_else(|| other_missing().map(|other| other.row)) {
                None => {
                    resolved.respelt.insert(path.file, (&**on_disk).into());
                }
                Some(other) => {
                    let wrong = PathProblem::FileOfOtherPath {
                        path: (&**on_disk).into(),
                        other,
                    };
                    resolved.undecided.insert(path.file, wrong);
                }
            }
        }
    }
    resolved
}

/// Returns a path without empty parts and parts `.`, which lead nowhere.
pub(super) fn without_idle_parts<'p>(path: &'p str) -> Cow<'p, str> {
    let is_idle = |part: &str| part.is_empty() || part == ".";
    // The first test is cheap and rules out nearly all paths.
    if !(path.contains("//") || path.contains("./")) || !path.split('/').any(is_idle) {
        return Cow::Borrowed(path);
    }
    let parts: Vec<&'p str> = path.split('/').filter(|part| !is_idle(part)).collect();
    Cow::Owned(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resolves the paths of a manifest, of which `on_disk` exist. Returns for each path the file
    /// on the disk or the stable word of the mistake.
    #[cfg(target_os = "linux")]
    fn resolve(on_disk: &[&str], paths: &[&str]) -> Vec<String> {
        use std::fs;

        use crate::root::Root;

        let folder = tempfile::tempdir().unwrap();
        for path in on_disk {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let root = Root::from_path(folder.path()).unwrap();
        let all = (0..).zip(paths).map(|(row, path)| PathOfFile {
            file: row as usize,
            row: row + 1,
            path: (*path).to_owned(),
        });
        let (present, missing): (Vec<_>, Vec<_>) =
            all.partition(|path| root.stamp_file(&path.path).is_ok());
        let mut explainer = MissingPathExplainer::new(&root);
        let resolved =
            resolve_missing_paths(missing.into_iter(), present.into_iter(), &mut explainer);
        let outcome = |file| match (resolved.respelt.get(&file), resolved.undecided.get(&file)) {
            (Some(path), None) => path.to_string(),
            (None, Some(wrong)) => wrong.as_str().to_owned(),
            (None, None) => String::new(),
            (Some(_), Some(_)) => panic!("decided and undecided"),
        };
        (0..paths.len()).map(outcome).collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_in_another_spelling_is_taken_only_where_nothing_else_can_be_meant() {
        let two = ["ambiguous_path"; 1];
        for (on_disk, paths, expected) in [
            (&["A.pdf"][..], &["a.pdf"][..], &["A.pdf"][..]),
            (&["A.pdf", "a.PDF"], &["a.pdf"], &two),
            (&["A.pdf"], &["a.pdf", "A.pdf"], &["file_of_other_path", ""]),
            (
                &["A.pdf"],
                &["./A.pdf", "a.pdf"],
                &["", "file_of_other_path"],
            ),
            (
                &["S/A.pdf"],
                &["S//.//A.pdf", "s/a.pdf"],
                &["", "file_of_other_path"],
            ),
            (
                &["A.pdf"],
                &["a.pdf", "a.PDF"],
                &["file_of_other_path", "file_of_other_path"],
            ),
            (
                &["Vertra\u{308}ge/a.pdf", "B.pdf"],
                &["Verträge/a.pdf", "b.pdf", "c.pdf"],
                &["Vertra\u{308}ge/a.pdf", "B.pdf", ""],
            ),
        ] {
            assert_eq!(resolve(on_disk, paths), expected, "{paths:?}");
        }
    }

    #[test]
    fn idle_parts_of_a_path_are_left_out() {
        for (path, expected) in [
            ("a/b.pdf", "a/b.pdf"),
            ("./a//b.pdf", "a/b.pdf"),
            ("a/./b.pdf", "a/b.pdf"),
            ("a./b..pdf", "a./b..pdf"),
        ] {
            assert_eq!(without_idle_parts(path), expected);
        }
    }
}
