//! Story of one seed: runs that end in any way while faults happen, then runs without faults, with
//! the promises checked after each run. [`play`] is the entry; [`SimulatedStory::run`] is one run
//! of the program.

mod program_run;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consign::pipeline::HaltReason;
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chaos::{FaultCounts, SeededChaos};
use crate::power_and_disk::{DurabilityLie, SimulatedDisk};
use crate::rows::SimulatedRow;
use crate::scene::{
    FaultPeriod, LINES_LOST, LineWatch, ROW_UNANSWERED, RunWatcher as _, SimulationScene,
};
use crate::simulated_client::{OmittedQuestion, UnansweredRequest, UnansweredRow};

/// Time after which no request of the faulty period is on its way any more.
const LAST_ARRIVAL_AFTER: Duration = Duration::from_mins(10);

/// Pause between two runs without faults: long enough for a record without bytes to be removed.
const PAUSE_BETWEEN_CALM_RUNS: Duration = Duration::from_mins(61);

/// Most runs without faults until every row must have ended.
const MAX_CALM_RUNS: usize = 5;

/// Guard of the protocol, taken away to see whether a promise breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemovedGuard {
    /// Sync of lines or of backups.
    Sync(DurabilityLie),
    /// Question to the service, which the client answers itself.
    Request(OmittedQuestion),
    /// Check whether other results have taken the place of the run's own.
    DisplacementCheck,
    /// Count of lines in the results, which reveals lost lines.
    LineCount,
    /// Word in the results that a POST was sent without a look-up.
    UnseenPostWord,
}

/// Choice whether all events of a story are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraceMode {
    Kept,
    NotKept,
}

/// Counts of a single seed.
#[derive(Debug, Default)]
pub(crate) struct SeedTally {
    pub(crate) faults: FaultCounts,
    /// Accidents of the results and of single rows, counted by name.
    pub(crate) mishaps: BTreeMap<&'static str, u64>,
    pub(crate) runs: u64,
    pub(crate) endings: BTreeMap<&'static str, u64>,
    /// Rows at the ends of runs, counted by status and reason.
    pub(crate) row_states: BTreeMap<String, u64>,
    /// Findings about the refusal of a second record, counted by service and finding.
    pub(crate) clash_findings: BTreeMap<String, u64>,
    pub(crate) trace: String,
    /// Virtual time of the whole story.
    pub(crate) duration: Duration,
    /// Longest time for which the service was away.
    pub(crate) longest_outage: Duration,
}

/// Plays one seed. Fails with the broken promise.
pub(crate) fn play<S: SimulationScene>(
    seed: u64,
    without: Option<RemovedGuard>,
    trace: TraceMode,
) -> (SeedTally, Result<(), String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = SimulatedStory::<S>::new(seed, without).await;
        if trace == TraceMode::Kept {
            story.scene.referee().log().start_trace();
        }
        let outcome = story.play().await;
        story.tally.faults = std::mem::take(&mut *story.faults.lock().unwrap());
        story.tally.longest_outage = story.chaos.longest_outage();
        story.tally.trace = story.scene.referee().log().trace();
        (story.tally, outcome)
    })
}

/// A seed that is being played: the scene, the disk, the troubles, and the generators of all draws.
struct SimulatedStory<S> {
    random: Rng,
    /// Draws the displacement of the results, apart from all other draws.
    displacement_random: Rng,
    /// Draws the unanswered row, apart from all other draws.
    unanswered_row_random: Rng,
    /// Draws the lines filtered out by people, apart, so that the rest of the story stays the same.
    filter_random: Rng,
    began: Instant,
    chaos: SeededChaos,
    disk: Arc<SimulatedDisk>,
    removed_guard: Option<RemovedGuard>,
    scene: S,
    faults: Arc<Mutex<FaultCounts>>,
    tally: SeedTally,
}

/// End of a run.
enum RunEnding {
    Finished,
    Halted(HaltReason),
    PowerLost,
}

impl<S: SimulationScene> SimulatedStory<S> {
    async fn new(seed: u64, without: Option<RemovedGuard>) -> Self {
        let mut random = Rng::with_seed(seed);
        let faults = Arc::default();
        let chaos = SeededChaos::draw(&mut random);
        let script = chaos.fault_script(random.u64(..), Arc::clone(&faults), S::REFUSABLE_REQUESTS);
        let (lies_about, lines) = match without {
            Some(RemovedGuard::Sync(lie)) => (Some(lie), LineWatch::Off),
            Some(RemovedGuard::DisplacementCheck) => (None, LineWatch::Off),
            _ => (None, LineWatch::On),
        };
        let disk = Arc::new(SimulatedDisk::new(random.u64(..), lies_about));
        if without == Some(RemovedGuard::LineCount) {
            disk.stop_counting_lines();
        }
        if without == Some(RemovedGuard::UnseenPostWord) {
            disk.forget_unseen_posts();
        }
        Self {
            filter_random: Rng::with_seed(!seed),
            began: Instant::now(),
            scene: S::draw_scene(&mut random, script, Arc::clone(&disk), lines).await,
            chaos,
            disk,
            removed_guard: without,
            faults,
            tally: SeedTally::default(),
            displacement_random: Rng::with_seed(seed.wrapping_add(1 << 40)),
            unanswered_row_random: Rng::with_seed(seed.wrapping_add(1 << 41)),
            random,
        }
    }

    async fn play(&mut self) -> Result<(), String> {
        sleep_until(self.chaos.from).await;
        while Instant::now() < self.chaos.until {
            let ending = self.run_amid_faults().await?;
            sleep(self.draw_pause_after(&ending)).await;
            self.maybe_filter_results().await;
            self.scene.maybe_change_rows(&mut self.random);
            if self.scene.all_rows_are_done() && self.random.u8(0..4) > 0 {
                sleep_until(self.chaos.until).await;
            }
        }
        sleep(LAST_ARRIVAL_AFTER).await;
        let had_bad_row = self.maybe_run_with_unanswered_row().await?;
        let once = !had_bad_row && self.scene.one_calm_run_must_do();
        for nth in 1..=MAX_CALM_RUNS {
            self.run_without_faults().await?;
            if self.scene.all_rows_are_done() {
                break;
            }
            if nth == 1 && once {
                let undone = self.scene.undone_lines();
                return Err(format!("not done after a run without faults: {undone}"));
            }
            sleep(PAUSE_BETWEEN_CALM_RUNS).await;
        }
        self.tally.duration = self.began.elapsed();
        self.scene.check_final_promises()
    }

    /// Lets a person filter the results in a spreadsheet, rarely. The filtering takes long enough
    /// for all requests to arrive.
    async fn maybe_filter_results(&mut self) {
        if !S::LOSES_LINES || self.filter_random.u8(0..16) > 0 {
            return;
        }
        sleep(LAST_ARRIVAL_AFTER).await;
        let lost = self.disk.filter_out_lines(&mut self.filter_random);
        if lost > 0 {
            self.scene.referee().lines_were_filtered_out();
            self.count_mishap(LINES_LOST);
        }
    }

    fn count_mishap(&mut self, mishap: &'static str) {
        *self.tally.mishaps.entry(mishap).or_default() += 1;
        self.note(mishap);
    }

    /// Draws the time until a person starts the program again.
    fn draw_pause_after(&mut self, ending: &RunEnding) -> Duration {
        let seconds = match ending {
            // New keys have to be asked for, and a service that is away is waited for.
            RunEnding::Halted(
                HaltReason::KeysRejected(_)
                | HaltReason::Outage(_)
                | HaltReason::NeverAnswered { .. },
            ) => [600, 3_600, 36_000].as_slice(),
            _ => &[0, 0, 1, 20, 300, 3_600],
        };
        Duration::from_secs(seconds[self.random.usize(0..seconds.len())])
    }

    async fn run_amid_faults(&mut self) -> Result<RunEnding, String> {
        let steps = (self.random.u8(0..10) < 8).then(|| self.random.u64(0..50));
        let room = (self.random.u8(0..12) == 0).then(|| self.random.usize(0..12));
        let seconds = self.random.choice([1, 30, 600, 36_000]).unwrap_or(1);
        let patience = match self.random.u8(0..6) {
            0 => Duration::from_secs(seconds),
            _ => Duration::from_hours(1_000),
        };
        let max_outage = Duration::from_mins(self.random.choice([1, 10, 720]).unwrap_or(720));
        self.disk.set_room(room);
        self.run(FaultPeriod::Faulty, steps, patience, max_outage, None)
            .await
    }

    async fn run_without_faults(&mut self) -> Result<RunEnding, String> {
        self.run_calmly(None).await
    }

    async fn run_calmly(&mut self, bad_row: Option<&UnansweredRow>) -> Result<RunEnding, String> {
        self.disk.set_room(None);
        let forever = Duration::from_hours(1_000);
        let half_a_day = Duration::from_hours(12);
        self.run(FaultPeriod::Calm, None, forever, half_a_day, bad_row)
            .await
    }

    /// Runs without faults but for an unanswered row, sometimes. Returns `true` if there was such a
    /// run.
    async fn maybe_run_with_unanswered_row(&mut self) -> Result<bool, String> {
        let is_drawn = self.unanswered_row_random.u8(0..6) == 0 && self.removed_guard.is_none();
        let request = self
            .unanswered_row_random
            .choice(S::UNANSWERABLE_REQUESTS.iter().copied());
        let Some(request) = request.filter(|_| is_drawn) else {
            return Ok(false);
        };
        let rows = self.scene.rows();
        let row = &rows[self.unanswered_row_random.usize(0..rows.len())];
        let bad = UnansweredRow {
            external_id: row.row.external_id.clone(),
            content: row.content,
            request,
            unanswered_count: AtomicU64::new(0),
        };
        let others_end = self.scene.one_calm_run_must_do();
        self.note(&format!("unanswered: {bad:?}"));
        let ending = self.run_calmly(Some(&bad)).await?;
        if bad.unanswered_count.into_inner() == 0 {
            return Ok(true);
        }
        self.count_mishap(ROW_UNANSWERED);
        match ending {
            RunEnding::Finished | RunEnding::Halted(HaltReason::ExternalIdNotRouted(_)) => {}
            RunEnding::Halted(halt) => {
                return Err(format!("one bad row ended the run: {halt:?}"));
            }
            RunEnding::PowerLost => {
                return Err("the power of a calm run is never lost".to_owned());
            }
        }
        // A job has several rows, which share its outcome.
        let is_good = |row: &&SimulatedRow| {
            row.row.external_id != bad.external_id && row.content != bad.content
        };
        let mut good = self.scene.rows().iter().filter(is_good);
        let is_undone = |row: &&SimulatedRow| {
            let line = self.disk.durable_line(row.key());
            !line.is_some_and(|line| line.status.is_done())
        };
        match good.find(is_undone) {
            Some(row)
                if others_end && S::UNANSWERABLE_REQUESTS.contains(&UnansweredRequest::LookUp) =>
            {
                Err(format!(
                    "{} is not done because {} is unanswered",
                    row.key(),
                    bad.external_id
                ))
            }
            _ => Ok(true),
        }
    }

    fn note(&self, what: &str) {
        self.scene.referee().log().note(|| what.to_owned());
    }
}
