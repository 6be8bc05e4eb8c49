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
/// | a slash may end the path of a read, or be left out | [`JobSettings::get_slash_rule`] |
/// | a slash may end the path of a POST, or be left out | [`JobSettings::post_slash_rule`] |
/// | where a slash is required or forbidden, the wrong form is redirected before keys and budgets are looked at | [`JobSettings::wrong_slash_answer`] |
/// | any key is accepted | [`JobSettings::accepted_keys`] |
/// | both POSTs count together, and both reads | [`BudgetSettings::post_sharing`] |
/// | requests over the budget do not count; others do, whatever their answer | [`BudgetSettings::refused_requests`] |
/// | budgets are sliding windows over arrivals; the headers report the window with the least left, and in `RateLimit-Reset` the time until one more request is left | [`BudgetSettings`] for the numbers |
/// | every member is required; e-mail addresses need not be users' | none |
/// | no files, a name twice, a path in a name, or over 255 bytes: 400 | none |
/// | a POST is answered with 201 | [`JobSettings::post_status`] |
/// | a POST is answered with the whole job | [`JobSettings::post_answer_body`] |
/// | a job reports file names as the POST gave them | [`JobSettings::file_naming`] |
/// | a job starts after a second; before, its `detail` is null | [`JobTerms::start_delay`] |
/// | a job is `PENDING` before its start, and `COMPLETED` after a successful end | [`JobSettings::status_words`] |
/// | a job ends a second after the last of its files came | [`JobTerms::end_delay`] |
/// | every job ends | [`JobTerms::ending`] |
/// | a job fails if files are missing five minutes after its start | [`JobTerms::give_up_after`], [`JobTerms::missing`] |
/// | a failed job attaches no files | [`PartialFilesOutcome`] |
/// | an ended job reports its files without URLs, and without the outcome of each | [`JobSettings::file_status`] |
/// | errors are in `detail.errors` | none |
/// | upload URLs live from the start of the job, so that another GET brings no fresh URLs | [`JobSettings::url_clock`], [`JobSettings::url_lifetime`] |
/// | every event and request exists | [`JobSettings::unknown_objects`] |
/// | an unknown event or request is answered with 400, before a job is created | [`JobSettings::unknown_object_answer`] |
/// | a file with the name of an earlier file is kept beside the earlier file | [`JobTerms::namesakes`] |
/// | a second upload of a file before the job ends replaces the first; an upload after the end is accepted and changes nothing | none |
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Budgets: limits on the requests within a span of time.
    pub budgets: BudgetSettings,
    /// Keys accepted by the API.
    pub accepted_keys: AcceptedJobKeys,
    /// Rule for a slash at the end of a GET's path.
    pub get_slash_rule: TrailingSlashRule,
    /// Rule for a slash at the end of a POST's path.
    pub post_slash_rule: TrailingSlashRule,
    /// Answer to a path against the rule for trailing slashes.
    pub wrong_slash_answer: WrongSlashAnswer,
    /// Status of the answer to a successful POST.
    pub post_status: JobPostStatus,
    /// Body of the answer to a successful POST.
    pub post_answer_body: PostAnswerBody,
    /// Terms of a job: times and outcome.
    pub terms: JobTerms,
    /// Lifetime of an upload URL.
    pub url_lifetime: Duration,
    /// Start of the lifetime of an upload URL.
    pub url_clock: UrlClock,
    /// Status words for the phases of a job.
    pub status_words: JobStatusWords,
    /// Form of the file names in a job.
    pub file_naming: JobFileNaming,
    /// Members of each file in an ended job.
    pub file_status: FileStatusDisplay,
    /// Sourcing events and requests that do not exist; all others exist.
    pub unknown_objects: Vec<Uuid>,
    /// Answer to a POST for an unknown event or request.
    pub unknown_object_answer: UnknownObjectAnswer,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            budgets: BudgetSettings::default(),
            accepted_keys: AcceptedJobKeys::Any,
            get_slash_rule: TrailingSlashRule::Either,
            post_slash_rule: TrailingSlashRule::Either,
            wrong_slash_answer: WrongSlashAnswer::Redirected,
            post_status: JobPostStatus::Created201,
            post_answer_body: PostAnswerBody::Job,
            terms: JobTerms::default(),
            url_lifetime: Duration::from_mins(1),
            url_clock: UrlClock::JobStart,
            status_words: JobStatusWords::default(),
            file_naming: JobFileNaming::AsGiven,
            file_status: FileStatusDisplay::NameOnly,
            unknown_objects: Vec::new(),
            unknown_object_answer: UnknownObjectAnswer::BadRequest400,
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
    pub post_sharing: PostBudgetSharing,
    /// Counting of requests over the budget.
    pub refused_requests: RefusedRequestCounting,
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
            post_sharing: PostBudgetSharing::Shared,
            refused_requests: RefusedRequestCounting::NotCounted,
        }
    }
}

/// Sharing of the POST budget between the kinds of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostBudgetSharing {
    /// POSTs for events and for requests count together.
    Shared,
    /// POSTs for events and POSTs for requests have a budget each.
    PerKind,
}

/// Counting of requests refused for the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedRequestCounting {
    /// A refused request does not count.
    NotCounted,
    /// A refused request counts: a client without pauses stays refused.
    Counted,
}

/// Keys accepted by the API. A missing key is answered with 401, another key with an empty 403.
#[derive(Debug, Clone)]
pub enum AcceptedJobKeys {
    /// Any key, unless empty.
    Any,
    /// Exactly the given key.
    Only(SecretString),
}

/// Result of the check of a request's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyCheck {
    /// The key is accepted.
    Accepted,
    /// The key is not accepted.
    Rejected,
    /// The key is missing or empty.
    Missing,
}

impl AcceptedJobKeys {
    /// Checks the key of a request.
    pub(super) fn check(&self, headers: &HeaderMap) -> KeyCheck {
        let value = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let sent = value.and_then(|value| value.strip_prefix("Bearer "));
        match (self, sent.map(str::trim)) {
            (_, None | Some("")) => KeyCheck::Missing,
            (Self::Only(key), Some(sent)) if sent != key.expose_secret() => KeyCheck::Rejected,
            _ => KeyCheck::Accepted,
        }
    }
}

/// Rule for a slash at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailingSlashRule {
    /// The path may end in a slash.
    Either,
    /// The path must end in a slash.
    Required,
    /// The path must not end in a slash.
    Forbidden,
}

/// Answer to a path against the rule for trailing slashes, before any other check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSlashAnswer {
    /// 301, with the right path.
    Redirected,
    /// 404.
    NotFound,
}

/// Status of the answer to a successful POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPostStatus {
    /// 200 OK.
    Ok200,
    /// 201 Created.
    Created201,
    /// 202 Accepted.
    Accepted202,
}

/// Body of the answer to a successful POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostAnswerBody {
    /// Whole job, as GET returns it.
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
pub enum JobFileNaming {
    /// Names as the POST gave them.
    AsGiven,
    /// Names with each accent as a character of its own (NFD).
    Decomposed,
    /// Names with runs of white space reduced to one blank, and none around.
    Trimmed,
}

impl JobFileNaming {
    /// Converts a text with file names to the form reported by a job.
    pub(super) fn apply(self, text: &str) -> String {
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
pub struct JobTerms {
    /// Time from the creation to the start, when the files get their upload URLs.
    pub start_delay: Duration,
    /// Time from the arrival of the last file to the end.
    pub end_delay: Duration,
    /// Time from the start for which a job waits for missing files.
    pub give_up_after: Duration,
    /// End of the job: in time or never.
    pub ending: JobEnding,
    /// Outcome of the job if files are missing.
    pub missing: MissingFilesOutcome,
    /// Effect of the job's files on earlier files of the same name on the same object.
    pub namesakes: NamesakePolicy,
}

impl Default for JobTerms {
    fn default() -> Self {
        Self {
            start_delay: Duration::from_secs(1),
            end_delay: Duration::from_secs(1),
            give_up_after: Duration::from_mins(5),
            ending: JobEnding::InTime,
            missing: MissingFilesOutcome::Fails(PartialFilesOutcome::Nothing),
            namesakes: NamesakePolicy::KeptTwice,
        }
    }
}

/// End of a job: in time or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobEnding {
    /// The job ends.
    InTime,
    /// The job runs for ever, and attaches no files.
    Never,
}

/// Outcome of a job that got only a part of its files, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MissingFilesOutcome {
    /// The job fails.
    Fails(PartialFilesOutcome),
    /// The job ends successfully with the files that came, and names the missing files in its
    /// errors.
    Completes,
}

/// Outcome of the files that came for a failed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartialFilesOutcome {
    /// No file is attached.
    Nothing,
    /// The files that came are attached.
    Kept,
}

/// Effect of a file on an earlier file of the same name on the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamesakePolicy {
    /// The object has both files.
    KeptTwice,
    /// The new file replaces the earlier one.
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
pub struct JobStatusWords {
    /// Word for a job before its start.
    pub pending: String,
    /// Word for a job from its start to its end.
    pub running: String,
    /// Word for a job after a successful end.
    pub success: String,
}

impl Default for JobStatusWords {
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
pub enum FileStatusDisplay {
    /// Name alone.
    NameOnly,
    /// Name, and a status word for the outcome.
    NameAndStatus {
        /// Status word of an attached file.
        attached: String,
        /// Status word of a file without attachment.
        not_attached: String,
    },
}

/// Answer to a POST for an unknown event or request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownObjectAnswer {
    /// 400, and no job is created.
    BadRequest400,
    /// The job is created, and fails at its start.
    FailedJob,
}
