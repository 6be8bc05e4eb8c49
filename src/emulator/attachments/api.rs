//! Server of the attachments API: its six operations, after the checks of keys and rate and under
//! the due fault.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header::{ALLOW, HeaderName, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use url::form_urlencoded;

use super::jsonapi::{Attributes, Creation, MEDIA_TYPE, Problem, document, with_upload_target};
use super::rate::Admission;
use super::record::Record;
use super::route::{ATTACHMENTS_BASE, AttachmentRoute, Name};
use super::settings::{AttachmentSettings, Clash, DottedIds, ExternalIds, Titles};
use super::state::AttachmentState;
use super::view::View;
use crate::emulator::body::{self, Unread};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::{Befallen, FaultInjector};
use crate::emulator::folder::{Folder, StateError};
use crate::emulator::log::{Entry, Log};
use crate::emulator::reply::{Answer, Reply};
use crate::emulator::storage::{StorageServer, new_key};
use crate::model::ObjectRef;
use crate::sync::lock;

/// Largest request document, in bytes.
// The limit also bounds the upload URL, which holds the file name.
const MAX_DOCUMENT: usize = 16 * 1024;

/// Largest number of ids in the filter of one list.
const MAX_LISTED: usize = 50;

/// Web page with which a router answers a path without a route.
const ROUTER_PAGE: &str = "<!DOCTYPE html><html><head><title>The page you were looking for doesn't \
     exist (404)</title></head><body><h1>Not Found</h1></body></html>";

const API_VERSION: HeaderName = HeaderName::from_static("x-api-version");

/// Attachments API of one emulator.
pub(in crate::emulator) struct AttachmentServer {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    storage: Arc<StorageServer>,
    settings: AttachmentSettings,
    state: Mutex<AttachmentState>,
}

impl AttachmentServer {
    /// Loads the state that an earlier emulator left in `folder`. `earlier` is the request log of
    /// the earlier emulator.
    pub(in crate::emulator) fn load(
        context: Arc<ServerContext>,
        faults: Arc<FaultInjector>,
        storage: Arc<StorageServer>,
        settings: AttachmentSettings,
        folder: &Folder,
        earlier: &[Entry],
        began: Instant,
    ) -> Result<Self, StateError> {
        let state = AttachmentState::load(folder, &settings, earlier, began)?;
        Ok(Self {
            context,
            faults,
            storage,
            settings,
            state: Mutex::new(state),
        })
    }

    /// Number of requests by other clients of the company, up to the last request to the emulator.
    pub(in crate::emulator) fn other_clients(&self) -> u64 {
        self.state().other_clients()
    }

    /// Removes the oldest attachment with an external id and returns its id; `None` if no
    /// attachment has the external id.
    pub(in crate::emulator) fn remove(&self, external_id: &str) -> io::Result<Option<u64>> {
        self.state().remove(external_id)
    }

    /// Answers a request to the attachments API and logs the request.
    pub(in crate::emulator) async fn answer(
        self: &Arc<Self>,
        request: Request,
        route: AttachmentRoute,
        entry: Entry,
        arrival: Instant,
    ) -> Answer {
        let (head, body) = request.into_parts();
        // The body is read before anything is decided: half a request has no effect.
        let body = match body::read(&self.context, body, MAX_DOCUMENT).await {
            Ok(body) => body,
            Err(Unread::Gone) => return self.settle(entry, |_, _| Answer::Cut),
            Err(Unread::TooLarge) => {
                let detail = format!("a document of more than {MAX_DOCUMENT} bytes");
                let problem = Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
                return self.settle(entry, |_, _| problem.reply().into());
            }
        };
        let request = Whole { route, head, body };
        let mut late = entry.clone();
        let answer = self.settle(entry, |log, entry| {
            let mut state = self.state();
            let mut call = request.call(self, &mut state, log, entry);
            let answer = match call.refusal(arrival) {
                Some(refusal) => refusal.into(),
                None => self.faults.carry_out(&mut call, arrival),
            };
            late.fault.clone_from(&entry.fault);
            answer
        });
        if let Answer::Late(delay) = answer {
            tokio::spawn(Arc::clone(self).carry_out_late(request, late, delay));
        }
        answer
    }

    /// Performs a request after `delay`, when its sender has long given up. If the emulator ends
    /// first, the request is dropped.
    async fn carry_out_late(self: Arc<Self>, request: Whole, mut entry: Entry, delay: Duration) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.context.ended() => return,
        }
        entry.at = Timestamp::now();
        self.settle(entry, |log, entry| {
            let mut state = self.state();
            let mut call = request.call(&self, &mut state, log, entry);
            call.perform().into()
        });
    }

    pub(super) fn state(&self) -> MutexGuard<'_, AttachmentState> {
        lock(&self.state)
    }

    fn settle(&self, entry: Entry, decide: impl FnOnce(&mut Log, &mut Entry) -> Answer) -> Answer {
        self.context
            .settle(entry, decide)
            .unwrap_or_else(|error| Problem::from(error).reply().into())
    }
}

/// Request whose body has been read completely.
struct Whole {
    route: AttachmentRoute,
    head: Parts,
    body: Vec<u8>,
}

impl Whole {
    fn call<'a>(
        &'a self,
        server: &'a AttachmentServer,
        state: &'a mut AttachmentState,
        log: &'a mut Log,
        entry: &'a mut Entry,
    ) -> Call<'a> {
        Call {
            server,
            state,
            log,
            entry,
            route: &self.route,
            head: &self.head,
            body: &self.body,
            now: Timestamp::now(),
        }
    }
}

/// Request being decided, with the server, its locked state and the log.
struct Call<'a> {
    server: &'a AttachmentServer,
    state: &'a mut AttachmentState,
    log: &'a mut Log,
    entry: &'a mut Entry,
    route: &'a AttachmentRoute,
    head: &'a Parts,
    body: &'a [u8],
    now: Timestamp,
}

impl Befallen for Call<'_> {
    fn book(&mut self) -> (&mut Log, &mut Entry) {
        (self.log, self.entry)
    }

    fn perform(&mut self) -> Reply {
        if let Some(answer) = self.not_routed() {
            return answer;
        }
        let outcome = self.check_form().and_then(|()| match self.route {
            AttachmentRoute::List => self.list(),
            AttachmentRoute::Create => self.create(),
            AttachmentRoute::Get(name) => self.get(name),
            AttachmentRoute::Update(name) => self.update(name),
            AttachmentRoute::WrongMethod { .. } => Err(Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("{} is not supported here", self.head.method),
            )),
            AttachmentRoute::Unknown => Err(not_found()),
        });
        let mut reply = outcome.unwrap_or_else(Problem::reply);
        if let AttachmentRoute::WrongMethod { allowed } = self.route {
            reply = reply.with(ALLOW, HeaderValue::from_static(allowed));
        }
        reply.with(API_VERSION, HeaderValue::from_static("1.0"))
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
        headers: &BTreeMap<String, String>,
    ) -> Reply {
        with_upload_target(reply, url, headers)
    }
}

impl Call<'_> {
    /// Checks the keys, then the rate. Returns the refusal; `None` if the request may be performed.
    // In this order: the rate limit is the company's, so that a request without good keys falls
    // under no limit.
    fn refusal(&mut self, arrival: Instant) -> Option<Reply> {
        if !self.server.settings.keys.fit(&self.head.headers) {
            let detail = "X-Api-Key, X-User-Token and X-User-Email do not identify a user";
            return Some(Problem::new(StatusCode::UNAUTHORIZED, detail).reply());
        }
        if let Err(error) = self.state.let_others_have_come(arrival, self.log) {
            return Some(Problem::from(error).reply());
        }
        match self.state.admit(arrival) {
            Admission::Admitted => None,
            Admission::Refused => {
                let detail = "the rate limit is reached; sleep 1 second and retry";
                let reply = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).reply();
                Some(reply.with(RETRY_AFTER, HeaderValue::from_static("1")))
            }
        }
    }

    /// Answer to a path whose external id holds a dot, if the settings give dotted paths no route;
    /// otherwise `None`.
    // A router's page knows nothing of the API's version, so that its answer lacks the version
    // header.
    fn not_routed(&mut self) -> Option<Reply> {
        let (AttachmentRoute::Get(name) | AttachmentRoute::Update(name)) = self.route else {
            return None;
        };
        let Name::ExternalId(text) = name else {
            return None;
        };
        let answer = match self.server.settings.dotted_ids {
            _ if !text.contains('.') => return None,
            DottedIds::Routed => return None,
            DottedIds::NotFound404 => not_found()
                .reply()
                .with(API_VERSION, HeaderValue::from_static("1.0")),
            DottedIds::RouterPage => Reply::new(
                StatusCode::NOT_FOUND,
                "text/html; charset=utf-8",
                ROUTER_PAGE.into(),
            ),
        };
        self.entry.external_id = Some(text.clone());
        Some(answer)
    }

    /// Checks the media type and the query parameters, for which the head of the request suffices.
    fn check_form(&self) -> Result<(), Problem> {
        if matches!(
            self.route,
            AttachmentRoute::Create | AttachmentRoute::Update(_)
        ) && body::media_type(&self.head.headers) != Some(MEDIA_TYPE)
        {
            let detail = format!("the Content-Type must be {MEDIA_TYPE}");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let known =
            |name: &str| *self.route == AttachmentRoute::List && name == "filter[id_equals]";
        match self.query().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(bad_request(format!("'{name}' parameter is not supported"))),
            None => Ok(()),
        }
    }

    fn query(&self) -> form_urlencoded::Parse<'_> {
        form_urlencoded::parse(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    fn list(&mut self) -> Result<Reply, Problem> {
        let mut data = Vec::new();
        for id in self.listed_ids()? {
            if let Some(record) = self.find(&Name::Id(id))? {
                data.push(self.view().shown(&record));
            }
        }
        let answer = json!({
            "meta": { "count": data.len() },
            "data": data,
            "links": { "self": self.server.context.url(&format!("{ATTACHMENTS_BASE}/attachments")) },
        });
        Ok(document(StatusCode::OK, &answer))
    }

    fn listed_ids(&self) -> Result<BTreeSet<u64>, Problem> {
        let filters: Vec<_> = self.query().map(|(_, value)| value).collect();
        let [filter] = filters.as_slice() else {
            return Err(bad_request("filter[id_equals] must be given, once"));
        };
        let ids: Vec<&str> = filter.split(',').map(str::trim).collect();
        if ids.len() > MAX_LISTED {
            let detail = format!("filter[id_equals] takes no more than {MAX_LISTED} ids");
            return Err(bad_request(detail));
        }
        let parse = |id: &str| {
            id.parse()
                .map_err(|_| bad_request(format!("filter[id_equals]: '{id}' is not an id")))
        };
        ids.into_iter().map(parse).collect()
    }

    fn get(&mut self, name: &Name) -> Result<Reply, Problem> {
        let record = self.existing(name)?;
        Ok(document(
            StatusCode::OK,
            &json!({ "data": self.view().shown(&record) }),
        ))
    }

    fn create(&mut self) -> Result<Reply, Problem> {
        let creation = Creation::parse(self.body)?;
        self.entry.external_id.clone_from(&creation.external_id);
        self.entry.object = Some(creation.object.to_string());
        self.refuse_object(creation.object)?;
        if let Some(external_id) = &creation.external_id {
            self.refuse_clash(external_id, None)?;
        }
        let record = Record {
            id: self.state.store.next_id(),
            external_id: creation.external_id,
            title: creation.title.unwrap_or_else(|| creation.file_name.clone()),
            file_name: creation.file_name,
            object: creation.object.to_string(),
            uploaded_by: self.user_email(),
            key: new_key(),
            created: Some(self.now),
            named: Some(self.now),
            empty_since: self.now,
            content: None,
        };
        self.state.store.put(record.clone())?;
        self.entry.id = Some(record.id);
        let data = self.view().awaiting_bytes(&record);
        Ok(document(StatusCode::CREATED, &json!({ "data": data })))
    }

    fn update(&mut self, name: &Name) -> Result<Reply, Problem> {
        let mut record = self.existing(name)?;
        let attributes = Attributes::parse_update(self.body, name)?;
        self.entry.changes = attributes.names();
        if let Some(external_id) = &attributes.external_id {
            self.refuse_clash(external_id, Some(record.id))?;
        }
        let renews = attributes.file_name.is_some();
        let derived = match self.server.settings.titles {
            Titles::Keep => None,
            Titles::Derive => attributes.file_name.clone(),
        };
        if attributes.external_id.is_some() {
            record.external_id = attributes.external_id;
            record.named = Some(self.now);
        }
        record.title = attributes.title.or(derived).unwrap_or(record.title);
        if let Some(file_name) = attributes.file_name {
            record.file_name = file_name;
            record.renew(self.user_email(), self.now);
        }
        self.state.store.put(record.clone())?;
        let data = if renews {
            self.view().awaiting_bytes(&record)
        } else {
            self.view().saved(&record)
        };
        Ok(document(StatusCode::OK, &json!({ "data": data })))
    }

    /// Finds an existing attachment and notes it in the log entry. Fails with 404 if no attachment
    /// is found.
    fn existing(&mut self, name: &Name) -> Result<Record, Problem> {
        match name {
            Name::Id(id) => self.entry.id = Some(*id),
            Name::ExternalId(text) => self.entry.external_id = Some(text.clone()),
        }
        let record = self.find(name)?.ok_or_else(not_found)?;
        let delay = self.server.settings.external_id_delay;
        if matches!(name, Name::ExternalId(_)) && !record.is_indexed(self.now, delay) {
            return Err(not_found());
        }
        self.entry.id = Some(record.id);
        self.entry.external_id.clone_from(&record.external_id);
        self.entry.object = Some(record.object.clone());
        Ok(record)
    }

    fn find(&mut self, name: &Name) -> Result<Option<Record>, Problem> {
        Ok(self
            .state
            .look_up(name, self.now, &self.server.settings, self.log)?)
    }

    /// Fails with 404 if the object is unknown, and with 422 if the object is closed.
    fn refuse_object(&self, object: ObjectRef) -> Result<(), Problem> {
        let settings = &self.server.settings;
        if settings.unknown_objects.contains(&object) {
            let detail = format!("{object} does not exist");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        if settings.closed_objects.contains(&object) {
            let pointer = format!("/data/relationships/{}", object.kind());
            let detail = format!("{object} is closed, and takes no more attachments");
            return Err(Problem::invalid(&pointer, detail));
        }
        Ok(())
    }

    /// Fails if external ids are unique and an attachment other than `own` has this external id.
    fn refuse_clash(&mut self, external_id: &str, own: Option<u64>) -> Result<(), Problem> {
        let ExternalIds::Unique { clash } = self.server.settings.external_ids else {
            return Ok(());
        };
        let status = match clash {
            Clash::Conflict409 => StatusCode::CONFLICT,
            Clash::Unprocessable422 => StatusCode::UNPROCESSABLE_ENTITY,
        };
        match self.find(&Name::ExternalId(external_id.to_owned()))? {
            Some(other) if Some(other.id) != own => {
                let detail = "external_id has already been taken";
                Err(Problem::invalid("/data/attributes/external_id", detail).with_status(status))
            }
            _ => Ok(()),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            context: &self.server.context,
            storage: &self.server.storage,
            settings: &self.server.settings,
            now: self.now,
        }
    }

    fn user_email(&self) -> String {
        let email = self.head.headers.get("x-user-email");
        email
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    }
}

fn bad_request(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found")
}
