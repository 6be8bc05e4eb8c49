//! The connection of one run: the service or the embedded emulator, the clients with their keys,
//! and the user's wish to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Instant;

use tokio::sync::watch;
use url::Url;

use crate::cli::ImportArgs;
use crate::config::{Access, Base};
use crate::destination::workday::Workday;
use crate::emulator::{self, Emulator};
use crate::error::Error;
use crate::pipeline::Settings;
use crate::signals::{Signals, Stop};
use crate::text::tell;

/// All that a run needs to send requests.
pub(super) struct Session {
    pub(super) destination: Workday,
    pub(super) settings: Settings,
    pub(super) stopping: Stopping,
    pub(super) began: Instant,
    emulator: Option<Emulator>,
}

impl Session {
    /// Starts the emulator, where that is what the user wants, and sets up the clients.
    pub(super) async fn open(
        args: &ImportArgs,
        base: &Base,
        access: &Access,
    ) -> Result<Self, Error> {
        let stopping = Stopping::watch()?;
        let (url, emulator) = match base {
            Base::Service(url) => (url.clone(), None),
            Base::Emulator => {
                let emulator = start_emulator(args.service.rate).await?;
                let url = Url::parse(&emulator.base_url()).expect("the emulator's base is a URL");
                (url, Some(emulator))
            }
        };
        Ok(Self {
            destination: Workday::new(url, access.credentials.headers(), &access.network)?,
            settings: Settings {
                rate: args.service.rate,
                concurrency: args.service.concurrency,
                max_errors: args.max_errors,
                max_outage: args.service.max_outage,
                destination: base.label(),
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

async fn start_emulator(rate: u32) -> Result<Emulator, Error> {
    let settings = emulator::Settings {
        rate: NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN),
        // It begins empty, so an id that an earlier run left in its results must not mean anything
        // to it.
        first_id: fastrand::u64(100_000..1_000_000_000),
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
    fn watch() -> Result<Self, Error> {
        let mut signals = Signals::listen()?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            let first = signals.next().await;
            tell("stopping: no new rows; those under way have 30 s (once more to end at once)\n");
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
