//! An embedded stand-in for Workday Strategic Sourcing Attachments 1.0, for the part of Keelvar's
//! Intake APIs that attaches files by jobs, and for the storage behind them, for whoever wants to
//! try the tool without an account or to rehearse a migration.
//!
//! It is an HTTP server on one address: the attachments API below `/services/attachments/v1`, the
//! jobs API below `/api`, the storage below `/storage`. It keeps its state in a folder that survives
//! a restart and a kill, and a log of every request ([`log`]). It is not the service: where the
//! vendors' documents are silent it assumes something, as told here, and no other module of the
//! product relies on it.
//!
//! # Attachments: documented by the vendor, and done so here
//!
//! - The six operations, their paths, the three headers and 401 without them, the media type.
//! - The four relationships with their types; `file_name` required to create; `title` and
//!   `external_id` of at most 255 characters; lists only by `filter[id_equals]`, 50 at a time.
//! - `file_size` is text, or null until bytes are there. `upload_url` and `upload_headers` come with
//!   POST and with a PATCH that carries `file_name`, which lets go of the stored bytes at once.
//!   No answer shows what an attachment hangs on.
//! - 409 and its text for a wrong `type`. 429 beyond so many requests a second.
//! - Upload URLs that live 15 minutes, and the purging of records that got no bytes in 30 to 60
//!   minutes after they were created.
//!
//! # Attachments: assumed, and how to assume otherwise
//!
//! | assumption | switch |
//! |---|---|
//! | external ids are unique, a clash is answered with 422 | [`Settings::external_ids`] |
//! | without uniqueness, a look-up finds the oldest | none |
//! | a record is found by its external id at once | [`Settings::external_id_delay`] |
//! | a path with any external id leads to it | [`Settings::dotted_ids`] |
//! | every contract, event, project and supplier company exists | [`Settings::unknown_objects`]: 404 |
//! | and takes attachments | [`Settings::closed_objects`]: 422 |
//! | a size is null until the bytes are there | [`Settings::empty_sizes`] |
//! | a size shows as soon as the bytes are stored | [`Settings::size_delay`] |
//! | a record without bytes goes at 45 minutes | [`Settings::purge_after`] |
//! | a new URL does not put the purge off, unless bytes were let go of for it | [`Settings::purge_clock`] |
//! | the limit is a sliding window over arrivals; requests that were refused, for the rate or for their keys, do not count | [`Settings::rate`] for the number |
//! | 429 brings `Retry-After: 1` | [`Effect::Status`] |
//! | nobody else uses the limit | [`Settings::others`] |
//! | download URLs live as long as upload URLs | [`Settings::url_life`] |
//! | unknown query parameters, a list without filter or of more than 50 ids: 400 | none |
//! | other invalid values: 422, told as the sister services do | none |
//! | ids that do not exist are left out of a list; the rest comes in order | none |
//! | the title is the file name where none is given | none |
//! | it stays when a PATCH changes the file name alone | [`Settings::titles`] |
//! | a PATCH without a file name leaves the bytes alone, and its answer shows their size | none |
//! | there is no DELETE: 405 | none |
//! | the storage is S3: it refuses wrong headers, expired or altered URLs (403) and chunked bodies (501), and answers with an MD5 `ETag` | [`Effect::ExpiredUrl`] |
//! | bytes sent to a URL that was renewed since are taken, and show nowhere | none |
//!
//! # Jobs: documented by the vendor, and done so here
//!
//! - The two POSTs with their members, and that the body is checked before a job is created.
//! - `Authorization: Bearer`; 401 without a key, an empty 403 with one that is not taken.
//! - 120 POSTs an hour and 500 a day, 30 reads a minute and 600 an hour. `RateLimit-Limit`,
//!   `RateLimit-Remaining` and `RateLimit-Reset` with what went well, 429 with `Retry-After` beyond.
//! - The job's members, its `type`, the words `RUNNING` and `FAILED`; upload URLs in `detail.files`
//!   once it has started, which live 60 seconds and are then refused as `Request has expired`.
//! - A job whose files do not come fails after a while.
//! - 400 with `errors` and `field_errors`, these in dot notation.
//!
//! # Jobs: assumed, and how to assume otherwise
//!
//! | assumption | switch |
//! |---|---|
//! | one job is read at `/jobs/{id}`, several at `/jobs/` as `{"results":[…]}`, the newest 100 first | none |
//! | a slash may end the path of a read, or be left out | [`JobSettings::slashes`] |
//! | likewise that of a POST | [`JobSettings::post_slashes`] |
//! | where it must or must not, the wrong form is redirected before keys and budgets are looked at | [`JobSettings::wrong_slash`] |
//! | any key is taken | [`JobSettings::keys`] |
//! | both POSTs count together, and both reads | [`BudgetSettings::posts`] |
//! | requests over the budget do not count; others do, whatever their answer | [`BudgetSettings::refused`] |
//! | budgets are sliding windows over arrivals; the headers tell of the window with the least left, and `RateLimit-Reset` when it has one more | [`BudgetSettings`] for the numbers |
//! | every member is required; e-mail addresses need not be users' | none |
//! | no files, a name twice, a path in a name, or over 255 bytes: 400 | none |
//! | a POST is answered with 201 | [`JobSettings::post_status`] |
//! | and the whole job | [`JobSettings::post_body`] |
//! | a job calls its files as they were called | [`JobSettings::file_names`] |
//! | a job starts after a second; before, its `detail` is null | [`Terms::start_delay`] |
//! | it is `PENDING` until then, and `COMPLETED` when it ends well | [`JobSettings::words`] |
//! | it ends a second after the last of its files came | [`Terms::end_delay`] |
//! | it always ends | [`Terms::ending`] |
//! | it fails where files are missing five minutes after its start | [`Terms::give_up_after`], [`Terms::missing`] |
//! | one that failed attaches nothing | [`Partial`] |
//! | one that has ended shows its files without URLs, and not what became of each | [`JobSettings::file_status`] |
//! | what went wrong stands in `detail.errors` | none |
//! | upload URLs live from the start of the job, so that asking again brings no fresh ones | [`JobSettings::url_clock`], [`JobSettings::url_life`] |
//! | every event and request exists | [`JobSettings::unknown_objects`] |
//! | one that does not is told with 400, before a job is created | [`JobSettings::unknown_as`] |
//! | a file of a name that is there already stands beside the other one | [`Terms::namesakes`] |
//! | a second upload of a file before the job ends takes the place of the first, one after it is taken and changes nothing | none |
//!
//! In one thing it is stricter on purpose: the storage refuses a request that shows it an API's
//! keys, because a client that does so leaks them.

mod api;
mod befall;
mod body;
mod delivery;
mod fault;
mod home;
mod jobs;
mod jsonapi;
mod listener;
pub mod log;
mod rate;
mod record;
mod reply;
mod route;
mod s3_error;
pub mod scenario;
mod script;
mod settings;
mod sign;
mod storage;
mod store;
mod target;
mod view;
mod world;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::home::Home;
use self::jobs::JOBS_BASE;
use self::jsonapi::Problem;
use self::listener::{CuttableListener, Wire};
use self::log::{Entry, LogError};
use self::reply::{Answer, Reply};
use self::route::{API_BASE, Route};
use self::scenario::ScenarioError;
use self::world::Shared;

pub use self::fault::{BadFault, Effect, Fault, When};
pub use self::jobs::{
    BudgetSettings, Ending, FileNames, FileStatus, JobFile, JobKeys, JobSettings, JobWords,
    Missing, Namesakes, Partial, Phase, PostBody, PostBudgets, PostStatus, Refused, Slashes,
    StoredJob, Terms, UnknownAs, UrlClock, WrongSlash, job_files, jobs,
};
pub use self::route::Operation;
pub use self::script::Fired;
pub use self::settings::{
    Clash, DottedIds, EmptySizes, ExternalIds, Keys, PurgeClock, Settings, Titles,
};
pub use self::store::{StateError, StoredAttachment, stored, stored_by_external_id};
pub use self::target::Target;

/// How long an emulator that is being stopped waits for the requests in hand.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address cannot be had.
    #[error(
        "the emulator cannot listen on {address}: {source}; give another address, or port 0 for any that is free"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another emulator has the state folder.
    #[error("the emulator's state, {}, is in use by another emulator; stop that one, or give another folder", path.display())]
    InUse {
        /// The state folder.
        path: PathBuf,
    },
    /// The state folder cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The request log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A fault makes no sense.
    #[error(transparent)]
    Fault(#[from] BadFault),
    /// The file with the faults cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Other clients would take all there is.
    #[error(
        "{others} requests a second of other clients leave nothing of the {rate} that are allowed; \
         let them take fewer"
    )]
    NothingLeft {
        /// How many they were to take.
        others: u32,
        /// How many there are.
        rate: NonZeroU32,
    },
}

/// A running emulator. It ends when it is stopped or dropped.
pub struct Emulator {
    shared: Arc<Shared>,
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
        let (others, rate) = (settings.others, settings.rate);
        if others >= rate.get() {
            return Err(EmulatorError::NothingLeft { others, rate });
        }
        let home = Home::open(settings.state.as_deref())?;
        let (signer, world) = home::load(&home.folder, &settings)?;
        let (running, ended) = watch::channel(());
        let unusable = |source| EmulatorError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(unusable)?;
        let shared = Arc::new(Shared {
            address: reachable(listener.local_addr().map_err(unusable)?),
            folder: home.folder.clone(),
            settings,
            signer,
            world: Mutex::new(world),
            running: ended,
        });
        Ok(Self {
            server: tokio::spawn(serve(listener, Arc::clone(&shared))),
            shared,
            running,
            home,
        })
    }

    /// The base of the attachments API, to be used like that of the service.
    pub fn base_url(&self) -> String {
        self.shared.url(API_BASE)
    }

    /// The base of the jobs API, likewise.
    pub fn jobs_base_url(&self) -> String {
        self.shared.url(JOBS_BASE)
    }

    /// The address under which it is reached.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The folder that holds its state.
    pub fn state(&self) -> &Path {
        &self.home.path
    }

    /// The request log, to be read with [`log::read`].
    pub fn log_path(&self) -> &Path {
        &self.home.folder.log
    }

    /// How often each scripted fault has fired, in the order in which they were given.
    pub fn fired(&self) -> Vec<Fired> {
        self.shared.world().faults.fired()
    }

    /// How many requests other clients of the company sent, up to the last one of ours.
    pub fn other_clients(&self) -> u64 {
        self.shared.world().others.requests()
    }

    /// Removes an attachment, as somebody does in the service's own pages: the API has no request
    /// for it. Of several with the same external id it is the oldest. Returns its id, if there was
    /// one.
    pub fn remove(&self, external_id: &str) -> io::Result<Option<u64>> {
        let store = &mut self.shared.world().store;
        let id = store.ids_of(external_id).first().copied();
        id.map(|id| store.remove(id)).transpose()?;
        Ok(id)
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

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let ended = Arc::clone(&shared);
    let app = Router::new()
        .fallback(take)
        .with_state(shared)
        .into_make_service_with_connect_info::<Wire>();
    let serving = axum::serve(CuttableListener(listener), app)
        .with_graceful_shutdown(async move { ended.ended().await });
    // Accepting is tried again for ever, so that no error comes from here.
    if let Err(error) = serving.await {
        tracing::error!(%error, "the emulator stopped serving");
    }
}

/// Takes a request from its connection.
async fn take(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let ended = shared.ended();
    // On a task of its own, the request is decided and logged even if its client goes away, which
    // would end this function wherever it just waits.
    let answer = tokio::spawn(async move { answer(&shared, request).await }).await;
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

async fn answer(shared: &Arc<Shared>, request: Request) -> Answer {
    let arrival = Instant::now();
    let route = Route::of(request.method(), request.uri().path());
    let mut entry = Entry::new(route.operation(), Timestamp::now());
    request.method().as_str().clone_into(&mut entry.method);
    request.uri().path().clone_into(&mut entry.path);
    match route {
        Route::Api(route) => {
            note_query(&mut entry, &request);
            api::answer(shared, request, route, entry, arrival).await
        }
        Route::Jobs(route) => {
            note_query(&mut entry, &request);
            jobs::answer(shared, request, route, entry, arrival).await
        }
        Route::Storage(route) => storage::answer(shared, request, &route, entry).await,
        Route::Outside => shared.settle(entry, |_, _| Reply::empty(StatusCode::NOT_FOUND).into()),
    }
}

/// Adds the query to the logged path. Not for the storage, where it is a signature.
fn note_query(entry: &mut Entry, request: &Request) {
    if let Some(query) = request.uri().query() {
        entry.path = format!("{}?{query}", entry.path);
    }
}
