//! Results made with an emulator which lived for one run.

use crate::harness::{ImportTest, ResultsTable};

#[test]
fn what_an_emulator_held_that_is_gone_cannot_be_verified_against_another_one() {
    let test = ImportTest::with_rows(1);
    test.consign(["import", "m.csv", "--emulator"])
        .with_any_stderr()
        .exits(0);
    test.consign(["verify", ResultsTable::DEFAULT_NAME, "--emulator"])
        .prints("emulator")
        .exits(2);
    assert!(!test.path("m.results.verification.csv").exists());
}
