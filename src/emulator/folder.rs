//! The state folder: where everything is, and how small files in it are written and read.
//!
//! Files come into being by writing a temporary one and renaming it (`whole_file`), so that a kill leaves
//! either the old state or the new. Nothing is synced to the disk: what the emulator holds need not
//! survive a power cut.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::log;
use crate::whole_file::{Durability, Existing, TemporaryFile};
use serde::de::DeserializeOwned;

/// Where everything is, below the state folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// The records, one JSON file each.
    pub(super) records: PathBuf,
    /// The jobs, one JSON file each.
    pub(super) jobs: PathBuf,
    /// The stored bytes, one file for each storage key.
    pub(super) objects: PathBuf,
    /// Files that are being written.
    pub(super) incoming: PathBuf,
    /// The key for signing URLs.
    pub(super) signing_key: PathBuf,
    /// The request log.
    pub(super) log: PathBuf,
    /// Locked for as long as an emulator uses the folder.
    pub(super) lock: PathBuf,
}

impl Folder {
    /// Names the places below a state folder.
    pub(super) fn below(state: &Path) -> Self {
        Self {
            records: state.join("attachments"),
            jobs: state.join("jobs"),
            objects: state.join("objects"),
            incoming: state.join("incoming"),
            signing_key: state.join("signing-key"),
            log: state.join(log::FILE_NAME),
            lock: state.join("lock"),
        }
    }

    /// Makes what is not there yet, and clears away what an earlier emulator did not finish.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for folder in [&self.records, &self.jobs, &self.objects, &self.incoming] {
            fs::create_dir_all(folder)?;
        }
        for unfinished in fs::read_dir(&self.incoming)? {
            fs::remove_file(unfinished?.path())?;
        }
        Ok(())
    }

    /// The file that holds the bytes of a storage key.
    pub(super) fn object(&self, key: &str) -> PathBuf {
        self.objects.join(key)
    }

    /// The file that holds the record of an attachment.
    pub(super) fn record(&self, id: u64) -> PathBuf {
        self.records.join(format!("{id}.json"))
    }
}

/// Writes a file so that it is there as a whole or not at all.
pub(super) fn write_atomically(incoming: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = TemporaryFile::create(incoming, Durability::NotNeeded)?;
    file.as_file().write_all(bytes)?;
    file.take_name(path, Existing::Replaced)?;
    Ok(())
}

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("the emulator's state, {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A record in it is not one of ours.
    #[error("the emulator's state, {}: {source}; remove the file to go on without it", path.display())]
    Record {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl StateError {
    /// Says which file it was.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Everything that a folder holds as JSON, a file each, in no order.
pub(super) fn read_all<T: DeserializeOwned>(folder: &Path) -> Result<Vec<T>, StateError> {
    let listing = fs::read_dir(folder).map_err(StateError::at(folder))?;
    let mut records = Vec::new();
    for file in listing {
        let path = file.map_err(StateError::at(folder))?.path();
        match fs::read(&path) {
            Ok(json) => records.push(
                serde_json::from_slice(&json)
                    .map_err(|source| StateError::Record { path, source })?,
            ),
            // Purged by a running emulator since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StateError::at(&path)(error)),
        }
    }
    Ok(records)
}
