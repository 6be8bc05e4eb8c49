//! Scene of changes: the service for attachments, rows that request replaced content, new names and
//! titles, and other people who attach files before the runs and between their requests.

mod amend_promises;
mod drawn_rows;

use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::{
    AttachmentServiceRules, FaultScript, MemoryAttachmentService, RequestKind,
};
use consign::destination::{AttachmentApi as _, Destination as _, NewAttachment, NewFile};
use consign::model::ExternalId;
use consign::pipeline::{AttachmentTask, HaltReason, TaskRow};
use consign::plan::{FailedJobPolicy, ProtocolStart, RowPlan, plan_row};
use consign::prepare::RowFile;
use consign::throttle::quota::QuotaBudget;
use fastrand::Rng;

use crate::attachment_scene::attachment_referee::AttachmentReferee;
use crate::attachment_scene::draw_rules;
use crate::attachment_scene::rival_client::RivalClient;
use crate::power_and_disk::SimulatedDisk;
use crate::row_files;
use crate::rows::{SimulatedRow, unopened_source};
use crate::scene::{
    FaultPeriod, LineWatch, RunOptions, RunParts, RunWatcher as _, SimulationScene,
    run_with_attachments,
};

use amend_promises::AmendPromises;
use drawn_rows::{AttachmentOfOthers, OthersNames, draw_options, draw_others_names, draw_rows};

/// Rows that request changes, and the service for their files.
pub(crate) struct AmendScene {
    rules: AttachmentServiceRules,
    service: Arc<MemoryAttachmentService>,
    referee: AttachmentReferee,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
    /// Attachments of others under the old and the new names of the rows, by row.
    others: Vec<OthersNames>,
    /// Options of the user, unless forgotten in a run.
    options: RunOptions,
    /// Options of the user in the current run.
    options_of_this_run: RunOptions,
}

impl SimulationScene for AmendScene {
    type Service = MemoryAttachmentService;
    type Referee = AttachmentReferee;
    type Task = AttachmentTask;

    const REFUSABLE_REQUESTS: &'static [RequestKind] = &[
        RequestKind::Put,
        RequestKind::Renew,
        RequestKind::Amend,
        RequestKind::Original,
        RequestKind::Fetch,
    ];

    async fn draw_scene(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = draw_rules(random);
        let service = Arc::new(MemoryAttachmentService::with_faults(rules, script));
        let stranger = match random.u8(0..4) {
            // Content that is not visible yet cannot be kept by any client.
            0 if rules.size_delay.is_zero() => RivalClient::once_at(&service),
            _ => RivalClient::default(),
        };
        let rows = draw_rows(random);
        let theirs = rows.iter().map(|row| draw_others_names(random, row));
        let scene = Self {
            others: theirs.collect(),
            referee: AttachmentReferee::new(&service, Arc::clone(&disk), lines, stranger),
            rules,
            service,
            disk,
            options: draw_options(random),
            options_of_this_run: RunOptions::default(),
            rows,
        };
        for (row, theirs) in scene.rows.iter().zip(&scene.others) {
            scene
                .attach_as_other(row, &row.row.external_id, theirs.old_name)
                .await;
            if let Some(new) = &row.row.new_external_id {
                scene.attach_as_other(row, new, theirs.new_name).await;
            }
        }
        scene
    }

    fn service(&self) -> &Arc<MemoryAttachmentService> {
        &self.service
    }

    fn referee(&self) -> &AttachmentReferee {
        &self.referee
    }

    fn budgets(&self) -> Option<[QuotaBudget; 2]> {
        None
    }

    fn draw_options(&mut self, random: &mut Rng, weather: FaultPeriod) -> RunOptions {
        let is_forgotten = weather == FaultPeriod::Faulty && random.u8(0..6) == 0;
        self.options_of_this_run = if is_forgotten {
            RunOptions::default()
        } else {
            self.options
        };
        self.referee.set_options(self.options_of_this_run);
        self.options_of_this_run
    }

    fn tasks(
        &mut self,
        random: &mut Rng,
        _concurrency: usize,
        weather: FaultPeriod,
    ) -> Vec<AttachmentTask> {
        let mut tasks = Vec::new();
        for row in &self.rows {
            let previous = self.disk.durable_line(row.key());
            let file = RowFile::Ready(row.content);
            let wishes = self.options_of_this_run.policy;
            match plan_row(
                &row.row,
                file,
                previous.clone(),
                wishes,
                FailedJobPolicy::Leave,
            ) {
                RowPlan::KeepLine => {}
                RowPlan::RecordLine(line) => self.disk.write_durably(*line),
                RowPlan::SendRequests(ProtocolStart::Job(_)) => unreachable!("no row is for a job"),
                RowPlan::SendRequests(ProtocolStart::Attachment(start)) => {
                    // A file may be gone by the time of its upload.
                    let is_gone = weather == FaultPeriod::Faulty && random.u8(0..12) == 0;
                    let source = if is_gone {
                        unopened_source("gone.pdf")
                    } else {
                        row_files::source_holding(row.content.sha256)
                    };
                    let task = row.task(start, previous.as_ref());
                    tasks.push(TaskRow { source, ..task });
                }
            }
        }
        tasks
    }

    fn new_external_ids(tasks: &[AttachmentTask]) -> Vec<ExternalId> {
        let wished = tasks.iter().map(|task| &task.row.new_external_id);
        wished.flatten().cloned().collect()
    }

    async fn run(
        tasks: Vec<AttachmentTask>,
        with: RunParts<'_, Self>,
        stop: impl Future<Output = Duration>,
    ) -> Option<HaltReason> {
        run_with_attachments(tasks, with, stop).await
    }

    fn maybe_change_rows(&mut self, random: &mut Rng) {
        for row in &mut self.rows {
            let number = row.row.number;
            match random.u8(0..50) {
                0 | 1 => row.content = row_files::version_of_row(number, random.usize(..5)),
                2 if row.row.title.is_some() => {
                    row.row.title = Some(format!("Title {number}, corrected"));
                }
                _ => continue,
            }
            row.changed = true;
            let record = self.referee.log();
            record.note(|| format!("{} is changed", row.key()));
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

impl AmendScene {
    fn promises(&self) -> AmendPromises<'_> {
        AmendPromises::new(
            &self.rows,
            &self.others,
            self.options,
            &self.service,
            self.referee.held_bytes(),
            &self.disk,
            &self.rules,
        )
    }

    /// Attaches something of other people to the object of a row.
    async fn attach_as_other(
        &self,
        row: &SimulatedRow,
        name: &ExternalId,
        their: AttachmentOfOthers,
    ) {
        if their == AttachmentOfOthers::Nothing {
            return;
        }
        let file_name = "theirs.pdf";
        let new = NewAttachment {
            object: row.row.object,
            file: NewFile {
                external_id: name.clone(),
                file_name: file_name.into(),
                title: None,
            },
        };
        let theirs = self.service.create(&new).await.unwrap();
        let address = theirs.upload_target.target.unwrap();
        if let AttachmentOfOthers::Attachment(content) = their {
            let source = unopened_source(file_name);
            let put = self.service.put_file(&address, &source, &content, &|_| ());
            put.await.unwrap();
        }
    }
}
