//! Ends of jobs, and the consequences for their rows.

use super::*;

/// Creates a service that refuses the third PUT.
fn without_the_third(rules: JobRules) -> Jobs {
    with(rules, nth(Operation::Put, 3, Fault::Refused))
}

const DONE: (Status, Reason) = (Status::Uploaded, Reason::None);

#[tokio::test(start_paused = true)]
async fn all_files_of_a_job_are_sent_at_once_after_their_lines_are_durable() {
    let jobs = Jobs::new(JobRules::default());
    let lines = Lines::default();
    let rows = rows(1..=8);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    let puts: Vec<Instant> = jobs
        .log()
        .iter()
        .filter(|one| one.operation == Operation::Put)
        .map(|one| one.at)
        .collect();
    assert_eq!(puts, [puts[0]; 8]);
    for row in &rows {
        let of_row = lines.of(row.number);
        let reasons: Vec<&str> = of_row.iter().map(|line| line.reason.as_str()).collect();
        assert_eq!(reasons, ["", "", "sending", ""]);
        let statuses = [
            Status::Creating,
            Status::Created,
            Status::Created,
            Status::Uploaded,
        ];
        assert_eq!(lines.statuses(row.number), statuses);
        assert!(lines.when(row.number, Status::Created) < puts[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_starts_as_it_is_made_is_not_asked_where_its_files_go() {
    let rules = JobRules {
        start: Starts::AtOnce,
        end_delay: Duration::ZERO,
        ..JobRules::default()
    };
    let (jobs, lines, rows) = (Jobs::new(rules), Lines::default(), rows(1..=3));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(how_many(&jobs, Operation::Get), 1);
}

#[tokio::test(start_paused = true)]
async fn a_post_without_an_answer_leaves_a_job_that_comes_to_nothing() {
    for fault in [Fault::LostAfter, Fault::FailedAfter, Fault::LostBefore] {
        let jobs = with(JobRules::default(), nth(Operation::Create, 1, fault));
        let (lines, rows) = (Lines::default(), rows(1..=3));
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        each_is_attached_once(&jobs, &lines, &rows);
        let made = if fault == Fault::LostBefore { 1 } else { 2 };
        assert_eq!(how_many(&jobs, Operation::Create), made, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_has_expired_is_asked_for_again() {
    let rules = JobRules {
        addresses: Addresses::OfEachLook,
        ..JobRules::default()
    };
    let jobs = with(rules, nth(Operation::Put, 2, Fault::Denied));
    let (lines, rows) = (Lines::default(), rows(1..=3));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(how_many(&jobs, Operation::Create), 1);
    assert_eq!(how_many(&jobs, Operation::Put), 3, "nothing was sent twice");
}

#[tokio::test(start_paused = true)]
async fn an_expired_address_that_is_all_a_job_has_to_give_is_not_used_again() {
    let rules = JobRules {
        addresses: Addresses::OfTheStart,
        tells: Tells::EachFile,
        ..JobRules::default()
    };
    let sent = Arc::new(Mutex::new(0));
    let count = Arc::clone(&sent);
    let jobs = with(rules, move |operation, number| {
        if operation == Operation::Put {
            *count.lock().unwrap() = number;
        }
        (operation == Operation::Put && number == 2).then_some(Fault::Denied)
    });
    let (lines, rows) = (Lines::default(), rows(1..=2));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    // The arrived file was not attached for the lack of the other file, which goes into another
    // job.
    assert_eq!(
        ends(&lines, &rows),
        [(Status::Failed, Reason::NotAttached), DONE]
    );
    assert_eq!(*sent.lock().unwrap(), 3);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn no_bytes_go_to_an_address_that_grew_old_while_the_storage_was_away() {
    // Three failures in a row make all rows wait, for half a minute and more in the end.
    let ages = Arc::new(Mutex::new(Vec::new()));
    let shown: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (ages_seen, began) = (Arc::clone(&ages), Instant::now());
    let rules = JobRules {
        address_life: Duration::from_hours(1),
        ..JobRules::default()
    };
    let jobs = with(rules, move |operation, _| {
        let mut shown = shown.lock().unwrap();
        match operation {
            Operation::Put => {
                ages_seen.lock().unwrap().push(shown.unwrap().elapsed());
                (began.elapsed() < Duration::from_mins(10)).then_some(Fault::Failed)
            }
            Operation::Get => {
                *shown = Some(Instant::now());
                None
            }
            _ => None,
        }
    });
    let (lines, rows) = (Lines::default(), rows(1..=1));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let oldest = ages.lock().unwrap().iter().max().copied().unwrap();
    assert!(oldest > Duration::from_secs(5), "{oldest:?}");
    assert!(oldest < Duration::from_secs(46), "{oldest:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_job_says_of_its_files_is_believed() {
    let rules = |attaches| JobRules {
        tells: Tells::EachFile,
        attaches,
        ..JobRules::default()
    };
    let refused = (Status::Failed, Reason::UploadRefused);

    let (lines, rows) = (Lines::default(), rows(1..=3));
    let jobs = without_the_third(rules(Attaches::AsTheyCome));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(ends(&lines, &rows), [DONE, DONE, refused.clone()]);
    assert_eq!(jobs.attached().len(), 2);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);

    let lines = Lines::default();
    let jobs = without_the_third(rules(Attaches::AllTogether));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let rejected = (Status::Failed, Reason::NotAttached);
    assert_eq!(ends(&lines, &rows), [rejected.clone(), rejected, refused]);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_job_that_says_nothing_rows_wait_until_somebody_has_looked() {
    let (lines, rows) = (Lines::default(), rows(1..=3));
    let jobs = without_the_third(JobRules::default());
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let asked = (Status::Failed, Reason::JobFailed);
    let refused = (Status::Failed, Reason::UploadRefused);
    assert_eq!(ends(&lines, &rows), [asked.clone(), asked.clone(), refused]);

    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(ends(&lines, &rows), [asked.clone(), asked, DONE]);

    let again = tasks_of(&rows, &lines, FailedJobs::Retry, bytes_of);
    assert_eq!(go_with_jobs(&jobs, &lines, again).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_ends_leaves_its_rows_pending_with_its_last_word() {
    let rules = JobRules {
        stuck: Stuck::Every(1),
        ..JobRules::default()
    };
    let (jobs, lines, rows) = (Jobs::new(rules), Lines::default(), rows(1..=2));
    let waits = (Status::Pending, Reason::JobRunning);
    for _ in 0..2 {
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        assert_eq!(ends(&lines, &rows), [waits.clone(), waits.clone()]);
        let last = lines.last(1).unwrap();
        assert!(last.message.contains("RUNNING"), "{}", last.message);
        tokio::time::sleep(Duration::from_hours(5)).await;
    }
    assert_eq!(how_many(&jobs, Operation::Create), 1);
    assert_eq!(how_many(&jobs, Operation::Put), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_exist_fails_its_rows_and_no_others() {
    let both = [row_of(1, 1), row_of(2, 2)];
    for (unknown_as, seconds) in [
        (UnknownAs::Refused, 3),
        (UnknownAs::Failed, 3),
        (UnknownAs::Failed, 90),
    ] {
        let rules = JobRules {
            unknown: vec![both[1].object],
            unknown_as,
            start: Starts::After(Duration::from_secs(seconds)),
            ..JobRules::default()
        };
        let (jobs, lines) = (Jobs::new(rules), Lines::default());
        assert_eq!(import(&jobs, &lines, &both).await, None);
        let refused = (Status::Failed, Reason::Refused);
        assert_eq!(ends(&lines, &both), [DONE, refused], "{unknown_as:?}");
        let message = lines.last(2).unwrap().message;
        assert!(message.contains("Invalid resource ID"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_forgotten_with_bytes_in_it_is_for_people() {
    let rules = JobRules {
        forgets_after: Some(Duration::ZERO),
        ..JobRules::default()
    };
    let (jobs, lines, rows) = (Jobs::new(rules), Lines::default(), rows(1..=1));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(ends(&lines, &rows), [(Status::Failed, Reason::JobFailed)]);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(how_many(&jobs, Operation::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_start_was_not_seen_in_time_fails_no_row() {
    for start in [Starts::AtOnce, Starts::After(Duration::from_secs(3))] {
        let began = Instant::now();
        let rules = JobRules {
            start,
            ..JobRules::default()
        };
        let jobs = with(rules, move |operation, _| match operation {
            Operation::Create => None,
            _ if began.elapsed() > Duration::from_mins(3) => None,
            Operation::Put => Some(Fault::Denied),
            _ => Some(Fault::Failed),
        });
        let (lines, rows) = (Lines::default(), rows(1..=2));
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        each_is_attached_once(&jobs, &lines, &rows);
        assert_eq!(how_many(&jobs, Operation::Create), 2);
    }
}
