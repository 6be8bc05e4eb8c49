//! Server of the jobs API: creates and reads jobs, after the checks of the path's trailing slash,
//! the key and the budgets, and under the due fault.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::budget::{BudgetDecision, RemainingBudget, RequestBudgets};
use super::job_document::{
    CreateJobBody, JobFieldError, JobsApiProblem, MEDIA_TYPE, document, with_upload_target,
};
use super::job_record::{JobFileRecord, JobKind, JobRecord, SourcingObject};
use super::job_settings::{
    JobPostStatus, JobSettings, KeyCheck, PostAnswerBody, RefusedRequestCounting,
    UnknownObjectAnswer, WrongSlashAnswer,
};
use super::job_store::JobStore;
use super::job_view::JobView;
use super::jobs_route::{JobEndpoint, JobsRoute, TrailingSlash};
use crate::emulator::body::{self, BodyError};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::{FaultInjector, FaultableRequest};
use crate::emulator::reply::{RequestEnd, WholeReply};
use crate::emulator::request_log::{RequestLog, RequestLogEntry};
use crate::emulator::state_folder::{StateError, StatePaths};
use crate::emulator::storage::StorageServer;
use crate::mutex::lock_despite_poison;

/// Largest request document, in bytes: enough for some thousand file names.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Largest number of jobs in one list.
const MAX_JOBS_PER_LIST: usize = 100;

/// Error text for an unknown sourcing event or request.
const UNKNOWN_OBJECT_ERROR: &str = "Invalid resource ID";

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Jobs API of one emulator.
pub(in crate::emulator) struct JobServer {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    storage: Arc<StorageServer>,
    settings: JobSettings,
    state: Mutex<JobState>,
}

/// Records of all jobs, and the budgets with their counted requests.
pub(super) struct JobState {
    pub(super) jobs: JobStore,
    budgets: RequestBudgets,
}

impl JobServer {
    /// Loads the state that an earlier emulator left in `folder`. `earlier` is the request log of
    /// the earlier emulator.
    pub(in crate::emulator) fn load(
        context: Arc<ServerContext>,
        faults: Arc<FaultInjector>,
        storage: Arc<StorageServer>,
        settings: JobSettings,
        folder: &StatePaths,
        earlier: &[RequestLogEntry],
    ) -> Result<Self, StateError> {
        let state = JobState {
            jobs: JobStore::load(folder.clone())?,
            budgets: RequestBudgets::from_log(&settings.budgets, earlier),
        };
        Ok(Self {
            context,
            faults,
            storage,
            settings,
            state: Mutex::new(state),
        })
    }

    /// Answers a request to the jobs API and logs the request.
    pub(in crate::emulator) async fn answer(
        &self,
        request: Request,
        route: JobsRoute,
        entry: RequestLogEntry,
        arrival: Instant,
    ) -> RequestEnd {
        let (head, body) = request.into_parts();
        // The body is read before anything is decided: half a request has no effect.
        let body = match body::read(&self.context, body, MAX_DOCUMENT_BYTES).await {
            Ok(body) => body,
            Err(BodyError::Gone) => {
                return self.decide_and_log(entry, |_, _| RequestEnd::ConnectionCut);
            }
            Err(BodyError::TooLarge) => {
                let error = format!("a document of more than {MAX_DOCUMENT_BYTES} bytes");
                let problem = JobsApiProblem::new(StatusCode::PAYLOAD_TOO_LARGE, error);
                return self.decide_and_log(entry, |_, _| problem.into_reply().into());
            }
        };
        self.decide_and_log(entry, |log, entry| {
            let mut call = JobCall {
                server: self,
                state: &mut self.state(),
                log,
                entry,
                route,
                head: &head,
                body: &body,
            };
            match call.check_slash_key_and_budget() {
                ControlFlow::Break(refusal) => refusal.into(),
                ControlFlow::Continue(standing) => {
                    let answer = self.faults.perform_with_due_fault(&mut call, arrival);
                    with_budget_headers(answer, standing)
                }
            }
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, JobState> {
        lock_despite_poison(&self.state)
    }

    fn decide_and_log(
        &self,
        entry: RequestLogEntry,
        decide: impl FnOnce(&mut RequestLog, &mut RequestLogEntry) -> RequestEnd,
    ) -> RequestEnd {
        self.context
            .decide_and_log(entry, decide)
            .unwrap_or_else(|error| JobsApiProblem::from(error).into_reply().into())
    }
}

/// Request being decided, with the server, its locked state and the log.
struct JobCall<'a> {
    server: &'a JobServer,
    state: &'a mut JobState,
    log: &'a mut RequestLog,
    entry: &'a mut RequestLogEntry,
    route: JobsRoute,
    head: &'a Parts,
    body: &'a [u8],
}

impl FaultableRequest for JobCall<'_> {
    fn log_and_entry(&mut self) -> (&mut RequestLog, &mut RequestLogEntry) {
        (self.log, self.entry)
    }

    fn perform(&mut self) -> WholeReply {
        let outcome = match self.route.endpoint {
            JobEndpoint::List => Ok(self.list()),
            JobEndpoint::Create(kind) => self.create(kind),
            JobEndpoint::Get(id) => self.get(id),
            JobEndpoint::WrongMethod { allowed } => Ok(self.wrong_method(allowed)),
            JobEndpoint::UnknownPath => Err(not_found()),
        };
        outcome.unwrap_or_else(JobsApiProblem::into_reply)
    }

    fn error_reply(&self, status: StatusCode, detail: &str) -> WholeReply {
        JobsApiProblem::new(status, detail).into_reply()
    }

    fn disk_error_reply(&self, error: io::Error) -> WholeReply {
        JobsApiProblem::from(error).into_reply()
    }

    fn redirect_upload(
        &self,
        reply: WholeReply,
        url: Option<&str>,
        _headers: &BTreeMap<String, String>,
    ) -> WholeReply {
        with_upload_target(reply, url)
    }
}

impl JobCall<'_> {
    /// Checks the trailing slash, then the key, then the budget. Continues with the remaining
    /// budget; `None` if the request falls under no budget.
    // The slash first: the router that leads a request to its handler knows neither keys nor
    // budgets.
    fn check_slash_key_and_budget(&mut self) -> ControlFlow<WholeReply, Option<RemainingBudget>> {
        self.check_slash()?;
        self.check_key()?;
        let arrival = self.entry.at;
        match self.state.budgets.admit(self.route, arrival) {
            None => ControlFlow::Continue(None),
            Some(BudgetDecision::Admitted(standing)) => {
                self.entry.budget_left = Some(standing.remaining);
                ControlFlow::Continue(Some(standing))
            }
            Some(BudgetDecision::Refused {
                remaining_budget: standing,
                retry_after,
            }) => {
                if self.server.settings.budgets.refused_requests == RefusedRequestCounting::Counted
                {
                    self.entry.budget_left = Some(standing.remaining);
                }
                ControlFlow::Break(throttled_reply(standing, retry_after))
            }
        }
    }

    fn check_slash(&self) -> ControlFlow<WholeReply> {
        let rule = match self.route.endpoint {
            JobEndpoint::Create(_) => self.server.settings.post_slash_rule,
            JobEndpoint::Get(_) | JobEndpoint::List => self.server.settings.get_slash_rule,
            JobEndpoint::WrongMethod { .. } | JobEndpoint::UnknownPath => {
                return ControlFlow::Continue(());
            }
        };
        if self.route.slash.satisfies(rule) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(match self.server.settings.wrong_slash_answer {
            WrongSlashAnswer::NotFound => not_found().into_reply(),
            WrongSlashAnswer::Redirected => self.slash_redirect(),
        })
    }

    fn check_key(&self) -> ControlFlow<WholeReply> {
        match self.server.settings.accepted_keys.check(&self.head.headers) {
            KeyCheck::Accepted => ControlFlow::Continue(()),
            KeyCheck::Rejected => ControlFlow::Break(WholeReply::empty(StatusCode::FORBIDDEN)),
            KeyCheck::Missing => {
                let error = "Authentication credentials were not provided.";
                ControlFlow::Break(
                    JobsApiProblem::new(StatusCode::UNAUTHORIZED, error).into_reply(),
                )
            }
        }
    }

    fn slash_redirect(&self) -> WholeReply {
        let path = self.head.uri.path();
        let right = match self.route.slash {
            TrailingSlash::Present => path.trim_end_matches('/').to_owned(),
            TrailingSlash::Absent => format!("{path}/"),
        };
        let location = HeaderValue::from_str(&right).expect("a path that came in can go out");
        WholeReply::empty(StatusCode::MOVED_PERMANENTLY).with_header(LOCATION, location)
    }

    fn wrong_method(&self, allowed: &'static str) -> WholeReply {
        let error = format!("Method \"{}\" not allowed.", self.head.method);
        JobsApiProblem::new(StatusCode::METHOD_NOT_ALLOWED, error)
            .into_reply()
            .with_header(ALLOW, HeaderValue::from_static(allowed))
    }

    fn list(&self) -> WholeReply {
        let newest = self.state.jobs.newest_first().take(MAX_JOBS_PER_LIST);
        let results: Vec<Value> = newest.map(|job| self.view().job_document(job)).collect();
        document(StatusCode::OK, &json!({ "results": results }))
    }

    fn get(&mut self, id: Uuid) -> Result<WholeReply, JobsApiProblem> {
        self.entry.job = Some(id.to_string());
        let job = self.state.jobs.get(id).ok_or_else(not_found)?;
        self.entry.object = Some(job.object.to_string());
        Ok(document(StatusCode::OK, &self.view().job_document(job)))
    }

    fn create(&mut self, kind: JobKind) -> Result<WholeReply, JobsApiProblem> {
        self.check_media_type()?;
        let creation = CreateJobBody::parse(kind, self.body)?;
        let object = SourcingObject {
            kind,
            id: creation.object,
        };
        self.entry.object = Some(object.to_string());
        let job = JobRecord {
            number: self.state.jobs.next_number(),
            id: Uuid::new_v4(),
            object,
            user: creation.user,
            created: self.entry.at,
            terms: self.server.settings.terms.clone(),
            refusal: self.refusal_for_object(object)?,
            files: creation
                .files
                .into_iter()
                .map(JobFileRecord::awaiting_upload)
                .collect(),
        };
        self.state.jobs.put(job.clone())?;
        self.entry.job = Some(job.id.to_string());
        Ok(self.created_reply(&job))
    }

    /// Reason for which a job for an unknown object fails at its start; `None` for a known object.
    /// Fails with 400 if the settings refuse to create the job.
    fn refusal_for_object(&self, object: SourcingObject) -> Result<Option<String>, JobsApiProblem> {
        if !self.server.settings.unknown_objects.contains(&object.id) {
            return Ok(None);
        }
        match self.server.settings.unknown_object_answer {
            UnknownObjectAnswer::FailedJob => Ok(Some(UNKNOWN_OBJECT_ERROR.to_owned())),
            UnknownObjectAnswer::BadRequest400 => {
                let wrong =
                    JobFieldError::new(object.kind.object_member(), "This object does not exist.");
                Err(
                    JobsApiProblem::new(StatusCode::BAD_REQUEST, UNKNOWN_OBJECT_ERROR)
                        .with_field_error(wrong),
                )
            }
        }
    }

    fn created_reply(&self, job: &JobRecord) -> WholeReply {
        let status = match self.server.settings.post_status {
            JobPostStatus::Ok200 => StatusCode::OK,
            JobPostStatus::Created201 => StatusCode::CREATED,
            JobPostStatus::Accepted202 => StatusCode::ACCEPTED,
        };
        let answer = match self.server.settings.post_answer_body {
            PostAnswerBody::Job => self.view().job_document(job),
            PostAnswerBody::IdOnly => json!({ "id": job.id }),
            PostAnswerBody::JobIdOnly => json!({ "job_id": job.id }),
            PostAnswerBody::BareId => json!(job.id),
        };
        document(status, &answer)
    }

    fn check_media_type(&self) -> Result<(), JobsApiProblem> {
        let sent = body::media_type(&self.head.headers);
        if sent == Some(MEDIA_TYPE) {
            return Ok(());
        }
        let error = format!(
            "Unsupported media type \"{}\" in request.",
            sent.unwrap_or_default()
        );
        Err(JobsApiProblem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            error,
        ))
    }

    /// View of the jobs at the arrival of the request.
    fn view(&self) -> JobView<'_> {
        JobView {
            storage: &self.server.storage,
            settings: &self.server.settings,
            now: self.entry.at,
        }
    }
}

fn not_found() -> JobsApiProblem {
    JobsApiProblem::new(StatusCode::NOT_FOUND, "Not found.")
}

/// Answer to a request over budget: 429 with `Retry-After`, at least 1 second.
fn throttled_reply(remaining: RemainingBudget, retry_after: Duration) -> WholeReply {
    let seconds = seconds_rounded_up(retry_after).max(1);
    let error = format!("Request was throttled. Expected available in {seconds} seconds.");
    let mut reply = JobsApiProblem::new(StatusCode::TOO_MANY_REQUESTS, error)
        .into_reply()
        .with_header(RETRY_AFTER, seconds.into());
    add_budget_headers(&mut reply.headers, remaining);
    reply
}

/// Adds the remaining budget to the headers of a successful answer with a document.
// The vendor documents the headers for answers to successful requests.
fn with_budget_headers(mut answer: RequestEnd, remaining: Option<RemainingBudget>) -> RequestEnd {
    if let (RequestEnd::Answered(response), Some(standing)) = (&mut answer, remaining)
        && response.status().is_success()
        && response.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static(MEDIA_TYPE))
    {
        add_budget_headers(response.headers_mut(), standing);
    }
    answer
}

fn add_budget_headers(headers: &mut HeaderMap, remaining: RemainingBudget) {
    headers.insert(RATE_LIMIT, remaining.limit.into());
    headers.insert(RATE_REMAINING, remaining.remaining.into());
    headers.insert(
        RATE_RESET,
        seconds_rounded_up(remaining.time_to_reset).into(),
    );
}

/// Span in whole seconds, rounded up, so that the span is over when the seconds are.
fn seconds_rounded_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
