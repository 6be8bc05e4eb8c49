//! Both services in memory, with faults at will, for tests of the protocol.
//!
//! The services keep the rules of the real ones where these are known, and have a switch for each
//! unknown rule. Time is the time of the runtime, which tests can move. Faults come before the
//! effect of a request or after it, delay the effect, or let the effect happen twice, which no real
//! server can be made to do on demand.
//!
//! Open first: this file for attachments, `job_service` for jobs. `faulty_delivery` holds the
//! faults, `attachment_world`, `object_catalog` and `job_service::job_world` hold the state. Unit tests in `src` and
//! the simulation include the module, each in another crate: the product is called `consign` here,
//! and the module `crate::memory_service`.

#![expect(
    dead_code,
    reason = "the simulation asks some things of it that the unit tests do not, and the other way round"
)]

mod attachment_downloads;
mod attachment_world;
mod faulty_delivery;
pub(crate) mod job_service;
pub(crate) mod object_catalog;

use std::collections::HashMap;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use consign::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use consign::destination::{
    AttachmentApi, AttachmentPresence, AttachmentSelector, CreatedAttachment, Destination,
    NameUpdate, NewAttachment, UpdatedAttachment, UploadTarget,
};
use consign::http::{
    ApiFailure, FetchFailure, FetchedContent, PutFailure, PutReceipt, RequestRefusal,
};
use consign::model::{AttachmentId, CheckedContent, ExternalId, ObjectRef, Sha256Digest};
use consign::upload_source::UploadSource;

use attachment_world::{AmendTarget, AttachmentEffect, AttachmentEffectOutcome, AttachmentWorld};
use faulty_delivery::{FaultyDelivery, clash, upload_failure};

/// Behaviour of the service where the documentation is silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttachmentServiceRules {
    /// Answer to a second attachment with the same `external_id`.
    pub(crate) external_ids: ExternalIdRule,
    /// `external_id`s that lead to their attachments.
    pub(crate) routing: RoutingRule,
    /// Time for which a record is not found by a new `external_id`.
    pub(crate) find_delay: Duration,
    /// Title after a request with a new file name and without a title.
    pub(crate) titles: TitleRule,
    /// Time from an upload until the size is visible.
    pub(crate) size_delay: Duration,
    /// Time for which an address for bytes is valid.
    pub(crate) address_life: Duration,
    /// Age at which a record without bytes is removed.
    pub(crate) purge_after: Duration,
    /// Time of a request and the answer together.
    pub(crate) round_trip: Duration,
}

impl Default for AttachmentServiceRules {
    fn default() -> Self {
        Self {
            external_ids: ExternalIdRule::Unique,
            routing: RoutingRule::All,
            find_delay: Duration::ZERO,
            titles: TitleRule::Kept,
            size_delay: Duration::ZERO,
            address_life: Duration::from_mins(15),
            purge_after: Duration::from_mins(45),
            round_trip: Duration::from_millis(20),
        }
    }
}

/// Answer to a second attachment with the same `external_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExternalIdRule {
    /// The second attachment is refused.
    Unique,
    /// The second attachment is refused on an object of the same type as the first one's.
    UniquePerType,
    /// The second attachment is refused on the same object.
    UniquePerObject,
    /// Both attachments are kept, and the older is found.
    NotUnique,
}

/// `external_id`s that lead to their attachments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoutingRule {
    /// All `external_id`s.
    All,
    /// All `external_id`s but those with a dot, which find nothing, ever.
    NoDots,
}

/// Title after a request with a new file name and without a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TitleRule {
    /// The old title stays.
    Kept,
    /// A title is derived from the new file name.
    DerivedAnew,
}

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RequestKind {
    /// [`AttachmentApi::get_by_external_id`]
    Find,
    /// [`AttachmentApi::get_by_id`], and the look-up of a job.
    Get,
    /// [`AttachmentApi::create`], and the creation of a job.
    Create,
    /// [`AttachmentApi::renew_upload_target`]
    Renew,
    /// [`AttachmentApi::update_names`]
    Amend,
    /// [`AttachmentApi::list`]
    List,
    /// [`Destination::put_file`]
    Put,
    /// [`AttachmentApi::list_metadata`]
    Inspect,
    /// [`AttachmentApi::get_download`]
    Original,
    /// [`AttachmentApi::download`]
    Fetch,
    /// Look-up of a record by the service's own id.
    GetObject,
    /// Look-up of a record by the path of an external id.
    FindObject,
    /// Page of a list of records, with a filter.
    FilterObjects,
    /// Page of a list of records, without a filter.
    ListObjects,
}

/// Fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryFault {
    /// No connection: nothing is sent.
    NotSent,
    /// The request is lost: no effect, no answer.
    RequestLost,
    /// The answer is lost: the effect happens, and the client does not learn of it.
    AnswerLost,
    /// The request is delayed: no answer in time, and the effect happens after the given time.
    ExecutedLate(Duration),
    /// The request is delivered twice: the first delivery is answered, and the effect happens again
    /// after the given time, or just before the first where the time is zero.
    ExecutedTwice(Duration),
    /// Status 5xx without an effect.
    FailedWithoutEffect,
    /// Status 5xx or an unreadable answer, although the effect happened.
    FailedAfterEffect,
    /// Status 429.
    Throttled,
    /// Status 401 or 403.
    Denied,
    /// Status 422 or similar: the request is refused for good.
    Refused,
}

/// Chooses the fault of the n-th request of a kind, counted from 1; `None` for no fault.
pub(crate) type FaultScript = Box<dyn FnMut(RequestKind, u64) -> Option<DeliveryFault> + Send>;

/// Request with an effect or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedRequest {
    /// Kind of the request.
    pub(crate) kind: RequestKind,
    /// Record or job of the request, where there is one.
    pub(crate) id: Option<u64>,
    /// Time of the effect.
    pub(crate) at: Instant,
}

/// Attachment whose bytes have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemoryAttachment {
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
pub(crate) struct MemoryAttachmentService(FaultyDelivery<AttachmentWorld>);

/// Address for bytes: a number made up by the service, like the random part of a presigned URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MemoryAddress(u64);

impl MemoryAttachmentService {
    /// Returns a service without faults.
    pub(crate) fn new(rules: AttachmentServiceRules) -> Self {
        Self::with_faults(rules, Box::new(|_, _| None))
    }

    /// Returns a service whose faults the script chooses.
    pub(crate) fn with_faults(rules: AttachmentServiceRules, script: FaultScript) -> Self {
        Self(FaultyDelivery::new(
            AttachmentWorld::new(rules),
            rules.round_trip,
            script,
        ))
    }

    /// Returns every attachment whose bytes have arrived, the oldest first.
    pub(crate) fn stored(&self) -> Vec<MemoryAttachment> {
        self.0.with_world(|world, _| world.stored())
    }

    /// Returns the log of requests with an effect or an answer, in the order of effects.
    pub(crate) fn log(&self) -> Vec<LoggedRequest> {
        self.0.with_world(|world, _| world.log().to_vec())
    }

    /// Returns the number of records, with bytes and without.
    pub(crate) fn record_count(&self) -> usize {
        self.0.with_world(|world, _| world.record_count())
    }

    /// Returns `true` if there is a record of the id, with bytes or without.
    pub(crate) fn contains_record(&self, id: u64) -> bool {
        self.0.with_world(|world, _| world.contains_record(id))
    }

    /// Removes a record, without a request.
    pub(crate) fn remove_record(&self, id: u64) {
        self.0.with_world(|world, _| world.remove_record(id));
    }

    /// Attaches as another client, without a request and, with `None`, without bytes. Returns the id,
    /// or `None` if the service refuses the `external_id`.
    pub(crate) fn attach_as_other(
        &self,
        new: NewAttachment,
        content: Option<CheckedContent>,
    ) -> Option<u64> {
        self.0
            .with_world(|world, now| world.attach_as_other(new, content, now))
    }

    /// Replaces the bytes of an attachment, without a request.
    pub(crate) fn overwrite(&self, id: u64, content: CheckedContent) {
        self.0
            .with_world(|world, now| world.overwrite(id, content, now));
    }
}

/// Returns the id as the service shows it.
fn attachment_id(id: u64) -> AttachmentId {
    AttachmentId::parse(&id.to_string()).expect("a number is an id")
}

/// Returns an upload target for a file.
fn upload_target(file_name: &str, address: MemoryAddress) -> UploadTarget<MemoryAddress> {
    UploadTarget {
        file_name: file_name.to_owned(),
        target: Ok(address),
    }
}

/// Returns the number of an id; 0, which no record has, for an id of other services.
fn internal_id(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap_or(0)
}

impl Destination for MemoryAttachmentService {
    type Target = MemoryAddress;

    async fn put_file(
        &self,
        target: &MemoryAddress,
        _source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        let effect = AttachmentEffect::Put(*target, *content);
        match self.0.change(RequestKind::Put, effect).await {
            Ok(AttachmentEffectOutcome::BytesStored) => {
                sent(content.stamp.size);
                Ok(PutReceipt::Md5Confirmed)
            }
            Ok(_) => Err(PutFailure::Expired),
            Err(failure) => Err(upload_failure(failure)),
        }
    }
}

impl AttachmentApi for MemoryAttachmentService {
    async fn get_by_external_id(
        &self,
        external_id: &ExternalId,
    ) -> Result<AttachmentPresence, ApiFailure> {
        let find = |world: &mut AttachmentWorld, now| {
            let id = world.routed_id(external_id, now);
            world.log_request(RequestKind::Find, id, now);
            world.presence(id, now)
        };
        self.0.read(RequestKind::Find, find).await
    }

    async fn get_by_id(&self, id: &AttachmentId) -> Result<AttachmentPresence, ApiFailure> {
        let get = |world: &mut AttachmentWorld, now| {
            let id = Some(internal_id(id));
            world.log_request(RequestKind::Get, id, now);
            world.presence(id, now)
        };
        self.0.read(RequestKind::Get, get).await
    }

    async fn create(
        &self,
        new: &NewAttachment,
    ) -> Result<CreatedAttachment<MemoryAddress>, ApiFailure> {
        let effect = AttachmentEffect::Create(new.clone());
        match self.0.change(RequestKind::Create, effect).await? {
            AttachmentEffectOutcome::AddressIssued(id, address) => Ok(CreatedAttachment {
                id: attachment_id(id),
                upload_target: upload_target(&new.file.file_name, address),
            }),
            _ => Err(ApiFailure::Refused(clash(
                "status 422: external_id is taken",
            ))),
        }
    }

    async fn renew_upload_target(
        &self,
        id: &AttachmentId,
        file_name: &str,
        title: Option<&str>,
    ) -> Result<UploadTarget<MemoryAddress>, ApiFailure> {
        let title = title.map(ToOwned::to_owned);
        let effect = AttachmentEffect::Renew(internal_id(id), file_name.to_owned(), title);
        match self.0.change(RequestKind::Renew, effect).await? {
            AttachmentEffectOutcome::AddressIssued(_, address) => {
                Ok(upload_target(file_name, address))
            }
            _ => Err(ApiFailure::Refused(RequestRefusal::other("status 404"))),
        }
    }

    async fn update_names(
        &self,
        key: AttachmentSelector<'_>,
        names: &NameUpdate,
    ) -> Result<UpdatedAttachment, ApiFailure> {
        let which = match key {
            AttachmentSelector::Id(id) => AmendTarget::Id(internal_id(id)),
            AttachmentSelector::ExternalId(external_id) => {
                AmendTarget::ExternalId(external_id.clone())
            }
        };
        let effect = AttachmentEffect::Amend(which, names.clone());
        match self.0.change(RequestKind::Amend, effect).await? {
            AttachmentEffectOutcome::NamesChanged(id) => Ok(UpdatedAttachment {
                id: attachment_id(id),
                names: self.0.with_world(|world, _| world.names(id)),
            }),
            AttachmentEffectOutcome::ExternalIdTaken => Err(ApiFailure::Refused(clash(
                "status 422: external_id is taken",
            ))),
            _ => Err(ApiFailure::Refused(RequestRefusal::other("status 404"))),
        }
    }

    async fn list(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure> {
        let list = |world: &mut AttachmentWorld, now| {
            world.log_request(RequestKind::List, None, now);
            let there = ids
                .iter()
                .filter(|id| world.contains_record(internal_id(id)));
            there
                .map(|id| (id.clone(), world.presence(Some(internal_id(id)), now)))
                .collect()
        };
        self.0.read(RequestKind::List, list).await
    }

    async fn list_metadata(
        &self,
        ids: &[AttachmentId],
    ) -> Result<HashMap<AttachmentId, AttachmentMetadata>, ApiFailure> {
        self.read_metadata(ids).await
    }

    async fn get_download(
        &self,
        id: &AttachmentId,
    ) -> Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure> {
        self.read_download(id).await
    }

    async fn download(
        &self,
        place: &MemoryAddress,
        most: u64,
        into: &mut (dyn AsyncWrite + Unpin + Send),
        received: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<FetchedContent, FetchFailure> {
        self.read_bytes(place, most, into, received).await
    }
}
