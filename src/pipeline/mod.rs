//! From tasks to results: a bounded number of rows at work at once ([`run`]), each row of an attachment
//! ([`attachment`]) and the rows of each job ([`job`]) through a machine of their own.
//!
//! Both machines rest on what they truly share: rows on their way and their lines ([`row`]), the right to
//! send requests ([`context`]), the requests themselves and whether one may be repeated ([`requests`]),
//! the sending of a file ([`upload`]), the slots ([`slots`]), and the poller that asks how records stand
//! ([`poller`]). How a row ends, and in which words, stands in [`verdict`].
//!
//! Owns the order of requests, and what is durable before each of them. Prints nothing, and opens
//! no file but those that are sent.

mod alike;
mod attachment;
mod context;
mod inspect;
mod job;
mod poller;
mod preflight;
mod requests;
mod row;
mod run;
mod slots;
mod survey;
mod task;
mod turns;
mod upload;
mod verdict;

use std::time::Duration;

use crate::plan::Wishes;
use crate::throttle::EarlierAnswer;

pub(crate) use alike::ALIKE_ROWS;
pub use alike::FailedRow;
pub use inspect::{Bytes, Job, Question, Seen, Wanted, inspect, inspect_jobs};
pub use preflight::{Cleared, Obstacle, preflight};
pub use run::{run_attachments, run_jobs};
pub use survey::{NewName, Outlook, RowSurvey, Survey, survey_attachments, survey_jobs};
pub use task::{AttachmentTask, JobTask, TaskRow};

use run::{Ended, Run};

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// API requests a second.
    pub rate: u32,
    /// Rows at work at once.
    pub concurrency: usize,
    /// So many rows may fail; at one more the run stops.
    pub max_errors: Option<usize>,
    /// So long may the service be away.
    pub max_outage: Duration,
    /// Whether it has shown that it is there.
    pub first_answer: EarlierAnswer,
    /// How the destination is called in the results.
    pub destination: String,
    /// What is wanted of attachments that are there already.
    pub wishes: Wishes,
    /// What random waits depend on.
    pub seed: u64,
}

/// Why a run stops before its rows are through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The keys are rejected.
    Denied(String),
    /// The service was away for too long.
    Outage(String),
    /// The folder of the files was away for too long.
    FilesAway(String),
    /// No request of the run has got an answer, for as long as one waits for a first one.
    NeverAnswered {
        /// How the destination is called in the results: its host and path.
        destination: String,
        /// The last failure.
        why: String,
    },
    /// Nothing can ever work, such as with a certificate that is not trusted.
    Hopeless(String),
    /// The results cannot be written, or are no longer where the next run will read them.
    Journal,
    /// The old content of an attachment cannot be kept. Says where, and why not.
    Backup(String),
    /// The service takes an `external_id`, and does not find it again. Says which, where, and what was
    /// done about it.
    NotRouted(String),
    /// Too many rows failed.
    TooManyErrors(usize),
    /// The first rows all failed for one reason, and none was done. This is the first of them.
    FailedAlike(FailedRow),
    /// The user asked for it.
    Interrupted,
    /// The row was given up because the run was stopping already.
    Abandoned,
}

#[cfg(test)]
mod tests;
