//! Properties of the judgement of a storage's answer, whatever the answer holds.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::arbitrary::{arbitrary_bytes, arbitrary_text, proptest_config};
use crate::http::target::TransferPolicy;

const ADDRESS: &str = "https://example.com/uploads/a.pdf?X-Amz-Signature=5eC4E7&X-Amz-Expires=900";

fn target() -> TransferTarget {
    let rules = TransferPolicy::new(ApiLocation::Remote, &NetworkConfig::default());
    TransferTarget::from_upload_url(ADDRESS, &[], &rules).unwrap()
}

fn error() -> impl Strategy<Value = String> {
    let long = |text: String| text.repeat(10_000);
    let part = || {
        prop_oneof![
            arbitrary_text(),
            arbitrary_text().prop_map(long),
            Just(ADDRESS.to_owned())
        ]
    };
    (part(), part()).prop_map(|(code, message)| {
        format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")
    })
}

fn answer() -> impl Strategy<Value = StorageAnswer> {
    let etags = [
        "\"5d41402abc4b2a76b9719d911017c592\"",
        "\"5D41402ABC4B2A76B9719D911017C592-2\"",
        "x",
    ];
    (
        prop_oneof![100_u16..1000, select(vec![200, 400, 403, 404, 501])],
        select(vec!["application/xml", "text/html", ""]),
        option::of(select(etags.to_vec())),
        prop_oneof![
            error(),
            arbitrary_bytes(60).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            select(vec!["<Code>", "</Code><Code>", "<Code></Code"]).prop_map(str::to_owned),
        ],
    )
        .prop_map(|(status, media_type, etag, body)| StorageAnswer {
            status,
            media_type: media_type.into(),
            etag: etag.map(str::to_owned),
            body,
        })
}

fn md5(text: &str) -> Md5Digest {
    let mut hasher = Md5Hasher::default();
    hasher.update(text.as_bytes());
    hasher.finish()
}

proptest! {
    #![proptest_config(proptest_config(400))]

    #[test]
    fn bytes_count_as_taken_only_with_a_good_status_and_without_an_etag_of_other_bytes(
        answer in answer(),
        sent in select(vec!["hello", "other"]),
    ) {
        let judged = answer.judge_upload(&target(), Some(md5(sent)));
        let is_good = (200..300).contains(&answer.status) && answer.media_type != "text/html";
        let is_md5 = answer.etag.as_deref() == Some("\"5d41402abc4b2a76b9719d911017c592\"");
        match (is_good, is_md5, sent) {
            (true, true, "hello") => prop_assert_eq!(judged, Ok(PutReceipt::Md5Confirmed)),
            (true, false, _) => prop_assert_eq!(judged, Ok(PutReceipt::Accepted)),
            _ => prop_assert!(judged.is_err()),
        }
    }

    #[test]
    fn what_a_storage_says_is_told_in_a_few_words_and_never_with_the_address(answer in answer()) {
        match answer.judge_upload(&target(), Some(md5("hello"))) {
            Err(PutFailure::Interrupted(why) | PutFailure::Refused(why)) => {
                prop_assert!(why.chars().count() < 500, "{} characters", why.chars().count());
                prop_assert!(!why.contains("5eC4E7"), "{}", why);
            }
            Err(PutFailure::Expired) => prop_assert_eq!(answer.status, 403),
            Err(PutFailure::NeverPossible(_)) => prop_assert_eq!(answer.status, 407),
            Err(other) => prop_assert!(false, "{:?}", other),
            Ok(_) => {}
        }
    }
}
