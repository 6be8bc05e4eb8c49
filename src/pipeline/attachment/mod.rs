//! State machine of an attachment, for a single row: LOOKUP, CREATE, PUT, CONFIRM.
//!
//! Open this file first: the states, and the method that acts in each. [`look_up`] finds or makes
//! the attachment, [`send`] sends bytes, [`left`] continues what an earlier run left, [`replace`]
//! replaces bytes, [`names`] changes names, and [`routing`] proves that ids are found again.
//!
//! The PUT is the commit point: an attachment without bytes vanishes by itself. Exactly once,
//! because:
//! - `creating` is durable before the POST, `created` with the id before the first byte, and
//!   `uploaded` follows the service's word;
//! - a row leaves its attachment for another CREATE only after the certain failure of the
//!   attachment;
//! - a request that may have been carried out unheard is looked for before any other request.

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

/// State shared by all attachments of a run.
pub(super) struct AttachmentCommon<'a> {
    /// Store of old bytes, kept before a replacement. `None` if the user wants no backups.
    vault: Option<&'a dyn Vault>,
    routing: RoutingProof,
    pub(super) poller: AttachmentPoller,
}

impl<'a> AttachmentCommon<'a> {
    /// Creates the shared state of a run that keeps old bytes in `vault`.
    pub(super) fn new(vault: Option<&'a dyn Vault>) -> Self {
        Self {
            vault,
            routing: RoutingProof::default(),
            poller: AttachmentPoller::default(),
        }
    }

    /// Ends all waits for the proof of an id.
    pub(super) fn end(&self) {
        self.routing.close();
    }
}

/// State machine of an attachment's row.
pub(super) struct AttachmentMachine<'a, D: AttachmentApi, J> {
    run: &'a Run<'a, D, J>,
    common: &'a AttachmentCommon<'a>,
    context: RequestContext<'a, D>,
    row: RowInFlight,
    /// Answer of the storage to the sent bytes.
    receipt: Option<Receipt>,
    /// Trial held until the attachment is found by an `external_id` with unproven characters.
    trial: Option<RoutingTrial<'a>>,
    /// Number of addresses called expired by the storage.
    expired: u32,
    /// Number of refused renewals of the address.
    renewals_refused: u32,
    /// `true` after a purge of the attachment whose bytes were sent.
    purged: bool,
    /// Names of the attachment in the newest answer that showed bytes.
    names: Option<Names>,
    /// Replacement of bytes under way.
    swap: Option<Swap>,
    /// Number of replacements begun.
    beginnings: u32,
}

/// State of a row's protocol.
enum State<T> {
    /// Look the attachment up by its `external_id`.
    LookUp(Posted),
    /// Create the attachment, since none exists.
    Create(Posted),
    /// Look for the attachment of a lost POST, for the n-th time from zero.
    Search(usize, Posted),
    /// Look at a begun record, before any request that would detach its bytes.
    Resume(Begun),
    /// Ask for a new address for an attachment without bytes, by the newest answer.
    Patch(Begun),
    /// Look at an attachment left by an earlier run, with its bytes or during a replacement.
    There(There),
    /// Read the bytes of such an attachment, because nothing else can tell its content.
    ReadBytes(There),
    /// Keep the old bytes before their replacement. The content is known if our own lines tell of
    /// it.
    Replace(AttachmentId, Option<Content>),
    /// Ask for a new address, which releases the old bytes.
    LetGo(AttachmentId),
    /// Read the bytes, because nothing else tells the new bytes from the old.
    Prove(AttachmentId),
    /// Send the bytes to the address of the attachment.
    Put {
        id: AttachmentId,
        place: Place<T>,
        issued: Since,
    },
    /// Wait until the service shows the size of the bytes.
    Confirm(AttachmentId),
    /// Finish what was begun, and end the row with the verdict.
    End(Box<Verdict>),
    /// The row has ended with this line.
    Over(Box<Entry>),
}

impl<T> From<Verdict> for State<T> {
    fn from(verdict: Verdict) -> Self {
        Self::End(Box::new(verdict))
    }
}

/// Next state of the machine, or the reason to stop the run.
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

    /// Takes the row through all states, to its last line.
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

    /// Decides the next step from the newest evidence about the attachment.
    fn next_step(&self, sighting: &Sighting<'_>) -> NextStep {
        let facts = RowFacts {
            row: &self.row.row,
            content: &self.row.content,
            changes: &self.row.changes,
            wishes: self.run.settings.wishes,
        };
        next_step(sighting, facts)
    }

    /// Returns the state that carries out a step.
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

    /// Finishes a replacement or the names of the attachment, and then the row.
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
        // During a replacement the attachment is not new: bytes are awaited in the place of other
        // bytes.
        if self.swap.is_some() && verdict.state.status() == Status::Created {
            verdict.state = verdict.state.in_replacement();
        }
        self.row.line(verdict, &self.run.settings.destination)
    }

    /// Decides how the row ends after a failed request. `posted` is kept in the line.
    fn unmet(&self, unmet: Unmet, id: Option<AttachmentId>, posted: &Posted) -> Next<D> {
        let verdict = Verdict::of_unmet(unmet, id, self.row.row.object)?;
        Ok(verdict.after(posted).into())
    }
}
