//! The server: one address for all emulated services, and the dispatch of requests to them.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::attachments::{ATTACHMENTS_BASE, AttachmentServer, JsonApiProblem};
use super::context::ServerContext;
use super::emulator_settings::EmulatorSettings;
use super::error::EmulatorError;
use super::faults::{FaultInjector, FiredFault};
use super::jobs::{JOBS_BASE, JobServer};
use super::listener::{ConnectionCutter, CuttableListener};
use super::objects::ObjectServer;
use super::reply::{RequestEnd, WholeReply};
use super::request_log::{RequestLog, RequestLogEntry};
use super::request_route::RequestRoute;
use super::state_folder::StatePaths;
use super::state_lock::LockedStateFolder;
use super::storage::StorageServer;
use crate::model::ObjectRef;

/// Longest wait for requests in progress when an emulator is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Running emulator. Ends when stopped or dropped.
pub struct Emulator {
    services: EmulatedServices,
    server: JoinHandle<()>,
    /// Ends every part of the emulator when closed.
    running: watch::Sender<()>,
    state_folder: LockedStateFolder,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Emulator").field(&self.base_url()).finish()
    }
}

impl Emulator {
    /// Starts an emulator. Port 0 takes any free port. The emulator accepts requests when this
    /// returns.
    pub async fn start(
        listen: SocketAddr,
        settings: EmulatorSettings,
    ) -> Result<Self, EmulatorError> {
        let (others, rate) = (
            settings.attachments.other_clients_per_second,
            settings.attachments.requests_per_second,
        );
        if others >= rate.get() {
            return Err(EmulatorError::NoRateLeft { others, rate });
        }
        let home = LockedStateFolder::open(settings.state.as_deref())?;
        let (log, earlier) = RequestLog::open(&home.paths.log)?;
        let (running, ended) = watch::channel(());
        let unusable = |source| EmulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(unusable)?;
        let address = reachable_address(listener.local_addr().map_err(unusable)?);
        let context = ServerContext::new(address, log, ended);
        let services = EmulatedServices::load(context, settings, &home.paths, &earlier)?;
        Ok(Self {
            server: tokio::spawn(serve(listener, services.clone())),
            services,
            running,
            state_folder: home,
        })
    }

    /// Returns the base URL of the attachments API, for use in place of the service's.
    pub fn base_url(&self) -> String {
        self.services.context.url(ATTACHMENTS_BASE)
    }

    /// Returns the base URL of the jobs API, for use in place of the service's.
    pub fn jobs_base_url(&self) -> String {
        self.services.context.url(JOBS_BASE)
    }

    /// Returns the address under which clients reach the emulator.
    pub fn address(&self) -> SocketAddr {
        self.services.context.address()
    }

    /// Returns the path of the state folder.
    pub fn state_path(&self) -> &Path {
        &self.state_folder.path
    }

    /// Returns the path of the request log. [`read`](super::request_log::read) reads the log.
    pub fn log_path(&self) -> &Path {
        &self.state_folder.paths.log
    }

    /// Returns how often each scripted fault has fired, in the order of the settings.
    pub fn fired_faults(&self) -> Vec<FiredFault> {
        self.services.faults.fired_faults()
    }

    /// Returns the number of requests from other clients of the company, up to our latest request.
    pub fn other_client_requests(&self) -> u64 {
        self.services.attachments.other_client_requests()
    }

    /// Removes an attachment, as a user does in the service's own pages: the API has no such
    /// request. Removes the oldest of several attachments with the same external id. Returns the id
    /// of the removed attachment, or `None` if there was none.
    pub fn remove_attachment(&self, external_id: &str) -> io::Result<Option<u64>> {
        self.services.attachments.remove_oldest(external_id)
    }

    /// Moves an attachment to another object, which the API has no request for. Moves the oldest of
    /// several attachments with the same external id. Returns the id of the attachment, or `None` if
    /// there was none.
    pub fn move_attachment(&self, external_id: &str, object: ObjectRef) -> io::Result<Option<u64>> {
        self.services.attachments.move_oldest(external_id, object)
    }

    /// Stops the emulator. Uploads in progress are broken off; complete requests are answered.
    /// Afterwards the address and the state folder are free.
    pub async fn stop(self) {
        drop(self.running);
        if tokio::time::timeout(STOP_TIMEOUT, self.server)
            .await
            .is_err()
        {
            tracing::debug!("a client did not take its answer in time");
        }
    }
}

/// Returns the address to which a client on this machine connects.
fn reachable_address(bound: SocketAddr) -> SocketAddr {
    match bound {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

/// Emulated services and their shared parts.
#[derive(Clone)]
struct EmulatedServices {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    storage: Arc<StorageServer>,
    attachments: Arc<AttachmentServer>,
    objects: Arc<ObjectServer>,
    jobs: Arc<JobServer>,
}

impl EmulatedServices {
    /// Loads the state which an earlier emulator left. `earlier` is the earlier emulator's log.
    fn load(
        context: ServerContext,
        settings: EmulatorSettings,
        folder: &StatePaths,
        earlier: &[RequestLogEntry],
    ) -> Result<Self, EmulatorError> {
        let began = Instant::now();
        let context = Arc::new(context);
        let faults = FaultInjector::new(Arc::clone(&context), &settings.faults, began)?;
        let faults = Arc::new(faults);
        let storage = StorageServer::load(
            Arc::clone(&context),
            Arc::clone(&faults),
            folder,
            settings.largest_upload,
        )?;
        let storage = Arc::new(storage);
        let attachments = AttachmentServer::load(
            Arc::clone(&context),
            Arc::clone(&faults),
            Arc::clone(&storage),
            settings.attachments,
            folder,
            earlier,
            began,
        )?;
        let attachments = Arc::new(attachments);
        let objects = ObjectServer::load(
            Arc::clone(&context),
            Arc::clone(&faults),
            Arc::clone(&attachments),
            settings.objects,
            folder,
        )?;
        let jobs = JobServer::load(
            Arc::clone(&context),
            Arc::clone(&faults),
            Arc::clone(&storage),
            settings.jobs,
            folder,
            earlier,
        )?;
        Ok(Self {
            context,
            faults,
            storage,
            attachments,
            objects: Arc::new(objects),
            jobs: Arc::new(jobs),
        })
    }
}

async fn serve(listener: TcpListener, services: EmulatedServices) {
    let ended = services.context.wait_for_end();
    let app = Router::new()
        .fallback(handle_request)
        .with_state(services)
        .into_make_service_with_connect_info::<ConnectionCutter>();
    let serving = axum::serve(CuttableListener(listener), app).with_graceful_shutdown(ended);
    // Accepting is retried for ever, so no error comes from here.
    if let Err(error) = serving.await {
        tracing::error!(%error, "the emulator stopped serving");
    }
}

/// Answers a request, or cuts the connection.
async fn handle_request(
    State(services): State<EmulatedServices>,
    ConnectInfo(wire): ConnectInfo<ConnectionCutter>,
    request: Request,
) -> Response {
    let ended = services.context.wait_for_end();
    // The request runs as a task of its own. So it is decided and logged even if its client goes
    // away, which ends this function at any `await`.
    let answer = tokio::spawn(async move { answer_by_route(&services, request).await }).await;
    match answer {
        Ok(RequestEnd::Answered(response)) => response,
        Ok(RequestEnd::AnswerWithheld(_)) => {
            // If the client gives up first, the connection is gone, and this function with it.
            ended.await;
            wire.cut();
            Response::default()
        }
        Ok(
            RequestEnd::AnswerLost(_) | RequestEnd::ConnectionCut | RequestEnd::ExecutedLater(_),
        ) => {
            wire.cut();
            Response::default()
        }
        Err(panic) => JsonApiProblem::from(io::Error::other(panic))
            .into_reply()
            .into(),
    }
}

async fn answer_by_route(services: &EmulatedServices, request: Request) -> RequestEnd {
    let arrival = Instant::now();
    let route = RequestRoute::parse(request.method(), request.uri());
    let mut entry = RequestLogEntry::new(route.operation(), Timestamp::now());
    request.method().as_str().clone_into(&mut entry.method);
    request.uri().path().clone_into(&mut entry.path);
    match route {
        RequestRoute::Attachments(route) => {
            note_query(&mut entry, &request);
            let attachments = &services.attachments;
            attachments.answer(request, route, entry, arrival).await
        }
        RequestRoute::Objects(route) => {
            note_query(&mut entry, &request);
            services.objects.answer(request, &route, entry, arrival)
        }
        RequestRoute::Jobs(route) => {
            note_query(&mut entry, &request);
            let jobs = &services.jobs;
            jobs.answer(request, route, entry, arrival).await
        }
        RequestRoute::AttachmentObject(route) => {
            let owner = &*services.attachments;
            services.storage.answer(owner, request, &route, entry).await
        }
        RequestRoute::JobObject(route) => {
            let owner = &*services.jobs;
            services.storage.answer(owner, request, &route, entry).await
        }
        RequestRoute::Unknown => services
            .context
            .decide_and_log(entry, |_, _| {
                WholeReply::empty(StatusCode::NOT_FOUND).into()
            })
            .unwrap_or_else(|error| JsonApiProblem::from(error).into_reply().into()),
    }
}

/// Adds the query to the logged path. Not for the storage, whose query is a signature.
fn note_query(entry: &mut RequestLogEntry, request: &Request) {
    if let Some(query) = request.uri().query() {
        entry.path = format!("{}?{query}", entry.path);
    }
}
