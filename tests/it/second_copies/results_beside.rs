//! Same files attached from another manifest, with separate results in the same folder.

use super::{both_services, copies, import, imported, is_workday, says_all};
use crate::harness::{ImportTest, TestRun};

/// Imports the second manifest, with separate results.
fn second(test: &ImportTest) -> TestRun<'_> {
    second_with(test, "second.results.csv")
}

fn second_with<'t>(test: &'t ImportTest, results: &str) -> TestRun<'t> {
    let base = test.service().base_url();
    let run = test
        .consign(["import", "second.csv", "--base-url", &base])
        .args(["--rate", "2000", "--concurrency", "8", "--skip-preflight"])
        .with_any_stderr();
    let run = if is_workday(test) {
        run
    } else {
        run.with_fast_clock()
    };
    run.with_results(results)
}

#[test]
fn files_that_another_manifest_has_attached_stop_an_import_before_anything_is_sent() {
    for test in imported() {
        for more in [&[][..], &["--dry-run"]] {
            let outcome = second(&test)
                .args(more.iter().copied())
                .requests([])
                .exits(2);
            says_all(
                &outcome,
                &[
                    "error: second copies would be attached: 4 rows have files that another import \
                     has attached, or begun to\n",
                    "second.csv line 2 (row 1), f0.pdf: row 1 of m.results.csv has \"00010\" on ",
                    "second.csv line 5 (row 4), f3.pdf: row 4 of m.results.csv has \"00013\" on ",
                    "nothing was sent; take the ids of m.results.csv, and go on with \
                     --results m.results.csv --resume, or, where second copies are \
                     meant, say --allow-again=1-4 (--allow-again alone: all rows)\n",
                ],
            );
        }
        assert_eq!(copies(&test), 4);
        assert!(
            !test.path("second.results.csv").exists(),
            "nothing was begun"
        );
        second(&test)
            .args(["--allow-again=2,4"])
            .requests([])
            .exits(2);
        second(&test)
            .args(["--allow-again=1-4"])
            .allowing_second_copies()
            .exits(0);
        assert_eq!(copies(&test), 8);
        second(&test).args(["--resume"]).requests([]).exits(0);
    }
}

#[test]
fn a_renamed_copy_of_a_manifest_is_looked_up_where_that_is_possible_and_stopped_where_it_is_not() {
    for test in imported() {
        test.write("second.csv", test.read("m.csv"));
        if is_workday(&test) {
            second(&test).exits(0);
        } else {
            let outcome = second(&test).requests([]).exits(2);
            says_all(
                &outcome,
                &["nothing was sent; go on with --results m.results.csv --resume, or"],
            );
        }
        assert_eq!(copies(&test), 4);
    }
}

#[test]
fn results_in_another_folder_have_their_neighbours_as_well() {
    for test in both_services() {
        std::fs::create_dir(test.path("out")).unwrap();
        import(&test).with_results("out/first.csv").exits(0);
        let outcome = second_with(&test, "out/second.csv").requests([]).exits(2);
        says_all(&outcome, &["row 1 of out/first.csv has \"00010\" on "]);
    }
}

#[test]
fn a_copy_of_our_own_results_counts_for_nothing() {
    for test in imported() {
        test.write("backup.csv", test.read("m.results.csv"));
        test.write("f4.pdf", "content 0");
        let row = test.read("m.csv").lines().nth(1).unwrap().to_owned();
        let row = row.replace("f0.pdf", "f4.pdf").replace("00010", "00014");
        test.write("m.csv", test.read("m.csv") + &row + "\n");
        test.check().with_any_stderr().exits(0);
        import(&test).args(["--resume"]).exits(0);
        assert_eq!(copies(&test), 5);
    }
}

#[test]
fn results_of_another_destination_say_nothing_of_this_one() {
    for (test, other) in imported().into_iter().zip(both_services()) {
        other.write("theirs.csv", test.read("m.results.csv"));
        other.write("m.csv", other.read("second.csv"));
        import(&other).exits(0);
        assert_eq!(copies(&other), 4);
    }
}

#[test]
fn a_line_beside_that_was_altered_is_named_and_not_believed() {
    for test in imported() {
        let results = test.read("m.results.csv");
        test.write("m.results.csv", results.replacen(",00010,", ",10010,", 1));
        let outcome = second(&test).requests([]).exits(2);
        says_all(
            &outcome,
            &[
                "m.results.csv line 2 (external_id \"10010\") is not believed: a cell was altered: \
                 the line does not match its line_check; no row is compared with this line\n",
                "3 rows have files that another import has attached",
                "say --allow-again=2-4 (",
            ],
        );
    }
}

#[test]
fn lines_that_were_removed_beside_are_missed() {
    for test in imported() {
        let results = test.read("m.results.csv");
        let kept: Vec<&str> = results.lines().take(4).collect();
        test.write("m.results.csv", kept.join("\n") + "\n");
        let outcome = second(&test).requests([]).exits(2);
        says_all(
            &outcome,
            &[
                "m.results.csv: 1 line was removed since it was written, and cannot be compared \
                 with the rows of the manifest\n",
                "say --allow-again=1-3 (",
            ],
        );
    }
}

#[test]
fn what_cannot_be_read_beside_is_named_and_stops_nobody() {
    use std::fs;

    use crate::harness::set_mode;

    let test = ImportTest::with_rows(1)
        .file("locked.csv", "no matter")
        .file("other.csv", "a,b\n1,2\n");
    fs::create_dir(test.path("folder.csv")).unwrap();
    set_mode(&test.path("locked.csv"), 0o000);
    let run = test.import();
    // A user who may read everything gets no message.
    let run = if fs::read(test.path("locked.csv")).is_ok() {
        run
    } else {
        run.prints("locked.csv cannot be read, and is not compared with the rows of the manifest: ")
    };
    run.all_uploaded(1).exits(0);
}

#[test]
fn a_check_without_results_of_its_own_warns_of_what_other_imports_have_attached() {
    for test in imported() {
        let outcome = test
            .consign(["check", "second.csv"])
            .with_any_stderr()
            .exits(0);
        says_all(
            &outcome,
            &[
                "warning: in an import to the same destination, second copies would be attached: 4 \
                 rows have files that another import has attached, or begun to\n",
                "second.csv line 2 (row 1), f0.pdf: row 1 of m.results.csv has \"00010\" on ",
            ],
        );
        let told = "no errors, 0 warnings, 4 possible second copies\n";
        assert!(outcome.stdout.contains(told), "{}", outcome.stdout);
    }
}

#[test]
fn a_check_with_results_of_its_own_stops_where_the_import_would() {
    for test in imported() {
        // One row of the second manifest is done under its own results.
        let whole = test.read("second.csv");
        test.write("f9.pdf", "content 9");
        let row = whole.lines().nth(1).unwrap().replace("f0.pdf", "f9.pdf");
        test.write(
            "second.csv",
            format!("{}{row}\n", crate::harness::MANIFEST_HEADER).replace(",10\n", ",19\n"),
        );
        second(&test).exits(0);
        test.write("second.csv", whole + &row.replace(",10", ",19") + "\n");
        let outcome = test
            .consign(["check", "second.csv"])
            .with_any_stderr()
            .exits(2);
        says_all(&outcome, &["say --allow-again=1-4 ("]);
        second(&test).args(["--resume"]).requests([]).exits(2);
    }
}
