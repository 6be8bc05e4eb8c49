//! Inspection of attachments and jobs for a verification, by requests without an effect.
//!
//! Attachments are looked up fifty at a time. An attachment left out by a list is asked for alone
//! before it counts as missing, since no documentation says what a list leaves out. Where bytes are
//! to be compared, their address is asked for just before the download, because it is short-lived.

use std::collections::HashMap;
use std::pin::pin;

use super::requests::archive::Unfetched;
use super::requests::{RequestOwner, Requests, Unmet};
use super::slots::Slot;
use super::{Halt, Settings};
use crate::destination::archive::{Exhibit, Original};
use crate::destination::{AttachmentApi, Destination, End, JobApi, JobPresence, LISTED_AT_ONCE};
use crate::event::Events;
use crate::http::Fetched;
use crate::model::AttachmentId;
use crate::throttle::breakers::RowAtWork;
use crate::throttle::quota::Urgency;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

/// Number of addresses that may expire in a row before a download begins.
pub(super) const MOST_EXPIRED: u32 = 3;

/// Highest number of lists under way at once, including lists whose attachments are asked for
/// alone.
const MOST_LISTS: usize = 40;

/// Highest number of jobs under way at once, including jobs without an answer.
const MOST_JOBS: usize = 2_000;

/// Question about the attachment of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Number that identifies the answer.
    pub place: usize,
    /// Id of the attachment.
    pub id: AttachmentId,
    /// Depth of the inspection.
    pub bytes: Wanted,
}

/// Depth of an inspection of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Metadata only.
    Nothing,
    /// Metadata, and a digest of the bytes if the service shows the given size.
    Digest {
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
pub enum Seen {
    /// There is no such attachment.
    Absent,
    /// Metadata of the attachment, and its bytes as far as wanted.
    There(Exhibit, Bytes),
    /// The inspection failed. Holds the cause.
    Unknown(String),
}

/// Bytes of an attachment, as seen by an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// The bytes were not wanted, or there are none, or not as many as expected.
    NotFetched,
    /// The bytes were downloaded.
    Fetched(Fetched),
    /// The bytes could not be downloaded. Holds the cause.
    Unfetched(String),
}

/// Inspects all attachments, and passes each result to `tell` at once. Returns the reason for an
/// early stop, or `None`.
pub async fn inspect<D: AttachmentApi>(
    questions: Vec<Question>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(usize, Seen) + Sync),
) -> Option<Halt> {
    let inspection = Inspection {
        requests: Requests::new(destination, settings, events),
        tell,
    };
    let batches = questions.chunks(LISTED_AT_ONCE);
    let ask = |batch, slot| inspection.batch(batch, slot);
    let requests = &inspection.requests;
    through(requests, batches, MOST_LISTS, ask, stop, |()| ()).await
}

/// Inspects all jobs, each once, whatever the number of its files, and passes each result to `tell`
/// at once. Returns the reason for an early stop, or `None`.
pub async fn inspect_jobs<D: JobApi>(
    jobs: Vec<AttachmentId>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(AttachmentId, Job) + Sync),
) -> Option<Halt> {
    let requests = Requests::new(destination, settings, events);
    let ask = async |(place, id): (usize, AttachmentId), slot: Slot<'_>| {
        let _at_work = requests.at_work(place);
        let owner = RequestOwner {
            row: place,
            slots: slot.count(),
        };
        let job = match requests.job(owner, &id, Urgency::CanWait).await {
            Ok(JobPresence::Running { word, .. }) => Job::Running(word),
            Ok(JobPresence::Ended(end)) => Job::Ended(end),
            Ok(JobPresence::Absent) => Job::Absent,
            Err(unmet) => Job::Unknown(unmet.words()?),
        };
        tell(id, job);
        Ok(())
    };
    let jobs = jobs.into_iter().enumerate();
    through(&requests, jobs, MOST_JOBS, ask, stop, |()| ()).await
}

/// Job as seen by an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// The job does not exist, or not any more.
    Absent,
    /// The job runs. Holds its last status.
    Running(String),
    /// The job has ended.
    Ended(End),
    /// The inspection failed. Holds the cause.
    Unknown(String),
}

/// Works through `work` with a slot for each piece, and passes each result to `tell` at once. Ends
/// after the last piece, at the first reason to stop, or with `stop`.
pub(super) async fn through<'a, D, W, T, F>(
    requests: &'a Requests<'_, D>,
    work: impl Iterator<Item = W>,
    at_once: usize,
    begin: impl Fn(W, Slot<'a>) -> F,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(T),
) -> Option<Halt>
where
    D: Destination,
    F: Future<Output = Result<T, Halt>>,
{
    let mut work = work.fuse().peekable();
    let mut under_way = FuturesUnordered::new();
    let mut stop = pin!(stop);
    loop {
        if work.peek().is_none() {
            requests.no_more_to_come();
            if under_way.is_empty() {
                return None;
            }
        }
        let may_begin = work.peek().is_some() && under_way.len() < at_once;
        tokio::select! {
            biased;
            () = &mut stop => return Some(Halt::Interrupted),
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
struct Inspection<'a, D: Destination> {
    requests: Requests<'a, D>,
    tell: &'a (dyn Fn(usize, Seen) + Sync),
}

impl<D: AttachmentApi> Inspection<'_, D> {
    /// Inspects the attachments of one list.
    async fn batch(&self, questions: &[Question], slot: Slot<'_>) -> Result<(), Halt> {
        let places = questions.iter().map(|one| one.place);
        let mut at_work: HashMap<usize, RowAtWork<'_>> = places
            .map(|place| (place, self.requests.at_work(place)))
            .collect();
        let ids: Vec<_> = questions.iter().map(|one| one.id.clone()).collect();
        let owner = RequestOwner {
            row: questions[0].place,
            slots: slot.count(),
        };
        let listed = match self.requests.inspect(owner, &ids).await {
            Ok(listed) => listed,
            Err(Unmet::Halt(halt)) => return Err(halt),
            // A refused list may be due to any of its attachments, so each is asked for alone.
            Err(_) => HashMap::new(),
        };
        drop(slot);
        let mut rest: FuturesUnordered<_> = questions
            .iter()
            .map(|question| self.one(question, listed.get(&question.id)))
            .collect();
        while let Some(ended) = rest.next().await {
            let (place, seen) = ended?;
            at_work.remove(&place);
            (self.tell)(place, seen);
        }
        Ok(())
    }

    /// Inspects an attachment, beyond the answer of the list.
    async fn one(
        &self,
        question: &Question,
        listed: Option<&Exhibit>,
    ) -> Result<(usize, Seen), Halt> {
        let may_match = |size| listed.is_none_or(|exhibit| exhibit.size == Some(size));
        let seen = match (question.bytes, listed) {
            (Wanted::Digest { size }, _) if may_match(size) => {
                let slot = self.requests.slots().take(1).await;
                let owner = RequestOwner {
                    row: question.place,
                    slots: slot.count(),
                };
                self.digested(owner, &question.id, size).await
            }
            (_, Some(exhibit)) => Ok(Seen::There(exhibit.clone(), Bytes::NotFetched)),
            (_, None) => {
                let owner = RequestOwner::without_slot(question.place);
                let original = self.requests.original(owner, &question.id).await;
                original.map(|original| match original {
                    None => Seen::Absent,
                    Some(original) => Seen::There(original.exhibit, Bytes::NotFetched),
                })
            }
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(unmet) => Seen::Unknown(unmet.words()?),
        };
        Ok((question.place, seen))
    }

    /// Downloads the bytes of an attachment, with a new address after each expiry, and digests
    /// them.
    async fn digested(
        &self,
        owner: RequestOwner,
        id: &AttachmentId,
        size: u64,
    ) -> Result<Seen, Unmet> {
        let requests = &self.requests;
        let mut expired = 0;
        loop {
            requests.leave_to_fetch(owner).await;
            let Some(Original { exhibit, place }) = requests.original(owner, id).await? else {
                return Ok(Seen::Absent);
            };
            if exhibit.size != Some(size) {
                return Ok(Seen::There(exhibit, Bytes::NotFetched));
            }
            let fetched = match place {
                Ok(place) => {
                    let nowhere = &mut tokio::io::sink();
                    requests.fetch(owner, &place, size, nowhere).await
                }
                Err(why) => Err(Unfetched::GivenUp(why.to_string())),
            };
            let bytes = match fetched {
                Ok(fetched) => Bytes::Fetched(fetched),
                Err(Unfetched::Halt(halt)) => return Err(halt.into()),
                Err(Unfetched::Again) => continue,
                Err(Unfetched::Expired) if expired < MOST_EXPIRED => {
                    expired += 1;
                    continue;
                }
                Err(Unfetched::Expired) => Bytes::Unfetched(
                    "the storage refuses each address as soon as it is given".into(),
                ),
                Err(Unfetched::GivenUp(why)) => Bytes::Unfetched(why),
            };
            return Ok(Seen::There(exhibit, bytes));
        }
    }
}
