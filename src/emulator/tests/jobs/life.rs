//! What a job goes through.

use super::*;
use crate::emulator::{Phase, jobs};

#[tokio::test]
async fn a_job_whose_files_all_come_attaches_them() {
    let service = Service::start(with_jobs(quick())).await;
    let created = service.create_job(&["a.pdf", "b c.pdf"]).await;
    assert_eq!(created.json()["type"], "ATTACH_FILES_TO_SOURCING_EVENT");

    let running = service.job(&created.id()).await;
    assert_eq!((running.status, running.word()), (200, "RUNNING".into()));
    let names: Vec<_> = running.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.pdf", "b c.pdf"]);
    service.put_file(&running.url(0), "first").await;
    assert_eq!(service.job(&created.id()).await.word(), "RUNNING");
    assert_eq!(service.attached(), []);

    let response = service.put_file(&running.url(1), "hello").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["etag"],
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    let ended = service.job(&created.id()).await;
    assert_eq!(ended.word(), "COMPLETED");
    assert_eq!(ended.json()["detail"]["errors"], Value::Null);
    assert_eq!(
        service.attached_bytes(),
        pairs(&[("a.pdf", "first"), ("b c.pdf", "hello")])
    );
    let second = &service.attached()[1];
    assert_eq!(second.object, format!("sourcing_event {EVENT}"));
    assert_eq!((second.job.as_str(), second.size), (&*created.id(), 5));
}

#[tokio::test]
async fn a_job_for_a_request_names_its_requester() {
    let service = Service::start(with_jobs(quick())).await;
    let body = json!({"sourcing_request": EVENT, "requester": "j@email.com", "files": ["a"]});
    let request = service
        .keyed(Method::POST, "/jobs/attach-files-to-sourcing-request")
        .header("Content-Type", "application/json; charset=utf-8")
        .body(body.to_string());
    let created = job_answer(request).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["type"], "ATTACH_FILES_TO_SOURCING_REQUEST");
    service.fill(&created, "hello").await;
    let object = format!("sourcing_request {EVENT}");
    assert_eq!(service.attached()[0].object, object);
    let stored = &jobs(service.emulator.state()).unwrap()[0];
    assert_eq!((&stored.object, stored.phase), (&object, Phase::Succeeded));
}
