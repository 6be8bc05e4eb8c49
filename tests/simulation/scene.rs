//! Interface of a scene: a service, the rows sent there, and the promises about both.
//! [`SimulationScene`] is implemented by `attachment_scene`, `clash_scene`, `amend_scene` and
//! `job_scene`, [`RunWatcher`] by their referees.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::{FaultScript, MemoryAddress, RequestKind};
use consign::backup::BackupStore;
use consign::destination::attachment_metadata::AttachmentDownload;
use consign::destination::{
    AttachmentApi, AttachmentPresence, AttachmentSelector, CreatedAttachment, CreatedJob,
    Destination, JobPresence, NameUpdate, NewAttachment, NewJob, UpdatedAttachment, UploadTarget,
};
use consign::event::EventSender;
use consign::http::{ApiFailure, FetchFailure, FetchedContent, PutFailure, PutReceipt};
use consign::model::{AttachmentId, ExternalId, LookUpMode};
use consign::pipeline::{AttachmentTask, HaltReason, RunSettings, run_attachments};
use consign::plan::{FailedJobPolicy, ProtocolStart, RowPlan, UpdatePolicy, plan_row};
use consign::prepare::RowFile;
use consign::throttle::quota::QuotaBudget;
use fastrand::Rng;

use crate::power_and_disk::{SimulatedDisk, SimulatedJournal};
use crate::rows::SimulatedRow;
use crate::simulated_client::{SimulatedClient, UnansweredRequest};
use crate::story_log::StoryLog;

/// Choice whether the referee checks that lines are durable: no check where the disk is known to
/// lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineWatch {
    /// The line that announces a request must be durable when the request is sent.
    On,
    /// Only the consequences of a missing line count.
    Off,
}

/// Name under which filterings of the results are counted.
pub(crate) const LINES_LOST: &str = "lines lost";

/// Name under which runs with one unanswered row are counted.
pub(crate) const ROW_UNANSWERED: &str = "a row that failed alone";

/// Name under which runs refused for lost lines are counted.
pub(crate) const RESUME_REFUSED: &str = "refused for lost lines";

/// Name of the decision to allow a refused run, after a look at the objects.
pub(crate) const RESUME_ALLOWED: &str = "allowed all the same";

/// Name of the decision to put a copy of the results back.
pub(crate) const COPY_PUT_BACK: &str = "a copy put back";

/// State of the world during a run: with faults, or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultPeriod {
    Faulty,
    Calm,
}

/// Options of the user for one run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunOptions {
    pub(crate) policy: UpdatePolicy,
    pub(crate) backups: BackupChoice,
    pub(crate) look_ups: LookUpMode,
}

/// Choice whether replaced content is kept in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BackupChoice {
    Made,
    #[default]
    NotMade,
}

/// Parts of a run, beside the tasks.
pub(crate) struct RunParts<'a, S: SimulationScene> {
    pub(crate) client: &'a SimulatedClient<'a, S::Service, S::Referee>,
    pub(crate) journal: &'a SimulatedJournal<'a>,
    pub(crate) backup_store: Option<&'a dyn BackupStore>,
    pub(crate) settings: &'a RunSettings,
    pub(crate) events: &'a EventSender,
}

/// A service, the rows sent there, and the promises about both.
pub(crate) trait SimulationScene: Sized {
    type Service: Destination<Target = MemoryAddress> + 'static;
    type Referee: RunWatcher;
    /// Work for the protocol: a row, or the rows of a job.
    type Task;

    /// Kinds of requests refused for good at times.
    const REFUSABLE_REQUESTS: &'static [RequestKind] = &[];

    /// Kinds of requests left unanswered for a single row at times, while other rows get answers.
    const UNANSWERABLE_REQUESTS: &'static [UnansweredRequest] = &[];

    /// `true` where people filter the results.
    const LOSES_LINES: bool = false;

    /// Draws the rules of the service, and the rows. Others may have attachments of these names
    /// already.
    async fn draw_scene(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self;

    fn service(&self) -> &Arc<Self::Service>;

    fn referee(&self) -> &Self::Referee;

    /// Returns the budgets of the service for reads and for changes, unspent, as each new run
    /// assumes them. `None` for a service without budgets.
    fn budgets(&self) -> Option<[QuotaBudget; 2]>;

    /// Returns the reach of the service's refusals in words, where runs depend on it.
    fn service_rule(&self) -> &'static str {
        ""
    }

    /// Draws the options of the user for the next run.
    fn draw_options(&mut self, _random: &mut Rng, _weather: FaultPeriod) -> RunOptions {
        RunOptions::default()
    }

    /// Returns the tasks of an import, made from manifest and results before anything is sent.
    fn tasks(
        &mut self,
        random: &mut Rng,
        concurrency: usize,
        weather: FaultPeriod,
    ) -> Vec<Self::Task>;

    /// Returns the new `external_id`s wanted by the rows of the tasks.
    fn new_external_ids(_tasks: &[Self::Task]) -> Vec<ExternalId> {
        Vec::new()
    }

    /// Runs tasks through the protocol of the service. Returns the reason if the run halted.
    async fn run(
        tasks: Vec<Self::Task>,
        with: RunParts<'_, Self>,
        stop: impl Future<Output = Duration>,
    ) -> Option<HaltReason>;

    /// Decides about a run refused because lines of the results are lost: a person looks, and
    /// allows the run or puts a copy back. Returns the name of the decision, or `None` if no line
    /// is missed.
    fn resolve_lost_lines(&mut self) -> Option<&'static str> {
        None
    }

    /// Lets people save another version of a file or attach a row elsewhere, between two runs.
    fn maybe_change_rows(&mut self, random: &mut Rng);

    /// Checks the promises after a run, however the run ended.
    fn check_promises(&self) -> Result<(), String>;

    /// Returns the rows sent to the service.
    fn rows(&self) -> &[SimulatedRow];

    /// Returns `true` if a further run would work on no row.
    fn all_rows_are_done(&self) -> bool;

    /// Describes the lines of all rows not done yet.
    fn undone_lines(&self) -> String;

    /// Returns `true` if a single run without faults must finish all rows from here.
    fn one_calm_run_must_do(&self) -> bool;

    /// Checks the promises after the last run.
    fn check_final_promises(&self) -> Result<(), String>;
}

/// Watcher of every request and answer of every run.
pub(crate) trait RunWatcher: Sync {
    fn log(&self) -> &StoryLog;

    /// Begins a new run: requests under way are of unknown outcome now, and the answers of the last
    /// run are forgotten.
    fn run_begins(&self);

    /// Notes that people have filtered the results. The filtering takes so long that no request is
    /// on its way any more.
    fn lines_were_filtered_out(&self) {}

    /// Checks the service, just before a request is sent and just after the answer.
    fn look_at_service(&self) {}

    /// Notes an upload about to be sent. Returns the id of the record.
    fn before_put(&self, address: MemoryAddress) -> AttachmentId;

    fn after_put(&self, address: MemoryAddress, answer: &Result<PutReceipt, PutFailure>);
}

/// Watcher of a service for attachments.
pub(crate) trait AttachmentWatcher: RunWatcher {
    fn after_get_by_external_id(
        &self,
        key: &ExternalId,
        answer: &Result<AttachmentPresence, ApiFailure>,
    );

    fn after_get_by_id(&self, id: &AttachmentId, answer: &Result<AttachmentPresence, ApiFailure>);

    fn after_list(
        &self,
        ids: &[AttachmentId],
        answer: &Result<HashMap<AttachmentId, AttachmentPresence>, ApiFailure>,
    );

    fn before_create(&self, new: &NewAttachment);

    fn after_create(
        &self,
        new: &NewAttachment,
        answer: &Result<CreatedAttachment<MemoryAddress>, ApiFailure>,
    );

    fn after_get_download(
        &self,
        id: &AttachmentId,
        answer: &Result<Option<AttachmentDownload<MemoryAddress>>, ApiFailure>,
    );

    fn after_download(&self, place: MemoryAddress, answer: &Result<FetchedContent, FetchFailure>);

    fn before_update_names(&self, key: AttachmentSelector<'_>, names: &NameUpdate);

    fn after_update_names(
        &self,
        key: AttachmentSelector<'_>,
        answer: &Result<UpdatedAttachment, ApiFailure>,
    );

    fn before_renew(&self, id: &AttachmentId);

    fn after_renew(
        &self,
        id: &AttachmentId,
        answer: &Result<UploadTarget<MemoryAddress>, ApiFailure>,
    );
}

/// Watcher of a service for jobs.
pub(crate) trait JobWatcher: RunWatcher {
    fn after_get_job(
        &self,
        id: &AttachmentId,
        answer: &Result<JobPresence<MemoryAddress>, ApiFailure>,
    );

    fn before_create_job(&self, new: &NewJob);

    fn after_create_job(
        &self,
        new: &NewJob,
        answer: &Result<CreatedJob<MemoryAddress>, ApiFailure>,
    );
}

/// Plans rows from their durable lines, with the default policies, and writes the lines of rows
/// without requests. Returns the tasks of the other rows.
pub(crate) fn planned_attachment_tasks(
    rows: &[SimulatedRow],
    disk: &SimulatedDisk,
) -> Vec<AttachmentTask> {
    let mut tasks = Vec::new();
    for row in rows {
        let previous = disk.durable_line(row.key());
        let task = |start| row.task(start, previous.as_ref());
        match plan_row(
            &row.row,
            RowFile::Ready(row.content),
            previous.clone(),
            UpdatePolicy::default(),
            FailedJobPolicy::Leave,
        ) {
            RowPlan::KeepLine => {}
            RowPlan::RecordLine(line) => disk.write_durably(*line),
            RowPlan::SendRequests(ProtocolStart::Job(_)) => unreachable!("no row is for a job"),
            RowPlan::SendRequests(ProtocolStart::Attachment(start)) => tasks.push(task(start)),
        }
    }
    tasks
}

/// Runs tasks through the protocol of attachments. Returns the reason if the run halted.
pub(crate) async fn run_with_attachments<S>(
    tasks: Vec<AttachmentTask>,
    with: RunParts<'_, S>,
    stop: impl Future<Output = Duration>,
) -> Option<HaltReason>
where
    S: SimulationScene<Service: AttachmentApi, Referee: AttachmentWatcher>,
{
    let (settings, events) = (with.settings, with.events);
    let tasks = tasks.into_iter();
    run_attachments(
        tasks,
        with.client,
        with.journal,
        with.backup_store,
        settings,
        events,
        stop,
    )
    .await
}
