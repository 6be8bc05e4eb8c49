//! Connection of one command: the base URL of the service or the embedded emulator, the client with
//! its keys, and the listener for Ctrl-C.
//!
//! First [`Contact`], which may ask the service for a first answer; then [`Session`], with which a
//! pipeline sends requests. The requests themselves are the business of `pipeline`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use url::Url;

use crate::config::{Access, Base, Credentials, Jobs, ServiceConfig};
use crate::destination::keelvar::{self, Keelvar};
use crate::destination::workday::Workday;
use crate::destination::{Destination as _, Kind};
use crate::emulator::{self, AttachmentSettings, Emulator};
use crate::error::Error;
use crate::http::ClientError;
use crate::model::{AttachmentId, Service};
use crate::pipeline::{self, Cleared, Obstacle, Settings};
use crate::plan::Wishes;
use crate::signals::{Signals, Stop};
use crate::text::tell;
use crate::throttle::EarlierAnswer;
use crate::throttle::pacer::WINDOW;

/// Base URL, keys and settings from which a client is made.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) base: &'a Base,
    pub(super) access: &'a Access,
    pub(super) service: &'a ServiceConfig,
    pub(super) jobs: &'a Jobs,
}

/// Settings of a session apart from its connection.
pub(super) struct Opening {
    pub(super) max_errors: Option<usize>,
    pub(super) wishes: Wishes,
    pub(super) at_stop: AtStop,
}

/// Policy for requests under way when the user wants to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtStop {
    /// Requests under way are finished, for at most half a minute.
    Finish,
    /// Requests under way are given up: none of them changes anything.
    GiveUp,
}

impl AtStop {
    /// Message for the user at the first wish to stop.
    fn words(self) -> &'static str {
        match self {
            Self::Finish => {
                "stopping: no new rows; those under way have 30 s (once more to end at once)\n"
            }
            Self::GiveUp => "stopping: what has not come by now is left out\n",
        }
    }
}

/// Client, pipeline settings and stop listener of one run.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) stopping: Stopping,
    pub(super) began: Instant,
    emulator: Option<Emulator>,
}

impl Session {
    /// Starts the emulator if the base is the emulator, and sets up its client.
    async fn open(
        with: &Opening,
        target: Target<'_>,
        client: Option<Client>,
        introduced: Option<Instant>,
    ) -> Result<Self, Error> {
        let stopping = Stopping::watch(with.at_stop)?;
        let service = target.access.credentials.service();
        if let (Some(introduced), Service::Workday) = (introduced, service) {
            // The service counts the first request, too, but the pacer of the run starts without
            // it.
            tokio::time::sleep(WINDOW.saturating_sub(introduced.elapsed())).await;
        }
        let (url, emulator) = match target.base {
            Base::Service(url) => (url.clone(), None),
            Base::Emulator => {
                let emulator = start_emulator(target.service.rate).await?;
                let base = match service {
                    Service::Workday => emulator.base_url(),
                    Service::Keelvar => emulator.jobs_base_url(),
                };
                let url = Url::parse(&base).expect("the emulator's base is a URL");
                (url, Some(emulator))
            }
        };
        Ok(Self {
            client: match client {
                Some(client) => client,
                None => Client::new(url, target)?,
            },
            settings: Settings {
                rate: target.service.rate,
                concurrency: target.service.concurrency,
                max_errors: with.max_errors,
                max_outage: target.service.max_outage,
                first_answer: match introduced {
                    Some(_) => EarlierAnswer::Came,
                    None => EarlierAnswer::Awaited,
                },
                destination: target.base.label(),
                wishes: with.wishes,
                seed: fastrand::u64(..),
            },
            stopping,
            began: Instant::now(),
            emulator,
        })
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
pub(super) struct Contact<'a> {
    target: Target<'a>,
    /// Runtime of the session. The runtime lives to the end of the program, so a second Ctrl-C ends
    /// the program at any moment.
    runtime: Runtime,
    /// Client of the service; `None` for the emulator, which is started with the session.
    client: Option<Client>,
    /// Time of the first answer; `None` if no first answer was asked for.
    introduced: Option<Instant>,
}

impl<'a> Contact<'a> {
    /// Sets up the client of a service. Sends nothing.
    pub(super) fn prepare(target: Target<'a>) -> Result<Self, Error> {
        let client = match target.base {
            Base::Service(url) => Some(Client::new(url.clone(), target)?),
            Base::Emulator => None,
        };
        Ok(Self {
            target,
            runtime: Runtime::new()?,
            client,
            introduced: None,
        })
    }

    /// Connection settings.
    pub(super) fn target(&self) -> Target<'a> {
        self.target
    }

    /// Asks the service for a first answer, for at most `limit`. The answer proves address and keys,
    /// unless [`Cleared::Unproven`] is returned. Returns [`Cleared::Proven`] without a request for
    /// the emulator: the program starts the emulator itself, and the emulator accepts any keys.
    pub(super) fn introduce(
        &mut self,
        known: Option<&AttachmentId>,
        limit: Duration,
        waiting: impl FnOnce(&str),
    ) -> Result<Cleared, Obstacle> {
        let Some(client) = &self.client else {
            return Ok(Cleared::Proven);
        };
        let cleared = self
            .runtime
            .block_on(client.preflight(known, limit, waiting))?;
        self.introduced = Some(Instant::now());
        Ok(cleared)
    }

    /// Opens the session. Returns the session and the runtime on which its tasks run.
    pub(super) fn open(self, with: &Opening) -> Result<(Session, Runtime), Error> {
        let opened = Session::open(with, self.target, self.client, self.introduced);
        Ok((self.runtime.block_on(opened)?, self.runtime))
    }
}

/// Client of the service that the manifest is for.
pub(super) enum Client {
    Workday(Box<Workday>),
    Keelvar(Box<Keelvar>),
}

impl Client {
    /// Returns a client for `base`, with the keys of the user.
    fn new(base: Url, Target { access, jobs, .. }: Target<'_>) -> Result<Self, ClientError> {
        let (keys, network) = (access.credentials.headers(), &access.network);
        match &access.credentials {
            Credentials::Workday(_) => {
                let workday = Workday::new(base, keys, network)?;
                Ok(Self::Workday(Box::new(workday)))
            }
            Credentials::Keelvar { user, .. } => {
                let settings = keelvar::Settings {
                    user: user.clone(),
                    timeout: jobs.timeout,
                    success: jobs.success.clone(),
                };
                let keelvar = Keelvar::new(base, keys, network, settings)?;
                Ok(Self::Keelvar(Box::new(keelvar)))
            }
        }
    }

    /// Asks the service for a first answer, as [`Contact::introduce`] says.
    async fn preflight(
        &self,
        known: Option<&AttachmentId>,
        limit: Duration,
        waiting: impl FnOnce(&str),
    ) -> Result<Cleared, Obstacle> {
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
            Self::Workday(to) => to.budget(kind).map(|budget| budget.least_time(requests)),
            Self::Keelvar(to) => to.budget(kind).map(|budget| budget.least_time(requests)),
        };
        let of_kinds = [within(Kind::Read, reads), within(Kind::Change, changes)];
        let longest = of_kinds.into_iter().flatten().max();
        longest.map_or(at_the_rate, |longest| longest.max(at_the_rate))
    }
}

async fn start_emulator(rate: u32) -> Result<Emulator, Error> {
    let settings = emulator::Settings {
        attachments: AttachmentSettings {
            rate: NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN),
            // An emulator begins empty. Random first ids keep ids in the results of earlier runs
            // from meaning anything to a new emulator.
            first_id: fastrand::u64(100_000..1_000_000_000),
            ..AttachmentSettings::default()
        },
        ..emulator::Settings::default()
    };
    let anywhere_here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Emulator::start(anywhere_here, settings).await?)
}

/// Listener for the user's wish to stop. A second wish ends the program at once: all progress is
/// durable by then, and nothing has to be cleared up.
#[derive(Debug)]
pub(super) struct Stopping(watch::Receiver<Option<Stop>>);

impl Stopping {
    fn watch(at_stop: AtStop) -> Result<Self, Error> {
        let mut signals = Signals::listen()?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let first = signals.next().await;
            tell(at_stop.words());
            // Without a receiver, the run is at its end anyway.
            let _ = sender.send(Some(first));
            let second = signals.next().await;
            std::process::exit(second.exit().code().into());
        });
        Ok(Self(receiver))
    }

    /// Waits until the user wants to stop.
    pub(super) async fn requested(&self) {
        let mut wish = self.0.clone();
        // The sender lives as long as the runtime.
        let _ = wish.wait_for(Option::is_some).await;
    }

    /// Signal with which the user stopped the run; `None` while there is none.
    pub(super) fn stop(&self) -> Option<Stop> {
        *self.0.borrow()
    }
}
