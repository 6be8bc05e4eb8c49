//! Imports killed at each of their syncs, with and without a loss of power, and resumed to their
//! end. A job can be found by nothing but its id, so only the lines of the results keep a file from
//! being attached twice.

use std::thread;

use fastrand::Rng;

use crate::harness::{
    DiskCall, DiskFault, EXIT_CODE_KILLED, ImportTest, PowerLoss, TestDisk, assert_attached_once,
};

/// Upper bound of the number of syncs in an import of two rows.
const MORE_THAN_ALL: usize = 100;

/// Number of syncs of an import: two for the beginning of the results, at least one for each of
/// `creating`, `created`, the sending of the bytes and `uploaded`, and two for the end.
const SYNCS: usize = 8;

/// Number of ways to be killed at one sync.
const WAYS: usize = 3;

/// Kills an import at one sync in all ways, side by side. Returns the number of killed runs: a run
/// which ends earlier has no such sync.
fn killed_at(nth: usize) -> usize {
    let ways: [_; WAYS] = [
        (DiskFault::KillBefore, PowerLoss::OnlyKilled),
        (DiskFault::KillBefore, PowerLoss::AllUnsynced),
        // The bytes just synced survive; a renaming may be lost.
        (DiskFault::KillAfter, PowerLoss::AllUnsynced),
    ];
    thread::scope(|scope| {
        let killed = ways.map(|(act, loss)| scope.spawn(move || ends_well(nth, act, loss)));
        let codes = killed.map(|run| run.join().expect("its panic is shown above"));
        codes
            .iter()
            .filter(|code| **code == EXIT_CODE_KILLED)
            .count()
    })
}

/// Kills an import at one sync, and resumes the import to its end. Returns the exit code of the run
/// to be killed.
fn ends_well(nth: usize, act: DiskFault, loss: PowerLoss) -> i32 {
    println!("{act:?} sync {nth}, lost: {loss:?}");
    let test = ImportTest::with_event_rows(2);
    let disk = TestDisk::new(&test);
    let run = disk.inject_fault(test.import(), DiskCall::Sync, nth, act);
    let ended = run.killed_or_exits(0);
    disk.lose_power(loss, &mut Rng::with_seed(nth as u64));
    disk.record_calls(test.resume())
        .with_any_stderr()
        .rows(["A1 uploaded", "A2 uploaded"])
        .exits(0);
    assert_attached_once(&test);
    test.resume().requests([]).exits(0);
    ended.code
}

#[test]
fn an_import_survives_a_kill_at_each_sync() {
    let kills: Vec<usize> = (1..MORE_THAN_ALL)
        .map(killed_at)
        .take_while(|kills| *kills > 0)
        .collect();
    assert!(kills.len() >= SYNCS, "killed at {kills:?}");
    assert_eq!(kills[..SYNCS], [WAYS; SYNCS], "killed at {kills:?}");
}
