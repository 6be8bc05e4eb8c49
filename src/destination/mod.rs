//! Interface between the pipeline and the services: requests, each sent once, and their answers.
//!
//! A service implements [`AttachmentApi`] (a lasting record for each file, found by the row's
//! `external_id`) or [`JobApi`] (a short-lived job for several files of one object, found by the
//! job's id alone). A service whose records can be read implements [`ObjectApi`], too. Nothing here
//! repeats a request or waits: the pipeline decides when to try again, and whether a second try is
//! safe. Terms of a service's own protocol stay in its client.
//!
//! Open `attachment_api` or `job_api` first. A new service gets a client beside `workday`,
//! implements one of the two traits, and runs the tests in `contract`. `model::ProcurementService`
//! and `config` name the service, and `commands::session` makes the client.

mod attachment_api;
pub mod attachment_metadata;
pub mod file_names;
mod job_api;
pub mod keelvar;
mod object_api;
pub mod workday;

use std::fmt;
use std::future::ready;

use crate::http::{ApiFailure, PutFailure, PutReceipt, UnsafeTargetError};
use crate::model::{AttachmentId, CheckedContent, ExternalId};
use crate::upload_source::UploadSource;

use crate::throttle::quota::QuotaBudget;
pub use attachment_api::{
    AttachmentApi, AttachmentNames, AttachmentPresence, AttachmentSelector, CreatedAttachment,
    MAX_IDS_PER_LIST, MadeNames, NameUpdate, NewAttachment, UpdatedAttachment,
};
pub use job_api::{CreatedJob, FileOutcome, JobApi, JobOutcome, JobPresence, NewJob};
pub use object_api::{
    AttachmentLinkage, LENGTHS_OF_CUT_LISTS, MAX_OBJECTS_PER_PAGE, NextObjectPage, ObjectApi,
    ObjectDetails, ObjectPage, ObjectPageAnswer,
};

/// Budget against which a request counts, where a service limits requests over longer times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetKind {
    /// Requests which change nothing.
    Read,
    /// Requests which create or alter something.
    Change,
}

/// Address to which the bytes of a file are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadTarget<T> {
    /// Name of the file in the service's record.
    pub file_name: String,
    /// Address for the bytes, or the reason why the address in the answer is not used.
    pub target: Result<T, UnsafeTargetError>,
}

/// File to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Key which the user chose. A service of attachments finds the attachment by this key.
    pub external_id: ExternalId,
    /// Name under which people will download the file.
    pub file_name: String,
    /// Title of the attachment. Without a title the service derives one from the file name.
    pub title: Option<String>,
}

/// Result of the first request of a run, unless the request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// The service is at the address and accepts the keys.
    Proven,
    /// The answer may come from the service or from another server, because no document says how
    /// the service answers this request. Holds a description of the answer.
    Unclear(String),
    /// Another server answered, or the address is not the base of the service's paths. Holds a
    /// description of the answer.
    NotTheService(String),
}

/// Service to which files are sent. Holds the requests common to attachments and jobs.
pub trait Destination: Send + Sync {
    /// Address for the bytes of a file. The address is a short-lived secret; its `Debug` output
    /// hides the secret parts.
    type Target: fmt::Debug + Clone + PartialEq + Send + Sync;

    /// Returns the budget for requests of a kind, or `None` where the service has no such limit.
    fn budget(&self, _kind: BudgetKind) -> Option<&QuotaBudget> {
        None
    }

    /// Sends a request which changes nothing, to learn whether the service is there and accepts
    /// the keys. `known` is the id of an attachment or job which the service has, if one is known.
    fn probe(
        &self,
        _known: Option<&AttachmentId>,
    ) -> impl Future<Output = Result<ProbeOutcome, ApiFailure>> + Send {
        ready(Ok(ProbeOutcome::Proven))
    }

    /// Sends the whole file, which must still be `content`. Calls `sent` with the size of each
    /// piece in bytes.
    fn put_file(
        &self,
        target: &Self::Target,
        source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<PutReceipt, PutFailure>> + Send;
}

#[cfg(test)]
mod contract;
