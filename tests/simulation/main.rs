//! Simulation of imports: thousands of seeds in virtual time, with faults of the service, the
//! network, the disk, the power and people.
//!
//! Three scenes are played, each with the real protocol of `consign::pipeline`: rows become
//! attachments ([`attachments`]), attachments are changed ([`amended`]), rows go through jobs
//! ([`jobs`]). The service is [`memory_service`].
//!
//! # A seed
//!
//! A few rows are imported again and again while faults happen. Requests are lost, lose their
//! answer, are executed minutes late or twice. The service is away for hours, and refuses keys,
//! upload addresses and haste. The power fails between any two steps, and the disk loses any lines
//! without a sync. An earlier version of the results takes the place of the newest. People stop the
//! program, change files, filter the results, and have attachments of their own. Then the faults
//! stop, and every row must come to an end.
//!
//! # Promises
//!
//! - No row's file is ever stored twice, neither as an attachment nor by a job.
//! - A referee (`attachments::referee`, `jobs::referee`) sees no foul: no request without a durable
//!   line, no POST while an earlier POST may have made the record, no PATCH of a record unless the
//!   newest answer was "no bytes", no second job for a row whose first job may have the file, no
//!   bytes to an old address.
//! - The results are true at the end of every run.
//! - The content of an attachment is there, or a durable line says that the attachment waits for
//!   other bytes and the old content is in a durable backup, unless the user waived the backup
//!   ([`amended`]).
//! - No row goes into another job for want of lines that people have filtered out of the results,
//!   until a person has looked or has put the lines back.
//! - A row whose requests stay unanswered keeps no other row from ending, and delays a run no
//!   longer than the run needs to find out.
//! - A row is done after one run without faults, unless something excuses a second run. Where the
//!   results ask people to look, a person looks, and asks for a retry where the file is not there.
//!
//! # Playing a seed again
//!
//! A seed breaking a promise is printed with all that happened. The same seed tells the same story:
//! `SEED=1234 cargo test --test simulation -- --nocapture`. `SEEDS=1000000` plays more seeds, and
//! `CONSIGN_LONG=1` four times as many as usual.
//!
//! # Where to read, and where something new belongs
//!
//! Open [`story`] first: the runs of one seed, in order. Then [`scene`], the interface of a scene.
//!
//! - A fault of a request: `Fault` in [`memory_service`]; chance and time in [`chaos`].
//! - A fault of the power, of the disk or of the results: [`machine`], drawn by [`story`] from a
//!   separate generator, so that the stories of all seeds stay as they are.
//! - A promise about records and results: `promises` of the scene. A promise about the order of
//!   requests: `referee` of the scene.
//! - A guard of the protocol: [`RemovedGuard`] or [`ForgottenGuard`], and a test here for the broken promise
//!   without the guard.
//! - A rule of a service, left open by the documentation: `AttachmentServiceRules` or `JobServiceRules` in
//!   [`memory_service`], drawn in `draw_rules` of the scene.
//! - A service: a service in [`memory_service`], an implementation of [`SimulationScene`] with a referee and
//!   promises in a new folder, and a test here.

mod amended;
mod attachments;
mod chaos;
mod file;
mod files;
mod jobs;
#[path = "../support/long_run.rs"]
mod long_run;
mod machine;
#[path = "../support/memory_service/mod.rs"]
mod memory_service;
mod network;
mod record;
mod rows;
mod scene;
mod story;
mod vault;

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use amended::AmendScene;
use attachments::AttachmentScene;
use chaos::FaultCounts;
use jobs::JobScene;
use long_run::short_or_long;
use machine::{DurabilityLie, LineKind};
use network::ForgottenGuard;
use scene::SimulationScene;
use scene::{LINES_LOST, RESUME_ALLOWED, RESUME_REFUSED, ROW_ALONE};
use story::{RemovedGuard, SeedTally, TraceMode, play};

/// Seeds played with each service, unless the environment asks for another number.
fn seeds() -> u64 {
    short_or_long(2_000, 8_000)
}

/// The same for changes of attachments, which take longer to play.
fn seeds_of_changes() -> u64 {
    short_or_long(750, 3_000)
}

/// Seeds tried at most until a promise breaks without a guard.
const FAR_ENOUGH: u64 = 100_000;

/// Counts over many seeds.
#[derive(Debug, Default)]
struct SeedTotals {
    faults: FaultCounts,
    mishaps: BTreeMap<&'static str, u64>,
    endings: BTreeMap<&'static str, u64>,
    lines: BTreeMap<String, u64>,
    runs: u64,
    lasted: Duration,
    longest: Duration,
    longest_outage: Duration,
}

impl SeedTotals {
    fn add(&mut self, tally: &SeedTally) {
        for (fault, count) in &tally.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (mishap, count) in &tally.mishaps {
            *self.mishaps.entry(mishap).or_default() += count;
        }
        for (ending, count) in &tally.endings {
            *self.endings.entry(ending).or_default() += count;
        }
        for (line, count) in &tally.lines {
            *self.lines.entry(line.clone()).or_default() += count;
        }
        self.runs += tally.runs;
        self.lasted += tally.lasted;
        self.longest = self.longest.max(tally.lasted);
        self.longest_outage = self.longest_outage.max(tally.longest_outage);
    }

    fn print(&self) {
        let hours = |time: Duration| time.as_secs_f64() / 3600.0;
        println!(
            "{} runs; {:.0} hours in all, {:.1} at the most; longest outage {:.1} hours",
            self.runs,
            hours(self.lasted),
            hours(self.longest),
            hours(self.longest_outage)
        );
        println!("how runs ended: {:?}", self.endings);
        println!("how rows stood then: {:?}", self.lines);
        println!("what befell the results: {:?}", self.mishaps);
        for ((operation, fault), count) in &self.faults {
            println!("{count:>9}  {operation:?} {fault}");
        }
    }

    fn of(&self, fault: &str) -> u64 {
        let of_kind = self.faults.iter().filter(|((_, name), _)| *name == fault);
        of_kind.map(|(_, count)| count).sum()
    }
}

/// Plays seeds on all cores. Returns the counts, and the lowest seed breaking a promise, or `None`.
fn play_all<S: SimulationScene>(
    seeds: Range<u64>,
    without: Option<RemovedGuard>,
) -> (SeedTotals, Option<u64>) {
    let next = AtomicU64::new(seeds.start);
    let broken = AtomicU64::new(u64::MAX);
    let sum = Mutex::new(SeedTotals::default());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || seed > broken.load(Ordering::Relaxed) {
                        return;
                    }
                    let (tally, outcome) = play::<S>(seed, without, TraceMode::NotKept);
                    sum.lock().unwrap().add(&tally);
                    if outcome.is_err() {
                        broken.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner();
    (
        sum.into_inner().unwrap(),
        (broken < u64::MAX).then_some(broken),
    )
}

/// Returns the number in an environment variable. `None` if the variable is not set.
fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(value.parse().expect("the seed is a number"))
}

/// Plays the seeds named by the environment, `most` by default. Returns the counts, or `None` if
/// only one seed was played. Panics with the broken promise of the lowest bad seed.
#[track_caller]
fn keeps_its_promises<S: SimulationScene>(most: u64) -> Option<SeedTotals> {
    let began = Instant::now();
    let seeds = match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(most),
    };
    let one = seeds.end - seeds.start == 1;
    let (sum, broken) = play_all::<S>(seeds.clone(), None);
    if let Some(seed) = broken.or(one.then_some(seeds.start)) {
        let (tally, outcome) = play::<S>(seed, None, TraceMode::Kept);
        println!("{}", tally.trace);
        if let Err(why) = outcome {
            panic!(
                "{why}\nsee it again with: SEED={seed} cargo test --test simulation -- --nocapture"
            );
        }
    }
    println!("{} seeds in {:?}", seeds.end - seeds.start, began.elapsed());
    sum.print();
    (!one).then_some(sum)
}

/// Asserts that every kind of fault and every end of a run happened often enough to prove
/// something.
#[track_caller]
fn all_of_this_happened(sum: &SeedTotals) {
    for fault in [
        "not sent",
        "lost before its effect",
        "answer lost",
        "executed late",
        "executed twice",
        "5xx",
        "5xx after its effect",
        "429",
        "denied or expired",
    ] {
        assert!(sum.of(fault) > 100, "{fault} hardly ever happened");
    }
    for ending in [
        "through",
        "power lost",
        "keys rejected",
        "outage too long",
        "never answered",
        "disk full",
        "results displaced",
        "interrupted",
    ] {
        assert!(
            sum.endings.get(ending) > Some(&10),
            "no run ended so: {ending}"
        );
    }
}

/// Asserts that each of the accidents happened often enough to prove something.
#[track_caller]
fn befell(sum: &SeedTotals, mishaps: &[&'static str]) {
    for mishap in mishaps {
        assert!(sum.mishaps.get(mishap) > Some(&20), "hardly ever: {mishap}");
    }
}

#[test]
fn each_row_is_stored_exactly_once_whatever_happens() {
    if let Some(sum) = keeps_its_promises::<AttachmentScene>(seeds()) {
        all_of_this_happened(&sum);
        befell(&sum, &[LINES_LOST, ROW_ALONE]);
        assert!(sum.endings.get("id not found again") > Some(&100));
    }
}

#[test]
fn each_row_gets_what_the_user_asked_for_and_nothing_is_lost_whatever_happens() {
    if let Some(sum) = keeps_its_promises::<AmendScene>(seeds_of_changes()) {
        all_of_this_happened(&sum);
    }
}

#[test]
fn each_row_goes_through_jobs_exactly_once_whatever_happens() {
    if let Some(sum) = keeps_its_promises::<JobScene>(seeds()) {
        all_of_this_happened(&sum);
        let mishaps = [LINES_LOST, RESUME_REFUSED, RESUME_ALLOWED, ROW_ALONE];
        befell(&sum, &mishaps);
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    fn is_told_again<S: SimulationScene>(seed: u64) {
        let [first, second] = [(); 2].map(|()| play::<S>(seed, None, TraceMode::Kept).0.trace);
        for (line, same) in first.lines().zip(second.lines()) {
            assert_eq!(line, same, "seed {seed}");
        }
        assert_eq!(first.lines().count(), second.lines().count(), "seed {seed}");
    }
    for seed in 0..50 {
        is_told_again::<AttachmentScene>(seed);
        is_told_again::<JobScene>(seed);
        is_told_again::<AmendScene>(seed);
    }
}

/// Asserts a broken promise without a guard: the simulation would notice the missing guard.
#[track_caller]
fn is_missed<S: SimulationScene>(without: RemovedGuard) {
    is_missed_from::<S>(0, without);
}

/// The same with a first seed, for a guard missed so rarely that the search from seed 0 takes long.
#[track_caller]
fn is_missed_from<S: SimulationScene>(first: u64, without: RemovedGuard) {
    let (_, broken) = play_all::<S>(first..first + FAR_ENOUGH, Some(without));
    let seed = broken.unwrap_or_else(|| panic!("nobody misses {without:?}"));
    let (_, outcome) = play::<S>(seed, Some(without), TraceMode::NotKept);
    println!("{without:?}: seed {seed}: {}", outcome.unwrap_err());
}

#[test]
fn lines_that_announce_a_post_have_to_be_synced() {
    is_missed::<AttachmentScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Creating,
    )));
}

#[test]
fn lines_that_name_a_record_have_to_be_synced() {
    is_missed::<AttachmentScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Created,
    )));
    is_missed::<JobScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Created,
    )));
}

#[test]
fn lines_that_announce_bytes_for_a_job_have_to_be_synced() {
    is_missed::<JobScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Sending,
    )));
}

#[test]
fn lines_that_call_a_row_uploaded_have_to_be_synced() {
    is_missed::<AttachmentScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Uploaded,
    )));
    is_missed::<JobScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Uploaded,
    )));
}

#[test]
fn the_place_of_the_results_has_to_be_looked_at() {
    is_missed::<JobScene>(RemovedGuard::LookingAtResults);
    is_missed::<AmendScene>(RemovedGuard::LookingAtResults);
}

#[test]
fn a_post_without_an_answer_has_to_be_looked_up() {
    is_missed::<AttachmentScene>(RemovedGuard::Asking(ForgottenGuard::Find));
}

#[test]
fn a_record_has_to_be_looked_at_before_it_gets_a_new_address() {
    is_missed::<AttachmentScene>(RemovedGuard::Asking(ForgottenGuard::Get));
}

#[test]
fn a_job_has_to_be_looked_at_before_its_rows_go_into_another_one() {
    is_missed::<JobScene>(RemovedGuard::Asking(ForgottenGuard::Get));
}

#[test]
fn lines_that_are_gone_have_to_be_missed() {
    is_missed::<JobScene>(RemovedGuard::CountOfLines);
}

#[test]
fn lines_that_say_that_bytes_give_way_have_to_be_synced() {
    is_missed::<AmendScene>(RemovedGuard::SyncOf(DurabilityLie::Lines(
        LineKind::Replacing,
    )));
}

#[test]
fn a_record_has_to_be_found_by_its_external_id_before_it_gets_bytes() {
    is_missed::<AttachmentScene>(RemovedGuard::Asking(ForgottenGuard::Routing));
}

#[test]
fn what_gives_way_has_to_be_kept_durably() {
    is_missed::<AmendScene>(RemovedGuard::SyncOf(DurabilityLie::Backups));
}

#[test]
fn what_gives_way_has_to_be_looked_at_just_before() {
    is_missed::<AmendScene>(RemovedGuard::Asking(ForgottenGuard::Original));
}

#[test]
fn a_new_name_has_to_be_looked_up_before_it_is_given() {
    is_missed::<AmendScene>(RemovedGuard::Asking(ForgottenGuard::NewId));
}

#[test]
fn what_was_sent_has_to_be_confirmed() {
    is_missed_from::<AttachmentScene>(55_400, RemovedGuard::Asking(ForgottenGuard::List));
}
