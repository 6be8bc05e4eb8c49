//! The state folder: paths in the folder, and the reading and writing of small files.
//!
//! A file is written under a temporary name and then renamed (`atomic_file`), so a kill leaves
//! either the old state or the new state. Nothing is synced to the disk: the state of an emulator
//! need not survive a loss of power.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::request_log;
use crate::atomic_file::{Durability, ExistingFilePolicy, TemporaryFile};
use crate::model::ObjectRef;
use serde::de::DeserializeOwned;

/// Paths below the state folder.
#[derive(Debug, Clone)]
pub(super) struct StatePaths {
    /// Folder of the attachment records, a JSON file each.
    pub(super) records: PathBuf,
    /// Folder of the contracts, events, projects and supplier companies that requests named, a JSON
    /// file each.
    pub(super) named_objects: PathBuf,
    /// Folder of the jobs, a JSON file each.
    pub(super) jobs: PathBuf,
    /// Folder of the stored bytes, a file for each storage key.
    pub(super) objects: PathBuf,
    /// Folder of the files which are being written.
    pub(super) incoming: PathBuf,
    /// File with the key which signs URLs.
    pub(super) signing_key: PathBuf,
    /// File of the request log.
    pub(super) log: PathBuf,
    /// File which is locked for as long as an emulator uses the folder.
    pub(super) lock: PathBuf,
}

impl StatePaths {
    /// Returns the paths below a state folder.
    pub(super) fn below(state: &Path) -> Self {
        Self {
            records: state.join("attachments"),
            named_objects: state.join("named-objects"),
            jobs: state.join("jobs"),
            objects: state.join("objects"),
            incoming: state.join("incoming"),
            signing_key: state.join("signing-key"),
            log: state.join(request_log::LOG_FILE_NAME),
            lock: state.join("lock"),
        }
    }

    /// Creates missing folders and removes the unfinished files of an earlier emulator.
    pub(super) fn prepare(&self) -> io::Result<()> {
        for folder in [
            &self.records,
            &self.named_objects,
            &self.jobs,
            &self.objects,
            &self.incoming,
        ] {
            fs::create_dir_all(folder)?;
        }
        for unfinished in fs::read_dir(&self.incoming)? {
            fs::remove_file(unfinished?.path())?;
        }
        Ok(())
    }

    /// Returns the file with the bytes of a storage key.
    pub(super) fn object_file(&self, key: &str) -> PathBuf {
        self.objects.join(key)
    }

    /// Returns the file with the name of a contract, event, project or supplier company.
    pub(super) fn named_object_file(&self, object: ObjectRef) -> PathBuf {
        let (kind, id) = (object.object_type(), object.id());
        self.named_objects.join(format!("{kind}-{id}.json"))
    }

    /// Returns the file with the record of an attachment.
    pub(super) fn record_file(&self, id: u64) -> PathBuf {
        self.records.join(format!("{id}.json"))
    }
}

/// Writes a whole file or none.
pub(super) fn write_atomically(incoming: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = TemporaryFile::create(incoming, Durability::NotNeeded)?;
    file.as_file().write_all(bytes)?;
    file.persist_as(path, ExistingFilePolicy::Replace)?;
    Ok(())
}

/// Reason why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file or folder cannot be read or written.
    #[error("the emulator's state, {}: {source}", path.display())]
    Io {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A record was not written by an emulator, or is damaged.
    #[error("the emulator's state, {}: {source}; remove the file to go on without it", path.display())]
    Record {
        /// Path of the record's file.
        path: PathBuf,
        /// Error of the JSON parser.
        source: serde_json::Error,
    },
}

impl StateError {
    /// Returns a function which adds the path to an error.
    pub(super) fn io_at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Reads every file in a folder as JSON, in no particular order.
pub(super) fn read_json_files<T: DeserializeOwned>(folder: &Path) -> Result<Vec<T>, StateError> {
    let listing = fs::read_dir(folder).map_err(StateError::io_at(folder))?;
    let mut records = Vec::new();
    for file in listing {
        let path = file.map_err(StateError::io_at(folder))?.path();
        match fs::read(&path) {
            Ok(json) => records.push(
                serde_json::from_slice(&json)
                    .map_err(|source| StateError::Record { path, source })?,
            ),
            // A running emulator has purged the record since the listing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StateError::io_at(&path)(error)),
        }
    }
    Ok(records)
}
