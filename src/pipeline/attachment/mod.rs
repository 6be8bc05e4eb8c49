//! The protocol of an attachment, for one row: LOOKUP, CREATE, PUT, CONFIRM.
//!
//! The PUT is the commit point: an attachment without bytes comes to nothing by itself. What keeps it
//! exactly once:
//! - a line is durable before the request that it announces: `creating` before the POST,
//!   `created` with the id before the first byte, `uploaded` only after the service said so;
//! - a chosen attachment is the only one of its row: nothing but its certain failure leads back to
//!   CREATE;
//! - what may have been carried out unheard is found out before anything else is done.
//!
//! Here stand the states and who goes on from each: [`look_up`] finds or makes the attachment, [`send`]
//! gives it its bytes, [`left`] goes on with one that an earlier run left, [`replace`] puts new bytes in
//! the place of old ones, [`names`] gives it other names, and [`routing`] proves that ids are found
//! again.

mod left;
mod look_up;
mod names;
mod replace;
mod routing;
mod send;

use self::replace::Swap;
use self::routing::{RoutingProof, RoutingTrial};
use super::context::RequestContext;
use super::poller::AttachmentPoller;
use super::requests::Unmet;
use super::row::RowInFlight;
use super::slots::Slot;
use super::verdict::Verdict;
use super::{Ended, Halt, Run, TaskRow};
use crate::backup::Vault;
use crate::clock::Since;
use crate::destination::{AttachmentApi, Destination, Names, Place};
use crate::http::Receipt;
use crate::model::{AttachmentId, Content};
use crate::plan::{AttachmentStart, Begun, NextStep, Posted, RowFacts, Sighting, There, next_step};
use crate::results::journal::Journal;
use crate::results::{Entry, RowState, Status};

/// What all attachments of a run share.
pub(super) struct AttachmentCommon<'a> {
    /// What is replaced is kept here first, where there is one.
    vault: Option<&'a dyn Vault>,
    routing: RoutingProof,
    pub(super) poller: AttachmentPoller,
}

impl<'a> AttachmentCommon<'a> {
    /// What the attachments of a run share that keeps old bytes in `vault`.
    pub(super) fn new(vault: Option<&'a dyn Vault>) -> Self {
        Self {
            vault,
            routing: RoutingProof::default(),
            poller: AttachmentPoller::default(),
        }
    }

    /// Lets nobody wait any longer for an id to be proven.
    pub(super) fn end(&self) {
        self.routing.close();
    }
}

/// The row of an attachment on its way.
pub(super) struct AttachmentMachine<'a, D: AttachmentApi, J> {
    run: &'a Run<'a, D, J>,
    common: &'a AttachmentCommon<'a>,
    context: RequestContext<'a, D>,
    row: RowInFlight,
    /// What the storage said of the bytes that were sent.
    receipt: Option<Receipt>,
    /// Held until the attachment is found by an `external_id` of which that is not yet proven.
    trial: Option<RoutingTrial<'a>>,
    /// So often did the storage call an address expired.
    expired: u32,
    /// So often was a new address refused.
    renewals_refused: u32,
    /// Whether the attachment was purged after its bytes were sent.
    purged: bool,
    /// What the attachment was called when it was last seen with bytes.
    names: Option<Names>,
    /// The bytes that are being replaced.
    swap: Option<Swap>,
    /// So often was a replacement begun.
    beginnings: u32,
}

/// Where an attachment stands.
enum State<T> {
    /// Looking it up by its `external_id`.
    LookUp(Posted),
    /// Nothing is there: it is to be made.
    Create(Posted),
    /// Looking for the attachment of a lost POST, for the n-th time.
    Search(usize, Posted),
    /// Asking how a begun attachment stands, before anything is done that would detach its bytes.
    Resume(Begun),
    /// Asking for a new address for an attachment whose newest answer said that it has no bytes.
    Patch(Begun),
    /// An earlier run left it with its bytes, or while it was replacing them.
    There(There),
    /// Reading the bytes of such an attachment, because nothing else can tell what it holds.
    ReadBytes(There),
    /// Keeping the bytes that are to give way. Of all of them something is known where we sent them.
    Replace(AttachmentId, Option<Content>),
    /// Asking for a new address, which lets go of the bytes that were kept.
    LetGo(AttachmentId),
    /// Looking at its bytes, because nothing else tells the new ones from the old.
    Prove(AttachmentId),
    /// It is there, and has an address for its bytes.
    Put {
        id: AttachmentId,
        place: Place<T>,
        issued: Since,
    },
    /// Waiting until the service shows the size of its bytes.
    Confirm(AttachmentId),
    /// The row is to end so, once what was begun is brought to an end.
    End(Box<Verdict>),
    /// The row has ended with this line.
    Over(Box<Entry>),
}

impl<T> From<Verdict> for State<T> {
    fn from(verdict: Verdict) -> Self {
        Self::End(Box::new(verdict))
    }
}

type Next<D> = Result<State<<D as Destination>::Target>, Halt>;

impl<'a, D: AttachmentApi, J: Journal> AttachmentMachine<'a, D, J> {
    pub(super) fn new(
        run: &'a Run<'a, D, J>,
        common: &'a AttachmentCommon<'a>,
        task: TaskRow<AttachmentStart>,
        slot: Slot<'a>,
    ) -> (Self, AttachmentStart) {
        let (row, start) = RowInFlight::new(task);
        let machine = Self {
            run,
            common,
            context: RequestContext::new(&run.requests, row.row.number, slot),
            row,
            receipt: None,
            trial: None,
            expired: 0,
            renewals_refused: 0,
            purged: false,
            names: None,
            swap: None,
            beginnings: 0,
        };
        (machine, start)
    }

    /// Takes the row through, to its last line.
    pub(super) async fn run(mut self, start: AttachmentStart) -> Result<Ended, Halt> {
        let mut state = match start {
            AttachmentStart::LookUp(posted) => State::LookUp(posted),
            AttachmentStart::Resume(begun) => State::Resume(begun),
            AttachmentStart::There(there) => State::There(there),
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
                State::ReadBytes(there) => self.read_bytes(there).await?,
                State::Replace(id, ours) => self.replace(id, ours).await?,
                State::LetGo(id) => self.let_go(self.begun(id)).await?,
                State::Prove(id) => self.prove(id).await?,
                State::Put { id, place, issued } => self.put(id, place, issued).await?,
                State::Confirm(id) => self.confirm(id).await?,
                State::End(verdict) => self.conclude(*verdict).await?,
                State::Over(line) => return Ok(Ended(vec![*line])),
            };
        }
    }

    /// Decides what follows for the row from what is seen of its attachment.
    fn next_step(&self, sighting: &Sighting<'_>) -> NextStep {
        let facts = RowFacts {
            row: &self.row.row,
            content: &self.row.content,
            changes: &self.row.changes,
            wishes: self.run.settings.wishes,
        };
        next_step(sighting, facts)
    }

    /// The state in which the next step is carried out.
    fn carry_out(&self, step: NextStep) -> State<D::Target> {
        match step {
            NextStep::LookUp => State::LookUp(Posted::No),
            NextStep::Create => State::Create(Posted::No),
            NextStep::Send(begun) => State::Patch(begun),
            NextStep::Confirm(id) => State::Confirm(id),
            NextStep::ReadBytes(there) => State::ReadBytes(there),
            NextStep::ReplaceUnlessSame(id) => State::Replace(id, None),
            NextStep::Replace { id, ours, .. } => State::Replace(id, ours),
            NextStep::End(end) => Verdict::of_end(end, &self.row.row, self.row.content).into(),
        }
    }

    /// What is still to be done for a row that is to end so.
    async fn conclude(&mut self, verdict: Verdict) -> Next<D> {
        if let Some(swap) = self.swap.take() {
            return self.conclude_swap(swap, verdict).await;
        }
        match verdict.state {
            RowState::Done(done_as, content) => self.settle((done_as, content), verdict).await,
            _ => self.end(&verdict).await,
        }
    }

    /// Writes the last line of the row.
    async fn end(&mut self, verdict: &Verdict) -> Next<D> {
        let line = self.line(verdict);
        self.run.end(std::slice::from_ref(&line)).await?;
        Ok(State::Over(Box::new(line)))
    }

    /// Makes a journal state of the row durable.
    async fn record(&self, verdict: &Verdict) -> Result<(), Halt> {
        self.run.record(vec![self.line(verdict)]).await
    }

    fn line(&self, verdict: &Verdict) -> Entry {
        let mut verdict = verdict.clone();
        // The attachment is not a new one: it waits for bytes in the place of others.
        if self.swap.is_some() && verdict.state.status() == Status::Created {
            verdict.state = verdict.state.in_replacement();
        }
        self.row.line(verdict, &self.run.settings.destination)
    }

    /// What follows for the row from a request that gave nothing.
    fn unmet(&self, unmet: Unmet, id: Option<AttachmentId>, posted: &Posted) -> Next<D> {
        let verdict = Verdict::of_unmet(unmet, id, self.row.row.object)?;
        Ok(verdict.after(posted).into())
    }
}
