//! The protocol of one record, be it an attachment for one row or a job for several: LOOKUP,
//! CREATE, PUT, CONFIRM.
//!
//! The PUT is the commit point: a record without bytes comes to nothing by itself. What keeps it
//! exactly once:
//! - a line is durable before the request that it announces: `creating` before the POST,
//!   `created` with the id before the first byte, `uploaded` only after the service said so;
//! - a chosen record is the only one of its rows: nothing but its certain failure leads back to
//!   CREATE;
//! - what may have been carried out unheard is found out before anything else is done.
//!
//! Here stands what is the same for both kinds of record. How an attachment is looked up, found
//! again and given a new address stands in [`attachment`](super::attachment), how a job is waited
//! for and what its end means in [`job`](super::job).

mod leave;

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::SemaphorePermit;

use super::member::{Member, Put, places_of, target_of};
use super::replace::Swap;
use super::requests::{Leave, Unmet};
use super::routing::RoutingTrial;
use super::slots::Slot;
use super::verdict::Verdict;
use super::{Halt, Run, Task};
use crate::clock::Since;
use crate::destination::archive::Archive;
use crate::destination::{Created, Destination, Keeps, Names, NewRecord, Place};
use crate::event::Event;
use crate::model::{AttachmentId, Content};
use crate::plan::{Begun, Posted, Sent, Start, There};
use crate::results::journal::Journal;
use crate::results::{Changes, Entry, Known, Status};
use crate::text::escape;
use crate::throttle::breakers::RowAtWork;

/// An address of an attachment is not used any more after this; the service's limit is 15 minutes.
const ATTACHMENT_ADDRESS_LIFE: Duration = Duration::from_mins(14);

/// The same of a job, whose limit is a minute from its start. It started since it was last looked
/// at, which is the rest of that minute.
const JOB_ADDRESS_LIFE: Duration = Duration::from_secs(45);

/// Rows on their way, which share a record.
pub(super) struct Unit<'a, D: Destination, J> {
    pub(super) run: &'a Run<'a, D, J>,
    /// Those that have not ended yet.
    pub(super) members: Vec<Member>,
    /// The last lines of those that have.
    ended: Vec<Entry>,
    /// Held from before the record is made until the bytes are sent.
    pub(super) slot: Option<Slot<'a>>,
    /// Held by a job until it says where its files go.
    pub(super) starting: Option<SemaphorePermit<'a>>,
    /// Held by an attachment until it is found by an `external_id` of which that is not yet proven.
    pub(super) trial: Option<RoutingTrial<'a>>,
    /// The number of the row, or of the first one, on whose behalf all requests are sent.
    number: usize,
    _at_work: RowAtWork<'a>,
    /// Leave to send a change, which was waited for.
    change_leave: Leave,
    /// The same for bytes.
    pub(super) upload_leave: Leave,
    /// So many new addresses were asked for.
    pub(super) renewals: u32,
    /// Whether an attachment was purged after its bytes were sent.
    pub(super) purged: bool,
    /// So many jobs were made.
    pub(super) jobs_made: u32,
    /// When the newest job was made.
    pub(super) made: Since,
    /// Whether it has said where its files go.
    pub(super) had_places: bool,
    /// The addresses to which bytes were sent last.
    pub(super) tried: Vec<Place<D::Target>>,
    /// What an attachment was called when it was last seen with bytes.
    pub(super) names: Option<Names>,
    /// The bytes of an attachment that are being replaced.
    pub(super) swap: Option<Swap>,
    /// So often a replacement was begun.
    pub(super) beginnings: u32,
}

/// The last lines of the rows of a unit.
pub(super) struct Ended(pub(super) Vec<Entry>);

/// Where a unit stands.
pub(super) enum State<T> {
    /// An attachment: looking it up by its `external_id`.
    LookUp(Posted),
    Create(Posted),
    /// An attachment: looking for the record of a lost POST, for the n-th time.
    Search(usize, Posted),
    /// An attachment: asking how a begun record stands, before anything is done that would detach
    /// its bytes.
    Resume(Begun),
    /// An attachment: asking for a new address for a record whose newest answer said that it has no
    /// bytes.
    Patch(Begun),
    /// An attachment that an earlier run left with its bytes, or while it was replacing them.
    There(There),
    /// An attachment: keeping the bytes that are to give way. Of all of them something is known where
    /// we sent them.
    Replace(AttachmentId, Option<Content>),
    /// An attachment: asking for a new address, which lets go of the bytes that were kept.
    LetGo(AttachmentId),
    /// An attachment: looking at its bytes, because nothing else tells the new ones from the old.
    Prove(AttachmentId),
    /// A job: waiting until it says where its files go.
    Await(AttachmentId),
    Put {
        id: AttachmentId,
        places: Vec<Place<T>>,
        issued: Since,
    },
    Confirm(AttachmentId),
    /// All rows that have not ended yet end so.
    End(Box<Verdict>),
    /// All rows have ended.
    Over,
}

impl<T> From<Verdict> for State<T> {
    fn from(verdict: Verdict) -> Self {
        Self::End(Box::new(verdict))
    }
}

pub(super) type Next<D> = Result<State<<D as Destination>::Target>, Halt>;

impl<'a, D: Archive, J: Journal> Unit<'a, D, J> {
    pub(super) fn new(run: &'a Run<'a, D, J>, task: Task, slot: Slot<'a>) -> Self {
        let number = task.rows.first().map_or(0, |row| row.row.number);
        Self {
            run,
            number,
            _at_work: run.requests.at_work(number),
            change_leave: Leave::Needed,
            upload_leave: Leave::Needed,
            members: task.rows.into_iter().map(Member::new).collect(),
            ended: Vec::new(),
            slot: Some(slot),
            starting: None,
            trial: None,
            renewals: 0,
            purged: false,
            jobs_made: 0,
            made: Since::now(),
            had_places: false,
            tried: Vec::new(),
            names: None,
            swap: None,
            beginnings: 0,
        }
    }

    /// Takes the rows through, to their last lines.
    pub(super) async fn go(mut self) -> Result<Ended, Halt> {
        let mut state = match self.members.first().map(|member| &member.task.start) {
            Some(Start::LookUp(posted)) => State::LookUp(posted.clone()),
            Some(Start::Resume(begun)) => State::Resume(begun.clone()),
            Some(Start::There(there)) => State::There(there.clone()),
            Some(Start::Job(None)) => State::Create(Posted::No),
            Some(Start::Job(Some(begun))) => State::Await(begun.id.clone()),
            None => State::Over,
        };
        loop {
            state = match state {
                State::LookUp(posted) => self.look_up(posted).await?,
                State::Create(posted) => self.create(posted).await?,
                State::Search(nth, posted) => self.search(nth, posted).await?,
                State::Resume(begun) if self.swap.is_some() => self.let_go(begun).await?,
                State::Resume(begun) => self.resume(begun).await?,
                State::Patch(begun) => self.patch(begun).await?,
                State::There(there) => self.there(there).await?,
                State::Replace(id, ours) => self.replace(id, ours).await?,
                State::LetGo(id) => self.let_go(self.begun(id)).await?,
                State::Prove(id) => self.prove(id).await?,
                State::Await(id) => self.await_places(id).await?,
                State::Put { id, places, issued } => self.put(id, places, issued).await?,
                State::Confirm(id) => match self.run.keeps {
                    Keeps::Attachments => self.confirm_attachment(id).await?,
                    Keeps::Jobs { timeout } => self.confirm_job(id, timeout).await?,
                },
                State::End(verdict) => self.conclude(*verdict).await?,
                State::Over => return Ok(Ended(self.ended)),
            };
        }
    }

    async fn create(&mut self, posted: Posted) -> Next<D> {
        if self.run.keeps == Keeps::Attachments {
            let external_id = self.only().task.row.external_id.clone();
            if self.is_kept_waiting(&external_id).await? {
                return Ok(State::LookUp(posted));
            }
        }
        self.take_slot().await;
        if self.waited_to_change().await && self.run.keeps == Keeps::Attachments {
            // What the newest look-up found is old by now.
            return Ok(State::LookUp(posted));
        }
        let new = NewRecord {
            object: self.only().task.row.object,
            files: self.members.iter().map(Member::new_file).collect(),
        };
        let turn = match self.run.keeps {
            Keeps::Attachments => None,
            Keeps::Jobs { .. } => Some(self.turn_of_a_job().await?),
        };
        let announced = Verdict::plain(Status::Creating, None).after(&posted);
        if let Err(halt) = self.record(&announced).await {
            return self.withdraw(&posted, halt).await;
        }
        let (owner, leave) = (self.owner(), self.leave_to_change());
        let made = self
            .run
            .requests
            .change(owner, leave, async |service| service.create(&new).await)
            .await;
        let unmet = match made {
            Ok(made) => {
                drop(turn);
                return self.created(made).await;
            }
            // The turn ends with the run: nobody else need be told the same.
            Err(Unmet::Halt(halt)) => return self.withdraw(&posted, halt).await,
            Err(unmet) => unmet,
        };
        drop(turn);
        match self.run.keeps {
            Keeps::Attachments => self.not_created(unmet, posted).await,
            Keeps::Jobs { .. } => self.no_job(unmet).await,
        }
    }

    async fn created(&mut self, made: Created<D::Target>) -> Next<D> {
        let Created { id, places } = made;
        self.run.events.send(Event::Created);
        self.forget_what_was_sent();
        self.jobs_made += 1;
        self.made = Since::now();
        self.had_places = !places.is_empty();
        self.tried.clear();
        self.record(&Verdict::plain(Status::Created, Some(id.clone())))
            .await?;
        if places.is_empty() {
            return Ok(State::Await(id));
        }
        Ok(State::Put {
            id,
            places,
            issued: Since::now(),
        })
    }

    /// The run stops, and the POST that was announced certainly had no effect. Without these lines
    /// the next run would take anybody's record for its own.
    async fn withdraw(&mut self, posted: &Posted, halt: Halt) -> Next<D> {
        if *posted == Posted::No {
            self.record(&Verdict::not_reached()).await?;
        }
        Err(halt)
    }

    /// Sends the bytes of all rows that still want them, all at once.
    async fn put(
        &mut self,
        id: AttachmentId,
        places: Vec<Place<D::Target>>,
        issued: Since,
    ) -> Next<D> {
        match self.run.keeps {
            Keeps::Attachments => {
                if let Some(next) = self.prove_routing(&id).await? {
                    return Ok(next);
                }
            }
            Keeps::Jobs { .. } => self.announce_bytes(&id).await?,
        }
        self.starting = None;
        let owner = self.owner_of_one();
        self.leave_to_upload(owner).await;
        let (run, life) = (self.run, self.address_life());
        let places_of_members = places_of(&self.members, &places);
        let members = self.members.iter_mut().zip(places_of_members);
        let sending = members.map(async |(member, place)| {
            if !member.wants_bytes() {
                return Ok(None);
            }
            let target = target_of(place);
            let put = run.put(owner, member, target, issued, life);
            put.await.map(Some)
        });
        let ends: Vec<Option<Put>> = join_all(sending)
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        let is_stale = |end: &Option<Put>| matches!(end, Some(Put::Stale));
        self.upload_leave = if ends.iter().any(is_stale) {
            // It came too late for these addresses, but not for the next ones.
            Leave::Given
        } else {
            Leave::Needed
        };
        self.tried = places;
        match self.run.keeps {
            Keeps::Attachments => match ends.into_iter().flatten().next() {
                Some(end) => Ok(self.attachment_put(id, end)),
                None => Ok(State::Confirm(id)),
            },
            Keeps::Jobs { .. } => self.job_put(id, ends).await,
        }
    }

    pub(super) fn address_life(&self) -> Duration {
        match self.run.keeps {
            Keeps::Attachments => ATTACHMENT_ADDRESS_LIFE,
            Keeps::Jobs { .. } => JOB_ADDRESS_LIFE,
        }
    }

    /// The rows are in another record now, or in one that holds nothing.
    pub(super) fn forget_what_was_sent(&mut self) {
        for member in &mut self.members {
            member.begun = None;
            member.sent = Sent::No;
            member.receipt = None;
        }
    }

    /// Takes a slot for each row, where none is held.
    pub(super) async fn take_slot(&mut self) {
        if self.slot.is_none() {
            let slots = self.run.requests.slots();
            self.slot = Some(slots.take(self.members.len()).await);
        }
    }

    /// The one row of an attachment; of a job, the first.
    pub(super) fn only(&self) -> &Member {
        &self.members[0]
    }

    /// What was changed for the one row of an attachment.
    pub(super) fn changes_mut(&mut self) -> &mut Changes {
        &mut self.members[0].changes
    }

    /// What follows for all rows from a request that gave nothing.
    pub(super) fn unmet(&self, unmet: Unmet, id: Option<AttachmentId>, posted: &Posted) -> Next<D> {
        let begun = match id {
            Some(_) => Status::Created,
            None => Status::Pending,
        };
        let verdict = match unmet {
            Unmet::Halt(halt) | Unmet::HaltUnknown(halt) => return Err(halt),
            Unmet::NotSent => Verdict::no_answer(begun, id, "it could not be sent"),
            Unmet::Unknown(why) | Unmet::GivenUp(why) => Verdict::no_answer(begun, id, &why),
            Unmet::Refused(why) => Verdict::refused(id, &why),
            Unmet::Forbidden(why) => Verdict::forbidden(id, self.only().task.row.object, &why),
        };
        Ok(verdict.after(posted).into())
    }

    /// Makes a journal state of all rows durable.
    pub(super) async fn record(&self, verdict: &Verdict) -> Result<(), Halt> {
        let entries = self
            .members
            .iter()
            .map(|member| self.entry(member, verdict.clone()));
        self.write(entries.collect()).await
    }

    /// What is still to be done for rows that are to end so.
    async fn conclude(&mut self, verdict: Verdict) -> Next<D> {
        if let Some(swap) = self.swap.take() {
            return self.conclude_swap(swap, verdict).await;
        }
        match self.run.keeps {
            Keeps::Attachments if verdict.status.is_done() => self.settle(verdict).await,
            Keeps::Attachments | Keeps::Jobs { .. } => self.end_all(&verdict).await,
        }
    }

    pub(super) async fn end_all(&mut self, verdict: &Verdict) -> Next<D> {
        let members = std::mem::take(&mut self.members);
        let ends = members.into_iter().map(|member| (member, verdict.clone()));
        self.end(ends.collect()).await?;
        Ok(State::Over)
    }

    /// Writes the last lines of rows.
    pub(super) async fn end(&mut self, ends: Vec<(Member, Verdict)>) -> Result<(), Halt> {
        let mut entries = Vec::with_capacity(ends.len());
        for (member, verdict) in ends {
            let row = &member.task.row;
            let (external_id, status) = (&row.external_id, verdict.status);
            tracing::info!(row = row.number, ?external_id, %status, reason = verdict.reason.as_str(), "ended");
            entries.push(self.entry(&member, verdict));
        }
        self.write(entries.clone()).await?;
        for Entry { status, .. } in &entries {
            self.run.events.send(Event::Ended { status: *status });
        }
        self.ended.extend(entries);
        Ok(())
    }

    /// Writes lines, together: of the rows of one job, either all are known to be in it, or none.
    async fn write(&self, entries: Vec<Entry>) -> Result<(), Halt> {
        let recorded = self.run.journal.record(entries).await;
        recorded.map_err(|_| Halt::Journal)
    }

    fn entry(&self, member: &Member, verdict: Verdict) -> Entry {
        let row = &member.task.row;
        // Of a row that is in an earlier run's job, the line goes on saying what was begun.
        let begun = member
            .begun
            .as_ref()
            .filter(|begun| Some(&begun.id) == verdict.id.as_ref());
        let elsewhere = verdict.elsewhere.or_else(|| begun?.elsewhere.clone());
        let (object_type, object_id) = match elsewhere {
            Some(object) => (object.kind, object.id),
            None => (row.object.kind().to_string(), row.object.id().to_string()),
        };
        let begun_content = || Some(Known::Content(begun?.content?));
        let known = verdict.known.or_else(begun_content);
        Entry {
            row: Some(row.number),
            file_path: begun
                .map_or(&row.file_path, |begun| &begun.file_path)
                .clone(),
            object_type,
            object_id,
            external_id: row.external_id.to_string(),
            status: match verdict.status {
                // The record is not a new one: it waits for bytes in the place of others.
                Status::Created if self.swap.is_some() => Status::Replacing,
                status => status,
            },
            reason: verdict.reason,
            attachment_id: verdict.id,
            known: known.unwrap_or(Known::Content(member.content())),
            verified: verdict.verified,
            attempts: member.attempts,
            destination: self.run.settings.destination.clone(),
            updated_at: jiff::Timestamp::now(),
            // It may repeat what the service said.
            message: escape(&verdict.message).into_owned(),
            changes: member.changes.clone(),
        }
    }

    /// Counts one more attempt of each row.
    pub(super) fn another_attempt(&mut self) {
        for member in &mut self.members {
            member.attempts += 1;
        }
    }

    /// Makes it durable that bytes may reach the job from now on: without these lines, a job that
    /// fails is known to have attached nothing.
    async fn announce_bytes(&self, id: &AttachmentId) -> Result<(), Halt> {
        let wanting = self.members.iter().filter(|member| member.wants_bytes());
        let entries = wanting.map(|member| self.entry(member, Verdict::sending(id)));
        self.write(entries.collect()).await
    }
}
