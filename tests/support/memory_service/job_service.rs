//! The service for jobs in memory, with a switch for each undocumented rule. `memory_job` says how
//! a job runs and ends, `job_world` holds the jobs and the effects of requests.

mod job_world;
mod memory_job;

use std::time::Duration;

use tokio::time::Instant;

use super::faulty_delivery::{FaultyDelivery, upload_failure};
use super::{FaultScript, LoggedRequest, MemoryAddress, RequestKind, attachment_id, internal_id};
use consign::destination::keelvar::{POST_ALLOWANCES, READ_ALLOWANCES};
use consign::destination::{BudgetKind, CreatedJob, Destination, JobApi, JobPresence, NewJob};
use consign::http::{ApiFailure, PutFailure, PutReceipt, RequestRefusal};
use consign::model::{AttachmentId, CheckedContent, ExternalId, ObjectRef, Sha256Digest};
use consign::throttle::quota::{QuotaBudget, RequestAllowance};
use consign::upload_source::UploadSource;

use job_world::{JobEffect, JobEffectOutcome, JobWorld};

/// Behaviour of the service where the documentation is silent.
#[derive(Debug, Clone)]
pub(crate) struct JobServiceRules {
    /// Start of a job.
    pub(crate) start: JobStartRule,
    /// Time for which an address for bytes is valid.
    pub(crate) address_life: Duration,
    /// Start of the time for which an address is valid.
    pub(crate) addresses: AddressRule,
    /// Time from the arrival of the last file to the end of the job.
    pub(crate) end_delay: Duration,
    /// Time from the start to the end of a job with missing files.
    pub(crate) give_up_after: Duration,
    /// End of a job with missing files.
    pub(crate) missing_files: MissingFileRule,
    /// Moment at which files get onto their object.
    pub(crate) attaching: AttachRule,
    /// Report of a failed job about the files.
    pub(crate) failed_job_report: FailedJobReport,
    /// Jobs without an end, even with all files.
    pub(crate) stuck_jobs: StuckJobRule,
    /// Time for which an ended job can be found. `None` means for ever.
    pub(crate) forgets_ended_after: Option<Duration>,
    /// Objects unknown to the service. All others exist.
    pub(crate) unknown_objects: Vec<ObjectRef>,
    /// Answer to a job for an unknown object.
    pub(crate) unknown_as: UnknownObjectRule,
    /// Limits on the creation of jobs.
    pub(crate) post_allowances: &'static [RequestAllowance],
    /// Limits on the look-ups of jobs.
    pub(crate) read_allowances: &'static [RequestAllowance],
    /// Time of a request and the answer together.
    pub(crate) round_trip: Duration,
    /// Longest wait of the client for the end of a job.
    pub(crate) job_timeout: Duration,
}

impl Default for JobServiceRules {
    fn default() -> Self {
        Self {
            start: JobStartRule::After(Duration::from_secs(3)),
            address_life: Duration::from_mins(1),
            addresses: AddressRule::GoodFromStart,
            end_delay: Duration::from_secs(5),
            give_up_after: Duration::from_mins(2),
            missing_files: MissingFileRule::Fails,
            attaching: AttachRule::AtSuccess,
            failed_job_report: FailedJobReport::Nothing,
            stuck_jobs: StuckJobRule::None,
            forgets_ended_after: None,
            unknown_objects: Vec::new(),
            unknown_as: UnknownObjectRule::Refused,
            post_allowances: POST_ALLOWANCES,
            read_allowances: READ_ALLOWANCES,
            round_trip: Duration::from_millis(20),
            job_timeout: Duration::from_mins(5),
        }
    }
}

/// Start of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobStartRule {
    /// At creation: the answer holds the addresses for the files.
    AtOnce,
    /// After the given time. The answer to the creation holds nothing but the id.
    After(Duration),
}

/// Start of the time for which an address is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressRule {
    /// Start of the job. Each look-up returns the same addresses.
    GoodFromStart,
    /// The look-up. Each look-up returns new addresses.
    NewAtEachLookUp,
}

/// End of a job with missing files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingFileRule {
    /// The job fails.
    Fails,
    /// The job succeeds with the files at hand, and names the others.
    Completes,
}

/// Moment at which the files of a job get onto their object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttachRule {
    /// Success of the job: a failed job attaches nothing.
    AtSuccess,
    /// Arrival of each file: the files stay even if the job fails.
    OnArrival,
}

/// Report of a failed job about the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailedJobReport {
    /// Outcome of each file.
    EachFile,
    /// No outcomes.
    Nothing,
}

/// Jobs without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StuckJobRule {
    /// No job.
    None,
    /// Every n-th job.
    Every(u64),
}

/// Answer to a job for an unknown object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownObjectRule {
    /// Status 400.
    Refused,
    /// The job is created, and fails at the start.
    Failed,
}

/// File on an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileOnObjectInMemory {
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
pub(crate) struct MemoryJobService {
    rules: JobServiceRules,
    delivery: FaultyDelivery<JobWorld>,
    changes: QuotaBudget,
    reads: QuotaBudget,
}

impl MemoryJobService {
    /// Returns a service without faults.
    pub(crate) fn new(rules: JobServiceRules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// Returns a service whose faults the script chooses.
    pub(crate) fn with_faults(rules: JobServiceRules, script: FaultScript) -> Self {
        Self {
            changes: QuotaBudget::new(rules.post_allowances),
            reads: QuotaBudget::new(rules.read_allowances),
            delivery: FaultyDelivery::new(JobWorld::new(rules.clone()), rules.round_trip, script),
            rules,
        }
    }

    /// Returns every file on an object, in the order of the jobs, the oldest first.
    pub(crate) fn attached_files(&self) -> Vec<FileOnObjectInMemory> {
        self.delivery
            .with_world(|world, now| world.attached_files(now))
    }

    /// Returns the log of requests with an effect or an answer, in the order of effects.
    pub(crate) fn log(&self) -> Vec<LoggedRequest> {
        self.delivery.with_world(|world, _| world.log().to_vec())
    }

    /// Returns the number of requests refused because of the limits.
    pub(crate) fn throttled_count(&self) -> u64 {
        self.delivery.with_world(|world, _| world.throttled_count())
    }
}

impl Destination for MemoryJobService {
    type Target = MemoryAddress;

    fn budget(&self, kind: BudgetKind) -> Option<&QuotaBudget> {
        Some(match kind {
            BudgetKind::Read => &self.reads,
            BudgetKind::Change => &self.changes,
        })
    }

    async fn put_file(
        &self,
        target: &MemoryAddress,
        _source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        let effect = JobEffect::Put(*target, *content);
        match self.delivery.change(RequestKind::Put, effect).await {
            Ok(JobEffectOutcome::BytesTaken) => {
                sent(content.stamp.size);
                Ok(PutReceipt::Md5Confirmed)
            }
            Ok(_) => Err(PutFailure::Expired),
            Err(failure) => Err(upload_failure(failure)),
        }
    }
}

impl JobApi for MemoryJobService {
    fn job_timeout(&self) -> Duration {
        self.rules.job_timeout
    }

    async fn get_job(&self, id: &AttachmentId) -> Result<JobPresence<MemoryAddress>, ApiFailure> {
        let get = |world: &mut JobWorld, now: Instant| world.look_up(internal_id(id), now);
        let shown = self.delivery.read(RequestKind::Get, get).await?;
        shown.map_err(throttled_failure)
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<MemoryAddress>, ApiFailure> {
        let effect = JobEffect::Create(new.clone());
        match self.delivery.change(RequestKind::Create, effect).await? {
            JobEffectOutcome::JobMade(id, places) => Ok(CreatedJob {
                id: attachment_id(id),
                upload_targets: places,
            }),
            JobEffectOutcome::Throttled(wait) => Err(throttled_failure(wait)),
            _ => Err(ApiFailure::Refused(RequestRefusal::other(
                "status 400: Invalid resource ID",
            ))),
        }
    }
}

/// Returns status 429 with the time to wait.
fn throttled_failure(wait: Duration) -> ApiFailure {
    ApiFailure::Throttled {
        retry_after: Some(wait),
    }
}
