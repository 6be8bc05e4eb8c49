//! Tests of uploads and downloads.

use std::time::Duration;

use reqwest::Body;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::emulator::stored_attachments;

/// Returns the status of a refusal and the code in its S3 XML.
async fn storage_error(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/xml");
    let text = response.text().await.unwrap();
    let between = |tag: &str| {
        let rest = text.split_once(&format!("<{tag}>")).unwrap().1;
        rest.split_once('<').unwrap().0.to_owned()
    };
    (
        status,
        format!("{}: {}", between("Code"), between("Message")),
    )
}

/// Opens a connection and sends a text unchanged.
async fn send_raw(service: &EmulatorFixture, text: &str) -> TcpStream {
    let address = service.emulator.address();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(text.as_bytes()).await.unwrap();
    tcp
}

/// Sends a text unchanged, and closes the connection before the emulator sees the first byte: the
/// blocking calls hold the only thread of the test's runtime.
fn send_raw_and_close(service: &EmulatorFixture, text: &str) {
    let mut tcp = std::net::TcpStream::connect(service.emulator.address()).unwrap();
    std::io::Write::write_all(&mut tcp, text.as_bytes()).unwrap();
}

/// Returns the head of an upload as raw HTTP, without its length and its end.
fn raw_head(created: &ApiAnswer) -> String {
    let url = reqwest::Url::parse(created.upload_url()).unwrap();
    let mut head = format!(
        "PUT {}?{} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n",
        url.path(),
        url.query().unwrap()
    );
    for header in created.attribute("upload_headers").as_array().unwrap() {
        head.push_str(header["name"].as_str().unwrap());
        head.push_str(": ");
        head.push_str(header["value"].as_str().unwrap());
        head.push_str("\r\n");
    }
    head
}

#[tokio::test]
async fn an_upload_is_answered_with_the_md5_and_downloads_as_it_was() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let response = service.upload(&created, b"hello").await;
    assert_eq!(
        response.headers()["etag"],
        "\"5d41402abc4b2a76b9719d911017c592\""
    );
    let shown = service.get("/attachments/1").await;
    let url = shown.attribute("download_url").as_str().unwrap();
    let response = service.client.get(url).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(response.bytes().await.unwrap(), "hello");
    let entry = service.last_entry();
    assert_eq!(entry.operation, EmulatorOperation::Download);
    assert_eq!((entry.bytes, entry.status), (Some(5), Some(200)));
}

#[tokio::test]
async fn a_file_of_many_buffers_comes_back_byte_for_byte() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let bytes: Vec<u8> = (0..3_000_001_u32)
        .map(|n| n.to_le_bytes()[n as usize % 4])
        .collect();
    let put = put_to(&service.client, created.upload_url(), &created).body(bytes.clone());
    assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "3000001");
    let url = shown.attribute("download_url").as_str().unwrap();
    let back = service.client.get(url).send().await.unwrap();
    assert!(back.bytes().await.unwrap() == bytes);
}

#[tokio::test]
async fn a_second_upload_to_the_same_url_takes_the_place_of_the_first() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.attach("AT1", b"hello").await;
    service.upload(&created, b"other bytes").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "11");
    assert_eq!(
        stored_attachments(service.emulator.state_path())
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_missing_or_wrong_header_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let expected = (
        403,
        "SignatureDoesNotMatch: The request signature we calculated does not match the \
         signature you provided."
            .to_owned(),
    );
    for name in [
        "content-type",
        "x-amz-acl",
        "x-amz-server-side-encryption",
        "content-disposition",
    ] {
        for value in [None, Some("other")] {
            let mut request = service.put(&created, b"hello").build().unwrap();
            request.headers_mut().remove(name);
            if let Some(value) = value {
                let value = value.parse().unwrap();
                request.headers_mut().insert(name, value);
            }
            let request = RequestBuilder::from_parts(service.client.clone(), request);
            assert_eq!(storage_error(request).await, expected, "{name} {value:?}");
        }
    }
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
}

#[tokio::test]
async fn a_url_that_was_altered_or_is_for_something_else_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let url = created.upload_url();
    let last = if url.ends_with('0') { "1" } else { "0" };
    let other_end = format!("{}{last}", &url[..url.len() - 1]);
    for altered in [url.replace("expires=", "expires=9"), other_end] {
        let request = put_to(&service.client, &altered, &created).body("hello");
        let (status, text) = storage_error(request).await;
        assert_eq!(status, 403);
        assert!(text.starts_with("SignatureDoesNotMatch"), "{text}");
    }
    let (status, text) = storage_error(service.client.get(url)).await;
    assert_eq!(status, 403);
    assert!(text.starts_with("SignatureDoesNotMatch"), "{text}");

    let unsigned = url.split_once('?').unwrap().0;
    let request = put_to(&service.client, unsigned, &created).body("hello");
    assert_eq!(
        storage_error(request).await.1,
        "AccessDenied: Access Denied"
    );
    let nowhere = format!("http://{}/storage/uploads/1", service.emulator.address());
    assert_eq!(storage_error(service.client.put(nowhere)).await.0, 403);
}

#[tokio::test]
async fn after_its_time_a_url_is_refused_as_expired() {
    let settings = with_attachments(AttachmentSettings {
        url_lifetime: Duration::ZERO,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    let created = service.create("AT1").await;
    let expired = (403, "AccessDenied: Request has expired".to_owned());
    assert_eq!(
        storage_error(service.put(&created, b"hello")).await,
        expired
    );
    assert_eq!(service.last_entry().status, Some(403));
}

#[tokio::test]
async fn a_chunked_body_is_not_implemented() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>("hello")]);
    let request =
        put_to(&service.client, created.upload_url(), &created).body(Body::wrap_stream(pieces));
    let (status, text) = storage_error(request).await;
    assert_eq!(status, 501);
    assert!(text.starts_with("NotImplemented"), "{text}");
}

#[tokio::test]
async fn a_body_without_a_length_is_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let mut tcp = send_raw(&service, &format!("{}\r\n", raw_head(&created))).await;
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    assert!(
        answer.contains("<Code>MissingContentLength</Code>"),
        "{answer}"
    );
}

/// Waits for the log entry of the only upload, and returns the entry.
async fn logged_upload(service: &EmulatorFixture) -> RequestLogEntry {
    let upload = || Some(service.last_entry()).filter(|e| e.operation == EmulatorOperation::Upload);
    wait_for(upload).await
}

#[tokio::test]
async fn an_upload_that_ends_before_its_length_stores_nothing() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let half = format!("{}Content-Length: 10\r\n\r\nhello", raw_head(&created));
    drop(send_raw(&service, &half).await);
    let entry = logged_upload(&service).await;
    assert_eq!((entry.id, entry.status), (Some(1), None));
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
    assert_eq!(
        stored_attachments(service.emulator.state_path()).unwrap(),
        []
    );
}

#[tokio::test]
async fn an_upload_that_came_in_whole_is_stored_though_nobody_waits_for_the_answer() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let whole = format!("{}Content-Length: 5\r\n\r\nhello", raw_head(&created));
    drop(send_raw(&service, &whole).await);
    assert_eq!(logged_upload(&service).await.status, Some(200));
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
}

#[tokio::test]
async fn an_upload_whose_client_is_gone_before_it_is_read_is_stored_all_the_same() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let head = format!("{}Content-Length: 4096\r\nX-Padding: ", raw_head(&created));
    // A request that fills the server's first buffer to the last byte: on Linux, tokio sees the end of the
    // connection in the same moment as the bytes only after a read without room to spare.
    let padding = "x".repeat(16384 - 4096 - head.len() - "\r\n\r\n".len());
    let whole = format!("{head}{padding}\r\n\r\n{}", "a".repeat(4096));
    send_raw_and_close(&service, &whole);
    assert_eq!(logged_upload(&service).await.status, Some(200));
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "4096");
}

#[tokio::test]
async fn an_upload_whose_connection_was_reset_is_logged_and_stores_nothing() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let half = format!("{}Content-Length: 10\r\n\r\nhello", raw_head(&created));
    let tcp = send_raw(&service, &half).await;
    wait_until_receiving(service.emulator.state_path()).await;
    tcp.set_zero_linger().unwrap();
    drop(tcp);
    assert_eq!(logged_upload(&service).await.status, None);
    assert_eq!(
        stored_attachments(service.emulator.state_path()).unwrap(),
        []
    );
}

#[tokio::test]
async fn the_refusal_of_a_large_upload_arrives() {
    let settings = with_attachments(AttachmentSettings {
        url_lifetime: Duration::ZERO,
        ..unlimited_rate()
    });
    let service = EmulatorFixture::start(settings).await;
    let created = service.create("AT1").await;
    let bytes = vec![7; 30_000_000];
    let request = put_to(&service.client, created.upload_url(), &created).body(bytes);
    assert_eq!(storage_error(request).await.0, 403);
}

/// Returns the answer to the head of an upload of `length` bytes, none of which is sent.
async fn answer_to_head(service: &EmulatorFixture, length: u64) -> String {
    let created = service.create("AT1").await;
    let head = format!("{}Content-Length: {length}\r\n\r\n", raw_head(&created));
    let mut tcp = send_raw(service, &head).await;
    let mut text = String::new();
    // The answer ends, because the connection is closed without waiting for the body.
    tcp.read_to_string(&mut text).await.unwrap();
    assert_eq!(
        stored_attachments(service.emulator.state_path()).unwrap(),
        []
    );
    text
}

#[tokio::test]
async fn a_script_can_refuse_an_upload_without_reading_it() {
    for (code, start, why) in [
        (413, "HTTP/1.1 413 ", "<Code>EntityTooLarge</Code>"),
        (403, "HTTP/1.1 403 ", "Request has expired"),
        (507, "HTTP/1.1 507 ", "<Code>Scripted</Code>"),
    ] {
        let effect = FaultEffect::RefuseEarly { code };
        let settings = with_fault(EmulatorOperation::Upload, FaultTrigger::Nth(1), effect);
        let service = EmulatorFixture::start(settings).await;
        let text = answer_to_head(&service, 1_000_000).await;
        assert!(text.starts_with(start) && text.contains(why), "{text}");
        assert_eq!(logged_upload(&service).await.status, Some(code));
    }
}

#[tokio::test]
async fn a_storage_with_a_limit_refuses_what_is_longer_without_reading_it() {
    let settings = EmulatorSettings {
        largest_upload: Some(5),
        ..unlimited_settings()
    };
    let service = EmulatorFixture::start(settings).await;
    let text = answer_to_head(&service, 6).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    let created = service.create("AT2").await;
    assert_eq!(service.upload(&created, b"hello").await.status(), 200);

    // Without a limit, the emulator waits for the rest of the file.
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    assert_eq!(service.upload(&created, b"hello again").await.status(), 200);
}

#[tokio::test]
async fn bytes_sent_to_a_url_that_was_renewed_since_show_nowhere() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    let renewed = service.patch("1", &json!({"file_name": "b.pdf"})).await;
    service.upload(&created, b"old").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), &Value::Null);
    service.upload(&renewed, b"newer").await;
    service.upload(&created, b"old again").await;
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "5");
}

#[tokio::test]
async fn keys_that_are_shown_to_the_storage_are_refused() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    for name in ["X-Api-Key", "X-User-Token", "X-User-Email", "Authorization"] {
        let request = service.put(&created, b"hello").header(name, "canary");
        let (status, text) = storage_error(request).await;
        assert_eq!(status, 400, "{name}");
        assert!(text.starts_with("InvalidRequest"), "{text}");
    }
}

#[tokio::test]
async fn an_empty_file_is_stored() {
    let service = EmulatorFixture::start(unlimited_settings()).await;
    let created = service.create("AT1").await;
    // By default, the client would leave out a length of zero.
    let put = service.put(&created, b"").header("Content-Length", "0");
    assert_eq!(put.send().await.unwrap().status(), StatusCode::OK);
    let shown = service.get("/attachments/1").await;
    assert_eq!(shown.attribute("file_size"), "0");
}
