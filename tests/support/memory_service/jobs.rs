//! The service in memory that keeps jobs, with a switch for each rule that is not documented.

mod job;
mod world;

use std::time::Duration;

use tokio::time::Instant;

use super::delivery::{Delivery, of_a_put};
use super::{Address, Logged, Operation, Script, private, public};
use consign::destination::keelvar::{POSTS, READS};
use consign::destination::{CreatedJob, Destination, JobApi, JobPresence, Kind, NewJob};
use consign::http::{Failure, PutFailure, Receipt};
use consign::model::{AttachmentId, Content, ExternalId, ObjectRef, Sha256Digest};
use consign::source::Source;
use consign::throttle::quota::{Allowance, Budget};

use world::{Done, Effect, World};

/// How the service behaves where its documentation is silent.
#[derive(Debug, Clone)]
pub(crate) struct JobRules {
    /// How long it takes until a job starts.
    pub(crate) start: Start,
    /// How long an address for bytes is good.
    pub(crate) address_life: Duration,
    /// From when on.
    pub(crate) addresses: Addresses,
    /// How long after the last of its files a job ends.
    pub(crate) end_delay: Duration,
    /// How long after its start a job without some of its files does.
    pub(crate) give_up_after: Duration,
    /// And how.
    pub(crate) missing: Missing,
    /// When files get onto their object.
    pub(crate) attaches: Attaches,
    /// What a failed job says of its files.
    pub(crate) tells: Tells,
    /// Which jobs never end, whatever they get.
    pub(crate) stuck: Stuck,
    /// How long a job that has ended can be found; for ever, where it does not say.
    pub(crate) forgets_after: Option<Duration>,
    /// Objects that do not exist; all others do.
    pub(crate) unknown: Vec<ObjectRef>,
    /// What a job for one of them gets.
    pub(crate) unknown_as: UnknownAs,
    /// So many jobs may be made.
    pub(crate) posts: &'static [Allowance],
    /// So often may jobs be looked up.
    pub(crate) reads: &'static [Allowance],
    /// How long a request takes.
    pub(crate) round_trip: Duration,
    /// For how long the client waits for a job to end.
    pub(crate) timeout: Duration,
}

impl Default for JobRules {
    fn default() -> Self {
        Self {
            start: Start::After(Duration::from_secs(3)),
            address_life: Duration::from_mins(1),
            addresses: Addresses::OfTheStart,
            end_delay: Duration::from_secs(5),
            give_up_after: Duration::from_mins(2),
            missing: Missing::Fails,
            attaches: Attaches::AllTogether,
            tells: Tells::Nothing,
            stuck: Stuck::None,
            forgets_after: None,
            unknown: Vec::new(),
            unknown_as: UnknownAs::Refused,
            posts: POSTS,
            reads: READS,
            round_trip: Duration::from_millis(20),
            timeout: Duration::from_mins(5),
        }
    }
}

/// When a job starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// As it is made: the answer says where its files go.
    AtOnce,
    /// So long after it was made; the answer says nothing but its id.
    After(Duration),
}

/// From when on an address is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// From the job's start; each look shows the same ones.
    OfTheStart,
    /// From the look that shows them; each shows new ones.
    OfEachLook,
}

/// How a job ends that did not get all of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It fails.
    Fails,
    /// In success, with those that came; the others are named.
    Completes,
}

/// When the files of a job get onto their object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attaches {
    /// When it ends in success: one that fails attaches nothing.
    AllTogether,
    /// Each as it comes: one that fails keeps those that came.
    AsTheyCome,
}

/// What a failed job says of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// Of each whether it is attached.
    EachFile,
    /// Nothing.
    Nothing,
}

/// Which jobs never end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// None.
    None,
    /// Every n-th.
    Every(u64),
}

/// What a job for an object gets that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownAs {
    /// Status 400.
    Refused,
    /// It is made, and fails at its start.
    Failed,
}

/// A file that is on its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttachedFile {
    /// What it is on.
    pub(crate) object: ObjectRef,
    /// Its name.
    pub(crate) file_name: String,
    /// The row that it is of. (No real service hears of that.)
    pub(crate) external_id: ExternalId,
    /// What it holds.
    pub(crate) sha256: Sha256Digest,
    /// The job that attached it.
    pub(crate) job: AttachmentId,
}

/// The service that keeps jobs.
pub(crate) struct Jobs {
    rules: JobRules,
    delivery: Delivery<World>,
    changes: Budget,
    reads: Budget,
}

impl Jobs {
    /// A service without faults.
    pub(crate) fn new(rules: JobRules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// A service with faults.
    pub(crate) fn with_faults(rules: JobRules, script: Script) -> Self {
        Self {
            changes: Budget::new(rules.posts),
            reads: Budget::new(rules.reads),
            delivery: Delivery::new(World::new(rules.clone()), rules.round_trip, script),
            rules,
        }
    }

    /// Every file that is on its object, the oldest job's first.
    pub(crate) fn attached(&self) -> Vec<AttachedFile> {
        self.delivery.look(|world, now| world.attached(now))
    }

    /// All requests that arrived, in the order of their effects.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.delivery.look(|world, _| world.log().to_vec())
    }

    /// How many requests were refused because too many came.
    pub(crate) fn throttled(&self) -> u64 {
        self.delivery.look(|world, _| world.throttled())
    }
}

impl Destination for Jobs {
    type Target = Address;

    fn budget(&self, kind: Kind) -> Option<&Budget> {
        Some(match kind {
            Kind::Read => &self.reads,
            Kind::Change => &self.changes,
        })
    }

    async fn put(
        &self,
        target: &Address,
        _source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        let effect = Effect::Put(*target, *content);
        match self.delivery.change(Operation::Put, effect).await {
            Ok(Done::Stored) => {
                sent(content.stamp.size);
                Ok(Receipt::Checksummed)
            }
            Ok(_) => Err(PutFailure::Expired),
            Err(failure) => Err(of_a_put(failure)),
        }
    }
}

impl JobApi for Jobs {
    fn job_timeout(&self) -> Duration {
        self.rules.timeout
    }

    async fn job(&self, id: &AttachmentId) -> Result<JobPresence<Address>, Failure> {
        let get = |world: &mut World, now: Instant| world.get(private(id), now);
        let shown = self.delivery.ask(Operation::Get, get).await?;
        shown.map_err(throttled)
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<Address>, Failure> {
        let effect = Effect::Create(new.clone());
        match self.delivery.change(Operation::Create, effect).await? {
            Done::Made(id, places) => Ok(CreatedJob {
                id: public(id),
                places,
            }),
            Done::Throttled(wait) => Err(throttled(wait)),
            _ => Err(Failure::Refused("status 400: Invalid resource ID".into())),
        }
    }
}

fn throttled(wait: Duration) -> Failure {
    Failure::Throttled {
        retry_after: Some(wait),
    }
}
