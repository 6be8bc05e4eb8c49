//! How Keelvar's jobs are made, and how they are judged.

use std::time::Duration;

use crate::model::StatusWord;
use crate::plan::{FailedJobs, Limits};

/// So much goes into one job that on a line of 14 Mbit/s all of it can be sent within the minute that
/// the job's addresses live, so that what broke off on the way can be sent once more.
const JOB_BYTES: u64 = 100 * 1024 * 1024;

/// What the user says of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// How much goes into one job. All uploads of a job begin at once, so there are never more files
    /// than rows may be at work.
    pub limits: Limits,
    /// How long after its uploads a job may take to say how it ended.
    pub timeout: Duration,
    /// What becomes of the rows of failed jobs.
    pub failed: FailedJobs,
    /// The words for success besides those that are known.
    pub success: Vec<StatusWord>,
}

impl Jobs {
    /// How much goes into one job, where the user wants so many files in it at most.
    pub fn limits(files_per_job: usize, concurrency: usize) -> Limits {
        Limits {
            files: files_per_job.min(concurrency),
            bytes: JOB_BYTES,
        }
    }

    /// For a command that makes no jobs, and only looks at how they stand.
    pub fn only_looked_at(success: Vec<StatusWord>) -> Self {
        Self {
            limits: Limits { files: 0, bytes: 0 },
            timeout: Duration::ZERO,
            failed: FailedJobs::Leave,
            success,
        }
    }
}
