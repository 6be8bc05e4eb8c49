//! Downloads from hosts that misbehave. As with uploads, the clock is stopped where a limit is a
//! time, and jumps whenever no other work is left.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::digest::sha256;
use crate::http::NetworkConfig;
use crate::http::target::{ApiLocation, TransferPolicy};
use crate::http::transfer::MAX_BODY_BYTES;

/// Outcome of a download, the reported number of bytes, and the time taken once the clock stood
/// still.
struct MeasuredDownload {
    fetched: Result<FetchedContent, FetchFailure>,
    received: u64,
    took: Duration,
}

/// Downloads at most `most` bytes from a host that treats its connection with `host` once it has
/// the head of the request. The clock stands still from then on.
async fn download_from(host: impl AsyncFnOnce(TcpStream), most: u64) -> MeasuredDownload {
    download_from_into(host, most, &mut tokio::io::sink()).await
}

/// Like [`download_from`], and writes the bytes to `into`.
async fn download_from_into(
    host: impl AsyncFnOnce(TcpStream),
    most: u64,
    into: &mut (dyn AsyncWrite + Unpin + Send),
) -> MeasuredDownload {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/x?signature=s", listener.local_addr().unwrap());
    let began = Cell::new(Instant::now());
    let host = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let head = read_head(&mut connection).await;
        assert!(
            head.starts_with("GET /x?signature=s HTTP/1.1\r\n"),
            "{head}"
        );
        tokio::time::pause();
        began.set(Instant::now());
        host(connection).await;
        std::future::pending::<()>().await;
    };
    let (fetched, received) = tokio::select! {
        ended = download_into(&url, most, into) => ended,
        () = host => unreachable!("the host waits for ever"),
    };
    let took = began.get().elapsed();
    tokio::time::resume();
    MeasuredDownload {
        fetched,
        received,
        took,
    }
}

async fn read_head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn download(url: &str, most: u64) -> (Result<FetchedContent, FetchFailure>, u64) {
    download_into(url, most, &mut tokio::io::sink()).await
}

async fn download_into(
    url: &str,
    most: u64,
    into: &mut (dyn AsyncWrite + Unpin + Send),
) -> (Result<FetchedContent, FetchFailure>, u64) {
    let client = TransferClient::new(ApiLocation::Loopback, &NetworkConfig::default()).unwrap();
    let rules = TransferPolicy::new(ApiLocation::Loopback, &NetworkConfig::default());
    let target = TransferTarget::from_download_url(url, &rules).unwrap();
    let received = AtomicU64::new(0);
    let count = |bytes| {
        received.fetch_add(bytes, Ordering::Relaxed);
    };
    let fetched = client.fetch(&target, most, into, &count).await;
    (fetched, received.into_inner())
}

/// Host that sends `answer` and leaves the connection open.
fn host_answering(answer: impl Into<Vec<u8>>) -> impl AsyncFnOnce(TcpStream) {
    let answer = answer.into();
    async move |mut connection: TcpStream| {
        connection.write_all(&answer).await.unwrap();
        std::future::pending::<()>().await;
    }
}

/// Host that sends a head, and then so many bytes after each wait.
fn host_sending_parts(
    head: &str,
    parts: impl IntoIterator<Item = (Duration, usize)>,
) -> impl AsyncFnOnce(TcpStream) {
    async move |mut connection: TcpStream| {
        connection.write_all(head.as_bytes()).await.unwrap();
        for (wait, size) in parts {
            tokio::time::sleep(wait).await;
            // A client that has waited for its time limit is gone.
            let _ = connection.write_all(&vec![b'x'; size]).await;
        }
        std::future::pending::<()>().await;
    }
}

fn digested(bytes: &[u8]) -> DigestedBytes {
    DigestedBytes {
        size: bytes.len() as u64,
        sha256: sha256(bytes),
    }
}

fn interrupted(why: &str) -> Result<FetchedContent, FetchFailure> {
    Err(FetchFailure::Interrupted(why.to_owned()))
}

fn refused(why: &str) -> Result<FetchedContent, FetchFailure> {
    Err(FetchFailure::Refused(why.to_owned()))
}

#[tokio::test]
async fn a_file_is_digested_to_its_end_and_each_byte_of_it_is_told_of() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let download = download_from(host_answering(plain), 5).await;
    assert_eq!(
        download.fetched,
        Ok(FetchedContent::File(digested(b"hello")))
    );
    assert_eq!(download.received, 5);

    let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let download = download_from(host_answering(empty), 5).await;
    assert_eq!(download.fetched, Ok(FetchedContent::File(digested(b""))));
}

#[tokio::test]
async fn a_file_is_handed_on_to_its_end_and_not_beyond() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (most, fetched, kept) in [
        (5, FetchedContent::File(digested(b"hello")), "hello"),
        (4, FetchedContent::TooLong, ""),
    ] {
        let mut into = Vec::new();
        let download = download_from_into(host_answering(plain), most, &mut into).await;
        assert_eq!(download.fetched, Ok(fetched));
        assert_eq!(String::from_utf8(into).unwrap(), kept);
    }
}

/// Writer with limited room, each of whose writes takes a while.
struct LimitedDisk {
    room: usize,
    write_time: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl LimitedDisk {
    fn new(room: usize, write_time: Duration) -> Self {
        Self {
            room,
            write_time,
            until: None,
        }
    }
}

impl AsyncWrite for LimitedDisk {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let takes = self.write_time;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(takes)));
        ready!(until.as_mut().poll(cx));
        self.until = None;
        match self.room.checked_sub(bytes.len()) {
            Some(room) => {
                self.room = room;
                Poll::Ready(Ok(bytes.len()))
            }
            None => Poll::Ready(Err(io::ErrorKind::StorageFull.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_disk_that_is_full_is_not_taken_for_a_storage_that_fails() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let mut full = LimitedDisk::new(4, Duration::ZERO);
    let download = download_from_into(host_answering(plain), 5, &mut full).await;
    let why = io::Error::from(io::ErrorKind::StorageFull).to_string();
    assert_eq!(download.fetched, Err(FetchFailure::NotWritten(why)));
}

#[tokio::test]
async fn a_slow_disk_is_not_taken_for_a_storage_that_sends_nothing() {
    let parts = host_sending_parts(ENDLESS, [(secs(10), 1), (secs(120), 1)]);
    let mut slow = LimitedDisk::new(usize::MAX, secs(100));
    let download = download_from_into(parts, u64::MAX, &mut slow).await;
    assert_eq!(download.fetched, interrupted("no progress for 60 s"));
    let (network, disk) = (10 + 20 + 30, 100 + 100);
    assert_eq!(download.took.as_secs(), network + disk);
    assert_eq!(download.received, 2);
}

#[tokio::test]
async fn what_calls_itself_a_web_page_is_told_from_a_file() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\n\
                Content-Length: 5\r\n\r\nhello";
    let download = download_from(host_answering(page), 5).await;
    assert_eq!(
        download.fetched,
        Ok(FetchedContent::WebPage(digested(b"hello")))
    );
    let download = download_from(host_answering(page), 4).await;
    assert_eq!(
        download.fetched,
        refused("a web page came in place of the file; is a proxy or a sign-in page in between?")
    );
}

#[tokio::test]
async fn more_bytes_than_there_should_be_are_left_where_they_are() {
    // The rest of the bytes never comes, and the download does not wait for it.
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nhello!";
    let download = download_from(host_answering(long), 5).await;
    assert_eq!(download.fetched, Ok(FetchedContent::TooLong));
    assert_eq!((download.received, download.took), (6, Duration::ZERO));
}

#[tokio::test]
async fn only_the_answer_200_brings_a_file_and_each_other_one_is_told_by_its_status() {
    for (status, expected) in [
        ("403 Forbidden", Err(FetchFailure::Expired)),
        ("404 Not Found", refused("status 404, NoSuchKey: gone")),
        ("400 Bad Request", refused("status 400, NoSuchKey: gone")),
        (
            "206 Partial Content",
            refused("status 206, NoSuchKey: gone"),
        ),
        ("201 Created", refused("status 201, NoSuchKey: gone")),
        (
            "408 Request Timeout",
            interrupted("status 408, NoSuchKey: gone"),
        ),
        (
            "429 Too Many Requests",
            interrupted("status 429, NoSuchKey: gone"),
        ),
        (
            "500 Internal Server Error",
            interrupted("status 500, NoSuchKey: gone"),
        ),
        ("503 Slow Down", interrupted("status 503, NoSuchKey: gone")),
    ] {
        let body = "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
        let download = download_from(host_answering(answer), 1_000).await;
        assert_eq!(download.fetched, expected, "{status}");
        assert_eq!(download.received, 0, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let place = other.local_addr().unwrap();
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let answer =
            format!("HTTP/1.1 {status}\r\nLocation: http://{place}/y\r\nContent-Length: 0\r\n\r\n");
        let download = download_from(host_answering(answer), 1_000).await;
        let Err(FetchFailure::Refused(why)) = download.fetched else {
            panic!("{:?}", download.fetched);
        };
        let number = &status[..3];
        let start = format!("status {number}; a redirect, which consign does not follow: ");
        assert!(why.starts_with(&start) && !why.contains("/y"), "{why}");
    }
    let nobody = futures::FutureExt::now_or_never(other.accept());
    assert!(nobody.is_none(), "somebody came");
}

#[tokio::test]
async fn a_file_that_breaks_off_is_never_taken_for_a_whole_one() {
    for head in ["Content-Length: 6", "Transfer-Encoding: chunked"] {
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nhi");
        let torn = async move |mut connection: TcpStream| {
            connection.write_all(answer.as_bytes()).await.unwrap();
            drop(connection);
        };
        let Err(FetchFailure::Interrupted(why)) = download_from(torn, 100).await.fetched else {
            panic!("{head}: it was taken for a whole one");
        };
        assert!(!why.is_empty() && !why.contains("signature"), "{why}");
    }
}

#[tokio::test]
async fn a_short_file_whose_length_nobody_told_may_have_broken_off() {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let ending = |body: &str| {
        let answer = format!("{head}{body}");
        async move |mut connection: TcpStream| {
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    };
    let broken = download_from(ending("half"), 8).await;
    assert_eq!(
        broken.fetched,
        interrupted("the download ended after 4 bytes, and its length was not announced")
    );
    let whole = download_from(ending("all of it"), 9).await;
    assert_eq!(
        whole.fetched,
        Ok(FetchedContent::File(digested(b"all of it")))
    );
}

#[tokio::test]
async fn a_storage_that_does_not_begin_to_answer_is_left_after_half_a_minute() {
    let download = download_from(host_answering(""), 5).await;
    assert_eq!(download.fetched, interrupted("no progress for 30 s"));
}

const ENDLESS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_file_that_trickles_is_left_after_a_minute() {
    let trickle = host_sending_parts(ENDLESS, [(secs(10), 1); 100]);
    let download = download_from(trickle, u64::MAX).await;
    assert_eq!(download.fetched, interrupted("no progress for 60 s"));
    assert_eq!((download.took.as_secs(), download.received), (60, 5));
}

#[tokio::test]
async fn whoever_sends_a_piece_in_each_minute_is_waited_for_and_no_longer() {
    // The first and the second minute bring a piece just in time; the third minute brings all of a
    // piece except the last byte.
    let parts = [
        (secs(30), PIECE_SIZE - 1),
        (secs(29), 1),
        (secs(59), PIECE_SIZE),
        (secs(1), PIECE_SIZE - 1),
    ];
    let download = download_from(host_sending_parts(ENDLESS, parts), u64::MAX).await;
    assert_eq!(download.fetched, interrupted("no progress for 60 s"));
    assert_eq!(download.took.as_secs(), 30 + 29 + 59 + 60);
    assert_eq!(download.received, 3 * PIECE_SIZE as u64 - 1);
}

#[tokio::test]
async fn a_long_file_may_take_hours() {
    let pieces = 600;
    let size = PIECE_SIZE * pieces;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let parts = vec![(secs(50), PIECE_SIZE); pieces];
    let download = download_from(host_sending_parts(&head, parts), size as u64).await;
    let whole = digested(&vec![b'x'; size]);
    assert_eq!(download.fetched, Ok(FetchedContent::File(whole)));
    assert_eq!(download.took.as_secs(), 600 * 50);
}

#[tokio::test]
async fn the_words_of_a_refusal_are_not_waited_for_for_ever_nor_read_without_end() {
    let silent = "HTTP/1.1 404 Not Found\r\nContent-Length: 50\r\n\r\n<Code>NoSuchKey</Code>";
    let download = download_from(host_answering(silent), 5).await;
    assert_eq!(download.fetched, refused("status 404, NoSuchKey"));
    assert_eq!(download.took.as_secs(), 10);

    // The head announces no length, and the body does not end.
    let start = "HTTP/1.1 404 Not Found\r\n\r\n<Code>NoSuchKey</Code>";
    let long = " ".repeat(MAX_BODY_BYTES);
    let download = download_from(
        host_answering(format!("{start}{long}<Message>no</Message>")),
        5,
    )
    .await;
    assert_eq!(download.fetched, refused("status 404, NoSuchKey"));
}

#[tokio::test]
async fn a_storage_that_is_not_there_is_asked_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/x?signature=s", listener.local_addr().unwrap());
    drop(listener);
    let (Err(FetchFailure::Interrupted(why)), 0) = download(&url, 5).await else {
        panic!("nobody is there");
    };
    assert!(why.starts_with("127.0.0.1: "), "{why}");
    assert!(!why.contains("signature"), "{why}");
}

#[tokio::test]
async fn a_storage_whose_certificate_nobody_has_signed_is_never_asked_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}/x", listener.local_addr().unwrap());
    let host = async move {
        let (connection, _) = listener.accept().await.unwrap();
        let taken = self_signed_acceptor().accept(connection).await;
        assert!(taken.is_err(), "somebody has trusted it");
        std::future::pending::<()>().await;
    };
    let (fetched, _) = tokio::select! {
        ended = download(&url, 5) => ended,
        () = host => unreachable!("the host waits for ever"),
    };
    let Err(FetchFailure::NeverPossible(why)) = fetched else {
        panic!("{fetched:?}");
    };
    let expected =
        "no safe connection is possible to 127.0.0.1: the certificate is signed by no authority";
    assert!(why.starts_with(expected), "{why}");
}

fn self_signed_acceptor() -> TlsAcceptor {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
