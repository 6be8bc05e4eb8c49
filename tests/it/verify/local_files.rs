//! The files on this machine, which have no say in what the service holds.

use super::imported;

#[test]
fn a_file_that_is_gone_or_changed_is_said_so_and_changes_no_verdict() {
    let test = imported(4);
    test.remove("A2.pdf");
    test.write("A3.pdf", "content of B3");
    test.write("A4.pdf", "something longer than before");
    let outcomes = ["A1 match", "A2 match", "A3 match", "A4 match"];
    let outcome = test.verify().outcomes(outcomes).whatever_it_says().exits(0);
    let verified = test.verification();
    let found = ["A1", "A2", "A3", "A4"].map(|id| verified.cell(id, "local_file"));
    assert_eq!(found, ["unchanged", "gone", "changed", "changed"]);
    let said = outcome.stdout + &outcome.stderr;
    assert!(said.contains("gone") && said.contains("changed"), "{said}");
}

#[test]
fn a_file_that_was_only_touched_is_unchanged() {
    let test = imported(1);
    test.write("A1.pdf", "content of A1");
    test.verify().outcomes(["A1 match"]).exits(0);
    assert_eq!(test.verification().cell("A1", "local_file"), "unchanged");
}

#[test]
fn files_are_looked_for_below_the_root_that_is_given() {
    let test = imported(1);
    test.write("moved/A1.pdf", "content of A1");
    test.remove("A1.pdf");
    test.verify()
        .args(["--root", "moved"])
        .outcomes(["A1 match"])
        .exits(0);
    assert_eq!(test.verification().cell("A1", "local_file"), "unchanged");
}

#[test]
fn a_file_that_is_as_it_was_does_not_save_an_attachment_that_is_not() {
    let test = imported(1);
    test.service().forge("A1");
    test.verify()
        .args(["--download", "all"])
        .outcomes(["A1 content_differs"])
        .exits(1);
    assert_eq!(test.verification().cell("A1", "local_file"), "unchanged");
}
