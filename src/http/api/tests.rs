//! Requests as they are sent, and the outcomes of answers.

use super::answer::parse_retry_after;
use super::*;

fn answer(status: u16, media_type: &str, body: &str) -> RawApiAnswer {
    RawApiAnswer {
        status,
        media_type: media_type.into(),
        retry_after: None,
        quota: None,
        redirect: None,
        has_version: false,
        body: body.into(),
    }
}

fn judged(answer: &RawApiAnswer) -> Result<ServiceReply, ApiFailure> {
    judge_answer(answer, ApiDialect::JsonApi, &SecretRedactor::new([]))
}

#[test]
fn only_json_is_believed_to_be_a_success() {
    assert_eq!(
        judged(&answer(200, JSON_API_MEDIA_TYPE, r#"{"data":[]}"#)),
        Ok(ServiceReply::Success(serde_json::json!({"data": []})))
    );
    for (media_type, body) in [
        ("text/html", "<html>Sign in</html>"),
        ("", "{}"),
        (JSON_API_MEDIA_TYPE, r#"{"data":"#),
        (JSON_API_MEDIA_TYPE, ""),
    ] {
        let judged = judged(&answer(200, media_type, body));
        assert!(matches!(judged, Err(ApiFailure::Unanswered(_))), "{body:?}");
    }
}

#[test]
fn nothing_is_taken_for_absent_on_the_word_of_a_sign_in_page() {
    for (media_type, body) in [
        (JSON_API_MEDIA_TYPE, r#"{"errors":[]}"#),
        ("", ""),
        ("text/html", ""),
    ] {
        assert_eq!(
            judged(&answer(404, media_type, body)),
            Ok(ServiceReply::NotFound)
        );
    }
    let page = answer(404, "text/html", "<html>not found</html>");
    assert!(matches!(judged(&page), Err(ApiFailure::Unanswered(_))));
    let versioned = RawApiAnswer {
        has_version: true,
        ..answer(404, "text/html", "<html>not found</html>")
    };
    assert_eq!(judged(&versioned), Ok(ServiceReply::NotFound));
}

#[test]
fn a_refusal_is_the_services_own_by_its_form_by_its_version_or_by_having_no_body() {
    let refusal = r#"{"errors":[{"detail":"no"}]}"#;
    let of_keelvar = r#"{"detail":"Authentication credentials were not provided."}"#;
    for (status, media_type, body, dialect) in [
        (403, JSON_API_MEDIA_TYPE, refusal, ApiDialect::JsonApi),
        (403, "", "", ApiDialect::Json),
        (403, "application/json", of_keelvar, ApiDialect::Json),
        (
            401,
            "application/json",
            r#"{"error":"no"}"#,
            ApiDialect::JsonApi,
        ),
    ] {
        let judged = judge_answer(
            &answer(status, media_type, body),
            dialect,
            &SecretRedactor::new([]),
        );
        assert!(matches!(judged, Err(ApiFailure::Denied(_))), "{judged:?}");
    }
    let page = "<html><title>Blocked</title></html>";
    for (status, media_type, body, content) in [
        (403, "text/html", page, "a web page: \"Blocked\""),
        (401, "text/html", page, "a web page: \"Blocked\""),
        (400, "text/html", page, "a web page: \"Blocked\""),
        (413, "text/html", page, "a web page: \"Blocked\""),
        (451, "text/plain", "blocked", "a text: \"blocked\""),
        (
            403,
            "application/json",
            r#"{"message":"Forbidden"}"#,
            "JSON that is not the service's",
        ),
    ] {
        let told = format!(
            "something between consign and the service answered with status {status} and {content}"
        );
        let refused = answer(status, media_type, body);
        assert_eq!(judged(&refused), Err(ApiFailure::Intercepted(told)));
        let versioned = RawApiAnswer {
            has_version: true,
            ..refused
        };
        let judged = judged(&versioned);
        assert!(
            !matches!(judged, Err(ApiFailure::Intercepted(_))),
            "{judged:?}"
        );
    }
}

#[test]
fn each_status_says_whether_the_request_may_have_had_an_effect() {
    for status in [401, 403] {
        assert!(matches!(
            judged(&answer(status, "", "")),
            Err(ApiFailure::Denied(_))
        ));
    }
    for status in [100, 301, 302, 307, 408, 500, 502, 503, 599, 700] {
        let judged = judged(&answer(status, "", ""));
        assert!(matches!(judged, Err(ApiFailure::Unanswered(_))), "{status}");
    }
    for status in [400, 409, 415, 422] {
        let judged = judged(&answer(status, "", ""));
        assert!(matches!(judged, Ok(ServiceReply::Refused(_))), "{status}");
    }
    assert_eq!(
        judged(&answer(429, "", "")),
        Err(ApiFailure::Throttled { retry_after: None })
    );
}

#[test]
fn a_wait_is_read_as_seconds_or_as_a_date_and_has_a_limit() {
    let now = "2026-11-22T00:00:00Z".parse().unwrap();
    let wait = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(value).unwrap());
        parse_retry_after(&headers, ApiDialect::JsonApi, now)
    };
    assert_eq!(wait("7"), Some(Duration::from_secs(7)));
    assert_eq!(
        wait("Sun, 22 Nov 2026 00:00:30 GMT"),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        wait("Sat, 21 Nov 2026 00:00:30 GMT"),
        Some(Duration::ZERO),
        "a date that has passed"
    );
    assert_eq!(
        wait("99999999"),
        Some(ApiDialect::JsonApi.max_retry_after())
    );
    assert_eq!(wait("soon"), None);
}

#[test]
fn an_external_id_is_one_segment_of_the_path_whatever_it_holds() {
    let base = Url::parse("https://example.com/services/attachments/v1").unwrap();
    let client = ApiClient::new(base, ApiDialect::JsonApi, &[], &NetworkConfig::default()).unwrap();
    let url = client.url(&ApiRequest {
        query: RequestQuery::Parameters(&[("filter[id_equals]", "1,2")]),
        ..ApiRequest::get(&["attachments", "a/b?c#d%2E e+ü", "external_id"])
    });
    assert_eq!(
        url.as_str(),
        "https://example.com/services/attachments/v1/attachments/\
         a%2Fb%3Fc%23d%252E%20e%2B%C3%BC/external_id?filter%5Bid_equals%5D=1%2C2"
    );
}

#[test]
fn what_the_service_says_reaches_the_user_in_one_line() {
    let body = serde_json::json!({"errors": [
        {"source": {"pointer": "/data/attributes/title"}, "title": "Validation Error", "detail": "is too long"},
        {"detail": "also this"},
        {"status": 422},
    ]});
    assert_eq!(
        error_text(&body),
        "Validation Error: is too long (at /data/attributes/title); also this"
    );
    assert_eq!(error_text(&Value::Null), "");
}

#[tokio::test]
async fn an_answer_that_trickles_is_not_waited_for_for_ever() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let trickle = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.read_exact(&mut [0; 64]).await.unwrap();
        // From here on, the clock jumps whenever no other work is left.
        tokio::time::pause();
        let start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        connection.write_all(start).await.unwrap();
        for _ in 0..100 {
            // A client that has waited for its time limit is gone.
            let _ = connection.write_all(b" ").await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        drop(connection);
        std::future::pending::<()>().await;
    };
    let client = ApiClient::new(
        base.parse().unwrap(),
        ApiDialect::JsonApi,
        &[],
        &NetworkConfig::default(),
    )
    .unwrap();
    let request = ApiRequest::get(&["attachments"]);
    let answer = tokio::select! {
        answer = client.send(request) => answer,
        () = trickle => unreachable!("it waits for ever"),
    };
    match answer {
        Err(ApiFailure::Unanswered(why)) => assert!(why.contains("no answer in time"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bearer_key_is_hidden_with_its_scheme_and_without() {
    let keys = [KeyHeader::bearer("the-secret-key".to_owned().into())];
    assert_eq!(keys[0].value().expose_secret(), "Bearer the-secret-key");
    let base = Url::parse("https://example.com/api").unwrap();
    let client =
        ApiClient::new(base, ApiDialect::JsonApi, &keys, &NetworkConfig::default()).unwrap();
    let said = "the-secret-key, or Authorization: Bearer the-secret-key";
    assert_eq!(
        client.redact(said),
        "[hidden], or Authorization: Bearer [hidden]"
    );
}
