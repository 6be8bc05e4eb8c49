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

use crate::power_and_disk::SimulatedDisk;
use crate::scene::{JobWatcher, LineWatch, RunWatcher};
use crate::story_log::StoryLog;

/// Time after which a known address is too old for use.
const ADDRESS_LIFE: Duration = Duration::from_mins(1);

/// Longest time between uploads that start together.
const SAME_WAVE_WITHIN: Duration = Duration::from_secs(1);

/// Watcher of the runs of a seed.
pub(crate) struct JobReferee {
    log: StoryLog,
    disk: Arc<SimulatedDisk>,
    line_watch: LineWatch,
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
    known_since: HashMap<MemoryAddress, Instant>,
    /// Addresses used by the run.
    used_addresses: HashSet<MemoryAddress>,
    /// Time of the first upload to the addresses shown by a job at the same moment.
    first_sent: HashMap<(AttachmentId, Instant), Instant>,
}

/// Acts of the client on a job, and the client's knowledge of the job.
#[derive(Default)]
struct WatchedJob {
    /// Row of each file name.
    rows_by_file_name: HashMap<String, ExternalId>,
    end: Option<JobOutcome>,
    /// Rows whose bytes the job may have, from any run.
    may_have_bytes_of: HashSet<ExternalId>,
    /// Rows whose bytes the job has for certain, by the answers of the run.
    has_bytes_of: HashSet<ExternalId>,
    /// Rows whose upload is under way, with `true` if the job may have had the bytes before.
    puts_under_way: HashMap<ExternalId, bool>,
    /// Rows to be retried, after a look of a person at the failed job.
    may_be_retried: HashSet<ExternalId>,
    /// `true` if changed rows have split the job: some rows go on apart.
    is_split: bool,
}

impl JobReferee {
    pub(super) fn new(disk: Arc<SimulatedDisk>, line_watch: LineWatch) -> Self {
        Self {
            log: StoryLog::new(),
            disk,
            line_watch,
            state: Mutex::default(),
        }
    }

    /// Allows a retry: a person has seen that the file of a row is not there.
    pub(super) fn allow_retry(&self, key: &ExternalId) {
        for job in self.state().jobs.values_mut() {
            job.may_be_retried.insert(key.clone());
        }
    }

    /// Notes a job split by changed rows in the current run: some rows go on apart.
    pub(super) fn note_split(&self, id: &AttachmentId) {
        if let Some(job) = self.state().jobs.get_mut(id) {
            job.is_split = true;
        }
    }

    fn state(&self) -> MutexGuard<'_, JobRefereeState> {
        self.state.lock().unwrap()
    }

    /// Returns `true` if the newest durable line of a row has the status and, where given, the job
    /// and the reason. Always `true` if lines are not watched.
    fn has_durable_line(
        &self,
        key: &ExternalId,
        status: Status,
        of: Option<(&AttachmentId, StatusReason)>,
    ) -> bool {
        if self.line_watch == LineWatch::Off {
            return true;
        }
        self.disk.durable_line(key.as_str()).is_some_and(|line| {
            let of_job = of.is_none_or(|(id, reason)| {
                line.attachment_id.as_ref() == Some(id) && line.reason == reason
            });
            line.status == status && of_job
        })
    }
}

impl RunWatcher for JobReferee {
    fn log(&self) -> &StoryLog {
        &self.log
    }

    fn run_begins(&self) {
        let mut state = self.state();
        state.known_since.clear();
        state.used_addresses.clear();
        state.first_sent.clear();
        for job in state.jobs.values_mut() {
            job.has_bytes_of.clear();
            job.puts_under_way.clear();
            job.is_split = false;
        }
    }

    fn before_put(&self, address: MemoryAddress) -> AttachmentId {
        let mut state = self.state();
        let (id, file_name) = state.addresses[&address].clone();
        let age = state.known_since[&address].elapsed();
        let is_later = state.is_later_than_others(&id, address);
        let Some(job) = state.jobs.get_mut(&id) else {
            self.log.foul(format!("PUT to {id:?}, which is not ours"));
            return id;
        };
        let key = job.rows_by_file_name[&file_name].clone();
        self.log.note_exchange("put", &(&id, &key), &"...");
        if age > ADDRESS_LIFE {
            self.log.foul(format!("PUT of {key} to an expired address"));
        }
        if !self.has_durable_line(&key, Status::Created, Some((&id, StatusReason::Sending))) {
            self.log
                .foul(format!("PUT of {key} without a durable line for {id:?}"));
        }
        if is_later && !job.is_split {
            let what = format!("PUT of {key} to {id:?} later than those of others");
            self.log.foul(what);
        }
        if let Some(why) = job.objection_to_bytes(&key) {
            self.log.foul(format!("PUT of {key} to {id:?}, {why}"));
        }
        let before = !job.may_have_bytes_of.insert(key.clone());
        job.puts_under_way.insert(key, before);
        id
    }

    fn after_put(&self, address: MemoryAddress, answer: &Result<PutReceipt, PutFailure>) {
        let mut state = self.state();
        let (id, file_name) = state.addresses[&address].clone();
        let Some(job) = state.jobs.get_mut(&id) else {
            return;
        };
        let key = job.rows_by_file_name[&file_name].clone();
        self.log.note_exchange("put", &(&id, &key), answer);
        let before = job.puts_under_way.remove(&key).unwrap_or(true);
        match answer {
            Ok(_) => {
                job.has_bytes_of.insert(key);
            }
            Err(PutFailure::Interrupted(_)) => {}
            // No byte has arrived, now or before.
            Err(_) if !before => {
                job.may_have_bytes_of.remove(&key);
            }
            Err(_) => {}
        }
    }
}

impl JobWatcher for JobReferee {
    fn after_get_job(
        &self,
        id: &AttachmentId,
        answer: &Result<JobPresence<MemoryAddress>, ApiFailure>,
    ) {
        self.log.note_exchange("get", id, answer);
        let mut state = self.state();
        match answer {
            Ok(JobPresence::Running {
                upload_targets: places,
                ..
            }) => state.note_addresses(id, places),
            Ok(JobPresence::Ended(end)) => {
                if let Some(job) = state.jobs.get_mut(id) {
                    job.end = Some(end.clone());
                }
            }
            _ => {}
        }
    }

    fn before_create_job(&self, new: &NewJob) {
        let keys: Vec<_> = new.files.iter().map(|file| &file.external_id).collect();
        self.log
            .note_exchange("create", &(new.object, &keys), &"...");
        let state = self.state();
        for file in &new.files {
            let key = &file.external_id;
            if !self.has_durable_line(key, Status::Creating, None) {
                self.log
                    .foul(format!("POST of {key} without a durable line"));
            }
            for (id, job) in &state.jobs {
                if let Some(why) = job.objection_to_another_job(key) {
                    self.log
                        .foul(format!("POST of {key} although {id:?} {why}"));
                }
            }
        }
    }

    fn after_create_job(
        &self,
        new: &NewJob,
        answer: &Result<CreatedJob<MemoryAddress>, ApiFailure>,
    ) {
        self.log.note_exchange("create", &new.object, answer);
        let Ok(created) = answer else { return };
        let files = new.files.iter();
        let keys = files.map(|file| (file.file_name.clone(), file.external_id.clone()));
        let job = WatchedJob {
            rows_by_file_name: keys.collect(),
            ..WatchedJob::default()
        };
        let mut state = self.state();
        state.jobs.insert(created.id.clone(), job);
        state.note_addresses(&created.id, &created.upload_targets);
    }
}

impl JobRefereeState {
    fn note_addresses(&mut self, id: &AttachmentId, places: &[UploadTarget<MemoryAddress>]) {
        for place in places {
            if let Ok(address) = place.target {
                let file = (id.clone(), place.file_name.clone());
                self.addresses.insert(address, file);
                if !self.used_addresses.contains(&address) {
                    self.known_since.insert(address, Instant::now());
                }
            }
        }
    }

    /// Notes the use of an address. Returns `true` at the first use, if uploads to the other
    /// addresses of the same answer began too long ago.
    fn is_later_than_others(&mut self, id: &AttachmentId, address: MemoryAddress) -> bool {
        let wave = (id.clone(), self.known_since[&address]);
        let began = self.first_sent.entry(wave).or_insert_with(Instant::now);
        self.used_addresses.insert(address) && began.elapsed() > SAME_WAVE_WITHIN
    }
}

impl WatchedJob {
    /// Returns the reason why a row must not go into another job. `None` if the row may.
    fn objection_to_another_job(&self, key: &ExternalId) -> Option<&'static str> {
        if !self.may_have_bytes_of.contains(key) || self.may_be_retried.contains(key) {
            return None;
        }
        let Some(end) = &self.end else {
            return Some("has not ended");
        };
        let file_name = self.rows_by_file_name.iter().find(|(_, of)| *of == key)?.0;
        match end.file_outcome(file_name) {
            FileOutcome::NotAttached(_) => None,
            FileOutcome::Attached => Some("has attached its file"),
            FileOutcome::Unknown => Some("may have attached its file"),
        }
    }

    /// Returns the reason why the bytes of a row must not be sent to the job. `None` if the bytes
    /// may.
    fn objection_to_bytes(&self, key: &ExternalId) -> Option<&'static str> {
        self.has_bytes_of
            .contains(key)
            .then_some("which has the bytes")
    }
}
