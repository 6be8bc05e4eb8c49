//! Imports killed again and again, at syncs and at random moments, with and without a loss of
//! power, until they end.
//!
//! A failure prints its seed. `CONSIGN_KILLS_SEED=17 cargo test killed_often` repeats the choices
//! of a seed; the exact moment of a kill depends on the machine, too.

use std::env;
use std::time::{Duration, Instant};

use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness};
use fastrand::Rng;

use crate::harness::{
    DiskCall, DiskFault, EXIT_CODE_KILLED, ImportTest, PowerLoss, TestDisk, TestRun,
    assert_stored_exactly_once, short_or_long,
};

const ROWS: usize = 40;

/// Number of kills in each test, spread over several imports.
fn kills_to_make() -> usize {
    short_or_long(12, 120)
}

const LOSSES: [PowerLoss; 5] = [
    PowerLoss::OnlyKilled,
    PowerLoss::AllUnsynced,
    PowerLoss::TornTail,
    PowerLoss::ZeroedTail,
    PowerLoss::ZeroedHole,
];

/// Imports killed again and again, with the random choices of moments and ways.
struct KillChain {
    external_ids: ExternalIdUniqueness,
    random: Rng,
    /// Duration of an undisturbed import on this machine.
    undisturbed: Duration,
}

impl KillChain {
    fn new(external_ids: ExternalIdUniqueness) -> Self {
        let seed = env::var("CONSIGN_KILLS_SEED")
            .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
        println!("seed {seed}");
        let mut chain = Self {
            external_ids,
            random: Rng::with_seed(seed),
            undisturbed: Duration::ZERO,
        };
        let test = chain.test();
        let began = Instant::now();
        test.import().with_fast_clock().exits(0);
        chain.undisturbed = began.elapsed();
        chain
    }

    fn test(&self) -> ImportTest {
        let external_ids = self.external_ids;
        ImportTest::with_rows(ROWS).configure_emulator(|settings| {
            settings.attachments.external_id_uniqueness = external_ids;
        })
    }

    /// Kills one import at most `most` times, and resumes to the end. Returns the number of kills.
    fn import(&mut self, most: usize) -> usize {
        let test = self.test();
        let disk = TestDisk::new(&test);
        let mut kills = 0;
        while kills < most && self.is_killed(&disk, &test) {
            kills += 1;
        }
        disk.record_calls(test.resume())
            .with_any_stderr()
            .all_uploaded(ROWS)
            .exits(0);
        assert_stored_exactly_once(&test, ROWS);
        test.resume().requests([]).all_uploaded(ROWS).exits(0);
        kills
    }

    /// Runs the import once, perhaps followed by a loss of power. Returns `true` if the run was
    /// killed before its end.
    fn is_killed<'t>(&mut self, disk: &TestDisk<'t>, test: &'t ImportTest) -> bool {
        let at_once = self.random.usize(1..=16);
        let run = test.import_at_once(at_once).args(["--resume"]);
        let ended = self
            .endangered(disk, run)
            .with_any_stderr()
            .killed_or_exits(0);
        let loss = self.random.choice(LOSSES).unwrap();
        println!(
            "{at_once} rows at once, exit {}, lost: {loss:?}",
            ended.code
        );
        disk.lose_power(loss, &mut self.random);
        ended.code == EXIT_CODE_KILLED
    }

    fn endangered<'t>(&mut self, disk: &TestDisk<'t>, run: TestRun<'t>) -> TestRun<'t> {
        let act = match self.random.u8(0..4) {
            0 => DiskFault::KillBefore,
            1 => DiskFault::KillAfter,
            _ => {
                let delay = self.undisturbed.mul_f64(self.random.f64());
                return disk.record_for_power_loss(run).killed_after(delay);
            }
        };
        disk.inject_fault(run, DiskCall::Sync, self.random.usize(1..=12), act)
    }
}

fn killed_again_and_again(external_ids: ExternalIdUniqueness) {
    let mut chain = KillChain::new(external_ids);
    let all = kills_to_make();
    let mut kills = 0;
    while kills < all {
        kills += chain.import(all - kills);
    }
    assert_eq!(kills, all);
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_external_ids_are_unique() {
    killed_again_and_again(ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Unprocessable422,
    });
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_external_ids_are_not_unique() {
    killed_again_and_again(ExternalIdUniqueness::NotUnique);
}
