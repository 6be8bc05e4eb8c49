//! Promises about the objects and the results of jobs, checked from outside.

use std::time::Duration;

use crate::memory_service::job_service::{
    FileOnObjectInMemory, JobServiceRules, JobStartRule, MemoryJobService, StuckJobRule,
};
use consign::plan::needs_manual_check;
use consign::results::{ResultsEntry, Status, StatusReason};

use crate::power_and_disk::SimulatedDisk;
use crate::rows::SimulatedRow;

/// State of the objects and of the results at a moment.
pub(super) struct JobPromises<'a> {
    rows: &'a [SimulatedRow],
    attached: Vec<FileOnObjectInMemory>,
    disk: &'a SimulatedDisk,
    rules: &'a JobServiceRules,
}

impl<'a> JobPromises<'a> {
    /// Takes the present state.
    pub(super) fn new(
        rows: &'a [SimulatedRow],
        service: &MemoryJobService,
        disk: &'a SimulatedDisk,
        rules: &'a JobServiceRules,
    ) -> Self {
        Self {
            rows,
            attached: service.attached_files(),
            disk,
            rules,
        }
    }

    /// Checks the promises after a run, however the run ended.
    pub(super) fn check(&self) -> Result<(), String> {
        self.nothing_is_attached_twice()?;
        self.the_results_tell_the_truth()
    }

    fn nothing_is_attached_twice(&self) -> Result<(), String> {
        for row in self.rows {
            let of_row: Vec<_> = self.attached_of(row).collect();
            if of_row.len() > 1 {
                return Err(format!("{} is attached twice: {of_row:?}", row.key()));
            }
        }
        Ok(())
    }

    /// Checks each line against the file of the row.
    fn the_results_tell_the_truth(&self) -> Result<(), String> {
        for row in self.rows {
            let Some(line) = self.line(row) else { continue };
            if line.status == Status::Skipped {
                return Err(format!("{line:?}: nothing can be known to be there"));
            }
            if line.status == Status::Conflict && !row.changed {
                return Err(format!("{line:?}: a conflict without a cause"));
            }
            let is_so = |one: &FileOnObjectInMemory| {
                line.attachment_id.as_ref() == Some(&one.job)
                    && line.known_content.content().map(|known| known.sha256) == Some(one.sha256)
                    && line.object_id == one.object.id().to_string()
            };
            let claims = matches!(line.status, Status::Uploaded | Status::Conflict);
            if claims && !self.attached_of(row).any(is_so) {
                return Err(format!("{line:?}: but {:?}", self.attached));
            }
        }
        Ok(())
    }

    /// Checks the promises after the last run.
    pub(super) fn check_at_the_end(&self) -> Result<(), String> {
        self.check()?;
        if !self.all_rows_are_done() {
            return Err(format!("never done: {}", self.undone_lines()));
        }
        for row in self.rows {
            let excused = self.has_no_object(row) || self.waits_for_ever(row);
            if !self.is_attached(row) && !excused {
                return Err(format!(
                    "{} is not attached: {:?}",
                    row.key(),
                    self.attached
                ));
            }
        }
        Ok(())
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
            Status::Uploaded => true,
            // Only people can resolve these conflicts.
            Status::Conflict => row.changed,
            // People find the file on the object.
            Status::Failed if needs_manual_check(&line) => self.is_attached(row),
            Status::Failed => self.has_no_object(row) && line.reason == StatusReason::Refused,
            _ => self.waits_for_ever(row),
        }
    }

    /// Returns `true` if the job of a row never ends, even with all files.
    fn waits_for_ever(&self, row: &SimulatedRow) -> bool {
        let waits = [
            StatusReason::JobRunning,
            StatusReason::JobWaiting,
            StatusReason::Sending,
        ];
        let line = self.line(row);
        self.rules.stuck_jobs != StuckJobRule::None
            && line.is_some_and(|line| waits.contains(&line.reason))
    }

    /// Returns `true` if the object of a row does not exist.
    fn has_no_object(&self, row: &SimulatedRow) -> bool {
        self.rules.unknown_objects.contains(&row.row.object)
    }

    /// Returns `true` if the file of a row is on an object.
    pub(super) fn is_attached(&self, row: &SimulatedRow) -> bool {
        self.attached_of(row).next().is_some()
    }

    /// Returns `true` if a single run without faults must finish all rows: jobs start and end in
    /// time, and no row has a history.
    pub(super) fn one_calm_run_must_do(&self) -> bool {
        let rules = self.rules;
        let starts_in_time = match rules.start {
            JobStartRule::AtOnce => true,
            JobStartRule::After(delay) => delay <= Duration::from_secs(20),
        };
        let has_no_history = |row: &SimulatedRow| {
            let line = self.line(row);
            !row.changed && line.is_none_or(|line| line.attachment_id.is_none())
        };
        starts_in_time
            && rules.end_delay <= Duration::from_mins(1)
            && rules.address_life >= Duration::from_mins(1)
            && rules.stuck_jobs == StuckJobRule::None
            && rules.read_allowances == JobServiceRules::default().read_allowances
            && self.rows.iter().all(has_no_history)
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

    fn attached_of(&self, row: &SimulatedRow) -> impl Iterator<Item = &FileOnObjectInMemory> {
        let key = row.row.external_id.clone();
        self.attached
            .iter()
            .filter(move |one| one.external_id == key)
    }
}
