//! Descriptions of a storage's refusals, and limits of an upload against hosts that misbehave. The
//! clock is stopped where a limit is a time, and jumps whenever no other work is left.

use std::net::{Ipv4Addr, SocketAddr};

mod early;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use reqwest::header::{HeaderMap, HeaderValue};

use super::answer::{StorageAnswerClass, etag};
use super::*;
use crate::digest::sha256;
use crate::http::target::TransferPolicy;
use crate::root::Root;

/// File to upload, in a temporary folder.
struct UploadFixture {
    _folder: TempDir,
    source: UploadSource,
    content: CheckedContent,
}

fn upload_fixture(size: usize) -> UploadFixture {
    let folder = tempfile::tempdir().unwrap();
    let bytes = vec![b'x'; size];
    std::fs::write(folder.path().join("a.pdf"), &bytes).unwrap();
    let root = Root::from_path(folder.path()).unwrap();
    let content = CheckedContent {
        stamp: root.stamp_file("a.pdf").unwrap(),
        sha256: sha256(&bytes),
    };
    UploadFixture {
        source: UploadSource::new(Arc::new(root), "a.pdf".into()),
        content,
        _folder: folder,
    }
}

impl UploadFixture {
    async fn put(
        &self,
        client: &TransferClient,
        api: ApiLocation,
        url: &str,
    ) -> Result<PutReceipt, PutFailure> {
        let rules = TransferPolicy::new(api, &NetworkConfig::default());
        let target = TransferTarget::from_upload_url(url, &[], &rules).unwrap();
        let put = client.put(&target, &self.source, &self.content, &|_| {});
        put.await
    }
}

async fn put(client: &TransferClient, api: ApiLocation, url: &str, size: usize) -> PutFailure {
    upload_fixture(size)
        .put(client, api, url)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn no_byte_goes_to_a_public_name_that_leads_to_a_private_address() {
    let neighbour = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = neighbour.local_addr().unwrap().port();
    let look_up: NameLookUp = |_| Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]);
    let client =
        TransferClient::with_look_up(ApiLocation::Remote, &NetworkConfig::default(), look_up)
            .unwrap();
    let url = format!("https://storage.example.com:{port}/CANARY?signature=CANARY");
    let failure = put(&client, ApiLocation::Remote, &url, 10).await;
    // No retry: the address will be no better in an hour.
    let why = "storage.example.com has the private address 127.0.0.1 here, and is not contacted";
    assert_eq!(failure, PutFailure::NeverPossible(why.into()));
    let nobody = futures::FutureExt::now_or_never(neighbour.accept());
    assert!(nobody.is_none(), "somebody came");
}

/// Sends a file to a host that treats its connection with `host`, and stops the clock once the host
/// has the head of the request.
async fn put_to<F: Future<Output = ()> + Send>(
    host: impl FnOnce(TcpStream) -> F + Send + 'static,
    size: usize,
) -> PutFailure {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let host = async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = [0; 64];
        connection.read_exact(&mut head).await.unwrap();
        tokio::time::pause();
        host(connection).await;
        std::future::pending::<()>().await;
    };
    let client = TransferClient::new(ApiLocation::Loopback, &NetworkConfig::default()).unwrap();
    tokio::select! {
        failure = put(&client, ApiLocation::Loopback, &url, size) => failure,
        () = host => unreachable!("the host waits for ever"),
    }
}

#[tokio::test]
async fn an_upload_that_nobody_takes_is_given_up_after_a_minute() {
    let keep = |connection: TcpStream| async move {
        tokio::time::sleep(Duration::from_mins(20)).await;
        drop(connection);
    };
    let failure = put_to(keep, 32 << 20).await;
    let why = "no progress for 60 s".to_owned();
    assert_eq!(failure, PutFailure::Interrupted(why));
}

#[tokio::test]
async fn an_answer_that_trickles_is_not_waited_for_for_ever() {
    let trickle = |mut connection: TcpStream| async move {
        let start = b"HTTP/1.1 200 OK\r\n\r\n";
        connection.write_all(start).await.unwrap();
        for _ in 0..100 {
            // A client that has waited for its time limit is gone.
            let _ = connection.write_all(b"x").await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    };
    let failure = put_to(trickle, 10).await;
    let why = "no progress for 300 s".to_owned();
    assert_eq!(failure, PutFailure::Interrupted(why));
}

const ADDRESS: &str = "https://example.com/uploads/a.pdf?X-Amz-Signature=5ec4e7";

fn remote_policy() -> TransferPolicy {
    TransferPolicy::new(ApiLocation::Remote, &NetworkConfig::default())
}

fn describe_refusal(status: u16, body: &str) -> String {
    let answer = StorageAnswer {
        status,
        media_type: "application/xml".into(),
        etag: None,
        body: body.into(),
    };
    let target = TransferTarget::from_upload_url(ADDRESS, &[], &remote_policy()).unwrap();
    match answer.judge_upload(&target, None) {
        Err(PutFailure::Refused(why) | PutFailure::Interrupted(why)) => why,
        other => panic!("words are expected, not {other:?}"),
    }
}

#[test]
fn code_and_message_are_told_and_nothing_else_that_a_storage_says() {
    // The form of the example in Amazon's documentation of error responses.
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidRequest</Code>\
                <Message>The unspecified location constraint is incompatible</Message>\
                <AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>\
                <Resource>/bucket/uploads/a.pdf</Resource><RequestId>4442587FB7D0A2F9</RequestId>\
                </Error>";
    assert_eq!(
        describe_refusal(400, body),
        "status 400, InvalidRequest: The unspecified location constraint is incompatible"
    );
    assert_eq!(describe_refusal(503, ""), "status 503");
}

#[test]
fn words_that_repeat_the_address_name_its_host_only() {
    let body = format!("<Code>BadRequest</Code><Message>no such thing as {ADDRESS}</Message>");
    assert_eq!(
        describe_refusal(400, &body),
        "status 400, BadRequest: no such thing as https://example.com/…"
    );
    let body = format!("<Code>{ADDRESS}</Code><Message>no</Message>");
    assert_eq!(
        describe_refusal(400, &body),
        "status 400, https://example.com/…: no"
    );
}

#[test]
fn the_storages_passing_answers_are_told_from_those_that_stand() {
    for (status, code, standing) in [
        (200, "", StorageAnswerClass::Success),
        (403, "AccessDenied", StorageAnswerClass::Expired),
        (403, "RequestTimeTooSkewed", StorageAnswerClass::Expired),
        (400, "ExpiredToken", StorageAnswerClass::Expired),
        (400, "RequestTimeout", StorageAnswerClass::Transient),
        (400, "EntityTooLarge", StorageAnswerClass::Permanent),
        (409, "OperationAborted", StorageAnswerClass::Transient),
        (409, "BucketAlreadyExists", StorageAnswerClass::Permanent),
        (413, "", StorageAnswerClass::Permanent),
        (429, "", StorageAnswerClass::Transient),
        (500, "InternalError", StorageAnswerClass::Transient),
        (501, "NotImplemented", StorageAnswerClass::Permanent),
        (503, "SlowDown", StorageAnswerClass::Transient),
        (307, "TemporaryRedirect", StorageAnswerClass::Permanent),
    ] {
        let answer = StorageAnswer {
            status,
            media_type: "application/xml".into(),
            etag: None,
            body: format!("<Error><Code>{code}</Code></Error>"),
        };
        assert_eq!(answer.classify(), standing, "{status} {code}");
    }
}

#[test]
fn a_redirect_is_told_as_what_it_is_and_never_with_its_place() {
    let body = "<Error><Code>TemporaryRedirect</Code><Message>Please re-send this request to the \
                specified temporary endpoint.</Message><Endpoint>b.s3-eu.example</Endpoint></Error>";
    assert_eq!(
        describe_refusal(307, body),
        "status 307, TemporaryRedirect: Please re-send this request to the specified temporary \
         endpoint.; a redirect, which consign does not follow: storage redirects while its bucket \
         is new or moves, mostly for some hours; run the import again with --resume later, or ask \
         the service's support"
    );
    assert_eq!(
        describe_refusal(301, ""),
        "status 301; a redirect, which consign does not follow: the address that the service gave \
         leads to another region or host than its bucket's; ask the service's support"
    );
    assert_eq!(
        describe_refusal(302, ""),
        "status 302; a redirect, which consign does not follow: no storage sends such a redirect; \
         is a proxy or a sign-in page in between?"
    );
}

#[test]
fn a_long_refusal_is_cut() {
    let long = "x".repeat(60_000);
    let body = format!("<Code>{long}</Code><Message>{long}</Message>");
    assert_eq!(
        describe_refusal(400, &body).len(),
        "status 400, : ".len() + 60 + 300
    );
}

#[test]
fn the_etag_of_a_storage_that_encrypts_with_other_keys_is_not_taken_for_an_md5() {
    let with = |encryption: &[&'static str]| {
        let mut headers = HeaderMap::new();
        headers.insert("etag", HeaderValue::from_static("\"5d41402a\""));
        for how in encryption {
            let how = HeaderValue::from_static(how);
            headers.insert("x-amz-server-side-encryption", how);
        }
        etag(&headers).is_some()
    };
    assert!(with(&[]));
    assert!(with(&["AES256"]));
    assert!(!with(&["aws:kms"]));
    assert!(!with(&["aws:kms:dsse"]));
}
