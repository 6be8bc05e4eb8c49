//! Jobs API of the emulator: attaches several files at once to a sourcing event or request.
//!
//! A POST creates a job. After its start, the job has an upload URL for each file, and ends once
//! all files are there. [`JobServer`] decides each request and is the place to start reading;
//! [`JobSettings`] lists the facts documented by the vendor, and the emulator's assumptions. The
//! storage keeps the bytes, for this API and for attachments.

mod budget;
mod job_document;
mod job_record;
mod job_server;
mod job_settings;
mod job_store;
mod job_view;
mod jobs_route;
mod object_owner;

pub(super) use self::job_server::JobServer;
pub(super) use self::jobs_route::{JOBS_BASE, JobsRoute};

pub use self::job_record::StoredJobPhase;
pub use self::job_settings::{
    AcceptedJobKeys, BudgetSettings, FileStatusDisplay, JobEnding, JobFileNaming, JobPostStatus,
    JobSettings, JobStatusWords, JobTerms, MissingFilesOutcome, NamesakePolicy,
    PartialFilesOutcome, PostAnswerBody, PostBudgetSharing, RefusedRequestCounting,
    TrailingSlashRule, UnknownObjectAnswer, UrlClock, WrongSlashAnswer,
};
pub use self::job_store::{StoredJob, StoredJobFile, stored_job_files, stored_jobs};
