//! Simulation of imports: thousands of seeds in virtual time, with faults of the service, the
//! network, the disk, the power and people.
//!
//! Four scenes are played, each with the real protocol of `consign::pipeline`: rows become
//! attachments ([`attachment_scene`]), and do so where refusals take the place of look-ups
//! ([`clash_scene`]), attachments are changed ([`amend_scene`]), rows go through jobs
//! ([`job_scene`]). The service is [`memory_service`].
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
//! - A referee (`attachment_scene::attachment_referee`, `job_scene::job_referee`) sees no foul: no
//!   request without a durable line, no POST while an earlier POST may have made the record, no
//!   PATCH of a record unless the newest answer was "no bytes", no second job for a row whose first
//!   job may have the file, no bytes to an old address.
//! - The results are true at the end of every run.
//! - Where refusals take the place of look-ups, no row is stored beside an attachment that somebody
//!   had under its name before the run, and nobody's record without bytes is taken for the row's
//!   own ([`clash_scene`]).
//! - The content of an attachment is there, or a durable line says that the attachment waits for
//!   other bytes and the old content is in a durable backup, unless the user waived the backup
//!   ([`amend_scene`]).
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
//! - A fault of the power, of the disk or of the results: [`power_and_disk`], drawn by [`story`]
//!   from a separate generator, so that the stories of all seeds stay as they are.
//! - A promise about records and results: `*_promises` of the scene. A promise about the order of
//!   requests: `*_referee` of the scene.
//! - A guard of the protocol: [`RemovedGuard`] or [`OmittedQuestion`], and a test here for the
//!   broken promise without the guard.
//! - A rule of a service, left open by the documentation: `AttachmentServiceRules` or
//!   `JobServiceRules` in [`memory_service`], drawn in `draw_rules` of the scene.
//! - A service: a service in [`memory_service`], an implementation of [`SimulationScene`] with a
//!   referee and promises in a new folder, and a test here.

mod amend_scene;
mod attachment_scene;
mod backup_folder;
mod chaos;
mod clash_scene;
mod job_scene;
#[path = "../support/long_run.rs"]
mod long_run;
#[path = "../support/memory_service/mod.rs"]
mod memory_service;
mod power_and_disk;
mod results_numbers;
mod row_files;
mod rows;
mod scene;
mod simulated_client;
mod story;
mod story_log;

use std::collections::BTreeMap;
use std::env;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use amend_scene::AmendScene;
use attachment_scene::AttachmentScene;
use chaos::FaultCounts;
use clash_scene::ClashScene;
use job_scene::JobScene;
use long_run::short_or_long;
use power_and_disk::{DurabilityLie, LineKind};
use scene::SimulationScene;
use scene::{LINES_LOST, RESUME_ALLOWED, RESUME_REFUSED, ROW_UNANSWERED};
use simulated_client::OmittedQuestion;
use story::{RemovedGuard, SeedTally, TraceMode, play};

/// Seeds played with each service, unless the environment asks for another number.
fn seeds_per_scene() -> u64 {
    short_or_long(2_000, 8_000)
}

/// The same for changes of attachments, which take longer to play.
fn amend_seeds() -> u64 {
    short_or_long(750, 3_000)
}

/// The same where refusals take the place of look-ups.
fn clash_seeds() -> u64 {
    short_or_long(1_000, 6_000)
}

/// Seeds tried at most until a promise breaks without a guard.
const GUARD_SEARCH_SEEDS: u64 = 100_000;

/// Counts over many seeds.
#[derive(Debug, Default)]
struct SeedTotals {
    faults: FaultCounts,
    mishaps: BTreeMap<&'static str, u64>,
    endings: BTreeMap<&'static str, u64>,
    row_states: BTreeMap<String, u64>,
    clash_findings: BTreeMap<String, u64>,
    runs: u64,
    total_time: Duration,
    longest_story: Duration,
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
        for (line, count) in &tally.row_states {
            *self.row_states.entry(line.clone()).or_default() += count;
        }
        for (finding, count) in &tally.clash_findings {
            *self.clash_findings.entry(finding.clone()).or_default() += count;
        }
        self.runs += tally.runs;
        self.total_time += tally.duration;
        self.longest_story = self.longest_story.max(tally.duration);
        self.longest_outage = self.longest_outage.max(tally.longest_outage);
    }

    fn print(&self) {
        let hours = |time: Duration| time.as_secs_f64() / 3600.0;
        println!(
            "{} runs; {:.0} hours in all, {:.1} at the most; longest outage {:.1} hours",
            self.runs,
            hours(self.total_time),
            hours(self.longest_story),
            hours(self.longest_outage)
        );
        println!("ends of runs: {:?}", self.endings);
        println!("rows at the ends of runs: {:?}", self.row_states);
        println!("accidents of the results: {:?}", self.mishaps);
        for (finding, count) in &self.clash_findings {
            println!("{count:>9}  {finding}");
        }
        for ((operation, fault), count) in &self.faults {
            println!("{count:>9}  {operation:?} {fault}");
        }
    }

    fn fault_count(&self, fault: &str) -> u64 {
        let of_kind = self.faults.iter().filter(|((_, name), _)| *name == fault);
        of_kind.map(|(_, count)| count).sum()
    }
}

/// Plays seeds on all cores. Returns the counts, and the lowest seed breaking a promise, or `None`.
fn play_seeds<S: SimulationScene>(
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
fn number_from_env(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(value.parse().expect("the seed is a number"))
}

/// Plays the seeds named by the environment, `most` by default. Returns the counts, or `None` if
/// only one seed was played. Panics with the broken promise of the lowest bad seed.
#[track_caller]
fn assert_promises_are_kept<S: SimulationScene>(most: u64) -> Option<SeedTotals> {
    let began = Instant::now();
    let seeds = match number_from_env("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from_env("SEEDS").unwrap_or(most),
    };
    let one = seeds.end - seeds.start == 1;
    let (sum, broken) = play_seeds::<S>(seeds.clone(), None);
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
fn assert_faults_happened(sum: &SeedTotals) {
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
        assert!(sum.fault_count(fault) > 100, "{fault} hardly ever happened");
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
            "hardly any run ended as {ending}"
        );
    }
}

/// Asserts that each of the accidents happened often enough to prove something.
#[track_caller]
fn assert_mishaps_happened(sum: &SeedTotals, mishaps: &[&'static str]) {
    for mishap in mishaps {
        assert!(
            sum.mishaps.get(mishap) > Some(&20),
            "{mishap} hardly ever happened"
        );
    }
}

#[test]
fn each_row_is_stored_exactly_once_whatever_happens() {
    if let Some(sum) = assert_promises_are_kept::<AttachmentScene>(seeds_per_scene()) {
        assert_faults_happened(&sum);
        assert_mishaps_happened(&sum, &[LINES_LOST, ROW_UNANSWERED]);
        assert!(sum.endings.get("id not found again") > Some(&100));
    }
}

#[test]
fn each_row_is_stored_once_where_a_refusal_takes_the_place_of_a_look_up() {
    if let Some(sum) = assert_promises_are_kept::<ClashScene>(clash_seeds()) {
        assert_faults_happened(&sum);
        for finding in [
            "unique in the company: proven in the company",
            "unique in the company: proven in a type",
            "unique per type: proven in a type",
            "unique per type: SecondAccepted",
            "unique per object: SecondAccepted",
            "not unique: SecondAccepted",
        ] {
            let count = sum.clash_findings.get(finding);
            assert!(count > Some(&20), "{finding} hardly ever happened");
        }
        let findings = sum.clash_findings.iter();
        let unanswered = findings.filter(|(finding, _)| finding.ends_with("NoAnswer"));
        let count: u64 = unanswered.map(|(_, count)| count).sum();
        assert!(count > 5, "hardly any proof stayed without an answer");
    }
}

#[test]
fn each_row_gets_what_the_user_asked_for_and_nothing_is_lost_whatever_happens() {
    if let Some(sum) = assert_promises_are_kept::<AmendScene>(amend_seeds()) {
        assert_faults_happened(&sum);
    }
}

#[test]
fn each_row_goes_through_jobs_exactly_once_whatever_happens() {
    if let Some(sum) = assert_promises_are_kept::<JobScene>(seeds_per_scene()) {
        assert_faults_happened(&sum);
        let mishaps = [LINES_LOST, RESUME_REFUSED, RESUME_ALLOWED, ROW_UNANSWERED];
        assert_mishaps_happened(&sum, &mishaps);
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
        is_told_again::<ClashScene>(seed);
    }
}

/// Asserts a broken promise without a guard: the simulation would notice the missing guard.
#[track_caller]
fn assert_guard_is_missed<S: SimulationScene>(without: RemovedGuard) {
    assert_guard_is_missed_from::<S>(0, without);
}

/// The same with a first seed, for a guard missed so rarely that the search from seed 0 takes long.
#[track_caller]
fn assert_guard_is_missed_from<S: SimulationScene>(first: u64, without: RemovedGuard) {
    let (_, broken) = play_seeds::<S>(first..first + GUARD_SEARCH_SEEDS, Some(without));
    let seed = broken.unwrap_or_else(|| panic!("no seed breaks a promise without {without:?}"));
    let (_, outcome) = play::<S>(seed, Some(without), TraceMode::NotKept);
    println!("{without:?}: seed {seed}: {}", outcome.unwrap_err());
}

#[test]
fn lines_that_announce_a_post_have_to_be_synced() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Sync(DurabilityLie::Lines(
        LineKind::Creating,
    )));
}

#[test]
fn lines_that_name_a_record_have_to_be_synced() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Sync(DurabilityLie::Lines(
        LineKind::Created,
    )));
    assert_guard_is_missed::<JobScene>(RemovedGuard::Sync(DurabilityLie::Lines(LineKind::Created)));
}

#[test]
fn lines_that_announce_bytes_for_a_job_have_to_be_synced() {
    assert_guard_is_missed::<JobScene>(RemovedGuard::Sync(DurabilityLie::Lines(LineKind::Sending)));
}

#[test]
fn lines_that_call_a_row_uploaded_have_to_be_synced() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Sync(DurabilityLie::Lines(
        LineKind::Uploaded,
    )));
    assert_guard_is_missed::<JobScene>(RemovedGuard::Sync(DurabilityLie::Lines(
        LineKind::Uploaded,
    )));
}

#[test]
fn results_have_to_be_checked_for_displacement() {
    assert_guard_is_missed::<JobScene>(RemovedGuard::DisplacementCheck);
    assert_guard_is_missed::<AmendScene>(RemovedGuard::DisplacementCheck);
}

#[test]
fn a_post_without_an_answer_has_to_be_looked_up() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Request(OmittedQuestion::Find));
}

#[test]
fn a_record_has_to_be_looked_at_before_it_gets_a_new_address() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Request(OmittedQuestion::Get));
}

#[test]
fn a_job_has_to_be_looked_at_before_its_rows_go_into_another_one() {
    assert_guard_is_missed::<JobScene>(RemovedGuard::Request(OmittedQuestion::Get));
}

#[test]
fn lost_results_lines_have_to_be_noticed() {
    assert_guard_is_missed::<JobScene>(RemovedGuard::LineCount);
}

#[test]
fn lines_that_announce_a_replacement_have_to_be_synced() {
    assert_guard_is_missed::<AmendScene>(RemovedGuard::Sync(DurabilityLie::Lines(
        LineKind::Replacing,
    )));
}

#[test]
fn a_record_has_to_be_found_by_its_external_id_before_it_gets_bytes() {
    assert_guard_is_missed::<AttachmentScene>(RemovedGuard::Request(
        OmittedQuestion::FindAfterCreate,
    ));
}

#[test]
fn the_refusal_of_a_second_record_has_to_be_proven() {
    let without = RemovedGuard::Request(OmittedQuestion::Clash);
    let mut services = vec!["unique per type", "unique per object", "not unique"];
    for seed in 0..GUARD_SEARCH_SEEDS {
        let (tally, outcome) = play::<ClashScene>(seed, Some(without), TraceMode::NotKept);
        let Err(why) = outcome else { continue };
        let findings = || tally.clash_findings.keys();
        let is_its = |service: &&str| findings().any(|finding| finding.starts_with(*service));
        if let Some(service) = services.iter().position(is_its) {
            println!(
                "{without:?}, {}: seed {seed}: {why}",
                services.remove(service)
            );
        }
        if services.is_empty() {
            return;
        }
    }
    panic!("no seed breaks a promise without {without:?} where ids are {services:?}");
}

#[test]
fn a_line_has_to_say_that_its_post_was_sent_without_a_look_up() {
    assert_guard_is_missed_from::<ClashScene>(2_600, RemovedGuard::UnseenPostWord);
}

#[test]
fn replaced_content_has_to_be_kept_durably() {
    assert_guard_is_missed::<AmendScene>(RemovedGuard::Sync(DurabilityLie::Backups));
}

#[test]
fn an_attachment_has_to_be_looked_at_just_before_it_is_replaced() {
    assert_guard_is_missed::<AmendScene>(RemovedGuard::Request(OmittedQuestion::Original));
}

#[test]
fn a_new_name_has_to_be_looked_up_before_it_is_given() {
    assert_guard_is_missed::<AmendScene>(RemovedGuard::Request(OmittedQuestion::FindNewId));
}

#[test]
fn sent_content_has_to_be_confirmed() {
    assert_guard_is_missed_from::<AttachmentScene>(
        55_400,
        RemovedGuard::Request(OmittedQuestion::List),
    );
}
