//! Values which all parts of an emulator share: address, request log, and the signal of the
//! emulator's end.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::http::StatusCode;
use tokio::sync::watch;

use super::reply::RequestEnd;
use super::request_log::{RequestLog, RequestLogEntry};
use crate::mutex::lock_despite_poison;

/// Address, request log and end signal of an emulator.
pub(super) struct ServerContext {
    address: SocketAddr,
    log: Mutex<RequestLog>,
    /// Closes when the emulator ends.
    running: watch::Receiver<()>,
}

impl ServerContext {
    /// Creates the context of an emulator which ends when `running` closes.
    pub(super) fn new(address: SocketAddr, log: RequestLog, running: watch::Receiver<()>) -> Self {
        Self {
            address,
            log: Mutex::new(log),
            running,
        }
    }

    /// Returns the address under which clients reach the emulator.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a URL of the emulator.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Decides and logs a request. Requests are decided one at a time, so the order of the log is
    /// the order of the effects. Lock the state of a service inside `decide`, never around this
    /// call.
    ///
    /// A panic in `decide` does no harm to later requests, because every change writes the files
    /// first and the memory last. If the log entry cannot be written, the caller must answer with
    /// the error: nobody could judge the run by an incomplete log.
    pub(super) fn decide_and_log(
        &self,
        mut entry: RequestLogEntry,
        decide: impl FnOnce(&mut RequestLog, &mut RequestLogEntry) -> RequestEnd,
    ) -> io::Result<RequestEnd> {
        let mut log = lock_despite_poison(&self.log);
        let answer = decide(&mut log, &mut entry);
        entry.status = answer.status().as_ref().map(StatusCode::as_u16);
        log.append(entry)?;
        Ok(answer)
    }

    /// Waits until the emulator ends.
    pub(super) fn wait_for_end(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut running = self.running.clone();
        // Nothing is ever sent: the channel only closes.
        async move { while running.changed().await.is_ok() {} }
    }
}
