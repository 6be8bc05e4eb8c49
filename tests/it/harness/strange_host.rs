//! Host to which the tool must not speak. The host records all received bytes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Running host which records everything.
#[derive(Debug)]
pub(crate) struct StrangeHost {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl StrangeHost {
    /// Starts the host, which runs until the process ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<u8>>>::default();
        let writes_down = Arc::clone(&received);
        thread::spawn(move || {
            for connection in listener.incoming() {
                record_connection(&mut connection.unwrap(), &writes_down);
            }
        });
        Self { address, received }
    }

    /// Returns a URL of the host, with a secret in the query.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/elsewhere?token=CANARY-ELSEWHERE", self.address)
    }

    /// Panics if the host received anything, and proves that the host would have recorded a
    /// message.
    #[track_caller]
    pub(crate) fn assert_nothing_received(&self) {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.write_all(b"only me").unwrap();
        drop(connection);
        loop {
            let heard = self.received.lock().unwrap().clone();
            if heard.ends_with(b"only me") {
                assert_eq!(String::from_utf8_lossy(&heard), "only me");
                return;
            }
            thread::yield_now();
        }
    }
}

/// Records all bytes of a connection.
fn record_connection(connection: &mut TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = connection.read(&mut piece) {
        let piece = &piece[..length];
        heard.lock().unwrap().extend_from_slice(piece);
        // The head is complete. An answer spares the client the wait for one.
        if piece.windows(4).any(|four| four == b"\r\n\r\n") {
            let _ = connection.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            return;
        }
    }
}
