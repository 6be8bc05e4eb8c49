//! Arguments about Keelvar's jobs.

use std::time::Duration;

use super::import;
use crate::config::JobPolicy;
use crate::model::StatusWord;
use crate::plan::{FailedJobPolicy, JobLimits};

const JOB_BYTES: u64 = 100 * 1024 * 1024;

fn job_policy(args: &[&str]) -> Result<JobPolicy, String> {
    Ok(import(args)?.jobs)
}

#[test]
fn jobs_have_eight_files_and_five_minutes_and_are_never_made_again_unasked() {
    assert_eq!(
        job_policy(&[]),
        Ok(JobPolicy {
            limits: JobLimits {
                max_files: 8,
                max_bytes: JOB_BYTES,
            },
            timeout: Duration::from_mins(5),
            failed_jobs: FailedJobPolicy::Leave,
            success_words: Vec::new(),
        })
    );
}

#[test]
fn what_is_said_of_jobs_counts() {
    let said = job_policy(&[
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
        Ok(JobPolicy {
            limits: JobLimits {
                max_files: 3,
                max_bytes: JOB_BYTES,
            },
            timeout: Duration::from_secs(90),
            failed_jobs: FailedJobPolicy::Retry,
            success_words: vec![word("ALL_DONE"), word("Fertig2")],
        })
    );
}

#[test]
fn a_job_has_no_more_files_than_rows_may_be_at_work() {
    let files = |args: &[&str]| job_policy(args).unwrap().limits.max_files;
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
        let refused = job_policy(&args).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}
