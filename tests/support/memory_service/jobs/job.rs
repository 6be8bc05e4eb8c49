//! Life of a job: the state follows from the files at hand, the times of arrival, and the rules.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Attaches, JobRules, Missing, Tells};
use consign::destination::{End, Fate, NewFile, NewJob};
use consign::model::{Content, ObjectRef};

/// Job and files of the job.
pub(super) struct Job {
    pub(super) object: ObjectRef,
    pub(super) files: Vec<File>,
    pub(super) starts: Instant,
    pub(super) fate: Doom,
}

/// Fate of a job, settled at creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doom {
    /// The job ends by the rules.
    None,
    /// The job fails at the start: the object does not exist.
    NoObject,
    /// The job never ends.
    Stuck,
}

/// File of a job.
pub(super) struct File {
    pub(super) new: NewFile,
    /// Content, and the time of the newest arrival. `None` before the first.
    pub(super) bytes: Option<(Content, Instant)>,
}

/// State of a job at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Waiting,
    Running,
    Succeeded,
    Failed,
}

impl Job {
    pub(super) fn new(new: NewJob, starts: Instant, fate: Doom) -> Self {
        let files = new.files.into_iter();
        Self {
            object: new.object,
            files: files.map(|new| File { new, bytes: None }).collect(),
            starts,
            fate,
        }
    }

    pub(super) fn phase(&self, rules: &JobRules, now: Instant) -> Phase {
        match self.end(rules) {
            _ if now < self.starts => Phase::Waiting,
            Some((at, phase)) if at <= now => phase,
            _ => Phase::Running,
        }
    }

    /// Returns `true` if the job ended at least the given time ago.
    pub(super) fn ended_before(&self, age: Duration, rules: &JobRules, now: Instant) -> bool {
        self.end(rules).is_some_and(|(at, _)| at + age <= now)
    }

    /// Returns the time and the kind of the end, if no further file arrives. `None` for a job
    /// without an end.
    fn end(&self, rules: &JobRules) -> Option<(Instant, Phase)> {
        match self.fate {
            Doom::NoObject => return Some((self.starts, Phase::Failed)),
            Doom::Stuck => return None,
            Doom::None => {}
        }
        let came = self.files.iter().map(|file| Some(file.bytes?.1));
        let all: Option<Vec<Instant>> = came.collect();
        if let Some(last) = all.and_then(|all| all.into_iter().max()) {
            return Some((last + rules.end_delay, Phase::Succeeded));
        }
        let phase = match rules.missing {
            Missing::Fails => Phase::Failed,
            Missing::Completes => Phase::Succeeded,
        };
        Some((self.starts + rules.give_up_after, phase))
    }

    /// Returns the files of the job on the object.
    pub(super) fn attached(
        &self,
        rules: &JobRules,
        now: Instant,
    ) -> impl Iterator<Item = (&File, Content)> {
        let all =
            rules.attaches == Attaches::AsTheyCome || self.phase(rules, now) == Phase::Succeeded;
        self.files.iter().filter_map(move |file| {
            let (content, _) = file.bytes.filter(|_| all)?;
            Some((file, content))
        })
    }

    /// Returns the outcome as the job reports it. `None` before the end.
    pub(super) fn told(&self, rules: &JobRules, now: Instant) -> Option<End> {
        let phase = self.phase(rules, now);
        let (word, others) = match phase {
            Phase::Waiting | Phase::Running => return None,
            Phase::Succeeded => ("COMPLETED", Fate::Attached),
            Phase::Failed if self.fate == Doom::NoObject => {
                ("FAILED: Invalid resource ID", Fate::Unknown)
            }
            Phase::Failed => ("FAILED", Fate::Unknown),
        };
        let files = match (phase, rules.tells) {
            (Phase::Failed, Tells::Nothing) => BTreeMap::new(),
            _ => self.fates(rules, now),
        };
        Some(End {
            word: word.to_owned(),
            files,
            others,
        })
    }

    /// Returns the outcomes of the files. A successful job names missing files only.
    fn fates(&self, rules: &JobRules, now: Instant) -> BTreeMap<String, Fate> {
        let attached: Vec<&str> = self
            .attached(rules, now)
            .map(|(file, _)| &*file.new.file_name)
            .collect();
        let failed = self.phase(rules, now) == Phase::Failed;
        let fates = self.files.iter().filter_map(|file| {
            let fate = if !attached.contains(&&*file.new.file_name) {
                Fate::NotAttached("not uploaded in time".into())
            } else if failed {
                Fate::Attached
            } else {
                return None;
            };
            Some((file.new.file_name.clone(), fate))
        });
        fates.collect()
    }
}
