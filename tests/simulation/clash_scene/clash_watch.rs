//! Watch over runs that rely on the service's refusals: other clients that attach meanwhile, and the
//! fouls that their attachments reveal.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::memory_service::MemoryAttachmentService;
use consign::destination::NewAttachment;
use consign::model::{AttachmentId, CheckedContent, ClashScope, ExternalId, LookUpMode, ObjectRef};
use tokio::time::Instant;

/// Beginning of the throwaway ids.
const THROWAWAY_PREFIX: &str = "consign-proof-";

/// Attachment that another client makes at some time.
pub(crate) struct ForeignAction {
    pub(crate) at: Instant,
    pub(crate) new: NewAttachment,
    /// Content, or `None` for an attachment that never gets any.
    pub(crate) content: Option<CheckedContent>,
}

/// Watch of a story.
pub(crate) struct ClashWatch {
    service: Arc<MemoryAttachmentService>,
    /// Time from a request to its answer.
    round_trip: Duration,
    state: Mutex<ClashWatchState>,
}

#[derive(Default)]
struct ClashWatchState {
    /// Actions still to come, the latest first.
    actions: Vec<ForeignAction>,
    /// Attachments of other clients.
    foreign: HashMap<u64, ForeignRecord>,
    /// Look-ups of the current run.
    look_ups: LookUpMode,
    /// Attachments of other clients that existed when the current run began.
    there_before_run: HashSet<u64>,
    /// Time of the first look-up that found nothing, by `external_id`.
    absent_since: HashMap<ExternalId, Instant>,
    /// POSTs of the current run for throwaway records: the `external_id`, and `true` if accepted.
    proof_posts: Vec<(ExternalId, bool)>,
    /// Records under throwaway ids.
    throwaway_records: HashSet<AttachmentId>,
}

/// Attachment of another client.
struct ForeignRecord {
    external_id: ExternalId,
    object: ObjectRef,
    made_at: Instant,
}

impl ClashWatchState {
    fn may_be_taken(&self, id: &AttachmentId) -> bool {
        let theirs = self.foreign.get(&number_of(id));
        theirs.is_some_and(|theirs| {
            let absent = self.absent_since.get(&theirs.external_id);
            absent.is_some_and(|since| *since <= theirs.made_at)
        })
    }
}

/// Returns the number of an id; 0, which no record has, for an id of other services.
fn number_of(id: &AttachmentId) -> u64 {
    id.as_str().parse().unwrap_or(0)
}

impl ClashWatch {
    pub(crate) fn new(
        service: &Arc<MemoryAttachmentService>,
        round_trip: Duration,
        mut actions: Vec<ForeignAction>,
    ) -> Self {
        actions.sort_by_key(|action| std::cmp::Reverse(action.at));
        let state = ClashWatchState {
            actions,
            ..ClashWatchState::default()
        };
        Self {
            service: Arc::clone(service),
            round_trip,
            state: Mutex::new(state),
        }
    }

    /// Returns `true` for the `external_id` of a throwaway record.
    pub(crate) fn is_throwaway(external_id: &ExternalId) -> bool {
        external_id.as_str().starts_with(THROWAWAY_PREFIX)
    }

    /// Lets other clients do what is due by now.
    pub(crate) fn let_others_act(&self) {
        let mut state = self.state();
        while state
            .actions
            .last()
            .is_some_and(|next| next.at <= Instant::now())
        {
            let Some(action) = state.actions.pop() else {
                return;
            };
            let (external_id, object) = (action.new.file.external_id.clone(), action.new.object);
            if let Some(id) = self.service.attach_as_other(action.new, action.content) {
                let made_at = Instant::now();
                let record = ForeignRecord {
                    external_id,
                    object,
                    made_at,
                };
                state.foreign.insert(id, record);
            }
        }
    }

    pub(crate) fn run_begins(&self) {
        self.let_others_act();
        let mut state = self.state();
        state.there_before_run = state.foreign.keys().copied().collect();
        state.proof_posts.clear();
    }

    /// Sets the look-ups of the run that begins.
    pub(crate) fn set_look_ups(&self, look_ups: LookUpMode) {
        self.state().look_ups = look_ups;
    }

    /// Notes a look-up that found nothing, just answered.
    pub(crate) fn note_absent(&self, external_id: &ExternalId) {
        let asked_at = Instant::now() - self.round_trip;
        let mut state = self.state();
        state
            .absent_since
            .entry(external_id.clone())
            .or_insert(asked_at);
    }

    /// Checks a POST for a throwaway record, about to be sent.
    pub(crate) fn check_proof_post(&self, external_id: &ExternalId) -> Result<(), String> {
        match self.state().proof_posts.as_slice() {
            [] => Ok(()),
            [(first, true)] if first == external_id => Ok(()),
            earlier => Err(format!("POST of {external_id} after {earlier:?}")),
        }
    }

    /// Notes the answer to such a POST. A request that certainly had no effect may be sent again.
    pub(crate) fn note_proof_answer(
        &self,
        external_id: &ExternalId,
        made: Option<&AttachmentId>,
        had_no_effect: bool,
    ) {
        let mut state = self.state();
        if !had_no_effect {
            state
                .proof_posts
                .push((external_id.clone(), made.is_some()));
        }
        state.throwaway_records.extend(made.cloned());
    }

    /// Checks an accepted POST of a row: nobody else had an attachment of the name before the run. A
    /// proof within one type says nothing of attachments on other types.
    pub(crate) fn check_created(&self, external_id: &ExternalId) -> Result<(), String> {
        let state = self.state();
        let is_in_scope = |one: &ForeignRecord| match state.look_ups {
            LookUpMode::OnClash(ClashScope::WithinType(kind)) => one.object.object_type() == kind,
            LookUpMode::OnClash(ClashScope::Company) | LookUpMode::Each => true,
        };
        let is_there = |(id, one): &(&u64, &ForeignRecord)| {
            one.external_id == *external_id
                && state.there_before_run.contains(id)
                && is_in_scope(one)
                && self.service.contains_record(**id)
        };
        match state.foreign.iter().find(is_there) {
            Some((id, _)) => Err(format!(
                "POST of {external_id}, although attachment {id} of somebody else was there before \
                 the run"
            )),
            None => Ok(()),
        }
    }

    /// Checks a PATCH or PUT of an attachment: the attachment is neither a throwaway record nor known
    /// to be of another client. After a look-up that found nothing, nobody can tell.
    pub(crate) fn check_touched(&self, id: &AttachmentId) -> Result<(), String> {
        let state = self.state();
        if state.throwaway_records.contains(id) {
            return Err(format!("throwaway record {id:?} is touched"));
        }
        if state.foreign.contains_key(&number_of(id)) && !state.may_be_taken(id) {
            return Err(format!(
                "attachment {id:?} of somebody else is taken for the row's own"
            ));
        }
        Ok(())
    }

    /// Returns `true` for an attachment that another client made after a look-up had found nothing:
    /// while such an attachment shows no size, a row may take it for its own.
    pub(crate) fn may_be_taken(&self, id: &AttachmentId) -> bool {
        self.state().may_be_taken(id)
    }

    fn state(&self) -> MutexGuard<'_, ClashWatchState> {
        self.state.lock().unwrap()
    }
}
