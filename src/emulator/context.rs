//! The ground on which all rooms of an emulator stand: its address, its request log, and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::http::StatusCode;
use tokio::sync::watch;

use super::log::{Entry, Log};
use super::reply::Answer;
use crate::sync::lock;

/// The address, the request log and the end of one emulator.
pub(super) struct ServerContext {
    address: SocketAddr,
    log: Mutex<Log>,
    /// Closes when the emulator ends.
    running: watch::Receiver<()>,
}

impl ServerContext {
    /// The context of an emulator that ends when `running` closes.
    pub(super) fn new(address: SocketAddr, log: Log, running: watch::Receiver<()>) -> Self {
        Self {
            address,
            log: Mutex::new(log),
            running,
        }
    }

    /// The address under which the emulator is reached.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// An URL of this emulator.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Decides a request and logs it, so that the log's order is the order of the effects: while one
    /// is being decided, no other is. The state of a room is locked within, never around this.
    ///
    /// A request that panics does no harm to those after it: whatever changes a state, changes the
    /// files first and the memory last. Without its entry nobody could judge by the log, so an error
    /// must be shown in place of the answer.
    pub(super) fn settle(
        &self,
        mut entry: Entry,
        decide: impl FnOnce(&mut Log, &mut Entry) -> Answer,
    ) -> io::Result<Answer> {
        let mut log = lock(&self.log);
        let answer = decide(&mut log, &mut entry);
        entry.status = answer.status().as_ref().map(StatusCode::as_u16);
        log.append(entry)?;
        Ok(answer)
    }

    /// Waits until the emulator ends.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut running = self.running.clone();
        // Nothing is ever sent: the channel only closes.
        async move { while running.changed().await.is_ok() {} }
    }
}
