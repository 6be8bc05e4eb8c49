//! What happens under one seed: runs that end as they may, while things go wrong, then runs in calm
//! weather, and what must be true all along.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consign::destination::memory::{Ids, Memory, Rules};
use consign::destination::{Destination as _, NewFile, NewRecord};
use consign::event::{Event, Events};
use consign::pipeline::{self, Halt, Settings, Task, TaskRow};
use consign::plan::{FailedJobs, Step, step};
use consign::prepare::RowFile;
use consign::results::Status;
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chaos::{Chaos, Counts};
use crate::machine::{Disk, DiskJournal, Power};
use crate::network::{Client, Forgotten};
use crate::promises::Promises;
use crate::referee::{Lines, Referee};
use crate::rows::{Foreign, TheRow, content, object, source};

/// After so long nothing of the bad times is on its way any more.
const AFTERMATH: Duration = Duration::from_mins(10);

/// Between two runs in calm weather: long enough for a record without bytes to be removed.
const BETWEEN_CALM_RUNS: Duration = Duration::from_mins(61);

/// So many runs in calm weather must do.
const CALM_RUNS: usize = 5;

/// A guard that is taken away, to see whether it is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    /// The sync of lines of this status.
    SyncOf(Status),
    /// This question to the service.
    Asking(Forgotten),
}

/// Whether all that happens is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    Kept,
    NotKept,
}

/// What was counted under one seed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) faults: Counts,
    pub(crate) runs: u64,
    pub(crate) endings: BTreeMap<&'static str, u64>,
    pub(crate) trace: String,
    /// How long it all took, in the world of the simulation.
    pub(crate) lasted: Duration,
    /// The longest time for which the service was away.
    pub(crate) longest_outage: Duration,
}

/// Plays one seed. An error says which promise was broken.
pub(crate) fn play(
    seed: u64,
    without: Option<Without>,
    trace: Trace,
) -> (Tally, Result<(), String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = Story::begin(seed, without).await;
        if trace == Trace::Kept {
            story.referee.keep_a_trace();
        }
        let outcome = story.play().await;
        story.tally.faults = std::mem::take(&mut *story.faults.lock().unwrap());
        story.tally.longest_outage = story.chaos.longest_outage();
        story.tally.trace = story.referee.trace();
        (story.tally, outcome)
    })
}

struct Story {
    random: Rng,
    began: Instant,
    chaos: Chaos,
    memory: Arc<Memory>,
    disk: Arc<Disk>,
    referee: Referee,
    without: Option<Without>,
    rows: Vec<TheRow>,
    rules: Rules,
    faults: Arc<Mutex<Counts>>,
    tally: Tally,
}

/// How a run ended.
enum Ending {
    Through,
    Halted(Halt),
    PowerLost,
}

impl Story {
    async fn begin(seed: u64, without: Option<Without>) -> Self {
        let mut random = Rng::with_seed(seed);
        let faults = Arc::default();
        let chaos = Chaos::draw(&mut random);
        let rules = draw_rules(&mut random);
        let script = chaos.script(random.u64(..), Arc::clone(&faults));
        let memory = Arc::new(Memory::with_faults(rules, script));
        let (lies_about, lines) = match without {
            Some(Without::SyncOf(status)) => (Some(status), Lines::AreNotWatched),
            _ => (None, Lines::AreWatched),
        };
        let disk = Arc::new(Disk::new(random.u64(..), lies_about));
        let mut story = Self {
            rows: (1..=random.usize(1..=3)).map(TheRow::new).collect(),
            began: Instant::now(),
            chaos,
            referee: Referee::new(Arc::clone(&disk), lines),
            memory,
            disk,
            without,
            rules,
            faults,
            tally: Tally::default(),
            random,
        };
        if story.random.u8(0..12) == 0 {
            story.somebody_else_was_here().await;
        }
        story
    }

    /// Another program has used the first row's `external_id`.
    async fn somebody_else_was_here(&mut self) {
        let theirs = [Foreign::SameSize, Foreign::OtherSize, Foreign::WithoutBytes];
        let foreign = self.random.choice(theirs).unwrap_or(Foreign::No);
        let row = &mut self.rows[0];
        row.foreign = foreign;
        let file_name = "theirs.pdf";
        let new = NewRecord {
            object: row.row.object,
            files: vec![NewFile {
                external_id: row.row.external_id.clone(),
                file_name: file_name.into(),
                title: None,
            }],
        };
        let text = match foreign {
            Foreign::SameSize => "somebody's text..".to_owned(),
            _ => "another text".to_owned(),
        };
        let mut theirs = self.memory.create(&new).await.unwrap();
        let address = theirs.places.remove(0).target.unwrap();
        if foreign != Foreign::WithoutBytes {
            let source = source(file_name);
            let theirs = content(&text);
            let put = self.memory.put(&address, &source, &theirs, &|_| ());
            put.await.unwrap();
        }
    }

    async fn play(&mut self) -> Result<(), String> {
        sleep_until(self.chaos.from).await;
        while Instant::now() < self.chaos.until {
            let ending = self.run_in_bad_weather().await?;
            sleep(self.pause_after(&ending)).await;
            self.change_something();
            if self.promises().are_all_done() && self.random.u8(0..4) > 0 {
                sleep_until(self.chaos.until).await;
            }
        }
        sleep(AFTERMATH).await;
        for nth in 1..=CALM_RUNS {
            self.run_in_calm_weather().await?;
            if self.promises().are_all_done() {
                break;
            }
            if nth == 1 && self.promises().nothing_excuses_a_second_run() {
                return Err(format!(
                    "not done in calm weather: {}",
                    self.promises().undone()
                ));
            }
            sleep(BETWEEN_CALM_RUNS).await;
        }
        self.tally.lasted = self.began.elapsed();
        self.promises().hold_at_the_end()
    }

    /// How long it takes until somebody starts the program again.
    fn pause_after(&mut self, ending: &Ending) -> Duration {
        let seconds = match ending {
            // New keys have to be asked for, and of a service that is away one waits to hear.
            Ending::Halted(Halt::Denied(_) | Halt::Outage(_)) => [600, 3_600, 36_000].as_slice(),
            _ => &[0, 0, 1, 20, 300, 3_600],
        };
        Duration::from_secs(seconds[self.random.usize(0..seconds.len())])
    }

    async fn run_in_bad_weather(&mut self) -> Result<Ending, String> {
        let steps = (self.random.u8(0..10) < 8).then(|| self.random.u64(0..50));
        let room = (self.random.u8(0..12) == 0).then(|| self.random.usize(0..12));
        let seconds = self.random.choice([1, 30, 600, 36_000]).unwrap_or(1);
        let patience = match self.random.u8(0..6) {
            0 => Duration::from_secs(seconds),
            _ => Duration::from_hours(1_000),
        };
        let max_outage = Duration::from_mins(self.random.choice([10, 720]).unwrap_or(720));
        self.disk.leave_room(room);
        self.run(steps, patience, max_outage).await
    }

    async fn run_in_calm_weather(&mut self) -> Result<Ending, String> {
        self.disk.leave_room(None);
        let forever = Duration::from_hours(1_000);
        self.run(None, forever, Duration::from_hours(12)).await
    }

    /// One run of the program, from what the disk says to its end.
    async fn run(
        &mut self,
        steps: Option<u64>,
        patience: Duration,
        max_outage: Duration,
    ) -> Result<Ending, String> {
        self.tally.runs += 1;
        self.referee.new_run();
        self.referee.note(|| "a run begins".to_owned());
        let power = Power::lasting(steps);
        let (events, heard) = Events::channel();
        let tasks = self.tasks();
        let client = Client {
            memory: &self.memory,
            power: &power,
            referee: &self.referee,
            forgotten: match self.without {
                Some(Without::Asking(forgotten)) => Some(forgotten),
                _ => None,
            },
            sizes_sent: Mutex::default(),
            random: Mutex::new(self.random.fork()),
        };
        let journal = DiskJournal {
            disk: &self.disk,
            power: &power,
        };
        let settings = Settings {
            rate: 5,
            concurrency: self.random.usize(1..=3),
            max_errors: None,
            max_outage,
            destination: "memory".into(),
            seed: self.random.u64(..),
        };
        let stop = sleep(patience);
        let run = pipeline::run(
            tasks.into_iter(),
            &client,
            &journal,
            &settings,
            &events,
            stop,
        );
        let ending = tokio::select! {
            biased;
            () = power.lost() => Ending::PowerLost,
            halt = run => halt.map_or(Ending::Through, Ending::Halted),
        };
        self.ended(&ending);
        let ended: Vec<Event> = heard.try_iter().collect();
        self.promises().what_ended_is_durable(&ended)?;
        if let Ending::PowerLost = ending {
            self.disk.lose_power();
        } else {
            self.disk.flush();
        }
        self.referee.foul().map_or(Ok(()), Err)?;
        self.promises().hold()?;
        Ok(ending)
    }

    /// What an import makes of its manifest and its results before it sends anything.
    fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for row in &self.rows {
            let previous = self.disk.durable(row.key());
            let attempts = previous.as_ref().map_or(0, |line| line.attempts);
            let file = RowFile::Ready(row.content);
            match step(&row.row, file, previous, FailedJobs::Leave) {
                Step::Keep => {}
                Step::Record(line) => self.disk.write(*line),
                Step::Send(start) => {
                    let row = TaskRow {
                        row: row.row.clone(),
                        source: source(&row.row.file_path),
                        content: row.content,
                        start,
                        attempts,
                    };
                    tasks.push(Task { rows: vec![row] });
                }
            }
        }
        tasks
    }

    fn promises(&self) -> Promises<'_> {
        Promises::now(&self.rows, &self.memory, &self.disk, &self.rules)
    }

    fn ended(&mut self, ending: &Ending) {
        let name = match ending {
            Ending::Through => "through",
            Ending::PowerLost => "power lost",
            Ending::Halted(Halt::Denied(_)) => "keys rejected",
            Ending::Halted(Halt::Outage(_)) => "outage too long",
            Ending::Halted(Halt::Journal) => "disk full",
            Ending::Halted(Halt::Interrupted) => "interrupted",
            Ending::Halted(_) => "other",
        };
        *self.tally.endings.entry(name).or_default() += 1;
        self.referee.note(|| format!("it ends: {name}"));
    }

    /// Between two runs somebody may save another version of a file, or hang a row elsewhere.
    fn change_something(&mut self) {
        for row in &mut self.rows {
            match self.random.u8(0..60) {
                0 => row.content = content(&format!("a newer text, {}", self.random.u8(0..100))),
                // Of the same size as the first one.
                1 => row.content = content("THE TEXT OF ROW N"),
                2 => row.row.object = object(8),
                _ => continue,
            }
            row.changed = true;
            self.referee.note(|| format!("{} is changed", row.key()));
        }
    }
}

fn draw_rules(random: &mut Rng) -> Rules {
    let mut minutes = |choices: &[u64]| {
        let of_these = choices[random.usize(0..choices.len())];
        Duration::from_secs(of_these)
    };
    Rules {
        size_delay: minutes(&[0, 0, 0, 3, 90, 420, 780]),
        address_life: minutes(&[900, 900, 120, 20]),
        purge_after: minutes(&[1_800, 2_700, 3_600, 1_000_000_000]),
        round_trip: minutes(&[0, 0, 1]) + Duration::from_millis(20),
        ids: if random.bool() {
            Ids::Unique
        } else {
            Ids::NotUnique
        },
    }
}
