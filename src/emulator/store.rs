//! The attachments: in memory, and written through to the state folder, one small JSON file for
//! each, with the stored bytes beside them.
//!
//! Files come into being by writing a temporary one and renaming it, so that a kill leaves either
//! the old state or the new. Nothing is synced to the disk: what the emulator holds need not
//! survive a power cut. No HTTP here, and no rules of the service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::record::Record;

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
            log: state.join(super::log::FILE_NAME),
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

    fn record(&self, id: u64) -> PathBuf {
        self.records.join(format!("{id}.json"))
    }
}

/// Writes a file so that it is there as a whole or not at all.
pub(super) fn write_atomically(incoming: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(incoming)?;
    file.write_all(bytes)?;
    file.persist(path)?;
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

/// Every attachment, by id and by external id.
#[derive(Debug)]
pub(super) struct Store {
    folder: Folder,
    records: HashMap<u64, Record>,
    by_external_id: HashMap<String, BTreeSet<u64>>,
    last_id: u64,
}

impl Store {
    /// Loads what the folder holds. Ids go on after `last_id`, or after the highest one found:
    /// the number of a purged record is not given again.
    pub(super) fn load(folder: Folder, last_id: u64) -> Result<Self, StateError> {
        let mut store = Self {
            records: HashMap::new(),
            by_external_id: HashMap::new(),
            last_id,
            folder,
        };
        for record in read_all::<Record>(&store.folder.records)? {
            store.last_id = store.last_id.max(record.id);
            store.index(record);
        }
        Ok(store)
    }

    /// The id of the next record.
    pub(super) fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    /// The record of an id.
    pub(super) fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(&id)
    }

    /// The ids that have this external id, oldest first.
    pub(super) fn ids_of(&self, external_id: &str) -> Vec<u64> {
        self.by_external_id
            .get(external_id)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Writes a record, new or altered. What is in memory changes only if that went well.
    pub(super) fn put(&mut self, record: Record) -> io::Result<()> {
        let json = serde_json::to_vec(&record)?;
        let path = self.folder.record(record.id);
        write_atomically(&self.folder.incoming, &path, &json)?;
        self.last_id = self.last_id.max(record.id);
        self.forget(record.id);
        self.index(record);
        Ok(())
    }

    /// Removes a record.
    pub(super) fn remove(&mut self, id: u64) -> io::Result<()> {
        fs::remove_file(self.folder.record(id))?;
        self.forget(id);
        Ok(())
    }

    /// Puts received bytes in place under their key, in place of earlier ones.
    pub(super) fn keep_object(&self, key: &str, received: NamedTempFile) -> io::Result<()> {
        received.persist(self.folder.object(key))?;
        Ok(())
    }

    fn index(&mut self, record: Record) {
        if let Some(external_id) = &record.external_id {
            self.by_external_id
                .entry(external_id.clone())
                .or_default()
                .insert(record.id);
        }
        self.records.insert(record.id, record);
    }

    fn forget(&mut self, id: u64) {
        let external_id = self.records.remove(&id).and_then(|old| old.external_id);
        let Some(external_id) = external_id else {
            return;
        };
        if let Some(ids) = self.by_external_id.get_mut(&external_id) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_external_id.remove(&external_id);
            }
        }
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

/// An attachment whose bytes are stored, as it stands in a state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttachment {
    /// The service's id.
    pub id: u64,
    /// The user's key, if it has one.
    pub external_id: Option<String>,
    /// Its title.
    pub title: String,
    /// Its file name.
    pub file_name: String,
    /// What it hangs on, in the manner of `contract 7`.
    pub object: String,
    /// Its size, as the service shows it.
    pub size: u64,
    /// The file that holds its bytes.
    pub bytes: PathBuf,
}

/// Every attachment with bytes in a state folder, in the order of their ids. An emulator may be
/// running on it.
pub fn stored(state: &Path) -> Result<Vec<StoredAttachment>, StateError> {
    let folder = Folder::below(state);
    let mut stored: Vec<StoredAttachment> = read_all::<Record>(&folder.records)?
        .into_iter()
        .filter_map(|record| {
            Some(StoredAttachment {
                size: record.content?.size,
                bytes: folder.object(&record.key),
                id: record.id,
                external_id: record.external_id,
                title: record.title,
                file_name: record.file_name,
                object: record.object,
            })
        })
        .collect();
    stored.sort_by_key(|attachment| attachment.id);
    Ok(stored)
}

/// How many attachments with bytes each external id has in a state folder. After an import that
/// kept its promise, that is one for each.
pub fn stored_by_external_id(state: &Path) -> Result<BTreeMap<String, usize>, StateError> {
    let mut counts = BTreeMap::new();
    for external_id in stored(state)?.into_iter().filter_map(|a| a.external_id) {
        *counts.entry(external_id).or_default() += 1;
    }
    Ok(counts)
}
