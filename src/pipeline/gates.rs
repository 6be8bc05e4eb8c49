//! Who waits for whom: a row that takes the name of another one waits until that one has given it up.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::sync::lock;

/// The rows that others wait for and that have ended.
#[derive(Debug, Default)]
pub(super) struct Gates {
    ended: Mutex<HashSet<usize>>,
    changed: Notify,
}

impl Gates {
    /// Tells that a row has ended, whichever way.
    pub(super) fn open(&self, row: usize) {
        lock(&self.ended).insert(row);
        self.changed.notify_waiters();
    }

    /// Waits until a row has ended.
    pub(super) async fn pass(&self, row: usize) {
        loop {
            let changed = self.changed.notified();
            if lock(&self.ended).contains(&row) {
                return;
            }
            changed.await;
        }
    }
}
