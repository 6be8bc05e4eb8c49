//! Answers that come before the whole file was sent, from hosts of several kinds. Each host is a
//! plain socket, so each test decides exactly how the host reads, answers and closes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::http::extra_authorities::ExtraAuthorities;

/// Larger than the buffers on the way, so most of the file is unsent when the answer comes.
const BIG_FILE_BYTES: usize = 16 << 20;

const TOO_LARGE: &str = "<Error><Code>EntityTooLarge</Code><Message>Your proposed upload exceeds \
                         the maximum allowed size</Message></Error>";

const REFUSED: &str = "status 413, EntityTooLarge: Your proposed upload exceeds the maximum \
                       allowed size";

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
    .into_bytes()
}

/// Reads a request's head, and nothing of the file beyond the bytes that came with it.
fn read_head(connection: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

/// Behaviour of a host after the head of a request.
type HostBehaviour = fn(TcpStream);

/// Starts a host that treats each connection with `host`, in a thread of its own. Returns its URL.
fn start_host(host: HostBehaviour) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            thread::spawn(move || {
                read_head(&mut connection);
                host(connection);
            });
        }
    });
    format!("http://{address}/x?signature=CANARY")
}

/// Sends a big file to a new host, and returns the failure.
async fn put_to_host(host: HostBehaviour) -> PutFailure {
    let client = TransferClient::new(ApiLocation::Loopback, &NetworkConfig::default()).unwrap();
    put(
        &client,
        ApiLocation::Loopback,
        &start_host(host),
        BIG_FILE_BYTES,
    )
    .await
}

fn answer_and_close(mut connection: TcpStream) {
    let refusal = answer("413 Content Too Large", TOO_LARGE);
    connection.write_all(&refusal).unwrap();
}

#[tokio::test]
async fn a_refusal_is_read_although_the_connection_was_closed_on_the_file() {
    for repetition in 0..40 {
        let failure = put_to_host(answer_and_close).await;
        let refused = PutFailure::Refused(REFUSED.into());
        assert_eq!(failure, refused, "repetition {repetition}");
    }
}

#[tokio::test]
async fn a_refusal_is_read_where_the_host_says_no_more_and_goes_on_reading() {
    let failure = put_to_host(|mut connection| {
        let refusal = answer("413 Content Too Large", TOO_LARGE);
        connection.write_all(&refusal).unwrap();
        connection.shutdown(Shutdown::Write).unwrap();
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    assert_eq!(failure.await, PutFailure::Refused(REFUSED.into()));
}

#[tokio::test]
async fn a_refusal_is_read_where_the_host_takes_the_file_all_the_same() {
    let failure = put_to_host(|mut connection| {
        let refusal = answer("413 Content Too Large", TOO_LARGE);
        connection.write_all(&refusal).unwrap();
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    });
    assert_eq!(failure.await, PutFailure::Refused(REFUSED.into()));
}

#[tokio::test]
async fn a_refusal_is_read_where_the_host_stops_reading_and_keeps_the_connection() {
    let failure = put_to_host(|mut connection| {
        let refusal = answer("413 Content Too Large", TOO_LARGE);
        connection.write_all(&refusal).unwrap();
        thread::park();
    });
    let failure = tokio::time::timeout(Duration::from_secs(30), failure).await;
    assert_eq!(failure.unwrap(), PutFailure::Refused(REFUSED.into()));
}

#[tokio::test]
async fn an_address_that_is_called_expired_before_the_file_was_sent_is_expired() {
    let failure = put_to_host(|mut connection| {
        let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>\
                       </Error>";
        let refusal = answer("403 Forbidden", expired);
        connection.write_all(&refusal).unwrap();
    });
    assert_eq!(failure.await, PutFailure::Expired);
}

/// Starts a TLS host that refuses each file early. Returns its URL, and a network that trusts its
/// certificate.
async fn start_refusing_tls_host() -> (String, NetworkConfig) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, certificate.pem()).unwrap();
    let network = NetworkConfig {
        extra_authorities: ExtraAuthorities::read(&ca_file).unwrap(),
        ..NetworkConfig::default()
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/x", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let mut connection = acceptor.accept(connection).await.unwrap();
            connection.read_exact(&mut [0; 64]).await.unwrap();
            let refusal = answer("413 Content Too Large", TOO_LARGE);
            connection.write_all(&refusal).await.unwrap();
            connection.flush().await.unwrap();
        }
    });
    (url, network)
}

#[tokio::test]
#[cfg_attr(wine, ignore = "Wine 8: certificates cannot be checked")]
async fn a_refusal_is_read_over_tls_although_the_connection_was_closed_on_the_file() {
    let (url, network) = start_refusing_tls_host().await;
    let client = TransferClient::new(ApiLocation::Loopback, &network).unwrap();
    for repetition in 0..20 {
        let failure = put(&client, ApiLocation::Loopback, &url, BIG_FILE_BYTES).await;
        let refused = PutFailure::Refused(REFUSED.into());
        assert_eq!(failure, refused, "repetition {repetition}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_is_an_interruption() {
    let failure = put_to_host(drop).await;
    assert!(matches!(failure, PutFailure::Interrupted(_)), "{failure:?}");
}

#[tokio::test]
async fn success_before_the_last_byte_was_sent_is_none() {
    let closing: HostBehaviour =
        |mut connection| connection.write_all(&answer("200 OK", "")).unwrap();
    let staying: HostBehaviour = |mut connection| {
        connection.write_all(&answer("200 OK", "")).unwrap();
        thread::park();
    };
    for host in [closing, staying] {
        let why = "the storage said 200 before it had the whole file".to_owned();
        assert_eq!(put_to_host(host).await, PutFailure::Interrupted(why));
    }
}

#[tokio::test]
async fn a_file_that_changed_is_told_before_what_the_host_says() {
    let mut sent = upload_fixture(BIG_FILE_BYTES);
    sent.content.sha256 = sha256(b"what was checked");
    let url = start_host(|mut connection| {
        // The host takes everything except the last piece, which never comes.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
        let _ = connection.write_all(&answer("413 Content Too Large", TOO_LARGE));
    });
    let client = TransferClient::new(ApiLocation::Loopback, &NetworkConfig::default()).unwrap();
    let why =
        format!("the file still has {BIG_FILE_BYTES} bytes, but other content than was checked");
    let failure = sent.put(&client, ApiLocation::Loopback, &url).await;
    assert_eq!(failure, Err(PutFailure::SourceChanged(why)));
}

/// Starts a host that refuses the first file early and keeps the connection, and accepts the next
/// file. Returns its URL and the client's port of each connection.
fn start_host_refusing_once() -> (String, Arc<Mutex<Vec<u16>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let ports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ports);
    thread::spawn(move || {
        let (mut first, peer) = listener.accept().unwrap();
        lock_despite_poison(&seen).push(peer.port());
        read_head(&mut first);
        let refusal = answer("413 Content Too Large", TOO_LARGE);
        first.write_all(&refusal).unwrap();
        let (mut second, peer) = listener.accept().unwrap();
        lock_despite_poison(&seen).push(peer.port());
        read_head(&mut second);
        second.read_exact(&mut [0; 10]).unwrap();
        second.write_all(&answer("200 OK", "")).unwrap();
        thread::park();
    });
    (url, ports)
}

#[tokio::test]
async fn a_connection_on_which_a_file_was_broken_off_is_not_used_again() {
    let client = TransferClient::new(ApiLocation::Loopback, &NetworkConfig::default()).unwrap();
    let (url, ports) = start_host_refusing_once();
    let failure = put(&client, ApiLocation::Loopback, &url, BIG_FILE_BYTES).await;
    assert_eq!(failure, PutFailure::Refused(REFUSED.into()));
    let taken = upload_fixture(10)
        .put(&client, ApiLocation::Loopback, &url)
        .await;
    assert_eq!(taken, Ok(PutReceipt::Accepted));
    assert_eq!(lock_despite_poison(&ports).len(), 2);
}
