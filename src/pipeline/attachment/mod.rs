//! State machine of an attachment, for a single row: LOOKUP, CREATE, PUT, CONFIRM.
//!
//! Open this file first: the states, and the method that acts in each. [`look_up_and_create`] finds
//! or makes the attachment, [`send_attachment`] sends bytes, [`left_by_earlier_run`] continues what
//! an earlier run left, [`replacement`] replaces bytes, [`replacement_end`] puts old bytes back,
//! [`name_changes`] changes names, [`routing_proof`] proves that ids are found again, and
//! [`clash_proof`] proves that a POST can serve as the look-up.
//!
//! The PUT is the commit point: an attachment without bytes vanishes by itself. Exactly once,
//! because:
//! - `creating` is durable before the POST, `created` with the id before the first byte, and
//!   `uploaded` follows the service's word;
//! - a row leaves its attachment for another CREATE only after the certain failure of the
//!   attachment;
//! - a request that may have been carried out unheard is looked for before any other request.

mod clash_proof;
mod left_by_earlier_run;
mod look_up_and_create;
mod name_changes;
mod replacement;
mod replacement_end;
mod routing_proof;
mod send_attachment;

use std::future::pending;

use self::clash_proof::ClashProof;
use self::look_up_and_create::CreateGround;
use self::replacement::ReplacementInProgress;
use self::routing_proof::{RoutingProof, RoutingTrial};
use super::poller::AttachmentPoller;
use super::request_context::RequestContext;
use super::request_sender::RequestFailure;
use super::row_in_flight::RowInFlight;
use super::row_verdict::RowVerdict;
use super::upload_slots::HeldSlots;
use super::{FinalLines, HaltReason, ImportRun, TaskRow};
use crate::backup::BackupStore;
use crate::clock::SleepAwareInstant;
use crate::destination::{AttachmentApi, AttachmentNames, Destination, UploadTarget};
use crate::event::{EventSender, RunEvent};
use crate::http::PutReceipt;
use crate::model::{AttachmentId, CheckedContent, LookUpMode};
use crate::plan::{
    AttachmentEvidence, AttachmentStart, BegunRecord, ExistingAttachment, NextStep, PriorCreate,
    RowFacts, next_step,
};
use crate::results::journal::Journal;
use crate::results::{ResultsEntry, RowState, Status};

/// State shared by all attachments of a run.
pub(super) struct SharedAttachmentState<'a> {
    /// Store of old bytes, kept before a replacement. `None` if the user wants no backups.
    backup_store: Option<&'a dyn BackupStore>,
    routing: RoutingProof,
    /// Proof that the service refuses a second record. `None` if the user wants each row looked up.
    clash_proof: Option<ClashProof>,
    pub(super) poller: AttachmentPoller,
}

impl<'a> SharedAttachmentState<'a> {
    /// Creates the shared state of a run that keeps old bytes in `backup_store`.
    pub(super) fn new(backup_store: Option<&'a dyn BackupStore>, look_ups: LookUpMode) -> Self {
        Self {
            backup_store,
            routing: RoutingProof::default(),
            clash_proof: match look_ups {
                LookUpMode::Each => None,
                LookUpMode::OnClash(scope) => Some(ClashProof::new(scope)),
            },
            poller: AttachmentPoller::default(),
        }
    }

    /// Serves the queue of the poller, and makes the proof of refusals. Returns only to stop the run.
    pub(super) async fn serve<D: AttachmentApi, J: Journal>(
        &self,
        run: &ImportRun<'_, D, J>,
    ) -> HaltReason {
        let proving = async {
            match &self.clash_proof {
                Some(proof) => proof.serve(&run.requests, run.settings, run.events).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            halt = self.poller.serve(&run.requests) => halt,
            halt = proving => halt,
        }
    }

    /// Ends all waits for proofs.
    pub(super) fn close_proofs(&self) {
        self.routing.close();
        if let Some(proof) = &self.clash_proof {
            proof.close();
        }
    }

    /// Reports the finding of the run about refusals, if the run was to prove them.
    pub(super) fn report_clash_finding(&self, events: &EventSender) {
        if let Some(proof) = &self.clash_proof {
            events.send(RunEvent::ClashProofEnded(proof.finding()));
        }
    }
}

/// State machine of an attachment's row.
pub(super) struct AttachmentMachine<'a, D: AttachmentApi, J> {
    run: &'a ImportRun<'a, D, J>,
    shared: &'a SharedAttachmentState<'a>,
    context: RequestContext<'a, D>,
    row: RowInFlight,
    /// Answer of the storage to the sent bytes.
    receipt: Option<PutReceipt>,
    /// Trial held until the attachment is found by an `external_id` with unproven characters.
    routing_trial: Option<RoutingTrial<'a>>,
    /// Number of addresses called expired by the storage.
    targets_expired: u32,
    /// Number of refused renewals of the address.
    renewals_refused: u32,
    /// `true` after a purge of the attachment whose bytes were sent.
    was_purged: bool,
    /// Names of the attachment in the newest answer that reported bytes.
    names: Option<AttachmentNames>,
    /// Replacement of bytes under way.
    replacement: Option<ReplacementInProgress>,
    /// Number of replacements begun.
    replacements_begun: u32,
}

/// State of a row's protocol.
enum AttachmentProtocolState<T> {
    /// Choose the first request of a row of which nothing is begun.
    Begin,
    /// Look the attachment up by its `external_id`.
    LookUp(PriorCreate),
    /// Create the attachment.
    Create(CreateGround),
    /// Look for the attachment of a lost POST, for the n-th time from zero.
    SearchAfterLostCreate(usize, PriorCreate),
    /// Look at a begun record, before any request that would detach its bytes.
    CheckBegunRecord(BegunRecord),
    /// Ask for a new address for an attachment without bytes, by the newest answer.
    RenewTarget(BegunRecord),
    /// Look at an attachment left by an earlier run, with its bytes or during a replacement.
    CheckExistingAttachment(ExistingAttachment),
    /// Read the bytes of such an attachment, because nothing else decides about its content.
    ReadBytes(ExistingAttachment),
    /// Keep the old bytes before their replacement. The content is known if our own lines record
    /// the content.
    KeepOldBytes(AttachmentId, Option<CheckedContent>),
    /// Ask for a new address, which releases the old bytes.
    ReleaseOldBytes(AttachmentId),
    /// Read the bytes, because nothing else distinguishes the new bytes from the old.
    CompareNewBytes(AttachmentId),
    /// Send the bytes to the address of the attachment.
    PutBytes {
        id: AttachmentId,
        upload_target: UploadTarget<T>,
        issued_at: SleepAwareInstant,
    },
    /// Wait until the service reports the size of the bytes.
    ConfirmSize(AttachmentId),
    /// Finish what was begun, and end the row with the verdict.
    Conclude(Box<RowVerdict>),
    /// The row has ended with this line.
    RowEnded(Box<ResultsEntry>),
}

impl<T> From<RowVerdict> for AttachmentProtocolState<T> {
    fn from(verdict: RowVerdict) -> Self {
        Self::Conclude(Box::new(verdict))
    }
}

/// Next state of the machine, or the reason to stop the run.
type AttachmentTransition<D> =
    Result<AttachmentProtocolState<<D as Destination>::Target>, HaltReason>;

impl<'a, D: AttachmentApi, J: Journal> AttachmentMachine<'a, D, J> {
    pub(super) fn new(
        run: &'a ImportRun<'a, D, J>,
        common: &'a SharedAttachmentState<'a>,
        task: TaskRow<AttachmentStart>,
        slot: HeldSlots<'a>,
    ) -> (Self, AttachmentStart) {
        let (row, start) = RowInFlight::new(task);
        let machine = Self {
            run,
            shared: common,
            context: RequestContext::new(&run.requests, row.row.number, slot),
            row,
            receipt: None,
            routing_trial: None,
            targets_expired: 0,
            renewals_refused: 0,
            was_purged: false,
            names: None,
            replacement: None,
            replacements_begun: 0,
        };
        (machine, start)
    }

    /// Takes the row through all states, to its last line.
    pub(super) async fn run(mut self, start: AttachmentStart) -> Result<FinalLines, HaltReason> {
        let mut state = match start {
            AttachmentStart::New => AttachmentProtocolState::Begin,
            AttachmentStart::LookUp(posted) => AttachmentProtocolState::LookUp(posted),
            AttachmentStart::BegunRecord(begun) => AttachmentProtocolState::CheckBegunRecord(begun),
            AttachmentStart::ExistingAttachment(there) => {
                AttachmentProtocolState::CheckExistingAttachment(there)
            }
        };
        loop {
            state = match state {
                AttachmentProtocolState::Begin => self.begin_new_row().await?,
                AttachmentProtocolState::LookUp(posted) => self.look_up(posted).await?,
                AttachmentProtocolState::Create(ground) => self.create(ground).await?,
                AttachmentProtocolState::SearchAfterLostCreate(nth, posted) => {
                    self.search_after_lost_create(nth, posted).await?
                }
                AttachmentProtocolState::CheckBegunRecord(begun) if self.replacement.is_some() => {
                    self.release_old_bytes(begun).await?
                }
                AttachmentProtocolState::CheckBegunRecord(begun) => {
                    self.check_begun_record(begun).await?
                }
                AttachmentProtocolState::RenewTarget(begun) => {
                    self.announce_and_renew(begun).await?
                }
                AttachmentProtocolState::CheckExistingAttachment(there) => {
                    self.check_existing_attachment(there).await?
                }
                AttachmentProtocolState::ReadBytes(there) => self.read_bytes(there).await?,
                AttachmentProtocolState::KeepOldBytes(id, ours) => {
                    self.keep_old_bytes(id, ours).await?
                }
                AttachmentProtocolState::ReleaseOldBytes(id) => {
                    self.release_old_bytes(self.as_begun_record(id)).await?
                }
                AttachmentProtocolState::CompareNewBytes(id) => self.compare_new_bytes(id).await?,
                AttachmentProtocolState::PutBytes {
                    id,
                    upload_target: place,
                    issued_at: issued,
                } => self.put_bytes(id, place, issued).await?,
                AttachmentProtocolState::ConfirmSize(id) => self.confirm_size(id).await?,
                AttachmentProtocolState::Conclude(verdict) => self.conclude(*verdict).await?,
                AttachmentProtocolState::RowEnded(line) => return Ok(FinalLines(vec![*line])),
            };
        }
    }

    /// Decides the next step from the newest evidence about the attachment.
    fn next_step(&self, sighting: &AttachmentEvidence<'_>) -> NextStep {
        let facts = RowFacts {
            row: &self.row.row,
            content: &self.row.content,
            changes: &self.row.changes,
            update_policy: self.run.settings.update_policy,
        };
        next_step(sighting, facts)
    }

    /// Returns the state that carries out a step.
    fn state_for_step(&self, step: NextStep) -> AttachmentProtocolState<D::Target> {
        match step {
            NextStep::LookUp => AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered),
            NextStep::Create => AttachmentProtocolState::Create(CreateGround::NothingFound(
                PriorCreate::NoneUnanswered,
            )),
            NextStep::SendFile(begun) => AttachmentProtocolState::RenewTarget(begun),
            NextStep::ConfirmSize(id) => AttachmentProtocolState::ConfirmSize(id),
            NextStep::ReadBytes(there) => AttachmentProtocolState::ReadBytes(there),
            NextStep::ReplaceUnlessSame(id) => AttachmentProtocolState::KeepOldBytes(id, None),
            NextStep::Replace {
                id,
                our_content: ours,
                ..
            } => AttachmentProtocolState::KeepOldBytes(id, ours),
            NextStep::End(end) => {
                RowVerdict::from_row_end(end, &self.row.row, self.row.content).into()
            }
        }
    }

    /// Finishes a replacement or the names of the attachment, and then the row.
    async fn conclude(&mut self, verdict: RowVerdict) -> AttachmentTransition<D> {
        if let Some(swap) = self.replacement.take() {
            return self.conclude_replacement(swap, verdict).await;
        }
        match verdict.state {
            RowState::Done(done_as, content) => {
                self.apply_name_changes((done_as, content), verdict).await
            }
            _ => self.end_row(&verdict).await,
        }
    }

    /// Writes the last line of the row.
    async fn end_row(&mut self, verdict: &RowVerdict) -> AttachmentTransition<D> {
        let line = self.results_line(verdict);
        self.run
            .record_row_ends(std::slice::from_ref(&line))
            .await?;
        Ok(AttachmentProtocolState::RowEnded(Box::new(line)))
    }

    /// Makes a journal state of the row durable.
    async fn record_verdict(&self, verdict: &RowVerdict) -> Result<(), HaltReason> {
        self.run
            .record_lines(vec![self.results_line(verdict)])
            .await
    }

    fn results_line(&self, verdict: &RowVerdict) -> ResultsEntry {
        let mut verdict = verdict.clone();
        // During a replacement the attachment is not new: bytes are awaited that replace other
        // bytes.
        if self.replacement.is_some() && verdict.state.status() == Status::Created {
            verdict.state = verdict.state.while_replacing();
        }
        self.row
            .results_line(verdict, &self.run.settings.destination)
    }

    /// Decides how the row ends after a failed request. `prior_create` is kept in the line.
    fn after_failed_request(
        &self,
        failure: RequestFailure,
        id: Option<AttachmentId>,
        prior_create: &PriorCreate,
    ) -> AttachmentTransition<D> {
        let verdict = RowVerdict::from_request_failure(failure, id, self.row.row.object)?;
        Ok(verdict.keeping_prior_create(prior_create).into())
    }
}
