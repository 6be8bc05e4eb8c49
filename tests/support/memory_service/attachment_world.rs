//! State of the service for attachments in memory, and the effects of requests.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::faulty_delivery::MemoryWorld;
use super::object_catalog::ObjectCatalog;
use super::{
    AttachmentServiceRules, ExternalIdRule, LoggedRequest, MemoryAddress, MemoryAttachment,
    RequestKind, RoutingRule, TitleRule, attachment_id,
};
use consign::destination::attachment_metadata::{AttachmentMetadata, Reported};
use consign::destination::{
    AttachmentNames, AttachmentPresence, MadeNames, NameUpdate, NewAttachment,
};
use consign::model::{CheckedContent, ExternalId, ObjectRef};

/// Records, addresses and bytes of the service.
pub(super) struct AttachmentWorld {
    rules: AttachmentServiceRules,
    records: BTreeMap<u64, MemoryRecord>,
    /// Record of each upload address, and the time of issue.
    addresses: HashMap<MemoryAddress, (u64, Instant)>,
    bytes: HashMap<MemoryAddress, (CheckedContent, Instant)>,
    /// Content behind each download address, and the time of issue.
    downloads: HashMap<MemoryAddress, (CheckedContent, Instant)>,
    /// Records with attachments.
    pub(super) catalog: ObjectCatalog,
    log: Vec<LoggedRequest>,
    next_id: u64,
    next_address: u64,
}

/// Record of an attachment, with bytes or without.
struct MemoryRecord {
    new: NewAttachment,
    created_at: Instant,
    named_at: Instant,
    address: MemoryAddress,
}

/// Change by a request, made on arrival.
#[derive(Clone)]
pub(super) enum AttachmentEffect {
    Create(NewAttachment),
    Renew(u64, String, Option<String>),
    Amend(AmendTarget, NameUpdate),
    Put(MemoryAddress, CheckedContent),
}

/// Attachment whose names are changed. An `external_id` is resolved when the request arrives.
#[derive(Clone)]
pub(super) enum AmendTarget {
    Id(u64),
    ExternalId(ExternalId),
}

/// Result of a change.
pub(super) enum AttachmentEffectOutcome {
    AddressIssued(u64, MemoryAddress),
    NamesChanged(u64),
    BytesStored,
    ExternalIdTaken,
    AddressExpired,
    NoSuchRecord,
}

impl MemoryWorld for AttachmentWorld {
    type Effect = AttachmentEffect;
    type Done = AttachmentEffectOutcome;

    fn apply(&mut self, effect: AttachmentEffect, now: Instant) -> AttachmentEffectOutcome {
        match effect {
            AttachmentEffect::Create(new) => self.create(new, now),
            AttachmentEffect::Renew(id, file_name, title) => self.renew(id, file_name, title, now),
            AttachmentEffect::Amend(which, names) => self.amend(&which, names, now),
            AttachmentEffect::Put(address, content) => self.put(address, content, now),
        }
    }

    fn remove_expired(&mut self, now: Instant) {
        let (bytes, purge_after) = (&self.bytes, self.rules.purge_after);
        self.records.retain(|_, record| {
            bytes.contains_key(&record.address) || now - record.created_at < purge_after
        });
    }
}

impl AttachmentWorld {
    pub(super) fn new(rules: AttachmentServiceRules) -> Self {
        Self {
            rules,
            records: BTreeMap::new(),
            addresses: HashMap::new(),
            bytes: HashMap::new(),
            downloads: HashMap::new(),
            catalog: ObjectCatalog::default(),
            log: Vec::new(),
            next_id: 1,
            next_address: 1,
        }
    }

    pub(super) fn log(&self) -> &[LoggedRequest] {
        &self.log
    }

    pub(super) fn record_count(&self) -> usize {
        self.records.len()
    }

    pub(super) fn contains_record(&self, id: u64) -> bool {
        self.records.contains_key(&id)
    }

    pub(super) fn remove_record(&mut self, id: u64) {
        self.records.remove(&id);
    }

    pub(super) fn overwrite(&mut self, id: u64, content: CheckedContent, now: Instant) {
        let address = self.issue_upload_address(id, now);
        if let Some(record) = self.records.get_mut(&id) {
            record.address = address;
            self.bytes.insert(address, (content, now));
        }
    }

    /// Returns every attachment whose bytes have arrived, the oldest first.
    pub(super) fn stored(&self) -> Vec<MemoryAttachment> {
        let stored = self.records.iter().filter_map(|(id, record)| {
            let (content, _) = self.bytes.get(&record.address)?;
            Some(MemoryAttachment {
                id: *id,
                external_id: record.new.file.external_id.clone(),
                title: record.new.file.title.clone(),
                object: record.new.object,
                sha256: content.sha256,
            })
        });
        stored.collect()
    }

    /// Returns the ids of all attachments on a record, with bytes or without.
    pub(super) fn ids_on(&self, object: ObjectRef) -> Vec<u64> {
        let on_object = self
            .records
            .iter()
            .filter(|(_, record)| record.new.object == object);
        on_object.map(|(id, _)| *id).collect()
    }

    pub(super) fn log_request(&mut self, operation: RequestKind, id: Option<u64>, at: Instant) {
        self.log.push(LoggedRequest {
            kind: operation,
            id,
            at,
        });
    }

    fn create(&mut self, mut new: NewAttachment, now: Instant) -> AttachmentEffectOutcome {
        if self.is_taken(&new.file.external_id, new.object, None) {
            self.log_request(RequestKind::Create, None, now);
            return AttachmentEffectOutcome::ExternalIdTaken;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.log_request(RequestKind::Create, Some(id), now);
        let address = self.issue_upload_address(id, now);
        let file = &mut new.file;
        file.title.get_or_insert_with(|| file.file_name.clone());
        let record = MemoryRecord {
            new,
            created_at: now,
            named_at: now,
            address,
        };
        self.records.insert(id, record);
        AttachmentEffectOutcome::AddressIssued(id, address)
    }

    pub(super) fn attach_as_other(
        &mut self,
        new: NewAttachment,
        content: Option<CheckedContent>,
        now: Instant,
    ) -> Option<u64> {
        let AttachmentEffectOutcome::AddressIssued(id, address) = self.create(new, now) else {
            return None;
        };
        if let Some(content) = content {
            self.put(address, content, now);
        }
        Some(id)
    }

    /// Releases the stored bytes and issues a new address. Without a title, the old title stays or
    /// a new title is derived, by the rules.
    fn renew(
        &mut self,
        id: u64,
        file_name: String,
        title: Option<String>,
        now: Instant,
    ) -> AttachmentEffectOutcome {
        self.log_request(RequestKind::Renew, Some(id), now);
        let address = self.issue_upload_address(id, now);
        let derived = self.rules.titles == TitleRule::DerivedAnew;
        let Some(record) = self.records.get_mut(&id) else {
            return AttachmentEffectOutcome::NoSuchRecord;
        };
        record.address = address;
        record.created_at = now;
        let file = &mut record.new.file;
        if title.is_some() {
            file.title = title;
        } else if derived {
            file.title = Some(file_name.clone());
        }
        file.file_name = file_name;
        AttachmentEffectOutcome::AddressIssued(id, address)
    }

    fn amend(
        &mut self,
        which: &AmendTarget,
        names: NameUpdate,
        now: Instant,
    ) -> AttachmentEffectOutcome {
        let id = match which {
            AmendTarget::Id(id) => Some(*id),
            AmendTarget::ExternalId(external_id) => self.routed_id(external_id, now),
        };
        self.log_request(RequestKind::Amend, id, now);
        let object = id.and_then(|id| Some(self.records.get(&id)?.new.object));
        let taken = |wanted: &ExternalId| object.is_some_and(|on| self.is_taken(wanted, on, id));
        if names.external_id.as_ref().is_some_and(taken) {
            return AttachmentEffectOutcome::ExternalIdTaken;
        }
        let Some((id, record)) = id.and_then(|id| Some((id, self.records.get_mut(&id)?))) else {
            return AttachmentEffectOutcome::NoSuchRecord;
        };
        let file = &mut record.new.file;
        if let Some(title) = names.title {
            file.title = Some(title);
        }
        if let Some(external_id) = names.external_id {
            file.external_id = external_id;
            record.named_at = now;
        }
        AttachmentEffectOutcome::NamesChanged(id)
    }

    fn put(
        &mut self,
        address: MemoryAddress,
        content: CheckedContent,
        now: Instant,
    ) -> AttachmentEffectOutcome {
        let Some((id, issued)) = self.addresses.get(&address).copied() else {
            return AttachmentEffectOutcome::AddressExpired;
        };
        if now - issued > self.rules.address_life {
            return AttachmentEffectOutcome::AddressExpired;
        }
        self.log_request(RequestKind::Put, Some(id), now);
        self.bytes.insert(address, (content, now));
        AttachmentEffectOutcome::BytesStored
    }

    fn issue_upload_address(&mut self, id: u64, now: Instant) -> MemoryAddress {
        let address = MemoryAddress(self.next_address);
        self.next_address += 1;
        self.addresses.insert(address, (id, now));
        address
    }

    /// Returns the record to which an `external_id` leads now.
    pub(super) fn routed_id(&self, external_id: &ExternalId, now: Instant) -> Option<u64> {
        let is_lost =
            self.rules.routing == RoutingRule::NoDots && external_id.as_str().contains('.');
        let id = self.oldest_id(external_id).filter(|_| !is_lost)?;
        let named = self.records.get(&id)?.named_at;
        (now - named >= self.rules.find_delay).then_some(id)
    }

    /// Returns `true` if a record other than `own` keeps the `external_id` from a record of
    /// `object`.
    fn is_taken(&self, external_id: &ExternalId, object: ObjectRef, own: Option<u64>) -> bool {
        let mut others = self.records.iter().filter(|(id, record)| {
            record.new.file.external_id == *external_id && Some(**id) != own
        });
        others.any(|(_, other)| match self.rules.external_ids {
            ExternalIdRule::Unique => true,
            ExternalIdRule::UniquePerType => other.new.object.object_type() == object.object_type(),
            ExternalIdRule::UniquePerObject => other.new.object == object,
            ExternalIdRule::NotUnique => false,
        })
    }

    fn oldest_id(&self, external_id: &ExternalId) -> Option<u64> {
        let mut found = self
            .records
            .iter()
            .filter(|(_, record)| record.new.file.external_id == *external_id);
        found.next().map(|(id, _)| *id)
    }

    fn visible_size(&self, id: u64, now: Instant) -> Option<u64> {
        let (content, at) = self.bytes.get(&self.records.get(&id)?.address)?;
        (now - *at >= self.rules.size_delay).then_some(content.stamp.size)
    }

    /// Returns the names of an attachment.
    pub(super) fn names(&self, id: u64) -> AttachmentNames {
        let file = self.records.get(&id).map(|one| &one.new.file);
        file.map_or_else(AttachmentNames::default, |file| AttachmentNames {
            external_id: Reported::from_own_text(file.external_id.as_str()),
            title: Reported::from_own_text(file.title.as_deref().unwrap_or_default()),
        })
    }

    /// Returns the file name and the title of an attachment.
    fn made_names(&self, id: u64) -> MadeNames {
        let file = self.records.get(&id).map(|one| &one.new.file);
        file.map_or_else(MadeNames::default, |file| MadeNames {
            file_name: Reported::from_own_text(&file.file_name),
            title: Reported::from_own_text(file.title.as_deref().unwrap_or_default()),
        })
    }

    /// Returns the metadata of an attachment as the service reports it.
    pub(super) fn metadata(&self, id: u64, now: Instant) -> Option<AttachmentMetadata> {
        let record = self.records.get(&id)?;
        let file = &record.new.file;
        Some(AttachmentMetadata {
            external_id: Reported::from_own_text(file.external_id.as_str()),
            title: Reported::from_own_text(file.title.as_deref().unwrap_or_default()),
            file_name: Reported::from_own_text(&file.file_name),
            uploaded_at: match self.bytes.get(&record.address) {
                Some((_, at)) => Reported::from_own_text(&format!("{:?}", *at)),
                None => Reported::NotReported,
            },
            size: self.visible_size(id, now),
        })
    }

    /// Issues an address for a download. `None` without bytes.
    pub(super) fn issue_download_address(
        &mut self,
        id: u64,
        now: Instant,
    ) -> Option<MemoryAddress> {
        let (content, _) = *self.bytes.get(&self.records.get(&id)?.address)?;
        let address = MemoryAddress(self.next_address);
        self.next_address += 1;
        self.downloads.insert(address, (content, now));
        Some(address)
    }

    /// Returns the content behind a download address. `None` after expiry.
    pub(super) fn content_at(
        &self,
        address: MemoryAddress,
        now: Instant,
    ) -> Option<CheckedContent> {
        let (content, since) = self.downloads.get(&address)?;
        (now - *since <= self.rules.address_life).then_some(*content)
    }

    pub(super) fn presence(&self, id: Option<u64>, now: Instant) -> AttachmentPresence {
        let Some(id) = id.filter(|id| self.records.contains_key(id)) else {
            return AttachmentPresence::Absent;
        };
        match self.visible_size(id, now) {
            Some(size) => AttachmentPresence::Stored {
                id: attachment_id(id),
                size,
                names: self.names(id),
            },
            None => AttachmentPresence::Pending {
                id: attachment_id(id),
                made_as: self.made_names(id),
            },
        }
    }
}
