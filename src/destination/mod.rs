//! What the pipeline needs of a service: a handful of requests, each sent once, and answers whose
//! types say what is known after them.
//!
//! Nothing here repeats a request or waits: when to try again, and whether that is safe, is decided
//! in one place, the pipeline. What a service calls its things stays behind this trait.

pub mod archive;
pub mod file_names;
pub mod keelvar;
pub mod workday;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::ready;
use std::time::Duration;

use self::archive::Shown;
use self::file_names::paired;
use crate::http::{Failure, PutFailure, Receipt, UnsafeTarget};
use crate::model::{AttachmentId, Content, ExternalId, ObjectRef};
use crate::source::Source;
use crate::throttle::quota::Budget;

/// What a service makes of a request to attach files. The protocol is one for both; this is where
/// its ways part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeps {
    /// A lasting record for each file. It is found by the row's `external_id`, names the place for
    /// its bytes in the answer that makes it and in no other, and is removed if they never come.
    Attachments,
    /// A passing job for several files of one object. Nothing finds it but its own id; it names the
    /// places for the bytes once it has started, and ends by itself: in success if all came.
    Jobs {
        /// So long may a job take to end once its files were sent, before its rows are left to a
        /// later run.
        timeout: Duration,
    },
}

/// The kinds of requests, where a service allows so many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// Makes something, or alters it.
    Change,
}

/// What the service has under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence<T> {
    /// Nothing.
    Absent,
    /// An attachment whose bytes never came, or whose size does not show yet.
    Pending {
        /// The attachment.
        id: AttachmentId,
    },
    /// An attachment with its bytes.
    Stored {
        /// The attachment.
        id: AttachmentId,
        /// The size that the service shows, in bytes.
        size: u64,
        /// What it is called.
        names: Names,
    },
    /// A job that goes on: it waits to be started, or for bytes, or is at work on them.
    Running {
        /// The job's last word on how it stands, for people.
        word: String,
        /// Where its files go, as far as it says so.
        places: Vec<Place<T>>,
    },
    /// A job that has ended.
    Ended(End),
    /// The answer speaks of another `external_id` than was asked for.
    Mismatch {
        /// The `external_id` in the answer.
        external_id: String,
    },
}

/// What an attachment is called, as an answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The key by which the user knows it.
    pub external_id: Shown,
    /// Its title.
    pub title: Shown,
}

/// How an attachment is addressed by a request that amends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// By the service's own id.
    Id(&'a AttachmentId),
    /// By the key that the user chose.
    ExternalId(&'a ExternalId),
}

/// What an attachment is to be called from now on. Whatever is not named stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewNames {
    /// Its title.
    pub title: Option<String>,
    /// The key by which the user knows it.
    pub external_id: Option<ExternalId>,
}

/// An attachment that was just amended, as the answer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// Which one it is.
    pub id: AttachmentId,
    /// What it is called now.
    pub names: Names,
}

/// Where the bytes of one file go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<T> {
    /// The file's name, as the record has it.
    pub file_name: String,
    /// Where its bytes go.
    pub target: Result<T, UnsafeTarget>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The job's last word, and what else it says, for people.
    pub word: String,
    /// What became of the files that the job speaks of by name.
    pub files: BTreeMap<String, Fate>,
    /// What became of the others.
    pub others: Fate,
}

/// What became of one file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is on its object.
    Attached,
    /// It is not. Says why, as the service does.
    NotAttached(String),
    /// The service does not say.
    Unknown,
}

impl End {
    /// An end of which nothing is known but a word.
    pub fn unknown(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            files: BTreeMap::new(),
            others: Fate::Unknown,
        }
    }

    /// What became of a file.
    pub fn fate(&self, file_name: &str) -> &Fate {
        self.fates(&[file_name]).pop().unwrap_or(&self.others)
    }

    /// What became of files that are known to be different ones, in their order.
    pub fn fates(&self, file_names: &[&str]) -> Vec<&Fate> {
        let told: Vec<&str> = self.files.keys().map(String::as_str).collect();
        let fate = |place: usize| self.files.get(told[place]).unwrap_or(&self.others);
        let pairs = paired(file_names, &told).into_iter();
        pairs.map(|pair| pair.map_or(&self.others, fate)).collect()
    }
}

/// The record to be made: an attachment, or a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// What its files are attached to.
    pub object: ObjectRef,
    /// Its files, at least one. An attachment has just one; those of a job have different names.
    pub files: Vec<NewFile>,
}

/// A file of a record that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The key by which the user knows it, and by which an attachment can be found again.
    pub external_id: ExternalId,
    /// The name under which people will download it.
    pub file_name: String,
    /// Its title; where there is none the service derives one from the file's name.
    pub title: Option<String>,
}

/// A record that was just made, and where its bytes go.
#[derive(Debug)]
pub struct Created<T> {
    /// The new record.
    pub id: AttachmentId,
    /// Where its bytes go; empty where the service will say so later.
    pub places: Vec<Place<T>>,
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

/// A service that files are sent to.
pub trait Destination: Send + Sync {
    /// Where bytes go: a secret, and short-lived. It prints without what is secret in it.
    type Target: fmt::Debug + Clone + PartialEq + Send + Sync;

    /// What it makes of a request to attach files.
    fn keeps(&self) -> Keeps;

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

    /// Looks an attachment up by the key that the user chose. A service that keeps jobs has nothing
    /// under any key.
    fn find(
        &self,
        _external_id: &ExternalId,
    ) -> impl Future<Output = Result<Presence<Self::Target>, Failure>> + Send {
        ready(Ok(Presence::Absent))
    }

    /// Looks a record up by the service's own id.
    fn get(
        &self,
        id: &AttachmentId,
    ) -> impl Future<Output = Result<Presence<Self::Target>, Failure>> + Send;

    /// Looks up to [`LISTED_AT_ONCE`] attachments up with one request. Those that the service does
    /// not name are left out, as all of them are by a service that keeps jobs.
    fn list(
        &self,
        _ids: &[AttachmentId],
    ) -> impl Future<Output = Result<HashMap<AttachmentId, Presence<Self::Target>>, Failure>> + Send
    {
        ready(Ok(HashMap::new()))
    }

    /// Makes a record without bytes.
    fn create(
        &self,
        new: &NewRecord,
    ) -> impl Future<Output = Result<Created<Self::Target>, Failure>> + Send;

    /// Asks for a new place for the bytes of an attachment. **Detaches what is stored already**, so
    /// it is for attachments whose newest answer was [`Presence::Pending`], and for those whose bytes
    /// the user wants to be replaced. A title that is given is kept or set with it. A job has no other
    /// place to give: it says where its bytes go whenever it is looked up.
    fn renew(
        &self,
        _id: &AttachmentId,
        _file_name: &str,
        _title: Option<&str>,
    ) -> impl Future<Output = Result<Place<Self::Target>, Failure>> + Send {
        ready(Err(Failure::Refused("a job has no other addresses".into())))
    }

    /// Gives an attachment other names. Its bytes stay. A job has none.
    fn amend(
        &self,
        _key: Key<'_>,
        _names: &NewNames,
    ) -> impl Future<Output = Result<Amended, Failure>> + Send {
        ready(Err(Failure::Refused("a job has no names".into())))
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

/// How many attachments one request of [`Destination::list`] takes: "limited to 50" in the vendor's
/// documentation of `filter[id_equals]`.
pub const LISTED_AT_ONCE: usize = 50;

#[cfg(test)]
mod contract;
