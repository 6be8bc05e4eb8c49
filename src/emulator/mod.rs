//! Emulator of the two services and their storage, to try consign without an account or to rehearse
//! a migration: Workday Strategic Sourcing Attachments 1.0, and the part of Keelvar's Intake APIs
//! that attaches files by jobs.
//!
//! [`Emulator`], the first type to read, is an HTTP server on one address: attachments below
//! `/services/attachments/v1`, contracts, events, projects and supplier companies beside them, jobs
//! below `/api`, storage below `/storage`. State and a
//! [`request_log`] of every request are in a folder that survives a restart and a kill. The
//! emulator is not the service: where the vendors' documents are silent, the emulator makes an
//! assumption, which [`AttachmentSettings`], [`ObjectSettings`] or
//! [`JobSettings`] lists with its switch. No other
//! module of the product relies on an assumption.
//!
//! # The order of the modules
//!
//! Each module keeps a state of its own, known to its own handlers alone. From the ground up; a
//! `use` runs downwards only:
//!
//! ```text
//! operation request_log reply state_folder  shared: names, request log, replies, state folder
//! context                                   the only place that decides and logs a request
//! faults                                    failures on purpose, and the requests to hit
//! storage                                   signed URLs and bytes; an API owns each stored object
//! attachments, jobs                         side by side: settings, paths, documents, records
//! objects                                   what the attachments hang on, as lists and singly
//! server, request_route                     the address, and the module that answers a request
//! ```
//!
//! In one respect the emulator is stricter than the service, on purpose: the storage refuses a
//! request with an API's keys, because a client with such requests leaks the keys.

mod attachments;
mod body;
mod context;
mod emulator_settings;
mod error;
mod faults;
mod jobs;
mod listener;
mod objects;
mod operation;
mod reply;
pub mod request_log;
mod request_route;
mod server;
mod state_folder;
mod state_lock;
mod storage;
mod url_path;

#[cfg(test)]
mod tests;

pub use self::attachments::{
    AcceptedAttachmentKeys, AttachmentSettings, CatalogueObject, DottedIdRouting, ExistingObjects,
    ExternalIdClashStatus, ExternalIdUniqueness, PurgeClock, SizeWithoutBytes, StoredAttachment,
    TitleOnRename, count_by_external_id, stored_attachments,
};
pub use self::emulator_settings::EmulatorSettings;
pub use self::error::EmulatorError;
pub use self::faults::{
    Fault, FaultEffect, FaultTarget, FaultTrigger, FiredFault, InvalidFault, scenario,
};
pub use self::jobs::{
    AcceptedJobKeys, BudgetSettings, FileStatusDisplay, JobEnding, JobFileNaming, JobPostStatus,
    JobSettings, JobStatusWords, JobTerms, MissingFilesOutcome, NamesakePolicy,
    PartialFilesOutcome, PostAnswerBody, PostBudgetSharing, RefusedRequestCounting, StoredJob,
    StoredJobFile, StoredJobPhase, TrailingSlashRule, UnknownObjectAnswer, UrlClock,
    WrongSlashAnswer, stored_job_files, stored_jobs,
};
pub use self::objects::{LinkageDisplay, NextLink, ObjectSettings, PendingLinkage, object_file};
pub use self::operation::EmulatorOperation;
pub use self::server::Emulator;
pub use self::state_folder::StateError;
