//! The referee: knows the rules of the protocol, sees every request and answer of every run, and
//! notes each foul. It does not know how the client decides.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use consign::destination::memory::Address;
use consign::destination::{Created, Failure, NewRecord, Place, Presence, PutFailure, Receipt};
use consign::model::{AttachmentId, ExternalId};
use consign::results::Status;
use tokio::time::Instant;

use crate::machine::Disk;
use crate::record::Record;
use crate::scene::{Lines, Watches};

/// After so long a PATCH is over, whether it was answered or not.
const DRAIN: Duration = Duration::from_mins(1);

/// So many look-ups must find nothing before there may be another POST.
const LOOKS: u32 = 3;

/// Watches the runs of one seed.
pub(crate) struct Referee {
    record: Record,
    disk: Arc<Disk>,
    lines: Lines,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the newest answer in this run said of an attachment.
    newest: HashMap<AttachmentId, Newest>,
    /// The `external_id` under which an attachment was made or found.
    keys: HashMap<AttachmentId, ExternalId>,
    addresses: HashMap<Address, AttachmentId>,
    /// The attachments to which bytes were sent, by their key: nothing but their absence permits
    /// another one.
    chosen: HashMap<ExternalId, AttachmentId>,
    posts_under_way: HashSet<ExternalId>,
    /// Each POST of unknown fate, and how many look-ups found nothing since.
    lost_posts: HashMap<ExternalId, u32>,
    patches_under_way: HashMap<AttachmentId, Instant>,
    /// Each PATCH of unknown fate, and when they were sent.
    lost_patches: HashMap<AttachmentId, Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newest {
    Pending,
    Stored,
}

impl Referee {
    pub(crate) fn new(disk: Arc<Disk>, lines: Lines) -> Self {
        Self {
            record: Record::new(),
            disk,
            lines,
            state: Mutex::default(),
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

impl Watches for Referee {
    fn record(&self) -> &Record {
        &self.record
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

    fn found(&self, key: &ExternalId, answer: &Result<Presence<Address>, Failure>) {
        self.say("find", key, answer);
        let mut state = self.state();
        match answer {
            Ok(Presence::Absent) => {
                if let Some(looks) = state.lost_posts.get_mut(key) {
                    *looks += 1;
                }
            }
            Ok(Presence::Pending { id } | Presence::Stored { id, .. }) => {
                // What a POST of unknown fate has made is known now.
                state.lost_posts.remove(key);
                state.keys.insert(id.clone(), key.clone());
                state.learn(id, answer);
            }
            _ => {}
        }
    }

    fn got(&self, id: &AttachmentId, answer: &Result<Presence<Address>, Failure>) {
        self.say("get", id, answer);
        self.state().learn(id, answer);
    }

    fn listed(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, Presence<Address>>, Failure>,
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
                // That the list does not name it proves nothing.
                _ => continue,
            };
            state.newest.insert(id.clone(), newest);
        }
    }

    fn creating(&self, new: &NewRecord) {
        let key = &new.files[0].external_id;
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

    fn created(&self, new: &NewRecord, answer: &Result<Created<Address>, Failure>) {
        let key = &new.files[0].external_id;
        self.say("create", key, answer);
        let mut state = self.state();
        state.posts_under_way.remove(key);
        match answer {
            Ok(created) => {
                state.lost_posts.remove(key);
                state.keys.insert(created.id.clone(), key.clone());
                state.issue(&created.id, &created.places);
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
        if newest != Some(Newest::Pending) {
            self.foul(format!(
                "PATCH of {id:?}, of which the newest answer is {newest:?}"
            ));
        }
        state.patches_under_way.insert(id.clone(), Instant::now());
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
            // It had no effect, so what was known before is known still.
            (Err(_), _) => {
                state.newest.insert(id.clone(), Newest::Pending);
            }
        }
    }

    fn putting(&self, address: Address) -> AttachmentId {
        let mut state = self.state();
        let id = state.addresses[&address].clone();
        let key = state.keys[&id].clone();
        let line = self.disk.durable(key.as_str());
        let announced = line.is_some_and(|line| {
            line.status == Status::Created && line.attachment_id.as_ref() == Some(&id)
        });
        if self.lines == Lines::AreWatched && !announced {
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

impl State {
    fn learn(&mut self, id: &AttachmentId, answer: &Result<Presence<Address>, Failure>) {
        let newest = match answer {
            Ok(Presence::Absent) => {
                self.chosen.retain(|_, chosen| chosen != id);
                return;
            }
            Ok(Presence::Pending { .. }) => Newest::Pending,
            Ok(Presence::Stored { .. }) => Newest::Stored,
            Ok(_) | Err(_) => return,
        };
        self.newest.insert(id.clone(), newest);
    }

    fn issue(&mut self, id: &AttachmentId, places: &[Place<Address>]) {
        let addresses = places.iter().flat_map(|place| place.target.clone());
        self.addresses
            .extend(addresses.map(|address| (address, id.clone())));
    }
}
