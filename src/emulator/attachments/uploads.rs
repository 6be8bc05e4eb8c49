//! Attachments API as an owner of stored objects.

use std::io;

use super::api::AttachmentServer;
use super::record::Record;
use super::route::{UPLOADS_BASE, number};
use crate::emulator::log::Entry;
use crate::emulator::storage::{ObjectOwner, ReceivedObject};

impl ObjectOwner for AttachmentServer {
    type Id = u64;

    const BASE: &'static str = UPLOADS_BASE;

    fn id(segment: &str) -> Option<u64> {
        number(segment)
    }

    fn note(id: u64, entry: &mut Entry) {
        entry.id = Some(id);
    }

    fn describe(&self, id: u64, entry: &mut Entry) {
        if let Some(record) = self.state().store.get(id) {
            describe(record, entry);
        }
    }

    /// Stores uploaded bytes, and makes them the content of the record if the record still has
    /// their key. A record that was renewed or purged meanwhile does not change.
    fn receive(&self, id: u64, upload: ReceivedObject, entry: &mut Entry) -> io::Result<()> {
        let store = &mut self.state().store;
        let (key, content) = (upload.key.clone(), upload.content);
        upload.keep()?;
        let Some(record) = store.get(id).cloned() else {
            return Ok(());
        };
        describe(&record, entry);
        if record.key != key {
            return Ok(());
        }
        store.put(Record {
            content: Some(content),
            ..record
        })
    }
}

fn describe(record: &Record, entry: &mut Entry) {
    entry.external_id.clone_from(&record.external_id);
    entry.object = Some(record.object.clone());
}
