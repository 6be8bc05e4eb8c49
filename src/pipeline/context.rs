//! Right of a machine's rows to send requests: their upload slots and their permissions.

use super::requests::{Leave, RequestOwner, Requests};
use super::slots::Slot;
use crate::destination::Destination;
use crate::throttle::breakers::{Admitted, Circuit, RowAtWork};

/// Right of rows in flight to send requests: the upload slots of the rows, and permissions waited
/// for during an outage.
pub(super) struct RequestContext<'a, D> {
    requests: &'a Requests<'a, D>,
    /// Number of the row, or of a job's first row. All requests are sent on behalf of this row.
    row: usize,
    /// Slots held from before a record is made until all bytes are sent.
    slots: Option<Slot<'a>>,
    /// Permission to send a change, kept from the wait until the request uses the permission.
    change_leave: Leave,
    /// Permission to send bytes.
    upload_leave: Leave,
    _at_work: RowAtWork<'a>,
}

impl<'a, D: Destination> RequestContext<'a, D> {
    /// Creates the context of rows beginning with `slots`. `row` is the number of the first row.
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

    /// Returns the owner of requests sent for all rows together.
    pub(super) fn owner(&self) -> RequestOwner {
        RequestOwner {
            row: self.row,
            slots: self.slots.as_ref().map_or(0, Slot::count),
        }
    }

    /// Waits for `count` slots, unless some are held already.
    pub(super) async fn take_slots(&mut self, count: usize) {
        if self.slots.is_none() {
            self.slots = Some(self.requests.slots().take(count).await);
        }
    }

    /// Frees the slots for other rows.
    pub(super) fn give_slots_back(&mut self) {
        self.slots = None;
    }

    /// Waits until changes may be sent. Returns `true` after a wait: an earlier answer may be
    /// outdated by then.
    pub(super) async fn waited_to_change(&mut self) -> bool {
        if self.change_leave == Leave::Given {
            return false;
        }
        self.change_leave = Leave::Given;
        let admitted = self.requests.leave(self.owner(), Circuit::Changes).await;
        admitted == Admitted::AfterAWait
    }

    /// Takes the permission to send a change; a further change needs a new permission.
    pub(super) fn leave_to_change(&mut self) -> Leave {
        std::mem::take(&mut self.change_leave)
    }

    /// Waits until bytes may be sent, unless the permission is given already.
    pub(super) async fn leave_to_upload(&self, owner: RequestOwner) -> Admitted {
        match self.upload_leave {
            Leave::Given => Admitted::AtOnce,
            Leave::Needed => self.requests.leave(owner, Circuit::Uploads).await,
        }
    }

    /// Sets or withdraws the permission to send bytes.
    pub(super) fn set_upload_leave(&mut self, leave: Leave) {
        self.upload_leave = leave;
    }
}
