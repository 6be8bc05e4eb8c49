//! The protocol of one row: LOOKUP, CREATE, PUT, CONFIRM, with RENEW for an address that expired.
//!
//! The PUT is the commit point: a record without bytes is purged by the service. What keeps it
//! exactly once:
//! - a line is durable before the request that it announces: `creating` before the POST,
//!   `created` with the id before the first byte, `uploaded` only after the service showed the size;
//! - after a POST without an answer no other one follows before look-ups over [`SEARCHES`] all
//!   found nothing;
//! - a chosen record is the only one: nothing but its absence leads back to CREATE;
//! - the PATCH that gives a new address detaches what is stored, so it is sent only when the newest
//!   GET said that nothing is, and after a PATCH without an answer nothing is sent before
//!   [`DRAIN`] has passed and another GET has said how things stand.

use std::time::Duration;

use tokio::time::sleep;

use super::confirm::Shown;
use super::requests::{OwnFailures, Unmet, Unput};
use super::slots::Slot;
use super::{Halt, Run, Task};
use crate::clock::Since;
use crate::destination::{Destination, NewAttachment, Presence, Receipt};
use crate::event::Event;
use crate::model::{AttachmentId, Content};
use crate::plan::{Begun, BegunFor, Found, Posted, Progress, Step, found};
use crate::results::journal::Journal;
use crate::results::{Entry, Known, Reason, Status, Verified};

/// When to look for the record of a POST whose answer was lost, counted from one look to the next.
const SEARCHES: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// After so long a PATCH whose answer was lost has been carried out, or never will be: longer than
/// any request may take.
const DRAIN: Duration = Duration::from_secs(60);

/// An address older than this is not used any more; the service's limit is 15 minutes.
const ADDRESS_LIFE: Duration = Duration::from_secs(14 * 60);

/// So many new addresses are asked for before the storage is believed to refuse the row itself.
const MOST_RENEWALS: u32 = 5;

/// So many POSTs may stay without an answer while those of other rows get one.
const MOST_POSTS: u32 = 4;

/// A row on its way.
pub(super) struct RowRun<'a, D, J> {
    run: &'a Run<'a, D, J>,
    task: Task,
    /// Held from the start until the bytes are sent, and again if the row has to start anew.
    slot: Option<Slot<'a>>,
    attempts: u32,
    posts_lost: u32,
    renewals: u32,
    /// Whether a record of this row was purged after its bytes were sent.
    purged: bool,
}

/// Where a row stands.
enum State<T> {
    LookUp(Posted),
    Create(Posted),
    Search(usize),
    Resume(Begun),
    Put {
        id: AttachmentId,
        target: T,
        issued: Since,
    },
    Renew(AttachmentId),
    Patch(AttachmentId),
    Confirm(AttachmentId, Receipt),
    End(Box<Verdict>),
}

/// How a row ends in this run.
struct Verdict {
    status: Status,
    reason: Reason,
    id: Option<AttachmentId>,
    known: Known,
    verified: Verified,
    message: String,
}

impl<'a, D: Destination, J: Journal> RowRun<'a, D, J> {
    pub(super) fn new(run: &'a Run<'a, D, J>, task: Task, slot: Slot<'a>) -> Self {
        Self {
            run,
            attempts: task.attempts + 1,
            task,
            slot: Some(slot),
            posts_lost: 0,
            renewals: 0,
            purged: false,
        }
    }

    /// Takes the row through, to its last line.
    pub(super) async fn go(mut self) -> Result<Status, Halt> {
        let mut state = match self.task.step.clone() {
            Step::Keep => return Ok(Status::Pending),
            Step::Record(entry) => return self.settle(*entry).await,
            Step::LookUp(posted) => State::LookUp(posted),
            Step::Resume(begun) => State::Resume(begun),
        };
        loop {
            state = match state {
                State::LookUp(posted) => self.look_up(posted).await?,
                State::Create(posted) => self.create(posted).await?,
                State::Search(nth) => self.search(nth).await?,
                State::Resume(begun) => self.resume(begun).await?,
                State::Put { id, target, issued } => self.put(id, target, issued).await?,
                State::Renew(id) => self.renew(id).await?,
                State::Patch(id) => self.patch(id).await?,
                State::Confirm(id, receipt) => self.confirm(id, receipt).await?,
                State::End(verdict) => return self.settle(self.entry(*verdict)).await,
            };
        }
    }

    async fn look_up(&mut self, posted: Posted) -> Result<State<D::Target>, Halt> {
        if self.slot.is_none() {
            self.slot = Some(self.run.slots.take().await);
        }
        let external_id = &self.task.row.external_id;
        match self.run.requests.find(external_id).await {
            Ok(presence) => Ok(self.after_look_up(presence, posted, State::Create(posted))),
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }

    /// What follows from a look-up; `nothing` is what follows where nothing is there.
    fn after_look_up(
        &self,
        presence: Presence,
        posted: Posted,
        nothing: State<D::Target>,
    ) -> State<D::Target> {
        match found(presence, posted, &self.task.content) {
            Found::Nothing => nothing,
            Found::Ours(id) => State::Patch(id),
            Found::Unfinished(reason) => self.unfinished(reason),
            Found::SameSize(id) => end(Verdict {
                status: Status::Skipped,
                reason: Reason::NONE,
                id: Some(id),
                known: self.ours(),
                verified: Verified::No,
                message: String::new(),
            }),
            Found::OtherSize(id, size) => end(Verdict {
                status: Status::Conflict,
                reason: Reason::STORED_OTHER_SIZE,
                id: Some(id),
                known: Known::Size(size),
                verified: Verified::No,
                message: format!(
                    "an attachment with this external_id is stored already, with {size} bytes where \
                     the file has {}; it was left as it is: give the row another external_id, or \
                     take it out of the manifest",
                    self.task.content.stamp.size
                ),
            }),
            Found::Mismatch(other) => end(self.failed(
                Reason::LOOKUP_MISMATCH,
                None,
                format!(
                    "the service answered the look-up of this external_id with an attachment whose \
                     external_id is {other:?}; nothing was sent: choose an external_id without \
                     special characters"
                ),
            )),
        }
    }

    fn unfinished(&self, reason: Reason) -> State<D::Target> {
        let whose = if reason == Reason::OBJECT_CHANGED {
            "for the object that the manifest named before"
        } else {
            "and not by this import"
        };
        end(Verdict {
            status: Status::Pending,
            reason,
            id: None,
            known: self.ours(),
            verified: Verified::No,
            message: format!(
                "a record with this external_id was made {whose}, and has no bytes yet; the service \
                 removes such records within an hour: run again with --resume then"
            ),
        })
    }

    async fn create(&mut self, posted: Posted) -> Result<State<D::Target>, Halt> {
        let row = &self.task.row;
        let new = NewAttachment {
            external_id: row.external_id.clone(),
            object: row.object,
            file_name: row.file_name().to_owned(),
            title: row.title.clone(),
        };
        self.record(Status::Creating, None).await?;
        let made = self
            .run
            .requests
            .change(async |service| service.create(&new).await)
            .await;
        match made {
            Ok(made) => {
                self.record(Status::Created, Some(made.id.clone())).await?;
                Ok(self.after_address(made.id, made.target))
            }
            Err(Unmet::NotSent) => Ok(State::LookUp(posted)),
            Err(Unmet::Unknown(why)) => self.post_lost(&why),
            Err(Unmet::Refused(why)) => self.post_refused(posted, &why).await,
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }

    fn after_address(
        &self,
        id: AttachmentId,
        target: Result<D::Target, crate::destination::UnsafeTarget>,
    ) -> State<D::Target> {
        match target {
            Ok(target) => State::Put {
                id,
                target,
                issued: Since::now(),
            },
            Err(why) => {
                let message = format!("{why}; nothing was sent: ask the service's support");
                end(self.failed(Reason::UNSAFE_UPLOAD_URL, Some(id), message))
            }
        }
    }

    fn post_lost(&mut self, why: &str) -> Result<State<D::Target>, Halt> {
        self.posts_lost += 1;
        self.attempts += 1;
        if self.posts_lost < MOST_POSTS {
            return Ok(State::Search(0));
        }
        self.unmet(Unmet::Unknown(why.to_owned()), None, Posted::Perhaps)
    }

    /// Looks for the record of a POST whose answer was lost, before there may be another one.
    async fn search(&mut self, nth: usize) -> Result<State<D::Target>, Halt> {
        let Some(wait) = SEARCHES.get(nth) else {
            return Ok(State::Create(Posted::Perhaps));
        };
        sleep(*wait).await;
        match self.run.requests.find(&self.task.row.external_id).await {
            Ok(presence) => {
                Ok(self.after_look_up(presence, Posted::Perhaps, State::Search(nth + 1)))
            }
            Err(unmet) => self.unmet(unmet, None, Posted::Perhaps),
        }
    }

    /// The service says that it will not make the record, perhaps because there is one.
    async fn post_refused(&mut self, posted: Posted, why: &str) -> Result<State<D::Target>, Halt> {
        let refused = end(self.failed(
            Reason::REFUSED,
            None,
            format!("the service refused to make the attachment: {why}"),
        ));
        match self.run.requests.find(&self.task.row.external_id).await {
            Ok(presence) => Ok(self.after_look_up(presence, posted, refused)),
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }

    async fn put(
        &mut self,
        id: AttachmentId,
        target: D::Target,
        issued: Since,
    ) -> Result<State<D::Target>, Halt> {
        let mut own = OwnFailures::default();
        loop {
            if issued.elapsed() > ADDRESS_LIFE {
                return Ok(State::Renew(id));
            }
            let (source, content) = (&self.task.source, &self.task.content);
            let put = self.run.requests.put(&target, source, content, &mut own);
            return Ok(match put.await {
                Ok(receipt) => State::Confirm(id, receipt),
                Err(Unput::Again) => {
                    self.attempts += 1;
                    continue;
                }
                Err(Unput::Expired) => self.expired(id),
                Err(Unput::Refused(why)) => self.upload_refused(id, &why),
                Err(Unput::GivenUp(why)) => self.unanswered(Some(id), Status::Created, &why),
                Err(Unput::SourceChanged(why)) => end(self.failed(
                    Reason::SOURCE_CHANGED,
                    Some(id),
                    format!(
                        "the file changed after it was checked, and was not stored: {why}; run \
                         again with --resume to check and send it as it is now"
                    ),
                )),
                Err(Unput::Halt(halt)) => return Err(halt),
            });
        }
    }

    fn expired(&mut self, id: AttachmentId) -> State<D::Target> {
        self.renewals += 1;
        if self.renewals > MOST_RENEWALS {
            return self.upload_refused(id, "status 403 for each new address");
        }
        State::Renew(id)
    }

    fn upload_refused(&self, id: AttachmentId, why: &str) -> State<D::Target> {
        end(self.failed(
            Reason::UPLOAD_REFUSED,
            Some(id),
            format!("the storage refused the file: {why}"),
        ))
    }

    /// Asks how the record stands, before anything is done that would detach its bytes.
    async fn renew(&mut self, id: AttachmentId) -> Result<State<D::Target>, Halt> {
        let presence = self.run.requests.ask(async |service| service.get(&id).await);
        match presence.await {
            Ok(Presence::Absent) => Ok(State::LookUp(Posted::No)),
            Ok(Presence::Pending { .. }) => Ok(State::Patch(id)),
            Ok(Presence::Stored { size, .. }) => Ok(self.shown(id, size, Receipt::Taken)),
            Ok(Presence::Mismatch { .. }) => Ok(self.unanswered(
                Some(id),
                Status::Created,
                "the answer speaks of another attachment",
            )),
            Err(unmet) => self.unmet(unmet, Some(id), Posted::No),
        }
    }

    /// Asks for a new address for a record whose newest GET said that it has no bytes.
    async fn patch(&mut self, id: AttachmentId) -> Result<State<D::Target>, Halt> {
        // The id is chosen from here on, and this content is what its bytes will be.
        self.record(Status::Created, Some(id.clone())).await?;
        let file_name = self.task.row.file_name().to_owned();
        let renewed = self
            .run
            .requests
            .change(async |service| service.renew(&id, &file_name).await);
        match renewed.await {
            Ok(target) => Ok(self.after_address(id, target)),
            Err(Unmet::NotSent) => Ok(State::Renew(id)),
            Err(Unmet::Unknown(why)) => {
                self.attempts += 1;
                self.renewals += 1;
                if self.renewals > MOST_RENEWALS {
                    return Ok(self.unanswered(Some(id), Status::Created, &why));
                }
                sleep(DRAIN).await;
                Ok(State::Renew(id))
            }
            Err(unmet) => self.unmet(unmet, Some(id), Posted::No),
        }
    }

    async fn confirm(
        &mut self,
        id: AttachmentId,
        receipt: Receipt,
    ) -> Result<State<D::Target>, Halt> {
        self.slot = None;
        match self.run.confirmer.confirm(id.clone()).await? {
            Shown::Size(size) => Ok(self.shown(id, size, receipt)),
            Shown::NoSize => Ok(self.not_shown(id)),
            Shown::Absent => self.not_listed(id, receipt).await,
        }
    }

    /// The list does not name the attachment. That alone does not prove that it is gone.
    async fn not_listed(
        &mut self,
        id: AttachmentId,
        receipt: Receipt,
    ) -> Result<State<D::Target>, Halt> {
        let presence = self.run.requests.ask(async |service| service.get(&id).await);
        match presence.await {
            Ok(Presence::Stored { size, .. }) => Ok(self.shown(id, size, receipt)),
            Ok(Presence::Absent) if self.purged => Ok(end(self.failed(
                Reason::PURGED,
                Some(id),
                "the service removed the record after its bytes were sent, twice; ask the \
                 service's support, or run again with --resume"
                    .into(),
            ))),
            Ok(Presence::Absent) => {
                self.purged = true;
                self.attempts += 1;
                Ok(State::LookUp(Posted::No))
            }
            Ok(Presence::Pending { .. } | Presence::Mismatch { .. }) => Ok(self.not_shown(id)),
            Err(unmet) => self.unmet(unmet, Some(id), Posted::No),
        }
    }

    fn not_shown(&self, id: AttachmentId) -> State<D::Target> {
        end(Verdict {
            status: Status::Pending,
            reason: Reason::SIZE_NOT_SHOWN,
            id: Some(id),
            known: self.ours(),
            verified: Verified::No,
            message: "the storage took the file, but the service does not show its size yet; run \
                      again with --resume later"
                .into(),
        })
    }

    fn shown(&self, id: AttachmentId, size: u64, receipt: Receipt) -> State<D::Target> {
        let ours = self.task.content.stamp.size;
        if size != ours {
            return end(self.failed(
                Reason::SIZE_MISMATCH,
                Some(id),
                format!(
                    "the service shows {size} bytes where {ours} were sent; look at the attachment \
                     in the service"
                ),
            ));
        }
        end(Verdict {
            status: Status::Uploaded,
            reason: Reason::NONE,
            id: Some(id),
            known: self.ours(),
            verified: match receipt {
                Receipt::Taken => Verified::Size,
                Receipt::Checksummed => Verified::Etag,
            },
            message: String::new(),
        })
    }

    /// Goes on with the record that an earlier run chose.
    async fn resume(&mut self, begun: Begun) -> Result<State<D::Target>, Halt> {
        let id = begun.id.clone();
        let presence = self.run.requests.ask(async |service| service.get(&id).await);
        let same_content = begun
            .content
            .is_none_or(|then| then.sha256 == self.task.content.sha256);
        match presence.await {
            Ok(Presence::Absent) => Ok(State::LookUp(Posted::No)),
            Ok(Presence::Pending { .. }) => Ok(match (begun.object, begun.progress) {
                (BegunFor::AnotherObject, _) => self.begun_elsewhere(begun),
                (_, Progress::Sent) if same_content => State::Confirm(id, Receipt::Taken),
                _ => State::Patch(id),
            }),
            Ok(Presence::Stored { size, .. }) => {
                if begun.object == BegunFor::AnotherObject {
                    return Ok(stored_otherwise(begun, size, Reason::OBJECT_CHANGED));
                }
                if !same_content {
                    return Ok(stored_otherwise(begun, size, Reason::FILE_CHANGED));
                }
                Ok(self.shown(id, size, Receipt::Taken))
            }
            Ok(Presence::Mismatch { .. }) => Ok(self.unanswered(
                Some(id),
                Status::Created,
                "the answer speaks of another attachment",
            )),
            Err(unmet) => self.unmet(unmet, Some(id), Posted::No),
        }
    }

    fn begun_elsewhere(&self, begun: Begun) -> State<D::Target> {
        end(Verdict {
            status: Status::Pending,
            reason: Reason::OBJECT_CHANGED,
            id: Some(begun.id),
            known: begun.content.map_or(Known::Nothing, Known::Content),
            verified: Verified::No,
            message: format!(
                "the upload was begun for another object than {}, and cannot be moved; the service \
                 removes what was begun within an hour: run again with --resume then",
                self.task.row.object
            ),
        })
    }

    /// The end of a row whose request gave nothing.
    fn unmet(
        &self,
        unmet: Unmet,
        id: Option<AttachmentId>,
        posted: Posted,
    ) -> Result<State<D::Target>, Halt> {
        let begun = match (&id, posted) {
            (Some(_), _) => Status::Created,
            (None, Posted::Perhaps) => Status::Creating,
            (None, Posted::No | Posted::ForAnotherObject) => Status::Pending,
        };
        match unmet {
            Unmet::Halt(halt) => Err(halt),
            Unmet::NotSent => Ok(self.unanswered(id, begun, "it could not be sent")),
            Unmet::Unknown(why) => Ok(self.unanswered(id, begun, &why)),
            Unmet::Forbidden(why) => Ok(end(self.failed(
                Reason::FORBIDDEN,
                id,
                format!(
                    "the keys work, but not for this row ({why}): ask for the rights on {}",
                    self.task.row.object
                ),
            ))),
            Unmet::Refused(why) => Ok(end(self.failed(
                Reason::REFUSED,
                id,
                format!("the service refused the request: {why}"),
            ))),
        }
    }

    /// The row's requests stay without an answer while those of others get one.
    fn unanswered(&self, id: Option<AttachmentId>, begun: Status, why: &str) -> State<D::Target> {
        end(Verdict {
            status: begun,
            reason: Reason::NO_ANSWER,
            id,
            known: self.ours(),
            verified: Verified::No,
            message: format!(
                "the service answers other requests, but not those for this row ({why}); run again \
                 with --resume later"
            ),
        })
    }

    fn failed(&self, reason: Reason, id: Option<AttachmentId>, message: String) -> Verdict {
        Verdict {
            status: Status::Failed,
            reason,
            id,
            known: self.ours(),
            verified: Verified::No,
            message,
        }
    }

    fn ours(&self) -> Known {
        Known::Content(self.task.content)
    }

    /// Makes a journal state durable.
    async fn record(&self, status: Status, id: Option<AttachmentId>) -> Result<(), Halt> {
        let entry = self.entry(Verdict {
            status,
            reason: Reason::NONE,
            id,
            known: self.ours(),
            verified: Verified::No,
            message: String::new(),
        });
        let recorded = self.run.journal.record(entry).await;
        recorded.map_err(|_| Halt::Journal)
    }

    async fn settle(&self, entry: Entry) -> Result<Status, Halt> {
        let status = entry.status;
        let recorded = self.run.journal.record(entry).await;
        recorded.map_err(|_| Halt::Journal)?;
        self.run.events.send(Event::Ended { status });
        Ok(status)
    }

    fn entry(&self, verdict: Verdict) -> Entry {
        let row = &self.task.row;
        Entry {
            row: Some(row.number),
            file_path: row.file_path.clone(),
            object_type: row.object.kind.to_string(),
            object_id: row.object.id.to_string(),
            external_id: row.external_id.to_string(),
            status: verdict.status,
            reason: verdict.reason,
            attachment_id: verdict.id,
            known: verdict.known,
            verified: verdict.verified,
            attempts: self.attempts,
            destination: self.run.settings.destination.clone(),
            updated_at: jiff::Timestamp::now(),
            message: verdict.message,
        }
    }
}
