//! Promises about attachments where other clients attach under the same names.

use std::time::Duration;

use crate::memory_service::{AttachmentServiceRules, MemoryAttachment};
use consign::results::{ResultsEntry, Status, StatusReason};

use super::CONTENTS_OF_OTHERS;
use super::clash_watch::ClashWatch;
use crate::power_and_disk::SimulatedDisk;
use crate::rows::{SimulatedRow, content_of_text};

/// State of the service and of the results at a moment.
pub(super) struct ClashPromises<'a> {
    pub(super) rows: &'a [SimulatedRow],
    pub(super) stored: Vec<MemoryAttachment>,
    pub(super) disk: &'a SimulatedDisk,
    pub(super) rules: &'a AttachmentServiceRules,
    pub(super) watch: &'a ClashWatch,
}

impl ClashPromises<'_> {
    /// Checks the promises after a run, however the run ended.
    pub(super) fn check(&self) -> Result<(), String> {
        for row in self.rows {
            let ours: Vec<_> = self.ours(row).collect();
            if ours.len() > 1 {
                return Err(format!("{} is stored twice: {ours:?}", row.key()));
            }
            if let Some(line) = self.line(row) {
                self.check_line(row, &line)?;
            }
        }
        Ok(())
    }

    /// Checks a line against the attachments under the name of its row. A record without bytes that
    /// somebody made between a look-up and a POST may have been taken for the row's own.
    fn check_line(&self, row: &SimulatedRow, line: &ResultsEntry) -> Result<(), String> {
        let is_named = |one: &&MemoryAttachment| {
            let named = line.attachment_id.as_ref().map(|id| id.as_str().to_owned());
            named == Some(one.id.to_string())
        };
        let is_true = match line.status {
            Status::Uploaded => self.ours(row).filter(is_named).any(|one| {
                line.known_content.content().map(|known| known.sha256) == Some(one.sha256)
                    && line.object_id == one.object.id().to_string()
            }),
            Status::Skipped => self.theirs(row).any(|one| is_named(&one)),
            Status::Conflict => row.changed || self.theirs(row).any(|one| is_named(&one)),
            _ => true,
        };
        if is_true || self.names_taken_record(line) {
            return Ok(());
        }
        Err(format!("{line:?}: but {:?}", self.stored))
    }

    /// Checks the promises after the last run.
    pub(super) fn check_at_the_end(&self) -> Result<(), String> {
        self.check()?;
        if !self.all_rows_are_done() {
            return Err(format!("never done: {}", self.undone_lines()));
        }
        let is_missing = |row: &&SimulatedRow| {
            self.ours(row).chain(self.theirs(row)).next().is_none() && !self.waits_for_ever(row)
        };
        match self.rows.iter().find(is_missing) {
            Some(row) => Err(format!("{} is not stored: {:?}", row.key(), self.stored)),
            None => Ok(()),
        }
    }

    /// Returns `true` if a further run would work on no row.
    pub(super) fn all_rows_are_done(&self) -> bool {
        self.rows.iter().all(|row| self.is_done(row))
    }

    fn is_done(&self, row: &SimulatedRow) -> bool {
        match self.line(row).map(|line| line.status) {
            Some(Status::Uploaded | Status::Skipped | Status::Conflict) => true,
            // Only people can resolve a failure about a record of others.
            Some(Status::Failed) => self
                .line(row)
                .is_some_and(|line| self.names_taken_record(&line)),
            _ => self.waits_for_ever(row),
        }
    }

    /// Returns `true` if the line names somebody's record, made between a look-up and a POST and
    /// taken for the row's own while it showed no size.
    fn names_taken_record(&self, line: &ResultsEntry) -> bool {
        let id = line.attachment_id.as_ref();
        id.is_some_and(|id| self.watch.may_be_taken(id))
    }

    /// Returns `true` if a record without bytes is in the way, and the service never removes it.
    fn waits_for_ever(&self, row: &SimulatedRow) -> bool {
        let reason = self.line(row).map(|line| line.reason);
        let waits = [StatusReason::PendingElsewhere, StatusReason::ObjectChanged];
        let never_removed = self.rules.purge_after > Duration::from_hours(24);
        never_removed && reason.is_some_and(|reason| waits.contains(&reason))
    }

    /// Describes the lines of the rows that are not done.
    pub(super) fn undone_lines(&self) -> String {
        let undone = self.rows.iter().filter(|row| !self.is_done(row));
        let lines: Vec<_> = undone.map(|row| self.line(row)).collect();
        format!("{lines:?}")
    }

    fn line(&self, row: &SimulatedRow) -> Option<ResultsEntry> {
        self.disk.durable_line(row.key())
    }

    fn under_name<'a>(&'a self, row: &SimulatedRow) -> impl Iterator<Item = &'a MemoryAttachment> {
        let key = row.row.external_id.clone();
        self.stored.iter().filter(move |one| one.external_id == key)
    }

    fn ours<'a>(&'a self, row: &SimulatedRow) -> impl Iterator<Item = &'a MemoryAttachment> {
        self.under_name(row)
            .filter(|one| !is_content_of_others(one))
    }

    fn theirs<'a>(&'a self, row: &SimulatedRow) -> impl Iterator<Item = &'a MemoryAttachment> {
        self.under_name(row).filter(|one| is_content_of_others(one))
    }
}

/// Returns `true` if another client sent the bytes.
fn is_content_of_others(one: &MemoryAttachment) -> bool {
    CONTENTS_OF_OTHERS
        .iter()
        .any(|text| content_of_text(text).sha256 == one.sha256)
}
