//! State of the attachments API: its records, and the requests that count for the rate limit.

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

/// Records of all attachments, and the requests that count for the rate limit.
pub(super) struct AttachmentState {
    pub(super) store: AttachmentStore,
    rate: Window,
    others: Others,
}

impl AttachmentState {
    /// Loads the state that an earlier emulator left in `folder`. `earlier` is the request log of
    /// the earlier emulator.
    pub(super) fn load(
        folder: &Folder,
        settings: &AttachmentSettings,
        earlier: &[Entry],
        began: Instant,
    ) -> Result<Self, StateError> {
        // The record with the highest id may have been purged; then only the log still has the id.
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

    /// Counts and logs the requests of the company's other clients up to `until`.
    // Called only when a request to the emulator arrives: nothing else could tell that the other
    // clients' requests came.
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

    /// Number of requests by other clients, up to the last request to the emulator.
    pub(super) fn other_clients(&self) -> u64 {
        self.others.requests()
    }

    /// Admits or refuses a request by its arrival time.
    pub(super) fn admit(&mut self, arrival: Instant) -> Admission {
        self.rate.admit(arrival)
    }

    /// Removes the oldest attachment with an external id and returns its id; `None` if no
    /// attachment has the external id.
    pub(super) fn remove(&mut self, external_id: &str) -> io::Result<Option<u64>> {
        let id = self.store.ids_of(external_id).first().copied();
        id.map(|id| self.store.remove(id)).transpose()?;
        Ok(id)
    }

    /// Finds an attachment; the oldest of several with the same external id. Purges each stale
    /// record that is met, and returns `None` if no other is left.
    // Purged here, as late as possible: no client can tell a late purge from an earlier one.
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
