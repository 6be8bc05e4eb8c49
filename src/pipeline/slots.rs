//! How many rows are at work at once, and whether anything is still to come.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// The upload slots of a run. A unit holds one for each of its rows from before its record is made
/// (so that the upload URLs do not age in a queue) until their bytes are sent. Rows that await
/// confirmation hold none.
#[derive(Debug)]
pub(super) struct Slots {
    free: Semaphore,
    all: usize,
    more_to_come: AtomicBool,
    given_back: Notify,
}

/// The slots that a unit holds.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    permit: Option<SemaphorePermit<'a>>,
    slots: &'a Slots,
}

impl Slots {
    pub(super) fn new(all: usize) -> Self {
        Self {
            free: Semaphore::new(all),
            all,
            more_to_come: AtomicBool::new(true),
            given_back: Notify::new(),
        }
    }

    /// Waits for so many free slots, or for all there are. Whoever asks first gets them first.
    pub(super) async fn take(&self, count: usize) -> Slot<'_> {
        let count = u32::try_from(count.min(self.all)).expect("there are fewer slots");
        let permit = self.free.acquire_many(count).await;
        Slot {
            permit: Some(permit.expect("this semaphore is never closed")),
            slots: self,
        }
    }

    /// Lends the slots of a row that has to wait to others.
    pub(super) fn lend(&self, count: usize) -> LentSlots<'_> {
        self.free.add_permits(count);
        self.given_back.notify_waiters();
        LentSlots { slots: self, count }
    }

    /// Says that no further row will start.
    pub(super) fn no_more_to_come(&self) {
        self.more_to_come.store(false, Ordering::Release);
        self.given_back.notify_waiters();
    }

    /// Whether no row is at work, and none will start.
    pub(super) fn are_idle(&self) -> bool {
        !self.more_to_come.load(Ordering::Acquire) && self.free.available_permits() == self.all
    }

    /// Resolves when [`Self::are_idle`] may have become true.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.given_back.notified()
    }
}

/// Slots that others have while the row that they belong to waits.
#[derive(Debug)]
pub(super) struct LentSlots<'a> {
    slots: &'a Slots,
    count: usize,
}

impl LentSlots<'_> {
    /// Waits until they are free again, and takes them back.
    pub(super) async fn take_back(self) {
        let count = u32::try_from(self.count).expect("there are fewer slots");
        let permit = self.slots.free.acquire_many(count).await;
        permit.expect("this semaphore is never closed").forget();
    }
}

impl Slot<'_> {
    /// How many they are.
    pub(super) fn count(&self) -> usize {
        let permit = self.permit.as_ref();
        permit.map_or(0, SemaphorePermit::num_permits)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        // The permit has to be back before anybody is told so.
        drop(self.permit.take());
        self.slots.given_back.notify_waiters();
    }
}
