//! Scene of jobs: the service for jobs, rows that go through jobs, and a person who looks where
//! only people can tell.

mod job_promises;
mod job_referee;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::FaultScript;
use crate::memory_service::job_service::{
    self, AddressRule, AttachRule, FailedJobReport, JobServiceRules, JobStartRule as Starts,
    MissingFileRule, StuckJobRule, UnknownObjectRule,
};
use consign::pipeline::{HaltReason, JobTask, TaskRow, run_jobs};
use consign::plan::{
    FailedJobPolicy, JobCandidate, JobLimits, JobStart, ProtocolStart, RowPlan, UpdatePolicy,
    group_into_jobs, needs_manual_check, plan_row,
};
use consign::prepare::RowFile;
use consign::throttle::quota::{QuotaBudget, RequestAllowance};
use fastrand::Rng;

use crate::power_and_disk::{LostLineKind, SimulatedDisk};
use crate::rows::{SimulatedRow, event_with_id};
use crate::scene::{
    COPY_PUT_BACK, FaultPeriod, LineWatch, RESUME_ALLOWED, RunParts, RunWatcher as _,
    SimulationScene,
};
use crate::simulated_client::UnansweredRequest;

use job_promises::JobPromises;
use job_referee::JobReferee;

/// Most files that share a job.
const MAX_FILES_PER_JOB: usize = 3;

/// Budget for creations that a few rows use up.
const FEW_POSTS: &[RequestAllowance] = &[
    RequestAllowance {
        requests: 3,
        window: Duration::from_hours(1),
    },
    RequestAllowance {
        requests: 8,
        window: Duration::from_hours(24),
    },
];

/// Budget for look-ups that a few rows use up.
const FEW_READS: &[RequestAllowance] = &[
    RequestAllowance {
        requests: 10,
        window: Duration::from_mins(1),
    },
    RequestAllowance {
        requests: 100,
        window: Duration::from_hours(1),
    },
];

/// Rows over two objects, and the service that attaches their files.
pub(crate) struct JobScene {
    rules: JobServiceRules,
    service: Arc<job_service::MemoryJobService>,
    referee: JobReferee,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
}

impl SimulationScene for JobScene {
    type Service = job_service::MemoryJobService;
    type Referee = JobReferee;
    type Task = JobTask;

    const UNANSWERABLE_REQUESTS: &'static [UnansweredRequest] =
        &[UnansweredRequest::Create, UnansweredRequest::Upload];

    const LOSES_LINES: bool = true;

    async fn draw_scene(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = draw_rules(random);
        let rows = 1..=random.usize(1..=5);
        Self {
            service: Arc::new(job_service::MemoryJobService::with_faults(
                rules.clone(),
                script,
            )),
            rules,
            referee: JobReferee::new(Arc::clone(&disk), lines),
            disk,
            rows: rows.map(|number| draw_row(random, number)).collect(),
        }
    }

    fn service(&self) -> &Arc<job_service::MemoryJobService> {
        &self.service
    }

    fn referee(&self) -> &JobReferee {
        &self.referee
    }

    fn budgets(&self) -> Option<[QuotaBudget; 2]> {
        Some([self.rules.read_allowances, self.rules.post_allowances].map(QuotaBudget::new))
    }

    fn tasks(
        &mut self,
        random: &mut Rng,
        concurrency: usize,
        weather: FaultPeriod,
    ) -> Vec<JobTask> {
        let mut to_send: HashMap<u32, TaskRow<JobStart>> = HashMap::new();
        let mut candidates = Vec::new();
        for (index, row) in (0..).zip(&self.rows) {
            let failed_jobs = self.review_failed_job(row, random, weather);
            let previous = self.disk.durable_line(row.key());
            let file = RowFile::Ready(row.content);
            match plan_row(
                &row.row,
                file,
                previous.clone(),
                UpdatePolicy::default(),
                failed_jobs,
            ) {
                RowPlan::KeepLine => {}
                RowPlan::RecordLine(line) => self.disk.write_durably(*line),
                RowPlan::SendRequests(ProtocolStart::Attachment(_)) => {
                    unreachable!("every row is for a job")
                }
                RowPlan::SendRequests(ProtocolStart::Job(start)) => {
                    candidates.push(JobCandidate {
                        index,
                        object: row.row.object,
                        job: start.earlier_job().cloned(),
                        file_name: row.row.stored_file_name().to_owned(),
                        size: row.content.stamp.size,
                    });
                    to_send.insert(index, row.task(start, previous.as_ref()));
                }
            }
        }
        let limits = JobLimits {
            max_files: MAX_FILES_PER_JOB.min(concurrency),
            max_bytes: 1_000_000,
        };
        let units = group_into_jobs(candidates, limits).into_iter();
        let rows_of =
            |rows: Vec<u32>| JobTask::from_rows(rows.iter().filter_map(|row| to_send.remove(row)));
        let tasks: Vec<JobTask> = units.filter_map(rows_of).collect();
        let mut jobs = HashSet::new();
        let first = |task: &JobTask| task.iter().next()?.start.earlier_job().cloned();
        for job in tasks.iter().filter_map(first) {
            if !jobs.insert(job.clone()) {
                self.referee.note_split(&job);
            }
        }
        tasks
    }

    async fn run(
        tasks: Vec<JobTask>,
        with: RunParts<'_, Self>,
        stop: impl Future<Output = Duration>,
    ) -> Option<HaltReason> {
        let (settings, events) = (with.settings, with.events);
        run_jobs(
            tasks.into_iter(),
            with.client,
            with.journal,
            settings,
            events,
            stop,
        )
        .await
    }

    fn resolve_lost_lines(&mut self) -> Option<&'static str> {
        let lines = self
            .rows
            .iter()
            .map(|row| self.disk.counting_line(row.key()));
        let doubtful = self.disk.lost_lines().doubtful_rows(lines);
        if doubtful.is_empty() {
            return None;
        }
        let mut doubtful = doubtful.into_iter().map(|number| &self.rows[number - 1]);
        // Stands for a look of a person at the objects: no lost line of the row named a job.
        let is_in_none =
            |row: &SimulatedRow| !self.disk.has_lost(row.key(), LostLineKind::RecordLine);
        if doubtful.all(is_in_none) {
            return Some(RESUME_ALLOWED);
        }
        self.disk.restore_filtered_lines();
        Some(COPY_PUT_BACK)
    }

    fn maybe_change_rows(&mut self, random: &mut Rng) {
        for row in &mut self.rows {
            if row.maybe_change(event_with_id(8), random) {
                let record = self.referee.log();
                record.note(|| format!("{} is changed", row.key()));
            }
        }
    }

    fn check_promises(&self) -> Result<(), String> {
        self.promises().check()
    }

    fn rows(&self) -> &[SimulatedRow] {
        &self.rows
    }

    fn all_rows_are_done(&self) -> bool {
        self.promises().all_rows_are_done()
    }

    fn undone_lines(&self) -> String {
        self.promises().undone_lines()
    }

    fn one_calm_run_must_do(&self) -> bool {
        self.promises().one_calm_run_must_do()
    }

    fn check_final_promises(&self) -> Result<(), String> {
        self.promises().check_at_the_end()
    }
}

impl JobScene {
    /// Decides about the failed job of a row that only people can judge: a person looks at the
    /// object, and asks for a retry if the file is not there. While faults happen, the person may
    /// not find the time.
    fn review_failed_job(
        &self,
        row: &SimulatedRow,
        random: &mut Rng,
        weather: FaultPeriod,
    ) -> FailedJobPolicy {
        let previous = self.disk.durable_line(row.key());
        let finds_time = weather == FaultPeriod::Calm || random.bool();
        let is_asked = previous.is_some_and(|line| needs_manual_check(&line));
        if !is_asked || !finds_time || self.promises().is_attached(row) {
            return FailedJobPolicy::Leave;
        }
        let key = &row.row.external_id;
        self.referee
            .log()
            .note(|| format!("{key} may be tried again"));
        self.referee.allow_retry(key);
        FailedJobPolicy::Retry
    }

    fn promises(&self) -> JobPromises<'_> {
        JobPromises::new(&self.rows, &self.service, &self.disk, &self.rules)
    }
}

/// Draws the object and the file name of a row.
fn draw_row(random: &mut Rng, number: usize) -> SimulatedRow {
    let object = random.choice([7, 7, 8]).unwrap_or(7);
    let mut row = SimulatedRow::new(number, event_with_id(object));
    if random.u8(0..8) == 0 {
        // Another row may have this name, too.
        row.row.file_name = Some("1.pdf".into());
    }
    row
}

/// Draws the rules of the service.
fn draw_rules(random: &mut Rng) -> JobServiceRules {
    let mut one_of = |choices: &[u64]| choices[random.usize(0..choices.len())];
    let seconds = Duration::from_secs;
    let mut rules = JobServiceRules {
        start: match one_of(&[0, 1, 2, 3, 4]) {
            0 => Starts::AtOnce,
            _ => Starts::After(seconds(one_of(&[0, 1, 3, 20, 90]))),
        },
        address_life: seconds(one_of(&[60, 60, 60, 300, 30])),
        addresses: match one_of(&[0, 1]) {
            0 => AddressRule::GoodFromStart,
            _ => AddressRule::NewAtEachLookUp,
        },
        end_delay: seconds(one_of(&[0, 5, 60, 240, 400])),
        give_up_after: seconds(one_of(&[60, 120, 600, 3_600])),
        missing_files: match one_of(&[0, 1, 2]) {
            0 => MissingFileRule::Completes,
            _ => MissingFileRule::Fails,
        },
        attaching: match one_of(&[0, 1]) {
            0 => AttachRule::AtSuccess,
            _ => AttachRule::OnArrival,
        },
        failed_job_report: match one_of(&[0, 1]) {
            0 => FailedJobReport::Nothing,
            _ => FailedJobReport::EachFile,
        },
        stuck_jobs: match one_of(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            0 => StuckJobRule::Every(one_of(&[1, 2, 3])),
            _ => StuckJobRule::None,
        },
        forgets_ended_after: match one_of(&[0, 1, 2, 3]) {
            0 => Some(seconds(one_of(&[90, 1_800]))),
            _ => None,
        },
        unknown_objects: match one_of(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            0 => vec![event_with_id(8)],
            _ => Vec::new(),
        },
        unknown_as: match one_of(&[0, 1]) {
            0 => UnknownObjectRule::Refused,
            _ => UnknownObjectRule::Failed,
        },
        post_allowances: match one_of(&[0, 1, 2, 3]) {
            0 => FEW_POSTS,
            _ => JobServiceRules::default().post_allowances,
        },
        read_allowances: match one_of(&[0, 1, 2, 3]) {
            0 => FEW_READS,
            _ => JobServiceRules::default().read_allowances,
        },
        round_trip: seconds(one_of(&[0, 0, 1])) + Duration::from_millis(20),
        job_timeout: Duration::from_mins(5),
    };
    if rules.address_life < Duration::from_mins(1) {
        // Addresses that expire before the next look-up is allowed are of no use.
        rules.read_allowances = JobServiceRules::default().read_allowances;
    }
    rules
}
