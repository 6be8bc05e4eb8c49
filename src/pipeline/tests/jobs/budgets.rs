//! Many jobs, within the quotas of the service.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_hundred_and_twenty_files_over_nine_events_take_eighteen_jobs_and_few_looks() {
    let jobs = MemoryJobService::new(JobServiceRules::default());
    let lines = MemoryJournal::default();
    let rows: Vec<ManifestRow> = (1..=120).map(|row| event_row(row % 9, row)).collect();
    let began = Instant::now();
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    let took = began.elapsed();
    each_is_attached_once(&jobs, &lines, &rows);
    let (made, reads) = (
        count_job_requests(&jobs, RequestKind::Create),
        count_job_requests(&jobs, RequestKind::Get),
    );
    println!("{made} jobs, {reads} reads, {took:?}");
    assert_eq!(made, 18);
    assert_eq!(count_job_requests(&jobs, RequestKind::Put), 120);
    // Each job takes a read for its addresses and a read for its end, if both come at the right
    // time.
    assert!((36..=90).contains(&reads), "{reads}");
    assert_eq!(jobs.throttled_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_jobs_than_a_day_allows_take_more_than_a_day_and_fail_no_row() {
    let jobs = MemoryJobService::new(JobServiceRules::default());
    let lines = MemoryJournal::default();
    let rows: Vec<ManifestRow> = (1..=600).map(|row| event_row(row, row)).collect();
    let began = Instant::now();
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 600);
    assert_eq!(jobs.throttled_count(), 0);
    let took = began.elapsed();
    println!(
        "{} reads, {took:?}",
        count_job_requests(&jobs, RequestKind::Get)
    );
    assert!(took > Duration::from_hours(24), "{took:?}");
    assert!(took < Duration::from_hours(26), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_haste_is_waited_for_and_fails_no_row() {
    let script = nth_request(RequestKind::Create, 1, DeliveryFault::Throttled);
    let jobs = job_service(JobServiceRules::default(), script);
    let lines = MemoryJournal::default();
    let rows = event_rows(1..=3);
    assert_eq!(import(&jobs, &lines, &rows).await, None);
    each_is_attached_once(&jobs, &lines, &rows);
    assert_eq!(count_job_requests(&jobs, RequestKind::Create), 1);
}
