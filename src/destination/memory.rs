//! A service in memory, with faults at will: what the protocol is tested against.
//!
//! It keeps to the rules of the real one where they are known, and has a switch for each rule that
//! is not. Time is the runtime's, which tests can move. Its faults come before a request's effect,
//! after it, or let the effect happen late, which no real server can be made to do on demand.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::{
    Created, Destination, Failure, NewAttachment, Presence, PutFailure, Receipt, UnsafeTarget,
};
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef, Sha256Digest};
use crate::source::Source;
use crate::sync::lock;

/// How long a client waits for an answer that does not come.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How the service behaves where its documentation is silent.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether two attachments may have one `external_id`.
    pub ids: Ids,
    /// How long after the upload a size stays hidden.
    pub size_delay: Duration,
    /// How long an address for bytes is good.
    pub address_life: Duration,
    /// After how long a record without bytes is removed.
    pub purge_after: Duration,
    /// How long a request takes.
    pub round_trip: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ids: Ids::Unique,
            size_delay: Duration::ZERO,
            address_life: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            round_trip: Duration::from_millis(20),
        }
    }
}

/// Whether two attachments may have one `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// The second one is refused.
    Unique,
    /// Both are taken, and the older one is found.
    NotUnique,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// [`Destination::find`]
    Find,
    /// [`Destination::get`]
    Get,
    /// [`Destination::create`]
    Create,
    /// [`Destination::renew`]
    Renew,
    /// [`Destination::sizes`]
    Sizes,
    /// [`Destination::put`]
    Put,
}

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection: nothing is sent.
    NotSent,
    /// Lost on the way there: no effect, no answer.
    LostBefore,
    /// Lost on the way back: its effect happens, and nobody hears of it.
    LostAfter,
    /// Held up on the way: no answer, and its effect happens so much later.
    Late(Duration),
    /// 429.
    Throttled,
    /// 401 or 403.
    Denied,
    /// Refused as it is, with 422 or the like.
    Refused,
}

/// Decides what befalls the n-th request of a kind, counted from 1.
pub type Script = Box<dyn FnMut(Operation, u64) -> Option<Fault> + Send>;

/// A request that had an effect, or was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What was asked.
    pub operation: Operation,
    /// Of which attachment, where there is one.
    pub id: Option<u64>,
    /// When it had its effect.
    pub at: Instant,
}

/// An attachment that has its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAttachment {
    /// Its id.
    pub id: u64,
    /// Its key.
    pub external_id: ExternalId,
    /// What it hangs on.
    pub object: ObjectRef,
    /// What it holds.
    pub sha256: Sha256Digest,
}

/// The service.
pub struct Memory {
    rules: Rules,
    world: Mutex<World>,
}

/// Where bytes go: a key that the service made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(u64);

struct World {
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
    new: NewAttachment,
    created: Instant,
    address: Address,
}

/// What a request does when it arrives.
#[derive(Clone)]
enum Effect {
    Create(NewAttachment),
    Renew(u64),
    Put(Address, Content),
}

/// What an effect came to.
enum Done {
    Record(u64, Address),
    Stored,
    Taken,
    Expired,
    Gone,
}

impl Memory {
    /// A service without faults.
    pub fn new(rules: Rules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// A service with faults.
    pub fn with_faults(rules: Rules, script: Script) -> Self {
        Self {
            rules,
            world: Mutex::new(World {
                records: BTreeMap::new(),
                addresses: HashMap::new(),
                bytes: HashMap::new(),
                late: Vec::new(),
                counts: HashMap::new(),
                script,
                log: Vec::new(),
                next_id: 1,
                next_address: 1,
            }),
        }
    }

    /// Every attachment that has its bytes, the oldest first.
    pub fn stored(&self) -> Vec<StoredAttachment> {
        let world = self.world();
        let stored = world.records.iter().filter_map(|(id, record)| {
            let (content, _) = world.bytes.get(&record.address)?;
            Some(StoredAttachment {
                id: *id,
                external_id: record.new.external_id.clone(),
                object: record.new.object,
                sha256: content.sha256,
            })
        });
        stored.collect()
    }

    /// All requests that arrived, in the order of their effects.
    pub fn log(&self) -> Vec<Logged> {
        self.world().log.clone()
    }

    /// How many records there are, with bytes and without.
    pub fn records(&self) -> usize {
        self.world().records.len()
    }

    /// Removes an attachment behind everybody's back.
    pub fn remove(&self, id: u64) {
        self.world().records.remove(&id);
    }

    /// Brings the world up to now: what was late arrives, and what is old goes.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        let now = Instant::now();
        let mut late = std::mem::take(&mut world.late);
        late.sort_by_key(|(due, _)| *due);
        for (due, effect) in late {
            if due <= now {
                world.happen(effect, &self.rules, due);
            } else {
                world.late.push((due, effect));
            }
        }
        world.purge(&self.rules, now);
        world
    }

    /// What befalls the next request of a kind, with the time that passes on its way there.
    async fn send(&self, operation: Operation) -> Option<Fault> {
        tokio::time::sleep(self.rules.round_trip / 2).await;
        let mut world = self.world();
        let count = world.counts.entry(operation).or_default();
        *count += 1;
        let count = *count;
        (world.script)(operation, count)
    }

    /// The time that passes on the way back.
    async fn answered(&self) {
        tokio::time::sleep(self.rules.round_trip / 2).await;
    }

    async fn ask<T>(
        &self,
        operation: Operation,
        answer: impl FnOnce(&mut World, Instant) -> T,
    ) -> Result<T, Failure> {
        let fault = self.send(operation).await;
        match fault {
            None => {
                let answer = answer(&mut self.world(), Instant::now());
                self.answered().await;
                Ok(answer)
            }
            Some(fault) => Err(self.fail(fault).await),
        }
    }

    async fn change(&self, operation: Operation, effect: Effect) -> Result<Done, Failure> {
        let now = |effect| self.world().happen(effect, &self.rules, Instant::now());
        match self.send(operation).await {
            None => {
                let done = now(effect);
                self.answered().await;
                Ok(done)
            }
            Some(Fault::LostAfter) => {
                now(effect);
                Err(self.fail(Fault::LostAfter).await)
            }
            Some(Fault::Late(after)) => {
                self.world().late.push((Instant::now() + after, effect));
                Err(self.fail(Fault::Late(after)).await)
            }
            Some(fault) => Err(self.fail(fault).await),
        }
    }

    async fn fail(&self, fault: Fault) -> Failure {
        if let Fault::LostBefore | Fault::LostAfter | Fault::Late(_) = fault {
            tokio::time::sleep(TIME_LIMIT).await;
        }
        match fault {
            Fault::NotSent => Failure::NotSent("no connection".into()),
            Fault::Throttled => Failure::Throttled { retry_after: None },
            Fault::Denied => Failure::Denied("status 401".into()),
            Fault::Refused => Failure::Refused("status 422".into()),
            Fault::LostBefore | Fault::LostAfter | Fault::Late(_) => {
                Failure::Unanswered("no answer in time".into())
            }
        }
    }
}

impl World {
    fn happen(&mut self, effect: Effect, rules: &Rules, now: Instant) -> Done {
        match effect {
            Effect::Create(new) => self.create(new, rules, now),
            Effect::Renew(id) => self.renew(id, now),
            Effect::Put(address, content) => self.put(address, content, rules, now),
        }
    }

    fn note(&mut self, operation: Operation, id: Option<u64>, at: Instant) {
        self.log.push(Logged { operation, id, at });
    }

    fn create(&mut self, new: NewAttachment, rules: &Rules, now: Instant) -> Done {
        if rules.ids == Ids::Unique && self.by_external_id(&new.external_id).is_some() {
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

    fn by_external_id(&self, external_id: &ExternalId) -> Option<u64> {
        let mut found = self
            .records
            .iter()
            .filter(|(_, record)| record.new.external_id == *external_id);
        found.next().map(|(id, _)| *id)
    }

    fn size(&self, id: u64, rules: &Rules, now: Instant) -> Option<u64> {
        let (content, at) = self.bytes.get(&self.records.get(&id)?.address)?;
        (now - *at >= rules.size_delay).then_some(content.stamp.size)
    }

    fn presence(&self, id: Option<u64>, rules: &Rules, now: Instant) -> Presence {
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

fn public(id: u64) -> AttachmentId {
    AttachmentId::parse(&id.to_string()).expect("a number is an id")
}

fn private(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap_or(0)
}

impl Destination for Memory {
    type Target = Address;

    async fn find(&self, external_id: &ExternalId) -> Result<Presence, Failure> {
        let rules = &self.rules;
        self.ask(Operation::Find, |world, now| {
            let id = world.by_external_id(external_id);
            world.note(Operation::Find, id, now);
            world.presence(id, rules, now)
        })
        .await
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Failure> {
        let rules = &self.rules;
        self.ask(Operation::Get, |world, now| {
            let id = Some(private(id));
            world.note(Operation::Get, id, now);
            world.presence(id, rules, now)
        })
        .await
    }

    async fn create(&self, new: &NewAttachment) -> Result<Created<Address>, Failure> {
        let effect = Effect::Create(new.clone());
        match self.change(Operation::Create, effect).await? {
            Done::Record(id, address) => Ok(Created {
                id: public(id),
                target: Ok(address),
            }),
            _ => Err(Failure::Refused("status 422: external_id is taken".into())),
        }
    }

    async fn renew(
        &self,
        id: &AttachmentId,
        _file_name: &str,
    ) -> Result<Result<Address, UnsafeTarget>, Failure> {
        let effect = Effect::Renew(private(id));
        match self.change(Operation::Renew, effect).await? {
            Done::Record(_, address) => Ok(Ok(address)),
            _ => Err(Failure::Refused("status 404".into())),
        }
    }

    async fn sizes(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Option<u64>>, Failure> {
        let rules = &self.rules;
        self.ask(Operation::Sizes, |world, now| {
            world.note(Operation::Sizes, None, now);
            let there = ids
                .iter()
                .filter(|id| world.records.contains_key(&private(id)));
            there
                .map(|id| (id.clone(), world.size(private(id), rules, now)))
                .collect()
        })
        .await
    }

    async fn put(
        &self,
        target: &Address,
        _source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let effect = Effect::Put(*target, *content);
        match self.change(Operation::Put, effect).await {
            Ok(Done::Stored) => {
                sent(content.stamp.size);
                Ok(Receipt::Checksummed)
            }
            Ok(_) | Err(Failure::Denied(_)) => Err(PutFailure::Expired),
            Err(Failure::Refused(why)) => Err(PutFailure::Refused(why)),
            Err(Failure::NotSent(why) | Failure::Unanswered(why) | Failure::Hopeless(why)) => {
                Err(PutFailure::Interrupted(why))
            }
            Err(Failure::Throttled { .. }) => Err(PutFailure::Interrupted("status 503".into())),
        }
    }
}
