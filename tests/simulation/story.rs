//! Story of one seed: runs that end in any way while faults happen, then runs without faults, with
//! the promises checked after each run. [`play`] is the entry; [`SimulatedStory::run`] is one run of the
//! program.

use std::collections::{BTreeMap, HashSet};
use std::future::pending;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consign::backup::BackupStore;
use consign::event::{EventSender, RunEvent};
use consign::model::ExternalId;
use consign::pipeline::{HaltReason, RunSettings};
use consign::results::Status;
use consign::throttle::EarlierAnswer;
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chaos::{FaultCounts, SeededChaos};
use crate::machine::{DurabilityLie, PowerSupply, ResultsSight, SimulatedDisk, SimulatedJournal};
use crate::network::{ForgottenGuard, SimulatedClient, UnansweredRequest, UnansweredRow};
use crate::rows::SimulatedRow;
use crate::scene::{
    BackupChoice, LINES_LOST, LineWatch, RESUME_REFUSED, ROW_ALONE, RunParts, RunWatcher as _,
    SimulationScene, WorldMood,
};
use crate::vault::SimulatedBackupFolder;

/// Time after which no request of the faulty period is on its way any more.
const AFTERMATH: Duration = Duration::from_mins(10);

/// Pause between two runs without faults: long enough for a record without bytes to be removed.
const BETWEEN_CALM_RUNS: Duration = Duration::from_mins(61);

/// Most runs without faults until every row must have ended.
const CALM_RUNS: usize = 5;

/// Guard of the protocol, taken away to see whether a promise breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemovedGuard {
    /// Sync of lines or of backups.
    SyncOf(DurabilityLie),
    /// Question to the service, which the client answers itself.
    Asking(ForgottenGuard),
    /// Check whether other results have taken the place of the run's own.
    LookingAtResults,
    /// Count of lines in the results, which reveals lost lines.
    CountOfLines,
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
    pub(crate) lines: BTreeMap<String, u64>,
    pub(crate) trace: String,
    /// Virtual time of the whole story.
    pub(crate) lasted: Duration,
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
        let mut story = SimulatedStory::<S>::begin(seed, without).await;
        if trace == TraceMode::Kept {
            story.scene.referee().record().keep_a_trace();
        }
        let outcome = story.play().await;
        story.tally.faults = std::mem::take(&mut *story.faults.lock().unwrap());
        story.tally.longest_outage = story.chaos.longest_outage();
        story.tally.trace = story.scene.referee().record().trace();
        (story.tally, outcome)
    })
}

/// A seed that is being played: the scene, the disk, the troubles, and the generators of all draws.
struct SimulatedStory<S> {
    random: Rng,
    /// Draws the displacement of the results, apart from all other draws.
    places: Rng,
    /// Draws the unanswered row, apart from all other draws.
    ailing: Rng,
    /// Draws the lines filtered out by people, apart, so that the rest of the story stays the same.
    meddling: Rng,
    began: Instant,
    chaos: SeededChaos,
    disk: Arc<SimulatedDisk>,
    without: Option<RemovedGuard>,
    scene: S,
    faults: Arc<Mutex<FaultCounts>>,
    tally: SeedTally,
}

/// End of a run.
enum StoryEnding {
    Through,
    Halted(HaltReason),
    PowerLost,
}

impl<S: SimulationScene> SimulatedStory<S> {
    async fn begin(seed: u64, without: Option<RemovedGuard>) -> Self {
        let mut random = Rng::with_seed(seed);
        let faults = Arc::default();
        let chaos = SeededChaos::draw(&mut random);
        let script = chaos.script(random.u64(..), Arc::clone(&faults), S::REFUSED);
        let (lies_about, lines) = match without {
            Some(RemovedGuard::SyncOf(lie)) => (Some(lie), LineWatch::AreNotWatched),
            Some(RemovedGuard::LookingAtResults) => (None, LineWatch::AreNotWatched),
            _ => (None, LineWatch::AreWatched),
        };
        let disk = Arc::new(SimulatedDisk::new(random.u64(..), lies_about));
        if without == Some(RemovedGuard::CountOfLines) {
            disk.count_no_lines();
        }
        Self {
            meddling: Rng::with_seed(!seed),
            began: Instant::now(),
            scene: S::set(&mut random, script, Arc::clone(&disk), lines).await,
            chaos,
            disk,
            without,
            faults,
            tally: SeedTally::default(),
            places: Rng::with_seed(seed.wrapping_add(1 << 40)),
            ailing: Rng::with_seed(seed.wrapping_add(1 << 41)),
            random,
        }
    }

    async fn play(&mut self) -> Result<(), String> {
        sleep_until(self.chaos.from).await;
        while Instant::now() < self.chaos.until {
            let ending = self.run_in_bad_weather().await?;
            sleep(self.pause_after(&ending)).await;
            self.lose_lines_perhaps().await;
            self.scene.change_something(&mut self.random);
            if self.scene.is_over() && self.random.u8(0..4) > 0 {
                sleep_until(self.chaos.until).await;
            }
        }
        sleep(AFTERMATH).await;
        let had_bad_row = self.run_with_a_bad_row_perhaps().await?;
        let once = !had_bad_row && self.scene.nothing_excuses_a_second_run();
        for nth in 1..=CALM_RUNS {
            self.run_in_calm_weather().await?;
            if self.scene.is_over() {
                break;
            }
            if nth == 1 && once {
                let undone = self.scene.undone();
                return Err(format!("not done in calm weather: {undone}"));
            }
            sleep(BETWEEN_CALM_RUNS).await;
        }
        self.tally.lasted = self.began.elapsed();
        self.scene.hold_at_the_end()
    }

    /// Lets a person filter the results in a spreadsheet, rarely. The filtering takes long enough
    /// for all requests to arrive.
    async fn lose_lines_perhaps(&mut self) {
        if !S::LOSES_LINES || self.meddling.u8(0..16) > 0 {
            return;
        }
        sleep(AFTERMATH).await;
        let lost = self.disk.lose_lines(&mut self.meddling);
        if lost > 0 {
            self.scene.referee().lines_lost();
            self.befell(LINES_LOST);
        }
    }

    fn befell(&mut self, mishap: &'static str) {
        *self.tally.mishaps.entry(mishap).or_default() += 1;
        self.note(mishap);
    }

    /// Draws the time until a person starts the program again.
    fn pause_after(&mut self, ending: &StoryEnding) -> Duration {
        let seconds = match ending {
            // New keys have to be asked for, and a service that is away is waited for.
            StoryEnding::Halted(
                HaltReason::KeysRejected(_)
                | HaltReason::Outage(_)
                | HaltReason::NeverAnswered { .. },
            ) => [600, 3_600, 36_000].as_slice(),
            _ => &[0, 0, 1, 20, 300, 3_600],
        };
        Duration::from_secs(seconds[self.random.usize(0..seconds.len())])
    }

    async fn run_in_bad_weather(&mut self) -> Result<StoryEnding, String> {
        let steps = (self.random.u8(0..10) < 8).then(|| self.random.u64(0..50));
        let room = (self.random.u8(0..12) == 0).then(|| self.random.usize(0..12));
        let seconds = self.random.choice([1, 30, 600, 36_000]).unwrap_or(1);
        let patience = match self.random.u8(0..6) {
            0 => Duration::from_secs(seconds),
            _ => Duration::from_hours(1_000),
        };
        let max_outage = Duration::from_mins(self.random.choice([1, 10, 720]).unwrap_or(720));
        self.disk.leave_room(room);
        self.run(WorldMood::Bad, steps, patience, max_outage, None)
            .await
    }

    async fn run_in_calm_weather(&mut self) -> Result<StoryEnding, String> {
        self.run_calmly(None).await
    }

    async fn run_calmly(&mut self, bad_row: Option<&UnansweredRow>) -> Result<StoryEnding, String> {
        self.disk.leave_room(None);
        let forever = Duration::from_hours(1_000);
        let half_a_day = Duration::from_hours(12);
        self.run(WorldMood::Calm, None, forever, half_a_day, bad_row)
            .await
    }

    /// Runs without faults but for an unanswered row, sometimes. Returns `true` if there was such a
    /// run.
    async fn run_with_a_bad_row_perhaps(&mut self) -> Result<bool, String> {
        let is_drawn = self.ailing.u8(0..6) == 0 && self.without.is_none();
        let request = self.ailing.choice(S::BAD_REQUESTS.iter().copied());
        let Some(request) = request.filter(|_| is_drawn) else {
            return Ok(false);
        };
        let rows = self.scene.rows();
        let row = &rows[self.ailing.usize(0..rows.len())];
        let bad = UnansweredRow {
            external_id: row.row.external_id.clone(),
            content: row.content,
            request,
            unanswered: AtomicU64::new(0),
        };
        let others_end = self.scene.nothing_excuses_a_second_run();
        self.note(&format!("nobody answers {bad:?}"));
        let ending = self.run_calmly(Some(&bad)).await?;
        if bad.unanswered.into_inner() == 0 {
            return Ok(true);
        }
        self.befell(ROW_ALONE);
        match ending {
            StoryEnding::Through | StoryEnding::Halted(HaltReason::ExternalIdNotRouted(_)) => {}
            StoryEnding::Halted(halt) => {
                return Err(format!("one bad row ended the run: {halt:?}"));
            }
            StoryEnding::PowerLost => {
                return Err("the power of a calm run is never lost".to_owned());
            }
        }
        // A job has several rows, which share its outcome.
        let is_good = |row: &&SimulatedRow| {
            row.row.external_id != bad.external_id && row.content != bad.content
        };
        let mut good = self.scene.rows().iter().filter(is_good);
        let is_undone = |row: &&SimulatedRow| {
            let line = self.disk.durable(row.key());
            !line.is_some_and(|line| line.status.is_done())
        };
        match good.find(is_undone) {
            Some(row) if others_end && S::BAD_REQUESTS.contains(&UnansweredRequest::LookUp) => {
                Err(format!("{} suffers for {}", row.key(), bad.external_id))
            }
            _ => Ok(true),
        }
    }

    /// Runs the program once, from the lines on the disk to the end of the run, and checks the
    /// promises.
    async fn run(
        &mut self,
        weather: WorldMood,
        steps: Option<u64>,
        patience: Duration,
        max_outage: Duration,
        bad_row: Option<&UnansweredRow>,
    ) -> Result<StoryEnding, String> {
        self.tally.runs += 1;
        let displaced = self.draw_displacement(weather);
        self.scene.referee().new_run();
        self.note("a run begins");
        let power = Arc::new(PowerSupply::lasting(steps));
        let asked = self.scene.ask(&mut self.random, weather);
        let vault = SimulatedBackupFolder {
            disk: Arc::clone(&self.disk),
            power: Arc::clone(&power),
        };
        let vault: Option<&dyn BackupStore> = match asked.backups {
            BackupChoice::AreMade => Some(&vault),
            BackupChoice::AreNot => None,
        };
        let (events, heard) = EventSender::channel();
        let settings = RunSettings {
            requests_per_second: 5,
            rows_at_once: self.random.usize(1..=4),
            max_errors: None,
            max_outage,
            earlier_answer: match bad_row {
                // Requests before the hashing have been answered.
                Some(_) => EarlierAnswer::Received,
                None => EarlierAnswer::NoneYet,
            },
            destination: "memory".into(),
            update_policy: asked.wishes,
            seed: self.random.u64(..),
        };
        let concurrency = settings.rows_at_once;
        if let Some(became) = self.scene.look_at_lost_lines() {
            self.befell(RESUME_REFUSED);
            self.befell(became);
        }
        let tasks = self.scene.tasks(&mut self.random, concurrency, weather);
        self.disk.put_in_order();
        let new_ids = self.new_ids(&tasks);
        let client = SimulatedClient {
            service: self.scene.service(),
            power: &power,
            disk: &self.disk,
            sight: self.sight(),
            referee: self.scene.referee(),
            budgets: self.scene.budgets(),
            forgotten: match self.without {
                Some(RemovedGuard::Asking(forgotten)) => Some(forgotten),
                _ => None,
            },
            bad_row,
            sizes_sent: Mutex::default(),
            made: Mutex::default(),
            made_as: Mutex::default(),
            originals: Mutex::default(),
            new_ids: Mutex::new(new_ids),
            random: Mutex::new(self.random.fork()),
        };
        let journal = SimulatedJournal {
            disk: &self.disk,
            power: &power,
            sight: self.sight(),
        };
        let displacing = displacing(&self.disk, displaced);
        let stop = sleep(patience);
        let with = RunParts {
            client: &client,
            journal: &journal,
            vault,
            settings: &settings,
            events: &events,
        };
        let run = S::run(tasks, with, stop);
        let ending = tokio::select! {
            biased;
            () = power.lost() => StoryEnding::PowerLost,
            () = displacing => unreachable!("whoever displaces results does not end the run"),
            halt = run => halt.map_or(StoryEnding::Through, StoryEnding::Halted),
        };
        self.ended(&ending);
        let ended: Vec<RunEvent> = heard.try_iter().collect();
        self.what_ended_is_durable(&ended)?;
        if let StoryEnding::PowerLost = ending {
            self.disk.lose_power();
        } else {
            self.disk.flush();
            self.disk.put_in_order();
        }
        match self.sight() {
            // The person follows the advice of the run, and puts the results back.
            ResultsSight::Open => self.disk.put_back(),
            ResultsSight::Blind => self.disk.read_what_is_there(),
        }
        self.count_lines();
        let foul = self.scene.referee().record().first_foul();
        foul.map_or(Ok(()), Err)?;
        self.scene.hold()?;
        Ok(ending)
    }

    /// Returns the `external_id`s wanted by rows and held by none.
    fn new_ids(&self, tasks: &[S::Task]) -> HashSet<ExternalId> {
        let is_new = |id: &ExternalId| {
            let mut rows = self.scene.rows().iter();
            rows.all(|row| row.row.external_id != *id)
        };
        S::wished_ids(tasks).into_iter().filter(is_new).collect()
    }

    /// Draws the moment at which earlier results take the place of the newest, and their percentage
    /// of all lines.
    fn draw_displacement(&mut self, weather: WorldMood) -> Option<(Duration, usize)> {
        let is_drawn = weather == WorldMood::Bad && self.places.u8(0..8) == 0;
        let seconds = self.places.choice([0.0, 0.2, 1.0, 3.0, 30.0, 600.0]);
        let (seconds, percent) = (seconds.unwrap_or(0.0), self.places.usize(0..=100));
        is_drawn.then(|| (Duration::from_secs_f64(seconds), percent))
    }

    fn sight(&self) -> ResultsSight {
        match self.without {
            Some(RemovedGuard::LookingAtResults) => ResultsSight::Blind,
            _ => ResultsSight::Open,
        }
    }

    fn count_lines(&mut self) {
        let rows = self.scene.rows().iter();
        for line in rows.filter_map(|row| self.disk.durable(row.key())) {
            let word = format!("{} {}", line.status, line.reason.as_str());
            *self.tally.lines.entry(word).or_default() += 1;
        }
    }

    /// Checks for a durable line of each row reported as ended.
    fn what_ended_is_durable(&self, events: &[RunEvent]) -> Result<(), String> {
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
            let lines = rows.filter_map(|row| self.disk.durable(row.key()));
            let durable = lines.filter(|line| line.status == status).count();
            if said > durable {
                return Err(format!(
                    "{said} rows ended as {status}, {durable} lines say so"
                ));
            }
        }
        Ok(())
    }

    fn ended(&mut self, ending: &StoryEnding) {
        let name = match ending {
            StoryEnding::Through => "through",
            StoryEnding::PowerLost => "power lost",
            StoryEnding::Halted(HaltReason::KeysRejected(_)) => "keys rejected",
            StoryEnding::Halted(HaltReason::Outage(_)) => "outage too long",
            StoryEnding::Halted(HaltReason::NeverAnswered { .. }) => "never answered",
            StoryEnding::Halted(HaltReason::JournalUnusable) if self.disk.is_displaced() => {
                "results displaced"
            }
            StoryEnding::Halted(HaltReason::JournalUnusable) => "disk full",
            StoryEnding::Halted(HaltReason::Interrupted) => "interrupted",
            StoryEnding::Halted(HaltReason::ExternalIdNotRouted(_)) => "id not found again",
            StoryEnding::Halted(_) => "other",
        };
        *self.tally.endings.entry(name).or_default() += 1;
        self.note(&format!("it ends: {name}"));
    }

    fn note(&self, what: &str) {
        self.scene.referee().record().note(|| what.to_owned());
    }
}

/// Displaces the results after the drawn delay, if one was drawn. Never returns.
async fn displacing(disk: &SimulatedDisk, displaced: Option<(Duration, usize)>) {
    if let Some((delay, percent)) = displaced {
        sleep(delay).await;
        disk.displace(percent);
    }
    pending::<()>().await;
}
