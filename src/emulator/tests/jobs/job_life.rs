//! Tests of a job from its creation to its end.

use super::*;
use crate::emulator::{StoredJobPhase, stored_jobs};

#[tokio::test]
async fn a_job_whose_files_all_come_attaches_them() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let created = service.create_job(&["a.pdf", "b c.pdf"]).await;
    assert_eq!(created.json()["type"], "ATTACH_FILES_TO_SOURCING_EVENT");

    let running = service.job(&created.id()).await;
    assert_eq!(
        (running.status, running.status_word()),
        (200, "RUNNING".into())
    );
    let names: Vec<_> = running.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a.pdf", "b c.pdf"]);
    service.put_file(&running.url(0), "first").await;
    assert_eq!(service.job(&created.id()).await.status_word(), "RUNNING");
    assert_eq!(service.attached_files(), []);

    let response = service.put_file(&running.url(1), "hello").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["etag"],
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    let ended = service.job(&created.id()).await;
    assert_eq!(ended.status_word(), "COMPLETED");
    assert_eq!(ended.json()["detail"]["errors"], Value::Null);
    assert_eq!(
        service.attached_bytes(),
        owned_pairs(&[("a.pdf", "first"), ("b c.pdf", "hello")])
    );
    let second = &service.attached_files()[1];
    assert_eq!(second.object, format!("sourcing_event {EVENT_ID}"));
    assert_eq!((second.job.as_str(), second.size), (&*created.id(), 5));
}

#[tokio::test]
async fn a_job_for_a_request_names_its_requester() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let body = json!({"sourcing_request": EVENT_ID, "requester": "j@email.com", "files": ["a"]});
    let request = service
        .jobs_request_with_key(Method::POST, "/jobs/attach-files-to-sourcing-request")
        .header("Content-Type", "application/json; charset=utf-8")
        .body(body.to_string());
    let created = job_answer(request).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["type"], "ATTACH_FILES_TO_SOURCING_REQUEST");
    service.upload_all(&created, "hello").await;
    let object = format!("sourcing_request {EVENT_ID}");
    assert_eq!(service.attached_files()[0].object, object);
    let stored = &stored_jobs(service.emulator.state_path()).unwrap()[0];
    assert_eq!(
        (&stored.object, stored.phase),
        (&object, StoredJobPhase::Succeeded)
    );
}

#[tokio::test]
async fn before_its_start_a_job_has_no_detail() {
    let terms = JobTerms {
        start_delay: Duration::from_hours(1),
        ..immediate_terms()
    };
    let service = EmulatorFixture::start(with_jobs(JobSettings {
        terms,
        ..immediate_settings()
    }))
    .await;
    let created = service.create_job(&["a"]).await;
    for answer in [&created, &service.job(&created.id()).await] {
        let json = answer.json();
        assert_eq!(
            (&json["status"], &json["detail"]),
            (&json!("PENDING"), &Value::Null)
        );
        let at = json["created"].as_str().unwrap();
        assert_eq!(at.len(), "2025-06-06T00:00:00.000001Z".len(), "{at}");
    }
}

#[tokio::test]
async fn a_job_that_is_given_up_fails_and_attaches_nothing() {
    let terms = JobTerms {
        give_up_after: Duration::ZERO,
        ..immediate_terms()
    };
    let service = EmulatorFixture::start(with_jobs(JobSettings {
        terms,
        ..immediate_settings()
    }))
    .await;
    let created = service.create_job(&["a", "b"]).await;
    let failed = service.job(&created.id()).await;
    assert_eq!(failed.status_word(), "FAILED");
    assert_eq!(
        failed.json()["detail"],
        json!({
            "files": [{"file_name": "a"}, {"file_name": "b"}],
            "errors": ["File a was not uploaded in time.", "File b was not uploaded in time."],
        })
    );
    assert_eq!(service.attached_files(), []);
}

#[tokio::test]
async fn a_second_upload_counts_until_the_job_ends_and_not_after() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let created = service.create_job(&["a", "b"]).await;
    let urls = [created.url(0), created.url(1)];
    for bytes in ["first", "second"] {
        let response = service.put_file(&urls[0], bytes).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    service.put_file(&urls[1], "other").await;
    let attached = owned_pairs(&[("a", "second"), ("b", "other")]);
    assert_eq!(service.attached_bytes(), attached);

    let late = service.put_file(&urls[0], "too late").await;
    assert_eq!(late.status(), StatusCode::OK);
    assert_eq!(service.attached_bytes(), attached);
    assert_eq!(service.job(&created.id()).await.status_word(), "COMPLETED");
}

#[tokio::test]
async fn the_storage_takes_what_is_signed_and_nothing_else() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let created = service.create_job(&["a", "b"]).await;
    let url = created.url(0);
    let key = |url: &str| url.split('/').nth(6).unwrap().to_owned();
    let others_place = url.replace(&key(&url), &key(&created.url(1)));
    let put = |url: &str| service.client.put(url).body("hello");
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>("hello")]);
    let chunked = service
        .client
        .put(&url)
        .body(reqwest::Body::wrap_stream(chunks));
    for (request, status, code) in [
        (put(&others_place), 403, "SignatureDoesNotMatch"),
        (put(url.split('?').next().unwrap()), 403, "AccessDenied"),
        (
            put(&url).header("Authorization", "Bearer x"),
            400,
            "InvalidRequest",
        ),
        (chunked, 501, "NotImplemented"),
        (service.client.get(&url), 403, "SignatureDoesNotMatch"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{code}");
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
    // No header is signed, so any header is accepted.
    let free = put(&url).header("Content-Type", "text/plain");
    assert_eq!(free.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn the_newest_hundred_jobs_are_listed_the_newest_first() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let mut ids = Vec::new();
    for _ in 0..102 {
        ids.push(service.create_job(&["a"]).await.id());
    }
    let list = job_answer(service.jobs_request_with_key(Method::GET, "/jobs/"))
        .await
        .json();
    let results = list["results"].as_array().unwrap();
    let listed: Vec<_> = results
        .iter()
        .map(|job| job["id"].as_str().unwrap())
        .collect();
    ids.reverse();
    assert_eq!(listed, ids[..100]);
}

#[tokio::test]
async fn a_restart_finds_jobs_and_their_urls_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || EmulatorSettings {
        state: Some(folder.path().to_owned()),
        ..with_jobs(immediate_settings())
    };
    let service = EmulatorFixture::start(settings()).await;
    let ended = service.create_job(&["a"]).await;
    service.upload_all(&ended, "hello").await;
    let running = service.create_job(&["b"]).await;
    let address = service.emulator.address();
    service.emulator.stop().await;

    let service = EmulatorFixture {
        emulator: Emulator::start(address, settings()).await.unwrap(),
        client: service.client,
    };
    assert_eq!(service.job(&ended.id()).await.status_word(), "COMPLETED");
    service.upload_all(&running, "later").await;
    assert_eq!(
        service.attached_bytes(),
        owned_pairs(&[("a", "hello"), ("b", "later")])
    );
    let third = service.create_job(&["c"]).await.id();
    let stored = stored_jobs(folder.path()).unwrap();
    let ids: Vec<_> = stored.into_iter().map(|job| job.id).collect();
    assert_eq!(ids, [ended.id(), running.id(), third]);
}

#[tokio::test]
async fn the_log_tells_of_each_request_which_job_and_which_file_it_was_and_no_secret() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let created = service.create_job(&["a b.pdf"]).await;
    service.upload_all(&created, "hello").await;
    service.job(&created.id()).await;
    job_answer(service.jobs_request_with_key(Method::GET, "/jobs/?page=1")).await;
    let log = service.log();
    let told: Vec<_> = log
        .iter()
        .map(|e| {
            (
                e.operation.name(),
                e.status,
                e.job.as_deref(),
                e.file.as_deref(),
                e.bytes,
            )
        })
        .collect();
    let id = created.id();
    let job = Some(id.as_str());
    assert_eq!(
        told,
        [
            ("create_job", Some(201), job, None, None),
            ("upload", Some(200), job, Some("a b.pdf"), Some(5)),
            ("get_job", Some(200), job, None, None),
            ("list_jobs", Some(200), None, None, None),
        ]
    );
    let object = format!("sourcing_event {EVENT_ID}");
    assert!(
        log[..3]
            .iter()
            .all(|entry| entry.object.as_ref() == Some(&object))
    );
    assert_eq!(log[3].path, "/api/jobs/?page=1");
    let text = std::fs::read_to_string(service.emulator.log_path()).unwrap();
    for secret in ["key-canary", "signature"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
