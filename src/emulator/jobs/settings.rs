//! How the jobs API behaves: a switch for each thing that the vendor does not document.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// How the jobs API behaves. The default is the documented service, as far as it is documented.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// How many requests are answered in a time.
    pub budgets: BudgetSettings,
    /// Which keys are taken.
    pub keys: JobKeys,
    /// Whether the paths of the requests that read end in a slash.
    pub slashes: Slashes,
    /// Whether the paths of the requests that create a job do.
    pub post_slashes: Slashes,
    /// What a path with the wrong end is answered with.
    pub wrong_slash: WrongSlash,
    /// The status with which a job is created.
    pub post_status: PostStatus,
    /// What is told of a job that was created.
    pub post_body: PostBody,
    /// What happens to a job in which time.
    pub terms: Terms,
    /// How long an upload URL is good.
    pub url_life: Duration,
    /// From when on.
    pub url_clock: UrlClock,
    /// The words for what a job is at.
    pub words: JobWords,
    /// How a job calls its files.
    pub file_names: FileNames,
    /// What a job that has ended tells of each of its files.
    pub file_status: FileStatus,
    /// Events and requests that do not exist; all others do.
    pub unknown_objects: Vec<Uuid>,
    /// What a job for one of them gets.
    pub unknown_as: UnknownAs,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            budgets: BudgetSettings::default(),
            keys: JobKeys::Any,
            slashes: Slashes::Either,
            post_slashes: Slashes::Either,
            wrong_slash: WrongSlash::Redirected,
            post_status: PostStatus::Created201,
            post_body: PostBody::Job,
            terms: Terms::default(),
            url_life: Duration::from_mins(1),
            url_clock: UrlClock::JobStart,
            words: JobWords::default(),
            file_names: FileNames::AsGiven,
            file_status: FileStatus::Untold,
            unknown_objects: Vec::new(),
            unknown_as: UnknownAs::BadRequest400,
        }
    }
}

/// How many requests are answered in a time. The numbers are the documented ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Requests within an hour that create jobs.
    pub posts_an_hour: NonZeroU32,
    /// The same, within a day.
    pub posts_a_day: NonZeroU32,
    /// Requests within a minute that read jobs.
    pub reads_a_minute: NonZeroU32,
    /// The same, within an hour.
    pub reads_an_hour: NonZeroU32,
    /// Which requests that create jobs count together.
    pub posts: PostBudgets,
    /// Whether a request over the budget counts.
    pub refused: Refused,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        const fn number(number: u32) -> NonZeroU32 {
            NonZeroU32::new(number).unwrap()
        }
        Self {
            posts_an_hour: const { number(120) },
            posts_a_day: const { number(500) },
            reads_a_minute: const { number(30) },
            reads_an_hour: const { number(600) },
            posts: PostBudgets::Shared,
            refused: Refused::NotCounted,
        }
    }
}

/// Which requests that create jobs count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostBudgets {
    /// All of them.
    Shared,
    /// Those for events, and those for requests.
    EachItsOwn,
}

/// Whether a request that was refused for the budget counts nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It does not.
    NotCounted,
    /// It does, so that whoever keeps asking is kept out.
    Counted,
}

/// Which keys are taken. Without a key the answer is 401, with another one an empty 403.
#[derive(Debug, Clone)]
pub enum JobKeys {
    /// Any that is not empty.
    Any,
    /// This one.
    Only(SecretString),
}

/// What a request shows for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// One that is taken.
    Good,
    /// One that is not.
    Bad,
    /// None.
    Nothing,
}

impl JobKeys {
    /// Judges the key of a request.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Shown {
        let value = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let sent = value.and_then(|value| value.strip_prefix("Bearer "));
        match (self, sent.map(str::trim)) {
            (_, None | Some("")) => Shown::Nothing,
            (Self::Only(key), Some(sent)) if sent != key.expose_secret() => Shown::Bad,
            _ => Shown::Good,
        }
    }
}

/// Whether a path ends in a slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slashes {
    /// It may.
    Either,
    /// It must.
    Required,
    /// It must not.
    Forbidden,
}

/// What a path with the wrong end is answered with, before anything else is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSlash {
    /// 301, with the right path.
    Redirected,
    /// 404.
    NotFound,
}

/// The status with which a job is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostStatus {
    /// 200 OK.
    Ok200,
    /// 201 Created.
    Created201,
    /// 202 Accepted.
    Accepted202,
}

/// What is told of a job that was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostBody {
    /// All that GET tells.
    Job,
    /// Its id alone.
    IdOnly,
    /// The same, as `job_id`.
    JobIdOnly,
    /// The same, as a string that stands by itself.
    BareId,
}

/// How a job calls its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileNames {
    /// As they were called when it was asked for.
    AsGiven,
    /// The same with each accent as a character of its own (NFD).
    Decomposed,
    /// The same with one blank where there were several, and none around.
    Trimmed,
}

impl FileNames {
    /// A text with names in it, as a job shows it.
    pub(super) fn show(self, text: &str) -> String {
        match self {
            Self::AsGiven => text.to_owned(),
            Self::Decomposed => text.nfd().collect(),
            Self::Trimmed => text.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// What happens to a job in which time. A job keeps the terms under which it was created, so that
/// whoever opens the state folder later judges it as the emulator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// From its creation to its start, when it gets its upload URLs.
    pub start_delay: Duration,
    /// From the last of its files to its end.
    pub end_delay: Duration,
    /// How long after its start a job waits for files that do not come.
    pub give_up_after: Duration,
    /// Whether it ends at all.
    pub ending: Ending,
    /// What becomes of it where files did not come.
    pub missing: Missing,
    /// What its files do to files of the same name on the same object.
    pub namesakes: Namesakes,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            start_delay: Duration::from_secs(1),
            end_delay: Duration::from_secs(1),
            give_up_after: Duration::from_mins(5),
            ending: Ending::InTime,
            missing: Missing::Fails(Partial::Nothing),
            namesakes: Namesakes::KeptTwice,
        }
    }
}

/// Whether a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It does.
    InTime,
    /// It runs for ever, and attaches nothing.
    Never,
}

/// What becomes of a job that got some of its files, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// It fails.
    Fails(Partial),
    /// It ends well with the files that came, and names the others.
    Completes,
}

/// What a job that failed does with the files that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partial {
    /// None of them is attached.
    Nothing,
    /// They are attached.
    Kept,
}

/// What a file does to one of the same name on the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namesakes {
    /// Nothing: the object has both.
    KeptTwice,
    /// It takes its place.
    Replaced,
}

/// From when on an upload URL lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlClock {
    /// From the start of its job: asking again brings the same one.
    JobStart,
    /// From the answer that holds it: asking again brings one that lives as long again.
    EachGet,
}

/// The words for what a job is at. That for failure is documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWords {
    /// Before its start.
    pub pending: String,
    /// From its start to its end.
    pub running: String,
    /// After it ended well.
    pub success: String,
}

impl Default for JobWords {
    fn default() -> Self {
        Self {
            pending: "PENDING".to_owned(),
            running: "RUNNING".to_owned(),
            success: "COMPLETED".to_owned(),
        }
    }
}

/// What a job that has ended tells of each of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStatus {
    /// Its name.
    Untold,
    /// Its name, and a word for what became of it.
    Told {
        /// For one that is attached.
        attached: String,
        /// For one that is not.
        not_attached: String,
    },
}

/// What a job for an object that does not exist gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAs {
    /// 400, and it is not created.
    BadRequest400,
    /// It is created, and fails at its start.
    FailedJob,
}
