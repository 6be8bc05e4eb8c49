//! Connection of one command: the base URL of the service or the embedded emulator, the client with
//! its keys, and the listener for Ctrl-C.
//!
//! First [`SessionBuilder`], which may ask the service for a first answer; then [`Session`], with
//! which a pipeline sends requests. The requests themselves are the business of `pipeline`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use url::Url;

use crate::config::{
    JobPolicy, ResolvedDestination, ServiceAccess, ServiceConfig, ServiceCredentials,
};
use crate::destination::keelvar::{self, KeelvarClient};
use crate::destination::workday::WorkdayClient;
use crate::destination::{BudgetKind, Destination as _};
use crate::emulator::{self, AttachmentSettings, Emulator};
use crate::error::CommandError;
use crate::http::HttpClientError;
use crate::model::{AttachmentId, LookUpMode, ProcurementService};
use crate::mutex::lock_despite_poison;
use crate::pipeline::{self, PreflightError, PreflightSuccess, RunSettings};
use crate::plan::UpdatePolicy;
use crate::signals::{SignalListener, StopSignal};
use crate::text::write_stderr;
use crate::throttle::EarlierAnswer;
use crate::throttle::pacer::{COUNTING_WINDOW, Pacer};

/// Base URL, keys and settings from which a client is made.
#[derive(Clone, Copy)]
pub(super) struct ConnectionConfig<'a> {
    pub(super) base: &'a ResolvedDestination,
    pub(super) access: &'a ServiceAccess,
    pub(super) service: &'a ServiceConfig,
    pub(super) jobs: &'a JobPolicy,
}

/// Settings of a session apart from its connection.
pub(super) struct SessionOptions {
    pub(super) max_errors: Option<usize>,
    pub(super) update_policy: UpdatePolicy,
    pub(super) look_ups: LookUpMode,
    pub(super) stop_policy: StopPolicy,
}

/// Policy for requests under way when the user wants to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopPolicy {
    /// Requests under way are finished, for at most the grace period of the stop signal.
    FinishRequests,
    /// Requests under way are given up: none of them changes anything.
    AbandonRequests,
}

impl StopPolicy {
    /// Returns the message for the user at the first stop signal.
    fn stop_notice(self, signal: StopSignal) -> String {
        match self {
            Self::FinishRequests => format!(
                "stopping: no new rows; rows under way have {} s (stop again to end at once)\n",
                signal.grace_period().as_secs()
            ),
            Self::AbandonRequests => {
                "stopping: answers that have not arrived are left out\n".to_owned()
            }
        }
    }
}

/// Client, pipeline settings and stop listener of one run.
pub(super) struct Session {
    pub(super) client: ServiceClient,
    pub(super) settings: RunSettings,
    pub(super) stop_listener: StopListener,
    pub(super) began: Instant,
    emulator: Option<Emulator>,
}

impl Session {
    /// Starts the emulator if the base is the emulator, and sets up its client.
    async fn open(
        with: &SessionOptions,
        target: ConnectionConfig<'_>,
        client: Option<ServiceClient>,
        introduced: Option<Instant>,
    ) -> Result<Self, CommandError> {
        let stopping = StopListener::start(with.stop_policy)?;
        let service = target.access.credentials.service();
        if let (Some(introduced), ProcurementService::Workday) = (introduced, service) {
            // The service counts the first request, too, but the pacer of the run starts without
            // it.
            tokio::time::sleep(COUNTING_WINDOW.saturating_sub(introduced.elapsed())).await;
        }
        let (url, emulator) = match target.base {
            ResolvedDestination::Service(url) => (url.clone(), None),
            ResolvedDestination::Emulator => {
                let emulator = start_emulator(target.service.rate).await?;
                let base = match service {
                    ProcurementService::Workday => emulator.base_url(),
                    ProcurementService::Keelvar => emulator.jobs_base_url(),
                };
                let url = Url::parse(&base).expect("the emulator's base is a URL");
                (url, Some(emulator))
            }
        };
        Ok(Self {
            client: match client {
                Some(client) => client,
                None => ServiceClient::new(url, target)?,
            },
            settings: RunSettings {
                pacer: Arc::new(Pacer::new(target.service.rate)),
                rows_at_once: target.service.concurrency,
                max_errors: with.max_errors,
                max_outage: target.service.max_outage,
                earlier_answer: match introduced {
                    Some(_) => EarlierAnswer::Received,
                    None => EarlierAnswer::NoneYet,
                },
                destination: target.base.label(),
                update_policy: with.update_policy,
                look_ups: with.look_ups,
                seed: fastrand::u64(..),
            },
            stop_listener: stopping,
            began: Instant::now(),
            emulator,
        })
    }

    /// Notes that the service has answered, so that later phases take a silence for an outage.
    pub(super) fn note_answer(&mut self) {
        self.settings.earlier_answer = EarlierAnswer::Received;
    }

    /// Stops the emulator, if the session started one.
    pub(super) async fn close(self) {
        if let Some(emulator) = self.emulator {
            emulator.stop().await;
        }
    }
}

/// Builder of a [`Session`]. A service is asked for a first answer before there is a session,
/// because until then Ctrl-C still ends the program at once.
pub(super) struct SessionBuilder<'a> {
    config: ConnectionConfig<'a>,
    /// Runtime of the session. The runtime lives to the end of the program, so a second Ctrl-C ends
    /// the program at any moment.
    runtime: Runtime,
    /// Client of the service; `None` for the emulator, which is started with the session.
    client: Option<ServiceClient>,
    /// Time of the first answer; `None` if no first answer was asked for.
    first_answer_at: Option<Instant>,
}

impl<'a> SessionBuilder<'a> {
    /// Sets up the client of a service. Sends nothing.
    pub(super) fn new(target: ConnectionConfig<'a>) -> Result<Self, CommandError> {
        let client = match target.base {
            ResolvedDestination::Service(url) => Some(ServiceClient::new(url.clone(), target)?),
            ResolvedDestination::Emulator => None,
        };
        Ok(Self {
            config: target,
            runtime: Runtime::new()?,
            client,
            first_answer_at: None,
        })
    }

    /// Connection settings.
    pub(super) fn config(&self) -> ConnectionConfig<'a> {
        self.config
    }

    /// Asks the service for a first answer, for at most `limit`. The answer proves address and
    /// keys, unless [`PreflightSuccess::Unproven`] is returned. Returns
    /// [`PreflightSuccess::Proven`] without a request for the emulator: the program starts the
    /// emulator itself, and the emulator accepts any keys.
    pub(super) fn preflight(
        &mut self,
        known: Option<&AttachmentId>,
        limit: Duration,
        waiting: impl FnOnce(&str),
    ) -> Result<PreflightSuccess, PreflightError> {
        let Some(client) = &self.client else {
            return Ok(PreflightSuccess::Proven);
        };
        let cleared = self
            .runtime
            .block_on(client.preflight(known, limit, waiting))?;
        self.first_answer_at = Some(Instant::now());
        Ok(cleared)
    }

    /// Opens the session. Returns the session and the runtime on which its tasks run.
    pub(super) fn open(self, with: &SessionOptions) -> Result<(Session, Runtime), CommandError> {
        let opened = Session::open(with, self.config, self.client, self.first_answer_at);
        Ok((self.runtime.block_on(opened)?, self.runtime))
    }
}

/// Client of the service that the manifest is for.
pub(super) enum ServiceClient {
    Workday(Box<WorkdayClient>),
    Keelvar(Box<KeelvarClient>),
}

impl ServiceClient {
    /// Returns a client for `base`, with the keys of the user.
    fn new(
        base: Url,
        ConnectionConfig { access, jobs, .. }: ConnectionConfig<'_>,
    ) -> Result<Self, HttpClientError> {
        let (keys, network) = (access.credentials.headers(), &access.network);
        match &access.credentials {
            ServiceCredentials::Workday(_) => {
                let workday = WorkdayClient::new(base, keys, network)?;
                Ok(Self::Workday(Box::new(workday)))
            }
            ServiceCredentials::Keelvar { user, .. } => {
                let settings = keelvar::KeelvarSettings {
                    user: user.clone(),
                    job_timeout: jobs.timeout,
                    success_words: jobs.success_words.clone(),
                };
                let keelvar = KeelvarClient::new(base, keys, network, settings)?;
                Ok(Self::Keelvar(Box::new(keelvar)))
            }
        }
    }

    /// Asks the service for a first answer, as [`SessionBuilder::preflight`] says.
    async fn preflight(
        &self,
        known: Option<&AttachmentId>,
        limit: Duration,
        waiting: impl FnOnce(&str),
    ) -> Result<PreflightSuccess, PreflightError> {
        match self {
            Self::Workday(to) => pipeline::preflight(&**to, known, limit, waiting).await,
            Self::Keelvar(to) => pipeline::preflight(&**to, known, limit, waiting).await,
        }
    }

    /// Lower bound of the time for `reads` and `changes` requests, sent at `rate` requests per
    /// second and within the budgets of the service for each kind.
    pub(super) fn least_time(&self, reads: u64, changes: u64, rate: u32) -> Duration {
        let at_the_rate = Duration::from_secs_f64((reads + changes) as f64 / f64::from(rate));
        let within = |kind, requests| match self {
            Self::Workday(to) => to.budget(kind).map(|budget| budget.minimum_time(requests)),
            Self::Keelvar(to) => to.budget(kind).map(|budget| budget.minimum_time(requests)),
        };
        let of_kinds = [
            within(BudgetKind::Read, reads),
            within(BudgetKind::Change, changes),
        ];
        let longest = of_kinds.into_iter().flatten().max();
        longest.map_or(at_the_rate, |longest| longest.max(at_the_rate))
    }
}

async fn start_emulator(rate: u32) -> Result<Emulator, CommandError> {
    let settings = emulator::EmulatorSettings {
        attachments: AttachmentSettings {
            requests_per_second: NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN),
            // An emulator begins empty. Random first ids keep ids in the results of earlier runs
            // from meaning anything to a new emulator.
            first_id: fastrand::u64(100_000..1_000_000_000),
            ..AttachmentSettings::default()
        },
        ..emulator::EmulatorSettings::default()
    };
    let anywhere_here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Emulator::start(anywhere_here, settings).await?)
}

/// Listener for the user's stop signals. A second signal ends the program at once: all progress is
/// durable by then, and nothing has to be cleared up.
#[derive(Debug)]
pub(super) struct StopListener {
    stop: watch::Receiver<Option<StopSignal>>,
    /// Policy of the present phase of the session, which the notice to the user names.
    policy: Arc<Mutex<StopPolicy>>,
}

impl StopListener {
    fn start(at_stop: StopPolicy) -> Result<Self, CommandError> {
        let mut signals = SignalListener::listen()?;
        let (sender, stop) = watch::channel(None);
        let policy = Arc::new(Mutex::new(at_stop));
        let present = Arc::clone(&policy);
        tokio::spawn(async move {
            let first = signals.next_signal().await;
            let notice = lock_despite_poison(&present).stop_notice(first);
            write_stderr(&notice);
            // Without a receiver, the run is at its end anyway.
            let _ = sender.send(Some(first));
            loop {
                let next = signals.next_signal().await;
                if next.is_insistent() {
                    std::process::exit(next.exit().code().into());
                }
            }
        });
        Ok(Self { stop, policy })
    }

    /// Sets the policy for the phase that begins now.
    pub(super) fn set_policy(&self, policy: StopPolicy) {
        *lock_despite_poison(&self.policy) = policy;
    }

    /// Waits until the user wants to stop.
    pub(super) async fn wait_for_stop(&self) {
        let mut wish = self.stop.clone();
        // The sender lives as long as the runtime.
        let _ = wish.wait_for(Option::is_some).await;
    }

    /// Waits until the user wants to stop, and returns the longest time for which requests under way
    /// may continue.
    pub(super) async fn wait_for_grace_period(&self) -> Duration {
        let mut wish = self.stop.clone();
        match wish.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal.grace_period(),
            // The sender lives as long as the runtime.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Signal with which the user stopped the run; `None` while there is none.
    pub(super) fn requested_stop(&self) -> Option<StopSignal> {
        *self.stop.borrow()
    }
}
