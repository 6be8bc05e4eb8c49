//! Jobs API of the emulator: attaches several files at once to a sourcing event or request.
//!
//! A POST creates a job. After its start, the job has an upload URL for each file, and ends once
//! all files are there. [`JobServer`] decides each request and is the place to start reading;
//! [`JobSettings`] lists the facts documented by the vendor, and the emulator's assumptions. The
//! storage keeps the bytes, for this API and for attachments.

mod api;
mod budget;
mod document;
mod job;
mod route;
mod settings;
mod store;
mod uploads;
mod view;

pub(super) use self::api::JobServer;
pub(super) use self::route::{JOBS_BASE, JobsRoute};

pub use self::job::Phase;
pub use self::settings::{
    BudgetSettings, Ending, FileNames, FileStatus, JobKeys, JobSettings, JobWords, Missing,
    Namesakes, Partial, PostBody, PostBudgets, PostStatus, Refused, Slashes, Terms, UnknownAs,
    UrlClock, WrongSlash,
};
pub use self::store::{JobFile, StoredJob, job_files, jobs};
