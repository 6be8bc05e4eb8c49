//! File of a row for the uploader: opened anew for each attempt, below the root.

use std::fs::File;
use std::sync::Arc;

use crate::model::Content;
use crate::root::{OpenError, Opened, Root, RootAway};

/// File below the root, opened for sending once for each attempt.
#[derive(Debug, Clone)]
pub struct Source {
    root: Arc<Root>,
    file_path: String,
}

/// Reason for which a file cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// The file is missing or unreadable, alone or because the whole folder of files is
    /// unavailable.
    Unreadable(String),
    /// The file differs from the checked file, or no regular file below the root has the path.
    Changed(String),
}

impl Source {
    /// Refers to the file at `file_path` below `root`, without opening the file.
    pub fn new(root: Arc<Root>, file_path: String) -> Self {
        Self { root, file_path }
    }

    /// Opens the file. Fails with [`SourceError::Unreadable`] when the file cannot be opened, and
    /// with [`SourceError::Changed`] when its size or time of modification differs from the checked
    /// values or no regular file below the root has the path.
    pub fn open(&self, content: &Content) -> Result<File, SourceError> {
        let Opened { file, stamp } = self.root.open(&self.file_path).map_err(|error| {
            let words = format!("it {error}");
            match error {
                OpenError::Missing | OpenError::Io(_) => SourceError::Unreadable(words),
                OpenError::OutsideRoot | OpenError::NotAFile(_) => SourceError::Changed(words),
            }
        })?;
        if stamp == content.stamp {
            return Ok(file);
        }
        Err(SourceError::Changed(format!(
            "it had {} bytes and was modified at {} when it was checked; now it has {} bytes and was modified at {}",
            content.stamp.size, content.stamp.modified, stamp.size, stamp.modified
        )))
    }

    /// Checks that the folder of the files is available, after this file could not be opened.
    pub fn look_for_root(&self) -> Result<(), RootAway> {
        self.root.look_again(&self.file_path)
    }
}
