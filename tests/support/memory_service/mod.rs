//! Both services in memory, with faults at will, for tests of the protocol.
//!
//! The services keep the rules of the real ones where these are known, and have a switch for each
//! unknown rule. Time is the time of the runtime, which tests can move. Faults come before the
//! effect of a request or after it, delay the effect, or let the effect happen twice, which no real
//! server can be made to do on demand.
//!
//! Open first: this file for attachments, `jobs` for jobs. `delivery` holds the faults, `world` and
//! `jobs::world` hold the state. Unit tests in `src` and the simulation include the module, each in
//! another crate: the product is called `consign` here, and the module `crate::memory_service`.

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

/// Behaviour of the service where the documentation is silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Answer to a second attachment with the same `external_id`.
    pub(crate) ids: Ids,
    /// `external_id`s that lead to their attachments.
    pub(crate) routes: Routes,
    /// Time for which a record is not found by a new `external_id`.
    pub(crate) find_delay: Duration,
    /// Title after a request with a new file name and without a title.
    pub(crate) titles: Titles,
    /// Time from an upload until the size is visible.
    pub(crate) size_delay: Duration,
    /// Time for which an address for bytes is valid.
    pub(crate) address_life: Duration,
    /// Age at which a record without bytes is removed.
    pub(crate) purge_after: Duration,
    /// Time of a request and the answer together.
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

/// Answer to a second attachment with the same `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// The second attachment is refused.
    Unique,
    /// Both attachments are kept, and the older is found.
    NotUnique,
}

/// `external_id`s that lead to their attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Routes {
    /// All `external_id`s.
    All,
    /// All `external_id`s but those with a dot, which find nothing, ever.
    NoDots,
}

/// Title after a request with a new file name and without a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Titles {
    /// The old title stays.
    Kept,
    /// A title is derived from the new file name.
    DerivedAnew,
}

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// [`AttachmentApi::find`]
    Find,
    /// [`AttachmentApi::get`], and the look-up of a job.
    Get,
    /// [`AttachmentApi::create`], and the creation of a job.
    Create,
    /// [`AttachmentApi::renew`]
    Renew,
    /// [`AttachmentApi::amend`]
    Amend,
    /// [`AttachmentApi::list`]
    List,
    /// [`Destination::put`]
    Put,
    /// [`AttachmentApi::inspect`]
    Inspect,
    /// [`AttachmentApi::original`]
    Original,
    /// [`AttachmentApi::fetch`]
    Fetch,
}

/// Fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection: nothing is sent.
    NotSent,
    /// The request is lost: no effect, no answer.
    LostBefore,
    /// The answer is lost: the effect happens, and the client does not learn of it.
    LostAfter,
    /// The request is delayed: no answer in time, and the effect happens after the given time.
    Late(Duration),
    /// The request is delivered twice: the first delivery is answered, and the effect happens again
    /// after the given time, or just before the first where the time is zero.
    Twice(Duration),
    /// Status 5xx without an effect.
    Failed,
    /// Status 5xx or an unreadable answer, although the effect happened.
    FailedAfter,
    /// Status 429.
    Throttled,
    /// Status 401 or 403.
    Denied,
    /// Status 422 or similar: the request is refused for good.
    Refused,
}

/// Chooses the fault of the n-th request of a kind, counted from 1; `None` for no fault.
pub(crate) type Script = Box<dyn FnMut(Operation, u64) -> Option<Fault> + Send>;

/// Request with an effect or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    /// Kind of the request.
    pub(crate) operation: Operation,
    /// Record or job of the request, where there is one.
    pub(crate) id: Option<u64>,
    /// Time of the effect.
    pub(crate) at: Instant,
}

/// Attachment whose bytes have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAttachment {
    /// Id given by the service.
    pub(crate) id: u64,
    /// `external_id` now.
    pub(crate) external_id: ExternalId,
    /// Title, given or derived.
    pub(crate) title: Option<String>,
    /// Object with the attachment.
    pub(crate) object: ObjectRef,
    /// Digest of the content.
    pub(crate) sha256: Sha256Digest,
}

/// The service for attachments.
pub(crate) struct Memory(Delivery<Attachments>);

/// Address for bytes: a number made up by the service, like the random part of a presigned URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(u64);

impl Memory {
    /// Returns a service without faults.
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// Returns a service whose faults the script chooses.
    pub(crate) fn with_faults(rules: Rules, script: Script) -> Self {
        Self(Delivery::new(
            Attachments::new(rules),
            rules.round_trip,
            script,
        ))
    }

    /// Returns every attachment whose bytes have arrived, the oldest first.
    pub(crate) fn stored(&self) -> Vec<StoredAttachment> {
        self.0.look(|world, _| world.stored())
    }

    /// Returns the log of requests with an effect or an answer, in the order of effects.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.0.look(|world, _| world.log().to_vec())
    }

    /// Returns the number of records, with bytes and without.
    pub(crate) fn records(&self) -> usize {
        self.0.look(|world, _| world.records())
    }

    /// Returns `true` if there is a record of the id, with bytes or without.
    pub(crate) fn contains(&self, id: u64) -> bool {
        self.0.look(|world, _| world.contains(id))
    }

    /// Removes a record, without a request.
    pub(crate) fn remove(&self, id: u64) {
        self.0.look(|world, _| world.remove(id));
    }

    /// Replaces the bytes of an attachment, without a request.
    pub(crate) fn overwrite(&self, id: u64, content: Content) {
        self.0.look(|world, now| world.overwrite(id, content, now));
    }
}

/// Returns the id as the service shows it.
fn public(id: u64) -> AttachmentId {
    AttachmentId::parse(&id.to_string()).expect("a number is an id")
}

/// Returns an upload target for a file.
fn place(file_name: &str, address: Address) -> Place<Address> {
    Place {
        file_name: file_name.to_owned(),
        target: Ok(address),
    }
}

/// Returns the number of an id; 0, which no record has, for an id of other services.
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
