//! Upload slots of a run: the number of rows at work at once, and whether another row will start.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// Upload slots of a run.
///
/// A task holds a slot for each of its rows from before its record is made (so that the upload URLs
/// do not age in a queue) until the bytes are sent. Rows that await confirmation hold none.
#[derive(Debug)]
pub(super) struct UploadSlots {
    free: Semaphore,
    total: usize,
    more_to_come: AtomicBool,
    freed: Notify,
}

/// Slots held by a task. Dropping the value frees the slots.
#[derive(Debug)]
pub(super) struct HeldSlots<'a> {
    permit: Option<SemaphorePermit<'a>>,
    slots: &'a UploadSlots,
}

impl UploadSlots {
    pub(super) fn new(total: usize) -> Self {
        Self {
            free: Semaphore::new(total),
            total,
            more_to_come: AtomicBool::new(true),
            freed: Notify::new(),
        }
    }

    /// Waits for `count` free slots, or for all slots if there are fewer. First come, first served.
    pub(super) async fn take(&self, count: usize) -> HeldSlots<'_> {
        let count = u32::try_from(count.min(self.total)).expect("there are fewer slots");
        let permit = self.free.acquire_many(count).await;
        HeldSlots {
            permit: Some(permit.expect("this semaphore is never closed")),
            slots: self,
        }
    }

    /// Lends the slots of a waiting row to others.
    pub(super) fn lend(&self, count: usize) -> LentSlots<'_> {
        self.free.add_permits(count);
        self.freed.notify_waiters();
        LentSlots { slots: self, count }
    }

    /// Notes that no further row will start.
    pub(super) fn note_no_more_rows(&self) {
        self.more_to_come.store(false, Ordering::Release);
        self.freed.notify_waiters();
    }

    /// Returns `true` if no row is at work and none will start.
    pub(super) fn are_idle(&self) -> bool {
        !self.more_to_come.load(Ordering::Acquire) && self.free.available_permits() == self.total
    }

    /// Resolves when the result of [`Self::are_idle`] may have changed to `true`.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.freed.notified()
    }
}

/// Slots lent to others while the owning row waits.
#[derive(Debug)]
pub(super) struct LentSlots<'a> {
    slots: &'a UploadSlots,
    count: usize,
}

impl LentSlots<'_> {
    /// Waits until as many slots are free again, and takes them back.
    pub(super) async fn take_back(self) {
        let count = u32::try_from(self.count).expect("there are fewer slots");
        let permit = self.slots.free.acquire_many(count).await;
        permit.expect("this semaphore is never closed").forget();
    }
}

impl HeldSlots<'_> {
    /// Returns the number of slots.
    pub(super) fn count(&self) -> usize {
        let permit = self.permit.as_ref();
        permit.map_or(0, SemaphorePermit::num_permits)
    }
}

impl Drop for HeldSlots<'_> {
    fn drop(&mut self) {
        // The permit has to be back before the waiters are notified.
        drop(self.permit.take());
        self.slots.freed.notify_waiters();
    }
}
