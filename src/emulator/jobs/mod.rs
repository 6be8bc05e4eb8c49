//! The jobs API: attaching several files at once to a sourcing event or request.
//!
//! A POST creates a job, which after a moment has an upload URL for each of its files, and ends when
//! they are all there. What time does to a job is decided in `job`; the bytes are the business of the
//! storage, which this API shares with that of attachments.

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
