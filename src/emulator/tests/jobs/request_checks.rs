//! Tests of the checks before a job is created: key, form of the path, body.

use super::*;
use crate::emulator::{AcceptedJobKeys, TrailingSlashRule, WrongSlashAnswer};

/// Returns the status and the body of an answer.
async fn status_and_body(request: RequestBuilder) -> (u16, Value) {
    let answer = job_answer(request).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn without_a_key_there_is_a_401_and_with_a_wrong_one_an_empty_403() {
    let keys = AcceptedJobKeys::Only("right".into());
    let service = EmulatorFixture::start(with_jobs(JobSettings {
        accepted_keys: keys,
        ..immediate_settings()
    }))
    .await;
    let asked = |authorization: &str| {
        service
            .jobs_request(Method::GET, "/jobs/")
            .header("Authorization", authorization)
    };
    let missing = json!({"errors": ["Authentication credentials were not provided."]});
    for nothing in ["", "Bearer ", "Basic right"] {
        assert_eq!(
            status_and_body(asked(nothing)).await,
            (401, missing.clone())
        );
    }
    let bare = service.jobs_request(Method::GET, "/jobs/");
    assert_eq!(status_and_body(bare).await.0, 401);
    let refused = job_answer(asked("Bearer wrong")).await;
    assert_eq!((refused.status, refused.text.as_str()), (403, ""));
    assert_eq!(status_and_body(asked("Bearer right")).await.0, 200);
}

#[tokio::test]
async fn any_key_is_taken_where_none_is_set() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    service.create_job(&["a"]).await;
}

#[tokio::test]
async fn a_job_that_is_not_there_is_not_found() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    for path in [
        format!("/jobs/{EVENT_ID}"),
        "/jobs/7".to_owned(),
        "/nowhere".to_owned(),
    ] {
        let request = service.jobs_request_with_key(Method::GET, &path);
        let not_found = json!({"errors": ["Not found."]});
        assert_eq!(status_and_body(request).await, (404, not_found), "{path}");
    }
    let wrong = service.jobs_request_with_key(Method::DELETE, &format!("/jobs/{EVENT_ID}"));
    let wrong = job_answer(wrong).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET")));
}

#[tokio::test]
async fn a_body_that_is_not_as_documented_is_refused_with_all_that_is_wrong_with_it() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let with = |field: &str, value: Value| {
        let mut body = event_job_body(&["a"]);
        body[field] = value;
        body
    };
    let name = |name: &str| with("files", json!(["a", name]));
    for (body, field_errors) in [
        (
            json!({"sourcing_request": EVENT_ID}),
            json!({
                "sourcing_event": ["This sourcing_event is required."],
                "created_by": ["This created_by is required."],
                "files": ["This files is required."],
            }),
        ),
        (
            with("sourcing_event", json!("7")),
            json!({"sourcing_event": ["Must be a valid UUID."]}),
        ),
        (
            with("created_by", json!("john")),
            json!({"created_by": ["Enter a valid email address."]}),
        ),
        (
            with("created_by", json!(7)),
            json!({"created_by": ["Not a valid string."]}),
        ),
        (
            with("files", json!([])),
            json!({"files": ["This list may not be empty."]}),
        ),
        (
            with("files", json!("a")),
            json!({"files": ["Expected a list of items."]}),
        ),
        (
            with("files", json!(["a", "b", "a", 7])),
            json!({"files.2": ["This name is used twice."], "files.3": ["Not a valid string."]}),
        ),
        (
            name(""),
            json!({"files.1": ["This field may not be blank."]}),
        ),
        (
            name(".."),
            json!({"files.1": ["This does not name a file."]}),
        ),
        (
            name("b/c"),
            json!({"files.1": ["A file name must not contain a path."]}),
        ),
        (
            name("b\\c"),
            json!({"files.1": ["A file name must not contain a path."]}),
        ),
        (
            // 256 bytes in 128 characters.
            name(&"é".repeat(128)),
            json!({"files.1": ["Ensure this field has no more than 255 bytes."]}),
        ),
    ] {
        let expected = json!({"field_errors": field_errors});
        assert_eq!(
            status_and_body(service.job_post(&body)).await,
            (400, expected)
        );
    }
    let longest = with("files", json!(["é".repeat(127)]));
    assert_eq!(status_and_body(service.job_post(&longest)).await.0, 201);
    let more = with("note", json!("passed over"));
    assert_eq!(status_and_body(service.job_post(&more)).await.0, 201);
}

#[tokio::test]
async fn a_body_that_is_no_object_in_json_is_refused_as_a_whole() {
    let service = EmulatorFixture::start(with_jobs(immediate_settings())).await;
    let post = |body: &'static str| service.job_post(&json!({})).body(body);
    let (status, json) = status_and_body(post("{\"files\": [}")).await;
    assert_eq!(status, 400);
    let error = json["errors"][0].as_str().unwrap();
    assert!(error.starts_with("JSON parse error - "), "{error}");
    assert_eq!(json["field_errors"], Value::Null);
    let expected = json!({"errors": ["Invalid data. Expected an object."]});
    assert_eq!(status_and_body(post("[]")).await, (400, expected));

    let text = service
        .jobs_request_with_key(Method::POST, "/jobs/attach-files-to-sourcing-event")
        .header("Content-Type", "text/plain")
        .body(event_job_body(&["a"]).to_string());
    let expected = json!({"errors": ["Unsupported media type \"text/plain\" in request."]});
    assert_eq!(status_and_body(text).await, (415, expected));
}

/// Returns status and `Location` of a list and of a POST, each without and with a trailing slash.
/// The client follows no redirect.
async fn redirects_by_slash(jobs: JobSettings) -> Vec<(u16, Option<String>)> {
    let service = EmulatorFixture {
        client: Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap(),
        ..EmulatorFixture::start(with_jobs(jobs)).await
    };
    let mut ends = Vec::new();
    for end in ["", "/"] {
        let list = service.jobs_request_with_key(Method::GET, &format!("/jobs{end}"));
        let path = format!("/jobs/attach-files-to-sourcing-request{end}");
        let post = service
            .jobs_request_with_key(Method::POST, &path)
            .body("{}");
        for request in [list, post] {
            let answer = job_answer(request).await;
            ends.push((answer.status, answer.header("location").map(str::to_owned)));
        }
    }
    ends
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_is_free_or_has_to_be_as_it_is_set() {
    let to = |path: &str| (301, Some(format!("/api/jobs{path}")));
    let answered = |status| (status, None);
    assert_eq!(
        redirects_by_slash(immediate_settings()).await,
        [200, 415, 200, 415].map(answered)
    );
    let reads = JobSettings {
        get_slash_rule: TrailingSlashRule::Required,
        post_slash_rule: TrailingSlashRule::Forbidden,
        ..immediate_settings()
    };
    assert_eq!(
        redirects_by_slash(reads.clone()).await,
        [
            to("/"),
            answered(415),
            answered(200),
            to("/attach-files-to-sourcing-request"),
        ]
    );
    let not_found = JobSettings {
        wrong_slash_answer: WrongSlashAnswer::NotFound,
        ..reads
    };
    assert_eq!(
        redirects_by_slash(not_found).await,
        [404, 415, 200, 404].map(answered)
    );
}
