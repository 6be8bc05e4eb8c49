//! What the service holds of what the results claim, found out with requests that change nothing.
//!
//! Attachments are looked up fifty at a time. Those that a list leaves out are asked for alone
//! before they count as missing, since nobody documents what a list leaves out. Where bytes are to
//! be compared their address is asked for just before: it is short-lived.

use std::collections::HashMap;
use std::pin::pin;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;

use super::requests::archive::Unfetched;
use super::requests::{OwnFailures, Requests, Unmet};
use super::{Halt, Settings};
use crate::destination::archive::{Archive, Exhibit, Fetched, Original};
use crate::destination::{Destination, End, LISTED_AT_ONCE, Presence};
use crate::event::Events;
use crate::http::budget::Urgency;
use crate::model::AttachmentId;

/// So many addresses in a row may have expired before anything came from them.
pub(super) const MOST_EXPIRED: u32 = 3;

/// What is to be asked of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// A number by which the answer is known.
    pub place: usize,
    /// The attachment.
    pub id: AttachmentId,
    /// What is to be done with its bytes.
    pub bytes: Wanted,
}

/// What is to be done with the bytes of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// They are to be digested, provided that the service says that there are so many.
    Digest {
        /// Their number.
        size: u64,
    },
}

/// What was seen of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for the length of a call"
)]
pub enum Seen {
    /// There is none.
    Absent,
    /// What the service shows, and what came of its bytes where they were wanted.
    There(Exhibit, Bytes),
    /// It could not be found out. Says why.
    Unknown(String),
}

/// What came of an attachment's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// Nobody asked for them, or there are none, or not as many as there should be.
    NotFetched,
    /// They came.
    Fetched(Fetched),
    /// They could not be had. Says why.
    Unfetched(String),
}

/// Asks for all attachments, and tells what it sees of each as soon as it does. Returns why it
/// stopped early, if it did.
pub async fn inspect<D: Archive>(
    questions: Vec<Question>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(usize, Seen) + Sync),
) -> Option<Halt> {
    let inspection = Inspection {
        requests: Requests::new(destination, settings, events),
        downloads: Semaphore::new(settings.concurrency),
        tell,
    };
    let batches = questions.chunks(LISTED_AT_ONCE);
    let asked = batches.map(|batch| inspection.batch(batch));
    until(asked, settings.concurrency, stop).await
}

/// The same with jobs, each of which is asked for once, whatever the number of its files.
pub async fn inspect_jobs<D: Destination>(
    jobs: Vec<AttachmentId>,
    destination: &D,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
    tell: &(dyn Fn(AttachmentId, Job) + Sync),
) -> Option<Halt> {
    let requests = Requests::new(destination, settings, events);
    let asked = jobs.into_iter().map(async |id: AttachmentId| {
        let job = match requests.job(&id, Urgency::CanWait).await {
            Ok(Presence::Running { word, .. }) => Job::Running(word),
            Ok(Presence::Ended(end)) => Job::Ended(end),
            Ok(_) => Job::Absent,
            Err(unmet) => Job::Unknown(unmet.words()?),
        };
        tell(id, job);
        Ok(())
    });
    until(asked, settings.concurrency, stop).await
}

/// What was seen of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// There is none, or none any more.
    Absent,
    /// It goes on. This is its last word.
    Running(String),
    /// It has ended.
    Ended(End),
    /// It could not be found out. Says why.
    Unknown(String),
}

/// Works until all is done, the first reason to stop, or the user's wish.
async fn until(
    work: impl Iterator<Item = impl Future<Output = Result<(), Halt>>>,
    at_once: usize,
    stop: impl Future<Output = ()>,
) -> Option<Halt> {
    let mut work = work.fuse();
    let mut under_way: FuturesUnordered<_> = work.by_ref().take(at_once).collect();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Some(Halt::Interrupted),
            ended = under_way.next() => match ended {
                None => return None,
                Some(Err(halt)) => return Some(halt),
                Some(Ok(())) => under_way.extend(work.next()),
            }
        }
    }
}

struct Inspection<'a, D: Destination> {
    requests: Requests<'a, D>,
    /// So many attachments may be downloaded at once.
    downloads: Semaphore,
    tell: &'a (dyn Fn(usize, Seen) + Sync),
}

impl<D: Archive> Inspection<'_, D> {
    async fn batch(&self, questions: &[Question]) -> Result<(), Halt> {
        let ids: Vec<_> = questions.iter().map(|one| one.id.clone()).collect();
        let listed = match self.requests.inspect(&ids).await {
            Ok(listed) => listed,
            // Each for itself, then: one of them may be what spoils the list.
            Err(Unmet::Refused(_) | Unmet::Forbidden(_)) => HashMap::new(),
            Err(unmet) => {
                let why = unmet.words()?;
                for question in questions {
                    (self.tell)(question.place, Seen::Unknown(why.clone()));
                }
                return Ok(());
            }
        };
        let mut rest: FuturesUnordered<_> = questions
            .iter()
            .map(|question| self.one(question, listed.get(&question.id)))
            .collect();
        while let Some(ended) = rest.next().await {
            let (place, seen) = ended?;
            (self.tell)(place, seen);
        }
        Ok(())
    }

    async fn one(
        &self,
        question: &Question,
        listed: Option<&Exhibit>,
    ) -> Result<(usize, Seen), Halt> {
        let may_match = |size| listed.is_none_or(|exhibit| exhibit.size == Some(size));
        let seen = match (question.bytes, listed) {
            (Wanted::Digest { size }, _) if may_match(size) => {
                let _turn = self.downloads.acquire().await;
                self.digested(&question.id, size).await
            }
            (_, Some(exhibit)) => Ok(Seen::There(exhibit.clone(), Bytes::NotFetched)),
            (_, None) => {
                let original = self.requests.original(&question.id).await;
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

    /// Asks for an attachment and its bytes, again with a new address as often as it takes.
    async fn digested(&self, id: &AttachmentId, size: u64) -> Result<Seen, Unmet> {
        let mut own = OwnFailures::default();
        let mut expired = 0;
        loop {
            let Some(Original { exhibit, place }) = self.requests.original(id).await? else {
                return Ok(Seen::Absent);
            };
            if exhibit.size != Some(size) {
                return Ok(Seen::There(exhibit, Bytes::NotFetched));
            }
            let fetched = match place {
                Ok(place) => {
                    let nowhere = &mut tokio::io::sink();
                    self.requests.fetch(&place, size, nowhere, &mut own).await
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
