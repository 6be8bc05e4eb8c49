//! Look-up of an attachment by the row's `external_id`, and the POST that creates a missing
//! attachment.
//!
//! After a POST without an answer, no other POST follows before all look-ups over [`SEARCH_WAITS`]
//! found nothing.

use std::time::Duration;

use tokio::time::sleep;

use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition};
use crate::clock::SleepAwareInstant;
use crate::destination::{AttachmentApi, AttachmentPresence, CreatedAttachment, NewAttachment};
use crate::event::RunEvent;
use crate::pipeline::HaltReason;
use crate::pipeline::request_sender::RequestFailure;
use crate::pipeline::row_verdict::RowVerdict;
use crate::plan::{AttachmentEvidence, NextStep, PriorCreate, needs_look_up_by_new_id};
use crate::results::journal::Journal;
use crate::results::{RowState, StatusReason};

/// Waits before the look-ups for the record of a lost POST, each counted from the look-up before.
pub(super) const SEARCH_WAITS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Looks the attachment up by its present and its new `external_id`, and decides the next step.
    pub(super) async fn look_up(&mut self, prior_create: PriorCreate) -> AttachmentTransition<D> {
        // The row may have to prove another id, once its attachment is found.
        self.routing_trial = None;
        self.context.take_slots(1).await;
        let (present, under_new) = match self.find_by_both_ids().await {
            Ok(found) => found,
            Err(unmet) => return self.after_failed_request(unmet, None, &prior_create),
        };
        if present == AttachmentPresence::Absent && under_new == AttachmentPresence::Absent {
            // The new name of a vanished attachment says nothing of its successor.
            self.row.changes.renamed_to = None;
        }
        // A single look-up after a lost POST is not enough, not even after a restart.
        let nothing = match &prior_create {
            PriorCreate::NoneUnanswered => AttachmentProtocolState::Create(
                CreateGround::NothingFound(PriorCreate::NoneUnanswered),
            ),
            PriorCreate::Unanswered
            | PriorCreate::UnansweredWithoutLookUp
            | PriorCreate::UnansweredForOtherObject(_) => {
                let known = prior_create.clone().once_nothing_was_found();
                AttachmentProtocolState::SearchAfterLostCreate(0, known)
            }
        };
        Ok(self.after_look_up(&present, &under_new, &prior_create, nothing))
    }

    /// Looks the attachment up by its present `external_id`.
    async fn find_by_own_id(&self) -> Result<AttachmentPresence, RequestFailure> {
        let external_id = &self.row.row.external_id;
        self.find_by_external_id(external_id).await
    }

    /// Looks up the present `external_id` and, where needed, the new `external_id`: an attachment
    /// to be renamed may have been renamed already.
    async fn find_by_both_ids(
        &self,
    ) -> Result<(AttachmentPresence, AttachmentPresence), RequestFailure> {
        let present = self.find_by_own_id().await?;
        let under_new = match &self.row.row.new_external_id {
            Some(new) if needs_look_up_by_new_id(&present, self.run.settings.update_policy) => {
                self.find_by_external_id(new).await?
            }
            _ => AttachmentPresence::Absent,
        };
        Ok((present, under_new))
    }

    /// Decides the state after a look-up. `nothing` is the state for a missing attachment.
    fn after_look_up(
        &mut self,
        present: &AttachmentPresence,
        under_new: &AttachmentPresence,
        prior_create: &PriorCreate,
        nothing: AttachmentProtocolState<D::Target>,
    ) -> AttachmentProtocolState<D::Target> {
        if let AttachmentPresence::Stored { names, .. } = present {
            self.names = Some(names.clone());
        } else if let AttachmentPresence::Stored { names, .. } = under_new {
            self.names = Some(names.clone());
        }
        let sighting = AttachmentEvidence::LookUps {
            under_current_id: present,
            under_new_id: under_new,
            prior_create,
        };
        match self.next_step(&sighting) {
            NextStep::Create => nothing,
            step => self.state_for_step(step),
        }
    }

    /// Creates the attachment, once its id may be tried and the newest look-up is recent.
    pub(super) async fn create(&mut self, ground: CreateGround) -> AttachmentTransition<D> {
        let external_id = self.row.row.external_id.clone();
        if self.wait_for_routing_trial(&external_id).await? {
            return Ok(ground.renewed());
        }
        self.context.take_slots(1).await;
        if self.context.wait_to_change().await {
            return Ok(ground.renewed());
        }
        let new = NewAttachment {
            object: self.row.row.object,
            file: self.row.new_file(),
        };
        let announced = RowVerdict::without_message(RowState::Creating(StatusReason::None), None)
            .keeping_prior_create(&ground.prior_create_if_lost());
        let prior_create = ground.prior_create();
        if let Err(halt) = self.record_verdict(&announced).await {
            return self.withdraw_create(&prior_create, halt).await;
        }
        let (owner, leave) = (self.context.owner(), self.context.take_change_permission());
        let made = self
            .run
            .requests
            .send_change(owner, leave, async |service| service.create(&new).await)
            .await;
        match made {
            Ok(made) => self.after_create(made).await,
            Err(RequestFailure::Halt(halt)) => self.withdraw_create(&prior_create, halt).await,
            Err(unmet) => self.after_failed_create(unmet, ground).await,
        }
    }

    /// Records the new attachment, and continues with its bytes.
    async fn after_create(
        &mut self,
        made: CreatedAttachment<D::Target>,
    ) -> AttachmentTransition<D> {
        let CreatedAttachment {
            id,
            upload_target: place,
        } = made;
        self.run.events.send(RunEvent::RecordCreated);
        if let Some(proof) = &self.shared.clash_proof {
            proof.note_created(self.row.row.object);
        }
        self.receipt = None;
        self.record_verdict(&RowVerdict::without_message(
            RowState::Created,
            Some(id.clone()),
        ))
        .await?;
        Ok(AttachmentProtocolState::PutBytes {
            id,
            upload_target: place,
            issued_at: SleepAwareInstant::now(),
        })
    }

    /// Takes the announcement of a POST back, since the run stops and the POST certainly had no
    /// effect. Without the line, the next run would take anybody's attachment for its own.
    async fn withdraw_create(
        &mut self,
        prior_create: &PriorCreate,
        halt: HaltReason,
    ) -> AttachmentTransition<D> {
        if *prior_create == PriorCreate::NoneUnanswered {
            self.record_verdict(&RowVerdict::not_reached()).await?;
        }
        Err(halt)
    }

    /// Decides the state after a failed POST.
    async fn after_failed_create(
        &mut self,
        failure: RequestFailure,
        ground: CreateGround,
    ) -> AttachmentTransition<D> {
        let prior_create = ground.prior_create();
        match failure {
            RequestFailure::NotSent => Ok(ground.renewed()),
            RequestFailure::EffectUnknown(_) => Ok(self.after_lost_create(&ground)),
            // The POST may have been carried out, too.
            RequestFailure::GivenUp(_) => {
                self.row.attempts += 1;
                self.after_failed_request(failure, None, &ground.prior_create_if_lost())
            }
            RequestFailure::Refused(refusal) => {
                self.after_refused_create(&prior_create, &refusal.message)
                    .await
            }
            unmet => self.after_failed_request(unmet, None, &prior_create),
        }
    }

    /// Begins the search for the record of a lost POST.
    fn after_lost_create(&mut self, ground: &CreateGround) -> AttachmentProtocolState<D::Target> {
        self.row.attempts += 1;
        // Another row may have more luck in proving that similar ids are found.
        self.routing_trial = None;
        // Other rows need not wait for the search.
        self.context.give_slots_back();
        AttachmentProtocolState::SearchAfterLostCreate(0, ground.prior_create_if_lost())
    }

    /// Looks for the record of a lost POST, before another POST may follow.
    pub(super) async fn search_after_lost_create(
        &mut self,
        nth: usize,
        prior_create: PriorCreate,
    ) -> AttachmentTransition<D> {
        let Some(wait) = SEARCH_WAITS.get(nth) else {
            let ground = CreateGround::NothingFound(prior_create);
            return Ok(AttachmentProtocolState::Create(ground));
        };
        sleep(*wait).await;
        match self.find_by_own_id().await {
            Ok(presence) => {
                let known = prior_create.clone().once_nothing_was_found();
                let nothing = AttachmentProtocolState::SearchAfterLostCreate(nth + 1, known);
                Ok(self.after_look_up(
                    &presence,
                    &AttachmentPresence::Absent,
                    &prior_create,
                    nothing,
                ))
            }
            Err(unmet) => self.after_failed_request(unmet, None, &prior_create),
        }
    }

    /// Looks the attachment up after a refused POST: the refusal may be due to an existing
    /// attachment.
    async fn after_refused_create(
        &mut self,
        prior_create: &PriorCreate,
        why: &str,
    ) -> AttachmentTransition<D> {
        match self.find_by_own_id().await {
            Ok(presence) => {
                let refused = RowVerdict::refused(None, why);
                Ok(self.after_look_up(
                    &presence,
                    &AttachmentPresence::Absent,
                    prior_create,
                    refused.into(),
                ))
            }
            Err(unmet) => self.after_failed_request(unmet, None, prior_create),
        }
    }
}

/// Ground on which a record may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CreateGround {
    /// Look-ups found nothing, after earlier POSTs as given.
    NothingFound(PriorCreate),
    /// The service is proven to refuse a second record, and no earlier POST is unanswered.
    RefusalProven,
}

impl CreateGround {
    /// Returns the knowledge about earlier POSTs.
    fn prior_create(&self) -> PriorCreate {
        match self {
            Self::NothingFound(prior_create) => prior_create.clone(),
            Self::RefusalProven => PriorCreate::NoneUnanswered,
        }
    }

    /// Returns the knowledge about earlier POSTs after one more POST, which is lost.
    fn prior_create_if_lost(&self) -> PriorCreate {
        match self {
            Self::NothingFound(elsewhere @ PriorCreate::UnansweredForOtherObject(_)) => {
                elsewhere.clone()
            }
            Self::NothingFound(_) => PriorCreate::Unanswered,
            Self::RefusalProven => PriorCreate::UnansweredWithoutLookUp,
        }
    }

    /// Returns the state before the POST after a wait, which outdates a look-up, but no proof.
    fn renewed<T>(self) -> AttachmentProtocolState<T> {
        match self {
            Self::NothingFound(prior_create) => AttachmentProtocolState::LookUp(prior_create),
            Self::RefusalProven => AttachmentProtocolState::Create(self),
        }
    }
}
