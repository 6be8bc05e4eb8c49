//! Who waits for whom: a row that takes the name of another one waits until that one has given it up.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::sync::lock;

/// What became of the name that a row had, when the row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// Its attachment has another one: whatever has this one now is not the row's.
    GivenUp,
    /// Whatever has it is the row's.
    Kept,
}

/// The rows that others wait for and that have ended.
#[derive(Debug, Default)]
pub(super) struct Gates {
    ended: Mutex<HashMap<usize, Name>>,
    changed: Notify,
}

impl Gates {
    /// Tells that a row has ended, whichever way.
    pub(super) fn open(&self, row: usize, name: Name) {
        lock(&self.ended).insert(row, name);
        self.changed.notify_waiters();
    }

    /// Waits until a row has ended, and tells what became of its name.
    pub(super) async fn pass(&self, row: usize) -> Name {
        loop {
            let changed = self.changed.notified();
            if let Some(name) = lock(&self.ended).get(&row) {
                return *name;
            }
            changed.await;
        }
    }
}
