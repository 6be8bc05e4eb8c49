//! A service in memory, with faults at will: what the protocol is tested against.
//!
//! It keeps to the rules of the real one where they are known, and has a switch for each rule that
//! is not. Time is the runtime's, which tests can move. Its faults come before a request's effect,
//! after it, or let the effect happen late or twice, which no real server can be made to do on
//! demand.

mod world;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::{
    Created, Destination, Failure, Keeps, NewRecord, Place, Presence, PutFailure, Receipt,
};
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef, Sha256Digest};
use crate::source::Source;
use crate::sync::lock;

use world::{Done, Effect, World};

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
    /// [`Destination::list`]
    List,
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
    /// Delivered twice: it is answered, and its effect happens once more so much later, or just
    /// before where that is no time at all.
    Twice(Duration),
    /// 5xx, and nothing was done.
    Failed,
    /// 5xx, or an answer that nobody can read; and yet it was done.
    FailedAfter,
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

impl Memory {
    /// A service without faults.
    pub fn new(rules: Rules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// A service with faults.
    pub fn with_faults(rules: Rules, script: Script) -> Self {
        Self {
            rules,
            world: Mutex::new(World::new(script)),
        }
    }

    /// Every attachment that has its bytes, the oldest first.
    pub fn stored(&self) -> Vec<StoredAttachment> {
        self.world().stored()
    }

    /// All requests that arrived, in the order of their effects.
    pub fn log(&self) -> Vec<Logged> {
        self.world().log().to_vec()
    }

    /// How many records there are, with bytes and without.
    pub fn records(&self) -> usize {
        self.world().records()
    }

    /// Removes an attachment behind everybody's back.
    pub fn remove(&self, id: u64) {
        self.world().remove(id);
    }

    /// Brings the world up to now: what was late arrives, and what is old goes.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.settle(&self.rules, Instant::now());
        world
    }

    /// What befalls the next request of a kind, with the time that passes on its way there.
    async fn send(&self, operation: Operation) -> Option<Fault> {
        tokio::time::sleep(self.rules.round_trip / 2).await;
        self.world().next_fault(operation)
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
        match self.send(operation).await {
            // To ask twice is to ask.
            None | Some(Fault::Twice(_)) => {
                let answer = answer(&mut self.world(), Instant::now());
                self.answered().await;
                Ok(answer)
            }
            Some(fault) => Err(self.fail(fault).await),
        }
    }

    async fn change(&self, operation: Operation, effect: Effect) -> Result<Done, Failure> {
        let now = |effect| self.world().happen(effect, &self.rules, Instant::now());
        let later = |effect, after| self.world().hold_up(effect, Instant::now() + after);
        let outcome = match self.send(operation).await {
            None => Ok(now(effect)),
            Some(Fault::Twice(after)) => {
                if after.is_zero() {
                    now(effect.clone());
                } else {
                    later(effect.clone(), after);
                }
                Ok(now(effect))
            }
            Some(fault @ (Fault::LostAfter | Fault::FailedAfter)) => {
                now(effect);
                Err(fault)
            }
            Some(Fault::Late(after)) => {
                later(effect, after);
                Err(Fault::Late(after))
            }
            Some(fault) => Err(fault),
        };
        match outcome {
            Ok(done) => {
                self.answered().await;
                Ok(done)
            }
            Err(fault) => Err(self.fail(fault).await),
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
            Fault::Failed | Fault::FailedAfter => Failure::Unanswered("status 503".into()),
            Fault::LostBefore | Fault::LostAfter | Fault::Late(_) | Fault::Twice(_) => {
                Failure::Unanswered("no answer in time".into())
            }
        }
    }
}

fn public(id: u64) -> AttachmentId {
    AttachmentId::parse(&id.to_string()).expect("a number is an id")
}

fn place(file_name: &str, address: Address) -> Place<Address> {
    Place {
        file_name: file_name.to_owned(),
        target: Ok(address),
    }
}

fn private(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap_or(0)
}

impl Destination for Memory {
    type Target = Address;

    fn keeps(&self) -> Keeps {
        Keeps::Attachments
    }

    async fn find(&self, external_id: &ExternalId) -> Result<Presence<Address>, Failure> {
        let rules = &self.rules;
        self.ask(Operation::Find, |world, now| {
            let id = world.by_external_id(external_id);
            world.note(Operation::Find, id, now);
            world.presence(id, rules, now)
        })
        .await
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence<Address>, Failure> {
        let rules = &self.rules;
        self.ask(Operation::Get, |world, now| {
            let id = Some(private(id));
            world.note(Operation::Get, id, now);
            world.presence(id, rules, now)
        })
        .await
    }

    async fn create(&self, new: &NewRecord) -> Result<Created<Address>, Failure> {
        let effect = Effect::Create(new.clone());
        match self.change(Operation::Create, effect).await? {
            Done::Record(id, address) => Ok(Created {
                id: public(id),
                places: vec![place(&new.files[0].file_name, address)],
            }),
            _ => Err(Failure::Refused("status 422: external_id is taken".into())),
        }
    }

    async fn renew(&self, id: &AttachmentId, file_name: &str) -> Result<Place<Address>, Failure> {
        let effect = Effect::Renew(private(id));
        match self.change(Operation::Renew, effect).await? {
            Done::Record(_, address) => Ok(place(file_name, address)),
            _ => Err(Failure::Refused("status 404".into())),
        }
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Presence<Address>>, Failure> {
        let rules = &self.rules;
        self.ask(Operation::List, |world, now| {
            world.note(Operation::List, None, now);
            let there = ids.iter().filter(|id| world.contains(private(id)));
            there
                .map(|id| (id.clone(), world.presence(Some(private(id)), rules, now)))
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
            Err(Failure::NotSent(why)) => Err(PutFailure::NotSent(why)),
            Err(Failure::Unanswered(why) | Failure::Hopeless(why)) => {
                Err(PutFailure::Interrupted(why))
            }
            Err(Failure::Throttled { .. }) => Err(PutFailure::Interrupted("status 503".into())),
        }
    }
}
