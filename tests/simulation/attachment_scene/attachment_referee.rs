//! Referee of attachments: knows the rules of the protocol, sees every request and answer of every
//! run, and notes each foul. The referee does not know how the client decides.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::memory_service::{MemoryAddress, MemoryAttachmentService};
use consign::destination::attachment_metadata::AttachmentDownload;
use consign::destination::{
    AttachmentPresence, AttachmentSelector, CreatedAttachment, NameUpdate, NewAttachment,
    UpdatedAttachment, UploadTarget,
};
use consign::http::{ApiFailure, FetchFailure, FetchedContent, PutFailure, PutReceipt};
use consign::model::{AttachmentId, ExternalId};
use consign::plan::ConflictPolicy;
use consign::results::{Status, StatusReason};
use tokio::time::Instant;

use crate::power_and_disk::{LostLineKind, SimulatedDisk};
use crate::scene::{AttachmentWatcher, LineWatch, RunOptions, RunWatcher};
use crate::story_log::StoryLog;

use crate::clash_scene::clash_watch::ClashWatch;

use super::attachment_referee_state::{AttachmentRefereeState, NewestAnswer};
use super::held_bytes::HeldBytes;
use super::rival_client::RivalClient;

/// Time after which a PATCH can no longer arrive, answered or not.
const PATCH_OVER_AFTER: Duration = Duration::from_mins(1);

/// Look-ups that must find nothing before another POST is allowed.
const LOOK_UPS_BEFORE_POST: u32 = 3;

/// Watcher of the runs of a seed.
pub(crate) struct AttachmentReferee {
    log: StoryLog,
    disk: Arc<SimulatedDisk>,
    line_watch: LineWatch,
    held_bytes: HeldBytes,
    rival_client: RivalClient,
    /// Watch over attachments of other clients. `None` in scenes that look every row up.
    clash_watch: Option<Arc<ClashWatch>>,
    state: Mutex<AttachmentRefereeState>,
}

impl AttachmentReferee {
    pub(crate) fn new(
        service: &Arc<MemoryAttachmentService>,
        disk: Arc<SimulatedDisk>,
        line_watch: LineWatch,
        rival_client: RivalClient,
    ) -> Self {
        Self {
            log: StoryLog::new(),
            held_bytes: HeldBytes::new(Arc::clone(service), Arc::clone(&disk)),
            disk,
            line_watch,
            rival_client,
            clash_watch: None,
            state: Mutex::default(),
        }
    }

    /// Adds the watch over attachments of other clients.
    pub(crate) fn with_clash_watch(self, watch: Arc<ClashWatch>) -> Self {
        Self {
            clash_watch: Some(watch),
            ..self
        }
    }

    /// Notes a foul seen by the watch over attachments of other clients.
    fn ask_clash_watch(&self, check: impl FnOnce(&ClashWatch) -> Result<(), String>) {
        if let Some(Err(what)) = self.clash_watch.as_deref().map(check) {
            self.foul(what);
        }
    }

    /// Sets the options of the user for the run that begins.
    pub(crate) fn set_options(&self, asked: RunOptions) {
        self.state().options = asked;
    }

    /// Returns the history of the contents.
    pub(crate) fn held_bytes(&self) -> &HeldBytes {
        &self.held_bytes
    }

    /// Returns `true` if a durable line of an attachment has the status and, where reasons are
    /// given, one of the reasons. Always `true` if lines are not watched.
    fn has_durable_line(
        &self,
        id: &AttachmentId,
        status: Status,
        reasons: &[StatusReason],
    ) -> bool {
        let lines = self.disk.durable_lines_naming(id);
        let mut lines = lines.iter();
        self.line_watch == LineWatch::Off
            || lines.any(|line| {
                line.status == status && (reasons.is_empty() || reasons.contains(&line.reason))
            })
    }

    /// Returns the row of an attachment.
    fn row_of(&self, state: &AttachmentRefereeState, id: &AttachmentId) -> ExternalId {
        let lines = self.disk.durable_lines_naming(id);
        let of_line = lines.first().map(|line| &line.external_id);
        let of_line = of_line.and_then(|key| ExternalId::parse(key).ok());
        of_line.unwrap_or_else(|| state.external_ids[id].clone())
    }

    /// Notes a PATCH; a foul if another PATCH of the attachment may still arrive.
    fn check_patch(&self, state: &mut AttachmentRefereeState, id: &AttachmentId) {
        let lost = state.patches_of_unknown_fate.get(id);
        if state.patches_under_way.contains_key(id)
            || lost.is_some_and(|sent| sent.elapsed() < PATCH_OVER_AFTER)
        {
            self.foul(format!(
                "PATCH of {id:?} while another one may still arrive"
            ));
        }
        state.patches_under_way.insert(id.clone(), Instant::now());
    }

    /// Notes a foul if released bytes were not kept, or if the user does not want the replacement.
    fn check_replacement(&self, state: &AttachmentRefereeState, id: &AttachmentId) {
        if state.options.policy.on_conflict != ConflictPolicy::Replace {
            self.foul(format!(
                "PATCH of {id:?}, of which nobody asked to replace it"
            ));
        }
        if self.line_watch == LineWatch::On && !self.held_bytes.current_content_is_kept(id) {
            self.foul(format!("PATCH of {id:?}, of which the bytes were not kept"));
        }
    }

    fn foul(&self, what: String) {
        self.log.foul(what);
    }

    fn note_exchange(&self, request: &str, about: &dyn Debug, answer: &dyn Debug) {
        self.log.note_exchange(request, about, answer);
    }

    fn state(&self) -> MutexGuard<'_, AttachmentRefereeState> {
        self.state.lock().unwrap()
    }
}

impl AttachmentReferee {
    /// Returns the attachment meant by a PATCH of names.
    fn amend_target(
        &self,
        state: &AttachmentRefereeState,
        key: AttachmentSelector<'_>,
    ) -> Option<AttachmentId> {
        match key {
            AttachmentSelector::Id(id) => Some(id.clone()),
            AttachmentSelector::ExternalId(key) => {
                let line = self.disk.durable_line(key.as_str());
                let of_line = line.and_then(|line| line.attachment_id);
                let found = || state.external_ids.iter().find(|(_, of)| *of == key);
                of_line.or_else(|| found().map(|(id, _)| id.clone()))
            }
        }
    }
}

impl RunWatcher for AttachmentReferee {
    fn log(&self) -> &StoryLog {
        &self.log
    }

    fn look_at_service(&self) {
        if let Some(watch) = &self.clash_watch {
            watch.let_others_act();
        }
        if self.line_watch == LineWatch::On
            && let Err(why) = self.held_bytes.check_safe()
        {
            self.foul(why);
        }
    }

    fn lines_were_filtered_out(&self) {
        let is_known = |key: &ExternalId| !self.disk.has_lost(key.as_str(), LostLineKind::AnyLine);
        let mut state = self.state();
        // By now a single look-up shows the effect of each POST, and an attachment with bytes can
        // be found by its name alone.
        state.posts_of_unknown_fate.retain(|key, _| is_known(key));
        state.sent_bytes_to.retain(|key, _| is_known(key));
        state.posts_under_way.retain(is_known);
    }

    fn run_begins(&self) {
        if let Some(watch) = &self.clash_watch {
            watch.run_begins();
        }
        let mut state = self.state();
        state.newest_answers.clear();
        let posts: Vec<_> = state.posts_under_way.drain().collect();
        state
            .posts_of_unknown_fate
            .extend(posts.into_iter().map(|key| (key, 0)));
        let patches: Vec<_> = state.patches_under_way.drain().collect();
        state.patches_of_unknown_fate.extend(patches);
    }

    fn before_put(&self, address: MemoryAddress) -> AttachmentId {
        let mut state = self.state();
        let id = state.addresses[&address].clone();
        self.ask_clash_watch(|watch| watch.check_touched(&id));
        let key = self.row_of(&state, &id);
        let begun = [Status::Created, Status::Replacing];
        if !begun
            .iter()
            .any(|status| self.has_durable_line(&id, *status, &[]))
        {
            self.foul(format!("PUT of {key} without a durable line for {id:?}"));
        }
        if state
            .patches_of_unknown_fate
            .get(&id)
            .is_some_and(|sent| sent.elapsed() < PATCH_OVER_AFTER)
        {
            self.foul(format!("PUT of {key} while a PATCH may still arrive"));
        }
        state.newest_answers.remove(&id);
        state.sent_bytes_to.insert(key, id.clone());
        drop(state);
        self.note_exchange("put", &id, &"...");
        id
    }

    fn after_put(&self, address: MemoryAddress, answer: &Result<PutReceipt, PutFailure>) {
        let id = self.state().addresses[&address].clone();
        self.note_exchange("put", &id, answer);
    }
}

impl AttachmentWatcher for AttachmentReferee {
    fn after_get_by_external_id(
        &self,
        key: &ExternalId,
        answer: &Result<AttachmentPresence, ApiFailure>,
    ) {
        self.note_exchange("find", key, answer);
        let mut state = self.state();
        match answer {
            Ok(AttachmentPresence::Absent) => {
                if let Some(watch) = &self.clash_watch {
                    watch.note_absent(key);
                }
                if let Some(looks) = state.posts_of_unknown_fate.get_mut(key) {
                    *looks += 1;
                }
            }
            Ok(AttachmentPresence::Pending { id, .. } | AttachmentPresence::Stored { id, .. }) => {
                // The effect of a POST of unknown outcome is known now.
                state.posts_of_unknown_fate.remove(key);
                state.external_ids.insert(id.clone(), key.clone());
                state.note_presence(id, answer);
                self.held_bytes.note_answer(id, answer);
            }
            _ => {}
        }
    }

    fn after_get_by_id(&self, id: &AttachmentId, answer: &Result<AttachmentPresence, ApiFailure>) {
        self.note_exchange("get", id, answer);
        self.state().note_presence(id, answer);
        self.held_bytes.note_answer(id, answer);
    }

    fn after_get_download(
        &self,
        id: &AttachmentId,
        answer: &Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure>,
    ) {
        let size = answer.as_ref().map(|original| {
            let exhibit = original.as_ref().map(|original| &original.metadata);
            exhibit.map(|exhibit| exhibit.size)
        });
        self.note_exchange("original", id, &size);
        let gives_way = self.has_durable_line(id, Status::Replacing, &[StatusReason::Renewing]);
        let mut state = self.state();
        let newest = match size {
            Ok(None) => {
                state.sent_bytes_to.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(Some(None)) => NewestAnswer::Pending,
            Ok(Some(Some(_))) if gives_way => NewestAnswer::StoredToBeReplaced,
            Ok(Some(Some(_))) => NewestAnswer::Stored,
            Err(_) => return,
        };
        state.newest_answers.insert(id.clone(), newest);
        if newest != NewestAnswer::Pending {
            self.held_bytes.note_content(id);
        }
        if let Ok(Some(original)) = answer
            && let Ok(place) = original.download_target
        {
            state.addresses.insert(place, id.clone());
        }
    }

    fn after_download(&self, place: MemoryAddress, answer: &Result<FetchedContent, FetchFailure>) {
        let id = self.state().addresses[&place].clone();
        self.note_exchange("fetch", &id, answer);
        if let Ok(FetchedContent::File(digested)) = answer
            && self.rival_client.maybe_overwrite(&id, digested.sha256)
        {
            self.log.note(|| format!("somebody else changes {id:?}"));
            self.held_bytes.note_content(&id);
        }
    }

    fn before_update_names(&self, key: AttachmentSelector<'_>, names: &NameUpdate) {
        self.note_exchange("amend", &key, names);
        let mut state = self.state();
        let Some(id) = self.amend_target(&state, key) else {
            return self.foul(format!("PATCH of {key:?}, which is of no row"));
        };
        let announced = match names.external_id {
            Some(_) => StatusReason::Renaming,
            None => StatusReason::Updating,
        };
        // A record that got a name by mistake has no line, and gets its own name back.
        let is_given_back = state.misnamed.contains(&id);
        if !is_given_back && !self.has_durable_line(&id, Status::Pending, &[announced]) {
            self.foul(format!("PATCH of {id:?} without a durable line"));
        }
        self.check_patch(&mut state, &id);
    }

    fn after_update_names(
        &self,
        key: AttachmentSelector<'_>,
        answer: &Result<UpdatedAttachment, ApiFailure>,
    ) {
        self.note_exchange("amend", &key, answer);
        let mut state = self.state();
        let id = self.amend_target(&state, key);
        if let Ok(amended) = answer
            && id.as_ref() != Some(&amended.id)
        {
            state.misnamed.insert(amended.id.clone());
        }
        let sent = id.and_then(|id| state.patches_under_way.remove_entry(&id));
        if let (Some((id, sent)), Err(ApiFailure::Unanswered(_))) = (sent, answer) {
            state.patches_of_unknown_fate.insert(id, sent);
        }
    }

    fn after_list(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure>,
    ) {
        let Ok(listed) = answer else {
            return self.note_exchange("list", &ids, answer);
        };
        let of_each: Vec<_> = ids.iter().map(|id| listed.get(id)).collect();
        self.note_exchange("list", &ids, &of_each);
        let mut state = self.state();
        for id in ids {
            let newest = match listed.get(id) {
                Some(AttachmentPresence::Stored { .. }) => NewestAnswer::Stored,
                Some(AttachmentPresence::Pending { .. }) => NewestAnswer::Pending,
                // Absence from the list proves nothing.
                _ => continue,
            };
            state.newest_answers.insert(id.clone(), newest);
            if newest == NewestAnswer::Stored {
                self.held_bytes.note_content(id);
            }
        }
    }

    fn before_create(&self, new: &NewAttachment) {
        let key = &new.file.external_id;
        self.note_exchange("create", key, &"...");
        if ClashWatch::is_throwaway(key) {
            return self.ask_clash_watch(|watch| watch.check_proof_post(key));
        }
        let line = self.disk.durable_line(key.as_str());
        let announced = line.is_some_and(|line| line.status == Status::Creating);
        let mut state = self.state();
        if self.line_watch == LineWatch::On && !announced {
            self.foul(format!("POST of {key} without a durable line"));
        }
        if state
            .posts_of_unknown_fate
            .get(key)
            .is_some_and(|looks| *looks < LOOK_UPS_BEFORE_POST)
        {
            self.foul(format!("blind POST of {key}: an earlier one may be there"));
        }
        if let Some(id) = state.sent_bytes_to.get(key).cloned() {
            self.foul(format!("POST of {key} although {id:?} was chosen"));
        }
        state.posts_under_way.insert(key.clone());
    }

    fn after_create(
        &self,
        new: &NewAttachment,
        answer: &Result<CreatedAttachment<MemoryAddress>, ApiFailure>,
    ) {
        let key = &new.file.external_id;
        self.note_exchange("create", key, answer);
        if ClashWatch::is_throwaway(key) {
            let had_no_effect = !matches!(answer, Ok(_) | Err(ApiFailure::Unanswered(_)));
            let made = answer.as_ref().ok().map(|created| &created.id);
            return self.ask_clash_watch(|watch| {
                watch.note_proof_answer(key, made, had_no_effect);
                Ok(())
            });
        }
        if answer.is_ok() {
            self.ask_clash_watch(|watch| watch.check_created(key));
        }
        let mut state = self.state();
        state.posts_under_way.remove(key);
        match answer {
            Ok(created) => {
                state.posts_of_unknown_fate.remove(key);
                state.external_ids.insert(created.id.clone(), key.clone());
                state.note_addresses(&created.id, std::slice::from_ref(&created.upload_target));
            }
            Err(ApiFailure::Unanswered(_)) => {
                state.posts_of_unknown_fate.insert(key.clone(), 0);
            }
            Err(_) => {}
        }
    }

    fn before_renew(&self, id: &AttachmentId) {
        self.note_exchange("renew", id, &"...");
        self.ask_clash_watch(|watch| watch.check_touched(id));
        let mut state = self.state();
        let newest = state.newest_answers.remove(id);
        match newest {
            Some(NewestAnswer::Pending) => {}
            Some(NewestAnswer::StoredToBeReplaced) => self.check_replacement(&state, id),
            _ => {
                let what = format!("PATCH of {id:?}, of which the newest answer is {newest:?}");
                self.foul(what);
            }
        }
        self.check_patch(&mut state, id);
        if newest == Some(NewestAnswer::StoredToBeReplaced) {
            state.being_replaced.insert(id.clone());
        } else {
            state.being_replaced.remove(id);
        }
    }

    fn after_renew(
        &self,
        id: &AttachmentId,
        answer: &Result<UploadTarget<MemoryAddress>, ApiFailure>,
    ) {
        self.note_exchange("renew", id, answer);
        let mut state = self.state();
        let sent = state.patches_under_way.remove(id);
        match (answer, sent) {
            (Ok(place), _) => state.note_addresses(id, std::slice::from_ref(place)),
            (Err(ApiFailure::Unanswered(_)), Some(sent)) => {
                state.patches_of_unknown_fate.insert(id.clone(), sent);
            }
            // The PATCH had no effect, so the earlier knowledge stays.
            (Err(_), _) => {
                let newest = if state.being_replaced.contains(id) {
                    NewestAnswer::StoredToBeReplaced
                } else {
                    NewestAnswer::Pending
                };
                state.newest_answers.insert(id.clone(), newest);
            }
        }
    }
}
