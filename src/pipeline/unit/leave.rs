//! On whose behalf a unit sends its requests, and when it may.

use super::Unit;
use crate::destination::archive::Archive;
use crate::pipeline::requests::{Leave, RequestOwner};
use crate::pipeline::slots::Slot;
use crate::results::journal::Journal;
use crate::throttle::breakers::{Admitted, Circuit};

impl<D: Archive, J: Journal> Unit<'_, D, J> {
    /// On whose behalf requests are sent.
    pub(in crate::pipeline) fn owner(&self) -> RequestOwner {
        RequestOwner {
            row: self.number,
            slots: self.slot.as_ref().map_or(0, Slot::count),
        }
    }

    /// The same of requests that are sent for one of its rows each.
    ///
    /// Of several rows none lends its slot: a job that waits for as many slots as it has rows would
    /// take that one and wait for those of the other rows, while this row waits for its own.
    pub(in crate::pipeline) fn owner_of_one(&self) -> RequestOwner {
        match self.members.len() {
            1 => self.owner(),
            _ => RequestOwner::without_slot(self.number),
        }
    }

    /// Waits until something may be changed. Returns whether that took a while, so that what was known
    /// before it may be so no longer.
    pub(in crate::pipeline) async fn waited_to_change(&mut self) -> bool {
        if self.change_leave == Leave::Given {
            return false;
        }
        self.change_leave = Leave::Given;
        let admitted = self
            .run
            .requests
            .leave(self.owner(), Circuit::Changes)
            .await;
        admitted == Admitted::AfterAWait
    }

    /// Takes the leave to send a change.
    pub(in crate::pipeline) fn leave_to_change(&mut self) -> Leave {
        std::mem::take(&mut self.change_leave)
    }

    /// Waits until bytes may be sent, where there is no leave yet.
    pub(in crate::pipeline) async fn leave_to_upload(&self, owner: RequestOwner) -> Admitted {
        match self.upload_leave {
            Leave::Given => Admitted::AtOnce,
            Leave::Needed => self.run.requests.leave(owner, Circuit::Uploads).await,
        }
    }
}
