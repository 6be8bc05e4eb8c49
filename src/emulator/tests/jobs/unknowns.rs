//! Tests of the switches for behaviour which the vendor does not document.

use std::path::Path;

use super::*;
use crate::emulator::{
    FileStatus, JobWords, Missing, Namesakes, Partial, PostBody, PostStatus, UnknownAs, UrlClock,
};

async fn start(jobs: JobSettings) -> Service {
    Service::start(with_jobs(jobs)).await
}

#[tokio::test]
async fn a_post_is_answered_as_it_is_set() {
    for (post_status, status) in [(PostStatus::Ok200, 200), (PostStatus::Accepted202, 202)] {
        let service = start(JobSettings {
            post_status,
            post_body: PostBody::IdOnly,
            ..quick()
        })
        .await;
        let created = service.ask_for_job(&for_event(&["a"])).await;
        assert_eq!(created.status, status);
        assert_eq!(created.json(), json!({"id": created.id()}));
        assert_eq!(service.job(&created.id()).await.status, 200);
    }
}

#[tokio::test]
async fn the_words_for_what_a_job_is_at_are_free() {
    let words = JobWords {
        pending: "CREATED".to_owned(),
        running: "IN_PROGRESS".to_owned(),
        success: "DONE".to_owned(),
    };
    let service = start(JobSettings { words, ..quick() }).await;
    let created = service.create_job(&["a"]).await;
    assert_eq!(created.word(), "IN_PROGRESS");
    service.fill(&created, "hello").await;
    assert_eq!(service.job(&created.id()).await.word(), "DONE");
}

#[tokio::test]
async fn urls_end_with_their_time_and_asking_again_brings_the_same_ones() {
    let url_life = Duration::ZERO;
    let service = start(JobSettings {
        url_life,
        ..quick()
    })
    .await;
    let created = service.create_job(&["a"]).await;
    let url = created.url(0);
    assert_eq!(service.job(&created.id()).await.url(0), url);
    let expired = service.put_file(&url, "hello").await;
    assert_eq!(expired.status(), StatusCode::FORBIDDEN);
    let text = expired.text().await.unwrap();
    assert!(
        text.contains("<Message>Request has expired</Message>"),
        "{text}"
    );
    assert_eq!(service.attached(), []);
}

#[tokio::test]
async fn asking_again_may_bring_fresh_urls_for_the_same_places() {
    let url_clock = UrlClock::EachGet;
    let service = start(JobSettings {
        url_clock,
        ..quick()
    })
    .await;
    let created = service.create_job(&["a"]).await;
    let first = created.url(0);
    // Expiry is counted in milliseconds.
    let second = loop {
        let url = service.job(&created.id()).await.url(0);
        if url != first {
            break url;
        }
    };
    let place = |url: &str| url.split('?').next().unwrap().to_owned();
    assert_eq!(place(&first), place(&second));
    service.put_file(&second, "hello").await;
    assert_eq!(service.attached_bytes(), pairs(&[("a", "hello")]));
}

/// Moves the jobs of a state folder one hour into the past.
fn let_an_hour_pass(state: &Path) {
    for file in std::fs::read_dir(state.join("jobs")).unwrap() {
        let path = file.unwrap().path();
        let mut job: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let created: jiff::Timestamp = job["created"].as_str().unwrap().parse().unwrap();
        job["created"] = json!(created - Duration::from_hours(1));
        std::fs::write(&path, job.to_string()).unwrap();
    }
}

/// Creates a job, uploads the first of its two files, and lets an hour pass.
async fn a_job_that_got_half(state: &Path, jobs: JobSettings) -> (Service, JobAnswer) {
    let settings = Settings {
        state: Some(state.to_owned()),
        ..with_jobs(jobs)
    };
    let service = Service::start(settings.clone()).await;
    let created = service.create_job(&["a", "b"]).await;
    service.put_file(&created.url(0), "hello").await;
    service.emulator.stop().await;
    let_an_hour_pass(state);
    let service = Service::start(settings).await;
    let job = service.job(&created.id()).await;
    (service, job)
}

#[tokio::test]
async fn a_job_may_end_well_although_files_are_missing_and_tell_what_became_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = JobSettings {
        terms: Terms {
            missing: Missing::Completes,
            ..at_once()
        },
        file_status: FileStatus::Told {
            attached: "UPLOADED".to_owned(),
            not_attached: "MISSING".to_owned(),
        },
        ..quick()
    };
    let (service, ended) = a_job_that_got_half(folder.path(), jobs).await;
    assert_eq!(ended.word(), "COMPLETED");
    assert_eq!(
        ended.json()["detail"],
        json!({
            "files": [
                {"file_name": "a", "status": "UPLOADED"},
                {"file_name": "b", "status": "MISSING"},
            ],
            "errors": ["File b was not uploaded in time."],
        })
    );
    assert_eq!(service.attached_bytes(), pairs(&[("a", "hello")]));
}

#[tokio::test]
async fn a_job_that_fails_for_one_file_attaches_none_unless_it_keeps_those_that_came() {
    for (partial, attached) in [
        (Partial::Nothing, pairs(&[])),
        (Partial::Kept, pairs(&[("a", "hello")])),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let terms = Terms {
            missing: Missing::Fails(partial),
            ..at_once()
        };
        let jobs = JobSettings { terms, ..quick() };
        let (service, failed) = a_job_that_got_half(folder.path(), jobs).await;
        assert_eq!(failed.word(), "FAILED");
        let errors = json!(["File b was not uploaded in time."]);
        assert_eq!(failed.json()["detail"]["errors"], errors);
        assert_eq!(service.attached_bytes(), attached);
    }
}

fn without_the_event(unknown_as: UnknownAs) -> JobSettings {
    JobSettings {
        unknown_objects: vec![EVENT.parse().unwrap()],
        unknown_as,
        ..quick()
    }
}

#[tokio::test]
async fn an_object_that_does_not_exist_is_refused_or_fails_its_job() {
    let service = start(without_the_event(UnknownAs::BadRequest400)).await;
    let refused = service.ask_for_job(&for_event(&["a"])).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json(),
        json!({
            "errors": ["Invalid resource ID"],
            "field_errors": {"sourcing_event": ["This object does not exist."]},
        })
    );
    let mut other = for_event(&["a"]);
    other["sourcing_event"] = json!(EVENT.replace("0b6f", "1c7a"));
    assert_eq!(service.ask_for_job(&other).await.status, 201);

    let service = start(without_the_event(UnknownAs::FailedJob)).await;
    let created = service.create_job(&["a"]).await;
    let failed = service.job(&created.id()).await;
    assert_eq!(failed.word(), "FAILED");
    assert_eq!(
        failed.json()["detail"]["errors"],
        json!(["Invalid resource ID"])
    );
}

#[tokio::test]
async fn a_name_that_an_object_has_already_is_there_twice_or_takes_the_place_of_the_other() {
    for (namesakes, attached) in [
        (
            Namesakes::KeptTwice,
            pairs(&[("a", "first"), ("a", "second")]),
        ),
        (Namesakes::Replaced, pairs(&[("a", "second")])),
    ] {
        let terms = Terms {
            namesakes,
            ..at_once()
        };
        let service = start(JobSettings { terms, ..quick() }).await;
        for bytes in ["first", "second"] {
            let created = service.create_job(&["a"]).await;
            service.fill(&created, bytes).await;
        }
        assert_eq!(service.attached_bytes(), attached);
    }
}
