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

/// The rows that others wait for. What became of the name of each, once it has ended.
#[derive(Debug, Default)]
pub(super) struct Gates {
    names: Mutex<HashMap<usize, Option<Name>>>,
    changed: Notify,
}

impl Gates {
    /// Takes note of a row that others wait for, before any of these is at work.
    pub(super) fn expect(&self, row: usize) {
        lock(&self.names).insert(row, None);
    }

    /// Tells that a row has ended, whichever way.
    pub(super) fn open(&self, row: usize, name: Name) {
        lock(&self.names).insert(row, Some(name));
        self.changed.notify_waiters();
    }

    /// Waits until a row has ended, and tells what became of its name. One that is not at work in
    /// this run keeps it.
    pub(super) async fn pass(&self, row: usize) -> Name {
        loop {
            let changed = self.changed.notified();
            match lock(&self.names).get(&row) {
                None => return Name::Kept,
                Some(Some(name)) => return *name,
                Some(None) => {}
            }
            changed.await;
        }
    }
}
