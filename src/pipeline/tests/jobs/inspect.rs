//! Requests of a verification of jobs, and the results after failures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::destination::Fate;
use crate::model::AttachmentId;

/// Inspects jobs, and checks that each is reported once.
async fn inspected(
    jobs: &Jobs,
    ids: &[&AttachmentId],
    settings: &Settings,
) -> (BTreeMap<AttachmentId, Job>, Option<Halt>) {
    let seen = Mutex::new(BTreeMap::new());
    let tell = |id: AttachmentId, job| {
        let before = seen.lock().unwrap().insert(id.clone(), job);
        assert_eq!(before, None, "job {id} is told of twice");
    };
    let (events, _) = Events::channel();
    let never = std::future::pending();
    let ids = ids.iter().copied().cloned().collect();
    let halt = inspect_jobs(ids, jobs, settings, &events, never, &tell).await;
    (seen.into_inner().unwrap(), halt)
}

/// Creates a service with a job for each of two events. `fault` decides the faults of later
/// look-ups, counted from 1.
async fn kept(
    rules: JobRules,
    fault: impl Fn(u64) -> Option<Fault> + Send + 'static,
) -> (Jobs, [AttachmentId; 2]) {
    let looks = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&looks);
    let script = move |operation, _| match counted.load(Ordering::Relaxed) {
        0 => None,
        _ if operation != Operation::Get => None,
        next => {
            counted.store(next + 1, Ordering::Relaxed);
            fault(next)
        }
    };
    let jobs = with(rules, script);
    let lines = Lines::default();
    import(&jobs, &lines, &[row_of(1, 1), row_of(1, 2), row_of(2, 3)]).await;
    looks.store(1, Ordering::Relaxed);
    let ids = [1, 3].map(|row| lines.last(row).unwrap().attachment_id.unwrap());
    (jobs, ids)
}

/// Returns the id of no job.
fn unknown() -> AttachmentId {
    AttachmentId::parse("00000000-0000-4000-8000-0000deadbeef").unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_job_is_asked_for_once_and_tells_how_it_stands() {
    let (jobs, [first, second]) = kept(JobRules::default(), |_| None).await;
    let before = how_many(&jobs, Operation::Get);
    let unknown = unknown();
    let (seen, halt) = inspected(&jobs, &[&first, &unknown, &second], &settings()).await;
    assert_eq!(halt, None);
    assert_eq!(seen.len(), 3);
    for id in [first, second] {
        let Job::Ended(end) = &seen[&id] else {
            panic!("{seen:?}");
        };
        assert_eq!(end.fate("1.pdf"), &Fate::Attached);
    }
    assert_eq!(seen[&unknown], Job::Absent);
    assert_eq!(how_many(&jobs, Operation::Get) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_has_not_ended_tells_its_last_word() {
    let stuck = JobRules {
        stuck: Stuck::Every(1),
        ..JobRules::default()
    };
    let (jobs, [id, _]) = kept(stuck, |_| None).await;
    let (seen, halt) = inspected(&jobs, &[&id], &settings()).await;
    assert_eq!(halt, None);
    assert!(
        matches!(&seen[&id], Job::Running(word) if !word.is_empty()),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_refused_is_unknown_and_does_not_hold_up_the_others() {
    let refused = |look| (look == 1).then_some(Fault::Refused);
    let (jobs, [first, second]) = kept(JobRules::default(), refused).await;
    let settings = Settings {
        concurrency: 1,
        ..settings()
    };
    let (seen, halt) = inspected(&jobs, &[&first, &second], &settings).await;
    assert_eq!(halt, None);
    assert_eq!(seen[&first], Job::Unknown("status 422".into()));
    assert!(matches!(&seen[&second], Job::Ended(_)), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_lost_is_repeated() {
    for fault in [
        Fault::LostBefore,
        Fault::NotSent,
        Fault::Failed,
        Fault::Throttled,
    ] {
        let lost = move |look| (look == 1).then_some(fault);
        let (jobs, [id, _]) = kept(JobRules::default(), lost).await;
        let (seen, halt) = inspected(&jobs, &[&id], &settings()).await;
        assert_eq!(halt, None, "{fault:?}");
        assert!(matches!(&seen[&id], Job::Ended(_)), "{fault:?}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_keys_and_an_outage_that_is_too_long_end_the_look_at_jobs() {
    let (jobs, [id, _]) = kept(JobRules::default(), |_| Some(Fault::Denied)).await;
    let (seen, halt) = inspected(&jobs, &[&id], &settings()).await;
    assert!(matches!(halt, Some(Halt::Denied(_))), "{halt:?}");
    assert_eq!(seen, BTreeMap::new());

    let after_the_first = |look| (look > 1).then_some(Fault::NotSent);
    let (jobs, [id, second]) = kept(JobRules::default(), after_the_first).await;
    let (seen, halt) = inspected(&jobs, &[&id, &second], &settings()).await;
    assert!(matches!(halt, Some(Halt::Outage(_))), "{halt:?}");
    assert_eq!(seen.len(), 1);

    let (jobs, [id, _]) = kept(JobRules::default(), |_| Some(Fault::NotSent)).await;
    let (seen, halt) = inspected(&jobs, &[&id], &settings()).await;
    assert!(matches!(halt, Some(Halt::NeverAnswered { .. })), "{halt:?}");
    assert_eq!(seen, BTreeMap::new());
}
