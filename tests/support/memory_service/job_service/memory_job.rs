//! Life of a job: the state follows from the files at hand, the times of arrival, and the rules.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{AttachRule, FailedJobReport, JobServiceRules, MissingFileRule};
use consign::destination::{FileOutcome, JobOutcome, NewFile, NewJob};
use consign::model::{CheckedContent, ObjectRef};

/// Job and files of the job.
pub(super) struct MemoryJob {
    pub(super) object: ObjectRef,
    pub(super) files: Vec<MemoryJobFile>,
    pub(super) starts_at: Instant,
    pub(super) doom: JobDoom,
}

/// Predetermined end of a job, settled at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobDoom {
    /// The job ends by the rules.
    EndsByRules,
    /// The job fails at the start: the object does not exist.
    FailsAtStart,
    /// The job never ends.
    NeverEnds,
}

/// File of a job.
pub(super) struct MemoryJobFile {
    pub(super) file: NewFile,
    /// Content, and the time of the newest arrival. `None` before the first.
    pub(super) bytes: Option<(CheckedContent, Instant)>,
}

/// State of a job at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobPhase {
    Waiting,
    Running,
    Succeeded,
    Failed,
}

impl MemoryJob {
    pub(super) fn new(new: NewJob, starts_at: Instant, doom: JobDoom) -> Self {
        let files = new.files.into_iter();
        Self {
            object: new.object,
            files: files
                .map(|new| MemoryJobFile {
                    file: new,
                    bytes: None,
                })
                .collect(),
            starts_at,
            doom,
        }
    }

    pub(super) fn phase(&self, rules: &JobServiceRules, now: Instant) -> JobPhase {
        match self.expected_end(rules) {
            _ if now < self.starts_at => JobPhase::Waiting,
            Some((at, phase)) if at <= now => phase,
            _ => JobPhase::Running,
        }
    }

    /// Returns `true` if the job ended at least the given time ago.
    pub(super) fn ended_before(
        &self,
        age: Duration,
        rules: &JobServiceRules,
        now: Instant,
    ) -> bool {
        self.expected_end(rules)
            .is_some_and(|(at, _)| at + age <= now)
    }

    /// Returns the time and the kind of the end, if no further file arrives. `None` for a job
    /// without an end.
    fn expected_end(&self, rules: &JobServiceRules) -> Option<(Instant, JobPhase)> {
        match self.doom {
            JobDoom::FailsAtStart => return Some((self.starts_at, JobPhase::Failed)),
            JobDoom::NeverEnds => return None,
            JobDoom::EndsByRules => {}
        }
        let came = self.files.iter().map(|file| Some(file.bytes?.1));
        let all: Option<Vec<Instant>> = came.collect();
        if let Some(last) = all.and_then(|all| all.into_iter().max()) {
            return Some((last + rules.end_delay, JobPhase::Succeeded));
        }
        let phase = match rules.missing_files {
            MissingFileRule::Fails => JobPhase::Failed,
            MissingFileRule::Completes => JobPhase::Succeeded,
        };
        Some((self.starts_at + rules.give_up_after, phase))
    }

    /// Returns the files of the job on the object.
    pub(super) fn attached_files(
        &self,
        rules: &JobServiceRules,
        now: Instant,
    ) -> impl Iterator<Item = (&MemoryJobFile, CheckedContent)> {
        let all = rules.attaching == AttachRule::OnArrival
            || self.phase(rules, now) == JobPhase::Succeeded;
        self.files.iter().filter_map(move |file| {
            let (content, _) = file.bytes.filter(|_| all)?;
            Some((file, content))
        })
    }

    /// Returns the outcome as the job reports it. `None` before the end.
    pub(super) fn reported_outcome(
        &self,
        rules: &JobServiceRules,
        now: Instant,
    ) -> Option<JobOutcome> {
        let phase = self.phase(rules, now);
        let (word, others) = match phase {
            JobPhase::Waiting | JobPhase::Running => return None,
            JobPhase::Succeeded => ("COMPLETED", FileOutcome::Attached),
            JobPhase::Failed if self.doom == JobDoom::FailsAtStart => {
                ("FAILED: Invalid resource ID", FileOutcome::Unknown)
            }
            JobPhase::Failed => ("FAILED", FileOutcome::Unknown),
        };
        let files = match (phase, rules.failed_job_report) {
            (JobPhase::Failed, FailedJobReport::Nothing) => BTreeMap::new(),
            _ => self.file_outcomes(rules, now),
        };
        Some(JobOutcome {
            message: word.to_owned(),
            named_files: files,
            other_files: others,
        })
    }

    /// Returns the outcomes of the files. A successful job names missing files only.
    fn file_outcomes(
        &self,
        rules: &JobServiceRules,
        now: Instant,
    ) -> BTreeMap<String, FileOutcome> {
        let attached: Vec<&str> = self
            .attached_files(rules, now)
            .map(|(file, _)| &*file.file.file_name)
            .collect();
        let failed = self.phase(rules, now) == JobPhase::Failed;
        let fates = self.files.iter().filter_map(|file| {
            let fate = if !attached.contains(&&*file.file.file_name) {
                FileOutcome::NotAttached("not uploaded in time".into())
            } else if failed {
                FileOutcome::Attached
            } else {
                return None;
            };
            Some((file.file.file_name.clone(), fate))
        });
        fates.collect()
    }
}
