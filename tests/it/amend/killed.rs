//! Runs which replace content, correct titles and rename, killed at each of their syncs and at
//! random moments, with and without a loss of power. After every kill the old content is stored, or
//! a backup holds the old content and the journal names the attachment which waits for bytes. In
//! the end each attachment has its new content alone.
//!
//! A failure prints its seed. `CONSIGN_KILLS_SEED=17 cargo test amend::killed` repeats the choices
//! of a seed; the exact moment of a kill depends on the machine, too.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness};
use fastrand::Rng;

use super::{BACKUPS, replacing, titles_of};
use crate::harness::{
    DiskCall, DiskFault, EXIT_CODE_KILLED, ImportTest, PowerLoss, ReplacedAttachment, ResultsTable,
    TestDisk, TestRun, assert_no_content_lost, content_of, detached_ids, short_or_long,
};

/// Changes to the rows: A1 gets longer content, A2 other content of the same size, A3 a title, A4
/// and A5 another name.
const MANIFEST: &str = "file_path,object_type,object_id,external_id,title,new_external_id\n\
                        A1.pdf,contract,1,A1,,\n\
                        A2.pdf,contract,2,A2,,\n\
                        A3.pdf,contract,3,A3,Frame,\n\
                        A4.pdf,contract,4,A4,,B4\n\
                        A5.pdf,contract,5,A5,,B5\n";

const ROWS: [&str; 5] = [
    "A1 replaced",
    "A2 replaced",
    "A3 updated",
    "A4 renamed",
    "A5 renamed",
];

const NEW: [(&str, &str); 2] = [("A1", "the new content of A1"), ("A2", "CONTENT OF A2")];

/// Upper bound of the number of syncs in a run with these changes.
const MORE_THAN_ALL: usize = 100;

const UNIQUE: ExternalIdUniqueness = ExternalIdUniqueness::Unique {
    clash_status: ExternalIdClashStatus::Conflict409,
};

fn test_with(external_ids: ExternalIdUniqueness) -> ImportTest {
    ImportTest::with_rows(5)
        .configure_emulator(|settings| settings.attachments.external_id_uniqueness = external_ids)
}

/// Imports the rows, with the results durable on the disk, and then writes the changed manifest and
/// files.
fn imported(test: &ImportTest) -> TestDisk<'_> {
    let disk = TestDisk::new(test);
    disk.record_calls(test.import()).all_uploaded(5).exits(0);
    disk.lose_power(PowerLoss::OnlyKilled, &mut Rng::with_seed(0));
    for (id, content) in NEW {
        test.write(&format!("{id}.pdf"), content);
    }
    test.write("m.csv", MANIFEST);
    disk
}

fn amending(run: TestRun<'_>) -> TestRun<'_> {
    replacing(run).args(["--update", "title"])
}

fn changes() -> Vec<ReplacedAttachment> {
    let change = |((external_id, new), id): ((&str, &str), u64)| ReplacedAttachment {
        external_id: external_id.to_owned(),
        id,
        old_content: content_of(external_id),
        new_content: new.to_owned(),
    };
    NEW.into_iter().zip(1..).map(change).collect()
}

/// Resumes to the end, and checks the results and the service.
#[track_caller]
fn ends_well<'t>(disk: &TestDisk<'t>, test: &'t ImportTest) {
    disk.record_calls(amending(test.resume()))
        .with_any_stderr()
        .stored([
            ("A1", "the new content of A1"),
            ("A2", "CONTENT OF A2"),
            ("A3", "content of A3"),
            ("B4", "content of A4"),
            ("B5", "content of A5"),
        ])
        .exits(0);
    assert_eq!(titles_of(test)[2], "Frame");
    let results = test.results();
    assert_eq!(statuses(&results), ROWS);
    for change in changes() {
        let backup = results.cell(&change.external_id, "backup");
        assert_eq!(test.read(backup), change.old_content);
    }
    let log = test.service().request_log();
    for id in detached_ids(&log) {
        assert!(["A1", "A2"].contains(&id), "{id} has lost its bytes");
    }
    test.resume().requests([]).exits(0);
    assert_eq!(statuses(&test.results()), ROWS);
}

/// Returns the status of each row. Reasons differ, because a run compares content found in place.
fn statuses(results: &ResultsTable) -> Vec<String> {
    let status = |line: String| line.trim_end_matches(" same_content").to_owned();
    results
        .statuses_in_words()
        .into_iter()
        .map(status)
        .collect()
}

/// Number of ways to be killed at one sync.
const WAYS: usize = 4;

/// Kills a run at one sync in all ways, side by side. Returns the number of killed runs: a run
/// which ends earlier has no such sync.
fn killed_at(nth: usize) -> usize {
    let partial = [
        PowerLoss::TornTail,
        PowerLoss::ZeroedTail,
        PowerLoss::ZeroedHole,
    ][nth % 3];
    let ways: [_; WAYS] = [
        (DiskFault::KillBefore, PowerLoss::OnlyKilled),
        (DiskFault::KillBefore, PowerLoss::AllUnsynced),
        (DiskFault::KillBefore, partial),
        (DiskFault::KillAfter, PowerLoss::AllUnsynced),
    ];
    thread::scope(|scope| {
        let killed = ways.map(|(act, loss)| scope.spawn(move || killed_in(nth, act, loss)));
        let codes = killed.map(|run| run.join().expect("its panic is shown above"));
        codes
            .iter()
            .filter(|code| **code == EXIT_CODE_KILLED)
            .count()
    })
}

fn killed_in(nth: usize, act: DiskFault, loss: PowerLoss) -> i32 {
    println!("{act:?} sync {nth}, lost: {loss:?}");
    let mut random = Rng::with_seed(nth as u64);
    let test = test_with(UNIQUE);
    let disk = imported(&test);
    let run = disk.inject_fault(amending(test.resume()), DiskCall::Sync, nth, act);
    let ended = run.with_any_stderr().killed_or_exits(0);
    disk.lose_unsynced_files(BACKUPS, loss);
    disk.lose_power(loss, &mut random);
    assert_no_content_lost(&test, &changes());
    ends_well(&disk, &test);
    ended.code
}

#[test]
fn a_run_that_changes_attachments_survives_a_kill_at_each_of_its_syncs() {
    let kills: Vec<usize> = (1..MORE_THAN_ALL)
        .map(killed_at)
        .take_while(|kills| *kills > 0)
        .collect();
    // Two syncs for each rewriting of the results; for each replacement two for the backup and two
    // for its lines; at least one line before the title and before each new name.
    let syncs = 2 + 2 * (2 + 2) + 1 + 2 + 2;
    assert!(kills.len() >= syncs, "killed at {kills:?}");
    assert_eq!(kills[..syncs], vec![WAYS; syncs], "killed at {kills:?}");
}

/// Number of kills in each of the following tests, spread over several imports.
fn kills_to_make() -> usize {
    short_or_long(8, 40)
}

const LOSSES: [PowerLoss; 5] = [
    PowerLoss::OnlyKilled,
    PowerLoss::AllUnsynced,
    PowerLoss::TornTail,
    PowerLoss::ZeroedTail,
    PowerLoss::ZeroedHole,
];

/// Runs with changes, killed again and again, with the random choices of moments and ways.
struct AmendmentKillChain {
    external_ids: ExternalIdUniqueness,
    random: Rng,
    /// Duration of an undisturbed run on this machine.
    undisturbed: Duration,
}

impl AmendmentKillChain {
    fn new(external_ids: ExternalIdUniqueness) -> Self {
        let seed = env::var("CONSIGN_KILLS_SEED")
            .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
        println!("seed {seed}");
        let test = test_with(external_ids);
        imported(&test);
        let began = Instant::now();
        amending(test.resume())
            .with_fast_clock()
            .with_any_stderr()
            .exits(0);
        Self {
            external_ids,
            random: Rng::with_seed(seed),
            undisturbed: began.elapsed(),
        }
    }

    /// Makes the changes once, killed at most `most` times. Returns the number of kills.
    fn amend(&mut self, most: usize) -> usize {
        let test = test_with(self.external_ids);
        let disk = imported(&test);
        let mut kills = 0;
        while kills < most && self.is_killed(&disk, &test) {
            kills += 1;
        }
        ends_well(&disk, &test);
        kills
    }

    fn is_killed<'t>(&mut self, disk: &TestDisk<'t>, test: &'t ImportTest) -> bool {
        let at_once = self.random.usize(1..=5);
        let run = amending(test.import_at_once(at_once).args(["--resume"]));
        let ended = self
            .endangered(disk, run)
            .with_any_stderr()
            .killed_or_exits(0);
        let loss = self.random.choice(LOSSES).unwrap();
        println!("{at_once} at once, exit {}, lost: {loss:?}", ended.code);
        disk.lose_unsynced_files(BACKUPS, loss);
        disk.lose_power(loss, &mut self.random);
        assert_no_content_lost(test, &changes());
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
        disk.inject_fault(run, DiskCall::Sync, self.random.usize(1..=15), act)
    }
}

fn killed_again_and_again(external_ids: ExternalIdUniqueness) {
    let mut killing = AmendmentKillChain::new(external_ids);
    let all = kills_to_make();
    let mut kills = 0;
    while kills < all {
        kills += killing.amend(all - kills);
    }
    assert_eq!(kills, all);
}

#[test]
fn changes_that_are_killed_again_and_again_end_well_where_external_ids_are_unique() {
    killed_again_and_again(ExternalIdUniqueness::Unique {
        clash_status: ExternalIdClashStatus::Unprocessable422,
    });
}

#[test]
fn changes_that_are_killed_again_and_again_end_well_where_external_ids_are_not_unique() {
    killed_again_and_again(ExternalIdUniqueness::NotUnique);
}
