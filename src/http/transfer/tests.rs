//! What is told of a storage's refusals.

use super::*;

const ADDRESS: &str = "https://example.com/uploads/a.pdf?X-Amz-Signature=5ec4e7";

fn told(status: u16, body: &str) -> String {
    let answer = Answer {
        status,
        media_type: "application/xml".into(),
        etag: None,
        body: body.into(),
    };
    let target = Target::parse(ADDRESS, &[], ApiHost::Remote).unwrap();
    match answer.judge(&target, None) {
        Err(PutFailure::Refused(why) | PutFailure::Interrupted(why)) => why,
        other => panic!("words are expected, not {other:?}"),
    }
}

#[test]
fn code_and_message_are_told_and_nothing_else_that_a_storage_says() {
    // In the form of the example in Amazon's documentation of error responses.
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidRequest</Code>\
                <Message>The unspecified location constraint is incompatible</Message>\
                <AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>\
                <Resource>/bucket/uploads/a.pdf</Resource><RequestId>4442587FB7D0A2F9</RequestId>\
                </Error>";
    assert_eq!(
        told(400, body),
        "status 400, InvalidRequest: The unspecified location constraint is incompatible"
    );
    assert_eq!(told(503, ""), "status 503");
}

#[test]
fn words_that_repeat_the_address_are_left_out() {
    let body = format!("<Code>BadRequest</Code><Message>no such thing as {ADDRESS}</Message>");
    assert_eq!(told(400, &body), "status 400, BadRequest: (left out)");
    let body = format!("<Code>{ADDRESS}</Code><Message>no</Message>");
    assert_eq!(told(400, &body), "status 400, (left out): no");
}

#[test]
fn a_long_refusal_is_cut() {
    let long = "x".repeat(60_000);
    let body = format!("<Code>{long}</Code><Message>{long}</Message>");
    assert_eq!(told(400, &body).len(), "status 400, : ".len() + 60 + 300);
}
