//! Scene of jobs: the service for jobs, rows that go through jobs, and a person who looks where
//! only people can tell.

mod promises;
mod referee;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::FaultScript;
use crate::memory_service::jobs::{
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
use tokio::time::Sleep;

use crate::machine::{LostLineRange, SimulatedDisk};
use crate::network::UnansweredRequest;
use crate::rows::{SimulatedRow, event};
use crate::scene::{
    LineWatch, PUT_BACK, RESUME_ALLOWED, RunParts, RunWatcher as _, SimulationScene, WorldMood,
};

use promises::JobPromises;
use referee::JobReferee;

/// Most files that share a job.
const FILES: usize = 3;

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
    service: Arc<jobs::MemoryJobService>,
    referee: JobReferee,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
}

impl SimulationScene for JobScene {
    type Service = jobs::MemoryJobService;
    type Referee = JobReferee;
    type Task = JobTask;

    const BAD_REQUESTS: &'static [UnansweredRequest] =
        &[UnansweredRequest::Create, UnansweredRequest::Upload];

    const LOSES_LINES: bool = true;

    async fn set(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = draw_rules(random);
        let rows = 1..=random.usize(1..=5);
        Self {
            service: Arc::new(jobs::MemoryJobService::with_faults(rules.clone(), script)),
            rules,
            referee: JobReferee::new(Arc::clone(&disk), lines),
            disk,
            rows: rows.map(|number| draw_row(random, number)).collect(),
        }
    }

    fn service(&self) -> &Arc<jobs::MemoryJobService> {
        &self.service
    }

    fn referee(&self) -> &JobReferee {
        &self.referee
    }

    fn budgets(&self) -> Option<[QuotaBudget; 2]> {
        Some([self.rules.reads, self.rules.posts].map(QuotaBudget::new))
    }

    fn tasks(&mut self, random: &mut Rng, concurrency: usize, weather: WorldMood) -> Vec<JobTask> {
        let mut to_send: HashMap<u32, TaskRow<JobStart>> = HashMap::new();
        let mut candidates = Vec::new();
        for (index, row) in (0..).zip(&self.rows) {
            let failed_jobs = self.look_at(row, random, weather);
            let previous = self.disk.durable(row.key());
            let file = RowFile::Ready(row.content);
            match plan_row(
                &row.row,
                file,
                previous.clone(),
                UpdatePolicy::default(),
                failed_jobs,
            ) {
                RowPlan::KeepLine => {}
                RowPlan::RecordLine(line) => self.disk.write(*line),
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
            max_files: FILES.min(concurrency),
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
                self.referee.goes_on_apart(&job);
            }
        }
        tasks
    }

    async fn run(tasks: Vec<JobTask>, with: RunParts<'_, Self>, stop: Sleep) -> Option<HaltReason> {
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

    fn look_at_lost_lines(&mut self) -> Option<&'static str> {
        let lines = self
            .rows
            .iter()
            .map(|row| self.disk.counting_line(row.key()));
        let doubtful = self.disk.lost().doubtful_rows(lines);
        if doubtful.is_empty() {
            return None;
        }
        let mut doubtful = doubtful.into_iter().map(|number| &self.rows[number - 1]);
        // Stands for a look of a person at the objects: no lost line of the row named a job.
        let is_in_none =
            |row: &SimulatedRow| !self.disk.has_lost(row.key(), LostLineRange::OfItsRecord);
        if doubtful.all(is_in_none) {
            return Some(RESUME_ALLOWED);
        }
        self.disk.put_lines_back();
        Some(PUT_BACK)
    }

    fn change_something(&mut self, random: &mut Rng) {
        for row in &mut self.rows {
            if row.change_perhaps(event(8), random) {
                let record = self.referee.record();
                record.note(|| format!("{} is changed", row.key()));
            }
        }
    }

    fn hold(&self) -> Result<(), String> {
        self.promises().hold()
    }

    fn rows(&self) -> &[SimulatedRow] {
        &self.rows
    }

    fn is_over(&self) -> bool {
        self.promises().are_all_done()
    }

    fn undone(&self) -> String {
        self.promises().undone()
    }

    fn nothing_excuses_a_second_run(&self) -> bool {
        self.promises().nothing_excuses_a_second_run()
    }

    fn hold_at_the_end(&self) -> Result<(), String> {
        self.promises().hold_at_the_end()
    }
}

impl JobScene {
    /// Decides about the failed job of a row that only people can judge: a person looks at the
    /// object, and asks for a retry if the file is not there. While faults happen, the person may
    /// not find the time.
    fn look_at(&self, row: &SimulatedRow, random: &mut Rng, weather: WorldMood) -> FailedJobPolicy {
        let previous = self.disk.durable(row.key());
        let finds_time = weather == WorldMood::Calm || random.bool();
        let is_asked = previous.is_some_and(|line| needs_manual_check(&line));
        if !is_asked || !finds_time || self.promises().is_attached(row) {
            return FailedJobPolicy::Leave;
        }
        let key = &row.row.external_id;
        self.referee
            .record()
            .note(|| format!("{key} may be tried again"));
        self.referee.pardon(key);
        FailedJobPolicy::Retry
    }

    fn promises(&self) -> JobPromises<'_> {
        JobPromises::now(&self.rows, &self.service, &self.disk, &self.rules)
    }
}

/// Draws the object and the file name of a row.
fn draw_row(random: &mut Rng, number: usize) -> SimulatedRow {
    let object = random.choice([7, 7, 8]).unwrap_or(7);
    let mut row = SimulatedRow::new(number, event(object));
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
            0 => AddressRule::OfTheStart,
            _ => AddressRule::OfEachLook,
        },
        end_delay: seconds(one_of(&[0, 5, 60, 240, 400])),
        give_up_after: seconds(one_of(&[60, 120, 600, 3_600])),
        missing: match one_of(&[0, 1, 2]) {
            0 => MissingFileRule::Completes,
            _ => MissingFileRule::Fails,
        },
        attaches: match one_of(&[0, 1]) {
            0 => AttachRule::AllTogether,
            _ => AttachRule::AsTheyCome,
        },
        tells: match one_of(&[0, 1]) {
            0 => FailedJobReport::Nothing,
            _ => FailedJobReport::EachFile,
        },
        stuck: match one_of(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            0 => StuckJobRule::Every(one_of(&[1, 2, 3])),
            _ => StuckJobRule::None,
        },
        forgets_after: match one_of(&[0, 1, 2, 3]) {
            0 => Some(seconds(one_of(&[90, 1_800]))),
            _ => None,
        },
        unknown: match one_of(&[0, 1, 2, 3, 4, 5, 6, 7]) {
            0 => vec![event(8)],
            _ => Vec::new(),
        },
        unknown_as: match one_of(&[0, 1]) {
            0 => UnknownObjectRule::Refused,
            _ => UnknownObjectRule::Failed,
        },
        posts: match one_of(&[0, 1, 2, 3]) {
            0 => FEW_POSTS,
            _ => JobServiceRules::default().posts,
        },
        reads: match one_of(&[0, 1, 2, 3]) {
            0 => FEW_READS,
            _ => JobServiceRules::default().reads,
        },
        round_trip: seconds(one_of(&[0, 0, 1])) + Duration::from_millis(20),
        timeout: Duration::from_mins(5),
    };
    if rules.address_life < Duration::from_mins(1) {
        // Addresses that expire before the next look-up is allowed are of no use.
        rules.reads = JobServiceRules::default().reads;
    }
    rules
}
