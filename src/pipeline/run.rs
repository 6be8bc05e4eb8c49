//! Scheduler of a run: keeps a bounded number of tasks under way, with either state machine.
//!
//! Everything runs in one task, so a row that is given up leaves nothing behind but its journal
//! lines.

use std::pin::pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::alike::AlikeFailures;
use super::attachment::{AttachmentCommon, AttachmentMachine};
use super::job::{JobCommon, JobMachine};
use super::requests::Requests;
use super::slots::Slot;
use super::{AttachmentTask, Halt, JobTask, Settings};
use crate::backup::Vault;
use crate::destination::{AttachmentApi, Destination, JobApi};
use crate::event::Events;
use crate::results::journal::Journal;
use crate::results::{Entry, Status};

/// Longest time for which rows under way may go on once the run is to end.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// Highest number of tasks under way at once. Rows awaiting confirmation hold no slot, so the limit
/// bounds memory where the service shows sizes late.
const MOST_UNCONFIRMED: usize = 5_000;

/// Imports all rows into a service with attachments.
///
/// Returns the reason for an early stop, or `None` if all rows have ended. Old content is kept in
/// `vault`, if there is one, before new bytes replace it. `stop` resolves when the user wants the
/// run to end.
pub async fn run_attachments<D: AttachmentApi, J: Journal>(
    tasks: impl Iterator<Item = AttachmentTask>,
    destination: &D,
    journal: &J,
    vault: Option<&dyn Vault>,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> Option<Halt> {
    let run = Run::new(destination, journal, settings, events);
    let common = AttachmentCommon::new(vault);
    let begin = |task, slot| {
        let (machine, start) = AttachmentMachine::new(&run, &common, task, slot);
        machine.run(start)
    };
    let polling = common.poller.serve(&run.requests);
    let tasks = Tasks {
        tasks,
        rows_of: |_: &AttachmentTask| 1,
    };
    run.work(tasks, begin, polling, || common.end(), stop).await
}

/// Imports all rows into a service with jobs. `stop` and the result are as in [`run_attachments`].
pub async fn run_jobs<D: JobApi, J: Journal>(
    tasks: impl Iterator<Item = JobTask>,
    destination: &D,
    journal: &J,
    settings: &Settings,
    events: &Events,
    stop: impl Future<Output = ()>,
) -> Option<Halt> {
    let run = Run::new(destination, journal, settings, events);
    let common = JobCommon::new(destination.job_timeout());
    let begin = |task, slot| {
        let (machine, earlier) = JobMachine::new(&run, &common, task, slot);
        machine.run(earlier)
    };
    let polling = common.poller.serve(&run.requests);
    let tasks = Tasks {
        tasks,
        rows_of: JobTask::rows,
    };
    run.work(tasks, begin, polling, || (), stop).await
}

/// Requests, journal, settings and events shared by all rows of a run.
pub(super) struct Run<'a, D, J> {
    pub(super) requests: Requests<'a, D>,
    pub(super) journal: &'a J,
    pub(super) settings: &'a Settings,
    pub(super) events: &'a Events,
}

/// Last lines of the rows of a machine.
pub(super) struct Ended(pub(super) Vec<Entry>);

/// Tasks, and the function to count the rows of a task.
struct Tasks<I, R> {
    tasks: I,
    rows_of: R,
}

impl<'a, D: Destination, J: Journal> Run<'a, D, J> {
    fn new(destination: &'a D, journal: &'a J, settings: &'a Settings, events: &'a Events) -> Self {
        Self {
            requests: Requests::new(destination, settings, events).fenced_by(journal),
            journal,
            settings,
            events,
        }
    }

    /// Begins tasks as slots get free, until all have ended or something stops the run.
    ///
    /// `polling` is driven meanwhile. `at_end` is called when the run stops and nothing new is to
    /// begin.
    async fn work<'s, I: Iterator, F: Future<Output = Result<Ended, Halt>>>(
        &'s self,
        Tasks { tasks, rows_of }: Tasks<I, impl Fn(&I::Item) -> usize>,
        begin: impl Fn(I::Item, Slot<'s>) -> F,
        polling: impl Future<Output = Halt>,
        at_end: impl Fn(),
        stop: impl Future<Output = ()>,
    ) -> Option<Halt> {
        let mut tasks = tasks.fuse().peekable();
        let mut under_way = FuturesUnordered::new();
        let mut stop = pin!(stop);
        let mut polling = pin!(polling.fuse());
        let mut failed = 0;
        let mut alike = AlikeFailures::default();
        let halt = loop {
            if tasks.peek().is_none() {
                self.requests.no_more_to_come();
                if under_way.is_empty() {
                    return None;
                }
            }
            let next = tasks.peek().map_or(0, &rows_of);
            let may_start = next > 0 && under_way.len() < MOST_UNCONFIRMED;
            tokio::select! {
                biased;
                () = &mut stop => break Halt::Interrupted,
                halt = &mut polling => break halt,
                Some(ended) = under_way.next() => match ended {
                    Ok(Ended(ends)) => {
                        failed += errors_in(&ends);
                        if self.settings.max_errors.is_some_and(|most| failed > most) {
                            break Halt::TooManyErrors(failed);
                        }
                        let first = ends.iter().find_map(|end| alike.take(end).cloned());
                        // Once all rows are begun, a stop could save nothing; and a user who says
                        // how many rows may fail wants the run to go on so far.
                        let is_to_stop = tasks.peek().is_some() && self.settings.max_errors.is_none();
                        if let Some(first) = first.filter(|_| is_to_stop) {
                            break Halt::FailedAlike(first);
                        }
                    }
                    Err(halt) => break halt,
                },
                slot = self.requests.slots().take(next), if may_start => {
                    if let Some(task) = tasks.next() {
                        under_way.push(begin(task, slot));
                    }
                }
            }
        };
        self.requests.no_more_to_come();
        self.requests.end();
        at_end();
        if halt.leaves_something_to_finish() {
            let drained = async {
                tokio::select! {
                    biased;
                    through = all_through(&mut under_way) => through,
                    _ = &mut polling => false,
                }
            };
            // Rows that have not ended by then stay as the journal says, for the next run.
            let drained = tokio::time::timeout(DRAIN_LIMIT, drained).await;
            if halt == Halt::Interrupted && drained == Ok(true) && tasks.peek().is_none() {
                return None;
            }
        }
        Some(halt)
    }
}

impl Halt {
    /// Returns `true` if rows under way may still end: not while nothing can be recorded, or while
    /// the service does not answer.
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

/// Waits for all tasks under way. Returns `true` if none of them ended with a [`Halt`].
async fn all_through(
    under_way: &mut FuturesUnordered<impl Future<Output = Result<Ended, Halt>>>,
) -> bool {
    let mut through = true;
    while let Some(ended) = under_way.next().await {
        through &= ended.is_ok();
    }
    through
}

fn errors_in(ends: &[Entry]) -> usize {
    let is_error = |end: &&Entry| matches!(end.status, Status::Failed | Status::Conflict);
    ends.iter().filter(is_error).count()
}
