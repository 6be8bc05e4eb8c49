//! Inspection of attachments and jobs for a verification, by requests without an effect.
//!
//! Attachments are looked up fifty at a time. An attachment left out by a list is asked for alone
//! before it counts as missing, since no documentation says what a list leaves out. Where bytes are
//! to be compared, their address is asked for just before the download, because it is short-lived.

use std::collections::HashMap;
use std::pin::pin;

use super::request_sender::attachment_reads::DownloadFailure;
use super::request_sender::{RequestFailure, RequestOwner, RequestSender};
use super::upload_slots::HeldSlots;
use super::{HaltReason, RunSettings};
use crate::destination::attachment_metadata::{AttachmentDownload, AttachmentMetadata};
use crate::destination::{
    AttachmentApi, Destination, JobApi, JobOutcome, JobPresence, MAX_IDS_PER_LIST,
};
use crate::event::EventSender;
use crate::http::FetchedContent;
use crate::model::AttachmentId;
use crate::throttle::quota::RequestUrgency;
use crate::throttle::run_breakers::RowAtWork;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

/// Number of addresses that may expire in a row before a download begins.
pub(super) const MAX_EXPIRED_DOWNLOADS: u32 = 3;

/// Highest number of lists under way at once, including lists whose attachments are asked for
/// alone.
const MAX_LISTS_AT_ONCE: usize = 40;

/// Highest number of jobs under way at once, including jobs without an answer.
const MAX_JOBS_AT_ONCE: usize = 2_000;

/// Question about the attachment of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionQuery {
    /// Number that identifies the answer.
    pub key: usize,
    /// Id of the attachment.
    pub id: AttachmentId,
    /// Depth of the inspection.
    pub depth: InspectionDepth,
}

/// Depth of an inspection of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionDepth {
    /// Metadata only.
    MetadataOnly,
    /// Metadata, and a digest of the bytes if the service reports the given size.
    DigestIfSize {
        /// Expected number of bytes.
        size: u64,
    },
}

/// Attachment as seen by an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for the length of a call"
)]
pub enum InspectedAttachment {
    /// There is no such attachment.
    Absent,
    /// Metadata of the attachment, and its bytes as far as wanted.
    Found(AttachmentMetadata, InspectedBytes),
    /// The inspection failed. Holds the cause.
    Unknown(String),
}

/// Bytes of an attachment, as seen by an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InspectedBytes {
    /// The bytes were not wanted, or there are none, or not as many as expected.
    NotDownloaded,
    /// The bytes were downloaded.
    Downloaded(FetchedContent),
    /// The bytes could not be downloaded. Holds the cause.
    Unavailable(String),
}

/// Inspects all attachments, and passes each result to `tell` at once. Returns the reason for an
/// early stop, or `None`.
pub async fn inspect_attachments<D: AttachmentApi>(
    questions: &[InspectionQuery],
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(usize, InspectedAttachment) + Sync),
) -> Option<HaltReason> {
    let inspection = AttachmentInspector {
        requests: RequestSender::new(destination, settings, events),
        report: tell,
    };
    let batches = questions.chunks(MAX_IDS_PER_LIST);
    let ask = |batch, slot| inspection.inspect_batch(batch, slot);
    let requests = &inspection.requests;
    run_in_slots(requests, batches, MAX_LISTS_AT_ONCE, ask, stop, |()| ()).await
}

/// Inspects all jobs, each once, whatever the number of its files, and passes each result to `tell`
/// at once. Returns the reason for an early stop, or `None`.
pub async fn inspect_jobs<D: JobApi>(
    jobs: Vec<AttachmentId>,
    destination: &D,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(AttachmentId, InspectedJob) + Sync),
) -> Option<HaltReason> {
    let requests = RequestSender::new(destination, settings, events);
    let ask = async |(place, id): (usize, AttachmentId), slot: HeldSlots<'_>| {
        let _at_work = requests.register_row_at_work(place);
        let owner = RequestOwner {
            row: place,
            slots: slot.count(),
        };
        let job = match requests.get_job(owner, &id, RequestUrgency::CanWait).await {
            Ok(JobPresence::Running { status: word, .. }) => InspectedJob::Running(word),
            Ok(JobPresence::Ended(end)) => InspectedJob::Ended(end),
            Ok(JobPresence::Absent) => InspectedJob::Absent,
            Err(unmet) => InspectedJob::Unknown(unmet.into_message()?),
        };
        tell(id, job);
        Ok(())
    };
    let jobs = jobs.into_iter().enumerate();
    run_in_slots(&requests, jobs, MAX_JOBS_AT_ONCE, ask, stop, |()| ()).await
}

/// Job as seen by an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InspectedJob {
    /// The job does not exist, or not any more.
    Absent,
    /// The job runs. Holds its last status.
    Running(String),
    /// The job has ended.
    Ended(JobOutcome),
    /// The inspection failed. Holds the cause.
    Unknown(String),
}

/// Works through `work` with a slot for each piece, and passes each result to `tell` at once. Ends
/// after the last piece, at the first reason to stop, or with `stop`.
pub(super) async fn run_in_slots<'a, D, W, T, F>(
    requests: &'a RequestSender<'_, D>,
    work: impl Iterator<Item = W>,
    at_once: usize,
    begin: impl Fn(W, HeldSlots<'a>) -> F,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(T),
) -> Option<HaltReason>
where
    D: Destination,
    F: Future<Output = Result<T, HaltReason>>,
{
    let mut work = work.fuse().peekable();
    let mut under_way = FuturesUnordered::new();
    let mut stop = pin!(stop);
    loop {
        if work.peek().is_none() {
            requests.note_no_more_rows();
            if under_way.is_empty() {
                return None;
            }
        }
        let may_begin = work.peek().is_some() && under_way.len() < at_once;
        tokio::select! {
            biased;
            () = &mut stop => return Some(HaltReason::Interrupted),
            Some(ended) = under_way.next() => match ended {
                Ok(done) => tell(done),
                Err(halt) => return Some(halt),
            },
            slot = requests.slots().take(1), if may_begin => {
                if let Some(piece) = work.next() {
                    under_way.push(begin(piece, slot));
                }
            }
        }
    }
}

/// Inspection of attachments under way.
struct AttachmentInspector<'a, D: Destination> {
    requests: RequestSender<'a, D>,
    report: &'a (dyn Fn(usize, InspectedAttachment) + Sync),
}

impl<D: AttachmentApi> AttachmentInspector<'_, D> {
    /// Inspects the attachments of one list.
    async fn inspect_batch(
        &self,
        questions: &[InspectionQuery],
        slot: HeldSlots<'_>,
    ) -> Result<(), HaltReason> {
        let places = questions.iter().map(|one| one.key);
        let mut at_work: HashMap<usize, RowAtWork<'_>> = places
            .map(|place| (place, self.requests.register_row_at_work(place)))
            .collect();
        let ids: Vec<_> = questions.iter().map(|one| one.id.clone()).collect();
        let owner = RequestOwner {
            row: questions[0].key,
            slots: slot.count(),
        };
        let listed = match self.requests.list_metadata(owner, &ids).await {
            Ok(listed) => listed,
            Err(RequestFailure::Halt(halt)) => return Err(halt),
            // A refused list may be due to any of its attachments, so each is asked for alone.
            Err(_) => HashMap::new(),
        };
        drop(slot);
        let mut rest: FuturesUnordered<_> = questions
            .iter()
            .map(|question| self.inspect_one(question, listed.get(&question.id)))
            .collect();
        while let Some(ended) = rest.next().await {
            let (place, seen) = ended?;
            at_work.remove(&place);
            (self.report)(place, seen);
        }
        Ok(())
    }

    /// Inspects an attachment, beyond the answer of the list.
    async fn inspect_one(
        &self,
        question: &InspectionQuery,
        listed: Option<&AttachmentMetadata>,
    ) -> Result<(usize, InspectedAttachment), HaltReason> {
        let may_match = |size| listed.is_none_or(|metadata| metadata.size == Some(size));
        let seen = match (question.depth, listed) {
            (InspectionDepth::DigestIfSize { size }, _) if may_match(size) => {
                let slot = self.requests.slots().take(1).await;
                let owner = RequestOwner {
                    row: question.key,
                    slots: slot.count(),
                };
                self.download_and_digest(owner, &question.id, size).await
            }
            (_, Some(exhibit)) => Ok(InspectedAttachment::Found(
                exhibit.clone(),
                InspectedBytes::NotDownloaded,
            )),
            (_, None) => {
                let owner = RequestOwner::without_slot(question.key);
                let original = self.requests.get_download(owner, &question.id).await;
                original.map(|original| match original {
                    None => InspectedAttachment::Absent,
                    Some(original) => {
                        InspectedAttachment::Found(original.metadata, InspectedBytes::NotDownloaded)
                    }
                })
            }
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(unmet) => InspectedAttachment::Unknown(unmet.into_message()?),
        };
        Ok((question.key, seen))
    }

    /// Downloads the bytes of an attachment, with a new address after each expiry, and digests
    /// them.
    async fn download_and_digest(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        size: u64,
    ) -> Result<InspectedAttachment, RequestFailure> {
        let requests = &self.requests;
        let mut expired = 0;
        loop {
            requests.wait_to_download(owner).await;
            let Some(AttachmentDownload {
                metadata: exhibit,
                download_target: place,
            }) = requests.get_download(owner, id).await?
            else {
                return Ok(InspectedAttachment::Absent);
            };
            if exhibit.size != Some(size) {
                return Ok(InspectedAttachment::Found(
                    exhibit,
                    InspectedBytes::NotDownloaded,
                ));
            }
            let fetched = match place {
                Ok(place) => {
                    let nowhere = &mut tokio::io::sink();
                    requests.download_once(owner, &place, size, nowhere).await
                }
                Err(why) => Err(DownloadFailure::GivenUp(why.to_string())),
            };
            let bytes = match fetched {
                Ok(fetched) => InspectedBytes::Downloaded(fetched),
                Err(DownloadFailure::Halt(halt)) => return Err(halt.into()),
                Err(DownloadFailure::Interrupted) => continue,
                Err(DownloadFailure::TargetExpired) if expired < MAX_EXPIRED_DOWNLOADS => {
                    expired += 1;
                    continue;
                }
                Err(DownloadFailure::TargetExpired) => {
                    InspectedBytes::Unavailable("the storage refuses each new address".into())
                }
                Err(DownloadFailure::GivenUp(why)) => InspectedBytes::Unavailable(why),
            };
            return Ok(InspectedAttachment::Found(exhibit, bytes));
        }
    }
}
