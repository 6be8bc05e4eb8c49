//! Properties of the judgement of answers, whatever their sender.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::answer::parse_retry_after;
use super::*;
use crate::arbitrary::{arbitrary_bytes, arbitrary_text, proptest_config};

/// Any JSON, including very deep JSON and numbers that no type here can hold.
fn json() -> impl Strategy<Value = Vec<u8>> {
    let errors =
        (arbitrary_text(), arbitrary_text(), 0_usize..500).prop_map(|(title, detail, times)| {
            let detail = detail.repeat(times);
            let error =
                serde_json::json!({"title": title, "detail": detail, "source": {"pointer": title}});
            serde_json::json!({"errors": vec![error; 7]}).to_string()
        });
    prop_oneof![
        select(vec![
            "{\"data\":[]}",
            "{}",
            "null",
            "1e999",
            "-1",
            "[1.5e308]",
            "\"\\ud800\""
        ])
        .prop_map(str::to_owned),
        (0_usize..100_000).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
        errors,
    ]
    .prop_map(String::into_bytes)
}

fn answer() -> impl Strategy<Value = RawApiAnswer> {
    (
        prop_oneof![0_u16..1000, select(vec![200, 201, 401, 403, 404, 429])],
        select(vec![
            JSON_API_MEDIA_TYPE,
            "application/json",
            "text/html",
            "text/plain",
            "",
        ]),
        option::of((0_u64..2_000).prop_map(Duration::from_secs)),
        any::<bool>(),
        prop_oneof![json(), arbitrary_bytes(40)],
    )
        .prop_map(
            |(status, media_type, retry_after, has_version, body)| RawApiAnswer {
                status,
                media_type: media_type.into(),
                retry_after,
                quota: None,
                redirect: None,
                has_version,
                body,
            },
        )
}

fn is_json(answer: &RawApiAnswer) -> bool {
    answer.media_type.ends_with("json") && serde_json::from_slice::<Value>(&answer.body).is_ok()
}

proptest! {
    #![proptest_config(proptest_config(400))]

    #[test]
    fn every_answer_has_the_worth_of_its_status_and_only_json_is_a_success(answer in answer()) {
        let judged = judge_answer(&answer, ApiDialect::JsonApi, &SecretRedactor::new([]));
        let is_plain = answer.has_version || answer.body.is_empty();
        match answer.status {
            200..=299 if is_json(&answer) => prop_assert!(matches!(judged, Ok(ServiceReply::Success(_)))),
            401 | 403 if is_plain => prop_assert!(matches!(judged, Err(ApiFailure::Denied(_)))),
            404 if is_json(&answer) => prop_assert_eq!(judged, Ok(ServiceReply::NotFound)),
            404 => prop_assert!(matches!(judged, Ok(ServiceReply::NotFound) | Err(ApiFailure::Unanswered(_)))),
            429 => prop_assert_eq!(judged, Err(ApiFailure::Throttled { retry_after: answer.retry_after })),
            // The effect of a request that timed out on the way (408) is unknown.
            400..=499 if answer.status != 408 && !is_plain => {
                let is_told = matches!(
                    judged,
                    Ok(ServiceReply::Refused(_)) | Err(ApiFailure::Denied(_) | ApiFailure::Intercepted(_))
                );
                prop_assert!(is_told);
            }
            400..=499 if answer.status != 408 => {
                let is_refused = matches!(judged, Ok(ServiceReply::Refused(_)));
                prop_assert!(is_refused);
            }
            _ => prop_assert!(matches!(judged, Err(ApiFailure::Unanswered(_)))),
        }
    }

    #[test]
    fn what_is_said_of_a_failure_is_short_whatever_the_answer_holds(answer in answer()) {
        let words = match judge_answer(&answer, ApiDialect::JsonApi, &SecretRedactor::new([])) {
            Ok(ServiceReply::Refused(refusal)) => refusal.message,
            Err(ApiFailure::Denied(why) | ApiFailure::Unanswered(why) | ApiFailure::Intercepted(why)) => why,
            _ => String::new(),
        };
        prop_assert!(words.chars().count() < 600, "{} characters", words.chars().count());
    }

    #[test]
    fn no_retry_after_makes_a_run_wait_for_longer_than_the_limit(
        value in prop_oneof![
            arbitrary_bytes(30),
            any::<u64>().prop_map(|seconds| seconds.to_string().into_bytes()),
            (any::<u16>(), 0..60_u8).prop_map(|(year, second)| {
                format!("Sun, 22 Nov {year:04} 00:00:{second:02} GMT").into_bytes()
            }),
        ],
        now in any::<u32>(),
    ) {
        let now = jiff::Timestamp::from_second(now.into()).unwrap();
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, value)]);
            let wait = parse_retry_after(&headers, ApiDialect::JsonApi, now);
            prop_assert!(wait.is_none_or(|wait| wait <= ApiDialect::JsonApi.max_retry_after()));
        }
    }
}
