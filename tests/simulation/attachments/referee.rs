//! Referee of attachments: knows the rules of the protocol, sees every request and answer of every
//! run, and notes each foul. The referee does not know how the client decides.

use std::collections::{HashMap, HashSet};
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

use crate::machine::{LostLineRange, SimulatedDisk};
use crate::record::StoryLog;
use crate::scene::{AttachmentWatcher, LineWatch, RunOptions, RunWatcher};

use super::bytes::HeldBytes;
use super::stranger::RivalClient;

/// Time after which a PATCH can no longer arrive, answered or not.
const DRAIN: Duration = Duration::from_mins(1);

/// Look-ups that must find nothing before another POST is allowed.
const LOOKS: u32 = 3;

/// Watcher of the runs of a seed.
pub(crate) struct AttachmentReferee {
    record: StoryLog,
    disk: Arc<SimulatedDisk>,
    lines: LineWatch,
    bytes: HeldBytes,
    stranger: RivalClient,
    state: Mutex<AttachmentRefereeState>,
}

/// Knowledge of the referee about attachments and the requests for them.
#[derive(Default)]
struct AttachmentRefereeState {
    /// Newest answer of the current run about each attachment.
    newest: HashMap<AttachmentId, NewestAnswer>,
    /// `external_id` under which each attachment was created or found.
    keys: HashMap<AttachmentId, ExternalId>,
    addresses: HashMap<MemoryAddress, AttachmentId>,
    /// Options of the user in the current run.
    asked: RunOptions,
    /// Attachments to which bytes were sent, by `external_id`. Only the absence of such an
    /// attachment permits another.
    chosen: HashMap<ExternalId, AttachmentId>,
    posts_under_way: HashSet<ExternalId>,
    /// POSTs of unknown fate, with the number of empty look-ups since.
    lost_posts: HashMap<ExternalId, u32>,
    patches_under_way: HashMap<AttachmentId, Instant>,
    /// Attachments met by a PATCH by `external_id` instead of the intended attachment.
    misnamed: HashSet<AttachmentId>,
    /// Attachments whose newest PATCH released bytes.
    giving_way: HashSet<AttachmentId>,
    /// PATCH requests of unknown fate, with the times of sending.
    lost_patches: HashMap<AttachmentId, Instant>,
}

/// State of an attachment in the newest answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NewestAnswer {
    Pending,
    Stored,
    /// Stored, and seen after a durable line announced the replacement.
    GivesWay,
}

impl AttachmentReferee {
    pub(crate) fn new(
        service: &Arc<MemoryAttachmentService>,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
        stranger: RivalClient,
    ) -> Self {
        Self {
            record: StoryLog::new(),
            bytes: HeldBytes::new(Arc::clone(service), Arc::clone(&disk)),
            disk,
            lines,
            stranger,
            state: Mutex::default(),
        }
    }

    /// Sets the options of the user for the run that begins.
    pub(crate) fn is_asked(&self, asked: RunOptions) {
        self.state().asked = asked;
    }

    /// Returns the history of the contents.
    pub(crate) fn bytes(&self) -> &HeldBytes {
        &self.bytes
    }

    /// Returns `true` if a durable line of an attachment has the status and, where reasons are
    /// given, one of the reasons. Always `true` if lines are not watched.
    fn line_says(&self, id: &AttachmentId, status: Status, reasons: &[StatusReason]) -> bool {
        let lines = self.disk.durable_of(id);
        let mut lines = lines.iter();
        self.lines == LineWatch::AreNotWatched
            || lines.any(|line| {
                line.status == status && (reasons.is_empty() || reasons.contains(&line.reason))
            })
    }

    /// Returns the row of an attachment.
    fn row_of(&self, state: &AttachmentRefereeState, id: &AttachmentId) -> ExternalId {
        let lines = self.disk.durable_of(id);
        let of_line = lines.first().map(|line| &line.external_id);
        let of_line = of_line.and_then(|key| ExternalId::parse(key).ok());
        of_line.unwrap_or_else(|| state.keys[id].clone())
    }

    /// Notes a PATCH; a foul if another PATCH of the attachment may still arrive.
    fn patching(&self, state: &mut AttachmentRefereeState, id: &AttachmentId) {
        let lost = state.lost_patches.get(id);
        if state.patches_under_way.contains_key(id)
            || lost.is_some_and(|sent| sent.elapsed() < DRAIN)
        {
            self.foul(format!(
                "PATCH of {id:?} while another one may still arrive"
            ));
        }
        state.patches_under_way.insert(id.clone(), Instant::now());
    }

    /// Notes a foul if released bytes were not kept, or if the user does not want the replacement.
    fn gives_way(&self, state: &AttachmentRefereeState, id: &AttachmentId) {
        if state.asked.wishes.on_conflict != ConflictPolicy::Replace {
            self.foul(format!(
                "PATCH of {id:?}, of which nobody asked to replace it"
            ));
        }
        if self.lines == LineWatch::AreWatched && !self.bytes.are_kept(id) {
            self.foul(format!("PATCH of {id:?}, of which the bytes were not kept"));
        }
    }

    fn foul(&self, what: String) {
        self.record.foul(what);
    }

    fn say(&self, request: &str, about: &dyn Debug, answer: &dyn Debug) {
        self.record.say(request, about, answer);
    }

    fn state(&self) -> MutexGuard<'_, AttachmentRefereeState> {
        self.state.lock().unwrap()
    }
}

impl AttachmentReferee {
    /// Returns the attachment meant by a PATCH of names.
    fn amended_by(
        &self,
        state: &AttachmentRefereeState,
        key: AttachmentSelector<'_>,
    ) -> Option<AttachmentId> {
        match key {
            AttachmentSelector::Id(id) => Some(id.clone()),
            AttachmentSelector::ExternalId(key) => {
                let line = self.disk.durable(key.as_str());
                let of_line = line.and_then(|line| line.attachment_id);
                let found = || state.keys.iter().find(|(_, of)| *of == key);
                of_line.or_else(|| found().map(|(id, _)| id.clone()))
            }
        }
    }
}

impl RunWatcher for AttachmentReferee {
    fn record(&self) -> &StoryLog {
        &self.record
    }

    fn look(&self) {
        if self.lines == LineWatch::AreWatched
            && let Err(why) = self.bytes.are_safe()
        {
            self.foul(why);
        }
    }

    fn lines_lost(&self) {
        let is_known =
            |key: &ExternalId| !self.disk.has_lost(key.as_str(), LostLineRange::OfAnything);
        let mut state = self.state();
        // By now a single look-up shows the effect of each POST, and an attachment with bytes can
        // be found by its name alone.
        state.lost_posts.retain(|key, _| is_known(key));
        state.chosen.retain(|key, _| is_known(key));
        state.posts_under_way.retain(is_known);
    }

    fn new_run(&self) {
        let mut state = self.state();
        state.newest.clear();
        let posts: Vec<_> = state.posts_under_way.drain().collect();
        state
            .lost_posts
            .extend(posts.into_iter().map(|key| (key, 0)));
        let patches: Vec<_> = state.patches_under_way.drain().collect();
        state.lost_patches.extend(patches);
    }

    fn putting(&self, address: MemoryAddress) -> AttachmentId {
        let mut state = self.state();
        let id = state.addresses[&address].clone();
        let key = self.row_of(&state, &id);
        let begun = [Status::Created, Status::Replacing];
        if !begun.iter().any(|status| self.line_says(&id, *status, &[])) {
            self.foul(format!("PUT of {key} without a durable line for {id:?}"));
        }
        if state
            .lost_patches
            .get(&id)
            .is_some_and(|sent| sent.elapsed() < DRAIN)
        {
            self.foul(format!("PUT of {key} while a PATCH may still arrive"));
        }
        state.newest.remove(&id);
        state.chosen.insert(key, id.clone());
        drop(state);
        self.say("put", &id, &"...");
        id
    }

    fn put(&self, address: MemoryAddress, answer: &Result<PutReceipt, PutFailure>) {
        let id = self.state().addresses[&address].clone();
        self.say("put", &id, answer);
    }
}

impl AttachmentWatcher for AttachmentReferee {
    fn found(&self, key: &ExternalId, answer: &Result<AttachmentPresence, ApiFailure>) {
        self.say("find", key, answer);
        let mut state = self.state();
        match answer {
            Ok(AttachmentPresence::Absent) => {
                if let Some(looks) = state.lost_posts.get_mut(key) {
                    *looks += 1;
                }
            }
            Ok(AttachmentPresence::Pending { id } | AttachmentPresence::Stored { id, .. }) => {
                // The effect of a POST of unknown fate is known now.
                state.lost_posts.remove(key);
                state.keys.insert(id.clone(), key.clone());
                state.learn(id, answer);
                self.bytes.shown(id, answer);
            }
            _ => {}
        }
    }

    fn got(&self, id: &AttachmentId, answer: &Result<AttachmentPresence, ApiFailure>) {
        self.say("get", id, answer);
        self.state().learn(id, answer);
        self.bytes.shown(id, answer);
    }

    fn original(
        &self,
        id: &AttachmentId,
        answer: &Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure>,
    ) {
        let size = answer.as_ref().map(|original| {
            let exhibit = original.as_ref().map(|original| &original.metadata);
            exhibit.map(|exhibit| exhibit.size)
        });
        self.say("original", id, &size);
        let gives_way = self.line_says(id, Status::Replacing, &[StatusReason::Renewing]);
        let mut state = self.state();
        let newest = match size {
            Ok(None) => {
                state.chosen.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(Some(None)) => NewestAnswer::Pending,
            Ok(Some(Some(_))) if gives_way => NewestAnswer::GivesWay,
            Ok(Some(Some(_))) => NewestAnswer::Stored,
            Err(_) => return,
        };
        state.newest.insert(id.clone(), newest);
        if newest != NewestAnswer::Pending {
            self.bytes.seen(id);
        }
        if let Ok(Some(original)) = answer
            && let Ok(place) = original.download_target
        {
            state.addresses.insert(place, id.clone());
        }
    }

    fn fetched(&self, place: MemoryAddress, answer: &Result<FetchedContent, FetchFailure>) {
        let id = self.state().addresses[&place].clone();
        self.say("fetch", &id, answer);
        if let Ok(FetchedContent::File(digested)) = answer
            && self.stranger.comes_after(&id, digested.sha256)
        {
            self.record.note(|| format!("somebody else changes {id:?}"));
            self.bytes.seen(&id);
        }
    }

    fn amending(&self, key: AttachmentSelector<'_>, names: &NameUpdate) {
        self.say("amend", &key, names);
        let mut state = self.state();
        let Some(id) = self.amended_by(&state, key) else {
            return self.foul(format!("PATCH of {key:?}, which is of no row"));
        };
        let announced = match names.external_id {
            Some(_) => StatusReason::Renaming,
            None => StatusReason::Updating,
        };
        // A record that got a name by mistake has no line, and gets its own name back.
        let is_given_back = state.misnamed.contains(&id);
        if !is_given_back && !self.line_says(&id, Status::Pending, &[announced]) {
            self.foul(format!("PATCH of {id:?} without a durable line"));
        }
        self.patching(&mut state, &id);
    }

    fn amended(&self, key: AttachmentSelector<'_>, answer: &Result<UpdatedAttachment, ApiFailure>) {
        self.say("amend", &key, answer);
        let mut state = self.state();
        let id = self.amended_by(&state, key);
        if let Ok(amended) = answer
            && id.as_ref() != Some(&amended.id)
        {
            state.misnamed.insert(amended.id.clone());
        }
        let sent = id.and_then(|id| state.patches_under_way.remove_entry(&id));
        if let (Some((id, sent)), Err(ApiFailure::Unanswered(_))) = (sent, answer) {
            state.lost_patches.insert(id, sent);
        }
    }

    fn listed(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure>,
    ) {
        let Ok(listed) = answer else {
            return self.say("list", &ids, answer);
        };
        let of_each: Vec<_> = ids.iter().map(|id| listed.get(id)).collect();
        self.say("list", &ids, &of_each);
        let mut state = self.state();
        for id in ids {
            let newest = match listed.get(id) {
                Some(AttachmentPresence::Stored { .. }) => NewestAnswer::Stored,
                Some(AttachmentPresence::Pending { .. }) => NewestAnswer::Pending,
                // Absence from the list proves nothing.
                _ => continue,
            };
            state.newest.insert(id.clone(), newest);
            if newest == NewestAnswer::Stored {
                self.bytes.seen(id);
            }
        }
    }

    fn creating(&self, new: &NewAttachment) {
        let key = &new.file.external_id;
        self.say("create", key, &"...");
        let line = self.disk.durable(key.as_str());
        let announced = line.is_some_and(|line| line.status == Status::Creating);
        let mut state = self.state();
        if self.lines == LineWatch::AreWatched && !announced {
            self.foul(format!("POST of {key} without a durable line"));
        }
        if state
            .lost_posts
            .get(key)
            .is_some_and(|looks| *looks < LOOKS)
        {
            self.foul(format!("blind POST of {key}: an earlier one may be there"));
        }
        if let Some(id) = state.chosen.get(key).cloned() {
            self.foul(format!("POST of {key} although {id:?} was chosen"));
        }
        state.posts_under_way.insert(key.clone());
    }

    fn created(
        &self,
        new: &NewAttachment,
        answer: &Result<CreatedAttachment<MemoryAddress>, ApiFailure>,
    ) {
        let key = &new.file.external_id;
        self.say("create", key, answer);
        let mut state = self.state();
        state.posts_under_way.remove(key);
        match answer {
            Ok(created) => {
                state.lost_posts.remove(key);
                state.keys.insert(created.id.clone(), key.clone());
                state.issue(&created.id, std::slice::from_ref(&created.upload_target));
            }
            Err(ApiFailure::Unanswered(_)) => {
                state.lost_posts.insert(key.clone(), 0);
            }
            Err(_) => {}
        }
    }

    fn renewing(&self, id: &AttachmentId) {
        self.say("renew", id, &"...");
        let mut state = self.state();
        let newest = state.newest.remove(id);
        match newest {
            Some(NewestAnswer::Pending) => {}
            Some(NewestAnswer::GivesWay) => self.gives_way(&state, id),
            _ => {
                let what = format!("PATCH of {id:?}, of which the newest answer is {newest:?}");
                self.foul(what);
            }
        }
        self.patching(&mut state, id);
        if newest == Some(NewestAnswer::GivesWay) {
            state.giving_way.insert(id.clone());
        } else {
            state.giving_way.remove(id);
        }
    }

    fn renewed(&self, id: &AttachmentId, answer: &Result<UploadTarget<MemoryAddress>, ApiFailure>) {
        self.say("renew", id, answer);
        let mut state = self.state();
        let sent = state.patches_under_way.remove(id);
        match (answer, sent) {
            (Ok(place), _) => state.issue(id, std::slice::from_ref(place)),
            (Err(ApiFailure::Unanswered(_)), Some(sent)) => {
                state.lost_patches.insert(id.clone(), sent);
            }
            // The PATCH had no effect, so the earlier knowledge stays.
            (Err(_), _) => {
                let newest = if state.giving_way.contains(id) {
                    NewestAnswer::GivesWay
                } else {
                    NewestAnswer::Pending
                };
                state.newest.insert(id.clone(), newest);
            }
        }
    }
}

impl AttachmentRefereeState {
    fn learn(&mut self, id: &AttachmentId, answer: &Result<AttachmentPresence, ApiFailure>) {
        let newest = match answer {
            Ok(AttachmentPresence::Absent) => {
                self.chosen.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(AttachmentPresence::Pending { .. }) => NewestAnswer::Pending,
            Ok(AttachmentPresence::Stored { .. }) => NewestAnswer::Stored,
            Ok(_) | Err(_) => return,
        };
        // An attachment to be replaced stays so if another row asks for it to see whether the keys
        // are good.
        let gives_way = self.newest.get(id) == Some(&NewestAnswer::GivesWay);
        if !(gives_way && newest == NewestAnswer::Stored) {
            self.newest.insert(id.clone(), newest);
        }
    }

    fn issue(&mut self, id: &AttachmentId, places: &[UploadTarget<MemoryAddress>]) {
        let addresses = places.iter().flat_map(|place| place.target.clone());
        self.addresses
            .extend(addresses.map(|address| (address, id.clone())));
    }
}
