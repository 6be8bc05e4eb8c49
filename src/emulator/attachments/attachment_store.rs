//! Store of the attachments' records: in memory, and written through to the state folder as one
//! small JSON file per record. This module knows neither HTTP nor rules of the service.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};

use super::attachment_record::AttachmentRecord;
use crate::emulator::state_folder::{StateError, StatePaths, read_json_files, write_atomically};
use crate::model::ObjectRef;

/// Records of all attachments, indexed by id, by external id and by object.
#[derive(Debug)]
pub(super) struct AttachmentStore {
    folder: StatePaths,
    records: HashMap<u64, AttachmentRecord>,
    by_external_id: HashMap<String, BTreeSet<u64>>,
    by_object: HashMap<ObjectRef, BTreeSet<u64>>,
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
            by_object: HashMap::new(),
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
        sorted_ids(self.by_external_id.get(external_id))
    }

    /// Ids of the records that belong to an object, oldest first.
    pub(super) fn ids_of_object(&self, object: ObjectRef) -> Vec<u64> {
        sorted_ids(self.by_object.get(&object))
    }

    /// Objects to which records belong, in no particular order.
    pub(super) fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.by_object.keys().copied()
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
        let of_object = self.by_object.entry(record.object).or_default();
        of_object.insert(record.id);
        self.records.insert(record.id, record);
    }

    fn forget(&mut self, id: u64) {
        let Some(old) = self.records.remove(&id) else {
            return;
        };
        if let Some(external_id) = old.external_id {
            forget_id(&mut self.by_external_id, &external_id, id);
        }
        forget_id(&mut self.by_object, &old.object, id);
    }
}

fn sorted_ids(ids: Option<&BTreeSet<u64>>) -> Vec<u64> {
    ids.map(|ids| ids.iter().copied().collect())
        .unwrap_or_default()
}

/// Removes an id from an index, and its entry if no other id is left.
fn forget_id<K: Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: &K, id: u64) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
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
                object: record.object.to_string(),
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
