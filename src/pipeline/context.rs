//! On whose behalf a machine sends its requests, and when it may.

use super::requests::{Leave, RequestOwner, Requests};
use super::slots::Slot;
use crate::destination::Destination;
use crate::throttle::breakers::{Admitted, Circuit, RowAtWork};

/// The right of rows on their way to send requests: the upload slots that they hold, and the leave that
/// was waited for while the service was away.
pub(super) struct RequestContext<'a, D> {
    requests: &'a Requests<'a, D>,
    /// The number of the row, or of the first one, on whose behalf all requests are sent.
    row: usize,
    /// Held from before a record is made until the bytes are sent.
    slots: Option<Slot<'a>>,
    /// Leave to send a change, which was waited for.
    change_leave: Leave,
    /// The same for bytes.
    upload_leave: Leave,
    _at_work: RowAtWork<'a>,
}

impl<'a, D: Destination> RequestContext<'a, D> {
    /// The context of rows that begin with these slots. `row` is the number of the first of them.
    pub(super) fn new(requests: &'a Requests<'a, D>, row: usize, slots: Slot<'a>) -> Self {
        Self {
            requests,
            row,
            slots: Some(slots),
            change_leave: Leave::Needed,
            upload_leave: Leave::Needed,
            _at_work: requests.at_work(row),
        }
    }

    /// The owner of requests that are sent for all rows.
    pub(super) fn owner(&self) -> RequestOwner {
        RequestOwner {
            row: self.row,
            slots: self.slots.as_ref().map_or(0, Slot::count),
        }
    }

    /// Takes so many slots, where none are held.
    pub(super) async fn take_slots(&mut self, count: usize) {
        if self.slots.is_none() {
            self.slots = Some(self.requests.slots().take(count).await);
        }
    }

    /// Lets others have the slots.
    pub(super) fn give_slots_back(&mut self) {
        self.slots = None;
    }

    /// Waits until something may be changed. Returns whether that took a while, so that what was known
    /// before it may be so no longer.
    pub(super) async fn waited_to_change(&mut self) -> bool {
        if self.change_leave == Leave::Given {
            return false;
        }
        self.change_leave = Leave::Given;
        let admitted = self.requests.leave(self.owner(), Circuit::Changes).await;
        admitted == Admitted::AfterAWait
    }

    /// Takes the leave to send a change.
    pub(super) fn leave_to_change(&mut self) -> Leave {
        std::mem::take(&mut self.change_leave)
    }

    /// Waits until bytes may be sent, where there is no leave yet.
    pub(super) async fn leave_to_upload(&self, owner: RequestOwner) -> Admitted {
        match self.upload_leave {
            Leave::Given => Admitted::AtOnce,
            Leave::Needed => self.requests.leave(owner, Circuit::Uploads).await,
        }
    }

    /// Keeps, or takes away, the leave to send bytes.
    pub(super) fn set_upload_leave(&mut self, leave: Leave) {
        self.upload_leave = leave;
    }
}
