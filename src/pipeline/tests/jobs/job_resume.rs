//! Runs that continue the jobs of an earlier run.

use super::*;

/// Number of lines of a run with three rows in a job: four for each row.
const LINES_PER_RUN: usize = 12;

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_at_any_line_is_gone_on_with_in_the_same_job() {
    for limit in 0..=LINES_PER_RUN {
        let (jobs, rows) = (
            MemoryJobService::new(JobServiceRules::default()),
            event_rows(1..=3),
        );
        let lines = import_until(&jobs, &rows, limit).await;
        assert_eq!(import(&jobs, &lines, &rows).await, None, "{limit}");
        each_is_attached_once(&jobs, &lines, &rows);
        let made = count_job_requests(&jobs, RequestKind::Create);
        let expected = match limit {
            // No line names the job.
            3 => 2,
            // The lines of some rows name the job, which gets nothing, since no run would send the
            // other files.
            4 | 5 => 3,
            _ => 1,
        };
        assert_eq!(made, expected, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_at_any_line_is_gone_on_with_after_its_job_has_failed() {
    for limit in 0..=LINES_PER_RUN {
        let rules = JobServiceRules {
            failed_job_report: FailedJobReport::EachFile,
            ..JobServiceRules::default()
        };
        let (jobs, rows) = (MemoryJobService::new(rules), event_rows(1..=3));
        let lines = import_until(&jobs, &rows, limit).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(import(&jobs, &lines, &rows).await, None, "{limit}");
        each_is_attached_once(&jobs, &lines, &rows);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_has_changed_since_its_job_was_made_keeps_no_other_from_its_object() {
    let (jobs, rows) = (
        MemoryJobService::new(JobServiceRules::default()),
        event_rows(1..=3),
    );
    let lines = import_until(&jobs, &rows, 6).await;
    let newer = |row: &ManifestRow| match row.number {
        2 => content("a newer text"),
        _ => file_content_of(row),
    };
    let tasks = job_tasks(&rows, &lines, FailedJobPolicy::Leave, newer);
    assert_eq!(tasks.len(), 1);
    assert_eq!(run_job_tasks(&jobs, &lines, tasks).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    let line = lines.last_line(2).unwrap();
    assert_eq!(
        line.known_content,
        KnownContent::Complete(content("a newer text"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_object_has_changed_since_its_job_was_made_is_attached_to_the_new_one() {
    let (jobs, mut rows) = (
        MemoryJobService::new(JobServiceRules::default()),
        event_rows(1..=3),
    );
    let lines = import_until(&jobs, &rows, 6).await;
    rows[1] = event_row(2, 2);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn what_was_attached_before_a_change_is_a_conflict_and_left_alone() {
    let (jobs, rows) = (
        MemoryJobService::new(JobServiceRules::default()),
        event_rows(1..=2),
    );
    // Everything was sent, and no line says how the rows ended.
    let lines = import_until(&jobs, &rows, 6).await;
    let before = jobs.attached_files();
    assert_eq!(before.len(), 2);
    let newer = |row: &ManifestRow| match row.number {
        2 => content("a newer text"),
        _ => file_content_of(row),
    };
    let tasks = job_tasks(&rows, &lines, FailedJobPolicy::Leave, newer);
    assert_eq!(run_job_tasks(&jobs, &lines, tasks).await, None);
    let changed = (Status::Conflict, StatusReason::FileChanged);
    let done = (Status::Uploaded, StatusReason::None);
    assert_eq!(row_ends(&lines, &rows), [done, changed]);
    assert_eq!(jobs.attached_files(), before);
    let line = lines.last_line(2).unwrap();
    assert_eq!(
        line.known_content,
        KnownContent::Complete(file_content_of(&rows[1]))
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_may_not_be_looked_at_keeps_its_rows() {
    let later = Arc::new(Mutex::new(false));
    let is_later = Arc::clone(&later);
    let jobs = job_service(JobServiceRules::default(), move |operation, number| {
        let denied = operation == RequestKind::Get && number > 2 && !*is_later.lock().unwrap();
        denied.then_some(DeliveryFault::Refused)
    });
    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=2));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let waits = (Status::Pending, StatusReason::JobRunning);
    assert_eq!(row_ends(&lines, &rows), [waits.clone(), waits]);
    *later.lock().unwrap() = true;
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_renamed_since_is_known_to_its_job_by_the_name_that_it_had() {
    let rules = JobServiceRules {
        missing_files: MissingFileRule::Completes,
        ..JobServiceRules::default()
    };
    let second_put = |operation, nth| (operation, nth) == (RequestKind::Put, 2);
    let jobs = job_service(rules, move |operation, nth| {
        second_put(operation, nth).then_some(DeliveryFault::Denied)
    });
    let mut rows = event_rows(1..=2);
    let lines = import_until(&jobs, &rows, 6).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(
        jobs.attached_files().len(),
        1,
        "the job names the other as missing"
    );
    for row in &mut rows {
        row.file_path = format!("renamed/{}.pdf", row.number + 10);
    }
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let ended = row_ends(&lines, &rows);
    assert_eq!(ended, vec![(Status::Uploaded, StatusReason::None); 2]);
    let names: Vec<_> = jobs
        .attached_files()
        .into_iter()
        .map(|file| file.file_name)
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
