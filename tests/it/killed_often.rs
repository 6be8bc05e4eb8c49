//! Imports that are killed again and again, at syncs and at random moments, with and without a loss
//! of power, until they come to their end.
//!
//! A failure prints its seed. `CONSIGN_KILLS_SEED=17 cargo test killed_often` makes the same choices
//! again; at which moment a run is killed is up to the machine, too.

use std::env;
use std::time::{Duration, Instant};

use consign::emulator::{Clash, ExternalIds};
use fastrand::Rng;

use crate::harness::{Act, Call, Disk, KILLED, Loss, Run, Test, exactly_once, short_or_long};

const ROWS: usize = 40;

/// So many kills each test makes, over as many imports as it takes.
fn kills_to_make() -> usize {
    short_or_long(12, 120)
}

const LOSSES: [Loss; 5] = [
    Loss::Nothing,
    Loss::Everything,
    Loss::Torn,
    Loss::Zeros,
    Loss::Hole,
];

/// Imports that are killed, and what decides when and how.
struct Chain {
    external_ids: ExternalIds,
    random: Rng,
    /// How long an import takes here that nobody disturbs.
    undisturbed: Duration,
}

impl Chain {
    fn new(external_ids: ExternalIds) -> Self {
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
        test.import().exits(0);
        chain.undisturbed = began.elapsed();
        chain
    }

    fn test(&self) -> Test {
        let external_ids = self.external_ids;
        Test::of_rows(ROWS).emulator(|settings| settings.attachments.external_ids = external_ids)
    }

    /// One import, killed so often at the most, and resumed to its end. Returns how often it was.
    fn import(&mut self, most: usize) -> usize {
        let test = self.test();
        let disk = Disk::under(&test);
        let mut kills = 0;
        while kills < most && self.is_killed(&disk, &test) {
            kills += 1;
        }
        disk.watch(test.resume())
            .whatever_it_says()
            .all_uploaded(ROWS)
            .exits(0);
        exactly_once(&test, ROWS);
        test.resume().requests([]).all_uploaded(ROWS).exits(0);
        kills
    }

    /// One run of it, and perhaps a loss of power. Returns whether it was killed before its end.
    fn is_killed<'t>(&mut self, disk: &Disk<'t>, test: &'t Test) -> bool {
        let at_once = self.random.usize(1..=16);
        let run = test.import_at_once(at_once).args(["--resume"]);
        let ended = self
            .endangered(disk, run)
            .whatever_it_says()
            .killed_or_exits(0);
        let loss = self.random.choice(LOSSES).unwrap();
        println!(
            "{at_once} rows at once, exit {}, lost: {loss:?}",
            ended.code
        );
        disk.lose_power(loss, &mut self.random);
        ended.code == KILLED
    }

    fn endangered<'t>(&mut self, disk: &Disk<'t>, run: Run<'t>) -> Run<'t> {
        let act = match self.random.u8(0..4) {
            0 => Act::KillBefore,
            1 => Act::KillAfter,
            _ => {
                let delay = self.undisturbed.mul_f64(self.random.f64());
                return disk.endanger(run).killed_after(delay);
            }
        };
        disk.disturb(run, Call::Sync, self.random.usize(1..=12), act)
    }
}

fn killed_again_and_again(external_ids: ExternalIds) {
    let mut chain = Chain::new(external_ids);
    let all = kills_to_make();
    let mut kills = 0;
    while kills < all {
        kills += chain.import(all - kills);
    }
    assert_eq!(kills, all);
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_external_ids_are_unique() {
    killed_again_and_again(ExternalIds::Unique {
        clash: Clash::Unprocessable422,
    });
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_well_where_external_ids_are_not_unique() {
    killed_again_and_again(ExternalIds::NotUnique);
}
