//! The connection of one command: the service or the embedded emulator, the clients with their keys,
//! and the user's wish to stop.

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

/// A destination, and all that it takes to speak to it.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) base: &'a Base,
    pub(super) access: &'a Access,
    pub(super) service: &'a ServiceConfig,
    pub(super) jobs: &'a Jobs,
}

/// What a session is opened with.
pub(super) struct Opening {
    pub(super) max_errors: Option<usize>,
    pub(super) wishes: Wishes,
    pub(super) at_stop: AtStop,
}

/// What becomes of requests under way when the user wants to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtStop {
    /// They are carried through, as far as that takes no longer than half a minute.
    Finish,
    /// They are given up: they change nothing.
    GiveUp,
}

impl AtStop {
    /// What the user is told.
    fn words(self) -> &'static str {
        match self {
            Self::Finish => {
                "stopping: no new rows; those under way have 30 s (once more to end at once)\n"
            }
            Self::GiveUp => "stopping: what has not come by now is left out\n",
        }
    }
}

/// All that a run needs to send requests.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) stopping: Stopping,
    pub(super) began: Instant,
    emulator: Option<Emulator>,
}

impl Session {
    /// Starts the emulator, where that is what the user wants, and sets up its clients.
    async fn open(
        with: &Opening,
        target: Target<'_>,
        client: Option<Client>,
        introduced: Option<Instant>,
    ) -> Result<Self, Error> {
        let stopping = Stopping::watch(with.at_stop)?;
        let service = target.access.credentials.service();
        if let (Some(introduced), Service::Workday) = (introduced, service) {
            // The service counts that request, too, and the pace of the run knows nothing of it.
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

    /// Ends the emulator, if there is one.
    pub(super) async fn close(self) {
        if let Some(emulator) = self.emulator {
            emulator.stop().await;
        }
    }
}

/// What a session is made from: a service may be asked for a first answer before there is one, when
/// Ctrl-C still ends the program at once.
pub(super) struct Contact<'a> {
    target: Target<'a>,
    /// It lives to the end, so that a second Ctrl-C ends the program whatever it is at.
    runtime: Runtime,
    /// The client of a service; none of an emulator, which is not there yet.
    client: Option<Client>,
    /// When a first answer came, if one was asked for.
    introduced: Option<Instant>,
}

impl<'a> Contact<'a> {
    /// Sets up the clients of a service. Nothing is sent.
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

    /// The destination.
    pub(super) fn target(&self) -> Target<'a> {
        self.target
    }

    /// Asks a service for a first answer, which proves address and keys. The emulator of this run is
    /// there, and takes anybody's keys.
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

    /// Opens the session, and hands over the runtime that it lives on.
    pub(super) fn open(self, with: &Opening) -> Result<(Session, Runtime), Error> {
        let opened = Session::open(with, self.target, self.client, self.introduced);
        Ok((self.runtime.block_on(opened)?, self.runtime))
    }
}

/// The client of the service that the manifest is for.
pub(super) enum Client {
    Workday(Box<Workday>),
    Keelvar(Box<Keelvar>),
}

impl Client {
    /// A client that sends the keys to a base.
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

    /// Asks for a first answer, which proves address and keys.
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

    /// How long so many requests take at the least, all kinds being sent at once.
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
            // It begins empty, so an id that an earlier run left in its results must not mean
            // anything to it.
            first_id: fastrand::u64(100_000..1_000_000_000),
            ..AttachmentSettings::default()
        },
        ..emulator::Settings::default()
    };
    let anywhere_here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(Emulator::start(anywhere_here, settings).await?)
}

/// The user's wish to stop. The second one ends the program at once: what is durable is what counts,
/// so nothing has to be cleared up.
#[derive(Debug)]
pub(super) struct Stopping(watch::Receiver<Option<Stop>>);

impl Stopping {
    fn watch(at_stop: AtStop) -> Result<Self, Error> {
        let mut signals = Signals::listen()?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let first = signals.next().await;
            tell(at_stop.words());
            // Where nobody waits for it any more, the run is at its end anyway.
            let _ = sender.send(Some(first));
            let second = signals.next().await;
            std::process::exit(second.exit().code().into());
        });
        Ok(Self(receiver))
    }

    /// Resolves once the user wants to stop.
    pub(super) async fn requested(&self) {
        let mut wish = self.0.clone();
        // The sender lives as long as the runtime.
        let _ = wish.wait_for(Option::is_some).await;
    }

    /// How the user wanted to stop, if so.
    pub(super) fn stop(&self) -> Option<Stop> {
        *self.0.borrow()
    }
}
