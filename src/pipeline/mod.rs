//! Engine of imports, dry runs and verifications: tasks become requests, journal lines and row
//! ends.
//!
//! Open `import_run` first: the scheduler of tasks. Each task goes through a state machine:
//! `attachment` for a single row, `job` for all rows of a job. Both machines share rows and their
//! lines (`row_in_flight`), the right to send (`request_context`), requests and their repetition
//! (`request_sender`), the sending of a file (`file_upload`), slots (`upload_slots`), the poller
//! (`poller`), and the ends of rows in words (`row_verdict`).
//!
//! Before that, `object_search` finds the records named by rows. `survey` predicts an import, and
//! `inspection` reads what an import left.
//!
//! The module owns the order of requests, and the line durable before each request. `plan` decides
//! the meaning of answers. Nothing is printed here, and only the files to send are opened.

mod attachment;
mod common_failure;
mod file_upload;
mod import_run;
mod import_task;
mod inspection;
mod job;
mod object_search;
mod poller;
mod preflight;
mod quota_gate;
mod request_context;
mod request_sender;
mod row_in_flight;
mod row_verdict;
mod survey;
mod upload_slots;

use std::sync::Arc;
use std::time::Duration;

use crate::model::LookUpMode;
use crate::plan::UpdatePolicy;
use crate::throttle::EarlierAnswer;
use crate::throttle::pacer::Pacer;

pub(crate) use common_failure::COMMON_FAILURE_LIMIT;
pub use common_failure::FailedRow;
pub use import_run::{run_attachments, run_jobs};
pub use import_task::{AttachmentTask, JobTask, TaskRow};
pub use inspection::{
    InspectedAttachment, InspectedBytes, InspectedJob, InspectionDepth, InspectionQuery,
    inspect_attachments, inspect_jobs,
};
pub use object_search::{ListedObjects, ObjectFinding, find_objects, find_objects_in_lists};
pub use preflight::{PreflightError, PreflightSuccess, preflight};
pub use survey::{
    BatchSurvey, PredictedNameChange, PredictedOutcome, RowSurvey, survey_attachments, survey_jobs,
};

use import_run::{FinalLines, ImportRun};

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Pacer of the API requests. One pacer serves all phases of a session, because the service
    /// counts the requests of all phases together.
    pub pacer: Arc<Pacer>,
    /// Number of rows at work at once.
    pub rows_at_once: usize,
    /// Number of rows that may fail; one more failed row stops the run. `None` means no such limit.
    pub max_errors: Option<usize>,
    /// Longest outage of the service, or of the folder of the files, before the run stops.
    pub max_outage: Duration,
    /// Answer of the service before the run: distinguishes a service proven to be there from an
    /// unknown service.
    pub earlier_answer: EarlierAnswer,
    /// Name of the destination in the results: host and path.
    pub destination: String,
    /// Policy for attachments that exist already.
    pub update_policy: UpdatePolicy,
    /// Look-ups before records are made.
    pub look_ups: LookUpMode,
    /// Seed of all random waits.
    pub seed: u64,
}

/// Reason for which a run stops before all rows have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HaltReason {
    /// The service rejects the keys.
    KeysRejected(String),
    /// The outage of the service was longer than allowed.
    Outage(String),
    /// The outage of the folder of the files was longer than allowed.
    FilesUnavailable(String),
    /// No request of the run got an answer in the time allowed for a first answer.
    NeverAnswered {
        /// Name of the destination in the results: host and path.
        destination: String,
        /// Last failure.
        last_failure: String,
    },
    /// No request can ever work, such as with an untrusted certificate.
    NeverPossible(String),
    /// The results cannot be written, or are no longer where the next run will read them.
    JournalUnusable,
    /// The old content of an attachment cannot be kept. The text names the place and the cause.
    BackupFailed(String),
    /// The service takes an `external_id` but does not find the attachment again. The text names
    /// the `external_id` and its place in the manifest, and says how the run left the attachment.
    ExternalIdNotRouted(String),
    /// More rows failed than the user allows. Holds their number.
    TooManyErrors(usize),
    /// The first rows all failed for the same reason, and none was done. Holds the first of these
    /// rows.
    CommonFailure(FailedRow),
    /// The user asked for the stop.
    Interrupted,
    /// The row was given up because the run was stopping already.
    RowAbandoned,
}

#[cfg(test)]
mod tests;
