//! Runs that continue the jobs of an earlier run.

use super::*;

/// Number of lines of a run with three rows in a job: four for each row.
const LINES: usize = 12;

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_at_any_line_is_gone_on_with_in_the_same_job() {
    for limit in 0..=LINES {
        let (jobs, rows) = (Jobs::new(JobRules::default()), rows(1..=3));
        let lines = import_until(&jobs, &rows, limit).await;
        assert_eq!(import(&jobs, &lines, &rows).await, None, "{limit}");
        each_is_attached_once(&jobs, &lines, &rows);
        let made = how_many(&jobs, Operation::Create);
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
    for limit in 0..=LINES {
        let rules = JobRules {
            tells: Tells::EachFile,
            ..JobRules::default()
        };
        let (jobs, rows) = (Jobs::new(rules), rows(1..=3));
        let lines = import_until(&jobs, &rows, limit).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(import(&jobs, &lines, &rows).await, None, "{limit}");
        each_is_attached_once(&jobs, &lines, &rows);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_has_changed_since_its_job_was_made_keeps_no_other_from_its_object() {
    let (jobs, rows) = (Jobs::new(JobRules::default()), rows(1..=3));
    let lines = import_until(&jobs, &rows, 6).await;
    let newer = |row: &Row| match row.number {
        2 => content("a newer text"),
        _ => bytes_of(row),
    };
    let tasks = tasks_of(&rows, &lines, FailedJobs::Leave, newer);
    assert_eq!(tasks.len(), 1);
    assert_eq!(go_with_jobs(&jobs, &lines, tasks).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    let line = lines.last(2).unwrap();
    assert_eq!(line.known, Known::Content(content("a newer text")));
}

#[tokio::test(start_paused = true)]
async fn a_row_whose_object_has_changed_since_its_job_was_made_is_attached_to_the_new_one() {
    let (jobs, mut rows) = (Jobs::new(JobRules::default()), rows(1..=3));
    let lines = import_until(&jobs, &rows, 6).await;
    rows[1] = row_of(2, 2);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn what_was_attached_before_a_change_is_a_conflict_and_left_alone() {
    let (jobs, rows) = (Jobs::new(JobRules::default()), rows(1..=2));
    // Everything was sent, and no line says how the rows ended.
    let lines = import_until(&jobs, &rows, 6).await;
    let before = jobs.attached();
    assert_eq!(before.len(), 2);
    let newer = |row: &Row| match row.number {
        2 => content("a newer text"),
        _ => bytes_of(row),
    };
    let tasks = tasks_of(&rows, &lines, FailedJobs::Leave, newer);
    assert_eq!(go_with_jobs(&jobs, &lines, tasks).await, None);
    let changed = (Status::Conflict, Reason::FileChanged);
    let done = (Status::Uploaded, Reason::None);
    assert_eq!(ends(&lines, &rows), [done, changed]);
    assert_eq!(jobs.attached(), before);
    let line = lines.last(2).unwrap();
    assert_eq!(line.known, Known::Content(bytes_of(&rows[1])));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_may_not_be_looked_at_keeps_its_rows() {
    let later = Arc::new(Mutex::new(false));
    let is_later = Arc::clone(&later);
    let jobs = with(JobRules::default(), move |operation, number| {
        let denied = operation == Operation::Get && number > 2 && !*is_later.lock().unwrap();
        denied.then_some(Fault::Refused)
    });
    let (lines, rows) = (Lines::default(), rows(1..=2));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let waits = (Status::Pending, Reason::JobRunning);
    assert_eq!(ends(&lines, &rows), [waits.clone(), waits]);
    *later.lock().unwrap() = true;
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(how_many(&jobs, Operation::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_renamed_since_is_known_to_its_job_by_the_name_that_it_had() {
    let rules = JobRules {
        missing: Missing::Completes,
        ..JobRules::default()
    };
    let second_put = |operation, nth| (operation, nth) == (Operation::Put, 2);
    let jobs = with(rules, move |operation, nth| {
        second_put(operation, nth).then_some(Fault::Denied)
    });
    let mut rows = rows(1..=2);
    let lines = import_until(&jobs, &rows, 6).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(
        jobs.attached().len(),
        1,
        "the job names the other as missing"
    );
    for row in &mut rows {
        row.file_path = format!("renamed/{}.pdf", row.number + 10);
    }
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let ended = ends(&lines, &rows);
    assert_eq!(ended, vec![(Status::Uploaded, Reason::None); 2]);
    let names: Vec<_> = jobs
        .attached()
        .into_iter()
        .map(|file| file.file_name)
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
