//! What is to be done for a row whose service keeps jobs: decided from what earlier runs left, and
//! from how its job ended.
//!
//! A job cannot be looked up by anything but its id, so the results alone tell what was done. A row
//! goes into another job only where it is certain that no job has attached its file, or ever will:
//! what is attached can be seen by bidders, and nobody can take it back.

use super::{Begun, Progress, Start, Step, done, other_object, was_done};
use crate::destination::{End, Fate};
use crate::manifest::Row;
use crate::model::Content;
use crate::prepare::RowFile;
use crate::results::{Entry, Reason, Status};

/// What becomes of a row whose job failed without saying what it had attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedJobs {
    /// It stays failed until somebody has looked.
    #[default]
    Leave,
    /// The user has looked: it goes into another job.
    Retry,
}

/// What a job has of the bytes of one of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Nothing, for certain.
    No,
    /// Nobody knows.
    Perhaps,
    /// All of them.
    All,
}

impl Sent {
    /// What the job of an earlier run has, by how far that run came.
    pub fn told_by(progress: Progress) -> Self {
        match progress {
            Progress::NotSent => Self::No,
            Progress::Sent => Self::All,
            Progress::Unknown | Progress::Renewing | Progress::Failed => Self::Perhaps,
        }
    }
}

/// Decides what follows for a row from its earlier line.
pub(super) fn step(
    row: &Row,
    file: RowFile,
    previous: Option<Entry>,
    failed_jobs: FailedJobs,
) -> Step {
    let Some(previous) = previous else {
        return Step::Send(Start::Job(None));
    };
    if was_done(&previous) {
        return done(row, file, previous);
    }
    if is_for_people(&previous) && failed_jobs == FailedJobs::Leave {
        return Step::Keep;
    }
    Step::Send(Start::Job(begun(row, &previous)))
}

/// Whether only somebody who looks can tell what became of the row's file.
pub fn is_for_people(entry: &Entry) -> bool {
    entry.status == Status::Failed && entry.reason == Reason::JOB_FAILED
}

/// The job that an earlier run put the row into, where it is not certain to have come to nothing. A
/// POST without an answer leaves none: nobody has the addresses of its job.
fn begun(row: &Row, previous: &Entry) -> Option<Begun> {
    Some(Begun {
        id: previous.attachment_id.clone()?,
        content: previous.known.content(),
        elsewhere: other_object(row, previous),
        progress: progress(previous),
    })
}

fn progress(previous: &Entry) -> Progress {
    let reason = &previous.reason;
    if *reason == Reason::JOB_RUNNING {
        Progress::Sent
    } else if is_for_people(previous) {
        Progress::Failed
    } else if [Reason::SENDING, Reason::NO_ANSWER].contains(reason) {
        Progress::Unknown
    } else {
        Progress::NotSent
    }
}

/// What follows for a row from the end of its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its file is attached.
    Attached,
    /// A file is attached, but it is not the one, or not where the manifest says now.
    AttachedBeforeTheChange,
    /// Its file is not attached, and never will be by that job: it may go into another one.
    Again,
    /// The service took its bytes, and did not attach them.
    Rejected(String),
    /// Nobody can tell.
    Unknown,
}

/// Decides what follows for a row from the end of its job. `begun` is what an earlier run began.
pub fn outcome(
    end: &End,
    file_name: &str,
    sent: Sent,
    begun: Option<&Begun>,
    content: &Content,
) -> Outcome {
    match (sent, end.fate(file_name)) {
        // A job cannot have attached what it never got, whatever it says.
        (Sent::No, _) | (Sent::Perhaps, Fate::NotAttached(_)) => Outcome::Again,
        (Sent::All, Fate::NotAttached(why)) => Outcome::Rejected(why.clone()),
        (_, Fate::Attached) if begun.is_none_or(|begun| begun.is_for(content)) => Outcome::Attached,
        (_, Fate::Attached) => Outcome::AttachedBeforeTheChange,
        (_, Fate::Unknown) if begun.is_some_and(Begun::may_be_tried_again) => Outcome::Again,
        (_, Fate::Unknown) => Outcome::Unknown,
    }
}

impl Begun {
    /// Whether it was begun for this content, and for the object that the manifest names now.
    pub fn is_for(&self, content: &Content) -> bool {
        let same = |then: Content| then.sha256 == content.sha256;
        self.content.is_none_or(same) && self.elsewhere.is_none()
    }

    /// Whether the user wants another job, whatever this one may have attached.
    pub fn may_be_tried_again(&self) -> bool {
        self.progress == Progress::Failed
    }
}
