//! Proof that the service refuses a second record with the same `external_id`, so that the POST
//! itself can serve as the look-up.
//!
//! Nobody documents the refusal, so a run proves it before it relies on it. Rows are looked up until
//! records of two different objects, A and B, were made in the run. Then a throwaway id is sent in
//! a POST for A and, once accepted, in another POST for B. Only 409 or 422 to the second POST is
//! proof: the service has just accepted another record for B. Anything else, a lost answer too,
//! leaves the run with look-ups. Neither POST is repeated where it may have had an effect, neither
//! record gets bytes or another name, and none is looked for: the service removes both.
//!
//! The proof is made when a row can use it, beside all rows and on behalf of none. It holds for one
//! run, and no file keeps it. A proxy that sends the second POST twice, and passes the second answer
//! on, would deceive a run: no such proxy is assumed.

use std::future::pending;
use std::sync::Mutex;

use fastrand::Rng;
use tokio::sync::Notify;

use super::{AttachmentMachine, AttachmentProtocolState, AttachmentTransition, CreateGround};
use crate::destination::{AttachmentApi, NewAttachment, NewFile};
use crate::event::{ClashFinding, EventSender, NotProvenReason, ProofRecordFate, RunEvent};
use crate::http::RefusalKind;
use crate::model::{ClashScope, ExternalId, ObjectRef};
use crate::mutex::lock_despite_poison;
use crate::pipeline::request_sender::{
    RequestFailure, RequestOwner, RequestSender, SendPermission,
};
use crate::pipeline::{HaltReason, RunSettings};
use crate::plan::PriorCreate;
use crate::results::journal::Journal;

/// Beginning of the throwaway ids.
const PROOF_ID_PREFIX: &str = "consign-proof-";

/// Number of random characters in a throwaway id.
const PROOF_ID_RANDOM_CHARS: usize = 20;

/// Owner of the proof's requests: no row has this number.
const PROOF_OWNER: RequestOwner = RequestOwner { row: 0, slots: 0 };

/// Proof shared by the rows of a run.
#[derive(Debug)]
pub(super) struct ClashProof {
    scope: ClashScope,
    state: Mutex<ProofState>,
    changed: Notify,
}

#[derive(Debug)]
struct ProofState {
    stage: ProofStage,
    /// `true` once the run ends: no further POST begins, and no row waits.
    closed: bool,
}

/// Stage of the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ProofStage {
    /// Records are made for rows. Holds their objects, as far as each may be one of a pair.
    Collecting(Vec<ObjectRef>),
    /// Records of two objects were made, and no row has needed the proof since.
    Ready(ObjectPair),
    /// Rows wait for the proof.
    Wanted(ObjectPair),
    /// The proof was made or has failed.
    Concluded(ClashFinding),
}

/// Two objects for which the service has accepted records in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ObjectPair {
    first: ObjectRef,
    second: ObjectRef,
}

/// First request of a new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstRequest {
    LookUp,
    Create,
    /// Unknown until the proof is concluded.
    AfterProof,
}

impl ClashProof {
    /// Begins the proof of a run.
    pub(super) fn new(scope: ClashScope) -> Self {
        Self {
            scope,
            state: Mutex::new(ProofState {
                stage: ProofStage::Collecting(Vec::new()),
                closed: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Notes a record made for a row of this object.
    pub(super) fn note_created(&self, object: ObjectRef) {
        let mut state = lock_despite_poison(&self.state);
        if let ProofStage::Collecting(objects) = &mut state.stage {
            match fitting_partner(self.scope, objects, object) {
                Some(first) => {
                    state.stage = ProofStage::Ready(ObjectPair {
                        first,
                        second: object,
                    });
                }
                None => remember_object(objects, object),
            }
        }
    }

    /// Returns the first request of a new row, which begins now. A row that needs the proof begins
    /// the proof.
    fn first_request(&self) -> FirstRequest {
        let mut state = lock_despite_poison(&self.state);
        match &state.stage {
            ProofStage::Collecting(_) | ProofStage::Concluded(ClashFinding::NotProven(_)) => {
                FirstRequest::LookUp
            }
            ProofStage::Concluded(ClashFinding::Proven(_)) => FirstRequest::Create,
            ProofStage::Wanted(_) => FirstRequest::AfterProof,
            ProofStage::Ready(pair) => {
                state.stage = ProofStage::Wanted(*pair);
                self.changed.notify_waiters();
                FirstRequest::AfterProof
            }
        }
    }

    /// Waits until the proof is concluded. Fails with [`HaltReason::RowAbandoned`] once the run ends.
    async fn wait_until_concluded(&self) -> Result<(), HaltReason> {
        loop {
            let changed = self.changed.notified();
            {
                let state = lock_despite_poison(&self.state);
                if let ProofStage::Concluded(_) = state.stage {
                    return Ok(());
                }
                if state.closed {
                    return Err(HaltReason::RowAbandoned);
                }
            }
            changed.await;
        }
    }

    /// Ends the waits of rows, and allows no further POST.
    pub(super) fn close(&self) {
        lock_despite_poison(&self.state).closed = true;
        self.changed.notify_waiters();
    }

    fn is_closed(&self) -> bool {
        lock_despite_poison(&self.state).closed
    }

    /// Returns the finding of the run, once the run has ended.
    pub(super) fn finding(&self) -> ClashFinding {
        let state = lock_despite_poison(&self.state);
        let why = match &state.stage {
            ProofStage::Concluded(finding) => return finding.clone(),
            // Rows still to come might have given what was missing.
            _ if state.closed => NotProvenReason::RunEnded,
            ProofStage::Collecting(objects) => match objects.len() {
                0 => NotProvenReason::NoRecordMade,
                1 => NotProvenReason::OneObject,
                _ => NotProvenReason::NoFittingPair,
            },
            ProofStage::Ready(_) => NotProvenReason::NotNeeded,
            ProofStage::Wanted(_) => NotProvenReason::RunEnded,
        };
        ClashFinding::NotProven(why)
    }

    /// Makes the proof once a row needs it. Returns only to stop the run.
    pub(super) async fn serve<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
        settings: &RunSettings,
        events: &EventSender,
    ) -> HaltReason {
        let pair = self.wait_until_wanted().await;
        let at_work = requests.register_row_at_work(PROOF_OWNER.row);
        let external_id = throwaway_id(settings.seed);
        match self.try_clash(requests, events, pair, &external_id).await {
            Ok(finding) => {
                tracing::info!(?finding, "proof of the refusal of a second record");
                lock_despite_poison(&self.state).stage = ProofStage::Concluded(finding);
                self.changed.notify_waiters();
            }
            Err(halt) => return halt,
        }
        drop(at_work);
        pending().await
    }

    /// Waits until a row needs the proof.
    async fn wait_until_wanted(&self) -> ObjectPair {
        loop {
            let changed = self.changed.notified();
            if let ProofStage::Wanted(pair) = lock_despite_poison(&self.state).stage {
                return pair;
            }
            changed.await;
        }
    }

    /// Sends the POST for either object.
    async fn try_clash<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
        events: &EventSender,
        pair: ObjectPair,
        external_id: &ExternalId,
    ) -> Result<ClashFinding, HaltReason> {
        let post = async |object| {
            let new = throwaway_record(object, external_id.clone());
            self.post_once(requests, events, &new).await
        };
        if let Some(why) = judge_first_post(post(pair.first).await)? {
            return Ok(ClashFinding::NotProven(why));
        }
        judge_second_post(post(pair.second).await, self.scope)
    }

    /// Sends a POST, and again only where the POST certainly had no effect.
    async fn post_once<D: AttachmentApi>(
        &self,
        requests: &RequestSender<'_, D>,
        events: &EventSender,
        new: &NewAttachment,
    ) -> Result<(), RequestFailure> {
        loop {
            if self.is_closed() {
                // The rows under way may still end, so nothing stops them here.
                return pending().await;
            }
            events.send(RunEvent::ProofRecordRequested);
            let made = requests
                .send_change(PROOF_OWNER, SendPermission::Needed, async |service| {
                    service.create(new).await
                })
                .await;
            if let Some(fate) = record_fate(made.as_ref().map(|_| ())) {
                events.send(RunEvent::ProofRecordSettled(fate));
            }
            match made {
                Err(RequestFailure::NotSent) => {}
                made => return made.map(|_| ()),
            }
        }
    }
}

/// Returns an earlier object that forms a pair with `object` for the proof.
fn fitting_partner(
    scope: ClashScope,
    earlier: &[ObjectRef],
    object: ObjectRef,
) -> Option<ObjectRef> {
    let mut earlier = earlier.iter().copied();
    earlier.find(|first| scope.is_proven_between(*first, object))
}

/// Remembers an object, unless another object would find a partner without it: of two objects of a
/// type, one has another id than any object of another type.
fn remember_object(objects: &mut Vec<ObjectRef>, object: ObjectRef) {
    let mut same = objects
        .iter()
        .filter(|one| one.object_type() == object.object_type());
    if !objects.contains(&object) && same.nth(1).is_none() {
        objects.push(object);
    }
}

/// Returns a throwaway `external_id`, of characters that lead to attachments everywhere.
fn throwaway_id(seed: u64) -> ExternalId {
    let mut random = Rng::with_seed(seed);
    let characters = (0..PROOF_ID_RANDOM_CHARS).map(|_| random.alphanumeric());
    let id: String = PROOF_ID_PREFIX.chars().chain(characters).collect();
    ExternalId::parse(&id).expect("letters, digits and hyphens are an external id")
}

/// Returns a record under a throwaway id.
fn throwaway_record(object: ObjectRef, external_id: ExternalId) -> NewAttachment {
    NewAttachment {
        object,
        file: NewFile {
            file_name: format!("{external_id}.txt"),
            external_id,
            title: None,
        },
    }
}

/// Returns the effect of a POST. `None` if the effect is unknown.
fn record_fate(made: Result<(), &RequestFailure>) -> Option<ProofRecordFate> {
    match made {
        Ok(()) => Some(ProofRecordFate::Made),
        Err(
            RequestFailure::Halt(_)
            | RequestFailure::NotSent
            | RequestFailure::Forbidden(_)
            | RequestFailure::Refused(_),
        ) => Some(ProofRecordFate::NotMade),
        Err(
            RequestFailure::HaltEffectUnknown(_)
            | RequestFailure::EffectUnknown(_)
            | RequestFailure::GivenUp(_),
        ) => None,
    }
}

/// Judges the POST for the first object. Returns the reason to end the proof, or `None` if the record
/// was made.
fn judge_first_post(
    made: Result<(), RequestFailure>,
) -> Result<Option<NotProvenReason>, HaltReason> {
    let Err(failure) = made else {
        return Ok(None);
    };
    let is_definite = record_fate(Err(&failure)).is_some();
    let why = failure.into_message()?;
    Ok(Some(if is_definite {
        NotProvenReason::FirstRefused(why)
    } else {
        NotProvenReason::NoAnswer(why)
    }))
}

/// Judges the POST for the second object.
fn judge_second_post(
    made: Result<(), RequestFailure>,
    scope: ClashScope,
) -> Result<ClashFinding, HaltReason> {
    let failure = match made {
        Ok(()) => return Ok(ClashFinding::NotProven(NotProvenReason::SecondAccepted)),
        Err(RequestFailure::Refused(refusal)) if refusal.kind == RefusalKind::ConflictOrInvalid => {
            return Ok(ClashFinding::Proven(scope));
        }
        Err(failure) => failure,
    };
    let is_definite = record_fate(Err(&failure)).is_some();
    let why = failure.into_message()?;
    Ok(ClashFinding::NotProven(if is_definite {
        NotProvenReason::SecondRefusedOtherwise(why)
    } else {
        NotProvenReason::NoAnswer(why)
    }))
}

impl<D: AttachmentApi, J: Journal> AttachmentMachine<'_, D, J> {
    /// Decides the first request of a row of which nothing is begun, once the proof is made or has
    /// failed. An id that may not lead to its attachment is looked up in any case.
    pub(super) async fn begin_new_row(&mut self) -> AttachmentTransition<D> {
        let shared = self.shared;
        let external_id = &self.row.row.external_id;
        let look_up = AttachmentProtocolState::LookUp(PriorCreate::NoneUnanswered);
        let Some(proof) = &shared.clash_proof else {
            return Ok(look_up);
        };
        if !shared.routing.unproven(external_id).is_empty() {
            return Ok(look_up);
        }
        loop {
            match proof.first_request() {
                FirstRequest::LookUp => return Ok(look_up),
                FirstRequest::Create => {
                    return Ok(AttachmentProtocolState::Create(CreateGround::RefusalProven));
                }
                FirstRequest::AfterProof => {
                    // The row keeps its slot. The proof needs none, and takes two requests, for which
                    // no thousands of further rows have to begin.
                    let requests = &self.run.requests;
                    let _blocked = requests.register_blocked_row(self.context.owner().row);
                    proof.wait_until_concluded().await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
