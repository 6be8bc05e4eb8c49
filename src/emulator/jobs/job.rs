//! A job as the service knows it, and what time does to it. No files here, and no HTTP.
//!
//! Nothing wakes up when a job starts, ends or is given up: what it is at follows from what is
//! written of it and from the time at which somebody asks.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::settings::{Ending, Missing, Partial, Terms};
use crate::emulator::log::Entry;
use crate::emulator::storage::{Content, new_key};

/// The two kinds of jobs, by what they attach files to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::emulator) enum Kind {
    SourcingEvent,
    SourcingRequest,
}

impl Kind {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::SourcingEvent, Self::SourcingRequest];

    /// The word for what files are attached to, which is also the member that names it.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::SourcingEvent => "sourcing_event",
            Self::SourcingRequest => "sourcing_request",
        }
    }

    /// The member that names who asks.
    pub(super) fn user(self) -> &'static str {
        match self {
            Self::SourcingEvent => "created_by",
            Self::SourcingRequest => "requester",
        }
    }

    /// The last segment of the path that creates such jobs.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Self::SourcingEvent => "attach-files-to-sourcing-event",
            Self::SourcingRequest => "attach-files-to-sourcing-request",
        }
    }

    /// The `type` of such jobs.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::SourcingEvent => "ATTACH_FILES_TO_SOURCING_EVENT",
            Self::SourcingRequest => "ATTACH_FILES_TO_SOURCING_REQUEST",
        }
    }
}

/// What files are attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::emulator) struct Object {
    pub(super) kind: Kind,
    pub(super) id: Uuid,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.object(), self.id)
    }
}

/// A job as the service knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    /// Its place among all jobs, from 1.
    pub(super) number: u64,
    pub(super) id: Uuid,
    pub(super) object: Object,
    /// Who asked for it.
    pub(super) user: String,
    pub(super) created: Timestamp,
    pub(super) terms: Terms,
    /// Why it fails at its start, where it does.
    pub(super) refusal: Option<String>,
    pub(super) files: Vec<Item>,
}

/// One of a job's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) name: String,
    /// The storage key of its upload URL.
    pub(super) key: String,
    pub(super) content: Option<Content>,
}

impl Item {
    /// A file whose bytes are to come.
    pub(super) fn awaited(name: String) -> Self {
        Self {
            name,
            key: new_key(),
            content: None,
        }
    }
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has not started.
    Pending,
    /// It waits for its files, or deals with them.
    Running,
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
}

impl Phase {
    /// Whether nothing changes any more.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// When and how a job ends, unless more files come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: Timestamp,
    pub(super) phase: Phase,
}

impl Job {
    /// When it gets its upload URLs.
    pub(super) fn start(&self) -> Timestamp {
        after(self.created, self.terms.start_delay)
    }

    /// What it is at.
    pub(super) fn phase(&self, now: Timestamp) -> Phase {
        match self.end() {
            _ if now < self.start() => Phase::Pending,
            Some(end) if now >= end.at => end.phase,
            _ => Phase::Running,
        }
    }

    /// Whether bytes that come now are taken for one of its files.
    pub(super) fn is_running(&self, now: Timestamp) -> bool {
        self.phase(now) == Phase::Running
    }

    /// Notes in the log which of its files a storage key is for.
    pub(super) fn note(&self, key: &str, entry: &mut Entry) {
        let file = self.files.iter().find(|file| file.key == key);
        entry.object = Some(self.object.to_string());
        entry.file = file.map(|file| file.name.clone());
    }

    /// When and how it ends, as things stand.
    pub(super) fn end(&self) -> Option<End> {
        if self.refusal.is_some() {
            return Some(End {
                at: self.start(),
                phase: Phase::Failed,
            });
        }
        if self.terms.ending == Ending::Never {
            return None;
        }
        let stored = self.files.iter().map(|file| Some(file.content?.stored_at));
        let all_stored = stored.collect::<Option<Vec<_>>>();
        Some(match all_stored.and_then(|all| all.into_iter().max()) {
            Some(last) => End {
                at: after(last, self.terms.end_delay),
                phase: Phase::Succeeded,
            },
            None => End {
                at: after(self.start(), self.terms.give_up_after),
                phase: match self.terms.missing {
                    Missing::Fails(_) => Phase::Failed,
                    Missing::Completes => Phase::Succeeded,
                },
            },
        })
    }

    /// Whether a file is attached once the job is at this phase.
    pub(super) fn attaches(&self, file: &Item, phase: Phase) -> bool {
        let keeps = match phase {
            Phase::Pending | Phase::Running => false,
            Phase::Succeeded => true,
            Phase::Failed => self.terms.missing == Missing::Fails(Partial::Kept),
        };
        keeps && file.content.is_some()
    }

    /// Why it did not go as it should, once it is at this phase.
    pub(super) fn errors(&self, phase: Phase) -> Vec<String> {
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

/// A point in time so long after another one.
pub(super) fn after(at: Timestamp, span: Duration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Phase::{Failed, Pending, Running, Succeeded};

    fn at(second: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(second)
    }

    /// A job that starts at 10 s, ends 5 s after its last file, or is given up at 110 s. Its files
    /// came at these seconds.
    fn job(stored_at: &[Option<u64>]) -> Job {
        let object = Object {
            kind: Kind::SourcingEvent,
            id: Uuid::nil(),
        };
        let file = |second: &Option<u64>| Item {
            content: second.map(|second| Content {
                size: 7,
                stored_at: at(second),
            }),
            ..Item::awaited("a.pdf".to_owned())
        };
        Job {
            number: 1,
            id: Uuid::nil(),
            object,
            user: String::new(),
            created: at(0),
            terms: Terms {
                start_delay: Duration::from_secs(10),
                end_delay: Duration::from_secs(5),
                give_up_after: Duration::from_secs(100),
                ..Terms::default()
            },
            refusal: None,
            files: stored_at.iter().map(file).collect(),
        }
    }

    fn with_terms(job: Job, change: impl FnOnce(&mut Terms)) -> Job {
        let mut terms = job.terms;
        change(&mut terms);
        Job { terms, ..job }
    }

    fn phases(job: &Job, seconds: &[u64]) -> Vec<Phase> {
        seconds
            .iter()
            .map(|second| job.phase(at(*second)))
            .collect()
    }

    fn attached(job: &Job, second: u64) -> usize {
        let phase = job.phase(at(second));
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
        let keeping = with_terms(job, |terms| terms.missing = Missing::Fails(Partial::Kept));
        assert_eq!((attached(&keeping, 109), attached(&keeping, 110)), (0, 1));
    }

    #[test]
    fn a_job_may_end_well_without_some_of_its_files_and_names_them() {
        let job = with_terms(job(&[Some(30), None]), |terms| {
            terms.missing = Missing::Completes;
        });
        assert_eq!(phases(&job, &[109, 110]), [Running, Succeeded]);
        assert_eq!(attached(&job, 110), 1);
        assert_eq!(job.errors(Succeeded).len(), 1);
    }

    #[test]
    fn a_job_may_run_for_ever() {
        let job = with_terms(job(&[Some(30)]), |terms| terms.ending = Ending::Never);
        assert_eq!(
            phases(&job, &[9, 10, 1_000_000]),
            [Pending, Running, Running]
        );
        assert_eq!(attached(&job, 1_000_000), 0);
    }

    #[test]
    fn a_job_for_what_is_not_there_fails_at_its_start() {
        let job = Job {
            refusal: Some("no such event".to_owned()),
            ..job(&[None])
        };
        assert_eq!(phases(&job, &[9, 10]), [Pending, Failed]);
        assert_eq!(job.errors(Failed), ["no such event"]);
    }
}
