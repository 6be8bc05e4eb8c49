//! Store of the jobs' records: in memory, and written through to the state folder as one small JSON
//! file per job, like the attachments' records. This module does not know HTTP.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use uuid::Uuid;

use super::job_record::{JobRecord, StoredJobPhase};
use super::job_settings::NamesakePolicy;
use crate::emulator::state_folder::{StateError, StatePaths, read_json_files, write_atomically};
use crate::emulator::storage::StoredContent;

/// Records of all jobs, indexed by number and by id.
#[derive(Debug)]
pub(super) struct JobStore {
    folder: StatePaths,
    by_number: BTreeMap<u64, JobRecord>,
    by_id: HashMap<Uuid, u64>,
}

impl JobStore {
    /// Loads the jobs of the state folder.
    pub(super) fn load(folder: StatePaths) -> Result<Self, StateError> {
        let mut jobs = Self {
            by_number: BTreeMap::new(),
            by_id: HashMap::new(),
            folder,
        };
        for job in read_json_files::<JobRecord>(&jobs.folder.jobs)? {
            jobs.index(job);
        }
        Ok(jobs)
    }

    /// Number of the next job.
    pub(super) fn next_number(&self) -> u64 {
        self.by_number
            .last_key_value()
            .map_or(1, |(last, _)| last + 1)
    }

    /// Job with an id, if there is one.
    pub(super) fn get(&self, id: Uuid) -> Option<&JobRecord> {
        self.by_number.get(self.by_id.get(&id)?)
    }

    /// All jobs, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &JobRecord> {
        self.by_number.values().rev()
    }

    /// Writes a job, new or changed. The memory changes only if the file was written.
    pub(super) fn put(&mut self, job: JobRecord) -> io::Result<()> {
        let json = serde_json::to_vec(&job)?;
        let path = self.folder.jobs.join(format!("{}.json", job.id));
        write_atomically(&self.folder.incoming, &path, &json)?;
        self.index(job);
        Ok(())
    }

    /// Writes the content of the file with a storage key into a job's record. No job with the id:
    /// no change.
    pub(super) fn note_content(
        &mut self,
        id: Uuid,
        key: &str,
        content: StoredContent,
    ) -> io::Result<()> {
        let Some(mut job) = self.get(id).cloned() else {
            return Ok(());
        };
        for file in job.files.iter_mut().filter(|file| file.key == key) {
            file.content = Some(content);
        }
        self.put(job)
    }

    fn index(&mut self, job: JobRecord) {
        self.by_id.insert(job.id, job.number);
        self.by_number.insert(job.number, job);
    }
}

/// Attached file of a job in a state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJobFile {
    /// Id of the job.
    pub job: String,
    /// Object to which the file is attached, in the form `sourcing_event UUID`.
    pub object: String,
    /// Name of the file.
    pub name: String,
    /// Size in bytes, as reported by the service.
    pub size: u64,
    /// Path of the file with the bytes.
    pub bytes: PathBuf,
}

/// Job in a state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Id given by the service.
    pub id: String,
    /// Object to which the job attaches the files, in the form `sourcing_event UUID`.
    pub object: String,
    /// Phase at the time of reading.
    pub phase: StoredJobPhase,
    /// Names of the files, as the POST gave them.
    pub files: Vec<String>,
}

/// Reads all jobs from a state folder, the oldest first. An emulator may be running on the folder.
pub fn stored_jobs(state: &Path) -> Result<Vec<StoredJob>, StateError> {
    let now = Timestamp::now();
    let stored = |job: JobRecord| StoredJob {
        id: job.id.to_string(),
        object: job.object.to_string(),
        phase: job.phase_at(now),
        files: job.files.into_iter().map(|file| file.name).collect(),
    };
    let jobs = read_jobs_in_order(&StatePaths::below(state))?;
    Ok(jobs.into_iter().map(stored).collect())
}

/// Reads all attached files from a state folder, in the order of the jobs' ends. An emulator may be
/// running on the folder. After an import that kept its promise, each file of the manifest is there
/// once.
pub fn stored_job_files(state: &Path) -> Result<Vec<StoredJobFile>, StateError> {
    let folder = StatePaths::below(state);
    let now = Timestamp::now();
    let mut ended = read_jobs_in_order(&folder)?;
    ended.retain(|job| job.phase_at(now).is_final());
    // The sort is stable: jobs with the same end stay in the order of creation.
    ended.sort_by_key(|job| job.expected_end().map(|end| end.at));
    let mut attached = Vec::new();
    for job in &ended {
        add_attached_files(job, now, &folder, &mut attached);
    }
    Ok(attached)
}

fn read_jobs_in_order(folder: &StatePaths) -> Result<Vec<JobRecord>, StateError> {
    let mut jobs: Vec<JobRecord> = read_json_files(&folder.jobs)?;
    jobs.sort_by_key(|job| job.number);
    Ok(jobs)
}

/// Adds the attached files of an ended job to the files of the jobs before.
fn add_attached_files(
    job: &JobRecord,
    now: Timestamp,
    folder: &StatePaths,
    attached: &mut Vec<StoredJobFile>,
) {
    let phase = job.phase_at(now);
    let object = job.object.to_string();
    for file in job.files.iter().filter(|file| job.attaches(file, phase)) {
        let Some(content) = file.content else {
            continue;
        };
        if job.terms.namesakes == NamesakePolicy::Replaced {
            attached.retain(|earlier| earlier.object != object || earlier.name != file.name);
        }
        attached.push(StoredJobFile {
            job: job.id.to_string(),
            object: object.clone(),
            name: file.name.clone(),
            size: content.size,
            bytes: folder.object_file(&file.key),
        });
    }
}
