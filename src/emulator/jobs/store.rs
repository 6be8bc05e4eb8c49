//! The jobs: in memory, and written through to the state folder, one small JSON file for each, in
//! the manner of the attachments' records. No HTTP here.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use uuid::Uuid;

use super::job::{Job, Phase};
use super::settings::Namesakes;
use crate::emulator::folder::{Folder, StateError, read_all, write_atomically};
use crate::emulator::storage::Content;

/// Every job, by its place and by its id.
#[derive(Debug)]
pub(super) struct JobStore {
    folder: Folder,
    by_number: BTreeMap<u64, Job>,
    by_id: HashMap<Uuid, u64>,
}

impl JobStore {
    /// Loads what the folder holds.
    pub(super) fn load(folder: Folder) -> Result<Self, StateError> {
        let mut jobs = Self {
            by_number: BTreeMap::new(),
            by_id: HashMap::new(),
            folder,
        };
        for job in read_all::<Job>(&jobs.folder.jobs)? {
            jobs.index(job);
        }
        Ok(jobs)
    }

    /// The place of the next job.
    pub(super) fn next_number(&self) -> u64 {
        self.by_number
            .last_key_value()
            .map_or(1, |(last, _)| last + 1)
    }

    /// The job of an id.
    pub(super) fn get(&self, id: Uuid) -> Option<&Job> {
        self.by_number.get(self.by_id.get(&id)?)
    }

    /// All of them, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Job> {
        self.by_number.values().rev()
    }

    /// Writes a job, new or altered. What is in memory changes only if that went well.
    pub(super) fn put(&mut self, job: Job) -> io::Result<()> {
        let json = serde_json::to_vec(&job)?;
        let path = self.folder.jobs.join(format!("{}.json", job.id));
        write_atomically(&self.folder.incoming, &path, &json)?;
        self.index(job);
        Ok(())
    }

    /// Notes that bytes came for a storage key of a job.
    pub(super) fn note_content(&mut self, id: Uuid, key: &str, content: Content) -> io::Result<()> {
        let Some(mut job) = self.get(id).cloned() else {
            return Ok(());
        };
        for file in job.files.iter_mut().filter(|file| file.key == key) {
            file.content = Some(content);
        }
        self.put(job)
    }

    fn index(&mut self, job: Job) {
        self.by_id.insert(job.id, job.number);
        self.by_number.insert(job.number, job);
    }
}

/// A file that a job attached, as it stands in a state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFile {
    /// The id of its job.
    pub job: String,
    /// What it is attached to, in the manner of `sourcing_event UUID`.
    pub object: String,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: u64,
    /// The file that holds its bytes.
    pub bytes: PathBuf,
}

/// A job as it stands in a state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Its id.
    pub id: String,
    /// What it attaches files to, in the manner of `sourcing_event UUID`.
    pub object: String,
    /// What it is at now.
    pub phase: Phase,
    /// The names of its files, as they were asked for.
    pub files: Vec<String>,
}

/// Every job in a state folder, the oldest first. An emulator may be running on it.
pub fn jobs(state: &Path) -> Result<Vec<StoredJob>, StateError> {
    let now = Timestamp::now();
    let stored = |job: Job| StoredJob {
        id: job.id.to_string(),
        object: job.object.to_string(),
        phase: job.phase(now),
        files: job.files.into_iter().map(|file| file.name).collect(),
    };
    let jobs = in_order(&Folder::below(state))?;
    Ok(jobs.into_iter().map(stored).collect())
}

/// Every file in a state folder that is attached by now, in the order in which the jobs ended. An
/// emulator may be running on it. After an import that kept its promise, each file of the manifest
/// is there once.
pub fn job_files(state: &Path) -> Result<Vec<JobFile>, StateError> {
    let folder = Folder::below(state);
    let now = Timestamp::now();
    let mut ended = in_order(&folder)?;
    ended.retain(|job| job.phase(now).is_final());
    // A sort that keeps the order of those that are equal.
    ended.sort_by_key(|job| job.end().map(|end| end.at));
    let mut attached = Vec::new();
    for job in &ended {
        attach(job, now, &folder, &mut attached);
    }
    Ok(attached)
}

fn in_order(folder: &Folder) -> Result<Vec<Job>, StateError> {
    let mut jobs: Vec<Job> = read_all(&folder.jobs)?;
    jobs.sort_by_key(|job| job.number);
    Ok(jobs)
}

/// Adds the files of a job that has ended to those of the jobs before it.
fn attach(job: &Job, now: Timestamp, folder: &Folder, attached: &mut Vec<JobFile>) {
    let phase = job.phase(now);
    let object = job.object.to_string();
    for file in job.files.iter().filter(|file| job.attaches(file, phase)) {
        let Some(content) = file.content else {
            continue;
        };
        if job.terms.namesakes == Namesakes::Replaced {
            attached.retain(|earlier| earlier.object != object || earlier.name != file.name);
        }
        attached.push(JobFile {
            job: job.id.to_string(),
            object: object.clone(),
            name: file.name.clone(),
            size: content.size,
            bytes: folder.object(&file.key),
        });
    }
}
