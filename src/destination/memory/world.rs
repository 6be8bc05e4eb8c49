//! What the service in memory holds, and what requests do to it when they arrive.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::delivery::World;
use super::{Address, Ids, Logged, Operation, Rules, StoredAttachment, public};
use crate::destination::archive::{Exhibit, Shown};
use crate::destination::{NewRecord, Presence};
use crate::model::{Content, ExternalId};

/// All that the service holds.
pub(super) struct Attachments {
    rules: Rules,
    records: BTreeMap<u64, Record>,
    /// Which record an address was issued for, and when.
    addresses: HashMap<Address, (u64, Instant)>,
    bytes: HashMap<Address, (Content, Instant)>,
    /// Which bytes an address leads to for whoever wants to have them, and since when.
    downloads: HashMap<Address, (Content, Instant)>,
    log: Vec<Logged>,
    next_id: u64,
    next_address: u64,
}

struct Record {
    new: NewRecord,
    created: Instant,
    address: Address,
}

/// What a request does when it arrives.
#[derive(Clone)]
pub(super) enum Effect {
    Create(NewRecord),
    Renew(u64),
    Put(Address, Content),
}

/// What an effect came to.
pub(super) enum Done {
    Record(u64, Address),
    Stored,
    Taken,
    Expired,
    Gone,
}

impl World for Attachments {
    type Effect = Effect;
    type Done = Done;

    fn happen(&mut self, effect: Effect, now: Instant) -> Done {
        match effect {
            Effect::Create(new) => self.create(new, now),
            Effect::Renew(id) => self.renew(id, now),
            Effect::Put(address, content) => self.put(address, content, now),
        }
    }

    fn age(&mut self, now: Instant) {
        let (bytes, purge_after) = (&self.bytes, self.rules.purge_after);
        self.records.retain(|_, record| {
            bytes.contains_key(&record.address) || now - record.created < purge_after
        });
    }
}

impl Attachments {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            records: BTreeMap::new(),
            addresses: HashMap::new(),
            bytes: HashMap::new(),
            downloads: HashMap::new(),
            log: Vec::new(),
            next_id: 1,
            next_address: 1,
        }
    }

    pub(super) fn log(&self) -> &[Logged] {
        &self.log
    }

    pub(super) fn records(&self) -> usize {
        self.records.len()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.records.contains_key(&id)
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.records.remove(&id);
    }

    /// Every attachment that has its bytes, the oldest first.
    pub(super) fn stored(&self) -> Vec<StoredAttachment> {
        let stored = self.records.iter().filter_map(|(id, record)| {
            let (content, _) = self.bytes.get(&record.address)?;
            Some(StoredAttachment {
                id: *id,
                external_id: record.new.files[0].external_id.clone(),
                object: record.new.object,
                sha256: content.sha256,
            })
        });
        stored.collect()
    }

    pub(super) fn note(&mut self, operation: Operation, id: Option<u64>, at: Instant) {
        self.log.push(Logged { operation, id, at });
    }

    fn create(&mut self, new: NewRecord, now: Instant) -> Done {
        if self.rules.ids == Ids::Unique && self.by_external_id(&new.files[0].external_id).is_some()
        {
            self.note(Operation::Create, None, now);
            return Done::Taken;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.note(Operation::Create, Some(id), now);
        let address = self.issue(id, now);
        let record = Record {
            new,
            created: now,
            address,
        };
        self.records.insert(id, record);
        Done::Record(id, address)
    }

    fn renew(&mut self, id: u64, now: Instant) -> Done {
        self.note(Operation::Renew, Some(id), now);
        let address = self.issue(id, now);
        match self.records.get_mut(&id) {
            Some(record) => {
                record.address = address;
                Done::Record(id, address)
            }
            None => Done::Gone,
        }
    }

    fn put(&mut self, address: Address, content: Content, now: Instant) -> Done {
        let Some((id, issued)) = self.addresses.get(&address).copied() else {
            return Done::Expired;
        };
        if now - issued > self.rules.address_life {
            return Done::Expired;
        }
        self.note(Operation::Put, Some(id), now);
        self.bytes.insert(address, (content, now));
        Done::Stored
    }

    fn issue(&mut self, id: u64, now: Instant) -> Address {
        let address = Address(self.next_address);
        self.next_address += 1;
        self.addresses.insert(address, (id, now));
        address
    }

    pub(super) fn by_external_id(&self, external_id: &ExternalId) -> Option<u64> {
        let mut found = self
            .records
            .iter()
            .filter(|(_, record)| record.new.files[0].external_id == *external_id);
        found.next().map(|(id, _)| *id)
    }

    fn size(&self, id: u64, now: Instant) -> Option<u64> {
        let (content, at) = self.bytes.get(&self.records.get(&id)?.address)?;
        (now - *at >= self.rules.size_delay).then_some(content.stamp.size)
    }

    /// What is shown of an attachment.
    pub(super) fn exhibit(&self, id: u64, now: Instant) -> Option<Exhibit> {
        let record = self.records.get(&id)?;
        let [file] = record.new.files.as_slice() else {
            return None;
        };
        let shown = |text: &str| Shown::Text {
            value: text.to_owned(),
            words: text.to_owned(),
        };
        Some(Exhibit {
            external_id: shown(file.external_id.as_str()),
            title: shown(file.title.as_deref().unwrap_or(&file.file_name)),
            size: self.size(id, now),
        })
    }

    /// An address from which the bytes of an attachment can be had for a while.
    pub(super) fn lend(&mut self, id: u64, now: Instant) -> Option<Address> {
        let (content, _) = *self.bytes.get(&self.records.get(&id)?.address)?;
        let address = Address(self.next_address);
        self.next_address += 1;
        self.downloads.insert(address, (content, now));
        Some(address)
    }

    /// What is had from such an address; nothing once it has expired.
    pub(super) fn lent(&self, address: Address, now: Instant) -> Option<Content> {
        let (content, since) = self.downloads.get(&address)?;
        (now - *since <= self.rules.address_life).then_some(*content)
    }

    pub(super) fn presence(&self, id: Option<u64>, now: Instant) -> Presence<Address> {
        let Some(id) = id.filter(|id| self.records.contains_key(id)) else {
            return Presence::Absent;
        };
        match self.size(id, now) {
            Some(size) => Presence::Stored {
                id: public(id),
                size,
            },
            None => Presence::Pending { id: public(id) },
        }
    }
}
