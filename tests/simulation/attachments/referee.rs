//! Referee of attachments: knows the rules of the protocol, sees every request and answer of every
//! run, and notes each foul. The referee does not know how the client decides.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::memory_service::{Address, Memory};
use consign::destination::archive::Original;
use consign::destination::{
    Amended, CreatedAttachment, Key, NewAttachment, NewNames, Place, Presence,
};
use consign::http::{Failure, FetchFailure, Fetched, PutFailure, Receipt};
use consign::model::{AttachmentId, ExternalId};
use consign::plan::OnConflict;
use consign::results::{Reason, Status};
use tokio::time::Instant;

use crate::machine::{Disk, Loss};
use crate::record::Record;
use crate::scene::{Asked, Lines, Watches, WatchesAttachments};

use super::bytes::Bytes;
use super::stranger::Stranger;

/// Time after which a PATCH can no longer arrive, answered or not.
const DRAIN: Duration = Duration::from_mins(1);

/// Look-ups that must find nothing before another POST is allowed.
const LOOKS: u32 = 3;

/// Watcher of the runs of a seed.
pub(crate) struct Referee {
    record: Record,
    disk: Arc<Disk>,
    lines: Lines,
    bytes: Bytes,
    stranger: Stranger,
    state: Mutex<State>,
}

/// Knowledge of the referee about attachments and the requests for them.
#[derive(Default)]
struct State {
    /// Newest answer of the current run about each attachment.
    newest: HashMap<AttachmentId, Newest>,
    /// `external_id` under which each attachment was created or found.
    keys: HashMap<AttachmentId, ExternalId>,
    addresses: HashMap<Address, AttachmentId>,
    /// Options of the user in the current run.
    asked: Asked,
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
enum Newest {
    Pending,
    Stored,
    /// Stored, and seen after a durable line announced the replacement.
    GivesWay,
}

impl Referee {
    pub(crate) fn new(
        service: &Arc<Memory>,
        disk: Arc<Disk>,
        lines: Lines,
        stranger: Stranger,
    ) -> Self {
        Self {
            record: Record::new(),
            bytes: Bytes::new(Arc::clone(service), Arc::clone(&disk)),
            disk,
            lines,
            stranger,
            state: Mutex::default(),
        }
    }

    /// Sets the options of the user for the run that begins.
    pub(crate) fn is_asked(&self, asked: Asked) {
        self.state().asked = asked;
    }

    /// Returns the history of the contents.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns `true` if a durable line of an attachment has the status and, where reasons are
    /// given, one of the reasons. Always `true` if lines are not watched.
    fn line_says(&self, id: &AttachmentId, status: Status, reasons: &[Reason]) -> bool {
        let lines = self.disk.durable_of(id);
        let mut lines = lines.iter();
        self.lines == Lines::AreNotWatched
            || lines.any(|line| {
                line.status == status && (reasons.is_empty() || reasons.contains(&line.reason))
            })
    }

    /// Returns the row of an attachment.
    fn row_of(&self, state: &State, id: &AttachmentId) -> ExternalId {
        let lines = self.disk.durable_of(id);
        let of_line = lines.first().map(|line| &line.external_id);
        let of_line = of_line.and_then(|key| ExternalId::parse(key).ok());
        of_line.unwrap_or_else(|| state.keys[id].clone())
    }

    /// Notes a PATCH; a foul if another PATCH of the attachment may still arrive.
    fn patching(&self, state: &mut State, id: &AttachmentId) {
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
    fn gives_way(&self, state: &State, id: &AttachmentId) {
        if state.asked.wishes.on_conflict != OnConflict::Replace {
            self.foul(format!(
                "PATCH of {id:?}, of which nobody asked to replace it"
            ));
        }
        if self.lines == Lines::AreWatched && !self.bytes.are_kept(id) {
            self.foul(format!("PATCH of {id:?}, of which the bytes were not kept"));
        }
    }

    fn foul(&self, what: String) {
        self.record.foul(what);
    }

    fn say(&self, request: &str, about: &dyn Debug, answer: &dyn Debug) {
        self.record.say(request, about, answer);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Referee {
    /// Returns the attachment meant by a PATCH of names.
    fn amended_by(&self, state: &State, key: Key<'_>) -> Option<AttachmentId> {
        match key {
            Key::Id(id) => Some(id.clone()),
            Key::ExternalId(key) => {
                let line = self.disk.durable(key.as_str());
                let of_line = line.and_then(|line| line.attachment_id);
                let found = || state.keys.iter().find(|(_, of)| *of == key);
                of_line.or_else(|| found().map(|(id, _)| id.clone()))
            }
        }
    }
}

impl Watches for Referee {
    fn record(&self) -> &Record {
        &self.record
    }

    fn look(&self) {
        if self.lines == Lines::AreWatched
            && let Err(why) = self.bytes.are_safe()
        {
            self.foul(why);
        }
    }

    fn lines_lost(&self) {
        let is_known = |key: &ExternalId| !self.disk.has_lost(key.as_str(), Loss::OfAnything);
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

    fn putting(&self, address: Address) -> AttachmentId {
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

    fn put(&self, address: Address, answer: &Result<Receipt, PutFailure>) {
        let id = self.state().addresses[&address].clone();
        self.say("put", &id, answer);
    }
}

impl WatchesAttachments for Referee {
    fn found(&self, key: &ExternalId, answer: &Result<Presence, Failure>) {
        self.say("find", key, answer);
        let mut state = self.state();
        match answer {
            Ok(Presence::Absent) => {
                if let Some(looks) = state.lost_posts.get_mut(key) {
                    *looks += 1;
                }
            }
            Ok(Presence::Pending { id } | Presence::Stored { id, .. }) => {
                // The effect of a POST of unknown fate is known now.
                state.lost_posts.remove(key);
                state.keys.insert(id.clone(), key.clone());
                state.learn(id, answer);
                self.bytes.shown(id, answer);
            }
            _ => {}
        }
    }

    fn got(&self, id: &AttachmentId, answer: &Result<Presence, Failure>) {
        self.say("get", id, answer);
        self.state().learn(id, answer);
        self.bytes.shown(id, answer);
    }

    fn original(&self, id: &AttachmentId, answer: &Result<Option<Original<Address>>, Failure>) {
        let size = answer.as_ref().map(|original| {
            let exhibit = original.as_ref().map(|original| &original.exhibit);
            exhibit.map(|exhibit| exhibit.size)
        });
        self.say("original", id, &size);
        let gives_way = self.line_says(id, Status::Replacing, &[Reason::Renewing]);
        let mut state = self.state();
        let newest = match size {
            Ok(None) => {
                state.chosen.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(Some(None)) => Newest::Pending,
            Ok(Some(Some(_))) if gives_way => Newest::GivesWay,
            Ok(Some(Some(_))) => Newest::Stored,
            Err(_) => return,
        };
        state.newest.insert(id.clone(), newest);
        if newest != Newest::Pending {
            self.bytes.seen(id);
        }
        if let Ok(Some(original)) = answer
            && let Ok(place) = original.place
        {
            state.addresses.insert(place, id.clone());
        }
    }

    fn fetched(&self, place: Address, answer: &Result<Fetched, FetchFailure>) {
        let id = self.state().addresses[&place].clone();
        self.say("fetch", &id, answer);
        if let Ok(Fetched::File(digested)) = answer
            && self.stranger.comes_after(&id, digested.sha256)
        {
            self.record.note(|| format!("somebody else changes {id:?}"));
            self.bytes.seen(&id);
        }
    }

    fn amending(&self, key: Key<'_>, names: &NewNames) {
        self.say("amend", &key, names);
        let mut state = self.state();
        let Some(id) = self.amended_by(&state, key) else {
            return self.foul(format!("PATCH of {key:?}, which is of no row"));
        };
        let announced = match names.external_id {
            Some(_) => Reason::Renaming,
            None => Reason::Updating,
        };
        // A record that got a name by mistake has no line, and gets its own name back.
        let is_given_back = state.misnamed.contains(&id);
        if !is_given_back && !self.line_says(&id, Status::Pending, &[announced]) {
            self.foul(format!("PATCH of {id:?} without a durable line"));
        }
        self.patching(&mut state, &id);
    }

    fn amended(&self, key: Key<'_>, answer: &Result<Amended, Failure>) {
        self.say("amend", &key, answer);
        let mut state = self.state();
        let id = self.amended_by(&state, key);
        if let Ok(amended) = answer
            && id.as_ref() != Some(&amended.id)
        {
            state.misnamed.insert(amended.id.clone());
        }
        let sent = id.and_then(|id| state.patches_under_way.remove_entry(&id));
        if let (Some((id, sent)), Err(Failure::Unanswered(_))) = (sent, answer) {
            state.lost_patches.insert(id, sent);
        }
    }

    fn listed(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, Presence>, Failure>,
    ) {
        let Ok(listed) = answer else {
            return self.say("list", &ids, answer);
        };
        let of_each: Vec<_> = ids.iter().map(|id| listed.get(id)).collect();
        self.say("list", &ids, &of_each);
        let mut state = self.state();
        for id in ids {
            let newest = match listed.get(id) {
                Some(Presence::Stored { .. }) => Newest::Stored,
                Some(Presence::Pending { .. }) => Newest::Pending,
                // Absence from the list proves nothing.
                _ => continue,
            };
            state.newest.insert(id.clone(), newest);
            if newest == Newest::Stored {
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
        if self.lines == Lines::AreWatched && !announced {
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

    fn created(&self, new: &NewAttachment, answer: &Result<CreatedAttachment<Address>, Failure>) {
        let key = &new.file.external_id;
        self.say("create", key, answer);
        let mut state = self.state();
        state.posts_under_way.remove(key);
        match answer {
            Ok(created) => {
                state.lost_posts.remove(key);
                state.keys.insert(created.id.clone(), key.clone());
                state.issue(&created.id, std::slice::from_ref(&created.place));
            }
            Err(Failure::Unanswered(_)) => {
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
            Some(Newest::Pending) => {}
            Some(Newest::GivesWay) => self.gives_way(&state, id),
            _ => {
                let what = format!("PATCH of {id:?}, of which the newest answer is {newest:?}");
                self.foul(what);
            }
        }
        self.patching(&mut state, id);
        if newest == Some(Newest::GivesWay) {
            state.giving_way.insert(id.clone());
        } else {
            state.giving_way.remove(id);
        }
    }

    fn renewed(&self, id: &AttachmentId, answer: &Result<Place<Address>, Failure>) {
        self.say("renew", id, answer);
        let mut state = self.state();
        let sent = state.patches_under_way.remove(id);
        match (answer, sent) {
            (Ok(place), _) => state.issue(id, std::slice::from_ref(place)),
            (Err(Failure::Unanswered(_)), Some(sent)) => {
                state.lost_patches.insert(id.clone(), sent);
            }
            // The PATCH had no effect, so the earlier knowledge stays.
            (Err(_), _) => {
                let newest = if state.giving_way.contains(id) {
                    Newest::GivesWay
                } else {
                    Newest::Pending
                };
                state.newest.insert(id.clone(), newest);
            }
        }
    }
}

impl State {
    fn learn(&mut self, id: &AttachmentId, answer: &Result<Presence, Failure>) {
        let newest = match answer {
            Ok(Presence::Absent) => {
                self.chosen.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(Presence::Pending { .. }) => Newest::Pending,
            Ok(Presence::Stored { .. }) => Newest::Stored,
            Ok(_) | Err(_) => return,
        };
        // An attachment to be replaced stays so if another row asks for it to see whether the keys
        // are good.
        let gives_way = self.newest.get(id) == Some(&Newest::GivesWay);
        if !(gives_way && newest == Newest::Stored) {
            self.newest.insert(id.clone(), newest);
        }
    }

    fn issue(&mut self, id: &AttachmentId, places: &[Place<Address>]) {
        let addresses = places.iter().flat_map(|place| place.target.clone());
        self.addresses
            .extend(addresses.map(|address| (address, id.clone())));
    }
}
