//! Attachments API as an owner of stored objects.

use std::io;

use super::attachment_record::AttachmentRecord;
use super::attachment_route::{ATTACHMENT_OBJECTS_BASE, parse_number};
use super::attachment_server::AttachmentServer;
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::storage::{ObjectOwner, ReceivedObject};

impl ObjectOwner for AttachmentServer {
    type Id = u64;

    const OBJECTS_BASE: &'static str = ATTACHMENT_OBJECTS_BASE;

    fn parse_id(segment: &str) -> Option<u64> {
        parse_number(segment)
    }

    fn note_id(id: u64, entry: &mut RequestLogEntry) {
        entry.id = Some(id);
    }

    fn note_record(&self, id: u64, entry: &mut RequestLogEntry) {
        if let Some(record) = self.state().store.get(id) {
            describe_record(record, entry);
        }
    }

    /// Stores uploaded bytes, and makes them the content of the record if the record still has
    /// their key. A record that was renewed or purged meanwhile does not change.
    fn receive(
        &self,
        id: u64,
        upload: ReceivedObject,
        entry: &mut RequestLogEntry,
    ) -> io::Result<()> {
        let store = &mut self.state().store;
        let (key, content) = (upload.key.clone(), upload.content);
        upload.store()?;
        let Some(record) = store.get(id).cloned() else {
            return Ok(());
        };
        describe_record(&record, entry);
        if record.key != key {
            return Ok(());
        }
        store.put(AttachmentRecord {
            content: Some(content),
            ..record
        })
    }
}

fn describe_record(record: &AttachmentRecord, entry: &mut RequestLogEntry) {
    entry.external_id.clone_from(&record.external_id);
    entry.object = Some(record.object.to_string());
}
