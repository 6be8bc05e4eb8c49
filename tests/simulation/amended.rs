//! Scene of changes: the service for attachments, rows with wishes for replaced content, new names
//! and titles, and other people who attach files before the runs and between their requests.

mod drawn;
mod promises;

use std::sync::Arc;

use crate::memory_service::{Memory, Operation, Rules, Script};
use consign::destination::{AttachmentApi as _, Destination as _, NewAttachment, NewFile};
use consign::model::ExternalId;
use consign::pipeline::{AttachmentTask, Halt, TaskRow};
use consign::plan::{FailedJobs, Start, Step, step};
use consign::prepare::RowFile;
use consign::throttle::quota::Budget;
use fastrand::Rng;
use tokio::time::Sleep;

use crate::attachments::draw_rules;
use crate::attachments::referee::Referee;
use crate::attachments::stranger::Stranger;
use crate::files;
use crate::machine::Disk;
use crate::rows::{TheRow, source};
use crate::scene::{Asked, Lines, RunWith, Scene, Watches as _, Weather, run_with_attachments};

use drawn::{Their, Theirs, draw_asked, draw_rows, draw_theirs};
use promises::Promises;

/// Rows with wishes, and the service for their files.
pub(crate) struct Amended {
    rules: Rules,
    service: Arc<Memory>,
    referee: Referee,
    disk: Arc<Disk>,
    rows: Vec<TheRow>,
    /// Attachments of others under the old and the new names of the rows, by row.
    theirs: Vec<Theirs>,
    /// Options of the user, unless forgotten in a run.
    asked: Asked,
    /// Options of the user in the current run.
    now: Asked,
}

impl Scene for Amended {
    type Service = Memory;
    type Referee = Referee;
    type Task = AttachmentTask;

    const REFUSED: &'static [Operation] = &[
        Operation::Put,
        Operation::Renew,
        Operation::Amend,
        Operation::Original,
        Operation::Fetch,
    ];

    async fn set(random: &mut Rng, script: Script, disk: Arc<Disk>, lines: Lines) -> Self {
        let rules = draw_rules(random);
        let service = Arc::new(Memory::with_faults(rules, script));
        let stranger = match random.u8(0..4) {
            // Content that is not visible yet cannot be kept by any client.
            0 if rules.size_delay.is_zero() => Stranger::to(&service),
            _ => Stranger::default(),
        };
        let rows = draw_rows(random);
        let theirs = rows.iter().map(|row| draw_theirs(random, row));
        let scene = Self {
            theirs: theirs.collect(),
            referee: Referee::new(&service, Arc::clone(&disk), lines, stranger),
            rules,
            service,
            disk,
            asked: draw_asked(random),
            now: Asked::default(),
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

    fn service(&self) -> &Arc<Memory> {
        &self.service
    }

    fn referee(&self) -> &Referee {
        &self.referee
    }

    fn budgets(&self) -> Option<[Budget; 2]> {
        None
    }

    fn ask(&mut self, random: &mut Rng, weather: Weather) -> Asked {
        let is_forgotten = weather == Weather::Bad && random.u8(0..6) == 0;
        self.now = if is_forgotten {
            Asked::default()
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
        weather: Weather,
    ) -> Vec<AttachmentTask> {
        let mut tasks = Vec::new();
        for row in &self.rows {
            let previous = self.disk.durable(row.key());
            let file = RowFile::Ready(row.content);
            let wishes = self.now.wishes;
            match step(&row.row, file, previous.clone(), wishes, FailedJobs::Leave) {
                Step::Keep => {}
                Step::Record(line) => self.disk.write(*line),
                Step::Send(Start::Job(_)) => unreachable!("no row is for a job"),
                Step::Send(Start::Attachment(start)) => {
                    // A file may be gone by the time of its upload.
                    let is_gone = weather == Weather::Bad && random.u8(0..12) == 0;
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

    async fn run(tasks: Vec<AttachmentTask>, with: RunWith<'_, Self>, stop: Sleep) -> Option<Halt> {
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

    fn rows(&self) -> &[TheRow] {
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

impl Amended {
    fn promises(&self) -> Promises<'_> {
        Promises::now(
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
    async fn hang(&self, row: &TheRow, name: &ExternalId, their: Their) {
        if their == Their::Nothing {
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
        let address = theirs.place.target.unwrap();
        if let Their::Attachment(content) = their {
            let source = source(file_name);
            let put = self.service.put(&address, &source, &content, &|_| ());
            put.await.unwrap();
        }
    }
}
