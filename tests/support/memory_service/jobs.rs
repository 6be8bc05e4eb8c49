//! The service for jobs in memory, with a switch for each undocumented rule. `job` says how a job
//! runs and ends, `world` holds the jobs and the effects of requests.

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

/// Behaviour of the service where the documentation is silent.
#[derive(Debug, Clone)]
pub(crate) struct JobRules {
    /// Start of a job.
    pub(crate) start: Start,
    /// Time for which an address for bytes is valid.
    pub(crate) address_life: Duration,
    /// Start of the time for which an address is valid.
    pub(crate) addresses: Addresses,
    /// Time from the arrival of the last file to the end of the job.
    pub(crate) end_delay: Duration,
    /// Time from the start to the end of a job with missing files.
    pub(crate) give_up_after: Duration,
    /// End of a job with missing files.
    pub(crate) missing: Missing,
    /// Moment at which files get onto their object.
    pub(crate) attaches: Attaches,
    /// Report of a failed job about the files.
    pub(crate) tells: Tells,
    /// Jobs without an end, even with all files.
    pub(crate) stuck: Stuck,
    /// Time for which an ended job can be found. `None` means for ever.
    pub(crate) forgets_after: Option<Duration>,
    /// Objects unknown to the service. All others exist.
    pub(crate) unknown: Vec<ObjectRef>,
    /// Answer to a job for an unknown object.
    pub(crate) unknown_as: UnknownAs,
    /// Limits on the creation of jobs.
    pub(crate) posts: &'static [Allowance],
    /// Limits on the look-ups of jobs.
    pub(crate) reads: &'static [Allowance],
    /// Time of a request and the answer together.
    pub(crate) round_trip: Duration,
    /// Longest wait of the client for the end of a job.
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

/// Start of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At creation: the answer holds the addresses for the files.
    AtOnce,
    /// After the given time. The answer to the creation holds nothing but the id.
    After(Duration),
}

/// Start of the time for which an address is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// Start of the job. Each look-up returns the same addresses.
    OfTheStart,
    /// The look-up. Each look-up returns new addresses.
    OfEachLook,
}

/// End of a job with missing files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The job fails.
    Fails,
    /// The job succeeds with the files at hand, and names the others.
    Completes,
}

/// Moment at which the files of a job get onto their object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attaches {
    /// Success of the job: a failed job attaches nothing.
    AllTogether,
    /// Arrival of each file: the files stay even if the job fails.
    AsTheyCome,
}

/// Report of a failed job about the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    /// Outcome of each file.
    EachFile,
    /// No outcomes.
    Nothing,
}

/// Jobs without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// No job.
    None,
    /// Every n-th job.
    Every(u64),
}

/// Answer to a job for an unknown object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownAs {
    /// Status 400.
    Refused,
    /// The job is created, and fails at the start.
    Failed,
}

/// File on an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttachedFile {
    /// Object with the file.
    pub(crate) object: ObjectRef,
    /// Name of the file.
    pub(crate) file_name: String,
    /// Row of the file. (No real service learns the row.)
    pub(crate) external_id: ExternalId,
    /// Digest of the content.
    pub(crate) sha256: Sha256Digest,
    /// Job by which the file came.
    pub(crate) job: AttachmentId,
}

/// The service for jobs.
pub(crate) struct Jobs {
    rules: JobRules,
    delivery: Delivery<World>,
    changes: Budget,
    reads: Budget,
}

impl Jobs {
    /// Returns a service without faults.
    pub(crate) fn new(rules: JobRules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// Returns a service whose faults the script chooses.
    pub(crate) fn with_faults(rules: JobRules, script: Script) -> Self {
        Self {
            changes: Budget::new(rules.posts),
            reads: Budget::new(rules.reads),
            delivery: Delivery::new(World::new(rules.clone()), rules.round_trip, script),
            rules,
        }
    }

    /// Returns every file on an object, in the order of the jobs, the oldest first.
    pub(crate) fn attached(&self) -> Vec<AttachedFile> {
        self.delivery.look(|world, now| world.attached(now))
    }

    /// Returns the log of requests with an effect or an answer, in the order of effects.
    pub(crate) fn log(&self) -> Vec<Logged> {
        self.delivery.look(|world, _| world.log().to_vec())
    }

    /// Returns the number of requests refused because of the limits.
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

/// Returns status 429 with the time to wait.
fn throttled(wait: Duration) -> Failure {
    Failure::Throttled {
        retry_after: Some(wait),
    }
}
