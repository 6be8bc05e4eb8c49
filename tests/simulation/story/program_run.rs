//! One run of the program within a story: from the lines on the disk to the end of the run, with
//! the promises checked after the end.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consign::backup::BackupStore;
use consign::event::{ClashFinding, EventSender, RunEvent};
use consign::model::{ClashScope, ExternalId};
use consign::pipeline::{HaltReason, RunSettings};
use consign::results::Status;
use consign::signals::StopSignal;
use consign::throttle::EarlierAnswer;
use consign::throttle::pacer::Pacer;
use tokio::time::sleep;

use super::{RemovedGuard, RunEnding, SimulatedStory};
use crate::backup_folder::SimulatedBackupFolder;
use crate::power_and_disk::{PowerSupply, ResultsSight, SimulatedDisk, SimulatedJournal};
use crate::scene::{
    BackupChoice, FaultPeriod, RESUME_REFUSED, RunParts, RunWatcher as _, SimulationScene,
};
use crate::simulated_client::{SimulatedClient, UnansweredRow};

/// Waits until the patience of the user is over, who then stops the run or closes its window.
/// Returns the longest time for rows under way.
async fn stop_after(patience: Duration) -> Duration {
    // A signal drawn at random would give every seed another story.
    let signal = match patience.as_secs() {
        1 | 600 => StopSignal::Close,
        _ => StopSignal::Interrupt,
    };
    sleep(patience).await;
    signal.grace_period()
}

impl<S: SimulationScene> SimulatedStory<S> {
    /// Runs the program once, from the lines on the disk to the end of the run, and checks the
    /// promises.
    pub(super) async fn run(
        &mut self,
        weather: FaultPeriod,
        steps: Option<u64>,
        patience: Duration,
        max_outage: Duration,
        bad_row: Option<&UnansweredRow>,
    ) -> Result<RunEnding, String> {
        self.tally.runs += 1;
        let displaced = self.draw_displacement(weather);
        self.scene.referee().run_begins();
        self.note("a run begins");
        let power = Arc::new(PowerSupply::with_steps(steps));
        let asked = self.scene.draw_options(&mut self.random, weather);
        let vault = SimulatedBackupFolder {
            disk: Arc::clone(&self.disk),
            power: Arc::clone(&power),
        };
        let vault: Option<&dyn BackupStore> = match asked.backups {
            BackupChoice::Made => Some(&vault),
            BackupChoice::NotMade => None,
        };
        let (events, heard) = EventSender::channel();
        let settings = RunSettings {
            pacer: Arc::new(Pacer::new(5)),
            rows_at_once: self.random.usize(1..=4),
            max_errors: None,
            max_outage,
            earlier_answer: match bad_row {
                // Requests before the hashing have been answered.
                Some(_) => EarlierAnswer::Received,
                None => EarlierAnswer::NoneYet,
            },
            destination: "memory".into(),
            update_policy: asked.policy,
            look_ups: asked.look_ups,
            seed: self.random.u64(..),
        };
        let concurrency = settings.rows_at_once;
        if let Some(became) = self.scene.resolve_lost_lines() {
            self.count_mishap(RESUME_REFUSED);
            self.count_mishap(became);
        }
        let tasks = self.scene.tasks(&mut self.random, concurrency, weather);
        self.disk.rewrite_results();
        let new_ids = self.new_ids(&tasks);
        let client = SimulatedClient {
            service: self.scene.service(),
            power: &power,
            disk: &self.disk,
            results_sight: self.results_sight(),
            referee: self.scene.referee(),
            budgets: self.scene.budgets(),
            forgotten_guard: match self.removed_guard {
                Some(RemovedGuard::Request(forgotten)) => Some(forgotten),
                _ => None,
            },
            unanswered_row: bad_row,
            sizes_sent: Mutex::default(),
            own_jobs: Mutex::default(),
            own_attachments: Mutex::default(),
            originals: Mutex::default(),
            new_ids: Mutex::new(new_ids),
            random: Mutex::new(self.random.fork()),
        };
        let journal = SimulatedJournal {
            disk: &self.disk,
            power: &power,
            sight: self.results_sight(),
        };
        let displacing = displace_after_delay(&self.disk, displaced);
        let stop = stop_after(patience);
        let with = RunParts {
            client: &client,
            journal: &journal,
            backup_store: vault,
            settings: &settings,
            events: &events,
        };
        let run = S::run(tasks, with, stop);
        let ending = tokio::select! {
            biased;
            () = power.wait_until_lost() => RunEnding::PowerLost,
            () = displacing => unreachable!("whoever displaces results does not end the run"),
            halt = run => halt.map_or(RunEnding::Finished, RunEnding::Halted),
        };
        self.count_ending(&ending);
        let ended: Vec<RunEvent> = heard.try_iter().collect();
        self.count_clash_findings(&ended);
        self.check_ended_rows_are_durable(&ended)?;
        if let RunEnding::PowerLost = ending {
            self.disk.lose_power();
        } else {
            self.disk.sync_all();
            self.disk.rewrite_results();
        }
        match self.results_sight() {
            // The person follows the advice of the run, and puts the results back.
            ResultsSight::Checked => self.disk.restore_results(),
            ResultsSight::Unchecked => self.disk.adopt_displaced_results(),
        }
        self.count_row_states();
        let foul = self.scene.referee().log().first_foul();
        foul.map_or(Ok(()), Err)?;
        self.scene.check_promises()?;
        Ok(ending)
    }

    /// Returns the `external_id`s wanted by rows and held by none.
    fn new_ids(&self, tasks: &[S::Task]) -> HashSet<ExternalId> {
        let is_new = |id: &ExternalId| {
            let mut rows = self.scene.rows().iter();
            rows.all(|row| row.row.external_id != *id)
        };
        S::new_external_ids(tasks)
            .into_iter()
            .filter(is_new)
            .collect()
    }

    /// Draws the moment at which earlier results take the place of the newest, and their percentage
    /// of all lines.
    fn draw_displacement(&mut self, weather: FaultPeriod) -> Option<(Duration, usize)> {
        let is_drawn = weather == FaultPeriod::Faulty && self.displacement_random.u8(0..8) == 0;
        let seconds = self
            .displacement_random
            .choice([0.0, 0.2, 1.0, 3.0, 30.0, 600.0]);
        let (seconds, percent) = (
            seconds.unwrap_or(0.0),
            self.displacement_random.usize(0..=100),
        );
        is_drawn.then(|| (Duration::from_secs_f64(seconds), percent))
    }

    fn results_sight(&self) -> ResultsSight {
        match self.removed_guard {
            Some(RemovedGuard::DisplacementCheck) => ResultsSight::Unchecked,
            _ => ResultsSight::Checked,
        }
    }

    fn count_row_states(&mut self) {
        let rows = self.scene.rows().iter();
        for line in rows.filter_map(|row| self.disk.durable_line(row.key())) {
            let word = format!("{} {}", line.status, line.reason.as_str());
            *self.tally.row_states.entry(word).or_default() += 1;
        }
    }

    /// Counts the finding of a run that relied on refusals, if the run came to an end.
    fn count_clash_findings(&mut self, events: &[RunEvent]) {
        for event in events {
            let RunEvent::ClashProofEnded(finding) = event else {
                continue;
            };
            let finding = match finding {
                ClashFinding::Proven(ClashScope::Company) => "proven in the company".to_owned(),
                ClashFinding::Proven(ClashScope::WithinType(_)) => "proven in a type".to_owned(),
                ClashFinding::NotProven(why) => {
                    let why = format!("{why:?}");
                    why.split('(').next().unwrap_or_default().to_owned()
                }
            };
            let finding = format!("{}: {finding}", self.scene.service_rule());
            *self.tally.clash_findings.entry(finding).or_default() += 1;
        }
    }

    /// Checks for a durable line of each row reported as ended.
    fn check_ended_rows_are_durable(&self, events: &[RunEvent]) -> Result<(), String> {
        for status in [
            Status::Uploaded,
            Status::Replaced,
            Status::Renamed,
            Status::Updated,
            Status::Skipped,
            Status::Conflict,
        ] {
            let is_so = |event: &&RunEvent| **event == RunEvent::RowEnded { status };
            let said = events.iter().filter(is_so).count();
            let rows = self.scene.rows().iter();
            let lines = rows.filter_map(|row| self.disk.durable_line(row.key()));
            let durable = lines.filter(|line| line.status == status).count();
            if said > durable {
                return Err(format!(
                    "{said} rows ended as {status}, {durable} lines say so"
                ));
            }
        }
        Ok(())
    }

    fn count_ending(&mut self, ending: &RunEnding) {
        let name = match ending {
            RunEnding::Finished => "through",
            RunEnding::PowerLost => "power lost",
            RunEnding::Halted(HaltReason::KeysRejected(_)) => "keys rejected",
            RunEnding::Halted(HaltReason::Outage(_)) => "outage too long",
            RunEnding::Halted(HaltReason::NeverAnswered { .. }) => "never answered",
            RunEnding::Halted(HaltReason::JournalUnusable) if self.disk.results_are_displaced() => {
                "results displaced"
            }
            RunEnding::Halted(HaltReason::JournalUnusable) => "disk full",
            RunEnding::Halted(HaltReason::Interrupted) => "interrupted",
            RunEnding::Halted(HaltReason::ExternalIdNotRouted(_)) => "id not found again",
            RunEnding::Halted(_) => "other",
        };
        *self.tally.endings.entry(name).or_default() += 1;
        self.note(&format!("the run ends: {name}"));
    }
}

/// Displaces the results after the drawn delay, if one was drawn. Never returns.
async fn displace_after_delay(disk: &SimulatedDisk, displaced: Option<(Duration, usize)>) {
    if let Some((delay, percent)) = displaced {
        sleep(delay).await;
        disk.displace_results(percent);
    }
    pending::<()>().await;
}
