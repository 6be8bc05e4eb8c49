//! Scene of attachments: the service for attachments, and the rows sent there.

mod attachment_promises;
pub(crate) mod attachment_referee;
mod attachment_referee_state;
pub(crate) mod held_bytes;
pub(crate) mod rival_client;

use std::sync::Arc;
use std::time::Duration;

use crate::memory_service::{
    AttachmentServiceRules, ExternalIdRule, FaultScript, MemoryAttachmentService, RoutingRule,
    TitleRule,
};
use consign::destination::{AttachmentApi as _, Destination as _, NewAttachment, NewFile};
use consign::pipeline::{AttachmentTask, HaltReason};
use consign::throttle::quota::QuotaBudget;
use fastrand::Rng;

use crate::power_and_disk::SimulatedDisk;
use crate::rows::{
    ForeignAttachment, SimulatedRow, content_of_text, contract_with_id, unopened_source,
};
use crate::scene::{
    FaultPeriod, LineWatch, RunParts, RunWatcher as _, SimulationScene, planned_attachment_tasks,
    run_with_attachments,
};
use crate::simulated_client::UnansweredRequest;

use attachment_promises::AttachmentPromises;
use attachment_referee::AttachmentReferee;
use rival_client::RivalClient;

/// Three rows at most, and the service for their files.
pub(crate) struct AttachmentScene {
    rules: AttachmentServiceRules,
    service: Arc<MemoryAttachmentService>,
    referee: AttachmentReferee,
    disk: Arc<SimulatedDisk>,
    rows: Vec<SimulatedRow>,
}

impl SimulationScene for AttachmentScene {
    type Service = MemoryAttachmentService;
    type Referee = AttachmentReferee;
    type Task = AttachmentTask;

    const UNANSWERABLE_REQUESTS: &'static [UnansweredRequest] = &[
        UnansweredRequest::LookUp,
        UnansweredRequest::Create,
        UnansweredRequest::Upload,
    ];

    const LOSES_LINES: bool = true;

    async fn draw_scene(
        random: &mut Rng,
        script: FaultScript,
        disk: Arc<SimulatedDisk>,
        lines: LineWatch,
    ) -> Self {
        let rules = draw_rules(random);
        let (rules, dotted) = draw_routing(rules, random);
        let rows = 1..=random.usize(1..=3);
        let service = Arc::new(MemoryAttachmentService::with_faults(rules, script));
        let nobody = RivalClient::default();
        let mut scene = Self {
            rules,
            referee: AttachmentReferee::new(&service, Arc::clone(&disk), lines, nobody),
            service,
            disk,
            rows: rows
                .map(|row| SimulatedRow::new(row, contract_with_id(7)))
                .collect(),
        };
        for row in &mut scene.rows {
            if dotted.is_some_and(|from| row.row.number >= from) {
                row.use_dotted_external_id();
            }
        }
        if random.u8(0..12) == 0 {
            scene.attach_as_other(random).await;
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
            if row.maybe_change(contract_with_id(8), random) {
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

impl AttachmentScene {
    fn promises(&self) -> AttachmentPromises<'_> {
        AttachmentPromises::new(&self.rows, &self.service, &self.disk, &self.rules)
    }

    /// Uses the `external_id` of the first row for an attachment of another program.
    async fn attach_as_other(&mut self, random: &mut Rng) {
        let theirs = [
            ForeignAttachment::SameSize,
            ForeignAttachment::OtherSize,
            ForeignAttachment::WithoutBytes,
        ];
        let foreign = random.choice(theirs).unwrap_or(ForeignAttachment::None);
        let row = &mut self.rows[0];
        row.foreign_attachment = foreign;
        let file_name = "theirs.pdf";
        let new = NewAttachment {
            object: row.row.object,
            file: NewFile {
                external_id: row.row.external_id.clone(),
                file_name: file_name.into(),
                title: None,
            },
        };
        let text = match foreign {
            ForeignAttachment::SameSize => "somebody's text..".to_owned(),
            _ => "another text".to_owned(),
        };
        let theirs = self.service.create(&new).await.unwrap();
        let address = theirs.upload_target.target.unwrap();
        if foreign != ForeignAttachment::WithoutBytes {
            let (source, theirs) = (unopened_source(file_name), content_of_text(&text));
            let put = self.service.put_file(&address, &source, &theirs, &|_| ());
            put.await.unwrap();
        }
    }
}

/// Draws the first row whose `external_id` has a dot, or `None`, and the routing of dots by the
/// service. A separate generator leaves all other draws unchanged.
fn draw_routing(
    rules: AttachmentServiceRules,
    random: &Rng,
) -> (AttachmentServiceRules, Option<usize>) {
    let mut random = Rng::with_seed(!random.clone().u64(..));
    if random.u8(0..6) > 0 {
        return (rules, None);
    }
    let seconds = random.choice([0, 0, 1, 9, 35]).unwrap_or(0);
    let rules = AttachmentServiceRules {
        routing: random
            .choice([RoutingRule::All, RoutingRule::All, RoutingRule::NoDots])
            .unwrap_or(RoutingRule::All),
        find_delay: Duration::from_secs(seconds),
        ..rules
    };
    (rules, Some(random.usize(1..=2)))
}

/// Draws the rules of the service, except the routing.
pub(crate) fn draw_rules(random: &mut Rng) -> AttachmentServiceRules {
    let mut seconds = |choices: &[u64]| {
        let of_these = choices[random.usize(0..choices.len())];
        Duration::from_secs(of_these)
    };
    AttachmentServiceRules {
        size_delay: seconds(&[0, 0, 0, 3, 90, 420, 780]),
        address_life: seconds(&[900, 900, 120, 20]),
        purge_after: seconds(&[930, 1_800, 2_700, 3_600, 1_000_000_000]),
        round_trip: seconds(&[0, 0, 1]) + Duration::from_millis(20),
        external_ids: if random.bool() {
            ExternalIdRule::Unique
        } else {
            ExternalIdRule::NotUnique
        },
        titles: if random.bool() {
            TitleRule::Kept
        } else {
            TitleRule::DerivedAnew
        },
        routing: RoutingRule::All,
        find_delay: Duration::ZERO,
    }
}
