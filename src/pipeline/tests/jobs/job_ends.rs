//! Ends of jobs, and the consequences for their rows.

use super::*;

/// Creates a service that refuses the third PUT.
fn refusing_third_file(rules: JobServiceRules) -> MemoryJobService {
    job_service(
        rules,
        nth_request(RequestKind::Put, 3, DeliveryFault::Refused),
    )
}

const DONE: (Status, StatusReason) = (Status::Uploaded, StatusReason::None);

#[tokio::test(start_paused = true)]
async fn all_files_of_a_job_are_sent_at_once_after_their_lines_are_durable() {
    let jobs = MemoryJobService::new(JobServiceRules::default());
    let lines = MemoryJournal::default();
    let rows = event_rows(1..=8);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    let puts: Vec<Instant> = jobs
        .log()
        .iter()
        .filter(|one| one.kind == RequestKind::Put)
        .map(|one| one.at)
        .collect();
    assert_eq!(puts, [puts[0]; 8]);
    for row in &rows {
        let of_row = lines.lines_of(row.number);
        let reasons: Vec<&str> = of_row.iter().map(|line| line.reason.as_str()).collect();
        assert_eq!(reasons, ["", "", "sending", ""]);
        let statuses = [
            Status::Creating,
            Status::Created,
            Status::Created,
            Status::Uploaded,
        ];
        assert_eq!(lines.statuses(row.number), statuses);
        assert!(lines.recorded_at(row.number, Status::Created) < puts[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_starts_as_it_is_made_is_not_asked_where_its_files_go() {
    let rules = JobServiceRules {
        start: Starts::AtOnce,
        end_delay: Duration::ZERO,
        ..JobServiceRules::default()
    };
    let (jobs, lines, rows) = (
        MemoryJobService::new(rules),
        MemoryJournal::default(),
        event_rows(1..=3),
    );
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(count_job_requests(&jobs, RequestKind::Get), 1);
}

#[tokio::test(start_paused = true)]
async fn a_post_without_an_answer_leaves_a_job_that_comes_to_nothing() {
    for fault in [
        DeliveryFault::AnswerLost,
        DeliveryFault::FailedAfterEffect,
        DeliveryFault::RequestLost,
    ] {
        let jobs = job_service(
            JobServiceRules::default(),
            nth_request(RequestKind::Create, 1, fault),
        );
        let (lines, rows) = (MemoryJournal::default(), event_rows(1..=3));
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        each_is_attached_once(&jobs, &lines, &rows);
        let made = if fault == DeliveryFault::RequestLost {
            1
        } else {
            2
        };
        assert_eq!(
            count_job_requests(&jobs, RequestKind::Create),
            made,
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_has_expired_is_asked_for_again() {
    let rules = JobServiceRules {
        addresses: AddressRule::NewAtEachLookUp,
        ..JobServiceRules::default()
    };
    let jobs = job_service(
        rules,
        nth_request(RequestKind::Put, 2, DeliveryFault::Denied),
    );
    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=3));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 1);
    assert_eq!(
        count_job_requests(&jobs, RequestKind::Put),
        3,
        "nothing was sent twice"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_address_that_is_all_a_job_has_to_give_is_not_used_again() {
    let rules = JobServiceRules {
        addresses: AddressRule::GoodFromStart,
        failed_job_report: FailedJobReport::EachFile,
        ..JobServiceRules::default()
    };
    let sent = Arc::new(Mutex::new(0));
    let count = Arc::clone(&sent);
    let jobs = job_service(rules, move |operation, number| {
        if operation == RequestKind::Put {
            *count.lock().unwrap() = number;
        }
        (operation == RequestKind::Put && number == 2).then_some(DeliveryFault::Denied)
    });
    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=2));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    // The arrived file was not attached for the lack of the other file, which goes into another
    // job.
    assert_eq!(
        row_ends(&lines, &rows),
        [(Status::Failed, StatusReason::NotAttached), DONE]
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
    let rules = JobServiceRules {
        address_life: Duration::from_hours(1),
        ..JobServiceRules::default()
    };
    let jobs = job_service(rules, move |operation, _| {
        let mut shown = shown.lock().unwrap();
        match operation {
            RequestKind::Put => {
                ages_seen.lock().unwrap().push(shown.unwrap().elapsed());
                (began.elapsed() < Duration::from_mins(10))
                    .then_some(DeliveryFault::FailedWithoutEffect)
            }
            RequestKind::Get => {
                *shown = Some(Instant::now());
                None
            }
            _ => None,
        }
    });
    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=1));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let oldest = ages.lock().unwrap().iter().max().copied().unwrap();
    assert!(oldest > Duration::from_secs(5), "{oldest:?}");
    assert!(oldest < Duration::from_secs(46), "{oldest:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_job_says_of_its_files_is_believed() {
    let rules = |attaches| JobServiceRules {
        failed_job_report: FailedJobReport::EachFile,
        attaching: attaches,
        ..JobServiceRules::default()
    };
    let refused = (Status::Failed, StatusReason::UploadRefused);

    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=3));
    let jobs = refusing_third_file(rules(AttachRule::OnArrival));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(row_ends(&lines, &rows), [DONE, DONE, refused.clone()]);
    assert_eq!(jobs.attached_files().len(), 2);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);

    let lines = MemoryJournal::default();
    let jobs = refusing_third_file(rules(AttachRule::AtSuccess));
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let rejected = (Status::Failed, StatusReason::NotAttached);
    assert_eq!(
        row_ends(&lines, &rows),
        [rejected.clone(), rejected, refused]
    );
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_job_that_says_nothing_rows_wait_until_somebody_has_looked() {
    let (lines, rows) = (MemoryJournal::default(), event_rows(1..=3));
    let jobs = refusing_third_file(JobServiceRules::default());
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let asked = (Status::Failed, StatusReason::JobFailed);
    let refused = (Status::Failed, StatusReason::UploadRefused);
    assert_eq!(
        row_ends(&lines, &rows),
        [asked.clone(), asked.clone(), refused]
    );

    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(row_ends(&lines, &rows), [asked.clone(), asked, DONE]);

    let again = job_tasks(&rows, &lines, FailedJobPolicy::Retry, file_content_of);
    assert_eq!(run_job_tasks(&jobs, &lines, again).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_ends_leaves_its_rows_pending_with_its_last_word() {
    let rules = JobServiceRules {
        stuck_jobs: StuckJobRule::Every(1),
        ..JobServiceRules::default()
    };
    let (jobs, lines, rows) = (
        MemoryJobService::new(rules),
        MemoryJournal::default(),
        event_rows(1..=2),
    );
    let waits = (Status::Pending, StatusReason::JobRunning);
    for _ in 0..2 {
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        assert_eq!(row_ends(&lines, &rows), [waits.clone(), waits.clone()]);
        let last = lines.last_line(1).unwrap();
        assert!(last.message.contains("RUNNING"), "{}", last.message);
        tokio::time::sleep(Duration::from_hours(5)).await;
    }
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 1);
    assert_eq!(count_job_requests(&jobs, RequestKind::Put), 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_exist_fails_its_rows_and_no_others() {
    let both = [event_row(1, 1), event_row(2, 2)];
    for (unknown_as, seconds) in [
        (UnknownObjectRule::Refused, 3),
        (UnknownObjectRule::Failed, 3),
        (UnknownObjectRule::Failed, 90),
    ] {
        let rules = JobServiceRules {
            unknown_objects: vec![both[1].object],
            unknown_as,
            start: Starts::After(Duration::from_secs(seconds)),
            ..JobServiceRules::default()
        };
        let (jobs, lines) = (MemoryJobService::new(rules), MemoryJournal::default());
        assert_eq!(import(&jobs, &lines, &both).await, None);
        let refused = (Status::Failed, StatusReason::Refused);
        assert_eq!(row_ends(&lines, &both), [DONE, refused], "{unknown_as:?}");
        let message = lines.last_line(2).unwrap().message;
        assert!(message.contains("Invalid resource ID"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_forgotten_with_bytes_in_it_is_for_people() {
    let rules = JobServiceRules {
        forgets_ended_after: Some(Duration::ZERO),
        ..JobServiceRules::default()
    };
    let (jobs, lines, rows) = (
        MemoryJobService::new(rules),
        MemoryJournal::default(),
        event_rows(1..=1),
    );
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(
        row_ends(&lines, &rows),
        [(Status::Failed, StatusReason::JobFailed)]
    );
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_start_was_not_seen_in_time_fails_no_row() {
    for start in [Starts::AtOnce, Starts::After(Duration::from_secs(3))] {
        let began = Instant::now();
        let rules = JobServiceRules {
            start,
            ..JobServiceRules::default()
        };
        let jobs = job_service(rules, move |operation, _| match operation {
            RequestKind::Create => None,
            _ if began.elapsed() > Duration::from_mins(3) => None,
            RequestKind::Put => Some(DeliveryFault::Denied),
            _ => Some(DeliveryFault::FailedWithoutEffect),
        });
        let (lines, rows) = (MemoryJournal::default(), event_rows(1..=2));
        assert_eq!(import(&jobs, &lines, &rows).await, None);
        each_is_attached_once(&jobs, &lines, &rows);
        assert_eq!(count_job_requests(&jobs, RequestKind::Create), 2);
    }
}
