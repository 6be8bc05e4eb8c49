//! Client of Keelvar's Intake APIs, as far as they attach files to sourcing events and sourcing
//! requests.
//!
//! Facts, and where they come from:
//! - documented: both POST endpoints and their bodies; a job has an `id`, a `status`, and
//!   `detail.files` with an `upload_url` for each file, which is valid for 60 seconds. Not
//!   documented: the status of the answer to a POST, and the member with the id of the job. Any 2xx
//!   answer with an `id`, a `job_id`, or nothing but a text is accepted;
//! - not documented: the spelling of file names in answers. Accents may be spelled in another way
//!   than they were sent, and blanks may be added or dropped;
//! - the request which reads a job is documented without a path. `/jobs/{id}` is assumed, with or
//!   without a trailing slash: the client keeps the form which worked last;
//! - of the words for a status only `RUNNING` and `FAILED` are documented. Some words count as
//!   success, the user can name more, and a job with any other word counts as running;
//! - not documented: the members about files in a failed job. The outcome of a file is unknown if a
//!   failed job does not name the file. The outcome of every file is unknown if a job ends in
//!   success and reports errors which name no file;
//! - budgets are documented for both kinds of requests. One budget for both POST endpoints is
//!   assumed, because no document says whether they share one;
//! - the upload is assumed to be a presigned PUT as in S3, without any header.

mod document;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    CreatedJob, Destination, End, Fate, FirstAnswer, JobApi, JobPresence, Kind, NewJob, Place,
};
use crate::http::api::{ApiClient, Dialect, KeyHeader, Method, Reply, Request, Unproven, said};
use crate::http::target::{ApiHost, Target, UploadRules};
use crate::http::transfer::TransferClient;
use crate::http::{ClientError, Network};
use crate::http::{Failure, PutFailure, Receipt};
use crate::model::StatusWord;
use crate::model::{AttachmentId, Content, ObjectType};
use crate::source::Source;
use crate::sync::lock;
use crate::throttle::quota::{Allowance, Budget};

use document::{errors, files, id, is_another, named_in};

/// Limits on the creation of jobs (documented under "usage": burst and sustained).
pub const POSTS: &[Allowance] = &[
    Allowance {
        requests: 120,
        within: Duration::from_hours(1),
    },
    Allowance {
        requests: 500,
        within: Duration::from_hours(24),
    },
];

/// Limits on the reading of jobs (documented under "usage"). One request in two seconds is the
/// documented limit of 30 in a minute without bursts.
pub const READS: &[Allowance] = &[
    Allowance {
        requests: 1,
        within: Duration::from_secs(2),
    },
    Allowance {
        requests: 30,
        within: Duration::from_mins(1),
    },
    Allowance {
        requests: 600,
        within: Duration::from_hours(1),
    },
];

/// Status words for success. `COMPLETED` is seen in examples of other kinds of jobs.
const SUCCESS: [&str; 6] = [
    "COMPLETED",
    "COMPLETE",
    "SUCCEEDED",
    "SUCCESS",
    "FINISHED",
    "DONE",
];

/// Status word for failure (documented).
const FAILED: &str = "FAILED";

/// Status words for a file which is not attached, in jobs with a status for each file.
const NOT_ATTACHED: [&str; 4] = [FAILED, "NOT_ATTACHED", "MISSING", "REJECTED"];

/// Largest number of characters of a text of the service which is shown.
const LONGEST_TEXT: usize = 300;

/// Settings for the creation of jobs and the wait for their end.
#[derive(Debug, Clone)]
pub struct Settings {
    /// E-mail address of the user in whose name the files are attached.
    pub user: String,
    /// Longest time from the upload of a job's files to its end.
    pub timeout: Duration,
    /// Status words which count as success besides the built-in words.
    pub success: Vec<StatusWord>,
}

/// Client of the jobs API.
#[derive(Debug)]
pub struct Keelvar {
    api: ApiClient,
    transfer: TransferClient,
    rules: UploadRules,
    settings: Settings,
    posts: Endpoint,
    reads: Endpoint,
}

/// Budget and working form of address of one kind of request.
#[derive(Debug)]
struct Endpoint {
    budget: Budget,
    /// Form of address which has worked; `None` until one has.
    slash: Mutex<Option<Slash>>,
}

/// Form of an address: with or without a trailing slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slash {
    With,
    Without,
}

impl Slash {
    fn other(self) -> Self {
        match self {
            Self::With => Self::Without,
            Self::Without => Self::With,
        }
    }
}

impl Endpoint {
    fn new(allowances: &'static [Allowance]) -> Self {
        Self {
            budget: Budget::new(allowances),
            slash: Mutex::new(None),
        }
    }
}

impl Keelvar {
    /// Creates a client for a base URL. The keys are sent to this base and nowhere else.
    pub fn new(
        base: Url,
        keys: &[KeyHeader],
        network: &Network,
        settings: Settings,
    ) -> Result<Self, ClientError> {
        let host = ApiHost::of(&base);
        Ok(Self {
            api: ApiClient::new(base, Dialect::Json, keys, network)?,
            transfer: TransferClient::new(host, network)?,
            rules: UploadRules::new(host, network),
            settings,
            posts: Endpoint::new(POSTS),
            reads: Endpoint::new(READS),
        })
    }

    /// Sends a request to the form of address which the service accepts.
    ///
    /// Tries the other form if the answer redirects there, or if the answer is a 404 and no form
    /// has worked yet. A second request is safe, because the first one had no effect after either
    /// answer.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Reply, Failure> {
        let known = *lock(&endpoint.slash);
        let first = known.unwrap_or(Slash::Without);
        let reply = self.once(endpoint, path, first, body.clone()).await?;
        let wants_other = match reply {
            Reply::OtherSlash => true,
            Reply::NotFound => known.is_none(),
            Reply::Success(_) | Reply::Refused(_) => false,
        };
        if !wants_other {
            if reply != Reply::NotFound {
                *lock(&endpoint.slash) = Some(first);
            }
            return Ok(reply);
        }
        endpoint.budget.count();
        let reply = self.once(endpoint, path, first.other(), body).await?;
        match reply {
            Reply::OtherSlash => Err(Failure::Unanswered("redirects that go in circles".into())),
            Reply::NotFound => Ok(reply),
            Reply::Success(_) | Reply::Refused(_) => {
                *lock(&endpoint.slash) = Some(first.other());
                Ok(reply)
            }
        }
    }

    async fn once(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        slash: Slash,
        body: Option<Value>,
    ) -> Result<Reply, Failure> {
        let mut path = path.to_vec();
        if slash == Slash::With {
            path.push("");
        }
        let request = Request {
            method: match body {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            path: &path,
            query: None,
            body,
        };
        self.api.send_within(&endpoint.budget, request).await
    }

    fn is_success(&self, word: &str) -> bool {
        let known = SUCCESS
            .iter()
            .any(|success| success.eq_ignore_ascii_case(word));
        known || self.settings.success.iter().any(|success| success.is(word))
    }

    /// Hides keys in a text of the service and cuts it to [`LONGEST_TEXT`] characters.
    fn shown(&self, text: &str) -> String {
        self.api.hide(text).chars().take(LONGEST_TEXT).collect()
    }

    fn places(&self, job: &Value) -> Vec<Place<Target>> {
        let place = |file: &Value| {
            let url = file["upload_url"].as_str()?;
            Some(Place {
                file_name: file["file_name"].as_str()?.to_owned(),
                target: Target::parse(url, &[], &self.rules),
            })
        };
        files(job).iter().filter_map(place).collect()
    }

    /// Reads the state of a job from its document.
    fn presence(&self, job: &Value) -> JobPresence<Target> {
        let word = job["status"].as_str().unwrap_or("a job without a status");
        if self.is_success(word) {
            JobPresence::Ended(self.end(job, word, Fate::Attached))
        } else if word.eq_ignore_ascii_case(FAILED) {
            JobPresence::Ended(self.end(job, word, Fate::Unknown))
        } else {
            JobPresence::Running {
                word: self.shown(word),
                places: self.places(job),
            }
        }
    }

    /// Reads the result of an ended job. `silence` is the outcome of a file which the job does not
    /// mention.
    fn end(&self, job: &Value, word: &str, silence: Fate) -> End {
        let errors = errors(job);
        let told = errors.join("; ");
        let named = named_in(&errors, files(job));
        let others = if errors.is_empty() || !named.is_empty() {
            silence
        } else {
            Fate::Unknown
        };
        let mut fates: BTreeMap<String, Fate> = named
            .into_iter()
            .map(|(name, fate)| (name, self.fit_to_be_shown(fate)))
            .collect();
        for file in files(job) {
            let Some(name) = file["file_name"].as_str() else {
                continue;
            };
            match self.own_word(file) {
                Some(fate) => {
                    fates.insert(name.to_owned(), fate);
                }
                // An entry keeps the name from being paired with another file of a similar
                // spelling.
                None => {
                    fates
                        .entry(name.to_owned())
                        .or_insert_with(|| others.clone());
                }
            }
        }
        let word = match told.as_str() {
            "" => self.shown(word),
            told => self.shown(&format!("{word}: {told}")),
        };
        End {
            word,
            files: fates,
            others,
        }
    }

    fn fit_to_be_shown(&self, fate: Fate) -> Fate {
        match fate {
            Fate::NotAttached(why) => Fate::NotAttached(self.shown(&why)),
            other => other,
        }
    }

    /// Reads the outcome of one file from the file's own status; `None` if the file has none.
    fn own_word(&self, file: &Value) -> Option<Fate> {
        let word = file["status"].as_str()?;
        if self.is_success(word) || word.eq_ignore_ascii_case("ATTACHED") {
            return Some(Fate::Attached);
        }
        let is_not = |not: &&str| not.eq_ignore_ascii_case(word);
        NOT_ATTACHED.iter().any(is_not).then(|| {
            let said = said(&json!({"errors": [file["error"], file["errors"]]}));
            Fate::NotAttached(self.shown(&format!("{word} {said}")).trim_end().to_owned())
        })
    }
}

impl Destination for Keelvar {
    type Target = Target;

    fn budget(&self, kind: Kind) -> Option<&Budget> {
        Some(match kind {
            Kind::Read => &self.reads.budget,
            Kind::Change => &self.posts.budget,
        })
    }

    /// Reads the list of jobs. Nothing depends on the list, because no document names its path.
    async fn introduce(&self, _: Option<&AttachmentId>) -> Result<FirstAnswer, Failure> {
        let list = |path| Request {
            method: Method::GET,
            path,
            query: None,
            body: None,
        };
        let mut answer = self.api.introduce(list(&["jobs", ""])).await?;
        if answer.wants_other_slash {
            self.reads.budget.count();
            answer = self.api.introduce(list(&["jobs"])).await?;
        }
        Ok(first_answer(answer))
    }

    async fn put(
        &self,
        target: &Target,
        source: &Source,
        content: &Content,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Receipt, PutFailure> {
        self.transfer.put(target, source, content, sent).await
    }
}

impl JobApi for Keelvar {
    fn job_timeout(&self) -> Duration {
        self.settings.timeout
    }

    async fn job(&self, id: &AttachmentId) -> Result<JobPresence<Target>, Failure> {
        match self.ask(&self.reads, &["jobs", id.as_str()], None).await? {
            Reply::Success(job) if !is_another(&job, id) => Ok(self.presence(&job)),
            Reply::Success(_) => Err(foreign("speaks of another job")),
            Reply::NotFound => Ok(JobPresence::Absent),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<Target>, Failure> {
        let endpoint = endpoint(new.object.kind());
        let body = body(new, &self.settings.user);
        match self
            .ask(&self.posts, &["jobs", endpoint], Some(body))
            .await?
        {
            Reply::Success(job) => Ok(CreatedJob {
                id: id(&job).ok_or_else(|| foreign("names no job"))?,
                places: self.places(&job),
            }),
            // The endpoint does not exist. For an object which does not exist, the service answers
            // with a 400 or reports the error in the job.
            Reply::NotFound => Err(Failure::Hopeless(format!(
                "the service knows no jobs/{endpoint} (status 404): is the base URL right? It ends \
                 where /jobs begins, as in https://HOST/api"
            ))),
            Reply::OtherSlash => Err(foreign("is a redirect")),
            Reply::Refused(why) => Err(Failure::Refused(why)),
        }
    }
}

/// Judges the answer to the list of jobs. The form of the answer is not documented: a list, or an
/// object which contains a list, proves the service.
fn first_answer(answer: Unproven) -> FirstAnswer {
    let body = answer.body.unwrap_or_default();
    let has_list = |body: &Value| {
        let members = body.as_object().into_iter().flatten();
        body.is_array() || members.into_iter().any(|(_, member)| member.is_array())
    };
    match answer.status {
        200..=299 if has_list(&body) => FirstAnswer::Proven,
        200..=299 if !body.is_null() => {
            FirstAnswer::Foreign(format!("{} and JSON that is no list of jobs", answer.words))
        }
        400 | 422 if !said(&body).is_empty() => FirstAnswer::Proven,
        404 | 405 => FirstAnswer::Unclear(answer.words),
        _ => FirstAnswer::Foreign(answer.words),
    }
}

fn endpoint(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::SourcingRequest => "attach-files-to-sourcing-request",
        _ => "attach-files-to-sourcing-event",
    }
}

fn body(new: &NewJob, user: &str) -> Value {
    let kind = new.object.kind();
    let in_whose_name = match kind {
        ObjectType::SourcingRequest => "requester",
        _ => "created_by",
    };
    let files: Vec<&str> = new.files.iter().map(|file| &*file.file_name).collect();
    json!({kind.as_str(): new.object.id(), in_whose_name: user, "files": files})
}

/// Failure for an answer which cannot be the service's own, whatever its status: nothing is known
/// after such an answer.
fn foreign(what: &str) -> Failure {
    Failure::Unanswered(format!("the answer {what}"))
}

#[cfg(test)]
mod tests;
