//! Referee of jobs: knows the rules of the protocol, sees every request and answer of every run,
//! and notes each foul. The referee does not know how the client decides.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::memory_service::MemoryAddress;
use consign::destination::{
    CreatedJob, FileOutcome, JobOutcome, JobPresence, NewJob, UploadTarget,
};
use consign::http::{ApiFailure, PutFailure, PutReceipt};
use consign::model::{AttachmentId, ExternalId};
use consign::results::{Status, StatusReason};
use tokio::time::Instant;

use crate::machine::SimulatedDisk;
use crate::record::StoryLog;
use crate::scene::{JobWatcher, LineWatch, RunWatcher};

/// Time after which a known address is too old for use.
const ADDRESS_LIFE: Duration = Duration::from_mins(1);

/// Longest time between uploads that start together.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Watcher of the runs of a seed.
pub(crate) struct JobReferee {
    record: StoryLog,
    disk: Arc<SimulatedDisk>,
    lines: LineWatch,
    state: Mutex<JobRefereeState>,
}

/// Knowledge of the referee about jobs and their addresses.
#[derive(Default)]
struct JobRefereeState {
    jobs: HashMap<AttachmentId, WatchedJob>,
    /// Job and file name of each address.
    addresses: HashMap<MemoryAddress, (AttachmentId, String)>,
    /// Time since which the run knows each address; all addresses of an answer share the time.
    /// Until an address is used, the newest answer counts, since not every answer goes to a user of
    /// addresses.
    known: HashMap<MemoryAddress, Instant>,
    /// Addresses used by the run.
    used: HashSet<MemoryAddress>,
    /// Time of the first upload to the addresses shown by a job at the same moment.
    waves: HashMap<(AttachmentId, Instant), Instant>,
}

/// Acts of the client on a job, and the client's knowledge of the job.
#[derive(Default)]
struct WatchedJob {
    /// Row of each file name.
    keys: HashMap<String, ExternalId>,
    end: Option<JobOutcome>,
    /// Rows whose bytes the job may have, from any run.
    sent: HashSet<ExternalId>,
    /// Rows whose bytes the job has for certain, by the answers of the run.
    taken: HashSet<ExternalId>,
    /// Rows whose upload is under way, with `true` if the job may have had the bytes before.
    under_way: HashMap<ExternalId, bool>,
    /// Rows to be retried, after a look of a person at the failed job.
    pardoned: HashSet<ExternalId>,
    /// `true` if changed rows have split the job: some rows go on apart.
    goes_on_apart: bool,
}

impl JobReferee {
    pub(super) fn new(disk: Arc<SimulatedDisk>, lines: LineWatch) -> Self {
        Self {
            record: StoryLog::new(),
            disk,
            lines,
            state: Mutex::default(),
        }
    }

    /// Allows a retry: a person has seen that the file of a row is not there.
    pub(super) fn pardon(&self, key: &ExternalId) {
        for job in self.state().jobs.values_mut() {
            job.pardoned.insert(key.clone());
        }
    }

    /// Notes a job split by changed rows in the current run: some rows go on apart.
    pub(super) fn goes_on_apart(&self, id: &AttachmentId) {
        if let Some(job) = self.state().jobs.get_mut(id) {
            job.goes_on_apart = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, JobRefereeState> {
        self.state.lock().unwrap()
    }

    /// Returns `true` if the newest durable line of a row has the status and, where given, the job
    /// and the reason. Always `true` if lines are not watched.
    fn line_says(
        &self,
        key: &ExternalId,
        status: Status,
        of: Option<(&AttachmentId, StatusReason)>,
    ) -> bool {
        if self.lines == LineWatch::AreNotWatched {
            return true;
        }
        self.disk.durable(key.as_str()).is_some_and(|line| {
            let of_job = of.is_none_or(|(id, reason)| {
                line.attachment_id.as_ref() == Some(id) && line.reason == reason
            });
            line.status == status && of_job
        })
    }
}

impl RunWatcher for JobReferee {
    fn record(&self) -> &StoryLog {
        &self.record
    }

    fn new_run(&self) {
        let mut state = self.state();
        state.known.clear();
        state.used.clear();
        state.waves.clear();
        for job in state.jobs.values_mut() {
            job.taken.clear();
            job.under_way.clear();
            job.goes_on_apart = false;
        }
    }

    fn putting(&self, address: MemoryAddress) -> AttachmentId {
        let mut state = self.state();
        let (id, file_name) = state.addresses[&address].clone();
        let age = state.known[&address].elapsed();
        let is_later = state.is_later_than_others(&id, address);
        let Some(job) = state.jobs.get_mut(&id) else {
            self.record
                .foul(format!("PUT to {id:?}, which is not ours"));
            return id;
        };
        let key = job.keys[&file_name].clone();
        self.record.say("put", &(&id, &key), &"...");
        if age > ADDRESS_LIFE {
            self.record
                .foul(format!("PUT of {key} to an address of old"));
        }
        if !self.line_says(&key, Status::Created, Some((&id, StatusReason::Sending))) {
            self.record
                .foul(format!("PUT of {key} without a durable line for {id:?}"));
        }
        if is_later && !job.goes_on_apart {
            let what = format!("PUT of {key} to {id:?} later than those of others");
            self.record.foul(what);
        }
        if let Some(why) = job.speaks_against_bytes(&key) {
            self.record.foul(format!("PUT of {key} to {id:?}, {why}"));
        }
        let before = !job.sent.insert(key.clone());
        job.under_way.insert(key, before);
        id
    }

    fn put(&self, address: MemoryAddress, answer: &Result<PutReceipt, PutFailure>) {
        let mut state = self.state();
        let (id, file_name) = state.addresses[&address].clone();
        let Some(job) = state.jobs.get_mut(&id) else {
            return;
        };
        let key = job.keys[&file_name].clone();
        self.record.say("put", &(&id, &key), answer);
        let before = job.under_way.remove(&key).unwrap_or(true);
        match answer {
            Ok(_) => {
                job.taken.insert(key);
            }
            Err(PutFailure::Interrupted(_)) => {}
            // No byte has arrived, now or before.
            Err(_) if !before => {
                job.sent.remove(&key);
            }
            Err(_) => {}
        }
    }
}

impl JobWatcher for JobReferee {
    fn looked_up(
        &self,
        id: &AttachmentId,
        answer: &Result<JobPresence<MemoryAddress>, ApiFailure>,
    ) {
        self.record.say("get", id, answer);
        let mut state = self.state();
        match answer {
            Ok(JobPresence::Running {
                upload_targets: places,
                ..
            }) => state.issue(id, places),
            Ok(JobPresence::Ended(end)) => {
                if let Some(job) = state.jobs.get_mut(id) {
                    job.end = Some(end.clone());
                }
            }
            _ => {}
        }
    }

    fn creating(&self, new: &NewJob) {
        let keys: Vec<_> = new.files.iter().map(|file| &file.external_id).collect();
        self.record.say("create", &(new.object, &keys), &"...");
        let state = self.state();
        for file in &new.files {
            let key = &file.external_id;
            if !self.line_says(key, Status::Creating, None) {
                self.record
                    .foul(format!("POST of {key} without a durable line"));
            }
            for (id, job) in &state.jobs {
                if let Some(why) = job.speaks_against_another(key) {
                    self.record
                        .foul(format!("POST of {key} although {id:?} {why}"));
                }
            }
        }
    }

    fn created(&self, new: &NewJob, answer: &Result<CreatedJob<MemoryAddress>, ApiFailure>) {
        self.record.say("create", &new.object, answer);
        let Ok(created) = answer else { return };
        let files = new.files.iter();
        let keys = files.map(|file| (file.file_name.clone(), file.external_id.clone()));
        let job = WatchedJob {
            keys: keys.collect(),
            ..WatchedJob::default()
        };
        let mut state = self.state();
        state.jobs.insert(created.id.clone(), job);
        state.issue(&created.id, &created.upload_targets);
    }
}

impl JobRefereeState {
    fn issue(&mut self, id: &AttachmentId, places: &[UploadTarget<MemoryAddress>]) {
        for place in places {
            if let Ok(address) = place.target {
                let file = (id.clone(), place.file_name.clone());
                self.addresses.insert(address, file);
                if !self.used.contains(&address) {
                    self.known.insert(address, Instant::now());
                }
            }
        }
    }

    /// Notes the use of an address. Returns `true` at the first use, if uploads to the other
    /// addresses of the same answer began too long ago.
    fn is_later_than_others(&mut self, id: &AttachmentId, address: MemoryAddress) -> bool {
        let wave = (id.clone(), self.known[&address]);
        let began = self.waves.entry(wave).or_insert_with(Instant::now);
        self.used.insert(address) && began.elapsed() > AT_ONCE
    }
}

impl WatchedJob {
    /// Returns the reason why a row must not go into another job. `None` if the row may.
    fn speaks_against_another(&self, key: &ExternalId) -> Option<&'static str> {
        if !self.sent.contains(key) || self.pardoned.contains(key) {
            return None;
        }
        let Some(end) = &self.end else {
            return Some("has not ended");
        };
        let file_name = self.keys.iter().find(|(_, of)| *of == key)?.0;
        match end.file_outcome(file_name) {
            FileOutcome::NotAttached(_) => None,
            FileOutcome::Attached => Some("has attached its file"),
            FileOutcome::Unknown => Some("may have attached its file"),
        }
    }

    /// Returns the reason why the bytes of a row must not be sent to the job. `None` if the bytes
    /// may.
    fn speaks_against_bytes(&self, key: &ExternalId) -> Option<&'static str> {
        self.taken.contains(key).then_some("which has them")
    }
}
