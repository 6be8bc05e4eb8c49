//! Properties of the judgement of answers, whoever sent them.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::answer::retry_after;
use super::*;
use crate::arbitrary::{bytes, cases, text};

/// Any JSON, including very deep JSON and numbers that no type here can hold.
fn json() -> impl Strategy<Value = Vec<u8>> {
    let errors = (text(), text(), 0_usize..500).prop_map(|(title, detail, times)| {
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

fn answer() -> impl Strategy<Value = Answer> {
    (
        prop_oneof![0_u16..1000, select(vec![200, 201, 401, 403, 404, 429])],
        select(vec![
            JSON_API,
            "application/json",
            "text/html",
            "text/plain",
            "",
        ]),
        option::of((0_u64..2_000).prop_map(Duration::from_secs)),
        any::<bool>(),
        prop_oneof![json(), bytes(40)],
    )
        .prop_map(
            |(status, media_type, retry_after, has_version, body)| Answer {
                status,
                media_type: media_type.into(),
                retry_after,
                quota: None,
                moved: None,
                has_version,
                body,
            },
        )
}

fn is_json(answer: &Answer) -> bool {
    answer.media_type.ends_with("json") && serde_json::from_slice::<Value>(&answer.body).is_ok()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn every_answer_has_the_worth_of_its_status_and_only_json_is_a_success(answer in answer()) {
        let judged = judge(&answer, Dialect::JsonApi, &Secrets::of([]));
        let is_plain = answer.has_version || answer.body.is_empty();
        match answer.status {
            200..=299 if is_json(&answer) => prop_assert!(matches!(judged, Ok(Reply::Success(_)))),
            401 | 403 if is_plain => prop_assert!(matches!(judged, Err(Failure::Denied(_)))),
            404 if is_json(&answer) => prop_assert_eq!(judged, Ok(Reply::NotFound)),
            404 => prop_assert!(matches!(judged, Ok(Reply::NotFound) | Err(Failure::Unanswered(_)))),
            429 => prop_assert_eq!(judged, Err(Failure::Throttled { retry_after: answer.retry_after })),
            // The effect of a request that timed out on the way (408) is unknown.
            400..=499 if answer.status != 408 && !is_plain => {
                let is_told = matches!(
                    judged,
                    Ok(Reply::Refused(_)) | Err(Failure::Denied(_) | Failure::Intercepted(_))
                );
                prop_assert!(is_told);
            }
            400..=499 if answer.status != 408 => {
                let is_refused = matches!(judged, Ok(Reply::Refused(_)));
                prop_assert!(is_refused);
            }
            _ => prop_assert!(matches!(judged, Err(Failure::Unanswered(_)))),
        }
    }

    #[test]
    fn what_is_said_of_a_failure_is_short_whatever_the_answer_holds(answer in answer()) {
        let words = match judge(&answer, Dialect::JsonApi, &Secrets::of([])) {
            Ok(Reply::Refused(why))
            | Err(Failure::Denied(why) | Failure::Unanswered(why) | Failure::Intercepted(why)) => why,
            _ => String::new(),
        };
        prop_assert!(words.chars().count() < 600, "{} characters", words.chars().count());
    }

    #[test]
    fn no_retry_after_makes_a_run_wait_for_longer_than_the_limit(
        value in prop_oneof![
            bytes(30),
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
            let wait = retry_after(&headers, Dialect::JsonApi, now);
            prop_assert!(wait.is_none_or(|wait| wait <= Dialect::JsonApi.longest_wait()));
        }
    }
}
