//! Files attached already: by rows whose keys have changed since, by results given as a manifest,
//! and by another manifest in the same folder.

mod manifests;
mod records_by_external_id;
mod results_beside;

use consign::emulator::{EmulatorOperation, FaultTrigger};

use crate::harness::{
    EXIT_CODE_KILLED, FinishedRun, HoldMoment, ImportTest, MANIFEST_HEADER, OTHER_SOURCING_EVENT,
    RunningTool, SOURCING_EVENT, TestRun, status_effect,
};

/// Workday and Keelvar tests, each with two objects and four files.
fn both_services() -> [ImportTest; 2] {
    let workday = ["contract,1", "contract,2"];
    let keelvar = [SOURCING_EVENT, OTHER_SOURCING_EVENT].map(|event| event.replace(' ', ","));
    let tests = [
        (ImportTest::new(), workday.map(str::to_owned)),
        (ImportTest::for_keelvar(), keelvar),
    ];
    tests.map(|(test, objects)| {
        for number in 0..4 {
            test.write(&format!("f{number}.pdf"), format!("content {number}"));
        }
        let manifest = |ids: [&str; 4]| {
            let row = |(number, id): (usize, &str)| {
                format!("f{number}.pdf,{},{id}\n", objects[number / 2])
            };
            let rows: String = ids.into_iter().enumerate().map(row).collect();
            format!("{MANIFEST_HEADER}{rows}")
        };
        test.write("m.csv", manifest(["00010", "00011", "00012", "00013"]));
        test.write("second.csv", manifest(["10", "11", "12", "13"]));
        test
    })
}

/// Both tests, after an import of the first manifest.
fn imported() -> [ImportTest; 2] {
    let tests = both_services();
    for test in &tests {
        import(test).exits(0);
    }
    tests
}

/// Import whose notice on bidders is allowed.
fn import(test: &ImportTest) -> TestRun<'_> {
    test.import().with_any_stderr()
}

/// Replaces the first manifest by the corrected manifest.
fn mend(test: &ImportTest) {
    test.write("m.csv", test.read("second.csv"));
}

fn is_workday(test: &ImportTest) -> bool {
    test.read("m.csv").contains("contract")
}

/// Counts the stored files of either service.
fn copies(test: &ImportTest) -> usize {
    if is_workday(test) {
        test.service().stored_attachments().len()
    } else {
        test.service().attached_files().len()
    }
}

#[track_caller]
fn says_all(outcome: &FinishedRun, parts: &[&str]) {
    for part in parts {
        assert!(
            outcome.stderr.contains(part),
            "{part:?} in {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_key_that_changed_between_two_runs_stops_the_second_one_before_anything_is_sent() {
    for test in imported() {
        mend(&test);
        let contract = if is_workday(&test) {
            "contract 1"
        } else {
            SOURCING_EVENT
        };
        for more in [&["--resume"][..], &["--resume", "--dry-run"]] {
            let outcome = import(&test)
                .args(more.iter().copied())
                .requests([])
                .exits(2);
            says_all(
                &outcome,
                &[
                    "error: second copies would be attached: 4 rows have another external_id than \
                     in m.results.csv\n",
                    &format!(
                        "m.csv line 2 (row 1), column external_id: \"10\" was \"00010\" (f0.pdf, \
                         {contract})\n"
                    ),
                    "m.csv line 5 (row 4), column external_id: \"13\" was \"00013\" (f3.pdf, ",
                    "nothing was sent; write the old ids again",
                    "say --allow-again=1-4 (--allow-again alone: all rows)\n",
                ],
            );
        }
        assert_eq!(copies(&test), 4);
    }
}

#[test]
fn a_key_that_changed_in_what_nobody_sees_stops_the_second_run_too() {
    for test in imported() {
        let saved_anew = test.read("m.csv").replace('\n', "\r\n");
        test.write("m.csv", saved_anew.replace(",00010", ",00010\u{200b}"));
        import(&test).args(["--resume"]).requests([]).exits(2);
        let outcome = import(&test)
            .args(["--resume", "--allow-similar-ids"])
            .requests([])
            .exits(2);
        says_all(
            &outcome,
            &[
                "error: second copies would be attached: 1 row has another external_id than in \
                 m.results.csv\n",
                "m.csv line 2 (row 1), column external_id: \"00010\\u{200b}\" was \"00010\" (f0.pdf, ",
            ],
        );
        assert_eq!(copies(&test), 4);
    }
}

#[test]
fn a_check_finds_the_same_without_locking_the_results() {
    for test in imported() {
        mend(&test);
        let results = std::fs::File::open(test.path("m.results.csv")).unwrap();
        results.lock().unwrap();
        let outcome = test.check().with_any_stderr().exits(2);
        says_all(
            &outcome,
            &[
                "error: second copies would be attached: 4 rows have another external_id than in \
                 m.results.csv\n",
                "\"10\" was \"00010\" (f0.pdf, ",
                "say --allow-again=1-4 (",
            ],
        );
        assert!(
            outcome
                .stdout
                .contains("no errors, 0 warnings, 4 second copies\n")
        );
        assert!(!outcome.stdout.contains("nothing is wrong"));
        test.check()
            .args(["--allow-again"])
            .with_any_stderr()
            .exits(0);
    }
}

#[test]
fn a_check_compares_with_the_results_that_are_named() {
    for test in both_services() {
        import(&test).with_results("done.csv").exits(0);
        mend(&test);
        test.check()
            .args(["--results", "done.csv"])
            .prints("4 rows have another external_id than in done.csv\n")
            .exits(2);
        test.check()
            .args(["--results", "none.csv"])
            .stdout("")
            .prints("error: cannot open none.csv")
            .exits(2);
    }
}

#[test]
fn results_beside_that_cannot_be_read_are_told_by_a_check_and_stop_it_only_if_they_were_named() {
    let test = ImportTest::with_rows(1).file("m.results.csv", "something else\n");
    let told = "m.results.csv is not a results file of consign: the first line has no column \
                \"line_check\"";
    test.check()
        .prints(format!(
            "{told}; the rows are not compared with these results\n"
        ))
        .leaving_a_journal()
        .exits(0);
    test.check()
        .args(["--results", "m.results.csv"])
        .stdout("")
        .prints(format!(
            "error: {told}; name the results file that consign import wrote\n"
        ))
        .exits(2);
}

#[test]
fn a_check_tells_what_it_cannot_compare() {
    for test in imported() {
        let results = test.read("m.results.csv");
        let results = results.replacen(",00010,", ",10010,", 1);
        let kept: Vec<&str> = results.lines().take(4).collect();
        test.write("m.results.csv", kept.join("\n") + "\n");
        mend(&test);
        let outcome = test.check().with_any_stderr().exits(2);
        says_all(
            &outcome,
            &[
                "m.results.csv line 2 (external_id \"10010\") is not believed: a cell was altered: \
                 the line does not match its line_check; no row is compared with this line\n",
                "m.results.csv: 1 line was removed since it was written, and cannot be compared \
                 with the rows of the manifest\n",
                "say --allow-again=2-3 (",
            ],
        );
    }
}

#[test]
fn rows_that_are_named_are_let_through_and_the_others_still_stop() {
    for test in imported() {
        mend(&test);
        let outcome = import(&test)
            .args(["--resume", "--allow-again=2-4"])
            .requests([])
            .exits(2);
        says_all(&outcome, &["1 row has another", "say --allow-again=1 ("]);
        assert_eq!(copies(&test), 4);
        let outcome = import(&test)
            .args(["--resume", "--allow-again=1-4"])
            .allowing_second_copies()
            .exits(0);
        says_all(
            &outcome,
            &[
                "4 files are sent although a copy is attached already, as --allow-again says: rows 1-4\n",
            ],
        );
        assert_eq!(copies(&test), 8);
        // A second copy once allowed is done, and needs no option any more.
        let outcome = import(&test).args(["--resume"]).requests([]).exits(0);
        assert!(!outcome.stderr.contains("again"), "{}", outcome.stderr);
        let outcome = import(&test).args(["--resume", "--allow-again"]).exits(0);
        assert!(!outcome.stderr.contains("again"), "{}", outcome.stderr);
    }
}

#[test]
fn two_rows_with_one_file_are_two_rows_as_long_as_both_stay() {
    for test in both_services() {
        let twice = test.read("m.csv") + &test.read("second.csv")[MANIFEST_HEADER.len()..];
        // Keelvar's jobs identify files of an object by name alone.
        let twice = if is_workday(&test) {
            twice
        } else {
            test.read("m.csv")
        };
        test.write("m.csv", &twice);
        import(&test).exits(0);
        let before = copies(&test);
        test.write("f9.pdf", "content 9");
        let row = twice.lines().nth(1).unwrap().replace("f0.pdf", "f9.pdf");
        test.write("m.csv", twice + &row.replace("00010", "00019") + "\n");
        test.check().with_any_stderr().exits(0);
        import(&test).args(["--resume"]).exits(0);
        assert_eq!(copies(&test), before + 1);
    }
}

#[test]
fn a_second_row_with_the_same_file_may_be_added() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    test.write("m.csv", test.read("m.csv") + "A1.pdf,contract,1,B1\n");
    let warning = "\"A1.pdf\" goes to the same record in line 3 (row 2) as well";
    test.check().prints(warning).exits(0);
    test.resume()
        .prints(warning)
        .rows(["A1 uploaded", "B1 uploaded"])
        .exits(0);
}

#[test]
fn a_row_that_is_not_fit_to_send_keeps_its_key_in_the_manifest() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    // The first row has lost its object, and another row has its file.
    let rows = "A1.pdf,contract,,A1\nA1.pdf,contract,1,B1\n";
    test.write("m.csv", format!("{MANIFEST_HEADER}{rows}"));
    test.resume()
        .args(["--skip-invalid"])
        .prints("column object_id")
        .rows(["A1 invalid not_fit", "B1 uploaded", "A1 uploaded"])
        .exits(1);
}

#[test]
fn a_row_whose_line_says_that_nothing_was_begun_is_new() {
    let test = ImportTest::with_rows(2).inject_fault(
        EmulatorOperation::Create,
        FaultTrigger::Nth(2),
        status_effect(422),
    );
    test.import().prints("failed, refused").exits(1);
    // The refused row gets the file of the done row, which leaves the manifest.
    test.write("m.csv", format!("{MANIFEST_HEADER}A1.pdf,contract,1,A2\n"));
    test.resume()
        .stdout("")
        .prints("column external_id: \"A2\" was \"A1\" (A1.pdf, contract 1)\n")
        .requests([])
        .exits(2);
}

#[test]
fn a_row_whose_record_was_begun_under_another_key_is_one_of_ours() {
    let test = ImportTest::with_rows(1).with_holding_proxy();
    test.import()
        .while_held(3, HoldMoment::BeforeService, RunningTool::kill)
        .leaving_a_journal()
        .with_any_stderr()
        .rows(["A1 creating", "A1 created"])
        .killed_or_exits(EXIT_CODE_KILLED);
    test.write("m.csv", format!("{MANIFEST_HEADER}A1.pdf,contract,1,B1\n"));
    test.resume()
        .stdout("")
        .prints("column external_id: \"B1\" was \"A1\" (A1.pdf, contract 1)\n")
        .requests([])
        .exits(2);
}

#[test]
fn a_new_id_that_was_asked_for_is_the_same_row() {
    let test = ImportTest::with_rows(1);
    test.import().exits(0);
    let with_new = "file_path,object_type,object_id,external_id,new_external_id\n";
    test.write("m.csv", format!("{with_new}A1.pdf,contract,1,A1,B1\n"));
    test.resume().rows(["A1 renamed"]).exits(0);
    test.write("m.csv", format!("{MANIFEST_HEADER}A1.pdf,contract,1,B1\n"));
    test.check().exits(0);
    test.resume()
        .prints("1 row is no longer in the manifest")
        .rows(["B1 skipped", "A1 renamed"])
        .exits(0);
}
