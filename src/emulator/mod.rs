//! Emulator of the two services and their storage, to try consign without an account or to rehearse
//! a migration: Workday Strategic Sourcing Attachments 1.0, and the part of Keelvar's Intake APIs
//! that attaches files by jobs.
//!
//! [`Emulator`], the first type to read, is an HTTP server on one address: attachments below
//! `/services/attachments/v1`, jobs below `/api`, storage below `/storage`. State and a [`log`] of
//! every request stand in a folder that survives a restart and a kill. The emulator is not the
//! service: where the vendors' documents are silent, the emulator makes an assumption, which
//! [`AttachmentSettings`] or [`JobSettings`] lists with its switch. No other module of the product
//! relies on an assumption.
//!
//! # The order of the modules
//!
//! Each module keeps a state of its own, known to its own handlers alone. From the ground up; a
//! `use` runs downwards only:
//!
//! ```text
//! operation log reply folder context  shared: names, request log, replies, state folder. `context`
//!                                     is the only place where a request is decided and logged
//! faults                              failures on purpose, and the requests to hit
//! storage                             signed URLs and bytes; an API owns each stored object
//! attachments, jobs                   side by side: settings, paths, documents, records of APIs
//! server, route                       the address, and the module that answers a request
//! ```
//!
//! In one respect the emulator is stricter than the service, on purpose: the storage refuses a
//! request with an API's keys, because a client with such requests leaks the keys.

mod attachments;
mod body;
mod context;
mod error;
mod faults;
mod folder;
mod home;
mod jobs;
mod listener;
pub mod log;
mod operation;
mod path;
mod reply;
mod route;
mod server;
mod settings;
mod storage;

#[cfg(test)]
mod tests;

pub use self::attachments::{
    AttachmentSettings, Clash, DottedIds, EmptySizes, ExternalIds, Keys, PurgeClock,
    StoredAttachment, Titles, stored, stored_by_external_id,
};
pub use self::error::EmulatorError;
pub use self::faults::{BadFault, Effect, Fault, Fired, Target, When, scenario};
pub use self::folder::StateError;
pub use self::jobs::{
    BudgetSettings, Ending, FileNames, FileStatus, JobFile, JobKeys, JobSettings, JobWords,
    Missing, Namesakes, Partial, Phase, PostBody, PostBudgets, PostStatus, Refused, Slashes,
    StoredJob, Terms, UnknownAs, UrlClock, WrongSlash, job_files, jobs,
};
pub use self::operation::Operation;
pub use self::server::Emulator;
pub use self::settings::Settings;
