//! Imports killed again and again at random moments, until they end.
//!
//! A failure prints its seed. `CONSIGN_KILLS_SEED=17 cargo test killed_often` repeats the choices
//! of a seed; the exact moment of a kill depends on the machine, too.

use std::env;
use std::time::{Duration, Instant};

use consign::emulator::{FileStatusDisplay, MissingFilesOutcome, PartialFilesOutcome};
use fastrand::Rng;

use crate::harness::{
    EXIT_CODE_KILLED, ImportTest, OTHER_SOURCING_EVENT, SOURCING_EVENT, assert_attached_once,
    short_or_long,
};

/// Number of kills in each test, spread over several imports.
fn kills_to_make() -> usize {
    short_or_long(4, 12)
}

/// Time for which the jobs of these tests wait for missing files.
const PATIENCE: Duration = Duration::from_secs(1);

/// Treatment of rows whose job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailedRowTreatment {
    /// A failed job attaches nothing, its answer says nothing of its files, and a person who has
    /// looked passes `--retry-failed-jobs`.
    CheckedByUser,
    /// A failed job attaches the files received, and its answer names them.
    ReportedByJob,
}

impl FailedRowTreatment {
    fn test(self) -> ImportTest {
        // The rows make three jobs of four files each.
        let test = ImportTest::with_object_rows([(SOURCING_EVENT, 8), (OTHER_SOURCING_EVENT, 4)]);
        test.configure_jobs(|jobs| {
            jobs.terms.give_up_after = PATIENCE;
            jobs.terms.missing = MissingFilesOutcome::Fails(match self {
                Self::CheckedByUser => PartialFilesOutcome::Nothing,
                Self::ReportedByJob => PartialFilesOutcome::Kept,
            });
            if self == Self::ReportedByJob {
                jobs.file_status = FileStatusDisplay::NameAndStatus {
                    attached: "ATTACHED".to_owned(),
                    not_attached: "NOT_ATTACHED".to_owned(),
                };
            }
        })
    }

    fn more_args(self) -> Option<&'static str> {
        match self {
            Self::CheckedByUser => Some("--retry-failed-jobs"),
            Self::ReportedByJob => None,
        }
    }
}

/// Kills one import at most `most` times, and resumes to the end. Returns the number of kills.
fn import(
    manner: FailedRowTreatment,
    random: &mut Rng,
    undisturbed: Duration,
    most: usize,
) -> usize {
    let test = manner.test();
    let mut kills = 0;
    while kills < most {
        let at_once = random.usize(4..=12);
        let delay = undisturbed.mul_f64(random.f64());
        let retry = manner.more_args().filter(|_| random.bool());
        let ended = test
            .import_at_once(at_once)
            .with_fast_clock()
            .args(["--files-per-job", "4", "--resume"])
            .args(retry)
            .with_any_stderr()
            .killed_after(delay)
            .killed_or_done_or_exits(1);
        let rows = ended.results.map(|results| results.statuses_in_words());
        println!(
            "{at_once} at once, {delay:?}, {retry:?}, exit {}: {rows:?}",
            ended.code
        );
        if ended.code != EXIT_CODE_KILLED {
            break;
        }
        kills += 1;
    }
    for _ in 0..10 {
        let run = test.resume().with_any_stderr().args(manner.more_args());
        if run.done_or_exits(1).code == 0 {
            break;
        }
    }
    assert_attached_once(&test);
    test.resume().requests([]).exits(0);
    kills
}

fn killed_again_and_again(manner: FailedRowTreatment) {
    let seed = env::var("CONSIGN_KILLS_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let test = manner.test();
    let began = Instant::now();
    test.import().args(["--files-per-job", "4"]).exits(0);
    let undisturbed = began.elapsed();
    let all = kills_to_make();
    let mut kills = 0;
    while kills < all {
        kills += import(manner, &mut random, undisturbed, all - kills);
    }
    assert_eq!(kills, all);
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_failed_jobs_attach_nothing() {
    killed_again_and_again(FailedRowTreatment::CheckedByUser);
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_failed_jobs_say_what_they_attached() {
    killed_again_and_again(FailedRowTreatment::ReportedByJob);
}
