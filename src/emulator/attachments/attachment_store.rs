//! Store of the attachments' records: in memory, and written through to the state folder as one
//! small JSON file per record. This module knows neither HTTP nor rules of the service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::attachment_record::AttachmentRecord;
use crate::emulator::state_folder::{StateError, StatePaths, read_json_files, write_atomically};

/// Records of all attachments, indexed by id and by external id.
#[derive(Debug)]
pub(super) struct AttachmentStore {
    folder: StatePaths,
    records: HashMap<u64, AttachmentRecord>,
    by_external_id: HashMap<String, BTreeSet<u64>>,
    last_id: u64,
}

impl AttachmentStore {
    /// Loads the records of the state folder. New ids follow `last_id` or the highest id found,
    /// whichever is higher.
    // The number of a purged record is not given again.
    pub(super) fn load(folder: StatePaths, last_id: u64) -> Result<Self, StateError> {
        let mut store = Self {
            records: HashMap::new(),
            by_external_id: HashMap::new(),
            last_id,
            folder,
        };
        for record in read_json_files::<AttachmentRecord>(&store.folder.records)? {
            store.last_id = store.last_id.max(record.id);
            store.index(record);
        }
        Ok(store)
    }

    /// Id of the next record.
    pub(super) fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    /// Record with an id, if there is one.
    pub(super) fn get(&self, id: u64) -> Option<&AttachmentRecord> {
        self.records.get(&id)
    }

    /// Ids of the records with an external id, oldest first.
    pub(super) fn ids_with_external_id(&self, external_id: &str) -> Vec<u64> {
        self.by_external_id
            .get(external_id)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Writes a record, new or changed. The memory changes only if the file was written.
    pub(super) fn put(&mut self, record: AttachmentRecord) -> io::Result<()> {
        let json = serde_json::to_vec(&record)?;
        let path = self.folder.record_file(record.id);
        write_atomically(&self.folder.incoming, &path, &json)?;
        self.last_id = self.last_id.max(record.id);
        self.forget(record.id);
        self.index(record);
        Ok(())
    }

    /// Removes a record from the folder, then from the memory.
    pub(super) fn remove(&mut self, id: u64) -> io::Result<()> {
        fs::remove_file(self.folder.record_file(id))?;
        self.forget(id);
        Ok(())
    }

    fn index(&mut self, record: AttachmentRecord) {
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

/// Attachment in a state folder whose bytes are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttachment {
    /// Id given by the service.
    pub id: u64,
    /// External id given by the user, if any.
    pub external_id: Option<String>,
    /// Title.
    pub title: String,
    /// File name.
    pub file_name: String,
    /// Object to which the attachment belongs, in the form `contract 7`.
    pub object: String,
    /// Size in bytes, as reported by the service.
    pub size: u64,
    /// Path of the file with the bytes.
    pub bytes: PathBuf,
}

/// Reads all attachments with bytes from a state folder, in the order of their ids. An emulator may
/// be running on the folder.
pub fn stored_attachments(state: &Path) -> Result<Vec<StoredAttachment>, StateError> {
    let folder = StatePaths::below(state);
    let mut stored: Vec<StoredAttachment> = read_json_files::<AttachmentRecord>(&folder.records)?
        .into_iter()
        .filter_map(|record| {
            Some(StoredAttachment {
                size: record.content?.size,
                bytes: folder.object_file(&record.key),
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

/// Counts the attachments with bytes in a state folder for each external id. After an import that
/// kept its promise, each count is one.
pub fn count_by_external_id(state: &Path) -> Result<BTreeMap<String, usize>, StateError> {
    let mut counts = BTreeMap::new();
    for external_id in stored_attachments(state)?
        .into_iter()
        .filter_map(|a| a.external_id)
    {
        *counts.entry(external_id).or_default() += 1;
    }
    Ok(counts)
}
