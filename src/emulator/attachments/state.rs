//! The state of the attachments API: its records, and the requests that count for the rate.

use std::io;
use std::time::Instant;

use axum::http::StatusCode;
use jiff::Timestamp;

use super::rate::{Admission, Others, Window};
use super::record::Record;
use super::route::Name;
use super::settings::AttachmentSettings;
use super::store::AttachmentStore;
use crate::emulator::folder::{Folder, StateError};
use crate::emulator::log::{Entry, Log};
use crate::emulator::operation::Operation;

/// The records, and the requests that count for the rate.
pub(super) struct AttachmentState {
    pub(super) store: AttachmentStore,
    rate: Window,
    others: Others,
}

impl AttachmentState {
    /// Takes up the state where an earlier emulator left it, of which `earlier` is the log.
    pub(super) fn load(
        folder: &Folder,
        settings: &AttachmentSettings,
        earlier: &[Entry],
        began: Instant,
    ) -> Result<Self, StateError> {
        // The highest id of all may have been purged; then only the log still knows it.
        let created = earlier
            .iter()
            .filter(|entry| entry.operation == Operation::Create);
        let before_the_first = settings.first_id.saturating_sub(1);
        let last_id = created.filter_map(|entry| entry.id).max();
        let last_id = last_id.unwrap_or(before_the_first);
        Ok(Self {
            store: AttachmentStore::load(folder.clone(), last_id)?,
            rate: Window::new(settings.rate),
            others: Others::new(settings.others, began),
        })
    }

    /// Counts and logs the requests of the company's other clients up to a moment. They are looked
    /// at only when one of ours comes: nothing else can tell that they were there.
    pub(super) fn let_others_have_come(&mut self, until: Instant, log: &mut Log) -> io::Result<()> {
        while let Some(at) = self.others.next_until(until) {
            self.rate.take(at);
            let ago = until.saturating_duration_since(at);
            let mut entry = Entry::new(Operation::OtherClient, Timestamp::now() - ago);
            entry.status = Some(StatusCode::OK.as_u16());
            log.append(entry)?;
        }
        Ok(())
    }

    /// How many requests other clients sent, up to the last one of ours.
    pub(super) fn other_clients(&self) -> u64 {
        self.others.requests()
    }

    /// Judges a request by the time at which it arrived.
    pub(super) fn admit(&mut self, arrival: Instant) -> Admission {
        self.rate.admit(arrival)
    }

    /// Removes the oldest attachment of an external id, and returns its id, if there was one.
    pub(super) fn remove(&mut self, external_id: &str) -> io::Result<Option<u64>> {
        let id = self.store.ids_of(external_id).first().copied();
        id.map(|id| self.store.remove(id)).transpose()?;
        Ok(id)
    }

    /// Finds an attachment, unless it has waited for its bytes for too long: then it goes away
    /// here, which is as late as anybody can tell. Of several with the same external id, the
    /// oldest is found.
    pub(super) fn look_up(
        &mut self,
        name: &Name,
        now: Timestamp,
        settings: &AttachmentSettings,
        log: &mut Log,
    ) -> io::Result<Option<Record>> {
        let ids = match name {
            Name::Id(id) => vec![*id],
            Name::ExternalId(external_id) => self.store.ids_of(external_id),
        };
        let is_stale =
            |record: &Record| record.is_stale(now, settings.purge_after, settings.purge_clock);
        for id in ids {
            match self.store.get(id) {
                Some(record) if is_stale(record) => {
                    let gone = record.clone();
                    self.purge(&gone, now, log)?;
                }
                Some(record) => return Ok(Some(record.clone())),
                None => {}
            }
        }
        Ok(None)
    }

    fn purge(&mut self, record: &Record, now: Timestamp, log: &mut Log) -> io::Result<()> {
        self.store.remove(record.id)?;
        let mut entry = Entry::new(Operation::Purge, now);
        entry.id = Some(record.id);
        entry.external_id.clone_from(&record.external_id);
        entry.object = Some(record.object.clone());
        log.append(entry)
    }
}
