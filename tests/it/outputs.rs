//! Files written by the tool: readable for the owner alone, and never written over another
//! program's file.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::harness::{HoldMoment, ImportTest};

fn mode(test: &ImportTest, name: &str) -> u32 {
    let about = fs::symlink_metadata(test.path(name)).unwrap();
    assert!(about.is_file(), "{name}");
    about.permissions().mode() & 0o777
}

#[test]
fn nobody_else_can_read_what_a_run_leaves_and_what_it_keeps_meanwhile() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            assert_eq!(mode(running.test, "m.results.csv"), 0o600);
        })
        .exits(0);
    assert_eq!(mode(&test, "m.results.csv"), 0o600);
    test.remove("A1.pdf");
    test.check().prints("does not exist").exits(2);
    assert_eq!(mode(&test, "m.problems.csv"), 0o600);
}

#[test]
fn results_are_not_begun_where_a_symbolic_link_leads() {
    let test = ImportTest::with_rows(1);
    symlink("nowhere", test.path("m.results.csv")).unwrap();
    test.import()
        .prints("m.results.csv exists already")
        .exits(2);
    assert!(!test.path("nowhere").exists());
}

#[test]
fn the_problems_file_takes_the_place_of_a_symbolic_link_and_leaves_alone_where_it_led() {
    let test = ImportTest::with_rows(1).file("precious", "precious");
    test.remove("A1.pdf");
    symlink("precious", test.path("m.problems.csv")).unwrap();
    test.check().prints("does not exist").exits(2);
    assert_eq!(test.read("precious"), "precious");
    assert_eq!(mode(&test, "m.problems.csv"), 0o600);
}

#[test]
fn a_link_that_takes_the_place_of_the_results_while_a_run_goes_on_is_not_followed() {
    let test = ImportTest::with_rows(1)
        .with_holding_proxy()
        .file("precious", "precious");
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            running.test.remove("m.results.csv");
            symlink("precious", running.test.path("m.results.csv")).unwrap();
        })
        .leaving_a_journal()
        .prints("m.results.csv was replaced by another file while this run wrote to it")
        .exits(3);
    assert_eq!(test.read("precious"), "precious");
    assert!(test.path("m.results.csv").is_symlink());
}
