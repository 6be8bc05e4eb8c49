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

use super::budget::{Admission, Budgets, Standing};
use super::document::{Creation, MEDIA_TYPE, Problem, Wrong, document, with_upload_target};
use super::job::{Item, Job, Kind, Object};
use super::route::{Asked, JobsRoute, Slash};
use super::settings::{JobSettings, PostBody, PostStatus, Refused, Shown, UnknownAs, WrongSlash};
use super::store::JobStore;
use super::view::View;
use crate::emulator::body::{self, Unread};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::{Befallen, FaultInjector};
use crate::emulator::folder::{Folder, StateError};
use crate::emulator::log::{Entry, Log};
use crate::emulator::reply::{Answer, Reply};
use crate::emulator::storage::StorageServer;
use crate::sync::lock;

/// Largest request document, in bytes: enough for some thousand file names.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// Largest number of jobs in one list.
const MAX_LISTED: usize = 100;

/// Error text for an unknown sourcing event or request.
const UNKNOWN_OBJECT: &str = "Invalid resource ID";

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
    budgets: Budgets,
}

impl JobServer {
    /// Loads the state that an earlier emulator left in `folder`. `earlier` is the request log of
    /// the earlier emulator.
    pub(in crate::emulator) fn load(
        context: Arc<ServerContext>,
        faults: Arc<FaultInjector>,
        storage: Arc<StorageServer>,
        settings: JobSettings,
        folder: &Folder,
        earlier: &[Entry],
    ) -> Result<Self, StateError> {
        let state = JobState {
            jobs: JobStore::load(folder.clone())?,
            budgets: Budgets::after(&settings.budgets, earlier),
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
        entry: Entry,
        arrival: Instant,
    ) -> Answer {
        let (head, body) = request.into_parts();
        // The body is read before anything is decided: half a request has no effect.
        let body = match body::read(&self.context, body, MAX_DOCUMENT).await {
            Ok(body) => body,
            Err(Unread::Gone) => return self.settle(entry, |_, _| Answer::Cut),
            Err(Unread::TooLarge) => {
                let error = format!("a document of more than {MAX_DOCUMENT} bytes");
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error);
                return self.settle(entry, |_, _| problem.reply().into());
            }
        };
        self.settle(entry, |log, entry| {
            let mut call = Call {
                server: self,
                state: &mut self.state(),
                log,
                entry,
                route,
                head: &head,
                body: &body,
            };
            match call.admit() {
                ControlFlow::Break(refusal) => refusal.into(),
                ControlFlow::Continue(standing) => {
                    let answer = self.faults.carry_out(&mut call, arrival);
                    with_standing(answer, standing)
                }
            }
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, JobState> {
        lock(&self.state)
    }

    fn settle(&self, entry: Entry, decide: impl FnOnce(&mut Log, &mut Entry) -> Answer) -> Answer {
        self.context
            .settle(entry, decide)
            .unwrap_or_else(|error| Problem::from(error).reply().into())
    }
}

/// Request being decided, with the server, its locked state and the log.
struct Call<'a> {
    server: &'a JobServer,
    state: &'a mut JobState,
    log: &'a mut Log,
    entry: &'a mut Entry,
    route: JobsRoute,
    head: &'a Parts,
    body: &'a [u8],
}

impl Befallen for Call<'_> {
    fn book(&mut self) -> (&mut Log, &mut Entry) {
        (self.log, self.entry)
    }

    fn perform(&mut self) -> Reply {
        let outcome = match self.route.asked {
            Asked::List => Ok(self.list()),
            Asked::Create(kind) => self.create(kind),
            Asked::Get(id) => self.get(id),
            Asked::WrongMethod { allowed } => Ok(self.wrong_method(allowed)),
            Asked::Unknown => Err(not_found()),
        };
        outcome.unwrap_or_else(Problem::reply)
    }

    fn refuse(&self, status: StatusCode, detail: &str) -> Reply {
        Problem::new(status, detail).reply()
    }

    fn fail(&self, error: io::Error) -> Reply {
        Problem::from(error).reply()
    }

    fn sent_elsewhere(
        &self,
        reply: Reply,
        url: Option<&str>,
        _headers: &BTreeMap<String, String>,
    ) -> Reply {
        with_upload_target(reply, url)
    }
}

impl Call<'_> {
    /// Checks the trailing slash, then the key, then the budget. Continues with the remaining
    /// budget; `None` if the request falls under no budget.
    // The slash first: the router that leads a request to its handler knows neither keys nor
    // budgets.
    fn admit(&mut self) -> ControlFlow<Reply, Option<Standing>> {
        self.check_slash()?;
        self.check_key()?;
        let arrival = self.entry.at;
        match self.state.budgets.admit(self.route, arrival) {
            None => ControlFlow::Continue(None),
            Some(Admission::Admitted(standing)) => {
                self.entry.budget_left = Some(standing.remaining);
                ControlFlow::Continue(Some(standing))
            }
            Some(Admission::Refused {
                standing,
                retry_after,
            }) => {
                if self.server.settings.budgets.refused == Refused::Counted {
                    self.entry.budget_left = Some(standing.remaining);
                }
                ControlFlow::Break(throttled(standing, retry_after))
            }
        }
    }

    fn check_slash(&self) -> ControlFlow<Reply> {
        let rule = match self.route.asked {
            Asked::Create(_) => self.server.settings.post_slashes,
            Asked::Get(_) | Asked::List => self.server.settings.slashes,
            Asked::WrongMethod { .. } | Asked::Unknown => return ControlFlow::Continue(()),
        };
        if self.route.slash.fits(rule) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(match self.server.settings.wrong_slash {
            WrongSlash::NotFound => not_found().reply(),
            WrongSlash::Redirected => self.redirect(),
        })
    }

    fn check_key(&self) -> ControlFlow<Reply> {
        match self.server.settings.keys.judge(&self.head.headers) {
            Shown::Good => ControlFlow::Continue(()),
            Shown::Bad => ControlFlow::Break(Reply::empty(StatusCode::FORBIDDEN)),
            Shown::Nothing => {
                let error = "Authentication credentials were not provided.";
                ControlFlow::Break(Problem::new(StatusCode::UNAUTHORIZED, error).reply())
            }
        }
    }

    fn redirect(&self) -> Reply {
        let path = self.head.uri.path();
        let right = match self.route.slash {
            Slash::There => path.trim_end_matches('/').to_owned(),
            Slash::Absent => format!("{path}/"),
        };
        let location = HeaderValue::from_str(&right).expect("a path that came in can go out");
        Reply::empty(StatusCode::MOVED_PERMANENTLY).with(LOCATION, location)
    }

    fn wrong_method(&self, allowed: &'static str) -> Reply {
        let error = format!("Method \"{}\" not allowed.", self.head.method);
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, error)
            .reply()
            .with(ALLOW, HeaderValue::from_static(allowed))
    }

    fn list(&self) -> Reply {
        let newest = self.state.jobs.newest_first().take(MAX_LISTED);
        let results: Vec<Value> = newest.map(|job| self.view().shown(job)).collect();
        document(StatusCode::OK, &json!({ "results": results }))
    }

    fn get(&mut self, id: Uuid) -> Result<Reply, Problem> {
        self.entry.job = Some(id.to_string());
        let job = self.state.jobs.get(id).ok_or_else(not_found)?;
        self.entry.object = Some(job.object.to_string());
        Ok(document(StatusCode::OK, &self.view().shown(job)))
    }

    fn create(&mut self, kind: Kind) -> Result<Reply, Problem> {
        self.check_media_type()?;
        let creation = Creation::parse(kind, self.body)?;
        let object = Object {
            kind,
            id: creation.object,
        };
        self.entry.object = Some(object.to_string());
        let job = Job {
            number: self.state.jobs.next_number(),
            id: Uuid::new_v4(),
            object,
            user: creation.user,
            created: self.entry.at,
            terms: self.server.settings.terms.clone(),
            refusal: self.refusal_of(object)?,
            files: creation.files.into_iter().map(Item::awaited).collect(),
        };
        self.state.jobs.put(job.clone())?;
        self.entry.job = Some(job.id.to_string());
        Ok(self.created(&job))
    }

    /// Reason for which a job for an unknown object fails at its start; `None` for a known object.
    /// Fails with 400 if the settings refuse to create the job.
    fn refusal_of(&self, object: Object) -> Result<Option<String>, Problem> {
        if !self.server.settings.unknown_objects.contains(&object.id) {
            return Ok(None);
        }
        match self.server.settings.unknown_as {
            UnknownAs::FailedJob => Ok(Some(UNKNOWN_OBJECT.to_owned())),
            UnknownAs::BadRequest400 => {
                let wrong = Wrong::new(object.kind.object(), "This object does not exist.");
                Err(Problem::new(StatusCode::BAD_REQUEST, UNKNOWN_OBJECT).with_field(wrong))
            }
        }
    }

    fn created(&self, job: &Job) -> Reply {
        let status = match self.server.settings.post_status {
            PostStatus::Ok200 => StatusCode::OK,
            PostStatus::Created201 => StatusCode::CREATED,
            PostStatus::Accepted202 => StatusCode::ACCEPTED,
        };
        let answer = match self.server.settings.post_body {
            PostBody::Job => self.view().shown(job),
            PostBody::IdOnly => json!({ "id": job.id }),
            PostBody::JobIdOnly => json!({ "job_id": job.id }),
            PostBody::BareId => json!(job.id),
        };
        document(status, &answer)
    }

    fn check_media_type(&self) -> Result<(), Problem> {
        let sent = body::media_type(&self.head.headers);
        if sent == Some(MEDIA_TYPE) {
            return Ok(());
        }
        let error = format!(
            "Unsupported media type \"{}\" in request.",
            sent.unwrap_or_default()
        );
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
    }

    /// View of the jobs at the arrival of the request.
    fn view(&self) -> View<'_> {
        View {
            storage: &self.server.storage,
            settings: &self.server.settings,
            now: self.entry.at,
        }
    }
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "Not found.")
}

/// Answer to a request over budget: 429 with `Retry-After`, at least 1 second.
fn throttled(standing: Standing, retry_after: Duration) -> Reply {
    let seconds = whole_seconds(retry_after).max(1);
    let error = format!("Request was throttled. Expected available in {seconds} seconds.");
    let mut reply = Problem::new(StatusCode::TOO_MANY_REQUESTS, error)
        .reply()
        .with(RETRY_AFTER, seconds.into());
    add_standing(&mut reply.headers, standing);
    reply
}

/// Adds the remaining budget to the headers of a successful answer with a document.
// The vendor documents the headers for answers to successful requests.
fn with_standing(mut answer: Answer, standing: Option<Standing>) -> Answer {
    if let (Answer::Sent(response), Some(standing)) = (&mut answer, standing)
        && response.status().is_success()
        && response.headers().get(CONTENT_TYPE) == Some(&HeaderValue::from_static(MEDIA_TYPE))
    {
        add_standing(response.headers_mut(), standing);
    }
    answer
}

fn add_standing(headers: &mut HeaderMap, standing: Standing) {
    headers.insert(RATE_LIMIT, standing.limit.into());
    headers.insert(RATE_REMAINING, standing.remaining.into());
    headers.insert(RATE_RESET, whole_seconds(standing.reset).into());
}

/// Span in whole seconds, rounded up, so that the span is over when the seconds are.
fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
