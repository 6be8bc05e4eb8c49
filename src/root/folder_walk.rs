//! Walk through all names below the root. No symbolic link to a folder is followed.

use std::io;

use super::system_file::{SystemFileKind, is_system_folder};
use super::{OpenFileError, Root};
use crate::model::NonFileKind;
use crate::platform::{self, FolderEntry};
use crate::text::WindowsNameFault;

/// Finding of a walk about a path.
#[derive(Debug)]
pub enum WalkFinding {
    /// Regular file, or a symbolic link to a regular file below the root.
    File,
    /// File left by a program.
    SystemFile(SystemFileKind),
    /// File whose name begins with a dot, or that the file system marks as hidden.
    HiddenFile,
    /// Folder hidden in the same way, or a folder made by a system. Not entered.
    HiddenFolder,
    /// Symbolic link to a folder below the root. Not followed.
    FolderLink,
    /// Symbolic link out of the root.
    OutsideLink,
    /// Symbolic link to nothing.
    DanglingLink,
    /// Pipe, socket or device.
    NotAFile(NonFileKind),
    /// File or folder whose name is not UTF-8. The path has replacement characters. Not entered.
    NameNotUtf8,
    /// File or folder whose name no program on the present system reaches. Not entered.
    UnreachableName,
    /// Folder without a listing, or with a listing in part, or name refused by the system.
    Unlisted(io::Error),
}

/// End of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderWalkEnd {
    /// All names were read.
    Complete,
    /// The limit of names was reached before all names were read.
    LimitReached,
}

impl Root {
    /// Walks through the names below the root, in no particular order, and passes each path, with
    /// `/` between its parts, to `visit`. Folders are passed only where the walk does not enter
    /// them. Stops after `max_names` names.
    pub fn walk(
        &self,
        max_names: usize,
        mut visit: impl FnMut(String, WalkFinding),
    ) -> FolderWalkEnd {
        let mut names_left = max_names;
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let entries = match self.list_folder(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    visit(folder, WalkFinding::Unlisted(error));
                    continue;
                }
            };
            for entry in entries {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error) => {
                        visit(folder.clone(), WalkFinding::Unlisted(error));
                        break;
                    }
                };
                let Some(left) = names_left.checked_sub(1) else {
                    return FolderWalkEnd::LimitReached;
                };
                names_left = left;
                let name = entry.file_name();
                let shown = name.to_string_lossy();
                let path = match folder.as_str() {
                    "" => shown.clone().into_owned(),
                    folder => format!("{folder}/{shown}"),
                };
                match self.judge_entry(&entry, name.to_str(), &shown, &path) {
                    Some(finding) => visit(path, finding),
                    None => folders.push(path),
                }
            }
        }
        FolderWalkEnd::Complete
    }

    /// Returns the finding about a name, or `None` for a folder to be entered. `name` is `None`
    /// where the name is not UTF-8.
    fn judge_entry(
        &self,
        entry: &FolderEntry,
        name: Option<&str>,
        shown: &str,
        path: &str,
    ) -> Option<WalkFinding> {
        let file_type = match entry.file_type() {
            Ok(file_type) => file_type,
            Err(error) => return Some(WalkFinding::Unlisted(error)),
        };
        let is_hidden = shown.starts_with('.') || platform::is_marked_hidden(entry);
        let fault = WindowsNameFault::in_path(shown, self.path_syntax);
        if file_type.is_dir() {
            return if is_hidden || is_system_folder(shown) {
                Some(WalkFinding::HiddenFolder)
            } else if name.is_none() {
                Some(WalkFinding::NameNotUtf8)
            } else {
                fault.map(|_| WalkFinding::UnreachableName)
            };
        }
        Some(if let Some(kind) = SystemFileKind::from_path(shown) {
            WalkFinding::SystemFile(kind)
        } else if is_hidden {
            WalkFinding::HiddenFile
        } else if name.is_none() {
            WalkFinding::NameNotUtf8
        } else if fault.is_some() {
            WalkFinding::UnreachableName
        } else if file_type.is_file() {
            WalkFinding::File
        } else {
            self.judge_special_entry(path)
        })
    }

    /// Returns the finding about a symbolic link, a pipe, a socket or a device.
    fn judge_special_entry(&self, path: &str) -> WalkFinding {
        match self.stamp_file(path) {
            Ok(_) | Err(OpenFileError::InUse) => WalkFinding::File,
            Err(OpenFileError::Missing) => WalkFinding::DanglingLink,
            Err(OpenFileError::OutsideRoot) => WalkFinding::OutsideLink,
            Err(OpenFileError::NotAFile(NonFileKind::Folder)) => WalkFinding::FolderLink,
            Err(OpenFileError::NotAFile(kind)) => WalkFinding::NotAFile(kind),
            Err(OpenFileError::Io(error)) => WalkFinding::Unlisted(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn findings(root: &Root, max_names: usize) -> (Vec<String>, FolderWalkEnd) {
        let mut seen = Vec::new();
        let end = root.walk(max_names, |path, finding| {
            seen.push(format!("{path}: {finding:?}"));
        });
        seen.sort();
        (seen, end)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn each_name_is_judged_and_no_link_to_a_folder_is_followed() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let outside = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a/b/c.pdf", "d.pdf", ".git/x", "__MACOSX/x", "a/.hidden"] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), "x").unwrap();
        }
        fs::write(path("a/Thumbs.db"), "x").unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(b"a/\xE4.pdf")), "x").unwrap();
        symlink("a", path("link to a")).unwrap();
        symlink("..", path("a/up")).unwrap();
        symlink("../d.pdf", path("a/d.pdf")).unwrap();
        symlink(outside.path(), path("outside")).unwrap();
        symlink("nothing", path("dangling")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let root = Root::from_path(folder.path()).unwrap();
        let (seen, end) = findings(&root, 100);
        assert_eq!(
            seen,
            [
                ".git: HiddenFolder",
                "__MACOSX: HiddenFolder",
                "a/.hidden: HiddenFile",
                "a/Thumbs.db: SystemFile(FileManagerData)",
                "a/b/c.pdf: File",
                "a/d.pdf: File",
                "a/up: FolderLink",
                "a/\u{fffd}.pdf: NameNotUtf8",
                "d.pdf: File",
                "dangling: DanglingLink",
                "link to a: FolderLink",
                "outside: OutsideLink",
                "socket: NotAFile(Device)",
            ]
        );
        assert_eq!(end, FolderWalkEnd::Complete);
    }

    #[test]
    fn a_walk_ends_at_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let root = Root::from_path(folder.path()).unwrap();
        assert_eq!(findings(&root, 3).1, FolderWalkEnd::Complete);
        let (seen, end) = findings(&root, 2);
        assert_eq!((seen.len(), end), (2, FolderWalkEnd::LimitReached));
    }
}
