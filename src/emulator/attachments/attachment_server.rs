//! Server of the attachments API: its six operations, after the checks of keys and rate and under
//! the due fault.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::attachment_call::AttachmentCall;
use super::attachment_route::AttachmentRoute;
use super::attachment_settings::AttachmentSettings;
use super::attachment_state::AttachmentState;
use super::jsonapi::JsonApiProblem;
use crate::emulator::body::{self, BodyError};
use crate::emulator::context::ServerContext;
use crate::emulator::faults::{FaultInjector, FaultableRequest};
use crate::emulator::reply::RequestEnd;
use crate::emulator::request_log::{RequestLog, RequestLogEntry};
use crate::emulator::state_folder::{StateError, StatePaths};
use crate::emulator::storage::StorageServer;
use crate::model::ObjectRef;
use crate::mutex::lock_despite_poison;

/// Largest request document, in bytes.
// The limit also bounds the upload URL, which holds the file name.
const MAX_DOCUMENT_BYTES: usize = 16 * 1024;

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
        folder: &StatePaths,
        earlier: &[RequestLogEntry],
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
    pub(in crate::emulator) fn other_client_requests(&self) -> u64 {
        self.state().other_client_requests()
    }

    /// Removes the oldest attachment with an external id and returns its id; `None` if no
    /// attachment has the external id.
    pub(in crate::emulator) fn remove_oldest(&self, external_id: &str) -> io::Result<Option<u64>> {
        self.state().remove_oldest(external_id)
    }

    /// Moves the oldest attachment with an external id to an object and returns its id; `None` if
    /// no attachment has the external id.
    pub(in crate::emulator) fn move_oldest(
        &self,
        external_id: &str,
        object: ObjectRef,
    ) -> io::Result<Option<u64>> {
        self.state().move_oldest(external_id, object)
    }

    /// Answers a request to the attachments API and logs the request.
    pub(in crate::emulator) async fn answer(
        self: &Arc<Self>,
        request: Request,
        route: AttachmentRoute,
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
                let detail = format!("a document of more than {MAX_DOCUMENT_BYTES} bytes");
                let problem = JsonApiProblem::new(StatusCode::PAYLOAD_TOO_LARGE, detail);
                return self.decide_and_log(entry, |_, _| problem.into_reply().into());
            }
        };
        let request = BufferedAttachmentRequest { route, head, body };
        let mut late = entry.clone();
        let answer = self.decide_and_log(entry, |log, entry| {
            let mut state = self.state();
            let mut call = request.begin_call(self, &mut state, log, entry);
            let answer = match call.check_keys_and_rate(arrival) {
                Some(refusal) => refusal.into(),
                None => self.faults.perform_with_due_fault(&mut call, arrival),
            };
            late.fault.clone_from(&entry.fault);
            answer
        });
        if let RequestEnd::ExecutedLater(delay) = answer {
            tokio::spawn(Arc::clone(self).perform_late(request, late, delay));
        }
        answer
    }

    /// Performs a request after `delay`, when its sender has long given up. If the emulator ends
    /// first, the request is dropped.
    async fn perform_late(
        self: Arc<Self>,
        request: BufferedAttachmentRequest,
        mut entry: RequestLogEntry,
        delay: Duration,
    ) {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.context.wait_for_end() => return,
        }
        entry.at = Timestamp::now();
        self.decide_and_log(entry, |log, entry| {
            let mut state = self.state();
            let mut call = request.begin_call(&self, &mut state, log, entry);
            call.perform().into()
        });
    }

    /// Locks and returns the state, for as long as a request is decided.
    pub(in crate::emulator) fn state(&self) -> MutexGuard<'_, AttachmentState> {
        lock_despite_poison(&self.state)
    }

    /// Settings of the API, some of which hold for the sister services, too.
    pub(in crate::emulator) fn settings(&self) -> &AttachmentSettings {
        &self.settings
    }

    fn decide_and_log(
        &self,
        entry: RequestLogEntry,
        decide: impl FnOnce(&mut RequestLog, &mut RequestLogEntry) -> RequestEnd,
    ) -> RequestEnd {
        self.context
            .decide_and_log(entry, decide)
            .unwrap_or_else(|error| JsonApiProblem::from(error).into_reply().into())
    }
}

/// Request whose body has been read completely.
struct BufferedAttachmentRequest {
    route: AttachmentRoute,
    head: Parts,
    body: Vec<u8>,
}

impl BufferedAttachmentRequest {
    fn begin_call<'a>(
        &'a self,
        server: &'a AttachmentServer,
        state: &'a mut AttachmentState,
        log: &'a mut RequestLog,
        entry: &'a mut RequestLogEntry,
    ) -> AttachmentCall<'a> {
        AttachmentCall {
            context: &server.context,
            storage: &server.storage,
            settings: &server.settings,
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
