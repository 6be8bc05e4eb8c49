//! Scene of imports that rely on the service's refusals (`--lookup on-clash`): several objects and
//! types, a service with any reach of its refusals, and other clients that attach meanwhile.

mod clash_promises;
pub(crate) mod clash_watch;

use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::{
    AttachmentServiceRules, ExternalIdRule, FaultScript, MemoryAttachmentService,
};
use consign::destination::{NewAttachment, NewFile};
use consign::model::{ClashScope, LookUpMode, ObjectRef, ObjectType};
use consign::pipeline::{AttachmentTask, HaltReason};
use consign::throttle::quota::QuotaBudget;
use fastrand::Rng;
use tokio::time::Instant;

use crate::attachment_scene::attachment_referee::AttachmentReferee;
use crate::attachment_scene::draw_rules;
use crate::attachment_scene::rival_client::RivalClient;
use crate::power_and_disk::SimulatedDisk;
use crate::rows::{SimulatedRow, content_of_text};
use crate::scene::{
    FaultPeriod, LineWatch, RunOptions, RunParts, RunWatcher as _, SimulationScene,
    planned_attachment_tasks, run_with_attachments,
};
use crate::simulated_client::UnansweredRequest;

use clash_promises::ClashPromises;
use clash_watch::{ClashWatch, ForeignAction};

/// Time from the beginning of a story to its first run.
const FIRST_RUN_AFTER: Duration = Duration::from_mins(1);

/// Contents sent by other clients: as long as the file of a row, and shorter.
const CONTENTS_OF_OTHERS: [&str; 2] = ["somebody's text..", "another text"];

/// Up to eight rows on several objects, and the service for their files.
pub(crate) struct ClashScene {
    rules: AttachmentServiceRules,
    service: Arc<MemoryAttachmentService>,
    referee: AttachmentReferee,
    watch: Arc<ClashWatch>,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
}

impl SimulationScene for ClashScene {
    type Service = MemoryAttachmentService;
    type Referee = AttachmentReferee;
    type Task = AttachmentTask;

    const UNANSWERABLE_REQUESTS: &'static [UnansweredRequest] = &[
        UnansweredRequest::LookUp,
        UnansweredRequest::Create,
        UnansweredRequest::Upload,
    ];

    async fn draw_scene(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = AttachmentServiceRules {
            external_ids: random
                .choice([
                    ExternalIdRule::Unique,
                    ExternalIdRule::UniquePerType,
                    ExternalIdRule::UniquePerObject,
                    ExternalIdRule::NotUnique,
                ])
                .unwrap_or(ExternalIdRule::Unique),
            ..draw_rules(random)
        };
        let service = Arc::new(MemoryAttachmentService::with_faults(rules, script));
        let objects = draw_objects(random);
        let rows: Vec<SimulatedRow> = (1..=random.usize(4..=8))
            .map(|row| SimulatedRow::new(row, draw_object(&objects, random)))
            .collect();
        let actions = (0..random.usize(0..=3)).map(|_| draw_action(&rows, random));
        let watch = Arc::new(ClashWatch::new(
            &service,
            rules.round_trip,
            actions.collect(),
        ));
        let nobody = RivalClient::default();
        let referee = AttachmentReferee::new(&service, Arc::clone(&disk), lines, nobody)
            .with_clash_watch(Arc::clone(&watch));
        Self {
            rules,
            service,
            referee,
            watch,
            disk,
            rows,
        }
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

    fn draw_options(&mut self, random: &mut Rng, _: FaultPeriod) -> RunOptions {
        let types = self.rows.iter().map(|row| row.row.object.object_type());
        let look_ups = match ClashScope::for_types(types) {
            Some(scope) if random.u8(0..5) > 0 => LookUpMode::OnClash(scope),
            _ => LookUpMode::Each,
        };
        self.watch.set_look_ups(look_ups);
        RunOptions {
            look_ups,
            ..RunOptions::default()
        }
    }

    fn service_rule(&self) -> &'static str {
        match self.rules.external_ids {
            ExternalIdRule::Unique => "unique in the company",
            ExternalIdRule::UniquePerType => "unique per type",
            ExternalIdRule::UniquePerObject => "unique per object",
            ExternalIdRule::NotUnique => "not unique",
        }
    }

    fn tasks(&mut self, _: &mut Rng, _concurrency: usize, _: FaultPeriod) -> Vec<AttachmentTask> {
        planned_attachment_tasks(&self.rows, &self.disk)
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
            if row.maybe_change(object(ObjectType::Contract, 30), random) {
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

    /// A record of a lost POST may have to be removed first, and others may meddle.
    fn one_calm_run_must_do(&self) -> bool {
        false
    }

    fn check_final_promises(&self) -> Result<(), String> {
        self.promises().check_at_the_end()
    }
}

impl ClashScene {
    fn promises(&self) -> ClashPromises<'_> {
        ClashPromises {
            rows: &self.rows,
            stored: self.service.stored(),
            disk: &self.disk,
            rules: &self.rules,
            watch: &self.watch,
        }
    }
}

fn object(kind: ObjectType, id: u64) -> ObjectRef {
    ObjectRef::parse(kind, &id.to_string()).unwrap()
}

/// Draws the objects of a manifest: of two types, of one type, or a single object.
fn draw_objects(random: &mut Rng) -> Vec<ObjectRef> {
    let contracts = [1, 2, 3].map(|id| object(ObjectType::Contract, id));
    let events = [1, 12, 13].map(|id| object(ObjectType::Event, id));
    match random.u8(0..10) {
        0 => contracts[..1].to_vec(),
        1..4 => contracts.to_vec(),
        _ => [contracts, events].concat(),
    }
}

fn draw_object(objects: &[ObjectRef], random: &mut Rng) -> ObjectRef {
    objects[random.usize(0..objects.len())]
}

/// Draws an attachment of another client under the name of a row, before the first run, during the
/// run, or later.
fn draw_action(rows: &[SimulatedRow], random: &mut Rng) -> ForeignAction {
    let row = &rows[random.usize(0..rows.len())];
    let wherever = [
        object(ObjectType::Contract, 1),
        object(ObjectType::Contract, 20),
        object(ObjectType::Event, 12),
        object(ObjectType::Project, 20),
        row.row.object,
    ];
    let after = match random.u8(0..8) {
        0..4 => Duration::ZERO,
        4..6 => FIRST_RUN_AFTER + Duration::from_secs(4).mul_f64(random.f64()),
        _ => FIRST_RUN_AFTER + Duration::from_mins(20).mul_f64(random.f64()),
    };
    ForeignAction {
        at: Instant::now() + after,
        new: NewAttachment {
            object: draw_object(&wherever, random),
            file: NewFile {
                external_id: row.row.external_id.clone(),
                file_name: "theirs.pdf".into(),
                title: None,
            },
        },
        content: match random.u8(0..3) {
            0 => None,
            nth => Some(content_of_text(CONTENTS_OF_OTHERS[usize::from(nth) - 1])),
        },
    }
}
