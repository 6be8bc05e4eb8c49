//! A host whose answers have no end, for as long as anybody takes them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A host that listens.
#[derive(Debug)]
pub(crate) struct Endless {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Endless {
    /// Starts one whose answers begin with `start` and go on with `piece` for ever. It ends with
    /// the process.
    pub(crate) fn answering(start: &'static str, piece: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&sent);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let counted = Arc::clone(&counted);
                thread::spawn(move || answer(&connection.unwrap(), start, piece, &counted));
            }
        });
        Self { address, sent }
    }

    /// A URL that leads there.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many bytes somebody took, or the system for him.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn answer(mut connection: &TcpStream, start: &str, piece: &str, sent: &AtomicU64) {
    let mut head = [0; 4096];
    let asked = connection.read(&mut head);
    if !matches!(asked, Ok(1..)) || connection.write_all(start.as_bytes()).is_err() {
        return;
    }
    let pieces = piece.repeat(64 * 1024 / piece.len());
    while connection.write_all(pieces.as_bytes()).is_ok() {
        sent.fetch_add(pieces.len() as u64, Ordering::Relaxed);
    }
}
