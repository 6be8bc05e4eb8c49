//! Tests of scripted faults of jobs and of their uploads.

use std::collections::BTreeMap;

use super::*;
use crate::emulator::stored_jobs;

async fn start_with_fault(operation: EmulatorOperation, effect: FaultEffect) -> EmulatorFixture {
    EmulatorFixture::start(EmulatorSettings {
        jobs: immediate_settings(),
        ..with_fault(operation, FaultTrigger::Nth(1), effect)
    })
    .await
}

/// Returns operation, status and fault of each logged request.
fn logged_outcomes(service: &EmulatorFixture) -> Vec<(&'static str, Option<u16>, Option<String>)> {
    let log = service.log().into_iter();
    log.map(|entry| (entry.operation.name(), entry.status, entry.fault))
        .collect()
}

fn stored_objects(service: &EmulatorFixture) -> usize {
    stored_jobs(service.emulator.state_path()).unwrap().len()
}

#[tokio::test]
async fn a_lost_answer_leaves_a_job_behind_and_a_reset_does_not() {
    for (effect, status, left) in [
        (FaultEffect::LoseAnswer, Some(201), 1),
        (FaultEffect::Reset, None, 0),
    ] {
        let name = effect.name();
        let service = start_with_fault(EmulatorOperation::CreateJob, effect).await;
        let request = service.job_post(&event_job_body(&["a"]));
        request.send().await.expect_err("no answer");
        assert_eq!(stored_objects(&service), left, "{name}");
        let entry = ("create_job", status, Some(name.to_owned()));
        assert_eq!(logged_outcomes(&service), [entry]);
        service.create_job(&["a"]).await;
    }
}

#[tokio::test]
async fn a_post_that_is_delivered_twice_makes_two_jobs_and_costs_one() {
    let service = start_with_fault(EmulatorOperation::CreateJob, FaultEffect::DeliverTwice).await;
    let created = service.create_job(&["a"]).await;
    assert_eq!(created.header("ratelimit-remaining"), Some("119"));
    let ids: Vec<_> = service.log().into_iter().map(|entry| entry.job).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(ids[1], Some(created.id()));
    assert_eq!(stored_objects(&service), 2);
    let left: Vec<_> = service.log().iter().map(|e| e.budget_left).collect();
    assert_eq!(left, [Some(119), None]);
}

#[tokio::test]
async fn a_job_can_send_its_files_elsewhere() {
    let elsewhere = FaultEffect::UploadTarget {
        url: Some("https://example.com/".to_owned()),
        headers: BTreeMap::new(),
    };
    let service = start_with_fault(EmulatorOperation::GetJob, elsewhere).await;
    let created = service.create_job(&["a", "b"]).await;
    let led_away = service.job(&created.id()).await.files();
    let there = "https://example.com/";
    assert_eq!(led_away, owned_pairs(&[("a", there), ("b", there)]));
    assert_ne!(service.job(&created.id()).await.url(0), there);
}

#[tokio::test]
async fn a_job_that_is_to_send_its_files_elsewhere_must_say_where() {
    let headers = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
    let effect = FaultEffect::UploadTarget { url: None, headers };
    let settings = with_fault(EmulatorOperation::GetJob, FaultTrigger::Nth(1), effect);
    let refused = Emulator::start(ANY_LOCAL_PORT, settings).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "upload_target of get_job needs a url: jobs name no headers for their uploads"
    );
}

#[tokio::test]
async fn other_faults_hit_jobs_as_they_hit_attachments() {
    let status = |code| FaultEffect::Status {
        code,
        retry_after: Some("7".to_owned()),
    };
    for (effect, code, parses, left) in [
        (status(503), 503, true, 0),
        (FaultEffect::Html200, 200, false, 0),
        (FaultEffect::GarbageBody, 201, false, 1),
    ] {
        let name = effect.name();
        let service = start_with_fault(EmulatorOperation::CreateJob, effect).await;
        let answer = service.post_job(&event_job_body(&["a"])).await;
        assert_eq!(answer.status, code, "{name}");
        let json = serde_json::from_str::<Value>(&answer.text);
        assert_eq!(json.is_ok(), parses, "{name}");
        assert_eq!(stored_objects(&service), left, "{name}");
    }
}

#[tokio::test]
async fn faults_of_uploads_hit_those_of_jobs() {
    for (effect, status, attached) in [
        (FaultEffect::LoseAnswer, None, 1),
        (FaultEffect::HalfRead, None, 0),
        (FaultEffect::ExpiredUrl, Some(403), 0),
    ] {
        let name = effect.name();
        let service = start_with_fault(EmulatorOperation::Upload, effect).await;
        let created = service.create_job(&["a"]).await;
        let put = service.client.put(created.url(0)).body(vec![7; 200_000]);
        let answered = put.send().await.ok().map(|r| r.status().as_u16());
        assert_eq!(answered, status, "{name}");
        assert_eq!(service.attached_files().len(), attached, "{name}");
        let entry = service.last_entry();
        assert_eq!(entry.fault.as_deref(), Some(name));
        assert_eq!(entry.job, Some(created.id()));
    }
}
