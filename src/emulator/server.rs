//! The server: one address for all services, and which of them answers a request.

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

use super::attachments::{ATTACHMENTS_BASE, AttachmentServer, Problem};
use super::context::ServerContext;
use super::error::EmulatorError;
use super::faults::{FaultInjector, Fired};
use super::folder::Folder;
use super::home::Home;
use super::jobs::{JOBS_BASE, JobServer};
use super::listener::{CuttableListener, Wire};
use super::log::{Entry, Log};
use super::reply::{Answer, Reply};
use super::route::Route;
use super::settings::Settings;
use super::storage::StorageServer;

/// How long an emulator that is being stopped waits for the requests in hand.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running emulator. It ends when it is stopped or dropped.
pub struct Emulator {
    services: Services,
    server: JoinHandle<()>,
    /// Closing it tells everything to end.
    running: watch::Sender<()>,
    home: Home,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Emulator").field(&self.base_url()).finish()
    }
}

impl Emulator {
    /// Starts an emulator; port 0 takes any that is free. It serves when this returns.
    pub async fn start(listen: SocketAddr, settings: Settings) -> Result<Self, EmulatorError> {
        let (others, rate) = (settings.attachments.others, settings.attachments.rate);
        if others >= rate.get() {
            return Err(EmulatorError::NothingLeft { others, rate });
        }
        let home = Home::open(settings.state.as_deref())?;
        let (log, earlier) = Log::open(&home.folder.log)?;
        let (running, ended) = watch::channel(());
        let unusable = |source| EmulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(unusable)?;
        let address = reachable(listener.local_addr().map_err(unusable)?);
        let context = ServerContext::new(address, log, ended);
        let services = Services::load(context, settings, &home.folder, &earlier)?;
        Ok(Self {
            server: tokio::spawn(serve(listener, services.clone())),
            services,
            running,
            home,
        })
    }

    /// The base of the attachments API, to be used like that of the service.
    pub fn base_url(&self) -> String {
        self.services.context.url(ATTACHMENTS_BASE)
    }

    /// The base of the jobs API, likewise.
    pub fn jobs_base_url(&self) -> String {
        self.services.context.url(JOBS_BASE)
    }

    /// The address under which it is reached.
    pub fn address(&self) -> SocketAddr {
        self.services.context.address()
    }

    /// The folder that holds its state.
    pub fn state(&self) -> &Path {
        &self.home.path
    }

    /// The request log, to be read with [`read`](super::log::read).
    pub fn log_path(&self) -> &Path {
        &self.home.folder.log
    }

    /// How often each scripted fault has fired, in the order in which they were given.
    pub fn fired(&self) -> Vec<Fired> {
        self.services.faults.fired()
    }

    /// How many requests other clients of the company sent, up to the last one of ours.
    pub fn other_clients(&self) -> u64 {
        self.services.attachments.other_clients()
    }

    /// Removes an attachment, as somebody does in the service's own pages: the API has no request
    /// for it. Of several with the same external id it is the oldest. Returns its id, if there was
    /// one.
    pub fn remove(&self, external_id: &str) -> io::Result<Option<u64>> {
        self.services.attachments.remove(external_id)
    }

    /// Ends it: uploads under way are broken off, requests that are all there are answered.
    /// Afterwards the address and the state folder are free.
    pub async fn stop(self) {
        drop(self.running);
        if tokio::time::timeout(STOP_LIMIT, self.server).await.is_err() {
            tracing::debug!("a client did not take its answer in time");
        }
    }
}

/// The address to which a client on this machine connects.
fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

/// The services, and what they share.
#[derive(Clone)]
struct Services {
    context: Arc<ServerContext>,
    faults: Arc<FaultInjector>,
    storage: Arc<StorageServer>,
    attachments: Arc<AttachmentServer>,
    jobs: Arc<JobServer>,
}

impl Services {
    /// Takes up the state where an earlier emulator left it, of which `earlier` is the log.
    fn load(
        context: ServerContext,
        settings: Settings,
        folder: &Folder,
        earlier: &[Entry],
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
            attachments: Arc::new(attachments),
            jobs: Arc::new(jobs),
        })
    }
}

async fn serve(listener: TcpListener, services: Services) {
    let ended = services.context.ended();
    let app = Router::new()
        .fallback(take)
        .with_state(services)
        .into_make_service_with_connect_info::<Wire>();
    let serving = axum::serve(CuttableListener(listener), app).with_graceful_shutdown(ended);
    // Accepting is tried again for ever, so that no error comes from here.
    if let Err(error) = serving.await {
        tracing::error!(%error, "the emulator stopped serving");
    }
}

/// Takes a request from its connection.
async fn take(
    State(services): State<Services>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let ended = services.context.ended();
    // On a task of its own, the request is decided and logged even if its client goes away, which
    // would end this function wherever it just waits.
    let answer = tokio::spawn(async move { answer(&services, request).await }).await;
    match answer {
        Ok(Answer::Sent(response)) => response,
        Ok(Answer::Withheld(_)) => {
            // If the client gives up before, its connection is gone and with it this function.
            ended.await;
            wire.cut();
            Response::default()
        }
        Ok(Answer::Lost(_) | Answer::Cut | Answer::Late(_)) => {
            wire.cut();
            Response::default()
        }
        Err(panic) => Problem::from(io::Error::other(panic)).reply().into(),
    }
}

async fn answer(services: &Services, request: Request) -> Answer {
    let arrival = Instant::now();
    let route = Route::of(request.method(), request.uri().path());
    let mut entry = Entry::new(route.operation(), Timestamp::now());
    request.method().as_str().clone_into(&mut entry.method);
    request.uri().path().clone_into(&mut entry.path);
    match route {
        Route::Attachments(route) => {
            note_query(&mut entry, &request);
            let attachments = &services.attachments;
            attachments.answer(request, route, entry, arrival).await
        }
        Route::Jobs(route) => {
            note_query(&mut entry, &request);
            let jobs = &services.jobs;
            jobs.answer(request, route, entry, arrival).await
        }
        Route::AttachmentObject(route) => {
            let owner = &*services.attachments;
            services.storage.answer(owner, request, &route, entry).await
        }
        Route::JobObject(route) => {
            let owner = &*services.jobs;
            services.storage.answer(owner, request, &route, entry).await
        }
        Route::Outside => services
            .context
            .settle(entry, |_, _| Reply::empty(StatusCode::NOT_FOUND).into())
            .unwrap_or_else(|error| Problem::from(error).reply().into()),
    }
}

/// Adds the query to the logged path. Not for the storage, where it is a signature.
fn note_query(entry: &mut Entry, request: &Request) {
    if let Some(query) = request.uri().query() {
        entry.path = format!("{}?{query}", entry.path);
    }
}
