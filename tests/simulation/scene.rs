//! What a story is about: a service, the rows that are sent to it, and what must be true of both.

use std::collections::HashMap;
use std::sync::Arc;

use crate::memory_service::{Address, Operation, Script};
use consign::backup::Vault;
use consign::destination::archive::Original;
use consign::destination::{
    Amended, AttachmentApi, CreatedAttachment, CreatedJob, Destination, JobPresence, Key,
    NewAttachment, NewJob, NewNames, Place, Presence,
};
use consign::event::Events;
use consign::http::{Failure, FetchFailure, Fetched, PutFailure, Receipt};
use consign::model::{AttachmentId, ExternalId};
use consign::pipeline::{AttachmentTask, Halt, Settings, run_attachments};
use consign::plan::Wishes;
use consign::throttle::quota::Budget;
use fastrand::Rng;
use tokio::time::Sleep;

use crate::machine::{Disk, DiskJournal};
use crate::network::{BadRequest, Client};
use crate::record::Record;
use crate::rows::TheRow;

/// Whether a line is durable is a matter for the referee, unless the disk is known to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// The line that announces a request must be durable when it is sent.
    AreWatched,
    /// What comes of it is what counts.
    AreNotWatched,
}

/// Somebody filtered the results.
pub(crate) const LINES_LOST: &str = "lines lost";

/// Nobody answered one row.
pub(crate) const ROW_ALONE: &str = "a row that failed alone";

/// A run was refused for that.
pub(crate) const RESUME_REFUSED: &str = "refused for lost lines";

/// Somebody looked, and let it go on.
pub(crate) const RESUME_ALLOWED: &str = "allowed all the same";

/// Somebody put a copy of the results back.
pub(crate) const PUT_BACK: &str = "a copy put back";

/// How things go in the world of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Bad,
    Calm,
}

/// What the user asks for in a run, beside its rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    pub(crate) wishes: Wishes,
    pub(crate) backups: Backups,
}

/// Whether what is replaced is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Backups {
    AreMade,
    #[default]
    AreNot,
}

/// What a run goes with.
pub(crate) struct RunWith<'a, S: Scene> {
    pub(crate) client: &'a Client<'a, S::Service, S::Referee>,
    pub(crate) journal: &'a DiskJournal<'a>,
    pub(crate) vault: Option<&'a dyn Vault>,
    pub(crate) settings: &'a Settings,
    pub(crate) events: &'a Events,
}

/// A service, its rows, and what must be true of them.
pub(crate) trait Scene: Sized {
    type Service: Destination<Target = Address> + 'static;
    type Referee: Watches;
    /// What its machine is given to work on.
    type Task;

    /// The kinds of requests that the service may refuse as they are.
    const REFUSED: &'static [Operation] = &[];

    /// The kinds of requests of which one row's may stay without an answer while those of others get
    /// theirs.
    const BAD_REQUESTS: &'static [BadRequest] = &[];

    /// Whether people filter the results.
    const LOSES_LINES: bool = false;

    /// Draws the rules of the service and the rows, of which somebody else may have some already.
    async fn set(random: &mut Rng, script: Script, disk: Arc<Disk>, lines: Lines) -> Self;

    fn service(&self) -> &Arc<Self::Service>;

    fn referee(&self) -> &Self::Referee;

    /// What a new run knows of the service's budgets, for reads and for changes: that nothing of
    /// them is spent.
    fn budgets(&self) -> Option<[Budget; 2]>;

    /// What the user asks for in the next run.
    fn ask(&mut self, _random: &mut Rng, _weather: Weather) -> Asked {
        Asked::default()
    }

    /// What an import makes of its manifest and its results before it sends anything.
    fn tasks(&mut self, random: &mut Rng, concurrency: usize, weather: Weather) -> Vec<Self::Task>;

    /// The `external_id`s that the rows of tasks are to get.
    fn wished_ids(_tasks: &[Self::Task]) -> Vec<ExternalId> {
        Vec::new()
    }

    /// Takes tasks through the machine of its service.
    async fn run(tasks: Vec<Self::Task>, with: RunWith<'_, Self>, stop: Sleep) -> Option<Halt>;

    /// Whether a run may begin although lines of the results are gone. Where it may not, somebody looks,
    /// and lets it go on or puts a copy back. Returns what became of it.
    fn look_at_lost_lines(&mut self) -> Option<&'static str> {
        None
    }

    /// Between two runs somebody may save another version of a file, or hang a row elsewhere.
    fn change_something(&mut self, random: &mut Rng);

    /// After each run, however it ended.
    fn hold(&self) -> Result<(), String>;

    /// The rows that are sent to it.
    fn rows(&self) -> &[TheRow];

    /// Whether no row is left on which a further run would work.
    fn is_over(&self) -> bool;

    /// The lines of the rows on which one would.
    fn undone(&self) -> String;

    /// Whether one run in calm weather must do from here.
    fn nothing_excuses_a_second_run(&self) -> bool;

    /// After the last run.
    fn hold_at_the_end(&self) -> Result<(), String>;
}

/// Sees every request and answer of every run.
pub(crate) trait Watches: Sync {
    fn record(&self) -> &Record;

    /// A new run begins: what was under way is of unknown fate, and no answer of the last run is
    /// known any more.
    fn new_run(&self);

    /// Somebody has filtered the results, which took so long that nothing is on its way any more.
    fn lines_lost(&self) {}

    /// Looks at the service, as it is before a request is sent, and after it.
    fn look(&self) {}

    /// Bytes are about to be sent. Returns for which record.
    fn putting(&self, address: Address) -> AttachmentId;

    fn put(&self, address: Address, answer: &Result<Receipt, PutFailure>);
}

/// The same of a service that keeps attachments.
pub(crate) trait WatchesAttachments: Watches {
    fn found(&self, key: &ExternalId, answer: &Result<Presence, Failure>);

    fn got(&self, id: &AttachmentId, answer: &Result<Presence, Failure>);

    fn listed(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, Presence>, Failure>,
    );

    fn creating(&self, new: &NewAttachment);

    fn created(&self, new: &NewAttachment, answer: &Result<CreatedAttachment<Address>, Failure>);

    fn original(&self, id: &AttachmentId, answer: &Result<Option<Original<Address>>, Failure>);

    fn fetched(&self, place: Address, answer: &Result<Fetched, FetchFailure>);

    fn amending(&self, key: Key<'_>, names: &NewNames);

    fn amended(&self, key: Key<'_>, answer: &Result<Amended, Failure>);

    fn renewing(&self, id: &AttachmentId);

    fn renewed(&self, id: &AttachmentId, answer: &Result<Place<Address>, Failure>);
}

/// The same of a service that makes jobs.
pub(crate) trait WatchesJobs: Watches {
    fn looked_up(&self, id: &AttachmentId, answer: &Result<JobPresence<Address>, Failure>);

    fn creating(&self, new: &NewJob);

    fn created(&self, new: &NewJob, answer: &Result<CreatedJob<Address>, Failure>);
}

/// Takes tasks through the machine of attachments.
pub(crate) async fn run_with_attachments<S>(
    tasks: Vec<AttachmentTask>,
    with: RunWith<'_, S>,
    stop: Sleep,
) -> Option<Halt>
where
    S: Scene<Service: AttachmentApi, Referee: WatchesAttachments>,
{
    let (settings, events) = (with.settings, with.events);
    let tasks = tasks.into_iter();
    run_attachments(
        tasks,
        with.client,
        with.journal,
        with.vault,
        settings,
        events,
        stop,
    )
    .await
}
