//! Settings of the jobs API: one switch for each assumption about the service.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// Settings of the jobs API. The default is the documented service, as far as the vendor documents
/// it.
///
/// # Documented by the vendor, and done so here
///
/// - The two POSTs with their members, and the check of the body before a job is created.
/// - `Authorization: Bearer`; 401 without a key, an empty 403 with a wrong key.
/// - 120 POSTs an hour and 500 a day, 30 reads a minute and 600 an hour. `RateLimit-Limit`,
///   `RateLimit-Remaining` and `RateLimit-Reset` with successful answers, 429 with `Retry-After`
///   over the budget.
/// - The job's members, its `type`, the words `RUNNING` and `FAILED`; upload URLs in `detail.files`
///   after the start, which live 60 seconds and are then refused as `Request has expired`.
/// - A job whose files do not come fails after a while.
/// - 400 with `errors` and `field_errors`, these in dot notation.
///
/// # Assumed, and the switch for the alternative
///
/// | assumption | switch |
/// |---|---|
/// | one job is read at `/jobs/{id}`, several at `/jobs/` as `{"results":[…]}`, the newest 100 first | none |
/// | a slash may end the path of a read, or be left out | [`JobSettings::slashes`] |
/// | a slash may end the path of a POST, or be left out | [`JobSettings::post_slashes`] |
/// | where a slash is required or forbidden, the wrong form is redirected before keys and budgets are looked at | [`JobSettings::wrong_slash`] |
/// | any key is accepted | [`JobSettings::keys`] |
/// | both POSTs count together, and both reads | [`BudgetSettings::posts`] |
/// | requests over the budget do not count; others do, whatever their answer | [`BudgetSettings::refused`] |
/// | budgets are sliding windows over arrivals; the headers show the window with the least left, and in `RateLimit-Reset` the time until one more request is left | [`BudgetSettings`] for the numbers |
/// | every member is required; e-mail addresses need not be users' | none |
/// | no files, a name twice, a path in a name, or over 255 bytes: 400 | none |
/// | a POST is answered with 201 | [`JobSettings::post_status`] |
/// | a POST is answered with the whole job | [`JobSettings::post_body`] |
/// | a job shows file names as the POST gave them | [`JobSettings::file_names`] |
/// | a job starts after a second; before, its `detail` is null | [`Terms::start_delay`] |
/// | a job is `PENDING` before its start, and `COMPLETED` after a successful end | [`JobSettings::words`] |
/// | a job ends a second after the last of its files came | [`Terms::end_delay`] |
/// | every job ends | [`Terms::ending`] |
/// | a job fails if files are missing five minutes after its start | [`Terms::give_up_after`], [`Terms::missing`] |
/// | a failed job attaches no files | [`Partial`] |
/// | an ended job shows its files without URLs, and without the outcome of each | [`JobSettings::file_status`] |
/// | errors stand in `detail.errors` | none |
/// | upload URLs live from the start of the job, so that another GET brings no fresh URLs | [`JobSettings::url_clock`], [`JobSettings::url_life`] |
/// | every event and request exists | [`JobSettings::unknown_objects`] |
/// | an unknown event or request is answered with 400, before a job is created | [`JobSettings::unknown_as`] |
/// | a file with the name of an earlier file stands beside the earlier file | [`Terms::namesakes`] |
/// | a second upload of a file before the job ends takes the place of the first; an upload after the end is accepted and changes nothing | none |
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Budgets: limits on the requests within a span of time.
    pub budgets: BudgetSettings,
    /// Keys accepted by the API.
    pub keys: JobKeys,
    /// Rule for a slash at the end of a GET's path.
    pub slashes: Slashes,
    /// Rule for a slash at the end of a POST's path.
    pub post_slashes: Slashes,
    /// Answer to a path against the rule for trailing slashes.
    pub wrong_slash: WrongSlash,
    /// Status of the answer to a successful POST.
    pub post_status: PostStatus,
    /// Body of the answer to a successful POST.
    pub post_body: PostBody,
    /// Terms of a job: times and outcome.
    pub terms: Terms,
    /// Lifetime of an upload URL.
    pub url_life: Duration,
    /// Start of the lifetime of an upload URL.
    pub url_clock: UrlClock,
    /// Status words for the phases of a job.
    pub words: JobWords,
    /// Form of the file names in a job.
    pub file_names: FileNames,
    /// Members of each file in an ended job.
    pub file_status: FileStatus,
    /// Sourcing events and requests that do not exist; all others exist.
    pub unknown_objects: Vec<Uuid>,
    /// Answer to a POST for an unknown event or request.
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

/// Limits on the requests within a span of time. The default numbers are documented by the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetSettings {
    /// Largest number of POSTs within an hour.
    pub posts_an_hour: NonZeroU32,
    /// Largest number of POSTs within a day.
    pub posts_a_day: NonZeroU32,
    /// Largest number of reads within a minute.
    pub reads_a_minute: NonZeroU32,
    /// Largest number of reads within an hour.
    pub reads_an_hour: NonZeroU32,
    /// Sharing of the POST budget between the kinds of jobs.
    pub posts: PostBudgets,
    /// Counting of requests over the budget.
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

/// Sharing of the POST budget between the kinds of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostBudgets {
    /// POSTs for events and for requests count together.
    Shared,
    /// POSTs for events and POSTs for requests have a budget each.
    EachItsOwn,
}

/// Counting of requests refused for the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A refused request does not count.
    NotCounted,
    /// A refused request counts: a client without pauses stays refused.
    Counted,
}

/// Keys accepted by the API. A missing key is answered with 401, another key with an empty 403.
#[derive(Debug, Clone)]
pub enum JobKeys {
    /// Any key, unless empty.
    Any,
    /// Exactly the given key.
    Only(SecretString),
}

/// Result of the check of a request's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The key is accepted.
    Good,
    /// The key is not accepted.
    Bad,
    /// The key is missing or empty.
    Nothing,
}

impl JobKeys {
    /// Checks the key of a request.
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

/// Rule for a slash at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slashes {
    /// The path may end in a slash.
    Either,
    /// The path must end in a slash.
    Required,
    /// The path must not end in a slash.
    Forbidden,
}

/// Answer to a path against the rule for trailing slashes, before any other check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSlash {
    /// 301, with the right path.
    Redirected,
    /// 404.
    NotFound,
}

/// Status of the answer to a successful POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostStatus {
    /// 200 OK.
    Ok200,
    /// 201 Created.
    Created201,
    /// 202 Accepted.
    Accepted202,
}

/// Body of the answer to a successful POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostBody {
    /// Whole job, as GET shows it.
    Job,
    /// Object with the job's id in the member `id`.
    IdOnly,
    /// Object with the job's id in the member `job_id`.
    JobIdOnly,
    /// JSON string with the job's id.
    BareId,
}

/// Form of the file names in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileNames {
    /// Names as the POST gave them.
    AsGiven,
    /// Names with each accent as a character of its own (NFD).
    Decomposed,
    /// Names with runs of white space reduced to one blank, and none around.
    Trimmed,
}

impl FileNames {
    /// Converts a text with file names to the form shown by a job.
    pub(super) fn show(self, text: &str) -> String {
        match self {
            Self::AsGiven => text.to_owned(),
            Self::Decomposed => text.nfd().collect(),
            Self::Trimmed => text.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// Terms of a job: times and outcome.
// A job keeps the terms of its creation, so that every later reader of the state folder judges the
// job as the emulator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Time from the creation to the start, when the files get their upload URLs.
    pub start_delay: Duration,
    /// Time from the arrival of the last file to the end.
    pub end_delay: Duration,
    /// Time from the start for which a job waits for missing files.
    pub give_up_after: Duration,
    /// End of the job: in time or never.
    pub ending: Ending,
    /// Outcome of the job if files are missing.
    pub missing: Missing,
    /// Effect of the job's files on earlier files of the same name on the same object.
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

/// End of a job: in time or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The job ends.
    InTime,
    /// The job runs for ever, and attaches no files.
    Never,
}

/// Outcome of a job that got only a part of its files, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Missing {
    /// The job fails.
    Fails(Partial),
    /// The job ends successfully with the files that came, and names the missing files in its
    /// errors.
    Completes,
}

/// Outcome of the files that came for a failed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partial {
    /// No file is attached.
    Nothing,
    /// The files that came are attached.
    Kept,
}

/// Effect of a file on an earlier file of the same name on the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Namesakes {
    /// The object has both files.
    KeptTwice,
    /// The new file takes the place of the earlier one.
    Replaced,
}

/// Start of the lifetime of an upload URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlClock {
    /// Start of the job. Another GET brings the same URL.
    JobStart,
    /// Answer with the URL. Another GET brings a URL that lives as long again.
    EachGet,
}

/// Status words for the phases of a job. The word for failure is fixed, because the vendor
/// documents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWords {
    /// Word for a job before its start.
    pub pending: String,
    /// Word for a job from its start to its end.
    pub running: String,
    /// Word for a job after a successful end.
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

/// Members of each file in an ended job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStatus {
    /// Name alone.
    Untold,
    /// Name, and a status word for the outcome.
    Told {
        /// Status word of an attached file.
        attached: String,
        /// Status word of a file without attachment.
        not_attached: String,
    },
}

/// Answer to a POST for an unknown event or request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAs {
    /// 400, and no job is created.
    BadRequest400,
    /// The job is created, and fails at its start.
    FailedJob,
}
