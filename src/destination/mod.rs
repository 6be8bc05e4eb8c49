//! What the pipeline needs of a service: a handful of requests, each sent once, and answers whose
//! types say what is known after them.
//!
//! A service offers one of two interfaces, and so has one of two machines in the pipeline. An
//! [`AttachmentApi`] keeps a lasting record for each file, which is found by the row's `external_id`. A
//! [`JobApi`] makes passing jobs for several files of one object, which nothing finds but their own id.
//!
//! Nothing here repeats a request or waits: when to try again, and whether that is safe, is decided
//! in one place, the pipeline. What a service calls its things stays behind this trait.

pub mod archive;
mod attachments;
pub mod file_names;
mod jobs;
pub mod keelvar;
pub mod workday;

use std::fmt;
use std::future::ready;

use crate::http::{Failure, PutFailure, Receipt, UnsafeTarget};
use crate::model::{AttachmentId, Content, ExternalId};
use crate::source::Source;

use crate::throttle::quota::Budget;
pub use attachments::{
    Amended, AttachmentApi, CreatedAttachment, Key, LISTED_AT_ONCE, Names, NewAttachment, NewNames,
    Presence,
};
pub use jobs::{CreatedJob, End, Fate, JobApi, JobPresence, NewJob};

/// The kinds of requests, where a service allows so many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// Makes something, or alters it.
    Change,
}

/// Where the bytes of one file go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<T> {
    /// The file's name, as the record has it.
    pub file_name: String,
    /// Where its bytes go.
    pub target: Result<T, UnsafeTarget>,
}

/// A file that is to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The key by which the user knows it, and by which an attachment can be found again.
    pub external_id: ExternalId,
    /// The name under which people will download it.
    pub file_name: String,
    /// Its title; where there is none the service derives one from the file's name.
    pub title: Option<String>,
}

/// What the first answer of all says of the address that was asked, where it is no failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstAnswer {
    /// The service is there, and takes the keys.
    Proven,
    /// It may be the service, and may not: nothing documents what it would answer. Says what came.
    Unclear(String),
    /// It is not the service, or not the base of its paths. Says what came.
    Foreign(String),
}

/// A service that files are sent to: what every service offers, whatever it makes of the files.
pub trait Destination: Send + Sync {
    /// Where bytes go: a secret, and short-lived. It prints without what is secret in it.
    type Target: fmt::Debug + Clone + PartialEq + Send + Sync;

    /// How many requests of a kind it takes over longer times, where it limits them so.
    fn budget(&self, _kind: Kind) -> Option<&Budget> {
        None
    }

    /// Sends one request that changes nothing, to learn whether the service is there and takes the
    /// keys. `known` is something that it has, if anything of it is known.
    fn introduce(
        &self,
        _known: Option<&AttachmentId>,
    ) -> impl Future<Output = Result<FirstAnswer, Failure>> + Send {
        ready(Ok(FirstAnswer::Proven))
    }

    /// Sends the bytes of a file, which must be `content`, to the last one. `sent` is told of each
    /// piece.
    fn put(
        &self,
        target: &Self::Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> impl Future<Output = Result<Receipt, PutFailure>> + Send;
}

#[cfg(test)]
mod contract;
