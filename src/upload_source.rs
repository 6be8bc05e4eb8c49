//! File of a row for the uploader: opened anew for each attempt, below the root.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::model::CheckedContent;
use crate::platform;
use crate::root::{OpenFileError, OpenedFile, Root, RootUnavailable};

/// File below the root, opened for sending once for each attempt.
#[derive(Debug, Clone)]
pub struct UploadSource {
    root: Arc<Root>,
    file_path: String,
}

/// Reason for which a file cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadSourceError {
    /// The file is missing or unreadable, alone or because the whole folder of files is
    /// unavailable.
    Unreadable(String),
    /// Another program holds the file.
    InUse,
    /// The file differs from the checked file, or no regular file below the root has the path.
    NotAsChecked(String),
}

impl UploadSourceError {
    /// Classifies an error of the system during the reading of the open file.
    pub fn from_read_error(error: &io::Error) -> Self {
        if platform::is_file_in_use(error) {
            Self::InUse
        } else {
            Self::Unreadable(format!("the file cannot be read: {error}"))
        }
    }
}

impl UploadSource {
    /// Refers to the file at `file_path` below `root`, without opening the file.
    pub fn new(root: Arc<Root>, file_path: String) -> Self {
        Self { root, file_path }
    }

    /// Returns the path of the file below the root.
    pub fn file_path(&self) -> &str {
        &self.file_path
    }

    /// Opens the file. Fails with [`UploadSourceError::Unreadable`] or [`UploadSourceError::InUse`]
    /// when the file cannot be opened, and with [`UploadSourceError::NotAsChecked`] when its size or
    /// time of modification differs from the checked values or no regular file below the root has
    /// the path.
    pub fn open(&self, content: &CheckedContent) -> Result<File, UploadSourceError> {
        let OpenedFile { file, stamp } = self.root.open_file(&self.file_path).map_err(|error| {
            let words = format!("the path {error}");
            match error {
                OpenFileError::Missing | OpenFileError::Io(_) => {
                    UploadSourceError::Unreadable(words)
                }
                OpenFileError::InUse => UploadSourceError::InUse,
                OpenFileError::OutsideRoot | OpenFileError::NotAFile(_) => {
                    UploadSourceError::NotAsChecked(words)
                }
            }
        })?;
        if stamp == content.stamp {
            return Ok(file);
        }
        Err(UploadSourceError::NotAsChecked(format!(
            "the file had {} bytes and was modified at {} when checked; now {} bytes, modified at {}",
            content.stamp.size, content.stamp.modified, stamp.size, stamp.modified
        )))
    }

    /// Checks that the folder of the files is available, after this file could not be opened.
    pub fn check_root(&self) -> Result<(), RootUnavailable> {
        self.root.reopen(&self.file_path)
    }
}
