//! Engine of imports, dry runs and verifications: tasks become requests, journal lines and row
//! ends.
//!
//! Open [`run`] first: the scheduler of tasks. Each task goes through a state machine:
//! [`attachment`] for a single row, [`job`] for all rows of a job. Both machines share rows and
//! their lines ([`row`]), the right to send ([`context`]), requests and their repetition
//! ([`requests`]), the sending of a file ([`upload`]), slots ([`slots`]), the poller ([`poller`]),
//! and the ends of rows in words ([`verdict`]).
//!
//! The module owns the order of requests, and the line durable before each request. `plan` decides
//! the meaning of answers. Nothing is printed here, and only the files to send are opened.

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

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// API requests per second.
    pub rate: u32,
    /// Number of rows at work at once.
    pub concurrency: usize,
    /// Number of rows that may fail; one more failed row stops the run. `None` means no such limit.
    pub max_errors: Option<usize>,
    /// Longest outage of the service, or of the folder of the files, before the run stops.
    pub max_outage: Duration,
    /// Answer of the service before the run: tells a service proven to be there from an unknown
    /// service.
    pub first_answer: EarlierAnswer,
    /// Name of the destination in the results: host and path.
    pub destination: String,
    /// Policy for attachments that exist already.
    pub wishes: Wishes,
    /// Seed of all random waits.
    pub seed: u64,
}

/// Reason for which a run stops before all rows have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The service rejects the keys.
    Denied(String),
    /// The outage of the service was longer than allowed.
    Outage(String),
    /// The outage of the folder of the files was longer than allowed.
    FilesAway(String),
    /// No request of the run got an answer in the time allowed for a first answer.
    NeverAnswered {
        /// Name of the destination in the results: host and path.
        destination: String,
        /// Last failure.
        why: String,
    },
    /// No request can ever work, such as with an untrusted certificate.
    Hopeless(String),
    /// The results cannot be written, or are no longer where the next run will read them.
    Journal,
    /// The old content of an attachment cannot be kept. The text names the place and the cause.
    Backup(String),
    /// The service takes an `external_id` but does not find the attachment again. The text names
    /// the `external_id` and its place in the manifest, and says how the run left the attachment.
    NotRouted(String),
    /// More rows failed than the user allows. Holds their number.
    TooManyErrors(usize),
    /// The first rows all failed for the same reason, and none was done. Holds the first of these
    /// rows.
    FailedAlike(FailedRow),
    /// The user asked for the stop.
    Interrupted,
    /// The row was given up because the run was stopping already.
    Abandoned,
}

#[cfg(test)]
mod tests;
