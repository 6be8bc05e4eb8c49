//! Policy for Keelvar's jobs: their size, and the judgement of their ends.

use std::time::Duration;

use crate::model::StatusWord;
use crate::plan::{FailedJobPolicy, JobLimits};

/// Largest size of a job's files together, in bytes. On a line of 14 Mbit/s all bytes can be sent
/// within the minute in which the job's addresses live, so an interrupted file can be sent once
/// more.
const MAX_JOB_BYTES: u64 = 100 * 1024 * 1024;

/// User's policy for jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPolicy {
    /// Largest size of a job. All uploads of a job begin at once, so a job never has more files
    /// than rows may be at work.
    pub limits: JobLimits,
    /// Longest wait for the end of a job after its uploads.
    pub timeout: Duration,
    /// Treatment of the rows of failed jobs.
    pub failed_jobs: FailedJobPolicy,
    /// Status words for success, in addition to the known words.
    pub success_words: Vec<StatusWord>,
}

impl JobPolicy {
    /// Returns the largest size of a job, with `files_per_job` as the user's limit.
    pub fn job_limits(files_per_job: usize, concurrency: usize) -> JobLimits {
        JobLimits {
            max_files: files_per_job.min(concurrency),
            max_bytes: MAX_JOB_BYTES,
        }
    }

    /// Returns the policy for a command that reads jobs and makes none.
    pub fn for_reading_only(success_words: Vec<StatusWord>) -> Self {
        Self {
            limits: JobLimits {
                max_files: 0,
                max_bytes: 0,
            },
            timeout: Duration::ZERO,
            failed_jobs: FailedJobPolicy::Leave,
            success_words,
        }
    }
}
