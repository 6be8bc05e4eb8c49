//! Imports of rows with the customer's own ids of records, killed at each of their syncs, with and
//! without a loss of power, and resumed to their end.

use std::fs;
use std::thread;

use consign::results::earlier_results::EarlierResults;
use fastrand::Rng;

use super::{contracts, with_objects, write_rows};
use crate::harness::{
    DiskCall, DiskFault, EXIT_CODE_KILLED, ImportTest, PowerLoss, TestDisk,
    assert_stored_exactly_once,
};

const ROWS: usize = 3;

/// Upper bound of the number of syncs in an import of [`ROWS`] rows.
const MORE_THAN_ALL: usize = 100;

/// Ways to be killed at one sync.
const WAYS: [(DiskFault, PowerLoss); 3] = [
    (DiskFault::KillBefore, PowerLoss::AllUnsynced),
    (DiskFault::KillBefore, PowerLoss::TornTail),
    (DiskFault::KillAfter, PowerLoss::AllUnsynced),
];

/// Counts the rows whose record is noted in the results, as far as the lines are believed.
fn noted_rows(test: &ImportTest) -> usize {
    let path = test.path("m.results.csv");
    let Ok(bytes) = fs::read(&path) else { return 0 };
    let earlier = EarlierResults::parse(bytes, &path).unwrap();
    let has_id = |number: &usize| {
        let entry = earlier.latest_entry(&format!("A{number}"));
        entry.is_some_and(|entry| !entry.object_id.is_empty())
    };
    (1..=ROWS).filter(has_id).count()
}

/// Kills an import at one sync, and resumes the import to its end. Returns the exit code of the
/// killed run, and the number of rows whose record was noted.
fn killed_at(nth: usize, fault: DiskFault, loss: PowerLoss) -> (i32, usize) {
    println!("{fault:?} sync {nth}, lost: {loss:?}");
    let test = with_objects(contracts(ROWS));
    write_rows(
        &test,
        &[
            ("contract", "CW-1"),
            ("contract", "CW-2"),
            ("contract", "CW-3"),
        ],
    );
    let disk = TestDisk::new(&test);
    let killed = disk
        .inject_fault(test.import(), DiskCall::Sync, nth, fault)
        .killed_or_exits(0);
    disk.lose_power(loss, &mut Rng::with_seed(nth as u64));
    let noted = noted_rows(&test);
    let resumed = disk
        .record_calls(test.resume())
        .with_any_stderr()
        .all_uploaded(ROWS)
        .exits(0);
    let asked_for = resumed
        .requests
        .iter()
        .filter(|one| one.contains("_object"));
    assert_eq!(asked_for.count(), ROWS - noted, "{:#?}", resumed.requests);
    assert_stored_exactly_once(&test, ROWS);
    (killed.code, noted)
}

#[test]
fn whenever_a_run_is_killed_the_next_one_asks_only_for_records_that_are_not_noted() {
    let mut noted_at_kills = Vec::new();
    for nth in 1..MORE_THAN_ALL {
        let ends: Vec<_> = thread::scope(|scope| {
            let runs = WAYS.map(|(fault, loss)| scope.spawn(move || killed_at(nth, fault, loss)));
            runs.map(|run| run.join().expect("its panic is shown above"))
                .into()
        });
        let killed = ends.iter().filter(|(code, _)| *code == EXIT_CODE_KILLED);
        let noted: Vec<usize> = killed.map(|(_, noted)| *noted).collect();
        if noted.is_empty() {
            break;
        }
        noted_at_kills.extend(noted);
    }
    // How many lines share a sync is left to chance.
    for noted in [0, ROWS] {
        assert!(noted_at_kills.contains(&noted), "{noted_at_kills:?}");
    }
}
