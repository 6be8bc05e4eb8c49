//! Scene of changes: the service for attachments, rows with wishes for replaced content, new names
//! and titles, and other people who attach files before the runs and between their requests.

mod drawn;
mod promises;

use std::sync::Arc;

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
use tokio::time::Sleep;

use crate::attachments::draw_rules;
use crate::attachments::referee::AttachmentReferee;
use crate::attachments::stranger::RivalClient;
use crate::files;
use crate::machine::SimulatedDisk;
use crate::rows::{SimulatedRow, source};
use crate::scene::{
    LineWatch, RunOptions, RunParts, RunWatcher as _, SimulationScene, WorldMood,
    run_with_attachments,
};

use drawn::{NameTaken, OthersNames, draw_asked, draw_rows, draw_theirs};
use promises::AmendPromises;

/// Rows with wishes, and the service for their files.
pub(crate) struct AmendScene {
    rules: AttachmentServiceRules,
    service: Arc<MemoryAttachmentService>,
    referee: AttachmentReferee,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
    /// Attachments of others under the old and the new names of the rows, by row.
    theirs: Vec<OthersNames>,
    /// Options of the user, unless forgotten in a run.
    asked: RunOptions,
    /// Options of the user in the current run.
    now: RunOptions,
}

impl SimulationScene for AmendScene {
    type Service = MemoryAttachmentService;
    type Referee = AttachmentReferee;
    type Task = AttachmentTask;

    const REFUSED: &'static [RequestKind] = &[
        RequestKind::Put,
        RequestKind::Renew,
        RequestKind::Amend,
        RequestKind::Original,
        RequestKind::Fetch,
    ];

    async fn set(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = draw_rules(random);
        let service = Arc::new(MemoryAttachmentService::with_faults(rules, script));
        let stranger = match random.u8(0..4) {
            // Content that is not visible yet cannot be kept by any client.
            0 if rules.size_delay.is_zero() => RivalClient::to(&service),
            _ => RivalClient::default(),
        };
        let rows = draw_rows(random);
        let theirs = rows.iter().map(|row| draw_theirs(random, row));
        let scene = Self {
            theirs: theirs.collect(),
            referee: AttachmentReferee::new(&service, Arc::clone(&disk), lines, stranger),
            rules,
            service,
            disk,
            asked: draw_asked(random),
            now: RunOptions::default(),
            rows,
        };
        for (row, theirs) in scene.rows.iter().zip(&scene.theirs) {
            scene
                .hang(row, &row.row.external_id, theirs.under_the_old)
                .await;
            if let Some(new) = &row.row.new_external_id {
                scene.hang(row, new, theirs.under_the_new).await;
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

    fn ask(&mut self, random: &mut Rng, weather: WorldMood) -> RunOptions {
        let is_forgotten = weather == WorldMood::Bad && random.u8(0..6) == 0;
        self.now = if is_forgotten {
            RunOptions::default()
        } else {
            self.asked
        };
        self.referee.is_asked(self.now);
        self.now
    }

    fn tasks(
        &mut self,
        random: &mut Rng,
        _concurrency: usize,
        weather: WorldMood,
    ) -> Vec<AttachmentTask> {
        let mut tasks = Vec::new();
        for row in &self.rows {
            let previous = self.disk.durable(row.key());
            let file = RowFile::Ready(row.content);
            let wishes = self.now.wishes;
            match plan_row(
                &row.row,
                file,
                previous.clone(),
                wishes,
                FailedJobPolicy::Leave,
            ) {
                RowPlan::KeepLine => {}
                RowPlan::RecordLine(line) => self.disk.write(*line),
                RowPlan::SendRequests(ProtocolStart::Job(_)) => unreachable!("no row is for a job"),
                RowPlan::SendRequests(ProtocolStart::Attachment(start)) => {
                    // A file may be gone by the time of its upload.
                    let is_gone = weather == WorldMood::Bad && random.u8(0..12) == 0;
                    let source = if is_gone {
                        source("gone.pdf")
                    } else {
                        files::holding(row.content.sha256)
                    };
                    let task = row.task(start, previous.as_ref());
                    tasks.push(TaskRow { source, ..task });
                }
            }
        }
        tasks
    }

    fn wished_ids(tasks: &[AttachmentTask]) -> Vec<ExternalId> {
        let wished = tasks.iter().map(|task| &task.row.new_external_id);
        wished.flatten().cloned().collect()
    }

    async fn run(
        tasks: Vec<AttachmentTask>,
        with: RunParts<'_, Self>,
        stop: Sleep,
    ) -> Option<HaltReason> {
        run_with_attachments(tasks, with, stop).await
    }

    fn change_something(&mut self, random: &mut Rng) {
        for row in &mut self.rows {
            let number = row.row.number;
            match random.u8(0..50) {
                0 | 1 => row.content = files::version(number, random.usize(..5)),
                2 if row.row.title.is_some() => {
                    row.row.title = Some(format!("Title {number}, corrected"));
                }
                _ => continue,
            }
            row.changed = true;
            let record = self.referee.record();
            record.note(|| format!("{} is changed", row.key()));
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

impl AmendScene {
    fn promises(&self) -> AmendPromises<'_> {
        AmendPromises::now(
            &self.rows,
            &self.theirs,
            self.asked,
            &self.service,
            self.referee.bytes(),
            &self.disk,
            &self.rules,
        )
    }

    /// Attaches something of other people to the object of a row.
    async fn hang(&self, row: &SimulatedRow, name: &ExternalId, their: NameTaken) {
        if their == NameTaken::Nothing {
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
        if let NameTaken::Attachment(content) = their {
            let source = source(file_name);
            let put = self.service.put_file(&address, &source, &content, &|_| ());
            put.await.unwrap();
        }
    }
}
