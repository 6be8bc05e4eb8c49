//! The attachments' records: in memory, and written through to the state folder, one small JSON file
//! for each. No HTTP here, and no rules of the service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::Record;
use crate::emulator::folder::{Folder, StateError, read_all, write_atomically};

/// Every attachment, by id and by external id.
#[derive(Debug)]
pub(super) struct AttachmentStore {
    folder: Folder,
    records: HashMap<u64, Record>,
    by_external_id: HashMap<String, BTreeSet<u64>>,
    last_id: u64,
}

impl AttachmentStore {
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
