//! Scheduler of a run: keeps a bounded number of tasks under way, with either state machine.
//!
//! Everything runs in one task, so a row that is given up leaves nothing behind but its journal
//! lines.

use std::pin::pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::attachment::{AttachmentMachine, SharedAttachmentState};
use super::common_failure::CommonFailureCounter;
use super::job::{JobMachine, SharedJobState};
use super::request_sender::RequestSender;
use super::upload_slots::HeldSlots;
use super::{AttachmentTask, HaltReason, JobTask, RunSettings};
use crate::backup::BackupStore;
use crate::destination::{AttachmentApi, Destination, JobApi};
use crate::event::EventSender;
use crate::results::journal::Journal;
use crate::results::{ResultsEntry, Status};

/// Longest time for which rows under way may continue once something in the run has stopped the
/// run. The user's stop brings a time of its own.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Highest number of tasks under way at once. Rows awaiting confirmation hold no slot, so the limit
/// bounds memory where the service reports sizes late.
const MAX_TASKS_UNDER_WAY: usize = 5_000;

/// Imports all rows into a service with attachments.
///
/// Returns the reason for an early stop, or `None` if all rows have ended. Old content is kept in
/// `backup_store`, if there is one, before new bytes replace it. `stop` resolves when the user
/// wants the run to end, to the longest time for which rows under way may continue.
pub async fn run_attachments<D: AttachmentApi, J: Journal>(
    tasks: impl Iterator<Item = AttachmentTask>,
    destination: &D,
    journal: &J,
    backup_store: Option<&dyn BackupStore>,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = Duration>,
) -> Option<HaltReason> {
    let run = ImportRun::new(destination, journal, settings, events);
    let common = SharedAttachmentState::new(backup_store, settings.look_ups);
    let begin = |task, slot| {
        let (machine, start) = AttachmentMachine::new(&run, &common, task, slot);
        machine.run(start)
    };
    let serving = common.serve(&run);
    let tasks = CountedTasks {
        tasks,
        count_rows: |_: &AttachmentTask| 1,
    };
    let halt = run
        .run_tasks(tasks, begin, serving, || common.close_proofs(), stop)
        .await;
    common.report_clash_finding(events);
    halt
}

/// Imports all rows into a service with jobs. `stop` and the result are as in [`run_attachments`].
pub async fn run_jobs<D: JobApi, J: Journal>(
    tasks: impl Iterator<Item = JobTask>,
    destination: &D,
    journal: &J,
    settings: &RunSettings,
    events: &EventSender,
    stop: impl Future<Output = Duration>,
) -> Option<HaltReason> {
    let run = ImportRun::new(destination, journal, settings, events);
    let common = SharedJobState::new(destination.job_timeout());
    let begin = |task, slot| {
        let (machine, earlier) = JobMachine::new(&run, &common, task, slot);
        machine.run(earlier)
    };
    let polling = common.poller.serve(&run.requests);
    let tasks = CountedTasks {
        tasks,
        count_rows: JobTask::row_count,
    };
    run.run_tasks(tasks, begin, polling, || (), stop).await
}

/// Requests, journal, settings and events shared by all rows of a run.
pub(super) struct ImportRun<'a, D, J> {
    pub(super) requests: RequestSender<'a, D>,
    pub(super) journal: &'a J,
    pub(super) settings: &'a RunSettings,
    pub(super) events: &'a EventSender,
}

/// Last lines of the rows of a state machine.
pub(super) struct FinalLines(pub(super) Vec<ResultsEntry>);

/// Tasks, and the function to count the rows of a task.
struct CountedTasks<I, R> {
    tasks: I,
    count_rows: R,
}

impl<'a, D: Destination, J: Journal> ImportRun<'a, D, J> {
    fn new(
        destination: &'a D,
        journal: &'a J,
        settings: &'a RunSettings,
        events: &'a EventSender,
    ) -> Self {
        Self {
            requests: RequestSender::new(destination, settings, events).with_fence(journal),
            journal,
            settings,
            events,
        }
    }

    /// Begins tasks as slots get free, until all have ended or something stops the run.
    ///
    /// `serving` is driven meanwhile. `at_end` is called when the run stops and nothing new is to
    /// begin.
    async fn run_tasks<'s, I: Iterator, F: Future<Output = Result<FinalLines, HaltReason>>>(
        &'s self,
        CountedTasks {
            tasks,
            count_rows: rows_of,
        }: CountedTasks<I, impl Fn(&I::Item) -> usize>,
        begin: impl Fn(I::Item, HeldSlots<'s>) -> F,
        serving: impl Future<Output = HaltReason>,
        at_end: impl Fn(),
        stop: impl Future<Output = Duration>,
    ) -> Option<HaltReason> {
        let mut tasks = tasks.fuse().peekable();
        let mut under_way = FuturesUnordered::new();
        let mut stop = pin!(stop.fuse());
        let mut grace = DRAIN_TIMEOUT;
        let mut serving = pin!(serving.fuse());
        let mut failed = 0;
        let mut alike = CommonFailureCounter::default();
        let halt = loop {
            if tasks.peek().is_none() {
                self.requests.note_no_more_rows();
                if under_way.is_empty() {
                    return None;
                }
            }
            let next = tasks.peek().map_or(0, &rows_of);
            let may_start = next > 0 && under_way.len() < MAX_TASKS_UNDER_WAY;
            tokio::select! {
                biased;
                granted = &mut stop => {
                    grace = granted;
                    break HaltReason::Interrupted;
                }
                halt = &mut serving => break halt,
                Some(ended) = under_way.next() => match ended {
                    Ok(FinalLines(ends)) => {
                        failed += count_errors(&ends);
                        if self.settings.max_errors.is_some_and(|most| failed > most) {
                            break HaltReason::TooManyErrors(failed);
                        }
                        let first = ends.iter().find_map(|end| alike.count(end).cloned());
                        // Once all rows are begun, a stop could save nothing; and a user who says
                        // how many rows may fail wants the run to continue so far.
                        let is_to_stop = tasks.peek().is_some() && self.settings.max_errors.is_none();
                        if let Some(first) = first.filter(|_| is_to_stop) {
                            break HaltReason::CommonFailure(first);
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
        self.requests.note_no_more_rows();
        self.requests.end_job_waits();
        at_end();
        if halt.lets_rows_finish() {
            let time_is_up = async {
                // The user may want an end sooner, while the run is ending for another reason.
                if let Ok(granted) = tokio::time::timeout(grace, &mut stop).await {
                    tokio::time::sleep(granted).await;
                }
            };
            // Rows that have not ended by then stay as the journal says, for the next run.
            let drained = tokio::select! {
                biased;
                through = all_completed(&mut under_way) => through,
                _ = &mut serving => false,
                () = time_is_up => false,
            };
            if halt == HaltReason::Interrupted && drained && tasks.peek().is_none() {
                return None;
            }
        }
        Some(halt)
    }
}

impl HaltReason {
    /// Returns `true` if rows under way may still end: not while nothing can be recorded, or while
    /// the service does not answer.
    fn lets_rows_finish(&self) -> bool {
        match self {
            Self::JournalUnusable
            | Self::BackupFailed(_)
            | Self::FilesUnavailable(_)
            | Self::Outage(_)
            | Self::NeverAnswered { .. }
            | Self::NeverPossible(_) => false,
            Self::KeysRejected(_)
            | Self::ExternalIdNotRouted(_)
            | Self::TooManyErrors(_)
            | Self::CommonFailure(_)
            | Self::Interrupted
            | Self::RowAbandoned => true,
        }
    }
}

/// Waits for all tasks under way. Returns `true` if none of them ended with a [`HaltReason`].
async fn all_completed(
    under_way: &mut FuturesUnordered<impl Future<Output = Result<FinalLines, HaltReason>>>,
) -> bool {
    let mut through = true;
    while let Some(ended) = under_way.next().await {
        through &= ended.is_ok();
    }
    through
}

fn count_errors(ends: &[ResultsEntry]) -> usize {
    let is_error = |end: &&ResultsEntry| matches!(end.status, Status::Failed | Status::Conflict);
    ends.iter().filter(is_error).count()
}
