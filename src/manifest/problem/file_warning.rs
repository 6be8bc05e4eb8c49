//! Warnings about the files of rows, with their words. Each kind is shown once, with the count of
//! rows.

use crate::manifest::Manifest;
use crate::root::SystemFileKind;
use crate::text::quoted;

/// Property of a row's file that is rarely meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileWarning {
    /// The file was written by a program for its own use.
    SystemFile(SystemFileKind),
    /// All bytes of the file are zero.
    OnlyZeros,
    /// Another row attaches the same file to the same record.
    SameFile {
        /// Number of the other row.
        other: u32,
    },
    /// Another row attaches another file with the same bytes to the same record.
    SameContent {
        /// Number of the other row.
        other: u32,
    },
    /// Another row attaches another file with the same name to the same record.
    SameName {
        /// Number of the other row.
        other: u32,
    },
}

impl FileWarning {
    /// Returns the word for scripts.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SystemFile(_) => "system_file",
            Self::OnlyZeros => "only_zeros",
            Self::SameFile { .. } => "same_file",
            Self::SameContent { .. } => "same_content",
            Self::SameName { .. } => "same_name",
        }
    }

    /// Returns the predicate of the sentence about the file.
    pub(super) fn predicate(self, manifest: &Manifest) -> String {
        let path_of = |row| quoted(manifest.row_numbered(row).file_path());
        match self {
            Self::SystemFile(SystemFileKind::OfficeLock) => {
                "is the lock of an office program on a document, not the document".to_owned()
            }
            Self::SystemFile(SystemFileKind::FileManagerData) => {
                "is a file manager's note about a folder, not a document".to_owned()
            }
            Self::SystemFile(SystemFileKind::MacResourceFork) => {
                "is what a Mac stores beside a document, not the document".to_owned()
            }
            Self::OnlyZeros => {
                "holds nothing but zero bytes, like the placeholder of a file in a cloud folder"
                    .to_owned()
            }
            Self::SameFile { other } => {
                let place = manifest.row_place(other);
                format!("goes to the same record in {place} as well")
            }
            Self::SameContent { other } => format!(
                "goes to the same record as {} in {}, which has the same bytes",
                path_of(other),
                manifest.row_place(other)
            ),
            Self::SameName { other } => format!(
                "goes under the same name to the same record as {} in {}",
                path_of(other),
                manifest.row_place(other)
            ),
        }
    }

    /// Returns the advice.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::SystemFile(_) => "name the document, or remove the row",
            Self::OnlyZeros => "download the file into the folder, and see if a program opens it",
            Self::SameFile { .. } | Self::SameContent { .. } => {
                "remove one of the two rows, unless the record shall have the file twice"
            }
            Self::SameName { .. } => {
                "give one of the two files another name in file_name if people must tell the files \
                 apart"
            }
        }
    }
}
