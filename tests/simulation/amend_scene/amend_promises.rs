//! Promises about the service and the results where the user wants attachments to be changed,
//! checked from outside.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::memory_service::{AttachmentServiceRules, MemoryAttachment, MemoryAttachmentService};
use consign::model::ExternalId;
use consign::plan::{ConflictPolicy, TitlePolicy};
use consign::results::{ResultsEntry, Status, StatusReason, VerifiedBy};

use super::drawn_rows::{AttachmentOfOthers, OthersNames};
use crate::attachment_scene::held_bytes::HeldBytes;
use crate::power_and_disk::SimulatedDisk;
use crate::row_files::is_version_of_row;
use crate::rows::SimulatedRow;
use crate::scene::RunOptions;

/// State of the service and of the results at a moment, beside the options of the user.
pub(super) struct AmendPromises<'a> {
    rows: &'a [SimulatedRow],
    others: &'a [OthersNames],
    options: RunOptions,
    stored: Vec<MemoryAttachment>,
    /// Number of records without bytes.
    records_without_bytes: usize,
    held_bytes: &'a HeldBytes,
    disk: &'a SimulatedDisk,
    rules: &'a AttachmentServiceRules,
}

impl<'a> AmendPromises<'a> {
    /// Takes the present state.
    pub(super) fn new(
        rows: &'a [SimulatedRow],
        others: &'a [OthersNames],
        options: RunOptions,
        service: &MemoryAttachmentService,
        held_bytes: &'a HeldBytes,
        disk: &'a SimulatedDisk,
        rules: &'a AttachmentServiceRules,
    ) -> Self {
        let stored = service.stored();
        Self {
            records_without_bytes: service.record_count() - stored.len(),
            stored,
            rows,
            others,
            options,
            held_bytes,
            disk,
            rules,
        }
    }

    /// Checks the promises after a run, however the run ended.
    pub(super) fn check(&self) -> Result<(), String> {
        self.held_bytes.check_safe()?;
        self.nothing_is_stored_twice()?;
        self.no_name_is_given_twice()?;
        self.no_title_changes_unasked()?;
        self.the_results_tell_the_truth()
    }

    fn nothing_is_stored_twice(&self) -> Result<(), String> {
        for row in self.rows {
            let is_of_row = |one: &&MemoryAttachment| is_version_of_row(one.sha256, row.row.number);
            let of_row: Vec<_> = self.stored.iter().filter(is_of_row).collect();
            if of_row.len() > 1 {
                return Err(format!("{} is stored twice: {of_row:?}", row.key()));
            }
        }
        Ok(())
    }

    fn no_name_is_given_twice(&self) -> Result<(), String> {
        let names: BTreeSet<_> = self.stored.iter().map(|one| &one.external_id).collect();
        if names.len() < self.stored.len() {
            return Err(format!("two have one external_id: {:?}", self.stored));
        }
        Ok(())
    }

    fn no_title_changes_unasked(&self) -> Result<(), String> {
        if self.options.policy.title_policy == TitlePolicy::Update {
            return Ok(());
        }
        for one in &self.stored {
            let first = self.held_bytes.first_title(one.id);
            if first.is_some() && first != one.title {
                return Err(format!("{one:?} was called {first:?}"));
            }
        }
        Ok(())
    }

    /// Checks each line against the attachment of the row.
    fn the_results_tell_the_truth(&self) -> Result<(), String> {
        for row in self.rows {
            if let Some(line) = self.line(row) {
                self.check_line(row, &line)
                    .map_err(|why| format!("{why}: {line:?}, but {:?}", self.stored))?;
            }
        }
        Ok(())
    }

    fn check_line(&self, row: &SimulatedRow, line: &ResultsEntry) -> Result<(), &'static str> {
        let is_done = line.status.is_done();
        if !is_done && line.status != Status::Conflict {
            return Ok(());
        }
        let Some(id) = &line.attachment_id else {
            return if is_done {
                Err("the done line names no attachment")
            } else {
                Ok(())
            };
        };
        let stored = self
            .stored
            .iter()
            .find(|one| one.id.to_string() == id.as_str());
        let Some(stored) = stored else {
            return Err("nothing is stored");
        };
        let is_claimed =
            line.verified_by != VerifiedBy::Nothing || line.reason == StatusReason::SameContent;
        let told = line.known_content.content().filter(|_| is_claimed);
        if told.is_some_and(|told| told.sha256 != stored.sha256) {
            return Err("other content is stored");
        }
        if !is_done {
            return Ok(());
        }
        let changes = &line.changes;
        let renamed = row.row.new_external_id.as_ref().map(ExternalId::as_str);
        if changes.renamed_to.as_deref() != renamed {
            return Err("it was to be renamed");
        }
        if stored.external_id.as_str() != renamed.unwrap_or(row.key()) {
            return Err("it is called otherwise");
        }
        let former = changes.replaced.as_ref();
        let is_word = match line.status {
            Status::Replaced => former.is_some(),
            Status::Renamed => former.is_none() && changes.renamed_to.is_some(),
            Status::Updated => former.is_none() && changes.previous_title.is_some(),
            _ => former.is_none() && changes.renamed_to.is_none(),
        };
        if !is_word {
            return Err("the status does not say what was done");
        }
        let gave_way = former.and_then(|former| former.sha256);
        match gave_way {
            Some(sha256) if !self.held_bytes.was_ever_held(sha256) => {
                Err("the replaced content was never held")
            }
            Some(sha256) if !self.held_bytes.line_accounts_for(line, sha256) => {
                Err("the replaced content was not kept")
            }
            _ => Ok(()),
        }
    }

    /// Checks the promises after the last run.
    pub(super) fn check_at_the_end(&self) -> Result<(), String> {
        self.check()?;
        if !self.all_rows_are_done() {
            return Err(format!("never done: {}", self.undone_lines()));
        }
        for (row, theirs) in self.rows.iter().zip(self.others) {
            self.check_final_attachment(row, theirs).map_err(|why| {
                let line = self.line(row);
                format!("{} {why}: {line:?}, {:?}", row.key(), self.stored)
            })?;
        }
        Ok(())
    }

    fn check_final_attachment(
        &self,
        row: &SimulatedRow,
        theirs: &OthersNames,
    ) -> Result<(), &'static str> {
        let Some(line) = self.line(row).filter(|_| !self.waits_for_ever(row)) else {
            return Ok(());
        };
        let taken = [StatusReason::NewIdTaken, StatusReason::Gone];
        if line.attachment_id.is_none() && taken.contains(&line.reason) {
            // Others had the names of the row, and the row has no attachment.
            return Ok(());
        }
        let name = match &row.row.new_external_id {
            Some(new) if line.status.is_done() || line.changes.renamed_to.is_some() => new,
            _ => &row.row.external_id,
        };
        let is_it = |one: &&MemoryAttachment| match &line.attachment_id {
            Some(id) if !line.status.is_done() => one.id.to_string() == id.as_str(),
            _ => one.external_id == *name,
        };
        let of_name = self.stored.iter().find(is_it);
        let Some(one) = of_name else {
            return Err("is not stored under its name");
        };
        let is_touched = self.must_hold_content_at_the_end(row, theirs);
        if is_touched && one.sha256 != row.content.sha256 {
            return Err("does not hold its content");
        }
        let title = self.options.policy.title(&row.row);
        if line.status.is_done() && title.is_some() && one.title.as_deref() != title {
            return Err("does not have its title");
        }
        Ok(())
    }

    /// Returns `true` if a row must have its content at the end, whatever happened before.
    fn must_hold_content_at_the_end(&self, row: &SimulatedRow, theirs: &OthersNames) -> bool {
        let is_alone = theirs.old_name == AttachmentOfOthers::Nothing
            && theirs.new_name == AttachmentOfOthers::Nothing;
        let both = theirs.old_name != AttachmentOfOthers::Nothing && self.new_name_stays_taken(row);
        match self.options.policy.on_conflict {
            ConflictPolicy::Replace => !both,
            ConflictPolicy::Fail | ConflictPolicy::Skip => is_alone && !row.changed,
        }
    }

    /// Returns `true` if another attachment has the new name of a row for good.
    fn new_name_stays_taken(&self, row: &SimulatedRow) -> bool {
        let Some(new) = &row.row.new_external_id else {
            return false;
        };
        let line = self.line(row);
        let ours = line.and_then(|line| line.attachment_id);
        let holder = self.stored.iter().find(|one| one.external_id == *new);
        let is_ours = |one: &MemoryAttachment| {
            ours.as_ref()
                .is_some_and(|ours| ours.as_str() == one.id.to_string())
        };
        match holder {
            Some(one) => !is_ours(one),
            // Others have made a record of the new name, or a late POST of the program has, and the
            // bytes never arrived.
            None => self.records_are_never_purged() && self.records_without_bytes > 0,
        }
    }

    fn records_are_never_purged(&self) -> bool {
        self.rules.purge_after > Duration::from_hours(24)
    }

    /// Returns `true` if a further run would work on no row.
    pub(super) fn all_rows_are_done(&self) -> bool {
        self.rows.iter().all(|row| self.is_done(row))
    }

    fn is_done(&self, row: &SimulatedRow) -> bool {
        let Some(line) = self.line(row) else {
            return false;
        };
        match line.status {
            status if status.is_done() => self.is_done_as_asked(row, &line),
            // Only people can resolve these conflicts.
            Status::Conflict if line.reason == StatusReason::NewIdTaken => {
                self.new_name_stays_taken(row)
            }
            // A late POST has made another record of the same name, whose bytes never arrive.
            Status::Conflict if line.reason == StatusReason::LookupMismatch => {
                self.records_are_never_purged() && self.records_without_bytes > 0
            }
            // Another attachment has the name of the row, whose record was removed while waiting
            // for bytes.
            Status::Conflict if line.reason == StatusReason::Gone => line.attachment_id.is_none(),
            Status::Conflict => self.options.policy.on_conflict == ConflictPolicy::Fail,
            _ => self.waits_for_ever(row),
        }
    }

    /// Returns `true` if a row finished by an earlier run meets the present options of the user.
    fn is_done_as_asked(&self, row: &SimulatedRow, line: &ResultsEntry) -> bool {
        let is_other =
            line.known_content.content().map(|known| known.sha256) != Some(row.content.sha256);
        match self.options.policy.on_conflict {
            ConflictPolicy::Replace => !is_other,
            ConflictPolicy::Fail | ConflictPolicy::Skip => true,
        }
    }

    /// Returns `true` if a record without bytes is in the way of a row, and the service never
    /// removes the record.
    fn waits_for_ever(&self, row: &SimulatedRow) -> bool {
        let reason = self.line(row).map(|line| line.reason);
        self.records_are_never_purged() && reason == Some(StatusReason::PendingElsewhere)
    }

    /// Returns `true` if a single run without faults must finish all rows: sizes show in time, and
    /// no other people meddle.
    pub(super) fn one_calm_run_must_do(&self) -> bool {
        let is_alone = |theirs: &OthersNames| {
            theirs.old_name == AttachmentOfOthers::Nothing
                && theirs.new_name == AttachmentOfOthers::Nothing
        };
        self.rules.size_delay < Duration::from_mins(10)
            && self.others.iter().all(is_alone)
            && self.rows.iter().all(|row| !row.changed)
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
}
