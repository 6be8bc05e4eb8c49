//! From steps to results: a bounded number of rows at work at once, each unit of them through the
//! protocol of one record ([`unit`]), with one watcher that asks how records stand ([`watch`]).
//!
//! Owns the order of requests, and what is durable before each of them. Prints nothing, and opens
//! no file but those that are sent. Everything runs in one task, so a row that is given up leaves
//! nothing behind but what its journal says.

mod alike;
mod attachment;
mod inspect;
mod job;
mod member;
mod names;
mod preflight;
mod replace;
mod requests;
mod routing;
mod slots;
mod survey;
mod there;
mod turns;
mod unit;
mod verdict;
mod watch;

use std::pin::pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Semaphore;

use crate::backup::Vault;
use crate::destination::archive::Archive;
use crate::destination::{Destination, Keeps};
use crate::event::Events;
use crate::manifest::Row;
use crate::model::Content;
use crate::plan::{Start, Wishes};
use crate::results::journal::Journal;
use crate::results::{Changes, Entry, Status};
use crate::source::Source;
use crate::throttle::EarlierAnswer;

pub(crate) use alike::ALIKE_ROWS;
pub use alike::FailedRow;
pub use inspect::{Bytes, Job, Question, Seen, Wanted, inspect, inspect_jobs};
pub use preflight::{Cleared, Obstacle, preflight};
pub use survey::{NewName, Outlook, RowSurvey, Survey, survey};

use alike::AlikeFailures;
use requests::Requests;
use routing::RoutingProof;
use unit::{Ended, Unit};
use watch::Watcher;

/// How long rows that are under way may go on once the run is to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// So many jobs may be starting at once. They are asked for their addresses two seconds apart, and
/// these live for a minute.
const MOST_STARTING: usize = 10;

/// So many records may await confirmation at once, which bounds memory where they show it late.
const MOST_UNCONFIRMED: usize = 5_000;

/// A unit of work: the rows whose files go into one record, at least one. An attachment has one row;
/// those of a job have one object, and are all new or all of the same earlier job.
#[derive(Debug)]
pub struct Task {
    /// The rows.
    pub rows: Vec<TaskRow>,
}

/// One row to be worked on.
#[derive(Debug)]
pub struct TaskRow {
    /// The row.
    pub row: Row,
    /// Its file.
    pub source: Source,
    /// What the file must hold.
    pub content: Content,
    /// Where its protocol starts.
    pub start: Start,
    /// How often it was tried in earlier runs.
    pub attempts: u32,
    /// What earlier runs changed on request.
    pub changes: Changes,
}

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Settings {
    /// API requests a second.
    pub rate: u32,
    /// Rows at work at once.
    pub concurrency: usize,
    /// So many rows may fail; at one more the run stops.
    pub max_errors: Option<usize>,
    /// So long may the service be away.
    pub max_outage: Duration,
    /// Whether it has shown that it is there.
    pub first_answer: EarlierAnswer,
    /// How the destination is called in the results.
    pub destination: String,
    /// What is wanted of attachments that are there already.
    pub wishes: Wishes,
    /// What random waits depend on.
    pub seed: u64,
}

/// Why a run stops before its rows are through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The keys are rejected.
    Denied(String),
    /// The service was away for too long.
    Outage(String),
    /// The folder of the files was away for too long.
    FilesAway(String),
    /// No request of the run has got an answer, for as long as one waits for a first one.
    NeverAnswered {
        /// How the destination is called in the results: its host and path.
        destination: String,
        /// The last failure.
        why: String,
    },
    /// Nothing can ever work, such as with a certificate that is not trusted.
    Hopeless(String),
    /// The results cannot be written, or are no longer where the next run will read them.
    Journal,
    /// The old content of an attachment cannot be kept. Says where, and why not.
    Backup(String),
    /// The service takes an `external_id`, and does not find it again. Says which, where, and what was
    /// done about it.
    NotRouted(String),
    /// Too many rows failed.
    TooManyErrors(usize),
    /// The first rows all failed for one reason, and none was done. This is the first of them.
    FailedAlike(FailedRow),
    /// The user asked for it.
    Interrupted,
    /// The row was given up because the run was stopping already.
    Abandoned,
}

/// Works on all tasks. Returns why the run stopped early, or `None` where all rows were gone
/// through. What is replaced is kept in `vault` first, where there is one. `stop` resolves when the
/// user wants the run to end.
pub async fn run<D: Archive, J: Journal>(
    tasks: impl Iterator<Item = Task>,
    destination: &D,
    journal: &J,
    vault: Option<&dyn Vault>,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> Option<Halt> {
    let run = Run {
        requests: Requests::new(destination, settings, events).fenced_by(journal),
        journal,
        vault,
        routing: RoutingProof::default(),
        starting: Semaphore::new(MOST_STARTING),
        watcher: Watcher::default(),
        keeps: destination.keeps(),
        settings,
        events,
    };
    run.work(tasks, stop).await
}

/// What all rows of a run share.
struct Run<'a, D: Destination, J> {
    requests: Requests<'a, D>,
    journal: &'a J,
    vault: Option<&'a dyn Vault>,
    routing: RoutingProof,
    /// Jobs that have not yet said where their files go.
    starting: Semaphore,
    watcher: Watcher<D::Target>,
    keeps: Keeps,
    settings: &'a Settings,
    events: &'a Events,
}

impl<D: Archive, J: Journal> Run<'_, D, J> {
    async fn work(
        &self,
        tasks: impl Iterator<Item = Task>,
        stop: impl Future<Output = ()>,
    ) -> Option<Halt> {
        let mut tasks = tasks.fuse().peekable();
        let mut units = FuturesUnordered::new();
        let mut stop = pin!(stop);
        let watching = self.watcher.serve(&self.requests, &self.keeps);
        let mut watching = pin!(watching.fuse());
        let mut failed = 0;
        let mut alike = AlikeFailures::default();
        let halt = loop {
            if tasks.peek().is_none() {
                self.requests.no_more_to_come();
                if units.is_empty() {
                    return None;
                }
            }
            let next = tasks.peek().map_or(0, |task| task.rows.len());
            let may_start = next > 0 && units.len() < MOST_UNCONFIRMED;
            tokio::select! {
                biased;
                () = &mut stop => break Halt::Interrupted,
                halt = &mut watching => break halt,
                Some(ended) = units.next() => match ended {
                    Ok(Ended(ends)) => {
                        failed += errors_in(&ends);
                        if self.settings.max_errors.is_some_and(|most| failed > most) {
                            break Halt::TooManyErrors(failed);
                        }
                        let first = ends.iter().find_map(|end| alike.take(end).cloned());
                        // Where all rows are begun, nothing is left that could be saved from it, and
                        // whoever says how many rows may fail wants it so.
                        let is_to_stop = tasks.peek().is_some() && self.settings.max_errors.is_none();
                        if let Some(first) = first.filter(|_| is_to_stop) {
                            break Halt::FailedAlike(first);
                        }
                    }
                    Err(halt) => break halt,
                },
                slot = self.requests.slots().take(next), if may_start => {
                    if let Some(task) = tasks.next() {
                        units.push(Unit::new(self, task, slot).go());
                    }
                }
            }
        };
        self.requests.no_more_to_come();
        self.requests.end();
        self.routing.close();
        if halt.leaves_something_to_finish() {
            let drained = async {
                tokio::select! {
                    biased;
                    through = all_through(&mut units) => through,
                    _ = &mut watching => false,
                }
            };
            // Rows that are not through by then are as the journal says, for the next run.
            let drained = tokio::time::timeout(DRAIN_LIMIT, drained).await;
            if halt == Halt::Interrupted && drained == Ok(true) && tasks.peek().is_none() {
                return None;
            }
        }
        Some(halt)
    }

    /// So long may a job take; none, where there are no jobs.
    fn job_timeout(&self) -> Duration {
        match self.keeps {
            Keeps::Attachments => Duration::ZERO,
            Keeps::Jobs { timeout } => timeout,
        }
    }
}

impl Halt {
    /// Whether rows that are under way may still be finished: not while nothing can be recorded,
    /// or nobody is there to answer.
    fn leaves_something_to_finish(&self) -> bool {
        match self {
            Self::Journal
            | Self::Backup(_)
            | Self::FilesAway(_)
            | Self::Outage(_)
            | Self::NeverAnswered { .. }
            | Self::Hopeless(_) => false,
            Self::Denied(_)
            | Self::NotRouted(_)
            | Self::TooManyErrors(_)
            | Self::FailedAlike(_)
            | Self::Interrupted
            | Self::Abandoned => true,
        }
    }
}

/// Whether all that was under way came to its end.
async fn all_through(
    units: &mut FuturesUnordered<impl Future<Output = Result<Ended, Halt>>>,
) -> bool {
    let mut through = true;
    while let Some(ended) = units.next().await {
        through &= ended.is_ok();
    }
    through
}

fn errors_in(ends: &[Entry]) -> usize {
    let is_error = |end: &&Entry| matches!(end.status, Status::Failed | Status::Conflict);
    ends.iter().filter(is_error).count()
}

#[cfg(test)]
mod tests;
