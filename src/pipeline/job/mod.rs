//! State machine of a job, for several rows of an object: CREATE, AWAIT, PUT, CONFIRM.
//!
//! Open this file first; `send` sends the files, `end` ends the rows. A job is found by its id
//! alone, gives its addresses once started, and tells its outcome at the end. All files are sent at
//! once, since the addresses live for a minute. Exactly once, because:
//! - `creating` is durable before the POST, `created` with the id before the first byte, and
//!   `sending` before bytes may reach the job;
//! - a row goes into another job only if its job has ended, and certainly without the row's file;
//! - a POST without an answer leaves a job to which nobody can send anything, and which fails by
//!   itself; the rows go into another job.

mod end;
mod row;
mod send;

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use self::row::JobRow;
use super::context::RequestContext;
use super::poller::{JobPoller, Seen};
use super::requests::{Leave, Unmet};
use super::slots::Slot;
use super::turns::JobTurn;
use super::verdict::Verdict;
use super::{Ended, Halt, JobTask, Run};
use crate::clock::Since;
use crate::destination::{CreatedJob, Destination, JobApi, JobPresence, NewJob, Place};
use crate::event::Event;
use crate::model::{AttachmentId, ObjectRef};
use crate::plan::Sent;
use crate::results::journal::Journal;
use crate::results::{Entry, Reason, RowState};
use crate::throttle::breakers::Admitted;

/// Highest number of jobs starting at once. Their addresses are asked for two seconds apart, and
/// live for a minute.
const MOST_STARTING: usize = 10;

/// State shared by all jobs of a run.
pub(super) struct JobCommon<T> {
    /// Permits for jobs without addresses so far.
    starting: Semaphore,
    pub(super) poller: JobPoller<T>,
    /// Longest time of a job, before its rows are left to a later run.
    timeout: Duration,
}

impl<T: Clone + Send + Sync> JobCommon<T> {
    /// Creates the shared state. `timeout` is the longest time of a job.
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            starting: Semaphore::new(MOST_STARTING),
            poller: JobPoller::default(),
            timeout,
        }
    }
}

/// State machine of a job's rows.
pub(super) struct JobMachine<'a, D: JobApi, J> {
    run: &'a Run<'a, D, J>,
    common: &'a JobCommon<D::Target>,
    context: RequestContext<'a, D>,
    object: ObjectRef,
    /// Rows without an end so far.
    rows: Vec<JobRow>,
    /// Last lines of the ended rows.
    ended: Vec<Entry>,
    /// Permit held until the job gives its addresses.
    starting: Option<SemaphorePermit<'a>>,
    /// Number of jobs made.
    made: u32,
    newest: NewestJob<D::Target>,
}

/// Facts about the job of the rows.
struct NewestJob<T> {
    /// Time at which the job was made, or taken over from an earlier run.
    since: Since,
    /// `true` once the job has given its addresses.
    had_places: bool,
    /// Addresses to which bytes were sent last.
    tried: Vec<Place<T>>,
    /// Number of times the job was asked for addresses again.
    refreshes: u32,
}

impl<T> NewestJob<T> {
    /// Creates the facts about a job just made or taken over.
    fn with(has_places: bool) -> Self {
        Self {
            since: Since::now(),
            had_places: has_places,
            tried: Vec::new(),
            refreshes: 0,
        }
    }
}

/// State of the protocol of a job's rows.
enum State<T> {
    /// Create a job for the rows.
    Create,
    /// Wait until the job gives its addresses.
    Await(AttachmentId),
    /// Send the files to the addresses of the job.
    Put {
        id: AttachmentId,
        places: Vec<Place<T>>,
        issued: Since,
    },
    /// Wait for the end of the job.
    Confirm(AttachmentId),
    /// End all remaining rows with the verdict.
    End(Box<Verdict>),
    /// All rows have ended.
    Over,
}

/// Next state of the machine, or the reason to stop the run.
type Next<D> = Result<State<<D as Destination>::Target>, Halt>;

impl<'a, D: JobApi, J: Journal> JobMachine<'a, D, J> {
    pub(super) fn new(
        run: &'a Run<'a, D, J>,
        common: &'a JobCommon<D::Target>,
        task: JobTask,
        slots: Slot<'a>,
    ) -> (Self, Option<AttachmentId>) {
        let earlier = task.earlier_job().cloned();
        let machine = Self {
            run,
            common,
            context: RequestContext::new(&run.requests, task.number(), slots),
            object: task.object(),
            rows: task.into_rows().map(JobRow::new).collect(),
            ended: Vec::new(),
            starting: None,
            made: 0,
            newest: NewestJob::with(false),
        };
        (machine, earlier)
    }

    /// Takes the rows through all states, to their last lines. `earlier` is the job of an earlier
    /// run with the rows.
    pub(super) async fn run(mut self, earlier: Option<AttachmentId>) -> Result<Ended, Halt> {
        let mut state = earlier.map_or(State::Create, State::Await);
        loop {
            state = match state {
                State::Create => self.create().await?,
                State::Await(id) => self.await_places(id).await?,
                State::Put { id, places, issued } => self.put(id, places, issued).await?,
                State::Confirm(id) => self.confirm(id).await?,
                State::End(verdict) => self.end_all(&verdict).await?,
                State::Over => return Ok(Ended(self.ended)),
            };
        }
    }

    /// Announces the POST, and creates the job.
    async fn create(&mut self) -> Next<D> {
        self.context.take_slots(self.rows.len()).await;
        self.context.waited_to_change().await;
        let new = NewJob {
            object: self.object,
            files: self.rows.iter().map(JobRow::new_file).collect(),
        };
        let turn = self.turn().await?;
        let announced = Verdict::plain(RowState::Creating(Reason::None), None);
        if let Err(halt) = self.record(&announced).await {
            return self.withdraw(halt).await;
        }
        let (owner, leave) = (self.context.owner(), self.context.leave_to_change());
        let made = self
            .run
            .requests
            .change(owner, leave, async |service| service.create_job(&new).await)
            .await;
        match made {
            Ok(made) => {
                drop(turn);
                self.created(made).await
            }
            // The turn ends with the run: no other row need be told the same.
            Err(Unmet::Halt(halt)) => self.withdraw(halt).await,
            Err(unmet) => {
                drop(turn);
                self.not_created(unmet).await
            }
        }
    }

    /// Waits until a job may be made.
    async fn turn(&mut self) -> Result<JobTurn<'a>, Halt> {
        self.may_start().await;
        // The addresses are short-lived, so the storage has to be there, as far as known.
        let owner = self.context.owner();
        if let Admitted::AfterAWait = self.context.leave_to_upload(owner).await {
            self.context.set_upload_leave(Leave::Given);
        }
        self.run.requests.turn_of_a_job().await
    }

    /// Waits for a permit, while too many jobs have given no addresses.
    async fn may_start(&mut self) {
        if self.starting.is_none() {
            let starting = self.common.starting.acquire().await;
            self.starting = Some(starting.expect("this semaphore is never closed"));
        }
    }

    /// Takes the announcement of a POST back, since the run stops and the POST certainly had no
    /// effect. Without the lines, the results would say that a job may have been made.
    async fn withdraw(&mut self, halt: Halt) -> Next<D> {
        self.record(&Verdict::not_reached()).await?;
        Err(halt)
    }

    /// Records the new job, and goes on with its files.
    async fn created(&mut self, made: CreatedJob<D::Target>) -> Next<D> {
        let CreatedJob { id, places } = made;
        self.run.events.send(Event::Created);
        for row in &mut self.rows {
            row.is_in_another_job();
        }
        self.made += 1;
        self.newest = NewestJob::with(!places.is_empty());
        self.record(&Verdict::plain(RowState::Created, Some(id.clone())))
            .await?;
        if places.is_empty() {
            return Ok(State::Await(id));
        }
        Ok(State::Put {
            id,
            places,
            issued: Since::now(),
        })
    }

    /// Decides the state after a failed POST.
    async fn not_created(&mut self, unmet: Unmet) -> Next<D> {
        match unmet {
            Unmet::NotSent => Ok(State::Create),
            Unmet::Unknown(_) => {
                self.another_attempt();
                // Other rows need not wait for another try.
                self.context.give_slots_back();
                let owner = self.context.owner();
                self.run.requests.pause_between_changes(owner).await;
                Ok(State::Create)
            }
            // The same for a row given up: a job made unheard gets no bytes, and nothing depends on it.
            unmet => {
                let verdict = Verdict::of_unmet(unmet, None, self.object)?;
                Ok(State::End(Box::new(verdict)))
            }
        }
    }

    /// Waits until the job gives its addresses, or has ended.
    async fn await_places(&mut self, id: AttachmentId) -> Next<D> {
        if !self.rows.iter().any(JobRow::wants_bytes) {
            return Ok(State::Confirm(id));
        }
        self.context.take_slots(self.rows.len()).await;
        self.may_start().await;
        let (owner, timeout) = (self.context.owner(), self.common.timeout);
        let poller = &self.common.poller;
        let seen = poller.places_of(owner, id.clone(), timeout).await?;
        self.starting = None;
        Ok(match seen {
            Seen::Shown(JobPresence::Running { places, .. }) if !places.is_empty() => {
                // The job has only expired addresses to give, or nothing to gain.
                if places == self.newest.tried || self.is_in_vain(&places) {
                    return Ok(State::Confirm(id));
                }
                self.newest.had_places = true;
                State::Put {
                    id,
                    places,
                    issued: Since::now(),
                }
            }
            seen => return self.ended_or_not(id, seen).await,
        })
    }

    /// Returns `true` if a job without any bytes wants a file that no row here will send: a file
    /// changed since, or a file whose line was lost with the power. The job will fail, and without
    /// a byte in the job, all rows can go into another job without a check by a person.
    fn is_in_vain(&self, places: &[Place<D::Target>]) -> bool {
        let rows = self.rows.iter().zip(row::places_of(&self.rows, places));
        let coming = rows.filter(|(row, place)| place.is_some() && row.wants_bytes());
        let has_nothing = self.rows.iter().all(|row| row.sent == Sent::No);
        has_nothing && coming.count() < places.len()
    }

    /// Makes a journal state of all rows durable.
    async fn record(&self, verdict: &Verdict) -> Result<(), Halt> {
        let lines = self.rows.iter().map(|row| self.line(row, verdict.clone()));
        self.run.record(lines.collect()).await
    }

    /// Ends all remaining rows with the same verdict.
    async fn end_all(&mut self, verdict: &Verdict) -> Next<D> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        self.end(rows.map(|row| (row, verdict.clone())).collect())
            .await?;
        Ok(State::Over)
    }

    /// Writes the last lines of rows.
    async fn end(&mut self, ends: Vec<(JobRow, Verdict)>) -> Result<(), Halt> {
        let ends = ends.into_iter();
        let lines: Vec<Entry> = ends
            .map(|(row, verdict)| self.line(&row, verdict))
            .collect();
        self.run.end(&lines).await?;
        self.ended.extend(lines);
        Ok(())
    }

    fn line(&self, row: &JobRow, verdict: Verdict) -> Entry {
        row.line(verdict, &self.run.settings.destination)
    }

    /// Counts another attempt of each row.
    fn another_attempt(&mut self) {
        for row in &mut self.rows {
            row.row.attempts += 1;
        }
    }
}
