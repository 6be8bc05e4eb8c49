//! How Keelvar's jobs are made, and how they are judged.

use std::time::Duration;

use crate::cli::{JobArgs, StatusArgs};
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
    /// What the arguments mean.
    pub fn of(args: &JobArgs, concurrency: usize) -> Self {
        Self {
            limits: Limits {
                files: args.files_per_job.min(concurrency),
                bytes: JOB_BYTES,
            },
            timeout: args.job_timeout,
            failed: if args.retry_failed_jobs {
                FailedJobs::Retry
            } else {
                FailedJobs::Leave
            },
            success: args.words.success_status.clone(),
        }
    }

    /// For a command that makes no jobs, and only looks at how they stand.
    pub fn only_looked_at(words: &StatusArgs) -> Self {
        Self {
            limits: Limits { files: 0, bytes: 0 },
            timeout: Duration::ZERO,
            failed: FailedJobs::Leave,
            success: words.success_status.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn jobs(args: &[&str]) -> Result<Jobs, String> {
        let words = ["consign", "import", "m.csv"].iter().chain(args);
        let cli = Cli::try_parse_from(words).map_err(|refusal| refusal.to_string())?;
        let Command::Import(args) = cli.command else {
            panic!("another command");
        };
        Ok(Jobs::of(&args.jobs, args.service.concurrency))
    }

    #[test]
    fn jobs_have_eight_files_and_five_minutes_and_are_never_made_again_unasked() {
        assert_eq!(
            jobs(&[]),
            Ok(Jobs {
                limits: Limits {
                    files: 8,
                    bytes: JOB_BYTES,
                },
                timeout: Duration::from_mins(5),
                failed: FailedJobs::Leave,
                success: Vec::new(),
            })
        );
    }

    #[test]
    fn what_is_said_of_jobs_counts() {
        let said = jobs(&[
            "--files-per-job",
            "3",
            "--job-timeout",
            "90s",
            "--retry-failed-jobs",
            "--success-status",
            "ALL_DONE",
            "--success-status",
            "Fertig2",
        ]);
        let word = |text| StatusWord::parse(text).unwrap();
        assert_eq!(
            said,
            Ok(Jobs {
                limits: Limits {
                    files: 3,
                    bytes: JOB_BYTES,
                },
                timeout: Duration::from_secs(90),
                failed: FailedJobs::Retry,
                success: vec![word("ALL_DONE"), word("Fertig2")],
            })
        );
    }

    #[test]
    fn a_job_has_no_more_files_than_rows_may_be_at_work() {
        let files = |args: &[&str]| jobs(args).unwrap().limits.files;
        assert_eq!(files(&["--concurrency", "2"]), 2);
        assert_eq!(files(&["--concurrency", "2", "--files-per-job", "1"]), 1);
        assert_eq!(files(&["--concurrency", "50", "--files-per-job", "20"]), 20);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (args, said) in [
            (
                ["--files-per-job", "0"],
                "a number from 1 to 100 is expected",
            ),
            (
                ["--files-per-job", "101"],
                "a number from 1 to 100 is expected",
            ),
            (["--job-timeout", "5"], "a span of time is expected"),
            (["--success-status", ""], "a word of letters"),
            (["--success-status", "ALL DONE"], "a word of letters"),
        ] {
            let refused = jobs(&args).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
