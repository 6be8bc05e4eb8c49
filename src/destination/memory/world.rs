//! What the service in memory holds, and what requests do to it when they arrive.

use std::collections::{BTreeMap, HashMap};

use tokio::time::Instant;

use super::{Address, Fault, Ids, Logged, Operation, Rules, Script, StoredAttachment, public};
use crate::destination::{NewRecord, Presence};
use crate::model::{Content, ExternalId};

/// All that the service holds.
pub(super) struct World {
    records: BTreeMap<u64, Record>,
    /// Which record an address was issued for, and when.
    addresses: HashMap<Address, (u64, Instant)>,
    bytes: HashMap<Address, (Content, Instant)>,
    /// Effects that are still on their way.
    late: Vec<(Instant, Effect)>,
    counts: HashMap<Operation, u64>,
    script: Script,
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

impl World {
    pub(super) fn new(script: Script) -> Self {
        Self {
            records: BTreeMap::new(),
            addresses: HashMap::new(),
            bytes: HashMap::new(),
            late: Vec::new(),
            counts: HashMap::new(),
            script,
            log: Vec::new(),
            next_id: 1,
            next_address: 1,
        }
    }

    /// Comes up to now: what was held up arrives, and what is old goes.
    pub(super) fn settle(&mut self, rules: &Rules, now: Instant) {
        let mut late = std::mem::take(&mut self.late);
        late.sort_by_key(|(due, _)| *due);
        for (due, effect) in late {
            if due <= now {
                self.happen(effect, rules, due);
            } else {
                self.late.push((due, effect));
            }
        }
        self.purge(rules, now);
    }

    /// Counts a request, and says what befalls it.
    pub(super) fn next_fault(&mut self, operation: Operation) -> Option<Fault> {
        let count = self.counts.entry(operation).or_default();
        *count += 1;
        (self.script)(operation, *count)
    }

    /// Keeps an effect back until it is due.
    pub(super) fn hold_up(&mut self, effect: Effect, due: Instant) {
        self.late.push((due, effect));
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

    pub(super) fn happen(&mut self, effect: Effect, rules: &Rules, now: Instant) -> Done {
        match effect {
            Effect::Create(new) => self.create(new, rules, now),
            Effect::Renew(id) => self.renew(id, now),
            Effect::Put(address, content) => self.put(address, content, rules, now),
        }
    }

    pub(super) fn note(&mut self, operation: Operation, id: Option<u64>, at: Instant) {
        self.log.push(Logged { operation, id, at });
    }

    fn create(&mut self, new: NewRecord, rules: &Rules, now: Instant) -> Done {
        if rules.ids == Ids::Unique && self.by_external_id(&new.files[0].external_id).is_some() {
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

    fn put(&mut self, address: Address, content: Content, rules: &Rules, now: Instant) -> Done {
        let Some((id, issued)) = self.addresses.get(&address).copied() else {
            return Done::Expired;
        };
        if now - issued > rules.address_life {
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

    pub(super) fn size(&self, id: u64, rules: &Rules, now: Instant) -> Option<u64> {
        let (content, at) = self.bytes.get(&self.records.get(&id)?.address)?;
        (now - *at >= rules.size_delay).then_some(content.stamp.size)
    }

    pub(super) fn presence(
        &self,
        id: Option<u64>,
        rules: &Rules,
        now: Instant,
    ) -> Presence<Address> {
        let Some(id) = id.filter(|id| self.records.contains_key(id)) else {
            return Presence::Absent;
        };
        match self.size(id, rules, now) {
            Some(size) => Presence::Stored {
                id: public(id),
                size,
            },
            None => Presence::Pending { id: public(id) },
        }
    }

    fn purge(&mut self, rules: &Rules, now: Instant) {
        let bytes = &self.bytes;
        self.records.retain(|_, record| {
            bytes.contains_key(&record.address) || now - record.created < rules.purge_after
        });
    }
}
