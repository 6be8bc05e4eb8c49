//! Tests of the switches for behaviour which the vendor does not document.

use std::path::Path;

use super::*;
use crate::emulator::{
    FileStatusDisplay, JobPostStatus, JobStatusWords, MissingFilesOutcome, NamesakePolicy,
    PartialFilesOutcome, PostAnswerBody, UnknownObjectAnswer, UrlClock,
};

async fn start_jobs(jobs: JobSettings) -> EmulatorFixture {
    EmulatorFixture::start(with_jobs(jobs)).await
}

#[tokio::test]
async fn a_post_is_answered_as_it_is_set() {
    for (post_status, status) in [
        (JobPostStatus::Ok200, 200),
        (JobPostStatus::Accepted202, 202),
    ] {
        let service = start_jobs(JobSettings {
            post_status,
            post_answer_body: PostAnswerBody::IdOnly,
            ..immediate_settings()
        })
        .await;
        let created = service.post_job(&event_job_body(&["a"])).await;
        assert_eq!(created.status, status);
        assert_eq!(created.json(), json!({"id": created.id()}));
        assert_eq!(service.job(&created.id()).await.status, 200);
    }
}

#[tokio::test]
async fn the_words_for_what_a_job_is_at_are_free() {
    let words = JobStatusWords {
        pending: "CREATED".to_owned(),
        running: "IN_PROGRESS".to_owned(),
        success: "DONE".to_owned(),
    };
    let service = start_jobs(JobSettings {
        status_words: words,
        ..immediate_settings()
    })
    .await;
    let created = service.create_job(&["a"]).await;
    assert_eq!(created.status_word(), "IN_PROGRESS");
    service.upload_all(&created, "hello").await;
    assert_eq!(service.job(&created.id()).await.status_word(), "DONE");
}

#[tokio::test]
async fn urls_end_with_their_time_and_asking_again_brings_the_same_ones() {
    let url_life = Duration::ZERO;
    let service = start_jobs(JobSettings {
        url_lifetime: url_life,
        ..immediate_settings()
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
    assert_eq!(service.attached_files(), []);
}

#[tokio::test]
async fn asking_again_may_bring_fresh_urls_for_the_same_places() {
    let url_clock = UrlClock::EachGet;
    let service = start_jobs(JobSettings {
        url_clock,
        ..immediate_settings()
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
    assert_eq!(service.attached_bytes(), owned_pairs(&[("a", "hello")]));
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
async fn half_filled_job(state: &Path, jobs: JobSettings) -> (EmulatorFixture, JobAnswer) {
    let settings = EmulatorSettings {
        state: Some(state.to_owned()),
        ..with_jobs(jobs)
    };
    let service = EmulatorFixture::start(settings.clone()).await;
    let created = service.create_job(&["a", "b"]).await;
    service.put_file(&created.url(0), "hello").await;
    service.emulator.stop().await;
    let_an_hour_pass(state);
    let service = EmulatorFixture::start(settings).await;
    let job = service.job(&created.id()).await;
    (service, job)
}

#[tokio::test]
async fn a_job_may_end_well_although_files_are_missing_and_tell_what_became_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = JobSettings {
        terms: JobTerms {
            missing: MissingFilesOutcome::Completes,
            ..immediate_terms()
        },
        file_status: FileStatusDisplay::NameAndStatus {
            attached: "UPLOADED".to_owned(),
            not_attached: "MISSING".to_owned(),
        },
        ..immediate_settings()
    };
    let (service, ended) = half_filled_job(folder.path(), jobs).await;
    assert_eq!(ended.status_word(), "COMPLETED");
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
    assert_eq!(service.attached_bytes(), owned_pairs(&[("a", "hello")]));
}

#[tokio::test]
async fn a_job_that_fails_for_one_file_attaches_none_unless_it_keeps_those_that_came() {
    for (partial, attached) in [
        (PartialFilesOutcome::Nothing, owned_pairs(&[])),
        (PartialFilesOutcome::Kept, owned_pairs(&[("a", "hello")])),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let terms = JobTerms {
            missing: MissingFilesOutcome::Fails(partial),
            ..immediate_terms()
        };
        let jobs = JobSettings {
            terms,
            ..immediate_settings()
        };
        let (service, failed) = half_filled_job(folder.path(), jobs).await;
        assert_eq!(failed.status_word(), "FAILED");
        let errors = json!(["File b was not uploaded in time."]);
        assert_eq!(failed.json()["detail"]["errors"], errors);
        assert_eq!(service.attached_bytes(), attached);
    }
}

fn without_the_event(unknown_as: UnknownObjectAnswer) -> JobSettings {
    JobSettings {
        unknown_objects: vec![EVENT_ID.parse().unwrap()],
        unknown_object_answer: unknown_as,
        ..immediate_settings()
    }
}

#[tokio::test]
async fn an_object_that_does_not_exist_is_refused_or_fails_its_job() {
    let service = start_jobs(without_the_event(UnknownObjectAnswer::BadRequest400)).await;
    let refused = service.post_job(&event_job_body(&["a"])).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json(),
        json!({
            "errors": ["Invalid resource ID"],
            "field_errors": {"sourcing_event": ["This object does not exist."]},
        })
    );
    let mut other = event_job_body(&["a"]);
    other["sourcing_event"] = json!(EVENT_ID.replace("0b6f", "1c7a"));
    assert_eq!(service.post_job(&other).await.status, 201);

    let service = start_jobs(without_the_event(UnknownObjectAnswer::FailedJob)).await;
    let created = service.create_job(&["a"]).await;
    let failed = service.job(&created.id()).await;
    assert_eq!(failed.status_word(), "FAILED");
    assert_eq!(
        failed.json()["detail"]["errors"],
        json!(["Invalid resource ID"])
    );
}

#[tokio::test]
async fn a_name_that_an_object_has_already_is_there_twice_or_takes_the_place_of_the_other() {
    for (namesakes, attached) in [
        (
            NamesakePolicy::KeptTwice,
            owned_pairs(&[("a", "first"), ("a", "second")]),
        ),
        (NamesakePolicy::Replaced, owned_pairs(&[("a", "second")])),
    ] {
        let terms = JobTerms {
            namesakes,
            ..immediate_terms()
        };
        let service = start_jobs(JobSettings {
            terms,
            ..immediate_settings()
        })
        .await;
        for bytes in ["first", "second"] {
            let created = service.create_job(&["a"]).await;
            service.upload_all(&created, bytes).await;
        }
        assert_eq!(service.attached_bytes(), attached);
    }
}
