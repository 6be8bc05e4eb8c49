//! Promises about the service and the results of attachments, checked from outside.

use std::time::Duration;

use crate::memory_service::{
    AttachmentServiceRules, MemoryAttachment, MemoryAttachmentService, RoutingRule,
};
use consign::results::{ResultsEntry, Status, StatusReason};

use crate::power_and_disk::{LostLineKind, SimulatedDisk};
use crate::rows::{ForeignAttachment, SimulatedRow};

/// State of the service and of the results at a moment.
pub(crate) struct AttachmentPromises<'a> {
    rows: &'a [SimulatedRow],
    stored: Vec<MemoryAttachment>,
    disk: &'a SimulatedDisk,
    rules: &'a AttachmentServiceRules,
}

impl<'a> AttachmentPromises<'a> {
    /// Takes the present state.
    pub(crate) fn new(
        rows: &'a [SimulatedRow],
        memory: &MemoryAttachmentService,
        disk: &'a SimulatedDisk,
        rules: &'a AttachmentServiceRules,
    ) -> Self {
        Self {
            rows,
            stored: memory.stored(),
            disk,
            rules,
        }
    }

    /// Checks the promises after a run, however the run ended.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.nothing_is_stored_twice()?;
        self.everything_stored_can_be_found()?;
        self.the_results_tell_the_truth()
    }

    fn nothing_is_stored_twice(&self) -> Result<(), String> {
        for row in self.rows {
            let of_row: Vec<_> = self.stored_of(row).collect();
            if of_row.len() > 1 {
                return Err(format!("{} is stored twice: {of_row:?}", row.key()));
            }
        }
        Ok(())
    }

    /// Checks that no bytes of the program are stored under an `external_id` without a route.
    fn everything_stored_can_be_found(&self) -> Result<(), String> {
        let lost = self.rows.iter().filter(|row| !self.is_routed(row));
        for row in lost.filter(|row| row.foreign_attachment == ForeignAttachment::None) {
            if let Some(stored) = self.stored_of(row).next() {
                return Err(format!(
                    "stored, but not found by its external_id: {stored:?}"
                ));
            }
        }
        Ok(())
    }

    /// Returns `true` if the service finds an attachment by the `external_id` of a row.
    fn is_routed(&self, row: &SimulatedRow) -> bool {
        self.rules.routing == RoutingRule::All || !row.key().contains('.')
    }

    /// Checks each line against the attachment of the row.
    fn the_results_tell_the_truth(&self) -> Result<(), String> {
        for row in self.rows {
            let Some(line) = self.line(row) else { continue };
            let claims_content = line.status == Status::Uploaded
                || (line.status == Status::Conflict && line.known_content.content().is_some());
            let is_forgotten = self.disk.has_lost(row.key(), LostLineKind::AnyLine);
            let was_foreign = row.foreign_attachment == ForeignAttachment::SameSize || is_forgotten;
            if line.status == Status::Skipped && !was_foreign {
                return Err(format!(
                    "{line:?}: skipped, but no other client has attached anything"
                ));
            }
            if line.status == Status::Conflict
                && !row.changed
                && row.foreign_attachment == ForeignAttachment::None
            {
                return Err(format!("{line:?}: a conflict without a cause"));
            }
            let is_so = |one: &MemoryAttachment| {
                line.attachment_id.as_ref().map(|id| id.as_str().to_owned())
                    == Some(one.id.to_string())
                    && line.known_content.content().map(|known| known.sha256) == Some(one.sha256)
                    && line.object_id == one.object.id().to_string()
            };
            // Skipped rows prove neither content nor object.
            let was_skipped = is_forgotten && line.status == Status::Conflict;
            let proven = row.foreign_attachment != ForeignAttachment::SameSize && !was_skipped;
            if claims_content && proven && !self.stored_of(row).any(is_so) {
                return Err(format!("{line:?}: but {:?}", self.stored));
            }
        }
        Ok(())
    }

    /// Checks the promises after the last run.
    pub(crate) fn check_at_the_end(&self) -> Result<(), String> {
        self.check()?;
        if !self.all_rows_are_done() {
            return Err(format!("never done: {}", self.undone_lines()));
        }
        for row in self.rows {
            let is_there = self.stored_of(row).count() == 1 || !self.is_routed(row);
            if !is_there && !self.waits_for_ever(row) {
                return Err(format!("{} is not stored: {:?}", row.key(), self.stored));
            }
        }
        Ok(())
    }

    /// Returns `true` if a further run would work on no row.
    pub(crate) fn all_rows_are_done(&self) -> bool {
        self.rows.iter().all(|row| self.is_done(row))
    }

    fn is_done(&self, row: &SimulatedRow) -> bool {
        let status = self.line(row).map(|line| line.status);
        match status {
            Some(Status::Uploaded | Status::Skipped) => true,
            // Only people can resolve these conflicts.
            Some(Status::Conflict) => {
                row.changed || row.foreign_attachment == ForeignAttachment::OtherSize
            }
            _ if !self.is_routed(row) => true,
            _ => self.waits_for_ever(row),
        }
    }

    /// Returns `true` if a record without bytes is in the way of a row, made by other people or for
    /// another object, and the service never removes the record.
    fn waits_for_ever(&self, row: &SimulatedRow) -> bool {
        let reason = self.line(row).map(|line| line.reason);
        let waits = [StatusReason::PendingElsewhere, StatusReason::ObjectChanged];
        let never_removed = self.rules.purge_after > Duration::from_hours(24);
        never_removed && reason.is_some_and(|reason| waits.contains(&reason))
    }

    /// Returns `true` if a single run without faults must finish all rows: sizes show in time, and
    /// no other people meddle.
    pub(crate) fn one_calm_run_must_do(&self) -> bool {
        let is_known = |row: &SimulatedRow| !self.disk.has_lost(row.key(), LostLineKind::AnyLine);
        let untouched = |row: &SimulatedRow| {
            !row.changed && row.foreign_attachment == ForeignAttachment::None && is_known(row)
        };
        let all_route = self.rows.iter().all(|row| self.is_routed(row));
        all_route
            && self.rules.size_delay < Duration::from_mins(10)
            && self.rows.iter().all(untouched)
    }

    /// Describes the lines of the rows that are not done.
    pub(crate) fn undone_lines(&self) -> String {
        let undone = self.rows.iter().filter(|row| !self.is_done(row));
        let lines: Vec<_> = undone.map(|row| self.line(row)).collect();
        format!("{lines:?}")
    }

    fn line(&self, row: &SimulatedRow) -> Option<ResultsEntry> {
        self.disk.durable_line(row.key())
    }

    fn stored_of(&self, row: &SimulatedRow) -> impl Iterator<Item = &MemoryAttachment> {
        let key = row.row.external_id.clone();
        self.stored.iter().filter(move |one| one.external_id == key)
    }
}
