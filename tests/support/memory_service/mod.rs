//! A service in memory, with faults at will: what the protocol is tested against.
//!
//! It keeps to the rules of the real one where they are known, and has a switch for each rule that
//! is not. Time is the runtime's, which tests can move. Its faults come before a request's effect,
//! after it, or let the effect happen late or twice, which no real server can be made to do on
//! demand.
//!
//! The simulation takes this file in, and so do the unit tests in `src`, which are another crate: the
//! product goes by its name here, and this module by its place in whoever takes it in.

#![expect(
    dead_code,
    reason = "the simulation asks some things of it that the unit tests do not, and the other way round"
)]

mod archive;
mod delivery;
pub(crate) mod jobs;
mod world;

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use consign::destination::archive::{Exhibit, Original};
use consign::destination::{
    Amended, AttachmentApi, CreatedAttachment, Destination, Key, NewAttachment, NewNames, Place,
    Presence,
};
use consign::http::{Failure, FetchFailure, Fetched, PutFailure, Receipt};
use consign::model::{AttachmentId, Content, ExternalId, ObjectRef, Sha256Digest};
use consign::source::Source;

use delivery::{Delivery, of_a_put};
use world::{Attachments, Done, Effect, Which};

/// How the service behaves where its documentation is silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether two attachments may have one `external_id`.
    pub(crate) ids: Ids,
    /// Which of them lead to their attachments.
    pub(crate) routes: Routes,
    /// How long after it got its `external_id` a record is not found by it.
    pub(crate) find_delay: Duration,
    /// What becomes of a title when a new file name is told without one.
    pub(crate) titles: Titles,
    /// How long after the upload a size stays hidden.
    pub(crate) size_delay: Duration,
    /// How long an address for bytes is good.
    pub(crate) address_life: Duration,
    /// After how long a record without bytes is removed.
    pub(crate) purge_after: Duration,
    /// How long a request takes.
    pub(crate) round_trip: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            ids: Ids::Unique,
            routes: Routes::All,
            find_delay: Duration::ZERO,
            titles: Titles::Kept,
            size_delay: Duration::ZERO,
            address_life: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            round_trip: Duration::from_millis(20),
        }
    }
}

/// Whether two attachments may have one `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// The second one is refused.
    Unique,
    /// Both are taken, and the older one is found.
    NotUnique,
}

/// Which `external_id`s lead to their attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routes {
    /// All.
    All,
    /// All but those with a dot, under which nothing is ever found.
    NoDots,
}

/// What becomes of a title when a new file name is told without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Titles {
    /// It stays.
    Kept,
    /// It is derived from the new file name.
    DerivedAnew,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// [`Destination::find`]
    Find,
    /// [`Destination::get`]
    Get,
    /// [`Destination::create`]
    Create,
    /// [`Destination::renew`]
    Renew,
    /// [`Destination::amend`]
    Amend,
    /// [`Destination::list`]
    List,
    /// [`Destination::put`]
    Put,
    /// [`Archive::inspect`](consign::destination::archive::Archive::inspect)
    Inspect,
    /// [`Archive::original`](consign::destination::archive::Archive::original)
    Original,
    /// [`Archive::fetch`](consign::destination::archive::Archive::fetch)
    Fetch,
}

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
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
pub(crate) type Script = Box<dyn FnMut(Operation, u64) -> Option<Fault> + Send>;

/// A request that had an effect, or was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    /// What was asked.
    pub(crate) operation: Operation,
    /// Of which attachment, where there is one.
    pub(crate) id: Option<u64>,
    /// When it had its effect.
    pub(crate) at: Instant,
}

/// An attachment that has its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAttachment {
    /// Its id.
    pub(crate) id: u64,
    /// Its key.
    pub(crate) external_id: ExternalId,
    /// Its title, where it was given one.
    pub(crate) title: Option<String>,
    /// What it hangs on.
    pub(crate) object: ObjectRef,
    /// What it holds.
    pub(crate) sha256: Sha256Digest,
}

/// The service that keeps attachments.
pub(crate) struct Memory(Delivery<Attachments>);

/// Where bytes go: a key that the service made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(u64);

impl Memory {
    /// A service without faults.
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// A service with faults.
    pub(crate) fn with_faults(rules: Rules, script: Script) -> Self {
        Self(Delivery::new(
            Attachments::new(rules),
            rules.round_trip,
            script,
        ))
    }

    /// Every attachment that has its bytes, the oldest first.
    pub(crate) fn stored(&self) -> Vec<StoredAttachment> {
        self.0.look(|world, _| world.stored())
    }

    /// All requests that arrived, in the order of their effects.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.0.look(|world, _| world.log().to_vec())
    }

    /// How many records there are, with bytes and without.
    pub(crate) fn records(&self) -> usize {
        self.0.look(|world, _| world.records())
    }

    /// Whether there is a record, with bytes or without.
    pub(crate) fn contains(&self, id: u64) -> bool {
        self.0.look(|world, _| world.contains(id))
    }

    /// Removes an attachment behind everybody's back.
    pub(crate) fn remove(&self, id: u64) {
        self.0.look(|world, _| world.remove(id));
    }

    /// Puts other bytes in the place of an attachment's behind everybody's back.
    pub(crate) fn overwrite(&self, id: u64, content: Content) {
        self.0.look(|world, now| world.overwrite(id, content, now));
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

    async fn put(
        &self,
        target: &Address,
        _source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let effect = Effect::Put(*target, *content);
        match self.0.change(Operation::Put, effect).await {
            Ok(Done::Stored) => {
                sent(content.stamp.size);
                Ok(Receipt::Checksummed)
            }
            Ok(_) => Err(PutFailure::Expired),
            Err(failure) => Err(of_a_put(failure)),
        }
    }
}

impl AttachmentApi for Memory {
    async fn find(&self, external_id: &ExternalId) -> Result<Presence, Failure> {
        let find = |world: &mut Attachments, now| {
            let id = world.found_by(external_id, now);
            world.note(Operation::Find, id, now);
            world.presence(id, now)
        };
        self.0.ask(Operation::Find, find).await
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Failure> {
        let get = |world: &mut Attachments, now| {
            let id = Some(private(id));
            world.note(Operation::Get, id, now);
            world.presence(id, now)
        };
        self.0.ask(Operation::Get, get).await
    }

    async fn create(&self, new: &NewAttachment) -> Result<CreatedAttachment<Address>, Failure> {
        let effect = Effect::Create(new.clone());
        match self.0.change(Operation::Create, effect).await? {
            Done::Record(id, address) => Ok(CreatedAttachment {
                id: public(id),
                place: place(&new.file.file_name, address),
            }),
            _ => Err(Failure::Refused("status 422: external_id is taken".into())),
        }
    }

    async fn renew(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<Place<Address>, Failure> {
        let title = title.map(ToOwned::to_owned);
        let effect = Effect::Renew(private(id), file_name.to_owned(), title);
        match self.0.change(Operation::Renew, effect).await? {
            Done::Record(_, address) => Ok(place(file_name, address)),
            _ => Err(Failure::Refused("status 404".into())),
        }
    }

    async fn amend(&self, key: Key<'_>, names: &NewNames) -> Result<Amended, Failure> {
        let which = match key {
            Key::Id(id) => Which::Id(private(id)),
            Key::ExternalId(external_id) => Which::ExternalId(external_id.clone()),
        };
        let effect = Effect::Amend(which, names.clone());
        match self.0.change(Operation::Amend, effect).await? {
            Done::Amended(id) => Ok(Amended {
                id: public(id),
                names: self.0.look(|world, _| world.names(id)),
            }),
            Done::Taken => Err(Failure::Refused("status 422: external_id is taken".into())),
            _ => Err(Failure::Refused("status 404".into())),
        }
    }

    async fn list(&self, ids: &[AttachmentId]) -> Result<HashMap<AttachmentId, Presence>, Failure> {
        let list = |world: &mut Attachments, now| {
            world.note(Operation::List, None, now);
            let there = ids.iter().filter(|id| world.contains(private(id)));
            there
                .map(|id| (id.clone(), world.presence(Some(private(id)), now)))
                .collect()
        };
        self.0.ask(Operation::List, list).await
    }

    async fn inspect(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, Exhibit>, Failure> {
        self.show_all(ids).await
    }

    async fn original(&self, id: &AttachmentId) -> Result<Option<Original<Address>>, Failure> {
        self.show(id).await
    }

    async fn fetch(
        &self,
        place: &Address,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Fetched, FetchFailure> {
        self.hand_out(place, most, into, received).await
    }
}
