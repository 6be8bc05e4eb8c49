//! Recognition of files left by programs beside documents, by name alone.

/// Names of files with the data of a file manager, in lower case.
const FILE_MANAGER_FILES: [&str; 6] = [
    ".ds_store",
    ".directory",
    "desktop.ini",
    "ehthumbs.db",
    "icon\r",
    "thumbs.db",
];

/// Names of folders made by a system or a file server, in lower case.
const SYSTEM_FOLDERS: [&str; 5] = [
    "$recycle.bin",
    "@eadir",
    "__macosx",
    "lost+found",
    "system volume information",
];

/// Kind of a file written by a program for its own use, next to documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SystemFileKind {
    /// Lock of an office program on an open document: `~$Contract.docx`, `.~lock.Contract.odt#`.
    OfficeLock,
    /// Data of a file manager about a folder: `.DS_Store`, `Thumbs.db`, `desktop.ini`.
    FileManagerData,
    /// Second part of a file from a Mac on a file system for other systems: `._Contract.pdf`.
    MacResourceFork,
}

impl SystemFileKind {
    /// Recognises a file by the last part of a path, with `/` or `\` between the parts.
    pub fn from_path(file_path: &str) -> Option<Self> {
        let name = file_path.rsplit(['/', '\\']).next().unwrap_or_default();
        let is_lock =
            name.starts_with("~$") || (name.starts_with(".~lock.") && name.ends_with('#'));
        if is_lock {
            Some(Self::OfficeLock)
        } else if is_one_of(name, &FILE_MANAGER_FILES) {
            Some(Self::FileManagerData)
        } else if name.starts_with("._") {
            Some(Self::MacResourceFork)
        } else {
            None
        }
    }
}

/// Returns `true` for the name of a folder made by a system, such as `$RECYCLE.BIN`.
pub(super) fn is_system_folder(name: &str) -> bool {
    is_one_of(name, &SYSTEM_FOLDERS)
}

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_programs_leave_behind_are_known_by_their_names() {
        for (path, kind) in [
            ("~$Contract.docx", Some(SystemFileKind::OfficeLock)),
            ("a/b/~$1.xlsx", Some(SystemFileKind::OfficeLock)),
            ("a\\~$1.xlsx", Some(SystemFileKind::OfficeLock)),
            ("a/.~lock.Contract.odt#", Some(SystemFileKind::OfficeLock)),
            ("a/.DS_Store", Some(SystemFileKind::FileManagerData)),
            ("a\\THUMBS.DB", Some(SystemFileKind::FileManagerData)),
            ("Desktop.ini", Some(SystemFileKind::FileManagerData)),
            ("a/._Contract.pdf", Some(SystemFileKind::MacResourceFork)),
            ("Contract~$.docx", None),
            ("~$folder/Contract.docx", None),
            ("Thumbs.db.pdf", None),
            (".hidden.pdf", None),
            ("_Contract.pdf", None),
            ("", None),
        ] {
            assert_eq!(SystemFileKind::from_path(path), kind, "{path}");
        }
    }

    #[test]
    fn folders_of_the_system_are_known_in_any_case() {
        for name in ["$Recycle.Bin", "System Volume Information", "__MACOSX"] {
            assert!(is_system_folder(name), "{name}");
        }
        assert!(!is_system_folder("Contracts"));
    }
}
