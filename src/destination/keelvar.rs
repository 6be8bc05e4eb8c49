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

mod job_answer;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    BudgetKind, CreatedJob, Destination, FileOutcome, JobApi, JobOutcome, JobPresence, NewJob,
    ProbeOutcome, UploadTarget,
};
use crate::http::api::{
    ApiClient, ApiDialect, ApiRequest, KeyHeader, Method, ProbeAnswer, ServiceReply, error_text,
};
use crate::http::target::{ApiLocation, TransferPolicy, TransferTarget};
use crate::http::transfer::TransferClient;
use crate::http::{ApiFailure, PutFailure, PutReceipt};
use crate::http::{HttpClientError, NetworkConfig};
use crate::model::StatusWord;
use crate::model::{AttachmentId, CheckedContent, ObjectType};
use crate::mutex::lock_despite_poison;
use crate::throttle::quota::{QuotaBudget, RequestAllowance};
use crate::upload_source::UploadSource;

use job_answer::{error_messages, job_id, listed_files, names_another_job, outcomes_from_errors};

/// Limits on the creation of jobs (documented under "usage": burst and sustained).
pub const POST_ALLOWANCES: &[RequestAllowance] = &[
    RequestAllowance {
        requests: 120,
        window: Duration::from_hours(1),
    },
    RequestAllowance {
        requests: 500,
        window: Duration::from_hours(24),
    },
];

/// Limits on the reading of jobs (documented under "usage"). One request in two seconds is the
/// documented limit of 30 in a minute without bursts.
pub const READ_ALLOWANCES: &[RequestAllowance] = &[
    RequestAllowance {
        requests: 1,
        window: Duration::from_secs(2),
    },
    RequestAllowance {
        requests: 30,
        window: Duration::from_mins(1),
    },
    RequestAllowance {
        requests: 600,
        window: Duration::from_hours(1),
    },
];

/// Status words for success. `COMPLETED` is seen in examples of other kinds of jobs.
const SUCCESS_WORDS: [&str; 6] = [
    "COMPLETED",
    "COMPLETE",
    "SUCCEEDED",
    "SUCCESS",
    "FINISHED",
    "DONE",
];

/// Status word for failure (documented).
const FAILED_WORD: &str = "FAILED";

/// Status words for a file which is not attached, in jobs with a status for each file.
const NOT_ATTACHED_WORDS: [&str; 4] = [FAILED_WORD, "NOT_ATTACHED", "MISSING", "REJECTED"];

/// Largest number of characters of a text of the service which is shown.
const MAX_TEXT_CHARS: usize = 300;

/// Settings for the creation of jobs and the wait for their end.
#[derive(Debug, Clone)]
pub struct KeelvarSettings {
    /// E-mail address of the user in whose name the files are attached.
    pub user: String,
    /// Longest time from the upload of a job's files to its end.
    pub job_timeout: Duration,
    /// Status words which count as success besides the built-in words.
    pub success_words: Vec<StatusWord>,
}

/// Client of the jobs API.
#[derive(Debug)]
pub struct KeelvarClient {
    api: ApiClient,
    transfer: TransferClient,
    rules: TransferPolicy,
    settings: KeelvarSettings,
    posts: EndpointState,
    reads: EndpointState,
}

/// Budget and working form of address for a kind of request.
#[derive(Debug)]
struct EndpointState {
    budget: QuotaBudget,
    /// Form of address which has worked; `None` before the first success.
    working_slash: Mutex<Option<SlashForm>>,
}

/// Form of an address: with or without a trailing slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlashForm {
    With,
    Without,
}

impl SlashForm {
    fn opposite(self) -> Self {
        match self {
            Self::With => Self::Without,
            Self::Without => Self::With,
        }
    }
}

impl EndpointState {
    fn new(allowances: &'static [RequestAllowance]) -> Self {
        Self {
            budget: QuotaBudget::new(allowances),
            working_slash: Mutex::new(None),
        }
    }
}

impl KeelvarClient {
    /// Creates a client for a base URL. The keys are sent to this base and nowhere else.
    pub fn new(
        base: Url,
        keys: &[KeyHeader],
        network: &NetworkConfig,
        settings: KeelvarSettings,
    ) -> Result<Self, HttpClientError> {
        let host = ApiLocation::from_base_url(&base);
        Ok(Self {
            api: ApiClient::new(base, ApiDialect::Json, keys, network)?,
            transfer: TransferClient::new(host, network)?,
            rules: TransferPolicy::new(host, network),
            settings,
            posts: EndpointState::new(POST_ALLOWANCES),
            reads: EndpointState::new(READ_ALLOWANCES),
        })
    }

    /// Sends a request to the form of address which the service accepts.
    ///
    /// Tries the other form if the answer redirects there, or if the answer is a 404 and no form
    /// has worked yet. A second request is safe, because the first one had no effect after either
    /// answer.
    async fn send_in_either_form(
        &self,
        endpoint: &EndpointState,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<ServiceReply, ApiFailure> {
        let known = *lock_despite_poison(&endpoint.working_slash);
        let first = known.unwrap_or(SlashForm::Without);
        let reply = self
            .send_in_form(endpoint, path, first, body.clone())
            .await?;
        let wants_other = match reply {
            ServiceReply::SlashRedirect => true,
            ServiceReply::NotFound => known.is_none(),
            ServiceReply::Success(_) | ServiceReply::Refused(_) => false,
        };
        if !wants_other {
            if reply != ServiceReply::NotFound {
                *lock_despite_poison(&endpoint.working_slash) = Some(first);
            }
            return Ok(reply);
        }
        endpoint.budget.count_request();
        let reply = self
            .send_in_form(endpoint, path, first.opposite(), body)
            .await?;
        match reply {
            ServiceReply::SlashRedirect => Err(ApiFailure::Unanswered(
                "a redirect back to the address asked before".into(),
            )),
            ServiceReply::NotFound => Ok(reply),
            ServiceReply::Success(_) | ServiceReply::Refused(_) => {
                *lock_despite_poison(&endpoint.working_slash) = Some(first.opposite());
                Ok(reply)
            }
        }
    }

    async fn send_in_form(
        &self,
        endpoint: &EndpointState,
        path: &[&str],
        slash: SlashForm,
        body: Option<Value>,
    ) -> Result<ServiceReply, ApiFailure> {
        let mut path = path.to_vec();
        if slash == SlashForm::With {
            path.push("");
        }
        let request = ApiRequest {
            method: match body {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            body,
            ..ApiRequest::get(&path)
        };
        self.api.send_counted(&endpoint.budget, request).await
    }

    fn is_success(&self, word: &str) -> bool {
        let known = SUCCESS_WORDS
            .iter()
            .any(|success| success.eq_ignore_ascii_case(word));
        known
            || self
                .settings
                .success_words
                .iter()
                .any(|success| success.matches(word))
    }

    /// Hides keys in a text of the service and cuts it to [`MAX_TEXT_CHARS`] characters.
    fn redacted(&self, text: &str) -> String {
        self.api.redact(text).chars().take(MAX_TEXT_CHARS).collect()
    }

    fn upload_targets(&self, job: &Value) -> Vec<UploadTarget<TransferTarget>> {
        let place = |file: &Value| {
            let url = file["upload_url"].as_str()?;
            Some(UploadTarget {
                file_name: file["file_name"].as_str()?.to_owned(),
                target: TransferTarget::from_upload_url(url, &[], &self.rules),
            })
        };
        listed_files(job).iter().filter_map(place).collect()
    }

    /// Reads the state of a job from the job's document.
    fn presence(&self, job: &Value) -> JobPresence<TransferTarget> {
        let word = job["status"].as_str().unwrap_or("a job without a status");
        if self.is_success(word) {
            JobPresence::Ended(self.job_outcome(job, word, FileOutcome::Attached))
        } else if word.eq_ignore_ascii_case(FAILED_WORD) {
            JobPresence::Ended(self.job_outcome(job, word, FileOutcome::Unknown))
        } else {
            JobPresence::Running {
                status: self.redacted(word),
                upload_targets: self.upload_targets(job),
            }
        }
    }

    /// Reads the result of an ended job. `silence` is the outcome of a file which the job does not
    /// mention.
    fn job_outcome(&self, job: &Value, word: &str, silence: FileOutcome) -> JobOutcome {
        let errors = error_messages(job);
        let told = errors.join("; ");
        let named = outcomes_from_errors(&errors, listed_files(job));
        let others = if errors.is_empty() || !named.is_empty() {
            silence
        } else {
            FileOutcome::Unknown
        };
        let mut file_outcomes: BTreeMap<String, FileOutcome> = named
            .into_iter()
            .map(|(name, file_outcome)| (name, self.redacted_outcome(file_outcome)))
            .collect();
        for file in listed_files(job) {
            let Some(name) = file["file_name"].as_str() else {
                continue;
            };
            match self.own_outcome(file) {
                Some(file_outcome) => {
                    file_outcomes.insert(name.to_owned(), file_outcome);
                }
                // An entry keeps the name from being paired with another file of a similar
                // spelling.
                None => {
                    file_outcomes
                        .entry(name.to_owned())
                        .or_insert_with(|| others.clone());
                }
            }
        }
        let word = match told.as_str() {
            "" => self.redacted(word),
            told => self.redacted(&format!("{word}: {told}")),
        };
        JobOutcome {
            message: word,
            named_files: file_outcomes,
            other_files: others,
        }
    }

    fn redacted_outcome(&self, outcome: FileOutcome) -> FileOutcome {
        match outcome {
            FileOutcome::NotAttached(why) => FileOutcome::NotAttached(self.redacted(&why)),
            other => other,
        }
    }

    /// Reads the outcome of a file from the file's own status; `None` if the file has no status.
    fn own_outcome(&self, file: &Value) -> Option<FileOutcome> {
        let word = file["status"].as_str()?;
        if self.is_success(word) || word.eq_ignore_ascii_case("ATTACHED") {
            return Some(FileOutcome::Attached);
        }
        let is_not = |not: &&str| not.eq_ignore_ascii_case(word);
        NOT_ATTACHED_WORDS.iter().any(is_not).then(|| {
            let said = error_text(&json!({"errors": [file["error"], file["errors"]]}));
            FileOutcome::NotAttached(
                self.redacted(&format!("{word} {said}"))
                    .trim_end()
                    .to_owned(),
            )
        })
    }
}

impl Destination for KeelvarClient {
    type Target = TransferTarget;

    fn budget(&self, kind: BudgetKind) -> Option<&QuotaBudget> {
        Some(match kind {
            BudgetKind::Read => &self.reads.budget,
            BudgetKind::Change => &self.posts.budget,
        })
    }

    /// Reads the list of jobs. Nothing depends on the list, because no document names its path.
    async fn probe(&self, _: Option<&AttachmentId>) -> Result<ProbeOutcome, ApiFailure> {
        let mut answer = self.api.probe(ApiRequest::get(&["jobs", ""])).await?;
        if answer.is_slash_redirect {
            self.reads.budget.count_request();
            answer = self.api.probe(ApiRequest::get(&["jobs"])).await?;
        }
        Ok(judge_probe(answer))
    }

    async fn put_file(
        &self,
        target: &TransferTarget,
        source: &UploadSource,
        content: &CheckedContent,
        sent: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<PutReceipt, PutFailure> {
        self.transfer.put(target, source, content, sent).await
    }
}

impl JobApi for KeelvarClient {
    fn job_timeout(&self) -> Duration {
        self.settings.job_timeout
    }

    async fn get_job(&self, id: &AttachmentId) -> Result<JobPresence<TransferTarget>, ApiFailure> {
        match self
            .send_in_either_form(&self.reads, &["jobs", id.as_str()], None)
            .await?
        {
            ServiceReply::Success(job) if !names_another_job(&job, id) => Ok(self.presence(&job)),
            ServiceReply::Success(_) => Err(unusable_answer("speaks of another job")),
            ServiceReply::NotFound => Ok(JobPresence::Absent),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Refused(refusal) => Err(ApiFailure::Refused(refusal)),
        }
    }

    async fn create_job(&self, new: &NewJob) -> Result<CreatedJob<TransferTarget>, ApiFailure> {
        let endpoint = endpoint_name(new.object.object_type());
        let body = create_body(new, &self.settings.user);
        match self
            .send_in_either_form(&self.posts, &["jobs", endpoint], Some(body))
            .await?
        {
            ServiceReply::Success(job) => Ok(CreatedJob {
                id: job_id(&job).ok_or_else(|| unusable_answer("names no job"))?,
                upload_targets: self.upload_targets(&job),
            }),
            // The endpoint does not exist. For an object which does not exist, the service answers
            // with a 400 or reports the error in the job.
            ServiceReply::NotFound => Err(ApiFailure::NeverPossible(format!(
                "the service knows no jobs/{endpoint} (status 404): is the base URL right? It ends \
                 where /jobs begins, as in https://HOST/api"
            ))),
            ServiceReply::SlashRedirect => Err(unusable_answer("is a redirect")),
            ServiceReply::Refused(refusal) => Err(ApiFailure::Refused(refusal)),
        }
    }
}

/// Judges the answer to the list of jobs. The form of the answer is not documented: a list, or an
/// object which contains a list, proves the service.
fn judge_probe(answer: ProbeAnswer) -> ProbeOutcome {
    let body = answer.body.unwrap_or_default();
    let has_list = |body: &Value| {
        let members = body.as_object().into_iter().flatten();
        body.is_array() || members.into_iter().any(|(_, member)| member.is_array())
    };
    match answer.status {
        200..=299 if has_list(&body) => ProbeOutcome::Proven,
        200..=299 if !body.is_null() => ProbeOutcome::NotTheService(format!(
            "{} and JSON that is no list of jobs",
            answer.description
        )),
        400 | 422 if !error_text(&body).is_empty() => ProbeOutcome::Proven,
        404 | 405 => ProbeOutcome::Unclear(answer.description),
        _ => ProbeOutcome::NotTheService(answer.description),
    }
}

fn endpoint_name(kind: ObjectType) -> &'static str {
    match kind {
        ObjectType::SourcingRequest => "attach-files-to-sourcing-request",
        _ => "attach-files-to-sourcing-event",
    }
}

fn create_body(new: &NewJob, user: &str) -> Value {
    let kind = new.object.object_type();
    let in_whose_name = match kind {
        ObjectType::SourcingRequest => "requester",
        _ => "created_by",
    };
    let files: Vec<&str> = new.files.iter().map(|file| &*file.file_name).collect();
    json!({kind.as_str(): new.object.id(), in_whose_name: user, "files": files})
}

/// Failure for an answer which cannot be the service's own, whatever its status: nothing is known
/// after such an answer.
fn unusable_answer(what: &str) -> ApiFailure {
    ApiFailure::Unanswered(format!("the answer {what}"))
}

#[cfg(test)]
mod tests;
