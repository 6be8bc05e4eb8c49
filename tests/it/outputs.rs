//! Files written by the tool: readable for the owner alone, and never written over another
//! program's file.

use crate::harness::{HoldMoment, ImportTest, has_mode, symlink};

/// Checks that a file is a plain file which only its owner can read.
fn assert_private(test: &ImportTest, name: &str) {
    let path = test.path(name);
    assert!(!path.is_symlink() && path.is_file(), "{name}");
    assert!(has_mode(&path, 0o600), "{name}");
}

#[test]
fn nobody_else_can_read_what_a_run_leaves_and_what_it_keeps_meanwhile() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            assert_private(running.test, "m.results.csv");
        })
        .exits(0);
    assert_private(&test, "m.results.csv");
    test.remove("A1.pdf");
    test.check().prints("does not exist").exits(2);
    assert_private(&test, "m.problems.csv");
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn results_are_not_begun_where_a_symbolic_link_leads() {
    let test = ImportTest::with_rows(1);
    symlink("nowhere", test.path("m.results.csv"));
    test.import()
        .prints("m.results.csv exists already")
        .exits(2);
    assert!(!test.path("nowhere").exists());
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn the_problems_file_takes_the_place_of_a_symbolic_link_and_leaves_alone_where_it_led() {
    let test = ImportTest::with_rows(1).file("precious", "precious");
    test.remove("A1.pdf");
    symlink("precious", test.path("m.problems.csv"));
    test.check().prints("does not exist").exits(2);
    assert_eq!(test.read("precious"), "precious");
    assert_private(&test, "m.problems.csv");
}

#[test]
#[cfg_attr(wine, ignore = "Wine 8: a symbolic link leads nowhere")]
fn a_link_that_takes_the_place_of_the_results_while_a_run_goes_on_is_not_followed() {
    let test = ImportTest::with_rows(1)
        .with_holding_proxy()
        .file("precious", "precious");
    test.import()
        .while_held(1, HoldMoment::BeforeService, |running| {
            running.test.remove("m.results.csv");
            symlink("precious", running.test.path("m.results.csv"));
        })
        .leaving_a_journal()
        .prints("m.results.csv was replaced by another file while this run wrote to it")
        .exits(3);
    assert_eq!(test.read("precious"), "precious");
    assert!(test.path("m.results.csv").is_symlink());
}
