//! Right of a state machine's rows to send requests: their upload slots and their permissions.

use super::request_sender::{RequestOwner, RequestSender, SendPermission};
use super::upload_slots::HeldSlots;
use crate::destination::Destination;
use crate::throttle::run_breakers::{AdmissionDelay, CircuitKind, RowAtWork};

/// Right of rows in flight to send requests: the upload slots of the rows, and permissions waited
/// for during an outage.
pub(super) struct RequestContext<'a, D> {
    requests: &'a RequestSender<'a, D>,
    /// Number of the row, or of a job's first row. All requests are sent on behalf of this row.
    row: usize,
    /// Slots held from before a record is made until all bytes are sent.
    held_slots: Option<HeldSlots<'a>>,
    /// Permission to send a change, kept from the wait until the request uses the permission.
    change_permission: SendPermission,
    /// Permission to send bytes.
    upload_permission: SendPermission,
    _at_work: RowAtWork<'a>,
}

impl<'a, D: Destination> RequestContext<'a, D> {
    /// Creates the context of rows beginning with `slots`. `row` is the number of the first row.
    pub(super) fn new(
        requests: &'a RequestSender<'a, D>,
        row: usize,
        slots: HeldSlots<'a>,
    ) -> Self {
        Self {
            requests,
            row,
            held_slots: Some(slots),
            change_permission: SendPermission::Needed,
            upload_permission: SendPermission::Needed,
            _at_work: requests.register_row_at_work(row),
        }
    }

    /// Returns the owner of requests sent for all rows together.
    pub(super) fn owner(&self) -> RequestOwner {
        RequestOwner {
            row: self.row,
            slots: self.held_slots.as_ref().map_or(0, HeldSlots::count),
        }
    }

    /// Waits for `count` slots, unless some are held already.
    pub(super) async fn take_slots(&mut self, count: usize) {
        if self.held_slots.is_none() {
            self.held_slots = Some(self.requests.slots().take(count).await);
        }
    }

    /// Frees the slots for other rows.
    pub(super) fn give_slots_back(&mut self) {
        self.held_slots = None;
    }

    /// Waits until changes may be sent. Returns `true` after a wait: an earlier answer may be
    /// outdated by then.
    pub(super) async fn wait_to_change(&mut self) -> bool {
        if self.change_permission == SendPermission::Granted {
            return false;
        }
        self.change_permission = SendPermission::Granted;
        let admitted = self
            .requests
            .wait_for_permission(self.owner(), CircuitKind::Changes)
            .await;
        admitted == AdmissionDelay::Delayed
    }

    /// Takes the permission to send a change; a further change needs a new permission.
    pub(super) fn take_change_permission(&mut self) -> SendPermission {
        std::mem::take(&mut self.change_permission)
    }

    /// Waits until bytes may be sent, unless the permission is given already.
    pub(super) async fn wait_to_upload(&self, owner: RequestOwner) -> AdmissionDelay {
        match self.upload_permission {
            SendPermission::Granted => AdmissionDelay::NoDelay,
            SendPermission::Needed => {
                self.requests
                    .wait_for_permission(owner, CircuitKind::Uploads)
                    .await
            }
        }
    }

    /// Sets or withdraws the permission to send bytes.
    pub(super) fn set_upload_permission(&mut self, leave: SendPermission) {
        self.upload_permission = leave;
    }
}
