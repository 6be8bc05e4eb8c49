//! Requests of a verification of jobs, and the results after failures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::destination::FileOutcome;
use crate::model::AttachmentId;

/// Inspects jobs, and checks that each is reported once.
async fn inspect_all(
    jobs: &MemoryJobService,
    ids: &[&AttachmentId],
    settings: &RunSettings,
) -> (BTreeMap<AttachmentId, InspectedJob>, Option<HaltReason>) {
    let seen = Mutex::new(BTreeMap::new());
    let tell = |id: AttachmentId, job| {
        let before = seen.lock().unwrap().insert(id.clone(), job);
        assert_eq!(before, None, "job {id} is told of twice");
    };
    let (events, _) = EventSender::channel();
    let never = std::future::pending();
    let ids = ids.iter().copied().cloned().collect();
    let halt = inspect_jobs(ids, jobs, settings, &events, never, &tell).await;
    (seen.into_inner().unwrap(), halt)
}

/// Creates a service with a job for each of two events. `fault` decides the faults of later
/// look-ups, counted from 1.
async fn service_with_jobs(
    rules: JobServiceRules,
    fault: impl Fn(u64) -> Option<DeliveryFault> + Send + 'static,
) -> (MemoryJobService, [AttachmentId; 2]) {
    let looks = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&looks);
    let script = move |operation, _| match counted.load(Ordering::Relaxed) {
        0 => None,
        _ if operation != RequestKind::Get => None,
        next => {
            counted.store(next + 1, Ordering::Relaxed);
            fault(next)
        }
    };
    let jobs = job_service(rules, script);
    let lines = MemoryJournal::default();
    import(
        &jobs,
        &lines,
        &[event_row(1, 1), event_row(1, 2), event_row(2, 3)],
    )
    .await;
    looks.store(1, Ordering::Relaxed);
    let ids = [1, 3].map(|row| lines.last_line(row).unwrap().attachment_id.unwrap());
    (jobs, ids)
}

/// Returns the id of no job.
fn unknown_job_id() -> AttachmentId {
    AttachmentId::parse("00000000-0000-4000-8000-0000deadbeef").unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_job_is_asked_for_once_and_tells_how_it_stands() {
    let (jobs, [first, second]) = service_with_jobs(JobServiceRules::default(), |_| None).await;
    let before = count_job_requests(&jobs, RequestKind::Get);
    let unknown = unknown_job_id();
    let (seen, halt) = inspect_all(&jobs, &[&first, &unknown, &second], &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 3);
    for id in [first, second] {
        let InspectedJob::Ended(end) = &seen[&id] else {
            panic!("{seen:?}");
        };
        assert_eq!(end.file_outcome("1.pdf"), &FileOutcome::Attached);
    }
    assert_eq!(seen[&unknown], InspectedJob::Absent);
    assert_eq!(count_job_requests(&jobs, RequestKind::Get) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_has_not_ended_tells_its_last_word() {
    let stuck = JobServiceRules {
        stuck_jobs: StuckJobRule::Every(1),
        ..JobServiceRules::default()
    };
    let (jobs, [id, _]) = service_with_jobs(stuck, |_| None).await;
    let (seen, halt) = inspect_all(&jobs, &[&id], &settings()).await;
    assert_eq!(halt, None);
    assert!(
        matches!(&seen[&id], InspectedJob::Running(word) if !word.is_empty()),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_refused_is_unknown_and_does_not_hold_up_the_others() {
    let refused = |look| (look == 1).then_some(DeliveryFault::Refused);
    let (jobs, [first, second]) = service_with_jobs(JobServiceRules::default(), refused).await;
    let settings = RunSettings {
        rows_at_once: 1,
        ..settings()
    };
    let (seen, halt) = inspect_all(&jobs, &[&first, &second], &settings).await;
    assert_eq!(halt, None);
    assert_eq!(seen[&first], InspectedJob::Unknown("status 422".into()));
    assert!(matches!(&seen[&second], InspectedJob::Ended(_)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_lost_is_repeated() {
    for fault in [
        DeliveryFault::RequestLost,
        DeliveryFault::NotSent,
        DeliveryFault::FailedWithoutEffect,
        DeliveryFault::Throttled,
    ] {
        let lost = move |look| (look == 1).then_some(fault);
        let (jobs, [id, _]) = service_with_jobs(JobServiceRules::default(), lost).await;
        let (seen, halt) = inspect_all(&jobs, &[&id], &settings()).await;
        assert_eq!(halt, None, "{fault:?}");
        assert!(
            matches!(&seen[&id], InspectedJob::Ended(_)),
            "{fault:?}: {seen:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_keys_and_an_outage_that_is_too_long_end_the_look_at_jobs() {
    let (jobs, [id, _]) =
        service_with_jobs(JobServiceRules::default(), |_| Some(DeliveryFault::Denied)).await;
    let (seen, halt) = inspect_all(&jobs, &[&id], &settings()).await;
    assert!(
        matches!(halt, Some(HaltReason::KeysRejected(_))),
        "{halt:?}"
    );
    assert_eq!(seen, BTreeMap::new());

    let after_the_first = |look| (look > 1).then_some(DeliveryFault::NotSent);
    let (jobs, [id, second]) = service_with_jobs(JobServiceRules::default(), after_the_first).await;
    let (seen, halt) = inspect_all(&jobs, &[&id, &second], &settings()).await;
    assert!(matches!(halt, Some(HaltReason::Outage(_))), "{halt:?}");
    assert_eq!(seen.len(), 1);

    let (jobs, [id, _]) =
        service_with_jobs(JobServiceRules::default(), |_| Some(DeliveryFault::NotSent)).await;
    let (seen, halt) = inspect_all(&jobs, &[&id], &settings()).await;
    assert!(
        matches!(halt, Some(HaltReason::NeverAnswered { .. })),
        "{halt:?}"
    );
    assert_eq!(seen, BTreeMap::new());
}
