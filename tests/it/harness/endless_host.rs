//! Host with endless answers, which no client should read to the end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Number of bytes beyond all buffers between two programs on this machine.
const SOCKET_BUFFER_BYTES: u64 = 64 << 20;

/// Running host with endless answers.
#[derive(Debug)]
pub(crate) struct EndlessHost {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl EndlessHost {
    /// Starts a host whose answers begin with `start` and repeat `piece`. The host runs until the
    /// process ends.
    pub(crate) fn start(start: &'static str, piece: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&sent);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    serve_endlessly(&connection.unwrap(), start, piece, &counted);
                });
            }
        });
        Self { address, sent }
    }

    /// Returns a URL of the host.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Panics unless a client came and left early.
    #[track_caller]
    pub(crate) fn assert_left_early(&self) {
        let sent = self.sent.load(Ordering::Relaxed);
        assert!(
            (1..SOCKET_BUFFER_BYTES).contains(&sent),
            "{sent} bytes were taken"
        );
    }
}

/// Answers one request until the client leaves or [`SOCKET_BUFFER_BYTES`] bytes were sent.
fn serve_endlessly(mut connection: &TcpStream, start: &str, piece: &str, sent: &AtomicU64) {
    let mut head = [0; 4096];
    let asked = connection.read(&mut head);
    if !matches!(asked, Ok(1..)) || connection.write_all(start.as_bytes()).is_err() {
        return;
    }
    let pieces = piece.repeat(64 * 1024 / piece.len());
    // The answer ends after all, so that a test of a client which reads everything ends, too.
    while sent.load(Ordering::Relaxed) < SOCKET_BUFFER_BYTES
        && connection.write_all(pieces.as_bytes()).is_ok()
    {
        sent.fetch_add(pieces.len() as u64, Ordering::Relaxed);
    }
}
