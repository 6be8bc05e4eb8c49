//! What changes while the emulator runs, behind one lock: the attachments and the jobs, the rate and
//! the budgets, the script of faults, and the log that says in which order everything was decided.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use axum::http::StatusCode;
use jiff::Timestamp;
use tokio::sync::watch;

use super::Settings;
use super::jobs::{Budgets, Jobs};
use super::jsonapi::Problem;
use super::log::{Entry, Log};
use super::rate::{Others, Window};
use super::record::Record;
use super::reply::Answer;
use super::route::{Name, Operation};
use super::script::Script;
use super::sign::Signer;
use super::store::{Folder, Store};
use crate::sync::lock;

/// What every request is answered with.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) address: SocketAddr,
    pub(super) folder: Folder,
    pub(super) signer: Signer,
    pub(super) world: Mutex<World>,
    /// Closes when the emulator ends.
    pub(super) running: watch::Receiver<()>,
}

/// What changes.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) rate: Window,
    pub(super) others: Others,
    pub(super) jobs: Jobs,
    pub(super) budgets: Budgets,
    pub(super) faults: Script,
    pub(super) log: Log,
}

impl Shared {
    /// An URL of this emulator.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The state. It is whole even where an earlier request panicked: whatever changes it, changes
    /// the files first and the memory last.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Decides a request and logs it, so that the log's order is the order of the effects.
    pub(super) fn settle(
        &self,
        mut entry: Entry,
        decide: impl FnOnce(&mut World, &mut Entry) -> Answer,
    ) -> Answer {
        let mut world = self.world();
        let answer = decide(&mut world, &mut entry);
        entry.status = answer.status().as_ref().map(StatusCode::as_u16);
        match world.log.append(entry) {
            Ok(()) => answer,
            // Without its entry nobody could judge by the log, so the failure must show.
            Err(error) => Problem::from(error).reply().into(),
        }
    }

    /// Waits until the emulator ends.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut running = self.running.clone();
        // Nothing is ever sent: the channel only closes.
        async move { while running.changed().await.is_ok() {} }
    }
}

impl World {
    /// Counts and logs the requests of the company's other clients up to a moment. They are looked
    /// at only when one of ours comes: nothing else can tell that they were there.
    pub(super) fn let_others_have_come(&mut self, until: Instant) -> io::Result<()> {
        while let Some(at) = self.others.next_until(until) {
            self.rate.take(at);
            let ago = until.saturating_duration_since(at);
            let mut entry = Entry::new(Operation::OtherClient, Timestamp::now() - ago);
            entry.status = Some(StatusCode::OK.as_u16());
            self.log.append(entry)?;
        }
        Ok(())
    }

    /// Finds an attachment, unless it has waited for its bytes for too long: then it goes away
    /// here, which is as late as anybody can tell. Of several with the same external id, the
    /// oldest is found.
    pub(super) fn look_up(
        &mut self,
        name: &Name,
        now: Timestamp,
        settings: &Settings,
    ) -> io::Result<Option<Record>> {
        let ids = match name {
            Name::Id(id) => vec![*id],
            Name::ExternalId(external_id) => self.store.ids_of(external_id),
        };
        let is_stale =
            |record: &Record| record.is_stale(now, settings.purge_after, settings.purge_clock);
        for id in ids {
            match self.store.get(id) {
                Some(record) if is_stale(record) => {
                    let gone = record.clone();
                    self.purge(&gone, now)?;
                }
                Some(record) => return Ok(Some(record.clone())),
                None => {}
            }
        }
        Ok(None)
    }

    fn purge(&mut self, record: &Record, now: Timestamp) -> io::Result<()> {
        self.store.remove(record.id)?;
        let mut entry = Entry::new(Operation::Purge, now);
        entry.id = Some(record.id);
        entry.external_id.clone_from(&record.external_id);
        entry.object = Some(record.object.clone());
        self.log.append(entry)
    }
}
