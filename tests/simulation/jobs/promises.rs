//! Promises about the objects and the results of jobs, checked from outside.

use std::time::Duration;

use crate::memory_service::jobs::{AttachedFile, JobRules, Jobs, Start, Stuck};
use consign::plan::is_for_people;
use consign::results::{Entry, Reason, Status};

use crate::machine::Disk;
use crate::rows::TheRow;

/// State of the objects and of the results at a moment.
pub(super) struct Promises<'a> {
    rows: &'a [TheRow],
    attached: Vec<AttachedFile>,
    disk: &'a Disk,
    rules: &'a JobRules,
}

impl<'a> Promises<'a> {
    /// Takes the present state.
    pub(super) fn now(
        rows: &'a [TheRow],
        service: &Jobs,
        disk: &'a Disk,
        rules: &'a JobRules,
    ) -> Self {
        Self {
            rows,
            attached: service.attached(),
            disk,
            rules,
        }
    }

    /// Checks the promises after a run, however the run ended.
    pub(super) fn hold(&self) -> Result<(), String> {
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
                return Err(format!("{line:?}: with what?"));
            }
            let is_so = |one: &AttachedFile| {
                line.attachment_id.as_ref() == Some(&one.job)
                    && line.known.content().map(|known| known.sha256) == Some(one.sha256)
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
    pub(super) fn hold_at_the_end(&self) -> Result<(), String> {
        self.hold()?;
        if !self.are_all_done() {
            return Err(format!("never done: {}", self.undone()));
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
    pub(super) fn are_all_done(&self) -> bool {
        self.rows.iter().all(|row| self.is_done(row))
    }

    fn is_done(&self, row: &TheRow) -> bool {
        let Some(line) = self.line(row) else {
            return false;
        };
        match line.status {
            Status::Uploaded => true,
            // Only people can resolve these conflicts.
            Status::Conflict => row.changed,
            // People find the file on the object.
            Status::Failed if is_for_people(&line) => self.is_attached(row),
            Status::Failed => self.has_no_object(row) && line.reason == Reason::Refused,
            _ => self.waits_for_ever(row),
        }
    }

    /// Returns `true` if the job of a row never ends, even with all files.
    fn waits_for_ever(&self, row: &TheRow) -> bool {
        let waits = [Reason::JobRunning, Reason::JobWaiting, Reason::Sending];
        let line = self.line(row);
        self.rules.stuck != Stuck::None && line.is_some_and(|line| waits.contains(&line.reason))
    }

    /// Returns `true` if the object of a row does not exist.
    fn has_no_object(&self, row: &TheRow) -> bool {
        self.rules.unknown.contains(&row.row.object)
    }

    /// Returns `true` if the file of a row is on an object.
    pub(super) fn is_attached(&self, row: &TheRow) -> bool {
        self.attached_of(row).next().is_some()
    }

    /// Returns `true` if a single run without faults must finish all rows: jobs start and end in
    /// time, and no row has a history.
    pub(super) fn nothing_excuses_a_second_run(&self) -> bool {
        let rules = self.rules;
        let starts_in_time = match rules.start {
            Start::AtOnce => true,
            Start::After(delay) => delay <= Duration::from_secs(20),
        };
        let has_no_history = |row: &TheRow| {
            let line = self.line(row);
            !row.changed && line.is_none_or(|line| line.attachment_id.is_none())
        };
        starts_in_time
            && rules.end_delay <= Duration::from_mins(1)
            && rules.address_life >= Duration::from_mins(1)
            && rules.stuck == Stuck::None
            && rules.reads == JobRules::default().reads
            && self.rows.iter().all(has_no_history)
    }

    /// Describes the lines of the rows that are not done.
    pub(super) fn undone(&self) -> String {
        let undone = self.rows.iter().filter(|row| !self.is_done(row));
        let lines: Vec<_> = undone.map(|row| self.line(row)).collect();
        format!("{lines:?}")
    }

    fn line(&self, row: &TheRow) -> Option<Entry> {
        self.disk.durable(row.key())
    }

    fn attached_of(&self, row: &TheRow) -> impl Iterator<Item = &AttachedFile> {
        let key = row.row.external_id.clone();
        self.attached
            .iter()
            .filter(move |one| one.external_id == key)
    }
}
