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
//!   GET said that nothing is, and after a PATCH without an answer, of this run or of one that ended
//!   in the middle of it, nothing is sent before [`DRAIN`] has passed and another GET has said how
//!   things stand.

use std::time::Duration;

use tokio::time::sleep;

use super::confirm::Shown;
use super::requests::{OwnFailures, Unmet, Unput};
use super::slots::Slot;
use super::verdict::Verdict;
use super::{Halt, Run, Task};
use crate::clock::Since;
use crate::destination::{Destination, NewAttachment, Presence, Receipt, UnsafeTarget};
use crate::event::Event;
use crate::model::{AttachmentId, Content};
use crate::plan::{Begun, Found, Posted, Progress, Standing, Start, found, standing};
use crate::results::journal::Journal;
use crate::results::{Entry, Known, Reason, Status, Verified};
use crate::text::escape;

/// When to look for the record of a POST whose answer was lost, counted from one look to the next.
const SEARCHES: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// After so long a PATCH whose answer was lost has been carried out, or never will be: longer than
/// any request may take.
const DRAIN: Duration = Duration::from_mins(1);

/// An address older than this is not used any more; the service's limit is 15 minutes.
const ADDRESS_LIFE: Duration = Duration::from_mins(14);

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
    /// Looking for the record of a lost POST, for the n-th time.
    Search(usize, Posted),
    /// Asking how a begun record stands, before anything is done that would detach its bytes.
    Resume(Begun),
    Put {
        id: AttachmentId,
        target: T,
        issued: Since,
    },
    /// Asking for a new address for a record whose newest answer said that it has no bytes.
    Patch(Begun),
    Confirm(AttachmentId, Receipt),
    End(Box<Verdict>),
}

impl<T> From<Verdict> for State<T> {
    fn from(verdict: Verdict) -> Self {
        Self::End(Box::new(verdict))
    }
}

type Next<D> = Result<State<<D as Destination>::Target>, Halt>;

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
        let mut state = match self.task.start.clone() {
            Start::LookUp(posted) => State::LookUp(posted),
            Start::Resume(begun) => State::Resume(begun),
        };
        loop {
            state = match state {
                State::LookUp(posted) => self.look_up(posted).await?,
                State::Create(posted) => self.create(posted).await?,
                State::Search(nth, posted) => self.search(nth, posted).await?,
                State::Resume(begun) => self.resume(begun).await?,
                State::Put { id, target, issued } => self.put(id, target, issued).await?,
                State::Patch(begun) => self.patch(begun).await?,
                State::Confirm(id, receipt) => self.confirm(id, receipt).await?,
                State::End(verdict) => return self.end(*verdict).await,
            };
        }
    }

    async fn look_up(&mut self, posted: Posted) -> Next<D> {
        if self.slot.is_none() {
            self.slot = Some(self.run.slots.take().await);
        }
        match self.run.requests.find(&self.task.row.external_id).await {
            Ok(presence) => {
                // After a lost POST one look is not enough, not even after a restart.
                let nothing = match &posted {
                    Posted::No => State::Create(Posted::No),
                    Posted::Perhaps | Posted::ForAnotherObject(_) => {
                        State::Search(0, posted.clone())
                    }
                };
                Ok(self.after_look_up(presence, &posted, nothing))
            }
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    /// What follows from a look-up; `nothing` is what follows where nothing is there.
    fn after_look_up(
        &self,
        presence: Presence,
        posted: &Posted,
        nothing: State<D::Target>,
    ) -> State<D::Target> {
        let content = self.content();
        match found(presence, posted, &content) {
            Found::Nothing => nothing,
            Found::Ours(id) => State::Patch(self.begun(id)),
            Found::Unfinished(elsewhere) => Verdict::unfinished(elsewhere, content).into(),
            Found::SameSize(id) => Verdict::plain(Status::Skipped, Some(id), content).into(),
            Found::OtherSize(id, size) => Verdict::stored_other_size(id, size, content).into(),
            Found::Mismatch(other) => Verdict::mismatch(&other, content).after(posted).into(),
        }
    }

    async fn create(&mut self, posted: Posted) -> Next<D> {
        let row = &self.task.row;
        let new = NewAttachment {
            external_id: row.external_id.clone(),
            object: row.object,
            file_name: row.file_name().to_owned(),
            title: row.title.clone(),
        };
        let announced = Verdict::plain(Status::Creating, None, self.content()).after(&posted);
        self.write(self.entry(announced)).await?;
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
            Err(Unmet::Unknown(why)) => self.post_lost(why, posted),
            Err(Unmet::Refused(why)) => self.post_refused(&posted, &why).await,
            Err(Unmet::Halt(halt)) => self.withdraw(&posted, halt).await,
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    fn after_address(
        &self,
        id: AttachmentId,
        target: Result<D::Target, UnsafeTarget>,
    ) -> State<D::Target> {
        match target {
            Ok(target) => State::Put {
                id,
                target,
                issued: Since::now(),
            },
            Err(why) => {
                let message = format!("{why}; nothing was sent there: ask the service's support");
                let reason = Reason::UNSAFE_UPLOAD_URL;
                Verdict::failed(reason, Some(id), self.content(), message).into()
            }
        }
    }

    fn post_lost(&mut self, why: String, posted: Posted) -> Next<D> {
        let posted = match posted {
            Posted::No | Posted::Perhaps => Posted::Perhaps,
            elsewhere @ Posted::ForAnotherObject(_) => elsewhere,
        };
        self.posts_lost += 1;
        self.attempts += 1;
        if self.posts_lost < MOST_POSTS {
            return Ok(State::Search(0, posted));
        }
        self.unmet(Unmet::Unknown(why), None, &posted)
    }

    /// Looks for the record of a POST whose answer was lost, before there may be another one.
    async fn search(&mut self, nth: usize, posted: Posted) -> Next<D> {
        let Some(wait) = SEARCHES.get(nth) else {
            return Ok(State::Create(posted));
        };
        sleep(*wait).await;
        match self.run.requests.find(&self.task.row.external_id).await {
            Ok(presence) => {
                let nothing = State::Search(nth + 1, posted.clone());
                Ok(self.after_look_up(presence, &posted, nothing))
            }
            Err(unmet) => self.unmet(unmet, None, &posted),
        }
    }

    /// The service says that it will not make the record, perhaps because there is one.
    async fn post_refused(&mut self, posted: &Posted, why: &str) -> Next<D> {
        match self.run.requests.find(&self.task.row.external_id).await {
            Ok(presence) => {
                let refused = Verdict::refused(None, self.content(), why);
                Ok(self.after_look_up(presence, posted, refused.into()))
            }
            Err(unmet) => self.unmet(unmet, None, posted),
        }
    }

    /// The run stops, and the POST that was announced certainly had no effect. Without this line
    /// the next run would take anybody's record for its own.
    async fn withdraw(&mut self, posted: &Posted, halt: Halt) -> Next<D> {
        if *posted == Posted::No {
            let verdict = Verdict::not_reached(self.content());
            self.write(self.entry(verdict)).await?;
        }
        Err(halt)
    }

    async fn put(&mut self, id: AttachmentId, target: D::Target, issued: Since) -> Next<D> {
        let mut own = OwnFailures::default();
        let content = self.content();
        loop {
            if issued.elapsed() > ADDRESS_LIFE {
                return Ok(State::Resume(self.begun(id)));
            }
            let put = self
                .run
                .requests
                .put(&target, &self.task.source, &content, &mut own);
            return Ok(match put.await {
                Ok(receipt) => State::Confirm(id, receipt),
                Err(Unput::Again) => {
                    self.attempts += 1;
                    continue;
                }
                Err(Unput::Expired) => self.expired(id),
                Err(Unput::Refused(why)) => Verdict::upload_refused(id, content, &why).into(),
                Err(Unput::GivenUp(why)) => {
                    Verdict::no_answer(Status::Created, Some(id), content, &why).into()
                }
                Err(Unput::SourceChanged(why)) => Verdict::source_changed(id, content, &why).into(),
                Err(Unput::Halt(halt)) => return Err(halt),
            });
        }
    }

    fn expired(&mut self, id: AttachmentId) -> State<D::Target> {
        self.renewals += 1;
        if self.renewals <= MOST_RENEWALS {
            return State::Resume(self.begun(id));
        }
        Verdict::upload_refused(id, self.content(), "status 403 for each new address").into()
    }

    async fn patch(&mut self, begun: Begun) -> Next<D> {
        let announced = Verdict::renewing(&begun, self.content());
        self.write(self.entry(announced)).await?;
        let (id, file_name) = (&begun.id, self.task.row.file_name());
        let renewed = self
            .run
            .requests
            .change_once(async |service| service.renew(id, file_name).await)
            .await;
        match renewed {
            Ok(target) => {
                // From here on its bytes are those of the file as it is now, and not before: until
                // this moment they may have been others, whose size just did not show.
                self.record(Status::Created, Some(begun.id.clone())).await?;
                Ok(self.after_address(begun.id, target))
            }
            Err(Unmet::NotSent) => Ok(State::Resume(begun)),
            Err(Unmet::Unknown(why)) => self.patch_lost(begun, why).await,
            // The record may have been removed since the GET, or have got its bytes: another one
            // tells.
            Err(Unmet::Refused(_) | Unmet::Forbidden(_)) if self.renewals < MOST_RENEWALS => {
                self.renewals += 1;
                Ok(State::Resume(begun))
            }
            Err(unmet) => self.no_further(unmet, begun),
        }
    }

    /// A PATCH that arrives late would detach what was sent meanwhile, so nothing is sent before
    /// it cannot arrive any more.
    async fn patch_lost(&mut self, begun: Begun, why: String) -> Next<D> {
        self.attempts += 1;
        self.renewals += 1;
        self.drain().await;
        if self.renewals > MOST_RENEWALS {
            return self.no_further(Unmet::Unknown(why), begun);
        }
        Ok(State::Resume(begun))
    }

    /// Waits until a PATCH of unknown fate cannot arrive any more.
    async fn drain(&mut self) {
        self.slot = None;
        sleep(DRAIN).await;
        self.slot = Some(self.run.slots.take().await);
    }

    async fn confirm(&mut self, id: AttachmentId, receipt: Receipt) -> Next<D> {
        self.slot = None;
        match self.run.confirmer.confirm(id.clone()).await? {
            Shown::Size(size) => Ok(self.shown(id, size, receipt)),
            Shown::NoSize => Ok(Verdict::size_not_shown(id, self.content()).into()),
            Shown::Absent => self.not_listed(id, receipt).await,
        }
    }

    /// The list does not name the attachment. That alone does not prove that it is gone.
    async fn not_listed(&mut self, id: AttachmentId, receipt: Receipt) -> Next<D> {
        match self.get(&id).await {
            Ok(Presence::Stored { size, .. }) => Ok(self.shown(id, size, receipt)),
            Ok(Presence::Absent) if self.purged => Ok(Verdict::purged(id, self.content()).into()),
            Ok(Presence::Absent) => {
                self.purged = true;
                self.attempts += 1;
                Ok(State::LookUp(Posted::No))
            }
            Ok(Presence::Pending { .. } | Presence::Mismatch { .. }) => {
                Ok(Verdict::size_not_shown(id, self.content()).into())
            }
            Err(unmet) => self.unmet(unmet, Some(id), &Posted::No),
        }
    }

    fn shown(&self, id: AttachmentId, size: u64, receipt: Receipt) -> State<D::Target> {
        let content = self.content();
        if size != content.stamp.size {
            return Verdict::size_mismatch(id, size, content).into();
        }
        let verified = match receipt {
            Receipt::Taken => Verified::Size,
            Receipt::Checksummed => Verified::Etag,
        };
        Verdict::uploaded(id, content, verified).into()
    }

    /// Goes on with a record that was begun, by an earlier run or by this one.
    async fn resume(&mut self, mut begun: Begun) -> Next<D> {
        if begun.progress == Progress::Renewing {
            self.drain().await;
            begun.progress = Progress::Unknown;
        }
        let presence = match self.get(&begun.id).await {
            Ok(presence) => presence,
            Err(unmet) => return self.no_further(unmet, begun),
        };
        Ok(match standing(&presence, &begun, &self.content()) {
            Standing::Gone => State::LookUp(Posted::No),
            Standing::Empty => State::Patch(begun),
            Standing::Sent => State::Confirm(begun.id, Receipt::Taken),
            Standing::EmptyElsewhere => {
                Verdict::begun_elsewhere(begun, self.task.row.object).into()
            }
            Standing::Stored(size) => self.shown(begun.id, size, Receipt::Taken),
            Standing::StoredBeforeTheChange(size) => {
                Verdict::stored_before_the_change(begun, size).into()
            }
            Standing::Mismatch => {
                let why = "the answer speaks of another attachment".to_owned();
                return self.no_further(Unmet::Unknown(why), begun);
            }
        })
    }

    /// A record of this row, for the object and the file as they are now.
    fn begun(&self, id: AttachmentId) -> Begun {
        Begun {
            id,
            content: Some(self.content()),
            elsewhere: None,
            progress: Progress::Unknown,
        }
    }

    /// The end of a row whose begun record cannot be gone on with. Its line goes on saying what was
    /// begun: what the record holds may be that, and not the file as it is now.
    fn no_further(&self, unmet: Unmet, begun: Begun) -> Next<D> {
        let state = self.unmet(unmet, Some(begun.id), &Posted::No)?;
        Ok(match state {
            State::End(verdict) => Verdict {
                known: begun.content.map_or(verdict.known, Known::Content),
                elsewhere: begun.elsewhere,
                ..*verdict
            }
            .into(),
            other => other,
        })
    }

    async fn get(&self, id: &AttachmentId) -> Result<Presence, Unmet> {
        self.run.requests.get(id).await
    }

    /// The end of a row whose request gave nothing.
    fn unmet(&self, unmet: Unmet, id: Option<AttachmentId>, posted: &Posted) -> Next<D> {
        let content = self.content();
        let begun = match id {
            Some(_) => Status::Created,
            None => Status::Pending,
        };
        let verdict = match unmet {
            Unmet::Halt(halt) => return Err(halt),
            Unmet::NotSent => Verdict::no_answer(begun, id, content, "it could not be sent"),
            Unmet::Unknown(why) => Verdict::no_answer(begun, id, content, &why),
            Unmet::Refused(why) => Verdict::refused(id, content, &why),
            Unmet::Forbidden(why) => Verdict::forbidden(id, content, self.task.row.object, &why),
        };
        Ok(verdict.after(posted).into())
    }

    fn content(&self) -> Content {
        self.task.content
    }

    /// Makes a journal state durable.
    async fn record(&self, status: Status, id: Option<AttachmentId>) -> Result<(), Halt> {
        let verdict = Verdict::plain(status, id, self.content());
        self.write(self.entry(verdict)).await
    }

    async fn end(&self, verdict: Verdict) -> Result<Status, Halt> {
        let status = verdict.status;
        let external_id = &self.task.row.external_id;
        tracing::info!(row = self.task.row.number, ?external_id, %status, reason = verdict.reason.as_str(), "ended");
        self.write(self.entry(verdict)).await?;
        self.run.events.send(Event::Ended { status });
        Ok(status)
    }

    async fn write(&self, entry: Entry) -> Result<(), Halt> {
        let recorded = self.run.journal.record(entry).await;
        recorded.map_err(|_| Halt::Journal)
    }

    fn entry(&self, verdict: Verdict) -> Entry {
        let row = &self.task.row;
        let (object_type, object_id) = match verdict.elsewhere {
            Some(object) => (object.kind, object.id),
            None => (row.object.kind().to_string(), row.object.id().to_string()),
        };
        Entry {
            row: Some(row.number),
            file_path: row.file_path.clone(),
            object_type,
            object_id,
            external_id: row.external_id.to_string(),
            status: verdict.status,
            reason: verdict.reason,
            attachment_id: verdict.id,
            known: verdict.known,
            verified: verdict.verified,
            attempts: self.attempts,
            destination: self.run.settings.destination.clone(),
            updated_at: jiff::Timestamp::now(),
            // It may repeat what the service said.
            message: escape(&verdict.message).into_owned(),
        }
    }
}
