//! The file of a row, as the uploader sees it: opened anew for each attempt, below the root.

use std::fs::File;
use std::sync::Arc;

use crate::model::Content;
use crate::root::{Opened, Root};

/// A file that can be opened for sending.
#[derive(Debug, Clone)]
pub struct Source {
    root: Arc<Root>,
    file_path: String,
}

impl Source {
    /// The file at `file_path` below `root`.
    pub fn new(root: Arc<Root>, file_path: String) -> Self {
        Self { root, file_path }
    }

    /// Opens the file, provided that it still has the size and the time of modification that were
    /// checked; else says what it is now.
    pub fn open(&self, content: &Content) -> Result<File, String> {
        let Opened { file, stamp } = self
            .root
            .open(&self.file_path)
            .map_err(|error| format!("it {error}"))?;
        if stamp == content.stamp {
            return Ok(file);
        }
        Err(format!(
            "it had {} bytes and was modified at {} when it was checked; now it has {} bytes and was modified at {}",
            content.stamp.size, content.stamp.modified, stamp.size, stamp.modified
        ))
    }
}
