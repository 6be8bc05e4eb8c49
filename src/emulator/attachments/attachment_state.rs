//! State of the attachments API: its records, and the requests that count for the rate limit.

use std::io;
use std::time::Instant;

use axum::http::StatusCode;
use jiff::Timestamp;

use super::attachment_record::AttachmentRecord;
use super::attachment_route::AttachmentIdentifier;
use super::attachment_settings::AttachmentSettings;
use super::attachment_store::AttachmentStore;
use super::rate::{OtherClients, RateLimitDecision, RateWindow};
use crate::emulator::operation::EmulatorOperation;
use crate::emulator::request_log::{RequestLog, RequestLogEntry};
use crate::emulator::state_folder::{StateError, StatePaths};
use crate::model::ObjectRef;

/// Attachment of an object, as far as the object's own answers depend on the attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) struct LinkedAttachment {
    pub(in crate::emulator) id: u64,
    /// Time of the creation.
    pub(in crate::emulator) created: Timestamp,
    pub(in crate::emulator) has_bytes: bool,
}

/// Records of all attachments, and the requests that count for the rate limit.
pub(in crate::emulator) struct AttachmentState {
    pub(super) store: AttachmentStore,
    rate: RateWindow,
    other_clients: OtherClients,
}

impl AttachmentState {
    /// Loads the state that an earlier emulator left in `folder`. `earlier` is the request log of
    /// the earlier emulator.
    pub(super) fn load(
        folder: &StatePaths,
        settings: &AttachmentSettings,
        earlier: &[RequestLogEntry],
        began: Instant,
    ) -> Result<Self, StateError> {
        // The record with the highest id may have been purged; then only the log still has the id.
        let created = earlier
            .iter()
            .filter(|entry| entry.operation == EmulatorOperation::Create);
        let before_the_first = settings.first_id.saturating_sub(1);
        let last_id = created.filter_map(|entry| entry.id).max();
        let last_id = last_id.unwrap_or(before_the_first);
        Ok(Self {
            store: AttachmentStore::load(folder.clone(), last_id)?,
            rate: RateWindow::new(settings.requests_per_second),
            other_clients: OtherClients::new(settings.other_clients_per_second, began),
        })
    }

    /// Counts and logs the requests of the company's other clients up to `until`.
    // Called only when a request to the emulator arrives: nothing else proves that the other
    // clients' requests came.
    pub(super) fn count_other_clients_until(
        &mut self,
        until: Instant,
        log: &mut RequestLog,
    ) -> io::Result<()> {
        while let Some(at) = self.other_clients.next_request_until(until) {
            self.rate.count(at);
            let ago = until.saturating_duration_since(at);
            let mut entry =
                RequestLogEntry::new(EmulatorOperation::OtherClient, Timestamp::now() - ago);
            entry.status = Some(StatusCode::OK.as_u16());
            log.append(entry)?;
        }
        Ok(())
    }

    /// Number of requests by other clients, up to the last request to the emulator.
    pub(super) fn other_client_requests(&self) -> u64 {
        self.other_clients.request_count()
    }

    /// Admits or refuses a request by its arrival time.
    pub(super) fn admit(&mut self, arrival: Instant) -> RateLimitDecision {
        self.rate.admit(arrival)
    }

    /// Removes the oldest attachment with an external id and returns its id; `None` if no
    /// attachment has the external id.
    pub(super) fn remove_oldest(&mut self, external_id: &str) -> io::Result<Option<u64>> {
        let id = self
            .store
            .ids_with_external_id(external_id)
            .first()
            .copied();
        id.map(|id| self.store.remove(id)).transpose()?;
        Ok(id)
    }

    /// Moves the oldest attachment with an external id to an object and returns its id; `None` if
    /// no attachment has the external id.
    pub(super) fn move_oldest(
        &mut self,
        external_id: &str,
        object: ObjectRef,
    ) -> io::Result<Option<u64>> {
        let ids = self.store.ids_with_external_id(external_id);
        let Some(record) = ids.first().and_then(|id| self.store.get(*id)) else {
            return Ok(None);
        };
        let id = record.id;
        let moved = AttachmentRecord {
            object,
            ..record.clone()
        };
        self.store.put(moved)?;
        Ok(Some(id))
    }

    /// Finds an attachment; the oldest of several with the same external id. Purges each stale
    /// record that is met, and returns `None` if no other is left.
    // The purge happens here, as late as possible: no client can distinguish a late purge from an
    // earlier one.
    pub(super) fn look_up(
        &mut self,
        name: &AttachmentIdentifier,
        now: Timestamp,
        settings: &AttachmentSettings,
        log: &mut RequestLog,
    ) -> io::Result<Option<AttachmentRecord>> {
        let ids = match name {
            AttachmentIdentifier::Id(id) => vec![*id],
            AttachmentIdentifier::ExternalId(external_id) => {
                self.store.ids_with_external_id(external_id)
            }
        };
        let is_stale = |record: &AttachmentRecord| {
            record.is_stale(now, settings.purge_after, settings.purge_clock)
        };
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

    /// Finds all attachments with an external id, the oldest first, after a purge of the stale ones.
    pub(super) fn holders_of(
        &mut self,
        external_id: &str,
        now: Timestamp,
        settings: &AttachmentSettings,
        log: &mut RequestLog,
    ) -> io::Result<Vec<AttachmentRecord>> {
        let mut holders = Vec::new();
        for id in self.store.ids_with_external_id(external_id) {
            let name = AttachmentIdentifier::Id(id);
            holders.extend(self.look_up(&name, now, settings, log)?);
        }
        Ok(holders)
    }

    /// Attachments of an object, oldest first. Purges each stale record that is met.
    pub(in crate::emulator) fn attachments_of(
        &mut self,
        object: ObjectRef,
        now: Timestamp,
        settings: &AttachmentSettings,
        log: &mut RequestLog,
    ) -> io::Result<Vec<LinkedAttachment>> {
        let mut attachments = Vec::new();
        for id in self.store.ids_of_object(object) {
            let found = self.look_up(&AttachmentIdentifier::Id(id), now, settings, log)?;
            attachments.extend(found.map(|record| LinkedAttachment {
                id,
                created: record.created.unwrap_or(record.empty_since),
                has_bytes: record.content.is_some(),
            }));
        }
        Ok(attachments)
    }

    /// Objects with attachments, in no particular order.
    pub(in crate::emulator) fn objects_with_attachments(&self) -> impl Iterator<Item = ObjectRef> {
        self.store.objects()
    }

    fn purge(
        &mut self,
        record: &AttachmentRecord,
        now: Timestamp,
        log: &mut RequestLog,
    ) -> io::Result<()> {
        self.store.remove(record.id)?;
        let mut entry = RequestLogEntry::new(EmulatorOperation::Purge, now);
        entry.id = Some(record.id);
        entry.external_id.clone_from(&record.external_id);
        entry.object = Some(record.object.to_string());
        log.append(entry)
    }
}
