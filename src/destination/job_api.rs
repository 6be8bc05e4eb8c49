//! Interface of a service which runs a short-lived job for several files of one object.
//!
//! A job is found by the job's id alone. The job names the upload targets once it has started, and
//! ends by itself: in success if the bytes of all files came.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file_names::pair_file_names;
use super::{Destination, NewFile, UploadTarget};
use crate::http::ApiFailure;
use crate::model::{AttachmentId, ObjectRef};

/// Job under an id, as a look-up finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPresence<T> {
    /// No job, or a job which the service has forgotten.
    Absent,
    /// A job in progress: not started yet, waiting for bytes, or processing the bytes.
    Running {
        /// Latest status of the job in the service's words, for people.
        status: String,
        /// Addresses for the bytes of the files, as far as the job lists them.
        upload_targets: Vec<UploadTarget<T>>,
    },
    /// A job which has ended.
    Ended(JobOutcome),
}

/// Result of a job which has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// Final status of the job with its error messages, for people.
    pub message: String,
    /// Outcome of each file which the job names.
    pub named_files: BTreeMap<String, FileOutcome>,
    /// Outcome of every file which the job does not name.
    pub other_files: FileOutcome,
}

/// Result of a job for a single file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// The file is attached to its object.
    Attached,
    /// The file is not attached. Holds the service's reason.
    NotAttached(String),
    /// The service does not say whether the file is attached.
    Unknown,
}

impl JobOutcome {
    /// Returns the result of a job about whose files nothing is known.
    pub fn with_unknown_files(word: &str) -> Self {
        Self {
            message: word.to_owned(),
            named_files: BTreeMap::new(),
            other_files: FileOutcome::Unknown,
        }
    }

    /// Returns the outcome of a file.
    pub fn file_outcome(&self, file_name: &str) -> &FileOutcome {
        self.file_outcomes(&[file_name])
            .pop()
            .unwrap_or(&self.other_files)
    }

    /// Returns the outcomes of files which are known to be different, in the order of `file_names`.
    pub fn file_outcomes(&self, file_names: &[&str]) -> Vec<&FileOutcome> {
        let told: Vec<&str> = self.named_files.keys().map(String::as_str).collect();
        let outcome = |place: usize| {
            self.named_files
                .get(told[place])
                .unwrap_or(&self.other_files)
        };
        let pairs = pair_file_names(file_names, &told).into_iter();
        pairs
            .map(|pair| pair.map_or(&self.other_files, outcome))
            .collect()
    }
}

/// Job to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Object to which the files are attached.
    pub object: ObjectRef,
    /// Files of the job: at least one, with distinct names.
    pub files: Vec<NewFile>,
}

/// Job which was just created.
#[derive(Debug)]
pub struct CreatedJob<T> {
    /// Id of the new job.
    pub id: AttachmentId,
    /// Addresses for the bytes of the files; empty where the service names them later.
    pub upload_targets: Vec<UploadTarget<T>>,
}

/// Service which runs jobs.
pub trait JobApi: Destination {
    /// Longest time from the upload of a job's files to its end. After this time the rows of the
    /// job are left to a later run.
    fn job_timeout(&self) -> Duration;

    /// Creates a job.
    fn create_job(
        &self,
        new: &NewJob,
    ) -> impl Future<Output = Result<CreatedJob<Self::Target>, ApiFailure>> + Send;

    /// Looks up a job by id.
    fn get_job(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<JobPresence<Self::Target>, ApiFailure>> + Send;
}
