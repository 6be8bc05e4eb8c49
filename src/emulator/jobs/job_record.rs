//! Record of a job, and the changes that time brings to it. This module knows neither files nor
//! HTTP.
//!
//! No timer fires when a job starts, ends or is given up: its phase follows from the record and
//! from the time of the question.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::job_settings::{JobEnding, JobTerms, MissingFilesOutcome, PartialFilesOutcome};
use crate::emulator::request_log::RequestLogEntry;
use crate::emulator::storage::{StoredContent, new_object_key};

/// Kinds of jobs: for a sourcing event, or for a sourcing request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::emulator) enum JobKind {
    SourcingEvent,
    SourcingRequest,
}

impl JobKind {
    /// Both kinds.
    pub(super) const ALL: [Self; 2] = [Self::SourcingEvent, Self::SourcingRequest];

    /// Word for the kind of object, which is also the member with the object's id in a POST.
    pub(super) fn object_member(self) -> &'static str {
        match self {
            Self::SourcingEvent => "sourcing_event",
            Self::SourcingRequest => "sourcing_request",
        }
    }

    /// Member of a POST with the e-mail address of the user.
    pub(super) fn user_member(self) -> &'static str {
        match self {
            Self::SourcingEvent => "created_by",
            Self::SourcingRequest => "requester",
        }
    }

    /// Last segment of the path for POSTs of the kind.
    pub(super) fn path_segment(self) -> &'static str {
        match self {
            Self::SourcingEvent => "attach-files-to-sourcing-event",
            Self::SourcingRequest => "attach-files-to-sourcing-request",
        }
    }

    /// Value of `type` for jobs of the kind.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::SourcingEvent => "ATTACH_FILES_TO_SOURCING_EVENT",
            Self::SourcingRequest => "ATTACH_FILES_TO_SOURCING_REQUEST",
        }
    }
}

/// Sourcing event or request to which a job attaches files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct SourcingObject {
    pub(super) kind: JobKind,
    pub(super) id: Uuid,
}

impl fmt::Display for SourcingObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.object_member(), self.id)
    }
}

/// Job as the service stores it; also the content of its file in the state folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobRecord {
    /// Number of the job in the order of creation, from 1.
    pub(super) number: u64,
    pub(super) id: Uuid,
    pub(super) object: SourcingObject,
    /// E-mail address of the user who created the job.
    pub(super) user: String,
    pub(super) created: Timestamp,
    pub(super) terms: JobTerms,
    /// Error with which the job fails at its start; `None` if the job runs.
    pub(super) refusal: Option<String>,
    pub(super) files: Vec<JobFileRecord>,
}

/// File of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobFileRecord {
    pub(super) name: String,
    /// Storage key of the file's upload URL.
    pub(super) key: String,
    pub(super) content: Option<StoredContent>,
}

impl JobFileRecord {
    /// Creates a file without content, with a new storage key.
    pub(super) fn awaiting_upload(name: String) -> Self {
        Self {
            name,
            key: new_object_key(),
            content: None,
        }
    }
}

/// Phase of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredJobPhase {
    /// The job has not started.
    Pending,
    /// The job waits for files or processes files.
    Running,
    /// The job has ended successfully.
    Succeeded,
    /// The job has failed.
    Failed,
}

impl StoredJobPhase {
    /// True if the job has ended and changes no more.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// Expected end of a job, valid until another file arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExpectedJobEnd {
    pub(super) at: Timestamp,
    pub(super) phase: StoredJobPhase,
}

impl JobRecord {
    /// Start of the job, when its files get their upload URLs.
    pub(super) fn start(&self) -> Timestamp {
        later_by(self.created, self.terms.start_delay)
    }

    /// Phase of the job at `now`.
    pub(super) fn phase_at(&self, now: Timestamp) -> StoredJobPhase {
        match self.expected_end() {
            _ if now < self.start() => StoredJobPhase::Pending,
            Some(end) if now >= end.at => end.phase,
            _ => StoredJobPhase::Running,
        }
    }

    /// True if the job takes bytes arriving at `now`.
    pub(super) fn is_running_at(&self, now: Timestamp) -> bool {
        self.phase_at(now) == StoredJobPhase::Running
    }

    /// Notes the object, and the file with storage key `key`, in the log entry.
    pub(super) fn note_in_log(&self, key: &str, entry: &mut RequestLogEntry) {
        let file = self.files.iter().find(|file| file.key == key);
        entry.object = Some(self.object.to_string());
        entry.file = file.map(|file| file.name.clone());
    }

    /// Expected end with the files stored so far; `None` if the job never ends.
    pub(super) fn expected_end(&self) -> Option<ExpectedJobEnd> {
        if self.refusal.is_some() {
            return Some(ExpectedJobEnd {
                at: self.start(),
                phase: StoredJobPhase::Failed,
            });
        }
        if self.terms.ending == JobEnding::Never {
            return None;
        }
        let stored = self.files.iter().map(|file| Some(file.content?.stored_at));
        let all_stored = stored.collect::<Option<Vec<_>>>();
        Some(match all_stored.and_then(|all| all.into_iter().max()) {
            Some(last) => ExpectedJobEnd {
                at: later_by(last, self.terms.end_delay),
                phase: StoredJobPhase::Succeeded,
            },
            None => ExpectedJobEnd {
                at: later_by(self.start(), self.terms.give_up_after),
                phase: match self.terms.missing {
                    MissingFilesOutcome::Fails(_) => StoredJobPhase::Failed,
                    MissingFilesOutcome::Completes => StoredJobPhase::Succeeded,
                },
            },
        })
    }

    /// True if a job in `phase` attaches the file.
    pub(super) fn attaches(&self, file: &JobFileRecord, phase: StoredJobPhase) -> bool {
        let keeps = match phase {
            StoredJobPhase::Pending | StoredJobPhase::Running => false,
            StoredJobPhase::Succeeded => true,
            StoredJobPhase::Failed => {
                self.terms.missing == MissingFilesOutcome::Fails(PartialFilesOutcome::Kept)
            }
        };
        keeps && file.content.is_some()
    }

    /// Errors of the job in this phase: its refusal, or its missing files. Empty before the job's
    /// end.
    pub(super) fn errors(&self, phase: StoredJobPhase) -> Vec<String> {
        if !phase.is_final() {
            return Vec::new();
        }
        if let Some(refusal) = &self.refusal {
            return vec![refusal.clone()];
        }
        let missing = self.files.iter().filter(|file| file.content.is_none());
        missing
            .map(|file| format!("File {} was not uploaded in time.", file.name))
            .collect()
    }
}

/// Point in time `span` after `at`, at most [`Timestamp::MAX`].
pub(super) fn later_by(at: Timestamp, span: Duration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use StoredJobPhase::{Failed, Pending, Running, Succeeded};

    fn at(second: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(second)
    }

    /// Job that starts at 10 s, ends 5 s after its last file, or is given up at 110 s. Each file
    /// arrives at its second of `stored_at`, or never.
    fn job(stored_at: &[Option<u64>]) -> JobRecord {
        let object = SourcingObject {
            kind: JobKind::SourcingEvent,
            id: Uuid::nil(),
        };
        let file = |second: &Option<u64>| JobFileRecord {
            content: second.map(|second| StoredContent {
                size: 7,
                stored_at: at(second),
            }),
            ..JobFileRecord::awaiting_upload("a.pdf".to_owned())
        };
        JobRecord {
            number: 1,
            id: Uuid::nil(),
            object,
            user: String::new(),
            created: at(0),
            terms: JobTerms {
                start_delay: Duration::from_secs(10),
                end_delay: Duration::from_secs(5),
                give_up_after: Duration::from_secs(100),
                ..JobTerms::default()
            },
            refusal: None,
            files: stored_at.iter().map(file).collect(),
        }
    }

    fn with_terms(job: JobRecord, change: impl FnOnce(&mut JobTerms)) -> JobRecord {
        let mut terms = job.terms;
        change(&mut terms);
        JobRecord { terms, ..job }
    }

    fn phases(job: &JobRecord, seconds: &[u64]) -> Vec<StoredJobPhase> {
        seconds
            .iter()
            .map(|second| job.phase_at(at(*second)))
            .collect()
    }

    fn attached(job: &JobRecord, second: u64) -> usize {
        let phase = job.phase_at(at(second));
        let attached = job.files.iter().filter(|file| job.attaches(file, phase));
        attached.count()
    }

    #[test]
    fn a_job_waits_then_runs_until_a_while_after_its_last_file() {
        let job = job(&[Some(30), Some(20)]);
        let expected = [Pending, Running, Running, Succeeded, Succeeded];
        assert_eq!(phases(&job, &[9, 10, 34, 35, 1000]), expected);
        assert_eq!((attached(&job, 34), attached(&job, 35)), (0, 2));
        assert_eq!(job.errors(Succeeded), [""; 0]);
    }

    #[test]
    fn a_job_whose_files_do_not_come_fails_and_attaches_nothing_unless_it_keeps_what_came() {
        let job = job(&[Some(30), None]);
        assert_eq!(phases(&job, &[109, 110]), [Running, Failed]);
        assert_eq!(attached(&job, 110), 0);
        assert_eq!(job.errors(Running), [""; 0]);
        let told = ["File a.pdf was not uploaded in time."];
        assert_eq!(job.errors(Failed), told);
        let keeping = with_terms(job, |terms| {
            terms.missing = MissingFilesOutcome::Fails(PartialFilesOutcome::Kept);
        });
        assert_eq!((attached(&keeping, 109), attached(&keeping, 110)), (0, 1));
    }

    #[test]
    fn a_job_may_end_well_without_some_of_its_files_and_names_them() {
        let job = with_terms(job(&[Some(30), None]), |terms| {
            terms.missing = MissingFilesOutcome::Completes;
        });
        assert_eq!(phases(&job, &[109, 110]), [Running, Succeeded]);
        assert_eq!(attached(&job, 110), 1);
        assert_eq!(job.errors(Succeeded).len(), 1);
    }

    #[test]
    fn a_job_may_run_for_ever() {
        let job = with_terms(job(&[Some(30)]), |terms| terms.ending = JobEnding::Never);
        assert_eq!(
            phases(&job, &[9, 10, 1_000_000]),
            [Pending, Running, Running]
        );
        assert_eq!(attached(&job, 1_000_000), 0);
    }

    #[test]
    fn a_job_for_what_is_not_there_fails_at_its_start() {
        let job = JobRecord {
            refusal: Some("no such event".to_owned()),
            ..job(&[None])
        };
        assert_eq!(phases(&job, &[9, 10]), [Pending, Failed]);
        assert_eq!(job.errors(Failed), ["no such event"]);
    }
}
