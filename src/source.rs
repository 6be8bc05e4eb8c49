//! The file of a row, as the uploader sees it: opened anew for each attempt, below the root.

use std::fs::File;
use std::sync::Arc;

use crate::model::Content;
use crate::root::{OpenError, Opened, Root, RootAway};

/// A file that can be opened for sending.
#[derive(Debug, Clone)]
pub struct Source {
    root: Arc<Root>,
    file_path: String,
}

/// Why a file cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// It is not there, or cannot be read: for its own sake, or because all files are away.
    Unreadable(String),
    /// It is not what was checked.
    Changed(String),
}

impl Source {
    /// The file at `file_path` below `root`.
    pub fn new(root: Arc<Root>, file_path: String) -> Self {
        Self { root, file_path }
    }

    /// Opens the file, provided that it still has the size and the time of modification that were
    /// checked; else says what it is now.
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

    /// Whether the folder of the files is there, after this one could not be reached.
    pub fn look_for_root(&self) -> Result<(), RootAway> {
        self.root.look_again(&self.file_path)
    }
}
