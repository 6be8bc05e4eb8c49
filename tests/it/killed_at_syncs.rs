//! Imports killed at each of their syncs, with and without a loss of power, and resumed to their
//! end.

use std::thread;

use consign::emulator::{ExternalIdClashStatus, ExternalIdUniqueness};
use fastrand::Rng;

use crate::harness::{
    DiskCall, DiskFault, EXIT_CODE_KILLED, ImportTest, PowerLoss, TestDisk,
    assert_stored_exactly_once,
};

const ROWS: usize = 3;

/// Upper bound of the number of syncs in an import of [`ROWS`] rows.
const MORE_THAN_ALL: usize = 100;

/// Run to be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KilledRun {
    /// First run, which creates the results.
    First,
    /// Resume after a killed first run.
    Second,
}

/// Kills an import before and after each of its syncs, and resumes each to its end.
fn killed_at_each_sync(which: KilledRun, external_ids: ExternalIdUniqueness) {
    let kills: Vec<usize> = (1..MORE_THAN_ALL)
        .map(|nth| killed_at(which, external_ids, nth))
        .take_while(|kills| *kills > 0)
        .collect();
    // Two syncs for each rewriting, two for each row before its bytes are sent (of which the second
    // run has two left), and one at least when they are confirmed: how many rows share one of
    // those is left to chance.
    let syncs = match which {
        KilledRun::First => 2 + 2 * ROWS + 1 + 2,
        KilledRun::Second => 2 + 1 + 2 + 1 + 2,
    };
    assert!(kills.len() >= syncs, "killed at {kills:?}");
    assert_eq!(kills[..syncs], vec![WAYS; syncs], "killed at {kills:?}");
}

/// Number of ways to be killed at one sync.
const WAYS: usize = 4;

/// Kills an import at one sync in all ways, side by side. Returns the number of killed runs: a run
/// which ends earlier has no such sync.
fn killed_at(which: KilledRun, external_ids: ExternalIdUniqueness, nth: usize) -> usize {
    let partial = [
        PowerLoss::TornTail,
        PowerLoss::ZeroedTail,
        PowerLoss::ZeroedHole,
    ][nth % 3];
    let ways: [_; WAYS] = [
        (DiskFault::KillBefore, PowerLoss::OnlyKilled),
        (DiskFault::KillBefore, PowerLoss::AllUnsynced),
        (DiskFault::KillBefore, partial),
        // The bytes just synced survive; a renaming may be lost.
        (DiskFault::KillAfter, PowerLoss::AllUnsynced),
    ];
    let ends = |(act, loss)| move || ends_well(which, external_ids, nth, act, loss);
    thread::scope(|scope| {
        let killed = ways.map(|way| scope.spawn(ends(way)));
        let codes = killed.map(|run| run.join().expect("its panic is shown above"));
        codes
            .iter()
            .filter(|code| **code == EXIT_CODE_KILLED)
            .count()
    })
}

/// Kills an import at one sync, and resumes the import to its end. Returns the exit code of the run
/// to be killed.
fn ends_well(
    which: KilledRun,
    external_ids: ExternalIdUniqueness,
    nth: usize,
    act: DiskFault,
    loss: PowerLoss,
) -> i32 {
    println!("{which:?} run, {external_ids:?}, {act:?} sync {nth}, lost: {loss:?}");
    let mut random = Rng::with_seed(nth as u64);
    let test = ImportTest::with_rows(ROWS)
        .configure_emulator(|settings| settings.attachments.external_id_uniqueness = external_ids);
    let disk = TestDisk::new(&test);
    let mut run = test.import();
    if which == KilledRun::Second {
        // The sixth sync makes the record of the second row durable.
        let first = disk.inject_fault(run, DiskCall::Sync, 6, DiskFault::KillAfter);
        first.exits(EXIT_CODE_KILLED);
        disk.lose_power(PowerLoss::OnlyKilled, &mut random);
        run = test.resume();
    }
    let ended = disk
        .inject_fault(run, DiskCall::Sync, nth, act)
        .killed_or_exits(0);
    disk.lose_power(loss, &mut random);
    disk.record_calls(test.resume())
        .with_any_stderr()
        .all_uploaded(ROWS)
        .exits(0);
    assert_stored_exactly_once(&test, ROWS);
    test.resume().requests([]).all_uploaded(ROWS).exits(0);
    assert_eq!(
        test.file_names(),
        ["A1.pdf", "A2.pdf", "A3.pdf", "m.csv", "m.results.csv"]
    );
    ended.code
}

const UNIQUE: ExternalIdUniqueness = ExternalIdUniqueness::Unique {
    clash_status: ExternalIdClashStatus::Conflict409,
};

#[test]
fn a_first_import_survives_a_kill_at_each_sync_where_external_ids_are_unique() {
    killed_at_each_sync(KilledRun::First, UNIQUE);
}

#[test]
fn a_first_import_survives_a_kill_at_each_sync_where_external_ids_are_not_unique() {
    killed_at_each_sync(KilledRun::First, ExternalIdUniqueness::NotUnique);
}

#[test]
fn a_resumed_import_survives_a_kill_at_each_sync_where_external_ids_are_unique() {
    killed_at_each_sync(KilledRun::Second, UNIQUE);
}

#[test]
fn a_resumed_import_survives_a_kill_at_each_sync_where_external_ids_are_not_unique() {
    killed_at_each_sync(KilledRun::Second, ExternalIdUniqueness::NotUnique);
}
