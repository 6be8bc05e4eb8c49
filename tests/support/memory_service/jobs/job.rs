//! One job, and what time does to it: what it is at follows from what came, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::{Attaches, JobRules, Missing, Tells};
use consign::destination::{End, Fate, NewFile, NewJob};
use consign::model::{Content, ObjectRef};

/// A job.
pub(super) struct Job {
    pub(super) object: ObjectRef,
    pub(super) files: Vec<File>,
    pub(super) starts: Instant,
    pub(super) fate: Doom,
}

/// What is settled about a job when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doom {
    /// Nothing.
    None,
    /// It fails at its start.
    NoObject,
    /// It never ends.
    Stuck,
}

/// A file of a job.
pub(super) struct File {
    pub(super) new: NewFile,
    /// What came, and when it last did.
    pub(super) bytes: Option<(Content, Instant)>,
}

/// What a job is at.
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

    /// Whether it has ended so long ago.
    pub(super) fn ended_before(&self, age: Duration, rules: &JobRules, now: Instant) -> bool {
        self.end(rules).is_some_and(|(at, _)| at + age <= now)
    }

    /// When and how it ends, unless more comes.
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

    /// Those of its files that are on its object.
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

    /// How it ended, as it says itself.
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

    /// What became of its files. One that succeeded speaks of none but those that it misses.
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
