//! Tests of budgets: their headers, and their survival of a restart.

use super::*;
use crate::emulator::BudgetSettings;

fn non_zero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Settings with three POSTs an hour and four reads a minute.
fn tight_budgets() -> JobSettings {
    JobSettings {
        budgets: BudgetSettings {
            posts_an_hour: non_zero(3),
            reads_a_minute: non_zero(4),
            ..BudgetSettings::default()
        },
        ..immediate_settings()
    }
}

/// Returns limit and remaining requests from the headers, and `some` if a wait is left.
fn budget_headers(answer: &JobAnswer) -> [Option<&str>; 3] {
    let time = answer.header("ratelimit-reset").map(|seconds| {
        let seconds: u64 = seconds.parse().unwrap();
        if seconds > 0 { "some" } else { "none" }
    });
    let [limit, rest] = ["ratelimit-limit", "ratelimit-remaining"].map(|name| answer.header(name));
    [limit, rest, time]
}

#[tokio::test]
async fn what_went_well_tells_what_is_left_and_a_request_too_many_when_to_come_again() {
    let service = EmulatorFixture::start(with_jobs(tight_budgets())).await;
    let first = service.create_job(&["a"]).await;
    assert_eq!(budget_headers(&first), [Some("3"), Some("2"), Some("some")]);
    // The request counts, but its answer has no budget headers.
    let bad = service.post_job(&json!({})).await;
    assert_eq!((bad.status, budget_headers(&bad)), (400, [None; 3]));
    let last = service.create_job(&["a"]).await;
    assert_eq!(budget_headers(&last), [Some("3"), Some("0"), Some("some")]);

    let refused = service.post_job(&event_job_body(&["a"])).await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        budget_headers(&refused),
        [Some("3"), Some("0"), Some("some")]
    );
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");
    let told = format!("Request was throttled. Expected available in {seconds} seconds.");
    assert_eq!(refused.json(), json!({"errors": [told]}));

    let read = service.job(&first.id()).await;
    assert_eq!(budget_headers(&read), [Some("4"), Some("3"), Some("some")]);
}

#[tokio::test]
async fn a_request_without_a_good_key_or_to_the_storage_costs_nothing() {
    let service = EmulatorFixture::start(with_jobs(tight_budgets())).await;
    let created = service.create_job(&["a", "b", "c"]).await;
    service.upload_all(&created, "hello").await;
    for _ in 0..5 {
        let bare = service.jobs_request(Method::GET, "/jobs/");
        assert_eq!(job_answer(bare).await.status, 401);
    }
    let read = service.job(&created.id()).await;
    assert_eq!(budget_headers(&read)[1], Some("3"));
}

#[tokio::test]
async fn a_restart_gives_nobody_a_new_budget() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || EmulatorSettings {
        state: Some(folder.path().to_owned()),
        ..with_jobs(tight_budgets())
    };
    let service = EmulatorFixture::start(settings()).await;
    for _ in 0..3 {
        service.create_job(&["a"]).await;
    }
    let refused = service.post_job(&event_job_body(&["a"])).await;
    assert_eq!(refused.status, 429);
    service.job(EVENT_ID).await;
    service.emulator.stop().await;

    let service = EmulatorFixture::start(settings()).await;
    let refused = service.post_job(&event_job_body(&["a"])).await;
    assert_eq!(refused.status, 429);
    let list = job_answer(service.jobs_request_with_key(Method::GET, "/jobs/?x=1")).await;
    assert_eq!(budget_headers(&list)[1], Some("2"));
    service.emulator.stop().await;

    let service = EmulatorFixture::start(settings()).await;
    let list = job_answer(service.jobs_request_with_key(Method::GET, "/jobs/")).await;
    assert_eq!(budget_headers(&list)[1], Some("1"));
}
