//! A service that makes a passing job for several files of one object.
//!
//! Nothing finds a job but its own id. It names the places for the bytes once it has started, and ends
//! by itself: in success if all came.

use std::collections::BTreeMap;
use std::time::Duration;

use super::file_names::paired;
use super::{Destination, NewFile, Place};
use crate::http::Failure;
use crate::model::{AttachmentId, ObjectRef};

/// What the service has under the id of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobPresence<T> {
    /// Nothing, or nothing any more.
    Absent,
    /// A job that goes on: it waits to be started, or for bytes, or is at work on them.
    Running {
        /// The job's last word on how it stands, for people.
        word: String,
        /// Where its files go, as far as it says so.
        places: Vec<Place<T>>,
    },
    /// A job that has ended.
    Ended(End),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The job's last word, and what else it says, for people.
    pub word: String,
    /// What became of the files that the job speaks of by name.
    pub files: BTreeMap<String, Fate>,
    /// What became of the others.
    pub others: Fate,
}

/// What became of one file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is on its object.
    Attached,
    /// It is not. Says why, as the service does.
    NotAttached(String),
    /// The service does not say.
    Unknown,
}

impl End {
    /// An end of which nothing is known but a word.
    pub fn unknown(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            files: BTreeMap::new(),
            others: Fate::Unknown,
        }
    }

    /// What became of a file.
    pub fn fate(&self, file_name: &str) -> &Fate {
        self.fates(&[file_name]).pop().unwrap_or(&self.others)
    }

    /// What became of files that are known to be different ones, in their order.
    pub fn fates(&self, file_names: &[&str]) -> Vec<&Fate> {
        let told: Vec<&str> = self.files.keys().map(String::as_str).collect();
        let fate = |place: usize| self.files.get(told[place]).unwrap_or(&self.others);
        let pairs = paired(file_names, &told).into_iter();
        pairs.map(|pair| pair.map_or(&self.others, fate)).collect()
    }
}

/// A job to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The object that its files are attached to.
    pub object: ObjectRef,
    /// Its files, at least one, with different names.
    pub files: Vec<NewFile>,
}

/// A job that was just made.
#[derive(Debug)]
pub struct CreatedJob<T> {
    /// The new job.
    pub id: AttachmentId,
    /// Where its files go; empty where the service will say so later.
    pub places: Vec<Place<T>>,
}

/// A service that makes jobs.
pub trait JobApi: Destination {
    /// So long may a job take to end once its files were sent, before its rows are left to a later
    /// run.
    fn job_timeout(&self) -> Duration;

    /// Makes a job.
    fn create_job(
        &self,
        new: &NewJob,
    ) -> impl Future<Output = Result<CreatedJob<Self::Target>, Failure>> + Send;

    /// Looks a job up by its id.
    fn job(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<JobPresence<Self::Target>, Failure>> + Send;
}
