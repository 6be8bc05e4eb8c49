//! Arguments about Keelvar's jobs.

use std::time::Duration;

use super::import;
use crate::config::Jobs;
use crate::model::StatusWord;
use crate::plan::{FailedJobs, Limits};

const JOB_BYTES: u64 = 100 * 1024 * 1024;

fn jobs(args: &[&str]) -> Result<Jobs, String> {
    Ok(import(args)?.jobs)
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
